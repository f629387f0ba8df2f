/* SPDX-License-Identifier: Apache-2.0 */
/* The baseline: what was usual so far, as weights of flows in bins and categories, over all flows
 * (scope 0), within each direction (scope 1 + direction) and within each service; and how
 * improbable, in bits, one outcome is under it. Called by the model and by what explains a score;
 * the engine's thread owns it. Sums only, so baselines of several sensors can be added.
 *
 * Weights are integers. A flow weighs `unit` (4096 at first) times n^-gamma, n being the flows of
 * its pair in 60 s: a flood must not teach itself as normal.
 *
 * Probabilities (ENGINE, "Baselines and score"). A numeric feature has 17 outcomes: 16 bins and
 * "missing". With weights in flows,
 *     p0 = (K*H0(b) + 50/16) / (N0 + 17 * 50/16)     and for "missing" (H0 + 50/16) / (the same)
 *     p1 = (K*H1(b) + 500 p0) / (N1 + 500)
 *     p2 = (K*HS(b) + 500 p0) / (NS + 500)
 *     bits = -(0.85 - w) log2 p0 - 0.15 log2 p1 - w log2 p2,   w = 0.70 NS / (NS + 3000)
 * w in whole hundredths, rounded down. N counts flows where the feature is missing too; "missing"
 * has the prior of a bin, so the 17 probabilities sum to 1. The kernel (1 2 4 2 1)/10 is normalised
 * at the edges by where weight comes from: each bin hands out all it has, so K*H sums to H.
 * (Normalising by where it goes makes sums from 0.89 to 1.07.) Categories, c their weights, V the
 * codes kept of the feature:
 *     p0 = (c0 + 1/2) / (N0 + (V + 1)/2)             the last 1/2: any code not seen yet
 *     p1 = (c1 + 500 p0) / (N1 + 500)
 *     p2 = (cS + 500 p0) / (NS + 500)
 * S is the flow's service; there a category counts by what is left to tell of it ("closed" of
 * "tcp/443 closed"). 500 flows of all weigh against the few of a rare service. What was evicted
 * stays in N, so these sum to at most 1. The feature "direction" has scope 0 only, as has a flow
 * without a direction: p1 = p0.
 *
 * Most weight lies on the service where it has flows enough, because flows of one service are
 * alike: what a mail server does says little about a look-up. A service of few flows is judged by
 * all: its own flows may all be a scan's. There a flow weighs unit * n^-1/2 at most (n as above),
 * or one long scan of one port would be what is usual. Rejected after measuring: a scope a source
 * or a destination (too few flows each), a weight that does not grow with NS. */
#ifndef WHYFLOW_ANOMALY_BASELINE_H
#define WHYFLOW_ANOMALY_BASELINE_H

#include "anomaly/category_table.h"
#include "anomaly/histogram.h"
#include "anomaly/log2_table.h"
#include "anomaly/service_table.h"
#include "whyflow/feature.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BASELINE_BIN_COUNT = HISTOGRAM_BIN_COUNT,
    BASELINE_BIN_MISSING = HISTOGRAM_BIN_MISSING, /* the outcome "not measured" */
    BASELINE_STEP_COUNT =
        SERVICE_STEP_COUNT, /* of the finer histogram that quantiles are read from */
    BASELINE_OUTCOME_COUNT = HISTOGRAM_OUTCOME_COUNT,
    BASELINE_SCOPE_COUNT = CATEGORY_SCOPE_COUNT,
    BASELINE_UNIT = 4096, /* what a flow weighs before decay grows it */
};

struct baseline;

/* Categories stand last in the list of features. */
enum {
    BASELINE_NUMERIC_COUNT = FEATURE_PROTOCOL,
    BASELINE_CATEGORY_COUNT = FEATURE_COUNT - BASELINE_NUMERIC_COUNT,
};

static inline bool baseline_is_numeric(unsigned feature)
{
    return feature < BASELINE_NUMERIC_COUNT;
}

/* What a vector is to the baseline: each feature's outcome, and its scopes. Numeric features first,
 * then categories by id less BASELINE_NUMERIC_COUNT. */
