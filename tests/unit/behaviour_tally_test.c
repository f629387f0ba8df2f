/* SPDX-License-Identifier: Apache-2.0 */
/* Tallies and spreads: what they count, and how far back. */
#include "tests/support/unit.h"

#include "base/siphash.h"
#include "behaviour/tally.h"

#define HALF INT64_C(1000)

static uint64_t hash_of(uint64_t number)
{
    static const uint64_t key[2] = {1, 2};
    return siphash13(key, &number, sizeof number);
}

static unsigned note(struct spread *spread, uint64_t number, int64_t now_ns)
{
    return spread_note(spread, (struct moment){now_ns, now_ns}, (uint8_t)hash_of(number), HALF);
}

static void add(struct tally *tally, int64_t now_ns, uint64_t amount)
{
    tally_add(tally, (struct moment){now_ns, now_ns}, amount, HALF);
}

START_TEST(a_tally_reaches_back_one_to_two_halves)
{
    struct tally tally = {.began_ns = 0};
    add(&tally, 100, 7);
    add(&tally, 1050, 5); /* within the half that began at 100 */
    ck_assert_uint_eq(tally_count(&tally), 2);
    add(&tally, 1150, 1); /* the next half: both are still in */
    ck_assert_uint_eq(tally_sum(&tally), 13);
    ck_assert_int_eq(tally_first_ns(&tally), 100);
    ck_assert_int_eq(tally_last_ns(&tally), 1150);
    add(&tally, 2150, 1); /* the first half is gone */
    ck_assert_uint_eq(tally_sum(&tally), 2);
    ck_assert_int_eq(tally_first_ns(&tally), 1150);
    add(&tally, 9000, 4); /* a long silence: all is gone */
    ck_assert_uint_eq(tally_sum(&tally), 4);
    ck_assert_uint_eq(tally_count(&tally), 1);
}
END_TEST

START_TEST(a_flow_that_began_earlier_counts_in_the_half_under_way)
{
    struct tally tally = {.began_ns = 0};
    add(&tally, 5000, 1);
    add(&tally, 4000, 1);
    ck_assert_uint_eq(tally_count(&tally), 2);
    ck_assert_int_eq(tally_first_ns(&tally), 4000);
}
END_TEST

/* Within the stated error of the exact count, over a thousand sets each. */
START_TEST(a_spread_counts_distinct_things)
{
    static const struct {
        uint32_t things;
        double error_max; /* mean distance, as the header says */
    } cases[] = {{1, 0.01}, {5, 0.2}, {10, 0.4}, {20, 0.8}, {100, 4}};
    for (unsigned c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double distance = 0;
        for (uint64_t set = 0; set < 1000; set++) {
            struct spread spread = {.bits_set = 0};
            for (uint32_t i = 0; i < 2 * cases[c].things; i++) /* each twice */
                (void)note(&spread, set << 32 | i / 2, 0);
            const double off = (double)spread_count(&spread) - cases[c].things;
            distance += off < 0 ? -off : off;
        }
        ck_assert_double_le(distance / 1000, cases[c].error_max);
    }
}
END_TEST

START_TEST(a_spread_says_what_is_new_and_forgets)
{
    struct spread spread = {.bits_set = 0};
    ck_assert_uint_eq(note(&spread, 1, 10), 1);
    ck_assert_uint_eq(note(&spread, 1, 20), 0);
    ck_assert_uint_eq(note(&spread, 2, 1010), 1);
    ck_assert_uint_eq(spread_count(&spread), 2);
    ck_assert_uint_eq(note(&spread, 3, 2010), 1);
    ck_assert_uint_eq(spread_count(&spread), 2); /* 2 and 3 */
    ck_assert_uint_eq(note(&spread, 1, 2020), 1);
}
END_TEST

START_TEST(a_full_spread_stays_finite)
{
    struct spread spread = {.bits_set = 0};
    for (uint64_t i = 0; i < 100000; i++)
        (void)note(&spread, i, 0);
    ck_assert_uint_eq(spread_count(&spread), 1420);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("behaviour_tally");
    TCase *const test_case = tcase_create("behaviour_tally");
    tcase_add_test(test_case, a_tally_reaches_back_one_to_two_halves);
    tcase_add_test(test_case, a_flow_that_began_earlier_counts_in_the_half_under_way);
    tcase_add_test(test_case, a_spread_counts_distinct_things);
    tcase_add_test(test_case, a_spread_says_what_is_new_and_forgets);
    tcase_add_test(test_case, a_full_spread_stays_finite);
    suite_add_tcase(suite, test_case);
    return suite;
}
