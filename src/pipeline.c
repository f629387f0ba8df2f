/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include "anomaly/anomaly.h"
#include "anomaly/flow_store.h"
#include "anomaly/ranking.h"
#include "behaviour/behaviour.h"
#include "explain/explain.h"
#include "feature/feature.h"
#include "flow/flow_table.h"
#include "packet/packet_decode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a capture until all of it has been learnt, in hand-over order. */
struct kept {
    enum { KEPT_FLOW = 1, KEPT_STATISTICS } kind;
    union {
        struct {
            struct flow_record flow;
            struct feature_vector features;
            struct behaviour_finding finding; /* last: left out of the store where there is none */
        } flow;
        struct statistics statistics;
    } as;
};

/* Step 3's side: the expiry thread's. */
struct engine {
    struct feature_engine *features;
    struct behaviour_engine *behaviours;
    struct anomaly_model *model;
    struct flow_store *store; /* capture mode */
    struct ranking *ranking;  /* capture mode */
    struct engine_counters counters;
    uint64_t settings_hash;
    bool stands_out;
    bool has_failed;
    struct record record; /* the one under way; large, so not on the stack */
};

struct pipeline {
    struct settings settings;
    struct flow_table *table;
    struct capture_counters capture;
    uint64_t refused[PACKET_REFUSAL_COUNT]; /* by the decoder */
    int64_t start_ns, next_statistics_ns;
    struct engine engine;
    sensor_record_fn *on_record;
    void *context;
};

static bool open_engine(struct engine *engine, const struct settings *settings)
{
    engine->settings_hash = settings_hash(settings);
    engine->stands_out = true;
    engine->features = feature_engine_open(&settings->feature);
    engine->behaviours = behaviour_open(&settings->behaviour);
    engine->model = anomaly_model_open(&settings->anomaly);
    if (engine->features == NULL || engine->behaviours == NULL || engine->model == NULL)
        return false;
    if (settings->anomaly.mode != ANOMALY_MODE_CAPTURE)
        return true;
    engine->store =
        flow_store_open(settings->anomaly.memory_bytes, settings->anomaly.spill_directory);
    engine->ranking = ranking_open();
    return engine->store != NULL && engine->ranking != NULL;
}

