/* SPDX-License-Identifier: Apache-2.0 */
/* The last steps: record → line → sink, for each destination that wants the record. The emitter
 * thread's (in --inline runs: the only thread's); output_lose alone may be called from others. */
#ifndef WHYFLOW_OUTPUT_H
#define WHYFLOW_OUTPUT_H

#include "format/format.h"
#include "options.h"
#include "whyflow/record.h"

#include <stdbool.h>
#include <stdint.h>

struct output;

/* Opens all destinations of the options. `run` says what the lines' run is; its strings must live
 * as long as the output. NULL and one line in `error` if a destination cannot be opened. */
struct output *output_open(const struct options *options, const struct format_context *run,
                           char *error, size_t error_size);

/* Writes a record to each destination that wants its kind. Fills the record counters of statistics
 * first. What could not be written is counted as lost. */
void output_record(struct output *output, struct record *record);

/* Hands everything buffered to the system; where nothing is buffered it costs nothing. now_ns: any
 * clock that never goes back, for --fsync 1s. */
void output_flush(struct output *output, int64_t now_ns);

/* Opens files anew by their names (after a log rotation). */
void output_reopen(struct output *output);

/* Counts a record as lost before it came here: the queue was full. Any thread. */
void output_lose(struct output *output, enum record_kind kind);

/* True once no destination has a reader any more (| head): there is nothing more to do. */
bool output_has_no_reader(const struct output *output);

/* After the final statistics and the last flush: what a sink could not write by then is lost. */
struct output_summary {
    uint64_t alerts; /* flows flagged, whether alerts were asked for or not */
    uint64_t lost;
    char lost_reason[320]; /* one line; "": a queue was full */
    bool sums_hold;
    char broken_sum[160];
};
void output_summarise(const struct output *output, struct output_summary *summary);

/* Flushes and closes. */
void output_close(struct output *output); /* NULL is allowed */

#endif
