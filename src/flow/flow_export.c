/* SPDX-License-Identifier: Apache-2.0 */
/* From an ended flow to its record. Called by the flow table, under its lock.
 *
 * Most flows are in a cell that says all of them, and their record is made of it directly: taken
 * out into a struct flow first, a flow cost twice as many instructions, most of them for a side
 * that was not seen, or for gaps that one packet does not have. Others are loaded. What both have
 * in common is written once, from struct facts, which the compiler takes apart. */
#include "base/siphash.h"
#include "flow/flow_cell_number.h"

#include <math.h>

/* What a record says of a flow as a whole. */
struct facts {
    const struct flow_key *key;
    int64_t first_ns, last_ns, longest_gap_ns;
    int64_t handshake_rtt_ns;
    uint64_t packets;
    struct flow_orientation orientation;
    uint16_t marks, source_index, vlan;
    uint8_t events; /* enum tcp_track_event */
    uint8_t vlan_count, icmp_type, icmp_code;
    bool has_handshake_rtt, continues, is_two_way;
};

/* Public on purpose; it is a name, not a place in a table. What is hashed is part of the output:
 * both addresses in 16 bytes, each with its port, the rest of the head, time and side. */
uint64_t flow_identity(const struct flow_key *key, int64_t first_ns, unsigned first_side)
{
    static const uint64_t public_key[2] = {UINT64_C(0x77687966), UINT64_C(0x6c6f77)};
    const struct flow_key_head *const head = &key->head;
    uint64_t words[5];
    for (unsigned i = 0; i < 5; i++)
        words[i] = siphash_load((const uint8_t *)&key->words[i]);
    const uint64_t second_begins = words[0] >> 32 | (words[3] >> 32) << 32;
    struct siphash_state s = siphash_begin(public_key);
    siphash_add(&s, (uint32_t)words[0] | words[2] << 32);
    siphash_add(&s, words[2] >> 32 | words[3] << 32);
    siphash_add(&s, head->port[0] | second_begins << 16);
    siphash_add(&s, second_begins >> 48 | words[4] << 16);
    siphash_add(&s, words[4] >> 48 | (uint64_t)head->port[1] << 16 |
                        (uint64_t)head->protocol << 32 | (uint64_t)head->ip_version << 40 |
                        (uint64_t)head->bits << 48);
    siphash_add(&s, (uint64_t)first_ns);
    siphash_add(&s, first_side);
    siphash_add(&s, UINT64_C(56) << 56);
    return siphash_end(&s) >> 13;
}

/* ---- sides --------------------------------------------------------------------------------- */

/* (double)number, which is a call of 40 instructions. All but the highest 63 bits are told by one
 * bit below them, which rounds them as all would: that is ten more than a double has. */
static inline double double_of(unsigned __int128 number)
{
    const uint64_t high = (uint64_t)(number >> 64);
    if (high == 0)
        return (double)(uint64_t)number;
    const unsigned shift = 65 - (unsigned)__builtin_clzll(high);
    const uint64_t top = (uint64_t)(number >> shift);
    const bool has_rest = (unsigned __int128)top << shift != number;
    const uint64_t power_bits = (UINT64_C(1023) + shift) << 52; /* of 2^shift */
    double power;
    memcpy(&power, &power_bits, sizeof power);
    return (double)(int64_t)(top | has_rest) * power;
}

/* round() of what is not negative: the C library's is a call where SSE 4.1 is not taken for
 * granted. The difference is exact, so a half is a half. */
static inline double rounded(double number)
{
    if (number >= 0x1p62)
        return number;
    const double whole = (double)(int64_t)number;
    return number - whole >= 0.5 ? whole + 1 : whole;
}

/* Does the product stay below 2^128? Nearly always it is seen without a division. */
static bool can_multiply(unsigned __int128 squares, uint64_t count)
{
    return (squares >> 80 == 0 && count >> 48 == 0) || squares <= ~(unsigned __int128)0 / count;
}

