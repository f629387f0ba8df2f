/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a cell packet by packet without taking the flow out of it: telling copies, and
 * counting ordinary packets. */
#include "flow/flow_cell_number.h"

/* ---- copies -------------------------------------------------------------------------------- */

/* What copies have in common; 0: cannot be told. The digest may not know where in its datagram a
 * fragment belongs, and equal fragments of one are common (zeros, a ping's pattern). */
static uint32_t name_of(const struct packet *packet, unsigned side)
{
    const uint32_t digest = packet->digest ^ packet->fragment_offset_bytes * UINT32_C(0x9e3779b1);
    return packet->digest == 0 ? 0 : digest << 1 | side;
}

static uint32_t coarse_time(int64_t time_ns)
{
    return (uint32_t)(time_ns >> 10);
}

bool flow_cell_is_duplicate(const struct flow_cell *cell, const struct packet *packet,
                            unsigned side)
{
    const uint32_t name = name_of(packet, side);
    const int32_t window = (int32_t)(FLOW_DUPLICATE_WINDOW_NS >> 10);
    uint32_t is_known = 0;
    for (unsigned i = 0; i < FLOW_RECENT_PACKETS; i++)
        is_known |= cell->recent.names[i] == name;
    if (name == 0 || !is_known)
        return false;
    for (unsigned i = 0; i < FLOW_RECENT_PACKETS; i++) {
        if (cell->recent.names[i] != name)
            continue;
        const int32_t after = (int32_t)(coarse_time(packet->time_ns) - cell->recent.times[i]);
        if (after <= window && after >= -window)
            return true;
    }
    return false;
}

void flow_cell_remember(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const unsigned place = cell->recent_next;
    cell->recent.names[place] = name_of(packet, side);
    cell->recent.times[place] = coarse_time(packet->time_ns);
    cell->recent_next = (place + 1) % FLOW_RECENT_PACKETS;
}

void flow_cell_keep_recent(struct flow_cell *cell, const struct flow_cell *ended)
{
    cell->recent = ended->recent;
    cell->recent_next = ended->recent_next;
}

/* ---- ordinary packets ---------------------------------------------------------------------- */

/* A cell without rare facts has no sequence number of a SYN, FIN or RST but base and next: a
 * segment that moves the one, more than 1 GiB after a SYN, or the other, after the end, is not
 * ordinary. */
static bool keeps_numbers(const struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const unsigned letters = cell->tcp.letters[side];
    const uint32_t next = cell->side[side].next + packet->payload_bytes;
    const bool has_end = letters & (TCP_LETTER_FIN | TCP_LETTER_RST);
    const bool is_near = next - cell->side[side].base <= TCP_TRACK_REACH_BYTES;
    if ((is_near && !has_end) || cell->has_rare)
        return true;
    return !has_end && !(letters & TCP_LETTER_SYN) &&
           !(cell->syn_side == side && (cell->tcp.events & TCP_TRACK_SYNACK));
}

/* Is it a segment that TCP's tracking has nothing to say about, but for the next byte expected? */
static bool is_plain_segment(const struct flow_cell *cell, const struct packet *packet,
                             unsigned side)
{
    const struct flow_cell_tcp *const tcp = &cell->tcp;
    const unsigned flags = packet->tcp_flags, has_payload = packet->payload_bytes > 0;
    const unsigned state = tcp->state >> 4 * side;
    const unsigned letter = has_payload ? TCP_LETTER_DATA : TCP_LETTER_ACK;
    if ((flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST | PACKET_TCP_ACK)) !=
            PACKET_TCP_ACK ||
        (state & (TCP_STATE_ACKNOWLEDGED | TCP_STATE_ZERO_WINDOW)) != TCP_STATE_ACKNOWLEDGED ||
        packet->tcp_window == 0 || !(tcp->letters[side] & letter) ||
        tcp_events_are_half_open(tcp->events))
        return false;
    return !has_payload ||
           ((state & (TCP_STATE_BYTES | TCP_STATE_GAPS)) == TCP_STATE_BYTES &&
            packet->tcp_sequence == cell->side[side].next && keeps_numbers(cell, packet, side));
}

/* In its flow's order, nothing in it that a flow has few of, and with all else of its kind. */
static bool is_plain(const struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const unsigned fragment_marks = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER;
    if (!has_seen(cell, side) || (packet->marks & fragment_marks))
        return false;
    if (packet->protocol == PACKET_PROTOCOL_TCP)
        return is_plain_segment(cell, packet, side);
    return packet->payload_bytes == 0 || (cell->tcp.letters[side] & TCP_LETTER_DATA);
}

void flow_cells_prefetch_rest(const struct flow_cells *cells, uint32_t item,
                              const struct packet *packet, unsigned side)
{
    const struct flow_cell *const cell = &cells->cells[item];
    if (is_plain(cell, packet, side))
        return;
    if (has_seen(cell, 1 - side))
        __builtin_prefetch(&cell->side[1 - side], 1);
}

static void count_segment(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    struct flow_cell_side *const own = &cell->side[side];
    if (packet->protocol != PACKET_PROTOCOL_TCP || packet->payload_bytes == 0)
        return;
    const uint32_t next = own->next + packet->payload_bytes;
    own->next = next;
    if (next - own->base > TCP_TRACK_REACH_BYTES)
        own->base = next - TCP_TRACK_REACH_BYTES;
}

