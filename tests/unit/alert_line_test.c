/* SPDX-License-Identifier: Apache-2.0 */
/* An alert line read back tells the same sections as the record it was made of. */
#include "intake/alert_line.h"

#include "format/format.h"
#include "tests/support/record_build.h"
#include "tests/support/unit.h"
#include "whyflow/sections.h"

#include <stdio.h>
#include <string.h>

static struct record made, read;
static struct section sections_made[SECTION_COUNT], sections_read[SECTION_COUNT];
static char line[FORMAT_BUFFER_SIZE];
static char error[ALERT_LINE_ERROR_SIZE];

static size_t format(const struct record *record)
{
    const struct format_context context = {
        .sensor = "replay", .boot = "0", .version = "1", .sequence = 1};
    size_t length;
    ck_assert(format_native(record, &context, line, sizeof line, &length));
    return length;
}

static void assert_same_sections(void)
{
    const size_t length = format(&made);
    ck_assert_msg(alert_line_parse(line, length, &read, error), "%s", error);
    sections_write(&made, sections_made);
    sections_write(&read, sections_read);
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        ck_assert_str_eq(sections_made[i].title, sections_read[i].title);
        ck_assert_str_eq(sections_made[i].text, sections_read[i].text);
    }
}

START_TEST(an_alert_read_back_has_the_same_sections)
{
    record_build_sample(&made);
    assert_same_sections();
    ck_assert_str_eq(read.as.flow.explanation.text, made.as.flow.explanation.text);
    ck_assert_uint_eq(read.as.flow.explanation.summary_count,
                      made.as.flow.explanation.summary_count);
}
END_TEST

START_TEST(every_feature_among_the_reasons_is_read_back)
{
    for (int id = 0; id < FEATURE_COUNT; id++) {
        record_build_sample(&made);
        struct record_flow_part *const part = &made.as.flow.part;
        for (int other = 0; other < FEATURE_COUNT; other++)
            part->verdict.contribution_mbits[other] = other == id ? 5000 : -1;
        part->features.present &= ~(UINT64_C(1) << id); /* as if it had not been measured */
        record_build_explain(&made, 12345, id % 2 == 0);
        assert_same_sections();
    }
}
END_TEST

START_TEST(the_evidence_of_a_behaviour_is_read_back)
{
    record_build_sample(&made);
    struct record_flow_part *const part = &made.as.flow.part;
    part->verdict.is_flagged = true;
    part->verdict.flagged_by = FLAGGED_BY_BEHAVIOUR;
    part->finding = (struct behaviour_finding){
        .behaviour = BEHAVIOUR_VERTICAL_SCAN,
        .evidence_count = 2,
        .since_ns = part->flow.first_ns,
        .evidence = {{.quantity = 0, .value = 49, .limit = 10},
                     {.quantity = 1, .is_most = 1, .value = 0.25, .limit = 0.5}},
    };
    record_build_explain(&made, 12345, true);
    assert_same_sections();
    ck_assert_ptr_nonnull(strstr(sections_read[4].text, "resembles scan of one host's ports"));
}
END_TEST

START_TEST(what_was_cut_from_a_long_line_is_absent)
{
    record_build_longest(&made);
    const size_t length = format(&made);
    ck_assert_ptr_nonnull(strstr(line, "\"truncated_record\":true"));
    ck_assert_ptr_null(strstr(line, "\"readings\""));
    (void)alert_line_parse(line, length, &read, error); /* its counts are no flow's */
    ck_assert_str_eq(read.as.flow.explanation.benign.text, "");
}
END_TEST

START_TEST(other_lines_are_refused_with_a_reason)
{
    static const char *const lines[] = {"",
                                        "{}",
                                        "[1]",
                                        "{\"event_type\":\"flow\"}",
                                        "{\"event_type\":\"alert\"}",
                                        "{\"event_type\":"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert(!alert_line_parse(lines[i], strlen(lines[i]), &read, error));
        ck_assert_uint_gt(strlen(error), 0);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("alert_line");
    TCase *tests = tcase_create("alert_line");
    tcase_add_test(tests, an_alert_read_back_has_the_same_sections);
    tcase_add_test(tests, every_feature_among_the_reasons_is_read_back);
    tcase_add_test(tests, the_evidence_of_a_behaviour_is_read_back);
    tcase_add_test(tests, what_was_cut_from_a_long_line_is_absent);
    tcase_add_test(tests, other_lines_are_refused_with_a_reason);
    suite_add_tcase(suite, tests);
    return suite;
}
