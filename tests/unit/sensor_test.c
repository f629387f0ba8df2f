/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the library as an embedding program sees it: sensor.h alone, frames in, records out. */
#include "whyflow/sensor.h"

#include "tests/support/packet_build.h"
#include "tests/support/sensor_build.h"
#include "tests/support/unit.h"

#include <stdlib.h>

#define SECOND INT64_C(1000000000)
#define START (1600000000 * SECOND)

enum { LINKTYPE_ETHERNET = 1, IPV4 = 0x0800, RANDOM_FRAMES = 1500 };

static struct sensor *open_sensor(const struct settings *settings, struct sensor_listener *listener)
{
    char error[256] = "";
    sensor_listener_init(listener, settings);
    struct sensor *const sensor =
        sensor_open(settings, sensor_listener_record, listener, error, sizeof error);
    ck_assert_msg(sensor != NULL, "%s", error);
    return sensor;
}

static void send_udp(struct sensor *sensor, int64_t time_ns, const char *source,
                     const char *destination, uint16_t port)
{
    struct packet_build build;
    packet_build_start(&build, LINKTYPE_ETHERNET, IPV4);
    packet_build_ipv4(&build, source, destination, 17);
    packet_build_udp(&build, 40000, port);
    packet_build_payload(&build, 100);
    const struct frame frame = packet_build_frame(&build, time_ns);
    sensor_frame(sensor, &frame);
}

static void finish(struct sensor *sensor, struct sensor_listener *listener, uint64_t frames)
{
    ck_assert(sensor_finish(sensor));
    ck_assert_str_eq(sensor_error(sensor), "");
    sensor_listener_finish(listener, frames);
    sensor_close(sensor);
}

static struct sensor_listener first_listener, second_listener;

START_TEST(frames_become_flows_and_the_last_record_is_the_final_statistics)
{
    struct settings settings;
    settings_default(&settings);
    settings.emit_flows = true;
    struct sensor *const sensor = open_sensor(&settings, &first_listener);
    for (int i = 0; i < 600; i++)
        send_udp(sensor, START + i * SECOND / 100, i % 2 ? "10.0.0.1" : "10.0.0.2", "10.0.0.9",
                 (uint16_t)(1000 + i % 3));
    finish(sensor, &first_listener, 600);
    ck_assert_uint_eq(first_listener.flows, 6);
    ck_assert_uint_eq(first_listener.alerts, 1); /* 1 % of 6, at least one */
    ck_assert_uint_eq(first_listener.statistics, 1);
    ck_assert_uint_eq(first_listener.last.packets.udp, 600);
    ck_assert_uint_eq(first_listener.last.packets.ip_bytes_in_flows, 600 * 128);
}
END_TEST

START_TEST(run_without_a_frame_has_only_final_statistics)
{
    struct settings settings;
    for (int is_online = 0; is_online < 2; is_online++) {
        sensor_build_tiny_settings(&settings, is_online);
        struct sensor *const sensor = open_sensor(&settings, &first_listener);
        finish(sensor, &first_listener, 0);
        ck_assert_uint_eq(first_listener.statistics, 1);
        ck_assert_uint_eq(first_listener.flows, 0);
        ck_assert(!first_listener.last.has_time);
    }
    sensor_close(NULL);
}
END_TEST

START_TEST(tick_ends_an_idle_flow_without_a_further_packet)
{
    struct settings settings;
    sensor_build_tiny_settings(&settings, true);
    struct sensor *const sensor = open_sensor(&settings, &first_listener);
    send_udp(sensor, START, "10.0.0.1", "10.0.0.9", 53);
    sensor_tick(sensor, START + settings.flow.idle_timeout_ns - 1);
    ck_assert_uint_eq(first_listener.flows, 0);
    /* A packet of this very moment may still come and end another flow that goes before. */
    sensor_tick(sensor, START + settings.flow.idle_timeout_ns + 1);
    ck_assert_uint_eq(first_listener.flows, 1);
    ck_assert_int_eq(first_listener.last_timestamp_ns, START + settings.flow.idle_timeout_ns);
    finish(sensor, &first_listener, 1);
}
END_TEST

