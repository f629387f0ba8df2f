/* SPDX-License-Identifier: Apache-2.0 */
/* Ten one-minute buckets: how many flows in the current minute and the nine before it. And the
 * clock that says which flow number each of those minutes began with. Used by the sources,
 * destinations and pairs of this room, on the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_MINUTES_H
#define WHYFLOW_FEATURE_MINUTES_H

#include "feature/horizon.h"

#include <stdbool.h>
#include <stdint.h>

struct minute_clock {
    int64_t minute, end_ns;          /* the current one, and when it is over */
    uint64_t first[HORIZON_MINUTES]; /* number of the first flow of a minute, at minute % 10 */
};

/* All ten minutes begin now, with flow `number`. */
void minute_clock_reset(struct minute_clock *clock, int64_t now_ns, uint64_t number);
/* now_ns never goes back between two resets. */
void minute_clock_advance(struct minute_clock *clock, int64_t now_ns, uint64_t number);
/* Number of the first flow of the ten minutes. */
uint64_t minute_clock_first(const struct minute_clock *clock);
/* The minute that flow `number` was in; false if it was before the ten. */
bool minute_clock_find(const struct minute_clock *clock, uint64_t number, uint32_t *minute);

/* Moves *newest on to `minute`; returns how many buckets that leaves behind (at most 10): those of
 * the minutes after the old *newest, which the caller clears. */
unsigned minutes_advance(uint32_t *newest, uint32_t minute);

struct flow_minutes {
    uint32_t newest;
    uint32_t total;                  /* of the ten */
    uint32_t flows[HORIZON_MINUTES]; /* at minute % 10 */
};

void flow_minutes_count(struct flow_minutes *minutes, uint32_t minute);
/* Of the newest minute, and of the one before it. */
uint32_t flow_minutes_current(const struct flow_minutes *minutes);
uint32_t flow_minutes_previous(const struct flow_minutes *minutes);

#endif