struct pipeline *pipeline_open(const struct settings *settings, sensor_record_fn *on_record,
                               void *context, char *error, size_t error_size)
{
    struct pipeline *const pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    pipeline->settings = *settings;
    pipeline->on_record = on_record;
    pipeline->context = context;
    pipeline->table = flow_table_open(&settings->flow);
    if (pipeline->table == NULL || !open_engine(&pipeline->engine, settings)) {
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
    feature_engine_close(pipeline->engine.features);
    behaviour_close(pipeline->engine.behaviours);
    anomaly_model_close(pipeline->engine.model);
    flow_store_close(pipeline->engine.store);
    ranking_close(pipeline->engine.ranking);
    free(pipeline);
}

/* ---- step 1: packets in -------------------------------------------------------------------- */

void pipeline_decode(struct pipeline_batch *batch, const struct frame *frame)
{
    assert(!pipeline_batch_is_full(batch));
    const size_t i = batch->count++;
    batch->refusals[i] = (uint8_t)packet_decode(frame, &batch->packets[i]);
    batch->wire_bytes[i] = frame->wire_bytes;
}

static void count_read(struct pipeline *pipeline, const struct pipeline_batch *batch, size_t first,
                       size_t count)
{
    pipeline->capture.read += count;
    for (size_t i = first; i < first + count; i++)
        pipeline->capture.read_bytes += batch->wire_bytes[i];
}

/* The first time seen starts the run's own clock. */
static void note_start(struct pipeline *pipeline)
{
    if (pipeline->start_ns != 0 || !flow_table_has_time(pipeline->table))
        return;
    pipeline->start_ns = flow_table_now_ns(pipeline->table);
    pipeline->next_statistics_ns = pipeline->start_ns + pipeline->settings.stats_interval_ns;
}

/* Takes the run of accepted packets that begins at batch->taken. */
static void take_run(struct pipeline *pipeline, struct pipeline_batch *batch)
{
    const size_t first = batch->taken;
    size_t end = first;
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
    batch->count = batch->taken = 0;
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

/* ---- step 2: finished flows ---------------------------------------------------------------- */

bool pipeline_sweep_is_due(const struct pipeline *pipeline)
{
    return flow_table_sweep_is_due(pipeline->table);
}

bool pipeline_sweep(struct pipeline *pipeline, size_t limit)
{
    return flow_table_sweep(pipeline->table, limit);
}

bool pipeline_end_flows(struct pipeline *pipeline, size_t limit)
{
    return flow_table_end(pipeline->table, limit);
}

size_t pipeline_take(struct pipeline *pipeline, struct flow_record *flows, size_t capacity)
{
    return flow_table_take(pipeline->table, flows, capacity);
}

bool pipeline_statistics_are_due(const struct pipeline *pipeline)
{
    if (pipeline->settings.stats_interval_ns == 0 || pipeline->start_ns == 0)
        return false;
    const int64_t now_ns = flow_table_now_ns(pipeline->table);
    const int64_t interval_ns = pipeline->settings.stats_interval_ns;
    return now_ns >= pipeline->next_statistics_ns ||
           now_ns < pipeline->next_statistics_ns - 2 * interval_ns; /* the clock was set back */
}

void pipeline_peek(const struct pipeline *pipeline, struct statistics *statistics)
{
    *statistics = (struct statistics){
        .has_time = flow_table_has_time(pipeline->table),
        .stands_out = true,
        .start_ns = pipeline->start_ns,
        .now_ns = flow_table_now_ns(pipeline->table),
        .capture = pipeline->capture,
    };
    if (!pipeline->capture.is_live)
        statistics->capture.received = statistics->capture.read;
    flow_table_counters(pipeline->table, &statistics->packets, &statistics->flows);
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
}

/* ---- step 3: records out ------------------------------------------------------------------- */

static void emit(struct pipeline *pipeline)
{
    pipeline->on_record(pipeline->context, &pipeline->engine.record);
}

/* The scored flow is in the record: asks the baseline about the leading features and explains. */
static void emit_alert(struct pipeline *pipeline, const struct baseline_summary *baseline)
{
    struct engine *const engine = &pipeline->engine;
    struct record_flow_part *const part = &engine->record.as.flow.part;
    uint8_t features[RECORD_REASONS_MAX];
    struct evidence evidences[RECORD_REASONS_MAX];
    const unsigned count = explain_choose(&part->verdict, features);
    for (unsigned i = 0; i < count; i++)
        anomaly_evidence(engine->model, &part->features, true, (enum feature_id)features[i],
                         &evidences[i]);
    explain_alert(part, baseline, evidences, features, count, engine->settings_hash,
                  engine->stands_out, &engine->record.as.flow.explanation);
    engine->record.kind = RECORD_ALERT;
    emit(pipeline);
}

/* A flow with a finding is an alert about the evidence, however ordinary its score. */
static void judge_behaviour(const struct behaviour_finding *finding, struct verdict *verdict)
{
    if (verdict->is_flagged || verdict->is_notable)
        verdict->flagged_by = FLAGGED_BY_SURPRISE;
    if (finding->behaviour == BEHAVIOUR_NONE)
        return;
    verdict->is_flagged = true;
    verdict->is_notable = false;
    verdict->flagged_by = FLAGGED_BY_BEHAVIOUR;
}

/* Writes the records of a scored flow, which is in engine->record but for observed and caveats. */
static void emit_flow(struct pipeline *pipeline)
{
    struct engine *const engine = &pipeline->engine;
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const struct flow_record *const flow = &part->flow;
    judge_behaviour(&part->finding, &part->verdict);
    engine->counters.scored++;
    engine->counters.findings += part->finding.behaviour != BEHAVIOUR_NONE;
    engine->counters.flagged += part->verdict.is_flagged;
    engine->counters.notable += part->verdict.is_notable;
    engine->counters.cold += part->verdict.is_cold;
    engine->counters.flows_written++;
    for (unsigned d = 0; d < 2; d++) {
        engine->counters.packets_written += flow->direction[d].packets;
        engine->counters.ip_bytes_written += flow->direction[d].ip_bytes;
    }
    const bool wants_alert = part->verdict.is_flagged && pipeline->settings.emit_alerts;
    if (!wants_alert && !pipeline->settings.emit_flows)
        return;
    struct baseline_summary baseline;
    anomaly_baseline_summary(engine->model, &baseline);
    explain_flow(&part->flow, &part->features, &part->verdict, baseline.flows, part);
    engine->record.timestamp_ns = flow->notice_ns;
    if (pipeline->settings.emit_flows) {
        engine->record.kind = RECORD_FLOW;
        emit(pipeline);
    }
    if (wants_alert)
        emit_alert(pipeline, &baseline);
}

static void keep(struct engine *engine, const struct kept *kept, size_t size)
{
    if (!engine->has_failed && !flow_store_append(engine->store, kept, (uint32_t)size))
        engine->has_failed = true;
}

static void keep_flow(struct pipeline *pipeline, const struct flow_record *flow)
{
    struct engine *const engine = &pipeline->engine;
    struct kept kept = {.kind = KEPT_FLOW, .as.flow.flow = *flow};
    feature_measure(engine->features, flow, &kept.as.flow.features);
    behaviour_observe(engine->behaviours, flow, &kept.as.flow.features, &kept.as.flow.finding);
    anomaly_learn(engine->model, &kept.as.flow.features, flow->notice_ns);
    const bool has_finding = kept.as.flow.finding.behaviour != BEHAVIOUR_NONE;
    keep(engine, &kept,
         has_finding ? offsetof(struct kept, as) + sizeof kept.as.flow
                     : offsetof(struct kept, as.flow.finding));
    engine->counters.flows_queued++;
}

static void judge_flow(struct pipeline *pipeline, const struct flow_record *flow)
{
    struct engine *const engine = &pipeline->engine;
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){.flow = *flow};
    feature_measure(engine->features, flow, &part->features);
    behaviour_observe(engine->behaviours, flow, &part->features, &part->finding);
    anomaly_judge_online(engine->model, &part->features, flow->notice_ns, &part->verdict);
    emit_flow(pipeline);
}

void pipeline_flows(struct pipeline *pipeline, const struct flow_record *flows, size_t count)
{
    const bool is_capture = pipeline->settings.anomaly.mode == ANOMALY_MODE_CAPTURE;
    for (size_t i = 0; i < count; i++) {
        if (is_capture)
            keep_flow(pipeline, &flows[i]);
        else
            judge_flow(pipeline, &flows[i]);
    }
}

/* Writes the record of a snapshot with the engine's counters as they are now. */
static void emit_statistics(struct pipeline *pipeline, const struct statistics *snapshot)
{
    struct engine *const engine = &pipeline->engine;
    struct statistics *const statistics = &engine->record.as.statistics;
    *statistics = *snapshot;
    statistics->engine = engine->counters;
    statistics->engine.memory_bytes = snapshot->flows.memory_bytes;
    /* Flows kept, but handed over after this moment, are not queued yet as of it. */
    statistics->engine.flows_queued = snapshot->flows.handed_over - engine->counters.flows_written;
    feature_engine_counters(engine->features, &statistics->engine);
    behaviour_counters(engine->behaviours, &statistics->engine);
    anomaly_model_counters(engine->model, &statistics->engine);
    if (engine->store != NULL) {
        statistics->engine.memory_bytes += flow_store_memory_bytes(engine->store);
        statistics->engine.spilled_bytes = flow_store_spilled_bytes(engine->store);
    }
    if (engine->ranking != NULL)
        statistics->engine.memory_bytes += ranking_memory_bytes(engine->ranking);
    engine->record.kind = RECORD_STATISTICS;
    engine->record.timestamp_ns = snapshot->now_ns;
    emit(pipeline);
}

void pipeline_report(struct pipeline *pipeline, const struct statistics *snapshot)
{
    struct kept kept = {.kind = KEPT_STATISTICS, .as.statistics = *snapshot};
    if (pipeline->engine.store != NULL)
        keep(&pipeline->engine, &kept, offsetof(struct kept, as) + sizeof kept.as.statistics);
    else
        emit_statistics(pipeline, snapshot);
}

/* Goes through what was kept, in order. */
static bool each_kept(struct pipeline *pipeline,
                      void (*visit)(struct pipeline *pipeline, const struct kept *kept))
{
    struct engine *const engine = &pipeline->engine;
    struct kept kept;
    uint32_t size;
    if (engine->has_failed || !flow_store_rewind(engine->store))
        return false;
    for (;;) {
        kept.as.flow.finding = (struct behaviour_finding){.behaviour = BEHAVIOUR_NONE};
        switch (flow_store_next(engine->store, &kept, sizeof kept, &size)) {
        case FLOW_STORE_ITEM:
            visit(pipeline, &kept);
            break;
        case FLOW_STORE_END:
            return true;
        case FLOW_STORE_ERROR:
            return false;
        }
    }
}

static void rank_kept(struct pipeline *pipeline, const struct kept *kept)
{
    if (kept->kind != KEPT_FLOW)
        return;
    struct verdict verdict;
    anomaly_score(pipeline->engine.model, &kept->as.flow.features, true, &verdict);
    ranking_add(pipeline->engine.ranking, verdict.score_mbits);
}

static void emit_kept(struct pipeline *pipeline, const struct kept *kept)
{
    struct engine *const engine = &pipeline->engine;
    if (kept->kind == KEPT_STATISTICS) {
        emit_statistics(pipeline, &kept->as.statistics);
        return;
    }
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){
        .flow = kept->as.flow.flow,
        .features = kept->as.flow.features,
        .finding = kept->as.flow.finding,
    };
    anomaly_score(engine->model, &part->features, true, &part->verdict);
    ranking_judge(engine->ranking, &part->verdict);
    engine->counters.flows_queued--;
    emit_flow(pipeline);
}

