/* SPDX-License-Identifier: Apache-2.0 */
/* A record: what one output line says, before it has a format. A plain value; it crosses from the
 * engine to the emitter by copy. */
#ifndef WHYFLOW_RECORD_H
#define WHYFLOW_RECORD_H

#include "whyflow/behaviour.h"
#include "whyflow/flow_record.h"
#include "whyflow/incident.h"
#include "whyflow/statistics.h"
#include "whyflow/verdict.h"

#include <stddef.h>

enum record_kind { RECORD_FLOW = 1, RECORD_ALERT, RECORD_STATISTICS };

enum record_caveat {
    RECORD_CAVEAT_ONE_DIRECTION_ONLY = 1 << 0, /* only one side's packets were seen */
    RECORD_CAVEAT_MIDSTREAM = 1 << 1,          /* the flow's beginning was not seen */
    RECORD_CAVEAT_SLICE = 1 << 2,              /* a part of a longer flow */
    RECORD_CAVEAT_TRUNCATED = 1 << 3,          /* packets were captured shorter than they were */
    RECORD_CAVEAT_KERNEL_DROPS = 1 << 4,       /* the capture lost packets meanwhile */
    RECORD_CAVEAT_COLD_BASELINE = 1 << 5,      /* scored before the warm-up was over */
    RECORD_CAVEAT_FEW_FLOWS = 1 << 6,          /* fewer than 500 flows to compare with */
    RECORD_CAVEAT_COARSE_TIMESTAMPS = 1 << 7,  /* every stamp a whole millisecond */
    RECORD_CAVEAT_CLOCK_STEP = 1 << 8,         /* ended because the clock was set back */
    RECORD_CAVEAT_LATE_PACKETS = 1 << 9,       /* some packets arrived out of time order */
    RECORD_CAVEAT_FRAGMENTS = 1 << 10,  /* fragments overlap, or lack the one with the ports */
    RECORD_CAVEAT_EVICTED = 1 << 11,    /* ended early: the flow table was full */
    RECORD_CAVEAT_WINDOW_CUT = 1 << 12, /* window counts are lower bounds */
    RECORD_CAVEAT_DUPLICATES = 1 << 13, /* copies of packets, as mirror ports make them */
    RECORD_CAVEAT_COUNT = 14
};

/* The sample reports' eighteen columns, less those the flow record itself holds. */
struct record_observed {
    double mean_packet_bytes;    /* avg_in_packet_size */
    double inter_arrival_ms;     /* mean gap of forward packets; valid if has_inter_arrival */
    double src_protocol_entropy; /* bits */
    uint64_t dst_flows_in_window;
    uint64_t src_packets_sum;
    uint64_t src_flows_in_window;
    uint64_t src_syn_flows;
    bool has_mean_packet_bytes, has_inter_arrival;
};

enum { RECORD_REASONS_MAX = 5, RECORD_SUMMARY_LINES_MAX = 4 };
enum { RECORD_TEXT_SIZE = 304, RECORD_SUMMARY_LINE_SIZE = 256 };
enum { RECORD_READING_SIZE = 256, RECORD_NOTE_SIZE = 256 }; /* at most 240 characters each */
enum { RECORD_READING_FACTS_MAX = 6, RECORD_CHANGES_MAX = 3 };

struct record_reason {
    uint8_t feature;            /* enum feature_id */
    int32_t contribution_mbits; /* > 0 */
    double share;               /* of the sum of positive contributions; (0, 1] */
    struct evidence evidence;
};

/* What else would explain it: the strongest case for one side, and what it rests on. */
struct record_reading {
    char text[RECORD_READING_SIZE]; /* "": there is no case */
    uint32_t fact_count;
    const char *facts[RECORD_READING_FACTS_MAX]; /* names of features or members; constants */
};

/* A value that is usual, a service that is usual, and the two together, which are not. Unweighted
 * bits; evidence only, no part of the score. */
struct record_combination {
    bool is_there;
    uint8_t feature;                    /* enum feature_id; beside the service */
    int32_t service_mbits, value_mbits; /* each alone, among all flows */
    int32_t together_mbits;             /* the value among flows of the service */
    uint64_t service_flows;             /* how many those are */
};

struct record_change {
    uint8_t feature; /* enum feature_id */
    bool has_from;   /* else it was not measured */
    double from, to; /* as in a feature vector; `to` of a number has four digits */
};

enum record_counterfactual_kind {
    RECORD_COUNTERFACTUAL_ABSENT, /* nothing was asked: flagged for a behaviour, or no threshold */
    RECORD_COUNTERFACTUAL_FOUND,
    RECORD_COUNTERFACTUAL_NONE, /* no change of up to three features leaves it unflagged */
};

/* The smallest change found that leaves the flow unflagged. */
struct record_counterfactual {
    enum record_counterfactual_kind kind;
    uint32_t change_count; /* FOUND: 1 to RECORD_CHANGES_MAX */
    struct record_change changes[RECORD_CHANGES_MAX];
    uint64_t moved;      /* bit j: feature j, derived from what was changed, moved along */
    uint64_t moved_away; /* of those, features that would not be measured then */
    double moved_to[FEATURE_COUNT];
    int32_t score_mbits; /* of the changed flow, against the same baseline */
    int32_t threshold_mbits;
};

/* What only an alert carries. */
struct explanation {
    struct baseline_summary baseline;
    uint64_t rank; /* "1 in rank flows" score as high */
    uint32_t reason_count;
    struct record_reason reasons[RECORD_REASONS_MAX]; /* strongest first */
    uint32_t informative_count;
    uint8_t informative[RECORD_REASONS_MAX]; /* most_informative: features by unweighted bits */
    char text[RECORD_TEXT_SIZE];             /* one sentence, UTF-8, NUL-ended, <= 300 characters */
    uint32_t summary_count;
    char summary[RECORD_SUMMARY_LINES_MAX][RECORD_SUMMARY_LINE_SIZE];
    struct record_reading benign, suspicious;
    struct record_combination combination;
    struct record_counterfactual counterfactual;
    char combination_text[RECORD_NOTE_SIZE]; /* "" where there is none, as the next */
    char counterfactual_text[RECORD_NOTE_SIZE];
    bool stands_out; /* false: the run's highest scores are no higher than chance makes them */
    uint64_t settings_hash;
};

struct record_flow_part {
    struct flow_record flow;
    struct feature_vector features;
    struct verdict verdict;
    struct behaviour_finding finding; /* what the flows up to this one look like */
    struct incident incident;
    struct record_observed observed;
    uint32_t caveats; /* enum record_caveat */
};

struct record {
    enum record_kind kind;
    int64_t timestamp_ns; /* notice time */
    union {
        struct {
            struct record_flow_part part;   /* flow and alert */
            struct explanation explanation; /* alert only */
        } flow;
        struct statistics statistics;
    } as;
};

/* Bytes of a record that mean something, from its start: what a queue must copy. */
size_t record_size(const struct record *record);

const char *record_caveat_name(unsigned bit); /* 0 <= bit < RECORD_CAVEAT_COUNT */

#endif
