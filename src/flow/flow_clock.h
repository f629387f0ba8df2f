/* SPDX-License-Identifier: Apache-2.0 */
/* The table's time: the greatest packet time (or tick) so far, guarded against stamps that are
 * wrong. A stamp over an hour ahead or over a minute back is held until the next packet says
 * whether time has moved (it comes from the same side of the present, and not before the held one)
 * or the stamp was a stray. The next may lie hours after the held one: captures of quiet links, or
 * of several days in one file, are full of such. What is ahead at the end of the input is believed:
 * nothing speaks against it. Owned by the flow table. */
#ifndef WHYFLOW_FLOW_CLOCK_H
#define WHYFLOW_FLOW_CLOCK_H

#include "whyflow/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define FLOW_CLOCK_STEP_FORWARD_NS (INT64_C(3600) * 1000000000)
#define FLOW_CLOCK_STEP_BACK_NS (INT64_C(60) * 1000000000)

enum flow_clock_answer {
    FLOW_CLOCK_STEADY,   /* take the packet */
    FLOW_CLOCK_HELD,     /* the packet is kept in `held`: to be counted as a stray for now */
    FLOW_CLOCK_EARLIER,  /* both lie ahead, this one first: take it, then the held one */
    FLOW_CLOCK_FORWARD,  /* the held packet was right: take it, then this one */
    FLOW_CLOCK_BACKWARD, /* the same, and time was set back: end all flows first */
};

struct flow_clock {
    int64_t now_ns;
    uint32_t epoch; /* times set back so far */
    bool is_started;
    bool has_held;
    struct packet held;
};

/* now_ns never goes back but by flow_clock_believe. */
static inline void flow_clock_advance(struct flow_clock *clock, int64_t time_ns)
{
    if (!clock->is_started || time_ns > clock->now_ns)
        clock->now_ns = time_ns;
    clock->is_started = true;
}

/* Can a packet with this stamp follow one of now_ns without the clock having been set? */
static inline bool flow_clock_is_steady(const struct flow_clock *clock, int64_t time_ns)
{
    return time_ns <= clock->now_ns + FLOW_CLOCK_STEP_FORWARD_NS &&
           time_ns >= clock->now_ns - FLOW_CLOCK_STEP_BACK_NS;
}

/* The part of flow_clock_judge that few packets need. */
enum flow_clock_answer flow_clock_judge_step(struct flow_clock *clock, const struct packet *packet);

/* Judges a packet's stamp and moves now_ns on for FLOW_CLOCK_STEADY and EARLIER. For FORWARD and
 * BACKWARD nothing is moved: the caller ends flows where it must, calls flow_clock_believe, and
 * takes `held` and then the packet. A packet that was held before and is not believed stays a
 * stray. */
static inline enum flow_clock_answer flow_clock_judge(struct flow_clock *clock,
                                                      const struct packet *packet)
{
    const uint64_t ahead_ns = (uint64_t)(packet->time_ns - clock->now_ns);
    if (ahead_ns <= FLOW_CLOCK_STEP_FORWARD_NS) { /* as nearly always: no late packet */
        clock->now_ns = packet->time_ns;
        clock->is_started = true;
        clock->has_held = false;
        return FLOW_CLOCK_STEADY;
    }
    if (clock->is_started && !flow_clock_is_steady(clock, packet->time_ns))
        return flow_clock_judge_step(clock, packet);
    clock->has_held = false;
    flow_clock_advance(clock, packet->time_ns);
    return FLOW_CLOCK_STEADY;
}

/* Sets the time to the held packet's. */
void flow_clock_believe(struct flow_clock *clock);

#endif
