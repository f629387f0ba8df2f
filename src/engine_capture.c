/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that learns a whole capture before it tells of any flow: flows and snapshots are kept,
 * packed, in hand-over order; then all are ranked, and told in that order. Called by engine.c; the
 * engine's thread. */
#include "engine_inside.h"

#include <stddef.h>
#include <string.h>

/* ---- keeping ---- */

static void keep(struct engine *engine, size_t size)
{
    if (!engine->has_failed && !flow_store_append(engine->store, &engine->kept, (uint32_t)size))
        engine->has_failed = true;
}

static void keep_batch(struct engine *engine)
{
    struct kept_flows *const kept = &engine->kept.as.flows;
    if (engine->kept.kind != KEPT_FLOWS || kept->count == 0)
        return;
    const size_t stories_size = kept->story_count * sizeof *engine->stories;
    memcpy(&kept->bytes[kept->size], engine->stories, stories_size);
    keep(engine, offsetof(struct kept, as.flows.bytes) + kept->size + stories_size);
    kept->count = 0;
}

static void begin_batch(struct engine *engine, int64_t notice_ns)
{
    struct kept_flows *const kept = &engine->kept.as.flows;
    engine->kept.kind = KEPT_FLOWS;
    kept->count = kept->size = 0;
    kept->packets = kept->ip_bytes = 0;
    kept->first_notice_ns = notice_ns;
    kept->story_count = 0;
    engine->pack = (struct flow_pack){0};
}

/* The place of a story in the batch; of any that has none the last one. */
static uint32_t find_story(struct engine *engine, const struct incident_key *key)
{
    uint32_t *const count = &engine->kept.as.flows.story_count;
    uint32_t place = 0;
    while (place < *count && place < KEPT_STORIES_MAX &&
           memcmp(&engine->stories[place].key, key, sizeof *key) != 0)
        place++;
    if (place == *count)
        engine->stories[(*count)++] = (struct incident_run){.key = *key};
    return place;
}

/* 1 + the place of the flow's story; 0: it has no finding. */
static uint32_t keep_finding(struct engine *engine, const struct flow_record *flow,
                             const struct feature_vector *features,
                             const struct behaviour_finding *finding)
{
    if (finding->behaviour == BEHAVIOUR_NONE)
        return 0;
    const struct incident_key key = incident_key_of_finding(flow, features, finding);
    const uint32_t place = find_story(engine, &key);
    engine->stories[place].count++;
    engine->stories[place].last_ns = flow->notice_ns;
    return 1 + place;
}

static void keep_flow(struct engine *engine, const struct flow_record *flow,
                      const struct feature_vector *features,
                      const struct behaviour_finding *finding)
{
    struct kept_flows *const kept = &engine->kept.as.flows;
    const uint64_t ip_bytes = flow_ip_bytes(flow);
    const bool is_open = engine->kept.kind == KEPT_FLOWS && kept->count > 0;
    if (is_open && flow->notice_ns < kept->last_notice_ns)
        keep_batch(engine);
    if (!is_open || kept->count == 0)
        begin_batch(engine, flow->notice_ns);
    uint8_t *const to = &kept->bytes[kept->size];
    const uint32_t size =
        flow_pack_write(&engine->pack, flow, features, finding, to + KEPT_SIZE_BYTES);
    const uint32_t story = keep_finding(engine, flow, features, finding);
    const uint16_t head = (uint16_t)(size | story << KEPT_STORY_SHIFT);
    memcpy(to, &head, KEPT_SIZE_BYTES);
    kept->size += KEPT_SIZE_BYTES + size;
    kept->packets += flow_packets(flow);
    kept->ip_bytes += ip_bytes;
    kept->last_notice_ns = flow->notice_ns;
    engine_count_talker(engine, flow, ip_bytes);
    if (++kept->count == KEPT_FLOWS_MAX || kept->size > KEPT_BYTES)
        keep_batch(engine);
}

void engine_keep_flows(struct engine *engine, const struct flow_record *flows, size_t count)
{
    const struct engine_batch *const batch = &engine->batch;
    for (size_t i = 0; i < count; i++)
        anomaly_learn(engine->model, &batch->features[i], flows[i].notice_ns);
    for (size_t i = 0; i < count; i++)
        keep_flow(engine, &flows[i], &batch->features[i], &batch->findings[i]);
    engine->counters.flows_queued += count;
}

