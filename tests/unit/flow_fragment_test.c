/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments: later ones join the flow of their first, by a bounded table; what overlaps and what
 * has no first is counted. */
#include "flow/fragment_table.h"

#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <string.h>

#define T0 (INT64_C(1000000) * SECOND)
#define A "10.0.0.1:5000"
#define B "10.0.0.2:53"

static struct flow_settings settings;
static struct flow_run run;
static int64_t now_ns;

static void start(void)
{
    settings = flow_build_settings();
    settings.idle_timeout_ns = 0;
    now_ns = T0;
    flow_run_open(&run, &settings);
}

static void restart(void)
{
    flow_run_close(&run);
    flow_run_open(&run, &settings);
}

static void stop(void)
{
    flow_run_close(&run);
}

/* 1 ms after the one before. Bytes from `offset`; the first of a datagram has offset 0. */
static struct packet fragment(uint32_t id, uint32_t offset, uint32_t bytes, bool is_last)
{
    struct packet packet = flow_build_udp(now_ns += MS, A, B);
    flow_build_fragment(&packet, id, offset, bytes, is_last);
    return packet;
}

static void see(uint32_t id, uint32_t offset, uint32_t bytes, bool is_last)
{
    flow_run_packet(&run, fragment(id, offset, bytes, is_last));
}

static const struct flow_record *flow_with_port(uint16_t port)
{
    const struct flow_record *found = NULL;
    for (size_t i = 0; i < run.count; i++)
        if (run.records[i].destination_port == port) {
            ck_assert_ptr_null(found);
            found = &run.records[i];
        }
    return found;
}

static void check_flow(uint16_t port, uint32_t fragments, uint32_t overlapping,
                       uint32_t first_missing)
{
    const struct flow_record *const record = flow_with_port(port);
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_eq(record->fragments, fragments);
    ck_assert_uint_eq(record->fragments_overlapping, overlapping);
    ck_assert_uint_eq(record->fragments_first_missing, first_missing);
    ck_assert_uint_eq(record->direction[0].packets, fragments);
    ck_assert(record->marks & FLOW_MARK_FRAGMENTS);
}

static struct flow_counters counters(void)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run.table, &packets, &flows);
    return flows;
}

START_TEST(later_fragments_join_the_flow_of_their_first)
{
    see(7, 0, 1480, false);
    see(7, 1480, 1480, false);
    see(7, 2960, 100, true);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    check_flow(53, 3, 0, 0);
    ck_assert_uint_eq(run.records[0].source_port, 5000);
}
END_TEST

START_TEST(fragments_of_one_batch_join_too)
{
    const struct packet packets[] = {fragment(7, 0, 8, false), fragment(7, 8, 8, true)};
    flow_run_packets(&run, packets, 2, 2);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    check_flow(53, 2, 0, 0);
}
END_TEST

START_TEST(ipv6_fragments_join_too)
{
    struct packet first = flow_build_udp(T0, "2001:db8::1:5000", "2001:db8::2:53"), later = first;
    flow_build_fragment(&first, 0x12345678, 0, 1448, false);
    flow_build_fragment(&later, 0x12345678, 1448, 100, true);
    flow_run_packet(&run, first);
    flow_run_packet(&run, later);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    check_flow(53, 2, 0, 0);
}
END_TEST

START_TEST(icmp_fragments_join_by_type_and_way)
{
    struct packet first = flow_build_icmp(T0, "10.0.0.1", "10.0.0.2", 3, 1, -1), later = first;
    flow_build_fragment(&first, 7, 0, 1480, false);
    flow_build_fragment(&later, 7, 1480, 100, true);
    ck_assert_uint_eq(later.marks & PACKET_MARK_ONE_WAY, 0);
    flow_run_packet(&run, first);
    flow_run_packet(&run, later);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    ck_assert(run.records[0].one_way_key);
    ck_assert_uint_eq(run.records[0].fragments, 2);
}
END_TEST

START_TEST(later_fragment_before_its_first_has_no_ports_and_is_counted)
{
    see(7, 1480, 1480, false);
    see(7, 0, 1480, false);
    see(7, 2960, 100, true);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    check_flow(0, 1, 0, 1);
    check_flow(53, 2, 0, 0);
}
END_TEST

