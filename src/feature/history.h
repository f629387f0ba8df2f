/* SPDX-License-Identifier: Apache-2.0 */
/* What a pair or a destination takes from a pool when its second flow comes: how many flows in the
 * window and in ten minutes, and how many distinct things they had to do with (ports, sources).
 * Most pairs of a network, and in a flood all of them, have one flow only: then an entry's
 * number says all of this, and the entry is one line of memory instead of five. The thread that
 * calls feature_measure. */
#ifndef WHYFLOW_FEATURE_HISTORY_H
#define WHYFLOW_FEATURE_HISTORY_H

#include "feature/distinct.h"
#include "feature/minutes.h"

struct history {
    uint32_t flows; /* in the window */
    uint32_t total; /* ever, while it is remembered; stays at its greatest value */
    struct flow_minutes minutes;
    struct distinct things;
};

/* As of the flow measured, it included. */
struct history_counts {
    uint32_t flows, total, flows_10m;
    struct distinct_counts things;
    bool is_cut; /* things are lower bounds */
};

/* An empty history is told of its only flow so far, number `first`, whose thing this is. */
void history_begin(struct history *history, uint64_t first, uint32_t thing,
                   const struct horizon *horizon);
/* The flow horizon->now enters the window and is counted everywhere. */
void history_note(struct history *history, struct distinct_pool *pool, uint32_t thing,
                  const struct horizon *horizon);
/* NULL, here and below: the flow measured is the only one. */
struct history_counts history_count(const struct history *history, const struct distinct_pool *pool,
                                    const struct horizon *horizon);
/* Flows in the 60 s up to now_ns, where the window has another length: those of the current minute,
 * and of the minute before it the share that 60 s still reach into. >= 1. */
uint32_t history_flows_60s(const struct history *history, int64_t now_ns);

#endif
