/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of packets, as mirror ports make them; and VLAN tags, which they rewrite. */
#include "flow/flow_cell.h"

#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#define T0 (INT64_C(1000000) * SECOND)
#define A "10.0.0.1:40000"
#define B "10.0.0.2:443"

enum { SYN = PACKET_TCP_SYN, ACK = PACKET_TCP_ACK, FIN = PACKET_TCP_FIN, RST = PACKET_TCP_RST };

static struct flow_settings settings;
static struct flow_run run;

static void start(void)
{
    settings = flow_build_settings();
    flow_run_open(&run, &settings);
}

static void restart(void)
{
    flow_run_close(&run);
    flow_run_open(&run, &settings);
}

static void leave_out(void)
{
    settings.leaves_out_duplicates = true;
    restart();
}

static void stop(void)
{
    flow_run_close(&run);
}

static void udp(int64_t time_ns, const char *from, const char *to, uint32_t digest)
{
    struct packet packet = flow_build_udp(time_ns, from, to);
    packet.digest = digest;
    flow_run_packet(&run, packet);
}

/* A segment and its copy 10 us later, a hop further on. */
static void twice(int64_t time_ns, const char *from, const char *to, unsigned flags,
                  uint32_t sequence, uint32_t payload_bytes)
{
    static uint32_t digest = 1000;
    struct packet packet = flow_build_tcp(time_ns, from, to, flags);
    packet.tcp_sequence = sequence;
    packet.payload_bytes = payload_bytes;
    packet.digest = ++digest;
    flow_run_packet(&run, packet);
    packet.time_ns += 10000;
    packet.ttl--;
    packet.vlan_count = 1;
    packet.vlan[0] = 7;
    flow_run_packet(&run, packet);
}

static uint64_t refused(void)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run.table, &packets, &flows);
    return packets.refused[PACKET_REFUSED_DUPLICATE];
}

static void check_duplicates(uint64_t forward, uint64_t reverse)
{
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    ck_assert_uint_eq(run.records[0].direction[FLOW_FORWARD].duplicates, forward);
    ck_assert_uint_eq(run.records[0].direction[FLOW_REVERSE].duplicates, reverse);
    ck_assert_uint_eq((run.records[0].marks & FLOW_MARK_DUPLICATES) != 0, forward + reverse > 0);
}

START_TEST(copy_is_counted_in_its_flow_and_side)
{
    udp(T0, A, B, 5);
    udp(T0 + 1000, A, B, 5);
    udp(T0 + 2000, B, A, 5);
    udp(T0 + 3000, B, A, 6);
    check_duplicates(1, 0);
    ck_assert_uint_eq(run.records[0].direction[FLOW_FORWARD].packets, 2);
    ck_assert_uint_eq(refused(), 0);
}
END_TEST

START_TEST(same_packet_in_another_flow_is_no_copy)
{
    udp(T0, A, B, 5);
    udp(T0, "10.0.0.1:40001", B, 5);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(run.records[i].direction[0].duplicates, 0);
}
END_TEST

START_TEST(copy_comes_within_5_ms_before_or_after)
{
    udp(T0, A, B, 5);
    udp(T0 + FLOW_DUPLICATE_WINDOW_NS - 1024, A, B, 5);
    udp(T0 - FLOW_DUPLICATE_WINDOW_NS + 1024, A, B, 5);
    check_duplicates(2, 0);
}
END_TEST

START_TEST(equal_packet_later_than_5_ms_is_sent_again)
{
    udp(T0, A, B, 5);
    udp(T0 + FLOW_DUPLICATE_WINDOW_NS + 1024, A, B, 5);
    udp(T0 + 4398046511104, A, B, 5); /* when the coarse times come round, the flow is over */
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    ck_assert_uint_eq(run.records[0].direction[0].duplicates, 0);
}
END_TEST

START_TEST(copy_is_known_while_7_other_packets_come_between)
{
    udp(T0, A, B, 5);
    for (uint32_t i = 0; i < 7; i++)
        udp(T0 + 1, A, B, 10 + i);
    udp(T0 + 2, A, B, 5);
    udp(T0 + 3, A, B, 20);
    udp(T0 + 4, A, B, 5);
    check_duplicates(1, 0);
}
END_TEST

START_TEST(packet_without_a_digest_is_never_a_copy)
{
    udp(T0, A, B, 0);
    udp(T0, A, B, 0);
    check_duplicates(0, 0);
}
END_TEST

