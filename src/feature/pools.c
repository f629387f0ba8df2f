/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/pools.h"

#include "feature/history.h"
#include "feature/pair.h"
#include "feature/source.h"

/* Hosts for each sketch: few hosts meet more than 16 others, or ports, in ten minutes. */
enum { HOSTS_PER_SKETCH = 8, SKETCHES_MIN = 16 };

/* A table's limit is at least 1. */
static uint32_t at_least_one(uint32_t limit)
{
    return limit > 0 ? limit : 1;
}

static uint32_t sketch_limit(uint32_t hosts)
{
    const uint32_t limit = hosts / HOSTS_PER_SKETCH;
    return limit > SKETCHES_MIN ? limit : SKETCHES_MIN;
}

/* A source counts peers and ports, a destination sources, a pair ports. */
static uint32_t counter_limit(uint32_t hosts, uint32_t pairs)
{
    const uint64_t limit = UINT64_C(3) * hosts + pairs;
    return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

bool pools_init(struct pools *pools, const struct feature_settings *settings)
{
    const uint32_t hosts = at_least_one(settings->max_hosts);
    const uint32_t pairs = at_least_one(settings->max_pairs);
    *pools = (struct pools){.sources.limit = 0};
    return block_pool_init(&pools->sources, sizeof(struct source_sums), hosts) &&
           block_pool_init(&pools->destinations, sizeof(struct history), hosts) &&
           block_pool_init(&pools->pairs, sizeof(struct pair_sums), pairs) &&
           protocol_pool_init(&pools->protocols, at_least_one(settings->max_window_flows)) &&
           distinct_pool_init(&pools->distincts, counter_limit(hosts, pairs),
                              sketch_limit(settings->max_hosts));
}

void pools_deinit(struct pools *pools)
{
    block_pool_deinit(&pools->sources);
    block_pool_deinit(&pools->destinations);
    block_pool_deinit(&pools->pairs);
    protocol_pool_deinit(&pools->protocols);
    distinct_pool_deinit(&pools->distincts);
}

void pools_clear(struct pools *pools)
{
    block_pool_clear(&pools->sources);
    block_pool_clear(&pools->destinations);
    block_pool_clear(&pools->pairs);
    protocol_pool_clear(&pools->protocols);
    distinct_pool_clear(&pools->distincts);
}

size_t pools_memory_bytes(const struct pools *pools)
{
    return block_pool_memory_bytes(&pools->sources) +
           block_pool_memory_bytes(&pools->destinations) + block_pool_memory_bytes(&pools->pairs) +
           protocol_pool_memory_bytes(&pools->protocols) +
           distinct_pool_memory_bytes(&pools->distincts);
}
