/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket, the share alpha and its gain. */
#include "incident/budget.h"
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
    budget_init(&budget, 6, 1);
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
    budget_init(&budget, 6, 1);
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
    budget_init(&budget, 6, 1);
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
    budget_init(&budget, 0.1, 1);
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
    budget_init(&budget, 0, 1);
    budget_fill(&budget);
    budget_flow(&budget, HOUR);
    ck_assert(!budget_spend(&budget));
    ck_assert_double_eq(budget_alpha(&budget), 0);
}
END_TEST

START_TEST(alpha_is_budget_by_flow_rate_and_follows_it)
{
    struct budget budget;
    budget_init(&budget, 6, 1);
    int64_t now = 0;
    for (int i = 0; i < 3600 * 12; i++, now += SECOND)
        budget_flow(&budget, now);
    ck_assert_double_eq_tol(budget_alpha(&budget), BUDGET_GAIN_FIRST * 6.0 / 3600, 2e-5);
    for (int i = 0; i < 36000 * 12; i++, now += SECOND / 10)
        budget_flow(&budget, now);
    ck_assert_double_eq_tol(budget_alpha(&budget), BUDGET_GAIN_FIRST * 6.0 / 36000, 1e-4);
}
END_TEST

/* Ten minutes' worth of what was known, then more and more of what is measured. */
START_TEST(a_known_rate_gives_alpha_from_the_first_flow_and_yields_to_what_is_measured)
{
    struct budget known, unknown;
    budget_init(&known, 6, 1);
    budget_init(&unknown, 6, 1);
    budget_expect(&known, 36000, HOUR); /* 10 a second */
    budget_flow(&known, 5 * HOUR);
    budget_flow(&unknown, 5 * HOUR);
    ck_assert_double_eq(budget_alpha(&unknown), 0);
    const double at_ten = BUDGET_GAIN_FIRST * 6 / 36000;
    ck_assert_double_eq_tol(budget_alpha(&known), at_ten, at_ten / 100);
    for (int i = 1; i <= 12000; i++) /* 1 a second */
        budget_flow(&known, 5 * HOUR + i * SECOND);
    const double measured = BUDGET_GAIN_FIRST * 12600 / 600 / 18001;
    ck_assert_double_eq_tol(budget_alpha(&known), measured, measured / 100);
    budget_expect(&known, UINT64_MAX, 1); /* absurd, and harmless */
    budget_flow(&known, 9 * HOUR);
    ck_assert_double_ge(budget_alpha(&known), 0);
    budget_expect(&known, 1, INT64_MAX); /* next to nothing: no more than the most */
    budget_flow(&known, 9 * HOUR);
    ck_assert_double_le(budget_alpha(&known), 0.5);
}
END_TEST

START_TEST(the_gain_falls_with_each_incident_and_rises_with_time_within_bounds)
{
    struct budget budget;
    budget_init(&budget, 6, 1);
    budget_flow(&budget, 0);
    for (int i = 0; i < 1000; i++) /* before the warm-up is over nothing is learnt of it */
        budget_spend(&budget);
    ck_assert_double_eq(budget.gain, BUDGET_GAIN_FIRST);
    budget_fill(&budget);
    for (int i = 0; i < 1000; i++)
        budget_spend(&budget);
    ck_assert_double_eq(budget.gain, BUDGET_GAIN_LEAST);
    int64_t now = 0;
    double before = budget.gain;
    budget_flow(&budget, now += HOUR / 6); /* as long as an incident costs */
    ck_assert_double_eq_tol(budget.gain, before * (1 + BUDGET_GAIN_STEP), 1e-12);
    before = budget.gain;
    budget_flow(&budget, now += 100 * HOUR); /* silence counts as one */
    ck_assert_double_eq_tol(budget.gain, before * (1 + BUDGET_GAIN_STEP), 1e-12);
    for (int i = 0; i < 3600 * 24; i++)
        budget_flow(&budget, now += SECOND);
    ck_assert_double_eq(budget.gain, BUDGET_GAIN_MOST);
    ck_assert_double_le(budget_alpha(&budget), BUDGET_GAINED_ALPHA_MOST);
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
    tcase_add_test(test_case,
                   a_known_rate_gives_alpha_from_the_first_flow_and_yields_to_what_is_measured);
    tcase_add_test(test_case, the_gain_falls_with_each_incident_and_rises_with_time_within_bounds);
    Suite *suite = suite_create("incident_budget");
    suite_add_tcase(suite, test_case);
    return suite;
}
