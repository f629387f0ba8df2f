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
 * read here for the live tick, for how long capture did not read, and for progress on a
 * terminal. */
#include "runtime.h"

#include "base/queue.h"
#include "message.h"
#include "pipeline.h"
#include "run_baseline.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

/* Live, the baseline is saved every hour of trace time: so much is lost if the machine stops. */
#define SAVE_INTERVAL_NS (3600 * SECOND_NS)

enum {
    RECORD_QUEUE_MAX = 4096, /* records between expiry and emitter thread */
    WAIT_MS = 200,           /* longest wait on a silent link */
    LIVE_SLACK_MS = 500,     /* the live tick lags the clock: CAPTURE_SLACK_MS and a margin */
};

_Static_assert((int)LIVE_SLACK_MS > (int)CAPTURE_SLACK_MS, "no frame comes after its tick");

struct runtime {
    struct run *run;
    struct queue *records; /* expiry → emitter thread */

    /* the capture thread's */
    struct pipeline_batch batch;
    int64_t next_count_ns; /* when capture counters are read next */
    int64_t next_progress_ns;
    int64_t frame_time_ns;    /* of the last frame, for progress */
    int64_t longest_stall_ns; /* live: waiting for the lock, and a batch's way into flows */

    /* signals */
    unsigned interrupts; /* the signal thread's */
    atomic_bool reopen_requested;
    atomic_bool is_over; /* the signal thread ends */

    /* under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t asked, done;
    struct pipeline *pipeline;
    uint64_t sweeps_asked, sweeps_done;
    bool input_has_ended;
    bool wants_end_of_flows; /* USR2 */

    struct flow_record flows[PIPELINE_TAKE_MAX]; /* the expiry thread's, as the next */
    int64_t next_save_ns;                        /* trace time; 0: not known yet */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
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
            if (atomic_exchange(&runtime->reopen_requested, false))
                output_reopen(runtime->run->output);
            run_note_record(runtime->run, record);
            output_record(runtime->run->output, record);
            if (output_has_no_reader(runtime->run->output) && !run_must_stop(runtime->run))
                run_request_stop(runtime->run);
            break;
        case QUEUE_NUDGED:
        case QUEUE_EMPTY:
            is_idle = true;
            output_flush(runtime->run->output, clock_ns(CLOCK_MONOTONIC));
            if (atomic_exchange(&runtime->reopen_requested, false))
                output_reopen(runtime->run->output);
            break;
        case QUEUE_ENDED:
            output_flush(runtime->run->output, clock_ns(CLOCK_MONOTONIC));
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
    if (!runtime->run->options->is_live || is_final)
        queue_push(runtime->records, record, record_size(record));
    else if (!queue_try_push(runtime->records, record, record_size(record)))
        output_lose(runtime->run->output, record->kind);
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
        const size_t count = pipeline_take(runtime->pipeline, runtime->flows, PIPELINE_TAKE_MAX);
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
    while (!pipeline_sweep(runtime->pipeline, PIPELINE_SWEEP_SLICE))
        let_others_in(runtime);
    if (!runtime->wants_end_of_flows)
        return;
    runtime->wants_end_of_flows = false;
    while (!pipeline_end_flows(runtime->pipeline, PIPELINE_SWEEP_SLICE))
        let_others_in(runtime);
    pass_on_flows(runtime, NULL);
    while (!pipeline_sweep(runtime->pipeline, PIPELINE_SWEEP_SLICE))
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
    while (!pipeline_end_flows(runtime->pipeline, PIPELINE_SWEEP_SLICE))
        ;
    pass_on_flows(runtime, NULL);
    struct statistics snapshot;
    pipeline_snapshot(runtime->pipeline, &snapshot);
    pthread_mutex_unlock(&runtime->lock);
    if (!pipeline_finish(runtime->pipeline, &snapshot))
        message("%s", pipeline_error(runtime->pipeline));
    queue_end(runtime->records);
}

/* ---- the saved baseline ------------------------------------------------------------------- */

static bool load_baseline(void *context, const struct snapshot *snapshot,
                          struct snapshot_summary *summary, char *error, size_t error_size)
{
    return pipeline_load(context, snapshot, summary, error, error_size);
}

static bool save_baseline(void *context, struct snapshot *snapshot,
                          struct snapshot_summary *summary)
{
    return pipeline_save(context, snapshot, summary);
}

static struct run_baseline_port baseline_port(const struct runtime *runtime)
{
    return (struct run_baseline_port){
        .context = runtime->pipeline, .load = load_baseline, .save = save_baseline};
}

