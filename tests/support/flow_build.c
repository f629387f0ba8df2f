/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/flow_build.h"

#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_address(const char *text, uint8_t address[16], uint8_t *ip_version)
{
    *ip_version = strchr(text, ':') != NULL ? 6 : 4;
    ck_assert_int_eq(inet_pton(*ip_version == 6 ? AF_INET6 : AF_INET, text, address), 1);
}

static void set_endpoint(const char *text, uint8_t address[16], uint16_t *port, uint8_t *ip_version)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text);
    char *const colon = strrchr(copy, ':');
    ck_assert_ptr_nonnull(colon);
    *colon = '\0';
    *port = (uint16_t)atoi(colon + 1);
    set_address(copy, address, ip_version);
}

static struct packet between(int64_t time_ns, const char *from, const char *to, uint8_t protocol)
{
    struct packet packet = {.time_ns = time_ns, .protocol = protocol, .ttl = 64};
    set_endpoint(from, packet.source, &packet.source_port, &packet.ip_version);
    set_endpoint(to, packet.destination, &packet.destination_port, &packet.ip_version);
    return packet;
}

static void set_sizes(struct packet *packet, uint32_t header_bytes, uint32_t payload_bytes)
{
    packet->payload_bytes = payload_bytes;
    packet->ip_bytes = (packet->ip_version == 4 ? 20 : 40) + header_bytes + payload_bytes;
    packet->frame_bytes = 14 + packet->ip_bytes;
}

struct packet flow_build_tcp(int64_t time_ns, const char *from, const char *to, unsigned flags)
{
    struct packet packet = between(time_ns, from, to, PACKET_PROTOCOL_TCP);
    packet.tcp_flags = (uint8_t)flags;
    packet.tcp_sequence = 1;
    packet.tcp_window = 64240;
    set_sizes(&packet, 20, 0);
    return packet;
}

struct packet flow_build_udp(int64_t time_ns, const char *from, const char *to)
{
    struct packet packet = between(time_ns, from, to, PACKET_PROTOCOL_UDP);
    set_sizes(&packet, 8, 100);
    return packet;
}

struct packet flow_build_icmp(int64_t time_ns, const char *from, const char *to, uint8_t type,
                              uint8_t code, int counterpart)
{
    struct packet packet = {
        .time_ns = time_ns,
        .ttl = 64,
        .icmp_type = type,
        .icmp_code = code,
        .source_port = type,
        .destination_port = counterpart < 0 ? code : (uint16_t)counterpart,
        .marks = counterpart < 0 ? PACKET_MARK_ONE_WAY : 0,
    };
    set_address(from, packet.source, &packet.ip_version);
    set_address(to, packet.destination, &packet.ip_version);
    packet.protocol = packet.ip_version == 4 ? PACKET_PROTOCOL_ICMP : PACKET_PROTOCOL_ICMPV6;
    set_sizes(&packet, 8, 56);
    return packet;
}

void flow_build_fragment(struct packet *packet, uint32_t id, uint32_t offset, uint32_t bytes,
                         bool is_last)
{
    packet->fragment_id = id;
    packet->fragment_offset_bytes = offset;
    packet->fragment_bytes = bytes;
    packet->marks |= is_last ? PACKET_MARK_FRAGMENT_LAST : 0;
    packet->marks |= offset == 0 ? PACKET_MARK_FRAGMENT_FIRST : PACKET_MARK_FRAGMENT_LATER;
    set_sizes(packet, 0, bytes);
    if (offset == 0)
        return;
    packet->source_port = packet->destination_port = 0;
    packet->icmp_type = packet->icmp_code = 0;
    packet->tcp_flags = 0;
    packet->tcp_sequence = packet->tcp_acknowledgment = 0;
    packet->tcp_window = 0;
    packet->marks &= (uint16_t)~PACKET_MARK_ONE_WAY;
}

struct packet flow_build_mirrored(struct packet packet)
{
    struct packet mirrored = packet;
    memcpy(mirrored.source, packet.destination, sizeof mirrored.source);
    memcpy(mirrored.destination, packet.source, sizeof mirrored.destination);
    mirrored.source_port = packet.destination_port;
    mirrored.destination_port = packet.source_port;
    return mirrored;
}

