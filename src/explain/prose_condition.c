/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of the table of rules. Pure functions of the facts; any thread. */
#include "explain/prose_condition.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/service.h"
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

/* What the score comes from: of a behaviour, the evidence has been told. */
bool when_leads(const struct prose_facts *facts)
{
    return !when_resembles(facts) && has_reason(facts, 0);
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

/* Readings. What counts as much is a matter of words alone, no part of the score. */

static const double MANY_BYTES = 100e3; /* a transfer, not an exchange of messages */
static const double FEW_BYTES = 10e3;
static const double ONE_SIDED_LOG2 = 2; /* four times as many bytes one way */
static const double REGULAR_VARIATION = 0.1;
static const double MOST = 0.5;
static const double MANY_PEERS = 10;

static double value_of(const struct prose_facts *facts, enum feature_id id)
{
    return facts->part->features.value[id];
}

static double bytes_of(const struct prose_facts *facts, int direction)
{
    return (double)direction_of(facts, direction)->ip_bytes;
}

static bool has_ports(const struct prose_facts *facts)
{
    return protocol_has_ports(facts->part->flow.protocol);
}

static const struct service *service_of_port(const struct prose_facts *facts, uint16_t port)
{
    return service_find(facts->part->flow.protocol, port);
}

static bool is_assigned(const struct prose_facts *facts, uint16_t port)
{
    const struct service *service = service_of_port(facts, port);
    return service != NULL && service->is_assigned;
}

bool when_is_peer_to_peer(const struct prose_facts *facts)
{
    return facts->part->finding.behaviour == BEHAVIOUR_PEER_TO_PEER;
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

/* Only the side at an assigned port was seen, and no opening of its own. */
bool when_server_answers(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return when_saw_only_source(facts) && has_ports(facts) &&
           is_assigned(facts, flow->source_port) && !is_assigned(facts, flow->destination_port) &&
           flow->basis == FLOW_BASIS_ONLY_SIDE;
}

bool when_saw_only_client(const struct prose_facts *facts)
{
    return when_saw_only_source(facts) && !when_server_answers(facts);
}

/* Neither port is assigned, one is somebody's by custom. */
bool when_port_is_customary(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return has_ports(facts) && !is_assigned(facts, flow->source_port) &&
           !is_assigned(facts, flow->destination_port) &&
           (service_of_port(facts, flow->source_port) != NULL ||
            service_of_port(facts, flow->destination_port) != NULL);
}

bool when_customary_transfer(const struct prose_facts *facts)
{
    return when_port_is_customary(facts) &&
           bytes_of(facts, FLOW_FORWARD) + bytes_of(facts, FLOW_REVERSE) >= MANY_BYTES;
}

bool when_unknown_transfer(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return has_ports(facts) && service_of_port(facts, flow->source_port) == NULL &&
           service_of_port(facts, flow->destination_port) == NULL &&
           bytes_of(facts, FLOW_FORWARD) + bytes_of(facts, FLOW_REVERSE) >= MANY_BYTES;
}

bool when_sent_to_custom_port(const struct prose_facts *facts)
{
    return when_customary_transfer(facts) && when_saw_only_source(facts);
}

bool when_multicast(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    const enum address_kind kind = address_kind(flow->destination, flow->ip_version);
    return kind == ADDRESS_MULTICAST || kind == ADDRESS_BROADCAST;
}

bool when_echo(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return (flow->protocol == PACKET_PROTOCOL_ICMP && flow->icmp_type == 8) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type == 128);
}

/* RFC 4861: router and neighbour solicitation and advertisement, redirect. */
bool when_neighbour_discovery(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type >= 133 &&
           flow->icmp_type <= 137;
}

bool when_icmp_error(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return (flow->protocol == PACKET_PROTOCOL_ICMP &&
            (flow->icmp_type == 3 || flow->icmp_type == 11)) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type >= 1 &&
            flow->icmp_type <= 4);
}

bool when_nobody_answered(const struct prose_facts *facts)
{
    return (when_is_attempted(facts) || when_is_one_way(facts)) && when_saw_only_source(facts) &&
           has_ports(facts) && bytes_of(facts, FLOW_FORWARD) < FEW_BYTES;
}

bool when_download(const struct prose_facts *facts)
{
    return bytes_of(facts, FLOW_REVERSE) >= MANY_BYTES &&
           direction_of(facts, FLOW_FORWARD)->packets > 0 &&
           value_of(facts, FEATURE_BYTES_RATIO) <= -ONE_SIDED_LOG2;
}

bool when_upload(const struct prose_facts *facts)
{
    return bytes_of(facts, FLOW_FORWARD) >= MANY_BYTES &&
           direction_of(facts, FLOW_REVERSE)->packets > 0 &&
           value_of(facts, FEATURE_BYTES_RATIO) >= ONE_SIDED_LOG2;
}

bool when_small_first_flow(const struct prose_facts *facts)
{
    return when_is_new_pair(facts) &&
           bytes_of(facts, FLOW_FORWARD) + bytes_of(facts, FLOW_REVERSE) < FEW_BYTES;
}

bool when_pair_is_known(const struct prose_facts *facts)
{
    return feature_is_present(&facts->part->features, FEATURE_SRC_KNOWS_DST) &&
           !when_is_new_pair(facts);
}

static bool is_direction(const struct prose_facts *facts, enum feature_direction direction)
{
    return has_feature(facts, FEATURE_DIRECTION) &&
           value_of(facts, FEATURE_DIRECTION) == (double)direction;
}

bool when_from_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_OUT_IN);
}

bool when_to_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_IN_OUT);
}