void engine_keep_statistics(struct engine *engine, const struct statistics *snapshot)
{
    keep_batch(engine);
    engine->kept.kind = KEPT_STATISTICS;
    engine->kept.as.statistics = *snapshot;
    keep(engine, offsetof(struct kept, as) + sizeof *snapshot);
}

/* ---- going through what was kept ---- */

static bool is_muted(const struct engine *engine, const struct record_flow_part *part)
{
    return engine_find_rule(engine, part, FLAGGED_BY_SURPRISE) < rule_count(engine);
}

/* Goes through what was kept, in order. */
static bool each_kept(struct engine *engine, void (*visit)(struct engine *engine))
{
    uint32_t size;
    if (engine->has_failed || !flow_store_rewind(engine->store))
        return false;
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

/* Goes through the flows of the batch under way: of each, what it is judged by is unpacked. */
static void each_flow(struct engine *engine, void (*visit)(struct engine *engine, uint32_t index))
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const struct kept_flows *const kept = &engine->kept.as.flows;
    const uint8_t *at = kept->bytes;
    engine->pack = (struct flow_pack){0};
    for (uint32_t i = 0; i < kept->count && !engine->has_failed; i++) {
        uint16_t head;
        memcpy(&head, at, KEPT_SIZE_BYTES);
        at += KEPT_SIZE_BYTES;
        engine->packed_body =
            flow_pack_head(&engine->pack, at, &part->flow, &part->features, &part->finding);
        visit(engine, i);
        at += head & KEPT_SIZE_MASK;
    }
}

/* The rest of the flow, and its features: what feature_measure says of the record alone, and what
 * was packed beside it. */
static void unpack_body(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    flow_pack_body(&engine->pack, engine->packed_body, &part->flow, &part->finding);
    engine->packed_body = NULL;
    feature_derive(engine->features, &part->flow, &part->features);
    flow_pack_features(&engine->pack, &part->features);
}

void engine_complete_flow(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    struct verdict parts;
    if (engine->packed_body == NULL)
        return;
    unpack_body(engine);
    anomaly_score(engine->model, &part->features, true, &parts);
    part->verdict.typical_mbits = parts.typical_mbits;
    memcpy(part->verdict.contribution_mbits, parts.contribution_mbits,
           sizeof parts.contribution_mbits);
}

/* The scores of the next flows, KEPT_FLOWS_MAX at most. */
static void next_scores(struct engine *engine, uint32_t count)
{
    if (anomaly_next_scores(engine->model, engine->kept_scores_mbits, count) < count)
        engine->has_failed = true;
}

static void rank(struct engine *engine, int32_t score_mbits, bool is_muted)
{
    ranking_add(engine->ranking, score_mbits, is_muted);
    anomaly_calibrate(engine->model, score_mbits);
}

static void rank_flow(struct engine *engine, uint32_t index)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    unpack_body(engine);
    anomaly_score(engine->model, &part->features, true, &part->verdict);
    rank(engine, engine->kept_scores_mbits[index], is_muted(engine, part));
}

static void rank_kept(struct engine *engine)
{
    if (engine->kept.kind != KEPT_FLOWS)
        return;
    next_scores(engine, engine->kept.as.flows.count);
    each_flow(engine, rank_flow);
}

/* The flows themselves are read only if rules may mute some: which, the record tells. */
static bool rank_all(struct engine *engine)
{
    if (rule_count(engine) > 0)
        return each_kept(engine, rank_kept);
    uint64_t left = engine->counters.flows_queued;
    while (left > 0 && !engine->has_failed) {
        const uint32_t count = left < KEPT_FLOWS_MAX ? (uint32_t)left : (uint32_t)KEPT_FLOWS_MAX;
        next_scores(engine, count);
        for (uint32_t i = 0; i < count && !engine->has_failed; i++)
            rank(engine, engine->kept_scores_mbits[i], false);
        left -= count;
    }
    return !engine->has_failed;
}

/* ---- telling ---- */

static bool asks_by_score(const struct engine *engine, int32_t score_mbits)
{
    return score_mbits >= ranking_threshold_mbits(engine->ranking);
}

/* True if each flow must be looked at, whatever its score. */
static bool wants_all(const struct engine *engine)
{
    return engine->settings.emit_flows || rule_count(engine) > 0;
}

