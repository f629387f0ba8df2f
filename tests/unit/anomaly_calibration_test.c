/* SPDX-License-Identifier: Apache-2.0 */
/* The decayed histogram of scores. */
#include "anomaly/calibration.h"
#include "tests/support/unit.h"

#include <stdlib.h>

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
    TCase *test_case = tcase_create("calibration");
    tcase_add_test(test_case, calibration_counts_scores_at_least_as_high);
    tcase_add_test(test_case, threshold_is_the_least_score_with_so_little_above_it);
    Suite *suite = suite_create("anomaly_calibration");
    suite_add_tcase(suite, test_case);
    return suite;
}
