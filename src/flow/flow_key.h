/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a bidirectional flow: its two endpoints in a fixed order, and the protocol. Both
 * directions of a conversation have the same key; `side` tells which endpoint sent a packet.
 * Compared and hashed as words, so every byte is set. The head is all of an IPv4 key: 16 bytes to
 * hash, compare and keep instead of 40. Any thread. */
#ifndef WHYFLOW_FLOW_KEY_H
#define WHYFLOW_FLOW_KEY_H

#include "base/siphash.h"
#include "whyflow/packet.h"

#include <stdbool.h>
#include <string.h>

struct flow_key_head {
    uint8_t address[2][4]; /* the first 4 bytes of each endpoint's */
    uint16_t port[2];
    uint8_t protocol;
    uint8_t ip_version;
    uint16_t bits; /* FLOW_KEY_ONE_WAY; 2 * flow_key_vlan where --key-vlan is given */
};

/* ICMP without a counterpart: the two directions are two flows. */
enum { FLOW_KEY_ONE_WAY = 1 };

/* The other 12 bytes of IPv6 addresses; of IPv4 0. */
struct flow_key_rest {
    uint8_t address[2][12];
};

/* The endpoint that is smaller comes first; for one-way ICMP the sender. A packet's key is made and
 * hashed in words: writing it byte by byte and reading it in words takes longer than the hash. */
struct flow_key {
    union {
        struct {
            struct flow_key_head head;
            struct flow_key_rest rest;
        };
        uint64_t words[5];
    };
};

_Static_assert(sizeof(struct flow_key_head) == 16, "a head is two words without padding");
_Static_assert(sizeof(struct flow_key) == 40, "flow_key has no padding of the compiler's");

/* 1 + the outermost tag's VLAN; 0: no tag. Tags are in the key only where asked for: on mirror
 * ports the two directions of a conversation often carry different ones. */
static inline uint16_t flow_key_vlan(const struct packet *packet)
{
    return packet->vlan_count > 0 ? (uint16_t)(1 + (packet->vlan[0] & 0x0fff)) : 0;
}

/* Two halves as they lie in memory one after the other. */
static inline uint64_t flow_key_pair(uint32_t first, uint32_t second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return first | (uint64_t)second << 32;
#else
    return (uint64_t)first << 32 | second;
#endif
}

static inline uint32_t flow_key_load32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t flow_key_load64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* As memcmp orders them. */
static inline bool flow_key_is_after32(uint32_t a, uint32_t b)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap32(a) > __builtin_bswap32(b);
#else
    return a > b;
#endif
}

static inline bool flow_key_is_after64(uint64_t a, uint64_t b)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(a) > __builtin_bswap64(b);
#else
    return a > b;
#endif
}

/* Does the packet's source come after its destination? Equal addresses: by port. */
static inline bool flow_key_is_turned(const struct packet *packet)
{
    const bool is_after = packet->source_port > packet->destination_port;
    if (packet->ip_version == 4) {
        const uint32_t from = flow_key_load32(packet->source);
        const uint32_t to = flow_key_load32(packet->destination);
        return flow_key_is_after32(from, to) | ((from == to) & is_after);
    }
    for (unsigned at = 0; at < sizeof packet->source; at += 8) {
        const uint64_t from = flow_key_load64(packet->source + at);
        const uint64_t to = flow_key_load64(packet->destination + at);
        if (from != to)
            return flow_key_is_after64(from, to);
    }
    return is_after;
}

/* Ports, protocol and what else the second word of a head holds. */
static inline uint64_t flow_key_second_word(const struct packet *packet, unsigned side,
                                            bool vlan_is_in_key)
{
    const uint32_t from = packet->source_port, to = packet->destination_port;
    const uint32_t swapped = (from ^ to) & (0 - (uint32_t)side);
    const uint32_t bits = ((packet->marks & PACKET_MARK_ONE_WAY) != 0 ? FLOW_KEY_ONE_WAY : 0) |
                          (vlan_is_in_key ? 2u * flow_key_vlan(packet) : 0);
    const uint32_t first = from ^ swapped, second = to ^ swapped;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return flow_key_pair(first | second << 16,
                         packet->protocol | (uint32_t)packet->ip_version << 8 | bits << 16);
#else
    return flow_key_pair(first << 16 | second, (uint32_t)packet->protocol << 24 |
                                                   (uint32_t)packet->ip_version << 16 | bits);
#endif
}

/* Fills `key`; returns the index of the endpoint that sent the packet. Without branches for the
 * order of the endpoints: which side sends next is not to be foreseen. */
static inline unsigned flow_key_of(const struct packet *packet, bool vlan_is_in_key,
                                   struct flow_key *key)
{
    const bool is_one_way = (packet->marks & PACKET_MARK_ONE_WAY) != 0;
    const unsigned side = flow_key_is_turned(packet) & !is_one_way;
    const uint32_t from = flow_key_load32(packet->source),
                   to = flow_key_load32(packet->destination);
    const uint32_t swapped = (from ^ to) & (0 - (uint32_t)side);
    key->words[0] = flow_key_pair(from ^ swapped, to ^ swapped);
    key->words[1] = flow_key_second_word(packet, side, vlan_is_in_key);
    if (packet->ip_version == 4) {
        key->words[2] = key->words[3] = key->words[4] = 0;
        return side;
    }
    const uint8_t *const first = side ? packet->destination : packet->source;
    const uint8_t *const second = side ? packet->source : packet->destination;
    key->words[2] = flow_key_load64(first + 4);
    key->words[3] = flow_key_pair(flow_key_load32(first + 12), flow_key_load32(second + 4));
    key->words[4] = flow_key_load64(second + 8);
    return side;
}

/* The whole address of an endpoint; IPv4: 4 bytes, the rest 0. */
static inline void flow_key_address(const struct flow_key *key, unsigned endpoint,
                                    uint8_t address[16])
{
    const unsigned start_bytes = sizeof key->head.address[0];
    memcpy(address, key->head.address[endpoint], start_bytes);
    memcpy(address + start_bytes, key->rest.address[endpoint], sizeof key->rest.address[0]);
}

static inline bool flow_key_head_equal(const struct flow_key_head *a, const struct flow_key_head *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return flow_key_head_equal(&a->head, &b->head) &&
           (a->head.ip_version == 4 || memcmp(&a->rest, &b->rest, sizeof a->rest) == 0);
}

/* Decides placement only: keyed, because packets choose the keys. */
static inline uint32_t flow_key_hash(const struct flow_key *key, const uint64_t hash_key[2])
{
    const bool is_ipv4 = key->head.ip_version == 4;
    struct siphash_state s = siphash_begin(hash_key);
    siphash_add(&s, key->words[0]);
    siphash_add(&s, key->words[1]);
    if (!is_ipv4)
        for (unsigned i = 2; i < 5; i++)
            siphash_add(&s, key->words[i]);
    siphash_add(&s, is_ipv4 ? UINT64_C(16) << 56 : UINT64_C(40) << 56);
    return (uint32_t)siphash_end(&s);
}

#endif
