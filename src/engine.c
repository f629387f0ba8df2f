/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_inside.h"
#include "explain/explain.h"
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>

/* Which flows may ask for an alert: a capture is ranked as a whole, a replay against a saved
 * baseline asks by share, else there is a budget. */
static enum gate_source gate_source(const struct settings *settings)
{
    if (settings->anomaly.mode == ANOMALY_MODE_CAPTURE)
        return GATE_RANKING;
    return settings->anomaly.alerts_by_share ? GATE_SHARE : GATE_BUDGET;
}

static bool open_incidents(struct engine *engine)
{
    const struct anomaly_settings *const anomaly = &engine->settings.anomaly;
    gate_init(&engine->gate, gate_source(&engine->settings), anomaly->alert_share,
              anomaly->alerts_per_hour);
    engine->incidents = incident_table_open(&engine->settings.incident);
    if (rule_count(engine) > 0)
        engine->muted = calloc(rule_count(engine), sizeof *engine->muted);
    return engine->incidents != NULL && (engine->muted != NULL || rule_count(engine) == 0);
}

static bool open_engine(struct engine *engine, const struct settings *settings)
{
    engine->settings = *settings;
    engine->settings_hash = settings_hash(settings);
    engine->stands_out = true;
    engine->features = feature_engine_open(&settings->feature);
    engine->behaviours = behaviour_open(&settings->behaviour);
    engine->model = anomaly_model_open(&settings->anomaly);
    if (engine->features == NULL || engine->behaviours == NULL || engine->model == NULL ||
        !open_incidents(engine))
        return false;
    if (settings->anomaly.mode != ANOMALY_MODE_CAPTURE)
        return true;
    const uint64_t memory_bytes = settings->anomaly.memory_bytes;
    engine->store = flow_store_open(memory_bytes - memory_bytes / ANOMALY_MEMORY_SHARE,
                                    settings->anomaly.spill_directory);
    engine->ranking = ranking_open(engine->muted != NULL);
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
    behaviour_close(engine->behaviours);
    anomaly_model_close(engine->model);
    flow_store_close(engine->store);
    ranking_close(engine->ranking);
    incident_table_close(engine->incidents);
    free(engine->muted);
    free(engine);
}

static void emit(struct engine *engine)
{
    engine->on_record(engine->context, &engine->record);
}

void engine_emit_flow(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const int64_t notice_ns = part->flow.notice_ns;
    engine_close_silent_incidents(engine, notice_ns);
    const struct incident_note note = engine_judge(engine);
    engine_count_verdict(engine);
    const bool wants_alert = note.alert_is_due && engine->settings.emit_alerts;
    const bool is_to_keep = note.strongest != NULL && engine->settings.emit_alerts;
    const bool wants_flow =
        engine->settings.emit_flows || (engine->settings.emit_flagged && part->verdict.is_flagged);
    if (!wants_alert && !is_to_keep && !wants_flow)
        return;
    struct baseline_summary baseline;
    engine_complete_flow(engine);
    anomaly_baseline_summary(engine->model, &baseline);
    explain_flow(part, baseline.flows);
    engine->record.timestamp_ns = notice_ns;
    if (wants_flow) {
        engine->record.kind = RECORD_FLOW;
        emit(engine);
    }
    if (!wants_alert && !is_to_keep)
        return;
    struct incident_flow *const told = is_to_keep ? note.strongest : &engine->told;
    engine_gather_evidence(engine, &baseline, told);
    if (wants_alert)
        engine_emit_alert(engine, told, &engine->record);
}

static void judge_flow(struct engine *engine, const struct flow_record *flow,
                       const struct feature_vector *features,
                       const struct behaviour_finding *finding)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    part->flow = *flow; /* the rest is made below, but for the incident */
    part->features = *features;
    part->finding = *finding;
    part->incident = (struct incident){.id = 0};
    gate_flow(&engine->gate, flow->notice_ns);
    anomaly_judge_online(engine->model, &part->features, flow->notice_ns, gate_alpha(&engine->gate),
                         &part->verdict);
    if (!part->verdict.is_cold)
        gate_warm(&engine->gate);
    engine_count_flows(engine, 1, flow_packets(flow), flow_ip_bytes(flow));
    engine_count_talker(engine, flow, flow_ip_bytes(flow));
    engine_emit_flow(engine);
}

/* ---- flows in, some at a time ---- */

/* So many of the flows, and their hashes. */
struct chunk {
    const struct flow_record *flows;
    struct endpoint_hashes *hashes;
    size_t count;
};

static struct chunk chunk_at(struct engine *engine, const struct flow_record *flows, size_t count,
                             size_t first)
{
    const size_t left = first < count ? count - first : 0;
    return (struct chunk){
        .flows = flows + (left > 0 ? first : 0),
        .hashes = engine->batch.hashes[first / ENGINE_CHUNK % 2],
        .count = left < ENGINE_CHUNK ? left : ENGINE_CHUNK,
    };
}

static void ask_ahead(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        feature_hash_endpoints(engine->features, &chunk->flows[i], &chunk->hashes[i]);
        feature_ask_ahead(engine->features, &chunk->hashes[i]);
        behaviour_ask_ahead(engine->behaviours, &chunk->flows[i], &chunk->hashes[i]);
    }
}

