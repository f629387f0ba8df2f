/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of rules for prose, and their conditions. Constant data and pure functions. */
#include "explain/prose.h"

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
static bool resembles(const struct prose_facts *facts)
{
    return facts->part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR &&
           facts->part->finding.behaviour != BEHAVIOUR_NONE;
}

/* A second condition that is worth a word: not "the source is inside". */
static bool resembles_by_more(const struct prose_facts *facts)
{
    const struct behaviour_finding *const finding = &facts->part->finding;
    if (!resembles(facts))
        return false;
    const struct behaviour_evidence *const second = &finding->evidence[1];
    return finding->evidence_count > 1 &&
           !(second->is_most && strcmp(behaviour_quantities[second->quantity].unit, "yes") == 0);
}

static bool does_not_stand_out(const struct prose_facts *facts)
{
    return !resembles(facts) && !facts->stands_out && facts->explanation->baseline.flows > 0;
}

static bool is_the_only_one(const struct prose_facts *facts)
{
    return !resembles(facts) && facts->explanation->baseline.flows == 0;
}

static bool stands_out_of_few(const struct prose_facts *facts)
{
    return !resembles(facts) && facts->stands_out && has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS) &&
           facts->explanation->baseline.flows > 0;
}

static bool stands_out_of_many(const struct prose_facts *facts)
{
    return !resembles(facts) && facts->stands_out && !has_caveat(facts, RECORD_CAVEAT_FEW_FLOWS);
}

static bool has_reason(const struct prose_facts *facts, unsigned n)
{
    return prose_reason_index(facts->explanation, n) < facts->explanation->reason_count;
}

static bool has_first_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 0);
}

static bool has_second_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 1);
}

static bool has_third_reason(const struct prose_facts *facts)
{
    return has_reason(facts, 2);
}

/* What it is. */

static bool is_attempted(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ATTEMPTED);
}

static bool is_refused(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_REFUSED);
}

static bool is_half_open(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_HALF_OPEN);
}

static bool is_established(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ESTABLISHED);
}

static bool is_closed(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_CLOSED);
}

static bool is_reset(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_RESET);
}

static bool is_midstream(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_MIDSTREAM);
}

static bool is_continued(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_CONTINUED);
}

static bool is_answered(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ANSWERED);
}

static bool is_one_way(const struct prose_facts *facts)
{
    return has_state(facts, FLOW_STATE_ONE_WAY);
}

static bool has_rates(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_BYTE_RATE) && has_feature(facts, FEATURE_PACKET_RATE);
}

static bool has_packets_sent(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->packets > 1;
}

static bool was_tunnelled(const struct prose_facts *facts)
{
    return facts->part->flow.tunnel_count > 0 && facts->part->flow.outer_ip_version != 0;
}

static bool was_labelled(const struct prose_facts *facts)
{
    return facts->part->flow.tunnel_count > 0 && facts->part->flow.outer_ip_version == 0;
}

/* Timing and surroundings. */

static bool has_one_gap(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->gap_ns.count == 1;
}

static bool has_gaps(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return gaps->count > 1 && gaps->is_whole;
}

/* Late packets: only the mean is known. */
static bool has_mean_gap_only(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return gaps->count > 1 && !gaps->is_whole;
}

/* Where only one side was seen, the longest gap has been told. */
static bool has_longest_silence(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->packets > 0 &&
           direction_of(facts, FLOW_REVERSE)->packets > 0 && facts->part->flow.longest_gap_ns >= 0;
}

static bool has_handshake(const struct prose_facts *facts)
{
    return facts->part->flow.has_handshake_rtt;
}

static bool has_windows(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_SRC_FLOWS_WINDOW) &&
           has_feature(facts, FEATURE_SRC_PEERS_WINDOW) &&
           has_feature(facts, FEATURE_DST_FLOWS_WINDOW) &&
           has_feature(facts, FEATURE_DST_SOURCES_WINDOW);
}

static bool is_new_pair(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_SRC_KNOWS_DST) &&
           facts->part->features.value[FEATURE_SRC_KNOWS_DST] == FEATURE_ACQUAINTANCE_NEW;
}

/* Many: a twentieth of the packets, and more than one. */
static bool has_retransmissions(const struct prose_facts *facts)
{
    const struct flow_direction *forward = direction_of(facts, FLOW_FORWARD);
    const struct flow_direction *reverse = direction_of(facts, FLOW_REVERSE);
    const uint64_t again = (uint64_t)forward->retransmitted + reverse->retransmitted;
    return again > 1 && again * 20 >= forward->packets + reverse->packets;
}

