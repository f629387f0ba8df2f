/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one source, live or file. Opening is in source_live.c and source_file.c. */
#include "capture/source.h"

#include "capture/counter.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What a pcap callback needs. */
struct delivery {
    struct source *source;
    capture_frames_fn *on_frames;
    void *context;
    size_t count;
};

static struct frame make_frame(const struct source *source, const struct pcap_pkthdr *header,
                               const u_char *bytes)
{
    int64_t time_s = header->ts.tv_sec;
    if (source->has_unsigned_seconds)
        time_s = (uint32_t)time_s; /* 2038 to 2106 */
    return (struct frame){
        .bytes = bytes,
        .time_s = time_s,
        .time_subsec_ns = header->ts.tv_usec, /* nanoseconds: every handle is opened for them */
        .captured_bytes = header->caplen,
        .wire_bytes = header->len,
        .link_type = source->link_type,
        .source_index = source->index,
    };
}

static void hand_over(struct source *source, const struct frame *frames, size_t count,
                      capture_frames_fn *on_frames, void *context)
{
    if (on_frames == NULL) {
        source->discarded += count;
        return;
    }
    source->read += count;
    on_frames(context, frames, count);
}

static void deliver(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct delivery *delivery = (struct delivery *)(void *)user;
    struct source *source = delivery->source;
    const struct frame frame = make_frame(source, header, bytes);
    delivery->count++;
    hand_over(source, &frame, 1, delivery->on_frames, delivery->context);
}

/* A frame to keep: libpcap's bytes of a file last until the next read, those of a ring only for the
 * callback. */
static void keep(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct source *source = (struct source *)(void *)user;
    source->held = make_frame(source, header, bytes);
    source->has_held = true;
    if (source->stream != NULL)
        return;
    if (source->held.captured_bytes > source->snaplen_bytes)
        source->held.captured_bytes = source->snaplen_bytes;
    memcpy(source->held_bytes, bytes, source->held.captured_bytes);
    source->held.bytes = source->held_bytes;
}

static void fail(struct source *source, const char *failure)
{
    source->state = SOURCE_FAILED;
    source->failure = failure;
}

/* pcap_dispatch said there is nothing, or an error. A file's end is a clean one only if the bytes
 * below it ended cleanly too. */
static void note_end(struct source *source, int status)
{
    if (source->stream == NULL) {
        if (status < 0)
            fail(source, pcap_geterr(source->pcap));
    } else if (stream_is_stopped(source->stream)) {
        source->state = SOURCE_ENDED;
    } else if (stream_failure(source->stream)[0] != '\0') {
        fail(source, stream_failure(source->stream));
    } else if (status < 0) {
        fail(source, pcap_geterr(source->pcap));
    } else {
        source->state = SOURCE_ENDED;
    }
}

/* Moves the frames that the filter lets pass to the front, and returns how many. */
static size_t filter_frames(const struct bpf_program *filter, struct frame *frames, size_t count)
{
    size_t passed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct pcap_pkthdr header = {.caplen = frames[i].captured_bytes,
                                           .len = frames[i].wire_bytes};
        if (pcap_offline_filter(filter, &header, frames[i].bytes) != 0)
            frames[passed++] = frames[i];
    }
    return passed;
}

/* The next frames of a plain file that the filter lets pass; 0: it has no more of them. */
static size_t next_plain(struct source *source, struct frame *frames, size_t max)
{
    size_t count, passed;
    do {
        passed = count = plain_pcap_frames(&source->plain, frames, max);
        if (source->filter.bf_insns != NULL)
            passed = filter_frames(&source->filter, frames, count);
    } while (passed == 0 && count > 0);
    return passed;
}

/* Here is no ordinary record: libpcap goes on with the file from where it is. */
static void leave_plain(struct source *source)
{
    const off_t offset = (off_t)plain_pcap_offset(&source->plain);
    if (plain_pcap_has_shrunk(&source->plain))
        fail(source, "became shorter while it was read");
    else if (fseeko(pcap_file(source->pcap), offset, SEEK_SET) != 0)
        fail(source, "cannot be read on: seeking failed");
    source->is_plain = false;
    plain_pcap_close(&source->plain);
}

