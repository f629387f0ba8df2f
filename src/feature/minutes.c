/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/minutes.h"

static const int64_t MINUTE_NS = INT64_C(60000000000);

static int64_t minute_of(int64_t now_ns)
{
    const int64_t minute = now_ns / MINUTE_NS;
    return minute - (now_ns % MINUTE_NS < 0);
}

static int64_t end_of(int64_t minute)
{
    return minute < INT64_MAX / MINUTE_NS ? (minute + 1) * MINUTE_NS : INT64_MAX;
}

/* The bucket of a minute; also for minutes before 1970. */
static unsigned clock_index(int64_t minute)
{
    const int64_t rest = minute % HORIZON_MINUTES;
    return (unsigned)(rest < 0 ? rest + HORIZON_MINUTES : rest);
}

void minute_clock_reset(struct minute_clock *clock, int64_t now_ns, uint64_t number)
{
    clock->minute = minute_of(now_ns);
    clock->end_ns = end_of(clock->minute);
    for (unsigned i = 0; i < HORIZON_MINUTES; i++)
        clock->first[i] = number;
}

void minute_clock_advance(struct minute_clock *clock, int64_t now_ns, uint64_t number)
{
    if (now_ns < clock->end_ns)
        return;
    const int64_t minute = minute_of(now_ns);
    if (minute - clock->minute >= HORIZON_MINUTES) {
        minute_clock_reset(clock, now_ns, number);
        return;
    }
    while (clock->minute < minute)
        clock->first[clock_index(++clock->minute)] = number;
    clock->end_ns = end_of(minute);
}

uint64_t minute_clock_first(const struct minute_clock *clock)
{
    return clock->first[clock_index(clock->minute - (HORIZON_MINUTES - 1))];
}

bool minute_clock_find(const struct minute_clock *clock, uint64_t number, uint32_t *minute)
{
    for (int64_t m = clock->minute; m > clock->minute - HORIZON_MINUTES; m--) {
        *minute = (uint32_t)m;
        if (clock->first[clock_index(m)] <= number)
            return true;
    }
    return false;
}

unsigned minutes_advance(uint32_t *newest, uint32_t minute)
{
    const uint32_t passed = minute - *newest;
    *newest = minute;
    return passed < HORIZON_MINUTES ? passed : HORIZON_MINUTES;
}

void flow_minutes_count(struct flow_minutes *minutes, uint32_t minute)
{
    const unsigned passed = minutes_advance(&minutes->newest, minute);
    for (unsigned i = 0; i < passed; i++) {
        uint32_t *const flows = &minutes->flows[(minute - i) % HORIZON_MINUTES];
        minutes->total -= *flows;
        *flows = 0;
    }
    minutes->flows[minute % HORIZON_MINUTES]++;
    minutes->total++;
}

uint32_t flow_minutes_current(const struct flow_minutes *minutes)
{
    return minutes->flows[minutes->newest % HORIZON_MINUTES];
}

uint32_t flow_minutes_previous(const struct flow_minutes *minutes)
{
    return minutes->flows[(minutes->newest - 1) % HORIZON_MINUTES];
}
