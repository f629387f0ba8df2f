/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include "base/service.h"

#include <string.h>

/* What a record says of a flow's first packet. */
static void note_first(struct flow *flow, const struct packet *packet, unsigned side)
{
    flow->first_side = (uint8_t)side;
    flow->source_index = packet->source_index;
    flow->icmp_type = packet->icmp_type;
    flow->icmp_code = packet->icmp_code;
    flow->vlan_count = packet->vlan_count;
    flow->tunnel_count = packet->tunnel_count;
    flow->vlan = packet->vlan_count > 0 ? packet->vlan[0] : 0;
    if (packet->vlan_count > 1)
        memcpy(flow->rare->vlan, packet->vlan, sizeof flow->rare->vlan);
    if (packet->tunnel_count == 0)
        return;
    struct flow_rare *const rare = flow->rare;
    memcpy(rare->tunnels, packet->tunnels, sizeof rare->tunnels);
    rare->outer_ip_version = packet->outer_ip_version;
    memcpy(rare->outer_source, packet->outer_source, sizeof rare->outer_source);
    memcpy(rare->outer_destination, packet->outer_destination, sizeof rare->outer_destination);
}

void flow_open(struct flow *flow, struct flow_rare *rare, const struct flow_key *key,
               const struct packet *packet, unsigned side)
{
    *flow = (struct flow){
        .key = *key,
        .rare = rare,
        .span = {packet->time_ns, packet->time_ns, packet->time_ns, 0},
        .marks = FLOW_MARK_COARSE_TIME,
        .initiator = FLOW_SIDE_UNKNOWN,
    };
    note_first(flow, packet, side);
}

void flow_open_slice(struct flow *flow, struct flow_rare *rare, const struct flow *ended,
                     const struct packet *packet, unsigned side)
{
    const struct flow_orientation orientation = flow_orientation(ended);
    flow_open(flow, rare, &ended->key, packet, side);
    flow->flow_id = ended->slice > 0
                        ? ended->flow_id
                        : flow_identity(&ended->key, ended->span.first_ns, ended->first_side);
    flow->slice = ended->slice + 1;
    flow->tcp = tcp_track_continue(&ended->tcp, &ended->rare->tcp, &rare->tcp);
    flow->initiator = orientation.initiator;
    flow->basis = orientation.basis;
    flow->continues = true;
}

/* ---- copies -------------------------------------------------------------------------------- */

static void count_duplicate(struct flow *flow, unsigned side)
{
    uint64_t *const duplicates = flow->rare->duplicates;
    if (!(flow->marks & FLOW_MARK_DUPLICATES))
        duplicates[0] = duplicates[1] = 0;
    flow->marks |= FLOW_MARK_DUPLICATES;
    duplicates[side]++;
}

void flow_leave_out(struct flow *flow, unsigned side)
{
    count_duplicate(flow, side);
}

/* ---- packets ------------------------------------------------------------------------------- */

/* What a packet's time does to a line of times: gaps that come and one that goes. */
struct span_change {
    int64_t added_ns[2];
    unsigned added;
    int64_t removed_ns; /* -1: none */
};

static struct span_change span_packet(struct flow_span *span, uint64_t packets_before,
                                      int64_t time_ns)
{
    struct span_change change = {.removed_ns = -1};
    if (packets_before == 0) {
        *span = (struct flow_span){.first_ns = time_ns, .last_ns = time_ns, .previous_ns = time_ns};
        return change;
    }
    if (time_ns >= span->last_ns) {
        change.added_ns[change.added++] = time_ns - span->last_ns;
        span->previous_ns = span->last_ns;
        span->last_ns = time_ns;
    } else if (time_ns < span->first_ns) {
        change.added_ns[change.added++] = span->first_ns - time_ns;
        span->first_ns = time_ns;
        if (packets_before == 1)
            span->previous_ns = time_ns;
    } else if (time_ns >= span->previous_ns) {
        change.removed_ns = span->last_ns - span->previous_ns;
        change.added_ns[change.added++] = time_ns - span->previous_ns;
        change.added_ns[change.added++] = span->last_ns - time_ns;
        span->previous_ns = time_ns;
        if (packets_before == 2)
            span->gap_max_ns = 0;
        else if (change.removed_ns == span->gap_max_ns)
            span->gap_max_ns = FLOW_SPAN_PARTIAL;
    } else {
        span->gap_max_ns = FLOW_SPAN_PARTIAL;
    }
    for (unsigned i = 0; i < change.added && span->gap_max_ns != FLOW_SPAN_PARTIAL; i++)
        if (change.added_ns[i] > span->gap_max_ns)
            span->gap_max_ns = change.added_ns[i];
    return change;
}

static unsigned __int128 square(int64_t gap_ns)
{
    return (unsigned __int128)gap_ns * (unsigned __int128)gap_ns;
}

