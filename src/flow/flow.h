/* SPDX-License-Identifier: Apache-2.0 */
/* One open flow: what is counted of it, packet by packet, and how it becomes a flow record. Sides
 * are the key's endpoints; who of them is the initiator may be known only at the end.
 *
 * Sums of squares are integers (128 bits for gaps in ns): exact, without a division a packet, where
 * Welford's recurrence in doubles takes two. Owned by the flow table; never leaves this room. */
#ifndef WHYFLOW_FLOW_FLOW_H
#define WHYFLOW_FLOW_FLOW_H

#include "flow/flow_key.h"
#include "flow/tcp_track.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLOW_SIDE_UNKNOWN = 2, FLOW_RECENT_PACKETS = 8 };

/* A packet equal to one of the last 8 of its flow is a copy if it comes within 5 ms of it. Mirror
 * ports and double taps send copies within microseconds, and within few ms where two devices stamp
 * them. What is sent again comes no sooner than a round trip, mostly 200 ms; sooner, it still has
 * another identification (IPv4), TCP timestamp or checksum. Without an identification (IPv6, or 0
 * as many UDP senders have it), packets sent soon after each other that are equal to the last bit
 * are told as copies; but not ACKs and RSTs without payload, which are repeated often: the decoder
 * gives those no digest. Copies that come after more than 8 other packets of the flow (a burst that
 * a router queued) are not told. Hence a caveat always, and left out only where asked for.
 * Measured on nDPI's captures: of five with copies, four have all within 8 packets, and one, a
 * router under load, a tenth. */
#define FLOW_DUPLICATE_WINDOW_NS (INT64_C(5) * 1000000)

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

/* The last packets, for telling copies. Times in units of 2^10 ns, which wrap after 73 minutes. */
struct flow_recent {
    uint32_t names[FLOW_RECENT_PACKETS]; /* digest and side; 0: none */
    uint32_t times[FLOW_RECENT_PACKETS];
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
    uint32_t hash; /* of the key */
    uint32_t slice;
    uint64_t flow_id;
    uint64_t opening_number;
    struct flow_rare *rare; /* the table's */
    struct flow_span span;  /* both sides together */
    int64_t notice_ns;      /* once ended */
    struct flow_side side[2];
    struct flow_recent recent;
    struct tcp_track tcp;
    uint16_t marks; /* enum flow_mark */
    uint16_t source_index;
    uint8_t vlan_count, tunnel_count;
    uint8_t recent_next; /* the entry of `recent` to be used next */
    uint8_t icmp_type, icmp_code;
    uint8_t first_side;  /* who sent the first packet, by time */
    uint8_t initiator;   /* endpoint, or FLOW_SIDE_UNKNOWN until the end */
    uint8_t basis;       /* enum flow_basis; 0 while the initiator is unknown */
    uint8_t continues;   /* goes on with a conversation seen before (memory or slice) */
    uint8_t wheel_class; /* enum flow_class: the wheel it is in */
    uint8_t end_reason;  /* once ended */
};

_Static_assert(sizeof(struct flow) == 512, "a flow is eight cache lines");

/* A flow without packets yet, opened by `packet` from `side`. `rare` is its place for what few
 * flows have; nothing in it means anything yet. */
void flow_open(struct flow *flow, struct flow_rare *rare, const struct flow_key *key,
               const struct packet *packet, unsigned side);

/* The next slice of `ended`, which the active timeout cut. */
void flow_open_slice(struct flow *flow, struct flow_rare *rare, const struct flow *ended,
                     const struct packet *packet, unsigned side);

/* Knows the packets of the flow that ended on this key just now: copies of them may still come. */
void flow_keep_recent(struct flow *flow, const struct flow *ended);

/* Is this a copy of a packet of the flow? */
bool flow_is_duplicate(const struct flow *flow, const struct packet *packet, unsigned side);

/* Counts one packet, late or not; findings: enum flow_finding. A copy counts, but tells TCP
 * nothing. */
void flow_packet(struct flow *flow, const struct packet *packet, unsigned side, unsigned findings);

/* Counts a copy that is left out of the flow otherwise. */
void flow_leave_out(struct flow *flow, unsigned side);

/* The timeout that applies to the flow now, ns; 0: none. */
static inline int64_t flow_timeout_ns(const struct flow *flow, const struct flow_settings *settings)
{
    const int64_t idle = settings->idle_timeout_ns, close = settings->close_timeout_ns;
    if (!tcp_track_is_closed(&flow->tcp) || close == 0)
        return idle;
    return idle != 0 && idle < close ? idle : close;
}

/* The one predicate that ends flows: asked at look-up and in the sweep, always with the table's
 * time. The active timeout is not part of it: only a packet of the flow can ask flow_outlived. */
static inline bool flow_expired(const struct flow *flow, int64_t now_ns,
                                const struct flow_settings *settings)
{
    const int64_t timeout_ns = flow_timeout_ns(flow, settings);
    return timeout_ns > 0 && now_ns - flow->span.last_ns >= timeout_ns;
}

static inline bool flow_outlived(const struct flow *flow, int64_t now_ns,
                                 const struct flow_settings *settings)
{
    return settings->active_timeout_ns > 0 &&
           now_ns - flow->span.first_ns >= settings->active_timeout_ns;
}

static inline enum flow_class flow_class(const struct flow *flow)
{
    if (tcp_track_is_closed(&flow->tcp))
        return FLOW_CLASS_CLOSED;
    const bool is_light =
        flow->side[0].packets + flow->side[1].packets <= 1 || tcp_track_is_half_open(&flow->tcp);
    return is_light && !flow->continues ? FLOW_CLASS_LIGHT : FLOW_CLASS_OPEN;
}

/* Who opened the flow, as far as its packets tell by now; the order of trust is enum flow_basis. */
struct flow_orientation {
    uint8_t initiator;
    uint8_t basis;
};
struct flow_orientation flow_orientation(const struct flow *flow);

/* Worth remembering when it has ended: a conversation, not a stray packet or an unanswered SYN. */
bool flow_is_memorable(const struct flow *flow);

/* Writes the record of an ended flow. */
void flow_export(const struct flow *flow, uint32_t epoch, struct flow_record *record);

#endif
