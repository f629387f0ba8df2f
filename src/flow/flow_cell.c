/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_cell.h"

#include "base/pages.h"
#include "flow/flow_cell_number.h"

#include <assert.h>
#include <string.h>

static size_t bytes_of(uint32_t capacity, size_t a_place)
{
    return capacity * a_place;
}

bool flow_cells_init(struct flow_cells *cells, uint32_t capacity)
{
    *cells = (struct flow_cells){.capacity = capacity};
    service_ports_init(&cells->ports);
    cells->cells = pages_open(bytes_of(capacity, sizeof *cells->cells));
    cells->rests = pages_open(bytes_of(capacity, sizeof *cells->rests));
    cells->rares = pages_open(bytes_of(capacity, sizeof *cells->rares));
    cells->wides = pages_open(bytes_of(capacity, sizeof *cells->wides));
    if (cells->cells != NULL && cells->rests != NULL && cells->rares != NULL &&
        cells->wides != NULL && item_pool_init(&cells->rare_pool, capacity) &&
        item_pool_init(&cells->wide_pool, capacity))
        return true;
    flow_cells_deinit(cells);
    return false;
}

void flow_cells_deinit(struct flow_cells *cells)
{
    const uint32_t capacity = cells->capacity;
    pages_close(cells->cells, bytes_of(capacity, sizeof *cells->cells));
    pages_close(cells->rests, bytes_of(capacity, sizeof *cells->rests));
    pages_close(cells->rares, bytes_of(capacity, sizeof *cells->rares));
    pages_close(cells->wides, bytes_of(capacity, sizeof *cells->wides));
    item_pool_deinit(&cells->rare_pool);
    item_pool_deinit(&cells->wide_pool);
    *cells = (struct flow_cells){0};
}

size_t flow_cells_bytes(const struct flow_cells *cells)
{
    const size_t a_flow = sizeof *cells->cells + sizeof *cells->rests + sizeof *cells->rares +
                          sizeof *cells->wides + 2 * sizeof(uint32_t);
    return bytes_of(cells->capacity, a_flow);
}

/* ---- what may not fit ---------------------------------------------------------------------- */

static bool is_offset(int64_t ns)
{
    return ns >= 0 && (uint64_t)ns < OFFSET_PARTIAL;
}

static bool side_fits(const struct flow_side *side, int64_t first_ns)
{
    const uint64_t most_bytes = side->packet_bytes_max;
    if (side->packets == 0)
        return true;
    return is_offset(side->span.last_ns - first_ns) && side->packets <= SUM_MOST &&
           side->ip_bytes <= IP_BYTES_MOST && most_bytes <= UINT16_MAX &&
           side->frame_bytes - side->ip_bytes <= SUM_MOST &&
           side->ip_bytes - side->payload_bytes <= SUM_MOST &&
           side->packet_bytes_squares <= SQUARES_MOST;
}

/* All other times lie between the first and the last, and no gap is longer than that. */
static bool fits(const struct flow *flow)
{
    return side_fits(&flow->side[0], flow->span.first_ns) &&
           side_fits(&flow->side[1], flow->span.first_ns);
}

/* Do the sequence numbers that note_numbered compares with follow from base and next? A SYN begins
 * its side's bytes, a FIN ends them and a RST comes where they ended. */
static bool tcp_side_fits(const struct tcp_side *side)
{
    const unsigned letters = side->letters;
    return (!(letters & TCP_LETTER_SYN) || (side->has_bytes && side->last_syn == side->base)) &&
           (!(letters & TCP_LETTER_FIN) || (side->has_bytes && side->last_fin + 1 == side->next)) &&
           (!(letters & TCP_LETTER_RST) || !side->has_bytes || side->last_rst == side->next);
}

static bool has_opening(const struct tcp_track *tcp)
{
    return tcp->events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK);
}

/* Where the SYN itself was not seen, its side's bytes begin after it. */
static uint32_t syn_before(const struct tcp_track *tcp)
{
    return tcp->side[tcp->syn_side].base - ((tcp->events & TCP_TRACK_SYN) ? 0 : 1);
}

