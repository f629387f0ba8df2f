/* SPDX-License-Identifier: Apache-2.0 */
/* The three steps of pipeline.h on three threads, and a fourth that waits for signals.
 *
 *   capture thread   reads frames, decodes them without the lock, takes them into flows under it, a
 *                    batch at a time. In a replay it stops wherever a sweep is due until that is
 *                    made; live it only asks for one.
 *   expiry thread    sweeps under the lock, in slices; scores and explains what it took outside it.
 *   emitter thread   formats and writes. In a replay its queue blocks; live a full one loses the
 *                    record, and says so.
 *   signal thread    turns signals into flags and a wake-up.
 *
 * `lock` guards the pipeline's flow table and the fields under it in struct runtime. The clock is
 * read here for the live tick alone, and for progress on a terminal. */
#include "runtime.h"

#include "base/queue.h"
#include "base/siphash.h"
#include "capture/capture.h"
#include "capture/capture_writer.h"
#include "capture/file_list.h"
#include "message.h"
#include "output.h"
#include "pipeline.h"
#include "whyflow/version.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

enum {
    SWEEP_SLICE = 4096,      /* flows ended at most while the lock is held, live */
    TAKE_MAX = 4096,         /* flows taken at a time */
    RECORD_QUEUE_MAX = 4096, /* records between expiry and emitter thread */
    WAIT_MS = 200,           /* longest wait on a silent link */
    LIVE_SLACK_MS = 500,     /* the live tick lags the clock: CAPTURE_SLACK_MS and a margin */
};

_Static_assert((int)LIVE_SLACK_MS > (int)CAPTURE_SLACK_MS, "no frame comes after its tick");

struct runtime {
    const struct options *options;
    struct file_list files;
    struct capture *capture;
    struct capture_writer *writer; /* -w; NULL: none */
    struct output *output;
    struct queue *records; /* expiry → emitter thread */
    char boot[24];
    char sensor[256];
    const char *source_names[CAPTURE_SOURCES_MAX];
    enum runtime_exit exit; /* of the capture thread */

    /* the capture thread's */
    struct pipeline_batch batch;
    uint64_t packets;
    int64_t next_count_ns; /* when capture counters are read next */
    int64_t next_progress_ns;
    int64_t frame_time_ns; /* of the last frame, for progress */

    /* signals */
    int wake_fd;
    atomic_int stop_requests;
    atomic_bool reopen_requested;
    atomic_bool run_is_over; /* the signal thread ends */

    /* under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t asked, done;
    struct pipeline *pipeline;
    uint64_t sweeps_asked, sweeps_done;
    bool input_has_ended;
    bool wants_end_of_flows; /* USR2 */
    bool expiry_is_done;

