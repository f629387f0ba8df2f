/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels below IP: PPPoE, MPLS and Ethernet over MPLS. Called by the decoder's loop on the capture
 * thread. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

enum {
    PPPOE_VERSION_AND_TYPE = 0x11,
    PPPOE_SESSION_DATA = 0,
    MPLS_BOTTOM_OF_STACK = 0x100,
    CONTROL_WORD_BYTES = 4,
};

/* RFC 2516. Its length is the inner packet's and 2, and padding is told by that one. */
enum packet_refusal tunnel_pppoe(struct decoder *decoder)
{
    const enum packet_refusal refusal = tunnel_enter(decoder, PACKET_TUNNEL_PPPOE);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const uint8_t version_and_type = cursor_u8(&decoder->cursor);
    const uint8_t code = cursor_u8(&decoder->cursor);
    cursor_skip(&decoder->cursor, 4); /* session, length */
    if (version_and_type != PPPOE_VERSION_AND_TYPE)
        return PACKET_REFUSED_MALFORMED;
    return code == PPPOE_SESSION_DATA ? link_ppp_only(decoder) : PACKET_REFUSED_NOT_IP;
}

/* Bytes from the cursor to the end of what carries it. */
static uint32_t bytes_left(const struct decoder *decoder)
{
    const uint32_t end = decoder->has_outer ? decoder->ip_end_claimed : decoder->wire_bytes;
    return end - decoder->cursor.position;
}

/* The label stack does not say what it carries. An IP header tells itself; else it is Ethernet
 * (RFC 4448), with a control word before it or without. A control word begins with 4 bits of 0, and
 * so do the addresses of many cards: what makes a frame is taken, the control word first. */
static enum packet_refusal guess_after_labels(struct decoder *decoder)
{
    struct cursor ahead = decoder->cursor;
    if (network_is_plausible(ahead, bytes_left(decoder)))
        return link_raw(decoder);
    tunnel_rename(decoder, PACKET_TUNNEL_PSEUDOWIRE);
    const bool may_have_word = cursor_peek_u8(&ahead) >> 4 == 0;
    cursor_skip(&ahead, CONTROL_WORD_BYTES);
    if (may_have_word && link_is_plausible_ethernet(ahead)) {
        decoder->cursor = ahead;
        return link_ethernet(decoder);
    }
    if (link_is_plausible_ethernet(decoder->cursor))
        return link_ethernet(decoder);
    return PACKET_REFUSED_NOT_IP;
}

static enum packet_refusal read_labels(struct decoder *decoder)
{
    for (unsigned count = 0; count < PACKET_LABELS_MAX; count++) {
        const uint32_t entry = cursor_u32(&decoder->cursor);
        if (decoder->cursor.is_short)
            return PACKET_REFUSED_TRUNCATED;
        if ((entry & MPLS_BOTTOM_OF_STACK) != 0)
            return guess_after_labels(decoder);
    }
    return PACKET_REFUSED_TOO_MANY_HEADERS;
}

/* RFC 3032. */
enum packet_refusal tunnel_mpls(struct decoder *decoder)
{
    const enum packet_refusal refusal = tunnel_enter(decoder, PACKET_TUNNEL_MPLS);
    return refusal != PACKET_ACCEPTED ? refusal : read_labels(decoder);
}

/* RFC 7510. */
enum packet_refusal tunnel_mpls_udp(struct decoder *decoder)
{
    const enum packet_refusal refusal = tunnel_enter_udp(decoder, PACKET_TUNNEL_MPLS);
    return refusal != PACKET_ACCEPTED ? refusal : read_labels(decoder);
}
