/* SPDX-License-Identifier: Apache-2.0 */
/* One source: a libpcap handle on an interface or on a file, and what is known of it. For the
 * capture room alone, on the capture thread.
 *
 * Two ways to read: source_dispatch hands frames on as they lie in the buffer; source_hold takes
 * one frame and keeps it, which merging several sources needs. Both read a plain pcap file by
 * plain_pcap.h as far as that goes, and everything else by libpcap. */
#ifndef WHYFLOW_CAPTURE_SOURCE_H
#define WHYFLOW_CAPTURE_SOURCE_H

#include "base/stream.h"
#include "capture/capture.h"
#include "capture/capture_error.h"
#include "capture/plain_pcap.h"

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum source_state {
    SOURCE_OPEN,
    SOURCE_ENDED,  /* file: read to its end */
    SOURCE_FAILED, /* file: damaged or cut; interface: gone */
};

/* Frames of a plain file at a time: few enough to stay in the first-level cache. */
enum { SOURCE_FRAMES_MAX = 64 };

/* The kernel's counters of an interface, continued over 32 bits. */
struct source_counters {
    uint32_t received_last, dropped_last, interface_dropped_last;
    uint64_t received, dropped, interface_dropped;
};

struct source {
    pcap_t *pcap;
    const char *name;
    struct stream *stream; /* NULL: live */
    bool is_plain;         /* `plain` reads on, and libpcap waits at the file's beginning */
    struct plain_pcap plain;
    struct bpf_program filter; /* what `plain` hands on; bf_insns NULL: everything */
    uint16_t index;
    uint16_t link_type;        /* LINKTYPE_ */
    bool has_unsigned_seconds; /* classic pcap, of which libpcap makes negative seconds from 2038 */
    enum source_state state;
    const char *failure; /* set with SOURCE_FAILED; lives as long as the source */
    uint64_t read;       /* handed to somebody */
    uint64_t discarded;  /* taken from libpcap and handed to nobody */
    struct source_counters counters;

    struct frame frames[SOURCE_FRAMES_MAX]; /* of `plain`; the source's own is set once */
    bool has_held;
    struct frame held;   /* file: in the buffer until the next read; live: in held_bytes */
    uint8_t *held_bytes; /* live, if merged: snaplen_bytes of them */
    uint32_t snaplen_bytes;
    int64_t order_s, order_ns; /* when held stands in the merged order */
};

/* Open into the caller's memory, which must be zero. False and `error`: nothing to close. */
bool source_open_live(struct source *source, const struct capture_settings *settings, size_t index,
                      struct capture_error *error);
bool source_open_file(struct source *source, const struct capture_settings *settings, size_t index,
                      struct capture_error *error);
void source_close(struct source *source);

/* Hands on at most frames_max frames (on_frames NULL: to nobody) and returns how many. Fewer: an
 * interface has no more now, or state says why. */
size_t source_dispatch(struct source *source, size_t frames_max, capture_frames_fn *on_frames,
                       void *context);

/* Reads one frame into `held`. False: there is none now, or state says why. */
bool source_hold(struct source *source);

/* Hands on the frame held (on_frames NULL: to nobody). */
void source_hand_over(struct source *source, capture_frames_fn *on_frames, void *context);

/* Live: brings `counters` up to date. False: the interface is gone. */
bool source_update_counters(struct source *source);

/* Live: true if all that the kernel counted was taken or is known to be dropped. */
bool source_is_balanced(const struct source *source);

#endif
