/* SPDX-License-Identifier: Apache-2.0 */
/* The capture room: frames from interfaces or from files, in the order of their times.
 *
 * Called by the runtime's capture thread, which owns a struct capture from open to close; nothing
 * here is shared. Only this room (and the live tick) may read a clock. No allocation, log or lock
 * per frame. */
#ifndef WHYFLOW_CAPTURE_CAPTURE_H
#define WHYFLOW_CAPTURE_CAPTURE_H

#include "whyflow/frame.h"
#include "whyflow/statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CAPTURE_SOURCES_MAX = 1024,         /* interfaces or files read side by side */
    CAPTURE_SNAPLEN_MAX = 262144,       /* libpcap's limit, and the default */
    CAPTURE_BUFFER_KIB_DEFAULT = 65536, /* of kernel ring for each interface */
    CAPTURE_ERROR_SIZE = 512,

    /* The kernel hands over a block of its ring when it is full or this old. */
    CAPTURE_BLOCK_TIMEOUT_MS = 20,
    /* Several interfaces are merged: a frame waits so long for older ones of the others. */
    CAPTURE_MERGE_DELAY_MS = 60,
    /* When CAPTURE_EMPTY is returned, every frame stamped longer than this before the call has been
     * handed over: the least slack of the live tick. (Measured under load: 20 ms with one
     * interface, 60 ms with two.) */
    CAPTURE_SLACK_MS = 250,
};

struct capture;

enum capture_error_kind {
    CAPTURE_ERROR_NONE,
    CAPTURE_ERROR_USAGE,      /* a filter or a setting is wrong: exit 2 */
    CAPTURE_ERROR_INPUT,      /* a file cannot be read: exit 3 */
    CAPTURE_ERROR_PERMISSION, /* no permission or no such interface: exit 4 */
    CAPTURE_ERROR_SYSTEM,     /* anything else: exit 1 */
};

/* One line for people, which says what to do. */
struct capture_error {
    enum capture_error_kind kind;
    char text[CAPTURE_ERROR_SIZE];
};

/* What to open. Strings and lists must live until the capture is closed. */
struct capture_settings {
    const char *const *interfaces; /* for capture_open_live */
    size_t interface_count;
    const char *const *files; /* for capture_open_files; "-" is standard input */
    size_t file_count;
    const char *filter;     /* pcap-filter(7); NULL or "": everything */
    uint32_t snaplen_bytes; /* live; 0: CAPTURE_SNAPLEN_MAX */
    uint32_t buffer_kib;    /* live; 0: CAPTURE_BUFFER_KIB_DEFAULT */
    bool is_promiscuous;    /* live */
    int wake_fd;            /* capture_wait returns once it is readable; -1: none */
    int stop_fd;            /* files: once it is readable, a pipe that has nothing to read
                                    * counts as ended, so that a run can stop; -1: none */
};

/* No interface or file, promiscuous, defaults, no descriptors. */
void capture_settings_default(struct capture_settings *settings);

/* Opens all interfaces, or all files. Returns NULL and fills `error` if one cannot be. An interface
 * takes about 0.1 s, is captured from the end of that time on, and nothing from before is counted;
 * what it brings while the others open is kept. CAP_NET_RAW is enough. */
struct capture *capture_open_live(const struct capture_settings *settings,
                                  struct capture_error *error);
struct capture *capture_open_files(const struct capture_settings *settings,
                                   struct capture_error *error);

enum capture_result {
    CAPTURE_FRAMES,    /* at least one frame was handed over */
    CAPTURE_EMPTY,     /* live: nothing to hand over now; see capture_wait */
    CAPTURE_END,       /* files: all are read */
    CAPTURE_CUT_SHORT, /* files: one is damaged, ends inside a packet or became shorter meanwhile.
                        * What was good of it has been handed over; read on for the others.
                        * capture_message says which */
    CAPTURE_ERROR,     /* live: an interface failed; capture_message */
};

/* Takes `count` (>= 1) frames, in order. They and their bytes are valid during the call. */
typedef void capture_frames_fn(void *context, const struct frame *frames, size_t count);

/* Hands over at most `frames_max` (>= 1) frames that are there, without waiting (a file on a slow
 * pipe excepted). Files are merged by packet time, each keeping its own order, ties in the order
 * given. Interfaces are merged by time too; a single one is handed on without a copy. */
enum capture_result capture_dispatch(struct capture *capture, size_t frames_max,
                                     capture_frames_fn *on_frames, void *context);

/* Live: waits until frames are likely to be there, wake_fd is readable, a signal comes, or the time
 * is over. Files: returns at once. */
void capture_wait(struct capture *capture, int timeout_ms);

/* Live: has the kernel refuse further packets, then hands over all it had taken, so that
 * received = read + kernel_dropped holds in the counters afterwards. With `on_frames` NULL, what is
 * left (after -c N) is thrown away and leaves `received` too. Returns false if the kernel's count
 * was not reached within 5 seconds or an interface failed; capture_message tells. Files: returns
 * true. */
bool capture_stop_and_drain(struct capture *capture, capture_frames_fn *on_frames, void *context);

/* Counters since open, but read_bytes, which whoever decodes counts. Live: a system call or three;
 * for statistics, not for each frame. */
void capture_counters(struct capture *capture, struct capture_counters *counters);

/* What the last CUT_SHORT, ERROR or failed drain was about: one line. Owned by the capture. */
const char *capture_message(const struct capture *capture);

size_t capture_source_count(const struct capture *capture);
/* Name of an interface or file as given; index as in frame.source_index. */
const char *capture_source_name(const struct capture *capture, size_t index);
uint16_t capture_source_link_type(const struct capture *capture, size_t index); /* LINKTYPE_ */

void capture_close(struct capture *capture); /* NULL is allowed */

/* -D and -L: a line each. False and `error` if that cannot be told. */
bool capture_list_interfaces(FILE *out, struct capture_error *error);
bool capture_list_link_types(const char *interface, FILE *out, struct capture_error *error);
/* The link type of each file that is read. */
bool capture_list_file_link_types(const struct capture_settings *settings, FILE *out,
                                  struct capture_error *error);

/* -T: true if the filter compiles for Ethernet; NULL and "" do. */
bool capture_check_filter(const char *filter, struct capture_error *error);

#endif
