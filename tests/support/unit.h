/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit test file defines: its suite. unit_main.c runs it; each test file is a program of its
 * own, so that one crash hides nothing else. */
#ifndef WHYFLOW_TESTS_UNIT_H
#define WHYFLOW_TESTS_UNIT_H

#include <check.h>

/* Made once by main(); the runner frees it. */
Suite *whyflow_suite(void);

#endif
