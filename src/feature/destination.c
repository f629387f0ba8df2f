/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/destination.h"

#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct destination, key) == sizeof(struct recent_entry),
               "the key comes first");

static void begin_history(struct destination *destination, const struct horizon *horizon,
                          struct pools *pools)
{
    destination->history = block_pool_take(&pools->destinations);
    history_begin(destination_history(destination, pools), destination->entry.inserted,
                  destination->source_hash, horizon);
}

void destination_count(struct destination *destination, uint32_t source_hash,
                       const struct horizon *horizon, struct pools *pools)
{
    if (destination->entry.inserted == horizon->now) {
        destination->source_hash = source_hash;
        return;
    }
    if (destination->history == 0)
        begin_history(destination, horizon, pools);
    history_note(destination_history(destination, pools), &pools->distincts, source_hash, horizon);
}

bool destination_measure(const struct destination *destination, const struct pools *pools,
                         const struct horizon *horizon, struct feature_vector *vector)
{
    const struct history_counts counts =
        history_count(destination_history(destination, pools), &pools->distincts, horizon);
    vector_set(vector, FEATURE_DST_FLOWS_WINDOW, counts.flows);
    vector_set(vector, FEATURE_DST_SOURCES_WINDOW, counts.things.window);
    vector_set(vector, FEATURE_DST_FLOWS_10M, counts.flows_10m);
    vector_set(vector, FEATURE_DST_SOURCES_10M, counts.things.ten_minutes);
    return counts.is_cut;
}
