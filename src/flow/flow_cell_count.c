/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a cell packet by packet without taking the flow out of it: telling copies, and
 * counting packets in order. */
#include "flow/flow_cell_number.h"

/* ---- copies -------------------------------------------------------------------------------- */

bool flow_cell_is_known_soon(const struct flow_cell *cell, uint32_t name, int64_t time_ns)
{
    const uint32_t coarse = (uint32_t)(time_ns >> FLOW_RECENT_UNIT_BITS);
    const int32_t window = (int32_t)(FLOW_DUPLICATE_WINDOW_NS >> FLOW_RECENT_UNIT_BITS);
    for (unsigned i = 0; i < FLOW_RECENT_PACKETS; i++) {
        if (cell->recent.names[i] != name)
            continue;
        const int32_t after = (int32_t)(coarse - cell->recent.times[i]);
        if (after <= window && after >= -window)
            return true;
    }
    return false;
}

void flow_cells_keep_recent(struct flow_cells *cells, uint32_t item, uint32_t ended)
{
    struct flow_cell *const cell = &cells->cells[item];
    const struct flow_cell *const before = &cells->cells[ended];
    cell->recent = before->recent;
    cell->recent_next = before->recent_next;
    cell->marks |= before->marks & FLOW_KNOWS_LATER_PACKETS;
    if (flow_cells_last_ns(cells, ended) > flow_cells_last_ns(cells, item))
        cell->marks |= FLOW_KNOWS_LATER_PACKETS;
}

/* ---- what packets tell --------------------------------------------------------------------- */

/* Is it a segment that TCP's tracking has nothing to say about, but for the next byte expected?
 * That it has acknowledged something says that its side was seen. Gaps lie before the next byte, so
 * that none is filled, and none forgotten while the first byte known is within reach. */
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
    if (!has_payload)
        return true;
    const uint32_t next = cell->side[side].next, end = next + packet->payload_bytes;
    return packet->tcp_sequence == next && (state & TCP_STATE_BYTES) &&
           (!(state & TCP_STATE_GAPS) || end - cell->side[side].base <= TCP_TRACK_REACH_BYTES) &&
           flow_cell_keeps_numbers(cell, side, next, packet->payload_bytes);
}

/* Does it tell nothing but sums, and the next byte expected? */
static bool is_plain(const struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    if (packet->protocol == PACKET_PROTOCOL_TCP)
        return is_plain_segment(cell, packet, side);
    return packet->payload_bytes == 0 ? has_seen(cell, side)
                                      : (cell->tcp.letters[side] & TCP_LETTER_DATA) != 0;
}

/* ---- counting ------------------------------------------------------------------------------ */

static void count_extremes(struct flow_cell_side *side, const struct packet *packet)
{
    const uint16_t ip = (uint16_t)packet->ip_bytes;
    side->bytes_min = ip < side->bytes_min ? ip : side->bytes_min;
    side->bytes_max = ip > side->bytes_max ? ip : side->bytes_max;
    if (packet->ttl < side->ttl_min) /* which it hardly ever is */
        side->ttl_min = packet->ttl;
    if (packet->ttl > side->ttl_max)
        side->ttl_max = packet->ttl;
}

/* The greatest gap, the sum of squares and the flags: the first and the last change seldom. */
static inline void count_gap(struct flow_cell_side *side, uint64_t gap, uint8_t tcp_flags)
{
    const unsigned __int128 squares = side->gap_squares_low + (unsigned __int128)gap * gap;
    uint64_t word = side->words[FLOW_TIME_GAP_MAX] + time_and_sum(0, (uint64_t)(squares >> 64));
    if (gap > (word & OFFSET_MOST))
        word = (word & ~OFFSET_MOST) | gap;
    side->gap_squares_low = (uint64_t)squares;
    side->words[FLOW_TIME_GAP_MAX] = word | (uint64_t)tcp_flags << (FLOW_OFFSET_BITS + 16);
}

