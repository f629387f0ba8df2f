/* SPDX-License-Identifier: Apache-2.0 */
/* Large arrays of zeros that cost memory only where they are touched, aligned to pages and so to
 * cache lines. Called at the start by rooms with large tables. Any thread.
 *
 * Rejected: asking for huge pages. Look-ups in a table of a million flows gained nothing that could
 * be told from noise, and each first touch stops the thread for clearing 2 MiB: a batch of packets
 * of new flows took 10 to 16 ms instead of 1. */
#ifndef WHYFLOW_BASE_PAGES_H
#define WHYFLOW_BASE_PAGES_H

#include <stddef.h>

/* Zeros; NULL if memory is short. */
void *pages_open(size_t bytes);
/* Zeros again, and the memory behind them is the system's: of the whole pages in it. */
void pages_clear(void *pages, size_t bytes);
void pages_close(void *pages, size_t bytes); /* NULL is allowed */

#endif