START_TEST(tick_before_the_first_packet_does_no_harm)
{
    struct settings settings;
    sensor_build_tiny_settings(&settings, true);
    struct sensor *const sensor = open_sensor(&settings, &first_listener);
    sensor_tick(sensor, START);
    sensor_tick(sensor, START + 100 * SECOND);
    send_udp(sensor, START + 101 * SECOND, "10.0.0.1", "10.0.0.9", 53);
    finish(sensor, &first_listener, 1);
    ck_assert_uint_eq(first_listener.flows, 1);
}
END_TEST

START_TEST(statistics_come_with_trace_time)
{
    struct settings settings;
    sensor_build_tiny_settings(&settings, true);
    settings.flow.max_flows = 64;
    struct sensor *const sensor = open_sensor(&settings, &first_listener);
    for (int i = 0; i <= 100; i++)
        send_udp(sensor, START + i * SECOND / 10, "10.0.0.1", "10.0.0.9", 53);
    finish(sensor, &first_listener, 101);
    ck_assert_uint_eq(first_listener.statistics, 10 + 1);
}
END_TEST

/* One frame of a run that is decided by the state of a random source alone. */
static void send_random(struct sensor *sensor, uint64_t *state, int64_t *time_ns)
{
    static const char *const hosts[] = {"10.0.0.1",     "10.0.0.2",    "192.0.2.7",
                                        "198.51.100.3", "203.0.113.5", "224.0.0.251"};
    static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x02, 0x10};
    uint64_t draw = 0;
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    draw = *state >> 20;
    *time_ns += (int64_t)(draw % 200) * 1000000;
    if (draw % 97 == 0)
        *time_ns += 10 * SECOND;
    if (draw % 401 == 0)
        *time_ns -= 100 * SECOND;
    struct packet_build build;
    packet_build_start(&build, LINKTYPE_ETHERNET, draw % 41 == 0 ? 0x0806 : IPV4);
    packet_build_ipv4(&build, hosts[draw / 8 % 6], hosts[draw / 64 % 6],
                      draw % 3 == 0    ? 17
                      : draw % 11 == 0 ? 1
                                       : 6);
    const uint16_t port = (uint16_t)(draw / 512 % 5 == 0 ? 443 : 1024 + draw / 512 % 5);
    if (draw % 3 == 0)
        packet_build_udp(&build, 40000, port);
    else if (draw % 11 == 0)
        packet_build_icmp(&build, draw % 2 ? 8 : 3, 0);
    else
        packet_build_tcp(&build, 40000, port, flags[draw / 4096 % 8]);
    packet_build_payload(&build, draw / 4096 % 1200);
    struct frame frame = packet_build_frame(&build, *time_ns);
    if (draw % 31 == 0)
        frame.captured_bytes = (uint32_t)(draw % frame.captured_bytes);
    if (draw % 53 == 0)
        frame.time_s -= (int64_t)(draw / 64 % 4000);
    sensor_frame(sensor, &frame);
}

static uint64_t random_run(const struct settings *settings, uint64_t seed,
                           struct sensor_listener *listener)
{
    struct sensor *const sensor = open_sensor(settings, listener);
    int64_t time_ns = START;
    uint64_t state = seed;
    for (int i = 0; i < RANDOM_FRAMES; i++) {
        send_random(sensor, &state, &time_ns);
        if (i % 500 == 499)
            sensor_tick(sensor, time_ns);
    }
    finish(sensor, listener, RANDOM_FRAMES);
    return listener->digest;
}

/* The listener checks the sums at every statistics record, the parts of every score, each line. */
START_TEST(sums_hold_over_random_frames_and_tiny_limits)
{
    struct settings settings;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        sensor_build_tiny_settings(&settings, seed % 2 == 0);
        random_run(&settings, seed, &first_listener);
        ck_assert_uint_gt(first_listener.flows, 300);
        ck_assert_uint_gt(first_listener.alerts, 0);
        ck_assert_uint_gt(first_listener.statistics, 100);
        ck_assert_uint_gt(first_listener.last.flows.evicted, 0);
        ck_assert_uint_gt(first_listener.last.flows.clock_steps, 0);
        ck_assert_uint_gt(first_listener.last.packets.refused[PACKET_REFUSED_NOT_IP], 0);
        ck_assert_uint_gt(first_listener.last.packets.refused[PACKET_REFUSED_TRUNCATED], 0);
    }
}
END_TEST

