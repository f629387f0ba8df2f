/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include "anomaly/anomaly.h"
#include "anomaly/flow_pack.h"
#include "anomaly/flow_store.h"
#include "anomaly/ranking.h"
#include "behaviour/behaviour.h"
#include "explain/counterfactual.h"
#include "explain/explain.h"
#include "feature/category.h"
#include "feature/feature.h"
#include "feature/flow_feature.h"
#include "incident/gate.h"
#include "incident/incident_table.h"
#include "snapshot.h"
#include "talkers.h"
#include "whyflow/suppress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a capture until all of it has been learnt, in hand-over order: a flow, packed, or
 * a snapshot as it is. Beyond the item's end the packed flow's reader may look. */
struct kept {
    uint8_t kind;
    uint8_t bytes[(sizeof(struct statistics) > FLOW_PACK_BYTES_MAX ? sizeof(struct statistics)
                                                                   : FLOW_PACK_BYTES_MAX)];
};
enum { KEPT_FLOW = 1, KEPT_STATISTICS };

struct engine {
    struct settings settings;
    struct feature_engine *features;
    struct behaviour_engine *behaviours;
    struct anomaly_model *model;
    struct flow_store *store; /* capture mode */
    struct flow_pack pack;    /* what the next kept flow is told by */
    struct kept kept;         /* the one under way; large, so not on the stack */
    bool parts_are_due;       /* of the flow under way only the score was made */
    struct ranking *ranking;  /* capture mode */
    struct gate gate;
    struct incident_table *incidents;
    uint64_t *muted; /* flows that each suppress rule muted; NULL: there are no rules */
    struct engine_counters counters;
    uint64_t flagged_by_feature[FEATURE_COUNT], flagged_by_behaviour[BEHAVIOUR_COUNT];
    struct talkers talkers_by_bytes, talkers_by_flows;
    uint64_t settings_hash;
    bool stands_out;
    bool has_failed;
    sensor_record_fn *on_record;
    void *context;
    struct record record;      /* the one under way; large, so not on the stack */
    struct record closing;     /* of an incident that ends while a flow is under way */
    struct incident_flow told; /* evidence of the flow under way */
};

static size_t rule_count(const struct engine *engine)
{
    return engine->settings.suppress == NULL ? 0 : engine->settings.suppress->count;
}

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

/* ---- alerts and incidents ---- */

/* The flow under explanation, for what the explain room asks. */
struct question {
    const struct anomaly_model *model;
    struct anomaly_flow flow;
};

static int32_t ask_score(const void *context, const struct feature_vector *edited)
{
    const struct question *const question = context;
    return anomaly_score_edited(question->model, &question->flow, edited);
}

static bool ask_median(const void *context, enum feature_id id, double *median)
{
    const struct question *const question = context;
    struct evidence evidence;
    anomaly_evidence(question->model, question->flow.vector, question->flow.was_learnt, id,
                     &evidence);
    *median = evidence.median;
    return evidence.has_quantiles;
}

static bool ask_category(const void *context, const struct feature_vector *vector,
                         enum feature_id id, double *code)
{
    const struct question *const question = context;
    return anomaly_usual_category(question->model, &question->flow, vector, id, code);
}

static void find_combination(const struct question *question, struct record_combination *found)
{
    *found = (struct record_combination){.is_there = false};
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        struct anomaly_beside beside;
        const enum feature_id id = (enum feature_id)j;
        if (!explain_may_combine(question->flow.vector, id) ||
            !anomaly_beside_service(question->model, &question->flow, id, &beside))
            continue;
        const struct explain_beside told = {beside.service_mbits, beside.value_mbits,
                                            beside.together_mbits, beside.service_flows};
        explain_combine(id, &told, found);
    }
}

/* What else the alert tells that only the baseline knows, as it is now. */
static void look_around(const struct engine *engine, struct incident_flow *told)
{
    const struct record_flow_part *const part = &told->part;
    const struct question question = {
        engine->model, {.vector = &part->features, .was_learnt = engine->store != NULL}};
    const struct counterfactual_baseline baseline = {
        .context = &question,
        .score = ask_score,
        .median = ask_median,
        .category = ask_category,
    };
    find_combination(&question, &told->combination);
    told->counterfactual = (struct record_counterfactual){.kind = RECORD_COUNTERFACTUAL_ABSENT};
    if (part->verdict.flagged_by == FLAGGED_BY_SURPRISE && part->verdict.has_threshold)
        counterfactual_find(part, &baseline, &told->counterfactual);
}

