/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include "anomaly/anomaly.h"
#include "anomaly/flow_store.h"
#include "anomaly/ranking.h"
#include "explain/explain.h"
#include "feature/feature.h"
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>

/* What is kept of a capture until all of it has been learnt, in hand-over order. */
struct kept {
    enum { KEPT_FLOW = 1, KEPT_STATISTICS } kind;
    union {
        struct {
            struct flow_record flow;
            struct feature_vector features;
        } flow;
        struct statistics statistics;
    } as;
};

struct engine {
    struct settings settings;
    struct feature_engine *features;
    struct anomaly_model *model;
    struct flow_store *store; /* capture mode */
    struct ranking *ranking;  /* capture mode */
    struct engine_counters counters;
    uint64_t settings_hash;
    bool stands_out;
    bool has_failed;
    sensor_record_fn *on_record;
    void *context;
    struct record record; /* the one under way; large, so not on the stack */
};

static bool open_engine(struct engine *engine, const struct settings *settings)
{
    engine->settings = *settings;
    engine->settings_hash = settings_hash(settings);
    engine->stands_out = true;
    engine->features = feature_engine_open(&settings->feature);
    engine->model = anomaly_model_open(&settings->anomaly);
    if (engine->features == NULL || engine->model == NULL)
        return false;
    if (settings->anomaly.mode != ANOMALY_MODE_CAPTURE)
        return true;
    engine->store =
        flow_store_open(settings->anomaly.memory_bytes, settings->anomaly.spill_directory);
    engine->ranking = ranking_open();
    return engine->store != NULL && engine->ranking != NULL;
}

struct engine *engine_open(const struct settings *settings, sensor_record_fn *on_record,
                           void *context)
{
    struct engine *const engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->on_record = on_record;
    engine->context = context;
    if (!open_engine(engine, settings)) {
        engine_close(engine);
        return NULL;
    }
    return engine;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL)
        return;
    feature_engine_close(engine->features);
    anomaly_model_close(engine->model);
    flow_store_close(engine->store);
    ranking_close(engine->ranking);
    free(engine);
}

static void emit(struct engine *engine)
{
    engine->on_record(engine->context, &engine->record);
}

/* The scored flow is in the record: asks the baseline about the leading features and explains. */
static void emit_alert(struct engine *engine, const struct baseline_summary *baseline)
{
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
    emit(engine);
}

/* Writes the records of a scored flow, which is in engine->record but for observed and caveats. */
static void emit_flow(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const struct flow_record *const flow = &part->flow;
    engine->counters.scored++;
    engine->counters.flagged += part->verdict.is_flagged;
    engine->counters.notable += part->verdict.is_notable;
    engine->counters.cold += part->verdict.is_cold;
    engine->counters.flows_written++;
    for (unsigned d = 0; d < 2; d++) {
        engine->counters.packets_written += flow->direction[d].packets;
        engine->counters.ip_bytes_written += flow->direction[d].ip_bytes;
    }
    const bool wants_alert = part->verdict.is_flagged && engine->settings.emit_alerts;
    if (!wants_alert && !engine->settings.emit_flows)
        return;
    struct baseline_summary baseline;
    anomaly_baseline_summary(engine->model, &baseline);
    explain_flow(&part->flow, &part->features, &part->verdict, baseline.flows, part);
    engine->record.timestamp_ns = flow->notice_ns;
    if (engine->settings.emit_flows) {
        engine->record.kind = RECORD_FLOW;
        emit(engine);
    }
    if (wants_alert)
        emit_alert(engine, &baseline);
}

static void keep(struct engine *engine, const struct kept *kept, size_t size)
{
    if (!engine->has_failed && !flow_store_append(engine->store, kept, (uint32_t)size))
        engine->has_failed = true;
}

static void keep_flow(struct engine *engine, const struct flow_record *flow)
{
    struct kept kept = {.kind = KEPT_FLOW, .as.flow.flow = *flow};
    feature_measure(engine->features, flow, &kept.as.flow.features);
    anomaly_learn(engine->model, &kept.as.flow.features, flow->notice_ns);
    keep(engine, &kept, offsetof(struct kept, as) + sizeof kept.as.flow);
    engine->counters.flows_queued++;
}

static void judge_flow(struct engine *engine, const struct flow_record *flow)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){.flow = *flow};
    feature_measure(engine->features, flow, &part->features);
    anomaly_judge_online(engine->model, &part->features, flow->notice_ns, &part->verdict);
    emit_flow(engine);
}

void engine_flows(struct engine *engine, const struct flow_record *flows, size_t count)
{
    const bool is_capture = engine->settings.anomaly.mode == ANOMALY_MODE_CAPTURE;
    for (size_t i = 0; i < count; i++) {
        if (is_capture)
            keep_flow(engine, &flows[i]);
        else
            judge_flow(engine, &flows[i]);
    }
}

