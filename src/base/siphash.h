/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3 (Aumasson and Bernstein, 2012): the keyed hash of every table that packet bytes
 * reach. One compression and three finalisation rounds resist chosen keys and cost 14 to 24 ns for
 * a flow key. Any thread; no state. */
#ifndef WHYFLOW_BASE_SIPHASH_H
#define WHYFLOW_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of `size` bytes under a 128-bit key. */
uint64_t siphash13(const uint64_t key[2], const void *data, size_t size);

#endif
