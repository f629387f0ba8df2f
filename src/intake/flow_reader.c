/* SPDX-License-Identifier: Apache-2.0 */
/* See flow_reader.h. Of each file one flow is read ahead; the least of them goes out next. */
#include "intake/flow_reader.h"

#include "base/stream.h"
#include "intake/flow_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const char *path;
    struct stream *stream;
    FILE *file;
    uint64_t line_number;
    bool has_ended;
    bool has_flow;
    struct flow_record flow; /* read ahead */
};

struct source_table {
    size_t count;
    size_t latest; /* found last: flows of one source follow each other */
    char *names[FLOW_READER_SOURCES_MAX];
    bool is_interface[FLOW_READER_SOURCES_MAX];
};

struct flow_reader {
    size_t input_count;
    struct input *inputs;
    struct source_table sources;
    struct flow_record latest; /* handed over last */
    struct flow_reader_counters counters;
    struct flow_line line; /* the one being read */
    size_t length;
    char bytes[FLOW_LINE_LENGTH_MAX];
    char message[FLOW_READER_ERROR_SIZE];
};

static bool open_input(struct input *input, const char *path, int stop_fd,
                       char error[FLOW_READER_ERROR_SIZE], bool *is_system)
{
    static const struct stream_purpose purpose = {'R', "empty: no flow lines"};
    struct stream_error below = {.is_system = true, .text = "out of memory"};
    input->path = strcmp(path, "-") == 0 ? "standard input" : path;
    input->stream = stream_open(path, stop_fd, &purpose, &below);
    if (input->stream != NULL)
        input->file = stream_file(input->stream);
    if (input->file != NULL)
        return true;
    *is_system = below.is_system;
    (void)snprintf(error, FLOW_READER_ERROR_SIZE, "%s", below.text);
    return false;
}

struct flow_reader *flow_reader_open(const char *const *paths, size_t count, int stop_fd,
                                     char error[FLOW_READER_ERROR_SIZE], bool *is_system)
{
    struct flow_reader *const reader = calloc(1, sizeof *reader);
    if (reader != NULL)
        reader->inputs = calloc(count, sizeof *reader->inputs);
    if (reader == NULL || reader->inputs == NULL) {
        *is_system = true;
        (void)snprintf(error, FLOW_READER_ERROR_SIZE, "out of memory");
        flow_reader_close(reader);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        reader->input_count = i + 1;
        if (open_input(&reader->inputs[i], paths[i], stop_fd, error, is_system))
            continue;
        flow_reader_close(reader);
        return NULL;
    }
    return reader;
}

static void close_input(struct input *input)
{
    if (input->file != NULL)
        (void)fclose(input->file);
    stream_close(input->stream);
    input->file = NULL;
    input->stream = NULL;
}

void flow_reader_close(struct flow_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->input_count; i++)
        close_input(&reader->inputs[i]);
    for (size_t i = 0; i < reader->sources.count; i++)
        free(reader->sources.names[i]);
    free(reader->inputs);
    free(reader);
}

/* ---- lines -------------------------------------------------------------------------------- */

enum line_result { LINE_WHOLE, LINE_TOO_LONG, LINE_END };

/* The next line into reader->bytes, without its newline; the rest of one that is too long is passed
 * over. */
static enum line_result read_line(struct flow_reader *reader, struct input *input)
{
    bool is_too_long = false;
    int byte;
    reader->length = 0;
    while ((byte = getc_unlocked(input->file)) != EOF && byte != '\n') {
        if (reader->length < sizeof reader->bytes)
            reader->bytes[reader->length++] = (char)byte;
        else
            is_too_long = true;
    }
    if (byte == EOF && reader->length == 0)
        return LINE_END;
    input->line_number++;
    reader->counters.lines++;
    return is_too_long ? LINE_TOO_LONG : LINE_WHOLE;
}

/* The index of the source that the line names. A name is copied once, when it is first met; the
 * table's size bounds both the copies and the search. */
