/* SPDX-License-Identifier: Apache-2.0 */
/* A run on three threads, with a fourth for signals. */
#ifndef WHYFLOW_RUNTIME_H
#define WHYFLOW_RUNTIME_H

#include "run.h"

/* Signals must be blocked before any thread is started, and before run_open. */
void runtime_block_signals(void);

/* Runs until the input ends or a signal says so. False if records were lost on the way, but for
 * what the outputs count themselves; it said why. */
bool runtime_run(struct run *run);

#endif
