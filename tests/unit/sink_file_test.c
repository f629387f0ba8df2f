/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations of lines: whole lines, in order, counted as written or as lost. */
#include "sink/sink.h"

#include "tests/support/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERROR_SIZE = 256, PATH_SIZE = 128, CONTENT_SIZE = 1 << 20, LINES = 20000 };

static char directory[PATH_SIZE];
static char path[PATH_SIZE + 16];
static char moved[PATH_SIZE + 16];
static char error[ERROR_SIZE];
static uint64_t written, lost;

static void make_directory(void)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(directory, sizeof directory, "%s/whyflow-sink-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/lines", directory);
    (void)snprintf(moved, sizeof moved, "%s/moved", directory);
    written = 0;
    lost = 0;
}

static void remove_directory(void)
{
    (void)unlink(path);
    (void)unlink(moved);
    ck_assert_int_eq(rmdir(directory), 0);
}

static const char *content_of(const char *file)
{
    static char content[CONTENT_SIZE];
    FILE *stream = fopen(file, "r");
    ck_assert_ptr_nonnull(stream);
    content[fread(content, 1, sizeof content - 1, stream)] = '\0';
    ck_assert_int_eq(fclose(stream), 0);
    return content;
}

static struct sink *open_sink(const char *name, enum sink_fsync policy)
{
    struct sink *sink = sink_open(name, policy, error, sizeof error);
    ck_assert_msg(sink != NULL, "%s", error);
    return sink;
}

START_TEST(lines_arrive_whole_and_in_order)
{
    struct sink *sink = open_sink(path, SINK_FSYNC_NONE);
    char line[32];
    for (int i = 0; i < LINES; i++) {
        const int length = snprintf(line, sizeof line, "{\"line\":%d}", i);
        ck_assert_int_eq(sink_write_line(sink, line, (size_t)length, 0), SINK_OK);
    }
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    ck_assert_uint_eq(written, LINES);
    ck_assert_uint_eq(lost, 0);
    const char *at = content_of(path);
    for (int i = 0; i < LINES; i++) {
        const int length = snprintf(line, sizeof line, "{\"line\":%d}\n", i);
        ck_assert_int_eq(strncmp(at, line, (size_t)length), 0);
        at += length;
    }
    ck_assert_int_eq(*at, '\0');
}
END_TEST

START_TEST(nothing_is_written_before_a_flush_and_all_of_it_after)
{
    struct sink *sink = open_sink(path, SINK_FSYNC_NONE);
    ck_assert_int_eq(sink_write_line(sink, "a", 1, 0), SINK_OK);
    ck_assert_str_eq(content_of(path), "");
    ck_assert_uint_eq(sink_written(sink), 0);
    ck_assert_uint_eq(sink_buffered(sink), 1);
    ck_assert_int_eq(sink_flush(sink, 0), SINK_OK);
    ck_assert_str_eq(content_of(path), "a\n");
    ck_assert_uint_eq(sink_written(sink), 1);
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
}
END_TEST

START_TEST(every_record_policy_writes_each_line_at_once)
{
    struct sink *sink = open_sink(path, SINK_FSYNC_RECORD);
    ck_assert_int_eq(sink_write_line(sink, "a", 1, 0), SINK_OK);
    ck_assert_str_eq(content_of(path), "a\n");
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
}
END_TEST

START_TEST(every_second_policy_writes_once_a_second_has_passed)
{
    struct sink *sink = open_sink(path, SINK_FSYNC_SECOND);
    ck_assert_int_eq(sink_write_line(sink, "a", 1, 999999999), SINK_OK);
    ck_assert_str_eq(content_of(path), "");
    ck_assert_int_eq(sink_write_line(sink, "b", 1, 1000000000), SINK_OK);
    ck_assert_str_eq(content_of(path), "a\nb\n");
    ck_assert_int_eq(sink_write_line(sink, "c", 1, 1999999999), SINK_OK);
    ck_assert_str_eq(content_of(path), "a\nb\n");
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    ck_assert_uint_eq(written, 3);
}
END_TEST

START_TEST(a_file_is_appended_to_and_readable_by_its_group_only)
{
    struct stat status;
    const mode_t mask = umask(0);
    for (int i = 0; i < 2; i++) {
        struct sink *sink = open_sink(path, SINK_FSYNC_NONE);
        ck_assert_int_eq(sink_write_line(sink, "a", 1, 0), SINK_OK);
        ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    }
    (void)umask(mask);
    ck_assert_str_eq(content_of(path), "a\na\n");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq((int)(status.st_mode & 0777), 0640);
}
END_TEST

START_TEST(reopening_goes_on_in_a_new_file_and_loses_nothing)
{
    struct sink *sink = open_sink(path, SINK_FSYNC_NONE);
    ck_assert_int_eq(sink_write_line(sink, "old", 3, 0), SINK_OK);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(sink_reopen(sink, 0), SINK_OK);
    ck_assert_int_eq(sink_write_line(sink, "new", 3, 0), SINK_OK);
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    ck_assert_str_eq(content_of(moved), "old\n");
    ck_assert_str_eq(content_of(path), "new\n");
    ck_assert_uint_eq(written, 2);
}
END_TEST

