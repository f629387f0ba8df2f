/* SPDX-License-Identifier: Apache-2.0 */
/* The common frame, decoded in one go: Ethernet with at most one VLAN tag, IPv4 without options or
 * IPv6 without extension headers, no fragment, TCP or UDP to no tunnel's port, nothing odd, and no
 * header cut off. Called by the decoder for every frame, on the capture thread.
 *
 * Of what a network carries, and of floods and scans all the more, nearly every frame is so. The
 * header functions take 36 ns for it, most of that for going from one to the next by the table;
 * here it is 14. Whatever is not exactly so is left to them, before anything is concluded from it:
 * there is no second opinion here on what is malformed. tests/property/packet_direct_test.c holds
 * that both give the same packets. */
#include "packet/decoder.h"
#include "packet/digest.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    LINK_TYPE_ETHERNET = 1,
    ETHERNET_HEADER_BYTES = 14,
    VLAN_TAG_BYTES = 4,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    VLAN_ID_MASK = 0x0fff,
    IPV4_HEADER_BYTES = 20,
    IPV4_WITHOUT_OPTIONS = 0x45,
    IPV4_FRAGMENT_MASK = 0x3fff, /* more fragments, offset */
    IPV6_HEADER_BYTES = 40,
    TCP_HEADER_BYTES = 20,
    UDP_HEADER_BYTES = 8,
    /* The shortest of the shape: it is asked for first, and so a tag needs no check of its own. */
    FRAME_BYTES_MIN = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + UDP_HEADER_BYTES,
};

/* What is left of the frame under way, which is read through this alone: a cursor that knows two
 * ends. captured <= wire. */
struct rest {
    const uint8_t *bytes;
    uint32_t captured; /* of them */
    uint32_t wire;     /* how many there were; behind the IP header, those of the IP packet */
};

static uint16_t number16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t number32(const uint8_t *bytes)
{
    return (uint32_t)number16(bytes) << 16 | number16(bytes + 2);
}

static bool has(const struct rest *rest, uint32_t count)
{
    return rest->captured >= count;
}

/* Goes past bytes that are known to be there. */
static void skip(struct rest *rest, uint32_t count)
{
    rest->bytes += count;
    rest->captured -= count;
    rest->wire -= count;
}

/* The frame's own, and 0 for all that only other frames have. */
static void begin_packet(const struct frame *frame, struct packet *packet)
{
    static_assert(offsetof(struct packet, vlan) + PACKET_RARE_BYTES == sizeof *packet,
                  "what is rare comes last, and nothing lies between");
    memset((uint8_t *)packet + offsetof(struct packet, vlan), 0, PACKET_RARE_BYTES);
    packet->time_ns = frame->time_s * DECODER_SECOND_NS + frame->time_subsec_ns;
    packet->frame_bytes = frame->wire_bytes;
    packet->marks = frame->captured_bytes < frame->wire_bytes ? PACKET_MARK_CUT : 0;
    packet->vlan_count = packet->tunnel_count = 0;
}

/* Goes past the IP header. The length it says, `ip_bytes`, must have been there on the wire, or
 * what is meant is not clear. (One of 0, which is offload's, leaves no room for a transport
 * header.) */
static bool enter_ip(struct rest *rest, uint32_t header_bytes, uint32_t ip_bytes)
{
    if (ip_bytes < header_bytes || ip_bytes > rest->wire)
        return false;
    skip(rest, header_bytes);
    rest->wire = ip_bytes - header_bytes;
    if (rest->captured > rest->wire)
        rest->captured = rest->wire;
    return true;
}

static bool read_ipv4(struct rest *rest, struct packet *packet, uint16_t *identification)
{
    const uint8_t *const header = rest->bytes;
    if (!has(rest, IPV4_HEADER_BYTES) || header[0] != IPV4_WITHOUT_OPTIONS)
        return false;
    const uint32_t ip_bytes = number16(header + 2);
    if ((number16(header + 6) & IPV4_FRAGMENT_MASK) != 0 ||
        !enter_ip(rest, IPV4_HEADER_BYTES, ip_bytes))
        return false;
    *identification = number16(header + 4);
    packet->ip_version = 4;
    packet->ip_bytes = ip_bytes;
    packet->ttl = header[8];
    packet->protocol = header[9];
    memset(packet->source, 0, sizeof packet->source);
    memset(packet->destination, 0, sizeof packet->destination);
    memcpy(packet->source, header + 12, 4);
    memcpy(packet->destination, header + 16, 4);
    return true;
}

