/* SPDX-License-Identifier: Apache-2.0 */
/* Flows, bytes and alerts over time. See the header. */
#include "report/timeline.h"

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)

/* Each a multiple of the one before: beyond the last they double. */
static const int64_t step_lengths_ns[] = {SECOND_NS / 10, SECOND_NS / 2,  SECOND_NS, 2 * SECOND_NS,
                                          10 * SECOND_NS, 30 * SECOND_NS, MINUTE_NS, 5 * MINUTE_NS,
                                          10 * MINUTE_NS, 30 * MINUTE_NS, HOUR_NS,   3 * HOUR_NS,
                                          12 * HOUR_NS,   24 * HOUR_NS};

void timeline_init(struct timeline *timeline)
{
    *timeline = (struct timeline){.step_ns = step_lengths_ns[0]};
}

static int64_t next_length_ns(int64_t step_ns)
{
    for (size_t i = 0; i < sizeof step_lengths_ns / sizeof step_lengths_ns[0]; i++)
        if (step_lengths_ns[i] > step_ns)
            return step_lengths_ns[i];
    return 2 * step_ns;
}

static void step_add(struct timeline_step *step, const struct timeline_step *what)
{
    step->flows += what->flows;
    step->ip_bytes += what->ip_bytes;
    step->alerts += what->alerts;
}

/* Moves everything to steps of `step_ns`, the first of them `first_step`. */
static void rebuild(struct timeline *timeline, int64_t step_ns, int64_t first_step,
                    int64_t last_step)
{
    const struct timeline old = *timeline;
    *timeline = (struct timeline){.step_ns = step_ns,
                                  .first_step = first_step,
                                  .last_step = last_step,
                                  .has_any = old.has_any};
    const int64_t factor = step_ns / old.step_ns;
    for (size_t i = 0; i < timeline_step_count(&old); i++) {
        const int64_t step = (old.first_step + (int64_t)i) / factor;
        step_add(&timeline->steps[step - first_step], &old.steps[i]);
    }
}

static void make_room(struct timeline *timeline, int64_t time_ns)
{
    int64_t step_ns = timeline->step_ns;
    for (;; step_ns = next_length_ns(step_ns)) {
        const int64_t step = time_ns / step_ns;
        const int64_t factor = step_ns / timeline->step_ns;
        int64_t first = timeline->has_any ? timeline->first_step / factor : step;
        int64_t last = timeline->has_any ? timeline->last_step / factor : step;
        first = step < first ? step : first;
        last = step > last ? step : last;
        if (last - first >= TIMELINE_STEPS_MAX)
            continue;
        if (first != timeline->first_step || step_ns != timeline->step_ns || !timeline->has_any)
            rebuild(timeline, step_ns, first, last);
        timeline->last_step = last;
        timeline->has_any = true;
        return;
    }
}

void timeline_add(struct timeline *timeline, int64_t time_ns, struct timeline_step what)
{
    if (time_ns < 0)
        return;
    make_room(timeline, time_ns);
    step_add(&timeline->steps[time_ns / timeline->step_ns - timeline->first_step], &what);
}

/* How much of `total` has come when `passed_ns` of `span_ns` have passed, rounded down: what falls
 * between two times is the difference, and the differences add up exactly. */
static uint64_t share_of(uint64_t total, int64_t passed_ns, int64_t span_ns)
{
    return (uint64_t)((unsigned __int128)total * (uint64_t)passed_ns / (uint64_t)span_ns);
}

static struct timeline_step part_of(const struct timeline_step *what, int64_t passed_ns,
                                    int64_t span_ns)
{
    return (struct timeline_step){.flows = share_of(what->flows, passed_ns, span_ns),
                                  .ip_bytes = share_of(what->ip_bytes, passed_ns, span_ns),
                                  .alerts = share_of(what->alerts, passed_ns, span_ns)};
}

void timeline_spread(struct timeline *timeline, int64_t from_ns, int64_t to_ns,
                     struct timeline_step what)
{
    if (from_ns < 0 || to_ns <= from_ns) {
        timeline_add(timeline, to_ns, what);
        return;
    }
    timeline_add(timeline, to_ns - 1, (struct timeline_step){0});
    timeline_add(timeline, from_ns, (struct timeline_step){0});
    struct timeline_step before = {0};
    for (int64_t step = from_ns / timeline->step_ns; step <= (to_ns - 1) / timeline->step_ns;
         step++) {
        const int64_t end_ns = (step + 1) * timeline->step_ns;
        const int64_t passed_ns = (end_ns < to_ns ? end_ns : to_ns) - from_ns;
        const struct timeline_step until = part_of(&what, passed_ns, to_ns - from_ns);
        step_add(&timeline->steps[step - timeline->first_step],
                 &(struct timeline_step){.flows = until.flows - before.flows,
                                         .ip_bytes = until.ip_bytes - before.ip_bytes,
                                         .alerts = until.alerts - before.alerts});
        before = until;
    }
}

size_t timeline_step_count(const struct timeline *timeline)
{
    return timeline->has_any ? (size_t)(timeline->last_step - timeline->first_step) + 1 : 0;
}