/* How much of each sum a packet brings. */
struct share {
    uint64_t ip, frame_excess, payload_excess;
};

/* False if it is more than a cell's sums have room for; then something is odd with the packet. */
static inline bool share_of(const struct packet *packet, struct share *share)
{
    share->ip = packet->ip_bytes;
    share->frame_excess = packet->frame_bytes - share->ip;
    share->payload_excess = share->ip - packet->payload_bytes;
    return (share->ip | share->frame_excess | share->payload_excess) <= UINT16_MAX;
}

/* Asked of one packet in 64 of a side. */
__attribute__((noinline, cold)) static bool has_sums_left(const struct flow_cell_side *side)
{
    const uint64_t *const words = side->words;
    return (((words[0] | words[1] | words[2]) >> 63) | (side->ip_bytes >> 31) |
            (side->bytes_squares_high >> 15)) == 0;
}

static inline bool has_room(const struct flow_cell_side *side)
{
    enum { PACKETS_UNASKED = 64 };
    return sum_of(side, FLOW_SUM_PACKETS) % PACKETS_UNASKED != 0 || has_sums_left(side);
}

/* False, and nothing is changed, if a sum might not fit. Not inlined: by itself it is done in
 * registers, and among what its callers do it is not, which is ten instructions more. */
__attribute__((noinline)) static bool count_side(struct flow_cell_side *side,
                                                 const struct packet *packet, uint64_t offset)
{
    struct share share;
    if (!share_of(packet, &share) || !has_room(side))
        return false;
    const uint64_t last = time_of(side, FLOW_TIME_LAST), gap = offset - last;
    uint64_t *const words = side->words;
    words[FLOW_TIME_LAST] += time_and_sum(gap, 1);
    words[FLOW_TIME_PREVIOUS] =
        (words[FLOW_TIME_PREVIOUS] & ~OFFSET_MOST) + time_and_sum(last, share.frame_excess);
    words[FLOW_TIME_GAP_MIN] += time_and_sum(0, share.payload_excess);
    if (gap < time_of(side, FLOW_TIME_GAP_MIN) || sum_of(side, FLOW_SUM_PACKETS) == 2)
        words[FLOW_TIME_GAP_MIN] = (words[FLOW_TIME_GAP_MIN] & ~OFFSET_MOST) | gap;
    side->ip_bytes += (uint32_t)share.ip;
    set_bytes_squares(side, bytes_squares_of(side) + share.ip * share.ip);
    count_gap(side, gap, packet->tcp_flags);
    count_extremes(side, packet);
    return true;
}

bool flow_cell_begin_side(struct flow_cell_side *side, const struct packet *packet, uint64_t offset)
{
    struct share share;
    if (!share_of(packet, &share))
        return false;
    side->words[FLOW_TIME_LAST] = time_and_sum(offset, 1);
    side->words[FLOW_TIME_PREVIOUS] = time_and_sum(offset, share.frame_excess);
    side->words[FLOW_TIME_GAP_MIN] = time_and_sum(0, share.payload_excess);
    set_gaps(side, 0, 0, packet->tcp_flags);
    side->ip_bytes = (uint32_t)share.ip;
    set_bytes_squares(side, share.ip * share.ip);
    side->bytes_min = side->bytes_max = (uint16_t)share.ip;
    side->ttl_min = side->ttl_max = packet->ttl;
    return true;
}

static bool begin_other_side(struct flow_cell *cell, const struct packet *packet, unsigned side,
                             uint64_t offset)
{
    if (!flow_cell_begin_side(&cell->side[side], packet, offset))
        return false;
    cell->seen_0 = cell->seen_1 = true;
    set_offset(&cell->other_first_low, &cell->other_first_high, (int64_t)offset);
    return true;
}

/* Where the packet lies in the flow; false: it comes before another, or too late for a cell. Gaps
 * are below OFFSET_PARTIAL, and the offset of a packet before the first is far above. */