START_TEST(hash_keys_do_not_change_a_byte)
{
    struct settings settings;
    for (int is_online = 0; is_online < 2; is_online++) {
        sensor_build_tiny_settings(&settings, is_online);
        const uint64_t wanted = random_run(&settings, 7, &first_listener);
        for (uint64_t key = 1; key <= 3; key++) {
            for (int half = 0; half < 2; half++) {
                settings.flow.hash_key[half] = key * UINT64_C(0x9e3779b97f4a7c15);
                settings.feature.hash_key[half] = key * UINT64_C(0xbf58476d1ce4e5b9);
                settings.anomaly.hash_key[half] = key * UINT64_C(0x94d049bb133111eb);
            }
            ck_assert_uint_eq(random_run(&settings, 7, &first_listener), wanted);
        }
        ck_assert_uint_ne(random_run(&settings, 8, &first_listener), wanted);
    }
}
END_TEST

START_TEST(sensors_share_nothing)
{
    struct settings settings;
    sensor_build_tiny_settings(&settings, true);
    const uint64_t first_alone = random_run(&settings, 21, &first_listener);
    const uint64_t second_alone = random_run(&settings, 22, &second_listener);
    struct sensor *const first = open_sensor(&settings, &first_listener);
    struct sensor *const second = open_sensor(&settings, &second_listener);
    int64_t first_time_ns = START, second_time_ns = START;
    uint64_t first_state = 21, second_state = 22;
    for (int i = 0; i < RANDOM_FRAMES; i++) {
        send_random(first, &first_state, &first_time_ns);
        send_random(second, &second_state, &second_time_ns);
        if (i % 500 == 499) {
            sensor_tick(second, second_time_ns);
            sensor_tick(first, first_time_ns);
        }
    }
    finish(second, &second_listener, RANDOM_FRAMES);
    finish(first, &first_listener, RANDOM_FRAMES);
    ck_assert_uint_eq(first_listener.digest, first_alone);
    ck_assert_uint_eq(second_listener.digest, second_alone);
}
END_TEST

/* Keeps the flows of a run's records, to be given to another. */
struct kept_flows {
    struct sensor_listener *listener;
    size_t count;
    struct flow_record flows[RANDOM_FRAMES];
};

static void keep_flow(void *context, const struct record *record)
{
    struct kept_flows *const kept = context;
    sensor_listener_record(kept->listener, record);
    if (record->kind == RECORD_FLOW)
        kept->flows[kept->count++] = record->as.flow.part.flow;
}

static uint64_t packets_of(const struct kept_flows *kept)
{
    uint64_t packets = 0;
    for (size_t i = 0; i < kept->count; i++)
        packets += kept->flows[i].direction[0].packets + kept->flows[i].direction[1].packets;
    return packets;
}

