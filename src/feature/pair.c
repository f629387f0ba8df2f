/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/pair.h"

#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct pair, key) == sizeof(struct recent_entry), "the key comes first");

static void begin_history(struct pair *pair, const struct pair_sight *sight,
                          const struct horizon *horizon, struct pools *pools)
{
    const uint32_t first_hash =
        (uint32_t)endpoint_hash_port(sight->sketch_key, pair->protocol, pair->port);
    pair->history = block_pool_take(&pools->pairs);
    history_begin(pair_history(pair, pools), &pair->entry, first_hash, horizon);
}

void pair_count(struct pair *pair, const struct pair_sight *sight, const struct horizon *horizon,
                struct pools *pools)
{
    if (pair->entry.inserted == horizon->now) {
        pair->protocol = sight->flow->protocol;
        pair->port = sight->flow->destination_port;
        return;
    }
    if (pair->history == 0)
        begin_history(pair, sight, horizon, pools);
    history_note(pair_history(pair, pools), &pools->distincts, sight->port_hash, horizon);
}

bool pair_measure(const struct pair *pair, const struct pools *pools, const struct horizon *horizon,
                  struct feature_vector *vector)
{
    const struct history_counts counts =
        history_count(pair_history(pair, pools), &pools->distincts, horizon);
    vector->pair_flows = counts.total;
    vector->pair_flows_60s = counts.flows;
    vector->pair_id = pair->entry.inserted;
    vector_set(vector, FEATURE_PAIR_FLOWS_WINDOW, counts.flows);
    vector_set(vector, FEATURE_PAIR_PORTS_WINDOW, counts.things.window);
    vector_set(vector, FEATURE_PAIR_FLOWS_10M, counts.flows_10m);
    vector_set(vector, FEATURE_PAIR_PORTS_10M, counts.things.ten_minutes);
    return counts.is_cut;
}
