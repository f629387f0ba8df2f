/* SPDX-License-Identifier: Apache-2.0 */
/* The feature engine as a whole: windows, acquaintances, limits, epochs, determinism. */
#include "feature/feature.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t START_NS = INT64_C(1570002840) * 1000000000; /* a whole minute */

static struct feature_settings default_settings(void)
{
    return (struct feature_settings){
        .window_ns = 60 * SECOND_NS,
        .max_hosts = 256,
        .max_pairs = 512,
        .max_conversations = 512,
        .max_window_flows = 512,
        .hash_key = {11, 12},
        .sketch_key = {21, 22},
        .local_net_count = 1,
        .local_nets = {{.address = {10}, .ip_version = 4, .prefix_bits = 8}},
    };
}

/* A UDP flow 10.0.0.source -> 10.0.1.destination, noticed so many seconds after the start. */
static struct flow_record udp_flow(unsigned source, unsigned destination, int64_t notice_s)
{
    struct flow_record flow = {
        .source = {10, 0, 0, (uint8_t)source},
        .destination = {10, 0, 1, (uint8_t)destination},
        .source_port = 50000,
        .destination_port = 29862,
        .ip_version = 4,
        .protocol = PACKET_PROTOCOL_UDP,
        .basis = FLOW_BASIS_FIRST,
        .state = FLOW_STATE_ONE_WAY,
        .notice_ns = START_NS + notice_s * SECOND_NS,
    };
    flow.first_ns = flow.notice_ns - 31 * SECOND_NS;
    flow.last_ns = flow.notice_ns - 30 * SECOND_NS;
    flow.direction[FLOW_FORWARD].packets = 10;
    flow.direction[FLOW_FORWARD].ip_bytes = 1000;
    return flow;
}

static struct feature_engine *open_engine(const struct feature_settings *settings)
{
    struct feature_engine *engine = feature_engine_open(settings);
    ck_assert_ptr_nonnull(engine);
    return engine;
}

static struct feature_vector measure(struct feature_engine *engine, struct flow_record flow)
{
    struct feature_vector vector = {.present = 0};
    struct endpoint_hashes hashes;
    feature_hash_endpoints(engine, &flow, &hashes);
    feature_measure(engine, &flow, &hashes, &vector);
    return vector;
}

static void expect(const struct feature_vector *vector, enum feature_id id, double value)
{
    ck_assert_msg(feature_is_present(vector, id), "%s is missing", feature_infos[id].name);
    ck_assert_msg(vector->value[id] == value, "%s is %.17g, not %.17g", feature_infos[id].name,
                  vector->value[id], value);
}

static void expect_missing(const struct feature_vector *vector, enum feature_id id)
{
    ck_assert_msg(!feature_is_present(vector, id), "%s is present", feature_infos[id].name);
    ck_assert(vector->value[id] == 0);
}

static struct engine_counters counters_of(const struct feature_engine *engine)
{
    struct engine_counters counters;
    memset(&counters, 0, sizeof counters);
    feature_engine_counters(engine, &counters);
    return counters;
}

/* Sample 3947329: 15 flows to the destination, one of them this source's, of 2,044 packets. */
START_TEST(sample_flow_has_the_samples_window_counts)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    for (unsigned i = 1; i <= 14; i++)
        measure(engine, udp_flow(i, 19, i));
    struct flow_record flow = udp_flow(82, 19, 20);
    flow.direction[FLOW_FORWARD].packets = 2044;
    flow.direction[FLOW_FORWARD].ip_bytes = 2817462;
    const struct feature_vector vector = measure(engine, flow);
    expect(&vector, FEATURE_DST_FLOWS_WINDOW, 15);
    expect(&vector, FEATURE_DST_SOURCES_WINDOW, 15);
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    expect(&vector, FEATURE_SRC_PROTOCOL_ENTROPY, 0);
    expect(&vector, FEATURE_SRC_BYTES_WINDOW, 2817462);
    ck_assert_uint_eq(vector.src_packets_window, 2044);
    ck_assert_uint_eq(vector.src_syn_flows_window, 0);
    ck_assert_uint_eq(vector.pair_flows_60s, 1);
    feature_engine_close(engine);
}
END_TEST

