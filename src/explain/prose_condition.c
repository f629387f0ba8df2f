/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of the table of rules. Pure functions of the facts; any thread. */
#include "explain/prose_condition.h"

#include "base/address.h"
#include "whyflow/feature.h"

#include <string.h>

static bool has_caveat(const struct prose_facts *facts, enum record_caveat caveat)
{
    return (facts->part->caveats & (uint32_t)caveat) != 0;
}

static bool has_state(const struct prose_facts *facts, enum flow_state state)
{
    return facts->part->flow.state == state;
}

static bool has_feature(const struct prose_facts *facts, enum feature_id id)
{
    return feature_is_present(&facts->part->features, id);
}

static const struct flow_direction *direction_of(const struct prose_facts *facts, int index)
{
    return &facts->part->flow.direction[index];
}

/* How it compares. */

/* Flagged for what it is part of: its own score may be ordinary. */
bool when_resembles(const struct prose_facts *facts)
{
    return facts->part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR &&
           facts->part->finding.behaviour != BEHAVIOUR_NONE;
}

/* A second condition that is worth a word: not "the source is inside". */
bool when_resembles_by_more(const struct prose_facts *facts)
{
    const struct behaviour_finding *const finding = &facts->part->finding;
    if (!when_resembles(facts))
        return false;
    const struct behaviour_evidence *const second = &finding->evidence[1];
    return finding->evidence_count > 1 &&
           !(second->is_most && strcmp(behaviour_quantities[second->quantity].unit, "yes") == 0);
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
           has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS) && facts->explanation->baseline.flows > 0;
}

bool when_stands_out_of_many(const struct prose_facts *facts)
{
    return !when_resembles(facts) && facts->explanation->stands_out &&
           !has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS);
}

static bool has_reason(const struct prose_facts *facts, unsigned n)
{
    return prose_reason_index(facts->explanation, n) < facts->explanation->reason_count;
}

bool when_has_first_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 0);
}

bool when_has_second_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 1);
}

bool when_has_third_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 2);
}

/* What it is. */

bool when_is_attempted(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ATTEMPTED);
}

bool when_is_refused(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_REFUSED);
}

bool when_is_half_open(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_HALF_OPEN);
}

bool when_is_established(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ESTABLISHED);
}

bool when_is_closed(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_CLOSED);
}

bool when_is_reset(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_RESET);
}

bool when_is_midstream(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_MIDSTREAM);
}

bool when_is_continued(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_CONTINUED);
}

bool when_is_answered(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ANSWERED);
}

bool when_is_one_way(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ONE_WAY);
}

bool when_has_rates(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_BYTE_RATE) && has_feature(facts, FEATURE_PACKET_RATE);
}

bool when_has_packets_sent(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->packets > 1;
}

bool when_was_tunnelled(const struct prose_facts *facts)
{
    return facts->part->flow.tunnel_count > 0 && facts->part->flow.outer_ip_version != 0;
}

bool when_was_labelled(const struct prose_facts *facts)
{
    return facts->part->flow.tunnel_count > 0 && facts->part->flow.outer_ip_version == 0;
}

/* Timing and surroundings. */

bool when_has_one_gap(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->gap_ns.count == 1;
}

bool when_has_gaps(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return gaps->count > 1 && gaps->is_whole;
}

/* Late packets: only the mean is known. */
bool when_has_mean_gap_only(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return gaps->count > 1 && !gaps->is_whole;
}

/* Where only one side was seen, the longest gap has been told. */
bool when_has_longest_silence(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->packets > 0 &&
           direction_of(facts, FLOW_REVERSE)->packets > 0 && facts->part->flow.longest_gap_ns >= 0;
}

bool when_has_handshake(const struct prose_facts *facts)
{
    return facts->part->flow.has_handshake_rtt;
}

bool when_has_windows(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_SRC_FLOWS_WINDOW) &&
           has_feature(facts, FEATURE_SRC_PEERS_WINDOW) &&
           has_feature(facts, FEATURE_DST_FLOWS_WINDOW) &&
           has_feature(facts, FEATURE_DST_SOURCES_WINDOW);
}

bool when_is_new_pair(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_SRC_KNOWS_DST) &&
           facts->part->features.value[FEATURE_SRC_KNOWS_DST] == FEATURE_ACQUAINTANCE_NEW;
}

/* Many: a twentieth of the packets, and more than one. */
bool when_has_retransmissions(const struct prose_facts *facts)
{
    const struct flow_direction *forward = direction_of(facts, FLOW_FORWARD);
    const struct flow_direction *reverse = direction_of(facts, FLOW_REVERSE);
    const uint64_t again = (uint64_t)forward->retransmitted + reverse->retransmitted;
    return again > 1 && again * 20 >= forward->packets + reverse->packets;
}

bool when_has_zero_windows(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->zero_windows > 0 ||
           direction_of(facts, FLOW_REVERSE)->zero_windows > 0;
}

static bool holds_ipv4(const uint8_t address[16], uint8_t ip_version)
{
    uint8_t ipv4[16];
    return address_embedded_ipv4(address, ip_version, ipv4);
}

bool when_source_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.source, facts->part->flow.ip_version);
}

bool when_destination_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.destination, facts->part->flow.ip_version);
}

/* Kinds that say something about a flow; that one end is private is what `direction` tells. */
static bool is_telling(enum address_kind kind)
{
    return kind != ADDRESS_GLOBAL && kind != ADDRESS_PRIVATE && kind != ADDRESS_6TO4 &&
           kind != ADDRESS_TEREDO && kind != ADDRESS_NAT64;
}

bool when_source_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->source, flow->ip_version));
}

bool when_destination_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->destination, flow->ip_version));
}

/* Limits. */

bool when_is_cold(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_COLD_BASELINE);
}

bool when_had_kernel_drops(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_KERNEL_DROPS);
}

bool when_saw_only_source(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           direction_of(facts, FLOW_FORWARD)->packets > 0;
}

bool when_saw_only_destination(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           direction_of(facts, FLOW_FORWARD)->packets == 0;
}

bool when_is_slice(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_SLICE);
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
    return has_caveat(facts, RECORD_CAVEAT_COARSE_TIMESTAMPS);
}

bool when_is_truncated(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_TRUNCATED);
}

bool when_has_duplicates(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_DUPLICATES);
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
    return has_caveat(facts, RECORD_CAVEAT_EVICTED);
}

bool when_is_window_cut(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_WINDOW_CUT);
}

bool when_had_clock_step(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_CLOCK_STEP);
}

bool when_has_late_packets(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_LATE_PACKETS);
}

/* Notes. */

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
