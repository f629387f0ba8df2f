/* SPDX-License-Identifier: Apache-2.0 */
/* One flow with all that is counted of it, how a packet changes it and how it becomes a record.
 * Sides are the key's endpoints; who of them is the initiator may be known only at the end.
 *
 * This is the form in which a flow is worked on where anything out of the ordinary happens: plain
 * and wide. Open flows are kept packed (flow_cell.h), and ordinary packets are counted there; what
 * is counted there must be what flow_packet would count.
 *
 * Sums of squares are integers (128 bits for gaps in ns): exact, without a division a packet, where
 * Welford's recurrence in doubles takes two. Owned by the flow table; never leaves this room. */
#ifndef WHYFLOW_FLOW_FLOW_H
#define WHYFLOW_FLOW_FLOW_H

#include "base/service.h"
#include "flow/flow_key.h"
#include "flow/tcp_track.h"
#include "whyflow/flow_record.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLOW_SIDE_UNKNOWN = 2 };

/* How much an open flow would be missed; eviction takes the lowest first. */
enum flow_class {
    FLOW_CLASS_LIGHT,  /* one packet, or an opening that nothing has answered */
    FLOW_CLASS_CLOSED, /* waits for trailing ACKs */
    FLOW_CLASS_OPEN,
    FLOW_CLASS_COUNT
};

/* What the table has found of a packet. */
enum flow_finding {
    FLOW_FINDING_DUPLICATE = 1 << 0,
    FLOW_FINDING_OVERLAP = 1 << 1,       /* a fragment whose bytes came twice, or beyond the end */
    FLOW_FINDING_FIRST_MISSING = 1 << 2, /* a later fragment without a first */
};

/* A mark of the table's own, beside those of enum flow_mark, which no record has: among the packets
 * of which copies would be told are later ones than the flow's last, of the flow before it. */
#define FLOW_KNOWS_LATER_PACKETS (1U << 7)

/* A line of packet times. A late packet splits the gap it falls into; that gap is known if it is
 * the last one, which it nearly always is (stamps of two processors, two interfaces). Else, or if
 * it was the longest, what is known of the gaps is partial from then on. */
struct flow_span {
    int64_t first_ns, last_ns;
    int64_t previous_ns; /* the last but one; first_ns if there is one packet only */
    int64_t gap_max_ns;  /* 0 if there is one packet only; FLOW_SPAN_PARTIAL */
};

/* In place of the greatest gap: what is known of the gaps is partial. */
#define FLOW_SPAN_PARTIAL INT64_C(-1)

struct flow_side {
    unsigned __int128 gap_squares; /* sum of squares of gaps, ns^2; first, as it is aligned to 16 */
    uint64_t packets, frame_bytes, ip_bytes, payload_bytes;
    uint64_t packet_bytes_squares; /* sum of squares of IP bytes a packet */
    struct flow_span span;
    int64_t gap_min_ns;
    uint32_t packet_bytes_min, packet_bytes_max;
    uint8_t ttl_min, ttl_max;
    uint8_t tcp_flags;
};

/* What few flows have: kept apart, so that the others never touch its memory. Each part means
 * something only where the flow says so. */
struct flow_rare {
    struct tcp_rare tcp;                            /* tcp.has_rare */
    uint32_t fragments, overlapping, first_missing; /* FLOW_MARK_FRAGMENTS */
    uint64_t duplicates[2];                         /* FLOW_MARK_DUPLICATES */
    uint16_t vlan[PACKET_VLAN_MAX];                 /* vlan_count */
    uint8_t tunnels[PACKET_TUNNELS_MAX];            /* tunnel_count, as what follows */
    uint8_t outer_ip_version;
    uint8_t outer_source[16], outer_destination[16];
};

