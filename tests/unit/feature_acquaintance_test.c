/* SPDX-License-Identifier: Apache-2.0 */
/* Acquaintances that outlive a run: who was known stays known, for as long as was watched. */
#include "feature/feature.h"
#include "tests/support/unit.h"

#include <string.h>

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t MINUTE_NS = INT64_C(60000000000);
static const int64_t YEAR_NS = INT64_C(31536000) * 1000000000;
static const int64_t START_NS = INT64_C(1570002840) * 1000000000;

static struct byte_writer writer;

static struct feature_settings default_settings(void)
{
    return (struct feature_settings){
        .window_ns = 60 * SECOND_NS,
        .max_hosts = 8,
        .max_pairs = 8,
        .max_conversations = 8,
        .max_window_flows = 64,
        .hash_key = {11, 12},
        .sketch_key = {21, 22},
    };
}

static struct feature_engine *open_engine(const struct feature_settings *settings)
{
    struct feature_engine *const engine = feature_engine_open(settings);
    ck_assert_ptr_nonnull(engine);
    return engine;
}

/* A flow from 10.0.0.source to 10.0.1.destination that begins at first_ns. */
static struct feature_vector measure(struct feature_engine *engine, unsigned source,
                                     unsigned destination, int64_t first_ns)
{
    const struct flow_record flow = {
        .source = {10, 0, 0, (uint8_t)source},
        .destination = {10, 0, 1, (uint8_t)destination},
        .source_port = 50000,
        .destination_port = 53,
        .ip_version = 4,
        .protocol = PACKET_PROTOCOL_UDP,
        .first_ns = first_ns,
        .last_ns = first_ns,
        .notice_ns = first_ns + 30 * SECOND_NS,
    };
    struct feature_vector vector = {.present = 0};
    struct endpoint_hashes hashes;
    feature_hash_endpoints(engine, &flow, &hashes);
    feature_measure(engine, &flow, &hashes, &vector);
    ck_assert(feature_is_present(&vector, FEATURE_SRC_KNOWS_DST));
    return vector;
}

/* Since when it has known it, as a class. */
static unsigned meet(struct feature_engine *engine, unsigned source, unsigned destination,
                     int64_t first_ns)
{
    const struct feature_vector vector = measure(engine, source, destination, first_ns);
    return (unsigned)vector.value[FEATURE_SRC_KNOWS_DST];
}

/* The same in whole minutes: the classes are coarse. */
static int64_t minutes_known(struct feature_engine *engine, unsigned source, unsigned destination,
                             int64_t first_ns)
{
    const struct feature_vector vector = measure(engine, source, destination, first_ns);
    ck_assert_int_ge(vector.pair_age_ns, 0);
    return vector.pair_age_ns / MINUTE_NS;
}

static void save(const struct feature_engine *engine)
{
    byte_writer_deinit(&writer);
    feature_engine_save(engine, &writer);
    ck_assert(!writer.has_failed);
}

static bool load_into(struct feature_engine *engine)
{
    struct byte_reader reader;
    byte_reader_init(&reader, writer.bytes, writer.size);
    return feature_engine_load(engine, &reader);
}

static struct feature_engine *load(const struct feature_settings *settings)
{
    struct feature_engine *const engine = open_engine(settings);
    ck_assert(load_into(engine));
    return engine;
}

/* Pair 1-1 known for 20 minutes when it was saved, pair 2-2 just met. */
static void save_two_pairs(const struct feature_settings *settings)
{
    struct feature_engine *const engine = open_engine(settings);
    meet(engine, 1, 1, START_NS);
    meet(engine, 2, 2, START_NS + 20 * MINUTE_NS);
    save(engine);
    feature_engine_close(engine);
}

START_TEST(a_pair_known_before_a_restart_is_not_new_after_it)
{
    const struct feature_settings settings = default_settings();
    save_two_pairs(&settings);
    struct feature_engine *const engine = load(&settings);
    const int64_t again_ns = START_NS + 45 * MINUTE_NS;
    ck_assert_int_eq(minutes_known(engine, 1, 1, again_ns), 45);
    ck_assert_int_eq(minutes_known(engine, 2, 2, again_ns), 25); /* the gap counts */
    ck_assert_uint_eq(meet(engine, 2, 2, again_ns), FEATURE_ACQUAINTANCE_LONGER);
    ck_assert_uint_eq(meet(engine, 1, 2, again_ns), FEATURE_ACQUAINTANCE_NEW);
    feature_engine_close(engine);
}
END_TEST

START_TEST(years_that_nobody_watched_make_nobody_known_for_longer)
{
    const struct feature_settings settings = default_settings();
    const int64_t gaps_ns[] = {3 * YEAR_NS, -3 * YEAR_NS, 61 * MINUTE_NS, -MINUTE_NS};
    for (size_t i = 0; i < sizeof gaps_ns / sizeof *gaps_ns; i++) {
        save_two_pairs(&settings);
        struct feature_engine *const engine = load(&settings);
        const int64_t again_ns = START_NS + 20 * MINUTE_NS + gaps_ns[i];
        ck_assert_uint_eq(meet(engine, 2, 2, again_ns), FEATURE_ACQUAINTANCE_1MIN);
        ck_assert_int_eq(minutes_known(engine, 1, 1, again_ns), 20);
        ck_assert_int_eq(minutes_known(engine, 1, 1, again_ns + 60 * MINUTE_NS), 80);
        feature_engine_close(engine);
    }
}
END_TEST