START_TEST(flow_leaves_the_window_after_exactly_its_length)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 0));
    struct flow_record late = udp_flow(1, 2, 60);
    late.notice_ns--;
    struct feature_vector vector = measure(engine, late);
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 2);
    vector = measure(engine, udp_flow(1, 2, 60));
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 2);
    expect(&vector, FEATURE_SRC_FLOWS_10M, 3);
    feature_engine_close(engine);
}
END_TEST

START_TEST(ten_minutes_are_the_current_minute_and_nine_before)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 59));
    struct feature_vector vector = measure(engine, udp_flow(1, 2, 599));
    expect(&vector, FEATURE_PAIR_FLOWS_10M, 2);
    vector = measure(engine, udp_flow(1, 2, 600));
    expect(&vector, FEATURE_PAIR_FLOWS_10M, 2);
    expect(&vector, FEATURE_DST_FLOWS_10M, 2);
    feature_engine_close(engine);
}
END_TEST

START_TEST(entropy_of_two_equal_protocols_is_one_bit)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct flow_record ping = udp_flow(1, 2, 1);
    ping.protocol = PACKET_PROTOCOL_ICMP;
    for (int64_t i = 0; i < 3; i++)
        measure(engine, udp_flow(1, 2, 0));
    measure(engine, ping);
    measure(engine, ping);
    const struct feature_vector vector = measure(engine, ping);
    expect(&vector, FEATURE_SRC_PROTOCOL_ENTROPY, 1);
    feature_engine_close(engine);
}
END_TEST

START_TEST(unanswered_share_is_missing_where_nothing_can_be_unanswered)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct flow_record ping = udp_flow(1, 2, 0);
    ping.protocol = PACKET_PROTOCOL_ICMP;
    struct feature_vector vector = measure(engine, ping);
    expect_missing(&vector, FEATURE_SRC_UNANSWERED_WINDOW);
    expect_missing(&vector, FEATURE_SRC_UNANSWERED_10M);
    struct flow_record answered = udp_flow(1, 2, 1);
    answered.direction[FLOW_REVERSE].packets = 1;
    measure(engine, answered);
    vector = measure(engine, udp_flow(1, 2, 2));
    expect(&vector, FEATURE_SRC_UNANSWERED_WINDOW, 0.5);
    expect(&vector, FEATURE_SRC_UNANSWERED_10M, 0.5);
    feature_engine_close(engine);
}
END_TEST

START_TEST(first_flow_has_no_past)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    const struct feature_vector vector = measure(engine, udp_flow(1, 2, 0));
    expect_missing(&vector, FEATURE_SRC_IDLE);
    expect_missing(&vector, FEATURE_INTERVAL_CV);
    expect(&vector, FEATURE_SRC_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    expect(&vector, FEATURE_SERVICE_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    expect(&vector, FEATURE_SRC_NEW_PEERS_WINDOW, 1);
    feature_engine_close(engine);
}
END_TEST

START_TEST(acquaintance_grows_with_time)
{
    static const struct {
        int64_t after_s;
        enum feature_acquaintance class;
    } steps[] = {{1, FEATURE_ACQUAINTANCE_1MIN},
                 {59, FEATURE_ACQUAINTANCE_1MIN},
                 {60, FEATURE_ACQUAINTANCE_LONGER},
                 {900000, FEATURE_ACQUAINTANCE_LONGER}};
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 0));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct feature_vector vector = measure(engine, udp_flow(1, 2, steps[i].after_s));
        expect(&vector, FEATURE_SRC_KNOWS_DST, steps[i].class);
        expect(&vector, FEATURE_SERVICE_KNOWS_DST, steps[i].class);
        ck_assert_int_eq(vector.pair_age_ns, steps[i].after_s * SECOND_NS);
    }
    const struct feature_vector other = measure(engine, udp_flow(3, 2, 900001));
    expect(&other, FEATURE_SRC_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    expect(&other, FEATURE_SERVICE_KNOWS_DST, FEATURE_ACQUAINTANCE_LONGER);
    feature_engine_close(engine);
}
END_TEST

START_TEST(idle_time_is_between_notices)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 0));
    const struct feature_vector vector = measure(engine, udp_flow(1, 3, 7));
    expect(&vector, FEATURE_SRC_IDLE, 7e6);
    feature_engine_close(engine);
}
END_TEST