    struct flow_record flows[TAKE_MAX]; /* the expiry thread's */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static bool must_stop(struct runtime *runtime)
{
    return atomic_load(&runtime->stop_requests) > 0;
}

static void request_stop(struct runtime *runtime)
{
    atomic_fetch_add(&runtime->stop_requests, 1);
    const uint64_t one = 1;
    if (write(runtime->wake_fd, &one, sizeof one) != sizeof one)
        message("cannot wake the capture thread");
}

/* ---- emitter thread ------------------------------------------------------------------------ */

static void *emitter_main(void *argument)
{
    struct runtime *const runtime = argument;
    struct record *const record = malloc(sizeof *record);
    bool is_idle = false;
    assert(record != NULL);
    for (;;) {
        switch (queue_pop(runtime->records, record, is_idle)) {
        case QUEUE_ITEM:
            is_idle = false;
            output_record(runtime->output, record);
            if (output_has_no_reader(runtime->output) && !must_stop(runtime))
                request_stop(runtime);
            break;
        case QUEUE_NUDGED:
        case QUEUE_EMPTY:
            is_idle = true;
            output_flush(runtime->output, clock_ns(CLOCK_MONOTONIC));
            if (atomic_exchange(&runtime->reopen_requested, false))
                output_reopen(runtime->output);
            break;
        case QUEUE_ENDED:
            output_flush(runtime->output, clock_ns(CLOCK_MONOTONIC));
            free(record);
            return NULL;
        }
    }
}

/* ---- expiry thread ------------------------------------------------------------------------- */

/* The engine's records on their way to the emitter. The final statistics are never lost. */
static void on_record(void *context, const struct record *record)
{
    struct runtime *const runtime = context;
    const bool is_final = record->kind == RECORD_STATISTICS && record->as.statistics.is_final;
    if (!runtime->options->is_live || is_final)
        queue_push(runtime->records, record, record_size(record));
    else if (!queue_try_push(runtime->records, record, record_size(record)))
        output_lose(runtime->output, record->kind);
}

static void let_others_in(struct runtime *runtime)
{
    pthread_mutex_unlock(&runtime->lock);
    pthread_mutex_lock(&runtime->lock);
}

static void sweep_done(struct runtime *runtime, uint64_t asked)
{
    runtime->sweeps_done = asked;
    pthread_cond_broadcast(&runtime->done);
}

/* Under the lock, which is let go while the engine works: passes on all flows that are ready.
 * `asked`, if not NULL, is answered as soon as the first flows are taken. */
static void pass_on_flows(struct runtime *runtime, const uint64_t *asked)
{
    for (;;) {
        const size_t count = pipeline_take(runtime->pipeline, runtime->flows, TAKE_MAX);
        if (asked != NULL)
            sweep_done(runtime, *asked);
        if (count == 0)
            return;
        pthread_mutex_unlock(&runtime->lock);
        pipeline_flows(runtime->pipeline, runtime->flows, count);
        pthread_mutex_lock(&runtime->lock);
    }
}

static void sweep(struct runtime *runtime)
{
    while (!pipeline_sweep(runtime->pipeline, SWEEP_SLICE))
        let_others_in(runtime);
    if (!runtime->wants_end_of_flows)
        return;
    runtime->wants_end_of_flows = false;
    while (!pipeline_end_flows(runtime->pipeline, SWEEP_SLICE))
        let_others_in(runtime);
    pass_on_flows(runtime, NULL);
    while (!pipeline_sweep(runtime->pipeline, SWEEP_SLICE))
        let_others_in(runtime);
}

/* One sweep that was asked for, under the lock. Where statistics are due capture waits for the
 * engine too, so that in every replay they fall between the same two flows. */
static void answer_sweep(struct runtime *runtime)
{
    const uint64_t asked = runtime->sweeps_asked;
    sweep(runtime);
    if (!pipeline_statistics_are_due(runtime->pipeline)) {
        pass_on_flows(runtime, &asked);
        return;
    }
    pass_on_flows(runtime, NULL);
    struct statistics snapshot;
    pipeline_snapshot(runtime->pipeline, &snapshot);
    sweep_done(runtime, asked);
    pthread_mutex_unlock(&runtime->lock);
    pipeline_report(runtime->pipeline, &snapshot);
    pthread_mutex_lock(&runtime->lock);
}

/* The input has ended: everything still open ends too. Under the lock; leaves it. */
static void finish_pipeline(struct runtime *runtime)
{
    while (!pipeline_end_input(runtime->pipeline)) {
        sweep(runtime);
        pass_on_flows(runtime, NULL);
    }
    sweep(runtime);
    pass_on_flows(runtime, NULL);
    while (!pipeline_end_flows(runtime->pipeline, SWEEP_SLICE))
        ;
    pass_on_flows(runtime, NULL);
    struct statistics snapshot;
    pipeline_snapshot(runtime->pipeline, &snapshot);
    pthread_mutex_unlock(&runtime->lock);
    if (!pipeline_finish(runtime->pipeline, &snapshot))
        message("%s", pipeline_error(runtime->pipeline));
    queue_end(runtime->records);
}

static void *expiry_main(void *argument)
{
    struct runtime *const runtime = argument;
    pthread_mutex_lock(&runtime->lock);
    while (!runtime->input_has_ended || runtime->sweeps_asked != runtime->sweeps_done) {
        if (runtime->sweeps_asked != runtime->sweeps_done)
            answer_sweep(runtime);
        else
            pthread_cond_wait(&runtime->asked, &runtime->lock);
    }
    finish_pipeline(runtime);
    return NULL;
}

/* ---- capture thread ------------------------------------------------------------------------ */

/* Under the lock. */
static void ask_for_sweep(struct runtime *runtime, bool may_wait)
{
    const uint64_t asked = ++runtime->sweeps_asked;
    pthread_cond_signal(&runtime->asked);
    while (may_wait && runtime->sweeps_done < asked)
        pthread_cond_wait(&runtime->done, &runtime->lock);
}

/* Takes the batch into flows. Live, capture does not wait for the engine: where there is no place
 * for a flow until it has caught up, packets are refused by name. */
static void push_batch(struct runtime *runtime)
{
    const bool is_live = runtime->options->is_live;
    pthread_mutex_lock(&runtime->lock);
    while (!pipeline_packets(runtime->pipeline, &runtime->batch)) {
        if (is_live)
            pipeline_refuse(runtime->pipeline, &runtime->batch);
        if (!is_live || runtime->sweeps_asked == runtime->sweeps_done)
            ask_for_sweep(runtime, !is_live);
    }
    if (pipeline_sweep_is_due(runtime->pipeline) &&
        (!is_live || runtime->sweeps_asked == runtime->sweeps_done))
        ask_for_sweep(runtime, !is_live);
    pthread_mutex_unlock(&runtime->lock);
}

static void fail(struct runtime *runtime, enum runtime_exit exit)
{
    if (runtime->exit == RUNTIME_DONE)
        runtime->exit = exit;
}

static void write_frame(struct runtime *runtime, const struct frame *frame)
{
    struct capture_error error;
    if (runtime->writer == NULL || capture_writer_frame(runtime->writer, frame, &error))
        return;
    message("%s", error.text);
    fail(runtime, RUNTIME_FAILED);
    capture_writer_close(runtime->writer, &error);
    runtime->writer = NULL;
    request_stop(runtime);
}

static void on_frame(void *context, const struct frame *frame)
{
    struct runtime *const runtime = context;
    runtime->packets++;
    runtime->frame_time_ns = frame->time_s * SECOND_NS + frame->time_subsec_ns;
    write_frame(runtime, frame);
    pipeline_decode(&runtime->batch, frame);
    if (pipeline_batch_is_full(&runtime->batch))
        push_batch(runtime);
}

static size_t frames_wanted(const struct runtime *runtime)
{
    size_t wanted = runtime->options->batch_packets;
    const uint64_t limit = runtime->options->max_packets;
    if (wanted > PIPELINE_BATCH_MAX)
        wanted = PIPELINE_BATCH_MAX;
    if (limit > 0 && limit - runtime->packets < wanted)
        wanted = (size_t)(limit - runtime->packets);
    return wanted;
}

static bool has_all_wanted(const struct runtime *runtime)
{
    const uint64_t limit = runtime->options->max_packets;
    return limit > 0 && runtime->packets >= limit;
}

static void note_capture_counters(struct runtime *runtime)
{
    struct capture_counters counters = {0};
    capture_counters(runtime->capture, &counters);
    pthread_mutex_lock(&runtime->lock);
    pipeline_set_capture(runtime->pipeline, &counters);
    pthread_mutex_unlock(&runtime->lock);
}

/* The ring was seen empty: time may go on without packets. */
static void live_tick(struct runtime *runtime)
{
    const int64_t now_ns = clock_ns(CLOCK_REALTIME);
    if (now_ns >= runtime->next_count_ns) {
        note_capture_counters(runtime);
        runtime->next_count_ns = now_ns + SECOND_NS;
    }
    pthread_mutex_lock(&runtime->lock);
    pipeline_advance(runtime->pipeline, now_ns - LIVE_SLACK_MS * INT64_C(1000000));
    if (runtime->sweeps_asked == runtime->sweeps_done)
        ask_for_sweep(runtime, false);
    pthread_mutex_unlock(&runtime->lock);
    queue_nudge(runtime->records);
}

static void show_progress(struct runtime *runtime)
{
    if (!runtime->options->use_progress)
        return;
    const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < runtime->next_progress_ns)
        return;
    runtime->next_progress_ns = now_ns + SECOND_NS / 4;
    char time_text[32];
    const time_t seconds = (time_t)(runtime->frame_time_ns / SECOND_NS);
    struct tm utc;
    strftime(time_text, sizeof time_text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &utc));
    fprintf(stderr, "\r%" PRIu64 " packets, up to %s UTC", runtime->packets, time_text);
}

