/* SPDX-License-Identifier: Apache-2.0 */
/* What a capture costs in each room, and how long a lock is held. Called by scripts/bench:
 *
 *     rooms -r FILE [whyflow's options]
 *
 * The steps of pipeline.h as src/runtime.c makes them, but on one thread, so that its processor
 * time can be told apart. Three passes over the file, each with one room more: reading alone;
 * reading and decoding; all of it. What the third adds is timed call by call, a batch of packets, a
 * slice of a sweep or some flows each; explaining is timed within the engine (the linker wraps it,
 * see Makefile), and formatting and writing where the engine hands records on.
 *
 * Prints a line a room: name, ns a packet, ns a flow. Then the longest that the lock would have
 * been held by each kind of call, in us of processor time (which another process does not
 * lengthen): the capture thread never waits longer, live, than for one of these. */
#include "explain/explain.h"
#include "pipeline.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum room { ROOM_READ, ROOM_DECODE, ROOM_TABLE, ROOM_EXPIRY, ROOM_ENGINE, ROOM_EXPLAIN, ROOM_EMIT };
enum { ROOM_COUNT = ROOM_EMIT + 1 };

static const char *const room_names[ROOM_COUNT] = {"read",   "decode",  "table", "expiry",
                                                   "engine", "explain", "emit"};

enum hold { HOLD_BATCH, HOLD_SWEEP, HOLD_TAKE, HOLD_COUNT };

static const char *const hold_names[HOLD_COUNT] = {"batch", "sweep", "take"};

struct bench {
    struct run run;
    struct pipeline *pipeline;
    struct pipeline_batch batch;
    struct flow_record flows[PIPELINE_TAKE_MAX];
    uint64_t packets, flow_count, checksum;
    uint64_t room_ns[ROOM_COUNT];
    uint64_t hold_max_ns[HOLD_COUNT];
    struct record record;
};

static uint64_t explain_ns; /* the linker's wrapping leaves no other place */

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void __real_explain_alert(const struct record_flow_part *part, const struct explain_basis *basis,
                          struct explanation *explanation);
void __wrap_explain_alert(const struct record_flow_part *part, const struct explain_basis *basis,
                          struct explanation *explanation);

void __wrap_explain_alert(const struct record_flow_part *part, const struct explain_basis *basis,
                          struct explanation *explanation)
{
    const uint64_t began_ns = processor_ns();
    __real_explain_alert(part, basis, explanation);
    explain_ns += processor_ns() - began_ns;
}

/* ---- reading and decoding ------------------------------------------------------------------ */

static void count_frames(void *context, const struct frame *frames, size_t count)
{
    struct bench *const bench = context;
    bench->packets += count;
    bench->checksum += frames[0].wire_bytes;
}

static void empty_batch(struct bench *bench)
{
    bench->batch.count = bench->batch.taken = bench->batch.refused = 0;
}

static void decode_frames(void *context, const struct frame *frames, size_t count)
{
    struct bench *const bench = context;
    while (count > 0) {
        const size_t decoded = pipeline_decode(&bench->batch, frames, count);
        bench->checksum += bench->batch.packets[0].ip_bytes;
        if (pipeline_batch_is_full(&bench->batch))
            empty_batch(bench);
        frames += decoded;
        count -= decoded;
    }
}

static void read_all(struct bench *bench, capture_frames_fn *on_frames)
{
    enum capture_result result = CAPTURE_FRAMES;
    while (result == CAPTURE_FRAMES)
        result = capture_dispatch(bench->run.capture, SIZE_MAX, on_frames, bench);
}

/* One pass; the file is open anew for each. Its processor time. */
static bool pass(struct bench *bench, const struct options *options, capture_frames_fn *on_frames,
                 uint64_t *ns)
{
    if (!run_open(&bench->run, options))
        return false;
    const uint64_t began_ns = processor_ns();
    read_all(bench, on_frames);
    *ns = processor_ns() - began_ns;
    empty_batch(bench);
    run_close(&bench->run);
    return true;
}

/* ---- everything ---------------------------------------------------------------------------- */

static void note(struct bench *bench, enum room room, enum hold hold, uint64_t began_ns)
{
    const uint64_t ns = processor_ns() - began_ns;
    bench->room_ns[room] += ns;
    if (ns > bench->hold_max_ns[hold])
        bench->hold_max_ns[hold] = ns;
}

static void on_record(void *context, const struct record *record)
{
    struct bench *const bench = context;
    const uint64_t began_ns = processor_ns();
    memcpy(&bench->record, record, record_size(record));
    output_record(bench->run.output, &bench->record);
    const uint64_t ns = processor_ns() - began_ns;
    bench->room_ns[ROOM_EMIT] += ns;
    bench->room_ns[ROOM_ENGINE] -= ns; /* which it is within */
}

static bool sweep_slice(struct bench *bench)
{
    const uint64_t began_ns = processor_ns();
    const bool is_done = pipeline_sweep(bench->pipeline, PIPELINE_SWEEP_SLICE);
    note(bench, ROOM_EXPIRY, HOLD_SWEEP, began_ns);
    return is_done;
}