START_TEST(regular_starts_have_no_variation_and_slices_do_not_count)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct flow_record slice = udp_flow(1, 2, 0);
    slice.slice = 1;
    for (int64_t i = 0; i < 3; i++) {
        measure(engine, udp_flow(1, 2, 30 * i));
        slice.notice_ns = START_NS + (30 * i + 3) * SECOND_NS;
        slice.first_ns = slice.notice_ns;
        const struct feature_vector vector = measure(engine, slice);
        expect_missing(&vector, FEATURE_INTERVAL_CV);
    }
    struct feature_vector vector = measure(engine, udp_flow(1, 2, 90));
    expect(&vector, FEATURE_INTERVAL_CV, 0);
    vector = measure(engine, udp_flow(1, 2, 200));
    ck_assert(vector.value[FEATURE_INTERVAL_CV] > 0.5);
    feature_engine_close(engine);
}
END_TEST

START_TEST(starts_of_one_moment_have_no_regularity)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct feature_vector vector;
    for (int64_t i = 0; i < 6; i++)
        vector = measure(engine, udp_flow(1, 2, 0));
    expect_missing(&vector, FEATURE_INTERVAL_CV);
    feature_engine_close(engine);
}
END_TEST

/* Neither fits the line that a source, or a pair, of one flow is kept in. */
START_TEST(first_flow_may_be_huge_or_a_slice)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct flow_record huge = udp_flow(1, 2, 0);
    huge.slice = 1;
    huge.direction[FLOW_FORWARD].ip_bytes = UINT64_C(6) << 32;
    huge.direction[FLOW_FORWARD].packets = UINT64_C(5) << 32;
    struct feature_vector vector = measure(engine, huge);
    expect(&vector, FEATURE_SRC_BYTES_10M, 0x6p32);
    expect(&vector, FEATURE_PAIR_FLOWS_WINDOW, 1);
    for (int64_t i = 1; i <= 3; i++)
        vector = measure(engine, udp_flow(1, 2, 10 * i));
    expect(&vector, FEATURE_SRC_BYTES_WINDOW, 0x6p32 + 3000);
    ck_assert_uint_eq(vector.src_packets_window, (UINT64_C(5) << 32) + 30);
    expect(&vector, FEATURE_PAIR_FLOWS_10M, 4);
    expect_missing(&vector, FEATURE_INTERVAL_CV); /* three starts: a slice is none */
    vector = measure(engine, udp_flow(1, 2, 61));
    expect(&vector, FEATURE_SRC_BYTES_WINDOW, 4000); /* it has left */
    expect(&vector, FEATURE_SRC_BYTES_10M, 0x6p32 + 4000);
    ck_assert(feature_is_present(&vector, FEATURE_INTERVAL_CV));
    feature_engine_close(engine);
}
END_TEST

START_TEST(first_conversation_lasts_as_long_as_its_pair)
{
    struct feature_settings settings = default_settings();
    settings.max_conversations = 1;
    struct feature_engine *engine = open_engine(&settings);
    struct feature_vector first = {.present = 0}, second = first;
    for (int64_t i = 0; i < 4; i++) {
        struct flow_record other = udp_flow(1, 2, 30 * i + 1);
        other.destination_port++;
        first = measure(engine, udp_flow(1, 2, 30 * i));
        second = measure(engine, other);
        other.destination_port++; /* takes the only place for further conversations */
        measure(engine, other);
    }
    expect(&first, FEATURE_INTERVAL_CV, 0);
    expect_missing(&second, FEATURE_INTERVAL_CV);
    feature_engine_close(engine);
}
END_TEST

START_TEST(same_bytes_of_other_ip_version_are_another_host)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 0));
    struct flow_record flow = udp_flow(1, 2, 1);
    flow.ip_version = 6;
    const struct feature_vector vector = measure(engine, flow);
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    expect(&vector, FEATURE_DST_FLOWS_WINDOW, 1);
    expect(&vector, FEATURE_SRC_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    expect(&vector, FEATURE_SERVICE_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    feature_engine_close(engine);
}
END_TEST

START_TEST(syn_flows_are_counted_by_basis)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    struct flow_record flow = udp_flow(1, 2, 0);
    flow.protocol = PACKET_PROTOCOL_TCP;
    flow.state = FLOW_STATE_ESTABLISHED;
    flow.basis = FLOW_BASIS_SYN;
    measure(engine, flow);
    measure(engine, flow);
    const struct feature_vector vector = measure(engine, udp_flow(1, 2, 0));
    ck_assert_uint_eq(vector.src_syn_flows_window, 2);
    feature_engine_close(engine);
}
END_TEST

