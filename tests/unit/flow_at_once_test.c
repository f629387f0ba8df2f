/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that end together: handed over in order, and no single call does work for all of them.
 * What is counted is what a call can have sorted, from inside the table, not time. */
#include "flow/flow_table_inside.h"
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

enum { FLOWS = 100000, SLICE = 1000, IN_A_SLOT = FLOW_AT_ONCE_SPAN >> 20 };

static struct flow_table *table;
static struct flow_record records[SLICE];
static uint64_t taken, last_number, reused;
static uint32_t most_sorted;

static void start(void)
{
    struct flow_settings settings = flow_build_settings();
    settings.max_flows = settings.max_memories = FLOWS + 10;
    table = flow_table_open(&settings);
    ck_assert_ptr_nonnull(table);
    taken = last_number = reused = 0;
    most_sorted = 0;
}

static void stop(void)
{
    flow_table_close(table);
}

static void give(struct packet packet)
{
    while (flow_table_packets(table, &packet, 1) == 0 || flow_table_sweep_is_due(table))
        while (!flow_table_sweep(table, SLICE))
            ;
}

/* Packet of flow i; the order of flows is one that no wheel likes. */
static struct packet packet_of(uint32_t i, int64_t time_ns)
{
    struct packet packet = flow_build_udp(time_ns, "10.0.0.1:1", "10.0.0.2:53");
    const uint32_t mixed = i * UINT32_C(2654435761);
    memcpy(packet.source, &mixed, sizeof mixed);
    return packet;
}

static void open_flows(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        give(packet_of(i, SECOND + i));
}

static void note_sorted(void)
{
    const uint32_t sorted = table->waiting.heap_count + table->ended_at_once.heap_count;
    most_sorted = sorted > most_sorted ? sorted : most_sorted;
}

/* When told to, or because the input is over. */
static void end_all_flows(bool is_over)
{
    bool is_done = false;
    while (is_over && !flow_table_end_input(table))
        ;
    while (!is_done) {
        const uint64_t ended = table->counters.ended[FLOW_END_FORCED];
        is_done = flow_table_end(table, SLICE);
        ck_assert_uint_le(table->counters.ended[FLOW_END_FORCED] - ended, SLICE);
        note_sorted();
    }
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(table, &packets, &flows);
    ck_assert_uint_eq(flows.open, 0);
}