static bool end_slice(struct bench *bench)
{
    const uint64_t began_ns = processor_ns();
    const bool is_done = pipeline_end_flows(bench->pipeline, PIPELINE_SWEEP_SLICE);
    note(bench, ROOM_EXPIRY, HOLD_SWEEP, began_ns);
    return is_done;
}

static size_t take(struct bench *bench)
{
    const uint64_t began_ns = processor_ns();
    const size_t count = pipeline_take(bench->pipeline, bench->flows, PIPELINE_TAKE_MAX);
    note(bench, ROOM_EXPIRY, HOLD_TAKE, began_ns);
    bench->flow_count += count;
    return count;
}

static void pass_on_flows(struct bench *bench)
{
    size_t count;
    while ((count = take(bench)) > 0) {
        const uint64_t began_ns = processor_ns();
        pipeline_flows(bench->pipeline, bench->flows, count);
        bench->room_ns[ROOM_ENGINE] += processor_ns() - began_ns;
    }
}

static void report_if_due(struct bench *bench)
{
    struct statistics snapshot;
    if (!pipeline_statistics_are_due(bench->pipeline))
        return;
    pipeline_snapshot(bench->pipeline, &snapshot);
    pipeline_report(bench->pipeline, &snapshot);
}

static bool take_batch(struct bench *bench)
{
    const uint64_t began_ns = processor_ns();
    const bool is_taken = pipeline_packets(bench->pipeline, &bench->batch);
    note(bench, ROOM_TABLE, HOLD_BATCH, began_ns);
    return is_taken;
}

static void push_batch(struct bench *bench)
{
    bool is_taken = false;
    while (!is_taken) {
        is_taken = take_batch(bench);
        if (is_taken && !pipeline_sweep_is_due(bench->pipeline))
            return;
        while (!sweep_slice(bench))
            ;
        pass_on_flows(bench);
        report_if_due(bench);
    }
}

static void take_frames(void *context, const struct frame *frames, size_t count)
{
    struct bench *const bench = context;
    while (count > 0) {
        const size_t decoded = pipeline_decode(&bench->batch, frames, count);
        if (pipeline_batch_is_full(&bench->batch))
            push_batch(bench);
        frames += decoded;
        count -= decoded;
    }
}

static void finish(struct bench *bench)
{
    struct statistics snapshot;
    push_batch(bench);
    while (!pipeline_end_input(bench->pipeline)) {
        while (!sweep_slice(bench))
            ;
        pass_on_flows(bench);
    }
    while (!sweep_slice(bench))
        ;
    pass_on_flows(bench);
    while (!end_slice(bench))
        ;
    pass_on_flows(bench);
    pipeline_snapshot(bench->pipeline, &snapshot);
    const uint64_t began_ns = processor_ns();
    (void)pipeline_finish(bench->pipeline, &snapshot);
    bench->room_ns[ROOM_ENGINE] += processor_ns() - began_ns;
}

static bool whole_pass(struct bench *bench, const struct options *options)
{
    char error[256];
    if (!run_open(&bench->run, options))
        return false;
    bench->pipeline = pipeline_open(&options->settings, on_record, bench, error, sizeof error);
    if (bench->pipeline == NULL) {
        fprintf(stderr, "rooms: %s\n", error);
        return false;
    }
    read_all(bench, take_frames);
    finish(bench);
    pipeline_close(bench->pipeline);
    const uint64_t began_ns = processor_ns();
    run_close(&bench->run);
    bench->room_ns[ROOM_EMIT] += processor_ns() - began_ns;
    bench->room_ns[ROOM_EXPLAIN] = explain_ns;
    bench->room_ns[ROOM_ENGINE] -= explain_ns;
    return true;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void print(const struct bench *bench)
{
    for (unsigned i = 0; i < ROOM_COUNT; i++)
        printf("%s %.1f %.1f\n", room_names[i], (double)bench->room_ns[i] / (double)bench->packets,
               (double)bench->room_ns[i] / (double)bench->flow_count);
    for (unsigned i = 0; i < HOLD_COUNT; i++)
        printf("%s %.0f\n", hold_names[i], (double)bench->hold_max_ns[i] / 1e3);
    fprintf(stderr, "%" PRIx64 "\n", bench->checksum);
}

static bool measure(struct bench *bench, const struct options *options)
{
    uint64_t read_ns, decoded_ns;
    if (!pass(bench, options, count_frames, &read_ns) ||
        !pass(bench, options, decode_frames, &decoded_ns) || !whole_pass(bench, options))
        return false;
    bench->room_ns[ROOM_READ] = read_ns;
    bench->room_ns[ROOM_DECODE] = decoded_ns > read_ns ? decoded_ns - read_ns : 0;
    return bench->packets > 0 && bench->flow_count > 0;
}

int main(int argc, char **argv)
{
    struct options options;
    char error[OPTIONS_ERROR_SIZE];
    struct bench *const bench = calloc(1, sizeof *bench);
    if (bench == NULL || !options_parse(&options, argc, argv, error)) {
        fprintf(stderr, "rooms: %s\n", bench == NULL ? "out of memory" : error);
        return 2;
    }
    const bool is_measured = measure(bench, &options);
    if (is_measured)
        print(bench);
    else
        fputs("rooms: nothing was measured\n", stderr);
    options_deinit(&options);
    free(bench);
    return is_measured ? 0 : 1;
}