bool when_all_inside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_IN_IN);
}

bool when_all_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_OUT_OUT);
}

bool when_searching(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_SRC_UNANSWERED_WINDOW) && when_has_windows(facts) &&
           value_of(facts, FEATURE_SRC_UNANSWERED_WINDOW) >= MOST &&
           (value_of(facts, FEATURE_SRC_PEERS_WINDOW) >= MANY_PEERS ||
            value_of(facts, FEATURE_SRC_PORTS_WINDOW) >= MANY_PEERS);
}

bool when_upload_to_new(const struct prose_facts *facts)
{
    return when_upload(facts) && when_is_new_pair(facts);
}

bool when_entered_from_outside(const struct prose_facts *facts)
{
    return when_from_outside(facts) && direction_of(facts, FLOW_REVERSE)->packets > 0;
}

bool when_knocked_from_outside(const struct prose_facts *facts)
{
    return when_from_outside(facts) && direction_of(facts, FLOW_REVERSE)->packets == 0;
}

bool when_regular(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_INTERVAL_CV) &&
           value_of(facts, FEATURE_INTERVAL_CV) <= REGULAR_VARIATION;
}

bool when_ipv4_destination_inside(const struct prose_facts *facts)
{
    return when_destination_holds_ipv4(facts) && bytes_of(facts, FLOW_FORWARD) >= MANY_BYTES;
}

static bool leads_with(const struct prose_facts *facts, enum feature_id id)
{
    const struct explanation *const explanation = facts->explanation;
    for (uint32_t i = 0; i < explanation->reason_count; i++) {
        if (explanation->reasons[i].feature == id)
            return true;
    }
    return false;
}

bool when_service_is_rare(const struct prose_facts *facts)
{
    return leads_with(facts, FEATURE_SERVICE) && has_ports(facts);
}

bool when_state_is_rare(const struct prose_facts *facts)
{
    return leads_with(facts, FEATURE_SERVICE_STATE) || leads_with(facts, FEATURE_PROTOCOL_STATE);
}

bool when_is_inside_first(const struct prose_facts *facts)
{
    return when_all_inside(facts) && when_is_new_pair(facts);
}

bool when_has_reason(const struct prose_facts *facts)
{
    return facts->explanation->reason_count > 0;
}

/* Sections. */

bool when_always(const struct prose_facts *facts)
{
    (void)facts;
    return true;
}

bool when_has_ports(const struct prose_facts *facts)
{
    return has_ports(facts);
}

bool when_is_icmp(const struct prose_facts *facts)
{
    return protocol_is_icmp(facts->part->flow.protocol);
}

bool when_is_udp(const struct prose_facts *facts)
{
    return facts->part->flow.protocol == PACKET_PROTOCOL_UDP;
}

bool when_has_bit_rate(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_BYTE_RATE) && has_feature(facts, FEATURE_PACKET_RATE);
}

bool when_lasted(const struct prose_facts *facts)
{
    return facts->part->flow.last_ns > facts->part->flow.first_ns;
}

bool when_sizes_are_known(const struct prose_facts *facts)
{
    const struct flow_distribution *const sizes = &direction_of(facts, FLOW_FORWARD)->packet_bytes;
    return sizes->count > 1 && sizes->is_whole &&
           (facts->part->flow.unknown & FLOW_UNKNOWN_PACKET_BYTES) == 0;
}

/* The mean is nine tenths of the largest. */
bool when_packets_are_full(const struct prose_facts *facts)
{
    const struct flow_direction *const forward = direction_of(facts, FLOW_FORWARD);
    return when_sizes_are_known(facts) && forward->packets >= MANY_PEERS &&
           facts->part->observed.mean_packet_bytes >= 0.9 * (double)forward->packet_bytes.max &&
           forward->packet_bytes.max >= 1000;
}

bool when_has_payload_share(const struct prose_facts *facts)
{
    return has_feature(facts, FEATURE_PAYLOAD_SHARE);
}

bool when_both_sent(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_FORWARD)->packets > 0 &&
           direction_of(facts, FLOW_REVERSE)->packets > 0;
}

/* The deviation of gaps exceeds their mean. */
bool when_bursty(const struct prose_facts *facts)
{
    const struct flow_distribution *const gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return when_has_gaps(facts) && gaps->deviation > gaps->mean;
}

bool when_even(const struct prose_facts *facts)
{
    const struct flow_distribution *const gaps = &direction_of(facts, FLOW_FORWARD)->gap_ns;
    return when_has_gaps(facts) && gaps->count >= 4 && gaps->deviation <= gaps->mean / 10;
}

bool when_has_gaps_back(const struct prose_facts *facts)
{
    return direction_of(facts, FLOW_REVERSE)->gap_ns.count > 0;
}

bool when_source_is_alone(const struct prose_facts *facts)
{
    return when_has_windows(facts) && value_of(facts, FEATURE_SRC_FLOWS_WINDOW) == 1;
}

bool when_source_is_busy(const struct prose_facts *facts)
{
    return when_has_windows(facts) && !when_source_is_alone(facts);
}

/* A window feature is among what the score comes from, or the evidence is over time. */
bool when_window_tells(const struct prose_facts *facts)
{
    const struct explanation *const explanation = facts->explanation;
    bool has_window = when_resembles(facts);
    for (uint32_t i = 0; i < explanation->reason_count; i++)
        has_window |=
            feature_infos[explanation->reasons[i].feature].family == FEATURE_FAMILY_WINDOW;
    return has_window && when_source_is_busy(facts);
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

bool when_flagged_by_score(const struct prose_facts *facts)
{
    return !when_resembles(facts);
}
