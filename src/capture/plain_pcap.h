/* SPDX-License-Identifier: Apache-2.0 */
/* The ordinary records of a plain, classic pcap file, read without libpcap. For the capture room
 * alone, on the capture thread.
 *
 * Ordinary is a record of version 2.4 that is there to its end, no longer than the file's snap
 * length and PLAIN_PCAP_FRAME_MAX, with less than 2^31 fractions. At the first that is not, and at
 * the end of the file, libpcap goes on from plain_pcap_offset: what odd records mean, and what is
 * said of a file cut short, is libpcap's to judge and so the same whoever read up to there.
 *
 * Bytes come by pread into a window that stays in the second-level cache. Measured on 3.1 GB in
 * 5 M packets, all in the page cache, processor time: libpcap's loop .98 s, a map of the whole file
 * .54, maps of 1 to 16 MiB with or without MAP_POPULATE .54 to .74, windows by MADV_POPULATE_READ
 * .52, pread .19 (128 KiB to 1 MiB alike; 64 KiB .22). A map saves the copy and pays for it with
 * page tables and with a miss to memory at each header, where the copy's reading ahead has none.
 * And of a file that shrinks a short read is told, where a map raises SIGBUS. */
#ifndef WHYFLOW_CAPTURE_PLAIN_PCAP_H
#define WHYFLOW_CAPTURE_PLAIN_PCAP_H

#include "base/stream.h"
#include "whyflow/frame.h"

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAIN_PCAP_FRAME_MAX = 262144, /* bytes captured of a frame: libpcap's limit of most links */
    PLAIN_PCAP_HEADER_BYTES = 16,  /* before each frame */
    PLAIN_PCAP_READ_BYTES = 256 << 10, /* at a time, of a file */
};

struct plain_pcap {
    const struct stream *stream;
    uint8_t *window;     /* room for the start of a record, then for what a read brings */
    size_t read_bytes;   /* at a time */
    const uint8_t *at;   /* the next record; at <= end */
    const uint8_t *end;  /* of what was read */
    uint64_t end_offset; /* of `end` in the file */
    uint32_t ns_per_fraction;
    uint32_t frame_max;
    bool is_swapped;
};

/* True if `pcap`, just opened on the stream, reads a file whose ordinary records can be read here
 * with the same result; `plain` is then to be closed. Memory is had only then. */
bool plain_pcap_open(struct plain_pcap *plain, const struct stream *stream, pcap_t *pcap,
                     size_t read_bytes);
void plain_pcap_close(struct plain_pcap *plain); /* all zero is allowed */

/* Where in the file the next record begins. */
static inline uint64_t plain_pcap_offset(const struct plain_pcap *plain)
{
    return plain->end_offset - (uint64_t)(plain->end - plain->at);
}

/* True if the file has become shorter than what was read of it. */
bool plain_pcap_has_shrunk(const struct plain_pcap *plain);

/* Fills in bytes, stamps and lengths of the next frames, at most `max` (>= 1), and returns how
 * many; bytes last until the next call. 0: no ordinary record is next. */
size_t plain_pcap_frames(struct plain_pcap *plain, struct frame *frames, size_t max);

#endif