/* Writes the record of a snapshot with the engine's counters as they are now. */
static void emit_statistics(struct engine *engine, const struct statistics *snapshot)
{
    struct statistics *const statistics = &engine->record.as.statistics;
    *statistics = *snapshot;
    statistics->engine = engine->counters;
    statistics->engine.memory_bytes = snapshot->flows.memory_bytes;
    /* Flows kept, but handed over after this moment, are not queued yet as of it. */
    statistics->engine.flows_queued = snapshot->flows.handed_over - engine->counters.flows_written;
    feature_engine_counters(engine->features, &statistics->engine);
    anomaly_model_counters(engine->model, &statistics->engine);
    if (engine->store != NULL) {
        statistics->engine.memory_bytes += flow_store_memory_bytes(engine->store);
        statistics->engine.spilled_bytes = flow_store_spilled_bytes(engine->store);
    }
    if (engine->ranking != NULL)
        statistics->engine.memory_bytes += ranking_memory_bytes(engine->ranking);
    engine->record.kind = RECORD_STATISTICS;
    engine->record.timestamp_ns = snapshot->now_ns;
    emit(engine);
}

void engine_report(struct engine *engine, const struct statistics *snapshot)
{
    struct kept kept = {.kind = KEPT_STATISTICS, .as.statistics = *snapshot};
    if (engine->store != NULL)
        keep(engine, &kept, offsetof(struct kept, as) + sizeof kept.as.statistics);
    else
        emit_statistics(engine, snapshot);
}

/* Goes through what was kept, in order. */
static bool each_kept(struct engine *engine,
                      void (*visit)(struct engine *engine, const struct kept *kept))
{
    struct kept kept;
    uint32_t size;
    if (engine->has_failed || !flow_store_rewind(engine->store))
        return false;
    for (;;) {
        switch (flow_store_next(engine->store, &kept, sizeof kept, &size)) {
        case FLOW_STORE_ITEM:
            visit(engine, &kept);
            break;
        case FLOW_STORE_END:
            return true;
        case FLOW_STORE_ERROR:
            return false;
        }
    }
}

static void rank_kept(struct engine *engine, const struct kept *kept)
{
    if (kept->kind != KEPT_FLOW)
        return;
    struct verdict verdict;
    anomaly_score(engine->model, &kept->as.flow.features, true, &verdict);
    ranking_add(engine->ranking, verdict.score_mbits);
    anomaly_calibrate(engine->model, verdict.score_mbits);
}

static void emit_kept(struct engine *engine, const struct kept *kept)
{
    if (kept->kind == KEPT_STATISTICS) {
        emit_statistics(engine, &kept->as.statistics);
        return;
    }
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){
        .flow = kept->as.flow.flow,
        .features = kept->as.flow.features,
    };
    anomaly_score(engine->model, &part->features, true, &part->verdict);
    ranking_judge(engine->ranking, &part->verdict);
    engine->counters.flows_queued--;
    emit_flow(engine);
}

bool engine_finish(struct engine *engine, const struct statistics *snapshot)
{
    if (engine->store != NULL) {
        bool is_whole = each_kept(engine, rank_kept);
        if (is_whole) {
            ranking_finish(engine->ranking, engine->settings.anomaly.alert_share);
            engine->stands_out = ranking_stands_out(engine->ranking);
            is_whole = each_kept(engine, emit_kept);
        }
        engine->has_failed = !is_whole;
    }
    struct statistics final = *snapshot;
    final.is_final = true;
    final.stands_out = engine->stands_out;
    emit_statistics(engine, &final);
    return !engine->has_failed;
}

bool engine_save(const struct engine *engine, struct snapshot *snapshot,
                 struct snapshot_summary *summary)
{
    anomaly_model_summary(engine->model, summary);
    return snapshot_make(engine->model, engine->features, snapshot);
}

/* Into new rooms, which take the place of the old ones once all of it was good. */
bool engine_load(struct engine *engine, const struct snapshot *snapshot,
                 struct snapshot_summary *summary, char *error, size_t error_size)
{
    struct anomaly_model *model = anomaly_model_open(&engine->settings.anomaly);
    struct feature_engine *features = feature_engine_open(&engine->settings.feature);
    snprintf(error, error_size, "out of memory");
    const bool is_loaded = model != NULL && features != NULL &&
                           snapshot_read(snapshot, model, features, error, error_size);
    if (is_loaded) {
        struct anomaly_model *const old_model = engine->model;
        struct feature_engine *const old_features = engine->features;
        engine->model = model;
        engine->features = features;
        model = old_model;
        features = old_features;
        anomaly_model_summary(engine->model, summary);
    }
    anomaly_model_close(model);
    feature_engine_close(features);
    return is_loaded;
}

const char *engine_error(const struct engine *engine)
{
    return engine->store != NULL ? flow_store_error(engine->store) : "";
}

uint64_t engine_memory_bytes(const struct engine *engine)
{
    struct engine_counters counters = {0};
    feature_engine_counters(engine->features, &counters);
    anomaly_model_counters(engine->model, &counters);
    const bool is_capture = engine->settings.anomaly.mode == ANOMALY_MODE_CAPTURE;
    return counters.memory_bytes + (is_capture ? engine->settings.anomaly.memory_bytes : 0);
}
