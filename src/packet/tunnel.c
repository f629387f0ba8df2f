/* SPDX-License-Identifier: Apache-2.0 */
/* What all tunnels share: going in. Called by the tunnels' header functions on the capture
 * thread. */
#include "packet/decoder.h"

#include <string.h>

/* What the frame told, and what it was carried in so far; the rest comes from the inner headers. */
static void clear_for_inner(struct packet *packet, const struct packet *before)
{
    memset(packet, 0, sizeof *packet);
    packet->time_ns = before->time_ns;
    packet->frame_bytes = before->frame_bytes;
    packet->source_index = before->source_index;
    packet->marks = before->marks & PACKET_MARK_CUT;
    packet->vlan_count = before->vlan_count;
    memcpy(packet->vlan, before->vlan, sizeof packet->vlan);
    packet->tunnel_count = before->tunnel_count;
    memcpy(packet->tunnels, before->tunnels, sizeof packet->tunnels);
    const bool is_outermost_ip = before->outer_ip_version == 0;
    packet->outer_ip_version = is_outermost_ip ? before->ip_version : before->outer_ip_version;
    const uint8_t *source = is_outermost_ip ? before->source : before->outer_source;
    const uint8_t *destination = is_outermost_ip ? before->destination : before->outer_destination;
    memcpy(packet->outer_source, source, sizeof packet->outer_source);
    memcpy(packet->outer_destination, destination, sizeof packet->outer_destination);
}

enum packet_refusal tunnel_enter(struct decoder *decoder, enum packet_tunnel tunnel)
{
    struct packet *packet = decoder->packet;
    if (decoder->cursor.is_short)
        return PACKET_REFUSED_TRUNCATED;
    if (packet->ip_version != 0) {
        memcpy(decoder->outer, packet, sizeof *packet); /* not =, which may leave padding */
        decoder->has_outer = true;
    }
    if (packet->tunnel_count == PACKET_TUNNELS_MAX)
        return PACKET_REFUSED_TOO_MANY_HEADERS;
    const struct packet before = *packet;
    clear_for_inner(packet, &before);
    packet->tunnels[packet->tunnel_count++] = (uint8_t)tunnel;
    decoder->extension_count = 0;
    decoder->tag_count = 0;
    decoder->identification = 0;
    return PACKET_ACCEPTED;
}

enum packet_refusal tunnel_enter_udp(struct decoder *decoder, enum packet_tunnel tunnel)
{
    const enum packet_refusal refusal = tunnel_enter(decoder, tunnel);
    cursor_skip(&decoder->cursor, 4); /* length, checksum */
    return refusal;
}
