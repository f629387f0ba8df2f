/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a formatter. Called by the emitter thread; no state. */
#include "format/format.h"

#include <assert.h>

bool format_record(enum format_kind kind, const struct record *record,
                   const struct format_context *context, char *line, size_t size, size_t *length)
{
    switch (kind) {
    case FORMAT_CSV:
        return format_csv(record, context, line, size, length);
    case FORMAT_TEXT:
        return format_text(record, context, line, size, length);
    default:
        return format_native(record, context, line, size, length);
    }
}

bool format_header(enum format_kind kind, char *line, size_t size, size_t *length)
{
    assert(size >= 1);
    line[0] = '\0';
    *length = 0;
    return kind != FORMAT_CSV || format_csv_header(line, size, length);
}
