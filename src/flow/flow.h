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

enum { FLOW_SIDE_UNKNOWN = 2 };

/* How much an open flow would be missed; eviction takes the lowest first. */
enum flow_class {
    FLOW_CLASS_LIGHT,  /* one packet, or an opening that nothing has answered */
    FLOW_CLASS_CLOSED, /* waits for trailing ACKs */
    FLOW_CLASS_OPEN,
    FLOW_CLASS_COUNT
};

/* A line of packet times. A late packet splits the gap it falls into; that gap is known if it is
 * the last one, which it nearly always is (stamps of two processors, two interfaces). Else, or if
 * it was the longest, what is known of the gaps is partial from then on. */
struct flow_span {
    int64_t first_ns, last_ns;
    int64_t previous_ns; /* the last but one; first_ns if there is one packet only */
    int64_t gap_max_ns;  /* 0 if there is one packet only */
    bool is_partial;
};

struct flow_side {
    uint64_t packets, frame_bytes, ip_bytes, payload_bytes;
    uint64_t packet_bytes_squares; /* sum of squares of IP bytes a packet */
    unsigned __int128 gap_squares; /* sum of squares of gaps, ns^2 */
    struct flow_span span;
    int64_t gap_min_ns;
    uint32_t packet_bytes_min, packet_bytes_max;
    uint8_t ttl_min, ttl_max;
    uint8_t tcp_flags;
};

struct flow {
    struct flow_key key;
    uint32_t hash; /* of the key */
    uint32_t slice;
    uint64_t flow_id;
    uint64_t opening_number;
    struct flow_span span; /* both sides together */
    struct flow_side side[2];
    struct tcp_track tcp;
    uint16_t marks; /* enum flow_mark */
    uint16_t vlan[PACKET_VLAN_MAX];
    uint16_t source_index;
    uint8_t vlan_count;
    uint8_t icmp_type, icmp_code;
    uint8_t first_side;  /* who sent the first packet */
    uint8_t initiator;   /* endpoint, or FLOW_SIDE_UNKNOWN until the end */
    uint8_t basis;       /* enum flow_basis; 0 while the initiator is unknown */
    uint8_t continues;   /* goes on with a conversation seen before (memory or slice) */
    uint8_t wheel_class; /* enum flow_class: the wheel it is in */
    uint8_t end_reason;  /* once ended */
    int64_t notice_ns;   /* once ended */
};

/* A flow without packets yet, opened by `packet` from `side`. */
void flow_open(struct flow *flow, const struct flow_key *key, const struct packet *packet,
               unsigned side);

/* The next slice of `ended`, which the active timeout cut. */
void flow_open_slice(struct flow *flow, const struct flow *ended, const struct packet *packet,
                     unsigned side);

/* Counts one packet, late or not. */
void flow_packet(struct flow *flow, const struct packet *packet, unsigned side);

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