/* The scored flow is in the record: asks the baseline about the leading features. */
static void gather_evidence(struct engine *engine, const struct baseline_summary *baseline,
                            struct incident_flow *told)
{
    told->part = engine->record.as.flow.part;
    told->baseline = *baseline;
    told->evidence_count = explain_choose(&told->part.verdict, told->features);
    for (unsigned i = 0; i < told->evidence_count; i++)
        anomaly_evidence(engine->model, &told->part.features, engine->store != NULL,
                         (enum feature_id)told->features[i], &told->evidences[i]);
    look_around(engine, told);
}

static void emit_alert(struct engine *engine, const struct incident_flow *told,
                       struct record *record)
{
    const struct explain_basis basis = {
        .baseline = &told->baseline,
        .features = told->features,
        .evidences = told->evidences,
        .count = told->evidence_count,
        .combination = &told->combination,
        .counterfactual = &told->counterfactual,
        .settings_hash = engine->settings_hash,
        .stands_out = engine->stands_out,
    };
    explain_alert(&record->as.flow.part, &basis, &record->as.flow.explanation);
    record->kind = RECORD_ALERT;
    engine->on_record(engine->context, record);
}

/* An incident has ended: if its count was not told, its strongest flow tells it. */
static void emit_closed(struct engine *engine, const struct incident_closed *closed)
{
    struct record *const record = &engine->closing;
    if (!closed->alert_is_due || !engine->settings.emit_alerts)
        return;
    record->timestamp_ns = closed->closed_ns;
    record->as.flow.part = closed->strongest->part;
    record->as.flow.part.incident = closed->incident;
    emit_alert(engine, closed->strongest, record);
}

static void close_silent_incidents(struct engine *engine, int64_t notice_ns)
{
    struct incident_closed closed;
    while (incident_close_due(engine->incidents, notice_ns, &closed))
        emit_closed(engine, &closed);
}

/* The input has ended: what was silent long enough by then first. */
static void close_all_incidents(struct engine *engine, int64_t now_ns)
{
    struct incident_closed closed;
    while (incident_close_any(engine->incidents, now_ns, &closed))
        emit_closed(engine, &closed);
}

/* Counts the flow under way into its incident. */
static struct incident_note note_incident(struct engine *engine, const struct incident_key *key)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const int64_t notice_ns = part->flow.notice_ns;
    if (incident_is_full(engine->incidents, key)) {
        struct incident_closed closed;
        incident_close_longest_silent(engine->incidents, notice_ns, &closed);
        emit_closed(engine, &closed);
    }
    const struct incident_note note =
        incident_note(engine->incidents, key, notice_ns, part->verdict.score_mbits);
    part->incident = note.incident;
    return note;
}

/* ---- the decision ---- */

/* The suppress rule that mutes the flow if it were flagged for this; rule_count() if none does. */
static size_t find_rule(const struct engine *engine, const struct record_flow_part *part,
                        enum flagged_by flagged_by)
{
    if (rule_count(engine) == 0)
        return 0;
    const struct suppress_cause cause = {
        .flagged_by = flagged_by,
        .behaviour = (enum behaviour_id)part->finding.behaviour,
        .feature = incident_leading_feature(&part->verdict),
    };
    return suppress_find(engine->settings.suppress, &part->flow, &cause);
}

static bool is_muted(const struct engine *engine, const struct record_flow_part *part)
{
    return find_rule(engine, part, FLAGGED_BY_SURPRISE) < rule_count(engine);
}

/* What becomes of a flow that asks for an alert by one cause. */
struct answer {
    enum { ANSWER_NONE, ANSWER_SUPPRESSED, ANSWER_NOTABLE, ANSWER_FLAGGED } kind;
    enum flagged_by flagged_by;
    size_t rule; /* ANSWER_SUPPRESSED */
    struct incident_key key;
};

static struct answer ask(struct engine *engine, enum flagged_by flagged_by)
{
    const struct record_flow_part *const part = &engine->record.as.flow.part;
    struct answer answer = {
        .kind = ANSWER_SUPPRESSED,
        .flagged_by = flagged_by,
        .rule = find_rule(engine, part, flagged_by),
        .key = incident_key_of(part, flagged_by),
    };
    if (answer.rule == rule_count(engine))
        answer.kind = gate_pass(&engine->gate, engine->incidents, &answer.key) ? ANSWER_FLAGGED
                                                                               : ANSWER_NOTABLE;
    return answer;
}

/* A behaviour goes before surprise. Where it is muted or over its budget, surprise still has its
 * say: evidence must not cost an alert that there would have been without it. */