START_TEST(a_full_disk_keeps_what_fits_the_buffer_and_counts_the_rest)
{
    struct sink *sink = open_sink("/dev/full", SINK_FSYNC_NONE);
    static char line[SINK_BUFFER_SIZE / 4];
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(sink_write_line(sink, line, sizeof line, 0), SINK_OK);
    ck_assert_int_eq(sink_write_line(sink, line, sizeof line, 0), SINK_FAILED);
    ck_assert_uint_eq(sink_lost(sink), 1);
    ck_assert_ptr_nonnull(strstr(sink_error(sink), "No space left"));
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_FAILED);
    ck_assert_uint_eq(written, 0);
    ck_assert_uint_eq(lost, 4);
}
END_TEST

START_TEST(a_line_larger_than_the_buffer_is_lost_and_counted)
{
    static char line[SINK_BUFFER_SIZE];
    struct sink *sink = open_sink(path, SINK_FSYNC_NONE);
    memset(line, 'x', sizeof line);
    ck_assert_int_eq(sink_write_line(sink, "a", 1, 0), SINK_OK);
    ck_assert_int_eq(sink_write_line(sink, line, sizeof line, 0), SINK_FAILED);
    ck_assert_int_eq(sink_write_line(sink, line, sizeof line - 1, 0), SINK_OK);
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    ck_assert_uint_eq(written, 2);
    ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_told)
{
    ck_assert_ptr_null(sink_open("/nonexistent/x", SINK_FSYNC_NONE, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "/nonexistent/x: cannot open: No such file"));
}
END_TEST

/* Standard output becomes the writing end of a pipe; the reading end is returned. */
static int pipe_standard_output(int *saved)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    (void)fflush(stdout);
    *saved = dup(STDOUT_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(close(ends[1]), 0);
    return ends[0];
}

static void restore_standard_output(int saved)
{
    ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(close(saved), 0);
}

START_TEST(a_reader_that_has_gone_is_a_result_of_its_own)
{
    int saved;
    (void)signal(SIGPIPE, SIG_IGN);
    const int reader = pipe_standard_output(&saved);
    struct sink *sink = open_sink("-", SINK_FSYNC_NONE);
    ck_assert_int_eq(sink_write_line(sink, "a", 1, 0), SINK_OK);
    ck_assert_int_eq(sink_flush(sink, 0), SINK_OK);
    ck_assert_int_eq(close(reader), 0);
    ck_assert_int_eq(sink_write_line(sink, "b", 1, 0), SINK_OK);
    ck_assert_int_eq(sink_flush(sink, 0), SINK_CLOSED);
    ck_assert_int_eq(sink_write_line(sink, "c", 1, 0), SINK_CLOSED);
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_CLOSED);
    restore_standard_output(saved);
    ck_assert_uint_eq(written, 1);
    ck_assert_uint_eq(lost, 2);
}
END_TEST

/* A pipe set to non-blocking takes a part of a write; a reader then empties it, again and again. */
START_TEST(a_write_in_parts_tears_no_line)
{
    int saved;
    static char line[30000];
    const int reader = pipe_standard_output(&saved);
    ck_assert_int_eq(fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK), 0);
    (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096);
    const pid_t child = fork();
    if (child == 0) { /* reads to the end, slowly, and checks */
        char bytes[1000];
        size_t total = 0;
        size_t newlines = 0;
        (void)close(STDOUT_FILENO);
        (void)close(saved);
        for (ssize_t got; (got = read(reader, bytes, sizeof bytes)) > 0;) {
            for (ssize_t i = 0; i < got; i++, total++) {
                const bool is_end = total % (sizeof line + 1) == sizeof line;
                newlines += bytes[i] == '\n' && is_end;
            }
        }
        _exit(newlines == 10 && total == 10 * (sizeof line + 1) ? 0 : 1);
    }
    ck_assert_int_eq(close(reader), 0);
    struct sink *sink = open_sink("-", SINK_FSYNC_NONE);
    memset(line, 'y', sizeof line);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(sink_write_line(sink, line, sizeof line, 0), SINK_OK);
    ck_assert_int_eq(sink_close(sink, 0, &written, &lost), SINK_OK);
    restore_standard_output(saved);
    ck_assert_uint_eq(written, 10);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("sink_file");
    TCase *tests = tcase_create("sink_file");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_directory, remove_directory);
    tcase_add_test(tests, lines_arrive_whole_and_in_order);
    tcase_add_test(tests, nothing_is_written_before_a_flush_and_all_of_it_after);
    tcase_add_test(tests, every_record_policy_writes_each_line_at_once);
    tcase_add_test(tests, every_second_policy_writes_once_a_second_has_passed);
    tcase_add_test(tests, a_file_is_appended_to_and_readable_by_its_group_only);
    tcase_add_test(tests, reopening_goes_on_in_a_new_file_and_loses_nothing);
    tcase_add_test(tests, a_full_disk_keeps_what_fits_the_buffer_and_counts_the_rest);
    tcase_add_test(tests, a_line_larger_than_the_buffer_is_lost_and_counted);
    tcase_add_test(tests, a_path_that_cannot_be_opened_is_told);
    tcase_add_test(tests, a_reader_that_has_gone_is_a_result_of_its_own);
    tcase_add_test(tests, a_write_in_parts_tears_no_line);
    suite_add_tcase(suite, tests);
    return suite;
}
