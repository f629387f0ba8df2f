/* SPDX-License-Identifier: Apache-2.0 */
/* All sources of a run together. See capture.h; the capture thread.
 *
 * A single source is handed on straight from its buffer. Several hold one frame each and a
 * heap gives the oldest. For files that is the exact order of times. An interface that has nothing
 * to show may still get a frame older than those of the others, as the kernel shows a block of
 * frames only when it is full or CAPTURE_BLOCK_TIMEOUT_MS old: so, unless every interface shows
 * one, a frame waits for CAPTURE_MERGE_DELAY_MS. The two sides of a TAP thus come in order. */
#include "capture/capture.h"

#include "capture/filter.h"
#include "capture/merge.h"
#include "capture/source.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DRAIN_POLL_MS = 2 * CAPTURE_BLOCK_TIMEOUT_MS,
    DRAIN_ROUNDS_MAX = 5000 / DRAIN_POLL_MS,
    DRAIN_BATCH = 4096,
};

static const int64_t nanoseconds_per_second = 1000000000;
static const int64_t merge_delay_ns = CAPTURE_MERGE_DELAY_MS * INT64_C(1000000);

struct capture {
    bool is_live;
    bool is_draining; /* the kernel takes nothing more: no frame has to wait for older ones */
    int wake_fd;
    size_t source_count;
    size_t primed_count;   /* files: sources whose first frame was asked for */
    struct merge merge;    /* of sources that hold a frame; unused for a single source */
    struct pollfd *polled; /* room for source_count + 1 */
    char message[CAPTURE_ERROR_SIZE];
    struct source sources[];
};

void capture_settings_default(struct capture_settings *settings)
{
    *settings = (struct capture_settings){
        .snaplen_bytes = CAPTURE_SNAPLEN_MAX,
        .buffer_kib = CAPTURE_BUFFER_KIB_DEFAULT,
        .is_promiscuous = true,
        .wake_fd = -1,
        .stop_fd = -1,
    };
}

static struct capture *allocate(size_t source_count, struct capture_error *error)
{
    if (source_count == 0 || source_count > CAPTURE_SOURCES_MAX) {
        capture_error_set(error, CAPTURE_ERROR_USAGE, "%zu sources: give 1 to %d", source_count,
                          CAPTURE_SOURCES_MAX);
        return NULL;
    }
    struct capture *capture = calloc(1, sizeof *capture + source_count * sizeof *capture->sources);
    if (capture != NULL)
        capture->polled = calloc(source_count + 1, sizeof *capture->polled);
    if (capture == NULL || capture->polled == NULL) {
        free(capture);
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "out of memory for %zu sources",
                          source_count);
        return NULL;
    }
    return capture;
}

typedef bool source_open_fn(struct source *source, const struct capture_settings *settings,
                            size_t index, struct capture_error *error);

static struct capture *open_sources(const struct capture_settings *settings, size_t count,
                                    source_open_fn *open_source, struct capture_error *error)
{
    struct capture *capture = allocate(count, error);
    if (capture == NULL)
        return NULL;
    capture->wake_fd = settings->wake_fd;
    for (; capture->source_count < count; capture->source_count++) {
        const size_t index = capture->source_count;
        if (!open_source(&capture->sources[index], settings, index, error)) {
            capture_close(capture);
            return NULL;
        }
    }
    return capture;
}

struct capture *capture_open_live(const struct capture_settings *settings,
                                  struct capture_error *error)
{
    if (settings->snaplen_bytes > CAPTURE_SNAPLEN_MAX) {
        capture_error_set(error, CAPTURE_ERROR_USAGE, "snaplen %u: at most %d",
                          settings->snaplen_bytes, CAPTURE_SNAPLEN_MAX);
        return NULL;
    }
    struct capture *capture =
        open_sources(settings, settings->interface_count, source_open_live, error);
    if (capture != NULL)
        capture->is_live = true;
    return capture;
}

static bool is_standard_input_twice(const struct capture_settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->file_count; i++)
        count += strcmp(settings->files[i], "-") == 0;
    return count > 1;
}

