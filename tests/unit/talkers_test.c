/* SPDX-License-Identifier: Apache-2.0 */
/* Top talkers: exact while there is room, lower bounds afterwards; who has much is never lost. */
#include "talkers.h"

#include "tests/support/unit.h"

#include <string.h>

static struct talkers talkers;
static struct statistics_talker top[STATISTICS_TALKERS_MAX];

static void setup(void)
{
    memset(&talkers, 0, sizeof talkers);
}

static struct flow_record flow_from(uint32_t source)
{
    struct flow_record flow = {.ip_version = 4};
    for (unsigned i = 0; i < 4; i++)
        flow.source[i] = (uint8_t)(source >> (24 - 8 * i));
    return flow;
}

static void count(uint32_t source, uint64_t ip_bytes)
{
    const struct flow_record flow = flow_from(source);
    talkers_count(&talkers, &flow, ip_bytes, ip_bytes);
}

START_TEST(few_sources_are_counted_exactly_and_ordered)
{
    for (uint32_t source = 1; source <= TALKERS_KEPT; source++)
        for (uint32_t flow = 0; flow < source; flow++)
            count(source, 1000 - 10 * source);
    ck_assert_uint_eq(talkers_top(&talkers, TALKERS_BY_FLOWS, top), STATISTICS_TALKERS_MAX);
    ck_assert_uint_eq(top[0].flows, TALKERS_KEPT);
    ck_assert_uint_eq(top[7].flows, TALKERS_KEPT - 7);
    /* source * (1000 - 10 source) is most at 50; at 49 and 51 it is the same, the lesser first. */
    ck_assert_uint_eq(talkers_top(&talkers, TALKERS_BY_IP_BYTES, top), STATISTICS_TALKERS_MAX);
    ck_assert_uint_eq(top[0].ip_bytes, 25000);
    ck_assert_uint_eq(top[0].address[3], 50);
    ck_assert_uint_eq(top[1].address[3], 49);
    ck_assert_uint_eq(top[2].address[3], 51);
    ck_assert(!top[0].is_least);
    ck_assert_uint_eq(talkers.replaced, 0);
}
END_TEST

START_TEST(same_bytes_of_another_ip_version_are_another_source)
{
    struct flow_record flow = flow_from(7);
    talkers_count(&talkers, &flow, 1, 1);
    flow.ip_version = 6;
    talkers_count(&talkers, &flow, 1, 1);
    ck_assert_uint_eq(talkers_top(&talkers, TALKERS_BY_FLOWS, top), 2);
    ck_assert_uint_eq(top[0].ip_version, 4);
    ck_assert_uint_eq(top[1].ip_version, 6);
}
END_TEST

START_TEST(a_source_with_much_survives_a_crowd)
{
    for (uint32_t round = 0; round < 10000; round++) {
        count(100000 + round, 100);
        if (round % 10 == 0)
            count(5, 1000);
    }
    ck_assert_uint_eq(talkers_top(&talkers, TALKERS_BY_IP_BYTES, top), STATISTICS_TALKERS_MAX);
    ck_assert_uint_eq(top[0].address[3], 5);
    ck_assert_uint_eq(top[0].ip_bytes, 1000000);
    ck_assert(!top[0].is_least);
    ck_assert(top[1].is_least);
    ck_assert_uint_le(top[1].ip_bytes, 100);
    ck_assert_uint_gt(talkers.replaced, 9000);
}
END_TEST

/* Space-saving as it is written down: every place looked at, of equals the first. */
struct plain {
    uint32_t count, source[TALKERS_KEPT];
    uint64_t weight[TALKERS_KEPT], flows[TALKERS_KEPT], ip_bytes[TALKERS_KEPT];
};

static uint32_t plain_place(struct plain *plain, uint32_t source)
{
    uint32_t least = 0;
    for (uint32_t i = 0; i < plain->count; i++) {
        if (plain->source[i] == source)
            return i;
        least = plain->weight[i] < plain->weight[least] ? i : least;
    }
    if (plain->count < TALKERS_KEPT)
        least = plain->count++;
    plain->source[least] = source;
    plain->flows[least] = plain->ip_bytes[least] = 0;
    return least;
}

static uint32_t source_of(const struct statistics_talker *told)
{
    return (uint32_t)told->address[0] << 24 | (uint32_t)told->address[1] << 16 |
           (uint32_t)told->address[2] << 8 | told->address[3];
}

static void check_places(const struct plain *plain)
{
    ck_assert_uint_eq(talkers.count, plain->count);
    for (uint32_t i = 0; i < plain->count; i++) {
        ck_assert_uint_eq(source_of(&talkers.told[i]), plain->source[i]);
        ck_assert_uint_eq(talkers_weight(&talkers, i), plain->weight[i]);
        ck_assert_uint_eq(talkers.told[i].flows, plain->flows[i]);
        ck_assert_uint_eq(talkers.told[i].ip_bytes, plain->ip_bytes[i]);
    }
}

/* Few and many sources in turn, weights that are often equal, among them none at all. */
START_TEST(every_place_is_as_by_looking_at_all)
{
    struct plain plain = {.count = 0};
    uint64_t random = 88172645463325252;
    for (uint32_t i = 0; i < 100000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const uint32_t source = (uint32_t)(random >> 32) % (i / 5000 % 2 == 0 ? 90 : 5000);
        const uint64_t ip_bytes = random % 4;
        const uint32_t place = plain_place(&plain, source);
        plain.weight[place] += ip_bytes;
        plain.flows[place]++;
        plain.ip_bytes[place] += ip_bytes;
        count(source, ip_bytes);
        if (i % 16 == 0)
            check_places(&plain);
    }
    ck_assert_uint_gt(talkers.replaced, 10000);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("talkers");
    TCase *const tests = tcase_create("talkers");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, few_sources_are_counted_exactly_and_ordered);
    tcase_add_test(tests, same_bytes_of_another_ip_version_are_another_source);
    tcase_add_test(tests, a_source_with_much_survives_a_crowd);
    tcase_add_test(tests, every_place_is_as_by_looking_at_all);
    suite_add_tcase(suite, tests);
    return suite;
}
