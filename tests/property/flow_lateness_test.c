/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that come late, and clocks that step, stray or stand at the ends of their range. A late
 * packet is counted in its flow, and what a flow is does not depend on it; no flow is of negative
 * or absurd length. */
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONVERSATIONS = 40, PACKETS_MAX = 4000, SEQUENCES = 20, LATE_EVERY = 10, LATE_BY = 5 };

static struct packet packets[PACKETS_MAX], shuffled[PACKETS_MAX];
static size_t packet_count;

/* ---- traffic in order ---- */

struct conversation {
    char client[32], server[32];
    bool is_tcp;
    unsigned step, steps; /* packets so far and in all */
    uint32_t next[2];     /* sequence numbers */
};

static void start_conversation(uint64_t *state, struct conversation *talk, unsigned number)
{
    *talk = (struct conversation){
        .is_tcp = flow_random(state) % 3 > 0,
        .steps = (unsigned)(1 + flow_random(state) % 80),
        .next = {(uint32_t)flow_random(state), (uint32_t)flow_random(state)},
    };
    snprintf(talk->client, sizeof talk->client, "10.0.%u.1:%u", number % 3, 40000 + number);
    snprintf(talk->server, sizeof talk->server, "10.0.1.2:%u", number % 2 ? 443 : 50000);
}

/* SYN, SYN-ACK, ACK, then data either way, at last a FIN of each side. */
static struct packet next_segment(uint64_t *state, struct conversation *talk, int64_t time_ns)
{
    static const unsigned opening[] = {PACKET_TCP_SYN, PACKET_TCP_SYN | PACKET_TCP_ACK,
                                       PACKET_TCP_ACK};
    const bool is_opening = talk->step < 3;
    const bool is_closing = !is_opening && talk->step + 2 >= talk->steps;
    const bool is_servers = is_opening   ? talk->step == 1
                            : is_closing ? talk->step + 1 == talk->steps
                                         : flow_random(state) % 2;
    unsigned flags = is_opening ? opening[talk->step] : PACKET_TCP_ACK;
    flags |= is_closing ? PACKET_TCP_FIN : 0;
    struct packet packet = flow_build_tcp(time_ns, talk->client, talk->server, flags);
    packet.payload_bytes = is_opening ? 0 : (uint32_t)(flow_random(state) % 3 * 100);
    packet.ip_bytes += packet.payload_bytes;
    packet.frame_bytes += packet.payload_bytes;
    packet.tcp_sequence = talk->next[is_servers];
    packet.tcp_acknowledgment = talk->next[!is_servers];
    talk->next[is_servers] +=
        packet.payload_bytes + ((flags & PACKET_TCP_SYN) != 0) + ((flags & PACKET_TCP_FIN) != 0);
    return is_servers ? flow_build_mirrored(packet) : packet;
}

static struct packet next_packet(uint64_t *state, struct conversation *talk, int64_t time_ns)
{
    struct packet packet = talk->is_tcp ? next_segment(state, talk, time_ns)
                                        : flow_build_udp(time_ns, talk->client, talk->server);
    if (!talk->is_tcp && talk->step > 0 && flow_random(state) % 2)
        packet = flow_build_mirrored(packet);
    talk->step++;
    packet.digest = (uint32_t)flow_random(state) | 1;
    packet.source_index = (uint16_t)(flow_random(state) % 2);
    return packet;
}

/* Conversations side by side, each stamp after the one before. */
static void make_traffic(uint64_t *state)
{
    static struct conversation talks[CONVERSATIONS];
    int64_t now_ns = 1000000 * SECOND;
    unsigned open = CONVERSATIONS;
    for (unsigned i = 0; i < CONVERSATIONS; i++)
        start_conversation(state, &talks[i], i);
    packet_count = 0;
    while (open > 0) {
        const unsigned i = (unsigned)(flow_random(state) % open);
        now_ns += (int64_t)(1 + flow_random(state) % 2000000);
        packets[packet_count++] = next_packet(state, &talks[i], now_ns);
        if (talks[i].step == talks[i].steps)
            talks[i] = talks[--open];
    }
}

/* Every 10th packet comes 5 packets later. */
static void make_late(void)
{
    size_t count = 0;
    const struct packet *held = NULL;
    size_t held_until = 0;
    for (size_t i = 0; i < packet_count; i++) {
        if (i % LATE_EVERY == 0 && i + LATE_BY < packet_count) {
            held = &packets[i];
            held_until = i + LATE_BY;
            continue;
        }
        shuffled[count++] = packets[i];
        if (held != NULL && i == held_until) {
            shuffled[count++] = *held;
            held = NULL;
        }
    }
    ck_assert_uint_eq(count, packet_count);
}

/* ---- comparison ---- */

static void run_packets(struct flow_run *run, const struct packet *some, size_t count)
{
    struct flow_settings settings = flow_build_settings();
    settings.idle_timeout_ns = settings.active_timeout_ns = settings.close_timeout_ns = 0;
    flow_run_open(run, &settings);
    flow_run_packets(run, some, count, 32);
    flow_run_finish(run);
}

static const struct flow_record *find_flow(const struct flow_run *run, uint64_t flow_id)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->records[i].flow_id == flow_id)
            return &run->records[i];
    return NULL;
}

static void check_direction(const struct flow_direction *late, const struct flow_direction *plain)
{
    ck_assert_uint_eq(late->packets, plain->packets);
    ck_assert_uint_eq(late->frame_bytes, plain->frame_bytes);
    ck_assert_uint_eq(late->ip_bytes, plain->ip_bytes);
    ck_assert_uint_eq(late->payload_bytes, plain->payload_bytes);
    ck_assert_int_eq(late->first_ns, plain->first_ns);
    ck_assert_int_eq(late->last_ns, plain->last_ns);
    ck_assert_uint_eq(late->tcp_flags, plain->tcp_flags);
    ck_assert_uint_eq(late->retransmitted, 0);
    ck_assert_uint_eq(late->out_of_order, 0);
    ck_assert_uint_eq(late->duplicates, 0);
}