/* Flows alone decide what is said of them: the lines are the same, whoever assembled them. */
START_TEST(flows_of_another_run_are_scored_as_if_their_packets_had_been_seen)
{
    static struct kept_flows kept;
    struct settings settings;
    char error[256] = "";
    for (int is_online = 0; is_online < 2; is_online++) {
        sensor_build_tiny_settings(&settings, is_online);
        settings.stats_interval_ns = 0;
        settings.flow.max_fragments = 16;
        kept = (struct kept_flows){.listener = &first_listener};
        sensor_listener_init(&first_listener, &settings);
        struct sensor *const first = sensor_open(&settings, keep_flow, &kept, error, sizeof error);
        ck_assert_msg(first != NULL, "%s", error);
        int64_t time_ns = START;
        uint64_t state = 5;
        for (int i = 0; i < RANDOM_FRAMES; i++)
            send_random(first, &state, &time_ns);
        finish(first, &first_listener, RANDOM_FRAMES);
        struct sensor *const second = open_sensor(&settings, &second_listener);
        for (size_t i = 0; i < kept.count; i++)
            sensor_flow(second, &kept.flows[i]);
        sensor_refuse_flow(second);
        finish(second, &second_listener, packets_of(&kept) + 1);
        ck_assert_uint_gt(second_listener.flows, 10);
        ck_assert_uint_eq(second_listener.flows, first_listener.flows);
        ck_assert_uint_eq(second_listener.alerts, first_listener.alerts);
        const struct statistics *const last = &second_listener.last;
        const struct statistics *const wanted = &first_listener.last;
        ck_assert_uint_eq(last->packets.refused[PACKET_REFUSED_BAD_LINE], 1);
        ck_assert_uint_eq(last->packets.in_flows, wanted->packets.in_flows);
        ck_assert_uint_eq(last->packets.ip_bytes_in_flows, wanted->packets.ip_bytes_in_flows);
        ck_assert_uint_eq(last->packets.frame_bytes_in_flows, wanted->packets.frame_bytes_in_flows);
        ck_assert_uint_eq(last->packets.tcp, wanted->packets.tcp);
        ck_assert_uint_eq(last->packets.ipv6, wanted->packets.ipv6);
        ck_assert_mem_eq(last->flows.ended, wanted->flows.ended, sizeof wanted->flows.ended);
        ck_assert_uint_eq(last->flows.opened_tcp, wanted->flows.opened_tcp);
        ck_assert_uint_eq(last->flows.opened_icmp, wanted->flows.opened_icmp);
        ck_assert_uint_eq(last->flows.opened_other, wanted->flows.opened_other);
    }
}
END_TEST

START_TEST(flows_bring_statistics_with_their_notice_times)
{
    struct settings settings;
    settings_default(&settings);
    settings.emit_flows = true;
    struct flow_record flow = {
        .flow_id = 1,
        .ip_version = 4,
        .protocol = 17,
        .basis = FLOW_BASIS_FIRST,
        .end_reason = FLOW_END_IDLE,
        .state = FLOW_STATE_ONE_WAY,
        .direction = {{.packets = 2, .ip_bytes = 80}, {0}},
        .unknown = FLOW_UNKNOWN_PAYLOAD | FLOW_UNKNOWN_GAPS | FLOW_UNKNOWN_TTL,
    };
    struct sensor *const sensor = open_sensor(&settings, &first_listener);
    for (int i = 0; i < 200; i++) {
        flow.first_ns = flow.last_ns = START + i * SECOND;
        flow.notice_ns = flow.last_ns + 30 * SECOND;
        flow.opening_number++;
        sensor_flow(sensor, &flow);
    }
    finish(sensor, &first_listener, 400);
    ck_assert_uint_eq(first_listener.statistics,
                      4); /* 229 s from the first packet; the final one */
    ck_assert_int_eq(first_listener.last.now_ns, START + 229 * SECOND);
    ck_assert_int_eq(first_listener.last.start_ns, START);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("sensor");
    TCase *const tests = tcase_create("sensor");
    tcase_set_timeout(tests, 120); /* under a sanitizer, on a busy machine */
    tcase_add_test(tests, frames_become_flows_and_the_last_record_is_the_final_statistics);
    tcase_add_test(tests, run_without_a_frame_has_only_final_statistics);
    tcase_add_test(tests, tick_ends_an_idle_flow_without_a_further_packet);
    tcase_add_test(tests, tick_before_the_first_packet_does_no_harm);
    tcase_add_test(tests, statistics_come_with_trace_time);
    tcase_add_test(tests, sums_hold_over_random_frames_and_tiny_limits);
    tcase_add_test(tests, hash_keys_do_not_change_a_byte);
    tcase_add_test(tests, sensors_share_nothing);
    tcase_add_test(tests, flows_of_another_run_are_scored_as_if_their_packets_had_been_seen);
    tcase_add_test(tests, flows_bring_statistics_with_their_notice_times);
    suite_add_tcase(suite, tests);
    return suite;
}
