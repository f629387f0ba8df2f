/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics: every counter of a run at one moment of trace time. A plain value. The sums that must
 * hold are those of statistics_check. */
#ifndef WHYFLOW_STATISTICS_H
#define WHYFLOW_STATISTICS_H

#include "whyflow/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the source says of itself; 64 bit, continued across libpcap's 32-bit wrap. */
struct capture_counters {
    uint64_t received; /* live: by the kernel's filter; replay: read from files */
    uint64_t kernel_dropped;
    uint64_t interface_dropped;
    uint64_t read;       /* frames handed to the decoder */
    uint64_t read_bytes; /* their wire bytes */
    bool is_live;
};

struct packet_counters {
    uint64_t refused[PACKET_REFUSAL_COUNT]; /* index 0 unused */
    uint64_t in_flows;
    uint64_t ip_bytes_in_flows;
    uint64_t frame_bytes_in_flows;
    uint64_t ipv4, ipv6, tcp, udp, icmp, icmpv6, sctp, other; /* packets in flows */
    uint64_t vlan; /* packets in flows with at least one tag */
    uint64_t fragments;
    uint64_t late; /* accepted with a time before the table's */
};

struct flow_counters {
    uint64_t opened; /* slices count as flows */
    uint64_t open;
    uint64_t waiting; /* ended, not yet handed over */
    uint64_t handed_over;
    uint64_t ended[8]; /* by enum flow_end_reason */
    uint64_t evicted;
    uint64_t clock_steps;
    uint64_t memories;          /* orientations remembered now */
    uint64_t memories_evicted;  /* forgotten before their time: the table was full */
    uint64_t datagrams;         /* whose fragments are followed now */
    uint64_t datagrams_evicted; /* forgotten before their time: the table was full */
    uint64_t opened_tcp, opened_udp, opened_icmp, opened_other;
    uint64_t memory_bytes; /* counted, not RSS */
};

/* Lines of the suppress file that muted most: so many are told. */
enum { STATISTICS_SUPPRESSED_BY_MAX = 16 };

struct suppressed_by {
    uint32_t line; /* of the suppress file */
    uint64_t count;
};

/* Who opened most flows, or flows with most bytes: so many are told, of so many counted. */
enum { STATISTICS_TALKERS_MAX = 8, STATISTICS_TALKERS_KEPT = 64 };

struct statistics_talker {
    uint8_t address[16]; /* of a source */
    uint8_t ip_version;
    bool is_least; /* at least so many: it was left out of the count for a time */
    uint64_t flows;
    uint64_t ip_bytes; /* of these flows, both ways */
};

/* Why flows were flagged; so many reasons are told. */
enum { STATISTICS_REASONS_MAX = 16 };

struct flagged_reason {
    uint8_t flagged_by; /* enum flagged_by */
    uint8_t id;         /* enum feature_id, the leading one; or enum behaviour_id */
    uint64_t count;
};

struct engine_counters {
    uint64_t scored;
    uint64_t flagged;
    uint64_t notable;
    uint64_t incidents;         /* opened */
    uint64_t suppressed;        /* flows the suppress file muted */
    uint64_t findings;          /* flows with a behaviour finding */
    uint64_t incidents_evicted; /* closed early: the table was full */
    uint32_t suppressed_by_count;
    struct suppressed_by suppressed_by[STATISTICS_SUPPRESSED_BY_MAX]; /* most first */
    uint32_t reason_count, top_by_bytes_count, top_by_flows_count;
    struct flagged_reason reasons[STATISTICS_REASONS_MAX];         /* most first */
    struct statistics_talker top_by_bytes[STATISTICS_TALKERS_MAX]; /* most first, as the next */
    struct statistics_talker top_by_flows[STATISTICS_TALKERS_MAX];
    uint64_t talkers_evicted; /* gave their place to another, in either of the two */
    uint64_t cold;            /* scored before the warm-up was over */
    uint64_t learnt;
    uint64_t held_back;       /* scored and not learnt: unusual, of a pair on probation */
    uint64_t flows_written;   /* have been through the engine */
    uint64_t flows_queued;    /* handed over, not yet through */
    uint64_t packets_written; /* in flows_written */
    uint64_t ip_bytes_written;
    uint64_t memory_bytes;  /* counted: tables and kept flows in memory */
    uint64_t spilled_bytes; /* kept flows in the temporary file */
    uint64_t hosts_evicted, pairs_evicted, conversations_evicted, categories_evicted;
    uint64_t services_evicted, probation_evicted;
    uint64_t sketches_evicted; /* distinct counters that lost their sketch: the pool was empty */
    uint64_t window_flows_cut; /* left the exact window early: the ring was full */
    double budget;             /* incidents allowed now (online), or flows in all (capture mode) */
    double p_floor;            /* the least p-value that can be told now */
};

struct record_counters {
    uint64_t made, written, queued, spooled, lost;
};

struct statistics {
    int64_t start_ns; /* trace time of the first packet; 0 before it */
    int64_t now_ns;   /* the table's time */
    bool is_final;
    bool has_time;   /* a packet was seen: the two times above hold */
    bool stands_out; /* false: a capture was scored, and its highest scores are no higher than
                        * chance makes them */
    struct capture_counters capture;
    struct packet_counters packets;
    struct flow_counters flows;
    struct engine_counters engine;
    struct record_counters records; /* filled by the emitter, before this record itself */
};

/* True if the sums that must hold do (RECORD, `stats`): read = in flows + refused; flows opened =
 * written + open + waiting + queued; live: received = read + kernel dropped, at the end only; at
 * the end nothing open or queued, packets written = packets in flows, records made = written +
 * spooled + lost. Else writes the first that does not into `error`. */
bool statistics_check(const struct statistics *statistics, char *error, size_t error_size);

#endif
