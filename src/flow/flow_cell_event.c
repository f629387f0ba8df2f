/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that tell something of their flow beside sums, noted in its cell: letters of the history,
 * steps of the handshake, ends. Called by flow_cell_count.c for packets in order.
 *
 * Taken are those that nearly every flow has, once each: of ten packets of a short TCP conversation
 * six. Loading the flow, working on it and saving it costs 1,400 instructions, this 100. It must
 * come to what tcp_track_packet makes of the same packet (tests/property/flow_cell_test.c); what it
 * says no to goes there. */
#include "flow/flow_cell_number.h"

enum { ENDS = PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST };

/* When a packet with these flags is the first of its kind. */
enum first {
    FIRST_NEVER, /* odd: for tcp_track_packet */
    FIRST_ALWAYS,
    FIRST_SYN_ACK, /* that answers a SYN which was seen */
    FIRST_END,
};

/* What ends and ACK say together, without payload. */
struct kind {
    uint8_t letter; /* enum tcp_letter, as the cell keeps it */
    uint8_t code;   /* enum flow_history_code */
    uint8_t bytes;  /* that a SYN or FIN takes in its side's stream */
    uint8_t first;  /* enum first */
};

static const struct kind kinds[] = {
    [PACKET_TCP_ACK] = {TCP_LETTER_ACK, FLOW_HISTORY_ACK, 0, FIRST_ALWAYS},
    [PACKET_TCP_SYN | PACKET_TCP_ACK] = {TCP_LETTER_SYN, FLOW_HISTORY_SYN_ACK, 1, FIRST_SYN_ACK},
    [PACKET_TCP_FIN | PACKET_TCP_ACK] = {TCP_LETTER_FIN, FLOW_HISTORY_FIN, 1, FIRST_END},
    [PACKET_TCP_RST | PACKET_TCP_ACK] = {TCP_LETTER_RST, FLOW_HISTORY_RST, 0, FIRST_END},
    [PACKET_TCP_RST] = {TCP_LETTER_RST, FLOW_HISTORY_RST, 0, FIRST_END},
    [ENDS | PACKET_TCP_ACK] = {.first = FIRST_NEVER},
};

/* A packet of no protocol with flags has kind 0. */
static const struct kind *kind_of(const struct packet *packet)
{
    return &kinds[packet->tcp_flags & (ENDS | PACKET_TCP_ACK)];
}

/* How far the packet moves its side's stream; a reset's bytes are no part of it. */
static uint32_t sequence_bytes(const struct packet *packet, const struct kind *kind)
{
    return kind->letter == TCP_LETTER_RST ? 0 : packet->payload_bytes + kind->bytes;
}

/* The first SYN-ACK, which answers a SYN that was seen; the first FIN or RST; or none of them. */
static inline bool is_first_of_its_kind(const struct flow_cell *cell, const struct kind *kind,
                                        unsigned side)
{
    switch (kind->first) {
    case FIRST_ALWAYS:
        return true;
    case FIRST_SYN_ACK:
        return !(cell->tcp.state >> 4 * side & TCP_STATE_BYTES) &&
               (cell->tcp.events & TCP_TRACK_SYN);
    case FIRST_END:
        return !(cell->tcp.letters[side] & (TCP_LETTER_FIN | TCP_LETTER_RST));
    default:
        return false;
    }
}

bool flow_cell_takes_event(const struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const unsigned state = cell->tcp.state >> 4 * side;
    const struct kind *const kind = kind_of(packet);
    if (cell->has_rare || (cell->history & FLOW_HISTORY_COUNT_MASK) >= FLOW_HISTORY_LETTERS)
        return false;
    if (packet->protocol != PACKET_PROTOCOL_TCP)
        return true;
    if ((packet->tcp_window == 0 && kind->letter != TCP_LETTER_RST) ||
        !is_first_of_its_kind(cell, kind, side))
        return false; /* a zero window before it is a rare fact */
    const bool has_place = kind->letter != TCP_LETTER_ACK || packet->payload_bytes > 0;
    const uint32_t bytes = sequence_bytes(packet, kind);
    return (!has_place || !(state & TCP_STATE_BYTES) ||
            packet->tcp_sequence == cell->side[side].next) &&
           (bytes == 0 || flow_cell_keeps_numbers(cell, side, packet->tcp_sequence, bytes));
}