static inline bool offset_of(const struct flow_cell *cell, const struct packet *packet,
                             uint64_t *offset)
{
    *offset = (uint64_t)(packet->time_ns - cell->first_ns);
    return *offset >= (uint64_t)flow_offset(cell->last_low, cell->last_high) &&
           *offset < OFFSET_PARTIAL;
}

/* What every packet that is counted in place changes beside its side. */
static inline void count_flow(struct flow_cell *cell, const struct packet *packet, uint32_t name)
{
    cell->has_more = true;
    if (packet->marks & PACKET_MARK_CUT)
        cell->marks |= FLOW_MARK_CUT_PACKETS;
    if ((cell->marks & FLOW_MARK_COARSE_TIME) && packet->time_ns % 1000000 != 0)
        cell->marks &= (uint8_t)~FLOW_MARK_COARSE_TIME;
    flow_cell_remember(cell, name, packet->time_ns);
}

static inline void count_span(struct flow_cell *cell, uint64_t offset)
{
    const uint64_t gap = offset - (uint64_t)flow_offset(cell->last_low, cell->last_high);
    if (gap > (uint64_t)flow_offset(cell->gap_max_low, cell->gap_max_high))
        set_offset(&cell->gap_max_low, &cell->gap_max_high, (int64_t)gap);
    set_offset(&cell->last_low, &cell->last_high, (int64_t)offset);
}

/* The flows whose counts are wide are the largest of all. */
static bool count_wide(struct flow_wide *wide, const struct packet *packet, unsigned side)
{
    if (packet->time_ns < wide->last_ns)
        return false;
    flow_side_packet(&wide->side[side], packet);
    const int64_t gap_ns = packet->time_ns - wide->last_ns;
    if (wide->gap_max_ns != FLOW_SPAN_PARTIAL && gap_ns > wide->gap_max_ns)
        wide->gap_max_ns = gap_ns;
    wide->last_ns = packet->time_ns;
    return true;
}

/* Kept apart from the plain packets: 96 of 100 have nothing to tell. */
__attribute__((noinline)) static enum flow_counted
count_event(struct flow_cell *cell, const struct packet *packet, unsigned side, uint32_t name)
{
    uint64_t offset;
    if (!flow_cell_takes_event(cell, packet, side) || !offset_of(cell, packet, &offset) ||
        !(has_seen(cell, side) ? count_side(&cell->side[side], packet, offset)
                               : begin_other_side(cell, packet, side, offset)))
        return FLOW_COUNTED_NOT;
    count_span(cell, offset);
    flow_cell_note_event(cell, packet, side);
    count_flow(cell, packet, name);
    return tcp_events_are_closed(cell->tcp.events) || tcp_events_are_half_open(cell->tcp.events)
               ? FLOW_COUNTED_EVENT
               : FLOW_COUNTED_PLAIN;
}

enum flow_counted flow_cells_count(struct flow_cells *cells, uint32_t item,
                                   const struct packet *packet, unsigned side, uint32_t name)
{
    const unsigned fragment_marks = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER;
    struct flow_cell *const cell = &cells->cells[item];
    uint64_t offset;
    if (packet->marks & fragment_marks)
        return FLOW_COUNTED_NOT;
    if (!is_plain(cell, packet, side))
        return count_event(cell, packet, side, name);
    if (cell->is_wide) {
        if (!count_wide(&cells->wides[cells->rares[cell->rare].wide], packet, side))
            return FLOW_COUNTED_NOT;
    } else {
        if (!offset_of(cell, packet, &offset) || !count_side(&cell->side[side], packet, offset))
            return FLOW_COUNTED_NOT;
        count_span(cell, offset);
    }
    if (packet->protocol == PACKET_PROTOCOL_TCP && packet->payload_bytes > 0)
        flow_cell_move_next(cell, side, packet->payload_bytes);
    count_flow(cell, packet, name);
    return FLOW_COUNTED_PLAIN;
}
