/* SPDX-License-Identifier: Apache-2.0 */
/* What a baseline says of an outcome in words: among whom, how many, what is usual. For flows that
 * are explained, not for every flow. */
#include "anomaly/baseline_inside.h"

#include <assert.h>
#include <string.h>

static int64_t bits_of(const struct baseline *baseline, uint64_t numerator, uint64_t denominator)
{
    return log2_table_log2(&baseline->log2_table, denominator) -
           log2_table_log2(&baseline->log2_table, numerator);
}

int64_t baseline_bits_in_all(const struct baseline *baseline, const struct baseline_view *view,
                             const struct baseline_place *place, enum feature_id id)
{
    if (baseline_is_numeric(id))
        return bits_of(baseline,
                       smoothed_without(baseline->slot[0][id], place->bin[id], view->own.all) +
                           HISTOGRAM_SCALE * baseline->bin_prior,
                       view->numeric_denominator);
    const uint64_t *const weight = find_category(baseline, place, id);
    const uint64_t others = weight == NULL ? 0 : without(weight[0], view->own.all);
    return bits_of(baseline, 2 * others + baseline->category_prior,
                   2 * view->total + baseline->category_prior *
                                         (distinct_others(baseline, view, id, weight) + 1));
}

int64_t baseline_bits_in_service(const struct baseline *baseline, const struct baseline_view *view,
                                 const struct baseline_place *place, enum feature_id id)
{
    const uint64_t *const slot = view->service->slot[id];
    const uint64_t total = without(view->service->total, view->own.in_service);
    if (baseline_is_numeric(id))
        return bits_of(baseline,
                       smoothed_without(slot, place->bin[id], view->own.in_service) +
                           HISTOGRAM_SCALE * baseline->bin_prior,
                       HISTOGRAM_SCALE * (total + BASELINE_OUTCOME_COUNT * baseline->bin_prior));
    uint64_t distinct = 1;
    for (unsigned part = 0; part < SERVICE_PART_COUNT; part++)
        distinct += slot[part] > 0;
    const uint64_t others = without(slot[place_part(place, id)], view->own.in_service);
    return bits_of(baseline, 2 * others + baseline->category_prior,
                   2 * total + baseline->category_prior * distinct);
}

uint64_t baseline_category_flows(const struct baseline *baseline, enum feature_id id, uint64_t code)
{
    const struct category_key key = {.code = code, .feature = id};
    const uint64_t *const sums = category_table_find(baseline->categories, &key);
    return sums == NULL ? 0 : sums[CATEGORY_FLOWS];
}

uint64_t baseline_part_flows(const struct baseline_view *view, enum feature_id id, unsigned part)
{
    return (uint64_t)view->service->fine[id][part] << SERVICE_FINE_SHIFT;
}

uint64_t baseline_usual_service(const struct baseline *baseline)
{
    uint64_t usual = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < service_table_count(baseline->services); i++) {
        const struct service_scope *const scope = service_table_at(baseline->services, i);
        if (scope->flows < most || (scope->flows == most && scope->service > usual))
            continue;
        most = scope->flows;
        usual = scope->service;
    }
    return usual;
}

bool baseline_service_can_tell(const struct baseline *baseline, const struct baseline_view *view,
                               enum feature_id id)
{
    if (view->service == NULL || id == FEATURE_PROTOCOL || id == FEATURE_SERVICE)
        return false;
    const uint64_t own = view->own.all == 0 ? 0 : baseline->unit;
    return without(view->service->flows, own) >= BASELINE_WORDS_FLOWS * baseline->unit;
}

bool baseline_words_are_of_service(const struct baseline *baseline,
                                   const struct baseline_view *view,
                                   const struct baseline_place *place, enum feature_id id)
{
    if (!baseline_service_can_tell(baseline, view, id))
        return false;
    return baseline_is_numeric(id) || baseline_bits_in_service(baseline, view, place, id) >=
                                          baseline_bits_in_all(baseline, view, place, id);
}

