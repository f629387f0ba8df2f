/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "base/siphash.h"
#include "message.h"
#include "pipeline.h"
#include "whyflow/version.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void run_fail(struct run *run, enum run_exit exit)
{
    if (run->exit == RUN_DONE)
        run->exit = exit;
}

enum run_exit run_exit_of(enum capture_error_kind kind)
{
    switch (kind) {
    case CAPTURE_ERROR_USAGE:
        return RUN_USAGE;
    case CAPTURE_ERROR_INPUT:
        return RUN_INPUT;
    case CAPTURE_ERROR_PERMISSION:
        return RUN_PERMISSION;
    case CAPTURE_ERROR_NONE:
    case CAPTURE_ERROR_SYSTEM:
        break;
    }
    return RUN_FAILED;
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool open_capture(struct run *run, struct capture_error *error)
{
    const struct options *const options = run->options;
    struct capture_settings *const settings = &run->capture_settings;
    capture_settings_default(settings);
    settings->filter = options->filter;
    settings->snaplen_bytes = options->snap_bytes;
    settings->buffer_kib = options->ring_kib;
    settings->is_promiscuous = !options->is_not_promiscuous;
    settings->wake_fd = settings->stop_fd = run->wake_fd;
    if (options->is_live) {
        settings->interfaces = options->interfaces;
        settings->interface_count = options->interface_count;
        run->capture = capture_open_live(settings, error);
    } else if (file_list_init(&run->files, options->files, options->file_count, error)) {
        settings->files = (const char *const *)run->files.paths;
        settings->file_count = run->files.count;
        run->capture = capture_open_files(settings, error);
    }
    return run->capture != NULL;
}

static bool open_flagged(struct run *run, struct capture_error *error)
{
    if (run->options->flagged_file == NULL)
        return true;
    run->flagged = flagged_capture_open(run->options, &run->capture_settings, run->capture, error);
    return run->flagged != NULL;
}

static void interrupt_set(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
}

void run_block_interrupts(void)
{
    sigset_t signals;
    interrupt_set(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* The one that came is ignored first, or it would end the program here. */
void run_release_interrupts(void)
{
    sigset_t signals;
    const struct timespec now = {0};
    interrupt_set(&signals);
    (void)sigtimedwait(&signals, NULL, &now);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

static bool open_flows(struct run *run)
{
    const struct options *const options = run->options;
    char error[FLOW_READER_ERROR_SIZE];
    bool is_system = true;
    sigset_t signals;
    interrupt_set(&signals);
    run->interrupt_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->interrupt_fd < 0)
        message("no signal descriptor to be had: %m");
    else
        run->flows = flow_reader_open(options->flow_files, options->flow_file_count,
                                      run->interrupt_fd, error, &is_system);
    if (run->flows != NULL)
        return true;
    if (run->interrupt_fd >= 0)
        message("%s", error);
    run_fail(run, is_system ? RUN_FAILED : RUN_INPUT);
    return false;
}

static bool open_source(struct run *run)
{
    const struct options *const options = run->options;
    if (options->flow_file_count > 0)
        return open_flows(run);
    struct capture_error error;
    bool is_open = open_capture(run, &error) && open_flagged(run, &error);
    if (is_open && options->write_file != NULL) {
        run->writer =
            capture_writer_open(options->write_file, capture_source_link_type(run->capture, 0),
                                options->snap_bytes, &error);
        is_open = run->writer != NULL;
    }
    if (is_open)
        return true;
    message("%s", error.text);
    run_fail(run, run_exit_of(error.kind));
    return false;
}

static uint64_t hash_of(const void *data, size_t size)
{
    static const uint64_t public_key[2] = {UINT64_C(0x626f6f74), UINT64_C(0x6964)};
    return siphash13(public_key, data, size);
}

static uint64_t mix_file(uint64_t id, const char *path)
{
    const char *const slash = strrchr(path, '/');
    const char *const name = slash != NULL ? slash + 1 : path;
    struct stat status = {0};
    const bool is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    id ^= hash_of(name, strlen(name));
    id += is_file ? (uint64_t)status.st_size : 0;
    return hash_of(&id, sizeof id);
}

/* A hash of settings and input: the same command gives the same bytes. */
static uint64_t replay_id(const struct run *run)
{
    const struct settings *const settings = &run->options->settings;
    const int64_t emission[] = {settings->stats_interval_ns, settings->emit_flows,
                                settings->emit_alerts};
    uint64_t id = settings_hash(settings) ^ hash_of(emission, sizeof emission);
    for (size_t i = 0; i < run->files.count; i++)
        id = mix_file(id, run->files.paths[i]);
    for (size_t i = 0; i < run->options->flow_file_count; i++)
        id = mix_file(id, run->options->flow_files[i]);
    if (run->options->baseline != NULL)
        id = mix_file(id, run->options->baseline);
    return id;
}

/* The run's id, live a random one, and the sensor's name. */
static bool name_run(struct run *run)
{
    const struct options *const options = run->options;
    uint64_t id = 0;
    if (!options->is_live) {
        id = replay_id(run);
    } else if (getrandom(&id, sizeof id, 0) != sizeof id) {
        message("no random numbers to be had: %m");
        return false;
    }
    snprintf(run->boot, sizeof run->boot, "%016" PRIx64, id);
    if (options->sensor != NULL)
        snprintf(run->sensor, sizeof run->sensor, "%s", options->sensor);
    else if (!options->is_live || gethostname(run->sensor, sizeof run->sensor - 1) != 0)
        snprintf(run->sensor, sizeof run->sensor, "replay");
    return true;
}

/* The names of the sources, which flow records go by. */
static void name_sources(struct run *run, struct format_context *context)
{
    if (run->flows != NULL) {
        context->source_names = flow_reader_source_names(run->flows);
        context->source_is_interface = flow_reader_source_is_interface(run->flows);
        context->source_count = FLOW_READER_SOURCES_MAX;
        return;
    }
    context->source_count = capture_source_count(run->capture);
    context->source_names = run->source_names;
    for (size_t i = 0; i < context->source_count; i++)
        run->source_names[i] = capture_source_name(run->capture, i);
}

static bool open_output(struct run *run)
{
    char error[512];
    struct format_context context = {
        .sensor = run->sensor,
        .boot = run->boot,
        .version = WHYFLOW_VERSION,
        .settings = &run->options->settings,
        .is_live = run->options->is_live,
    };
    name_sources(run, &context);
    run->output = output_open(run->options, &context, error, sizeof error);
    if (run->output == NULL)
        message("%s", error);
    return run->output != NULL;
}

static bool write_pidfile(const char *path)
{
    FILE *const file = fopen(path, "w");
    const bool is_written = file != NULL && fprintf(file, "%ld\n", (long)getpid()) > 0;
    const bool is_closed = file != NULL && fclose(file) == 0;
    if (!is_written || !is_closed)
        message("cannot write --pidfile %s: %m", path);
    return is_written && is_closed;
}

bool run_open(struct run *run, const struct options *options)
{
    *run = (struct run){.options = options, .interrupt_fd = -1};
    run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (run->wake_fd < 0)
        message("no event descriptor to be had: %m");
    const bool is_open = run->wake_fd >= 0 &&
                         (options->pidfile == NULL || write_pidfile(options->pidfile)) &&
                         open_source(run) && name_run(run) && open_output(run);
    if (!is_open)
        run_fail(run, RUN_FAILED);
    return is_open;
}

void run_close(struct run *run)
{
    struct capture_error error;
    capture_writer_close(run->writer, &error);
    flagged_capture_close(run->flagged);
    output_close(run->output);
    capture_close(run->capture);
    flow_reader_close(run->flows);
    file_list_deinit(&run->files);
    if (run->options->pidfile != NULL)
        unlink(run->options->pidfile);
    if (run->wake_fd >= 0)
        close(run->wake_fd);
    if (run->interrupt_fd >= 0)
        close(run->interrupt_fd);
}

/* ---- reading ------------------------------------------------------------------------------- */

void run_request_stop(struct run *run)
{
    atomic_fetch_add(&run->stop_requests, 1);
    const uint64_t one = 1;
    if (write(run->wake_fd, &one, sizeof one) != sizeof one)
        message("cannot wake the capture thread");
}

bool run_must_stop(const struct run *run)
{
    return atomic_load(&run->stop_requests) > 0;
}

size_t run_frames_wanted(const struct run *run)
{
    size_t wanted = run->options->batch_packets;
    const uint64_t limit = run->options->max_packets;
    if (wanted > PIPELINE_BATCH_MAX)
        wanted = PIPELINE_BATCH_MAX;
    if (limit == 0)
        return wanted;
    const uint64_t left = limit > run->packets ? limit - run->packets : 0;
    return left < wanted ? (size_t)left : wanted;
}

void run_note_frames(struct run *run, const struct frame *frames, size_t count)
{
    struct capture_error error;
    size_t written = 0;
    run->packets += count;
    if (run->writer == NULL)
        return;
    while (written < count && capture_writer_frame(run->writer, &frames[written], &error))
        written++;
    if (written == count)
        return;
    message("%s", error.text);
    run_fail(run, RUN_FAILED);
    capture_writer_close(run->writer, &error);
    run->writer = NULL;
    run_request_stop(run);
}

void run_note_record(struct run *run, const struct record *record)
{
    if (run->flagged != NULL && record->kind == RECORD_FLOW &&
        record->as.flow.part.verdict.is_flagged)
        flagged_capture_note(run->flagged, &record->as.flow.part.flow);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void judge_writer(struct run *run)
{
    struct capture_error error;
    if (!capture_writer_close(run->writer, &error)) {
        message("%s", error.text);
        run_fail(run, RUN_FAILED);
    }
    run->writer = NULL;
}

/* The second reading takes its time, and there is nothing left to drain: INT and TERM end it. */
static void write_flagged(struct run *run)
{
    struct capture_error error;
    if (run->flagged == NULL)
        return;
    run_release_interrupts();
    if (run->options->use_progress)
        fprintf(stderr, "reading the input again for %s", run->options->flagged_file);
    const bool is_written = flagged_capture_write(run->flagged, run->packets, &error);
    if (run->options->use_progress)
        fputs("\r\033[K", stderr);
    if (!is_written) {
        message("%s", error.text);
        run_fail(run, run_exit_of(error.kind));
    }
    if (flagged_capture_beyond(run->flagged) > 0)
        message("%" PRIu64 " flagged flows beyond --max-flagged are not in %s",
                flagged_capture_beyond(run->flagged), run->options->flagged_file);
}

void run_judge(struct run *run, bool is_whole)
{
    struct output_summary summary;
    output_summarise(run->output, &summary);
    judge_writer(run);
    if (!is_whole)
        run_fail(run, RUN_FAILED);
    else
        write_flagged(run);
    if (is_whole && !summary.sums_hold && !output_has_no_reader(run->output)) {
        message("a sum that must hold does not: %s. Please report this", summary.broken_sum);
        run_fail(run, RUN_FAILED);
    }
    if (summary.lost > 0) {
        message("%" PRIu64 " records were lost%s%s", summary.lost,
                summary.lost_reason[0] != '\0' ? ": " : "", summary.lost_reason);
        run_fail(run, RUN_LOST);
    }
    if (run->options->fail_on_alert && summary.alerts > 0)
        run_fail(run, RUN_ALERTS);
}
