/* SPDX-License-Identifier: Apache-2.0 */
/* Large arrays of zeros that cost memory only where they are touched. Called at the start by rooms
 * whose tables are looked up in an order no cache likes: with pages of 4 KiB each look-up would
 * miss the processor's page table cache too (512 pages' worth against 75,000 pages of a million
 * flows), so huge ones are asked for. Any thread. */
#ifndef WHYFLOW_BASE_PAGES_H
#define WHYFLOW_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Zeros, aligned to a page; NULL if memory is short. is_dense: most of it will be used where any
 * is, so that huge pages waste nothing. */
void *pages_open(size_t bytes, bool is_dense);
void pages_close(void *pages, size_t bytes); /* NULL is allowed */

#endif
