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
    uint16_t is_one_way : 1; /* ICMP without a counterpart: the two directions are two flows */
    uint16_t vlan : 13;      /* flow_key_vlan where --key-vlan is given, else 0 */
    uint16_t padding : 2;    /* 0 */
};

/* The other 12 bytes of IPv6 addresses; of IPv4 0. */
struct flow_key_rest {
    uint8_t address[2][12];
};

/* The endpoint that is smaller comes first; for one-way ICMP the sender. */
struct flow_key {
    struct flow_key_head head;
    struct flow_key_rest rest;
};

_Static_assert(sizeof(struct flow_key_head) == 16, "a head is two words without padding");
_Static_assert(sizeof(struct flow_key) == 40, "flow_key has no padding of the compiler's");

/* 1 + the outermost tag's VLAN; 0: no tag. Tags are in the key only where asked for: on mirror
 * ports the two directions of a conversation often carry different ones. */
static inline uint16_t flow_key_vlan(const struct packet *packet)
{
    return packet->vlan_count > 0 ? (uint16_t)(1 + (packet->vlan[0] & 0x0fff)) : 0;
}

/* < 0, 0, > 0: the source comes before, equals, comes after the destination. */
static inline int flow_key_order(const struct packet *packet)
{
    if (packet->ip_version == 4) {
        uint32_t from, to;
        memcpy(&from, packet->source, sizeof from);
        memcpy(&to, packet->destination, sizeof to);
        if (from != to) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            from = __builtin_bswap32(from);
            to = __builtin_bswap32(to);
#endif
            return from < to ? -1 : 1;
        }
    } else {
        const int order = memcmp(packet->source, packet->destination, sizeof packet->source);
        if (order != 0)
            return order;
    }
    return (int)packet->source_port - (int)packet->destination_port;
}

/* Fills `key`; returns the index of the endpoint that sent the packet. */
static inline unsigned flow_key_of(const struct packet *packet, bool vlan_is_in_key,
                                   struct flow_key *key)
{
    const bool is_one_way = (packet->marks & PACKET_MARK_ONE_WAY) != 0;
    const unsigned side = !is_one_way && flow_key_order(packet) > 0;
    const unsigned start_bytes = sizeof key->head.address[0];
    *key = (struct flow_key){
        .head = {.protocol = packet->protocol,
                 .ip_version = packet->ip_version,
                 .is_one_way = is_one_way},
    };
    if (vlan_is_in_key)
        key->head.vlan = (uint16_t)(flow_key_vlan(packet) & 0x1fff);
    key->head.port[side] = packet->source_port;
    key->head.port[1 - side] = packet->destination_port;
    memcpy(key->head.address[side], packet->source, start_bytes);
    memcpy(key->head.address[1 - side], packet->destination, start_bytes);
    if (packet->ip_version == 4)
        return side;
    memcpy(key->rest.address[side], packet->source + start_bytes, sizeof key->rest.address[0]);
    memcpy(key->rest.address[1 - side], packet->destination + start_bytes,
           sizeof key->rest.address[0]);
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
           memcmp(&a->rest, &b->rest, sizeof a->rest) == 0;
}

/* Decides placement only: keyed, because packets choose the keys. */
static inline uint32_t flow_key_hash(const struct flow_key *key, const uint64_t hash_key[2])
{
    uint64_t words[sizeof *key / 8];
    const bool is_short = key->head.ip_version == 4;
    memcpy(words, key, is_short ? sizeof key->head : sizeof *key);
    return (uint32_t)(is_short ? siphash13_words(hash_key, words, sizeof key->head / 8)
                               : siphash13_words(hash_key, words, sizeof *key / 8));
}

#endif
