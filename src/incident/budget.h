/* SPDX-License-Identifier: Apache-2.0 */
/* The alert budget of online mode, in incidents: alpha, the share of flows that may ask for an
 * alert, from incidents per hour and the rate of flows; and a token bucket against bursts. Called
 * by the gate; the engine's thread owns it. Its clock is notice time.
 *
 * The bucket holds time rather than tokens: an incident costs an hour divided by the incidents per
 * hour, the bucket fills by the time that passes and holds six hours. So it is exact in integers.
 * In any stretch of time T at most (6 h + T) / cost incidents are paid for.
 *
 * Alpha uses the rate of the last three to six hours: both sums are halved once they span six. That
 * alone gives as many flagged *flows* as incidents are asked for, and too few incidents, because
 * several flagged flows are one story; or too many while scores drift upward. So alpha has a
 * gain, which grows by three tenths for each incident that was due and is divided by 1.3 for each
 * that was asked for, paid or not: an integral controller in the logarithm. Its sum is the
 * shortfall: to change alpha by a factor f costs ln f / ln 1.3 incidents too many or too few, once,
 * and then it follows within some four incidents' time; alpha wavers by a factor of 1.5. Of steps
 * of .1 and .3 on benign traffic with 2 to 5 flagged flows an incident the smaller kept .39 to .55
 * of the budget, the larger .51 to .81. The gain begins at 2, since one flow is seldom all there is
 * to a story, and is bounded both ways, so that neither a long silence nor a long flood leaves it
 * far off; what it adds never flags more than a fifth of the flows, so that where there are few
 * stories to tell, fewer than asked for are told. Rejected: dividing by an estimate of flows per
 * incident (it knows nothing of drift, and of no incident in an hour there is no estimate);
 * counting only paid incidents (then a flood of stories leaves alpha high, and the bucket goes to
 * the first instead of the strongest). */
#ifndef WHYFLOW_INCIDENT_BUDGET_H
#define WHYFLOW_INCIDENT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SPAN_NS (INT64_C(6) * 3600 * 1000000000)
#define BUDGET_KNOWN_NS (INT64_C(600) * 1000000000)
#define BUDGET_GAIN_STEP 0.3
#define BUDGET_GAIN_FIRST 2.0
#define BUDGET_GAIN_LEAST (1.0 / 16)
#define BUDGET_GAIN_MOST 64.0
#define BUDGET_GAINED_ALPHA_MOST 0.2

struct budget {
    int64_t cost_ns; /* of one incident; 0: none at all */
    int64_t capacity_ns;
    int64_t level_ns;
    int64_t now_ns;
    bool has_now;
    int64_t rate_span_ns; /* behind rate_flows */
    uint64_t rate_flows;
    bool adapts; /* the gain follows: the warm-up is over */
    double gain;
};

/* An empty bucket, which holds at least `least_incidents` of them. */
void budget_init(struct budget *budget, double incidents_per_hour, unsigned least_incidents);

/* Takes in one flow noticed at notice_ns: time passes, the rate is told. Time that goes back stands
 * still. */
void budget_flow(struct budget *budget, int64_t notice_ns);

/* What is known of the rate before the first flow: so many in `span_ns`, both > 0. Counts as
 * BUDGET_KNOWN_NS of it, so that what is measured soon outweighs it. */
void budget_expect(struct budget *budget, uint64_t flows, int64_t span_ns);

/* Fills the bucket; from now on the gain follows. */
void budget_fill(struct budget *budget);

/* A new incident is asked for. Takes its worth out; false: there is not so much. */
bool budget_spend(struct budget *budget);

/* Share of flows that may ask for an alert so that the budget is met at these rates; [0, 1]. */
double budget_alpha(const struct budget *budget);

/* Incidents that could be opened now. */
double budget_incidents(const struct budget *budget);

#endif