static void side_time(struct flow_side *side, int64_t time_ns)
{
    const struct span_change change = span_packet(&side->span, side->packets, time_ns);
    if (change.removed_ns >= 0)
        side->gap_squares -= square(change.removed_ns);
    for (unsigned i = 0; i < change.added; i++) {
        side->gap_squares += square(change.added_ns[i]);
        if (side->packets == 1 || change.added_ns[i] < side->gap_min_ns)
            side->gap_min_ns = change.added_ns[i];
    }
}

void flow_side_packet(struct flow_side *side, const struct packet *packet)
{
    side_time(side, packet->time_ns);
    if (side->packets == 0) {
        side->packet_bytes_min = packet->ip_bytes;
        side->ttl_min = packet->ttl;
    }
    if (packet->ip_bytes < side->packet_bytes_min)
        side->packet_bytes_min = packet->ip_bytes;
    if (packet->ip_bytes > side->packet_bytes_max)
        side->packet_bytes_max = packet->ip_bytes;
    if (packet->ttl < side->ttl_min)
        side->ttl_min = packet->ttl;
    if (packet->ttl > side->ttl_max)
        side->ttl_max = packet->ttl;
    side->packets++;
    side->frame_bytes += packet->frame_bytes;
    side->ip_bytes += packet->ip_bytes;
    side->payload_bytes += packet->payload_bytes;
    side->packet_bytes_squares += (uint64_t)packet->ip_bytes * packet->ip_bytes;
    side->tcp_flags |= packet->tcp_flags;
}

static void note_time(struct flow *flow, const struct packet *packet, unsigned side)
{
    const uint64_t packets_before = flow->side[0].packets + flow->side[1].packets;
    if (packet->time_ns < flow->span.last_ns)
        flow->marks |= FLOW_MARK_LATE_PACKETS;
    if (packet->time_ns < flow->span.first_ns)
        note_first(flow, packet, side);
    span_packet(&flow->span, packets_before, packet->time_ns);
    if (packet->time_ns % 1000000 != 0)
        flow->marks &= (uint16_t)~FLOW_MARK_COARSE_TIME;
}

static void note_fragment(struct flow *flow, unsigned findings)
{
    struct flow_rare *const rare = flow->rare;
    if (!(flow->marks & FLOW_MARK_FRAGMENTS))
        rare->fragments = rare->overlapping = rare->first_missing = 0;
    flow->marks |= FLOW_MARK_FRAGMENTS;
    rare->fragments++;
    rare->overlapping += (findings & FLOW_FINDING_OVERLAP) != 0;
    rare->first_missing += (findings & FLOW_FINDING_FIRST_MISSING) != 0;
}

void flow_packet(struct flow *flow, const struct packet *packet, unsigned side, unsigned findings)
{
    note_time(flow, packet, side);
    if (packet->marks & PACKET_MARK_CUT)
        flow->marks |= FLOW_MARK_CUT_PACKETS;
    if (packet->marks & (PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER))
        note_fragment(flow, findings);
    struct flow_side *const own = &flow->side[side];
    if (findings & FLOW_FINDING_DUPLICATE) {
        count_duplicate(flow, side);
    } else {
        const bool is_late = own->packets > 0 && packet->time_ns < own->span.last_ns;
        tcp_track_packet(&flow->tcp, &flow->rare->tcp, packet, side, is_late);
    }
    flow_side_packet(own, packet);
}

static bool is_known(const struct flow_key_head *key, unsigned end,
                     const struct service_ports *ports)
{
    return ports != NULL ? service_ports_has(ports, key->protocol, key->port[end])
                         : service_is_known(key->protocol, key->port[end]);
}

/* Both sides seen: the one whose port alone is a known service's is the responder. */
struct flow_orientation flow_orientation_by_port(const struct flow_key_head *key,
                                                 unsigned first_side,
                                                 const struct service_ports *ports)
{
    const bool known_0 = is_known(key, 0, ports), known_1 = is_known(key, 1, ports);
    if (known_0 != known_1)
        return (struct flow_orientation){known_0, FLOW_BASIS_PORT};
    return (struct flow_orientation){(uint8_t)first_side, FLOW_BASIS_FIRST};
}

struct flow_orientation flow_orientation(const struct flow *flow)
{
    const struct flow_clues clues = {
        .known = {flow->initiator, flow->basis},
        .events = flow->tcp.events,
        .syn_side = flow->tcp.syn_side,
        .first_side = flow->first_side,
        .is_slice = flow->slice > 0,
        .is_one_sided = flow->side[0].packets == 0 || flow->side[1].packets == 0,
        .has_refusal = flow->tcp.has_refusal,
    };
    return flow_orientation_of(&clues, &flow->key.head, NULL);
}