static bool has_zero_windows(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->zero_windows > 0 ||
           direction_of(facts, FLOW_REVERSE)->zero_windows > 0;
}

static bool holds_ipv4(const uint8_t address[16], uint8_t ip_version)
{
    uint8_t ipv4[16];
    return address_embedded_ipv4(address, ip_version, ipv4);
}

static bool source_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.source, facts->part->flow.ip_version);
}

static bool destination_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.destination, facts->part->flow.ip_version);
}

/* Kinds that say something about a flow; that one end is private is what `direction` tells. */
static bool is_telling(enum address_kind kind)
{
    return kind != ADDRESS_GLOBAL && kind != ADDRESS_PRIVATE && kind != ADDRESS_6TO4 &&
           kind != ADDRESS_TEREDO && kind != ADDRESS_NAT64;
}

static bool source_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->source, flow->ip_version));
}

static bool destination_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->destination, flow->ip_version));
}

/* Limits. */

static bool is_cold(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_COLD_BASELINE);
}

static bool had_kernel_drops(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_KERNEL_DROPS);
}

static bool saw_only_source(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           direction_of(facts, FLOW_FORWARD)->packets > 0;
}

static bool saw_only_destination(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_ONE_DIRECTION_ONLY) &&
           direction_of(facts, FLOW_FORWARD)->packets == 0;
}

static bool is_slice(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_SLICE);
}

static bool is_first_sender_taken(const struct prose_facts *facts)
{
    return facts->part->flow.basis == FLOW_BASIS_FIRST;
}

static bool is_port_taken(const struct prose_facts *facts)
{
    return facts->part->flow.basis == FLOW_BASIS_PORT;
}

static bool has_coarse_time(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_COARSE_TIMESTAMPS);
}

static bool is_truncated(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_TRUNCATED);
}

static bool has_duplicates(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_DUPLICATES);
}

static bool has_overlapping_fragments(const struct prose_facts *facts)
{
    return facts->part->flow.fragments_overlapping > 0;
}

static bool lacks_first_fragments(const struct prose_facts *facts)
{
    return facts->part->flow.fragments_first_missing > 0;
}

static bool was_evicted(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_EVICTED);
}

static bool is_window_cut(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_WINDOW_CUT);
}

static bool had_clock_step(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_CLOCK_STEP);
}

static bool has_late_packets(const struct prose_facts *facts)
{
    return has_caveat(facts, RECORD_CAVEAT_LATE_PACKETS);
}

/* Sentences of one place stand in the order of their weight: what does not fit at a line's end is
 * what matters least. */