START_TEST(copies_tell_tcp_nothing)
{
    twice(T0, A, B, SYN, 99, 0);
    twice(T0 + MS, B, A, SYN | ACK, 499, 0);
    twice(T0 + 2 * MS, A, B, ACK, 100, 10);
    twice(T0 + 3 * MS, A, B, FIN | ACK, 110, 0);
    check_duplicates(3, 1);
    const struct flow_record *const record = &run.records[0];
    for (unsigned d = 0; d < 2; d++)
        ck_assert_uint_eq(record->direction[d].retransmitted, 0);
    ck_assert_str_eq(record->history, "ShDF");
    ck_assert_uint_eq(record->direction[FLOW_FORWARD].packets, 6);
    ck_assert_uint_eq(record->direction[FLOW_FORWARD].ttl_min, 63);
    ck_assert_uint_eq(record->vlan_count, 0);
}
END_TEST

START_TEST(copies_left_out_leave_the_record_of_the_originals)
{
    leave_out();
    twice(T0, A, B, SYN, 99, 0);
    twice(T0 + MS, B, A, SYN | ACK, 499, 0);
    twice(T0 + 2 * MS, A, B, RST, 100, 0);
    check_duplicates(2, 1);
    ck_assert_uint_eq(refused(), 3);
    const struct flow_record *const record = &run.records[0];
    ck_assert_uint_eq(record->direction[FLOW_FORWARD].packets, 2);
    ck_assert_uint_eq(record->direction[FLOW_REVERSE].packets, 1);
    ck_assert_uint_eq(record->direction[FLOW_FORWARD].ttl_min, 64);
    ck_assert_int_eq(record->last_ns, T0 + 2 * MS);
    ck_assert_str_eq(record->history, "ShR");
}
END_TEST

START_TEST(copy_of_the_syn_that_reuses_a_key_opens_nothing)
{
    twice(T0, A, B, SYN, 99, 0);
    twice(T0 + MS, B, A, RST, 0, 0);
    twice(T0 + SECOND, A, B, SYN, 5000, 0);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(run.records[i].direction[0].duplicates, 1);
}
END_TEST

START_TEST(copy_of_the_last_connections_reset_does_not_close_the_next)
{
    struct packet reset = flow_build_tcp(T0, B, A, RST), syn = flow_build_tcp(T0, A, B, SYN);
    reset.digest = 5;
    syn.digest = 6;
    flow_run_packet(&run, reset);
    flow_run_packet(&run, syn);
    flow_run_packet(&run, reset);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    ck_assert_uint_eq(run.records[1].state, FLOW_STATE_ATTEMPTED);
    ck_assert_uint_eq(run.records[1].direction[FLOW_REVERSE].duplicates, 1);
}
END_TEST

START_TEST(copy_stays_in_the_slice_of_its_packet)
{
    settings.active_timeout_ns = 10 * SECOND;
    restart();
    udp(T0, A, B, 5);
    udp(T0 + 10 * SECOND - 1000, A, B, 6);
    udp(T0 + 10 * SECOND, A, B, 6);
    udp(T0 + 10 * SECOND + 1000, A, B, 7);
    udp(T0 + 10 * SECOND + 2000, A, B, 6);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    ck_assert_uint_eq(run.records[0].direction[0].packets, 3);
    ck_assert_uint_eq(run.records[0].direction[0].duplicates, 1);
    ck_assert_uint_eq(run.records[1].direction[0].packets, 2);
    ck_assert_uint_eq(run.records[1].direction[0].duplicates, 1);
}
END_TEST

static void tagged(int64_t time_ns, const char *from, const char *to, uint8_t count, uint16_t vlan)
{
    struct packet packet = flow_build_udp(time_ns, from, to);
    packet.vlan_count = count;
    packet.vlan[0] = vlan;
    flow_run_packet(&run, packet);
}

/* The third slice is of one packet, an early one that came late. */
START_TEST(copy_is_known_of_a_packet_later_than_all_of_its_slice)
{
    settings.active_timeout_ns = 2 * SECOND;
    restart();
    udp(T0, A, B, 1);
    udp(T0 + 3 * SECOND, A, B, 2);
    udp(T0 + SECOND, A, B, 3);
    udp(T0 + SECOND + 100 * MS, A, B, 4);
    udp(T0 + 3 * SECOND + 10000, A, B, 2);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        const bool has_copy = run.records[i].first_ns == T0 + SECOND + 100 * MS;
        ck_assert_uint_eq(run.records[i].direction[0].duplicates, has_copy);
        ck_assert_uint_eq(run.records[i].direction[0].packets, i == 0 ? 1 : 2);
        ck_assert_uint_lt(run.records[i].marks, 1 << 6);
    }
}
END_TEST

