/* SPDX-License-Identifier: Apache-2.0 */
/* A replay on one thread, through the library's own face (sensor.h): what the threads are held
 * against by the tests (--inline). */
#ifndef WHYFLOW_INLINE_H
#define WHYFLOW_INLINE_H

#include "run.h"

/* Reads the run's files to their end. False if records were lost on the way; it said why. */
bool inline_run(struct run *run);

#endif
