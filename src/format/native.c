/* SPDX-License-Identifier: Apache-2.0 */
/* The native format: EVE's keys first, then everything of ours under `whyflow`. The emitter thread
 * calls it for each record; no state.
 *
 * A line is made as if there were room for all of it. Only if it then exceeds the limit is it made
 * again with less: the order of what goes is in `enum native_cut`. */
#include "format/format.h"

#include "format/native_flow.h"
#include "format/native_statistics.h"

#include <assert.h>
#include <string.h>

static bool write_line(const struct record *record, const struct format_context *context,
                       enum native_cut cut, struct json_writer *json)
{
    json_open_object(json, NULL);
    if (record->kind == RECORD_STATISTICS)
        native_write_statistics(json, record, context);
    else
        native_write_flow(json, record, context, cut);
    json_close_object(json);
    return !json->text.is_full;
}

bool format_native(const struct record *record, const struct format_context *context, char *line,
                   size_t size, size_t *length)
{
    for (int cut = NATIVE_CUT_NOTHING; cut < NATIVE_CUT_COUNT; cut++) {
        struct json_writer json = json_writer_init(line, size);
        const bool fits = write_line(record, context, (enum native_cut)cut, &json);
        *length = json.text.length;
        if (fits && json.text.length <= FORMAT_LINE_LENGTH_MAX)
            return true;
    }
    return false;
}
