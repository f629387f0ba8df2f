/* SPDX-License-Identifier: Apache-2.0 */
/* Which flow gets an alert, and what the alert tells: suppress rules, the gate, incidents, and what
 * the baseline is asked for the words. Called by engine.c; the engine's thread. */
#include "engine_inside.h"
#include "explain/counterfactual.h"
#include "explain/explain.h"

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

void engine_gather_evidence(struct engine *engine, const struct baseline_summary *baseline,
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

void engine_emit_alert(struct engine *engine, const struct incident_flow *told,
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
    engine_emit_alert(engine, closed->strongest, record);
}

void engine_close_silent_incidents(struct engine *engine, int64_t notice_ns)
{
    struct incident_closed closed;
    while (incident_close_due(engine->incidents, notice_ns, &closed))
        emit_closed(engine, &closed);
}

void engine_close_all_incidents(struct engine *engine, int64_t now_ns)
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

size_t engine_find_rule(const struct engine *engine, const struct record_flow_part *part,
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
        .rule = engine_find_rule(engine, part, flagged_by),
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

struct incident_note engine_judge(struct engine *engine)
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
