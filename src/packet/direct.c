/* SPDX-License-Identifier: Apache-2.0 */
/* The common frame, decoded in one go: Ethernet with at most one VLAN tag, IPv4 without options or
 * IPv6 without extension headers, no fragment, TCP or UDP to no tunnel's port, nothing odd, and no
 * header cut off. Called by the decoder for every frame that passed its gate, on the capture
 * thread.
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
};

static const int64_t nanoseconds_per_second = 1000000000;

/* What leads to the transport header. */
struct direct {
    struct cursor
        cursor;    /* at the transport header; ends with the IP packet, or where it was cut */
    uint32_t left; /* bytes on the wire from there to the end of the IP packet */
    uint16_t identification;
};

static uint16_t number16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t number32(const uint8_t *bytes)
{
    return (uint32_t)number16(bytes) << 16 | number16(bytes + 2);
}

/* The frame's own, and 0 for all that only other frames have. */
static void begin_packet(const struct frame *frame, struct packet *packet)
{
    static_assert(offsetof(struct packet, vlan) + PACKET_RARE_BYTES == sizeof *packet,
                  "what is rare comes last, and nothing lies between");
    memset((uint8_t *)packet + offsetof(struct packet, vlan), 0, PACKET_RARE_BYTES);
    packet->time_ns = frame->time_s * nanoseconds_per_second + frame->time_subsec_ns;
    packet->frame_bytes = frame->wire_bytes;
    packet->source_index = frame->source_index;
    packet->marks = frame->captured_bytes < frame->wire_bytes ? PACKET_MARK_CUT : 0;
    packet->vlan_count = packet->tunnel_count = 0;
}

/* The length the IP header says, `ip_bytes`, must have been there on the wire, or what is meant is
 * not clear. (One of 0, which is offload's, leaves no room for a transport header.) */
static bool bound_ip(struct direct *direct, const struct frame *frame, uint32_t header_bytes,
                     uint32_t ip_bytes)
{
    const uint32_t start = direct->cursor.position - header_bytes;
    if (ip_bytes < header_bytes || ip_bytes > frame->wire_bytes - start)
        return false;
    cursor_limit(&direct->cursor, start + ip_bytes);
    direct->left = ip_bytes - header_bytes;
    return true;
}

static bool read_ipv4(struct direct *direct, const struct frame *frame, struct packet *packet)
{
    const uint8_t *const header = cursor_take(&direct->cursor, IPV4_HEADER_BYTES);
    if (header == NULL || header[0] != IPV4_WITHOUT_OPTIONS)
        return false;
    const uint32_t ip_bytes = number16(header + 2);
    if ((number16(header + 6) & IPV4_FRAGMENT_MASK) != 0 ||
        !bound_ip(direct, frame, IPV4_HEADER_BYTES, ip_bytes))
        return false;
    direct->identification = number16(header + 4);
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

static bool read_ipv6(struct direct *direct, const struct frame *frame, struct packet *packet)
{
    const uint8_t *const header = cursor_take(&direct->cursor, IPV6_HEADER_BYTES);
    if (header == NULL || header[0] >> 4 != 6)
        return false;
    const uint32_t ip_bytes = IPV6_HEADER_BYTES + number16(header + 4);
    if (!bound_ip(direct, frame, IPV6_HEADER_BYTES, ip_bytes))
        return false;
    direct->identification = 0;
    packet->ip_version = 6;
    packet->ip_bytes = ip_bytes;
    packet->protocol = header[6];
    packet->ttl = header[7];
    memcpy(packet->source, header + 8, sizeof packet->source);
    memcpy(packet->destination, header + 24, sizeof packet->destination);
    return true;
}

static bool read_network(struct direct *direct, const struct frame *frame, struct packet *packet)
{
    const uint8_t *const link = cursor_take(&direct->cursor, ETHERNET_HEADER_BYTES);
    if (link == NULL)
        return false;
    uint16_t type = number16(link + 12);
    if (type == ETHERTYPE_VLAN) {
        const uint8_t *const tag = cursor_take(&direct->cursor, VLAN_TAG_BYTES);
        if (tag == NULL)
            return false;
        packet->vlan[packet->vlan_count++] = number16(tag) & VLAN_ID_MASK;
        type = number16(tag + 2);
    }
    switch (type) {
    case ETHERTYPE_IPV4:
        return read_ipv4(direct, frame, packet);
    case ETHERTYPE_IPV6:
        return read_ipv6(direct, frame, packet);
    default:
        return false;
    }
}

static void set_digest(const struct direct *direct, struct packet *packet)
{
    const struct digest_input input = {
        .bytes = direct->cursor.bytes + direct->cursor.position,
        .size = digest_size(direct->cursor.size - direct->cursor.position, direct->left),
        .identification = direct->identification,
        .protocol = packet->protocol,
        .ip_bytes = packet->ip_bytes,
    };
    packet->digest = digest_of(&input);
}

static bool read_tcp(struct direct *direct, struct packet *packet)
{
    const uint8_t *const header = cursor_take(&direct->cursor, TCP_HEADER_BYTES);
    if (header == NULL)
        return false;
    const uint32_t header_bytes = (header[12] >> 4) * 4u;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > direct->left)
        return false;
    packet->source_port = number16(header);
    packet->destination_port = number16(header + 2);
    packet->tcp_sequence = number32(header + 4);
    packet->tcp_acknowledgment = number32(header + 8);
    packet->tcp_flags = header[13];
    packet->tcp_window = number16(header + 14);
    packet->payload_bytes = direct->left - header_bytes;
    if (direct->identification == 0 && transport_is_often_repeated(packet))
        packet->digest = 0;
    return true;
}

static bool read_udp(struct direct *direct, struct packet *packet)
{
    const uint8_t *const header = cursor_take(&direct->cursor, UDP_HEADER_BYTES);
    if (header == NULL)
        return false;
    packet->source_port = number16(header);
    packet->destination_port = number16(header + 2);
    packet->tcp_sequence = packet->tcp_acknowledgment = 0;
    packet->tcp_flags = 0;
    packet->tcp_window = 0;
    packet->payload_bytes = direct->left - UDP_HEADER_BYTES;
    return !decoder_is_tunnel_port(packet->source_port) &&
           !decoder_is_tunnel_port(packet->destination_port);
}

bool direct_decode(const struct frame *frame, struct packet *packet)
{
    if (frame->link_type != LINK_TYPE_ETHERNET)
        return false;
    struct direct direct = {.cursor = cursor_init(frame->bytes, frame->captured_bytes)};
    begin_packet(frame, packet);
    if (!read_network(&direct, frame, packet))
        return false;
    const bool is_tcp = packet->protocol == PACKET_PROTOCOL_TCP;
    if (!is_tcp && packet->protocol != PACKET_PROTOCOL_UDP)
        return false;
    set_digest(&direct, packet); /* once, here: all of it stays in registers so */
    return is_tcp ? read_tcp(&direct, packet) : read_udp(&direct, packet);
}