/* The expiry thread's, under the lock, which is let go while it writes. A save that fails is said
 * and tried again an hour later; capture goes on meanwhile. */
static void save_if_due(struct runtime *runtime)
{
    struct statistics now;
    if (!runtime->run->options->is_live || runtime->run->options->save_baseline == NULL)
        return;
    pipeline_peek(runtime->pipeline, &now);
    const int64_t left_ns = runtime->next_save_ns - now.now_ns;
    if (!now.has_time || (runtime->next_save_ns != 0 && left_ns > 0 && left_ns <= SAVE_INTERVAL_NS))
        return;
    const bool is_due = runtime->next_save_ns != 0 && left_ns <= 0;
    runtime->next_save_ns = now.now_ns + SAVE_INTERVAL_NS;
    if (!is_due)
        return; /* the first time seen, or the clock was set back */
    const struct run_baseline_port port = baseline_port(runtime);
    pthread_mutex_unlock(&runtime->lock);
    run_baseline_save(runtime->run, &port);
    pthread_mutex_lock(&runtime->lock);
}

/* ---- the expiry thread's loop -------------------------------------------------------------- */

static void *expiry_main(void *argument)
{
    struct runtime *const runtime = argument;
    pthread_mutex_lock(&runtime->lock);
    while (!runtime->input_has_ended || runtime->sweeps_asked != runtime->sweeps_done) {
        if (runtime->sweeps_asked != runtime->sweeps_done) {
            answer_sweep(runtime);
            save_if_due(runtime);
        } else {
            pthread_cond_wait(&runtime->asked, &runtime->lock);
        }
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

/* Meanwhile nothing is read from the ring. */
static void note_stall(struct runtime *runtime, int64_t began_ns)
{
    const int64_t stall_ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
    if (stall_ns > runtime->longest_stall_ns)
        runtime->longest_stall_ns = stall_ns;
}

/* Takes the batch into flows. Live, capture does not wait for the engine: where there is no place
 * for a flow until it has caught up, packets are refused by name. */
static void push_batch(struct runtime *runtime)
{
    const bool is_live = runtime->run->options->is_live;
    const int64_t began_ns = is_live ? clock_ns(CLOCK_MONOTONIC) : 0;
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
    if (is_live)
        note_stall(runtime, began_ns);
}

static void on_frames(void *context, const struct frame *frames, size_t count)
{
    struct runtime *const runtime = context;
    const struct frame *const last = &frames[count - 1];
    run_note_frames(runtime->run, frames, count);
    runtime->frame_time_ns = last->time_s * SECOND_NS + last->time_subsec_ns;
    while (count > 0) {
        const size_t decoded = pipeline_decode(&runtime->batch, frames, count);
        if (pipeline_batch_is_full(&runtime->batch))
            push_batch(runtime);
        frames += decoded;
        count -= decoded;
    }
}

static void note_capture_counters(struct runtime *runtime)
{
    struct capture_counters counters = {0};
    capture_counters(runtime->run->capture, &counters);
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
    if (!runtime->run->options->use_progress)
        return;
    const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < runtime->next_progress_ns)
        return;
    runtime->next_progress_ns = now_ns + SECOND_NS / 4;
    char time_text[32];
    const time_t seconds = (time_t)(runtime->frame_time_ns / SECOND_NS);
    struct tm utc;
    strftime(time_text, sizeof time_text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &utc));
    fprintf(stderr, "\r%" PRIu64 " packets, up to %s UTC", runtime->run->packets, time_text);
}

static void clear_progress(const struct runtime *runtime)
{
    if (runtime->run->options->use_progress)
        fputs("\r\033[K", stderr);
}

/* Reads until the input ends, enough is read, or a signal says stop. */
static void capture_loop(struct runtime *runtime)
{
    while (!run_must_stop(runtime->run) && run_frames_wanted(runtime->run) > 0) {
        const enum capture_result result = capture_dispatch(
            runtime->run->capture, run_frames_wanted(runtime->run), on_frames, runtime);
        push_batch(runtime);
        show_progress(runtime);
        switch (result) {
        case CAPTURE_FRAMES:
            break;
        case CAPTURE_EMPTY:
            live_tick(runtime);
            capture_wait(runtime->run->capture, WAIT_MS);
            break;
        case CAPTURE_END:
            return;
        case CAPTURE_CUT_SHORT:
            clear_progress(runtime);
            message("%s", capture_message(runtime->run->capture));
            run_fail(runtime->run, RUN_INPUT);
            break;
        case CAPTURE_ERROR:
            message("%s", capture_message(runtime->run->capture));
            run_fail(runtime->run, RUN_FAILED);
            return;
        }
    }
}

