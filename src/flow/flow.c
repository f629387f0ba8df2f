/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include "base/service.h"
#include "base/siphash.h"

#include <math.h>
#include <string.h>

/* The same id for the same packets in every run, live or replay: from the key and the first
 * packet's time. Public on purpose; it is a name, not a place in a table. What is hashed is part of
 * the output, so it has a form of its own. */
static uint64_t flow_identity(const struct flow *flow)
{
    static const uint64_t public_key[2] = {UINT64_C(0x77687966), UINT64_C(0x6c6f77)};
    const struct flow_key_head *const head = &flow->key.head;
    struct {
        struct {
            uint8_t address[16];
            uint16_t port;
        } endpoint[2];
        uint8_t protocol, ip_version;
        uint16_t bits;
        int64_t first_ns;
        uint64_t side;
    } identity = {
        .endpoint = {{.port = head->port[0]}, {.port = head->port[1]}},
        .protocol = head->protocol,
        .ip_version = head->ip_version,
        .bits = head->bits,
        .first_ns = flow->span.first_ns,
        .side = flow->first_side,
    };
    for (unsigned i = 0; i < 2; i++)
        flow_key_address(&flow->key, i, identity.endpoint[i].address);
    return siphash13(public_key, &identity, sizeof identity) >> 13;
}

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
    flow->flow_id = ended->slice > 0 ? ended->flow_id : flow_identity(ended);
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

