/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a sequence of packets of few conversations, whose times move as the bytes say, also
 * backwards, with ticks, sweeps and losses in between. Whatever comes: every packet and flow is
 * accounted for, flows come in order, no flow lasts less than nothing, and all of it ends. */
#include "flow/flow_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_BYTES = 6, RECORDS = 16 };

struct run {
    struct flow_table *table;
    int64_t now_ns;
    uint64_t fed;
    uint64_t packets_out, flows_out, copies_out;
    uint32_t epoch;
    int64_t notice_ns;
    uint64_t opening_number;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_direction(const struct flow_direction *way)
{
    if (way->packets == 0)
        return;
    assert(way->first_ns <= way->last_ns);
    assert(way->packet_bytes.min <= way->packet_bytes.max);
    assert(way->packet_bytes.deviation >= 0 && way->gap_ns.deviation >= 0);
    assert(way->gap_ns.count < way->packets && way->gap_ns.min >= 0);
    assert(way->gap_ns.min <= way->gap_ns.max);
    assert((uint64_t)way->retransmitted + way->out_of_order <= way->packets);
    assert(way->zero_windows <= way->packets);
}

static void check_order(const struct run *run, const struct flow_record *record)
{
    assert(record->epoch >= run->epoch);
    if (record->epoch != run->epoch)
        return;
    assert(record->notice_ns >= run->notice_ns);
    assert(record->notice_ns > run->notice_ns || record->opening_number > run->opening_number);
}

static void see_record(struct run *run, const struct flow_record *record)
{
    check_order(run, record);
    run->epoch = record->epoch;
    run->notice_ns = record->notice_ns;
    run->opening_number = record->opening_number;
    assert(record->first_ns <= record->last_ns && record->last_ns <= record->notice_ns);
    assert(record->longest_gap_ns >= -1);
    assert(record->fragments_overlapping <= record->fragments);
    assert(record->fragments_first_missing <= record->fragments);
    assert(!record->has_handshake_rtt || record->handshake_rtt_ns >= 0);
    assert(memchr(record->history, '\0', sizeof record->history) != NULL);
    assert(flow_end_reason_name(record->end_reason) && flow_state_name(record->state) &&
           flow_basis_name(record->basis));
    for (unsigned d = 0; d < 2; d++) {
        check_direction(&record->direction[d]);
        run->copies_out += record->direction[d].duplicates;
        run->packets_out += record->direction[d].packets;
    }
    run->flows_out++;
}

static void take(struct run *run)
{
    struct flow_record records[RECORDS];
    size_t count;
    while ((count = flow_table_take(run->table, records, RECORDS)) > 0)
        for (size_t i = 0; i < count; i++)
            see_record(run, &records[i]);
}

static void sweep(struct run *run)
{
    while (!flow_table_sweep(run->table, 2))
        continue;
    take(run);
}

static void feed(struct run *run, const struct packet *packet)
{
    unsigned attempts = 0;
    while (flow_table_packets(run->table, packet, 1) == 0) {
        assert(++attempts < 8);
        sweep(run);
    }
    run->fed++;
    if (flow_table_sweep_is_due(run->table))
        sweep(run);
}

/* Moves time: mostly a little, by a byte's high bits far, or back. */
static void move_time(struct run *run, uint8_t step)
{
    static const int64_t units_ns[] = {0,          1000000,     100000000,
                                       1000000000, 10000000000, 400000000000};
    const unsigned kind = step >> 5;
    const int64_t amount = step & 0x1f;
    if (kind < 6)
        run->now_ns += amount * units_ns[kind];
    else
        run->now_ns -= amount * units_ns[kind == 6 ? 3 : 4];
    if (run->now_ns < 0)
        run->now_ns = 0;
}

/* Tags, digests, and fragments where the byte says so: any place, any length, any datagram. */
static void carry(struct packet *packet, const uint8_t *event)
{
    packet->digest = event[4] >> 5;
    packet->vlan_count = event[5] & 1;
    packet->vlan[0] = packet->vlan_count > 0 ? event[5] >> 1 & 3 : 0;
    packet->tunnel_count = event[5] >> 3 & 1;
    packet->tunnels[0] = packet->tunnel_count > 0 ? PACKET_TUNNEL_GRE : PACKET_TUNNEL_NONE;
    if (event[5] >> 4 != 0x7)
        return;
    packet->fragment_id = event[4] & 3;
    packet->fragment_offset_bytes = 8 * (uint32_t)(event[2] & 0x1f);
    packet->fragment_bytes = event[3];
    packet->marks |= event[2] & 0x80 ? PACKET_MARK_FRAGMENT_LAST : 0;
    packet->marks |= event[2] & 0x1f ? PACKET_MARK_FRAGMENT_LATER : PACKET_MARK_FRAGMENT_FIRST;
    if (packet->marks & PACKET_MARK_FRAGMENT_LATER)
        packet->source_port = packet->destination_port = packet->tcp_flags = 0;
}

static struct packet packet_of(const struct run *run, const uint8_t *event)
{
    static const uint8_t protocols[] = {PACKET_PROTOCOL_TCP, PACKET_PROTOCOL_TCP,
                                        PACKET_PROTOCOL_UDP, PACKET_PROTOCOL_ICMP};
    const unsigned key = event[1];
    const unsigned is_back = key & 1;
    struct packet packet = {
        .time_ns = run->now_ns,
        .ip_version = key & 0x80 ? 6 : 4,
        .protocol = protocols[key >> 1 & 3],
        .tcp_flags = event[2],
        .ip_bytes = (uint32_t)(20 + event[3] * event[3]),
        .frame_bytes = (uint32_t)(34 + event[3] * event[3]),
        .payload_bytes = event[3],
        .tcp_sequence =
            UINT32_C(0xfffffff0) + (event[4] & 0x1f) * (event[5] & 0x40 ? 1u : 1u << 26),
        .tcp_acknowledgment = event[4] >> 2 & 3,
        .tcp_window = event[5] & 0x30,
        .ttl = event[5],
    };
    packet.source[0] = packet.destination[0] = 10;
    (is_back ? packet.destination : packet.source)[3] = key >> 3 & 3;
    (is_back ? packet.source : packet.destination)[3] = key >> 5 & 3;
    packet.source_port = is_back ? 443 : 40000;
    packet.destination_port = is_back ? 40000 : 443;
    if (packet.protocol == PACKET_PROTOCOL_ICMP && event[4] & 1)
        packet.marks = PACKET_MARK_ONE_WAY;
    if (packet.protocol != PACKET_PROTOCOL_TCP)
        packet.tcp_flags = 0;
    carry(&packet, event);
    return packet;
}

static void see_event(struct run *run, const uint8_t *event)
{
    move_time(run, event[0]);
    if (event[5] == 0xff)
        sweep(run);
    else if (event[5] == 0xfe)
        flow_table_note_loss(run->table);
    else if (event[5] == 0xfd && flow_table_has_time(run->table) &&
             run->now_ns < flow_table_now_ns(run->table) + 3600000000000)
        flow_table_advance(run->table, run->now_ns);
    const struct packet packet = packet_of(run, event);
    feed(run, &packet);
}

static void check_sums(const struct run *run)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run->table, &packets, &flows);
    const uint64_t copies_refused = packets.refused[PACKET_REFUSED_DUPLICATE];
    assert(packets.in_flows + packets.refused[PACKET_REFUSED_STRAY_TIME] +
               packets.refused[PACKET_REFUSED_NO_MEMORY] + copies_refused ==
           run->fed);
    assert(copies_refused == 0 || copies_refused == run->copies_out);
    assert(packets.in_flows == run->packets_out);
    assert(flows.opened == run->flows_out && flows.handed_over == run->flows_out);
    assert(flows.open == 0 && flows.waiting == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    const struct flow_settings settings = {
        .idle_timeout_ns = (data[0] & 0x0f) * INT64_C(2000000000),
        .active_timeout_ns = (data[0] >> 4) * INT64_C(8000000000),
        .close_timeout_ns = (data[1] & 0x0f) * INT64_C(500000000),
        .sweep_interval_ns = INT64_C(1000000) << (data[1] >> 4),
        .memory_ns = INT64_C(30000000000),
        .max_flows = 1u + data[2] % 16,
        .max_memories = 1u + data[2] / 16,
        .max_fragments = data[3] & 7,
        .leaves_out_duplicates = data[3] & 8,
        .vlan_is_in_key = data[3] & 16,
        .hash_key = {data[3], 0},
    };
    struct run run = {.table = flow_table_open(&settings), .now_ns = INT64_C(1000000000000000)};
    if (run.table == NULL)
        abort();
    for (size_t i = 4; i + EVENT_BYTES <= size; i += EVENT_BYTES)
        see_event(&run, data + i);
    while (!flow_table_end_input(run.table))
        sweep(&run);
    sweep(&run);
    while (!flow_table_end(run.table, 2))
        continue;
    take(&run);
    check_sums(&run);
    flow_table_close(run.table);
    return 0;
}
