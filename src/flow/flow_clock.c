/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_clock.h"

#include <assert.h>

#define STEP_FORWARD_NS (INT64_C(3600) * 1000000000)
#define STEP_BACK_NS (INT64_C(60) * 1000000000)

/* Can a packet with this stamp follow one at reference_ns without the clock having been set? */
static bool is_steady(int64_t time_ns, int64_t reference_ns)
{
    return time_ns <= reference_ns + STEP_FORWARD_NS && time_ns >= reference_ns - STEP_BACK_NS;
}

enum flow_clock_answer flow_clock_judge(struct flow_clock *clock, const struct packet *packet)
{
    const int64_t time_ns = packet->time_ns;
    if (!clock->is_started || is_steady(time_ns, clock->now_ns)) {
        clock->has_held = false;
        flow_clock_advance(clock, time_ns);
        return FLOW_CLOCK_STEADY;
    }
    const bool is_same_side = (time_ns > clock->now_ns) == (clock->held.time_ns > clock->now_ns);
    if (clock->has_held && is_same_side && time_ns >= clock->held.time_ns - STEP_BACK_NS)
        return clock->held.time_ns < clock->now_ns ? FLOW_CLOCK_BACKWARD : FLOW_CLOCK_FORWARD;
    if (clock->has_held && is_same_side && time_ns > clock->now_ns) {
        flow_clock_advance(clock, time_ns);
        return FLOW_CLOCK_EARLIER;
    }
    clock->held = *packet;
    clock->has_held = true;
    return FLOW_CLOCK_HELD;
}

void flow_clock_believe(struct flow_clock *clock)
{
    assert(clock->has_held);
    if (clock->held.time_ns < clock->now_ns)
        clock->epoch++;
    clock->now_ns = clock->held.time_ns;
    clock->has_held = false;
}
