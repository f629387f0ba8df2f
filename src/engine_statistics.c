/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine counts, and how a snapshot of counters is filled in. Called by engine.c; the
 * engine's thread. */
#include "engine_inside.h"

#include <string.h>

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

void engine_count_verdict(struct engine *engine)
{
    const struct record_flow_part *const part = &engine->record.as.flow.part;
    engine->counters.flagged += part->verdict.is_flagged;
    engine->counters.notable += part->verdict.is_notable;
    engine->counters.suppressed += part->verdict.is_suppressed;
    engine->counters.findings += part->finding.behaviour != BEHAVIOUR_NONE;
    engine->counters.cold += part->verdict.is_cold;
    count_reason(engine);
}

void engine_count_findings(struct engine *engine, uint8_t behaviour, uint64_t count)
{
    engine->counters.flagged += count;
    engine->counters.findings += count;
    engine->flagged_by_behaviour[behaviour] += count;
}

void engine_count_flows(struct engine *engine, uint64_t flows, uint64_t packets, uint64_t ip_bytes)
{
    engine->counters.scored += flows;
    engine->counters.flows_written += flows;
    engine->counters.packets_written += packets;
    engine->counters.ip_bytes_written += ip_bytes;
}

void engine_count_talker(struct engine *engine, const struct flow_record *flow, uint64_t ip_bytes)
{
    talkers_count(&engine->talkers_by_bytes, flow, ip_bytes, ip_bytes);
    talkers_count(&engine->talkers_by_flows, flow, ip_bytes, 1);
}

enum { TOP_MAX = 16 };
_Static_assert((int)STATISTICS_SUPPRESSED_BY_MAX <= TOP_MAX &&
                   (int)STATISTICS_REASONS_MAX <= TOP_MAX,
               "both lists fit");

/* The places of the greatest of `size` counts, at most `max`: most first, of equals the earlier
 * one, none that is 0. Returns how many. */
static uint32_t top_places(const uint64_t counts[], size_t size, uint32_t max,
                           uint32_t places[TOP_MAX])
{
    uint32_t found = 0;
    for (size_t i = 0; i < size; i++) {
        uint32_t at = found;
        while (at > 0 && counts[places[at - 1]] < counts[i])
            at--;
        if (counts[i] == 0 || at == max)
            continue;
        found += found < max;
        memmove(&places[at + 1], &places[at], (found - 1 - at) * sizeof *places);
        places[at] = (uint32_t)i;
    }
    return found;
}

/* The rules that muted most. */
static void top_rules(const struct engine *engine, struct engine_counters *counters)
{
    uint32_t places[TOP_MAX];
    counters->suppressed_by_count =
        top_places(engine->muted, rule_count(engine), STATISTICS_SUPPRESSED_BY_MAX, places);
    for (uint32_t i = 0; i < counters->suppressed_by_count; i++)
        counters->suppressed_by[i] = (struct suppressed_by){
            engine->settings.suppress->rules[places[i]].line, engine->muted[places[i]]};
}

/* Of equals behaviours before features, each in its list's order. */
static void top_reasons(const struct engine *engine, struct engine_counters *counters)
{
    uint64_t counts[BEHAVIOUR_COUNT + FEATURE_COUNT];
    uint32_t places[TOP_MAX];
    memcpy(counts, engine->flagged_by_behaviour, sizeof engine->flagged_by_behaviour);
    memcpy(counts + BEHAVIOUR_COUNT, engine->flagged_by_feature, sizeof engine->flagged_by_feature);
    counters->reason_count =
        top_places(counts, BEHAVIOUR_COUNT + FEATURE_COUNT, STATISTICS_REASONS_MAX, places);
    for (uint32_t i = 0; i < counters->reason_count; i++) {
        const bool is_behaviour = places[i] < BEHAVIOUR_COUNT;
        counters->reasons[i] = (struct flagged_reason){
            .flagged_by = is_behaviour ? FLAGGED_BY_BEHAVIOUR : FLAGGED_BY_SURPRISE,
            .id = (uint8_t)(is_behaviour ? places[i] : places[i] - BEHAVIOUR_COUNT),
            .count = counts[places[i]],
        };
    }
}

void engine_fill_talkers(const struct engine *engine, struct engine_counters *counters)
{
    counters->top_by_bytes_count =
        talkers_top(&engine->talkers_by_bytes, TALKERS_BY_IP_BYTES, counters->top_by_bytes);
    counters->top_by_flows_count =
        talkers_top(&engine->talkers_by_flows, TALKERS_BY_FLOWS, counters->top_by_flows);
    counters->talkers_evicted =
        engine->talkers_by_bytes.replaced + engine->talkers_by_flows.replaced;
}

static void copy_talkers(const struct engine_counters *from, struct engine_counters *to)
{
    to->top_by_bytes_count = from->top_by_bytes_count;
    to->top_by_flows_count = from->top_by_flows_count;
    memcpy(to->top_by_bytes, from->top_by_bytes, sizeof to->top_by_bytes);
    memcpy(to->top_by_flows, from->top_by_flows, sizeof to->top_by_flows);
    to->talkers_evicted = from->talkers_evicted;
}

static void incident_counters(const struct engine *engine, struct engine_counters *counters)
{
    counters->incidents = incident_opened(engine->incidents);
    counters->incidents_evicted = incident_evicted(engine->incidents);
    counters->memory_bytes += incident_memory_bytes(engine->incidents);
    if (engine->gate.source == GATE_BUDGET)
        counters->budget = gate_budget(&engine->gate);
}
void engine_fill_counters(const struct engine *engine, struct statistics *statistics)
{
    const struct engine_counters known = statistics->engine;
    statistics->engine = engine->counters;
    copy_talkers(&known, &statistics->engine);
    statistics->engine.memory_bytes = statistics->flows.memory_bytes;
    /* Flows kept, but handed over after this moment, are not queued yet as of it. */
    statistics->engine.flows_queued =
        statistics->flows.handed_over - engine->counters.flows_written;
    feature_engine_counters(engine->features, &statistics->engine);
    behaviour_counters(engine->behaviours, &statistics->engine);
    anomaly_model_counters(engine->model, &statistics->engine);
    incident_counters(engine, &statistics->engine);
    top_rules(engine, &statistics->engine);
    top_reasons(engine, &statistics->engine);
}
