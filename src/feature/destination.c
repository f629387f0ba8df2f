/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/destination.h"

#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct destination, key) == sizeof(struct recent_entry),
               "the key comes first");

void destination_enter(struct destination *destination)
{
    destination->flows++;
}

void destination_leave(struct destination *destination)
{
    destination->flows--;
}

void destination_count(struct destination *destination, uint32_t source_hash,
                       const struct horizon *horizon, struct sketch_pool *sketches)
{
    flow_minutes_count(&destination->minutes, horizon->minute);
    distinct_note(&destination->sources, sketches, source_hash, horizon);
}

void destination_measure(const struct destination *destination, const struct sketch_pool *sketches,
                         const struct horizon *horizon, struct feature_vector *vector)
{
    const struct sketch_counts sources = distinct_count(&destination->sources, sketches, horizon);
    vector_set(vector, FEATURE_DST_FLOWS_WINDOW, destination->flows);
    vector_set(vector, FEATURE_DST_SOURCES_WINDOW, sources.window);
    vector_set(vector, FEATURE_DST_FLOWS_10M, (double)flow_minutes_total(&destination->minutes));
    vector_set(vector, FEATURE_DST_SOURCES_10M, sources.ten_minutes);
}
