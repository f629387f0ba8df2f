/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that sentences name: each prints facts of the record by the rules of base/quantity.h.
 * Their tables stand beside what they print, in prose_field_*.c. */
#include "explain/prose_field.h"

#include <string.h>

static const struct prose_fields *const tables[] = {
    &prose_fields_ends,
    &prose_fields_flow,
    &prose_fields_reason,
    &prose_fields_evidence,
};

const struct prose_field *prose_find_field(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const struct prose_field *const fields = tables[i]->fields;
        for (size_t j = 0; j < tables[i]->count; j++)
            if (strncmp(fields[j].name, name, length) == 0 && fields[j].name[length] == '\0')
                return &fields[j];
    }
    return NULL;
}
