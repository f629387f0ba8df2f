/* SPDX-License-Identifier: Apache-2.0 */
/* The alert budget of online mode: alpha, the share of flows that may be flagged, from alerts per
 * hour and the rate of flows; and a token bucket against bursts. Called by the model; the engine's
 * thread owns it. Its clock is notice time.
 *
 * The bucket holds time rather than tokens: an alert costs an hour divided by the alerts per hour,
 * the bucket fills by the time that passes and holds six hours (or one alert, if that costs more).
 * So it is exact in integers. In any stretch of time T at most (6 h + T) / cost alerts go out.
 *
 * Alpha uses the rate of the last three to six hours: both sums are halved once they span six. */
#ifndef WHYFLOW_ANOMALY_BUDGET_H
#define WHYFLOW_ANOMALY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SPAN_NS (INT64_C(6) * 3600 * 1000000000)

struct budget {
    int64_t cost_ns; /* of one alert; 0: no alerts at all */
    int64_t capacity_ns;
    int64_t level_ns;
    int64_t now_ns;
    bool has_now;
    int64_t rate_span_ns; /* behind rate_flows */
    uint64_t rate_flows;
};

/* An empty bucket. */
void budget_init(struct budget *budget, double alerts_per_hour);

/* Takes in one flow noticed at notice_ns: time passes, the rate is told. Time that goes back stands
 * still. */
void budget_flow(struct budget *budget, int64_t notice_ns);

void budget_fill(struct budget *budget);

/* Goes on with a saved level and rate. The time in between counts neither way. */
void budget_resume(struct budget *budget, int64_t level_ns, int64_t rate_span_ns,
                   uint64_t rate_flows);

/* Takes one alert's worth out. False: there is not so much. */
bool budget_spend(struct budget *budget);

/* Share of flows to flag so that the budget is met at the present rate; [0, 1]. */
double budget_alpha(const struct budget *budget);

/* Alerts that could go out now. */
double budget_alerts(const struct budget *budget);

#endif
