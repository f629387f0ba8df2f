/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the pipeline's steps as the runtime uses them: when packets must wait, what a live run
 * refuses instead, when statistics are due, and that a store that fails is told. */
#include "pipeline.h"

#include "tests/support/packet_build.h"
#include "tests/support/sensor_build.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define START (1600000000 * SECOND)

enum { LINKTYPE_ETHERNET = 1, IPV4 = 0x0800, ARP = 0x0806, FLOWS_MAX = 64 };

static struct sensor_listener listener;
static struct pipeline_batch batch;
static struct settings settings;

static struct pipeline *open_pipeline(bool is_online)
{
    char error[256] = "";
    sensor_build_tiny_settings(&settings, is_online);
    sensor_listener_init(&listener, &settings);
    batch.count = batch.taken = batch.refused = 0;
    struct pipeline *const pipeline =
        pipeline_open(&settings, sensor_listener_record, &listener, error, sizeof error);
    ck_assert_msg(pipeline != NULL, "%s", error);
    return pipeline;
}

/* Appends a datagram from a host of its own, or (host 0) a frame that is no IP. */
static void add(int64_t time_ns, unsigned host)
{
    struct packet_build build;
    char source[32];
    snprintf(source, sizeof source, "10.0.%u.%u", host / 256, host % 256);
    packet_build_start(&build, LINKTYPE_ETHERNET, host == 0 ? ARP : IPV4);
    packet_build_ipv4(&build, source, "10.9.9.9", 17);
    packet_build_udp(&build, 40000, 53);
    const struct frame frame = packet_build_frame(&build, time_ns);
    ck_assert_uint_eq(pipeline_decode(&batch, &frame, 1), 1);
}

static size_t pass_on(struct pipeline *pipeline)
{
    struct flow_record flows[FLOWS_MAX];
    size_t sum = 0, count;
    while ((count = pipeline_take(pipeline, flows, FLOWS_MAX)) > 0) {
        pipeline_flows(pipeline, flows, count);
        sum += count;
    }
    return sum;
}

/* Takes the whole batch, sweeping wherever it is asked for. */
static void take(struct pipeline *pipeline)
{
    while (!pipeline_packets(pipeline, &batch)) {
        while (!pipeline_sweep(pipeline, SIZE_MAX))
            ;
        pass_on(pipeline);
    }
    ck_assert_uint_eq(batch.count, 0);
}

static bool finish(struct pipeline *pipeline)
{
    struct statistics statistics;
    while (!pipeline_sweep(pipeline, SIZE_MAX))
        ;
    while (!pipeline_end_flows(pipeline, SIZE_MAX))
        ;
    pass_on(pipeline);
    pipeline_snapshot(pipeline, &statistics);
    return pipeline_finish(pipeline, &statistics);
}

START_TEST(refused_frames_keep_their_place_and_are_counted_by_name)
{
    struct pipeline *const pipeline = open_pipeline(true);
    struct statistics now;
    add(START, 0);
    add(START, 1);
    add(START + 1, 0);
    add(START + 2, 2);
    take(pipeline);
    pipeline_peek(pipeline, &now);
    ck_assert_uint_eq(now.capture.read, 4);
    ck_assert_uint_eq(now.packets.in_flows, 2);
    ck_assert_uint_eq(now.packets.refused[PACKET_REFUSED_NOT_IP], 2);
    ck_assert_uint_eq(now.capture.read_bytes, now.packets.frame_bytes_in_flows * 2);
    ck_assert(finish(pipeline));
    sensor_listener_finish(&listener, 4);
    pipeline_close(pipeline);
}
END_TEST

START_TEST(replay_stops_where_a_sweep_is_due_and_goes_on_after_it)
{
    struct pipeline *const pipeline = open_pipeline(true);
    struct statistics now;
    for (unsigned i = 0; i < 40; i++)
        add(START + i * SECOND / 10, 1 + i % 3);
    unsigned sweeps = 0;
    while (!pipeline_packets(pipeline, &batch)) {
        pipeline_peek(pipeline, &now);
        ck_assert_uint_eq(now.capture.read, batch.taken);
        ck_assert(pipeline_sweep_is_due(pipeline));
        while (!pipeline_sweep(pipeline, 1))
            ;
        ck_assert(!pipeline_sweep_is_due(pipeline));
        sweeps++;
    }
    /* 4 s of packets, a sweep every quarter of a second. */
    ck_assert_uint_ge(sweeps, 10);
    ck_assert_uint_le(sweeps, 16);
    ck_assert(finish(pipeline));
    sensor_listener_finish(&listener, 40);
    pipeline_close(pipeline);
}
END_TEST

START_TEST(live_run_without_a_place_refuses_by_name_and_loses_no_count)
{
    struct pipeline *pipeline = open_pipeline(true);
    pipeline_close(pipeline);
    settings.flow.is_live = true;
    char error[256] = "";
    pipeline = pipeline_open(&settings, sensor_listener_record, &listener, error, sizeof error);
    ck_assert_ptr_nonnull(pipeline);
    enum { FRAMES = 40 * 200 };
    uint64_t refused = 0;
    unsigned host = 1;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 200; i++)
            add(START + round, host++);
        while (!pipeline_packets(pipeline, &batch)) {
            pipeline_refuse(pipeline, &batch);
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 0);
    const struct capture_counters counters = {
        .is_live = true, .received = FRAMES + 5, .kernel_dropped = 5};
    pipeline_set_capture(pipeline, &counters);
    ck_assert(finish(pipeline));
    sensor_listener_finish(&listener, FRAMES);
    ck_assert_uint_eq(listener.last.packets.refused[PACKET_REFUSED_NO_MEMORY], refused);
    ck_assert_uint_eq(listener.last.capture.kernel_dropped, 5);
    pipeline_close(pipeline);
}
END_TEST

