/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP's flags tell of a flow: who opened it, how far the handshake came, how it ended, and its
 * history in Zeek's letters. Sides are the key's endpoints, not yet initiator and responder.
 * The history serves all protocols: UDP packets with payload are D like TCP's.
 * Owned by the flow table's thread, inside struct flow. */
#ifndef WHYFLOW_FLOW_TCP_TRACK_H
#define WHYFLOW_FLOW_TCP_TRACK_H

#include "whyflow/flow_record.h"

#include <stdbool.h>
#include <stdint.h>

enum tcp_track_event {
    TCP_TRACK_SYN = 1 << 0,
    TCP_TRACK_SYNACK = 1 << 1,
    TCP_TRACK_ACK = 1 << 2,   /* the handshake is complete */
    TCP_TRACK_FIN_0 = 1 << 3, /* from endpoint 0 */
    TCP_TRACK_FIN_1 = 1 << 4,
    TCP_TRACK_RST_0 = 1 << 5,
    TCP_TRACK_RST_1 = 1 << 6,
    TCP_TRACK_INHERITED = 1 << 7, /* a slice: the handshake was an earlier slice's */
};

enum { TCP_TRACK_HISTORY_MAX = 16 };

struct tcp_track {
    int64_t syn_ns;           /* of the first SYN; valid with TCP_TRACK_SYN */
    int64_t handshake_rtt_ns; /* SYN to the initiator's first ACK; valid if has_handshake_rtt */
    uint32_t syn_sequence;    /* of the SYN, or the SYN-ACK's acknowledgment less 1 */
    uint8_t events;           /* enum tcp_track_event */
    uint8_t syn_side;         /* who sent the SYN, or is to have sent it by the SYN-ACK */
    bool has_handshake_rtt;
    bool has_acknowledged[2]; /* sent an ACK without SYN, a side */
    uint8_t history_count;
    uint8_t history[TCP_TRACK_HISTORY_MAX]; /* letter; 0x80: from endpoint 1 */
    uint16_t history_seen[2];               /* letters already there, a side */
};

/* Takes one packet's flags in. `side` is the endpoint that sent it. */
void tcp_track_packet(struct tcp_track *track, const struct packet *packet, unsigned side);

/* FIN both ways, or a RST. */
static inline bool tcp_track_is_closed(const struct tcp_track *track)
{
    const unsigned fins = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1;
    return (track->events & fins) == fins || (track->events & (TCP_TRACK_RST_0 | TCP_TRACK_RST_1));
}

/* An opening that has not been completed: SYN or SYN-ACK seen, and nothing that answers it. */
static inline bool tcp_track_is_half_open(const struct tcp_track *track)
{
    return (track->events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK)) &&
           !(track->events & (TCP_TRACK_ACK | TCP_TRACK_INHERITED));
}

/* Is this packet, on the key of this flow, the first of a new connection? A SYN is not if it is a
 * retransmission, a simultaneous opening, the SYN of a SYN-ACK seen before it, or merely late. */
bool tcp_track_is_new_connection(const struct tcp_track *track, const struct packet *packet,
                                 unsigned side, int64_t last_ns);

/* What a slice takes over from the slice before. */
struct tcp_track tcp_track_continue(const struct tcp_track *track);

/* The state of a TCP flow whose initiator is endpoint `initiator`. */
enum flow_state tcp_track_state(const struct tcp_track *track, unsigned initiator);

/* Writes the history, upper case for the initiator, NUL-ended. */
void tcp_track_history(const struct tcp_track *track, unsigned initiator,
                       char history[FLOW_HISTORY_MAX]);

#endif
