/* SPDX-License-Identifier: Apache-2.0 */
/* Capture mode: all flows are learnt, then each is scored by all others. Both are done once for
 * flows of one place, as far as place_log.h remembers it: what is learnt is a sum, and a score is
 * one of place and own weight.
 *
 * The sums are the same to the last bit as if each flow had been learnt by itself. A place's first
 * flow is: what is new to the baseline comes in the order of flows, and something is evicted when
 * it would be. Flows after it only wait, until their slot is needed or the baseline is looked at;
 * and before an eviction all that waits is learnt, because what is lightest must be known then.
 * After it a place may have lost a category, so its next flow is a first one again (`era`). */
#include "anomaly/flow_store.h"
#include "anomaly/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Parts of so many flows are added in 32 bits, which are four at a time: 2^21 milli-bits each. */
enum { SUMS_FLOWS_MAX = 512 };

/* Scores are kept from the first time to the second, since to make them again from varied places
 * costs 300 ns; they take an eighth of the model's share, 4 bytes a flow beside 2 to 60. */
enum { SCORES_SHARE = 8, SCORES_BLOCK = 4096 };

struct capture_lessons {
    struct place_log *log;
    uint64_t era; /* 1, 2, ...: begins when something is evicted */
    bool is_waiting;
    bool is_scoring; /* nothing is learnt any more */
    bool is_counted; /* typical is settled; scores come from the store */
    uint32_t sums_flows;
    int32_t sum_mbits[FEATURE_COUNT];
    struct flow_store *scores; /* of blocks */
    uint32_t block_count, block_at;
    int32_t block[SCORES_BLOCK];
};

struct capture_lessons *capture_lessons_open(const struct anomaly_settings *settings)
{
    struct capture_lessons *const capture = calloc(1, sizeof *capture);
    if (capture == NULL)
        return NULL;
    const uint64_t share_bytes = settings->memory_bytes / ANOMALY_MEMORY_SHARE;
    const uint64_t scores_bytes = share_bytes / SCORES_SHARE;
    capture->era = 1;
    capture->scores = flow_store_open(scores_bytes, settings->spill_directory);
    capture->log = place_log_open(share_bytes - scores_bytes, settings->spill_directory);
    if (capture->log != NULL && capture->scores != NULL)
        return capture;
    capture_lessons_close(capture);
    return NULL;
}

void capture_lessons_close(struct capture_lessons *capture)
{
    if (capture == NULL)
        return;
    place_log_close(capture->log);
    flow_store_close(capture->scores);
    free(capture);
}

static void learn_waiting(const struct anomaly_model *model, struct place_slot *slot)
{
    struct baseline_lessons *const waiting = &slot->as.learning.waiting;
    if (waiting->flows == 0)
        return;
    baseline_learn_all(model->baseline, &slot->place, waiting);
    *waiting = (struct baseline_lessons){.flows = 0};
}

static void learn_all_waiting(const struct anomaly_model *model)
{
    struct capture_lessons *const capture = model->capture;
    if (!capture->is_waiting)
        return;
    for (unsigned i = 0; i < PLACE_LOG_SLOTS; i++)
        learn_waiting(model, place_log_at(capture->log, i));
    capture->is_waiting = false;
}

void capture_lessons_settle(const struct anomaly_model *model)
{
    learn_all_waiting(model);
    baseline_settle(model->baseline);
}

/* The era that the place was learnt in; 0: what was evicted may have been its own. */
static uint64_t learn_first(struct anomaly_model *model, const struct baseline_place *place,
                            const struct baseline_lessons *lesson)
{
    const bool evicts = baseline_would_evict(model->baseline, place);
    if (evicts) {
        learn_all_waiting(model);
        model->capture->era++;
    }
    baseline_learn_all(model->baseline, place, lesson);
    return evicts ? 0 : model->capture->era;
}

void capture_lessons_learn(struct anomaly_model *model, const struct feature_vector *vector,
                           int64_t notice_ns)
{
    struct capture_lessons *const capture = model->capture;
    assert(!capture->is_scoring);
    const struct baseline_place *const place =
        baseline_place_next(model->baseline, model->placer, vector);
    const struct baseline_lessons lesson = {
        .flows = 1,
        .weights = baseline_weigh(model->baseline, vector->pair_flows_60s),
        .number = baseline_count(model->baseline, notice_ns),
    };
    bool is_there;
    struct place_slot *const slot = place_log_find(capture->log, place, &is_there);
    struct baseline_lessons *const waiting = &slot->as.learning.waiting;
    if (is_there && slot->as.learning.era == capture->era) {
        waiting->flows++;
        waiting->weights.all += lesson.weights.all;
        waiting->weights.in_service += lesson.weights.in_service;
        waiting->number = lesson.number;
        capture->is_waiting = true;
    } else {
        learn_waiting(model, slot);
        slot->as.learning.era = learn_first(model, place, &lesson);
    }
    place_log_append(capture->log, slot, is_there, place, vector->pair_flows_60s);
    surprise_table_clear(model->surprises);
}

static void settle_sums(struct anomaly_model *model)
{
    struct capture_lessons *const capture = model->capture;
    typical_add_parts(&model->typical, capture->sum_mbits, 1);
    memset(capture->sum_mbits, 0, sizeof capture->sum_mbits);
    capture->sums_flows = 0;
}

