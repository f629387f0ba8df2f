/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: a record becomes a line (or, as text, a block of lines). The emitter thread calls these,
 * once per record and destination; they keep no state, so that the same record and context give
 * the same bytes. */
#ifndef WHYFLOW_FORMAT_FORMAT_H
#define WHYFLOW_FORMAT_FORMAT_H

#include "whyflow/record.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum format_kind { FORMAT_NATIVE, FORMAT_CSV, FORMAT_TEXT };

/* The longest line that a formatter makes, without its newline: rsyslog cuts at 8,096 bytes. */
enum { FORMAT_LINE_LENGTH_MAX = 7500, FORMAT_BUFFER_SIZE = 32768 };

/* What a record does not know of the run it belongs to. Strings are the caller's; any bytes are
 * allowed, the formatter makes UTF-8 of them. */
struct format_context {
    const char *sensor;              /* also EVE's `host` */
    const char *boot;                /* id of this run */
    const char *version;             /* of whyflow */
    uint64_t sequence;               /* gapless per destination: the caller counts lines written */
    const char *const *source_names; /* interfaces or files, by flow_record.source_index;
                                      * NULL among them: no name */
    const bool *source_is_interface; /* of each name; NULL: is_live says it of all */
    size_t source_count;
    const struct settings *settings; /* for whyflow.limits in `stats` */
    bool is_live;                    /* source_names are interfaces */
    bool nothing_stands_out;         /* the run's highest scores are no higher than chance makes */
    bool use_color;                  /* text only, as the next */
    bool is_verbose;                 /* an alert's sections too */
};

/* Writes the record as one line without a newline into `line` and its length, without the NUL,
 * into `length`. Length 0: this format has nothing to say about such a record (a CSV of `stats`).
 * Returns false if it did not fit into `size`; FORMAT_BUFFER_SIZE is always enough. */
bool format_record(enum format_kind kind, const struct record *record,
                   const struct format_context *context, char *line, size_t size, size_t *length);

/* The first line of a destination: CSV's names of columns. Length 0 for the others. */
bool format_header(enum format_kind kind, char *line, size_t size, size_t *length);

/* EVE's keys, and `whyflow` (docs/whyflow.schema.json). At most FORMAT_LINE_LENGTH_MAX bytes: of a
 * longer record parts are left out, in a fixed order, and `truncated_record` says so. */
bool format_native(const struct record *record, const struct format_context *context, char *line,
                   size_t size, size_t *length);

/* One row a flow or alert: the eighteen columns of `observed`, then the features. */
bool format_csv(const struct record *record, const struct format_context *context, char *line,
                size_t size, size_t *length);
bool format_csv_header(char *line, size_t size, size_t *length);

/* For a person: a block for an alert, a line for a flow, a table for the final statistics. */
bool format_text(const struct record *record, const struct format_context *context, char *line,
                 size_t size, size_t *length);

#endif
