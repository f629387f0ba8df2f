/* SPDX-License-Identifier: Apache-2.0 */
/* The way through the rooms, as three steps. sensor.c makes them in turn on one thread, runtime.c
 * on three:
 *
 *   1. packets in       pipeline_decode (no lock), pipeline_packets          capture thread
 *   2. finished flows   pipeline_sweep, pipeline_take, pipeline_snapshot     expiry thread
 *   3. records out      pipeline_flows, pipeline_report, pipeline_finish     expiry thread
 *
 * Everything of steps 1 and 2 but pipeline_decode touches the flow table: one thread at a time, so
 * under the runtime's lock. Step 3 touches only the engine, which the expiry thread owns. */
#ifndef WHYFLOW_PIPELINE_H
#define WHYFLOW_PIPELINE_H

#include "whyflow/frame.h"
#include "whyflow/record.h"
#include "whyflow/sensor.h"
#include "whyflow/settings.h"
#include "whyflow/snapshot.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PIPELINE_BATCH_MAX = 256,
    PIPELINE_SWEEP_SLICE = 2048, /* flows that a sweep looks at while the lock is held */
    PIPELINE_TAKE_MAX = 1024,    /* flows taken at a time */
};

/* Frames decoded but not yet taken. Refused ones keep their place, so that the counters at any
 * moment of trace time do not depend on where a batch began. The capture thread's own. */
struct pipeline_batch {
    size_t count;
    size_t taken;
    size_t refused; /* of `count`; most batches have none */
    struct packet packets[PIPELINE_BATCH_MAX];
    uint8_t refusals[PIPELINE_BATCH_MAX]; /* enum packet_refusal */
};

struct pipeline;

/* NULL and one line in `error` if memory is short. Records go to on_record. */
struct pipeline *pipeline_open(const struct settings *settings, sensor_record_fn *on_record,
                               void *context, char *error, size_t error_size);
void pipeline_close(struct pipeline *pipeline); /* NULL is allowed */

/* ---- step 1 ---- */

/* Appends as many of `count` frames as there is room for to a batch that is not full, and returns
 * how many. */
size_t pipeline_decode(struct pipeline_batch *batch, const struct frame *frames, size_t count);

static inline bool pipeline_batch_is_full(const struct pipeline_batch *batch)
{
    return batch->count == PIPELINE_BATCH_MAX;
}

/* Takes the batch into flows. True: all of it was taken, and the batch is empty. False: step 2 must
 * be made first. */
bool pipeline_packets(struct pipeline *pipeline, struct pipeline_batch *batch);

/* The input has ended. False: step 2 must be made first; call again. */
bool pipeline_end_input(struct pipeline *pipeline);

/* Live, where step 2 cannot be waited for: refuses the next packet of the batch, by name. */
void pipeline_refuse(struct pipeline *pipeline, struct pipeline_batch *batch);

/* What the source says of itself; `read` and `read_bytes` are counted here and not taken. If the
 * kernel dropped more than before, open flows are marked. */
void pipeline_set_capture(struct pipeline *pipeline, const struct capture_counters *counters);

/* Live: no packet before now_ns will come any more. */
void pipeline_advance(struct pipeline *pipeline, int64_t now_ns);

/* Instead of steps 1 and 2, of a run that has no packets: a flow that another run assembled, in
 * hand-over order, is counted as read, opened, ended and handed over, and goes through step 3. */
void pipeline_intake(struct pipeline *pipeline, const struct flow_record *flow);

/* What should have been such a flow and cannot be read: refused, by name, as one packet. */
void pipeline_refuse_intake(struct pipeline *pipeline);

/* ---- step 2 ---- */

bool pipeline_sweep_is_due(const struct pipeline *pipeline);

/* Ends flows that are due, looking at no more than `limit`; true once all are ended. */
bool pipeline_sweep(struct pipeline *pipeline, size_t limit);

/* Ends all flows, due or not; call after a complete sweep. */
bool pipeline_end_flows(struct pipeline *pipeline, size_t limit);

/* Takes finished flows in hand-over order; 0 once none is ready. */
size_t pipeline_take(struct pipeline *pipeline, struct flow_record *flows, size_t capacity);

/* True once every `stats_interval_ns` of trace time. */
bool pipeline_statistics_are_due(const struct pipeline *pipeline);

/* The counters of steps 1 and 2 at this moment; the next are due an interval later. Take all flows
 * that are ready before. */
void pipeline_snapshot(struct pipeline *pipeline, struct statistics *statistics);

/* The same counters for a look in between, at any time. */
void pipeline_peek(const struct pipeline *pipeline, struct statistics *statistics);

/* ---- step 3 ---- */

/* Measures, scores and learns flows; writes their records, or keeps them until pipeline_finish. */
void pipeline_flows(struct pipeline *pipeline, const struct flow_record *flows, size_t count);

/* Adds the engine's counters to a snapshot and writes its record, in its place among the flows. */
void pipeline_report(struct pipeline *pipeline, const struct statistics *snapshot);

/* All flows are through step 2: scores what was kept and writes the final statistics. False if kept
 * flows could not be written or read back; the final statistics then say what is missing. */
bool pipeline_finish(struct pipeline *pipeline, const struct statistics *snapshot);

/* What was learnt, at any time between two calls of step 3; what waits to be learnt is learnt
 * first. False: no memory. */
bool pipeline_save(struct pipeline *pipeline, struct snapshot *snapshot,
                   struct snapshot_summary *summary);

/* Begins with what was saved: before any flow, in online mode. False, and one line in `error`: the
 * pipeline is as it was. */
bool pipeline_load(struct pipeline *pipeline, const struct snapshot *snapshot,
                   struct snapshot_summary *summary, char *error, size_t error_size);

/* One line about what failed, or "". */
const char *pipeline_error(const struct pipeline *pipeline);

/* Bytes of all tables at their limits, and of kept flows in memory. */
uint64_t pipeline_memory_bytes(const struct pipeline *pipeline);

#endif
