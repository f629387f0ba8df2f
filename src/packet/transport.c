/* SPDX-License-Identifier: Apache-2.0 */
/* Transport headers with ports, and everything else. Called by the decoder's loop on the capture
 * thread.
 *
 * The ports must be there, or the packet is refused. What comes after them may have been cut off by
 * the snap length: it is read through a copy of the cursor, whose shortness refuses nothing, and is
 * 0 where it is missing. */
#include "packet/decoder.h"

#include <stdbool.h>

enum {
    TCP_HEADER_BYTES = 20,
    UDP_HEADER_BYTES = 8,
    SCTP_HEADER_BYTES = 12,
    DCCP_HEADER_BYTES = 12,
};

static void read_ports(struct decoder *decoder)
{
    decoder->packet->source_port = cursor_u16(&decoder->cursor);
    decoder->packet->destination_port = cursor_u16(&decoder->cursor);
}

/* Bytes after a transport header that began at `start`; 0 if the packet ends within it. */
static uint32_t payload_after(const struct decoder *decoder, uint32_t start, uint32_t header_bytes)
{
    const uint32_t left = decoder->ip_end - start;
    return left > header_bytes ? left - header_bytes : 0;
}

/* True if a TCP header of this length contradicts itself: shorter than a header is, or longer than
 * the whole packet. (In a first fragment, the header may go on in the next.) */
static bool is_tcp_length_bad(const struct decoder *decoder, uint32_t start, uint32_t header_bytes)
{
    if (header_bytes < TCP_HEADER_BYTES)
        return true;
    if ((decoder->packet->marks & PACKET_MARK_FRAGMENT_FIRST) != 0)
        return false;
    return header_bytes > decoder->ip_end_claimed - start;
}

static void read_tcp_rest(struct decoder *decoder, uint32_t start)
{
    struct packet *packet = decoder->packet;
    struct cursor rest = decoder->cursor;
    const uint32_t sequence = cursor_u32(&rest);
    const uint32_t acknowledgment = cursor_u32(&rest);
    const uint32_t header_bytes = (cursor_u8(&rest) >> 4) * 4u;
    const bool has_length = !rest.is_short;
    const uint8_t flags = cursor_u8(&rest);
    const uint16_t window = cursor_u16(&rest);
    /* No host takes a segment whose header contradicts itself: it counts in its flow, but its flags
     * must not open or close it, or one forged RST would end what goes on. */
    if (has_length && is_tcp_length_bad(decoder, start, header_bytes))
        return;
    packet->tcp_sequence = sequence;
    packet->tcp_acknowledgment = acknowledgment;
    packet->tcp_flags = flags;
    packet->tcp_window = window;
    packet->payload_bytes =
        payload_after(decoder, start, has_length ? header_bytes : TCP_HEADER_BYTES);
}

/* An ACK or a RST. Where the IP header has no identification (IPv6, or 0), one that is sent again
 * is equal to the last bit and nothing tells it from a copy. Measured: one capture has 265 such
 * RSTs within 5 ms of each other, an answer each to the segments of a burst. */
bool transport_is_often_repeated(const struct packet *packet)
{
    return packet->payload_bytes == 0 && !(packet->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN));
}

/* RFC 9293. */
enum packet_refusal transport_tcp(struct decoder *decoder)
{
    const uint32_t start = decoder->cursor.position;
    read_ports(decoder);
    if (!decoder->cursor.is_short)
        read_tcp_rest(decoder, start);
    if (decoder->identification == 0 && transport_is_often_repeated(decoder->packet))
        decoder->packet->digest = 0;
    return decoder_done(decoder);
}

/* A header of fixed length. The IP length tells the payload, not UDP's own, which is 0 in offloaded
 * datagrams. */
static enum packet_refusal read_ports_and_payload(struct decoder *decoder, uint32_t header_bytes)
{
    const uint32_t start = decoder->cursor.position;
    read_ports(decoder);
    decoder->packet->payload_bytes = payload_after(decoder, start, header_bytes);
    return decoder_done(decoder);
}

/* RFC 3828: UDP's header, with a coverage where UDP has the length. Tunnels do not use it. */
enum packet_refusal transport_udp_lite(struct decoder *decoder)
{
    return read_ports_and_payload(decoder, UDP_HEADER_BYTES);
}

/* RFC 768. Some ports are tunnels'. */
enum packet_refusal transport_udp(struct decoder *decoder)
{
    (void)read_ports_and_payload(decoder, UDP_HEADER_BYTES);
    return decoder_next(decoder, DECODER_UDP_TO, decoder->packet->destination_port);
}

enum packet_refusal transport_try_source_port(struct decoder *decoder)
{
    return decoder_next(decoder, DECODER_UDP_FROM, decoder->packet->source_port);
}

enum packet_refusal transport_end(struct decoder *decoder)
{
    return decoder_done(decoder);
}

enum packet_refusal transport_sctp(struct decoder *decoder)
{
    return read_ports_and_payload(decoder, SCTP_HEADER_BYTES);
}

/* RFC 4340: the byte after the ports counts the header in words. */
enum packet_refusal transport_dccp(struct decoder *decoder)
{
    const uint32_t start = decoder->cursor.position;
    read_ports(decoder);
    const uint32_t told_bytes = cursor_peek_u8(&decoder->cursor) * 4u;
    const uint32_t header_bytes = told_bytes > DCCP_HEADER_BYTES ? told_bytes : DCCP_HEADER_BYTES;
    decoder->packet->payload_bytes = payload_after(decoder, start, header_bytes);
    return decoder_done(decoder);
}

/* A protocol without ports, or one whose header is not read. */
enum packet_refusal transport_other(struct decoder *decoder)
{
    decoder->packet->payload_bytes = decoder_ip_left(decoder);
    return decoder_done(decoder);
}
