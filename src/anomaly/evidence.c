/* SPDX-License-Identifier: Apache-2.0 */
/* What a baseline says of one feature of a flow, for people: quantiles, shares, direction. Called
 * for flows that are explained, not for every flow. A pure function of the baseline. */
#include "anomaly/model.h"

#include <stddef.h>

/* A step on a feature's axis in the feature's unit. Magnitudes are rounded to whole units: "0.68
 * packets" would claim what was not measured. */
static double value_at(const struct log2_table *table, enum feature_id id, unsigned step)
{
    const struct feature_info *info = &feature_infos[id];
    const double position = info->low + step * (info->high - info->low) / (BASELINE_STEP_COUNT - 1);
    if (info->scale != FEATURE_SCALE_LOG2)
        return position;
    if (step == 0)
        return 0; /* what lies below an axis that begins at 16 bytes is 0: no packet is so small */
    const double magnitude = log2_table_exp2_double(table, position) - 1;
    return (double)(int64_t)(magnitude + 0.5);
}

static bool find_quantiles(const struct baseline *baseline, const struct baseline_view *view,
                           const struct baseline_place *place, enum feature_id id,
                           struct evidence *evidence)
{
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        return false;
    const struct log2_table *table = baseline_log2_table(baseline);
    static const unsigned percents[] = {5, 50, 95};
    unsigned steps[sizeof percents / sizeof *percents];
    if (!baseline_quantiles(baseline, view, place, id, percents, steps, 3))
        return false;
    evidence->p05 = value_at(table, id, steps[0]);
    evidence->median = value_at(table, id, steps[1]);
    evidence->p95 = value_at(table, id, steps[2]);
    return true;
}

static enum evidence_direction direction_of(const struct evidence *evidence,
                                            const struct feature_vector *vector, enum feature_id id,
                                            uint64_t flows_alike)
{
    const bool is_category = feature_infos[id].scale == FEATURE_SCALE_CATEGORY;
    if (is_category || !feature_is_present(vector, id))
        return flows_alike == 0 ? EVIDENCE_NEW : EVIDENCE_RARE;
    if (!evidence->has_quantiles)
        return EVIDENCE_NEW;
    return vector->value[id] >= evidence->median ? EVIDENCE_HIGH : EVIDENCE_LOW;
}

void anomaly_evidence(const struct anomaly_model *model, const struct feature_vector *vector,
                      bool take_own_weight_out, enum feature_id id, struct evidence *evidence)
{
    const struct baseline *const baseline = model_baseline(model);
    struct baseline_place place;
    model_place(model, vector, &place);
    struct baseline_view view;
    struct baseline_weights own = {0};
    if (take_own_weight_out)
        own = baseline_weigh(baseline, vector->pair_flows_60s);
    baseline_look(baseline, &place, own, &view);
    struct baseline_outcome outcome;
    baseline_outcome(baseline, &view, &place, id, &outcome);
    const uint64_t unit = baseline_unit(baseline);
    *evidence = (struct evidence){
        .count = (outcome.measured + unit / 2) / unit,
        .share = outcome.total == 0 ? 0 : (double)outcome.flows / (double)outcome.total,
        .bits_mbits = baseline_mbits(baseline_surprise(baseline, &view, &place, id), 4),
    };
    evidence->is_of_service = baseline_words_are_of_service(baseline, &view, &place, id);
    evidence->has_quantiles = find_quantiles(baseline, &view, &place, id, evidence);
    evidence->direction = (uint8_t)direction_of(evidence, vector, id, outcome.flows);
}