struct baseline_place {
    uint64_t code[BASELINE_CATEGORY_COUNT]; /* 0 where missing */
    uint64_t service;
    uint16_t cell[BASELINE_NUMERIC_COUNT]; /* the bin, and its step to the nearest: their sum */
    uint8_t bin[BASELINE_NUMERIC_COUNT];
    uint8_t part[BASELINE_CATEGORY_COUNT]; /* what is left of it once the service is known */
    uint8_t missing;                       /* bit i: category i is */
    uint8_t scope;                         /* 1 + direction; 0: none */
    bool has_service;
    uint8_t padding; /* 0: places are compared as bytes */
};
_Static_assert(BASELINE_CATEGORY_COUNT <= 8, "baseline_place.missing holds 8 categories");
_Static_assert(sizeof(struct baseline_place) == 8 * (BASELINE_CATEGORY_COUNT + 1) +
                                                    3 * BASELINE_NUMERIC_COUNT +
                                                    BASELINE_CATEGORY_COUNT + 4,
               "a place has no other padding");

/* A bin has 17 steps, of which the last, by rounding up, is the next one's first. "Missing" has the
 * last cell. */
enum {
    BASELINE_CELLS_PER_BIN = 17,
    BASELINE_CELL_MISSING = BASELINE_BIN_COUNT * BASELINE_CELLS_PER_BIN,
    BASELINE_CELL_COUNT
};

static inline unsigned baseline_place_step(const struct baseline_place *place, unsigned j)
{
    return place->cell[j] - (unsigned)place->bin[j];
}

/* What a flow weighs when it is learnt: over all flows and in its direction; and in its service. */
struct baseline_weights {
    uint64_t all, in_service;
};

/* The baseline as one flow sees it: its own weight left out. */
struct baseline_view {
    struct baseline_weights own; /* 0: nothing is left out */
    uint64_t total, total_in_scope;
    unsigned scope;
    const struct service_scope *service; /* NULL: nothing was learnt of it */
    int64_t service_share; /* of a hundred: how much the service's own surprise counts */
    uint64_t numeric_denominator;
    int64_t log2_numeric_denominator; /* 2^-24 bits, as the next four */
    int64_t log2_numeric_in_scope, log2_numeric_in_service;
    int64_t log2_category_in_scope, log2_category_in_service;
};

/* What was learnt of one feature's outcome, the own flow left out: flows in units, each counted
 * alike, however many its pair had. Of the flows that baseline_words_are_of_service names. */
struct baseline_outcome {
    uint64_t flows;    /* of the same step or category, or not measured either */
    uint64_t measured; /* in which the feature was measured */
    uint64_t total;
};

/* NULL: no memory. */
struct baseline *baseline_open(const struct anomaly_settings *settings);
void baseline_close(struct baseline *baseline); /* NULL is allowed */

void baseline_place(const struct baseline *baseline, const struct feature_vector *vector,
                    struct baseline_place *place);

/* The last flow's place, and what it was made of: neighbours are alike, in a flood in all but two
 * or three features. All 0 before the first. */
struct baseline_placer {
    struct feature_vector vector;
    struct baseline_place place;
    bool is_used;
};

/* The same place, made of the last one; valid until the next. */
const struct baseline_place *baseline_place_next(const struct baseline *baseline,
                                                 struct baseline_placer *placer,
                                                 const struct feature_vector *vector);

/* What is left to tell of a category once the service is known. */
unsigned baseline_part(enum feature_id id, bool is_missing, uint64_t code);

/* The weights with which a flow that makes so many of its pair in 60 s is learnt now; > 0. */
struct baseline_weights baseline_weigh(const struct baseline *baseline, uint32_t pair_flows);

void baseline_learn(struct baseline *baseline, const struct baseline_place *place,
                    struct baseline_weights weights, int64_t notice_ns);

/* The same in two steps, so that flows of one place can be learnt at once: each flow is counted,
 * in order, which gives its number; later all that lie at a place are learnt, their weights added
 * up and the last one's number with them. */
struct baseline_lessons {
    uint64_t flows;
    struct baseline_weights weights;
    uint64_t number;
};
uint64_t baseline_count(struct baseline *baseline, int64_t notice_ns);
void baseline_learn_all(struct baseline *baseline, const struct baseline_place *place,
                        const struct baseline_lessons *lessons);

/* Learns what waits to be, of a capture: before the baseline is looked at. */
void baseline_settle(struct baseline *baseline);

/* True if something would have to be evicted for this place to be learnt: all that was counted
 * before must be learnt first, or what is lightest could be another. */
bool baseline_would_evict(const struct baseline *baseline, const struct baseline_place *place);

/* Lets time pass before a flow is scored (online mode). True if all weights were halved and `unit`
 * with them: whoever keeps weights of its own beside must halve them too. */
