/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fields share: prose_field_ends.c, prose_field_flow.c, prose_field_reason.c and
 * prose_field_evidence.c each have a table of theirs, which prose_field.c goes through. */
#ifndef WHYFLOW_EXPLAIN_PROSE_FIELD_H
#define WHYFLOW_EXPLAIN_PROSE_FIELD_H

#include "base/quantity.h"
#include "explain/prose.h"
#include "explain/prose_facts.h"
#include "whyflow/feature.h"

struct prose_fields {
    const struct prose_field *fields;
    size_t count;
};

extern const struct prose_fields prose_fields_ends, prose_fields_flow, prose_fields_reason,
    prose_fields_evidence;

/* Measured values with three digits; what is typical with two, for it is known to one bin. */
enum { PROSE_VALUE_DIGITS = 3, PROSE_TYPICAL_DIGITS = 2 };

static inline void prose_put_feature(const struct prose_facts *facts, enum feature_id id,
                                     struct text *text)
{
    quantity_append(text, prose_value(facts, id), feature_infos[id].unit, PROSE_VALUE_DIGITS);
}

#endif
