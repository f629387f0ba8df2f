/* SPDX-License-Identifier: Apache-2.0 */
/* What is typical is the mean of parts, to the nearest; online it follows, a little late. */
#include "anomaly/model.h"
#include "tests/support/unit.h"

#include <stdlib.h>

static struct typical typical;

static void reset(void)
{
    typical = (struct typical){0};
}

/* Counts a flow whose parts are `mbits` of each feature, and one more for each feature's number. */
static void add(int32_t mbits)
{
    struct verdict verdict = {.typical_mbits = typical.total_mbits};
    verdict.score_mbits = typical.total_mbits;
    for (int j = 0; j < FEATURE_COUNT; j++) {
        verdict.contribution_mbits[j] = mbits + j - typical.mbits[j];
        verdict.score_mbits += verdict.contribution_mbits[j];
    }
    typical_add(&typical, &verdict);
}

static void assert_means(const struct typical *of, int32_t mbits)
{
    int32_t total = 0;
    for (int j = 0; j < FEATURE_COUNT; j++) {
        ck_assert_int_eq(of->mbits[j], mbits + j);
        total += mbits + j;
    }
    ck_assert_int_eq(of->total_mbits, total);
}

START_TEST(nothing_is_typical_of_nothing)
{
    typical_settle(&typical);
    ck_assert_int_eq(typical.total_mbits, 0);
    ck_assert_int_eq(typical.mbits[FEATURE_DURATION], 0);
}
END_TEST

START_TEST(means_are_rounded_to_the_nearest)
{
    add(10);
    add(10);
    add(11);
    typical_settle(&typical);
    assert_means(&typical, 10);
    add(11);
    typical_settle(&typical);
    assert_means(&typical, 11); /* halves go up */
}
END_TEST

/* Parts come as contributions over what was typical when they were scored: whatever that was, the
 * sums are of the parts themselves. */
START_TEST(sums_are_of_parts_however_often_it_was_settled)
{
    int64_t sum = 0;
    uint64_t state = 99;
    for (int64_t flows = 1; flows <= 20000; flows++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const int32_t mbits = (int32_t)(state >> 50);
        add(mbits);
        sum += mbits;
        ck_assert_int_eq(typical.sum_mbits[0], sum);
        ck_assert_int_eq(typical.sum_mbits[3], sum + 3 * flows);
    }
    typical_settle(&typical);
    ck_assert_int_le(llabs(2 * (typical.mbits[0] * INT64_C(20000) - sum)), 20000);
}
END_TEST

/* It is made anew after a sixty-fourth of what came, 1,024 flows at most. */
START_TEST(means_follow_what_came_within_a_sixty_fourth)
{
    for (int i = 0; i < 6400; i++)
        add(100);
    assert_means(&typical, 100);
    uint64_t settled_at = typical.flows;
    for (int i = 0; i < 200000; i++) {
        const int32_t before = typical.mbits[0];
        add(100 + 100 * i); /* so that each settling shows */
        if (typical.mbits[0] != before)
            settled_at = typical.flows;
        const uint64_t late = typical.flows - settled_at;
        ck_assert_uint_le(late, 1 + (typical.flows / 64 < 1024 ? typical.flows / 64 : 1024));
    }
}
END_TEST

START_TEST(halved_the_mean_stays_and_new_flows_count_for_more)
{
    for (int i = 0; i < 1000; i++)
        add(100);
    typical_halve(&typical);
    ck_assert_uint_eq(typical.flows, 500);
    typical_settle(&typical);
    assert_means(&typical, 100);
    for (int i = 0; i < 500; i++)
        add(300);
    typical_settle(&typical);
    assert_means(&typical, 200);
}
END_TEST

START_TEST(joined_it_is_the_mean_of_both)
{
    for (int i = 0; i < 30; i++)
        add(100);
    struct typical first = typical;
    reset();
    for (int i = 0; i < 10; i++)
        add(300);
    typical_join(&first, &typical);
    ck_assert_uint_eq(first.flows, 40);
    assert_means(&first, 150);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("typical");
    tcase_add_checked_fixture(tests, reset, NULL);
    tcase_add_test(tests, nothing_is_typical_of_nothing);
    tcase_add_test(tests, means_are_rounded_to_the_nearest);
    tcase_add_test(tests, sums_are_of_parts_however_often_it_was_settled);
    tcase_add_test(tests, means_follow_what_came_within_a_sixty_fourth);
    tcase_add_test(tests, halved_the_mean_stays_and_new_flows_count_for_more);
    tcase_add_test(tests, joined_it_is_the_mean_of_both);
    Suite *const suite = suite_create("anomaly typical");
    suite_add_tcase(suite, tests);
    return suite;
}