START_TEST(new_epoch_empties_everything)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings), *fresh = open_engine(&settings);
    for (unsigned i = 0; i < 100; i++) {
        struct flow_record flow = udp_flow(1 + i % 3, 1 + i % 40, i);
        flow.destination_port = (uint16_t)i;
        measure(engine, flow);
    }
    for (unsigned i = 0; i < 100; i++) {
        struct flow_record flow = udp_flow(1 + i % 3, 1 + i % 40, (int64_t)i - 5000);
        flow.epoch = 1;
        struct feature_vector stepped = measure(engine, flow);
        const struct feature_vector plain = measure(fresh, flow);
        ck_assert_uint_ne(stepped.pair_id, plain.pair_id); /* another pair than before the step */
        stepped.pair_id = plain.pair_id;
        ck_assert_mem_eq(&stepped, &plain, sizeof plain);
    }
    feature_engine_close(engine);
    feature_engine_close(fresh);
}
END_TEST

START_TEST(notice_time_never_goes_back_within_an_epoch)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 2, 100));
    const struct feature_vector vector = measure(engine, udp_flow(1, 2, 10));
    expect(&vector, FEATURE_SRC_IDLE, 0);
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 2);
    feature_engine_close(engine);
}
END_TEST

START_TEST(full_window_cuts_the_oldest_and_says_so)
{
    struct feature_settings settings = default_settings();
    settings.max_window_flows = 4;
    struct feature_engine *engine = open_engine(&settings);
    struct feature_vector vector;
    for (int64_t i = 0; i < 4; i++)
        vector = measure(engine, udp_flow(1, 2, i));
    ck_assert(!vector.is_window_cut);
    vector = measure(engine, udp_flow(1, 2, 4));
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 4);
    expect(&vector, FEATURE_SRC_FLOWS_10M, 5);
    ck_assert(vector.is_window_cut);
    ck_assert_uint_eq(counters_of(engine).window_flows_cut, 1);
    vector = measure(engine, udp_flow(1, 2, 65));
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    ck_assert(!vector.is_window_cut);
    feature_engine_close(engine);
}
END_TEST

START_TEST(forgotten_host_begins_anew_and_says_so)
{
    struct feature_settings settings = default_settings();
    settings.max_hosts = 2;
    struct feature_engine *engine = open_engine(&settings);
    measure(engine, udp_flow(1, 9, 0));
    measure(engine, udp_flow(2, 9, 1));
    measure(engine, udp_flow(1, 9, 2)); /* so that 2 is the least recently used */
    struct feature_vector vector = measure(engine, udp_flow(3, 9, 3));
    ck_assert_uint_eq(counters_of(engine).hosts_evicted, 1);
    vector = measure(engine, udp_flow(1, 9, 4));
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 3);
    ck_assert(!vector.is_window_cut);
    vector = measure(engine, udp_flow(2, 9, 5));
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    expect_missing(&vector, FEATURE_SRC_IDLE);
    ck_assert(vector.is_window_cut);
    vector = measure(engine, udp_flow(2, 9, 62)); /* its lost flow leaves without harm */
    expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 2);
    feature_engine_close(engine);
}
END_TEST

/* Small tables, so that everything is evicted all the time. */
static struct feature_settings tiny_settings(uint64_t hash_key)
{
    struct feature_settings settings = default_settings();
    settings.max_hosts = 20;
    settings.max_pairs = 30;
    settings.max_conversations = 30;
    settings.max_window_flows = 50;
    settings.hash_key[0] = hash_key;
    return settings;
}

