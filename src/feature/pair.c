/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/pair.h"

#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct pair, key) == sizeof(struct recent_entry), "the key comes first");

static void name_conversation(struct pair *pair, const struct flow_record *flow)
{
    pair->protocol = flow->protocol;
    pair->port = flow->destination_port;
}

/* The sums as they would be had they been there at the only flow so far. */
static void begin_with_only(struct pair *pair, const struct horizon *horizon,
                            const uint64_t sketch_key[2], struct pools *pools)
{
    struct pair_sums *const sums = pair_sums(pair, pools);
    const uint32_t port_hash = endpoint_sketch_port(sketch_key, pair->protocol, pair->port);
    history_begin(&sums->history, pair->entry.inserted, port_hash, horizon);
    rhythm_count(&sums->rhythm, pair->first_ns);
}

void pair_meet(struct pair *pair, const struct flow_record *flow, const struct horizon *horizon,
               const uint64_t sketch_key[2], struct pools *pools)
{
    const bool is_new = pair->entry.inserted == horizon->now;
    const bool had_none = is_new || pair->entry.inserted == 0; /* the latter: it was loaded */
    if (pair->sums != 0)
        return;
    if (had_none)
        name_conversation(pair, flow);
    if (is_new && flow->slice == 0)
        return;
    pair->sums = block_pool_take(&pools->pairs);
    if (!had_none)
        begin_with_only(pair, horizon, sketch_key, pools);
}

void pair_count(struct pair *pair, uint32_t port_hash, const struct horizon *horizon,
                struct pools *pools)
{
    if (pair->sums != 0)
        history_note(pair_history(pair, pools), &pools->distincts, port_hash, horizon);
}

void pair_release(struct pair *pair, struct pools *pools)
{
    if (pair->sums == 0)
        return;
    distinct_release(&pair_history(pair, pools)->things, &pools->distincts);
    block_pool_release(&pools->pairs, &pair->sums);
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
