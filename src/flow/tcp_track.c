/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tcp_track.h"

#include <string.h>

_Static_assert((int)TCP_TRACK_HISTORY_MAX + 2 <= (int)FLOW_HISTORY_MAX,
               "a history, its ^ and its NUL fit the record");

static struct tcp_rare *use_rare(struct tcp_track *track, struct tcp_rare *rare)
{
    if (!track->has_rare)
        *rare = (struct tcp_rare){0};
    track->has_rare = true;
    return rare;
}

/* ---- history ------------------------------------------------------------------------------- */

static void append_letter(struct tcp_track *track, char letter, unsigned side)
{
    if (track->history_count < TCP_TRACK_HISTORY_MAX)
        track->history[track->history_count++] = (uint8_t)(letter | (side ? 0x80 : 0));
}

/* True if it had been noted before. */
static bool note_letter(struct tcp_track *track, enum tcp_letter kind, char letter, unsigned side)
{
    if (track->side[side].letters & kind)
        return true;
    track->side[side].letters |= (uint16_t)kind;
    append_letter(track, letter, side);
    return false;
}

static void note_numbered(struct tcp_track *track, enum tcp_letter kind, char letter, unsigned side,
                          uint32_t sequence)
{
    struct tcp_side *const own = &track->side[side];
    uint32_t *const last = kind == TCP_LETTER_SYN   ? &own->last_syn
                           : kind == TCP_LETTER_FIN ? &own->last_fin
                                                    : &own->last_rst;
    if (note_letter(track, kind, letter, side) && sequence != *last)
        append_letter(track, letter, side);
    *last = sequence;
}

/* At the 1st, 10th, 100th, ... time. */
static void note_counted(struct tcp_track *track, char letter, unsigned side, uint32_t count)
{
    while (count >= 10 && count % 10 == 0)
        count /= 10;
    if (count == 1)
        append_letter(track, letter, side);
}

static void note_history(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    const unsigned flags = packet->tcp_flags;
    const unsigned marks = flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST);
    const uint32_t sequence = packet->tcp_sequence;
    switch (marks) {
    case 0:
        if (packet->payload_bytes > 0)
            note_letter(track, TCP_LETTER_DATA, 'D', side);
        else if (flags & PACKET_TCP_ACK)
            note_letter(track, TCP_LETTER_ACK, 'A', side);
        break;
    case PACKET_TCP_SYN:
        note_numbered(track, TCP_LETTER_SYN, flags & PACKET_TCP_ACK ? 'H' : 'S', side, sequence);
        break;
    case PACKET_TCP_FIN:
        note_numbered(track, TCP_LETTER_FIN, 'F', side, sequence + packet->payload_bytes);
        break;
    case PACKET_TCP_RST:
        note_numbered(track, TCP_LETTER_RST, 'R', side, sequence);
        break;
    default:
        if ((marks & PACKET_TCP_FIN) && (marks & PACKET_TCP_RST))
            note_letter(track, TCP_LETTER_FIN_RST, 'I', side);
        else
            note_letter(track, TCP_LETTER_MIXED, 'Q', side);
    }
}

/* ---- windows ------------------------------------------------------------------------------- */

/* As in Zeek, a zero window means nothing with a RST or after it, or once the peer has sent its
 * FIN: there is nothing more to receive. */