/* Sample deviation from integer sums: sqrt((n * squares - sum^2) / (n (n - 1))). */
static double deviation(uint64_t count, unsigned __int128 squares, uint64_t sum)
{
    if (count < 2)
        return 0;
    const double n = (double)count;
    double scaled; /* n * squares - sum^2 */
    if (can_multiply(squares, count))
        scaled = double_of(squares * count - (unsigned __int128)sum * sum);
    else
        scaled = (double)squares * n - (double)sum * (double)sum;
    return scaled > 0 ? sqrt(scaled / (n * (n - 1))) : 0;
}

/* Deviations are rounded here, to what a line can say, so that a flow read from its line (-R) is
 * the same flow; a mean is made again from what the line has in full. Of one packet both are known
 * without a division, a root or a rounding: most flows of a scan have no more. */
static inline void export_sizes(const struct flow_side *side, struct flow_distribution *bytes)
{
    bytes->count = side->packets;
    bytes->min = side->packet_bytes_min;
    bytes->max = side->packet_bytes_max;
    bytes->is_whole = true;
    bytes->mean = (double)side->ip_bytes;
    if (side->packets == 1)
        return;
    bytes->mean /= (double)side->packets;
    if (bytes->min != bytes->max)
        bytes->deviation =
            rounded(deviation(side->packets, side->packet_bytes_squares, side->ip_bytes) * 1e3) /
            1e3;
}

static inline void export_gaps(const struct flow_side *side, struct flow_distribution *gap_ns)
{
    const int64_t length_ns = side->span.last_ns - side->span.first_ns;
    gap_ns->count = side->packets - 1;
    gap_ns->mean = (double)length_ns / (double)(side->packets - 1);
    if (side->span.gap_max_ns == FLOW_SPAN_PARTIAL)
        return;
    gap_ns->min = side->gap_min_ns;
    gap_ns->max = side->span.gap_max_ns;
    gap_ns->is_whole = true;
    if (gap_ns->min != gap_ns->max)
        gap_ns->deviation =
            rounded(deviation(side->packets - 1, side->gap_squares, (uint64_t)length_ns));
}

/* Of a side that was seen, into a direction of zeros. */
static inline void export_side(const struct flow_side *side, struct flow_direction *direction)
{
    direction->packets = side->packets;
    direction->frame_bytes = side->frame_bytes;
    direction->ip_bytes = side->ip_bytes;
    direction->payload_bytes = side->payload_bytes;
    direction->first_ns = side->span.first_ns;
    direction->last_ns = side->span.last_ns;
    direction->ttl_min = side->ttl_min;
    direction->ttl_max = side->ttl_max;
    direction->tcp_flags = side->tcp_flags;
    export_sizes(side, &direction->packet_bytes);
    if (side->packets > 1)
        export_gaps(side, &direction->gap_ns);
}

static struct flow_direction *direction_of(struct flow_record *record, unsigned side,
                                           unsigned initiator)
{
    return &record->direction[side == initiator ? FLOW_FORWARD : FLOW_REVERSE];
}

/* ---- the flow ------------------------------------------------------------------------------ */

static inline enum flow_state export_state(const struct facts *facts)
{
    if (facts->continues)
        return FLOW_STATE_CONTINUED;
    if (facts->key->head.protocol == PACKET_PROTOCOL_TCP)
        return tcp_events_state(facts->events, facts->orientation.initiator);
    return facts->is_two_way ? FLOW_STATE_ANSWERED : FLOW_STATE_ONE_WAY;
}

static inline void export_ends(const struct flow_key *key, unsigned initiator,
                               struct flow_record *record)
{
    const struct flow_key_head *const head = &key->head;
    flow_key_address(key, initiator, record->source);
    flow_key_address(key, 1 - initiator, record->destination);
    record->source_port = head->port[initiator];
    record->destination_port = head->port[1 - initiator];
    record->ip_version = head->ip_version;
    record->protocol = head->protocol;
    record->one_way_key = head->bits & FLOW_KEY_ONE_WAY;
}

/* In pieces, which gcc makes stores: of the whole at once it makes `rep stos`, whose start alone
 * takes 30 cycles. */