static bool read_ipv6(struct rest *rest, struct packet *packet, uint16_t *identification)
{
    const uint8_t *const header = rest->bytes;
    if (!has(rest, IPV6_HEADER_BYTES) || header[0] >> 4 != 6)
        return false;
    const uint32_t ip_bytes = IPV6_HEADER_BYTES + number16(header + 4);
    if (!enter_ip(rest, IPV6_HEADER_BYTES, ip_bytes))
        return false;
    *identification = 0;
    packet->ip_version = 6;
    packet->ip_bytes = ip_bytes;
    packet->protocol = header[6];
    packet->ttl = header[7];
    memcpy(packet->source, header + 8, sizeof packet->source);
    memcpy(packet->destination, header + 24, sizeof packet->destination);
    return true;
}

static bool read_network(struct rest *rest, struct packet *packet, uint16_t *identification)
{
    uint16_t type = number16(rest->bytes + ETHERNET_HEADER_BYTES - 2);
    skip(rest, ETHERNET_HEADER_BYTES);
    if (type == ETHERTYPE_VLAN) {
        packet->vlan[packet->vlan_count++] = number16(rest->bytes) & VLAN_ID_MASK;
        type = number16(rest->bytes + 2);
        skip(rest, VLAN_TAG_BYTES);
    }
    switch (type) {
    case ETHERTYPE_IPV4:
        return read_ipv4(rest, packet, identification);
    case ETHERTYPE_IPV6:
        return read_ipv6(rest, packet, identification);
    default:
        return false;
    }
}

static bool read_tcp(const struct rest *rest, struct packet *packet, uint16_t identification)
{
    const uint8_t *const header = rest->bytes;
    if (!has(rest, TCP_HEADER_BYTES))
        return false;
    const uint32_t header_bytes = (header[12] >> 4) * 4u;
    if (header_bytes - TCP_HEADER_BYTES > rest->wire - TCP_HEADER_BYTES)
        return false; /* too much, or too little, which wraps */
    packet->source_port = number16(header);
    packet->destination_port = number16(header + 2);
    packet->tcp_sequence = number32(header + 4);
    packet->tcp_acknowledgment = number32(header + 8);
    packet->tcp_flags = header[13];
    packet->tcp_window = number16(header + 14);
    packet->payload_bytes = rest->wire - header_bytes;
    if (identification == 0 && transport_is_often_repeated(packet))
        packet->digest = 0;
    return true;
}

static bool read_udp(const struct rest *rest, struct packet *packet)
{
    const uint8_t *const header = rest->bytes;
    if (!has(rest, UDP_HEADER_BYTES))
        return false;
    packet->source_port = number16(header);
    packet->destination_port = number16(header + 2);
    packet->tcp_sequence = packet->tcp_acknowledgment = 0;
    packet->tcp_flags = 0;
    packet->tcp_window = 0;
    packet->payload_bytes = rest->wire - UDP_HEADER_BYTES;
    return !decoder_is_tunnel_port(packet->source_port) &&
           !decoder_is_tunnel_port(packet->destination_port);
}

/* One frame. False: it is of another shape. */
static inline bool decode(const struct frame *frame, struct packet *packet)
{
    struct rest rest = {frame->bytes, frame->captured_bytes, frame->wire_bytes};
    uint16_t identification;
    if (frame->link_type != LINK_TYPE_ETHERNET || decoder_check_frame(frame) != PACKET_ACCEPTED ||
        !has(&rest, FRAME_BYTES_MIN))
        return false;
    begin_packet(frame, packet);
    if (!read_network(&rest, packet, &identification))
        return false;
    const bool is_tcp = packet->protocol == PACKET_PROTOCOL_TCP;
    if (!is_tcp && packet->protocol != PACKET_PROTOCOL_UDP)
        return false;
    const struct digest_input input = {
        .bytes = rest.bytes,
        .size = digest_size(rest.captured, rest.wire),
        .identification = identification,
        .protocol = packet->protocol,
        .ip_bytes = packet->ip_bytes,
    };
    packet->source_index = frame->source_index;
    packet->digest = digest_of(&input); /* once, here: all of it stays in registers so */
    return is_tcp ? read_tcp(&rest, packet, identification) : read_udp(&rest, packet);
}

/* Not inlined: among the header functions' loop its registers would be spilled. */
__attribute__((noinline)) size_t direct_decode(const struct frame *frames, size_t count,
                                               struct packet *packets)
{
    size_t decoded = 0;
    while (decoded < count && decode(&frames[decoded], &packets[decoded]))
        decoded++;
    return decoded;
}
