/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a bidirectional flow: its two endpoints in a fixed order, and the protocol. Both
 * directions of a conversation have the same key; `side` tells which endpoint sent a packet.
 * Compared and hashed as bytes, so every byte is set. Any thread. */
#ifndef WHYFLOW_FLOW_KEY_H
#define WHYFLOW_FLOW_KEY_H

#include "whyflow/packet.h"

#include <stdbool.h>
#include <string.h>

struct flow_endpoint {
    uint8_t address[16];
    uint16_t port;
};

struct flow_key {
    struct flow_endpoint endpoint[2]; /* the smaller first; for one-way ICMP the sender first */
    uint8_t protocol;
    uint8_t ip_version;
    uint16_t is_one_way : 1; /* ICMP without a counterpart: the two directions are two flows */
    uint16_t vlan : 13;      /* flow_key_vlan where --key-vlan is given, else 0 */
    uint16_t padding : 2;    /* 0 */
};

_Static_assert(sizeof(struct flow_key) == 40, "flow_key has no padding of the compiler's");

/* 1 + the outermost tag's VLAN; 0: no tag. Tags are in the key only where asked for: on mirror
 * ports the two directions of a conversation often carry different ones. */
static inline uint16_t flow_key_vlan(const struct packet *packet)
{
    return packet->vlan_count > 0 ? (uint16_t)(1 + (packet->vlan[0] & 0x0fff)) : 0;
}

/* Fills `key`; returns the index of the endpoint that sent the packet. */
static inline unsigned flow_key_of(const struct packet *packet, bool vlan_is_in_key,
                                   struct flow_key *key)
{
    struct flow_endpoint from = {.port = packet->source_port};
    struct flow_endpoint to = {.port = packet->destination_port};
    memcpy(from.address, packet->source, sizeof from.address);
    memcpy(to.address, packet->destination, sizeof to.address);
    const bool is_one_way = (packet->marks & PACKET_MARK_ONE_WAY) != 0;
    int order = memcmp(from.address, to.address, sizeof from.address);
    if (order == 0)
        order = (int)from.port - (int)to.port;
    const unsigned side = !is_one_way && order > 0;
    *key = (struct flow_key){
        .protocol = packet->protocol,
        .ip_version = packet->ip_version,
        .is_one_way = is_one_way,
    };
    if (vlan_is_in_key)
        key->vlan = (uint16_t)(flow_key_vlan(packet) & 0x1fff);
    key->endpoint[side] = from;
    key->endpoint[1 - side] = to;
    return side;
}

static inline int flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

#endif
