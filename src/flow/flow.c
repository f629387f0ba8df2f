/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include "base/service.h"
#include "base/siphash.h"

#include <math.h>

/* The same id for the same packets in every run, live or replay: from the key and the first
 * packet's time. Public on purpose; it is a name, not a place in a table. */
static uint64_t flow_identity(const struct flow_key *key, int64_t first_ns, unsigned side)
{
    static const uint64_t public_key[2] = {UINT64_C(0x77687966), UINT64_C(0x6c6f77)};
    struct {
        struct flow_key key;
        int64_t first_ns;
        uint64_t side;
    } const identity = {.key = *key, .first_ns = first_ns, .side = side};
    return siphash13(public_key, &identity, sizeof identity) >> 13;
}

void flow_open(struct flow *flow, const struct flow_key *key, const struct packet *packet,
               unsigned side)
{
    *flow = (struct flow){
        .key = *key,
        .flow_id = flow_identity(key, packet->time_ns, side),
        .span = {packet->time_ns, packet->time_ns, packet->time_ns, 0, false},
        .marks = FLOW_MARK_COARSE_TIME,
        .vlan_count = packet->vlan_count,
        .source_index = packet->source_index,
        .icmp_type = packet->icmp_type,
        .icmp_code = packet->icmp_code,
        .first_side = (uint8_t)side,
        .initiator = FLOW_SIDE_UNKNOWN,
    };
    memcpy(flow->vlan, packet->vlan, sizeof flow->vlan);
}

void flow_open_slice(struct flow *flow, const struct flow *ended, const struct packet *packet,
                     unsigned side)
{
    const struct flow_orientation orientation = flow_orientation(ended);
    const struct tcp_track tcp = tcp_track_continue(&ended->tcp);
    const uint64_t flow_id = ended->flow_id;
    const uint32_t slice = ended->slice + 1;
    flow_open(flow, &ended->key, packet, side);
    flow->flow_id = flow_id;
    flow->slice = slice;
    flow->tcp = tcp;
    flow->initiator = orientation.initiator;
    flow->basis = orientation.basis;
    flow->continues = true;
}

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
            span->is_partial = true;
    } else {
        span->is_partial = true;
    }
    for (unsigned i = 0; i < change.added; i++)
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

static void side_packet(struct flow_side *side, const struct packet *packet)
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

static void note_time(struct flow *flow, int64_t time_ns)
{
    const uint64_t packets_before = flow->side[0].packets + flow->side[1].packets;
    if (time_ns < flow->span.last_ns)
        flow->marks |= FLOW_MARK_LATE_PACKETS;
    span_packet(&flow->span, packets_before, time_ns);
    if (time_ns % 1000000 != 0)
        flow->marks &= (uint16_t)~FLOW_MARK_COARSE_TIME;
}

void flow_packet(struct flow *flow, const struct packet *packet, unsigned side)
{
    note_time(flow, packet->time_ns);
    if (packet->marks & PACKET_MARK_CUT)
        flow->marks |= FLOW_MARK_CUT_PACKETS;
    if (packet->marks & (PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER))
        flow->marks |= FLOW_MARK_FRAGMENTS;
    tcp_track_packet(&flow->tcp, packet, side);
    side_packet(&flow->side[side], packet);
}

/* Both sides seen: the one whose port alone is a known service's is the responder. */
static bool initiator_by_port(const struct flow *flow, uint8_t *initiator)
{
    const bool known_0 = service_is_known(flow->key.protocol, flow->key.endpoint[0].port);
    const bool known_1 = service_is_known(flow->key.protocol, flow->key.endpoint[1].port);
    *initiator = known_0 ? 1 : 0;
    return known_0 != known_1;
}

struct flow_orientation flow_orientation(const struct flow *flow)
{
    if (flow->slice > 0)
        return (struct flow_orientation){flow->initiator, flow->basis};
    if (flow->tcp.events & TCP_TRACK_SYN)
        return (struct flow_orientation){flow->tcp.syn_side, FLOW_BASIS_SYN};
    if (flow->tcp.events & TCP_TRACK_SYNACK)
        return (struct flow_orientation){flow->tcp.syn_side, FLOW_BASIS_SYNACK};
    if (flow->initiator != FLOW_SIDE_UNKNOWN)
        return (struct flow_orientation){flow->initiator, flow->basis};
    if (flow->side[0].packets == 0 || flow->side[1].packets == 0)
        return (struct flow_orientation){flow->first_side, FLOW_BASIS_ONLY_SIDE};
    uint8_t initiator;
    if (initiator_by_port(flow, &initiator))
        return (struct flow_orientation){initiator, FLOW_BASIS_PORT};
    return (struct flow_orientation){flow->first_side, FLOW_BASIS_FIRST};
}

bool flow_is_memorable(const struct flow *flow)
{
    if (flow->key.is_one_way || tcp_track_is_half_open(&flow->tcp))
        return false;
    const bool is_two_way = flow->side[0].packets > 0 && flow->side[1].packets > 0;
    return is_two_way || flow->continues || (flow->tcp.events & TCP_TRACK_ACK);
}