static bool tcp_fits(const struct tcp_track *tcp)
{
    return tcp_side_fits(&tcp->side[0]) && tcp_side_fits(&tcp->side[1]) &&
           tcp->history_count <= FLOW_HISTORY_LETTERS &&
           (!has_opening(tcp) || !tcp->side[tcp->syn_side].has_bytes ||
            tcp->syn_sequence == syn_before(tcp));
}

static bool needs_rare(const struct flow *flow)
{
    const unsigned marks = FLOW_MARK_FRAGMENTS | FLOW_MARK_DUPLICATES;
    return (flow->marks & marks) || flow->tcp.has_rare || flow->slice > 0 || flow->vlan_count > 1 ||
           flow->tunnel_count > 0 || !tcp_fits(&flow->tcp);
}

/* ---- sides --------------------------------------------------------------------------------- */

static int64_t pack_gap_max(int64_t gap_max_ns)
{
    return gap_max_ns == FLOW_SPAN_PARTIAL ? (int64_t)OFFSET_PARTIAL : gap_max_ns;
}

static void pack_side(const struct flow_side *side, int64_t first_ns, struct flow_cell_side *to)
{
    set_gaps(to, (uint64_t)pack_gap_max(side->span.gap_max_ns), side->gap_squares, side->tcp_flags);
    set_bytes_squares(to, side->packet_bytes_squares);
    to->words[0] = time_and_sum((uint64_t)(side->span.last_ns - first_ns), side->packets);
    to->words[1] = time_and_sum((uint64_t)(side->span.previous_ns - first_ns),
                                side->frame_bytes - side->ip_bytes);
    to->words[2] = time_and_sum((uint64_t)side->gap_min_ns, side->ip_bytes - side->payload_bytes);
    to->ip_bytes = (uint32_t)side->ip_bytes;
    to->bytes_min = (uint16_t)side->packet_bytes_min;
    to->bytes_max = (uint16_t)side->packet_bytes_max;
    to->ttl_min = side->ttl_min;
    to->ttl_max = side->ttl_max;
}

