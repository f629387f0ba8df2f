/* SPDX-License-Identifier: Apache-2.0 */
/* The first packet of most flows, written as a cell: in a flood that is all a flow has. What it
 * tells must be what flow_packet says of it (tests/property/flow_cell_test.c holds both together).
 * Called by the flow table, under its lock. */
#include "flow/flow_cell_number.h"

/* What TCP's tracking has to say of a first segment, or of a packet with payload. */
struct opening {
    uint32_t sequence_bytes; /* that it takes: payload and SYN */
    uint32_t syn_sequence;   /* with TCP_TRACK_SYNACK, of the SYN that it answers */
    uint8_t letter;          /* enum tcp_letter; 0: none */
    uint8_t code;            /* enum flow_history_code, if there is a letter */
    uint8_t event;           /* enum tcp_track_event, or 0 */
    uint8_t state;           /* enum flow_cell_tcp_state */
};

/* False: one of those that flow_packet knows alone. */
static bool judge_segment(const struct packet *packet, struct opening *opening)
{
    const bool has_payload = packet->payload_bytes > 0;
    opening->sequence_bytes = packet->payload_bytes;
    if (packet->tcp_window == 0)
        return false;
    switch (packet->tcp_flags &
            (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST | PACKET_TCP_ACK)) {
    case PACKET_TCP_SYN:
        opening->code = FLOW_HISTORY_SYN;
        opening->event = TCP_TRACK_SYN;
        break;
    case PACKET_TCP_SYN | PACKET_TCP_ACK:
        opening->code = FLOW_HISTORY_SYN_ACK;
        opening->event = TCP_TRACK_SYNACK;
        opening->syn_sequence = packet->tcp_acknowledgment - 1;
        break;
    case PACKET_TCP_ACK:
        opening->letter = has_payload ? TCP_LETTER_DATA : TCP_LETTER_ACK;
        opening->code = has_payload ? FLOW_HISTORY_DATA : FLOW_HISTORY_ACK;
        opening->state = TCP_STATE_ACKNOWLEDGED | (has_payload ? TCP_STATE_BYTES : 0);
        return true;
    default:
        return false;
    }
    opening->letter = TCP_LETTER_SYN;
    opening->state = TCP_STATE_BYTES;
    opening->sequence_bytes++;
    return true;
}

static bool judge(const struct packet *packet, struct opening *opening)
{
    if ((packet->marks & (PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER)) ||
        packet->tunnel_count > 0 || packet->vlan_count > 1)
        return false;
    if (packet->protocol == PACKET_PROTOCOL_TCP)
        return judge_segment(packet, opening);
    opening->letter = packet->payload_bytes > 0 ? TCP_LETTER_DATA : 0;
    opening->code = FLOW_HISTORY_DATA;
    return true;
}

static void write_head(struct flow_cell *cell, const struct packet *packet, unsigned side,
                       const struct opening *opening)
{
    const uint64_t letter = opening->code | (side ? FLOW_HISTORY_SIDE : 0);
    cell->first_ns = packet->time_ns;
    cell->history = opening->letter == 0 ? 0 : letter << FLOW_HISTORY_COUNT_BITS | 1;
    cell->last_low = cell->gap_max_low = cell->handshake_low = 0;
    cell->last_high = cell->gap_max_high = cell->handshake_high = 0;
    cell->source_index = packet->source_index;
    cell->vlan = packet->vlan_count > 0 ? packet->vlan[0] : 0;
    cell->marks = (packet->time_ns % 1000000 == 0 ? FLOW_MARK_COARSE_TIME : 0) |
                  (packet->marks & PACKET_MARK_CUT ? FLOW_MARK_CUT_PACKETS : 0);
    cell->recent_next = 0;
    cell->initiator = FLOW_SIDE_UNKNOWN;
    cell->basis = 0;
    cell->first_side = side & 1;
    cell->continues = cell->has_more = cell->has_rare = cell->is_wide = false;
    cell->seen_0 = side == 0;
    cell->seen_1 = side == 1;
    cell->has_vlan = packet->vlan_count > 0;
    cell->wheel_class = 0;
    cell->end_reason = 0;
    cell->syn_side = (side ^ (opening->event == TCP_TRACK_SYNACK)) & (opening->event != 0);
    cell->has_rtt = cell->has_refusal = false;
    cell->tcp = (struct flow_cell_tcp){
        .events = opening->event,
        .state = (uint8_t)(opening->state << 4 * side),
        .letters = {side ? 0 : opening->letter, side ? opening->letter : 0},
    };
}

bool flow_cells_open(struct flow_cells *cells, uint32_t item, const struct flow_key *key,
                     const struct packet *packet, unsigned side)
{
    struct flow_cell *const cell = &cells->cells[item];
    struct flow_cell_side *const own = &cell->side[side];
    struct opening opening = {0};
    if (!judge(packet, &opening) || !flow_cell_begin_side(own, packet, 0))
        return false;
    cell->key = key->head;
    if (key->head.ip_version != 4)
        cells->rests[item] = key->rest;
    write_head(cell, packet, side, &opening);
    if (packet->protocol != PACKET_PROTOCOL_TCP) {
        own->base = (uint32_t)packet->icmp_type << 8 | packet->icmp_code;
    } else if (opening.state & TCP_STATE_BYTES) {
        own->base = packet->tcp_sequence;
        own->next = packet->tcp_sequence + opening.sequence_bytes;
    }
    if (opening.event == TCP_TRACK_SYNACK)
        cell->side[1 - side].base = opening.syn_sequence;
    memset(cell->recent.names, 0, sizeof cell->recent.names);
    return true;
}
