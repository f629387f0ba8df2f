/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include "engine.h"
#include "flow/flow_table.h"
#include "packet/packet_decode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Flows that came as such, in the place of a table's counters and time. */
struct intake {
    bool has_time;
    uint32_t epoch;
    int64_t now_ns; /* the greatest notice time of the epoch */
    struct packet_counters packets;
    struct flow_counters flows;
};

struct pipeline {
    struct settings settings;
    struct flow_table *table;
    struct intake intake;
    struct capture_counters capture;
    uint64_t refused[PACKET_REFUSAL_COUNT]; /* by the decoder */
    int64_t start_ns, next_statistics_ns;
    struct engine *engine; /* step 3's side: the expiry thread's */
};

struct pipeline *pipeline_open(const struct settings *settings, sensor_record_fn *on_record,
                               void *context, char *error, size_t error_size)
{
    struct pipeline *const pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    pipeline->settings = *settings;
    pipeline->table = flow_table_open(&settings->flow);
    pipeline->engine = engine_open(settings, on_record, context);
    if (pipeline->table == NULL || pipeline->engine == NULL) {
        pipeline_close(pipeline);
        snprintf(error, error_size,
                 "out of memory for the tables: lower --max-flows (now %u) or --memory",
                 settings->flow.max_flows);
        return NULL;
    }
    return pipeline;
}

void pipeline_close(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    flow_table_close(pipeline->table);
    engine_close(pipeline->engine);
    free(pipeline);
}

/* ---- step 1: packets in -------------------------------------------------------------------- */

size_t pipeline_decode(struct pipeline_batch *batch, const struct frame *frames, size_t count)
{
    assert(!pipeline_batch_is_full(batch));
    const size_t first = batch->count, room = PIPELINE_BATCH_MAX - first;
    if (count > room)
        count = room;
    batch->refused +=
        packet_decode_frames(frames, count, &batch->packets[first], &batch->refusals[first]);
    batch->count += count;
    return count;
}

static void count_read(struct pipeline *pipeline, const struct pipeline_batch *batch, size_t first,
                       size_t count)
{
    pipeline->capture.read += count;
    for (size_t i = first; i < first + count; i++)
        pipeline->capture.read_bytes += batch->packets[i].frame_bytes; /* of refused ones too */
}

/* Statistics are made at sweeps, and should not come late. */
static void plan_statistics(struct pipeline *pipeline)
{
    if (pipeline->start_ns != 0 && pipeline->settings.stats_interval_ns > 0 &&
        pipeline->next_statistics_ns > flow_table_now_ns(pipeline->table))
        flow_table_sweep_by(pipeline->table, pipeline->next_statistics_ns);
}

/* The first time seen starts the run's own clock. */
static void note_start(struct pipeline *pipeline)
{
    if (pipeline->start_ns != 0 || !flow_table_has_time(pipeline->table))
        return;
    pipeline->start_ns = flow_table_now_ns(pipeline->table);
    pipeline->next_statistics_ns = pipeline->start_ns + pipeline->settings.stats_interval_ns;
    plan_statistics(pipeline);
}

/* Takes the run of accepted packets that begins at batch->taken. */
static void take_run(struct pipeline *pipeline, struct pipeline_batch *batch)
{
    const size_t first = batch->taken;
    size_t end = batch->refused == 0 ? batch->count : first;
    while (end < batch->count && batch->refusals[end] == PACKET_ACCEPTED)
        end++;
    const size_t taken = flow_table_packets(pipeline->table, &batch->packets[first], end - first);
    count_read(pipeline, batch, first, taken);
    batch->taken += taken;
}

bool pipeline_packets(struct pipeline *pipeline, struct pipeline_batch *batch)
{
    while (batch->taken < batch->count) {
        const size_t before = batch->taken;
        const enum packet_refusal refusal = batch->refusals[before];
        if (refusal == PACKET_ACCEPTED) {
            take_run(pipeline, batch);
            note_start(pipeline);
        } else {
            pipeline->refused[refusal]++;
            count_read(pipeline, batch, before, 1);
            batch->taken++;
        }
        const bool may_go_on = pipeline->settings.flow.is_live
                                   ? batch->taken > before
                                   : !flow_table_sweep_is_due(pipeline->table);
        if (!may_go_on)
            return false;
    }
    batch->count = batch->taken = batch->refused = 0;
    return true;
}