START_TEST(statistics_are_due_once_an_interval_however_long_it_was_silent)
{
    struct pipeline *const pipeline = open_pipeline(true);
    struct statistics now;
    ck_assert(!pipeline_statistics_are_due(pipeline));
    add(START, 1);
    take(pipeline);
    ck_assert(!pipeline_statistics_are_due(pipeline));
    pipeline_advance(pipeline, START + SECOND - 1);
    ck_assert(!pipeline_statistics_are_due(pipeline));
    pipeline_advance(pipeline, START + SECOND);
    ck_assert(pipeline_statistics_are_due(pipeline));
    pipeline_snapshot(pipeline, &now);
    ck_assert_int_eq(now.now_ns, START + SECOND);
    ck_assert(!pipeline_statistics_are_due(pipeline));
    pipeline_advance(pipeline, START + 100 * SECOND + 1);
    ck_assert(pipeline_statistics_are_due(pipeline));
    pipeline_snapshot(pipeline, &now);
    ck_assert(!pipeline_statistics_are_due(pipeline));
    pipeline_advance(pipeline, START + 101 * SECOND);
    ck_assert(pipeline_statistics_are_due(pipeline));
    pipeline_close(pipeline);
}
END_TEST

START_TEST(kernel_drops_mark_the_flows_that_were_open)
{
    struct pipeline *const pipeline = open_pipeline(true);
    struct capture_counters counters = {.is_live = true, .received = 1};
    struct flow_record flows[FLOWS_MAX];
    add(START, 1);
    take(pipeline);
    pipeline_set_capture(pipeline, &counters);
    counters.kernel_dropped = 3;
    pipeline_set_capture(pipeline, &counters);
    pipeline_set_capture(pipeline, &counters);
    add(START + 1, 2);
    take(pipeline);
    while (!pipeline_end_flows(pipeline, SIZE_MAX))
        ;
    ck_assert_uint_eq(pipeline_take(pipeline, flows, FLOWS_MAX), 2);
    ck_assert_uint_eq(flows[0].marks & FLOW_MARK_KERNEL_DROPS, FLOW_MARK_KERNEL_DROPS);
    ck_assert_uint_eq(flows[1].marks & FLOW_MARK_KERNEL_DROPS, 0);
    pipeline_close(pipeline);
}
END_TEST

/* Runs a capture of many flows with hardly any memory for them; true if all was kept. */
static bool run_with_spill(const char *directory, bool may_fail)
{
    struct pipeline *pipeline = open_pipeline(false);
    pipeline_close(pipeline);
    listener.may_fail = may_fail;
    settings.anomaly.memory_bytes = 4096;
    settings.anomaly.spill_directory = directory;
    char error[256] = "";
    pipeline = pipeline_open(&settings, sensor_listener_record, &listener, error, sizeof error);
    ck_assert_ptr_nonnull(pipeline);
    unsigned host = 1;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++)
            add(START + round * SECOND, host++);
        take(pipeline);
    }
    const bool is_whole = finish(pipeline);
    ck_assert(is_whole == (pipeline_error(pipeline)[0] == '\0'));
    pipeline_close(pipeline);
    return is_whole;
}

START_TEST(kept_flows_that_find_no_file_are_a_failure_that_is_told)
{
    ck_assert(!run_with_spill("/nonexistent", true));
    ck_assert(listener.has_final);
    ck_assert_uint_eq(listener.last.capture.read, 5000);
    ck_assert_uint_eq(listener.last.engine.flows_written, 0);
    ck_assert_uint_eq(listener.last.engine.flows_queued, 5000);
}
END_TEST

START_TEST(kept_flows_beyond_memory_go_to_a_file_and_come_back)
{
    ck_assert(run_with_spill("/tmp", false));
    sensor_listener_finish(&listener, 5000);
    ck_assert_uint_eq(listener.flows, 5000);
    ck_assert_uint_gt(listener.last.engine.spilled_bytes, 5000 * sizeof(uint64_t));
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("pipeline");
    TCase *const tests = tcase_create("pipeline");
    tcase_set_timeout(tests, 120); /* under a sanitizer, on a busy machine */
    tcase_add_test(tests, refused_frames_keep_their_place_and_are_counted_by_name);
    tcase_add_test(tests, replay_stops_where_a_sweep_is_due_and_goes_on_after_it);
    tcase_add_test(tests, live_run_without_a_place_refuses_by_name_and_loses_no_count);
    tcase_add_test(tests, statistics_are_due_once_an_interval_however_long_it_was_silent);
    tcase_add_test(tests, kernel_drops_mark_the_flows_that_were_open);
    tcase_add_test(tests, kept_flows_beyond_memory_go_to_a_file_and_come_back);
    tcase_add_test(tests, kept_flows_that_find_no_file_are_a_failure_that_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
