/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of what was not measured or not seen: caveats, and who began. The table of rules
 * (prose_rule.c) names them. Pure functions; any thread. */
#include "explain/prose_condition.h"

#include "explain/prose_facts.h"

bool when_is_cold(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_COLD_BASELINE);
}

bool when_had_kernel_drops(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_KERNEL_DROPS);
}

bool when_saw_only_source(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           prose_forward(facts)->packets > 0;
}

bool when_saw_only_client(const struct prose_facts *facts)
{
    return when_saw_only_source(facts) && !when_server_answers(facts);
}

bool when_saw_only_destination(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           prose_forward(facts)->packets == 0;
}

bool when_is_slice(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_SLICE);
}

bool when_is_first_sender_taken(const struct prose_facts *facts)
{
    return facts->part->flow.basis == FLOW_BASIS_FIRST;
}

bool when_is_port_taken(const struct prose_facts *facts)
{
    return facts->part->flow.basis == FLOW_BASIS_PORT;
}

bool when_has_coarse_time(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_COARSE_TIMESTAMPS);
}

bool when_is_truncated(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_TRUNCATED);
}

bool when_has_duplicates(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_DUPLICATES);
}

bool when_has_overlapping_fragments(const struct prose_facts *facts)
{
    return facts->part->flow.fragments_overlapping > 0;
}

bool when_lacks_first_fragments(const struct prose_facts *facts)
{
    return facts->part->flow.fragments_first_missing > 0;
}

bool when_was_evicted(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_EVICTED);
}

bool when_is_window_cut(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_WINDOW_CUT);
}

bool when_had_clock_step(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_CLOCK_STEP);
}

bool when_has_late_packets(const struct prose_facts *facts)
{
    return prose_has_caveat(facts, RECORD_CAVEAT_LATE_PACKETS);
}
