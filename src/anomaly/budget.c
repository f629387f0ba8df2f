/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/budget.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

void budget_init(struct budget *budget, double alerts_per_hour)
{
    *budget = (struct budget){.cost_ns = 0};
    if (!(alerts_per_hour > 0))
        return;
    double cost = (double)HOUR_NS / alerts_per_hour;
    if (cost < 1)
        cost = 1;
    if (cost > 0x1p61)
        cost = 0x1p61; /* 73 years */
    budget->cost_ns = (int64_t)cost;
    budget->capacity_ns = budget->cost_ns > BUDGET_SPAN_NS ? budget->cost_ns : BUDGET_SPAN_NS;
}

static int64_t elapsed_ns(struct budget *budget, int64_t notice_ns)
{
    const int64_t elapsed = budget->has_now ? notice_ns - budget->now_ns : 0;
    budget->has_now = true;
    budget->now_ns = notice_ns;
    return elapsed > 0 ? elapsed : 0;
}

void budget_flow(struct budget *budget, int64_t notice_ns)
{
    const int64_t elapsed = elapsed_ns(budget, notice_ns);
    const int64_t room = budget->capacity_ns - budget->level_ns;
    budget->level_ns += elapsed < room ? elapsed : room;
    budget->rate_span_ns += elapsed;
    budget->rate_flows++;
    while (budget->rate_span_ns >= BUDGET_SPAN_NS) {
        budget->rate_span_ns /= 2;
        budget->rate_flows = (budget->rate_flows + 1) / 2;
    }
}

void budget_fill(struct budget *budget)
{
    budget->level_ns = budget->capacity_ns;
}

void budget_resume(struct budget *budget, int64_t level_ns, int64_t rate_span_ns,
                   uint64_t rate_flows)
{
    budget->level_ns = level_ns < budget->capacity_ns ? level_ns : budget->capacity_ns;
    budget->rate_span_ns = rate_span_ns;
    budget->rate_flows = rate_flows;
    budget->has_now = false;
}

bool budget_spend(struct budget *budget)
{
    if (budget->cost_ns == 0 || budget->level_ns < budget->cost_ns)
        return false;
    budget->level_ns -= budget->cost_ns;
    return true;
}

double budget_alpha(const struct budget *budget)
{
    if (budget->cost_ns == 0 || budget->rate_flows == 0)
        return 0;
    const double alerts = (double)budget->rate_span_ns / (double)budget->cost_ns;
    const double alpha = alerts / (double)budget->rate_flows;
    return alpha < 1 ? alpha : 1;
}

double budget_alerts(const struct budget *budget)
{
    return budget->cost_ns == 0 ? 0 : (double)budget->level_ns / (double)budget->cost_ns;
}
