/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4, IPv6 and its extension headers. Called by the decoder's loop on the capture thread. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"

#include <stdbool.h>

enum {
    IPV4_HEADER_BYTES = 20,
    IPV4_MORE_FRAGMENTS = 0x2000,
    IPV4_OFFSET_MASK = 0x1fff,
    IPV6_HEADER_BYTES = 40,
    IPV6_NO_NEXT_HEADER = 59,
    IPV6_MORE_FRAGMENTS = 0x0001,
    IPV6_OFFSET_MASK = 0xfff8,
};

/* Where the IP packet that started at `start` ends: after `length` bytes as its header says, or,
 * if `length` is 0 (segmentation offload, jumbograms), with the frame.
 *
 * A length beyond the frame's end is cut to it. Suricata and Zeek refuse such packets; we keep
 * them, as slicing tools that lose the length on the wire make whole captures of them, and their
 * addresses and ports are as certain as any. But bytes that were not there are not counted. */
static void set_ip_end(struct decoder *decoder, uint32_t start, uint32_t length)
{
    const uint32_t wire = decoder->wire_bytes - start;
    decoder->ip_end_claimed = start + (length != 0 ? length : wire);
    decoder->ip_end = decoder->ip_end_claimed;
    if (decoder->ip_end > decoder->wire_bytes)
        decoder->ip_end = decoder->wire_bytes;
    decoder->packet->ip_bytes = decoder->ip_end - start;
    cursor_limit(&decoder->cursor, decoder->ip_end); /* link padding is not payload */
}

/* A fragment that does not start with the transport header: it has no ports. */
static enum packet_refusal end_at_later_fragment(struct decoder *decoder, uint8_t protocol)
{
    decoder->packet->marks |= PACKET_MARK_FRAGMENT_LATER;
    decoder->packet->protocol = protocol;
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
    cursor_skip(cursor, 2); /* identification */
    const uint16_t fragment = cursor_u16(cursor);
    packet->ttl = cursor_u8(cursor);
    packet->protocol = cursor_u8(cursor);
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
    set_ip_end(decoder, start, length);
    if ((fragment & IPV4_OFFSET_MASK) != 0)
        return end_at_later_fragment(decoder, packet->protocol);
    if ((fragment & IPV4_MORE_FRAGMENTS) != 0)
        packet->marks |= PACKET_MARK_FRAGMENT_FIRST;
    return decoder_next(decoder, DECODER_PROTOCOL, packet->protocol);
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
    set_ip_end(decoder, start, is_measured ? IPV6_HEADER_BYTES + payload_length : 0);
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
    cursor_skip(&decoder->cursor, 4); /* identification */
    if ((offset_and_more & IPV6_OFFSET_MASK) != 0)
        return end_at_later_fragment(decoder, next_header);
    if ((offset_and_more & IPV6_MORE_FRAGMENTS) != 0)
        decoder->packet->marks |= PACKET_MARK_FRAGMENT_FIRST;
    return decoder_next(decoder, DECODER_EXTENSION, next_header);
}

/* The next header is no extension header: it is the packet's protocol. */
enum packet_refusal network_last_extension(struct decoder *decoder)
{
    decoder->packet->protocol = (uint8_t)decoder->next_number;
    return decoder_next(decoder, DECODER_PROTOCOL, decoder->next_number);
}
