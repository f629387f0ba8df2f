/* SPDX-License-Identifier: Apache-2.0 */
/* The digest by which the flow room knows two copies of a packet. Called where the IP headers end,
 * on the capture thread; constant data.
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
 * what is called a copy, never where something is put in a table. */
#include "packet/decoder.h"

#include <string.h>

enum {
    DIGEST_BYTES = 32,
    DIGEST_CUT_BYTES = 20,
    DIGEST_WORDS = DIGEST_BYTES / 8,
};

__extension__ typedef unsigned __int128 digest_product;

/* Multiplies and folds (as in wyhash): each bit of the result depends on all of both. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    const digest_product product = (digest_product)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Fills the words; what there is not is 0. */
static void read_words(const struct decoder *decoder, uint64_t words[DIGEST_WORDS])
{
    struct cursor cursor = decoder->cursor;
    const uint32_t captured = cursor.size - cursor.position;
    if (captured >= DIGEST_BYTES) { /* apart, as a copy of known size is a few loads */
        cursor_bytes(&cursor, (uint8_t *)words, DIGEST_BYTES);
        return;
    }
    memset(words, 0, DIGEST_BYTES);
    const bool is_cut = captured < decoder_ip_left(decoder);
    const uint32_t size = is_cut && captured > DIGEST_CUT_BYTES ? DIGEST_CUT_BYTES : captured;
    cursor_bytes(&cursor, (uint8_t *)words, size);
}

void digest_set(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    if (decoder->cursor.is_short)
        return; /* about to be refused */
    uint64_t words[DIGEST_WORDS];
    read_words(decoder, words);
    const uint64_t ids = (uint64_t)decoder->identification << 32 | packet->fragment_id;
    const uint64_t sizes = (uint64_t)packet->ip_bytes << 32 |
                           (uint64_t)packet->fragment_offset_bytes << 8 | packet->protocol;
    const uint64_t sum =
        fold(words[0] ^ UINT64_C(0xa0761d6478bd642f), words[1] ^ UINT64_C(0xe7037ed1a0b428db)) ^
        fold(words[2] ^ UINT64_C(0x8ebc6af09c88c6e3), words[3] ^ UINT64_C(0x589965cc75374cc3)) ^
        fold(ids ^ UINT64_C(0x1d8e4e27c47d124f), sizes ^ UINT64_C(0xeb44accab455d165));
    packet->digest = (uint32_t)(sum ^ sum >> 32);
}
