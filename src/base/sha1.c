/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174), in the words of the RFC's method 1. Sixty lines instead of a dependency on a
 * library of cryptography, for 40 bytes a record. Used by the format room; any thread. */
#include "base/sha1.h"

#include <string.h>

enum { BLOCK_SIZE = 64, LENGTH_SIZE = 8, ROUNDS = 80 };

static uint32_t rotate_left(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return ((b & c) | (~b & d)) + 0x5a827999u;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ed9eba1u;
    if (round < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    return (b ^ c ^ d) + 0xca62c1d6u;
}

static void schedule(const uint8_t block[BLOCK_SIZE], uint32_t words[ROUNDS])
{
    for (size_t i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < ROUNDS; i++)
        words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
}

static void take_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t words[ROUNDS];
    schedule(block, words);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint32_t next = rotate_left(a, 5) + mix(round, b, c, d) + e + words[round];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* What is left of the message, the bit 1, zeros, and the length in bits. */
static void take_rest(uint32_t state[5], const uint8_t *rest, size_t rest_size, uint64_t size)
{
    uint8_t block[BLOCK_SIZE] = {0};
    if (rest_size > 0)
        memcpy(block, rest, rest_size);
    block[rest_size] = 0x80;
    if (rest_size + 1 > BLOCK_SIZE - LENGTH_SIZE) {
        take_block(state, block);
        memset(block, 0, sizeof block);
    }
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        block[BLOCK_SIZE - 1 - i] = (uint8_t)(size * 8 >> 8 * i);
    take_block(state, block);
}

void sha1(const uint8_t *bytes, size_t size, uint8_t digest[SHA1_SIZE])
{
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    size_t taken = 0;
    for (; size - taken >= BLOCK_SIZE; taken += BLOCK_SIZE)
        take_block(state, bytes + taken);
    take_rest(state, bytes + taken, size - taken, size);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