static void clear_progress(const struct runtime *runtime)
{
    if (runtime->options->use_progress)
        fputs("\r\033[K", stderr);
}

/* Reads until the input ends, enough is read, or a signal says stop. */
static void capture_loop(struct runtime *runtime)
{
    while (!must_stop(runtime) && !has_all_wanted(runtime)) {
        const enum capture_result result =
            capture_dispatch(runtime->capture, frames_wanted(runtime), on_frame, runtime);
        push_batch(runtime);
        show_progress(runtime);
        switch (result) {
        case CAPTURE_FRAMES:
            break;
        case CAPTURE_EMPTY:
            live_tick(runtime);
            capture_wait(runtime->capture, WAIT_MS);
            break;
        case CAPTURE_END:
            return;
        case CAPTURE_CUT_SHORT:
            clear_progress(runtime);
            message("%s", capture_message(runtime->capture));
            fail(runtime, RUNTIME_INPUT);
            break;
        case CAPTURE_ERROR:
            message("%s", capture_message(runtime->capture));
            fail(runtime, RUNTIME_FAILED);
            return;
        }
    }
}

static void end_capture(struct runtime *runtime)
{
    /* After -c N what is left in the ring is not wanted; after a signal it is. */
    capture_frame_fn *const take = has_all_wanted(runtime) ? NULL : on_frame;
    clear_progress(runtime);
    if (!capture_stop_and_drain(runtime->capture, take, runtime)) {
        message("%s", capture_message(runtime->capture));
        fail(runtime, RUNTIME_FAILED);
    }
    push_batch(runtime);
    note_capture_counters(runtime);
    pthread_mutex_lock(&runtime->lock);
    runtime->input_has_ended = true;
    pthread_cond_signal(&runtime->asked);
    pthread_mutex_unlock(&runtime->lock);
}