/* clang-format off */
const struct prose_rule prose_rules[] = {
    {PROSE_TEXT, resembles,
     "{protocol} flow from {source} to {destination} resembles {behaviour}: {evidence}."},
    {PROSE_TEXT, is_the_only_one,
     "{protocol} flow from {source} to {destination}{service_note} is the only one: there is "
     "nothing to compare it with."},
    {PROSE_TEXT, does_not_stand_out,
     "{protocol} flow from {source} to {destination}{service_note} scores among the highest "
     "of {compared}, yet does not stand out from them: {reasons}."},
    {PROSE_TEXT, stands_out_of_few,
     "{protocol} flow from {source} to {destination}{service_note} is {grade} compared with "
     "only {compared}: {reasons}."},
    {PROSE_TEXT, stands_out_of_many,
     "{protocol} flow from {source} to {destination}{service_note} is {grade} compared with "
     "{compared}: {reasons}."},

    {PROSE_WHAT, is_attempted,
     "TCP connection attempt{service} that nobody answered: {sent}{in_duration}."},
    {PROSE_WHAT, is_refused,
     "TCP connection attempt{service}, refused by a reset: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_half_open,
     "TCP handshake{service} that the initiator did not complete: {sent}, "
     "{received}{in_duration}."},
    {PROSE_WHAT, is_established,
     "TCP connection{service}, not seen to end: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_closed,
     "TCP connection{service}, closed by both sides: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_reset,
     "TCP connection{service}, ended by a reset: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_midstream,
     "TCP flow{service}, its beginning not seen: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_continued,
     "{protocol} flow{service} that goes on with an earlier one: {sent}, "
     "{received}{in_duration}."},
    {PROSE_WHAT, is_answered, "{protocol} exchange{service}: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, is_one_way, "{protocol} flow{service}, one way: {sent}{in_duration}."},
    {PROSE_WHAT, was_tunnelled, "Carried in {tunnels} between {outer_source} and {outer_target}."},
    {PROSE_WHAT, was_labelled, "Carried in {tunnels}."},
    {PROSE_WHAT, has_rates, "That is {byte_rate} and {packet_rate}."},
    {PROSE_WHAT, has_packets_sent, "Packets sent carry {mean_packet} on average."},

    {PROSE_UNUSUAL, resembles,
     "With flows before it, it resembles {behaviour}: {first_evidence}."},
    {PROSE_UNUSUAL, resembles_by_more, "Also {second_evidence}."},
    {PROSE_UNUSUAL, resembles, "By itself it scores as 1 in {rank}."},
    {PROSE_UNUSUAL, is_the_only_one, "It is the only flow: there is nothing to compare it with."},
    {PROSE_UNUSUAL, does_not_stand_out,
     "It scores among the highest of {compared}, yet does not stand out from them."},
    {PROSE_UNUSUAL, stands_out_of_few,
     "{Grade} compared with only {compared}, too few to say how rare it is."},
    {PROSE_UNUSUAL, stands_out_of_many,
     "{Grade} compared with {compared}: 1 in {rank} scores as high."},
    {PROSE_UNUSUAL, has_first_reason, "Chiefly {first_reason}."},
    {PROSE_UNUSUAL, has_second_reason, "Then {second_reason}."},
    {PROSE_UNUSUAL, has_third_reason, "Also {third_reason}."},

    {PROSE_AROUND, source_holds_ipv4, "The source is {source_kind}, for {source_ipv4}."},
    {PROSE_AROUND, destination_holds_ipv4,
     "The destination is {destination_kind}, for {destination_ipv4}."},
    {PROSE_AROUND, source_is_special, "The source is {source_kind}."},
    {PROSE_AROUND, destination_is_special, "The destination is {destination_kind}."},
    {PROSE_AROUND, has_one_gap, "The two packets sent came {gap_mean} apart."},
    {PROSE_AROUND, has_gaps,
     "Packets sent came {gap_mean} apart on average ({gap_min} to {gap_max})."},
    {PROSE_AROUND, has_mean_gap_only, "Packets sent came {gap_mean} apart on average."},
    {PROSE_AROUND, has_retransmissions,
     "Of its TCP segments {retransmitted} were sent again."},
    {PROSE_AROUND, has_windows,
     "In the window the source had {source_flows} to {source_peers}, the destination "
     "{destination_flows} from {destination_sources}."},
    {PROSE_AROUND, is_new_pair, "No earlier flow of the two is remembered."},
    {PROSE_AROUND, has_longest_silence, "The longest silence was {longest_gap}."},
    {PROSE_AROUND, has_handshake, "The handshake took {handshake}."},
    {PROSE_AROUND, has_zero_windows, "A receive window fell to zero {zero_windows}."},

    {PROSE_LIMITS, is_cold, "It was scored before the warm-up was over."},
    {PROSE_LIMITS, had_kernel_drops, "The capture lost packets meanwhile."},
    {PROSE_LIMITS, saw_only_source, "Only the source's packets were seen."},
    {PROSE_LIMITS, saw_only_destination, "Only the destination's packets were seen."},
    {PROSE_LIMITS, is_slice, "It is a part of a longer flow."},
    {PROSE_LIMITS, is_first_sender_taken,
     "Who began was not seen: the sender of the first packet is taken for the initiator."},
    {PROSE_LIMITS, is_port_taken, "Who began was not seen: the initiator is told by the ports."},
    {PROSE_LIMITS, has_coarse_time,
     "Its time stamps are whole milliseconds: shorter gaps were not measured."},
    {PROSE_LIMITS, is_truncated,
     "Packets were captured in part; sizes are those of their headers."},
    {PROSE_LIMITS, has_duplicates,
     "{copies} of its packets came too, as mirror ports make them."},
    {PROSE_LIMITS, has_overlapping_fragments,
     "Of its {fragments} {overlapping} brought bytes twice or beyond the end."},
    {PROSE_LIMITS, lacks_first_fragments,
     "Of its {fragments} {first_missing} came without the first, which has the ports."},
    {PROSE_LIMITS, was_evicted, "It was ended early: the flow table was full."},
    {PROSE_LIMITS, is_window_cut, "Counts over the window may be too low: not all of it could be kept."},
    {PROSE_LIMITS, had_clock_step, "It was ended because the clock was set back."},
    {PROSE_LIMITS, has_late_packets, "Some of its packets came out of time order."},
};
/* clang-format on */

const size_t prose_rule_count = sizeof prose_rules / sizeof prose_rules[0];
