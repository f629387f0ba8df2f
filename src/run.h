/* SPDX-License-Identifier: Apache-2.0 */
/* A run: where packets or flows come from, where records go, how it is asked to stop, and what its
 * exit code will be. run.c opens and closes these; runtime.c moves the data on three threads,
 * inline.c on one, and rescore.c that of -R on one. Everything here belongs to the thread that
 * reads, but for stop_requests. */
#ifndef WHYFLOW_RUN_H
#define WHYFLOW_RUN_H

#include "capture/capture.h"
#include "capture/capture_writer.h"
#include "capture/file_list.h"
#include "flagged_capture.h"
#include "intake/flow_reader.h"
#include "options.h"
#include "output.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes (CLI). */
enum run_exit {
    RUN_DONE = 0,
    RUN_FAILED = 1,
    RUN_USAGE = 2,
    RUN_INPUT = 3,      /* unreadable or cut short; what was good is written */
    RUN_PERMISSION = 4, /* or no such interface */
    RUN_LOST = 5,       /* records were lost */
    RUN_ALERTS = 10,    /* only with --fail-on-alert */
};

struct run {
    const struct options *options;
    struct file_list files;
    struct capture_settings capture_settings;
    struct capture *capture;
    struct capture_writer *writer;   /* -w; NULL: none */
    struct flagged_capture *flagged; /* --flagged-pcap; NULL: none */
    struct flow_reader *flows;       /* -R; else NULL, and capture is not */
    struct output *output;
    char boot[24];
    char sensor[256];
    const char *source_names[CAPTURE_SOURCES_MAX];
    uint64_t packets; /* read so far */
    enum run_exit exit;
    int wake_fd;              /* an event that ends waiting for packets */
    int interrupt_fd;         /* -R: readable once INT or TERM came; -1: none */
    atomic_int stop_requests; /* any thread */
};

/* -R: keeps INT and TERM for interrupt_fd. Before run_open. */
void run_block_interrupts(void);
/* From here on they end the program. */
void run_release_interrupts(void);

/* Opens everything. False: it said why, and `exit` is set; run_close in either case. */
bool run_open(struct run *run, const struct options *options);

/* Ends the reading of packets. Any thread. */
void run_request_stop(struct run *run);
bool run_must_stop(const struct run *run);

/* How many frames to read next, for -c N and --batch; 0: N are read. */
size_t run_frames_wanted(const struct run *run);

/* Counts frames and keeps them, for -w. If one cannot be written, the run is asked to stop. */
void run_note_frames(struct run *run, const struct frame *frames, size_t count);

/* Takes note of a record before it goes to the outputs. The emitter thread. */
void run_note_record(struct run *run, const struct record *record);

/* Sets the exit code unless an error came before. */
void run_fail(struct run *run, enum run_exit exit);

/* The exit code of what the capture room could not do. */
enum run_exit run_exit_of(enum capture_error_kind kind);

/* All records are out: what the exit code says of them. is_whole: the pipeline lost none. */
void run_judge(struct run *run, bool is_whole);

void run_close(struct run *run);

#endif