START_TEST(fragments_of_other_datagrams_do_not_join)
{
    see(7, 0, 1480, false);
    see(8, 1480, 100, true);
    struct packet other_way = flow_build_mirrored(flow_build_udp(now_ns, A, B));
    flow_build_fragment(&other_way, 7, 1480, 100, true);
    flow_run_packet(&run, other_way);
    struct packet other_protocol = flow_build_tcp(now_ns, A, B, PACKET_TCP_ACK);
    flow_build_fragment(&other_protocol, 7, 1480, 100, true);
    flow_run_packet(&run, other_protocol);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 3);
    for (size_t i = 0; i < run.count; i++)
        ck_assert_uint_eq(run.records[i].fragments_first_missing,
                          run.records[i].destination_port == 53            ? 0
                          : run.records[i].protocol == PACKET_PROTOCOL_TCP ? 1
                                                                           : 2);
}
END_TEST

START_TEST(bytes_that_come_twice_are_counted_as_overlapping)
{
    see(7, 0, 1480, false);
    see(7, 1472, 1480, false);
    see(7, 2952, 48, true);
    see(7, 2952, 48, true);
    flow_run_finish(&run);
    check_flow(53, 4, 2, 0);
}
END_TEST

START_TEST(neighbouring_bytes_do_not_overlap_in_any_order)
{
    static const unsigned order[] = {0, 5, 2, 7, 4, 1, 6, 3};
    for (unsigned i = 0; i < 8; i++)
        see(7, order[i] * 8, 8, order[i] == 7);
    flow_run_finish(&run);
    check_flow(53, 8, 0, 0);
}
END_TEST

START_TEST(bytes_beyond_the_last_fragment_are_counted_as_overlapping)
{
    see(7, 0, 8, false);
    see(7, 8, 8, true);
    see(7, 16, 8, false);
    see(7, 32, 8, true);
    flow_run_finish(&run);
    check_flow(53, 4, 2, 0);
}
END_TEST

START_TEST(last_fragment_that_ends_before_others_is_counted_as_overlapping)
{
    see(7, 0, 8, false);
    see(7, 32, 8, false);
    see(7, 8, 8, true);
    flow_run_finish(&run);
    check_flow(53, 3, 1, 0);
}
END_TEST

START_TEST(ninth_range_is_not_followed_and_nothing_is_told_of_it)
{
    for (uint32_t i = 0; i < 9; i++)
        see(7, 16 * i, 8, false);
    see(7, 16 * 8, 8, false);
    see(7, 16 * 7, 8, false);
    flow_run_finish(&run);
    check_flow(53, 11, 1, 0);
}
END_TEST

START_TEST(identification_used_again_after_a_whole_datagram_is_a_new_one)
{
    for (unsigned i = 0; i < 3; i++) {
        see(7, 0, 8, false);
        see(7, 8, 8, true);
    }
    flow_run_finish(&run);
    check_flow(53, 6, 0, 0);
}
END_TEST

START_TEST(first_fragment_again_in_a_datagram_not_complete_overlaps_and_sets_the_ports)
{
    see(7, 0, 8, false);
    struct packet other = flow_build_udp(now_ns, "10.0.0.1:5000", "10.0.0.2:99");
    flow_build_fragment(&other, 7, 0, 8, false);
    flow_run_packet(&run, other);
    see(7, 8, 8, true);
    flow_run_finish(&run);
    check_flow(53, 1, 0, 0);
    check_flow(99, 2, 1, 0);
}
END_TEST

START_TEST(datagram_is_over_30_s_after_its_latest_fragment)
{
    see(7, 0, 8, false);
    now_ns += 30 * SECOND - 2 * MS;
    see(7, 8, 8, false);
    now_ns += 30 * SECOND - MS;
    see(7, 16, 8, true);
    flow_run_finish(&run);
    check_flow(53, 2, 0, 0);
    check_flow(0, 1, 0, 1);
}
END_TEST

