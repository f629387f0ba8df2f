/* SPDX-License-Identifier: Apache-2.0 */
/* What a baseline is made of. For the files of this room that implement baseline.h: baseline.c (its
 * life, places, learning, age), baseline_learn.c (how a lesson gets into the
 * sums), baseline_surprise.c (how
 * improbable an outcome is), baseline_words.c (what is said of it) and baseline_saved.c (its sums,
 * to be saved and added). */
#ifndef WHYFLOW_ANOMALY_BASELINE_INSIDE_H
#define WHYFLOW_ANOMALY_BASELINE_INSIDE_H

#include "anomaly/baseline.h"
#include "anomaly/baseline_axis.h"

enum { WEIGHT_TABLE_SIZE = 256 };

/* What a flow weighs by the flows of its pair. */
struct flood_weight {
    int64_t exponent; /* gamma in 2^-24 */
    uint32_t weight_of[WEIGHT_TABLE_SIZE];
};

struct baseline {
    struct log2_table log2_table;
    uint64_t slot[BASELINE_SCOPE_COUNT][FEATURE_COUNT][HISTOGRAM_SLOT_COUNT];
    uint64_t total[BASELINE_SCOPE_COUNT];
    uint64_t measured[FEATURE_COUNT]; /* in units, without flood weights */
    /* Scope 0 again, 16 times as fine, in units: what words say is of flows, each counted alike. */
    uint64_t fine[FEATURE_COUNT][BASELINE_STEP_COUNT];
    uint64_t flows; /* in units */
    struct category_table *categories;
    struct service_table *services;
    struct pending_bins *pending; /* of a capture; NULL: lessons are added at once */
    struct baseline_axes axes;

    uint64_t unit;
    uint64_t bin_prior;      /* 50/16 flows, in weight */
    uint64_t category_prior; /* twice half a flow, in weight */
    uint64_t scope_prior;    /* 500 flows, in weight */
    struct flood_weight flood, service_flood;

    uint64_t learnt;
    int64_t since_ns, until_ns; /* least and greatest notice time */

    unsigned step;
    uint64_t step_flows, step_flows_needed;
    int64_t step_start_ns, step_needed_ns;
};

/* Sets the unit, and everything that is counted in flows, to the weight of a flow at this step. */
void baseline_set_step(struct baseline *baseline, unsigned step);

/* ---- baseline_learn.c ---- */

bool baseline_open_pending(struct baseline *baseline); /* false: no memory */
uint64_t baseline_pending_bytes(const struct baseline *baseline);

/* Learns each feature's outcome, in `service` too unless it is NULL: at once or, once
 * baseline_settle is called, later. */
void baseline_learn_outcomes(struct baseline *baseline, struct service_scope *service,
                             const struct baseline_place *place,
                             const struct baseline_lessons *lessons);

/* Learns what waits for this service, before it is evicted. */
void baseline_settle_service(struct baseline *baseline, const struct service_scope *service);

/* ---- places and sums ---- */

static inline struct category_key category_of(const struct baseline_place *place, unsigned j)
{
    const unsigned i = j - BASELINE_NUMERIC_COUNT;
    return (struct category_key){
        .code = place->code[i], .feature = j, .is_missing = place->missing >> i & 1};
}

/* The sums of the place's category; NULL: never seen. */
static inline const uint64_t *find_category(const struct baseline *baseline,
                                            const struct baseline_place *place, unsigned j)
{
    const struct category_key key = category_of(place, j);
    return category_table_find(baseline->categories, &key);
}

static inline unsigned place_part(const struct baseline_place *place, unsigned j)
{
    return place->part[j - BASELINE_NUMERIC_COUNT];
}

/* True if no place to be learnt could evict a category. */
static inline bool baseline_has_room(const struct baseline *baseline)
{
    const struct category_table *const categories = baseline->categories;
    return category_table_count(categories) + BASELINE_CATEGORY_COUNT <=
           category_table_max(categories);
}

/* "direction" within a direction says nothing: it is kept over all flows only. */
static inline unsigned category_scope(unsigned j, unsigned scope)
{
    return j == FEATURE_DIRECTION ? 0 : scope;
}

/* What is left of a sum without the flow's own part. With evictions a category may have lost that
 * part before: then nothing is left to take. */
static inline uint64_t without(uint64_t sum, uint64_t own)
{
    return sum > own ? sum - own : 0;
}

static inline uint64_t smoothed_without(const uint64_t slot[HISTOGRAM_SLOT_COUNT], unsigned bin,
                                        uint64_t own_weight)
{
    return without(histogram_smoothed(slot, bin), histogram_own(bin, own_weight));
}

/* A flow that is alone in its category takes the category out with it: that is one code fewer. */
static inline uint64_t distinct_others(const struct baseline *baseline,
                                       const struct baseline_view *view, unsigned j,
                                       const uint64_t *weight)
{
    const uint64_t distinct = category_table_distinct(baseline->categories, (enum feature_id)j);
    const bool is_alone = view->own.all > 0 && weight != NULL && weight[0] == view->own.all;
    return is_alone ? distinct - 1 : distinct;
}

#endif
