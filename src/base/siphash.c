/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

uint64_t siphash13(const uint64_t key[2], const void *data, size_t size)
{
    struct siphash_state s = siphash_begin(key);
    const uint8_t *bytes = data;
    size_t left = size;
    for (; left >= 8; left -= 8, bytes += 8)
        siphash_add(&s, siphash_load(bytes));
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)bytes[i] << (8 * i);
    siphash_add(&s, last);
    return siphash_end(&s);
}
