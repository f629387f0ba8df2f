/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_clock.h"

#include <assert.h>

enum flow_clock_answer flow_clock_judge_step(struct flow_clock *clock, const struct packet *packet)
{
    const int64_t time_ns = packet->time_ns;
    const bool is_same_side = (time_ns > clock->now_ns) == (clock->held.time_ns > clock->now_ns);
    if (clock->has_held && is_same_side && time_ns >= clock->held.time_ns - FLOW_CLOCK_STEP_BACK_NS)
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