/* Flows of the service with the same step or category, or without a measurement. */
static uint64_t flows_alike_in_service(const struct baseline_view *view,
                                       const struct baseline_place *place, enum feature_id id)
{
    const uint32_t *const fine = view->service->fine[id];
    if (!baseline_is_numeric(id))
        return (uint64_t)fine[place_part(place, id)] << SERVICE_FINE_SHIFT;
    return place->bin[id] == BASELINE_BIN_MISSING
               ? view->service->flows - view->service->measured[id]
               : (uint64_t)fine[baseline_place_step(place, id)] << SERVICE_FINE_SHIFT;
}

/* Flows with the same step, the same category, or without a measurement, as the place's. */
static uint64_t flows_alike(const struct baseline *baseline, const struct baseline_place *place,
                            enum feature_id id)
{
    if (!baseline_is_numeric(id)) {
        const uint64_t *sums = find_category(baseline, place, id);
        return sums == NULL ? 0 : sums[CATEGORY_FLOWS];
    }
    return place->bin[id] == BASELINE_BIN_MISSING
               ? baseline->flows - baseline->measured[id]
               : baseline->fine[id][baseline_place_step(place, id)];
}

void baseline_outcome(const struct baseline *baseline, const struct baseline_view *view,
                      const struct baseline_place *place, enum feature_id id,
                      struct baseline_outcome *outcome)
{
    const bool is_missing = baseline_is_numeric(id) ? place->bin[id] == BASELINE_BIN_MISSING
                                                    : category_of(place, id).is_missing;
    const bool is_of_service = baseline_words_are_of_service(baseline, view, place, id);
    const uint64_t own = view->own.all == 0 ? 0 : baseline->unit;
    const uint64_t alike =
        is_of_service ? flows_alike_in_service(view, place, id) : flows_alike(baseline, place, id);
    const uint64_t measured = is_of_service ? view->service->measured[id] : baseline->measured[id];
    *outcome = (struct baseline_outcome){
        .flows = without(alike, own),
        .measured = without(measured, is_missing ? 0 : own),
        .total = without(is_of_service ? view->service->flows : baseline->flows, own),
    };
}

/* Flows a step, in units, of those that words are about, the own one left out; their sum. */
static uint64_t copy_steps(const struct baseline *baseline, const struct baseline_view *view,
                           const struct baseline_place *place, enum feature_id id,
                           uint64_t steps[restrict BASELINE_STEP_COUNT])
{
    const bool is_of_service = baseline_words_are_of_service(baseline, view, place, id);
    const uint32_t *const of_service = is_of_service ? view->service->fine[id] : NULL;
    for (unsigned i = 0; is_of_service && i < BASELINE_STEP_COUNT; i++)
        steps[i] = (uint64_t)of_service[i] << SERVICE_FINE_SHIFT;
    if (!is_of_service)
        memcpy(steps, baseline->fine[id], sizeof baseline->fine[id]);
    if (view->own.all > 0 && place->bin[id] != BASELINE_BIN_MISSING) {
        uint64_t *const own = &steps[baseline_place_step(place, id)];
        *own = without(*own, baseline->unit);
    }
    uint64_t total = 0;
    for (unsigned i = 0; i < BASELINE_STEP_COUNT; i++)
        total += steps[i];
    return total;
}

bool baseline_quantiles(const struct baseline *baseline, const struct baseline_view *view,
                        const struct baseline_place *place, enum feature_id id,
                        const unsigned percents[], unsigned steps[], unsigned count)
{
    assert(baseline_is_numeric(id));
    uint64_t weights[BASELINE_STEP_COUNT];
    const uint64_t total = copy_steps(baseline, view, place, id, weights);
    if (total == 0)
        return false;
    uint64_t below = weights[0];
    unsigned step = 0;
    for (unsigned i = 0; i < count; i++) {
        assert(percents[i] <= 100);
        /* The least weight that is so many percent of the total, and any at all. */
        const uint64_t share = (uint64_t)(((log2_wide)total * percents[i] + 99) / 100);
        const uint64_t wanted = share == 0 ? 1 : share;
        while (below < wanted)
            below += weights[++step];
        steps[i] = step;
    }
    return true;
}
