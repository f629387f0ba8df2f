/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/history.h"

void history_begin(struct history *history, uint64_t first, uint32_t thing,
                   const struct horizon *horizon)
{
    uint32_t minute;
    history->flows = first >= horizon->window;
    history->total = 1;
    if (minute_clock_find(horizon->clock, first, &minute))
        flow_minutes_count(&history->minutes, minute);
    distinct_begin(&history->things, thing, first);
}

void history_note(struct history *history, struct distinct_pool *pool, uint32_t thing,
                  const struct horizon *horizon)
{
    history->flows++;
    history->total += history->total < UINT32_MAX;
    flow_minutes_count(&history->minutes, horizon->minute);
    distinct_note(&history->things, pool, thing, horizon);
}

struct history_counts history_count(const struct history *history, const struct distinct_pool *pool,
                                    const struct horizon *horizon)
{
    if (history == NULL)
        return (struct history_counts){.flows = 1, .total = 1, .flows_10m = 1, .things = {1, 1}};
    return (struct history_counts){
        .flows = history->flows,
        .total = history->total,
        .flows_10m = history->minutes.total,
        .things = distinct_count(&history->things, pool, horizon),
        .is_cut = distinct_is_cut(&history->things, pool, horizon),
    };
}

uint32_t history_flows_60s(const struct history *history, int64_t now_ns)
{
    if (history == NULL)
        return 1;
    const int64_t second_ns = INT64_C(1000000000);
    const uint64_t seconds_left = 60 - (uint64_t)(now_ns / second_ns % 60 + 60) % 60;
    const uint64_t previous = flow_minutes_previous(&history->minutes);
    return flow_minutes_current(&history->minutes) + (uint32_t)(previous * seconds_left / 60);
}
