/* SPDX-License-Identifier: Apache-2.0 */
/* Integer logarithms and powers against libm. */
#include "anomaly/log2_table.h"
#include "tests/support/unit.h"

#include <math.h>

static struct log2_table table;

static void set_up(void)
{
    log2_table_init(&table);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double bits_of(int64_t fixed)
{
    return (double)fixed / LOG2_ONE;
}

START_TEST(log2_is_exact_at_powers_of_two)
{
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(log2_table_log2(&table, UINT64_C(1) << i), (int64_t)i * LOG2_ONE);
}
END_TEST

START_TEST(log2_is_within_a_hundredth_of_a_milli_bit_of_libm)
{
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        const uint64_t number = next_random(&state) >> (i % 64) | 1;
        const double error = bits_of(log2_table_log2(&table, number)) - log2((double)number);
        ck_assert_msg(fabs(error) < 1e-5, "%lu: %g", (unsigned long)number, error);
    }
}
END_TEST

START_TEST(log2_never_falls)
{
    int64_t before = 0;
    for (uint64_t number = 1; number < 300000; number++) {
        const int64_t now = log2_table_log2(&table, number);
        ck_assert_int_ge(now, before);
        before = now;
    }
}
END_TEST

START_TEST(log2_of_wide_numbers_goes_on_where_64_bits_end)
{
    for (int shift = 0; shift < 64; shift++) {
        const log2_wide number = (log2_wide)UINT64_C(0xfedcba9876543211) << shift;
        const int64_t narrow = log2_table_log2(&table, UINT64_C(0xfedcba9876543211));
        ck_assert_int_eq(log2_table_log2_wide(&table, number), narrow + (int64_t)shift * LOG2_ONE);
    }
}
END_TEST

static int64_t log2_of_key(uint64_t key)
{
    return (int64_t)(key >> 32 << LOG2_FRACTION_BITS) +
           log2_table_fraction(&table, key & UINT32_MAX, 33);
}

START_TEST(least_number_of_a_logarithm_is_the_least)
{
    uint64_t state = 2;
    for (int i = 0; i < 200000; i++) {
        const uint64_t log2 = i < 256 ? table.chord[i].low : next_random(&state) % (40 * LOG2_ONE);
        const uint64_t key = log2_table_least(&table, log2);
        ck_assert_int_ge(log2_of_key(key), (int64_t)log2);
        ck_assert(key == 0 || log2_of_key(key - 1) < (int64_t)log2);
    }
}
END_TEST

START_TEST(powers_agree_with_libm)
{
    ck_assert_double_eq(log2_table_exp2_double(&table, 10), 1024);
    ck_assert_double_eq(log2_table_exp2_double(&table, -2), 0.25);
    for (double exponent = -60; exponent < 60; exponent += 0.00731) {
        const double ratio = log2_table_exp2_double(&table, exponent) / exp2(exponent);
        ck_assert_msg(fabs(ratio - 1) < 1e-7, "%g: %g", exponent, ratio - 1);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("log2_table");
    tcase_add_checked_fixture(test_case, set_up, NULL);
    tcase_set_timeout(test_case, 60);
    tcase_add_test(test_case, log2_is_exact_at_powers_of_two);
    tcase_add_test(test_case, log2_is_within_a_hundredth_of_a_milli_bit_of_libm);
    tcase_add_test(test_case, log2_never_falls);
    tcase_add_test(test_case, log2_of_wide_numbers_goes_on_where_64_bits_end);
    tcase_add_test(test_case, least_number_of_a_logarithm_is_the_least);
    tcase_add_test(test_case, powers_agree_with_libm);
    Suite *suite = suite_create("anomaly_log2_table");
    suite_add_tcase(suite, test_case);
    return suite;
}
