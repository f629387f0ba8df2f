/* SPDX-License-Identifier: Apache-2.0 */
/* The library: packets and time go in, records come out. It opens no device, reads no clock and
 * starts no thread. One sensor is one run; sensors share nothing.
 *
 *     struct settings settings;
 *     settings_default(&settings);
 *     struct sensor *sensor = sensor_open(&settings, on_record, context, error, sizeof error);
 *     while (...) sensor_frame(sensor, &frame);
 *     sensor_finish(sensor);
 *     sensor_close(sensor);
 */
#ifndef WHYFLOW_SENSOR_H
#define WHYFLOW_SENSOR_H

#include "whyflow/frame.h"
#include "whyflow/record.h"
#include "whyflow/settings.h"
#include "whyflow/snapshot.h"

#include <stdbool.h>
#include <stddef.h>

struct sensor;

/* Called for each record, in order, from within sensor_frame, sensor_flow, sensor_tick and
 * sensor_finish. The
 * record is valid during the call. */
typedef void sensor_record_fn(void *context, const struct record *record);

/* Allocates everything a run needs within the limits of `settings`, which is copied. Returns NULL
 * and one line in `error` if memory or a limit does not allow it. */
struct sensor *sensor_open(const struct settings *settings, sensor_record_fn *on_record,
                           void *context, char *error, size_t error_size);

/* Begins with a saved baseline instead of nothing; before the first frame, in online mode. False,
 * and one line in `error` says what is wrong with it: the sensor is as it was. */
bool sensor_load(struct sensor *sensor, const struct snapshot *snapshot,
                 struct snapshot_summary *summary, char *error, size_t error_size);

/* Takes one frame; its bytes are not kept. Never fails: what is not in a flow is counted. */
void sensor_frame(struct sensor *sensor, const struct frame *frame);

/* Takes a flow that another run assembled (a native `flow` line read again; a NetFlow collector's
 * record), in the place of frames: a sensor takes the one or the other. Flows come ordered by
 * (epoch, notice_ns, opening_number). Its end_reason, basis and state are set, and it has a packet;
 * what it does not know is in `unknown`. */
void sensor_flow(struct sensor *sensor, const struct flow_record *flow);

/* Counts what should have been such a flow and could not be read: refused, as one packet. */
void sensor_refuse_flow(struct sensor *sensor);

/* Says that no packet before now_ns will come any more: flows due by then are finished. For a live
 * source; in replay packet time does this. */
void sensor_tick(struct sensor *sensor, int64_t now_ns);

/* Ends the input: all flows end, remaining records and the final statistics come out. Returns false
 * if kept flows could not be read back (see sensor_error). Call once. */
bool sensor_finish(struct sensor *sensor);

/* What was learnt so far; of a capture, after sensor_finish. What waits to be learnt is learnt now,
 * so flows after this may score otherwise than without. snapshot_free it. False: no memory. */
bool sensor_save(struct sensor *sensor, struct snapshot *snapshot,
                 struct snapshot_summary *summary);

/* One line about what failed, or "". Owned by the sensor. */
const char *sensor_error(const struct sensor *sensor);

void sensor_close(struct sensor *sensor); /* NULL is allowed */

#endif