/* ---- signals ------------------------------------------------------------------------------- */

static void print_counters(struct runtime *runtime)
{
    struct statistics now;
    pthread_mutex_lock(&runtime->lock);
    pipeline_peek(runtime->pipeline, &now);
    pthread_mutex_unlock(&runtime->lock);
    uint64_t refused = 0;
    for (unsigned reason = 1; reason < PACKET_REFUSAL_COUNT; reason++)
        refused += now.packets.refused[reason];
    message("read %" PRIu64 ", in flows %" PRIu64 ", refused %" PRIu64 ", kernel dropped %" PRIu64
            "; flows opened %" PRIu64 ", open %" PRIu64 ", evicted %" PRIu64,
            now.capture.read, now.packets.in_flows, refused, now.capture.kernel_dropped,
            now.flows.opened, now.flows.open, now.flows.evicted);
}

static void take_signal(struct runtime *runtime, int number)
{
    switch (number) {
    case SIGHUP:
        atomic_store(&runtime->reopen_requested, true);
        queue_nudge(runtime->records);
        break;
    case SIGUSR1:
        print_counters(runtime);
        break;
    case SIGUSR2:
        pthread_mutex_lock(&runtime->lock);
        runtime->wants_end_of_flows = true;
        ask_for_sweep(runtime, false);
        pthread_mutex_unlock(&runtime->lock);
        break;
    default: /* INT, TERM; a second one: now */
        if (must_stop(runtime))
            _exit(RUNTIME_FAILED);
        request_stop(runtime);
    }
}

static void signal_set(sigset_t *signals)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    sigemptyset(signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(signals, numbers[i]);
}

static void *signal_main(void *argument)
{
    struct runtime *const runtime = argument;
    sigset_t signals;
    signal_set(&signals);
    while (!atomic_load(&runtime->run_is_over)) {
        int number;
        if (sigwait(&signals, &number) == 0 && !atomic_load(&runtime->run_is_over))
            take_signal(runtime, number);
    }
    return NULL;
}

/* Wakes the thread with a signal of its own. Rejected: to cancel it, which would have to spare the
 * moments when it holds the lock, and which AddressSanitizer takes for an overflow of its stack. */
static void end_signal_thread(struct runtime *runtime, pthread_t signals)
{
    atomic_store(&runtime->run_is_over, true);
    pthread_kill(signals, SIGTERM);
    pthread_join(signals, NULL);
}

/* ---- a run --------------------------------------------------------------------------------- */

static bool run_threads(struct runtime *runtime)
{
    pthread_t expiry, emitter, signals;
    if (pthread_create(&signals, NULL, signal_main, runtime) != 0 ||
        pthread_create(&expiry, NULL, expiry_main, runtime) != 0 ||
        pthread_create(&emitter, NULL, emitter_main, runtime) != 0) {
        message("cannot start a thread");
        exit(RUNTIME_FAILED);
    }
    capture_loop(runtime);
    end_capture(runtime);
    pthread_join(expiry, NULL);
    pthread_join(emitter, NULL);
    end_signal_thread(runtime, signals);
    return pipeline_error(runtime->pipeline)[0] == '\0';
}

static void on_inline_record(void *context, const struct record *record)
{
    struct runtime *const runtime = context;
    static_assert(sizeof(struct record) < 65536, "a record fits the stack");
    struct record copy;
    memcpy(&copy, record, record_size(record));
    output_record(runtime->output, &copy);
}

struct inline_run {
    struct runtime *runtime;
    struct sensor *sensor;
};