bool pipeline_end_input(struct pipeline *pipeline)
{
    return flow_table_end_input(pipeline->table);
}

void pipeline_refuse(struct pipeline *pipeline, struct pipeline_batch *batch)
{
    assert(batch->taken < batch->count);
    count_read(pipeline, batch, batch->taken, 1);
    flow_table_refuse(pipeline->table);
    batch->taken++;
}

void pipeline_set_capture(struct pipeline *pipeline, const struct capture_counters *counters)
{
    const uint64_t read = pipeline->capture.read, read_bytes = pipeline->capture.read_bytes;
    if (counters->kernel_dropped > pipeline->capture.kernel_dropped ||
        counters->interface_dropped > pipeline->capture.interface_dropped)
        flow_table_note_loss(pipeline->table);
    pipeline->capture = *counters;
    pipeline->capture.read = read;
    pipeline->capture.read_bytes = read_bytes;
}

void pipeline_advance(struct pipeline *pipeline, int64_t now_ns)
{
    flow_table_advance(pipeline->table, now_ns);
}

/* ---- flows in, instead of packets ---------------------------------------------------------- */

static void count_protocol(const struct flow_record *flow, uint64_t packets,
                           struct packet_counters *counters, struct flow_counters *flows)
{
    *(flow->ip_version == 6 ? &counters->ipv6 : &counters->ipv4) += packets;
    switch (flow->protocol) {
    case PACKET_PROTOCOL_TCP:
        counters->tcp += packets;
        flows->opened_tcp++;
        break;
    case PACKET_PROTOCOL_UDP:
        counters->udp += packets;
        flows->opened_udp++;
        break;
    case PACKET_PROTOCOL_ICMP:
        counters->icmp += packets;
        flows->opened_icmp++;
        break;
    case PACKET_PROTOCOL_ICMPV6:
        counters->icmpv6 += packets;
        flows->opened_icmp++;
        break;
    case PACKET_PROTOCOL_SCTP:
        counters->sctp += packets;
        flows->opened_other++;
        break;
    default:
        counters->other += packets;
        flows->opened_other++;
    }
}

static void count_intake(struct pipeline *pipeline, const struct flow_record *flow)
{
    struct packet_counters *const packets = &pipeline->intake.packets;
    struct flow_counters *const flows = &pipeline->intake.flows;
    uint64_t count = 0;
    for (unsigned way = 0; way < 2; way++) {
        count += flow->direction[way].packets;
        packets->ip_bytes_in_flows += flow->direction[way].ip_bytes;
        packets->frame_bytes_in_flows += flow->direction[way].frame_bytes;
        pipeline->capture.read_bytes += flow->direction[way].frame_bytes;
    }
    pipeline->capture.read += count;
    packets->in_flows += count;
    packets->vlan += flow->vlan_count > 0 ? count : 0;
    packets->fragments += flow->fragments;
    count_protocol(flow, count, packets, flows);
    flows->opened++;
    flows->handed_over++;
    flows->ended[flow->end_reason]++;
    flows->evicted += flow->end_reason == FLOW_END_RESOURCES;
}

/* Trace time is notice time here: packets that ended no flow are not known of. */
static void note_intake_time(struct pipeline *pipeline, const struct flow_record *flow)
{
    struct intake *const intake = &pipeline->intake;
    if (!intake->has_time) {
        pipeline->start_ns = flow->first_ns;
        pipeline->next_statistics_ns = flow->first_ns + pipeline->settings.stats_interval_ns;
    }
    if (intake->has_time && flow->epoch != intake->epoch)
        intake->flows.clock_steps++;
    if (!intake->has_time || flow->epoch != intake->epoch || flow->notice_ns > intake->now_ns)
        intake->now_ns = flow->notice_ns;
    intake->epoch = flow->epoch;
    intake->has_time = true;
}

void pipeline_intake(struct pipeline *pipeline, const struct flow_record *flow)
{
    count_intake(pipeline, flow);
    note_intake_time(pipeline, flow);
    pipeline_flows(pipeline, flow, 1);
}

void pipeline_refuse_intake(struct pipeline *pipeline)
{
    pipeline->capture.read++;
    pipeline->refused[PACKET_REFUSED_BAD_LINE]++;
}

/* ---- step 2: finished flows ---------------------------------------------------------------- */

bool pipeline_sweep_is_due(const struct pipeline *pipeline)
{
    return flow_table_sweep_is_due(pipeline->table);
}

