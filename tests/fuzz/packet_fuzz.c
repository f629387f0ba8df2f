/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the decoder (clang -fsanitize=fuzzer,address,undefined). The first four bytes choose
 * the link type, bytes cut off by a snap length, and the time; the rest is the frame. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t link_types[] = {1, 113, 276, 101, 12, 14, 0, 108, 228, 229, 9, 50, 104, 105};

enum { HEAD_BYTES = 4, LINK_TYPE_COUNT = sizeof link_types / sizeof *link_types };

/* abort, not assert: a build with NDEBUG must still find something. */
static void require(int holds)
{
    if (!holds)
        abort();
}

static void check_ports(const struct packet *packet)
{
    if ((packet->marks & PACKET_MARK_FRAGMENT_LATER) != 0)
        require(packet->source_port == 0 && packet->destination_port == 0);
    if (packet->protocol != PACKET_PROTOCOL_TCP)
        require(packet->tcp_flags == 0 && packet->tcp_sequence == 0);
    if (packet->ip_version == 4)
        for (size_t i = 4; i < sizeof packet->source; i++)
            require(packet->source[i] == 0 && packet->destination[i] == 0);
}

static void check_tunnels(const struct packet *packet)
{
    require(packet->tunnel_count <= PACKET_TUNNELS_MAX);
    for (size_t i = 0; i < PACKET_TUNNELS_MAX; i++)
        require((i < packet->tunnel_count) == (packet->tunnels[i] != PACKET_TUNNEL_NONE));
    if (packet->tunnel_count == 0)
        require(packet->outer_ip_version == 0);
    for (size_t i = 0; i < sizeof packet->outer_source; i++)
        require(packet->outer_ip_version != 0 ||
                (packet->outer_source[i] == 0 && packet->outer_destination[i] == 0));
}

static void check_fragment(const struct packet *packet)
{
    const unsigned marks = packet->marks & (PACKET_MARK_FRAGMENT_FIRST |
                                            PACKET_MARK_FRAGMENT_LATER | PACKET_MARK_FRAGMENT_LAST);
    require(marks != PACKET_MARK_FRAGMENT_LAST);
    require(packet->fragment_bytes <= packet->ip_bytes);
    if (marks == 0)
        require(packet->fragment_id == 0 && packet->fragment_bytes == 0);
    require((packet->fragment_offset_bytes != 0) == ((marks & PACKET_MARK_FRAGMENT_LATER) != 0));
}

/* A frame of which less was captured is in the same flow, in one around it, or refused; what was
 * placed by less stays placed by more. */
static void check_cut(const struct frame *frame, enum packet_refusal refusal)
{
    struct packet packet;
    struct frame cut = *frame;
    for (uint32_t less = 1; less < frame->captured_bytes; less *= 2) {
        cut.captured_bytes = frame->captured_bytes - less;
        if (packet_decode(&cut, &packet) == PACKET_ACCEPTED)
            require(refusal == PACKET_ACCEPTED);
    }
}

static void check_packet(const struct frame *frame, const struct packet *packet)
{
    require(packet->ip_version == 4 || packet->ip_version == 6);
    require(packet->frame_bytes == frame->wire_bytes);
    require(packet->ip_bytes <= packet->frame_bytes);
    require(packet->ip_bytes >= (packet->ip_version == 4 ? 20 : 40));
    require(packet->payload_bytes <= packet->ip_bytes);
    require(packet->vlan_count <= PACKET_VLAN_MAX);
    require(packet->time_ns >= 0 && packet->time_ns < INT64_C(1) << 62);
    require(packet->padding == 0);
    const int is_cut = (packet->marks & PACKET_MARK_CUT) != 0;
    require(is_cut == (frame->captured_bytes < frame->wire_bytes));
    check_ports(packet);
    check_tunnels(packet);
    check_fragment(packet);
}

/* What the direct path takes, the header functions give to the byte. */
static void check_direct(const struct frame *frame)
{
    struct packet direct, general;
    memset(&direct, 0xaa, sizeof direct);
    if (packet_decode(frame, &general) != PACKET_ACCEPTED || direct_decode(frame, 1, &direct) == 0)
        return;
    require(decoder_decode(frame, &general) == PACKET_ACCEPTED);
    require(memcmp(&direct, &general, sizeof direct) == 0);
}

static void check_frame(const struct frame *frame)
{
    struct packet first, second;
    memset(&first, 0x00, sizeof first);
    memset(&second, 0xff, sizeof second);
    const enum packet_refusal refusal = packet_decode(frame, &first);
    require(packet_decode(frame, &second) == refusal);
    require(memcmp(&first, &second, sizeof first) == 0);
    require(packet_refusal_name(refusal) != NULL);
    if (refusal == PACKET_ACCEPTED)
        check_packet(frame, &first);
    check_direct(frame);
    check_cut(frame, refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    const uint32_t captured_bytes = (uint32_t)(size - HEAD_BYTES);
    const struct frame frame = {
        .bytes = data + HEAD_BYTES,
        .time_s = data[2] * INT64_C(16843009),
        .time_subsec_ns = data[3] * INT64_C(3921569),
        .captured_bytes = captured_bytes,
        .wire_bytes = captured_bytes + (data[1] & 0x0f) * (data[1] >> 4) * 7u,
        .link_type = link_types[data[0] % LINK_TYPE_COUNT],
        .source_index = data[0],
    };
    check_frame(&frame);
    return 0;
}
