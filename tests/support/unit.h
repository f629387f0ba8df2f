/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit test file defines: its suite. unit_main.c runs it; each test file is a program of its
 * own, so that one crash hides nothing else. */
#ifndef WHYFLOW_TESTS_UNIT_H
#define WHYFLOW_TESTS_UNIT_H

#include <check.h>

/* How often to repeat what is tried with other random numbers each time: in a sanitizer's build,
 * which takes ten times as long and looks for misuse of memory rather than for a rare result, a
 * quarter. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_ROUNDS(count) (((count) + 3) / 4)
#else
#define UNIT_ROUNDS(count) (count)
#endif

/* Made once by main(); the runner frees it. */
Suite *whyflow_suite(void);

#endif
