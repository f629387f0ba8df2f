/* SPDX-License-Identifier: Apache-2.0 */
/* Text building: what fits, what does not, and numbers that read back. */
#include "base/text.h"

#include "tests/support/unit.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_DOUBLES = 40000, BUFFER_SIZE = 64, LONG_SIZE = 512 };

static const double WRITTEN_OUT_BELOW = 9007199254740992.0; /* 2^53 */

/* xorshift64: the same doubles on every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const char *print_double(double number)
{
    static char bytes[BUFFER_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    text_append_double(&text, number);
    ck_assert(!text.is_full);
    return bytes;
}

START_TEST(what_does_not_fit_leaves_the_text_whole_and_is_remembered)
{
    char bytes[8];
    struct text text = text_init(bytes, sizeof bytes);
    text_append(&text, "seven77");
    ck_assert(!text.is_full);
    text_append_char(&text, 'x');
    ck_assert(text.is_full);
    text_append(&text, "");
    ck_assert_str_eq(bytes, "seven77");
    ck_assert_uint_eq(text.length, 7);
}
END_TEST

START_TEST(nothing_is_appended_after_something_did_not_fit)
{
    char bytes[8];
    struct text text = text_init(bytes, sizeof bytes);
    text_append(&text, "abc");
    text_appendf(&text, "%s", "far too long");
    ck_assert(text.is_full);
    text_append(&text, "d");
    ck_assert_str_eq(bytes, "abc");
}
END_TEST

START_TEST(integers_at_their_limits)
{
    char bytes[128];
    struct text text = text_init(bytes, sizeof bytes);
    text_append_uint(&text, UINT64_MAX);
    text_append_char(&text, ' ');
    text_append_int(&text, INT64_MIN);
    text_append_char(&text, ' ');
    text_append_uint(&text, 0);
    ck_assert_str_eq(bytes, "18446744073709551615 -9223372036854775808 0");
}
END_TEST

START_TEST(thousandths_have_three_decimals_and_keep_their_sign)
{
    char bytes[128];
    struct text text = text_init(bytes, sizeof bytes);
    const int64_t numbers[] = {0, -1, 1, 999, -1234, 1000, -70007};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        text_append_milli(&text, numbers[i]);
        text_append_char(&text, ' ');
    }
    ck_assert_str_eq(bytes, "0.000 -0.001 0.001 0.999 -1.234 1.000 -70.007 ");
}
END_TEST

START_TEST(doubles_take_their_shortest_form)
{
    ck_assert_str_eq(print_double(0.0), "0");
    ck_assert_str_eq(print_double(-5.0), "-5");
    ck_assert_str_eq(print_double(0.1), "0.1");
    ck_assert_str_eq(print_double(-0.25), "-0.25");
    ck_assert_str_eq(print_double(65870.5), "65870.5");
    ck_assert_str_eq(print_double(1.0 / 3.0), "0.3333333333333333");
    ck_assert_str_eq(print_double(0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(print_double(1276.5764075067025), "1276.5764075067025");
    ck_assert_str_eq(print_double(9007199254740991.0), "9007199254740991");
    ck_assert_str_eq(print_double(1e300), "1e+300");
    ck_assert_str_eq(print_double(5e-324), "5e-324");
}
END_TEST

/* A reference of the plainest kind: no precision below the printed one reads back. */
static void check_is_shortest(double number)
{
    const char *printed = print_double(number);
    ck_assert_msg(strtod(printed, NULL) == number, "%s is not %a", printed, number);
    size_t digits = 0;
    for (const char *c = printed; *c != '\0' && *c != 'e'; c++)
        digits += *c >= '0' && *c <= '9' && !(digits == 0 && *c == '0');
    if (number == 0.0 || (number < WRITTEN_OUT_BELOW && number == (double)(int64_t)number))
        return; /* whole numbers are written out */
    char shorter[LONG_SIZE];
    (void)snprintf(shorter, sizeof shorter, "%.*g", (int)digits - 1, number);
    ck_assert_msg(digits == 1 || strtod(shorter, NULL) != number, "%s could be %s", printed,
                  shorter);
}

START_TEST(random_doubles_read_back_and_none_could_be_shorter)
{
    uint64_t state = 20191002;
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        const uint64_t bits = next_random(&state);
        double number;
        memcpy(&number, &bits, sizeof number);
        if (number != number || number > DBL_MAX || number < -DBL_MAX)
            continue;
        if (number < 0)
            number = -number;
        check_is_shortest(number);
    }
}
END_TEST

START_TEST(random_short_decimals_read_back_and_none_could_be_shorter)
{
    uint64_t state = 7;
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        const uint64_t number = next_random(&state) >> (next_random(&state) % 40 + 20);
        check_is_shortest((double)number / 1000.0);
        check_is_shortest((double)number / 7.0);
        check_is_shortest((double)number / 1000000.0);
    }
}
END_TEST

static void check_six_digits(double number)
{
    char bytes[BUFFER_SIZE], expected[BUFFER_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    (void)snprintf(expected, sizeof expected, "%.6g", number);
    text_append_six_digits(&text, number);
    ck_assert_str_eq(bytes, expected);
}

/* Also numbers half-way between two of six digits, and those beside them, which are what goes wrong
 * first: a half is in binary above or below what is written, or exactly it and goes to even. */
START_TEST(six_digits_are_those_of_printf)
{
    static const double edges[] = {0,        1e-4, 9.99999e-5, 0.000123456, 1e5, 999999, 999999.5,
                                   999999.4, 1e6,  99999.95,   0.5,         1,   -2.5,   1e300};
    uint64_t state = 11;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        check_six_digits(edges[i]);
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        const double whole = (double)(next_random(&state) % 900000 + 100000);
        const double scale = pow(10, (double)(next_random(&state) % 12) - 1);
        const double half = (whole + 0.5) / scale;
        check_six_digits(half);
        check_six_digits(nextafter(half, 0));
        check_six_digits(-nextafter(half, INFINITY));
        check_six_digits((double)next_random(&state) / 1e13 / scale);
    }
}
END_TEST

/* Of 15 digits, with places from none to 18. */
START_TEST(decimals_of_fifteen_digits_read_back_and_none_could_be_shorter)
{
    uint64_t state = 5;
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        const uint64_t digits = next_random(&state) % UINT64_C(1000000000000000);
        check_is_shortest((double)digits / pow(10, (double)(next_random(&state) % 19)));
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_does_not_fit_leaves_the_text_whole_and_is_remembered);
    tcase_add_test(tests, nothing_is_appended_after_something_did_not_fit);
    tcase_add_test(tests, integers_at_their_limits);
    tcase_add_test(tests, thousandths_have_three_decimals_and_keep_their_sign);
    tcase_add_test(tests, doubles_take_their_shortest_form);
    tcase_add_test(tests, random_doubles_read_back_and_none_could_be_shorter);
    tcase_add_test(tests, random_short_decimals_read_back_and_none_could_be_shorter);
    tcase_add_test(tests, decimals_of_fifteen_digits_read_back_and_none_could_be_shorter);
    tcase_add_test(tests, six_digits_are_those_of_printf);
    suite_add_tcase(suite, tests);
    return suite;
}
