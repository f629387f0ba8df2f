/* SPDX-License-Identifier: Apache-2.0 */
/* Flows, bytes and alerts over time, in a fixed number of equal steps whose length follows the
 * input: it starts at 0.1 s and grows, each length a multiple of the one before, so that steps
 * are only ever joined. The result depends on the span of the times alone, not on their order.
 * Owned by the collection, on whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_TIMELINE_H
#define WHYFLOW_REPORT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_STEPS_MAX = 240 };

struct timeline_step {
    uint64_t flows, ip_bytes, alerts;
};

struct timeline {
    struct timeline_step steps[TIMELINE_STEPS_MAX];
    int64_t step_ns;
    int64_t first_step; /* steps[0] starts at first_step * step_ns */
    int64_t last_step;
    bool has_any;
};

void timeline_init(struct timeline *timeline);

/* What happened at a time; times before 1970 are left out. */
void timeline_add(struct timeline *timeline, int64_t time_ns, struct timeline_step what);

/* What happened between two times, spread evenly. */
void timeline_spread(struct timeline *timeline, int64_t from_ns, int64_t to_ns,
                     struct timeline_step what);

/* Steps from the first to the last that anything fell into; 0 if nothing did. */
size_t timeline_step_count(const struct timeline *timeline);

#endif
