/* SPDX-License-Identifier: Apache-2.0 */
/* What the same baseline says of a flow that was edited: its score, what would be most usual in the
 * place of a value, and a value beside its service. Called for flows that are explained, not for
 * every flow. Pure functions of the model. */
#include "anomaly/model.h"

enum { PROTOCOL_COUNT = 256, SERVICE_SHIFT = 8, PART_COUNT = SERVICE_PART_MISSING };

static struct baseline_weights own_weights(const struct anomaly_model *model,
                                           const struct feature_vector *vector,
                                           bool take_own_weight_out)
{
    return take_own_weight_out ? baseline_weigh(model->baseline, vector->pair_flows_60s)
                               : (struct baseline_weights){0};
}

int32_t anomaly_score_edited(const struct anomaly_model *model, const struct anomaly_flow *flow,
                             const struct feature_vector *edited)
{
    const struct baseline *const baseline = model_baseline(model);
    struct baseline_place learnt_at, place;
    model_place(model, flow->vector, &learnt_at);
    model_place(model, edited, &place);
    struct baseline_edit edit;
    baseline_look_edited(baseline, &place, &learnt_at,
                         own_weights(model, flow->vector, flow->was_learnt), &edit);
    int32_t score_mbits = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        score_mbits +=
            baseline_mbits(baseline_surprise_edited(baseline, &edit, &place, (enum feature_id)j),
                           model->quarter_weights[j]);
    return score_mbits;
}

/* Codes that may stand in the place of a category: first, and how many from there on. */
struct code_range {
    uint64_t first, count;
};

/* The service's (or the protocol's) part of a code stays: a state or a size is changed, not what
 * it is the state of. */
static struct code_range codes_of(enum feature_id id, uint64_t code)
{
    if (id == FEATURE_SERVICE_STATE || id == FEATURE_PROTOCOL_STATE || id == FEATURE_SERVICE_SIZE)
        return (struct code_range){code >> SERVICE_SHIFT << SERVICE_SHIFT, PART_COUNT};
    return (struct code_range){0, id == FEATURE_PROTOCOL ? PROTOCOL_COUNT : PART_COUNT};
}

/* Codes that name no service are compared within the service where words are. */
static bool is_in_service(const struct baseline *baseline, const struct baseline_view *view,
                          const struct baseline_place *place, enum feature_id id)
{
    return (id == FEATURE_SRC_KNOWS_DST || id == FEATURE_SERVICE_KNOWS_DST ||
            id == FEATURE_DIRECTION) &&
           baseline_words_are_of_service(baseline, view, place, id);
}

bool anomaly_usual_category(const struct anomaly_model *model, const struct anomaly_flow *flow,
                            const struct feature_vector *vector, enum feature_id id, double *code)
{
    const struct baseline *const baseline = model_baseline(model);
    if (id == FEATURE_SERVICE) {
        const uint64_t service = baseline_usual_service(baseline);
        *code = (double)service;
        return service != UINT64_MAX;
    }
    struct baseline_place place;
    struct baseline_view view;
    model_place(model, vector, &place);
    baseline_look(baseline, &place, own_weights(model, flow->vector, flow->was_learnt), &view);
    const bool in_service = is_in_service(baseline, &view, &place, id);
    const struct code_range codes = codes_of(id, (uint64_t)vector->value[id]);
    uint64_t most = 0;
    for (uint64_t i = 0; i < codes.count; i++) {
        const uint64_t at = codes.first + i;
        uint64_t flows = in_service ? baseline_part_flows(&view, id, (unsigned)at)
                                    : baseline_category_flows(baseline, id, at);
        if (flow->was_learnt && (double)at == flow->vector->value[id])
            flows -= flows < baseline_unit(baseline) ? flows : baseline_unit(baseline);
        if (flows <= most)
            continue;
        most = flows;
        *code = (double)at;
    }
    return most > 0;
}

static int32_t whole_mbits(int64_t bits)
{
    return bits < 0 ? 0 : baseline_mbits(100 * bits, 4);
}

bool anomaly_beside_service(const struct anomaly_model *model, const struct anomaly_flow *flow,
                            enum feature_id id, struct anomaly_beside *beside)
{
    const struct baseline *const baseline = model_baseline(model);
    struct baseline_place place;
    struct baseline_view view;
    model_place(model, flow->vector, &place);
    baseline_look(baseline, &place, own_weights(model, flow->vector, flow->was_learnt), &view);
    if (!baseline_service_can_tell(baseline, &view, id))
        return false;
    const uint64_t unit = baseline_unit(baseline);
    *beside = (struct anomaly_beside){
        .service_mbits =
            whole_mbits(baseline_bits_in_all(baseline, &view, &place, FEATURE_SERVICE)),
        .value_mbits = whole_mbits(baseline_bits_in_all(baseline, &view, &place, id)),
        .together_mbits = whole_mbits(baseline_bits_in_service(baseline, &view, &place, id)),
        .service_flows = view.service->flows / unit - (flow->was_learnt ? 1 : 0),
    };
    return true;
}