static void count_times(struct flow_cell_side *side, uint64_t offset, bool is_second)
{
    const uint64_t last = time_of(side, FLOW_TIME_LAST), gap = offset - last;
    set_gap_squares(side, gap_squares_of(side) + (unsigned __int128)gap * gap);
    if (is_second || gap < time_of(side, FLOW_TIME_GAP_MIN))
        set_time(side, FLOW_TIME_GAP_MIN, gap);
    if (gap > time_of(side, FLOW_TIME_GAP_MAX))
        set_time(side, FLOW_TIME_GAP_MAX, gap);
    set_time(side, FLOW_TIME_PREVIOUS, last);
    set_time(side, FLOW_TIME_LAST, offset);
}

static void count_extremes(struct flow_cell_side *side, const struct packet *packet)
{
    const uint16_t ip = (uint16_t)packet->ip_bytes;
    side->bytes_min = ip < side->bytes_min ? ip : side->bytes_min;
    side->bytes_max = ip > side->bytes_max ? ip : side->bytes_max;
    side->ttl_min = packet->ttl < side->ttl_min ? packet->ttl : side->ttl_min;
    side->ttl_max = packet->ttl > side->ttl_max ? packet->ttl : side->ttl_max;
    side->tcp_flags |= packet->tcp_flags;
}

/* False, and nothing is changed, if a sum would not fit. */
static bool count_side(struct flow_cell_side *side, const struct packet *packet, uint64_t offset)
{
    const uint64_t ip = packet->ip_bytes;
    const uint64_t packets = sum_of(side, FLOW_SUM_PACKETS) + 1;
    const uint64_t frame_excess = sum_of(side, FLOW_SUM_FRAME_EXCESS) + (packet->frame_bytes - ip);
    const uint64_t payload_excess =
        sum_of(side, FLOW_SUM_PAYLOAD_EXCESS) + (ip - packet->payload_bytes);
    const uint64_t ip_bytes = side->ip_bytes + ip;
    const uint64_t squares = bytes_squares_of(side) + ip * ip;
    /* A number that is too large, or has fallen below 0, has a bit beyond its width. */
    if (((ip >> 16) | ((packets | frame_excess | payload_excess) >> FLOW_SUM_BITS) |
         (ip_bytes >> 32) | (squares >> FLOW_SQUARES_BITS)) != 0)
        return false;
    set_sum(side, FLOW_SUM_PACKETS, packets);
    set_sum(side, FLOW_SUM_FRAME_EXCESS, frame_excess);
    set_sum(side, FLOW_SUM_PAYLOAD_EXCESS, payload_excess);
    side->ip_bytes = (uint32_t)ip_bytes;
    set_bytes_squares(side, squares);
    count_times(side, offset, packets == 2);
    count_extremes(side, packet);
    return true;
}

/* Counts a packet in the cell, if it is an ordinary one and fits. */
static bool count_packed(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const uint64_t offset = (uint64_t)(packet->time_ns - cell->first_ns);
    const uint64_t last = (uint64_t)flow_offset(cell->last_low, cell->last_high);
    /* Gaps are below OFFSET_PARTIAL, and a packet before the first is far above. */
    if (offset < last || offset >= OFFSET_PARTIAL || !is_plain(cell, packet, side) ||
        !count_side(&cell->side[side], packet, offset))
        return false;
    const uint64_t gap = offset - last;
    if (gap > (uint64_t)flow_offset(cell->gap_max_low, cell->gap_max_high))
        set_offset(&cell->gap_max_low, &cell->gap_max_high, (int64_t)gap);
    set_offset(&cell->last_low, &cell->last_high, (int64_t)offset);
    return true;
}

/* The same where counts are wide: those flows are the largest of all. */
static bool count_wide(const struct flow_cell *cell, struct flow_wide *wide,
                       const struct packet *packet, unsigned side)
{
    if (packet->time_ns < wide->last_ns || !is_plain(cell, packet, side))
        return false;
    flow_side_packet(&wide->side[side], packet);
    const int64_t gap_ns = packet->time_ns - wide->last_ns;
    if (wide->gap_max_ns != FLOW_SPAN_PARTIAL && gap_ns > wide->gap_max_ns)
        wide->gap_max_ns = gap_ns;
    wide->last_ns = packet->time_ns;
    return true;
}

bool flow_cells_count(struct flow_cells *cells, uint32_t item, const struct packet *packet,
                      unsigned side)
{
    struct flow_cell *const cell = &cells->cells[item];
    const bool is_counted =
        cell->is_wide ? count_wide(cell, &cells->wides[cells->rares[cell->rare].wide], packet, side)
                      : count_packed(cell, packet, side);
    if (!is_counted)
        return false;
    cell->has_more = true;
    if (packet->marks & PACKET_MARK_CUT)
        cell->marks |= FLOW_MARK_CUT_PACKETS;
    if ((cell->marks & FLOW_MARK_COARSE_TIME) && packet->time_ns % 1000000 != 0)
        cell->marks &= (uint8_t)~FLOW_MARK_COARSE_TIME;
    count_segment(cell, packet, side);
    flow_cell_remember(cell, packet, side);
    return true;
}
