/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine counts, and how a snapshot of counters is filled in. Called by engine.c; the
 * engine's thread. */
#include "engine_inside.h"

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

void engine_count_flow(struct engine *engine)
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
void engine_fill_counters(const struct engine *engine, struct statistics *statistics)
{
    statistics->engine = engine->counters;
    statistics->engine.memory_bytes = statistics->flows.memory_bytes;
    /* Flows kept, but handed over after this moment, are not queued yet as of it. */
    statistics->engine.flows_queued =
        statistics->flows.handed_over - engine->counters.flows_written;
    feature_engine_counters(engine->features, &statistics->engine);
    behaviour_counters(engine->behaviours, &statistics->engine);
    anomaly_model_counters(engine->model, &statistics->engine);
    incident_counters(engine, &statistics->engine);
    top_counters(engine, &statistics->engine);
}
