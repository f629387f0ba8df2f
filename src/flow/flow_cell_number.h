/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers in a cell and their parts, for the files that know them: flow_cell.c (loading and
 * saving), flow_cell_open.c (first packets), flow_cell_count.c (packets in order),
 * flow_cell_event.c (what they tell) and flow_export.c (records). */
#ifndef WHYFLOW_FLOW_FLOW_CELL_NUMBER_H
#define WHYFLOW_FLOW_FLOW_CELL_NUMBER_H

#include "flow/flow_cell.h"

#define OFFSET_MOST ((UINT64_C(1) << FLOW_OFFSET_BITS) - 1)
#define OFFSET_PARTIAL OFFSET_MOST /* in place of a greatest gap: FLOW_SPAN_PARTIAL */

/* What sums are saved with at most. The highest bit of each is for the next packets, which are
 * counted without asking whether their sums fit: a packet brings at most 2^16, of squares 2^32. Of
 * each side one packet in 64 asks; with that bit set, the flow is loaded and made wide. */
#define SUM_MOST ((UINT64_C(1) << (FLOW_SUM_BITS - 1)) - 1)
#define SQUARES_MOST ((UINT64_C(1) << (FLOW_SQUARES_BITS - 1)) - 1)
#define IP_BYTES_MOST ((UINT64_C(1) << 31) - 1)

_Static_assert((int)FLOW_OFFSET_BITS + (int)FLOW_SUM_BITS == 64, "a time and a sum are one word");

/* Of flow_cell_tcp.state, for side 0. */
enum flow_cell_tcp_state {
    TCP_STATE_BYTES = 1 << 0,
    TCP_STATE_ACKNOWLEDGED = 1 << 1,
    TCP_STATE_ZERO_WINDOW = 1 << 2,
    TCP_STATE_GAPS = 1 << 3,
};

/* Of flow_cell.history. */
enum {
    FLOW_HISTORY_COUNT_BITS = 4,
    FLOW_HISTORY_COUNT_MASK = (1 << FLOW_HISTORY_COUNT_BITS) - 1,
    FLOW_HISTORY_LETTER_BITS = 5,
    FLOW_HISTORY_SIDE = 1 << 4,
};

/* Its letters that are written without a struct flow; flow_cell.c has them all. */
enum flow_history_code {
    FLOW_HISTORY_SYN = 0,
    FLOW_HISTORY_SYN_ACK = 1,
    FLOW_HISTORY_ACK = 2,
    FLOW_HISTORY_DATA = 3,
    FLOW_HISTORY_FIN = 4,
    FLOW_HISTORY_RST = 5,
};

static inline void set_offset(uint32_t *low, uint8_t *high, int64_t offset)
{
    *low = (uint32_t)offset;
    *high = (uint8_t)(offset >> 32);
}

static inline uint64_t time_of(const struct flow_cell_side *side, enum flow_cell_time time)
{
    return side->words[time] & OFFSET_MOST;
}

static inline uint64_t sum_of(const struct flow_cell_side *side, enum flow_cell_sum sum)
{
    return side->words[sum] >> FLOW_OFFSET_BITS;
}

static inline unsigned __int128 gap_squares_of(const struct flow_cell_side *side)
{
    const uint64_t high = side->words[FLOW_TIME_GAP_MAX] >> FLOW_OFFSET_BITS & UINT16_MAX;
    return (unsigned __int128)high << 64 | side->gap_squares_low;
}

static inline uint8_t tcp_flags_of(const struct flow_cell_side *side)
{
    return (uint8_t)(side->words[FLOW_TIME_GAP_MAX] >> (FLOW_OFFSET_BITS + 16));
}

/* A word of a time and the sum beside it. */
static inline uint64_t time_and_sum(uint64_t time, uint64_t sum)
{
    return time + (sum << FLOW_OFFSET_BITS);
}

/* Gaps of 40 bits in all have squares of 80 bits in all. */
static inline void set_gaps(struct flow_cell_side *side, uint64_t gap_max,
                            unsigned __int128 squares, uint8_t tcp_flags)
{
    side->gap_squares_low = (uint64_t)squares;
    side->words[FLOW_TIME_GAP_MAX] =
        time_and_sum(gap_max, (uint16_t)(squares >> 64) | (uint64_t)tcp_flags << 16);
}

static inline uint64_t bytes_squares_of(const struct flow_cell_side *side)
{
    return side->bytes_squares_low | (uint64_t)side->bytes_squares_high << 32;
}

static inline void set_bytes_squares(struct flow_cell_side *side, uint64_t squares)
{
    side->bytes_squares_low = (uint32_t)squares;
    side->bytes_squares_high = (uint16_t)(squares >> 32);
}

