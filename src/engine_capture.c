/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that learns a whole capture before it tells of any flow: flows and snapshots are kept,
 * packed, in hand-over order; then all are ranked, and told in that order. Called by engine.c; the
 * engine's thread. */
#include "engine_inside.h"

#include <stddef.h>
#include <string.h>

/* The kept item's first `size` bytes are made. */
static void keep(struct engine *engine, uint8_t kind, size_t size)
{
    engine->kept.kind = kind;
    const size_t whole = offsetof(struct kept, bytes) + size;
    if (!engine->has_failed && !flow_store_append(engine->store, &engine->kept, (uint32_t)whole))
        engine->has_failed = true;
}

void engine_keep_flows(struct engine *engine, const struct flow_record *flows, size_t count)
{
    const struct engine_batch *const batch = &engine->batch;
    for (size_t i = 0; i < count; i++)
        anomaly_learn(engine->model, &batch->features[i], flows[i].notice_ns);
    for (size_t i = 0; i < count; i++) {
        const uint32_t size = flow_pack_write(&engine->pack, &flows[i], &batch->features[i],
                                              &batch->findings[i], engine->kept.bytes);
        keep(engine, KEPT_FLOW, size);
    }
    engine->counters.flows_queued += count;
}

void engine_keep_statistics(struct engine *engine, const struct statistics *snapshot)
{
    memcpy(engine->kept.bytes, snapshot, sizeof *snapshot);
    keep(engine, KEPT_STATISTICS, sizeof *snapshot);
}

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

/* What every flow of a second pass is judged and counted by. */
static void unpack_head(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    engine->packed_body = flow_pack_head(&engine->pack, engine->kept.bytes, &part->flow,
                                         &part->features, &part->finding);
}

/* The rest of the flow, and its features: what feature_measure says of the record alone, and what
 * was packed beside it. */
static void unpack_body(struct engine *engine)
{
    struct record_flow_part *const part = &engine->record.as.flow.part;
    const uint8_t *const packed =
        flow_pack_body(&engine->pack, engine->packed_body, &part->flow, &part->finding);
    engine->packed_body = NULL;
    feature_derive(engine->features, &part->flow, &part->features);
    flow_pack_features(packed, &part->features);
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
    unpack_head(engine);
    unpack_body(engine);
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

/* A finding is decided on by the head alone. A flow that its score flags is decided on by its
 * leading feature, and so is one that a rule may mute; else only a record needs the whole flow. */
static void score_kept(struct engine *engine, struct record_flow_part *part)
{
    const int32_t score_mbits = next_score(engine);
    part->verdict.score_mbits = score_mbits;
    part->verdict.is_cold = false;
    if (engine->settings.emit_flows || rule_count(engine) > 0 ||
        score_mbits >= ranking_threshold_mbits(engine->ranking))
        engine_complete_flow(engine);
}

static void emit_kept(struct engine *engine)
{
    if (engine->kept.kind == KEPT_STATISTICS) {
        struct statistics snapshot;
        memcpy(&snapshot, engine->kept.bytes, sizeof snapshot);
        engine_emit_statistics(engine, &snapshot);
        return;
    }
    struct record_flow_part *const part = &engine->record.as.flow.part;
    part->incident = (struct incident){.id = 0};
    unpack_head(engine);
    score_kept(engine, part);
    ranking_judge(engine->ranking, &part->verdict, is_muted(engine, part));
    engine->counters.flows_queued--;
    engine_emit_flow(engine);
}

bool engine_tell_capture(struct engine *engine)
{
    if (!rank_all(engine) || !anomaly_rank_finish(engine->model))
        return false;
    ranking_finish(engine->ranking, engine->settings.anomaly.alert_share);
    engine->stands_out = ranking_stands_out(engine->ranking);
    return each_kept(engine, emit_kept);
}
