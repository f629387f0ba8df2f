/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is made of. For the files of this room that implement anomaly.h. */
#ifndef WHYFLOW_ANOMALY_MODEL_H
#define WHYFLOW_ANOMALY_MODEL_H

#include "anomaly/anomaly.h"
#include "anomaly/baseline.h"
#include "anomaly/calibration.h"
#include "anomaly/lesson_queue.h"
#include "anomaly/place_log.h"
#include "anomaly/probation.h"
#include "anomaly/surprise_table.h"

/* The mean part of each feature in the scores so far: what `typical` is. In a capture's first pass
 * of scoring all flows are added, then it is settled; online it is settled anew now and then, and
 * halved with everything else. */
struct typical {
    uint64_t flows;
    int64_t sum_mbits[FEATURE_COUNT];
    uint64_t due; /* flows from which it is to be settled anew */
    int32_t mbits[FEATURE_COUNT];
    int32_t total_mbits;
};

/* It is settled anew after so many flows at most. */
enum { TYPICAL_DUE_MAX = 1024 };

/* Saved and added it counts no more flows: 2^40 at 2^21 milli-bits, twice, fit 64 bits. */
#define TYPICAL_FLOWS_MAX (UINT64_C(1) << 40)

struct anomaly_model {
    enum anomaly_mode mode;
    double alert_share;
    uint64_t warmup_flows;
    int64_t warmup_ns;
    bool is_warm; /* for good, once it is */
    bool is_frozen, alerts_are_share;
    bool is_saved;    /* a saved baseline was loaded */
    uint32_t sources; /* baselines that were added into this one; 1: it alone */

    struct baseline *baseline;       /* as of model_baseline, unless lessons are being learnt */
    struct baseline_placer *placer;  /* of flows as they come */
    struct baseline_placer *told;    /* of flows that something is told of */
    struct calibration *calibration; /* capture mode: of the final scores, for saving */
    struct lesson_queue lessons;     /* online */
    int64_t learning_lag_ns;
    int64_t lesson_second;            /* of notice time, in which lessons were learnt last */
    struct probation probation;       /* online */
    uint64_t held_back;               /* flows scored and not learnt */
    struct capture_lessons *capture;  /* capture mode; capture_lessons.c */
    struct surprise_table *surprises; /* of the baseline as it stands */

    int quarter_weights[FEATURE_COUNT];
    struct typical typical;
};

/* Capture mode: flows learnt, those of one place at once, and their scores, in order. */
struct capture_lessons *
capture_lessons_open(const struct anomaly_settings *settings); /* NULL: no memory */
void capture_lessons_close(struct capture_lessons *capture);   /* NULL is allowed */
void capture_lessons_learn(struct anomaly_model *model, const struct feature_vector *vector,
                           int64_t notice_ns);
void capture_lessons_settle(const struct anomaly_model *model); /* learns what waits */
uint64_t capture_lessons_memory_bytes(const struct capture_lessons *capture);
uint64_t capture_lessons_spilled_bytes(const struct capture_lessons *capture);

/* The baseline to look at: nothing waits to be learnt at once. */
static inline const struct baseline *model_baseline(const struct anomaly_model *model)
{
    if (model->capture != NULL)
        capture_lessons_settle(model);
    return model->baseline;
}

/* Where a vector lies of which something is told: each reason asks for the same one again, and
 * whoever edits one changes a feature of it. */
static inline void model_place(const struct anomaly_model *model,
                               const struct feature_vector *vector, struct baseline_place *place)
{
    *place = *baseline_place_next(model->baseline, model->told, vector);
}

/* anomaly_score of a flow whose place is known; `own`: the weights to leave out. */
void score_place(const struct anomaly_model *model, const struct baseline_place *place,
                 struct baseline_weights own, struct verdict *verdict);

/* Adds a scored flow's parts, and settles if it is due. */
void typical_add(struct typical *typical, const struct verdict *verdict);

/* Adds these parts so many times; whoever does counts the flows. */
void typical_add_parts(struct typical *typical, const int32_t mbits[FEATURE_COUNT], uint32_t times);

/* Makes `mbits` the means of what was added; 0 of nothing. */
void typical_settle(struct typical *typical);

void typical_halve(struct typical *typical);

/* Adds the other's sums, halves them if there are more than TYPICAL_FLOWS_MAX, and settles. */
void typical_join(struct typical *typical, const struct typical *other);

#endif
