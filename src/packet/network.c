/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4, IPv6 and its extension headers. Called by the decoder's loop on the capture thread. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

#include <stdbool.h>

enum {
    IPV4_HEADER_BYTES = 20,
    IPV4_MORE_FRAGMENTS = 0x2000,
    IPV4_OFFSET_UNIT_BYTES = 8,
    IPV4_OFFSET_MASK = 0x1fff,
    IPV6_HEADER_BYTES = 40,
    IPV6_NO_NEXT_HEADER = 59,
    IPV6_MORE_FRAGMENTS = 0x0001,
    IPV6_OFFSET_MASK = 0xfff8,
};

/* The inner packet of a tunnel must fit into the outer one, and a length of 0 is no length there:
 * it is what tells a tunnel from other users of its port. Of a fragmented outer packet, the inner
 * one goes on in the next fragment. */
static bool fits_carrier(const struct decoder *decoder, uint32_t start, uint32_t length)
{
    if (!decoder->has_outer)
        return true;
    if ((decoder->outer->marks & PACKET_MARK_FRAGMENT_FIRST) != 0)
        return length != 0;
    return length != 0 && start + length <= decoder->ip_end_claimed;
}

/* Where the IP packet that started at `start` ends: after `length` bytes as its header says, or,
 * if `length` is 0 (segmentation offload, jumbograms), with the frame.
 *
 * A length beyond the frame's end is cut to it. Suricata and Zeek refuse such packets; we keep
 * them, as slicing tools that lose the length on the wire make whole captures of them, and their
 * addresses and ports are as certain as any. But bytes that were not there are not counted. */
static enum packet_refusal set_ip_end(struct decoder *decoder, uint32_t start, uint32_t length)
{
    if (!fits_carrier(decoder, start, length))
        return PACKET_REFUSED_MALFORMED;
    const uint32_t room_end = decoder->has_outer ? decoder->ip_end : decoder->wire_bytes;
    decoder->ip_end_claimed = length != 0 ? start + length : room_end;
    decoder->ip_end = decoder->ip_end_claimed < room_end ? decoder->ip_end_claimed : room_end;
    decoder->packet->ip_bytes = decoder->ip_end - start;
    cursor_limit(&decoder->cursor, decoder->ip_end); /* link padding is not payload */
    return PACKET_ACCEPTED;
}

/* A fragment, as its header says. `offset_bytes` of 0 without more to come is none. */
struct fragment {
    uint32_t id, offset_bytes;
    bool has_more;
};

/* Notes a fragment: the cursor stands at its payload. */
static void set_fragment(struct decoder *decoder, const struct fragment *fragment)
{
    struct packet *packet = decoder->packet;
    if (fragment->offset_bytes == 0 && !fragment->has_more)
        return;
    packet->marks |=
        fragment->offset_bytes == 0 ? PACKET_MARK_FRAGMENT_FIRST : PACKET_MARK_FRAGMENT_LATER;
    if (!fragment->has_more)
        packet->marks |= PACKET_MARK_FRAGMENT_LAST;
    packet->fragment_id = fragment->id;
    packet->fragment_offset_bytes = fragment->offset_bytes;
    packet->fragment_bytes = decoder_ip_left(decoder);
}

/* The IP headers end here, and `protocol` follows, except in a fragment that does not begin with
 * the transport header: that has no ports. */
static enum packet_refusal end_network(struct decoder *decoder, uint8_t protocol)
{
    decoder->packet->protocol = protocol;
    digest_set(decoder);
    if ((decoder->packet->marks & PACKET_MARK_FRAGMENT_LATER) == 0)
        return decoder_next(decoder, DECODER_PROTOCOL, protocol);
    decoder->packet->payload_bytes = decoder_ip_left(decoder);
    return decoder_done(decoder);
}

/* RFC 791. */
enum packet_refusal network_ipv4(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    struct packet *packet = decoder->packet;
    const uint32_t start = cursor->position;
    const uint8_t version_and_words = cursor_u8(cursor);
    cursor_skip(cursor, 1); /* type of service */
    const uint32_t length = cursor_u16(cursor);
    const uint16_t identification = cursor_u16(cursor);
    const uint16_t flags_and_offset = cursor_u16(cursor);
    packet->ttl = cursor_u8(cursor);
    const uint8_t protocol = cursor_u8(cursor);
    cursor_skip(cursor, 2); /* checksum */
    cursor_bytes(cursor, packet->source, 4);
    cursor_bytes(cursor, packet->destination, 4);
    const uint32_t header_bytes = (version_and_words & 0x0f) * 4u;
    if (version_and_words >> 4 != 4 || header_bytes < IPV4_HEADER_BYTES)
        return PACKET_REFUSED_MALFORMED;
    if (length != 0 && length < header_bytes)
        return PACKET_REFUSED_MALFORMED;
    cursor_skip(cursor, header_bytes - IPV4_HEADER_BYTES);
    packet->ip_version = 4;
    const enum packet_refusal refusal = set_ip_end(decoder, start, length);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    const struct fragment fragment = {
        .id = identification,
        .offset_bytes = (flags_and_offset & IPV4_OFFSET_MASK) * IPV4_OFFSET_UNIT_BYTES,
        .has_more = (flags_and_offset & IPV4_MORE_FRAGMENTS) != 0,
    };
    set_fragment(decoder, &fragment);
    decoder->identification = identification;
    return end_network(decoder, protocol);
}

