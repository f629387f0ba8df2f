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
#include <stddef.h>
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

/* A word of an address as a number: numbers are in the order that memcmp has words in. */
static inline uint64_t flow_key_order32(uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap32(word);
#else
    return word;
#endif
}

static inline uint64_t flow_key_order64(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

static inline uint16_t flow_key_bits(const struct packet *packet, bool vlan_is_in_key)
{
    const unsigned one_way = (packet->marks & PACKET_MARK_ONE_WAY) != 0 ? FLOW_KEY_ONE_WAY : 0;
    return (uint16_t)(one_way | (vlan_is_in_key ? 2u * flow_key_vlan(packet) : 0));
}

_Static_assert(offsetof(struct packet, destination_port) ==
                   offsetof(struct packet, source_port) + sizeof(uint16_t),
               "a packet's ports are one word");

/* Ports, protocol and what else the second word of a head holds. */
static inline uint64_t flow_key_second_word(const struct packet *packet, bool is_turned,
                                            uint16_t bits)
{
    uint32_t ports;
    memcpy(&ports, &packet->source_port, sizeof ports);
    const uint32_t turned = ports << 16 | ports >> 16;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t kind =
        packet->protocol | (uint32_t)packet->ip_version << 8 | (uint32_t)bits << 16;
#else
    const uint32_t kind =
        (uint32_t)packet->protocol << 24 | (uint32_t)packet->ip_version << 16 | bits;
#endif
    return flow_key_pair(is_turned ? turned : ports, kind);
}

/* Does an IPv6 packet's source come after its destination? Equal addresses: by port. */
static inline bool flow_key_is_turned_ipv6(const struct packet *packet)
{
    for (unsigned at = 0; at < sizeof packet->source; at += 8) {
        const uint64_t from = flow_key_load64(packet->source + at);
        const uint64_t to = flow_key_load64(packet->destination + at);
        if (from != to)
            return flow_key_order64(from) > flow_key_order64(to);
    }
    return packet->source_port > packet->destination_port;
}

/* The endpoints of an IPv6 packet; returns the sender. */
static inline unsigned flow_key_endpoints_ipv6(const struct packet *packet, bool is_one_way,
                                               struct flow_key *key)
{
    const unsigned side = flow_key_is_turned_ipv6(packet) & !is_one_way;
    const uint8_t *const first = side ? packet->destination : packet->source;
    const uint8_t *const second = side ? packet->source : packet->destination;
    key->words[0] = flow_key_pair(flow_key_load32(first), flow_key_load32(second));
    key->words[2] = flow_key_load64(first + 4);
    key->words[3] = flow_key_pair(flow_key_load32(first + 12), flow_key_load32(second + 4));
    key->words[4] = flow_key_load64(second + 8);
    return side;
}

/* The same of an IPv4 packet, without branches for the order: which side sends next is not to be
 * foreseen. Address and port are compared as one number. */
static inline unsigned flow_key_endpoints_ipv4(const struct packet *packet, bool is_one_way,
                                               struct flow_key *key)
{
    const uint32_t from = flow_key_load32(packet->source);
    const uint32_t to = flow_key_load32(packet->destination);
    const uint64_t source = flow_key_order32(from) << 16 | packet->source_port;
    const uint64_t destination = flow_key_order32(to) << 16 | packet->destination_port;
    const unsigned side = (source > destination) & !is_one_way;
    const uint64_t addresses = flow_key_pair(from, to);
    key->words[0] = side ? addresses << 32 | addresses >> 32 : addresses;
    key->words[2] = key->words[3] = key->words[4] = 0;
    return side;
}

/* Fills `key`; returns the index of the endpoint that sent the packet. */
static inline unsigned flow_key_of(const struct packet *packet, bool vlan_is_in_key,
                                   struct flow_key *key)
{
    const uint16_t bits = flow_key_bits(packet, vlan_is_in_key);
    const bool is_one_way = bits & FLOW_KEY_ONE_WAY;
    const unsigned side = packet->ip_version == 4
                              ? flow_key_endpoints_ipv4(packet, is_one_way, key)
                              : flow_key_endpoints_ipv6(packet, is_one_way, key);
    key->words[1] = flow_key_second_word(packet, side, bits);
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

/* Decides placement only: keyed, because packets choose the keys. SipHash-1-3 without its last
 * word, which tells how long a message was: here the second does, as it has the IP version. */
static inline uint32_t flow_key_hash_from(struct siphash_state s, const struct flow_key *key)
{
    siphash_add(&s, key->words[0]);
    siphash_add(&s, key->words[1]);
    if (key->head.ip_version != 4)
        for (unsigned i = 2; i < 5; i++)
            siphash_add(&s, key->words[i]);
    return (uint32_t)siphash_end(&s);
}

static inline uint32_t flow_key_hash(const struct flow_key *key, const uint64_t hash_key[2])
{
    return flow_key_hash_from(siphash_begin(hash_key), key);
}

#endif