/* Four at a time, since nothing says that the two might overlap. */
static void add_parts(int32_t sum_mbits[restrict FEATURE_COUNT],
                      const int32_t mbits[restrict FEATURE_COUNT])
{
#pragma GCC unroll 14
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum_mbits[j] += mbits[j];
}

/* Adds the parts of a slot's flows to what is typical, all at once; of a flow that has its place to
 * itself, first in 32 bits. */
static void settle_parts(struct anomaly_model *model, struct place_slot *slot)
{
    struct capture_lessons *const capture = model->capture;
    const uint32_t flows = slot->as.scoring.flows;
    slot->as.scoring.flows = 0;
    if (flows != 1) {
        typical_add_parts(&model->typical, slot->as.scoring.mbits, flows);
        return;
    }
    add_parts(capture->sum_mbits, slot->as.scoring.mbits);
    if (++capture->sums_flows == SUMS_FLOWS_MAX)
        settle_sums(model);
}

static void score_slot(struct anomaly_model *model, struct place_slot *slot)
{
    int32_t *const mbits = slot->as.scoring.mbits;
    int32_t score_mbits = 0;
    if (slot->as.scoring.flows > 0)
        settle_parts(model, slot);
    surprise_table_mbits(model->surprises, model->baseline, &slot->place,
                         baseline_weigh(model->baseline, slot->pair_flows), mbits);
#pragma GCC unroll 14
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        score_mbits += mbits[j];
    slot->as.scoring.score_mbits = score_mbits;
}

static bool write_scores(struct capture_lessons *capture)
{
    const uint32_t size = capture->block_count * (uint32_t)sizeof *capture->block;
    capture->block_count = 0;
    return size == 0 || flow_store_append(capture->scores, capture->block, size);
}

static bool begin_scoring(struct anomaly_model *model)
{
    struct capture_lessons *const capture = model->capture;
    if (capture->is_scoring)
        return true;
    capture_lessons_settle(model);
    capture->is_scoring = true;
    return place_log_rewind(capture->log);
}

/* The next flow's score. */
static bool make_score(struct anomaly_model *model, int32_t *score_mbits)
{
    struct capture_lessons *const capture = model->capture;
    bool is_new;
    struct place_slot *const slot = place_log_next(capture->log, &is_new);
    if (slot == NULL)
        return false;
    if (is_new)
        score_slot(model, slot);
    *score_mbits = slot->as.scoring.score_mbits;
    if (++slot->as.scoring.flows == UINT32_MAX)
        settle_parts(model, slot);
    capture->block[capture->block_count++] = *score_mbits;
    return capture->block_count < SCORES_BLOCK || write_scores(capture);
}

static uint32_t make_scores(struct anomaly_model *model, int32_t scores_mbits[], uint32_t count)
{
    uint32_t made = 0;
    if (!begin_scoring(model))
        return 0;
    while (made < count && make_score(model, &scores_mbits[made]))
        made++;
    model->typical.flows += made;
    return made;
}

static bool read_block(struct capture_lessons *capture)
{
    uint32_t size;
    if (flow_store_next(capture->scores, capture->block, sizeof capture->block, &size) !=
        FLOW_STORE_ITEM)
        return false;
    capture->block_count = size / (uint32_t)sizeof *capture->block;
    capture->block_at = 0;
    return true;
}

static uint32_t read_scores(struct capture_lessons *capture, int32_t scores_mbits[], uint32_t count)
{
    uint32_t done = 0;
    while (done < count && (capture->block_at < capture->block_count || read_block(capture))) {
        const uint32_t here = capture->block_count - capture->block_at;
        const uint32_t some = here < count - done ? here : count - done;
        memcpy(&scores_mbits[done], &capture->block[capture->block_at],
               some * sizeof *scores_mbits);
        capture->block_at += some;
        done += some;
    }
    return done;
}

uint32_t anomaly_next_scores(struct anomaly_model *model, int32_t scores_mbits[], uint32_t count)
{
    return model->capture->is_counted ? read_scores(model->capture, scores_mbits, count)
                                      : make_scores(model, scores_mbits, count);
}

bool anomaly_rank_finish(struct anomaly_model *model)
{
    struct capture_lessons *const capture = model->capture;
    const bool is_counting = capture->is_scoring && !capture->is_counted;
    for (unsigned i = 0; is_counting && i < PLACE_LOG_SLOTS; i++)
        settle_parts(model, place_log_at(capture->log, i));
    settle_sums(model);
    typical_settle(&model->typical);
    const bool is_whole = capture->is_counted || write_scores(capture);
    capture->is_scoring = capture->is_counted = true;
    capture->block_count = capture->block_at = 0;
    return is_whole && flow_store_rewind(capture->scores);
}

const char *anomaly_error(const struct anomaly_model *model)
{
    if (model->capture == NULL)
        return "";
    const char *const error = place_log_error(model->capture->log);
    return error[0] != '\0' ? error : flow_store_error(model->capture->scores);
}

uint64_t capture_lessons_memory_bytes(const struct capture_lessons *capture)
{
    return sizeof *capture + place_log_memory_bytes(capture->log) +
           flow_store_memory_bytes(capture->scores);
}

uint64_t capture_lessons_spilled_bytes(const struct capture_lessons *capture)
{
    return place_log_spilled_bytes(capture->log) + flow_store_spilled_bytes(capture->scores);
}
