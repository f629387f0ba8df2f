/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a capture file as a FILE for libpcap: a file or standard input, plain, gzip or
 * zstd.
 *
 * Compression and format are told by the first bytes, never by the name, so standard input works
 * the same. For the capture room alone, on the capture thread. */
#ifndef WHYFLOW_CAPTURE_STREAM_H
#define WHYFLOW_CAPTURE_STREAM_H

#include "capture/capture_error.h"

#include <stdbool.h>
#include <stdio.h>

struct stream;

/* Opens `path` ("-": standard input) and reads its first bytes. Returns NULL and fills `error` if
 * it cannot be read, is empty, or is compressed in a way whyflow does not read. stop_fd: see
 * struct capture_settings. */
struct stream *stream_open(const char *path, int stop_fd, struct capture_error *error);

/* The bytes, uncompressed. The FILE is the caller's to close, before stream_close. */
FILE *stream_file(struct stream *stream);

/* True if the (uncompressed) bytes begin as pcapng does. */
bool stream_is_pcapng(const struct stream *stream);

/* What went wrong below libpcap, or "": a read error, a damaged or cut gzip or zstd stream. */
const char *stream_failure(const struct stream *stream);

/* True if the end was stop_fd's doing: a packet cut in two then is no damage. */
bool stream_is_stopped(const struct stream *stream);

void stream_close(struct stream *stream); /* NULL is allowed */

#endif
