/* SPDX-License-Identifier: Apache-2.0 */
/* Has memory fetched that will be read or written soon. For functions of any room that do nothing
 * else; any thread.
 *
 * By itself __builtin_prefetch is no effect to gcc: where it sees the whole program it takes a
 * function of nothing but prefetches for one without effects and drops its calls. So whole steps of
 * the asking ahead were in the sources and not in the program. The empty statement is an effect. */
#ifndef WHYFLOW_BASE_PREFETCH_H
#define WHYFLOW_BASE_PREFETCH_H

static inline void prefetch(const void *address)
{
    __builtin_prefetch(address);
    __asm__ volatile("");
}

#endif
