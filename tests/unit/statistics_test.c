/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of statistics_check: each sum that must hold is seen when it does not, and only then. */
#include "whyflow/statistics.h"

#include "tests/support/unit.h"

#include <string.h>

/* A run at its end whose sums hold. */
static struct statistics good(void)
{
    struct statistics statistics = {
        .is_final = true,
        .capture = {.received = 110, .read = 100, .kernel_dropped = 10, .is_live = true},
        .packets = {.in_flows = 90, .ip_bytes_in_flows = 9000},
        .flows = {.opened = 7},
        .engine = {.flows_written = 7, .packets_written = 90, .ip_bytes_written = 9000},
        .records = {.made = 9, .written = 6, .spooled = 1, .lost = 2},
    };
    statistics.packets.refused[PACKET_REFUSED_NOT_IP] = 6;
    statistics.packets.refused[PACKET_REFUSAL_COUNT - 1] = 4;
    return statistics;
}

static void assert_holds(const struct statistics *statistics)
{
    char error[160] = "";
    ck_assert_msg(statistics_check(statistics, error, sizeof error), "%s", error);
}

static void assert_breaks(const struct statistics *statistics, const char *sum)
{
    char error[160] = "";
    ck_assert(!statistics_check(statistics, error, sizeof error));
    ck_assert_msg(strncmp(error, sum, strlen(sum)) == 0, "\"%s\" is not \"%s\"", error, sum);
}

START_TEST(sums_that_hold_are_not_complained_of)
{
    const struct statistics final = good();
    assert_holds(&final);
    const struct statistics nothing = {0};
    assert_holds(&nothing);
}
END_TEST

START_TEST(packet_neither_in_a_flow_nor_refused_is_seen)
{
    struct statistics statistics = good();
    statistics.packets.in_flows--;
    statistics.engine.packets_written--;
    assert_breaks(&statistics, "read = in flows + refused");
    statistics = good();
    statistics.packets.refused[PACKET_REFUSAL_COUNT - 1]++;
    assert_breaks(&statistics, "read = in flows + refused");
}
END_TEST

START_TEST(lost_flow_is_seen)
{
    struct statistics statistics = good();
    statistics.flows.opened++;
    assert_breaks(&statistics, "flows opened = written + open + queued");
}
END_TEST

START_TEST(packet_lost_between_kernel_and_decoder_is_seen)
{
    struct statistics statistics = good();
    statistics.capture.kernel_dropped--;
    assert_breaks(&statistics, "received = read + kernel dropped");
}
END_TEST

START_TEST(replay_counts_no_kernel_drops)
{
    struct statistics statistics = good();
    statistics.capture.is_live = false;
    assert_breaks(&statistics, "received = read + kernel dropped");
    statistics.capture.received = statistics.capture.read;
    assert_holds(&statistics);
}
END_TEST

START_TEST(flow_left_open_at_the_end_is_seen)
{
    struct statistics statistics = good();
    statistics.flows.opened++;
    statistics.flows.open = 1;
    assert_breaks(&statistics, "no flow is open at the end");
    statistics.flows.open = 0;
    statistics.flows.waiting = 1;
    assert_breaks(&statistics, "no flow is open at the end");
}
END_TEST

START_TEST(flow_left_queued_at_the_end_is_seen)
{
    struct statistics statistics = good();
    statistics.flows.opened++;
    statistics.engine.flows_queued = 1;
    assert_breaks(&statistics, "no flow is queued at the end");
}
END_TEST

START_TEST(flow_written_with_other_packets_is_seen)
{
    struct statistics statistics = good();
    statistics.engine.packets_written++;
    assert_breaks(&statistics, "packets written = in flows");
    statistics = good();
    statistics.engine.ip_bytes_written--;
    assert_breaks(&statistics, "IP bytes written = in flows");
}
END_TEST

START_TEST(record_neither_written_nor_lost_is_seen)
{
    struct statistics statistics = good();
    statistics.records.made++;
    assert_breaks(&statistics, "records made = written + queued + spooled + lost");
}
END_TEST

START_TEST(on_the_way_only_the_running_sums_must_hold)
{
    struct statistics statistics = good();
    statistics.is_final = false;
    statistics.capture.received += 50;
    statistics.flows = (struct flow_counters){.opened = 10, .open = 2, .waiting = 1};
    statistics.engine.flows_written = 3;
    statistics.engine.flows_queued = 4;
    statistics.engine.packets_written = 30;
    statistics.engine.ip_bytes_written = 3000;
    assert_holds(&statistics);
    statistics.is_final = true;
    assert_breaks(&statistics, "received");
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("statistics");
    TCase *const tests = tcase_create("statistics");
    tcase_add_test(tests, sums_that_hold_are_not_complained_of);
    tcase_add_test(tests, packet_neither_in_a_flow_nor_refused_is_seen);
    tcase_add_test(tests, lost_flow_is_seen);
    tcase_add_test(tests, packet_lost_between_kernel_and_decoder_is_seen);
    tcase_add_test(tests, replay_counts_no_kernel_drops);
    tcase_add_test(tests, flow_left_open_at_the_end_is_seen);
    tcase_add_test(tests, flow_left_queued_at_the_end_is_seen);
    tcase_add_test(tests, flow_written_with_other_packets_is_seen);
    tcase_add_test(tests, record_neither_written_nor_lost_is_seen);
    tcase_add_test(tests, on_the_way_only_the_running_sums_must_hold);
    suite_add_tcase(suite, tests);
    return suite;
}
