/* SPDX-License-Identifier: Apache-2.0 */
/* Writes frames to a pcap file with nanosecond stamps (-w, --flagged-pcap). Used by whoever opened
 * it, from one thread. */
#ifndef WHYFLOW_CAPTURE_CAPTURE_WRITER_H
#define WHYFLOW_CAPTURE_CAPTURE_WRITER_H

#include "capture/capture.h"
#include "whyflow/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct capture_writer;

/* Opens `path` ("-": standard output) for frames of one link type (LINKTYPE_ number). Returns NULL
 * and fills `error` if it cannot be written. snaplen_bytes 0: CAPTURE_SNAPLEN_MAX. `path` must live
 * until it is closed. */
struct capture_writer *capture_writer_open(const char *path, uint16_t link_type,
                                           uint32_t snaplen_bytes, struct capture_error *error);

/* Writes one frame: a replay of the file refuses and accepts what this run did. Returns false and
 * fills `error` if the write failed or the frame has another link type; the file then holds the
 * frames before. */
bool capture_writer_frame(struct capture_writer *writer, const struct frame *frame,
                          struct capture_error *error);

/* Hands what is buffered to the system. False and `error` if that failed. */
bool capture_writer_flush(struct capture_writer *writer, struct capture_error *error);

/* Flushes and closes; false and `error` if something did not reach the file. NULL: true. */
bool capture_writer_close(struct capture_writer *writer, struct capture_error *error);

#endif