bool pipeline_finish(struct pipeline *pipeline, const struct statistics *snapshot)
{
    struct engine *const engine = &pipeline->engine;
    if (engine->store != NULL) {
        bool is_whole = each_kept(pipeline, rank_kept);
        if (is_whole) {
            ranking_finish(engine->ranking, pipeline->settings.anomaly.alert_share);
            engine->stands_out = ranking_stands_out(engine->ranking);
            is_whole = each_kept(pipeline, emit_kept);
        }
        engine->has_failed = !is_whole;
    }
    struct statistics final = *snapshot;
    final.is_final = true;
    final.stands_out = engine->stands_out;
    emit_statistics(pipeline, &final);
    return !engine->has_failed;
}

const char *pipeline_error(const struct pipeline *pipeline)
{
    return pipeline->engine.store != NULL ? flow_store_error(pipeline->engine.store) : "";
}

uint64_t pipeline_memory_bytes(const struct pipeline *pipeline)
{
    struct packet_counters packets;
    struct flow_counters flows;
    struct engine_counters engine = {0};
    flow_table_counters(pipeline->table, &packets, &flows);
    feature_engine_counters(pipeline->engine.features, &engine);
    behaviour_counters(pipeline->engine.behaviours, &engine);
    anomaly_model_counters(pipeline->engine.model, &engine);
    const bool is_capture = pipeline->settings.anomaly.mode == ANOMALY_MODE_CAPTURE;
    return flows.memory_bytes + engine.memory_bytes +
           (is_capture ? pipeline->settings.anomaly.memory_bytes : 0);
}
