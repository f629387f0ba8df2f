/* SPDX-License-Identifier: Apache-2.0 */
/* A flow record: everything measured of one finished flow (or slice of one). A plain value: it is
 * made by the flow room when a flow ends and crosses to the other threads by copy.
 *
 * "forward" (index 0) is initiator to responder, "reverse" (index 1) the other way. All times are
 * int64 nanoseconds since 1970-01-01 UTC; what prints them makes microseconds of them. */
#ifndef WHYFLOW_FLOW_RECORD_H
#define WHYFLOW_FLOW_RECORD_H

#include "whyflow/packet.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLOW_FORWARD = 0, FLOW_REVERSE = 1 };

/* flowEndReason of RFC 5102, IE 136; 6 and 7 refine "forced end". */
enum flow_end_reason {
    FLOW_END_IDLE = 1,
    FLOW_END_ACTIVE = 2,
    FLOW_END_DETECTED = 3,   /* FIN both ways or RST, then silence for the close timeout */
    FLOW_END_FORCED = 4,     /* end of input, or told to end (TERM, USR2) */
    FLOW_END_RESOURCES = 5,  /* evicted: the table was full */
    FLOW_END_TCP_REUSE = 6,  /* a new SYN on a live key */
    FLOW_END_CLOCK_STEP = 7, /* the clock was set back */
};

/* How the initiator was told (DESIGN order of trust). */
enum flow_basis {
    FLOW_BASIS_SYN = 1,   /* sender of a SYN */
    FLOW_BASIS_SYNACK,    /* receiver of a SYN-ACK, or of the reset that refuses a SYN */
    FLOW_BASIS_MEMORY,    /* goes on with a conversation that ended within 10 minutes */
    FLOW_BASIS_PORT,      /* both sides seen, only one port is a known service's */
    FLOW_BASIS_FIRST,     /* sender of the first packet */
    FLOW_BASIS_ONLY_SIDE, /* the only side seen */
};

enum flow_state {
    FLOW_STATE_ATTEMPTED = 1, /* TCP: SYN without an answer */
    FLOW_STATE_REFUSED,       /* TCP: SYN answered by RST */
    FLOW_STATE_HALF_OPEN,     /* TCP: SYN and SYN-ACK, no more from the initiator */
    FLOW_STATE_ESTABLISHED,   /* TCP: handshake seen, not yet ended */
    FLOW_STATE_CLOSED,        /* TCP: FIN both ways */
    FLOW_STATE_RESET,         /* TCP: RST after more than a SYN */
    FLOW_STATE_MIDSTREAM,     /* TCP: no handshake seen, nothing known of an earlier part */
    FLOW_STATE_CONTINUED,     /* any: goes on with a conversation seen before, or is a slice */
    FLOW_STATE_ANSWERED,      /* not TCP: both sides seen */
    FLOW_STATE_ONE_WAY,       /* not TCP: one side seen */
    FLOW_STATE_COUNT
};

enum flow_mark {
    FLOW_MARK_CUT_PACKETS = 1 << 0,  /* some packets were captured shorter than they were */
    FLOW_MARK_FRAGMENTS = 1 << 1,    /* has fragments */
    FLOW_MARK_KERNEL_DROPS = 1 << 2, /* the capture lost packets while this flow was open */
    FLOW_MARK_COARSE_TIME = 1 << 3,  /* > 1 packet and every stamp a whole millisecond */
    FLOW_MARK_DUPLICATES = 1 << 5,   /* copies of packets were seen, as mirror ports make them */
    FLOW_MARK_LATE_PACKETS = 1 << 4, /* some packets arrived out of time order */
};

/* What a flow that was not made from packets (NetFlow, Zeek) does not know. Such a fact is absent
 * from lines and its features are missing: the record holds 0 in its place, a distribution with
 * count 0. Its handshake, longest gap and history have a value for "not known" of their own. */
enum flow_unknown {
    FLOW_UNKNOWN_PAYLOAD = 1 << 0,      /* payload_bytes */
    FLOW_UNKNOWN_FRAME_BYTES = 1 << 1,  /* frame_bytes */
    FLOW_UNKNOWN_PACKET_BYTES = 1 << 2, /* least, greatest and deviation; the mean is known */
    FLOW_UNKNOWN_GAPS = 1 << 3,         /* gap_ns; times of the directions are the flow's */
    FLOW_UNKNOWN_TTL = 1 << 4,
    FLOW_UNKNOWN_TCP_FLAGS = 1 << 5,
};

