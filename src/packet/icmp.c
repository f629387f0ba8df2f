/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP and ICMPv6: type and code in the place of ports. Called by the decoder's loop on the capture
 * thread; constant data.
 *
 * After Community ID version 1 (github.com/corelight/community-id-spec), which follows Zeek: a
 * type that has a counterpart (echo and its reply) is a pair of ports, so that both ways are one
 * flow; of any other, the code is the second port and the flow has one way. */
#include "packet/decoder.h"

#include <stddef.h>

enum { ICMP_HEADER_BYTES = 8 }; /* type, code, checksum and the word all messages have */

struct icmp_pair {
    uint8_t type, counterpart;
};

static const struct icmp_pair icmp_v4_pairs[] = {
    {8, 0},   /* echo, reply */
    {13, 14}, /* timestamp, reply */
    {15, 16}, /* information, reply */
    {10, 9},  /* router solicitation, advertisement */
    {17, 18}, /* address mask, reply */
};

static const struct icmp_pair icmp_v6_pairs[] = {
    {128, 129}, /* echo, reply */
    {135, 136}, /* neighbour solicitation, advertisement */
    {133, 134}, /* router solicitation, advertisement */
    {130, 131}, /* multicast listener query, report */
    {139, 140}, /* node information query, response */
    {144, 145}, /* home agent address discovery request, reply */
};

struct icmp_pairs {
    const struct icmp_pair *pairs;
    size_t count;
};

/* The counterpart of a type, or -1. */
static int find_counterpart(const struct icmp_pairs *pairs, uint8_t type)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->pairs[i].type == type)
            return pairs->pairs[i].counterpart;
        if (pairs->pairs[i].counterpart == type)
            return pairs->pairs[i].type;
    }
    return -1;
}

static enum packet_refusal read_icmp(struct decoder *decoder, const struct icmp_pairs *pairs)
{
    struct packet *packet = decoder->packet;
    const uint32_t left = decoder_ip_left(decoder);
    packet->payload_bytes = left > ICMP_HEADER_BYTES ? left - ICMP_HEADER_BYTES : 0;
    packet->icmp_type = cursor_u8(&decoder->cursor);
    packet->icmp_code = cursor_u8(&decoder->cursor);
    const int counterpart = find_counterpart(pairs, packet->icmp_type);
    packet->source_port = packet->icmp_type;
    packet->destination_port = counterpart >= 0 ? (uint16_t)counterpart : packet->icmp_code;
    if (counterpart < 0)
        packet->marks |= PACKET_MARK_ONE_WAY;
    return decoder_done(decoder);
}

enum packet_refusal icmp_v4(struct decoder *decoder)
{
    static const struct icmp_pairs pairs = {icmp_v4_pairs,
                                            sizeof icmp_v4_pairs / sizeof *icmp_v4_pairs};
    return read_icmp(decoder, &pairs);
}

enum packet_refusal icmp_v6(struct decoder *decoder)
{
    static const struct icmp_pairs pairs = {icmp_v6_pairs,
                                            sizeof icmp_v6_pairs / sizeof *icmp_v6_pairs};
    return read_icmp(decoder, &pairs);
}
