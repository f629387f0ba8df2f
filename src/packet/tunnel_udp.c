/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels known by a UDP port. Called by the decoder's loop on the capture thread.
 *
 * A port proves nothing: a client may use any. So reserved bits must be as the standards want them
 * and lengths must fit, and then the inner headers must be right too, or the packet stays the UDP
 * packet it is. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

enum {
    CARRIED_ETHERNET = 0x6558, /* transparent Ethernet bridging */
    VXLAN_HAS_NETWORK = 0x08,
    VXLAN_HAS_PROTOCOL = 0x04,
    VXLAN_HAS_POLICY = 0x80,
    GENEVE_VERSION_MASK = 0xc0,
    GENEVE_OPTION_WORDS_MASK = 0x3f,
    GENEVE_RESERVED_MASK = 0x3f, /* of the second byte */
    GTPU_KIND_MASK = 0xf8,       /* version, protocol type and the reserved bit */
    GTPU_KIND = 0x30,            /* version 1, GTP, 0 */
    GTPU_HAS_EXTENSION = 0x04,
    GTPU_HAS_OPTIONAL = 0x07, /* any of extension, sequence number, N-PDU number */
    GTPU_USER_PACKET = 255,
    GTPU_HEADER_BYTES = 8,
    TEREDO_AUTHENTICATION = 1,
    TEREDO_ORIGIN = 0,
    L2TP_CONTROL = 0x8000,
    L2TP_LENGTH = 0x4000,
    L2TP_SEQUENCE = 0x0800,
    L2TP_OFFSET = 0x0200,
    L2TP_RESERVED = 0x34f0,
    L2TP_VERSION_MASK = 0x000f,
    L2TP_VERSION = 2,
};

/* draft-ietf-nvo3-vxlan-gpe: the header names what follows. */
static enum packet_refusal read_vxlan_protocol(struct decoder *decoder, uint8_t protocol)
{
    switch (protocol) {
    case 1:
        return decoder_next(decoder, DECODER_CARRIED, 0x0800);
    case 2:
        return decoder_next(decoder, DECODER_CARRIED, 0x86dd);
    case 3:
        return decoder_next(decoder, DECODER_CARRIED, CARRIED_ETHERNET);
    default:
        return PACKET_REFUSED_NOT_IP;
    }
}

/* RFC 7348: reserved fields are ignored, and a group policy (draft-smith-vxlan-group-policy) fills
 * one. Flags other than these are not VXLAN's. */
enum packet_refusal tunnel_vxlan(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    const enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_VXLAN);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const uint8_t flags = cursor_u8(cursor);
    cursor_skip(cursor, 2); /* reserved, or part of a group policy */
    const uint8_t protocol = cursor_u8(cursor);
    cursor_skip(cursor, 4); /* network, reserved */
    switch (flags) {
    case VXLAN_HAS_NETWORK:
    case VXLAN_HAS_NETWORK | VXLAN_HAS_POLICY:
        return decoder_next(decoder, DECODER_CARRIED, CARRIED_ETHERNET);
    case VXLAN_HAS_NETWORK | VXLAN_HAS_PROTOCOL:
        return read_vxlan_protocol(decoder, protocol);
    default:
        return PACKET_REFUSED_MALFORMED;
    }
}

/* RFC 8926. */
enum packet_refusal tunnel_geneve(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    const enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_GENEVE);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const uint8_t version_and_words = cursor_u8(cursor);
    const uint8_t flags = cursor_u8(cursor);
    const uint16_t type = cursor_u16(cursor);
    cursor_skip(cursor, 3); /* network */
    const uint8_t reserved = cursor_u8(cursor);
    cursor_skip(cursor, (version_and_words & GENEVE_OPTION_WORDS_MASK) * 4u);
    if ((version_and_words & GENEVE_VERSION_MASK) != 0 || (flags & GENEVE_RESERVED_MASK) != 0 ||
        reserved != 0)
        return PACKET_REFUSED_MALFORMED;
    return decoder_next(decoder, DECODER_CARRIED, type);
}

