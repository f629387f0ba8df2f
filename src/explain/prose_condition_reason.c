/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of the comparison: how the flow compares, what it resembles, reasons, notes and
 * readings. The table of rules (prose_rule.c) names them. Pure functions; any thread. */
#include "explain/prose_condition.h"

#include "explain/prose_facts.h"

/* How it compares. */

/* Flagged for what it is part of: its own score may be ordinary. */
bool when_resembles(const struct prose_facts *facts)
{
    return facts->part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR &&
           facts->part->finding.behaviour != BEHAVIOUR_NONE;
}

bool when_resembles_a_technique(const struct prose_facts *facts)
{
    return facts->part->finding.behaviour != BEHAVIOUR_NONE &&
           behaviour_infos[facts->part->finding.behaviour].techniques[0] != '\0';
}

bool when_resembles_nothing(const struct prose_facts *facts)
{
    return facts->part->finding.behaviour == BEHAVIOUR_NONE;
}

bool when_is_peer_to_peer(const struct prose_facts *facts)
{
    return facts->part->finding.behaviour == BEHAVIOUR_PEER_TO_PEER;
}

bool when_does_not_stand_out(const struct prose_facts *facts)
{
    return !when_resembles(facts) && !facts->explanation->stands_out &&
           facts->explanation->baseline.flows > 0;
}

bool when_is_the_only_one(const struct prose_facts *facts)
{
    return !when_resembles(facts) && facts->explanation->baseline.flows == 0;
}

bool when_stands_out_of_few(const struct prose_facts *facts)
{
    return !when_resembles(facts) && facts->explanation->stands_out &&
           prose_has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS) &&
           facts->explanation->baseline.flows > 0;
}

bool when_stands_out_of_many(const struct prose_facts *facts)
{
    return !when_resembles(facts) && facts->explanation->stands_out &&
           !prose_has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS);
}

bool when_flagged_by_score(const struct prose_facts *facts)
{
    return !when_resembles(facts);
}

/* Reasons. */

static bool has_reason(const struct prose_facts *facts, unsigned n)
{
    return prose_reason_index(facts->explanation, n) < facts->explanation->reason_count;
}

/* What the score comes from: of a behaviour, the evidence has been told. */
bool when_leads(const struct prose_facts *facts)
{
    return !when_resembles(facts) && has_reason(facts, 0);
}

bool when_leads_with_two(const struct prose_facts *facts)
{
    return !when_resembles(facts) && has_reason(facts, 1);
}

bool when_has_reason(const struct prose_facts *facts)
{
    return facts->explanation->reason_count > 0;
}

/* Notes and readings, and their texts. */

bool when_combined(const struct prose_facts *facts)
{
    return facts->explanation->combination.is_there;
}

bool when_changes_suffice(const struct prose_facts *facts)
{
    return facts->explanation->counterfactual.kind == RECORD_COUNTERFACTUAL_FOUND;
}

bool when_no_change_suffices(const struct prose_facts *facts)
{
    return facts->explanation->counterfactual.kind == RECORD_COUNTERFACTUAL_NONE;
}

bool when_has_benign(const struct prose_facts *facts)
{
    return facts->explanation->benign.text[0] != '\0';
}

bool when_has_suspicious(const struct prose_facts *facts)
{
    return facts->explanation->suspicious.text[0] != '\0';
}

bool when_has_no_reading(const struct prose_facts *facts)
{
    return !when_has_benign(facts) && !when_has_suspicious(facts);
}

bool when_has_combination_text(const struct prose_facts *facts)
{
    return facts->explanation->combination_text[0] != '\0';
}

bool when_has_changes_text(const struct prose_facts *facts)
{
    return when_changes_suffice(facts) && facts->explanation->counterfactual_text[0] != '\0';
}