static void warm(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        feature_warm(engine->features, &chunk->hashes[i]);
        behaviour_warm(engine->behaviours, &chunk->flows[i], &chunk->hashes[i]);
    }
}

static void warm_sums(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        feature_warm_sums(engine->features, &chunk->hashes[i]);
        behaviour_warm_parts(engine->behaviours, &chunk->hashes[i]);
    }
}

static void warm_things(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++)
        feature_warm_things(engine->features, &chunk->hashes[i]);
}

static void measure(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++)
        feature_measure(engine->features, &chunk->flows[i], &chunk->hashes[i],
                        &engine->batch.features[i]);
}

static void observe(struct engine *engine, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++)
        behaviour_observe(engine->behaviours, &chunk->flows[i], &chunk->hashes[i],
                          &engine->batch.features[i], &engine->batch.findings[i]);
}

static void keep_or_judge(struct engine *engine, const struct chunk *chunk)
{
    const struct engine_batch *const batch = &engine->batch;
    if (engine->settings.anomaly.mode == ANOMALY_MODE_CAPTURE) {
        engine_keep_flows(engine, chunk->flows, chunk->count);
        return;
    }
    for (size_t i = 0; i < chunk->count; i++)
        judge_flow(engine, &chunk->flows[i], &batch->features[i], &batch->findings[i]);
}

void engine_flows(struct engine *engine, const struct flow_record *flows, size_t count)
{
    struct chunk now = chunk_at(engine, flows, count, 0);
    ask_ahead(engine, &now);
    warm(engine, &now);
    warm_sums(engine, &now);
    for (size_t first = 0; now.count > 0; first += ENGINE_CHUNK) {
        const struct chunk next = chunk_at(engine, flows, count, first + ENGINE_CHUNK);
        warm_things(engine, &now);
        ask_ahead(engine, &next);
        measure(engine, &now);
        warm(engine, &next);
        observe(engine, &now);
        warm_sums(engine, &next);
        keep_or_judge(engine, &now);
        now = next;
    }
}

void engine_emit_statistics(struct engine *engine, const struct statistics *snapshot)
{
    struct statistics *const statistics = &engine->record.as.statistics;
    *statistics = *snapshot;
    engine_fill_counters(engine, statistics);
    if (engine->store != NULL) {
        statistics->engine.memory_bytes += flow_store_memory_bytes(engine->store);
        statistics->engine.spilled_bytes += flow_store_spilled_bytes(engine->store);
    }
    if (engine->ranking != NULL)
        statistics->engine.memory_bytes += ranking_memory_bytes(engine->ranking);
    engine->record.kind = RECORD_STATISTICS;
    engine->record.timestamp_ns = snapshot->now_ns;
    emit(engine);
}

void engine_report(struct engine *engine, const struct statistics *snapshot)
{
    struct statistics with_talkers = *snapshot;
    engine_fill_talkers(engine, &with_talkers.engine);
    if (engine->store == NULL)
        engine_emit_statistics(engine, &with_talkers);
    else
        engine_keep_statistics(engine, &with_talkers);
}

bool engine_finish(struct engine *engine, const struct statistics *snapshot)
{
    if (engine->store != NULL)
        engine->has_failed = !engine_tell_capture(engine);
    engine_close_all_incidents(engine, snapshot->now_ns);
    struct statistics final = *snapshot;
    final.is_final = true;
    final.stands_out = engine->stands_out;
    engine_fill_talkers(engine, &final.engine);
    engine_emit_statistics(engine, &final);
    return !engine->has_failed;
}

bool engine_save(struct engine *engine, struct snapshot *snapshot, struct snapshot_summary *summary)
{
    anomaly_learn_all(engine->model);
    anomaly_model_summary(engine->model, summary);
    return snapshot_make(engine->model, engine->features, snapshot);
}

/* The rate of flows until there is one: the baseline's own. The bucket is as it always is before
 * the first flow: full once the model is warm, which a loaded one may be at once. */
static void expect_rate(struct engine *engine, const struct snapshot_summary *summary)
{
    const int64_t span_ns = summary->until_ns - summary->since_ns;
    if (summary->flows > 0 && span_ns > 0)
        gate_expect(&engine->gate, summary->flows, span_ns);
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
        expect_rate(engine, summary);
    }
    anomaly_model_close(model);
    feature_engine_close(features);
    return is_loaded;
}

const char *engine_error(const struct engine *engine)
{
    if (engine->store == NULL)
        return "";
    const char *const error = flow_store_error(engine->store);
    return error[0] != '\0' ? error : anomaly_error(engine->model);
}

uint64_t engine_memory_bytes(const struct engine *engine)
{
    struct engine_counters counters = {0};
    feature_engine_counters(engine->features, &counters);
    behaviour_counters(engine->behaviours, &counters);
    anomaly_model_counters(engine->model, &counters);
    counters.memory_bytes += incident_memory_bytes(engine->incidents);
    if (engine->settings.anomaly.mode != ANOMALY_MODE_CAPTURE)
        return counters.memory_bytes;
    return counters.memory_bytes + engine->settings.anomaly.memory_bytes;
}
