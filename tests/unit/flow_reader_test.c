/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of files of flow lines: order, what is refused and skipped, names of sources. */
#include "intake/flow_reader.h"

#include "intake/flow_line.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 3 };

static char paths[FILES][64];
static FILE *files[FILES];

static void open_files(void)
{
    for (int i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "/tmp/whyflow-flow-reader-XXXXXX");
        files[i] = fdopen(mkstemp(paths[i]), "w");
        ck_assert_ptr_nonnull(files[i]);
    }
}

static void remove_files(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(paths[i]);
}

struct order {
    unsigned epoch;
    long notice_ns;
    unsigned opening_number;
};

static void write_flow(FILE *file, const struct order *order, const char *source)
{
    fprintf(
        file,
        "{\"flow_id\":%u,\"in_iface\":\"%s\",\"event_type\":\"flow\",\"src_ip\":\"10.0.0.1\","
        "\"src_port\":1,\"dest_ip\":\"10.0.0.2\",\"dest_port\":2,\"proto\":\"UDP\",\"whyflow\":{"
        "\"schema\":\"whyflow/1\",\"flow\":{\"epoch\":%u,\"opening_number\":%u,\"first_ns\":1,"
        "\"last_ns\":2,\"notice_ns\":%ld,\"fwd\":{\"packets\":1,\"ip_bytes\":40},\"rev\":{"
        "\"packets\":0,\"ip_bytes\":0}}}}\n",
        order->opening_number, source, order->epoch, order->opening_number, order->notice_ns);
}

static struct flow_reader *open_reader(size_t count)
{
    const char *names[FILES];
    char error[FLOW_READER_ERROR_SIZE] = "";
    bool is_system;
    for (int i = 0; i < FILES; i++) {
        names[i] = paths[i];
        if (files[i] != NULL)
            ck_assert_int_eq(fclose(files[i]), 0);
        files[i] = NULL;
    }
    struct flow_reader *const reader = flow_reader_open(names, count, -1, error, &is_system);
    ck_assert_msg(reader != NULL, "%s", error);
    return reader;
}

START_TEST(files_are_merged_by_epoch_notice_time_and_opening_number)
{
    static const struct order written[FILES][3] = {
        {{0, 10, 1}, {0, 30, 9}, {1, 5, 12}},
        {{0, 20, 3}, {0, 30, 7}, {1, 4, 13}},
        {{0, 10, 2}, {0, 40, 1}, {2, 1, 1}},
    };
    static const long notices[] = {10, 10, 20, 30, 30, 40, 4, 5, 1};
    static const unsigned numbers[] = {1, 2, 3, 7, 9, 1, 13, 12, 1};
    open_files();
    for (int file = 0; file < FILES; file++)
        for (int i = 0; i < 3; i++)
            write_flow(files[file], &written[file][i], "eth0");
    struct flow_reader *const reader = open_reader(FILES);
    struct flow_record flow;
    for (size_t i = 0; i < sizeof notices / sizeof *notices; i++) {
        ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_FLOW);
        ck_assert_int_eq(flow.notice_ns, notices[i]);
        ck_assert_uint_eq(flow.opening_number, numbers[i]);
    }
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_END);
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_END);
    flow_reader_close(reader);
    remove_files();
}
END_TEST

/* A line of so many bytes, which is a string. */
static void write_long(FILE *file, size_t length)
{
    fputc('"', file);
    for (size_t i = 2; i < length; i++)
        fputc('x', file);
    fputs("\"\n", file);
}

START_TEST(bad_lines_are_told_with_file_and_line_and_reading_goes_on)
{
    const struct order order = {0, 10, 1};
    struct flow_record flow;
    open_files();
    fputs("{\"event_type\":\"stats\"}\n\n", files[0]);
    write_long(files[0], FLOW_LINE_LENGTH_MAX);
    write_long(files[0], FLOW_LINE_LENGTH_MAX + 1);
    write_flow(files[0], &order, "eth0");
    fputs("no newline", files[0]);
    struct flow_reader *const reader = open_reader(1);
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_BAD_LINE);
    ck_assert_ptr_nonnull(strstr(flow_reader_message(reader), ":3: not JSON"));
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_BAD_LINE);
    ck_assert_ptr_nonnull(strstr(flow_reader_message(reader), ":4: the line is longer than 65536"));
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_FLOW);
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_BAD_LINE);
    ck_assert_ptr_nonnull(strstr(flow_reader_message(reader), ":6: not JSON"));
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_END);
    const struct flow_reader_counters counters = flow_reader_counters(reader);
    ck_assert_uint_eq(counters.lines, 6);
    ck_assert_uint_eq(counters.flows, 1);
    ck_assert_uint_eq(counters.bad, 3);
    ck_assert_uint_eq(counters.others, 2);
    flow_reader_close(reader);
    remove_files();
}
END_TEST

START_TEST(names_of_sources_are_kept_up_to_their_limit)
{
    struct flow_record flow;
    char name[32];
    open_files();
    for (unsigned i = 0; i < FLOW_READER_SOURCES_MAX + 2; i++) {
        const struct order order = {0, (long)i, 1};
        snprintf(name, sizeof name, "eth%u", i);
        write_flow(files[0], &order, name);
    }
    const struct order last = {0, 1L << 40, 1};
    write_flow(files[0], &last, "eth7");
    struct flow_reader *const reader = open_reader(1);
    for (unsigned i = 0; i < FLOW_READER_SOURCES_MAX; i++) {
        ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_FLOW);
        ck_assert_uint_eq(flow.source_index, i);
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_FLOW);
        ck_assert_uint_eq(flow.source_index, FLOW_LINE_NO_SOURCE);
    }
    ck_assert_int_eq(flow_reader_next(reader, &flow), FLOW_READER_FLOW);
    ck_assert_uint_eq(flow.source_index, 7);
    ck_assert_str_eq(flow_reader_source_names(reader)[7], "eth7");
    ck_assert(flow_reader_source_is_interface(reader)[7]);
    ck_assert_uint_eq(flow_reader_counters(reader).unnamed, 2);
    flow_reader_close(reader);
    remove_files();
}
END_TEST

START_TEST(what_cannot_be_read_is_told_at_once)
{
    char error[FLOW_READER_ERROR_SIZE] = "";
    bool is_system = true;
    ck_assert_ptr_null(
        flow_reader_open((const char *const[]){"/nowhere/at/all"}, 1, -1, error, &is_system));
    ck_assert(!is_system);
    ck_assert_ptr_nonnull(strstr(error, "/nowhere/at/all: No such file"));
    ck_assert_ptr_null(
        flow_reader_open((const char *const[]){"/dev/null"}, 1, -1, error, &is_system));
    ck_assert_ptr_nonnull(strstr(error, "no flow lines"));
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("flow reader");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, files_are_merged_by_epoch_notice_time_and_opening_number);
    tcase_add_test(tests, bad_lines_are_told_with_file_and_line_and_reading_goes_on);
    tcase_add_test(tests, names_of_sources_are_kept_up_to_their_limit);
    tcase_add_test(tests, what_cannot_be_read_is_told_at_once);
    suite_add_tcase(suite, tests);
    return suite;
}