START_TEST(placement_key_never_changes_a_vector)
{
    const struct feature_settings one = tiny_settings(1), two = tiny_settings(0xfeed);
    struct feature_engine *first = open_engine(&one), *second = open_engine(&two);
    srand(7);
    for (unsigned i = 0; i < 20000; i++) {
        struct flow_record flow =
            udp_flow(1 + (unsigned)rand() % 21, 1 + (unsigned)rand() % 21, i / 4);
        flow.destination_port = (uint16_t)(rand() % 50);
        flow.protocol = (uint8_t)(rand() % 4 == 0 ? rand() % 256 : PACKET_PROTOCOL_UDP);
        const struct feature_vector a = measure(first, flow), b = measure(second, flow);
        ck_assert_mem_eq(&a, &b, sizeof a);
    }
    const struct engine_counters counters = counters_of(first);
    ck_assert_uint_gt(counters.hosts_evicted, 0);
    ck_assert_uint_gt(counters.pairs_evicted, 0);
    ck_assert_uint_gt(counters.conversations_evicted, 0);
    ck_assert_uint_gt(counters.sketches_evicted, 0);
    ck_assert_uint_gt(counters.window_flows_cut, 0);
    feature_engine_close(first);
    feature_engine_close(second);
}
END_TEST

/* The steps ahead, each as late as the engine may take it, or all too early. */
static void look_ahead(struct feature_engine *engine, struct flow_record *flows, unsigned count,
                       struct endpoint_hashes *hashes)
{
    for (unsigned i = 0; i < count; i++) {
        feature_hash_endpoints(engine, &flows[i], &hashes[i]);
        feature_ask_ahead(engine, &hashes[i]);
        feature_warm(engine, &hashes[i]);
        feature_warm_sums(engine, &hashes[i]);
        feature_warm_things(engine, &hashes[i]);
    }
}

/* What was found ahead may be another's place by then, or forgotten with all others. */
START_TEST(looking_ahead_never_changes_a_vector)
{
    enum { AHEAD = 16, ROUNDS = 1500 };
    const struct feature_settings settings = tiny_settings(3);
    struct feature_engine *plain = open_engine(&settings), *ahead = open_engine(&settings);
    srand(5);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct flow_record flows[AHEAD];
        struct endpoint_hashes hashes[AHEAD];
        for (unsigned i = 0; i < AHEAD; i++) {
            const unsigned number = round * AHEAD + i;
            flows[i] = udp_flow(1 + (unsigned)rand() % 25, 1 + (unsigned)rand() % 3, number / 4);
            flows[i].destination_port = (uint16_t)(rand() % 20);
            flows[i].epoch = number / 777;
        }
        look_ahead(ahead, flows, AHEAD, hashes);
        for (unsigned i = 0; i < AHEAD; i++) {
            struct feature_vector vector = {.present = 0};
            feature_measure(ahead, &flows[i], &hashes[i], &vector);
            const struct feature_vector expected = measure(plain, flows[i]);
            ck_assert_mem_eq(&vector, &expected, sizeof vector);
        }
    }
    ck_assert_uint_gt(counters_of(ahead).pairs_evicted, 0);
    feature_engine_close(plain);
    feature_engine_close(ahead);
}
END_TEST

/* As the engine has it: a vector is measured into what the flow before left there. */
START_TEST(of_an_earlier_flow_nothing_is_left_in_a_vector)
{
    enum { ROUNDS = 600 };
    static const uint8_t protocols[] = {PACKET_PROTOCOL_TCP, PACKET_PROTOCOL_UDP,
                                        PACKET_PROTOCOL_ICMP};
    const struct feature_settings settings = default_settings();
    struct feature_engine *const used = open_engine(&settings);
    struct feature_engine *const fresh = open_engine(&settings);
    struct feature_vector vector = {.present = 0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct flow_record flow = udp_flow((unsigned)rand() % 5, (unsigned)rand() % 5, i / 8);
        flow.protocol = protocols[rand() % 3];
        flow.has_handshake_rtt = rand() % 2 == 0;
        flow.direction[FLOW_REVERSE].packets = (uint64_t)rand() % 2;
        flow.direction[FLOW_FORWARD].gap_ns.count = (uint64_t)rand() % 3;
        struct endpoint_hashes hashes;
        feature_hash_endpoints(used, &flow, &hashes);
        feature_measure(used, &flow, &hashes, &vector);
        const struct feature_vector expected = measure(fresh, flow);
        ck_assert_mem_eq(&vector, &expected, sizeof vector);
    }
    feature_engine_close(used);
    feature_engine_close(fresh);
}
END_TEST