bool baseline_age(struct baseline *baseline, int64_t notice_ns);

/* `own`: the weights to leave out, both 0 for none. */
void baseline_look(const struct baseline *baseline, const struct baseline_place *place,
                   struct baseline_weights own, struct baseline_view *view);

/* Unweighted surprise of the place's outcome for one feature, in hundredths of 2^-24 bit; >= 0. */
int64_t baseline_surprise(const struct baseline *baseline, const struct baseline_view *view,
                          const struct baseline_place *place, enum feature_id id);

/* A flow edited after it was learnt, among the same others: what it weighed lies at the place where
 * it was learnt, not at the edited one. */
struct baseline_edit {
    struct baseline_view view;
    const struct baseline_place *learnt_at;
    bool same_direction, same_service;
};

void baseline_look_edited(const struct baseline *baseline, const struct baseline_place *place,
                          const struct baseline_place *learnt_at, struct baseline_weights own,
                          struct baseline_edit *edit);

/* As baseline_surprise, of an edited place. */
int64_t baseline_surprise_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                                 const struct baseline_place *place, enum feature_id id);

/* Surprise in one scope alone, in 2^-24 bit, the own flow left out: p0 of the formulas above; and
 * within the service, by its own flows and without the 500 of all: (K*HS(b) + 50/16) / (NS + 17 *
 * 50/16), of a category (cS + 1/2) / (NS + VS/2), VS its values there and one more. */
int64_t baseline_bits_in_all(const struct baseline *baseline, const struct baseline_view *view,
                             const struct baseline_place *place, enum feature_id id);
int64_t baseline_bits_in_service(const struct baseline *baseline, const struct baseline_view *view,
                                 const struct baseline_place *place, enum feature_id id);

/* Flows of a category, each counted alike, in units; among all, and within the view's service. */
uint64_t baseline_category_flows(const struct baseline *baseline, enum feature_id id,
                                 uint64_t code);
uint64_t baseline_part_flows(const struct baseline_view *view, enum feature_id id, unsigned part);

/* The service with most flows, of equals the least code; UINT64_MAX: none is known. */
uint64_t baseline_usual_service(const struct baseline *baseline);

/* Milli-bits, to the nearest, of a surprise times quarter_weights / 4. */
static inline int32_t baseline_mbits(int64_t surprise, int quarter_weights)
{
    return (int32_t)((surprise * quarter_weights * 5 + LOG2_ONE) >> (LOG2_FRACTION_BITS + 1));
}

/* True if a feature can be compared within the flow's service in words: it is not the service
 * itself, and BASELINE_WORDS_FLOWS flows of it were learnt. */
enum { BASELINE_WORDS_FLOWS = 500 };
bool baseline_service_can_tell(const struct baseline *baseline, const struct baseline_view *view,
                               enum feature_id id);

/* Who the others are when one feature of a flow is compared in words: those of its service if they
 * can tell, and a category is at least as unusual among them as among all; else all. */
bool baseline_words_are_of_service(const struct baseline *baseline,
                                   const struct baseline_view *view,
                                   const struct baseline_place *place, enum feature_id id);

void baseline_outcome(const struct baseline *baseline, const struct baseline_view *view,
                      const struct baseline_place *place, enum feature_id id,
                      struct baseline_outcome *outcome);

/* The quantiles percents[i] / 100, which rise, of a numeric feature over those flows, as far as
 * they measured it, own weight left out, as steps: 0 and the powers of two (less one) lie on steps.
 * False if nobody did. */
bool baseline_quantiles(const struct baseline *baseline, const struct baseline_view *view,
                        const struct baseline_place *place, enum feature_id id,
                        const unsigned percents[], unsigned steps[], unsigned count);

const struct log2_table *baseline_log2_table(const struct baseline *baseline);
uint64_t baseline_unit(const struct baseline *baseline);    /* what a fresh flow weighs now */
uint64_t baseline_learnt(const struct baseline *baseline);  /* flows, ever */
uint64_t baseline_total(const struct baseline *baseline);   /* weight of all flows */
int64_t baseline_since_ns(const struct baseline *baseline); /* least notice time; 0: none */
uint64_t baseline_categories_evicted(const struct baseline *baseline);
uint64_t baseline_services_evicted(const struct baseline *baseline);
uint64_t baseline_memory_bytes(const struct baseline *baseline);

#endif