START_TEST(tags_are_recorded_and_do_not_part_flows)
{
    tagged(T0, A, B, 1, 7);
    tagged(T0, B, A, 1, 8);
    tagged(T0, A, B, 0, 0);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    ck_assert_uint_eq(run.records[0].vlan_count, 1);
    ck_assert_uint_eq(run.records[0].vlan[0], 7);
}
END_TEST

START_TEST(tags_part_flows_where_asked_for)
{
    settings.vlan_is_in_key = true;
    restart();
    tagged(T0, A, B, 1, 7);
    tagged(T0, B, A, 1, 7);
    tagged(T0, B, A, 1, 8);
    tagged(T0, A, B, 0, 0);
    tagged(T0, A, B, 1, 0);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 4);
    ck_assert_uint_eq(run.records[0].direction[FLOW_REVERSE].packets, 1);
}
END_TEST

START_TEST(fragments_join_within_their_vlan_where_it_is_in_the_key)
{
    settings.vlan_is_in_key = true;
    restart();
    for (uint16_t vlan = 1; vlan <= 2; vlan++)
        for (uint32_t i = 0; i < 2; i++) {
            struct packet packet = flow_build_udp(T0, A, B);
            packet.vlan_count = 1;
            packet.vlan[0] = vlan;
            flow_build_fragment(&packet, 7, 8 * i, 8, i == 1);
            flow_run_packet(&run, packet);
        }
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(run.records[i].fragments_overlapping, 0);
}
END_TEST

START_TEST(record_tells_the_tunnel_of_the_first_packet)
{
    struct packet packet = flow_build_udp(T0, A, B);
    packet.tunnel_count = 2;
    packet.tunnels[0] = PACKET_TUNNEL_GRE;
    packet.tunnels[1] = PACKET_TUNNEL_ERSPAN;
    packet.outer_ip_version = 4;
    packet.outer_source[0] = 192;
    packet.outer_destination[3] = 9;
    flow_run_packet(&run, packet);
    udp(T0 + 1, B, A, 1);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    const struct flow_record *const record = &run.records[0];
    ck_assert_uint_eq(record->tunnel_count, 2);
    ck_assert_mem_eq(record->tunnels, packet.tunnels, sizeof packet.tunnels);
    ck_assert_uint_eq(record->outer_ip_version, 4);
    ck_assert_mem_eq(record->outer_source, packet.outer_source, 16);
    ck_assert_mem_eq(record->outer_destination, packet.outer_destination, 16);
}
END_TEST

START_TEST(first_packet_is_the_earliest_also_if_it_comes_late)
{
    struct packet request = flow_build_udp(T0, A, "10.0.0.2:40001");
    struct packet answer = flow_build_mirrored(request);
    answer.time_ns += MS;
    request.source_index = 1;
    flow_run_packet(&run, answer);
    flow_run_packet(&run, request);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.records[0].source_port, 40000);
    ck_assert_uint_eq(run.records[0].source_index, 1);
    ck_assert_str_eq(run.records[0].history, "dD");
}
END_TEST

Suite *whyflow_suite(void)
{
    const TTest *const tests[] = {
        copy_is_counted_in_its_flow_and_side,
        same_packet_in_another_flow_is_no_copy,
        copy_comes_within_5_ms_before_or_after,
        equal_packet_later_than_5_ms_is_sent_again,
        copy_is_known_while_7_other_packets_come_between,
        packet_without_a_digest_is_never_a_copy,
        copies_tell_tcp_nothing,
        copies_left_out_leave_the_record_of_the_originals,
        copy_of_the_syn_that_reuses_a_key_opens_nothing,
        copy_of_the_last_connections_reset_does_not_close_the_next,
        copy_stays_in_the_slice_of_its_packet,
        copy_is_known_of_a_packet_later_than_all_of_its_slice,
        tags_are_recorded_and_do_not_part_flows,
        tags_part_flows_where_asked_for,
        fragments_join_within_their_vlan_where_it_is_in_the_key,
        record_tells_the_tunnel_of_the_first_packet,
        first_packet_is_the_earliest_also_if_it_comes_late,
    };
    Suite *const suite = suite_create("flow duplicates");
    TCase *const tcase = tcase_create("copies and tags");
    tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