/* RFC 8200. A payload length of 0 is a jumbogram's (RFC 2675) or offload's, unless nothing is said
 * to follow. */
enum packet_refusal network_ipv6(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    struct packet *packet = decoder->packet;
    const uint32_t start = cursor->position;
    const uint8_t version = cursor_u8(cursor) >> 4;
    cursor_skip(cursor, 3); /* traffic class, flow label */
    const uint32_t payload_length = cursor_u16(cursor);
    const uint8_t next_header = cursor_u8(cursor);
    packet->ttl = cursor_u8(cursor);
    cursor_bytes(cursor, packet->source, 16);
    cursor_bytes(cursor, packet->destination, 16);
    if (version != 6)
        return PACKET_REFUSED_MALFORMED;
    packet->ip_version = 6;
    const bool is_measured = payload_length != 0 || next_header == IPV6_NO_NEXT_HEADER;
    const uint32_t length = is_measured ? IPV6_HEADER_BYTES + payload_length : 0;
    const enum packet_refusal refusal = set_ip_end(decoder, start, length);
    if (refusal != PACKET_ACCEPTED)
        return refusal;
    return decoder_next(decoder, DECODER_EXTENSION, next_header);
}

/* Passes an extension header whose second byte counts `unit_bytes` after the first `base_bytes`. */
static enum packet_refusal pass_extension(struct decoder *decoder, uint32_t base_bytes,
                                          uint32_t unit_bytes)
{
    if (++decoder->extension_count > PACKET_EXTENSIONS_MAX)
        return PACKET_REFUSED_TOO_MANY_HEADERS;
    const uint8_t next_header = cursor_u8(&decoder->cursor);
    const uint32_t units = cursor_u8(&decoder->cursor);
    cursor_skip(&decoder->cursor, base_bytes + units * unit_bytes - 2);
    return decoder_next(decoder, DECODER_EXTENSION, next_header);
}

enum packet_refusal network_extension(struct decoder *decoder)
{
    return pass_extension(decoder, 8, 8);
}

/* RFC 4302: counts in words of 4 bytes, less 2. */
enum packet_refusal network_authentication(struct decoder *decoder)
{
    return pass_extension(decoder, 8, 4);
}

/* An offset of 0 without more to come is an "atomic" fragment (RFC 6946): a whole packet. */
enum packet_refusal network_fragment(struct decoder *decoder)
{
    if (++decoder->extension_count > PACKET_EXTENSIONS_MAX)
        return PACKET_REFUSED_TOO_MANY_HEADERS;
    const uint8_t next_header = cursor_u8(&decoder->cursor);
    cursor_skip(&decoder->cursor, 1); /* reserved */
    const uint16_t offset_and_more = cursor_u16(&decoder->cursor);
    const struct fragment fragment = {
        .id = cursor_u32(&decoder->cursor),
        .offset_bytes = offset_and_more & IPV6_OFFSET_MASK,
        .has_more = (offset_and_more & IPV6_MORE_FRAGMENTS) != 0,
    };
    set_fragment(decoder, &fragment);
    if (fragment.offset_bytes != 0)
        return end_network(decoder, next_header);
    return decoder_next(decoder, DECODER_EXTENSION, next_header);
}

/* The next header is no extension header: it is the packet's protocol. */
enum packet_refusal network_last_extension(struct decoder *decoder)
{
    return end_network(decoder, (uint8_t)decoder->next_number);
}

bool network_is_plausible(struct cursor cursor, uint32_t left)
{
    const uint8_t first = cursor_u8(&cursor);
    cursor_skip(&cursor, 1);
    const uint32_t at_two = cursor_u16(&cursor);
    if (first >> 4 == 4)
        return (first & 0x0f) * 4u >= IPV4_HEADER_BYTES && at_two >= IPV4_HEADER_BYTES &&
               at_two <= left && !cursor.is_short;
    const uint32_t at_four = cursor_u16(&cursor);
    return first >> 4 == 6 && IPV6_HEADER_BYTES + at_four <= left && !cursor.is_short;
}
