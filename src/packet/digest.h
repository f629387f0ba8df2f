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
 * Two multiplications over the bytes, of which each bit of the result depends; what tells datagrams
 * apart is added as it is: where it alone differs, so does the digest. And no secret: who wants two
 * packets to be alike can have that. It decides what is called a copy, never where something is put
 * in a table. Inline, because the words then never leave registers: as a function it took 6 ns of a
 * packet's 15. */
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

/* The first 32 bytes as words; what there is not is 0. Two lengths are nearly all there are: 32 or
 * more (payload, or TCP options), and 20, a TCP header alone. There the word that is not full is
 * the last 8 bytes there are, shifted: a copy of unknown size would be a call. */
static inline void digest_words(const uint8_t *bytes, uint32_t size, uint64_t words[4])
{
    enum { WORD_BYTES = 8 };
    if (size < 2 * WORD_BYTES) {
        uint8_t few[2 * WORD_BYTES] = {0};
        memcpy(few, bytes, size);
        words[0] = digest_load(few);
        words[1] = digest_load(few + WORD_BYTES);
        words[2] = words[3] = 0;
        return;
    }
    words[0] = digest_load(bytes);
    words[1] = digest_load(bytes + WORD_BYTES);
    if (size >= DIGEST_BYTES) {
        words[2] = digest_load(bytes + 2 * WORD_BYTES);
        words[3] = digest_load(bytes + 3 * WORD_BYTES);
        return;
    }
    const uint32_t rest = size % WORD_BYTES;
    const uint64_t last =
        rest == 0 ? 0 : digest_load(bytes + size - WORD_BYTES) >> 8 * (WORD_BYTES - rest);
    const bool has_third = size >= 3 * WORD_BYTES;
    words[2] = has_third ? digest_load(bytes + 2 * WORD_BYTES) : last;
    words[3] = has_third ? last : 0;
}

/* How many bytes behind the IP headers count, of `captured`, where the wire had `left`. */
static inline uint32_t digest_size(uint32_t captured, uint32_t left)
{
    if (captured >= DIGEST_BYTES)
        return DIGEST_BYTES;
    return captured < left && captured > DIGEST_CUT_BYTES ? DIGEST_CUT_BYTES : captured;
}

static inline uint32_t digest_of(const struct digest_input *input)
{
    /* Identification and length side by side, and nothing in the last bit but of 32 KiB and more:
     * flow_cell_name has no place for it. */
    const uint32_t datagram = input->identification ^ input->ip_bytes << 16 ^
                              input->ip_bytes >> 15 ^ (uint32_t)input->protocol << 24;
    const uint32_t fragment = input->fragment_id * UINT32_C(0x85ebca6b) ^
                              input->fragment_offset_bytes * UINT32_C(0xc2b2ae35); /* of most: 0 */
    uint64_t words[4];
    digest_words(input->bytes, input->size, words);
    const uint64_t sum = digest_fold(words[0] ^ UINT64_C(0xa0761d6478bd642f),
                                     words[1] ^ UINT64_C(0xe7037ed1a0b428db)) ^
                         digest_fold(words[2] ^ UINT64_C(0x8ebc6af09c88c6e3),
                                     words[3] ^ UINT64_C(0x589965cc75374cc3));
    return (uint32_t)(sum ^ sum >> 32) ^ datagram ^ fragment;
}

#endif
