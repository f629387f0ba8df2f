/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket and the share alpha; the decayed histogram of scores. */
#include "anomaly/budget.h"
#include "anomaly/calibration.h"
#include "tests/support/unit.h"

#include <stdlib.h>

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)

static unsigned spend_all(struct budget *budget)
{
    unsigned spent = 0;
    while (budget_spend(budget))
        spent++;
    return spent;
}

START_TEST(a_full_bucket_holds_six_hours_of_alerts)
{
    struct budget budget;
    budget_init(&budget, 6);
    ck_assert(!budget_spend(&budget));
    budget_fill(&budget);
    ck_assert_uint_eq(spend_all(&budget), 36);
    budget_flow(&budget, 0);
    budget_flow(&budget, HOUR);
    ck_assert_uint_eq(spend_all(&budget), 6);
    budget_flow(&budget, 1000 * HOUR);
    ck_assert_uint_eq(spend_all(&budget), 36);
}
END_TEST

START_TEST(a_burst_never_takes_more_than_the_bucket_and_what_came_in)
{
    struct budget budget;
    budget_init(&budget, 6);
    budget_fill(&budget);
    int64_t now = 0;
    unsigned spent = 0;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        now += rand() % (2 * SECOND);
        budget_flow(&budget, now);
        spent += budget_spend(&budget);
        ck_assert_double_le(spent, 36 + 6 * (double)now / HOUR);
    }
    ck_assert_double_ge(spent, 36 + 6 * (double)now / HOUR - 2);
}
END_TEST

START_TEST(time_that_goes_back_gives_nothing)
{
    struct budget budget;
    budget_init(&budget, 6);
    budget_flow(&budget, 100 * HOUR);
    budget_flow(&budget, 50 * HOUR);
    ck_assert(!budget_spend(&budget));
    budget_flow(&budget, 50 * HOUR + HOUR / 6);
    ck_assert(budget_spend(&budget));
    ck_assert(!budget_spend(&budget));
}
END_TEST

START_TEST(a_rare_alert_can_be_saved_for)
{
    struct budget budget;
    budget_init(&budget, 0.1);
    budget_fill(&budget);
    ck_assert_uint_eq(spend_all(&budget), 1);
    budget_flow(&budget, 0);
    budget_flow(&budget, 9 * HOUR);
    ck_assert(!budget_spend(&budget));
    budget_flow(&budget, 10 * HOUR);
    ck_assert(budget_spend(&budget));
}
END_TEST

START_TEST(no_alerts_an_hour_means_none)
{
    struct budget budget;
    budget_init(&budget, 0);
    budget_fill(&budget);
    budget_flow(&budget, HOUR);
    ck_assert(!budget_spend(&budget));
    ck_assert_double_eq(budget_alpha(&budget), 0);
}
END_TEST

START_TEST(alpha_is_budget_by_flow_rate_and_follows_it)
{
    struct budget budget;
    budget_init(&budget, 6);
    int64_t now = 0;
    for (int i = 0; i < 3600 * 12; i++, now += SECOND)
        budget_flow(&budget, now);
    ck_assert_double_eq_tol(budget_alpha(&budget), 6.0 / 3600, 1e-5);
    for (int i = 0; i < 36000 * 12; i++, now += SECOND / 10)
        budget_flow(&budget, now);
    ck_assert_double_eq_tol(budget_alpha(&budget), 6.0 / 36000, 5e-5);
}
END_TEST

START_TEST(calibration_counts_scores_at_least_as_high)
{
    struct calibration *calibration = calloc(1, sizeof *calibration);
    ck_assert_ptr_nonnull(calibration);
    for (int32_t score = -1000; score < 2000000; score += 500)
        calibration_add(calibration, score, 2);
    ck_assert_uint_eq(calibration_at_least(calibration, -5), calibration->total);
    ck_assert_uint_eq(calibration_at_least(calibration, 1000000), 2 * 2000);
    ck_assert_uint_eq(calibration_at_least(calibration, INT32_MAX),
                      calibration_at_least(calibration, 1023900));
    calibration_halve(calibration);
    ck_assert_uint_eq(calibration_at_least(calibration, 1000000), 2000);
    free(calibration);
}
END_TEST

START_TEST(threshold_is_the_least_score_with_so_little_above_it)
{
    struct calibration *calibration = calloc(1, sizeof *calibration);
    ck_assert_ptr_nonnull(calibration);
    srand(2);
    for (int i = 0; i < 5000; i++)
        calibration_add(calibration, rand() % 300000, 1 + (uint64_t)(rand() % 5));
    for (uint64_t weight = 0; weight < calibration->total; weight += 37) {
        const int32_t threshold = calibration_threshold(calibration, weight);
        ck_assert_uint_le(calibration_at_least(calibration, threshold), weight);
        ck_assert_uint_gt(calibration_at_least(calibration, threshold - 1), weight);
    }
    ck_assert_int_eq(calibration_threshold(calibration, calibration->total), 0);
    free(calibration);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("budget");
    tcase_add_test(test_case, a_full_bucket_holds_six_hours_of_alerts);
    tcase_add_test(test_case, a_burst_never_takes_more_than_the_bucket_and_what_came_in);
    tcase_add_test(test_case, time_that_goes_back_gives_nothing);
    tcase_add_test(test_case, a_rare_alert_can_be_saved_for);
    tcase_add_test(test_case, no_alerts_an_hour_means_none);
    tcase_add_test(test_case, alpha_is_budget_by_flow_rate_and_follows_it);
    tcase_add_test(test_case, calibration_counts_scores_at_least_as_high);
    tcase_add_test(test_case, threshold_is_the_least_score_with_so_little_above_it);
    Suite *suite = suite_create("anomaly_budget");
    suite_add_tcase(suite, test_case);
    return suite;
}