struct capture *capture_open_files(const struct capture_settings *settings,
                                   struct capture_error *error)
{
    if (is_standard_input_twice(settings)) {
        capture_error_set(error, CAPTURE_ERROR_USAGE, "-: standard input can be read once");
        return NULL;
    }
    return open_sources(settings, settings->file_count, source_open_file, error);
}

/* Result for a source that has just failed. */
static enum capture_result report_failure(struct capture *capture, const struct source *source)
{
    (void)snprintf(capture->message, sizeof capture->message, "%.200s: %.280s", source->name,
                   source->failure);
    return capture->is_live ? CAPTURE_ERROR : CAPTURE_CUT_SHORT;
}

static enum capture_result dispatch_single(struct capture *capture, size_t frames_max,
                                           capture_frames_fn *on_frames, void *context)
{
    struct source *source = &capture->sources[0];
    if (source->state == SOURCE_OPEN) {
        const size_t count = source_dispatch(source, frames_max, on_frames, context);
        if (source->state == SOURCE_FAILED)
            return report_failure(capture, source);
        if (count > 0)
            return CAPTURE_FRAMES;
    }
    return capture->is_live ? CAPTURE_EMPTY : CAPTURE_END;
}

/* Asks every source that holds no frame for one. False: one has failed. */
static bool hold_frames(struct capture *capture, const struct source **failed)
{
    size_t index = capture->is_live ? 0 : capture->primed_count;
    for (; index < capture->source_count; index++) {
        struct source *source = &capture->sources[index];
        capture->primed_count = index + 1;
        if (source->has_held || source->state != SOURCE_OPEN)
            continue;
        if (source_hold(source)) {
            merge_add(&capture->merge, source);
        } else if (source->state == SOURCE_FAILED) {
            *failed = source;
            return false;
        }
    }
    return true;
}

static int64_t read_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return now.tv_sec * nanoseconds_per_second + now.tv_nsec;
}

/* True if no frame can come any more that is older than the oldest held. A stamp far ahead of the
 * clock (which was set back, then) is not waited for. */
static bool is_due(const struct capture *capture, int64_t now_ns)
{
    if (!capture->is_live || capture->is_draining || capture->merge.count == capture->source_count)
        return true;
    const struct source *top = merge_top(&capture->merge);
    const int64_t age_ns = now_ns - (top->order_s * nanoseconds_per_second + top->order_ns);
    return age_ns >= merge_delay_ns || age_ns < -nanoseconds_per_second;
}

/* Hands on the oldest frame and refills its source. False: the source has failed. */
static bool hand_over_top(struct merge *merge, capture_frames_fn *on_frames, void *context)
{
    struct source *source = merge_top(merge);
    source_hand_over(source, on_frames, context);
    if (source_hold(source))
        merge_update_top(merge);
    else
        merge_remove_top(merge);
    return source->state != SOURCE_FAILED;
}

static enum capture_result dispatch_merged(struct capture *capture, size_t frames_max,
                                           capture_frames_fn *on_frames, void *context)
{
    const int64_t now_ns = capture->is_live ? read_clock_ns() : 0; /* before the rings are seen */
    const struct source *failed = NULL;
    if (!hold_frames(capture, &failed))
        return report_failure(capture, failed);
    size_t count = 0;
    while (count < frames_max && merge_top(&capture->merge) != NULL && is_due(capture, now_ns)) {
        const struct source *source = merge_top(&capture->merge);
        count++;
        if (!hand_over_top(&capture->merge, on_frames, context))
            return report_failure(capture, source);
    }
    if (count > 0)
        return CAPTURE_FRAMES;
    return capture->is_live ? CAPTURE_EMPTY : CAPTURE_END;
}

enum capture_result capture_dispatch(struct capture *capture, size_t frames_max,
                                     capture_frames_fn *on_frames, void *context)
{
    assert(frames_max > 0);
    if (capture->source_count == 1)
        return dispatch_single(capture, frames_max, on_frames, context);
    return dispatch_merged(capture, frames_max, on_frames, context);
}

