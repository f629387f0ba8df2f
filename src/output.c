/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "message.h"
#include "sink/sink.h"
#ifdef WHYFLOW_CHECK_LINES
#include "format/json_check.h"
#endif

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct destination {
    struct sink *sink;
    enum format_kind format;
    enum options_records records;
    uint64_t sequence;            /* of the last line */
    atomic_uint_fast64_t skipped; /* lines lost since: a gap in the sequence */
    bool has_no_reader;
};

struct output {
    struct format_context run;
    bool is_quiet; /* no closing table */
    int64_t now_ns;
    size_t count;
    struct destination destinations[OPTIONS_OUTPUTS_MAX];
    atomic_uint_fast64_t lost_before; /* records that never came here, counted a destination */
    uint64_t made;
    struct output_summary summary;
    char line[FORMAT_BUFFER_SIZE];
};

static const enum format_kind formats[] = {
    [OPTIONS_FORMAT_NATIVE] = FORMAT_NATIVE,
    [OPTIONS_FORMAT_TEXT] = FORMAT_TEXT,
    [OPTIONS_FORMAT_CSV] = FORMAT_CSV,
};

static const enum sink_fsync fsync_policies[] = {
    [OPTIONS_FSYNC_NONE] = SINK_FSYNC_NONE,
    [OPTIONS_FSYNC_1S] = SINK_FSYNC_SECOND,
    [OPTIONS_FSYNC_RECORD] = SINK_FSYNC_RECORD,
};

static bool is_table(const struct destination *destination, enum record_kind kind)
{
    return destination->format == FORMAT_TEXT && kind == RECORD_STATISTICS;
}

static bool wants(const struct destination *destination, enum record_kind kind)
{
    switch (kind) {
    case RECORD_FLOW:
        return destination->records != OPTIONS_RECORDS_ALERTS;
    case RECORD_ALERT:
        return destination->records != OPTIONS_RECORDS_FLOWS;
    case RECORD_STATISTICS:
        break;
    }
    return true;
}

static void write_line(struct output *output, struct destination *destination, size_t length)
{
    const enum sink_result result =
        sink_write_line(destination->sink, output->line, length, output->now_ns);
    destination->has_no_reader = result == SINK_CLOSED;
}

static bool open_destination(struct output *output, const struct options *options, size_t index,
                             char *error, size_t error_size)
{
    const struct options_output *const wanted = &options->outputs[index];
    struct destination *const destination = &output->destinations[index];
    *destination = (struct destination){
        .format = formats[wanted->format],
        .records = wanted->records,
        .sink = sink_open(wanted->destination, fsync_policies[options->fsync], error, error_size),
    };
    if (destination->sink == NULL)
        return false;
    output->count = index + 1;
    size_t length;
    if (format_header(destination->format, output->line, sizeof output->line, &length) &&
        length > 0)
        write_line(output, destination, length);
    return true;
}

struct output *output_open(const struct options *options, const struct format_context *run,
                           char *error, size_t error_size)
{
    struct output *const output = calloc(1, sizeof *output);
    if (output == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    output->run = *run;
    output->run.use_color = options->use_color;
    output->is_quiet = options->is_quiet;
    output->run.is_verbose = options->is_verbose;
    for (size_t i = 0; i < options->output_count; i++) {
        if (!open_destination(output, options, i, error, error_size)) {
            output_close(output);
            return NULL;
        }
    }
    return output;
}

/* A line counts as written once a sink has taken it: what is still in its buffer is its business,
 * and depends on timing, which a replay's records may not. */
static void count_records(struct output *output, struct record_counters *counters)
{
    const uint64_t lost_before = atomic_load(&output->lost_before);
    *counters = (struct record_counters){.made = output->made + lost_before, .lost = lost_before};
    for (size_t i = 0; i < output->count; i++)
        counters->lost += sink_lost(output->destinations[i].sink);
    counters->written = counters->made - counters->lost;
}

static void check_line(const struct output *output, const struct destination *destination,
                       size_t length)
{
#ifdef WHYFLOW_CHECK_LINES
    char error[256];
    if (destination->format == FORMAT_NATIVE &&
        !json_check_line(output->line, length, error, sizeof error)) {
        fprintf(stderr, "not JSON: %s: %.*s\n", error, (int)length, output->line);
        abort();
    }
#else
    (void)output, (void)destination, (void)length;
#endif
}

static void note_final(struct output *output, const struct record *record)
{
    if (record->kind != RECORD_STATISTICS || !record->as.statistics.is_final)
        return;
    output->summary.alerts = record->as.statistics.engine.flagged;
    output->summary.sums_hold = statistics_check(&record->as.statistics, output->summary.broken_sum,
                                                 sizeof output->summary.broken_sum);
}

void output_record(struct output *output, struct record *record)
{
    if (record->kind == RECORD_STATISTICS) {
        count_records(output, &record->as.statistics.records);
        output->run.nothing_stands_out = !record->as.statistics.stands_out;
    }
    note_final(output, record);
    for (size_t i = 0; i < output->count; i++) {
        struct destination *const destination = &output->destinations[i];
        size_t length;
        if (destination->has_no_reader || !wants(destination, record->kind) ||
            (output->is_quiet && is_table(destination, record->kind)))
            continue;
        destination->sequence += atomic_exchange(&destination->skipped, 0);
        output->run.sequence = destination->sequence + 1;
        const bool fits = format_record(destination->format, record, &output->run, output->line,
                                        sizeof output->line, &length);
        assert(fits);
        if (!fits || length == 0)
            continue;
        check_line(output, destination, length);
        destination->sequence++;
        output->made++;
        write_line(output, destination, length);
    }
}

void output_flush(struct output *output, int64_t now_ns)
{
    output->now_ns = now_ns;
    for (size_t i = 0; i < output->count; i++) {
        struct destination *const destination = &output->destinations[i];
        if (!destination->has_no_reader)
            destination->has_no_reader = sink_flush(destination->sink, now_ns) == SINK_CLOSED;
    }
}

void output_reopen(struct output *output)
{
    for (size_t i = 0; i < output->count; i++) {
        struct sink *const sink = output->destinations[i].sink;
        if (sink_reopen(sink, output->now_ns) == SINK_FAILED)
            message("%s", sink_error(sink));
    }
}

void output_lose(struct output *output, enum record_kind kind)
{
    for (size_t i = 0; i < output->count; i++) {
        if (!wants(&output->destinations[i], kind))
            continue;
        atomic_fetch_add(&output->destinations[i].skipped, 1);
        atomic_fetch_add(&output->lost_before, 1);
    }
}

bool output_has_no_reader(const struct output *output)
{
    for (size_t i = 0; i < output->count; i++)
        if (!output->destinations[i].has_no_reader)
            return false;
    return true;
}

void output_summarise(const struct output *output, struct output_summary *summary)
{
    *summary = output->summary;
    summary->lost = atomic_load(&output->lost_before);
    for (size_t i = 0; i < output->count; i++) {
        const struct sink *const sink = output->destinations[i].sink;
        const uint64_t lost = sink_lost(sink) + sink_buffered(sink);
        if (output->destinations[i].has_no_reader || lost == 0)
            continue;
        summary->lost += lost;
        snprintf(summary->lost_reason, sizeof summary->lost_reason, "%s", sink_error(sink));
    }
}

void output_close(struct output *output)
{
    if (output == NULL)
        return;
    for (size_t i = 0; i < output->count; i++) {
        uint64_t written = 0, lost = 0;
        sink_close(output->destinations[i].sink, output->now_ns, &written, &lost);
    }
    free(output);
}