/* The last but one of both sides' times: of each side the last two are known. */
static int64_t previous_of(const struct flow_side side[2])
{
    if (side[0].packets == 0 || side[1].packets == 0)
        return side[side[0].packets == 0].span.previous_ns;
    const unsigned later = side[1].span.last_ns > side[0].span.last_ns;
    const struct flow_span *const span = &side[later].span, *const other = &side[1 - later].span;
    const bool is_alone = side[later].packets == 1;
    return is_alone || span->previous_ns < other->last_ns ? other->last_ns : span->previous_ns;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

static const char history_letters[FLOW_HISTORY_SIDE] = "SHADFRIQTW"; /* enum flow_history_code */
static const uint8_t letter_codes['Z' - 'A' + 1] = {
    ['S' - 'A'] = 0, ['H' - 'A'] = 1, ['A' - 'A'] = 2, ['D' - 'A'] = 3, ['F' - 'A'] = 4,
    ['R' - 'A'] = 5, ['I' - 'A'] = 6, ['Q' - 'A'] = 7, ['T' - 'A'] = 8, ['W' - 'A'] = 9,
};

static uint64_t letter_code(uint8_t letter)
{
    const unsigned code = letter_codes[(letter & 0x7f) - 'A'];
    assert(history_letters[code] == (letter & 0x7f));
    return code | (letter & 0x80 ? FLOW_HISTORY_SIDE : 0);
}

static uint64_t pack_history(const struct tcp_track *tcp)
{
    uint64_t packed = 0;
    for (unsigned i = tcp->history_count; i > 0; i--)
        packed = packed << FLOW_HISTORY_LETTER_BITS | letter_code(tcp->history[i - 1]);
    return packed << FLOW_HISTORY_COUNT_BITS | tcp->history_count;
}

static void unpack_history(uint64_t packed, struct tcp_track *tcp)
{
    tcp->history_count = packed & FLOW_HISTORY_COUNT_MASK;
    packed >>= FLOW_HISTORY_COUNT_BITS;
    for (unsigned i = 0; i < tcp->history_count; i++, packed >>= FLOW_HISTORY_LETTER_BITS)
        tcp->history[i] = (uint8_t)(history_letters[packed & (FLOW_HISTORY_SIDE - 1)] |
                                    (packed & FLOW_HISTORY_SIDE ? 0x80 : 0));
}

/* A side without bytes has the room of base and next for the sequence number of the SYN that its
 * peer's SYN-ACK answers, and of its RST. Its line is touched only where there is something to
 * keep. */
static void pack_tcp_side(const struct tcp_track *tcp, unsigned side, struct flow_cell *cell)
{
    const struct tcp_side *const from = &tcp->side[side];
    const bool is_syns = side == tcp->syn_side && has_opening(tcp);
    const unsigned state = (from->has_bytes ? TCP_STATE_BYTES : 0) |
                           (from->has_acknowledged ? TCP_STATE_ACKNOWLEDGED : 0) |
                           (from->has_zero_window ? TCP_STATE_ZERO_WINDOW : 0) |
                           (from->gap_count > 0 ? TCP_STATE_GAPS : 0);
    cell->tcp.state |= (uint8_t)(state << 4 * side);
    cell->tcp.letters[side] = (uint8_t)from->letters;
    if (!from->has_bytes && !is_syns && !(from->letters & TCP_LETTER_RST))
        return;
    cell->side[side].base = from->has_bytes ? from->base : tcp->syn_sequence;
    cell->side[side].next = from->has_bytes ? from->next : from->last_rst;
}

static void pack_tcp(const struct flow *flow, struct flow_cell *cell)
{
    const struct tcp_track *const tcp = &flow->tcp;
    cell->syn_side = tcp->syn_side & 1u;
    cell->has_rtt = tcp->has_handshake_rtt;
    cell->has_refusal = tcp->has_refusal;
    const int64_t handshake = tcp->has_handshake_rtt        ? tcp->handshake_rtt_ns
                              : tcp->events & TCP_TRACK_SYN ? tcp->syn_ns - flow->span.first_ns
                                                            : 0;
    set_offset(&cell->handshake_low, &cell->handshake_high, handshake);
    cell->tcp.events = tcp->events;
    cell->tcp.state = 0;
    for (unsigned side = 0; side < 2; side++)
        pack_tcp_side(tcp, side, cell);
    if (flow->key.head.protocol != PACKET_PROTOCOL_TCP)
        cell->side[flow->first_side].base = (uint32_t)flow->icmp_type << 8 | flow->icmp_code;
}

static void unpack_tcp_side(const struct flow_cell *cell, unsigned side, struct tcp_side *to)
{
    const struct flow_cell_side *const from = &cell->side[side];
    const unsigned state = cell->tcp.state >> 4 * side;
    const unsigned letters = cell->tcp.letters[side];
    to->letters = (uint16_t)letters;
    to->has_bytes = state & TCP_STATE_BYTES;
    to->has_acknowledged = state & TCP_STATE_ACKNOWLEDGED;
    to->has_zero_window = state & TCP_STATE_ZERO_WINDOW;
    if (to->has_bytes) {
        to->base = from->base;
        to->next = from->next;
    }
    if (letters & TCP_LETTER_SYN)
        to->last_syn = from->base;
    if (letters & TCP_LETTER_FIN)
        to->last_fin = from->next - 1;
    if (letters & TCP_LETTER_RST)
        to->last_rst = from->next;
}

static void unpack_tcp(const struct flow_cell *cell, struct tcp_track *tcp)
{
    *tcp = (struct tcp_track){
        .events = cell->tcp.events,
        .syn_side = cell->syn_side,
        .has_handshake_rtt = cell->has_rtt,
        .has_refusal = cell->has_refusal,
    };
    for (unsigned side = 0; side < 2; side++)
        unpack_tcp_side(cell, side, &tcp->side[side]);
    if (cell->has_rare)
        return; /* load_rare knows the others */
    unpack_history(cell->history, tcp);
    if (has_opening(tcp))
        tcp->syn_sequence =
            tcp->side[tcp->syn_side].has_bytes ? syn_before(tcp) : cell->side[tcp->syn_side].base;
}

/* ---- rare facts and wide counts ------------------------------------------------------------ */

static void save_rare(const struct flow *flow, struct flow_cell_rare *rare)
{
    const struct tcp_track *const tcp = &flow->tcp;
    if (flow->rare != &rare->facts)
        rare->facts = *flow->rare;
    rare->flow_id = flow->flow_id;
    rare->slice = flow->slice;
    rare->syn_sequence = tcp->syn_sequence;
    for (unsigned side = 0; side < 2; side++) {
        rare->last_syn[side] = tcp->side[side].last_syn;
        rare->last_fin[side] = tcp->side[side].last_fin;
        rare->last_rst[side] = tcp->side[side].last_rst;
        rare->gap_count[side] = tcp->side[side].gap_count;
    }
    rare->has_tcp = tcp->has_rare;
    rare->tunnel_count = flow->tunnel_count;
    rare->vlan_count = flow->vlan_count;
    rare->icmp_type = flow->icmp_type;
    rare->icmp_code = flow->icmp_code;
    rare->history_count = tcp->history_count;
    memcpy(rare->history, tcp->history, sizeof rare->history);
}

static void load_rare(struct flow_cell_rare *rare, struct flow *flow)
{
    struct tcp_track *const tcp = &flow->tcp;
    flow->rare = &rare->facts;
    flow->flow_id = rare->flow_id;
    flow->slice = rare->slice;
    tcp->syn_sequence = rare->syn_sequence;
    for (unsigned side = 0; side < 2; side++) {
        tcp->side[side].last_syn = rare->last_syn[side];
        tcp->side[side].last_fin = rare->last_fin[side];
        tcp->side[side].last_rst = rare->last_rst[side];
        tcp->side[side].gap_count = rare->gap_count[side];
    }
    tcp->has_rare = rare->has_tcp;
    flow->tunnel_count = rare->tunnel_count;
    flow->vlan_count = rare->vlan_count;
    flow->icmp_type = rare->icmp_type;
    flow->icmp_code = rare->icmp_code;
    tcp->history_count = rare->history_count;
    memcpy(tcp->history, rare->history, sizeof rare->history);
}

static void save_wide(const struct flow *flow, struct flow_wide *wide)
{
    memcpy(wide->side, flow->side, sizeof wide->side);
    wide->last_ns = flow->span.last_ns;
    wide->gap_max_ns = flow->span.gap_max_ns;
    wide->syn_ns = flow->tcp.syn_ns;
    wide->handshake_rtt_ns = flow->tcp.handshake_rtt_ns;
}

static void load_wide(const struct flow_wide *wide, struct flow *flow)
{
    memcpy(flow->side, wide->side, sizeof flow->side);
    flow->span.last_ns = wide->last_ns;
    flow->span.gap_max_ns = wide->gap_max_ns;
    flow->tcp.syn_ns = wide->syn_ns;
    flow->tcp.handshake_rtt_ns = wide->handshake_rtt_ns;
}

/* ---- loading and saving -------------------------------------------------------------------- */

static void load_counts(const struct flow_cell *cell, struct flow *flow)
{
    const int64_t first_ns = cell->first_ns;
    for (unsigned side = 0; side < 2; side++) {
        if (!has_seen(cell, side)) {
            flow->side[side] = (struct flow_side){0};
            continue;
        }
        unpack_side(&cell->side[side], first_ns, side_first_ns(cell, side), &flow->side[side]);
    }
    const int64_t handshake = flow_offset(cell->handshake_low, cell->handshake_high);
    flow->span.last_ns = first_ns + flow_offset(cell->last_low, cell->last_high);
    flow->span.gap_max_ns =
        unpack_gap_max((uint64_t)flow_offset(cell->gap_max_low, cell->gap_max_high));
    if (flow->tcp.has_handshake_rtt)
        flow->tcp.handshake_rtt_ns = handshake;
    else
        flow->tcp.syn_ns = first_ns + handshake;
}

void flow_cells_load(struct flow_cells *cells, uint32_t item, struct flow *flow)
{
    const struct flow_cell *const cell = &cells->cells[item];
    flow->key = flow_cells_key(cells, item);
    unpack_tcp(cell, &flow->tcp);
    flow->vlan = cell->vlan;
    flow->vlan_count = cell->has_vlan;
    flow->tunnel_count = 0;
    flow->marks = cell->marks;
    flow->source_index = cell->source_index;
    flow->first_side = cell->first_side;
    flow->initiator = cell->initiator;
    flow->basis = cell->basis;
    flow->continues = cell->continues;
    flow->slice = 0;
    flow->flow_id = 0;
    flow->span.first_ns = cell->first_ns;
    if (cell->has_rare) {
        load_rare(&cells->rares[cell->rare], flow);
    } else {
        flow->rare = &cells->scratch;
        const uint32_t kind = flow_cell_icmp_kind(cell);
        flow->icmp_type = (uint8_t)(kind >> 8);
        flow->icmp_code = (uint8_t)kind;
    }
    if (cell->is_wide)
        load_wide(&cells->wides[cells->rares[cell->rare].wide], flow);
    else
        load_counts(cell, flow);
    flow->span.previous_ns = previous_of(flow->side);
}

static void save_counts(const struct flow *flow, struct flow_cell *cell)
{
    const int64_t first_ns = flow->span.first_ns;
    for (unsigned side = 0; side < 2; side++)
        if (flow->side[side].packets > 0)
            pack_side(&flow->side[side], first_ns, &cell->side[side]);
    const struct flow_side *const other = &flow->side[1 - flow->first_side];
    if (other->packets > 0)
        set_offset(&cell->other_first_low, &cell->other_first_high,
                   other->span.first_ns - first_ns);
    set_offset(&cell->last_low, &cell->last_high, flow->span.last_ns - first_ns);
    set_offset(&cell->gap_max_low, &cell->gap_max_high, pack_gap_max(flow->span.gap_max_ns));
}

/* Where the flow needs memory of its own, now or before: in cell->rare is a place from then on. */
static void save_elsewhere(struct flow_cells *cells, struct flow_cell *cell,
                           const struct flow *flow, bool is_wide)
{
    if (!cell->has_rare)
        cell->rare = item_pool_get(&cells->rare_pool);
    cell->has_rare = true;
    struct flow_cell_rare *const rare = &cells->rares[cell->rare];
    save_rare(flow, rare);
    if (!is_wide)
        return;
    if (!cell->is_wide)
        rare->wide = item_pool_get(&cells->wide_pool);
    cell->is_wide = true;
    save_wide(flow, &cells->wides[rare->wide]);
}

static void save_head(const struct flow *flow, struct flow_cell *cell)
{
    const uint64_t packets[2] = {flow->side[0].packets, flow->side[1].packets};
    cell->first_ns = flow->span.first_ns;
    cell->source_index = flow->source_index;
    cell->initiator = flow->initiator & 3u;
    cell->basis = flow->basis & 7u;
    cell->first_side = flow->first_side & 1u;
    cell->continues = flow->continues != 0;
    cell->marks = (uint8_t)flow->marks;
    cell->seen_0 = packets[0] > 0;
    cell->seen_1 = packets[1] > 0;
    cell->has_more = packets[0] + packets[1] > 1;
    cell->has_vlan = flow->vlan_count > 0;
    cell->vlan = flow->vlan;
}

void flow_cells_save(struct flow_cells *cells, uint32_t item, const struct flow *flow)
{
    struct flow_cell *const cell = &cells->cells[item];
    const bool is_wide = cell->is_wide || !fits(flow);
    save_head(flow, cell);
    pack_tcp(flow, cell);
    if (!is_wide)
        save_counts(flow, cell);
    if (cell->has_rare || is_wide || needs_rare(flow))
        save_elsewhere(cells, cell, flow, is_wide);
    else
        cell->history = pack_history(&flow->tcp);
}

void flow_cells_save_new(struct flow_cells *cells, uint32_t item, const struct flow *flow)
{
    struct flow_cell *const cell = &cells->cells[item];
    cell->key = flow->key.head;
    if (cell->key.ip_version != 4)
        cells->rests[item] = flow->key.rest;
    cell->recent_next = 0;
    cell->has_rare = cell->is_wide = false;
    cell->end_reason = 0;
    memset(cell->recent.names, 0, sizeof cell->recent.names);
    flow_cells_save(cells, item, flow);
}

void flow_cells_release(struct flow_cells *cells, uint32_t item)
{
    const struct flow_cell *const cell = &cells->cells[item];
    if (cell->is_wide)
        item_pool_put(&cells->wide_pool, cells->rares[cell->rare].wide);
    if (cell->has_rare)
        item_pool_put(&cells->rare_pool, cell->rare);
}
