/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: a behaviour and the conditions that must all hold. The table is behaviour_rule.c's; the
 * functions that measure are quantity.c's. Constant data; pure functions. */
#ifndef WHYFLOW_BEHAVIOUR_RULE_H
#define WHYFLOW_BEHAVIOUR_RULE_H

#include "behaviour/evidence.h"
#include "behaviour/quantity_list.h"
#include "whyflow/behaviour.h"

#include <stddef.h>

struct condition {
    enum quantity_id quantity;
    enum { AT_LEAST = 1, AT_MOST } side;
    double limit;
};

/* Conditions end at the first without a side; there always is one. What the first condition counts
 * says since when. */
struct behaviour_rule {
    enum behaviour_id behaviour;
    struct condition conditions[BEHAVIOUR_EVIDENCE_MAX + 1];
};

/* Asked in this order; the first that holds names the flow. */
extern const struct behaviour_rule behaviour_rules[];
extern const size_t behaviour_rule_count;

/* What a flow must be to be evidence of the quantity; a set of enum sight. */
uint32_t quantity_needs(enum quantity_id id);
/* How each is measured of a flow that is what it needs. */
typedef double quantity_function(const struct scene *scene);
extern quantity_function *const quantity_functions[QUANTITY_COUNT];
/* A quantity of this flow; NaN where the flow is no evidence of it: no condition on it holds. */
double quantity_measure(enum quantity_id id, const struct scene *scene);
/* When the evidence behind a quantity began: the start of the first flow counted. */
int64_t quantity_since_ns(enum quantity_id id, const struct scene *scene);

#endif