/* A finding is decided on by the head alone. A flow that its score flags is decided on by its
 * leading feature, and so is one that a rule may mute; else only a record needs the whole flow. */
static void tell_flow(struct engine *engine, uint32_t index)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const int32_t score_mbits = engine->kept_scores_mbits[index];
    const bool is_whole = wants_all(engine) || asks_by_score(engine, score_mbits);
    if (!is_whole && part->finding.behaviour == BEHAVIOUR_NONE) {
        engine_close_silent_incidents(engine, part->flow.notice_ns);
        return;
    }
    part->incident = (struct incident){.id = 0};
    part->verdict.score_mbits = score_mbits;
    part->verdict.is_cold = false;
    if (is_whole)
        engine_complete_flow(engine);
    ranking_judge(engine->ranking, &part->verdict, is_muted(engine, part));
    engine_emit_flow(engine);
}

/* The batch's scores, and the highest of them. */
static int32_t read_scores(struct engine *engine)
{
    const uint32_t count = engine->kept.as.flows.count;
    int32_t highest_mbits = INT32_MIN;
    next_scores(engine, count);
    for (uint32_t i = 0; i < count && !engine->has_failed; i++)
        if (engine->kept_scores_mbits[i] > highest_mbits)
            highest_mbits = engine->kept_scores_mbits[i];
    return highest_mbits;
}

static void find_strongest(struct engine *engine)
{
    const struct kept_flows *const kept = &engine->kept.as.flows;
    int32_t strongest_mbits[1 + KEPT_STORIES_MAX];
    for (uint32_t i = 0; i <= KEPT_STORIES_MAX; i++)
        strongest_mbits[i] = INT32_MIN;
    const uint8_t *at = kept->bytes;
    for (uint32_t i = 0; i < kept->count; i++) {
        uint16_t head;
        memcpy(&head, at, KEPT_SIZE_BYTES);
        at += KEPT_SIZE_BYTES + (head & KEPT_SIZE_MASK);
        int32_t *const strongest = &strongest_mbits[head >> KEPT_STORY_SHIFT];
        if (engine->kept_scores_mbits[i] > *strongest)
            *strongest = engine->kept_scores_mbits[i];
    }
    for (uint32_t i = 0; i < kept->story_count; i++)
        engine->stories[i].strongest_mbits = strongest_mbits[1 + i];
}

/* Counts the batch's findings by incident, if none of the flows is written about: false if one may
 * be. There is no gate in a capture: each finding is flagged. */
static bool tell_findings(struct engine *engine)
{
    const struct kept_flows *const kept = &engine->kept.as.flows;
    if (kept->story_count == 0)
        return true;
    if (kept->story_count > KEPT_STORIES_MAX || engine->settings.emit_flagged)
        return false;
    memcpy(engine->stories, &kept->bytes[kept->size], kept->story_count * sizeof *engine->stories);
    find_strongest(engine);
    if (!incident_note_runs(engine->incidents, engine->stories, kept->story_count,
                            kept->last_notice_ns))
        return false;
    for (uint32_t i = 0; i < kept->story_count; i++)
        engine_count_findings(engine, engine->stories[i].key.cause, engine->stories[i].count);
    return true;
}

static void tell_flows(struct engine *engine)
{
    const struct kept_flows *const kept = &engine->kept.as.flows;
    const int32_t highest_mbits = read_scores(engine);
    if (engine->has_failed)
        return;
    engine_count_flows(engine, kept->count, kept->packets, kept->ip_bytes);
    engine->counters.flows_queued -= kept->count;
    engine_close_silent_incidents(engine, kept->first_notice_ns);
    if (wants_all(engine) || asks_by_score(engine, highest_mbits) || !tell_findings(engine))
        each_flow(engine, tell_flow);
    else
        engine_close_silent_incidents(engine, kept->last_notice_ns);
}

static void tell_kept(struct engine *engine)
{
    if (engine->kept.kind == KEPT_FLOWS)
        tell_flows(engine);
    else
        engine_emit_statistics(engine, &engine->kept.as.statistics);
}

bool engine_tell_capture(struct engine *engine)
{
    keep_batch(engine);
    if (!rank_all(engine) || !anomaly_rank_finish(engine->model))
        return false;
    ranking_finish(engine->ranking, engine->settings.anomaly.alert_share);
    engine->stands_out = ranking_stands_out(engine->ranking);
    return each_kept(engine, tell_kept);
}