static void take_all(void)
{
    size_t count;
    while ((count = flow_table_take(table, records, SLICE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_gt(records[i].opening_number, last_number);
            ck_assert_int_eq(records[i].notice_ns, table->clock.now_ns);
            last_number = records[i].opening_number;
            reused += records[i].end_reason == FLOW_END_TCP_REUSE;
        }
        taken += count;
        note_sorted();
    }
}

START_TEST(flows_that_end_together_are_sorted_a_few_at_a_time)
{
    open_flows(FLOWS);
    for (uint32_t i = 0; i < FLOWS; i += 3) /* their order by last packet is another by now */
        give(packet_of(FLOWS - 1 - i, SECOND + FLOWS + i));
    end_all_flows(_i == 1);
    take_all();
    ck_assert_uint_eq(taken, FLOWS);
    ck_assert_uint_le(most_sorted, IN_A_SLOT);
}
END_TEST

START_TEST(flows_that_ended_before_at_the_same_time_come_in_between)
{
    enum { COUNT = 1000 };
    open_flows(COUNT / 2);
    give(flow_build_tcp(SECOND + COUNT, "10.0.0.3:1", "10.0.0.4:80", PACKET_TCP_SYN));
    for (uint32_t i = COUNT / 2; i < COUNT; i++)
        give(packet_of(i, SECOND + COUNT + i));
    struct packet again =
        flow_build_tcp(SECOND + 3 * COUNT, "10.0.0.3:1", "10.0.0.4:80", PACKET_TCP_SYN);
    again.tcp_sequence = 12345;
    give(again);
    end_all_flows(_i == 1);
    take_all();
    ck_assert_uint_eq(taken, COUNT + 2);
    ck_assert_uint_eq(reused, 1);
}
END_TEST

/* Places that were used before are given out again in another order than that of numbers. */
START_TEST(flows_in_used_places_come_in_order_too)
{
    enum { COUNT = 1000 };
    open_flows(COUNT);
    give(packet_of(COUNT, 60 * SECOND));
    flow_table_advance(table, 61 * SECOND);
    while (!flow_table_sweep(table, SLICE))
        ;
    while (flow_table_take(table, records, SLICE) > 0)
        ;
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        give(packet_of(COUNT + 1 + i, 61 * SECOND + i));
    end_all_flows(_i == 1);
    take_all();
    ck_assert_uint_eq(taken, 2 * COUNT + 1);
}
END_TEST

START_TEST(numbers_too_far_apart_for_slots_are_in_order_too)
{
    static const uint64_t leaps[] = {UINT64_C(1) << 32,           UINT64_C(1) << 29,
                                     FLOW_AT_ONCE_SPAN,           7000,
                                     FLOW_AT_ONCE_SPAN / 2 - 300, 0};
    enum { LEAPS = sizeof leaps / sizeof leaps[0] };
    for (uint32_t i = 0; i < LEAPS * 200; i++) {
        give(packet_of(i, SECOND + i));
        if (i % 200 == 199)
            table->counters.opened += leaps[i / 200];
    }
    end_all_flows(_i == 1);
    take_all();
    ck_assert_uint_eq(taken, LEAPS * 200);
}
END_TEST

/* Live, packets come between the slices, and time moves on. */
START_TEST(time_may_move_on_while_all_end)
{
    open_flows(3 * SLICE);
    const int64_t began_ns = table->clock.now_ns;
    ck_assert(!flow_table_end(table, SLICE));
    flow_table_advance(table, began_ns + 5);
    ck_assert(flow_table_end(table, SIZE_MAX));
    int64_t last_ns = began_ns;
    size_t count;
    while ((count = flow_table_take(table, records, SLICE)) > 0)
        for (size_t i = 0; i < count; i++, taken++) {
            ck_assert_int_eq(records[i].notice_ns, taken < SLICE ? began_ns : began_ns + 5);
            ck_assert(records[i].notice_ns > last_ns || records[i].opening_number > last_number);
            last_ns = records[i].notice_ns;
            last_number = records[i].opening_number;
        }
    ck_assert_uint_eq(taken, 3 * SLICE);
}
END_TEST

/* Flows that were only touched are put elsewhere by a sweep, which is work too. */
START_TEST(a_sweep_looks_at_no_more_flows_than_it_may)
{
    enum { COUNT = 1000, LIMIT = 10 };
    open_flows(COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        give(packet_of(i, 20 * SECOND + i));
    flow_table_advance(table, 40 * SECOND);
    unsigned calls = 1;
    while (!flow_table_sweep(table, LIMIT))
        calls++;
    ck_assert_uint_ge(calls, COUNT / LIMIT);
    ck_assert_uint_eq(open_count(table), COUNT);
}
END_TEST

/* The sweep finds them in the order in which they began; their last packets came in the other. */
START_TEST(flows_that_go_on_after_their_timeout_are_not_sorted)
{
    enum { COUNT = 1000 };
    open_flows(COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        give(packet_of(COUNT - 1 - i, 20 * SECOND + (int64_t)i * SECOND / COUNT));
    flow_table_advance(table, 40 * SECOND);
    ck_assert(flow_table_sweep(table, SIZE_MAX));
    ck_assert_uint_eq(wheel_count(&table->open[FLOW_CLASS_OPEN]), COUNT);
    ck_assert_uint_eq(table->open[FLOW_CLASS_OPEN].heap_count, 0);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flows that end at once");
    TCase *const tcase = tcase_create("at once");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, flows_that_end_together_are_sorted_a_few_at_a_time, 0, 2);
    tcase_add_loop_test(tcase, flows_that_ended_before_at_the_same_time_come_in_between, 0, 2);
    tcase_add_loop_test(tcase, flows_in_used_places_come_in_order_too, 0, 2);
    tcase_add_loop_test(tcase, numbers_too_far_apart_for_slots_are_in_order_too, 0, 2);
    tcase_add_test(tcase, time_may_move_on_while_all_end);
    tcase_add_test(tcase, a_sweep_looks_at_no_more_flows_than_it_may);
    tcase_add_test(tcase, flows_that_go_on_after_their_timeout_are_not_sorted);
    suite_add_tcase(suite, tcase);
    return suite;
}
