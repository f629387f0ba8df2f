/* SPDX-License-Identifier: Apache-2.0 */
/* A destination: how many flows and sources came to one responder in the window and in the last
 * ten minutes. An entry of the engine's table of destinations; the thread that calls
 * feature_measure. */
#ifndef WHYFLOW_FEATURE_DESTINATION_H
#define WHYFLOW_FEATURE_DESTINATION_H

#include "feature/history.h"
#include "feature/pools.h"
#include "feature/source.h"

struct destination {
    struct recent_entry entry;
    struct host_key key;
    uint32_t history;     /* index in the pool; 0: it has one flow, entry.inserted */
    uint32_t source_hash; /* of that flow */
};

/* The history of a destination of several flows, else NULL. */
static inline struct history *destination_history(const struct destination *destination,
                                                  const struct pools *pools)
{
    return destination->history == 0 ? NULL
                                     : block_pool_at(&pools->destinations, destination->history);
}

/* A flow to this destination enters the window and is counted. */
void destination_count(struct destination *destination, uint32_t source_hash,
                       const struct horizon *horizon, struct pools *pools);
/* Writes all DST_ features. True if some are lower bounds. */
bool destination_measure(const struct destination *destination, const struct pools *pools,
                         const struct horizon *horizon, struct feature_vector *vector);

#endif