void capture_wait(struct capture *capture, int timeout_ms)
{
    if (!capture->is_live)
        return;
    nfds_t count = 0;
    capture->polled[count++] = (struct pollfd){.fd = capture->wake_fd, .events = POLLIN};
    for (size_t i = 0; i < capture->source_count; i++) {
        /* One that holds a frame waits for the others or for time to pass, not for its ring. */
        if (!capture->sources[i].has_held)
            capture->polled[count++] = (struct pollfd){
                .fd = pcap_get_selectable_fd(capture->sources[i].pcap), .events = POLLIN};
    }
    const bool is_frame_waiting = capture->merge.count > 0;
    if (is_frame_waiting && (timeout_ms < 0 || timeout_ms > CAPTURE_BLOCK_TIMEOUT_MS))
        timeout_ms = CAPTURE_BLOCK_TIMEOUT_MS;
    (void)poll(capture->polled, count, timeout_ms); /* a signal ends the wait: so it should */
}

/* Hands over everything that is visible now. False: a source has failed. */
static bool empty_rings(struct capture *capture, capture_frames_fn *on_frames, void *context)
{
    enum capture_result result;
    do {
        result = capture_dispatch(capture, DRAIN_BATCH, on_frames, context);
    } while (result == CAPTURE_FRAMES);
    return result == CAPTURE_EMPTY;
}

static bool refuse_further(struct capture *capture)
{
    for (size_t i = 0; i < capture->source_count; i++) {
        if (!filter_attach_refuse_all(pcap_fileno(capture->sources[i].pcap))) {
            (void)snprintf(capture->message, sizeof capture->message,
                           "%.200s: cannot stop the kernel's capture", capture->sources[i].name);
            return false;
        }
    }
    return true;
}

/* Brings all counters up to date: true if all add up; `received` is their sum. */
static bool is_balanced(struct capture *capture, uint64_t *received)
{
    bool all = true;
    *received = 0;
    for (size_t i = 0; i < capture->source_count; i++) {
        struct source *source = &capture->sources[i];
        all = source_update_counters(source) && all;
        all = source_is_balanced(source) && all;
        *received += source->counters.received;
    }
    return all;
}

/* The kernel's last, partly filled block comes on its timeout, and a packet that passed the old
 * filter on another core may still be on its way into the ring. So: wait first (all blocks are
 * there, the merged order is exact), and done is what adds up twice with a wait between. */
bool capture_stop_and_drain(struct capture *capture, capture_frames_fn *on_frames, void *context)
{
    if (!capture->is_live)
        return true;
    if (!refuse_further(capture))
        return false;
    capture->is_draining = true;
    uint64_t settled_at = UINT64_MAX;
    for (int round = 0; round < DRAIN_ROUNDS_MAX; round++) {
        (void)poll(NULL, 0, DRAIN_POLL_MS);
        if (!empty_rings(capture, on_frames, context))
            return false;
        uint64_t received;
        const bool is_even = is_balanced(capture, &received);
        if (is_even && received == settled_at)
            return true;
        settled_at = is_even ? received : UINT64_MAX;
    }
    (void)snprintf(capture->message, sizeof capture->message,
                   "some packets the kernel counted did not come");
    return false;
}

void capture_counters(struct capture *capture, struct capture_counters *counters)
{
    *counters = (struct capture_counters){.is_live = capture->is_live};
    for (size_t i = 0; i < capture->source_count; i++) {
        struct source *source = &capture->sources[i];
        counters->read += source->read;
        if (!capture->is_live)
            continue;
        (void)source_update_counters(source); /* of an interface that is gone: the last ones */
        counters->received += source->counters.received - source->discarded;
        counters->kernel_dropped += source->counters.dropped;
        counters->interface_dropped += source->counters.interface_dropped;
    }
    if (!capture->is_live)
        counters->received = counters->read;
}

const char *capture_message(const struct capture *capture)
{
    return capture->message;
}

size_t capture_source_count(const struct capture *capture)
{
    return capture->source_count;
}

const char *capture_source_name(const struct capture *capture, size_t index)
{
    assert(index < capture->source_count);
    return capture->sources[index].name;
}

uint16_t capture_source_link_type(const struct capture *capture, size_t index)
{
    assert(index < capture->source_count);
    return capture->sources[index].link_type;
}

void capture_close(struct capture *capture)
{
    if (capture == NULL)
        return;
    for (size_t i = 0; i < capture->source_count; i++)
        source_close(&capture->sources[i]);
    free(capture->polled);
    free(capture);
}
