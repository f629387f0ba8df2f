/* SPDX-License-Identifier: Apache-2.0 */
/* What entries of the room's tables take when one line of memory does not hold any more what there
 * is to know of them. Each pool has a block for every entry that could ask. Owned by a feature
 * engine, the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_POOLS_H
#define WHYFLOW_FEATURE_POOLS_H

#include "feature/block_pool.h"
#include "feature/distinct.h"
#include "feature/protocol_mix.h"
#include "whyflow/settings.h"

struct pools {
    struct block_pool sources;      /* struct source_sums */
    struct block_pool destinations; /* struct history */
    struct block_pool pairs;        /* struct pair_sums */
    struct protocol_pool protocols;
    struct distinct_pool distincts;
};

bool pools_init(struct pools *pools, const struct feature_settings *settings);
void pools_deinit(struct pools *pools);
void pools_clear(struct pools *pools); /* all is free; entries are not told */
size_t pools_memory_bytes(const struct pools *pools);

#endif
