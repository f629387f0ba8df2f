/* SPDX-License-Identifier: Apache-2.0 */
/* The score of one flow and its exact parts: the sum over features, in the order of the list, of
 * weighted surprise rounded to milli-bits. */
#include "anomaly/model.h"

#include <assert.h>
#include <string.h>

/* Twice the weights, so that they are whole numbers (ENGINE, "Features"). */
static const int family_half_weights[FEATURE_FAMILY_COUNT] = {
    [FEATURE_FAMILY_SIZE] = 1,         [FEATURE_FAMILY_TIMING] = 1,
    [FEATURE_FAMILY_WINDOW] = 2,       [FEATURE_FAMILY_CATEGORY] = 2,
    [FEATURE_FAMILY_SERVICE_SIZE] = 1, [FEATURE_FAMILY_DIRECTION] = 8,
};

int anomaly_half_weights(enum feature_id id)
{
    return family_half_weights[feature_infos[id].family];
}

/* Online, typical is made anew after a quarter more flows, at most TYPICAL_FLOWS_MAX, and one flow
 * more for every eight categories: it then costs a few hundred ns a flow, however many categories
 * there are. In capture mode a learn makes it due again. */
enum { TYPICAL_FLOWS_MAX = 1024, TYPICAL_CATEGORIES_PER_FLOW = 8 };

static void forget_memos(struct anomaly_model *model)
{
    for (unsigned i = 0; model->memo != NULL && i < MEMO_OWN_SLOTS + MEMO_SHARED_SLOTS; i++)
        model->memo[i].is_used = false;
}

static void refresh_typical(struct anomaly_model *model)
{
    const uint64_t learnt = baseline_learnt(model->baseline);
    if (learnt < model->typical_due)
        return;
    forget_memos(model);
    baseline_typical(model->baseline, model->half_weights, model->typical_mbits);
    model->typical_sum_mbits = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        model->typical_sum_mbits += model->typical_mbits[j];
    const uint64_t more = learnt / 4 < TYPICAL_FLOWS_MAX ? learnt / 4 : TYPICAL_FLOWS_MAX;
    model->typical_due =
        learnt + 1 + more + baseline_category_count(model->baseline) / TYPICAL_CATEGORIES_PER_FLOW;
}

/* The memo for flows of this own weight, emptied if it held another's; NULL: the model has none. */
static struct score_memo *find_memo(struct anomaly_model *model,
                                    const struct feature_vector *vector, uint64_t own_weight)
{
    if (model->memo == NULL)
        return NULL;
    struct score_memo *memo = &model->memo[vector->pair_flows_60s < MEMO_OWN_SLOTS
                                               ? vector->pair_flows_60s
                                               : MEMO_OWN_SLOTS + own_weight % MEMO_SHARED_SLOTS];
    if (!memo->is_used || memo->own_weight != own_weight) {
        memo->is_used = true;
        memo->own_weight = own_weight;
        memset(memo->mbits, 0xff, sizeof memo->mbits);
    }
    return memo;
}

static int32_t compute_mbits(const struct anomaly_model *model, const struct baseline_view *view,
                             const struct baseline_place *place, enum feature_id id)
{
    return baseline_mbits(baseline_surprise(model->baseline, view, place, id),
                          model->half_weights[id]);
}

/* A feature's part in the score, remembered if it is numeric and there is a memo. */
static int32_t mbits_of(const struct anomaly_model *model, struct score_memo *memo,
                        const struct baseline_view *view, const struct baseline_place *place,
                        enum feature_id id)
{
    if (memo == NULL || feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        return compute_mbits(model, view, place, id);
    int32_t *mbits = &memo->mbits[place->scope][id][place->bin[id]];
    if (*mbits < 0)
        *mbits = compute_mbits(model, view, place, id);
    return *mbits;
}

static void assert_exact(const struct verdict *verdict)
{
    int32_t sum = verdict->typical_mbits;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum += verdict->contribution_mbits[j];
    assert(sum == verdict->score_mbits);
    (void)sum;
}

void anomaly_score(struct anomaly_model *model, const struct feature_vector *vector,
                   bool take_own_weight_out, struct verdict *verdict)
{
    const struct baseline *baseline = model->baseline;
    refresh_typical(model);
    struct baseline_place place;
    baseline_place(baseline, vector, &place);
    const uint64_t own_weight = take_own_weight_out ? baseline_weight(baseline, vector) : 0;
    struct baseline_view view;
    baseline_look(baseline, place.scope, own_weight, &view);
    struct score_memo *memo = find_memo(model, vector, own_weight);
    *verdict = (struct verdict){.typical_mbits = model->typical_sum_mbits};
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const int32_t mbits = mbits_of(model, memo, &view, &place, (enum feature_id)j);
        verdict->score_mbits += mbits;
        verdict->contribution_mbits[j] = mbits - model->typical_mbits[j];
    }
    assert_exact(verdict);
}