static void on_inline_frame(void *context, const struct frame *frame)
{
    const struct inline_run *const run = context;
    run->runtime->packets++;
    write_frame(run->runtime, frame);
    sensor_frame(run->sensor, frame);
}

/* The library's own way, for the tests that hold it against the threads. Replay only. */
static bool run_inline(struct runtime *runtime)
{
    char error[256] = "out of memory";
    struct sensor *const sensor =
        sensor_open(&runtime->options->settings, on_inline_record, runtime, error, sizeof error);
    if (sensor == NULL) {
        message("%s", error);
        return false;
    }
    struct inline_run run = {.runtime = runtime, .sensor = sensor};
    enum capture_result result = CAPTURE_FRAMES;
    while (result != CAPTURE_END && !must_stop(runtime) && !has_all_wanted(runtime)) {
        result = capture_dispatch(runtime->capture, frames_wanted(runtime), on_inline_frame, &run);
        if (result == CAPTURE_CUT_SHORT) {
            message("%s", capture_message(runtime->capture));
            fail(runtime, RUNTIME_INPUT);
        }
    }
    const bool is_whole = sensor_finish(sensor);
    if (!is_whole)
        message("%s", sensor_error(sensor));
    output_flush(runtime->output, 0);
    sensor_close(sensor);
    return is_whole;
}

enum runtime_exit runtime_exit_of(enum capture_error_kind kind)
{
    switch (kind) {
    case CAPTURE_ERROR_USAGE:
        return RUNTIME_USAGE;
    case CAPTURE_ERROR_INPUT:
        return RUNTIME_INPUT;
    case CAPTURE_ERROR_PERMISSION:
        return RUNTIME_PERMISSION;
    case CAPTURE_ERROR_NONE:
    case CAPTURE_ERROR_SYSTEM:
        break;
    }
    return RUNTIME_FAILED;
}

static bool open_source(struct runtime *runtime)
{
    const struct options *const options = runtime->options;
    struct capture_settings settings;
    struct capture_error error;
    capture_settings_default(&settings);
    settings.interfaces = options->interfaces;
    settings.interface_count = options->interface_count;
    settings.files = (const char *const *)runtime->files.paths;
    settings.filter = options->filter;
    settings.snaplen_bytes = options->snap_bytes;
    settings.buffer_kib = options->ring_kib;
    settings.is_promiscuous = !options->is_not_promiscuous;
    settings.wake_fd = settings.stop_fd = runtime->wake_fd;
    if (options->is_live)
        runtime->capture = capture_open_live(&settings, &error);
    else if (file_list_init(&runtime->files, options->files, options->file_count, &error)) {
        settings.file_count = runtime->files.count;
        runtime->capture = capture_open_files(&settings, &error);
    }
    if (runtime->capture != NULL && options->write_file != NULL)
        runtime->writer =
            capture_writer_open(options->write_file, capture_source_link_type(runtime->capture, 0),
                                options->snap_bytes, &error);
    if (runtime->capture != NULL && (options->write_file == NULL || runtime->writer != NULL))
        return true;
    message("%s", error.text);
    fail(runtime, runtime_exit_of(error.kind));
    return false;
}

/* The id of this run: in a replay a hash of settings and input, so that the same command gives the
 * same bytes; live a random number. */
static void name_run(struct runtime *runtime)
{
    const struct options *const options = runtime->options;
    static const uint64_t public_key[2] = {UINT64_C(0x626f6f74), UINT64_C(0x6964)};
    const struct settings *const settings = &options->settings;
    const int64_t emission[] = {settings->stats_interval_ns, settings->emit_flows,
                                settings->emit_alerts};
    uint64_t id = settings_hash(settings) ^ siphash13(public_key, emission, sizeof emission);
    if (options->is_live) {
        if (getrandom(&id, sizeof id, 0) != sizeof id)
            id ^= (uint64_t)clock_ns(CLOCK_REALTIME);
    } else {
        for (size_t i = 0; i < runtime->files.count; i++) {
            const char *const path = runtime->files.paths[i];
            const char *const slash = strrchr(path, '/');
            const char *const name = slash != NULL ? slash + 1 : path;
            struct stat status = {0};
            const bool is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
            id ^= siphash13(public_key, name, strlen(name));
            id += is_file ? (uint64_t)status.st_size : 0;
            id = siphash13(public_key, &id, sizeof id);
        }
    }
    snprintf(runtime->boot, sizeof runtime->boot, "%016" PRIx64, id);
    if (options->sensor != NULL)
        snprintf(runtime->sensor, sizeof runtime->sensor, "%s", options->sensor);
    else if (!options->is_live || gethostname(runtime->sensor, sizeof runtime->sensor - 1) != 0)
        snprintf(runtime->sensor, sizeof runtime->sensor, "replay");
}

