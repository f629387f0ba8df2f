/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an input file as a FILE: a file or standard input, plain, gzip or zstd.
 *
 * Compression and format are told by the first bytes, never by the name, so standard input works
 * the same. For the capture and the intake room, on the thread that reads; no part of the library,
 * which opens no file. */
#ifndef WHYFLOW_BASE_STREAM_H
#define WHYFLOW_BASE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { STREAM_ERROR_SIZE = 512 };

/* One line for people, which says what to do. */
struct stream_error {
    bool is_system; /* memory is short; else the input is at fault */
    char text[STREAM_ERROR_SIZE];
};

/* What messages say of the input's use. */
struct stream_purpose {
    char letter; /* of the option that reads standard input: `xz -dc FILE | whyflow -r -` */
    const char *if_empty; /* "empty: not a capture file"; static */
};

struct stream;

/* Opens `path` ("-": standard input) and reads its first bytes. Returns NULL and fills `error` if
 * it cannot be read, is empty, or is compressed in a way whyflow does not read. Once stop_fd
 * is readable (-1: none), a pipe that has nothing to read counts as ended, so that a run can stop.
 * `path` must live as long as the stream. */
struct stream *stream_open(const char *path, int stop_fd, const struct stream_purpose *what,
                           struct stream_error *error);

/* The bytes, uncompressed. The FILE is the caller's to close, before stream_close. */
FILE *stream_file(struct stream *stream);

/* True if the (uncompressed) bytes begin as pcapng does. */
bool stream_is_pcapng(const struct stream *stream);

/* True if the bytes are those of a regular file, given by name, as they lie there. Then the FILE
 * can be told by fseeko(SEEK_SET) where to go on, and stream_read_at reads past it. */
bool stream_is_plain_file(const struct stream *stream);

/* Of a plain file: up to `size` bytes from `offset` on, whatever the FILE has read. 0 at its end;
 * below 0 if they cannot be read, and then the FILE will say why. */
ssize_t stream_read_at(const struct stream *stream, void *bytes, size_t size, uint64_t offset);

/* Of a plain file: how many bytes it has at this moment. */
uint64_t stream_file_bytes(const struct stream *stream);

/* What went wrong below the reader, or "": a read error, a damaged or cut gzip or zstd stream. */
const char *stream_failure(const struct stream *stream);

/* True if the end was stop_fd's doing: a packet or line cut in two then is no damage. */
bool stream_is_stopped(const struct stream *stream);

void stream_close(struct stream *stream); /* NULL is allowed */

#endif