static void note_letter(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const struct kind *const kind = kind_of(packet);
    const bool is_data = !(packet->tcp_flags & ENDS) && packet->payload_bytes > 0;
    const unsigned letter = is_data ? TCP_LETTER_DATA : kind->letter;
    if ((cell->tcp.letters[side] & letter) == letter)
        return;
    const uint64_t code =
        (is_data ? FLOW_HISTORY_DATA : kind->code) | (side ? FLOW_HISTORY_SIDE : 0);
    const unsigned count = cell->history & FLOW_HISTORY_COUNT_MASK;
    cell->tcp.letters[side] |= (uint8_t)letter;
    cell->history += 1 + (code << (FLOW_HISTORY_COUNT_BITS + FLOW_HISTORY_LETTER_BITS * count));
    if (letter == TCP_LETTER_RST && !(cell->tcp.state >> 4 * side & TCP_STATE_BYTES))
        cell->side[side].next = packet->tcp_sequence; /* else it is there: the reset is in order */
}

static void note_bytes(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const uint32_t bytes = sequence_bytes(packet, kind_of(packet));
    const unsigned has_bytes = (unsigned)TCP_STATE_BYTES << 4 * side;
    if (bytes == 0)
        return;
    if (!(cell->tcp.state & has_bytes))
        cell->side[side].base = cell->side[side].next = packet->tcp_sequence;
    cell->tcp.state |= (uint8_t)has_bytes;
    flow_cell_move_next(cell, side, bytes);
}

/* The handshake is complete when the initiator acknowledges, or its side is not captured and the
 * responder goes on. */
static void note_completion(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    if (cell->tcp.events & (TCP_TRACK_ACK | TCP_TRACK_INHERITED))
        return;
    if ((cell->tcp.events & TCP_TRACK_SYN) && side == cell->syn_side) {
        const int64_t syn_offset = flow_offset(cell->handshake_low, cell->handshake_high);
        cell->tcp.events |= TCP_TRACK_ACK;
        cell->has_rtt = true;
        set_offset(&cell->handshake_low, &cell->handshake_high,
                   packet->time_ns - cell->first_ns - syn_offset);
    } else if (cell->tcp.events & TCP_TRACK_SYNACK) {
        cell->tcp.events |= TCP_TRACK_ACK;
    }
}

static void note_handshake(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    const unsigned flags = packet->tcp_flags;
    if (flags & PACKET_TCP_SYN) { /* its side had no bytes: it is not the SYN's */
        cell->tcp.events |= TCP_TRACK_SYNACK;
        return;
    }
    if (!(flags & PACKET_TCP_RST))
        note_completion(cell, packet, side);
    if (flags & PACKET_TCP_ACK)
        cell->tcp.state |= (uint8_t)(TCP_STATE_ACKNOWLEDGED << 4 * side);
    if (flags & PACKET_TCP_FIN)
        cell->tcp.events |= side ? TCP_TRACK_FIN_1 : TCP_TRACK_FIN_0;
    if (flags & PACKET_TCP_RST)
        cell->tcp.events |= side ? TCP_TRACK_RST_1 : TCP_TRACK_RST_0;
    if (flags == (PACKET_TCP_RST | PACKET_TCP_ACK) && packet->tcp_sequence == 0)
        cell->has_refusal = true;
}

void flow_cell_note_event(struct flow_cell *cell, const struct packet *packet, unsigned side)
{
    note_letter(cell, packet, side);
    if (packet->protocol != PACKET_PROTOCOL_TCP)
        return;
    note_bytes(cell, packet, side);
    note_handshake(cell, packet, side);
}
