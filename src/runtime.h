/* SPDX-License-Identifier: Apache-2.0 */
/* A run: source, pipeline and outputs, on three threads (or, with --inline, on one). */
#ifndef WHYFLOW_RUNTIME_H
#define WHYFLOW_RUNTIME_H

#include "capture/capture.h"
#include "options.h"

/* Exit codes (CLI). */
enum runtime_exit {
    RUNTIME_DONE = 0,
    RUNTIME_FAILED = 1,
    RUNTIME_USAGE = 2,
    RUNTIME_INPUT = 3,      /* unreadable or cut short; what was good is written */
    RUNTIME_PERMISSION = 4, /* or no such interface */
    RUNTIME_LOST = 5,       /* records were lost */
    RUNTIME_ALERTS = 10,    /* only with --fail-on-alert */
};

/* The exit code of what the capture room could not do. */
enum runtime_exit runtime_exit_of(enum capture_error_kind kind);

/* Runs until the input ends or a signal says so. Messages go to standard error. */
enum runtime_exit runtime_run(const struct options *options);

#endif