static inline void clear_record(struct flow_record *record)
{
    enum { PIECE_BYTES = 32 };
    uint8_t *const bytes = (uint8_t *)record;
    _Static_assert(sizeof *record % PIECE_BYTES == 0, "whole pieces");
    for (size_t at = 0; at < sizeof *record; at += PIECE_BYTES)
        memset(bytes + at, 0, PIECE_BYTES);
}

/* Field by field into zeros: a record is 544 bytes, which are written once. */
__attribute__((always_inline)) static inline void
export_facts(const struct facts *facts, const struct flow_end *end, struct flow_record *record)
{
    clear_record(record);
    record->opening_number = end->opening_number;
    record->epoch = end->epoch;
    record->first_ns = facts->first_ns;
    record->last_ns = facts->last_ns;
    record->notice_ns = end->notice_ns;
    export_ends(facts->key, facts->orientation.initiator, record);
    record->basis = facts->orientation.basis;
    record->end_reason = end->reason;
    record->state = (uint8_t)export_state(facts);
    record->icmp_type = facts->icmp_type;
    record->icmp_code = facts->icmp_code;
    record->is_tcp_closed = tcp_events_are_closed(facts->events);
    record->has_handshake_rtt = facts->has_handshake_rtt;
    record->handshake_rtt_ns = facts->handshake_rtt_ns;
    record->vlan_count = facts->vlan_count;
    record->vlan[0] = facts->vlan;
    const unsigned unsaid =
        FLOW_KNOWS_LATER_PACKETS | (facts->packets < 2 ? FLOW_MARK_COARSE_TIME : 0);
    record->marks = facts->marks & (uint16_t)~unsaid;
    record->source_index = facts->source_index;
    record->longest_gap_ns = facts->longest_gap_ns; /* -1 as FLOW_SPAN_PARTIAL */
}

/* ---- from a struct flow -------------------------------------------------------------------- */

/* What lies in flow_rare, where the flow has it. */
static void export_rare(const struct flow *flow, unsigned initiator, struct flow_record *record)
{
    const struct flow_rare *const rare = flow->rare;
    if (flow->vlan_count > 1)
        memcpy(record->vlan, rare->vlan, sizeof record->vlan);
    record->tunnel_count = flow->tunnel_count;
    if (flow->tunnel_count > 0) {
        memcpy(record->tunnels, rare->tunnels, sizeof record->tunnels);
        record->outer_ip_version = rare->outer_ip_version;
        memcpy(record->outer_source, rare->outer_source, sizeof record->outer_source);
        memcpy(record->outer_destination, rare->outer_destination,
               sizeof record->outer_destination);
    }
    if (flow->marks & FLOW_MARK_FRAGMENTS) {
        record->fragments = rare->fragments;
        record->fragments_overlapping = rare->overlapping;
        record->fragments_first_missing = rare->first_missing;
    }
    for (unsigned side = 0; side < 2; side++) {
        struct flow_direction *const way = direction_of(record, side, initiator);
        if (flow->marks & FLOW_MARK_DUPLICATES)
            way->duplicates = rare->duplicates[side];
        if (!flow->tcp.has_rare)
            continue;
        way->retransmitted = rare->tcp.retransmitted[side];
        way->out_of_order = rare->tcp.out_of_order[side];
        way->zero_windows = rare->tcp.zero_windows[side];
    }
}