static uint16_t find_source(struct flow_reader *reader)
{
    struct source_table *const table = &reader->sources;
    const struct flow_line *const line = &reader->line;
    if (!line->has_source)
        return FLOW_LINE_NO_SOURCE;
    for (size_t i = 0; i < table->count; i++) {
        const size_t index = (table->latest + i) % table->count;
        if (table->is_interface[index] != line->is_interface ||
            strcmp(table->names[index], line->source) != 0)
            continue;
        table->latest = index;
        return (uint16_t)index;
    }
    char *const name = table->count < FLOW_READER_SOURCES_MAX ? strdup(line->source) : NULL;
    if (name == NULL) {
        reader->counters.unnamed++;
        return FLOW_LINE_NO_SOURCE;
    }
    table->names[table->count] = name;
    table->is_interface[table->count] = line->is_interface;
    table->latest = table->count++;
    return (uint16_t)table->latest;
}

static void take_flow(struct flow_reader *reader, struct input *input)
{
    input->flow = reader->line.flow;
    input->flow.source_index = find_source(reader);
    if (input->flow.opening_number == 0)
        input->flow.opening_number = input->line_number;
    input->has_flow = true;
}

static enum flow_reader_result refuse_line(struct flow_reader *reader, const struct input *input,
                                           const char *what)
{
    reader->counters.bad++;
    (void)snprintf(reader->message, sizeof reader->message, "%.300s:%" PRIu64 ": %s", input->path,
                   input->line_number, what);
    return FLOW_READER_BAD_LINE;
}

/* The input has no more lines, or none that can be read. */
static enum flow_reader_result end_input(struct flow_reader *reader, struct input *input)
{
    const char *const failure = stream_failure(input->stream);
    const bool is_damaged = failure[0] != '\0';
    (void)snprintf(reader->message, sizeof reader->message, "%.300s: %s", input->path, failure);
    input->has_ended = true;
    close_input(input);
    return is_damaged ? FLOW_READER_CUT_SHORT : FLOW_READER_FLOW;
}

/* True if the bytes ended within this line because the stream is damaged or the run is to stop:
 * that is no fault of the line. */
static bool is_cut(const struct input *input)
{
    return feof_unlocked(input->file) &&
           (stream_failure(input->stream)[0] != '\0' || stream_is_stopped(input->stream));
}

/* Reads ahead until there is a flow, the input ends (both FLOW_READER_FLOW), or a line is bad. */
static enum flow_reader_result read_ahead(struct flow_reader *reader, struct input *input)
{
    while (!input->has_flow && !input->has_ended) {
        const enum line_result result = read_line(reader, input);
        if (result == LINE_END || is_cut(input))
            return end_input(reader, input);
        if (result == LINE_TOO_LONG)
            return refuse_line(reader, input, "the line is longer than 65536 bytes");
        switch (flow_line_parse(reader->bytes, reader->length, &reader->line)) {
        case FLOW_LINE_BAD:
            return refuse_line(reader, input, reader->line.error);
        case FLOW_LINE_OTHER:
            reader->counters.others++;
            break;
        case FLOW_LINE_FLOW:
            take_flow(reader, input);
            break;
        }
    }
    return FLOW_READER_FLOW;
}

/* ---- merging ------------------------------------------------------------------------------ */

static bool goes_before(const struct flow_record *a, const struct flow_record *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch;
    if (a->notice_ns != b->notice_ns)
        return a->notice_ns < b->notice_ns;
    return a->opening_number < b->opening_number;
}

enum flow_reader_result flow_reader_next(struct flow_reader *reader, struct flow_record *flow)
{
    struct input *next = NULL;
    for (size_t i = 0; i < reader->input_count; i++) {
        struct input *const input = &reader->inputs[i];
        const enum flow_reader_result result = read_ahead(reader, input);
        if (result != FLOW_READER_FLOW)
            return result;
        if (input->has_flow && (next == NULL || goes_before(&input->flow, &next->flow)))
            next = input;
    }
    if (next == NULL)
        return FLOW_READER_END;
    reader->counters.disordered +=
        reader->counters.flows > 0 && goes_before(&next->flow, &reader->latest);
    *flow = reader->latest = next->flow;
    next->has_flow = false;
    reader->counters.flows++;
    return FLOW_READER_FLOW;
}

const char *flow_reader_message(const struct flow_reader *reader)
{
    return reader->message;
}

struct flow_reader_counters flow_reader_counters(const struct flow_reader *reader)
{
    return reader->counters;
}

const char *const *flow_reader_source_names(const struct flow_reader *reader)
{
    return (const char *const *)reader->sources.names;
}

const bool *flow_reader_source_is_interface(const struct flow_reader *reader)
{
    return reader->sources.is_interface;
}
