/* SPDX-License-Identifier: Apache-2.0 */
/* The program whyflow-report: native lines of whyflow in, one page for people out. Options → read →
 * write; one thread, no clock, so that the same lines give the same page. */
#include "base/stream.h"
#include "report/collection.h"
#include "report/html.h"
#include "report/markdown.h"
#include "whyflow/version.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ALERTS_MAX_DEFAULT = 10000, ALERTS_MAX_LIMIT = 1000000, BAD_LINES_TOLD = 5 };

enum exit_code { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INPUT };

enum output_format { OUTPUT_BY_NAME, OUTPUT_HTML, OUTPUT_MARKDOWN };

struct report_options {
    const char *output; /* "-": standard output */
    enum output_format format;
    size_t alerts_max;
};

static const char help[] =
    "usage: whyflow-report [OPTION]... [FILE]...\n"
    "Makes one page for people of whyflow's native JSON lines: what was captured and lost, and of\n"
    "each flagged flow why it is unusual. FILE may be .gz or .zst; - or none: standard input.\n\n"
    "  -o, --output FILE      where to: *.html (*.htm) or *.md (default: standard output)\n"
    "  -f, --format FORMAT    html or markdown (default: by FILE's name; else markdown)\n"
    "  -n, --max-alerts N     keep the strongest N alerts (default: 10000)\n"
    "  -h, --help             this text\n"
    "  -V, --version          versions\n\n"
    "Alerts are needed; with flow lines too (whyflow --records all) the timeline is finer and\n"
    "flagged flows are seen among all others. A page needs no network to be read.\n"
    "Exit codes: 0 done, 1 error, 2 usage, 3 input unreadable in part (the rest is used).\n";

static void complain(const char *what, const char *why)
{
    fprintf(stderr, "whyflow-report: %s: %s\n", what, why);
}

static bool parse_count(const char *text, size_t *count)
{
    char *end;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value > ALERTS_MAX_LIMIT)
        return false;
    *count = value;
    return true;
}