static void end_capture(struct runtime *runtime)
{
    /* After -c N what is left in the ring is not wanted; after a signal it is. */
    capture_frames_fn *const take = run_frames_wanted(runtime->run) == 0 ? NULL : on_frames;
    clear_progress(runtime);
    if (!capture_stop_and_drain(runtime->run->capture, take, runtime)) {
        message("%s", capture_message(runtime->run->capture));
        run_fail(runtime->run, RUN_FAILED);
    }
    push_batch(runtime);
    note_capture_counters(runtime);
    if (runtime->run->options->is_live && runtime->run->options->is_verbose)
        message("longest time that capture did not read: %" PRId64 " us",
                runtime->longest_stall_ns / 1000);
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
        if (runtime->run->flagged != NULL) {
            message("flows are not ended early with --flagged-pcap: its second reading could not "
                    "know when");
            break;
        }
        pthread_mutex_lock(&runtime->lock);
        runtime->wants_end_of_flows = true;
        ask_for_sweep(runtime, false);
        pthread_mutex_unlock(&runtime->lock);
        break;
    default: /* INT, TERM; a second one: now */
        if (runtime->interrupts++ > 0)
            _exit(RUN_FAILED);
        run_request_stop(runtime->run);
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
    while (!atomic_load(&runtime->is_over)) {
        int number;
        if (sigwait(&signals, &number) == 0 && !atomic_load(&runtime->is_over))
            take_signal(runtime, number);
    }
    return NULL;
}

/* Wakes the thread with a signal of its own. Rejected: to cancel it, which would have to spare the
 * moments when it holds the lock, and which AddressSanitizer takes for an overflow of its stack. */
static void end_signal_thread(struct runtime *runtime, pthread_t signals)
{
    atomic_store(&runtime->is_over, true);
    pthread_kill(signals, SIGTERM);
    pthread_join(signals, NULL);
}

/* ---- a run --------------------------------------------------------------------------------- */

void runtime_block_signals(void)
{
    sigset_t signals;
    signal_set(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static bool run_threads(struct runtime *runtime)
{
    pthread_t expiry, emitter, signals;
    if (pthread_create(&signals, NULL, signal_main, runtime) != 0 ||
        pthread_create(&expiry, NULL, expiry_main, runtime) != 0 ||
        pthread_create(&emitter, NULL, emitter_main, runtime) != 0) {
        message("cannot start a thread");
        exit(RUN_FAILED);
    }
    capture_loop(runtime);
    end_capture(runtime);
    pthread_join(expiry, NULL);
    pthread_join(emitter, NULL);
    const struct run_baseline_port port = baseline_port(runtime);
    const bool is_whole = pipeline_error(runtime->pipeline)[0] == '\0';
    const bool is_saved = is_whole && run_baseline_save(runtime->run, &port);
    end_signal_thread(runtime, signals);
    return is_saved;
}

static bool open_pipeline(struct runtime *runtime)
{
    char error[256];
    runtime->pipeline =
        pipeline_open(&runtime->run->options->settings, on_record, runtime, error, sizeof error);
    runtime->records = queue_open(RECORD_QUEUE_MAX, sizeof(struct record));
    if (runtime->pipeline != NULL && runtime->records != NULL) {
        if (!runtime->run->options->is_quiet &&
            (runtime->run->options->is_live || runtime->run->options->is_verbose))
            message("tables take at most %" PRIu64 " MiB",
                    pipeline_memory_bytes(runtime->pipeline) >> 20);
        return true;
    }
    message("%s", runtime->pipeline == NULL ? error : "out of memory");
    return false;
}

bool runtime_run(struct run *run)
{
    struct runtime *const runtime = calloc(1, sizeof *runtime);
    if (runtime == NULL) {
        message("out of memory");
        return false;
    }
    runtime->run = run;
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->asked, NULL);
    pthread_cond_init(&runtime->done, NULL);
    const bool is_open = open_pipeline(runtime);
    const struct run_baseline_port port = baseline_port(runtime);
    const bool is_whole = is_open && run_baseline_start(run, &port) && run_threads(runtime);
    pipeline_close(runtime->pipeline);
    queue_close(runtime->records);
    pthread_mutex_destroy(&runtime->lock);
    pthread_cond_destroy(&runtime->asked);
    pthread_cond_destroy(&runtime->done);
    free(runtime);
    return is_whole;
}
