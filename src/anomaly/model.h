/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is made of. For the files of this room that implement anomaly.h. */
#ifndef WHYFLOW_ANOMALY_MODEL_H
#define WHYFLOW_ANOMALY_MODEL_H

#include "anomaly/anomaly.h"
#include "anomaly/baseline.h"
#include "anomaly/budget.h"
#include "anomaly/calibration.h"

/* A capture's baseline stands still while its flows are scored, and a numeric feature's part in the
 * score depends on the scope, the bin and the flow's own weight alone: so it is remembered, by own
 * weight. Few flows of a pair (most flows) have a slot of their own, others share the last ones. */
enum { MEMO_OWN_SLOTS = 24, MEMO_SHARED_SLOTS = 8 };

struct score_memo {
    uint64_t own_weight;
    bool is_used;
    int32_t mbits[BASELINE_SCOPE_COUNT][FEATURE_COUNT][BASELINE_OUTCOME_COUNT]; /* -1: not yet */
};

struct anomaly_model {
    enum anomaly_mode mode;
    double alert_share;
    uint64_t warmup_flows;
    int64_t warmup_ns;
    bool is_warm; /* for good, once it is */
    bool is_frozen, alerts_are_share;
    bool is_saved;    /* a saved baseline was loaded */
    uint32_t sources; /* baselines that were added into this one; 1: it alone */

    struct baseline *baseline;
    struct calibration *calibration; /* capture mode: of the final scores, for saving */
    struct budget budget;

    int half_weights[FEATURE_COUNT];
    int32_t typical_mbits[FEATURE_COUNT];
    int32_t typical_sum_mbits;
    struct score_memo *memo; /* capture mode: MEMO_OWN_SLOTS + MEMO_SHARED_SLOTS; else NULL */
    uint64_t typical_due;    /* flows learnt from which typical is to be made anew */
};

#endif