static size_t dispatch_plain(struct source *source, size_t frames_max, capture_frames_fn *on_frames,
                             void *context)
{
    size_t sum = 0;
    while (sum < frames_max) {
        const size_t left = frames_max - sum;
        const size_t count =
            next_plain(source, source->frames, left < SOURCE_FRAMES_MAX ? left : SOURCE_FRAMES_MAX);
        if (count == 0) {
            leave_plain(source);
            break;
        }
        hand_over(source, source->frames, count, on_frames, context);
        sum += count;
    }
    return sum;
}

static size_t dispatch_pcap(struct source *source, size_t frames_max, capture_frames_fn *on_frames,
                            void *context)
{
    struct delivery delivery = {.source = source, .on_frames = on_frames, .context = context};
    const int limit = frames_max < INT_MAX ? (int)frames_max : INT_MAX;
    const int status = pcap_dispatch(source->pcap, limit, deliver, (u_char *)&delivery);
    if (status <= 0)
        note_end(source, status);
    return delivery.count;
}

size_t source_dispatch(struct source *source, size_t frames_max, capture_frames_fn *on_frames,
                       void *context)
{
    assert(frames_max > 0);
    size_t count = 0;
    if (source->state == SOURCE_OPEN && source->is_plain)
        count = dispatch_plain(source, frames_max, on_frames, context);
    if (source->state == SOURCE_OPEN && count == 0)
        count = dispatch_pcap(source, frames_max, on_frames, context);
    return count;
}

/* Stamps that no capture can have leave the order as it was: one rotten stamp must not keep its
 * file's other frames back behind all other files. */
static void set_order(struct source *source)
{
    const struct frame *frame = &source->held;
    const bool is_sane = frame->time_s >= 0 && frame->time_s < INT64_C(1) << 32 &&
                         frame->time_subsec_ns >= 0 && frame->time_subsec_ns < 1000000000;
    if (!is_sane)
        return;
    source->order_s = frame->time_s;
    source->order_ns = frame->time_subsec_ns;
}

static void hold_plain(struct source *source)
{
    source->held = (struct frame){.link_type = source->link_type, .source_index = source->index};
    source->has_held = next_plain(source, &source->held, 1) > 0;
    if (!source->has_held)
        leave_plain(source);
}

static void hold_pcap(struct source *source)
{
    const int status = pcap_dispatch(source->pcap, 1, keep, (u_char *)source);
    if (status <= 0)
        note_end(source, status);
}

bool source_hold(struct source *source)
{
    source->has_held = false;
    if (source->state == SOURCE_OPEN && source->is_plain)
        hold_plain(source);
    if (source->state == SOURCE_OPEN && !source->has_held)
        hold_pcap(source);
    if (source->has_held)
        set_order(source);
    return source->has_held;
}

void source_hand_over(struct source *source, capture_frames_fn *on_frames, void *context)
{
    assert(source->has_held);
    source->has_held = false;
    hand_over(source, &source->held, 1, on_frames, context);
}

bool source_update_counters(struct source *source)
{
    struct pcap_stat now;
    if (pcap_stats(source->pcap, &now) != 0)
        return false;
    struct source_counters *counters = &source->counters;
    counters->received = counter_extend(counters->received, counters->received_last, now.ps_recv);
    counters->dropped = counter_extend(counters->dropped, counters->dropped_last, now.ps_drop);
    counters->interface_dropped = counter_extend(counters->interface_dropped,
                                                 counters->interface_dropped_last, now.ps_ifdrop);
    counters->received_last = now.ps_recv;
    counters->dropped_last = now.ps_drop;
    counters->interface_dropped_last = now.ps_ifdrop;
    return true;
}

bool source_is_balanced(const struct source *source)
{
    return source->counters.received == source->read + source->discarded + source->counters.dropped;
}

void source_close(struct source *source)
{
    if (source->pcap != NULL)
        pcap_close(source->pcap); /* closes the stream's FILE too */
    plain_pcap_close(&source->plain);
    pcap_freecode(&source->filter); /* all zero is allowed */
    stream_close(source->stream);
    free(source->held_bytes);
    memset(source, 0, sizeof *source);
}
