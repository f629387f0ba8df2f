/* SPDX-License-Identifier: Apache-2.0 */
/* A pair: one source and one destination it went to: how often, to how many ports, and since when.
 * An entry of the engine's table of pairs; the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_PAIR_H
#define WHYFLOW_FEATURE_PAIR_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "feature/distinct.h"
#include "feature/minutes.h"
#include "whyflow/feature.h"

struct pair_key {
    uint8_t source[16], destination[16];
    uint8_t ip_version;
    uint8_t padding[3]; /* 0 */
};
_Static_assert(sizeof(struct pair_key) == 36, "a pair's key has no hidden padding");

/* Where the pair lies in its table, of its hosts' hashes. */
static inline uint32_t pair_hash(uint64_t source, uint64_t destination)
{
    return endpoint_hash_both(source, destination);
}

struct pair {
    struct recent_entry entry;
    struct pair_key key;
    uint32_t flows;   /* in the window */
    uint32_t total;   /* ever, while it is remembered; stays at its greatest value */
    int64_t first_ns; /* earliest start of its flows so far */
    struct flow_minutes minutes;
    struct distinct ports;
};

/* A flow of this pair enters the window, or leaves it. */
void pair_enter(struct pair *pair);
void pair_leave(struct pair *pair);
/* Counts the flow in ten minutes and in the distinct counter. */
void pair_count(struct pair *pair, uint32_t port_hash, const struct horizon *horizon,
                struct sketch_pool *sketches);
/* Writes all PAIR_ features. */
void pair_measure(const struct pair *pair, const struct sketch_pool *sketches,
                  const struct horizon *horizon, struct feature_vector *vector);
/* Flows of this pair in the 60 s up to now_ns, where the window has another length: those of the
 * current minute, and of the minute before it the share that 60 s still reach into. >= 1. */
uint32_t pair_flows_60s(const struct pair *pair, int64_t now_ns);

#endif
