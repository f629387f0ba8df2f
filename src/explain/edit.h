/* SPDX-License-Identifier: Apache-2.0 */
/* A feature vector under "what if": one feature is set to what is usual, and what derives from it
 * moves along, by the table in edit.c. For counterfactuals; no state beyond the caller's. */
#ifndef WHYFLOW_EXPLAIN_EDIT_H
#define WHYFLOW_EXPLAIN_EDIT_H

#include "explain/counterfactual.h"

#include <stdbool.h>
#include <stdint.h>

struct edit {
    const struct counterfactual_baseline *baseline;
    struct feature_vector vector;
    uint64_t changed; /* bit j: feature j was set to what is usual; nothing moves it */
    uint64_t settled; /* during one change: those that have their value */
};

struct edit edit_begin(const struct counterfactual_baseline *baseline,
                       const struct feature_vector *vector);

/* Sets a feature to what is usual and moves the rest. False, and nothing is changed: nothing is
 * known to be usual, or the feature has that value. */
bool edit_to_usual(struct edit *edit, enum feature_id id);

/* Features that differ from `original` and were not changed themselves. */
uint64_t edit_moved(const struct edit *edit, const struct feature_vector *original);

#endif
