/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's 32-bit counters continued in 64 bits, and link type numbers. */
#include "capture/counter.h"
#include "capture/link_type.h"
#include "tests/support/unit.h"

#include <pcap/pcap.h>

START_TEST(a_counter_goes_on_across_its_wrap)
{
    uint64_t total = counter_extend(0, 0, UINT32_MAX - 5);
    ck_assert_uint_eq(total, UINT32_MAX - 5);
    total = counter_extend(total, UINT32_MAX - 5, 10);
    ck_assert_uint_eq(total, UINT64_C(0x100000000) + 10);
    total = counter_extend(total, 10, 10);
    ck_assert_uint_eq(total, UINT64_C(0x100000000) + 10);
    total = counter_extend(total, 10, 9); /* all but one of 2^32 */
    ck_assert_uint_eq(total, UINT64_C(0x200000000) + 9);
}
END_TEST

START_TEST(link_types_are_those_of_files)
{
    ck_assert_uint_eq(link_type_from_dlt(DLT_EN10MB), 1);
    ck_assert_uint_eq(link_type_from_dlt(DLT_RAW), 101);
    ck_assert_uint_eq(link_type_from_dlt(DLT_LOOP), 108);
    ck_assert_uint_eq(link_type_from_dlt(DLT_LINUX_SLL2), 276);
}
END_TEST

START_TEST(link_types_go_there_and_back)
{
    for (unsigned link_type = 100; link_type < 300; link_type++)
        ck_assert_uint_eq(link_type_from_dlt(link_type_to_dlt((uint16_t)link_type)), link_type);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("capture_counter");
    TCase *tests = tcase_create("counter");
    tcase_add_test(tests, a_counter_goes_on_across_its_wrap);
    tcase_add_test(tests, link_types_are_those_of_files);
    tcase_add_test(tests, link_types_go_there_and_back);
    suite_add_tcase(suite, tests);
    return suite;
}
