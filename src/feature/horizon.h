/* SPDX-License-Identifier: Apache-2.0 */
/* Where the past begins. Flows are numbered 1, 2, ... in hand-over order, so an age is a number
 * of flows and "inside the window" is one comparison of integers, exact to the flow: what was last
 * seen at flow n lies inside a horizon that begins at flow b if b <= n.
 *
 * The ten minutes are the current minute of trace time (floor(time / 60 s)) and the nine before
 * it, so they are nine to ten minutes long. Made by feature.c for each flow; a plain value. */
#ifndef WHYFLOW_FEATURE_HORIZON_H
#define WHYFLOW_FEATURE_HORIZON_H

#include <stdint.h>

enum { HORIZON_MINUTES = 10 };

struct minute_clock;

struct horizon {
    uint64_t now;         /* number of the flow being measured */
    uint64_t window;      /* first flow inside the window */
    uint64_t ten_minutes; /* first flow inside the ten minutes */
    uint32_t minute;      /* of trace time; wraps harmlessly, only differences are used */
    const struct minute_clock *clock; /* which minute an earlier flow was in */
};

/* What was last seen before this counts nowhere any more. */
static inline uint64_t horizon_oldest(const struct horizon *horizon)
{
    return horizon->window < horizon->ten_minutes ? horizon->window : horizon->ten_minutes;
}

#endif