static void note_window(struct tcp_track *track, struct tcp_rare *rare, const struct packet *packet,
                        unsigned side)
{
    struct tcp_side *const own = &track->side[side];
    const unsigned over =
        side ? TCP_TRACK_RST_1 | TCP_TRACK_FIN_0 : TCP_TRACK_RST_0 | TCP_TRACK_FIN_1;
    const bool had_zero_window = own->has_zero_window;
    if ((packet->tcp_flags & PACKET_TCP_RST) || (track->events & over))
        return;
    own->has_zero_window = packet->tcp_window == 0;
    if (packet->tcp_window != 0)
        return;
    use_rare(track, rare)->zero_windows[side] += !had_zero_window;
    note_counted(track, 'W', side, ++rare->zero_window_packets[side]);
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* a - b, both on one circle of 2^32. */
static int32_t distance(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static void drop_oldest_gap(struct tcp_side *own, struct tcp_range *gaps)
{
    own->base = gaps[0].end;
    for (unsigned i = 1; i < own->gap_count; i++)
        gaps[i - 1] = gaps[i];
    own->gap_count--;
}

static void open_gap(struct tcp_side *own, struct tcp_range *gaps, struct tcp_range gap)
{
    if (own->gap_count == TCP_TRACK_GAPS_MAX)
        drop_oldest_gap(own, gaps);
    gaps[own->gap_count++] = gap;
}

/* Takes the segment's bytes out of the gaps; true if there were any. */
static bool fill_gaps(struct tcp_side *own, struct tcp_range *gaps, struct tcp_range segment)
{
    struct tcp_range left[TCP_TRACK_GAPS_MAX];
    const unsigned count = own->gap_count;
    bool has_filled = false;
    memcpy(left, gaps, count * sizeof *gaps);
    own->gap_count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct tcp_range gap = left[i];
        if (distance(segment.start, gap.end) >= 0 || distance(gap.start, segment.end) >= 0) {
            open_gap(own, gaps, gap);
            continue;
        }
        has_filled = true;
        if (distance(segment.start, gap.start) > 0)
            open_gap(own, gaps, (struct tcp_range){gap.start, segment.start});
        if (distance(gap.end, segment.end) > 0)
            open_gap(own, gaps, (struct tcp_range){segment.end, gap.end});
    }
    return has_filled;
}

/* What lies too far back is forgotten before the circle comes round to it. */
static void forget_far(struct tcp_side *own, struct tcp_range *gaps)
{
    if (own->next - own->base <= TCP_TRACK_REACH_BYTES)
        return;
    own->base = own->next - TCP_TRACK_REACH_BYTES;
    while (own->gap_count > 0 && distance(own->base, gaps[0].start) > 0) {
        const uint32_t base = own->base;
        drop_oldest_gap(own, gaps);
        if (distance(base, own->base) > 0)
            own->base = base;
    }
}

/* The sequence numbers a segment takes. */
static struct tcp_range range_of(const struct packet *packet)
{
    const unsigned flags = packet->tcp_flags;
    const bool has_syn = flags & PACKET_TCP_SYN, has_fin = flags & PACKET_TCP_FIN;
    return (struct tcp_range){packet->tcp_sequence,
                              packet->tcp_sequence + packet->payload_bytes + has_syn + has_fin};
}

static bool is_keep_alive(const struct tcp_side *own, const struct packet *packet)
{
    const unsigned marks = packet->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN);
    return marks == 0 && packet->payload_bytes == 1 && packet->tcp_sequence + 1 == own->next;
}

/* A first segment, a SYN beyond all that came (another connection's), or one out of reach. */
static bool begins_anew(const struct tcp_side *own, const struct packet *packet)
{
    const int32_t ahead = distance(packet->tcp_sequence, own->next);
    if (!own->has_bytes || ahead > (int32_t)TCP_TRACK_REACH_BYTES ||
        ahead < -(int32_t)TCP_TRACK_REACH_BYTES)
        return true;
    return (packet->tcp_flags & PACKET_TCP_SYN) && ahead > 0;
}

static void count_retransmitted(struct tcp_track *track, struct tcp_rare *rare,
                                const struct packet *packet, unsigned side)
{
    use_rare(track, rare)->retransmitted[side]++;
    if (packet->payload_bytes > 0)
        note_counted(track, 'T', side, ++rare->retransmitted_payloads[side]);
}

/* A segment that ends no later than the highest byte that came. */
static void judge_old(struct tcp_track *track, struct tcp_rare *rare, const struct packet *packet,
                      unsigned side, bool is_late)
{
    struct tcp_side *const own = &track->side[side];
    const struct tcp_range segment = range_of(packet);
    if (is_keep_alive(own, packet))
        return;
    if (own->gap_count > 0 && fill_gaps(own, rare->gaps[side], segment))
        rare->out_of_order[side] += !is_late;
    else if (distance(segment.start, own->base) >= 0)
        count_retransmitted(track, rare, packet, side);
}

static void note_bytes(struct tcp_track *track, struct tcp_rare *rare, const struct packet *packet,
                       unsigned side, bool is_late)
{
    struct tcp_side *const own = &track->side[side];
    struct tcp_range *const gaps = rare->gaps[side];
    const struct tcp_range segment = range_of(packet);
    if (segment.end == segment.start || (packet->tcp_flags & PACKET_TCP_RST))
        return;
    if (begins_anew(own, packet)) {
        own->base = segment.start;
        own->next = segment.end;
        own->gap_count = 0;
        own->has_bytes = true;
    } else if (distance(segment.end, own->next) <= 0) {
        judge_old(track, rare, packet, side, is_late);
    } else {
        if (distance(segment.start, own->next) > 0) {
            use_rare(track, rare);
            open_gap(own, gaps, (struct tcp_range){own->next, segment.start});
        } else if (own->gap_count > 0) {
            fill_gaps(own, gaps, segment);
        }
        own->next = segment.end;
        forget_far(own, gaps);
    }
}