struct flow_settings flow_build_settings(void)
{
    return (struct flow_settings){
        .idle_timeout_ns = 30 * SECOND,
        .active_timeout_ns = 120 * SECOND,
        .close_timeout_ns = 5 * SECOND,
        .sweep_interval_ns = SECOND,
        .memory_ns = 600 * SECOND,
        .max_flows = 64,
        .max_memories = 64,
        .max_fragments = 64,
    };
}

void flow_run_open(struct flow_run *run, const struct flow_settings *settings)
{
    *run = (struct flow_run){.table = flow_table_open(settings), .capacity = 64};
    ck_assert_ptr_nonnull(run->table);
    run->records = calloc(run->capacity, sizeof *run->records);
    ck_assert_ptr_nonnull(run->records);
}

void flow_run_close(struct flow_run *run)
{
    flow_table_close(run->table);
    free(run->records);
    *run = (struct flow_run){0};
}

static void take_all(struct flow_run *run)
{
    for (;;) {
        if (run->count == run->capacity) {
            run->capacity *= 2;
            run->records = realloc(run->records, run->capacity * sizeof *run->records);
            ck_assert_ptr_nonnull(run->records);
        }
        const size_t taken =
            flow_table_take(run->table, run->records + run->count, run->capacity - run->count);
        if (taken == 0)
            return;
        run->count += taken;
    }
}

void flow_run_sweep(struct flow_run *run)
{
    while (!flow_table_sweep(run->table, 3))
        continue;
    take_all(run);
}

void flow_run_packets(struct flow_run *run, const struct packet *packets, size_t count,
                      size_t batch)
{
    size_t fed = 0;
    while (fed < count) {
        const size_t left = count - fed;
        fed += flow_table_packets(run->table, packets + fed, left < batch ? left : batch);
        if (flow_table_sweep_is_due(run->table))
            flow_run_sweep(run);
    }
    run->fed += count;
}

void flow_run_packet(struct flow_run *run, struct packet packet)
{
    flow_run_packets(run, &packet, 1, 1);
}

static void check_sums(const struct flow_run *run)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run->table, &packets, &flows);
    uint64_t in_records = 0, bytes_in_records = 0, refused = 0, ended = 0;
    for (size_t i = 0; i < run->count; i++)
        for (unsigned d = 0; d < 2; d++) {
            in_records += run->records[i].direction[d].packets;
            bytes_in_records += run->records[i].direction[d].ip_bytes;
        }
    for (unsigned i = 0; i < PACKET_REFUSAL_COUNT; i++)
        refused += packets.refused[i];
    for (unsigned i = 0; i < sizeof flows.ended / sizeof flows.ended[0]; i++)
        ended += flows.ended[i];
    ck_assert_uint_eq(packets.in_flows + refused, run->fed);
    ck_assert_uint_eq(in_records, packets.in_flows);
    ck_assert_uint_eq(bytes_in_records, packets.ip_bytes_in_flows);
    ck_assert_uint_eq(flows.opened, run->count);
    ck_assert_uint_eq(flows.handed_over, run->count);
    ck_assert_uint_eq(ended, run->count);
    ck_assert_uint_eq(flows.open + flows.waiting, 0);
}

void flow_run_finish(struct flow_run *run)
{
    while (!flow_table_end_input(run->table))
        flow_run_sweep(run);
    flow_run_sweep(run);
    while (!flow_table_end(run->table, 3))
        continue;
    take_all(run);
    check_sums(run);
}

static void describe_direction(FILE *out, const struct flow_direction *way, bool has_doubles)
{
    fprintf(out, " | n %llu frame %llu ip %llu payload %llu first %lld last %lld",
            (unsigned long long)way->packets, (unsigned long long)way->frame_bytes,
            (unsigned long long)way->ip_bytes, (unsigned long long)way->payload_bytes,
            (long long)way->first_ns, (long long)way->last_ns);
    fprintf(out, " ttl %u-%u flags %02x", way->ttl_min, way->ttl_max, way->tcp_flags);
    fprintf(out, " copies %llu again %u disorder %u zero %u", (unsigned long long)way->duplicates,
            way->retransmitted, way->out_of_order, way->zero_windows);
    const struct flow_distribution *const both[] = {&way->packet_bytes, &way->gap_ns};
    for (unsigned i = 0; i < 2; i++) {
        fprintf(out, " (%llu %lld-%lld", (unsigned long long)both[i]->count,
                (long long)both[i]->min, (long long)both[i]->max);
        if (has_doubles)
            fprintf(out, " %a %a", both[i]->mean, both[i]->deviation);
        fputc(')', out);
    }
}