/* Each: its length in words, content, the next one's type; type 0 ends the list. */
static enum packet_refusal pass_gtpu_extensions(struct cursor *cursor, uint8_t type)
{
    for (unsigned count = 0; type != 0; count++) {
        if (count == PACKET_TUNNEL_OPTIONS_MAX)
            return PACKET_REFUSED_TOO_MANY_HEADERS;
        const uint8_t words = cursor_u8(cursor);
        if (words == 0)
            return PACKET_REFUSED_MALFORMED;
        cursor_skip(cursor, words * 4u - 2);
        type = cursor_u8(cursor);
    }
    return PACKET_ACCEPTED;
}

/* 3GPP TS 29.281. Signalling has other message types and stays UDP. */
enum packet_refusal tunnel_gtpu(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_GTPU);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const bool is_fragment = (decoder->outer->marks & PACKET_MARK_FRAGMENT_FIRST) != 0;
    const uint32_t left = decoder->ip_end_claimed - cursor->position;
    const uint8_t flags = cursor_u8(cursor);
    const uint8_t message = cursor_u8(cursor);
    const uint32_t length = cursor_u16(cursor);
    cursor_skip(cursor, 4); /* tunnel endpoint */
    if ((flags & GTPU_KIND_MASK) != GTPU_KIND || message != GTPU_USER_PACKET)
        return PACKET_REFUSED_NOT_IP;
    if (!is_fragment && GTPU_HEADER_BYTES + length > left)
        return PACKET_REFUSED_MALFORMED;
    if ((flags & GTPU_HAS_OPTIONAL) != 0) {
        cursor_skip(cursor, 3); /* sequence number, N-PDU number */
        const uint8_t type = cursor_u8(cursor);
        refusal = pass_gtpu_extensions(cursor, (flags & GTPU_HAS_EXTENSION) != 0 ? type : 0);
    }
    return refusal != PACKET_ACCEPTED ? refusal : link_raw(decoder);
}

/* RFC 4380, section 5.1.1: an authentication and an origin indication may stand before the IPv6
 * packet, whose first byte can be neither's. */
enum packet_refusal tunnel_teredo(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    const enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_TEREDO);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    struct cursor ahead = *cursor;
    if (cursor_u16(&ahead) == TEREDO_AUTHENTICATION) {
        const uint32_t client_bytes = cursor_u8(&ahead);
        const uint32_t value_bytes = cursor_u8(&ahead);
        cursor_skip(&ahead, client_bytes + value_bytes + 9); /* nonce, confirmation */
        *cursor = ahead;
    }
    ahead = *cursor;
    if (cursor_u16(&ahead) == TEREDO_ORIGIN)
        cursor_skip(cursor, 8); /* port, address */
    return decoder_next(decoder, DECODER_RAW_IP, 6);
}

/* RFC 2661: data messages carry PPP. Version 3 (RFC 3931) has a cookie whose length only the ends
 * know: it stays UDP, or IP protocol 115. */
enum packet_refusal tunnel_l2tp(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    const enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_L2TP);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const uint16_t flags = cursor_u16(cursor);
    if ((flags & L2TP_VERSION_MASK) != L2TP_VERSION || (flags & L2TP_RESERVED) != 0)
        return PACKET_REFUSED_MALFORMED;
    if ((flags & L2TP_CONTROL) != 0)
        return PACKET_REFUSED_NOT_IP;
    if ((flags & L2TP_LENGTH) != 0)
        cursor_skip(cursor, 2);
    cursor_skip(cursor, 4); /* tunnel, session */
    if ((flags & L2TP_SEQUENCE) != 0)
        cursor_skip(cursor, 4);
    if ((flags & L2TP_OFFSET) != 0)
        cursor_skip(cursor, cursor_u16(cursor));
    return link_ppp_only(decoder);
}