static struct answer decide(struct engine *engine)
{
    const struct record_flow_part *const part = &engine->record.as.flow.part;
    struct answer answer = {.kind = ANSWER_NONE};
    if (part->finding.behaviour != BEHAVIOUR_NONE)
        answer = ask(engine, FLAGGED_BY_BEHAVIOUR);
    if (answer.kind == ANSWER_FLAGGED || !part->verdict.is_flagged)
        return answer;
    const struct answer surprise = ask(engine, FLAGGED_BY_SURPRISE);
    return surprise.kind > answer.kind ? surprise : answer;
}

/* Decides on the flow under way; its verdict's is_flagged says so far whether its score asks. */
static struct incident_note judge(struct engine *engine)
{
    struct verdict *const verdict = &engine->record.as.flow.part.verdict;
    const struct answer answer = decide(engine);
    verdict->is_flagged = answer.kind == ANSWER_FLAGGED;
    verdict->is_notable = answer.kind == ANSWER_NOTABLE;
    verdict->is_suppressed = answer.kind == ANSWER_SUPPRESSED;
    verdict->flagged_by = (uint8_t)answer.flagged_by;
    if (answer.kind == ANSWER_SUPPRESSED)
        engine->muted[answer.rule]++;
    if (answer.kind == ANSWER_FLAGGED)
        return note_incident(engine, &answer.key);
    return (struct incident_note){.alert_is_due = false};
}

static void count_reason(struct engine *engine)
{
    const struct record_flow_part *const part = &engine->record.as.flow.part;
    if (!part->verdict.is_flagged)
        return;
    if (part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR)
        engine->flagged_by_behaviour[part->finding.behaviour]++;
    else
        engine->flagged_by_feature[incident_leading_feature(&part->verdict)]++;
}

static void count_flow(struct engine *engine)
{
    const struct record_flow_part *const part = &engine->record.as.flow.part;
    engine->counters.scored++;
    engine->counters.flagged += part->verdict.is_flagged;
    engine->counters.notable += part->verdict.is_notable;
    engine->counters.suppressed += part->verdict.is_suppressed;
    engine->counters.findings += part->finding.behaviour != BEHAVIOUR_NONE;
    engine->counters.cold += part->verdict.is_cold;
    engine->counters.flows_written++;
    uint64_t ip_bytes = 0;
    for (unsigned d = 0; d < 2; d++) {
        engine->counters.packets_written += part->flow.direction[d].packets;
        ip_bytes += part->flow.direction[d].ip_bytes;
    }
    engine->counters.ip_bytes_written += ip_bytes;
    talkers_count(&engine->talkers_by_bytes, &part->flow, ip_bytes, ip_bytes);
    talkers_count(&engine->talkers_by_flows, &part->flow, ip_bytes, 1);
    count_reason(engine);
}

/* The parts of a kept flow's score, where nobody asked for them before it was told. */
static void make_parts(struct engine *engine)
{
    struct verdict *const verdict = &engine->record.as.flow.part.verdict;
    if (!engine->parts_are_due)
        return;
    struct verdict parts;
    anomaly_score(engine->model, &engine->record.as.flow.part.features, true, &parts);
    verdict->typical_mbits = parts.typical_mbits;
    memcpy(verdict->contribution_mbits, parts.contribution_mbits, sizeof parts.contribution_mbits);
    engine->parts_are_due = false;
}

/* Writes the records of a scored flow, which is in engine->record but for observed and caveats. */
static void emit_flow(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const int64_t notice_ns = part->flow.notice_ns;
    close_silent_incidents(engine, notice_ns);
    const struct incident_note note = judge(engine);
    count_flow(engine);
    const bool wants_alert = note.alert_is_due && engine->settings.emit_alerts;
    const bool is_to_keep = note.strongest != NULL && engine->settings.emit_alerts;
    const bool wants_flow =
        engine->settings.emit_flows || (engine->settings.emit_flagged && part->verdict.is_flagged);
    if (!wants_alert && !is_to_keep && !wants_flow)
        return;
    struct baseline_summary baseline;
    make_parts(engine);
    anomaly_baseline_summary(engine->model, &baseline);
    explain_flow(&part->flow, &part->features, &part->verdict, baseline.flows, part);
    engine->record.timestamp_ns = notice_ns;
    if (wants_flow) {
        engine->record.kind = RECORD_FLOW;
        emit(engine);
    }
    if (!wants_alert && !is_to_keep)
        return;
    struct incident_flow *const told = is_to_keep ? note.strongest : &engine->told;
    gather_evidence(engine, &baseline, told);
    if (wants_alert)
        emit_alert(engine, told, &engine->record);
}

