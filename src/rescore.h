/* SPDX-License-Identifier: Apache-2.0 */
/* A run whose flows come from native lines (-R), on one thread. */
#ifndef WHYFLOW_RESCORE_H
#define WHYFLOW_RESCORE_H

#include "run.h"

/* As runtime_run. INT and TERM end the reading, and what was read is finished; they must be blocked
 * before (run_block_interrupts); a second one ends the program. */
bool rescore_run(struct run *run);

#endif