void flow_export(const struct flow *flow, const struct flow_end *end, struct flow_record *record)
{
    const uint64_t packets[2] = {flow->side[0].packets, flow->side[1].packets};
    const struct facts facts = {
        .key = &flow->key,
        .first_ns = flow->span.first_ns,
        .last_ns = flow->span.last_ns,
        .longest_gap_ns = flow->span.gap_max_ns,
        .handshake_rtt_ns = flow->tcp.handshake_rtt_ns,
        .packets = packets[0] + packets[1],
        .orientation = flow_orientation(flow),
        .marks = flow->marks,
        .source_index = flow->source_index,
        .vlan = flow->vlan,
        .events = flow->tcp.events,
        .vlan_count = flow->vlan_count,
        .icmp_type = flow->icmp_type,
        .icmp_code = flow->icmp_code,
        .has_handshake_rtt = flow->tcp.has_handshake_rtt,
        .continues = flow->continues,
        .is_two_way = packets[0] > 0 && packets[1] > 0,
    };
    const unsigned initiator = facts.orientation.initiator;
    export_facts(&facts, end, record);
    record->slice = flow->slice;
    record->flow_id = flow->slice > 0
                          ? flow->flow_id
                          : flow_identity(&flow->key, flow->span.first_ns, flow->first_side);
    for (unsigned side = 0; side < 2; side++)
        if (packets[side] > 0)
            export_side(&flow->side[side], direction_of(record, side, initiator));
    export_rare(flow, initiator, record);
    const bool is_flipped = initiator != flow->first_side && flow->slice == 0;
    tcp_track_history(&flow->tcp, initiator, is_flipped, record->history);
}

/* ---- from a cell --------------------------------------------------------------------------- */

/* As tcp_track_history, of packed letters. */
static void export_history(uint64_t packed, unsigned initiator, char *history)
{
    static const char letters[2 * FLOW_HISTORY_SIDE] = {
        [0] = 'S', 'H', 'A', 'D', 'F', 'R', 'I', 'Q', 'T', 'W', [FLOW_HISTORY_SIDE] = 's',
        'h',       'a', 'd', 'f', 'r', 'i', 'q', 't', 'w',
    };
    const unsigned mask = 2 * FLOW_HISTORY_SIDE - 1, turned = initiator ? FLOW_HISTORY_SIDE : 0;
    unsigned count = packed & FLOW_HISTORY_COUNT_MASK;
    packed >>= FLOW_HISTORY_COUNT_BITS;
    for (; count > 0; count--, packed >>= FLOW_HISTORY_LETTER_BITS)
        *history++ = letters[(packed & mask) ^ turned];
}

void flow_cells_export(struct flow_cells *cells, uint32_t item, const struct flow_end *end,
                       struct flow_record *record)
{
    const struct flow_cell *const cell = &cells->cells[item];
    if (cell->has_rare) {
        struct flow flow;
        flow_cells_load(cells, item, &flow);
        flow_export(&flow, end, record);
        return;
    }
    const struct flow_key key = flow_cells_key(cells, item);
    const uint32_t kind = flow_cell_icmp_kind(cell);
    const struct facts facts = {
        .key = &key,
        .first_ns = cell->first_ns,
        .last_ns = cell->first_ns + flow_offset(cell->last_low, cell->last_high),
        .longest_gap_ns =
            unpack_gap_max((uint64_t)flow_offset(cell->gap_max_low, cell->gap_max_high)),
        .handshake_rtt_ns =
            cell->has_rtt ? flow_offset(cell->handshake_low, cell->handshake_high) : 0,
        .packets = 1 + cell->has_more,
        .orientation = flow_cells_orientation(cells, item),
        .marks = cell->marks,
        .source_index = cell->source_index,
        .vlan = cell->vlan,
        .events = cell->tcp.events,
        .vlan_count = cell->has_vlan,
        .icmp_type = (uint8_t)(kind >> 8),
        .icmp_code = (uint8_t)kind,
        .has_handshake_rtt = cell->has_rtt,
        .continues = cell->continues,
        .is_two_way = cell->seen_0 && cell->seen_1,
    };
    const unsigned initiator = facts.orientation.initiator;
    export_facts(&facts, end, record);
    record->flow_id = flow_identity(&key, cell->first_ns, cell->first_side);
    for (unsigned side = 0; side < 2; side++) {
        struct flow_side counts;
        if (!has_seen(cell, side))
            continue;
        unpack_side(&cell->side[side], cell->first_ns, side_first_ns(cell, side), &counts);
        export_side(&counts, direction_of(record, side, initiator));
    }
    const bool is_flipped = initiator != cell->first_side;
    if (is_flipped)
        record->history[0] = '^';
    export_history(cell->history, initiator, record->history + is_flipped);
}
