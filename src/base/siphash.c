/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <string.h>

/* Little-endian load, so that a hash is the same on every machine. */
static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

uint64_t siphash13(const uint64_t key[2], const void *data, size_t size)
{
    struct siphash_state s = siphash_start(key);
    const uint8_t *bytes = data;
    size_t left = size;
    for (; left >= 8; left -= 8, bytes += 8)
        siphash_word(&s, load_word(bytes));
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)bytes[i] << (8 * i);
    return siphash_finish(&s, last);
}
