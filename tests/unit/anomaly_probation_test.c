/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows are not learnt, so that repetition does not make them ordinary. */
#include "anomaly/probation.h"
#include "tests/support/unit.h"

#define DAY (INT64_C(86400) * 1000000000)

static struct probation probation;

static void open_probation(uint32_t max)
{
    const struct anomaly_settings settings = {
        .probation_ns = DAY, .max_probation = max, .hash_key = {1, 2}};
    ck_assert(probation_init(&probation, &settings));
}

static void close_probation(void)
{
    probation_deinit(&probation);
}

static bool holds(uint64_t pair_id, int64_t age_ns, double p_value)
{
    const struct feature_vector vector = {.pair_id = pair_id, .pair_age_ns = age_ns};
    return probation_holds(&probation, &vector, p_value);
}

START_TEST(an_ordinary_flow_is_learnt)
{
    open_probation(16);
    ck_assert(!holds(1, -1, 0.5));
    ck_assert(!holds(1, -1, 0.0021));
    ck_assert_uint_eq(probation.entered, 0);
    close_probation();
}
END_TEST

START_TEST(a_very_unusual_flow_of_a_new_pair_is_not_learnt_and_its_like_are_not_either)
{
    open_probation(16);
    ck_assert(holds(1, -1, 0.002));
    ck_assert(holds(1, 1000, 0.02)); /* of a known pair: less unusual */
    ck_assert(!holds(1, 2000, 0.021));
    ck_assert(!holds(2, 1000, 0.02)); /* another pair: not on probation */
    ck_assert_uint_eq(probation.entered, 1);
    close_probation();
}
END_TEST

START_TEST(what_goes_on_for_a_day_is_learnt)
{
    open_probation(16);
    ck_assert(holds(1, -1, 0.0001));
    ck_assert(holds(1, DAY - 1, 0.0001));
    ck_assert(!holds(1, DAY, 0.0001));
    close_probation();
}
END_TEST

START_TEST(a_full_table_lets_the_longest_quiet_pair_go)
{
    open_probation(2);
    ck_assert(holds(1, -1, 0.001));
    ck_assert(holds(2, -1, 0.001));
    ck_assert(holds(1, 5, 0.01));   /* touched later than 2 */
    ck_assert(holds(3, -1, 0.001)); /* takes the place of 2 */
    ck_assert(holds(1, 6, 0.01));
    ck_assert(!holds(2, 6, 0.01));
    ck_assert_uint_eq(probation.pairs.evicted, 1);
    close_probation();
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("anomaly_probation");
    TCase *test_case = tcase_create("pairs");
    tcase_add_test(test_case, an_ordinary_flow_is_learnt);
    tcase_add_test(test_case,
                   a_very_unusual_flow_of_a_new_pair_is_not_learnt_and_its_like_are_not_either);
    tcase_add_test(test_case, what_goes_on_for_a_day_is_learnt);
    tcase_add_test(test_case, a_full_table_lets_the_longest_quiet_pair_go);
    suite_add_tcase(suite, test_case);
    return suite;
}
