/* SPDX-License-Identifier: Apache-2.0 */
/* Flows from files of native lines, in hand-over order: several files are merged by (epoch, notice
 * time, opening number), each keeping its own order, ties in the order given. Called by the
 * program's rescoring loop, on one thread, which owns the reader from open to close. */
#ifndef WHYFLOW_INTAKE_FLOW_READER_H
#define WHYFLOW_INTAKE_FLOW_READER_H

#include "whyflow/flow_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FLOW_READER_FILES_MAX = 256,
    FLOW_READER_SOURCES_MAX = 1024, /* names of interfaces and files that flows bring along */
    FLOW_READER_ERROR_SIZE = 512,
};

struct flow_reader;

/* Opens all files ("-": standard input; gzip and zstd are told by their first bytes). stop_fd: see
 * stream_open. NULL and one line in `error` if one cannot be read; is_system then says that memory
 * is short. */
struct flow_reader *flow_reader_open(const char *const *paths, size_t count, int stop_fd,
                                     char error[FLOW_READER_ERROR_SIZE], bool *is_system);

enum flow_reader_result {
    FLOW_READER_FLOW,
    FLOW_READER_BAD_LINE,  /* refused; flow_reader_message says which and why. Read on */
    FLOW_READER_CUT_SHORT, /* a file is damaged; what was good of it was handed over. Read on */
    FLOW_READER_END,
};

enum flow_reader_result flow_reader_next(struct flow_reader *reader, struct flow_record *flow);

/* "FILE:LINE: what is wrong". Valid until the next call. */
const char *flow_reader_message(const struct flow_reader *reader);

struct flow_reader_counters {
    uint64_t lines, flows, bad;
    uint64_t others;     /* skipped: alerts, statistics, blank lines */
    uint64_t disordered; /* flows that should have come before the one before them */
    uint64_t unnamed;    /* flows whose source found no room in the table of names */
};
struct flow_reader_counters flow_reader_counters(const struct flow_reader *reader);

/* By flow_record.source_index: names met so far, NULL beyond them; and which are interfaces. Both
 * arrays have FLOW_READER_SOURCES_MAX entries, are the reader's and grow as it reads. */
const char *const *flow_reader_source_names(const struct flow_reader *reader);
const bool *flow_reader_source_is_interface(const struct flow_reader *reader);

void flow_reader_close(struct flow_reader *reader); /* NULL is allowed */

#endif
