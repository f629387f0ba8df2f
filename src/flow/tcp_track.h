/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP tells of a flow: who opened it, how far the handshake came, how it ended, which segments
 * came again or out of order, and its history in Zeek's letters. Sides are the key's endpoints, not
 * yet initiator and responder. The history serves all protocols: UDP packets with payload are D
 * like TCP's. Copies that a mirror port made are never shown to it.
 *
 * Segments. Of each side, a segment is judged by the bytes (payload, SYN and FIN) it brings:
 *   retransmitted  all of its bytes had been seen
 *   out of order   it came after later bytes and brings some that had not been seen
 * What was sent before the first segment seen cannot be told and counts as neither; so do bytes of
 * a 9th and earlier unfilled gap, and what lies more than 1 GiB back. A segment that was lost
 * before the capture and sent again fills a gap: out of order. One whose stamp lies before the
 * side's last was late in the capture, not on the wire: not out of order. One byte, or none, just
 * before the next one expected is a keep-alive or a window probe: neither. A RST's bytes are no
 * part of the stream.
 *
 * Letters (Zeek's conn.log `history`): S SYN, H SYN-ACK, A pure ACK, D payload, F FIN, R RST, I FIN
 * with RST, Q SYN with FIN or RST, T retransmitted payload, W zero window. A packet with one of
 * SYN, FIN, RST is that letter and no D. A, D, I and Q are noted once a side; S, H, F and R again
 * where their sequence number is not that of the last; T and W at their 1st, 10th, 100th, ... time.
 * ^ comes first where the responder's packet came first. Not as Zeek: T is exact (Zeek writes it
 * for payload out of order too), and C (checksums) and G (gaps) are never written.
 *
 * Owned by the flow table's thread, inside struct flow. Segments that change nothing but the next
 * byte expected, and what nearly every connection has once, are noted by flow_cell_count.c and
 * flow_cell_event.c where they come in order. */
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

enum { TCP_TRACK_HISTORY_MAX = 20, TCP_TRACK_GAPS_MAX = 8 };

/* How far back bytes are known; further away, by sequence number, is somewhere else. */
#define TCP_TRACK_REACH_BYTES (UINT32_C(1) << 30)

/* Letters that are noted once a side, or again with another sequence number. */
enum tcp_letter {
    TCP_LETTER_SYN = 1 << 0, /* S and H alike, as Zeek has it */
    TCP_LETTER_ACK = 1 << 1,
    TCP_LETTER_DATA = 1 << 2,
    TCP_LETTER_FIN = 1 << 3,
    TCP_LETTER_RST = 1 << 4,
    TCP_LETTER_FIN_RST = 1 << 5,
    TCP_LETTER_MIXED = 1 << 6,
};

/* One side's bytes, by sequence number; comparisons wrap. */
struct tcp_side {
    uint32_t base;                         /* from here on it is known which bytes came */
    uint32_t next;                         /* after the highest byte that came */
    uint32_t last_syn, last_fin, last_rst; /* sequence numbers; of a FIN that of its end */
    uint16_t letters;                      /* enum tcp_letter: already in the history */
    bool has_bytes : 1;                    /* base and next hold */
    bool has_acknowledged : 1;             /* sent an ACK without SYN */
    bool has_zero_window : 1;
    uint8_t gap_count;
};

struct tcp_track {
    int64_t syn_ns;           /* of the first SYN; valid with TCP_TRACK_SYN */
    int64_t handshake_rtt_ns; /* SYN to the initiator's first ACK; valid if has_handshake_rtt */
    struct tcp_side side[2];
    uint32_t syn_sequence; /* of the SYN, or the SYN-ACK's acknowledgment less 1 */
    uint8_t events;        /* enum tcp_track_event */
    uint8_t syn_side;      /* who sent the SYN, or is to have sent it by the SYN-ACK */
    bool has_handshake_rtt;
    bool has_refusal; /* a reset that answers a SYN nobody saw: RST and ACK, sequence number 0 */
    bool has_rare;    /* struct tcp_rare holds something */
    uint8_t history_count;
    uint8_t history[TCP_TRACK_HISTORY_MAX]; /* letter; 0x80: from endpoint 1 */
};

/* Sequence numbers from start to before end. */
struct tcp_range {
    uint32_t start, end;
};

/* What few connections have: kept apart, so that the others never touch its memory. Means something
 * only once tcp_track.has_rare is set, and gaps only up to gap_count. */
struct tcp_rare {
    uint32_t retransmitted[2], out_of_order[2];
    uint32_t retransmitted_payloads[2];               /* for T */
    uint32_t zero_windows[2], zero_window_packets[2]; /* the latter for W */
    struct tcp_range gaps[2][TCP_TRACK_GAPS_MAX]; /* had not come when later bytes did; sorted */
};

/* Takes one packet in. `side` is the endpoint that sent it; is_late: its stamp lies before its
 * side's last. */
void tcp_track_packet(struct tcp_track *track, struct tcp_rare *rare, const struct packet *packet,
                      unsigned side, bool is_late);

/* FIN both ways, or a RST. */
static inline bool tcp_events_are_closed(unsigned events)
{
    const unsigned fins = TCP_TRACK_FIN_0 | TCP_TRACK_FIN_1;
    return (events & fins) == fins || (events & (TCP_TRACK_RST_0 | TCP_TRACK_RST_1));
}

static inline bool tcp_track_is_closed(const struct tcp_track *track)
{
    return tcp_events_are_closed(track->events);
}

/* An opening that has not been completed: SYN or SYN-ACK seen, and nothing that answers it. */
static inline bool tcp_events_are_half_open(unsigned events)
{
    return !(events & (TCP_TRACK_ACK | TCP_TRACK_INHERITED)) &&
           (events & (TCP_TRACK_SYN | TCP_TRACK_SYNACK));
}

static inline bool tcp_track_is_half_open(const struct tcp_track *track)
{
    return tcp_events_are_half_open(track->events);
}

/* Is this packet, on the key of this flow, the first of a new connection? A SYN is not if it is a
 * retransmission, a simultaneous opening, the SYN of a SYN-ACK seen before it, or merely late. */
bool tcp_track_is_new_connection(const struct tcp_track *track, const struct packet *packet,
                                 unsigned side, int64_t last_ns);

/* What a slice takes over from the slice before: the ends seen, and which bytes came. Sets `rare`
 * where the slice has gaps. */
struct tcp_track tcp_track_continue(const struct tcp_track *track, const struct tcp_rare *ended,
                                    struct tcp_rare *rare);

/* The state of a TCP flow whose initiator is endpoint `initiator`. */
enum flow_state tcp_events_state(unsigned events, unsigned initiator);

/* Writes the history, upper case for the initiator, NUL-ended; is_flipped: begins with ^. */
void tcp_track_history(const struct tcp_track *track, unsigned initiator, bool is_flipped,
                       char history[FLOW_HISTORY_MAX]);

#endif