static void check_flow(const struct flow_record *late, const struct flow_record *plain)
{
    ck_assert_int_eq(late->first_ns, plain->first_ns);
    ck_assert_int_eq(late->last_ns, plain->last_ns);
    ck_assert_mem_eq(late->source, plain->source, sizeof late->source);
    ck_assert_uint_eq(late->source_port, plain->source_port);
    ck_assert_str_eq(flow_basis_name(late->basis), flow_basis_name(plain->basis));
    ck_assert_str_eq(flow_state_name(late->state), flow_state_name(plain->state));
    ck_assert_uint_eq(late->source_index, plain->source_index);
    for (unsigned d = 0; d < 2; d++)
        check_direction(&late->direction[d], &plain->direction[d]);
}

START_TEST(every_10th_packet_5_late_changes_no_flow)
{
    uint64_t state = (uint64_t)_i + 900;
    make_traffic(&state);
    make_late();
    struct flow_run plain, late;
    run_packets(&plain, packets, packet_count);
    run_packets(&late, shuffled, packet_count);
    ck_assert_uint_eq(plain.count, CONVERSATIONS);
    ck_assert_uint_eq(late.count, plain.count);
    for (size_t i = 0; i < plain.count; i++) {
        const struct flow_record *const twin = find_flow(&late, plain.records[i].flow_id);
        ck_assert_ptr_nonnull(twin);
        check_flow(twin, &plain.records[i]);
    }
    struct packet_counters counters;
    struct flow_counters flows;
    flow_table_counters(late.table, &counters, &flows);
    ck_assert_uint_eq(counters.late, (packet_count - LATE_BY + LATE_EVERY - 1) / LATE_EVERY);
    flow_run_close(&plain);
    flow_run_close(&late);
}
END_TEST

/* ---- clocks ---- */

#define YEAR_2038 (INT64_C(0x80000000) * SECOND)
#define YEAR_2106 (INT64_C(0x100000000) * SECOND)

/* The last is where packet times end. */
static const int64_t epochs_ns[] = {0, YEAR_2038, YEAR_2106, (INT64_C(1) << 62) - 7200 * SECOND};
enum { EPOCHS = sizeof epochs_ns / sizeof epochs_ns[0] };

static void check_lengths(const struct flow_run *run, int64_t longest_ns)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct flow_record *const record = &run->records[i];
        ck_assert_int_le(0, record->first_ns);
        ck_assert_int_le(record->first_ns, record->last_ns);
        ck_assert_int_le(record->last_ns - record->first_ns, longest_ns);
        ck_assert_int_le(record->last_ns, record->notice_ns);
        ck_assert_int_le(record->longest_gap_ns, record->last_ns - record->first_ns);
    }
}

START_TEST(flows_across_the_ends_of_clocks_are_like_any_other)
{
    struct flow_run run;
    const struct flow_settings settings = flow_build_settings();
    flow_run_open(&run, &settings);
    const int64_t start_ns = epochs_ns[_i] < 2 * SECOND ? 0 : epochs_ns[_i] - 2 * SECOND;
    for (unsigned i = 0; i < 5; i++)
        flow_run_packet(&run,
                        flow_build_udp(start_ns + i * SECOND, "10.0.0.1:1000", "10.0.0.2:2000"));
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    ck_assert_int_eq(run.records[0].last_ns - run.records[0].first_ns, 4 * SECOND);
    ck_assert_uint_eq(run.records[0].direction[0].packets, 5);
    flow_run_close(&run);
}
END_TEST

/* A clock that begins at one of the epochs, is set to another now and then, and strays. */
START_TEST(clock_that_jumps_between_epochs_makes_no_absurd_flow)
{
    uint64_t state = (uint64_t)_i + 77;
    struct flow_settings settings = flow_build_settings();
    const int64_t longest_ns = settings.active_timeout_ns + settings.idle_timeout_ns + 60 * SECOND;
    struct flow_run run;
    flow_run_open(&run, &settings);
    int64_t now_ns = epochs_ns[_i % EPOCHS];
    for (unsigned i = 0; i < 3000; i++) {
        now_ns += (int64_t)(flow_random(&state) % 500) * MS;
        if (flow_random(&state) % 200 == 0)
            now_ns = epochs_ns[flow_random(&state) % EPOCHS];
        if (now_ns >= INT64_C(1) << 62)
            now_ns = 0;
        char from[32];
        snprintf(from, sizeof from, "10.0.0.1:%u", 1000 + (unsigned)(flow_random(&state) % 8));
        const bool is_stray = flow_random(&state) % 50 == 0;
        const int64_t time_ns = is_stray ? epochs_ns[flow_random(&state) % EPOCHS] : now_ns;
        flow_run_packet(&run, flow_build_udp(time_ns, from, "10.0.0.2:2000"));
    }
    flow_run_finish(&run);
    ck_assert_uint_gt(run.count, 8);
    check_lengths(&run, longest_ns);
    flow_run_close(&run);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow lateness");
    TCase *const tcase = tcase_create("late packets and clocks");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_10th_packet_5_late_changes_no_flow, 0, SEQUENCES);
    tcase_add_loop_test(tcase, flows_across_the_ends_of_clocks_are_like_any_other, 0, EPOCHS);
    tcase_add_loop_test(tcase, clock_that_jumps_between_epochs_makes_no_absurd_flow, 0, SEQUENCES);
    suite_add_tcase(suite, tcase);
    return suite;
}
