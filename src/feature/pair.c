/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/pair.h"

#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct pair, key) == sizeof(struct recent_entry), "the key comes first");

void pair_enter(struct pair *pair)
{
    pair->flows++;
}

void pair_leave(struct pair *pair)
{
    pair->flows--;
}

void pair_count(struct pair *pair, uint32_t port_hash, const struct horizon *horizon,
                struct sketch_pool *sketches)
{
    pair->total += pair->total < UINT32_MAX;
    flow_minutes_count(&pair->minutes, horizon->minute);
    distinct_note(&pair->ports, sketches, port_hash, horizon);
}

void pair_measure(const struct pair *pair, const struct sketch_pool *sketches,
                  const struct horizon *horizon, struct feature_vector *vector)
{
    const struct sketch_counts ports = distinct_count(&pair->ports, sketches, horizon);
    vector->pair_flows = pair->total;
    vector->pair_id = pair->entry.inserted;
    vector_set(vector, FEATURE_PAIR_FLOWS_WINDOW, pair->flows);
    vector_set(vector, FEATURE_PAIR_PORTS_WINDOW, ports.window);
    vector_set(vector, FEATURE_PAIR_FLOWS_10M, (double)flow_minutes_total(&pair->minutes));
    vector_set(vector, FEATURE_PAIR_PORTS_10M, ports.ten_minutes);
}

uint32_t pair_flows_60s(const struct pair *pair, int64_t now_ns)
{
    const int64_t second_ns = INT64_C(1000000000);
    const uint64_t seconds_left = 60 - (uint64_t)(now_ns / second_ns % 60 + 60) % 60;
    const uint64_t previous = flow_minutes_previous(&pair->minutes);
    return flow_minutes_current(&pair->minutes) + (uint32_t)(previous * seconds_left / 60);
}
