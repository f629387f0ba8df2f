/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions (prose_condition_*.c) and fields (prose_field_*.c) alike look up in the facts.
 * Pure functions; any thread. */
#ifndef WHYFLOW_EXPLAIN_PROSE_FACTS_H
#define WHYFLOW_EXPLAIN_PROSE_FACTS_H

#include "explain/prose.h"
#include "whyflow/feature.h"

static inline const struct flow_record *prose_flow(const struct prose_facts *facts)
{
    return &facts->part->flow;
}

static inline const struct flow_direction *prose_forward(const struct prose_facts *facts)
{
    return &facts->part->flow.direction[FLOW_FORWARD];
}

static inline const struct flow_direction *prose_reverse(const struct prose_facts *facts)
{
    return &facts->part->flow.direction[FLOW_REVERSE];
}

static inline bool prose_has_feature(const struct prose_facts *facts, enum feature_id id)
{
    return feature_is_present(&facts->part->features, id);
}

static inline double prose_value(const struct prose_facts *facts, enum feature_id id)
{
    return facts->part->features.value[id];
}

static inline bool prose_has_caveat(const struct prose_facts *facts, enum record_caveat caveat)
{
    return (facts->part->caveats & (uint32_t)caveat) != 0;
}

#endif