static bool open_output(struct runtime *runtime)
{
    char error[512];
    name_run(runtime);
    const size_t source_count = capture_source_count(runtime->capture);
    for (size_t i = 0; i < source_count; i++)
        runtime->source_names[i] = capture_source_name(runtime->capture, i);
    const struct format_context run = {
        .sensor = runtime->sensor,
        .boot = runtime->boot,
        .version = WHYFLOW_VERSION,
        .source_names = runtime->source_names,
        .source_count = source_count,
        .settings = &runtime->options->settings,
        .is_live = runtime->options->is_live,
    };
    runtime->output = output_open(runtime->options, &run, error, sizeof error);
    if (runtime->output != NULL)
        return true;
    message("%s", error);
    fail(runtime, RUNTIME_FAILED);
    return false;
}

static bool open_pipeline(struct runtime *runtime)
{
    char error[256];
    runtime->pipeline =
        pipeline_open(&runtime->options->settings, on_record, runtime, error, sizeof error);
    runtime->records = queue_open(RECORD_QUEUE_MAX, sizeof(struct record));
    if (runtime->pipeline != NULL && runtime->records != NULL) {
        if (!runtime->options->is_quiet &&
            (runtime->options->is_live || runtime->options->is_verbose))
            message("tables take at most %" PRIu64 " MiB",
                    pipeline_memory_bytes(runtime->pipeline) >> 20);
        return true;
    }
    message("%s", runtime->pipeline == NULL ? error : "out of memory");
    fail(runtime, RUNTIME_FAILED);
    return false;
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

/* What the exit code says, beyond errors met on the way. */
static enum runtime_exit judge_run(struct runtime *runtime, bool is_whole)
{
    struct output_summary summary;
    struct capture_error error;
    output_summarise(runtime->output, &summary);
    if (!capture_writer_close(runtime->writer, &error)) {
        message("%s", error.text);
        fail(runtime, RUNTIME_FAILED);
    }
    if (!is_whole)
        fail(runtime, RUNTIME_FAILED);
    if (is_whole && !summary.sums_hold && !output_has_no_reader(runtime->output)) {
        message("a sum that must hold does not: %s. Please report this", summary.broken_sum);
        fail(runtime, RUNTIME_FAILED);
    }
    if (summary.lost > 0) {
        message("%" PRIu64 " records were lost%s%s", summary.lost,
                summary.lost_reason[0] != '\0' ? ": " : "", summary.lost_reason);
        fail(runtime, RUNTIME_LOST);
    }
    if (runtime->options->fail_on_alert && summary.alerts > 0)
        fail(runtime, RUNTIME_ALERTS);
    return runtime->exit;
}

static void run(struct runtime *runtime)
{
    if (!open_source(runtime) || !open_output(runtime))
        return;
    if (runtime->options->is_inline) {
        const bool is_whole = run_inline(runtime);
        judge_run(runtime, is_whole);
    } else if (open_pipeline(runtime)) {
        const bool is_whole = run_threads(runtime);
        judge_run(runtime, is_whole);
    }
}

enum runtime_exit runtime_run(const struct options *options)
{
    struct runtime *const runtime = calloc(1, sizeof *runtime);
    if (runtime == NULL) {
        message("out of memory");
        return RUNTIME_FAILED;
    }
    sigset_t signals;
    signal_set(&signals);
    if (!options->is_inline)
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    runtime->options = options;
    runtime->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->asked, NULL);
    pthread_cond_init(&runtime->done, NULL);
    if (options->pidfile != NULL && !write_pidfile(options->pidfile))
        fail(runtime, RUNTIME_FAILED);
    else
        run(runtime);
    if (options->pidfile != NULL)
        unlink(options->pidfile);
    const enum runtime_exit exit = runtime->exit;
    pipeline_close(runtime->pipeline);
    queue_close(runtime->records);
    output_close(runtime->output);
    capture_close(runtime->capture);
    file_list_deinit(&runtime->files);
    pthread_mutex_destroy(&runtime->lock);
    pthread_cond_destroy(&runtime->asked);
    pthread_cond_destroy(&runtime->done);
    close(runtime->wake_fd);
    free(runtime);
    return exit;
}
