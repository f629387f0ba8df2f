/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: of the flows that ask for an alert, which are let through. Called by the engine, whose
 * thread owns it; time is notice time.
 *
 * Who asks: by surprise, a flow whose p-value is at most alpha; where alpha comes from is the
 * gate's *source*, below. By behaviour, a flow with a finding, whatever its score.
 *
 * A flow of an incident that is open passes and costs nothing. A new incident is paid for from a
 * bucket; behaviours have one of their own (a fifth of the asked budget more, at least three
 * incidents), so that neither channel can silence the other. Behaviours' bucket is full from the
 * start and they need no warm-up: a finding is counted evidence, which is as good in the first
 * minute; what is unusual needs to know what is usual first. */
#ifndef WHYFLOW_INCIDENT_GATE_H
#define WHYFLOW_INCIDENT_GATE_H

#include "incident/budget.h"
#include "incident/incident_table.h"

#include <stdbool.h>

enum gate_source {
    GATE_RANKING, /* a capture learnt as a whole: its ranking decides who asks; no bucket */
    GATE_BUDGET,  /* live and --online: incidents per hour, by the buckets */
    GATE_SHARE,   /* a replay against a baseline made before: alpha is the share; no bucket */
};

#define GATE_BEHAVIOUR_SHARE 0.2 /* of the asked incidents an hour, on top of them */
enum { GATE_BEHAVIOUR_LEAST = 3 };

struct gate {
    enum gate_source source;
    double share;
    bool is_warm;
    struct budget surprise, behaviour;
};

void gate_init(struct gate *gate, enum gate_source source, double share, double incidents_per_hour);

/* Before the first flow: a saved baseline learnt so many within `span_ns`, both > 0. Without it
 * alpha is 0 at the first flow and anything at the next few. */
void gate_expect(struct gate *gate, uint64_t flows, int64_t span_ns);

/* Takes in one flow: time passes. */
void gate_flow(struct gate *gate, int64_t notice_ns);

/* The share of flows that may ask by surprise. GATE_RANKING: not for asking. */
double gate_alpha(const struct gate *gate);

/* The warm-up is over: from the first call on the bucket of surprise is full. */
void gate_warm(struct gate *gate);

/* A flow asks. True: let through; false: it is notable, because the bucket is empty. */
bool gate_pass(struct gate *gate, const struct incident_table *incidents,
               const struct incident_key *key);

/* Incidents of surprise that could be opened now; only of GATE_BUDGET. */
double gate_budget(const struct gate *gate);

#endif
