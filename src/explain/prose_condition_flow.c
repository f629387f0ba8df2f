/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of the flow itself: its state and protocol, and what it carried when. The table of
 * rules (prose_rule.c) names them. Pure functions; any thread. */
#include "explain/prose_condition.h"

#include "base/protocol.h"
#include "explain/prose_facts.h"

enum { MANY_PACKETS = 10 }; /* whose mean size says what most of them are */

bool when_always(const struct prose_facts *facts)
{
    (void)facts;
    return true;
}

/* What it is. */

static bool has_state(const struct prose_facts *facts, enum flow_state state)
{
    return facts->part->flow.state == state;
}

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

bool when_has_ports(const struct prose_facts *facts)
{
    return protocol_has_ports(facts->part->flow.protocol);
}

bool when_is_icmp(const struct prose_facts *facts)
{
    return protocol_is_icmp(facts->part->flow.protocol);
}

bool when_is_udp(const struct prose_facts *facts)
{
    return facts->part->flow.protocol == PACKET_PROTOCOL_UDP;
}

/* Volume. */

bool when_both_sent(const struct prose_facts *facts)
{
    return prose_forward(facts)->packets > 0 && prose_reverse(facts)->packets > 0;
}

bool when_lasted(const struct prose_facts *facts)
{
    return facts->part->flow.last_ns > facts->part->flow.first_ns;
}

bool when_has_bit_rate(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_BYTE_RATE) &&
           prose_has_feature(facts, FEATURE_PACKET_RATE);
}

bool when_sizes_are_known(const struct prose_facts *facts)
{
    const struct flow_distribution *const sizes = &prose_forward(facts)->packet_bytes;
    return sizes->count > 1 && sizes->is_whole &&
           (facts->part->flow.unknown & FLOW_UNKNOWN_PACKET_BYTES) == 0;
}

/* The mean is nine tenths of the largest. */
bool when_packets_are_full(const struct prose_facts *facts)
{
    const struct flow_direction *const forward = prose_forward(facts);
    return when_sizes_are_known(facts) && forward->packets >= MANY_PACKETS &&
           facts->part->observed.mean_packet_bytes >= 0.9 * (double)forward->packet_bytes.max &&
           forward->packet_bytes.max >= 1000;
}

bool when_has_payload_share(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_PAYLOAD_SHARE);
}

/* Many: a twentieth of the packets, and more than one. */
bool when_has_retransmissions(const struct prose_facts *facts)
{
    const struct flow_direction *forward = prose_forward(facts);
    const struct flow_direction *reverse = prose_reverse(facts);
    const uint64_t again = (uint64_t)forward->retransmitted + reverse->retransmitted;
    return again > 1 && again * 20 >= forward->packets + reverse->packets;
}

bool when_has_zero_windows(const struct prose_facts *facts)
{
    return prose_forward(facts)->zero_windows > 0 || prose_reverse(facts)->zero_windows > 0;
}

/* Timing. */

bool when_has_one_gap(const struct prose_facts *facts)
{
    return prose_forward(facts)->gap_ns.count == 1;
}

bool when_has_gaps(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &prose_forward(facts)->gap_ns;
    return gaps->count > 1 && gaps->is_whole;
}

/* Late packets: only the mean is known. */
bool when_has_mean_gap_only(const struct prose_facts *facts)
{
    const struct flow_distribution *gaps = &prose_forward(facts)->gap_ns;
    return gaps->count > 1 && !gaps->is_whole;
}

bool when_has_gaps_back(const struct prose_facts *facts)
{
    return prose_reverse(facts)->gap_ns.count > 0;
}

/* The deviation of gaps exceeds their mean. */
bool when_bursty(const struct prose_facts *facts)
{
    const struct flow_distribution *const gaps = &prose_forward(facts)->gap_ns;
    return when_has_gaps(facts) && gaps->deviation > gaps->mean;
}

bool when_even(const struct prose_facts *facts)
{
    const struct flow_distribution *const gaps = &prose_forward(facts)->gap_ns;
    return when_has_gaps(facts) && gaps->count >= 4 && gaps->deviation <= gaps->mean / 10;
}

/* Where only one side was seen, the longest gap has been told. */
bool when_has_longest_silence(const struct prose_facts *facts)
{
    return prose_forward(facts)->packets > 0 && prose_reverse(facts)->packets > 0 &&
           facts->part->flow.longest_gap_ns >= 0;
}

bool when_has_handshake(const struct prose_facts *facts)
{
    return facts->part->flow.has_handshake_rtt;
}
