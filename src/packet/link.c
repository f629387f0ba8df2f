/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers: what stands before IP. Called by the decoder's loop on the capture thread. */
#include "packet/decoder.h"

enum {
    ETHERNET_ADDRESSES_BYTES = 12,
    ETHERTYPE_MIN = 0x0600, /* below, the field is an IEEE 802.3 length */
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_VLAN_SERVICE = 0x88a8,
    LLC_SNAP = 0xaaaa, /* DSAP and SSAP of the Subnetwork Access Protocol */
    LLC_IP = 0x0606,   /* IP straight on LLC */
    LLC_UNNUMBERED = 0x03,
    VLAN_ID_MASK = 0x0fff,
    SLL_PROTOCOL_LLC = 0x0004,   /* Linux: an 802.2 header follows */
    ARPHRD_NETLINK_NUMBER = 824, /* Linux: the protocol is a netlink family, not an ethertype */
    FAMILY_IPV4 = 2,
    FAMILY_IPV6_LINUX = 10,
    FAMILY_IPV6_NETBSD = 24,
    FAMILY_IPV6_FREEBSD = 28,
    FAMILY_IPV6_DARWIN = 30,
    PPP_ADDRESS = 0xff,
    CISCO_UNICAST = 0x0f, /* Cisco HDLC's addresses, where PPP has its own */
    CISCO_MULTICAST = 0x8f,
};

/* IEEE 802.2 LLC, with SNAP where it carries an ethertype. */
static enum packet_refusal link_llc(struct decoder *decoder)
{
    const uint16_t access_points = cursor_u16(&decoder->cursor);
    const uint8_t control = cursor_u8(&decoder->cursor);
    if (control != LLC_UNNUMBERED)
        return PACKET_REFUSED_NOT_IP;
    if (access_points == LLC_IP)
        return decoder_next(decoder, DECODER_ETHERTYPE, ETHERTYPE_IPV4);
    if (access_points != LLC_SNAP)
        return PACKET_REFUSED_NOT_IP;
    cursor_skip(&decoder->cursor, 3); /* organisation */
    return decoder_next(decoder, DECODER_ETHERTYPE, cursor_u16(&decoder->cursor));
}

static enum packet_refusal link_type_or_length(struct decoder *decoder)
{
    const uint16_t type = cursor_u16(&decoder->cursor);
    if (decoder->cursor.is_short || type >= ETHERTYPE_MIN)
        return decoder_next(decoder, DECODER_ETHERTYPE, type);
    return link_llc(decoder);
}

enum packet_refusal link_ethernet(struct decoder *decoder)
{
    cursor_skip(&decoder->cursor, ETHERNET_ADDRESSES_BYTES);
    return link_type_or_length(decoder);
}

/* Only tags of the frame on the wire are kept: those inside a tunnel number another network. */
enum packet_refusal link_vlan(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    if (++decoder->tag_count > PACKET_VLAN_MAX)
        return PACKET_REFUSED_TOO_MANY_HEADERS;
    const uint16_t control = cursor_u16(&decoder->cursor);
    if (packet->tunnel_count == 0)
        packet->vlan[packet->vlan_count++] = control & VLAN_ID_MASK;
    return link_type_or_length(decoder);
}

static enum packet_refusal link_cooked(struct decoder *decoder, uint16_t hardware,
                                       uint16_t protocol)
{
    if (hardware == ARPHRD_NETLINK_NUMBER)
        return PACKET_REFUSED_NOT_IP;
    if (protocol == SLL_PROTOCOL_LLC)
        return link_llc(decoder);
    return decoder_next(decoder, DECODER_ETHERTYPE, protocol);
}

enum packet_refusal link_linux_sll(struct decoder *decoder)
{
    cursor_skip(&decoder->cursor, 2); /* packet type */
    const uint16_t hardware = cursor_u16(&decoder->cursor);
    cursor_skip(&decoder->cursor, 10); /* address length, address */
    return link_cooked(decoder, hardware, cursor_u16(&decoder->cursor));
}

