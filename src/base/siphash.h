/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3 (Aumasson and Bernstein, 2012): the keyed hash of every table that packet bytes
 * reach. One compression and three finalisation rounds resist chosen keys and cost 14 to 24 ns for
 * a flow key. Any thread; no state. */
#ifndef WHYFLOW_BASE_SIPHASH_H
#define WHYFLOW_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Its parts, for keys of a known size: begin, add each 8 bytes as a little-endian word, add what is
 * left with the size in the highest byte, end. */
struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v1 = siphash_rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = siphash_rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = siphash_rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = siphash_rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = siphash_rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = siphash_rotate_left(s->v2, 32);
}

static inline struct siphash_state siphash_begin(const uint64_t key[2])
{
    return (struct siphash_state){
        .v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key[1] ^ UINT64_C(0x7465646279746573),
    };
}

static inline void siphash_add(struct siphash_state *s, uint64_t word)
{
    s->v3 ^= word;
    siphash_round(s);
    s->v0 ^= word;
}

static inline uint64_t siphash_end(struct siphash_state *s)
{
    s->v2 ^= 0xff;
    siphash_round(s);
    siphash_round(s);
    siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Little-endian load, so that a hash is the same on every machine. */
static inline uint64_t siphash_load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Hash of `size` bytes under a 128-bit key. */
uint64_t siphash13(const uint64_t key[2], const void *data, size_t size);

#endif