bool pipeline_sweep(struct pipeline *pipeline, size_t limit)
{
    const bool is_done = flow_table_sweep(pipeline->table, limit);
    if (is_done)
        plan_statistics(pipeline);
    return is_done;
}

bool pipeline_end_flows(struct pipeline *pipeline, size_t limit)
{
    return flow_table_end(pipeline->table, limit);
}

size_t pipeline_take(struct pipeline *pipeline, struct flow_record *flows, size_t capacity)
{
    return flow_table_take(pipeline->table, flows, capacity);
}

static int64_t trace_now_ns(const struct pipeline *pipeline)
{
    return pipeline->intake.has_time ? pipeline->intake.now_ns : flow_table_now_ns(pipeline->table);
}

/* The table of such a run is empty: only its memory counts. */
static void use_intake(const struct intake *intake, struct statistics *statistics)
{
    const uint64_t memory_bytes = statistics->flows.memory_bytes;
    statistics->packets = intake->packets;
    statistics->flows = intake->flows;
    statistics->flows.memory_bytes = memory_bytes;
}

bool pipeline_statistics_are_due(const struct pipeline *pipeline)
{
    if (pipeline->settings.stats_interval_ns == 0 || pipeline->start_ns == 0)
        return false;
    const int64_t now_ns = trace_now_ns(pipeline);
    const int64_t interval_ns = pipeline->settings.stats_interval_ns;
    return now_ns >= pipeline->next_statistics_ns ||
           now_ns < pipeline->next_statistics_ns - 2 * interval_ns; /* the clock was set back */
}

void pipeline_peek(const struct pipeline *pipeline, struct statistics *statistics)
{
    *statistics = (struct statistics){
        .has_time = pipeline->intake.has_time || flow_table_has_time(pipeline->table),
        .stands_out = true,
        .start_ns = pipeline->start_ns,
        .now_ns = trace_now_ns(pipeline),
        .capture = pipeline->capture,
    };
    if (!pipeline->capture.is_live)
        statistics->capture.received = statistics->capture.read;
    flow_table_counters(pipeline->table, &statistics->packets, &statistics->flows);
    if (pipeline->intake.has_time)
        use_intake(&pipeline->intake, statistics);
    for (unsigned reason = 1; reason < PACKET_REFUSAL_COUNT; reason++)
        statistics->packets.refused[reason] += pipeline->refused[reason];
}

/* The multiple of `interval_ns` after start that comes next after now, be it before start. */
static int64_t next_multiple_ns(int64_t start_ns, int64_t now_ns, int64_t interval_ns)
{
    int64_t intervals = (now_ns - start_ns) / interval_ns;
    if (start_ns + intervals * interval_ns <= now_ns)
        intervals++;
    return start_ns + intervals * interval_ns;
}

void pipeline_snapshot(struct pipeline *pipeline, struct statistics *statistics)
{
    pipeline_peek(pipeline, statistics);
    if (pipeline->settings.stats_interval_ns > 0)
        pipeline->next_statistics_ns = next_multiple_ns(pipeline->start_ns, statistics->now_ns,
                                                        pipeline->settings.stats_interval_ns);
    plan_statistics(pipeline);
}

/* ---- step 3: records out ------------------------------------------------------------------- */

void pipeline_flows(struct pipeline *pipeline, const struct flow_record *flows, size_t count)
{
    engine_flows(pipeline->engine, flows, count);
}

void pipeline_report(struct pipeline *pipeline, const struct statistics *snapshot)
{
    engine_report(pipeline->engine, snapshot);
}

bool pipeline_finish(struct pipeline *pipeline, const struct statistics *snapshot)
{
    return engine_finish(pipeline->engine, snapshot);
}

bool pipeline_save(struct pipeline *pipeline, struct snapshot *snapshot,
                   struct snapshot_summary *summary)
{
    return engine_save(pipeline->engine, snapshot, summary);
}

bool pipeline_load(struct pipeline *pipeline, const struct snapshot *snapshot,
                   struct snapshot_summary *summary, char *error, size_t error_size)
{
    return engine_load(pipeline->engine, snapshot, summary, error, error_size);
}

const char *pipeline_error(const struct pipeline *pipeline)
{
    return engine_error(pipeline->engine);
}

uint64_t pipeline_memory_bytes(const struct pipeline *pipeline)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(pipeline->table, &packets, &flows);
    return flows.memory_bytes + engine_memory_bytes(pipeline->engine);
}