/* The kept item's first `size` bytes are made. */
static void keep(struct engine *engine, uint8_t kind, size_t size)
{
    engine->kept.kind = kind;
    const size_t whole = offsetof(struct kept, bytes) + size;
    if (!engine->has_failed && !flow_store_append(engine->store, &engine->kept, (uint32_t)whole))
        engine->has_failed = true;
}

static void keep_flow(struct engine *engine, const struct flow_record *flow)
{
    struct feature_vector features;
    struct behaviour_finding finding;
    feature_measure(engine->features, flow, &features);
    behaviour_observe(engine->behaviours, flow, &features, &finding);
    anomaly_learn(engine->model, &features, flow->notice_ns);
    const uint32_t size =
        flow_pack_write(&engine->pack, flow, &features, &finding, engine->kept.bytes);
    keep(engine, KEPT_FLOW, size);
    engine->counters.flows_queued++;
}

static void judge_flow(struct engine *engine, const struct flow_record *flow)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){.flow = *flow};
    feature_measure(engine->features, flow, &part->features);
    behaviour_observe(engine->behaviours, flow, &part->features, &part->finding);
    gate_flow(&engine->gate, flow->notice_ns);
    anomaly_judge_online(engine->model, &part->features, flow->notice_ns, gate_alpha(&engine->gate),
                         &part->verdict);
    if (!part->verdict.is_cold)
        gate_warm(&engine->gate);
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

/* The rules that muted most, most first, of equals the earlier line. */
static void count_muted(const struct engine *engine, struct engine_counters *counters)
{
    counters->suppressed_by_count = 0;
    for (size_t i = 0; i < rule_count(engine); i++) {
        const struct suppressed_by rule = {engine->settings.suppress->rules[i].line,
                                           engine->muted[i]};
        uint32_t place = counters->suppressed_by_count;
        while (place > 0 && counters->suppressed_by[place - 1].count < rule.count)
            place--;
        if (rule.count == 0 || place == STATISTICS_SUPPRESSED_BY_MAX)
            continue;
        if (counters->suppressed_by_count < STATISTICS_SUPPRESSED_BY_MAX)
            counters->suppressed_by_count++;
        for (uint32_t j = counters->suppressed_by_count - 1; j > place; j--)
            counters->suppressed_by[j] = counters->suppressed_by[j - 1];
        counters->suppressed_by[place] = rule;
    }
}

/* Most first, of equals behaviours before features, each in its list's order. */
static void insert_reason(struct engine_counters *counters, struct flagged_reason reason)
{
    uint32_t place = counters->reason_count;
    while (place > 0 && counters->reasons[place - 1].count < reason.count)
        place--;
    if (reason.count == 0 || place == STATISTICS_REASONS_MAX)
        return;
    counters->reason_count += counters->reason_count < STATISTICS_REASONS_MAX;
    for (uint32_t i = counters->reason_count - 1; i > place; i--)
        counters->reasons[i] = counters->reasons[i - 1];
    counters->reasons[place] = reason;
}

static void top_counters(const struct engine *engine, struct engine_counters *counters)
{
    for (uint8_t id = 0; id < BEHAVIOUR_COUNT; id++)
        insert_reason(counters, (struct flagged_reason){FLAGGED_BY_BEHAVIOUR, id,
                                                        engine->flagged_by_behaviour[id]});
    for (uint8_t id = 0; id < FEATURE_COUNT; id++)
        insert_reason(counters, (struct flagged_reason){FLAGGED_BY_SURPRISE, id,
                                                        engine->flagged_by_feature[id]});
    counters->top_by_bytes_count =
        talkers_top(&engine->talkers_by_bytes, TALKERS_BY_IP_BYTES, counters->top_by_bytes);
    counters->top_by_flows_count =
        talkers_top(&engine->talkers_by_flows, TALKERS_BY_FLOWS, counters->top_by_flows);
    counters->talkers_evicted =
        engine->talkers_by_bytes.replaced + engine->talkers_by_flows.replaced;
}

static void incident_counters(const struct engine *engine, struct engine_counters *counters)
{
    counters->incidents = incident_opened(engine->incidents);
    counters->incidents_evicted = incident_evicted(engine->incidents);
    counters->memory_bytes += incident_memory_bytes(engine->incidents);
    if (engine->gate.source == GATE_BUDGET)
        counters->budget = gate_budget(&engine->gate);
    count_muted(engine, counters);
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
    behaviour_counters(engine->behaviours, &statistics->engine);
    anomaly_model_counters(engine->model, &statistics->engine);
    incident_counters(engine, &statistics->engine);
    top_counters(engine, &statistics->engine);
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
    if (engine->store == NULL) {
        emit_statistics(engine, snapshot);
        return;
    }
    memcpy(engine->kept.bytes, snapshot, sizeof *snapshot);
    keep(engine, KEPT_STATISTICS, sizeof *snapshot);
}