static inline bool has_seen(const struct flow_cell *cell, unsigned side)
{
    return side ? cell->seen_1 : cell->seen_0;
}

/* A cell without rare facts has no sequence number of a SYN, FIN or RST but base and next (see
 * flow_cell.c). Do the next bytes of a side leave them where they follow? Not so if they come after
 * the end or more than 1 GiB after a SYN; nor if they are the first, of a side whose SYN was told
 * by the SYN-ACK alone, and do not come after it. */
static inline bool flow_cell_keeps_numbers(const struct flow_cell *cell, unsigned side,
                                           uint32_t sequence, uint32_t bytes)
{
    const struct flow_cell_side *const own = &cell->side[side];
    const unsigned letters = cell->tcp.letters[side];
    const bool has_end = letters & (TCP_LETTER_FIN | TCP_LETTER_RST);
    const bool has_bytes = cell->tcp.state >> 4 * side & TCP_STATE_BYTES;
    const bool is_near = sequence + bytes - own->base <= TCP_TRACK_REACH_BYTES;
    if ((has_bytes && is_near && !has_end) || cell->has_rare)
        return true;
    const bool has_syn = (letters & TCP_LETTER_SYN) ||
                         (cell->syn_side == side && (cell->tcp.events & TCP_TRACK_SYNACK));
    return !has_end && (!has_syn || (!has_bytes && sequence == own->base + 1));
}

/* The next bytes of a side have come. */
static inline void flow_cell_move_next(struct flow_cell *cell, unsigned side, uint32_t bytes)
{
    struct flow_cell_side *const own = &cell->side[side];
    const uint32_t next = own->next + bytes;
    own->next = next;
    if (next - own->base > TCP_TRACK_REACH_BYTES)
        own->base = next - TCP_TRACK_REACH_BYTES;
}

/* ---- flow_cell_count.c --------------------------------------------------------------------- */

/* Counts the first packet of a side, `offset` ns after the flow's. False if it does not fit: the
 * side's line, which holds nothing yet, is undefined then. */
bool flow_cell_begin_side(struct flow_cell_side *side, const struct packet *packet,
                          uint64_t offset);

/* ---- flow_cell_event.c --------------------------------------------------------------------- */

/* Can what a packet tells be noted in the cell? It must come no earlier than the flow's last. */
bool flow_cell_takes_event(const struct flow_cell *cell, const struct packet *packet,
                           unsigned side);
void flow_cell_note_event(struct flow_cell *cell, const struct packet *packet, unsigned side);

/* ---- numbers of a flow --------------------------------------------------------------------- */

static inline int64_t unpack_gap_max(uint64_t gap_max)
{
    return gap_max == OFFSET_PARTIAL ? FLOW_SPAN_PARTIAL : (int64_t)gap_max;
}

/* When the first packet of a side that was seen came. */
static inline int64_t side_first_ns(const struct flow_cell *cell, unsigned side)
{
    return side == cell->first_side
               ? cell->first_ns
               : cell->first_ns + flow_offset(cell->other_first_low, cell->other_first_high);
}

static inline void unpack_side(const struct flow_cell_side *side, int64_t first_ns,
                               int64_t side_first_ns, struct flow_side *to)
{
    *to = (struct flow_side){
        .gap_squares = gap_squares_of(side),
        .packets = sum_of(side, FLOW_SUM_PACKETS),
        .frame_bytes = side->ip_bytes + sum_of(side, FLOW_SUM_FRAME_EXCESS),
        .ip_bytes = side->ip_bytes,
        .payload_bytes = side->ip_bytes - sum_of(side, FLOW_SUM_PAYLOAD_EXCESS),
        .packet_bytes_squares = bytes_squares_of(side),
        .span = {.first_ns = side_first_ns,
                 .last_ns = first_ns + (int64_t)time_of(side, FLOW_TIME_LAST),
                 .previous_ns = first_ns + (int64_t)time_of(side, FLOW_TIME_PREVIOUS),
                 .gap_max_ns = unpack_gap_max(time_of(side, FLOW_TIME_GAP_MAX))},
        .gap_min_ns = (int64_t)time_of(side, FLOW_TIME_GAP_MIN),
        .packet_bytes_min = side->bytes_min,
        .packet_bytes_max = side->bytes_max,
        .ttl_min = side->ttl_min,
        .ttl_max = side->ttl_max,
        .tcp_flags = tcp_flags_of(side),
    };
}

/* Type and code, of a cell without rare facts; 0 of what is not ICMP. Without TCP, the first
 * sender's line has room for it. */
static inline uint32_t flow_cell_icmp_kind(const struct flow_cell *cell)
{
    const bool is_tcp = cell->key.protocol == PACKET_PROTOCOL_TCP;
    return is_tcp ? 0 : cell->side[cell->first_side].base;
}

#endif