/* Both sides seen: the one whose port alone is a known service's is the responder. */
static bool initiator_by_port(const struct flow *flow, uint8_t *initiator)
{
    const bool known_0 = service_is_known(flow->key.head.protocol, flow->key.head.port[0]);
    const bool known_1 = service_is_known(flow->key.head.protocol, flow->key.head.port[1]);
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
    const bool is_one_sided = flow->side[0].packets == 0 || flow->side[1].packets == 0;
    if (is_one_sided && flow->tcp.has_refusal)
        return (struct flow_orientation){(uint8_t)(1 - flow->first_side), FLOW_BASIS_SYNACK};
    if (is_one_sided)
        return (struct flow_orientation){flow->first_side, FLOW_BASIS_ONLY_SIDE};
    uint8_t initiator;
    if (initiator_by_port(flow, &initiator))
        return (struct flow_orientation){initiator, FLOW_BASIS_PORT};
    return (struct flow_orientation){flow->first_side, FLOW_BASIS_FIRST};
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

/* Deviations are rounded here, to what a line can say, so that a flow read from its line (-R) is
 * the same flow; a mean is made again from what the line has in full. Of one packet both are known
 * without a division, a root or a rounding: most flows of a scan have no more. */
static void export_sizes(const struct flow_side *side, struct flow_distribution *bytes)
{
    bytes->count = side->packets;
    bytes->min = side->packet_bytes_min;
    bytes->max = side->packet_bytes_max;
    bytes->is_whole = true;
    bytes->mean = (double)side->ip_bytes;
    if (side->packets == 1)
        return;
    bytes->mean /= (double)side->packets;
    bytes->deviation =
        round(deviation(side->packets, side->packet_bytes_squares, side->ip_bytes) * 1e3) / 1e3;
}

static void export_gaps(const struct flow_side *side, struct flow_distribution *gap_ns)
{
    const int64_t length_ns = side->span.last_ns - side->span.first_ns;
    gap_ns->count = side->packets - 1;
    gap_ns->mean = (double)length_ns / (double)(side->packets - 1);
    if (side->span.gap_max_ns == FLOW_SPAN_PARTIAL)
        return;
    gap_ns->min = side->gap_min_ns;
    gap_ns->max = side->span.gap_max_ns;
    gap_ns->is_whole = true;
    gap_ns->deviation = round(deviation(side->packets - 1, side->gap_squares, (uint64_t)length_ns));
}

/* Into a direction of zeros. */
static void export_side(const struct flow_side *side, struct flow_direction *direction)
{
    if (side->packets == 0)
        return;
    direction->packets = side->packets;
    direction->frame_bytes = side->frame_bytes;
    direction->ip_bytes = side->ip_bytes;
    direction->payload_bytes = side->payload_bytes;
    direction->first_ns = side->span.first_ns;
    direction->last_ns = side->span.last_ns;
    direction->ttl_min = side->ttl_min;
    direction->ttl_max = side->ttl_max;
    direction->tcp_flags = side->tcp_flags;
    export_sizes(side, &direction->packet_bytes);
    if (side->packets > 1)
        export_gaps(side, &direction->gap_ns);
}

static enum flow_state export_state(const struct flow *flow, unsigned initiator)
{
    if (flow->continues)
        return FLOW_STATE_CONTINUED;
    if (flow->key.head.protocol == PACKET_PROTOCOL_TCP)
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

static void export_first(const struct flow *flow, struct flow_record *record)
{
    const struct flow_rare *const rare = flow->rare;
    record->vlan[0] = flow->vlan;
    if (flow->vlan_count > 1)
        memcpy(record->vlan, rare->vlan, sizeof record->vlan);
    if (flow->tunnel_count == 0)
        return;
    memcpy(record->tunnels, rare->tunnels, sizeof record->tunnels);
    record->outer_ip_version = rare->outer_ip_version;
    memcpy(record->outer_source, rare->outer_source, sizeof record->outer_source);
    memcpy(record->outer_destination, rare->outer_destination, sizeof record->outer_destination);
}

/* What lies in flow_rare, where the flow has it. */
static void export_rare(const struct flow *flow, unsigned initiator, struct flow_record *record)
{
    const struct flow_rare *const rare = flow->rare;
    export_first(flow, record);
    if (flow->marks & FLOW_MARK_FRAGMENTS) {
        record->fragments = rare->fragments;
        record->fragments_overlapping = rare->overlapping;
        record->fragments_first_missing = rare->first_missing;
    }
    for (unsigned side = 0; side < 2; side++) {
        struct flow_direction *const way =
            &record->direction[side == initiator ? FLOW_FORWARD : FLOW_REVERSE];
        if (flow->marks & FLOW_MARK_DUPLICATES)
            way->duplicates = rare->duplicates[side];
        if (!flow->tcp.has_rare)
            continue;
        way->retransmitted = rare->tcp.retransmitted[side];
        way->out_of_order = rare->tcp.out_of_order[side];
        way->zero_windows = rare->tcp.zero_windows[side];
    }
}

static void export_ends(const struct flow *flow, unsigned initiator, struct flow_record *record)
{
    const struct flow_key_head *const head = &flow->key.head;
    flow_key_address(&flow->key, initiator, record->source);
    flow_key_address(&flow->key, 1 - initiator, record->destination);
    record->source_port = head->port[initiator];
    record->destination_port = head->port[1 - initiator];
    record->ip_version = head->ip_version;
    record->protocol = head->protocol;
    record->one_way_key = head->bits & FLOW_KEY_ONE_WAY;
}

/* Field by field into zeros: a record is 600 bytes, which are written once. */
void flow_export(const struct flow *flow, const struct flow_end *end, struct flow_record *record)
{
    const struct flow_orientation orientation = flow_orientation(flow);
    const unsigned initiator = orientation.initiator;
    memset(record, 0, sizeof *record);
    record->flow_id = flow->slice > 0 ? flow->flow_id : flow_identity(flow);
    record->opening_number = end->opening_number;
    record->epoch = end->epoch;
    record->slice = flow->slice;
    record->first_ns = flow->span.first_ns;
    record->last_ns = flow->span.last_ns;
    record->notice_ns = end->notice_ns;
    export_ends(flow, initiator, record);
    record->basis = orientation.basis;
    record->end_reason = end->reason;
    record->state = (uint8_t)export_state(flow, initiator);
    record->icmp_type = flow->icmp_type;
    record->icmp_code = flow->icmp_code;
    record->is_tcp_closed = tcp_track_is_closed(&flow->tcp);
    record->has_handshake_rtt = flow->tcp.has_handshake_rtt;
    record->vlan_count = flow->vlan_count;
    record->tunnel_count = flow->tunnel_count;
    record->marks = export_marks(flow);
    record->source_index = flow->source_index;
    record->handshake_rtt_ns = flow->tcp.handshake_rtt_ns;
    record->longest_gap_ns = flow->span.gap_max_ns; /* -1 as FLOW_SPAN_PARTIAL */
    export_side(&flow->side[initiator], &record->direction[FLOW_FORWARD]);
    export_side(&flow->side[1 - initiator], &record->direction[FLOW_REVERSE]);
    export_rare(flow, initiator, record);
    const bool is_flipped = initiator != flow->first_side && flow->slice == 0;
    tcp_track_history(&flow->tcp, initiator, is_flipped, record->history);
}