/* Sample deviation from integer sums: sqrt((n * squares - sum^2) / (n (n - 1))). */
static double deviation(uint64_t count, unsigned __int128 squares, uint64_t sum)
{
    if (count < 2)
        return 0;
    const double n = (double)count;
    const unsigned __int128 largest = ~(unsigned __int128)0;
    double scaled; /* n * squares - sum^2 */
    if (squares <= largest / count) {
        const unsigned __int128 square = (unsigned __int128)sum * sum;
        scaled = (double)(squares * count - square);
    } else {
        scaled = (double)squares * n - (double)sum * (double)sum;
    }
    return scaled > 0 ? sqrt(scaled / (n * (n - 1))) : 0;
}

static void export_side(const struct flow_side *side, struct flow_direction *direction)
{
    *direction = (struct flow_direction){
        .packets = side->packets,
        .frame_bytes = side->frame_bytes,
        .ip_bytes = side->ip_bytes,
        .payload_bytes = side->payload_bytes,
        .first_ns = side->span.first_ns,
        .last_ns = side->span.last_ns,
        .ttl_min = side->ttl_min,
        .ttl_max = side->ttl_max,
        .tcp_flags = side->tcp_flags,
    };
    if (side->packets == 0)
        return;
    direction->packet_bytes = (struct flow_distribution){
        .count = side->packets,
        .min = side->packet_bytes_min,
        .max = side->packet_bytes_max,
        .mean = (double)side->ip_bytes / (double)side->packets,
        .deviation = deviation(side->packets, side->packet_bytes_squares, side->ip_bytes),
    };
    direction->packet_bytes.is_whole = true;
    if (side->packets == 1)
        return;
    const int64_t length_ns = side->span.last_ns - side->span.first_ns;
    direction->gap_ns = (struct flow_distribution){
        .count = side->packets - 1,
        .min = side->gap_min_ns,
        .max = side->span.gap_max_ns,
        .mean = (double)length_ns / (double)(side->packets - 1),
        .deviation = deviation(side->packets - 1, side->gap_squares, (uint64_t)length_ns),
        .is_whole = true,
    };
    if (side->span.is_partial)
        direction->gap_ns = (struct flow_distribution){
            .count = direction->gap_ns.count,
            .mean = direction->gap_ns.mean,
        };
}

static enum flow_state export_state(const struct flow *flow, unsigned initiator)
{
    if (flow->continues)
        return FLOW_STATE_CONTINUED;
    if (flow->key.protocol == PACKET_PROTOCOL_TCP)
        return tcp_track_state(&flow->tcp, initiator);
    const bool is_two_way = flow->side[0].packets > 0 && flow->side[1].packets > 0;
    return is_two_way ? FLOW_STATE_ANSWERED : FLOW_STATE_ONE_WAY;
}

static uint16_t export_marks(const struct flow *flow)
{
    uint16_t marks = flow->marks;
    if (flow->side[0].packets + flow->side[1].packets < 2)
        marks &= (uint16_t)~FLOW_MARK_COARSE_TIME;
    return marks;
}

void flow_export(const struct flow *flow, uint32_t epoch, struct flow_record *record)
{
    const struct flow_orientation orientation = flow_orientation(flow);
    const unsigned initiator = orientation.initiator;
    const struct flow_endpoint *const from = &flow->key.endpoint[initiator];
    const struct flow_endpoint *const to = &flow->key.endpoint[1 - initiator];
    *record = (struct flow_record){
        .flow_id = flow->flow_id,
        .opening_number = flow->opening_number,
        .epoch = epoch,
        .slice = flow->slice,
        .first_ns = flow->span.first_ns,
        .last_ns = flow->span.last_ns,
        .notice_ns = flow->notice_ns,
        .source_port = from->port,
        .destination_port = to->port,
        .ip_version = flow->key.ip_version,
        .protocol = flow->key.protocol,
        .basis = orientation.basis,
        .end_reason = flow->end_reason,
        .state = (uint8_t)export_state(flow, initiator),
        .icmp_type = flow->icmp_type,
        .icmp_code = flow->icmp_code,
        .one_way_key = flow->key.is_one_way,
        .is_tcp_closed = tcp_track_is_closed(&flow->tcp),
        .has_handshake_rtt = flow->tcp.has_handshake_rtt,
        .vlan_count = flow->vlan_count,
        .marks = export_marks(flow),
        .source_index = flow->source_index,
        .handshake_rtt_ns = flow->tcp.handshake_rtt_ns,
        .longest_gap_ns = flow->span.is_partial ? -1 : flow->span.gap_max_ns,
    };
    memcpy(record->source, from->address, sizeof record->source);
    memcpy(record->destination, to->address, sizeof record->destination);
    memcpy(record->vlan, flow->vlan, sizeof record->vlan);
    export_side(&flow->side[initiator], &record->direction[FLOW_FORWARD]);
    export_side(&flow->side[1 - initiator], &record->direction[FLOW_REVERSE]);
    tcp_track_history(&flow->tcp, initiator, record->history);
}
