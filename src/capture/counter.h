/* SPDX-License-Identifier: Apache-2.0 */
/* 64-bit counters from 32-bit ones that wrap. Pure; any thread. */
#ifndef WHYFLOW_CAPTURE_COUNTER_H
#define WHYFLOW_CAPTURE_COUNTER_H

#include <stdint.h>

/* The total after a 32-bit counter that stood at `previous` when the total was `previous_total`
 * stands at `now`. Right as long as it is asked at least once in 2^32 counts: libpcap's counters
 * need 4 minutes at 15 million packets a second. */
static inline uint64_t counter_extend(uint64_t previous_total, uint32_t previous, uint32_t now)
{
    return previous_total + (uint32_t)(now - previous);
}

#endif