/* Goes through what was kept, in order. */
static bool each_kept(struct engine *engine, void (*visit)(struct engine *engine))
{
    uint32_t size;
    if (engine->has_failed || !flow_store_rewind(engine->store))
        return false;
    engine->pack = (struct flow_pack){0};
    for (;;) {
        switch (flow_store_next(engine->store, &engine->kept, sizeof engine->kept, &size)) {
        case FLOW_STORE_ITEM:
            visit(engine);
            if (engine->has_failed)
                return false;
            break;
        case FLOW_STORE_END:
            return true;
        case FLOW_STORE_ERROR:
            return false;
        }
    }
}

/* What feature_measure says of the record alone, and what was packed beside it. */
static void unpack_features(const uint8_t *packed, struct record_flow_part *part)
{
    part->features = (struct feature_vector){0};
    flow_feature_measure(&part->flow, &part->features);
    category_measure(&part->flow, category_service(&part->flow), &part->features);
    flow_pack_features(packed, &part->features);
}

static int32_t next_score(struct engine *engine)
{
    int32_t score_mbits = 0;
    if (!anomaly_next_score(engine->model, &score_mbits))
        engine->has_failed = true;
    return score_mbits;
}

static void rank(struct engine *engine, bool is_muted)
{
    const int32_t score_mbits = next_score(engine);
    ranking_add(engine->ranking, score_mbits, is_muted);
    anomaly_calibrate(engine->model, score_mbits);
}

static void rank_kept(struct engine *engine)
{
    if (engine->kept.kind != KEPT_FLOW)
        return;
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const uint8_t *const packed =
        flow_pack_read(&engine->pack, engine->kept.bytes, &part->flow, &part->finding);
    unpack_features(packed, part);
    anomaly_score(engine->model, &part->features, true, &part->verdict);
    rank(engine, is_muted(engine, part));
}

/* The flows themselves are read only if rules may mute some: which, the record tells. */
static bool rank_all(struct engine *engine)
{
    if (rule_count(engine) > 0)
        return each_kept(engine, rank_kept);
    for (uint64_t i = 0; i < engine->counters.flows_queued && !engine->has_failed; i++)
        rank(engine, false);
    return !engine->has_failed;
}

/* Where nobody asks for features or for the parts of the score they are not made: both are asked
 * for of a flow that its score flags; a finding needs features to be decided on, and the parts only
 * if it is told. */
static void score_kept(struct engine *engine, const uint8_t *packed, struct record_flow_part *part)
{
    const int32_t score_mbits = next_score(engine);
    const bool wants_parts = engine->settings.emit_flows || rule_count(engine) > 0 ||
                             score_mbits >= ranking_threshold_mbits(engine->ranking);
    part->verdict.score_mbits = score_mbits;
    engine->parts_are_due = true;
    if (wants_parts || part->finding.behaviour != BEHAVIOUR_NONE)
        unpack_features(packed, part);
    if (wants_parts)
        make_parts(engine);
}

static void emit_kept(struct engine *engine)
{
    if (engine->kept.kind == KEPT_STATISTICS) {
        struct statistics snapshot;
        memcpy(&snapshot, engine->kept.bytes, sizeof snapshot);
        emit_statistics(engine, &snapshot);
        return;
    }
    struct record_flow_part *const part = &engine->record.as.flow.part;
    *part = (struct record_flow_part){0};
    const uint8_t *const packed =
        flow_pack_read(&engine->pack, engine->kept.bytes, &part->flow, &part->finding);
    score_kept(engine, packed, part);
    ranking_judge(engine->ranking, &part->verdict, is_muted(engine, part));
    engine->counters.flows_queued--;
    emit_flow(engine);
}

bool engine_finish(struct engine *engine, const struct statistics *snapshot)
{
    if (engine->store != NULL) {
        bool is_whole = rank_all(engine) && anomaly_rank_finish(engine->model);
        if (is_whole) {
            ranking_finish(engine->ranking, engine->settings.anomaly.alert_share);
            engine->stands_out = ranking_stands_out(engine->ranking);
            is_whole = each_kept(engine, emit_kept);
        }
        engine->has_failed = !is_whole;
    }
    close_all_incidents(engine, snapshot->now_ns);
    struct statistics final = *snapshot;
    final.is_final = true;
    final.stands_out = engine->stands_out;
    emit_statistics(engine, &final);
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
