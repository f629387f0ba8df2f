/* SPDX-License-Identifier: Apache-2.0 */
/* A feature vector: what the feature room measured of one flow and its surroundings, from the past
 * and the flow itself alone. A plain value. */
#ifndef WHYFLOW_FEATURE_H
#define WHYFLOW_FEATURE_H

#include "whyflow/feature_list.h"

#include <stdbool.h>
#include <stdint.h>

enum feature_id {
#define FEATURE(id, name, label, unit, scale, low, high, family, meaning) FEATURE_##id,
    FEATURE_LIST(FEATURE)
#undef FEATURE
        FEATURE_COUNT
};

enum feature_scale { FEATURE_SCALE_LOG2, FEATURE_SCALE_LINEAR, FEATURE_SCALE_CATEGORY };

enum feature_family {
    FEATURE_FAMILY_SIZE,
    FEATURE_FAMILY_TIMING,
    FEATURE_FAMILY_WINDOW,
    FEATURE_FAMILY_CATEGORY,
    FEATURE_FAMILY_SERVICE_SIZE, /* a category weighted apart from the others */
    FEATURE_FAMILY_DIRECTION,
    FEATURE_FAMILY_COUNT
};

struct feature_info {
    const char *name;
    const char *label;
    const char *unit;
    enum feature_scale scale;
    double low, high;
    enum feature_family family;
    const char *meaning;
};

/* The list as data, indexed by enum feature_id. */
extern const struct feature_info feature_infos[FEATURE_COUNT];

/* True of what counts over a time: its name ends in "_window" or "_10m". */
bool feature_counts_over_time(enum feature_id id);

/* True of a feature and itself, and of two that count the same over two times. */
bool feature_counts_same(enum feature_id one, enum feature_id other);

/* Values of FEATURE_DIRECTION. */
enum feature_direction {
    FEATURE_DIRECTION_IN_IN,
    FEATURE_DIRECTION_IN_OUT,
    FEATURE_DIRECTION_OUT_IN,
    FEATURE_DIRECTION_OUT_OUT,
    FEATURE_DIRECTION_COUNT
};

/* Values of FEATURE_SRC_KNOWS_DST and FEATURE_SERVICE_KNOWS_DST. No finer classes of age: each
 * would be seen for the first time when a run has lasted so long, and look unusual then. */
enum feature_acquaintance {
    FEATURE_ACQUAINTANCE_NEW,
    FEATURE_ACQUAINTANCE_1MIN, /* under 1 minute */
    FEATURE_ACQUAINTANCE_LONGER,
    FEATURE_ACQUAINTANCE_COUNT
};

struct feature_vector {
    uint64_t present;            /* bit j: value[j] was measured; else it is missing */
    double value[FEATURE_COUNT]; /* in the feature's unit; a category's code. 0 where missing */

    /* What records name beside the features: the sample reports' window columns. */
    uint64_t src_packets_window;   /* forward packets of this source's flows in the window */
    uint64_t src_syn_flows_window; /* of those flows, how many the source opened with a SYN */

    /* For behaviours: how long this source has known this destination. */
    int64_t pair_age_ns; /* flow's start less that of the pair's first flow; -1: it is the first */

    /* For learning: flows of this pair in the last 60 s and since it is remembered, this one
     * included (>= 1). */
    uint32_t pair_flows_60s, pair_flows;
    uint64_t pair_id;      /* the same for a pair's flows as long as it is remembered, unique */
    uint16_t service_port; /* the better-known port; 0: neither is known */
    bool is_window_cut;    /* the window ring overflowed: window counts are too low */
};

static inline bool feature_is_present(const struct feature_vector *vector, enum feature_id id)
{
    return (vector->present >> id & 1) != 0;
}

/* A category's value in words for people and records, e.g. "tcp/443", "out_to_in", "new".
 * Writes at most `size` bytes with the NUL into `text`; returns `text`. Numeric features: "". */
const char *feature_category_text(enum feature_id id, double code, char *text, unsigned size);

_Static_assert(FEATURE_COUNT <= 64, "feature_vector.present holds 64 features");

#endif