START_TEST(least_limits_still_measure)
{
    struct feature_settings settings = default_settings();
    settings.max_hosts = settings.max_pairs = settings.max_conversations = 0;
    settings.max_window_flows = 0;
    struct feature_engine *engine = open_engine(&settings);
    for (unsigned i = 0; i < 500; i++) {
        const struct feature_vector vector = measure(engine, udp_flow(i % 7, i % 5, i));
        expect(&vector, FEATURE_SRC_FLOWS_WINDOW, 1);
        ck_assert_uint_eq(vector.pair_flows_60s, 1);
    }
    feature_engine_close(engine);
}
END_TEST

START_TEST(other_window_estimates_the_pairs_sixty_seconds)
{
    struct feature_settings settings = default_settings();
    settings.window_ns = 5 * SECOND_NS;
    struct feature_engine *engine = open_engine(&settings);
    for (int64_t i = 0; i < 60; i++)
        measure(engine, udp_flow(1, 2, i));
    const struct feature_vector vector = measure(engine, udp_flow(1, 2, 75));
    expect(&vector, FEATURE_PAIR_FLOWS_WINDOW, 1);
    ck_assert_uint_eq(vector.pair_flows_60s, 1 + 60 * 45 / 60);
    feature_engine_close(engine);
}
END_TEST

START_TEST(memory_is_counted_and_modest_by_default)
{
    struct feature_settings settings = default_settings();
    settings.max_hosts = 65536;
    settings.max_pairs = settings.max_conversations = 131072;
    settings.max_window_flows = 262144;
    struct feature_engine *engine = open_engine(&settings);
    struct engine_counters counters = {.memory_bytes = 5};
    feature_engine_counters(engine, &counters);
    const uint64_t mebibyte = 1024 * 1024;
    ck_assert_uint_gt(counters.memory_bytes, 100 * mebibyte);
    ck_assert_uint_lt(counters.memory_bytes, 180 * mebibyte);
    feature_engine_close(engine);
}
END_TEST

static TCase *windows_case(void)
{
    TCase *windows = tcase_create("windows");
    tcase_add_test(windows, sample_flow_has_the_samples_window_counts);
    tcase_add_test(windows, flow_leaves_the_window_after_exactly_its_length);
    tcase_add_test(windows, ten_minutes_are_the_current_minute_and_nine_before);
    tcase_add_test(windows, entropy_of_two_equal_protocols_is_one_bit);
    tcase_add_test(windows, unanswered_share_is_missing_where_nothing_can_be_unanswered);
    tcase_add_test(windows, same_bytes_of_other_ip_version_are_another_host);
    tcase_add_test(windows, syn_flows_are_counted_by_basis);
    tcase_add_test(windows, other_window_estimates_the_pairs_sixty_seconds);
    return windows;
}

static TCase *past_case(void)
{
    TCase *past = tcase_create("past");
    tcase_add_test(past, first_flow_has_no_past);
    tcase_add_test(past, acquaintance_grows_with_time);
    tcase_add_test(past, idle_time_is_between_notices);
    tcase_add_test(past, regular_starts_have_no_variation_and_slices_do_not_count);
    tcase_add_test(past, first_flow_may_be_huge_or_a_slice);
    tcase_add_test(past, first_conversation_lasts_as_long_as_its_pair);
    tcase_add_test(past, starts_of_one_moment_have_no_regularity);
    tcase_add_test(past, new_epoch_empties_everything);
    tcase_add_test(past, notice_time_never_goes_back_within_an_epoch);
    return past;
}

static TCase *limits_case(void)
{
    TCase *limits = tcase_create("limits");
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, full_window_cuts_the_oldest_and_says_so);
    tcase_add_test(limits, forgotten_host_begins_anew_and_says_so);
    tcase_add_test(limits, placement_key_never_changes_a_vector);
    tcase_add_test(limits, looking_ahead_never_changes_a_vector);
    tcase_add_test(limits, of_an_earlier_flow_nothing_is_left_in_a_vector);
    tcase_add_test(limits, least_limits_still_measure);
    tcase_add_test(limits, memory_is_counted_and_modest_by_default);
    return limits;
}

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature engine");
    suite_add_tcase(suite, windows_case());
    suite_add_tcase(suite, past_case());
    suite_add_tcase(suite, limits_case());
    return suite;
}