/* Sizes or gaps of one direction. */
struct flow_distribution {
    uint64_t count;
    int64_t min, max;       /* meaningful if count > 0 */
    double mean, deviation; /* deviation of the sample (n − 1), to a whole nanosecond or thousandth
                             * of a byte, as lines have it; meaningful if count > 1 */
    bool is_whole;          /* else late packets split gaps that cannot be told any more: only count
                          * and mean hold */
};

struct flow_direction {
    uint64_t packets;
    uint64_t frame_bytes;
    uint64_t ip_bytes;
    uint64_t payload_bytes;
    int64_t first_ns, last_ns;             /* least and greatest time; meaningful if packets > 0 */
    struct flow_distribution packet_bytes; /* IP bytes a packet */
    struct flow_distribution gap_ns;       /* between neighbouring packets of this direction */
    uint64_t duplicates;    /* copies of packets: counted above too, unless --dedup left them out */
    uint32_t retransmitted; /* TCP segments whose bytes had been seen before */
    uint32_t out_of_order;  /* TCP segments that came after later bytes, and were not seen before */
    uint32_t zero_windows;  /* times the window fell to zero */
    uint8_t ttl_min, ttl_max;
    uint8_t tcp_flags; /* OR of all */
};

enum { FLOW_HISTORY_MAX = 24 };

struct flow_record {
    uint64_t flow_id;          /* < 2^51; the same for all slices of a flow */
    uint64_t opening_number;   /* 1, 2, ...: the order in which flows were opened */
    uint32_t epoch;            /* how often the clock was set back before */
    uint32_t slice;            /* 0, 1, ...: number of this slice of a flow cut by active timeout */
    int64_t first_ns, last_ns; /* least and greatest time of its own packets */
    int64_t notice_ns;         /* when its end is known: see DESIGN in docs */
    uint8_t source[16];        /* the initiator; IPv4: first 4 bytes, rest 0 */
    uint8_t destination[16];   /* the responder */
    uint16_t source_port, destination_port; /* ICMP: Community ID's type/code pair */
    uint8_t ip_version, protocol;
    uint8_t basis;                /* enum flow_basis */
    uint8_t end_reason;           /* enum flow_end_reason */
    uint8_t state;                /* enum flow_state */
    uint8_t icmp_type, icmp_code; /* of the first packet */
    bool one_way_key;             /* ICMP type without a counterpart */
    bool is_tcp_closed;           /* FIN both ways or RST seen */
    bool has_handshake_rtt;       /* SYN and the initiator's first ACK seen */
    uint8_t vlan_count;
    uint8_t padding;
    uint16_t vlan[PACKET_VLAN_MAX];   /* of the first packet */
    uint16_t marks;                   /* enum flow_mark */
    uint16_t unknown;                 /* enum flow_unknown; 0: made from packets */
    uint16_t source_index;            /* interface or file of the first packet */
    uint32_t fragments;               /* packets that were fragments */
    uint32_t fragments_overlapping;   /* bytes came twice, or beyond the end */
    uint32_t fragments_first_missing; /* later fragments without a first: they have no ports */
    uint8_t tunnel_count;             /* of the first packet, as the rest; see struct packet */
    uint8_t tunnels[PACKET_TUNNELS_MAX];
    uint8_t outer_ip_version;
    uint8_t outer_source[16];
    uint8_t outer_destination[16];
    int64_t handshake_rtt_ns; /* SYN to the initiator's first ACK; valid if has_handshake_rtt */
    int64_t longest_gap_ns;   /* between neighbouring packets of either direction; 0 if 1 packet, -1
                               * if late packets split a gap that cannot be told any more */
    struct flow_direction direction[2];
    char history[FLOW_HISTORY_MAX]; /* Zeek's letters, upper case from the initiator; NUL-ended */
};

/* True if the responder sent nothing. It is asked of unicast UDP and TCP only, and of one-sided TCP
 * only if all that was seen is an opening: an acknowledgment was answered, out of sight. */
bool flow_record_is_unanswered(const struct flow_record *flow, bool *is_applicable);

const char *flow_end_reason_name(enum flow_end_reason reason); /* "idle_timeout", ... */
const char *flow_basis_name(enum flow_basis basis);            /* "syn", "synack", ... */
const char *flow_state_name(enum flow_state state);            /* "attempted", ... */

#endif
