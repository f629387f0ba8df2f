/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tcp_track.h"

#include <assert.h>

_Static_assert((int)TCP_TRACK_HISTORY_MAX < (int)FLOW_HISTORY_MAX, "a history fits its record");

static void note_letter(struct tcp_track *track, char letter, unsigned side)
{
    static const char letters[] = "SHADFRQI";
    uint16_t bit = 1;
    for (const char *known = letters; *known != letter; known++)
        bit = (uint16_t)(bit << 1);
    if (track->history_seen[side] & bit)
        return;
    track->history_seen[side] |= bit;
    if (track->history_count < TCP_TRACK_HISTORY_MAX)
        track->history[track->history_count++] = (uint8_t)(letter | (side ? 0x80 : 0));
}

/* Zeek's letters: S SYN, H SYN-ACK, A pure ACK, D payload, F FIN, R RST, Q SYN with FIN or RST,
 * I FIN with RST. Each is noted once a side. */
static void note_history(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    const unsigned flags = packet->tcp_flags;
    const bool has_syn = flags & PACKET_TCP_SYN, has_ack = flags & PACKET_TCP_ACK;
    const bool has_fin = flags & PACKET_TCP_FIN, has_rst = flags & PACKET_TCP_RST;
    if (has_syn && (has_fin || has_rst))
        note_letter(track, 'Q', side);
    else if (has_fin && has_rst)
        note_letter(track, 'I', side);
    else if (has_syn)
        note_letter(track, has_ack ? 'H' : 'S', side);
    if (packet->payload_bytes > 0)
        note_letter(track, 'D', side);
    else if (has_ack && !has_syn && !has_fin && !has_rst)
        note_letter(track, 'A', side);
    if (has_fin && !has_rst && !has_syn)
        note_letter(track, 'F', side);
    if (has_rst && !has_fin && !has_syn)
        note_letter(track, 'R', side);
}

/* A SYN that comes after acknowledgments of its side was overtaken: the handshake is past, and how
 * long it took is not known. */
static void note_opening(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    if (packet->tcp_flags & PACKET_TCP_ACK) {
        if (!(track->events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK))) {
            track->syn_side = (uint8_t)(1 - side);
            track->syn_sequence = packet->tcp_acknowledgment - 1;
        }
        if (!(track->events & TCP_TRACK_SYN) || side != track->syn_side)
            track->events |= TCP_TRACK_SYNACK;
    } else if (!(track->events & TCP_TRACK_SYN)) {
        track->events |= TCP_TRACK_SYN;
        track->syn_side = (uint8_t)side;
        track->syn_sequence = packet->tcp_sequence;
        track->syn_ns = packet->time_ns;
        if (track->has_acknowledged[side])
            track->events |= TCP_TRACK_ACK;
    }
}

/* The handshake is complete when the initiator acknowledges; where its side is not captured, when
 * the responder sends anything but another SYN-ACK. Only the first gives a round-trip time. */
static void note_completion(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    if (track->events & (TCP_TRACK_ACK | TCP_TRACK_INHERITED))
        return;
    const bool is_initiators = side == track->syn_side && (packet->tcp_flags & PACKET_TCP_ACK);
    const bool has_syn = track->events & TCP_TRACK_SYN;
    if ((is_initiators && has_syn) || (track->events & TCP_TRACK_SYNACK))
        track->events |= TCP_TRACK_ACK;
    if (is_initiators && has_syn && packet->time_ns >= track->syn_ns) {
        track->has_handshake_rtt = true;
        track->handshake_rtt_ns = packet->time_ns - track->syn_ns;
    }
}

void tcp_track_packet(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    note_history(track, packet, side);
    if (packet->protocol != PACKET_PROTOCOL_TCP)
        return;
    const unsigned flags = packet->tcp_flags;
    if ((flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST)) == PACKET_TCP_SYN)
        note_opening(track, packet, side);
    else if (!(flags & PACKET_TCP_RST))
        note_completion(track, packet, side);
    if ((flags & PACKET_TCP_ACK) && !(flags & PACKET_TCP_SYN))
        track->has_acknowledged[side] = true;
    if (flags & PACKET_TCP_FIN)
        track->events |= side ? TCP_TRACK_FIN_1 : TCP_TRACK_FIN_0;
    if (flags & PACKET_TCP_RST)
        track->events |= side ? TCP_TRACK_RST_1 : TCP_TRACK_RST_0;
}

bool tcp_track_is_new_connection(const struct tcp_track *track, const struct packet *packet,
                                 unsigned side, int64_t last_ns)
{
    const unsigned opening = PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST | PACKET_TCP_FIN;
    if (packet->protocol != PACKET_PROTOCOL_TCP || (packet->tcp_flags & opening) != PACKET_TCP_SYN)
        return false;
    const bool has_opening = track->events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK);
    if (has_opening && side == track->syn_side && packet->tcp_sequence == track->syn_sequence)
        return false;
    if (packet->time_ns < last_ns)
        return false;
    const bool is_simultaneous = (track->events & TCP_TRACK_SYN) && side != track->syn_side &&
                                 !(track->events & TCP_TRACK_SYNACK) && !tcp_track_is_closed(track);
    return !is_simultaneous;
}

struct tcp_track tcp_track_continue(const struct tcp_track *track)
{
    const unsigned kept = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1 | TCP_TRACK_RST_0 | TCP_TRACK_RST_1;
    return (struct tcp_track){
        .syn_sequence = track->syn_sequence,
        .syn_side = track->syn_side,
        .events = (uint8_t)((track->events & kept) | TCP_TRACK_INHERITED),
    };
}

enum flow_state tcp_track_state(const struct tcp_track *track, unsigned initiator)
{
    const unsigned fins = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1;
    const unsigned responder_rst = initiator ? TCP_TRACK_RST_0 : TCP_TRACK_RST_1;
    const bool has_rst = track->events & (TCP_TRACK_RST_0 | TCP_TRACK_RST_1);
    if ((track->events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK | TCP_TRACK_ACK)) == TCP_TRACK_SYN) {
        if (track->events & responder_rst)
            return FLOW_STATE_REFUSED;
        return has_rst ? FLOW_STATE_RESET : FLOW_STATE_ATTEMPTED;
    }
    if (has_rst)
        return FLOW_STATE_RESET;
    if ((track->events & fins) == fins)
        return FLOW_STATE_CLOSED;
    if (track->events & TCP_TRACK_ACK)
        return FLOW_STATE_ESTABLISHED;
    return tcp_track_is_half_open(track) ? FLOW_STATE_HALF_OPEN : FLOW_STATE_MIDSTREAM;
}

void tcp_track_history(const struct tcp_track *track, unsigned initiator,
                       char history[FLOW_HISTORY_MAX])
{
    for (unsigned i = 0; i < track->history_count; i++) {
        const char letter = (char)(track->history[i] & 0x7f);
        const unsigned side = track->history[i] >> 7;
        history[i] = side == initiator ? letter : (char)(letter - 'A' + 'a');
    }
    history[track->history_count] = '\0';
}
