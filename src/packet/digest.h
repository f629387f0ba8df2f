/* SPDX-License-Identifier: Apache-2.0 */
/* The digest by which the flow room knows two copies of a packet. Computed where the IP headers
 * end, on the capture thread; constant data.
 *
 * What a router or a mirror port changes stays out: link header, TTL, header checksum, traffic
 * class. What tells a datagram from the next goes in: identification, length, protocol, fragment,
 * and the first bytes behind the IP headers: a TCP header with its options, or a UDP header and 24
 * bytes of payload, and in both a checksum over all the rest. Reading the whole payload was
 * rejected: captures are cut, and copies of a cut packet, one with a VLAN tag, hold differently
 * much. For the same reason it is 32 bytes, which 74 captured ones hold behind two tags, and of
 * packets cut shorter than that 20.
 *
 * Three multiplications, and no secret: who wants two packets to be alike can have that. It decides
 * what is called a copy, never where something is put in a table. Inline, because the words then
 * never leave registers: as a function it took 6 ns of a packet's 15. */
#ifndef WHYFLOW_PACKET_DIGEST_H
#define WHYFLOW_PACKET_DIGEST_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    DIGEST_BYTES = 32, /* behind the IP headers: they count, and none after them */
    DIGEST_CUT_BYTES = 20,
};

struct digest_input {
    const uint8_t *bytes; /* behind the IP headers */
    uint32_t size;        /* of them, any number */
    uint16_t identification;
    uint8_t protocol;
    uint32_t ip_bytes;
    uint32_t fragment_id;
    uint32_t fragment_offset_bytes;
};

__extension__ typedef unsigned __int128 digest_product;

/* Multiplies and folds (as in wyhash): each bit of the result depends on all of both. */
static inline uint64_t digest_fold(uint64_t a, uint64_t b)
{
    const digest_product product = (digest_product)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t digest_load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

/* The 8 bytes at `place`; what there is not is 0. A word that is not full is the last 8 bytes there
 * are, shifted: a copy of unknown size would be a call. */
static inline uint64_t digest_word(const struct digest_input *input, uint32_t place)
{
    enum { WORD_BYTES = 8 };
    if (input->size >= place + WORD_BYTES)
        return digest_load(input->bytes + place);
    if (input->size <= place)
        return 0;
    if (input->size >= WORD_BYTES)
        return digest_load(input->bytes + input->size - WORD_BYTES) >>
               8 * (place + WORD_BYTES - input->size);
    uint8_t few[WORD_BYTES] = {0};
    memcpy(few, input->bytes, input->size);
    return digest_load(few);
}

/* How many bytes behind the IP headers count, of `captured`, where the wire had `left`. */
static inline uint32_t digest_size(uint32_t captured, uint32_t left)
{
    const bool is_cut = captured < left && captured < DIGEST_BYTES;
    return is_cut && captured > DIGEST_CUT_BYTES ? DIGEST_CUT_BYTES : captured;
}

static inline uint32_t digest_of(const struct digest_input *input)
{
    const uint64_t ids = (uint64_t)input->identification << 32 | input->fragment_id;
    const uint64_t sizes = (uint64_t)input->ip_bytes << 32 |
                           (uint64_t)input->fragment_offset_bytes << 8 | input->protocol;
    const uint64_t sum =
        digest_fold(digest_word(input, 0) ^ UINT64_C(0xa0761d6478bd642f),
                    digest_word(input, 8) ^ UINT64_C(0xe7037ed1a0b428db)) ^
        digest_fold(digest_word(input, 16) ^ UINT64_C(0x8ebc6af09c88c6e3),
                    digest_word(input, 24) ^ UINT64_C(0x589965cc75374cc3)) ^
        digest_fold(ids ^ UINT64_C(0x1d8e4e27c47d124f), sizes ^ UINT64_C(0xeb44accab455d165));
    return (uint32_t)(sum ^ sum >> 32);
}

#endif
