/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/gate.h"

void gate_init(struct gate *gate, enum gate_source source, double share, double incidents_per_hour)
{
    *gate = (struct gate){.source = source, .share = share};
    budget_init(&gate->surprise, incidents_per_hour, 1);
    budget_init(&gate->behaviour, GATE_BEHAVIOUR_SHARE * incidents_per_hour, GATE_BEHAVIOUR_LEAST);
    budget_fill(&gate->behaviour);
}

void gate_expect(struct gate *gate, uint64_t flows, int64_t span_ns)
{
    budget_expect(&gate->surprise, flows, span_ns);
    budget_expect(&gate->behaviour, flows, span_ns);
}

void gate_flow(struct gate *gate, int64_t notice_ns)
{
    budget_flow(&gate->surprise, notice_ns);
    budget_flow(&gate->behaviour, notice_ns);
}

double gate_alpha(const struct gate *gate)
{
    return gate->source == GATE_SHARE ? gate->share : budget_alpha(&gate->surprise);
}

void gate_warm(struct gate *gate)
{
    if (!gate->is_warm)
        budget_fill(&gate->surprise);
    gate->is_warm = true;
}

bool gate_pass(struct gate *gate, const struct incident_table *incidents,
               const struct incident_key *key)
{
    if (gate->source != GATE_BUDGET || incident_is_open(incidents, key))
        return true;
    return budget_spend(key->flagged_by == FLAGGED_BY_BEHAVIOUR ? &gate->behaviour
                                                                : &gate->surprise);
}

double gate_budget(const struct gate *gate)
{
    return budget_incidents(&gate->surprise);
}