struct flow {
    struct flow_key key;
    uint32_t slice;
    uint64_t flow_id;       /* of the first slice, if this is a later one */
    struct flow_rare *rare; /* never NULL; the caller's */
    struct flow_span span;  /* both sides together */
    struct flow_side side[2];
    struct tcp_track tcp;
    uint16_t marks; /* enum flow_mark */
    uint16_t source_index;
    uint16_t vlan; /* the outermost tag; all of them are in `rare` if there are more */
    uint8_t vlan_count, tunnel_count;
    uint8_t icmp_type, icmp_code;
    uint8_t first_side; /* who sent the first packet, by time */
    uint8_t initiator;  /* endpoint, or FLOW_SIDE_UNKNOWN until the end */
    uint8_t basis;      /* enum flow_basis; 0 while the initiator is unknown */
    uint8_t continues;  /* goes on with a conversation seen before (memory or slice) */
};

/* A flow without packets yet, opened by `packet` from `side`. `rare` is its place for what few
 * flows have; nothing in it means anything yet. */
void flow_open(struct flow *flow, struct flow_rare *rare, const struct flow_key *key,
               const struct packet *packet, unsigned side);

/* The next slice of `ended`, which the active timeout cut. */
void flow_open_slice(struct flow *flow, struct flow_rare *rare, const struct flow *ended,
                     const struct packet *packet, unsigned side);

/* Counts one packet, late or not; findings: enum flow_finding. A copy counts, but tells TCP
 * nothing. */
void flow_packet(struct flow *flow, const struct packet *packet, unsigned side, unsigned findings);

/* Counts one packet of a side: its part of flow_packet that is not TCP's. */
void flow_side_packet(struct flow_side *side, const struct packet *packet);

/* Counts a copy that is left out of the flow otherwise. */
void flow_leave_out(struct flow *flow, unsigned side);

/* Who opened the flow, as far as its packets tell by now; the order of trust is enum flow_basis. */
struct flow_orientation {
    uint8_t initiator;
    uint8_t basis;
};

/* What tells it, wherever the flow is kept. */
struct flow_clues {
    struct flow_orientation known; /* from memory or an earlier slice; or FLOW_SIDE_UNKNOWN */
    uint8_t events;                /* enum tcp_track_event */
    uint8_t syn_side, first_side;
    bool is_slice, is_one_sided, has_refusal;
};

/* Where only the ports tell: that is two searches. */
struct flow_orientation flow_orientation_by_port(const struct flow_key_head *key,
                                                 unsigned first_side,
                                                 const struct service_ports *ports);

/* ports: NULL if they are not at hand; then they are searched for. */
static inline struct flow_orientation flow_orientation_of(const struct flow_clues *clues,
                                                          const struct flow_key_head *key,
                                                          const struct service_ports *ports)
{
    if (clues->is_slice)
        return clues->known;
    if (clues->events & TCP_TRACK_SYN)
        return (struct flow_orientation){clues->syn_side, FLOW_BASIS_SYN};
    if (clues->events & TCP_TRACK_SYNACK)
        return (struct flow_orientation){clues->syn_side, FLOW_BASIS_SYNACK};
    if (clues->known.initiator != FLOW_SIDE_UNKNOWN)
        return clues->known;
    if (clues->is_one_sided && clues->has_refusal)
        return (struct flow_orientation){(uint8_t)(1 - clues->first_side), FLOW_BASIS_SYNACK};
    if (clues->is_one_sided)
        return (struct flow_orientation){clues->first_side, FLOW_BASIS_ONLY_SIDE};
    return flow_orientation_by_port(key, clues->first_side, ports);
}

struct flow_orientation flow_orientation(const struct flow *flow);

/* What the table knows of an ended flow. */
struct flow_end {
    uint64_t opening_number;
    int64_t notice_ns;
    uint32_t epoch;
    uint8_t reason; /* enum flow_end_reason */
};

/* The same for the same packets in every run, live or replay: from the key and the first packet. */
uint64_t flow_identity(const struct flow_key *key, int64_t first_ns, unsigned first_side);

/* Writes the record of an ended flow: flow_export.c, as flow_cells_export. */
void flow_export(const struct flow *flow, const struct flow_end *end, struct flow_record *record);

#endif
