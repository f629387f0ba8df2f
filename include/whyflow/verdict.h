/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict: the score of one flow and its exact parts. Unit: weighted milli-bits (thousandths of
 * a bit of surprise, times the family's weight), integers throughout, so that
 *   typical_mbits + sum of contribution_mbits = score_mbits
 * holds exactly and a replay gives the same bytes. */
#ifndef WHYFLOW_VERDICT_H
#define WHYFLOW_VERDICT_H

#include "whyflow/feature.h"

#include <stdbool.h>
#include <stdint.h>

/* What asked for an alert. A behaviour goes before: its alert is about the evidence. */
enum flagged_by { FLAGGED_BY_SURPRISE = 1, FLAGGED_BY_BEHAVIOUR };

struct verdict {
    int32_t score_mbits;
    int32_t typical_mbits;
    int32_t contribution_mbits[FEATURE_COUNT];
    int32_t threshold_mbits; /* the score from which flows were flagged; valid if has_threshold */
    double p_value;          /* share of flows scored at least this high; (0, 1] */
    uint64_t compared;       /* flows behind p_value */
    bool has_threshold;
    bool is_flagged;
    bool is_notable;    /* would have been flagged, but the budget was spent */
    bool is_cold;       /* scored before the warm-up was over */
    bool is_suppressed; /* would have been flagged, but the suppress file mutes it */
    uint8_t flagged_by; /* enum flagged_by; valid if is_flagged, is_notable or is_suppressed */
};

enum evidence_direction {
    EVIDENCE_HIGH = 1, /* above the median */
    EVIDENCE_LOW,      /* below it */
    EVIDENCE_RARE,     /* a category seen, but seldom */
    EVIDENCE_NEW,      /* a category, or the absence of a measurement, never seen before */
};

/* What one feature's baseline says, as it was when the flow was scored. */
struct evidence {
    double median, p05, p95; /* in the feature's unit; valid if has_quantiles. Exact to 1/512 of the
                              * feature's range: of a size some 5 %, of a share 0.002; the range's
                              * end stands for all beyond it */
    uint64_t count;          /* flows learnt in which the feature was measured, decayed */
    double share;       /* of learnt flows, each counted alike, in the same category, at the same
                              * value, or not measured either; [0, 1] */
    int32_t bits_mbits; /* unweighted surprise */
    uint8_t direction;  /* enum evidence_direction */
    bool has_quantiles; /* numeric, and something was learnt */
    bool is_of_service; /* all of the above but bits is of flows of the same service; else of all */
};

struct baseline_summary {
    uint64_t flows;         /* learnt flows behind this verdict (this one taken out) */
    int64_t since_ns;       /* notice time of the first of them */
    double effective_flows; /* the same after decay and flood weights */
    bool is_whole_capture;  /* replay default: learnt the whole capture first */
    bool is_saved;          /* a saved baseline, and unless frozen what was learnt since */
};

#endif
