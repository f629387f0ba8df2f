/* SPDX-License-Identifier: Apache-2.0 */
/* Which files can be read as plain pcap, and the window on them. See plain_pcap.h; the capture
 * thread. */
#include "capture/plain_pcap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_BYTES = 4096,
    /* A record of which a byte is missing, before what a read brings: that begins at a page, in
     * memory as in the file, which copies fastest. */
    CARRY_BYTES =
        (PLAIN_PCAP_HEADER_BYTES + PLAIN_PCAP_FRAME_MAX + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES,
    FILE_HEADER_BYTES = 24,
};

/* True if libpcap changes nothing in the packets of a file written in the other byte order. Of some
 * links (USB, NFLOG, cooked CAN) it swaps headers that the writing kernel put in front. */
static bool has_same_bytes(pcap_t *pcap)
{
    if (!pcap_is_swapped(pcap))
        return true;
    const int link = pcap_datalink(pcap);
    return link == DLT_EN10MB || link == DLT_RAW;
}

/* Nanoseconds of a fraction of the stamps, by the file's magic; 0: another format. */
static uint32_t ns_per_fraction(uint32_t magic)
{
    enum { MAGIC_US = 0xa1b2c3d4, MAGIC_NS = 0xa1b23c4d };
    switch (magic) {
    case MAGIC_US:
        return 1000;
    case MAGIC_NS:
        return 1;
    default:
        return 0;
    }
}

/* Before version 2.4 the two lengths could stand in the other order. */
static bool has_ordinary_records(pcap_t *pcap)
{
    return pcap_major_version(pcap) == 2 && pcap_minor_version(pcap) == 4 &&
           pcap_snapshot(pcap) > 0 && has_same_bytes(pcap);
}

static bool read_magic(const struct stream *stream, bool is_swapped, uint32_t *magic)
{
    if (!stream_is_plain_file(stream) || stream_read_at(stream, magic, sizeof *magic, 0) != 4)
        return false;
    if (is_swapped)
        *magic = __builtin_bswap32(*magic);
    return true;
}

bool plain_pcap_open(struct plain_pcap *plain, const struct stream *stream, pcap_t *pcap,
                     size_t read_bytes)
{
    uint32_t magic;
    if (!read_magic(stream, pcap_is_swapped(pcap), &magic))
        return false;
    const uint32_t snaplen_bytes = (uint32_t)pcap_snapshot(pcap);
    *plain = (struct plain_pcap){
        .stream = stream,
        .read_bytes = read_bytes,
        .end_offset = FILE_HEADER_BYTES,
        .ns_per_fraction = ns_per_fraction(magic),
        .frame_max = snaplen_bytes < PLAIN_PCAP_FRAME_MAX ? snaplen_bytes : PLAIN_PCAP_FRAME_MAX,
        .is_swapped = pcap_is_swapped(pcap),
    };
    if (plain->ns_per_fraction == 0 || !has_ordinary_records(pcap))
        return false;
    plain->window = aligned_alloc(PAGE_BYTES, CARRY_BYTES + read_bytes);
    if (plain->window == NULL)
        return false; /* libpcap does without */
    plain->at = plain->end = plain->window + CARRY_BYTES;
    return true;
}

void plain_pcap_close(struct plain_pcap *plain)
{
    free(plain->window);
    plain->window = NULL;
}

bool plain_pcap_has_shrunk(const struct plain_pcap *plain)
{
    return stream_file_bytes(plain->stream) < plain->end_offset;
}

/* Reads on. False: there is no more. Frames handed out before are gone. */
static bool fill(struct plain_pcap *plain)
{
    const size_t carried = (size_t)(plain->end - plain->at);
    uint8_t *const room = plain->window + CARRY_BYTES;
    assert(carried < CARRY_BYTES);
    memmove(room - carried, plain->at, carried);
    plain->at = room - carried;
    plain->end = room;
    /* The first read ends where a page of the file does, and so all others. */
    const size_t wanted = plain->read_bytes - plain->end_offset % PAGE_BYTES;
    const ssize_t count = stream_read_at(plain->stream, room, wanted, plain->end_offset);
    if (count <= 0)
        return false;
    plain->end += count;
    plain->end_offset += (uint64_t)count;
    return true;
}

static inline uint32_t number_at(const uint8_t *place, bool is_swapped)
{
    uint32_t number;
    memcpy(&number, place, sizeof number);
    return is_swapped ? __builtin_bswap32(number) : number;
}

/* The frames whose records are whole in the window. False in `may_read_on`: the next record is not
 * ordinary. What is the file's and not the record's is asked before the loop: is_swapped is a
 * constant where this is called. */
static inline __attribute__((always_inline)) size_t take_whole(struct plain_pcap *plain,
                                                               bool is_swapped,
                                                               struct frame *frames, size_t max,
                                                               bool *may_read_on)
{
    const uint8_t *at = plain->at;
    const uint8_t *const end = plain->end;
    const uint32_t frame_max = plain->frame_max, ns_per_fraction = plain->ns_per_fraction;
    size_t count = 0;
    *may_read_on = true;
    while (count < max && (size_t)(end - at) >= PLAIN_PCAP_HEADER_BYTES) {
        const uint8_t *const bytes = at + PLAIN_PCAP_HEADER_BYTES;
        const uint32_t fractions = number_at(at + 4, is_swapped);
        const uint32_t captured_bytes = number_at(at + 8, is_swapped);
        *may_read_on = captured_bytes <= frame_max && fractions <= INT32_MAX;
        if (!*may_read_on || (size_t)(end - bytes) < captured_bytes)
            break;
        struct frame *const frame = &frames[count++];
        frame->bytes = bytes;
        frame->time_s = number_at(at, is_swapped);
        frame->time_subsec_ns = (int64_t)((uint64_t)fractions * ns_per_fraction);
        frame->captured_bytes = captured_bytes;
        frame->wire_bytes = number_at(at + 12, is_swapped);
        at = bytes + captured_bytes;
    }
    plain->at = at;
    return count;
}

size_t plain_pcap_frames(struct plain_pcap *plain, struct frame *frames, size_t max)
{
    assert(max > 0);
    size_t count;
    bool may_read_on;
    do {
        count = plain->is_swapped ? take_whole(plain, true, frames, max, &may_read_on)
                                  : take_whole(plain, false, frames, max, &may_read_on);
    } while (count == 0 && may_read_on && fill(plain));
    return count;
}