/* ---- handshake ----------------------------------------------------------------------------- */

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
        if (track->side[side].has_acknowledged)
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

static void note_handshake(struct tcp_track *track, const struct packet *packet, unsigned side)
{
    const unsigned flags = packet->tcp_flags;
    if ((flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST)) == PACKET_TCP_SYN)
        note_opening(track, packet, side);
    else if (!(flags & PACKET_TCP_RST))
        note_completion(track, packet, side);
    if ((flags & PACKET_TCP_ACK) && !(flags & PACKET_TCP_SYN))
        track->side[side].has_acknowledged = true;
    if (flags & PACKET_TCP_FIN)
        track->events |= side ? TCP_TRACK_FIN_1 : TCP_TRACK_FIN_0;
    if (flags & PACKET_TCP_RST)
        track->events |= side ? TCP_TRACK_RST_1 : TCP_TRACK_RST_0;
    /* RFC 9293, 3.5.2: only a reset that answers a segment without ACK has sequence number 0. */
    if (flags == (PACKET_TCP_RST | PACKET_TCP_ACK) && packet->tcp_sequence == 0)
        track->has_refusal = true;
}

void tcp_track_packet(struct tcp_track *track, struct tcp_rare *rare, const struct packet *packet,
                      unsigned side, bool is_late)
{
    const bool is_tcp = packet->protocol == PACKET_PROTOCOL_TCP;
    if (is_tcp && (packet->marks & PACKET_MARK_FRAGMENT_LATER))
        return; /* no header: nothing of what follows is in it */
    note_history(track, packet, side);
    if (!is_tcp)
        return;
    if (packet->tcp_window == 0 || track->side[side].has_zero_window)
        note_window(track, rare, packet, side);
    note_bytes(track, rare, packet, side, is_late);
    note_handshake(track, packet, side);
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

struct tcp_track tcp_track_continue(const struct tcp_track *track, const struct tcp_rare *ended,
                                    struct tcp_rare *rare)
{
    const unsigned kept = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1 | TCP_TRACK_RST_0 | TCP_TRACK_RST_1;
    struct tcp_track next = {
        .syn_sequence = track->syn_sequence,
        .syn_side = track->syn_side,
        .events = (uint8_t)((track->events & kept) | TCP_TRACK_INHERITED),
    };
    for (unsigned side = 0; side < 2; side++) {
        const struct tcp_side *const own = &track->side[side];
        next.side[side] = (struct tcp_side){
            .base = own->base,
            .next = own->next,
            .has_bytes = own->has_bytes,
            .has_zero_window = own->has_zero_window,
            .gap_count = own->gap_count,
        };
        if (own->gap_count > 0)
            memcpy(use_rare(&next, rare)->gaps[side], ended->gaps[side],
                   own->gap_count * sizeof(struct tcp_range));
    }
    return next;
}

enum flow_state tcp_events_state(unsigned events, unsigned initiator)
{
    const unsigned fins = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1;
    const unsigned responder_rst = initiator ? TCP_TRACK_RST_0 : TCP_TRACK_RST_1;
    const bool has_rst = events & (TCP_TRACK_RST_0 | TCP_TRACK_RST_1);
    if ((events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK | TCP_TRACK_ACK)) == TCP_TRACK_SYN) {
        if (events & responder_rst)
            return FLOW_STATE_REFUSED;
        return has_rst ? FLOW_STATE_RESET : FLOW_STATE_ATTEMPTED;
    }
    if (has_rst)
        return FLOW_STATE_RESET;
    if ((events & fins) == fins)
        return FLOW_STATE_CLOSED;
    if (events & TCP_TRACK_ACK)
        return FLOW_STATE_ESTABLISHED;
    return tcp_events_are_half_open(events) ? FLOW_STATE_HALF_OPEN : FLOW_STATE_MIDSTREAM;
}

void tcp_track_history(const struct tcp_track *track, unsigned initiator, bool is_flipped,
                       char history[FLOW_HISTORY_MAX])
{
    if (is_flipped)
        *history++ = '^';
    for (unsigned i = 0; i < track->history_count; i++) {
        const char letter = (char)(track->history[i] & 0x7f);
        const unsigned side = track->history[i] >> 7;
        history[i] = side == initiator ? letter : (char)(letter - 'A' + 'a');
    }
    history[track->history_count] = '\0';
}