static void describe_bytes(FILE *out, const uint8_t *bytes, unsigned count)
{
    fputc(' ', out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%02x", bytes[i]);
}

/* What a record says of its fragments, tags and tunnels. */
static void describe_carriage(FILE *out, const struct flow_record *record)
{
    fprintf(out, " fragments %u overlap %u missing %u vlan %u", record->fragments,
            record->fragments_overlapping, record->fragments_first_missing, record->vlan_count);
    for (unsigned i = 0; i < PACKET_VLAN_MAX; i++)
        fprintf(out, ",%u", record->vlan[i]);
    fprintf(out, " tunnels %u v%u", record->tunnel_count, record->outer_ip_version);
    describe_bytes(out, record->tunnels, sizeof record->tunnels);
    describe_bytes(out, record->outer_source, sizeof record->outer_source);
    describe_bytes(out, record->outer_destination, sizeof record->outer_destination);
}

void flow_build_describe(const struct flow_record *record, bool has_doubles,
                         char text[FLOW_DESCRIPTION_SIZE])
{
    FILE *const out = fmemopen(text, FLOW_DESCRIPTION_SIZE, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "#%llu epoch %u slice %u first %lld last %lld notice %lld ",
            (unsigned long long)record->opening_number, record->epoch, record->slice,
            (long long)record->first_ns, (long long)record->last_ns, (long long)record->notice_ns);
    for (unsigned i = 0; i < 16; i++)
        fprintf(out, "%02x", record->source[i]);
    fprintf(out, ":%u > ", record->source_port);
    for (unsigned i = 0; i < 16; i++)
        fprintf(out, "%02x", record->destination[i]);
    fprintf(out, ":%u v%u p%u %s %s %s icmp %u/%u%s%s", record->destination_port,
            record->ip_version, record->protocol, flow_basis_name(record->basis),
            flow_end_reason_name(record->end_reason), flow_state_name(record->state),
            record->icmp_type, record->icmp_code, record->one_way_key ? " one-way" : "",
            record->is_tcp_closed ? " closed" : "");
    if (record->has_handshake_rtt)
        fprintf(out, " rtt %lld", (long long)record->handshake_rtt_ns);
    fprintf(out, " marks %x index %u longest %lld history %s", record->marks, record->source_index,
            (long long)record->longest_gap_ns, record->history);
    describe_carriage(out, record);
    for (unsigned d = 0; d < 2; d++)
        describe_direction(out, &record->direction[d], has_doubles);
    ck_assert_int_eq(fclose(out), 0);
}

uint64_t flow_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct flow_settings flow_build_random_settings(uint64_t *state)
{
    struct flow_settings settings = {
        .idle_timeout_ns = 3 * SECOND,
        .active_timeout_ns = 8 * SECOND,
        .close_timeout_ns = 500 * MS,
        .sweep_interval_ns = SECOND,
        .memory_ns = 15 * SECOND,
        .max_flows = (uint32_t)(3 + flow_random(state) % 48),
        .max_memories = (uint32_t)(2 + flow_random(state) % 19),
        .max_fragments = (uint32_t)(flow_random(state) % 7),
        .leaves_out_duplicates = flow_random(state) % 3 == 0,
        .vlan_is_in_key = flow_random(state) % 3 == 0,
    };
    if (flow_random(state) % 8 == 0)
        settings.idle_timeout_ns = 0;
    /* Shorter than silences: many a slice is opened by a packet that comes late. */
    if (flow_random(state) % 4 == 0)
        settings.active_timeout_ns = flow_random(state) % 2 ? 0 : SECOND;
    if (flow_random(state) % 8 == 0)
        settings.close_timeout_ns = flow_random(state) % 2 ? 0 : 5 * SECOND;
    return settings;
}

/* Mostly bursts, sometimes silences that end flows. */
static int64_t random_step_ns(uint64_t *state)
{
    const uint64_t kind = flow_random(state) % 100, amount = flow_random(state);
    if (kind < 50)
        return 0;
    if (kind < 80)
        return (int64_t)(1 + amount % 4) * 50 * MS;
    if (kind < 94)
        return (int64_t)(5 + amount % 35) * 50 * MS;
    return kind < 99 ? (int64_t)(amount % 120) * 50 * MS : (int64_t)(amount % 40) * SECOND;
}

/* The packet's stamp: mostly now, sometimes late, sometimes wrong. */
static int64_t random_stamp(uint64_t *state, int64_t *now_ns, bool has_steps)
{
    *now_ns += random_step_ns(state);
    const uint64_t kind = flow_random(state) % 1000, amount = flow_random(state);
    if (kind < 80)
        return *now_ns - (int64_t)(amount % 20) * 50 * MS;
    if (kind < 110)
        return *now_ns - (int64_t)(amount % 1180) * 50 * MS;
    if (!has_steps || kind < 990)
        return *now_ns;
    if (kind < 996)
        return amount % 2 ? *now_ns + 7200 * SECOND : *now_ns - 100 * SECOND;
    *now_ns += amount % 2 ? 7200 * SECOND : -300 * SECOND;
    return *now_ns;
}

static unsigned random_flags(uint64_t *state)
{
    static const uint8_t flags[] = {
        PACKET_TCP_SYN,
        PACKET_TCP_SYN,
        PACKET_TCP_SYN,
        PACKET_TCP_SYN,
        PACKET_TCP_SYN | PACKET_TCP_ACK,
        PACKET_TCP_SYN | PACKET_TCP_ACK,
        PACKET_TCP_ACK,
        PACKET_TCP_ACK,
        PACKET_TCP_ACK,
        PACKET_TCP_ACK,
        PACKET_TCP_ACK,
        PACKET_TCP_ACK | PACKET_TCP_PSH,
        PACKET_TCP_ACK | PACKET_TCP_PSH,
        PACKET_TCP_FIN | PACKET_TCP_ACK,
        PACKET_TCP_FIN | PACKET_TCP_ACK,
        PACKET_TCP_FIN,
        PACKET_TCP_RST,
        PACKET_TCP_SYN | PACKET_TCP_FIN,
        PACKET_TCP_FIN | PACKET_TCP_RST,
        0,
    };
    return flags[flow_random(state) % sizeof flags];
}

/* Sequence numbers of few bytes, around the point where they wrap, so that segments meet. */
static void random_segment(uint64_t *state, const struct flow_mix *mix, struct packet *packet)
{
    static const uint32_t sizes[] = {0, 0, 1, 5, 10, 30};
    if (mix->is_dense && flow_random(state) % 32 > 0)
        packet->tcp_flags = PACKET_TCP_ACK;
    const bool is_syn = packet->tcp_flags & PACKET_TCP_SYN;
    packet->tcp_sequence =
        UINT32_C(0xffffffe0) + (uint32_t)(flow_random(state) % (is_syn ? 2 : 120));
    packet->tcp_acknowledgment = UINT32_C(0xffffffe1) + (uint32_t)(flow_random(state) % 2);
    packet->tcp_window = flow_random(state) % 6 == 0 ? 0 : 1000;
    const uint32_t size = sizes[flow_random(state) % (sizeof sizes / sizeof sizes[0])];
    set_sizes(packet, 20, mix->is_dense ? 1 + size / 8 : size);
}

/* Tags, tunnels and fragments. */
static void random_carriage(uint64_t *state, const struct flow_mix *mix, struct packet *packet)
{
    packet->vlan_count = flow_random(state) % 3 == 0;
    packet->vlan[0] = packet->vlan_count > 0 ? (uint16_t)(5 + flow_random(state) % 2) : 0;
    packet->source_index = (uint16_t)(flow_random(state) % 2);
    if (flow_random(state) % 8 == 0) {
        packet->tunnel_count = 1;
        packet->tunnels[0] = PACKET_TUNNEL_GRE;
        packet->outer_ip_version = 4;
        packet->outer_source[0] = packet->outer_destination[3] = (uint8_t)flow_random(state);
    }
    if (flow_random(state) % (mix->is_dense ? 3 : 5) > 0)
        return;
    const uint32_t id = mix->is_dense ? 0 : (uint32_t)(flow_random(state) % 2);
    const unsigned one_first_in = mix->is_dense ? 40 : 4;
    const bool is_first = flow_random(state) % one_first_in == 0;
    const uint32_t offset = is_first ? 0 : (uint32_t)(1 + flow_random(state) % 50);
    const uint32_t units = mix->is_dense ? 1 : (uint32_t)(1 + flow_random(state) % 2);
    flow_build_fragment(packet, id, 8 * offset, 8 * units, flow_random(state) % 8 == 0);
}

static struct packet random_packet(uint64_t *state, const struct flow_mix *mix, int64_t time_ns)
{
    static const uint16_t services[] = {443, 53, 50000, 50001, 50002};
    const unsigned key = (unsigned)(flow_random(state) % mix->keys);
    const bool is_ipv6 = key % 7 == 6;
    const unsigned service = mix->has_known_ports ? services[key % 5] : 50000 + key % 5;
    char from[64], to[64];
    snprintf(from, sizeof from, "%s%u", is_ipv6 ? "fd00::" : "10.0.0.", 1 + key % 3);
    snprintf(to, sizeof to, "%s%u", is_ipv6 ? "fd01::" : "10.0.1.", 1 + key / 3 % 3);
    struct packet packet;
    if (key % 8 == 7) {
        const bool is_one_way = flow_random(state) % 4 == 0;
        packet = is_one_way ? flow_build_icmp(time_ns, from, to, 3, (uint8_t)(key % 4), -1)
                            : flow_build_icmp(time_ns, from, to, 8, 0, 0);
    } else {
        const unsigned port = 40000 + key / 9;
        snprintf(from + strlen(from), sizeof from - strlen(from), ":%u", port);
        snprintf(to + strlen(to), sizeof to - strlen(to), ":%u", service);
        packet = key % 3 == 2 ? flow_build_udp(time_ns, from, to)
                              : flow_build_tcp(time_ns, from, to, random_flags(state));
    }
    set_sizes(&packet, 8, (uint32_t)(flow_random(state) % 3 * 100));
    if (packet.protocol == PACKET_PROTOCOL_TCP)
        random_segment(state, mix, &packet);
    packet.ttl = (uint8_t)(60 + flow_random(state) % 4);
    packet.digest = flow_random(state) % 8 == 0 ? 0 : (uint32_t)flow_random(state);
    random_carriage(state, mix, &packet);
    return flow_random(state) % 3 == 0 ? flow_build_mirrored(packet) : packet;
}

/* A copy of one of the last packets, as a mirror port makes it: a hop further on, with another tag,
 * mostly soon after, sometimes as late as only what is sent again. */
static struct packet random_copy(uint64_t *state, const struct packet *packets, size_t count)
{
    static const int64_t delays_ns[] = {0, 0, 1100000, 3 * MS, -3 * MS, 7 * MS, 61 * MS};
    struct packet copy = packets[count - 1 - flow_random(state) % (count < 12 ? count : 12)];
    copy.time_ns += delays_ns[flow_random(state) % (sizeof delays_ns / sizeof delays_ns[0])];
    copy.ttl--;
    copy.vlan[0] = copy.vlan_count > 0 ? (uint16_t)(5 + flow_random(state) % 2) : 0;
    return copy;
}

void flow_build_random_packets(uint64_t *state, const struct flow_mix *mix, struct packet *packets,
                               size_t count)
{
    int64_t now_ns = 3600000 * SECOND;
    for (size_t i = 0; i < count; i++) {
        const int64_t time_ns = random_stamp(state, &now_ns, mix->has_steps);
        packets[i] = i > 0 && flow_random(state) % 10 == 0 ? random_copy(state, packets, i)
                                                           : random_packet(state, mix, time_ns);
    }
}
