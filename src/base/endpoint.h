/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of a flow's two endpoints and their port, taken once a flow and shared by every table that
 * is keyed by them: of a dozen tables each has the source, the destination or both in its key, and
 * SipHash over their bytes anew for each took 250 ns a flow. Used by the feature and the behaviour
 * room, on their thread.
 *
 * A host is hashed once, with the sketch key: distinct counters count by that, and it is part of
 * output. Where the host lies in tables is made of it and of the placement key, by a product that
 * nobody who does not know the key can aim at; so is the hash of a key made of several. A second
 * SipHash with the placement key took 230 instructions a flow. */
#ifndef WHYFLOW_BASE_ENDPOINT_H
#define WHYFLOW_BASE_ENDPOINT_H

#include "whyflow/flow_record.h"

#include <stdint.h>

/* What the key of a table is made of; a port is the responder's, with the protocol. */
enum endpoint_key {
    ENDPOINT_SOURCE,
    ENDPOINT_DESTINATION,
    ENDPOINT_PAIR,
    ENDPOINT_SOURCE_PORT,      /* as the source asks it of any host */
    ENDPOINT_DESTINATION_PORT, /* at the destination, whoever asks */
    ENDPOINT_CONVERSATION,     /* both and the port */
    ENDPOINT_OFFER,            /* the destination and the service */
    ENDPOINT_KEYS
};

/* Of one flow. The places are the rooms' own notes, where their entries were when they were asked
 * for; 0: nowhere. */
struct endpoint_hashes {
    uint32_t hash[ENDPOINT_KEYS]; /* placement in tables: never part of output */
    uint32_t source_sketch, destination_sketch, port_sketch; /* part of output */
    uint32_t service;                                        /* its code, category.h */
    uint32_t feature_place[ENDPOINT_KEYS], behaviour_place[ENDPOINT_KEYS];
};

/* The keys, and hashes made before: a flood has one destination and a scan one source, and a
 * network asks for the same few ports. */
enum { ENDPOINT_PORTS_KEPT = 256 };
struct endpoint_hasher {
    uint64_t placement_key[2], sketch_key[2];
    struct endpoint_host {
        uint64_t address[2];
        uint64_t sketch;
        uint8_t ip_version; /* 0: there was none yet */
    } source, destination;
    struct endpoint_port {
        uint32_t key; /* protocol and port; 0: none, whose sketch is made at the start */
        uint32_t sketch;
    } ports[ENDPOINT_PORTS_KEPT];
};

void endpoint_hasher_init(struct endpoint_hasher *hasher, const uint64_t placement_key[2],
                          const uint64_t sketch_key[2]);
/* All of a flow's; it was found nowhere yet. */
void endpoint_hash(struct endpoint_hasher *hasher, const struct flow_record *flow, uint32_t service,
                   struct endpoint_hashes *hashes);

/* For who has no flow: where a host lies. Address: IPv4 has 4 bytes, the rest 0; version 4 or 6. */
uint64_t endpoint_place_host(const struct endpoint_hasher *hasher, const uint8_t address[16],
                             uint8_t ip_version);
/* Sketch of the responder's port, in host order, and its protocol. */
uint32_t endpoint_sketch_port(const uint64_t sketch_key[2], uint8_t protocol, uint16_t port);

/* Of two places, in this order; or of one and a number that is part of the key. */
static inline uint32_t endpoint_hash_both(uint64_t first, uint64_t second)
{
    const unsigned __int128 product = (unsigned __int128)(first ^ UINT64_C(0x9e3779b97f4a7c15)) *
                                      (second ^ UINT64_C(0xd1b54a32d192ed03));
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

#endif
