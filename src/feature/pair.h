/* SPDX-License-Identifier: Apache-2.0 */
/* A pair: one source and one destination it went to: how often, to how many ports, and since when.
 * An entry of the engine's table of pairs; the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_PAIR_H
#define WHYFLOW_FEATURE_PAIR_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "feature/conversation.h"
#include "feature/history.h"
#include "feature/pools.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

struct pair_key {
    uint8_t source[16], destination[16];
    uint8_t ip_version;
};
_Static_assert(sizeof(struct pair_key) == 33, "a pair's key has no padding");

struct pair {
    struct recent_entry entry;
    struct pair_key key;
    uint8_t protocol; /* of its first flow, as the next: they name its first conversation */
    uint16_t port;    /* the responder's */
    uint32_t sums;    /* index in the pool; 0: it has one flow, entry.inserted, or none */
    int64_t first_ns; /* earliest start of its flows so far */
};
_Static_assert(sizeof(struct pair) == 64, "a pair is one line of memory");

/* Of a pair of several flows. */
struct pair_sums {
    struct history history;
    struct rhythm rhythm; /* of its first conversation */
};
_Static_assert(sizeof(struct pair_sums) == 128, "a pair's sums are two lines of memory");

/* The sums of a pair of several flows, else NULL. */
static inline struct pair_sums *pair_sums(const struct pair *pair, const struct pools *pools)
{
    return pair->sums == 0 ? NULL : block_pool_at(&pools->pairs, pair->sums);
}

static inline struct history *pair_history(const struct pair *pair, const struct pools *pools)
{
    struct pair_sums *const sums = pair_sums(pair, pools);
    return sums == NULL ? NULL : &sums->history;
}

/* The pair has this flow: takes sums unless it is the only one. Before first_ns is set by it.
 * `sketch_key`: hashes of ports are made with it. */
void pair_meet(struct pair *pair, const struct flow_record *flow, const struct horizon *horizon,
               const uint64_t sketch_key[2], struct pools *pools);
static inline bool pair_is_first_conversation(const struct pair *pair,
                                              const struct flow_record *flow)
{
    return pair->protocol == flow->protocol && pair->port == flow->destination_port;
}
/* A flow of this pair enters the window and is counted. */
void pair_count(struct pair *pair, uint32_t port_hash, const struct horizon *horizon,
                struct pools *pools);
/* Gives back what the pair took; it is about to be forgotten. */
void pair_release(struct pair *pair, struct pools *pools);
/* Writes all PAIR_ features, and pair_flows_60s as if that was the window. True if some are lower
 * bounds. */
bool pair_measure(const struct pair *pair, const struct pools *pools, const struct horizon *horizon,
                  struct feature_vector *vector);

#endif
