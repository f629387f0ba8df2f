/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people: each rule at its edges. */
#include "base/quantity.h"

#include "tests/support/unit.h"

#include <string.h>

static const char *print(double number, const char *unit, unsigned digits)
{
    static char bytes[64];
    struct text text = text_init(bytes, sizeof bytes);
    quantity_append(&text, number, unit, digits);
    ck_assert(!text.is_full);
    return bytes;
}

START_TEST(counts_have_commas_and_lose_the_plural_at_one)
{
    ck_assert_str_eq(print(0, "packets", 3), "0 packets");
    ck_assert_str_eq(print(1, "packets", 3), "1 packet");
    ck_assert_str_eq(print(999, "flows", 3), "999 flows");
    ck_assert_str_eq(print(1234567, "flows", 3), "1,234,567 flows");
    ck_assert_str_eq(print(1234567, "", 3), "1,234,567");
    ck_assert_str_eq(print(1234567, "hosts", 2), "1,200,000 hosts");
    ck_assert_str_eq(print(3.36, "hosts", 2), "3.4 hosts");
}
END_TEST

START_TEST(times_choose_their_unit)
{
    ck_assert_str_eq(print(0, "us", 3), "0 \xc2\xb5s");
    ck_assert_str_eq(print(11, "us", 3), "11 \xc2\xb5s");
    ck_assert_str_eq(print(999.4, "us", 3), "999 \xc2\xb5s");
    ck_assert_str_eq(print(31585.903, "us", 3), "31.6 ms");
    ck_assert_str_eq(print(64530000, "us", 3), "64.5 s");
    ck_assert_str_eq(print(180e6, "us", 3), "3 min");
    ck_assert_str_eq(print(3 * 3600e6, "us", 3), "3 h");
    ck_assert_str_eq(print(3 * 86400e6, "us", 3), "3 d");
}
END_TEST

START_TEST(sizes_are_exact_below_ten_thousand_bytes)
{
    ck_assert_str_eq(print(1, "bytes", 3), "1 byte");
    ck_assert_str_eq(print(9999, "bytes", 3), "9,999 bytes");
    ck_assert_str_eq(print(1378.406, "bytes", 3), "1,378 bytes");
    ck_assert_str_eq(print(10000, "bytes", 3), "10 kB");
    ck_assert_str_eq(print(2817462, "bytes", 3), "2.82 MB");
    ck_assert_str_eq(print(4.5e9, "bytes", 3), "4.50 GB");
    ck_assert_str_eq(print(43661.27, "bytes/s", 3), "43.7 kB/s");
    ck_assert_str_eq(print(512, "bytes/s", 3), "512 bytes/s");
}
END_TEST

START_TEST(ratios_rates_and_proportions)
{
    ck_assert_str_eq(print(0.254, "ratio", 3), "0.254");
    ck_assert_str_eq(print(31.675, "packets/s", 3), "31.7 packets/s");
    ck_assert_str_eq(print(4, "log2", 3), "16 to 1");
    ck_assert_str_eq(print(-4, "log2", 3), "1 to 16");
    ck_assert_str_eq(print(0, "log2", 3), "1 to 1");
}
END_TEST

START_TEST(shares_are_percentages)
{
    char bytes[32];
    struct text text = text_init(bytes, sizeof bytes);
    quantity_append_share(&text, 0.00213, 2);
    ck_assert_str_eq(bytes, "0.21 %");
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("text_quantity");
    TCase *tests = tcase_create("text_quantity");
    tcase_add_test(tests, counts_have_commas_and_lose_the_plural_at_one);
    tcase_add_test(tests, times_choose_their_unit);
    tcase_add_test(tests, sizes_are_exact_below_ten_thousand_bytes);
    tcase_add_test(tests, ratios_rates_and_proportions);
    tcase_add_test(tests, shares_are_percentages);
    suite_add_tcase(suite, tests);
    return suite;
}
