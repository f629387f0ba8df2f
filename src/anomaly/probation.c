/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/probation.h"

#include <stddef.h>

static const double ENTRY_P = 0.002, STAY_P = 0.02;

struct pair_on_probation {
    struct recent_entry entry;
    uint64_t pair_id;
};
_Static_assert(offsetof(struct pair_on_probation, pair_id) == sizeof(struct recent_entry),
               "the key comes first");

bool probation_init(struct probation *probation, const struct anomaly_settings *settings)
{
    *probation = (struct probation){.span_ns = settings->probation_ns};
    const struct recent_layout layout = {
        .entry_bytes = sizeof(struct pair_on_probation),
        .key_bytes = sizeof(uint64_t),
        .limit = settings->max_probation,
        .hash_key = settings->hash_key,
    };
    return recent_table_init(&probation->pairs, &layout);
}

void probation_deinit(struct probation *probation)
{
    recent_table_deinit(&probation->pairs);
}

bool probation_holds(struct probation *probation, const struct feature_vector *vector,
                     double p_value)
{
    if (probation->span_ns == 0 || p_value > STAY_P || vector->pair_age_ns >= probation->span_ns)
        return false;
    const struct recent_lookup lookup = recent_lookup_begin(&probation->pairs, &vector->pair_id);
    const bool is_known = recent_table_has(&probation->pairs, lookup);
    if (!is_known && p_value > ENTRY_P)
        return false;
    probation->entered += !is_known;
    recent_table_touch_anew(&probation->pairs, lookup, probation->entered);
    return true;
}