START_TEST(a_clock_set_back_forgets_what_was_loaded_too)
{
    const struct feature_settings settings = default_settings();
    save_two_pairs(&settings);
    struct feature_engine *const engine = load(&settings);
    meet(engine, 3, 3, START_NS + 25 * MINUTE_NS);
    const struct flow_record flow = {.source = {10, 0, 0, 1},
                                     .destination = {10, 0, 1, 1},
                                     .ip_version = 4,
                                     .epoch = 1,
                                     .notice_ns = START_NS};
    struct feature_vector vector = {.present = 0};
    struct endpoint_hashes hashes;
    feature_hash_endpoints(engine, &flow, &hashes);
    feature_measure(engine, &flow, &hashes, &vector);
    ck_assert(vector.value[FEATURE_SRC_KNOWS_DST] == FEATURE_ACQUAINTANCE_NEW);
    feature_engine_close(engine);
}
END_TEST

START_TEST(saved_again_at_once_the_bytes_are_the_same)
{
    const struct feature_settings settings = default_settings();
    struct feature_engine *engine = open_engine(&settings);
    for (unsigned i = 0; i < 40; i++) /* more pairs than there is room for */
        meet(engine, i * 7 % 12, i * 5 % 11, START_NS + i * SECOND_NS);
    save(engine);
    feature_engine_close(engine);
    uint8_t first[4096];
    const size_t size = writer.size;
    ck_assert_uint_le(size, sizeof first);
    memcpy(first, writer.bytes, size);
    struct feature_settings other = settings;
    other.hash_key[0] = 5;
    engine = load(&other);
    save(engine);
    ck_assert_uint_eq(writer.size, size);
    ck_assert_mem_eq(writer.bytes, first, size);
    feature_engine_close(engine);
}
END_TEST

START_TEST(added_the_earlier_first_time_holds_and_order_leaves_no_trace)
{
    const struct feature_settings settings = default_settings();
    uint8_t bytes[2][4096];
    size_t sizes[2];
    for (unsigned order = 0; order < 2; order++) {
        struct feature_engine *const sum = open_engine(&settings);
        for (unsigned i = 0; i < 2; i++) {
            struct feature_engine *const part = open_engine(&settings);
            const unsigned which = i ^ order;
            meet(part, 1, 1, START_NS + which * 30 * MINUTE_NS);
            meet(part, 2 + which, 2, START_NS + 40 * MINUTE_NS);
            save(part);
            feature_engine_close(part);
            struct feature_engine *const loaded = load(&settings);
            ck_assert(feature_engine_add(sum, loaded));
            feature_engine_close(loaded);
        }
        save(sum);
        feature_engine_close(sum);
        sizes[order] = writer.size;
        ck_assert_uint_le(writer.size, sizeof bytes[order]);
        memcpy(bytes[order], writer.bytes, writer.size);
    }
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], sizes[0]);
    struct feature_engine *const engine = load(&settings);
    ck_assert_int_eq(minutes_known(engine, 1, 1, START_NS + 61 * MINUTE_NS), 61);
    ck_assert_int_eq(minutes_known(engine, 3, 2, START_NS + 61 * MINUTE_NS), 21);
    feature_engine_close(engine);
}
END_TEST

/* Where the first pair's IP version and first time stand: section head, window, flag, two times,
 * count, two addresses. */
enum { VERSION_AT = 12 + 8 + 1 + 8 + 8 + 4 + 32, FIRST_AT = VERSION_AT + 1 };

START_TEST(absurd_acquaintances_are_refused)
{
    const struct feature_settings settings = default_settings();
    const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {
        {VERSION_AT, 0},         {VERSION_AT, 5},    {FIRST_AT + 7, 0x7f}, {FIRST_AT + 7, 0x80},
        {VERSION_AT - 33, 0xff}, {12 + 9 + 7, 0x7f}, {12 + 17 + 7, 0xff},  {0, 'x'}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        save_two_pairs(&settings);
        writer.bytes[changes[i].at] = changes[i].byte;
        struct feature_engine *const engine = open_engine(&settings);
        ck_assert_msg(!load_into(engine), "change %zu", i);
        feature_engine_close(engine);
    }
    struct feature_settings small = settings;
    small.max_pairs = 1;
    save_two_pairs(&settings);
    struct feature_engine *const engine = open_engine(&small);
    ck_assert(!load_into(engine));
    feature_engine_close(engine);
}
END_TEST

static void free_writer(void)
{
    byte_writer_deinit(&writer);
}

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("acquaintance");
    tcase_add_checked_fixture(tests, NULL, free_writer);
    tcase_add_test(tests, a_pair_known_before_a_restart_is_not_new_after_it);
    tcase_add_test(tests, years_that_nobody_watched_make_nobody_known_for_longer);
    tcase_add_test(tests, a_clock_set_back_forgets_what_was_loaded_too);
    tcase_add_test(tests, saved_again_at_once_the_bytes_are_the_same);
    tcase_add_test(tests, added_the_earlier_first_time_holds_and_order_leaves_no_trace);
    tcase_add_test(tests, absurd_acquaintances_are_refused);
    Suite *const suite = suite_create("feature_acquaintance");
    suite_add_tcase(suite, tests);
    return suite;
}
