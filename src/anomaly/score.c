/* SPDX-License-Identifier: Apache-2.0 */
/* The score of one flow and its exact parts: the sum over features, in the order of the list, of
 * weighted surprise rounded to milli-bits. */
#include "anomaly/model.h"

#include <assert.h>

/* Four times the weights, so that they are whole numbers. Sizes and timing began at a half: twenty
 * features that tell much the same, and were most of the noise; window features at one. */
static const int family_quarter_weights[FEATURE_FAMILY_COUNT] = {
    [FEATURE_FAMILY_SIZE] = 1,         [FEATURE_FAMILY_TIMING] = 1,
    [FEATURE_FAMILY_WINDOW] = 3,       [FEATURE_FAMILY_CATEGORY] = 4,
    [FEATURE_FAMILY_SERVICE_SIZE] = 2, [FEATURE_FAMILY_DIRECTION] = 20,
};

int anomaly_quarter_weights(enum feature_id id)
{
    return family_quarter_weights[feature_infos[id].family];
}

static void assert_exact(const struct verdict *verdict)
{
    int32_t sum = verdict->typical_mbits;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum += verdict->contribution_mbits[j];
    assert(sum == verdict->score_mbits);
    (void)sum;
}

static void weigh_parts(const struct anomaly_model *model, const struct baseline_place *place,
                        struct baseline_weights own, int32_t mbits[FEATURE_COUNT])
{
    const struct baseline *const baseline = model_baseline(model);
    surprise_table_mbits(model->surprises, baseline, place, own, mbits);
}

void score_place(const struct anomaly_model *model, const struct baseline_place *place,
                 struct baseline_weights own, struct verdict *verdict)
{
    int32_t mbits[FEATURE_COUNT];
    weigh_parts(model, place, own, mbits);
    *verdict = (struct verdict){.typical_mbits = model->typical.total_mbits};
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        verdict->score_mbits += mbits[j];
        verdict->contribution_mbits[j] = mbits[j] - model->typical.mbits[j];
    }
    assert_exact(verdict);
}

void anomaly_score(const struct anomaly_model *model, const struct feature_vector *vector,
                   bool take_own_weight_out, struct verdict *verdict)
{
    struct baseline_place place;
    model_place(model, vector, &place);
    struct baseline_weights own = {0};
    if (take_own_weight_out)
        own = baseline_weigh(model->baseline, vector->pair_flows_60s);
    score_place(model, &place, own, verdict);
}
