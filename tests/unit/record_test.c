/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a queue must know of records, and of their caveats' names. */
#include "whyflow/record.h"

#include "tests/support/record_build.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST(size_of_a_record_holds_all_it_means)
{
    struct record record = {.kind = RECORD_FLOW};
    const char *const start = (const char *)&record;
    const char *const flow_end = (const char *)(&record.as.flow.part + 1);
    const char *const statistics_end = (const char *)(&record.as.statistics + 1);
    ck_assert_uint_eq(record_size(&record), (size_t)(flow_end - start));
    record.kind = RECORD_STATISTICS;
    ck_assert_uint_eq(record_size(&record), (size_t)(statistics_end - start));
    record.kind = RECORD_ALERT;
    ck_assert_uint_eq(record_size(&record), sizeof record);
}
END_TEST

START_TEST(copy_of_its_size_keeps_an_alert_whole)
{
    static struct record record, copy;
    record_build_sample(&record);
    memset(&copy, 0xff, sizeof copy);
    memcpy(&copy, &record, record_size(&record));
    ck_assert_str_eq(copy.as.flow.explanation.text, record.as.flow.explanation.text);
    ck_assert_uint_eq(copy.as.flow.explanation.settings_hash,
                      record.as.flow.explanation.settings_hash);
}
END_TEST

START_TEST(every_caveat_has_a_name_of_its_own)
{
    for (unsigned i = 0; i < RECORD_CAVEAT_COUNT; i++) {
        const char *const name = record_caveat_name(i);
        ck_assert_ptr_nonnull(name);
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(name, record_caveat_name(j));
    }
    ck_assert_str_eq(record_caveat_name(0), "one_direction_only");
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("record");
    TCase *const tests = tcase_create("record");
    tcase_add_test(tests, size_of_a_record_holds_all_it_means);
    tcase_add_test(tests, copy_of_its_size_keeps_an_alert_whole);
    tcase_add_test(tests, every_caveat_has_a_name_of_its_own);
    suite_add_tcase(suite, tests);
    return suite;
}