static bool ends_with(const char *name, const char *ending)
{
    const size_t length = strlen(name), ending_length = strlen(ending);
    return length > ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static bool parse_format(const char *name, enum output_format *format)
{
    *format = strcmp(name, "html") == 0 ? OUTPUT_HTML : OUTPUT_MARKDOWN;
    return *format == OUTPUT_HTML || strcmp(name, "markdown") == 0 || strcmp(name, "md") == 0;
}

static bool settle_format(struct report_options *options)
{
    const char *const name = options->output;
    if (options->format != OUTPUT_BY_NAME)
        return true;
    if (ends_with(name, ".html") || ends_with(name, ".htm"))
        options->format = OUTPUT_HTML;
    else if (strcmp(name, "-") == 0 || ends_with(name, ".md") || ends_with(name, ".markdown"))
        options->format = OUTPUT_MARKDOWN;
    return options->format != OUTPUT_BY_NAME;
}

static void print_version(void)
{
    printf("whyflow-report %s\njansson %s\nzlib %s\n", WHYFLOW_VERSION, jansson_version_str(),
           zlibVersion());
}

/* True: read on. Else the program ends with *exit. */
static bool parse_options(struct report_options *options, int argc, char **argv,
                          enum exit_code *exit)
{
    static const struct option long_options[] = {
        {"output", required_argument, NULL, 'o'},     {"format", required_argument, NULL, 'f'},
        {"max-alerts", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},          {0}};
    int letter;
    *exit = EXIT_USAGE;
    while ((letter = getopt_long(argc, argv, "o:f:n:hV", long_options, NULL)) != -1) {
        if (letter == 'o') {
            options->output = optarg;
        } else if (letter == 'f' && !parse_format(optarg, &options->format)) {
            complain(optarg, "no such format: html or markdown");
            return false;
        } else if (letter == 'n' && !parse_count(optarg, &options->alerts_max)) {
            complain(optarg, "not a number from 0 to 1000000");
            return false;
        } else if (letter == 'h' || letter == 'V') {
            letter == 'h' ? (void)fputs(help, stdout) : print_version();
            *exit = EXIT_DONE;
            return false;
        } else if (letter == '?') {
            return false; /* getopt has said why */
        }
    }
    if (settle_format(options))
        return true;
    complain(options->output, "neither *.html nor *.md; say which with --format");
    return false;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct input {
    const char *name;
    FILE *file;
    uint64_t line_number;
    size_t length;
    bool is_too_long;
    char line[COLLECTION_LINE_LENGTH_MAX];
};

/* The next line without its newline; the rest of one that is too long is passed over. */
static bool read_line(struct input *input)
{
    int byte;
    input->length = 0;
    input->is_too_long = false;
    while ((byte = getc_unlocked(input->file)) != EOF && byte != '\n') {
        if (input->length < sizeof input->line)
            input->line[input->length++] = (char)byte;
        else
            input->is_too_long = true;
    }
    input->line_number++;
    return byte != EOF || input->length > 0;
}

static void tell_bad_line(const struct collection *collection, const struct input *input)
{
    if (collection->bad_lines > BAD_LINES_TOLD)
        return;
    fprintf(stderr, "whyflow-report: %s:%llu: not a line of whyflow's native format; left out\n",
            input->name, (unsigned long long)input->line_number);
}

static enum exit_code read_lines(struct collection *collection, struct input *input)
{
    const uint64_t bad_before = collection->bad_lines;
    while (read_line(input)) {
        enum collection_result result = COLLECTION_BAD_LINE;
        if (input->is_too_long)
            collection_count_bad(collection);
        else
            result = collection_take(collection, input->line, input->length);
        if (result == COLLECTION_NO_MEMORY) {
            complain(input->name, "out of memory; fewer alerts (--max-alerts) need less");
            return EXIT_FAILED;
        }
        if (result == COLLECTION_BAD_LINE)
            tell_bad_line(collection, input);
    }
    return collection->bad_lines > bad_before ? EXIT_INPUT : EXIT_DONE;
}

static enum exit_code read_stream(struct collection *collection, struct input *input,
                                  struct stream *stream)
{
    input->file = stream_file(stream);
    if (input->file == NULL) {
        complain(input->name, "out of memory");
        return EXIT_FAILED;
    }
    const enum exit_code exit = read_lines(collection, input);
    const bool has_failed = ferror(input->file) != 0 || *stream_failure(stream) != '\0';
    if (has_failed)
        complain(input->name, *stream_failure(stream) != '\0' ? stream_failure(stream)
                                                              : "cannot be read to its end");
    fclose(input->file);
    return exit == EXIT_DONE && has_failed ? EXIT_INPUT : exit;
}

static enum exit_code read_file(struct collection *collection, const char *path)
{
    static const struct stream_purpose purpose = {'-', "empty: no lines"};
    struct stream_error error = {.is_system = true, .text = "out of memory"};
    struct stream *const stream = stream_open(path, -1, &purpose, &error);
    if (stream == NULL) {
        fprintf(stderr, "whyflow-report: %s\n", error.text);
        return error.is_system ? EXIT_FAILED : EXIT_INPUT;
    }
    struct input *const input = calloc(1, sizeof *input);
    enum exit_code exit = EXIT_FAILED;
    if (input != NULL) {
        input->name = strcmp(path, "-") == 0 ? "standard input" : path;
        exit = read_stream(collection, input, stream);
    }
    free(input);
    stream_close(stream);
    return exit;
}

/* All files, whatever one of them says; a lack of memory ends it. */
static enum exit_code read_files(struct collection *collection, char *const *paths, int count)
{
    enum exit_code worst = EXIT_DONE;
    for (int i = 0; i < count && worst != EXIT_FAILED; i++) {
        const enum exit_code exit = read_file(collection, paths[i]);
        if (exit != EXIT_DONE)
            worst = exit;
    }
    collection_finish(collection);
    return worst;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Records name hosts and what they do: as whyflow's own files, not for everyone. */
static FILE *open_output(const char *path)
{
    const int descriptor = strcmp(path, "-") == 0
                               ? dup(STDOUT_FILENO)
                               : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return descriptor < 0 ? NULL : fdopen(descriptor, "w");
}

static enum exit_code write_report(const struct report_options *options,
                                   const struct collection *collection)
{
    FILE *const out = open_output(options->output);
    if (out == NULL) {
        complain(options->output, strerror(errno));
        return EXIT_FAILED;
    }
    const bool is_written = options->format == OUTPUT_HTML ? html_write(out, collection)
                                                           : markdown_write(out, collection);
    const int why = errno;
    if (fclose(out) == 0 && is_written)
        return EXIT_DONE;
    complain(options->output, why != 0 ? strerror(why) : "not written");
    return EXIT_FAILED;
}

static void tell_what_is_missing(const struct collection *collection)
{
    if (collection->bad_lines > 0)
        fprintf(stderr, "whyflow-report: %llu of %llu lines could not be read and are left out\n",
                (unsigned long long)collection->bad_lines, (unsigned long long)collection->lines);
    if (collection->alerts.seen > collection->alerts.count)
        fprintf(stderr,
                "whyflow-report: %zu of %llu alerts are kept, the strongest; see "
                "--max-alerts\n",
                collection->alerts.count, (unsigned long long)collection->alerts.seen);
}

int main(int argc, char **argv)
{
    static char standard_input[] = "-";
    char *const default_paths[] = {standard_input};
    struct report_options options = {.output = "-", .alerts_max = ALERTS_MAX_DEFAULT};
    enum exit_code exit;
    if (!parse_options(&options, argc, argv, &exit))
        return (int)exit;
    struct collection *const collection = collection_open(options.alerts_max);
    if (collection == NULL) {
        complain("start", "out of memory");
        return EXIT_FAILED;
    }
    const bool has_paths = optind < argc;
    exit = read_files(collection, has_paths ? argv + optind : default_paths,
                      has_paths ? argc - optind : 1);
    if (exit != EXIT_FAILED && collection->lines == collection->bad_lines && exit == EXIT_INPUT)
        complain("no report", "the input holds no line of whyflow's");
    else if (exit != EXIT_FAILED && write_report(&options, collection) == EXIT_FAILED)
        exit = EXIT_FAILED;
    tell_what_is_missing(collection);
    collection_close(collection);
    return (int)exit;
}
