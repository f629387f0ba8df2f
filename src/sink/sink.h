/* SPDX-License-Identifier: Apache-2.0 */
/* A destination of lines: standard output or a file. Whole lines go in and are kept in order; a
 * line is counted as written once all of it was handed to the kernel, or as lost. The emitter
 * thread owns a sink. SIGPIPE must be ignored by the program. */
#ifndef WHYFLOW_SINK_SINK_H
#define WHYFLOW_SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SINK_BUFFER_SIZE = 65536, SINK_BUFFER_LINES_MAX = 4096 };

enum sink_result {
    SINK_OK,
    SINK_CLOSED, /* the reader has gone (EPIPE): nothing can be written any more */
    SINK_FAILED, /* see sink_error; what is in the buffer is kept and tried again */
};

enum sink_fsync {
    SINK_FSYNC_NONE,
    SINK_FSYNC_SECOND, /* at most a second's lines are lost with the machine */
    SINK_FSYNC_RECORD, /* none is */
};

struct sink;

/* "-" is standard output; else a file, which is created with mode 0640 or appended to. Returns NULL
 * and one line in `error` if it cannot be opened. */
struct sink *sink_open(const char *path, enum sink_fsync fsync_policy, char *error,
                       size_t error_size);

/* Takes one line without its newline (or a block of lines). now_ns: any clock that never goes back.
 * If the buffer is full and cannot be emptied, the line is lost, counted, and never torn. */
enum sink_result sink_write_line(struct sink *sink, const char *line, size_t length,
                                 int64_t now_ns);

/* Hands everything to the kernel, and to the disk when the policy has it due. */
enum sink_result sink_flush(struct sink *sink, int64_t now_ns);

/* After a log rotation: finishes the old file and opens the path anew. If that fails, goes on with
 * the old one. Standard output is only flushed. */
enum sink_result sink_reopen(struct sink *sink, int64_t now_ns);

/* Flushes and closes. Lines that could not be written are added to *lost, the others to *written.
 * NULL is allowed as sink. */
enum sink_result sink_close(struct sink *sink, int64_t now_ns, uint64_t *written, uint64_t *lost);

uint64_t sink_written(const struct sink *sink); /* lines handed to the kernel whole */
uint64_t sink_buffered(const struct sink *sink);
uint64_t sink_lost(const struct sink *sink);
const char *sink_error(const struct sink *sink); /* one line about what failed last, or "" */

#endif
