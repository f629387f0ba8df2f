/* SPDX-License-Identifier: Apache-2.0 */
/* A pair: one source and one destination it went to: how often, to how many ports, and since when.
 * An entry of the engine's table of pairs; the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_PAIR_H
#define WHYFLOW_FEATURE_PAIR_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "feature/history.h"
#include "feature/pools.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

struct pair_key {
    uint8_t source[16], destination[16];
    uint8_t ip_version;
};
_Static_assert(sizeof(struct pair_key) == 33, "a pair's key has no padding");

/* Where the pair lies in its table, of its hosts' hashes. */
static inline uint32_t pair_hash(uint64_t source, uint64_t destination)
{
    return endpoint_hash_both(source, destination);
}

struct pair {
    struct recent_entry entry;
    struct pair_key key;
    uint8_t protocol; /* of its first flow, to know its port's hash when a second comes */
    uint16_t port;
    uint32_t history; /* index in the pool; 0: it has one flow, entry.inserted, or none */
    int64_t first_ns; /* earliest start of its flows so far */
};
_Static_assert(sizeof(struct pair) == 64, "a pair is one line of memory");

/* What a pair is told of a flow. */
struct pair_sight {
    const struct flow_record *flow;
    uint32_t port_hash;
    const uint64_t *sketch_key; /* with which such hashes are made */
};

/* The history of a pair of several flows, else NULL. */
static inline struct history *pair_history(const struct pair *pair, const struct pools *pools)
{
    return pair->history == 0 ? NULL : block_pool_at(&pools->pairs, pair->history);
}

/* A flow of this pair enters the window and is counted. */
void pair_count(struct pair *pair, const struct pair_sight *sight, const struct horizon *horizon,
                struct pools *pools);
/* Writes all PAIR_ features, and pair_flows_60s as if that was the window. True if some are lower
 * bounds. */
bool pair_measure(const struct pair *pair, const struct pools *pools, const struct horizon *horizon,
                  struct feature_vector *vector);

#endif