enum packet_refusal link_linux_sll2(struct decoder *decoder)
{
    const uint16_t protocol = cursor_u16(&decoder->cursor);
    cursor_skip(&decoder->cursor, 6); /* reserved, interface index */
    const uint16_t hardware = cursor_u16(&decoder->cursor);
    cursor_skip(&decoder->cursor, 10); /* packet type, address length, address */
    return link_cooked(decoder, hardware, protocol);
}

/* A BSD address family. IPv6 has a number of its own on every system. */
static enum packet_refusal link_family(struct decoder *decoder, uint32_t family)
{
    switch (family) {
    case FAMILY_IPV4:
        return decoder_next(decoder, DECODER_RAW_IP, 4);
    case FAMILY_IPV6_LINUX:
    case FAMILY_IPV6_NETBSD:
    case FAMILY_IPV6_FREEBSD:
    case FAMILY_IPV6_DARWIN:
        return decoder_next(decoder, DECODER_RAW_IP, 6);
    default:
        return PACKET_REFUSED_NOT_IP;
    }
}

/* The family is in the byte order of the machine that captured, which the file does not tell; as
 * families are small numbers, one order is plausible. */
enum packet_refusal link_null(struct decoder *decoder)
{
    const uint32_t family = cursor_u32(&decoder->cursor);
    const bool is_swapped = family > 0xffff;
    return link_family(decoder, is_swapped ? __builtin_bswap32(family) : family);
}

enum packet_refusal link_loop(struct decoder *decoder)
{
    return link_family(decoder, cursor_u32(&decoder->cursor));
}

enum packet_refusal link_cisco_hdlc(struct decoder *decoder)
{
    cursor_skip(&decoder->cursor, 2); /* address, control */
    return decoder_next(decoder, DECODER_ETHERTYPE, cursor_u16(&decoder->cursor));
}

/* RFC 1661 and 1662: address and control may be left out, and a protocol below 256 may be sent as
 * one byte, told by its odd value (high bytes are even). */
enum packet_refusal link_ppp_only(struct decoder *decoder)
{
    if (cursor_peek_u8(&decoder->cursor) == PPP_ADDRESS)
        cursor_skip(&decoder->cursor, 2);
    uint32_t protocol = cursor_u8(&decoder->cursor);
    if ((protocol & 1) == 0)
        protocol = protocol << 8 | cursor_u8(&decoder->cursor);
    return decoder_next(decoder, DECODER_PPP, protocol);
}

/* Serial lines that speak Cisco HDLC are captured as PPP too; its address byte tells them. */
enum packet_refusal link_ppp(struct decoder *decoder)
{
    const uint8_t first = cursor_peek_u8(&decoder->cursor);
    if (first == CISCO_UNICAST || first == CISCO_MULTICAST)
        return link_cisco_hdlc(decoder);
    return link_ppp_only(decoder);
}

/* No link header: the IP header's first four bits tell its version. */
enum packet_refusal link_raw(struct decoder *decoder)
{
    if (decoder->cursor.size == decoder->cursor.position)
        return PACKET_REFUSED_TRUNCATED;
    return decoder_next(decoder, DECODER_RAW_IP, cursor_peek_u8(&decoder->cursor) >> 4);
}

bool link_is_plausible_ethernet(struct cursor cursor)
{
    cursor_skip(&cursor, ETHERNET_ADDRESSES_BYTES);
    const uint16_t type = cursor_u16(&cursor);
    const uint8_t next = cursor_u8(&cursor);
    if (cursor.is_short)
        return false;
    switch (type) {
    case ETHERTYPE_IPV4:
        return next >> 4 == 4;
    case ETHERTYPE_IPV6:
        return next >> 4 == 6;
    case ETHERTYPE_ARP:
    case ETHERTYPE_VLAN:
    case ETHERTYPE_VLAN_SERVICE:
        return true;
    default:
        return false;
    }
}