START_TEST(full_table_forgets_the_datagram_longest_without_a_fragment)
{
    settings.max_fragments = 2;
    restart();
    see(1, 0, 8, false);
    see(2, 0, 8, false);
    see(1, 8, 8, false);
    see(3, 0, 8, false); /* 2 goes */
    see(2, 8, 8, false); /* opens again, without a first: 1 goes */
    see(3, 8, 8, true);
    ck_assert_uint_eq(counters().datagrams, 2);
    ck_assert_uint_eq(counters().datagrams_evicted, 2);
    flow_run_finish(&run);
    check_flow(53, 5, 0, 0);
    check_flow(0, 1, 0, 1);
}
END_TEST

START_TEST(datagrams_that_are_over_do_not_count_as_evicted)
{
    settings.max_fragments = 1;
    restart();
    see(1, 0, 8, false);
    now_ns += 31 * SECOND;
    see(2, 0, 8, false);
    ck_assert_uint_eq(counters().datagrams, 1);
    ck_assert_uint_eq(counters().datagrams_evicted, 0);
}
END_TEST

START_TEST(without_places_fragments_are_not_followed)
{
    settings.max_fragments = 0;
    restart();
    see(7, 0, 8, false);
    see(7, 8, 8, true);
    flow_run_finish(&run);
    check_flow(53, 1, 0, 0);
    check_flow(0, 1, 0, 1);
}
END_TEST

START_TEST(datagram_whole_in_one_fragment_takes_no_place)
{
    see(7, 0, 100, true);
    ck_assert_uint_eq(counters().datagrams, 0);
    flow_run_finish(&run);
    check_flow(53, 1, 0, 0);
}
END_TEST

START_TEST(clock_set_back_forgets_datagrams)
{
    see(7, 0, 8, false);
    now_ns -= 1000 * SECOND;
    flow_run_packet(&run, flow_build_udp(now_ns, A, B));
    flow_run_packet(&run, flow_build_udp(now_ns, A, B));
    ck_assert_uint_eq(counters().datagrams, 0);
    see(7, 8, 8, true);
    flow_run_finish(&run);
    check_flow(0, 1, 0, 1);
}
END_TEST

START_TEST(copy_of_a_fragment_is_no_overlap)
{
    struct packet first = fragment(7, 0, 8, false), later = fragment(7, 8, 8, false);
    first.digest = later.digest = 77; /* fragments of one datagram may hold the same bytes */
    const struct packet packets[] = {first, first, later, later};
    flow_run_packets(&run, packets, 4, 4);
    flow_run_finish(&run);
    check_flow(53, 4, 0, 0);
    ck_assert_uint_eq(run.records[0].direction[0].duplicates, 2);
}
END_TEST

START_TEST(memory_of_the_table_is_counted)
{
    const uint64_t small = counters().memory_bytes;
    settings.max_fragments = 64 + 1000;
    restart();
    ck_assert_uint_ge(counters().memory_bytes, small + 1000 * sizeof(struct fragment_datagram));
}
END_TEST

Suite *whyflow_suite(void)
{
    const TTest *const tests[] = {
        later_fragments_join_the_flow_of_their_first,
        fragments_of_one_batch_join_too,
        ipv6_fragments_join_too,
        icmp_fragments_join_by_type_and_way,
        later_fragment_before_its_first_has_no_ports_and_is_counted,
        fragments_of_other_datagrams_do_not_join,
        bytes_that_come_twice_are_counted_as_overlapping,
        neighbouring_bytes_do_not_overlap_in_any_order,
        bytes_beyond_the_last_fragment_are_counted_as_overlapping,
        last_fragment_that_ends_before_others_is_counted_as_overlapping,
        ninth_range_is_not_followed_and_nothing_is_told_of_it,
        identification_used_again_after_a_whole_datagram_is_a_new_one,
        first_fragment_again_in_a_datagram_not_complete_overlaps_and_sets_the_ports,
        datagram_is_over_30_s_after_its_latest_fragment,
        full_table_forgets_the_datagram_longest_without_a_fragment,
        datagrams_that_are_over_do_not_count_as_evicted,
        without_places_fragments_are_not_followed,
        datagram_whole_in_one_fragment_takes_no_place,
        clock_set_back_forgets_datagrams,
        copy_of_a_fragment_is_no_overlap,
        memory_of_the_table_is_counted,
    };
    Suite *const suite = suite_create("flow fragments");
    TCase *const tcase = tcase_create("fragments");
    tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
