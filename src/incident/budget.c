/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/budget.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

/* 73 years, and 8 times that still fits. */
#define COST_MOST_NS 0x1p59

void budget_init(struct budget *budget, double incidents_per_hour, unsigned least_incidents)
{
    *budget = (struct budget){.gain = BUDGET_GAIN_FIRST};
    if (!(incidents_per_hour > 0))
        return;
    double cost = (double)HOUR_NS / incidents_per_hour;
    if (cost < 1)
        cost = 1;
    if (cost > COST_MOST_NS)
        cost = COST_MOST_NS;
    budget->cost_ns = (int64_t)cost;
    const int64_t least_ns = budget->cost_ns * (int64_t)least_incidents;
    budget->capacity_ns = least_ns > BUDGET_SPAN_NS ? least_ns : BUDGET_SPAN_NS;
}

static int64_t elapsed_ns(struct budget *budget, int64_t notice_ns)
{
    const int64_t elapsed = budget->has_now ? notice_ns - budget->now_ns : 0;
    budget->has_now = true;
    budget->now_ns = notice_ns;
    return elapsed > 0 ? elapsed : 0;
}

/* Time without flows says nothing about alpha: at most one incident's worth a flow counts. */
static void raise_gain(struct budget *budget, int64_t elapsed)
{
    if (!budget->adapts || budget->cost_ns == 0)
        return;
    const int64_t counted = elapsed < budget->cost_ns ? elapsed : budget->cost_ns;
    budget->gain *= 1 + BUDGET_GAIN_STEP * (double)counted / (double)budget->cost_ns;
    if (budget->gain > BUDGET_GAIN_MOST)
        budget->gain = BUDGET_GAIN_MOST;
}

static void lower_gain(struct budget *budget)
{
    if (!budget->adapts)
        return;
    budget->gain /= 1 + BUDGET_GAIN_STEP;
    if (budget->gain < BUDGET_GAIN_LEAST)
        budget->gain = BUDGET_GAIN_LEAST;
}

void budget_flow(struct budget *budget, int64_t notice_ns)
{
    const int64_t elapsed = elapsed_ns(budget, notice_ns);
    const int64_t room = budget->capacity_ns - budget->level_ns;
    budget->level_ns += elapsed < room ? elapsed : room;
    raise_gain(budget, elapsed);
    budget->rate_span_ns += elapsed;
    budget->rate_flows++;
    while (budget->rate_span_ns >= BUDGET_SPAN_NS) {
        budget->rate_span_ns /= 2;
        budget->rate_flows = (budget->rate_flows + 1) / 2;
    }
}

void budget_expect(struct budget *budget, uint64_t flows, int64_t span_ns)
{
    const double expected = (double)flows / (double)span_ns * (double)BUDGET_KNOWN_NS;
    budget->rate_span_ns = BUDGET_KNOWN_NS;
    budget->rate_flows = expected < 1        ? 1
                         : expected < 0x1p62 ? (uint64_t)expected
                                             : UINT64_C(1) << 62;
}

void budget_fill(struct budget *budget)
{
    budget->level_ns = budget->capacity_ns;
    budget->adapts = true;
}

bool budget_spend(struct budget *budget)
{
    lower_gain(budget);
    if (budget->cost_ns == 0 || budget->level_ns < budget->cost_ns)
        return false;
    budget->level_ns -= budget->cost_ns;
    return true;
}

double budget_alpha(const struct budget *budget)
{
    if (budget->cost_ns == 0 || budget->rate_flows == 0)
        return 0;
    const double incidents = (double)budget->rate_span_ns / (double)budget->cost_ns;
    const double plain = incidents / (double)budget->rate_flows;
    const double most = plain > BUDGET_GAINED_ALPHA_MOST ? plain : BUDGET_GAINED_ALPHA_MOST;
    double alpha = plain * budget->gain;
    if (alpha > most)
        alpha = most;
    return alpha < 1 ? alpha : 1;
}

double budget_incidents(const struct budget *budget)
{
    return budget->cost_ns == 0 ? 0 : (double)budget->level_ns / (double)budget->cost_ns;
}
