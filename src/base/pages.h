/* SPDX-License-Identifier: Apache-2.0 */
/* Large arrays of zeros that cost memory only where they are touched, aligned to pages and so to
 * cache lines; and memory that will be touched all over. Called by rooms with large tables when
 * they are made or grow. Any thread.
 *
 * Rejected: huge pages for arrays that fill as they are used. Look-ups in a table of a million
 * flows gained nothing that could be told from noise, and each first touch stops the thread for
 * clearing 2 MiB: a batch of packets of new flows took 10 to 16 ms instead of 1. */
#ifndef WHYFLOW_BASE_PAGES_H
#define WHYFLOW_BASE_PAGES_H

#include <stddef.h>

/* Zeros; NULL if memory is short. */
void *pages_open(size_t bytes);
/* Zeros again, and the memory behind them is the system's: of the whole pages in it. */
void pages_clear(void *pages, size_t bytes);
void pages_close(void *pages, size_t bytes); /* NULL is allowed */

/* Has the system back memory at once that will be touched soon, at random, such as the cells of an
 * index: of what pages_open or calloc gave, the whole pages. Where the system cannot, they come as
 * they are touched; NULL is allowed.
 *
 * Left alone, an index that is looked into before it is written to costs two faults a page: the
 * first maps the page of zeroes, the second replaces it, which interrupts the other processors
 * (their TLBs knew the first). Measured with a capture of 2,400 flows: 36 % of the processor time.
 * Large pages halve what this costs; they are asked for from 2 MiB on. */
void pages_back(void *memory, size_t bytes);

#endif
