/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels with an IP protocol number of their own: IP in IP, GRE, and what GRE alone carries.
 * Called by the decoder's loop on the capture thread. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080, /* version 1 */
    GRE_VERSION_MASK = 0x0007,
    GRE_PPP = 0x880b,
    ERSPAN_VERSION_2 = 1, /* the types' versions count from 0 */
    ERSPAN_VERSION_3 = 2,
    ERSPAN_3_ETHERNET = 0, /* frame types of type III */
    ERSPAN_3_IP = 2,
};

/* RFC 2003 and 2473. */
enum packet_refusal tunnel_ipv4(struct decoder *decoder)
{
    const bool is_in_ipv4 = decoder->packet->ip_version == 4;
    (void)transport_other(decoder);
    const enum packet_refusal refusal =
        tunnel_enter(decoder, is_in_ipv4 ? PACKET_TUNNEL_IPIP : PACKET_TUNNEL_IP4IN6);
    return refusal != PACKET_ACCEPTED ? refusal : decoder_next(decoder, DECODER_RAW_IP, 4);
}

/* RFC 4213 and 2473. */
enum packet_refusal tunnel_ipv6(struct decoder *decoder)
{
    const bool is_in_ipv4 = decoder->packet->ip_version == 4;
    (void)transport_other(decoder);
    const enum packet_refusal refusal =
        tunnel_enter(decoder, is_in_ipv4 ? PACKET_TUNNEL_IP6IN4 : PACKET_TUNNEL_IP6IN6);
    return refusal != PACKET_ACCEPTED ? refusal : decoder_next(decoder, DECODER_RAW_IP, 6);
}

/* RFC 1701: entries of (family, offset, length, data) to the first that is all 0. */
static enum packet_refusal pass_gre_routing(struct cursor *cursor)
{
    for (unsigned count = 0; count < PACKET_TUNNEL_OPTIONS_MAX; count++) {
        const uint16_t family = cursor_u16(cursor);
        cursor_skip(cursor, 1); /* offset */
        const uint8_t length = cursor_u8(cursor);
        if (family == 0 && length == 0)
            return PACKET_ACCEPTED;
        cursor_skip(cursor, length);
    }
    return PACKET_REFUSED_TOO_MANY_HEADERS;
}

/* RFC 1701, 2784 and 2890. */
static enum packet_refusal read_gre_0(struct decoder *decoder, uint16_t flags, uint16_t type)
{
    struct cursor *cursor = &decoder->cursor;
    if ((flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0)
        cursor_skip(cursor, 4); /* checksum, offset: both are there if either is */
    if ((flags & GRE_KEY) != 0)
        cursor_skip(cursor, 4);
    if ((flags & GRE_SEQUENCE) != 0)
        cursor_skip(cursor, 4);
    if ((flags & GRE_ROUTING) != 0) {
        const enum packet_refusal refusal = pass_gre_routing(cursor);
        if (refusal != PACKET_ACCEPTED)
            return refusal;
    }
    return decoder_next(decoder, DECODER_CARRIED, type);
}

/* RFC 2637, PPTP's. Without a sequence number it carries nothing but an acknowledgment. */
static enum packet_refusal read_gre_1(struct decoder *decoder, uint16_t flags, uint16_t type)
{
    if (type != GRE_PPP || (flags & GRE_KEY) == 0)
        return PACKET_REFUSED_MALFORMED;
    if ((flags & GRE_SEQUENCE) == 0)
        return PACKET_REFUSED_NOT_IP;
    cursor_skip(&decoder->cursor, 8); /* payload length, call, sequence number */
    if ((flags & GRE_ACKNOWLEDGMENT) != 0)
        cursor_skip(&decoder->cursor, 4);
    return decoder_next(decoder, DECODER_CARRIED, type);
}

enum packet_refusal tunnel_gre(struct decoder *decoder)
{
    (void)transport_other(decoder);
    const enum packet_refusal refusal = tunnel_enter(decoder, PACKET_TUNNEL_GRE);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const uint16_t flags = cursor_u16(&decoder->cursor);
    const uint16_t type = cursor_u16(&decoder->cursor);
    decoder->gre_flags = flags;
    switch (flags & GRE_VERSION_MASK) {
    case 0:
        return read_gre_0(decoder, flags, type);
    case 1:
        return read_gre_1(decoder, flags, type);
    default:
        return PACKET_REFUSED_MALFORMED;
    }
}

/* draft-foschiano-erspan-03. Type I has no header, and a GRE header without a sequence number. */
enum packet_refusal tunnel_erspan_1_2(struct decoder *decoder)
{
    tunnel_rename(decoder, PACKET_TUNNEL_ERSPAN);
    if ((decoder->gre_flags & GRE_SEQUENCE) == 0)
        return link_ethernet(decoder);
    const uint8_t version = cursor_u8(&decoder->cursor) >> 4;
    cursor_skip(&decoder->cursor, 7); /* VLAN, session, index */
    return version == ERSPAN_VERSION_2 ? link_ethernet(decoder) : PACKET_REFUSED_MALFORMED;
}

enum packet_refusal tunnel_erspan_3(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    tunnel_rename(decoder, PACKET_TUNNEL_ERSPAN);
    const uint8_t version = cursor_u8(cursor) >> 4;
    cursor_skip(cursor, 9); /* VLAN, session, timestamp, group tag */
    const uint16_t last = cursor_u16(cursor);
    if ((last & 1) != 0)
        cursor_skip(cursor, 8); /* the platform's own */
    if (version != ERSPAN_VERSION_3)
        return PACKET_REFUSED_MALFORMED;
    switch (last >> 10 & 0x1f) {
    case ERSPAN_3_ETHERNET:
        return link_ethernet(decoder);
    case ERSPAN_3_IP:
        return link_raw(decoder);
    default:
        return PACKET_REFUSED_NOT_IP;
    }
}
