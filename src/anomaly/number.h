/* SPDX-License-Identifier: Apache-2.0 */
/* A number of 64 bits in 1 to 9 bytes: below NUMBER_LONG in one, else a byte for the length and as
 * many bytes as it needs, the least first. For what this room keeps for itself within a run; what
 * is saved has LEB128 (base/bytes.h), which takes a branch a byte. Any thread.
 *
 * Both ways touch NUMBER_REACH bytes whatever the length, so that there is no loop to guess. */
#ifndef WHYFLOW_ANOMALY_NUMBER_H
#define WHYFLOW_ANOMALY_NUMBER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { NUMBER_LONG = 248, NUMBER_REACH = 9 };

/* Behind the number. */
static inline uint8_t *number_write(uint8_t *to, uint64_t number)
{
    if (number < NUMBER_LONG) {
        *to = (uint8_t)number;
        return to + 1;
    }
    const unsigned length = (71U - (unsigned)__builtin_clzll(number)) / 8;
    *to++ = (uint8_t)(NUMBER_LONG + length - 1);
    number = htole64(number);
    memcpy(to, &number, sizeof number);
    return to + length;
}

static inline uint64_t number_read(const uint8_t **from)
{
    const uint8_t first = *(*from)++;
    if (first < NUMBER_LONG)
        return first;
    const unsigned length = first - NUMBER_LONG + 1U;
    uint64_t number;
    memcpy(&number, *from, sizeof number);
    *from += length;
    return le64toh(number) & UINT64_MAX >> (64 - 8 * length);
}

#endif
