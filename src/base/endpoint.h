/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of a flow's two endpoints, taken once a flow and shared by every table that is keyed by
 * them: of a dozen tables each has the source, the destination or both in its key, and SipHash over
 * their bytes anew for each took 250 ns a flow. Called by whoever hands flows to the rooms; no
 * state, any thread.
 *
 * The hash of a key made of several is made of theirs. They are outputs of a keyed hash that nobody
 * sees, so whoever chooses addresses can aim at no value of the product either. */
#ifndef WHYFLOW_BASE_ENDPOINT_H
#define WHYFLOW_BASE_ENDPOINT_H

#include <stdint.h>

/* For the feature room alone, which looks a flow up several times: see feature_warm. */
enum { ENDPOINT_TABLES = 5 };
struct endpoint_guide {
    uint32_t service; /* the code of the flow's service */
    uint32_t hash[ENDPOINT_TABLES];
    uint32_t
        place[ENDPOINT_TABLES]; /* where its entries were when they were asked for; 0: nowhere */
};

struct endpoint_hashes {
    uint64_t source, destination; /* placement in tables: never part of output */
    /* For distinct counters, whose estimates depend on them: part of output. */
    uint64_t source_sketch, destination_sketch, port_sketch;
    struct endpoint_guide guide;
};

/* A host for the hash: address (IPv4: 4 bytes, the rest 0) and version, 4 or 6. */
uint64_t endpoint_hash_host(const uint64_t key[2], const uint8_t address[16], uint8_t ip_version);
/* Of the responder's port, in host order, and its protocol. */
uint64_t endpoint_hash_port(const uint64_t key[2], uint8_t protocol, uint16_t port);

/* Of two hashes, in this order; or of one and a number that is part of the key. */
static inline uint32_t endpoint_hash_both(uint64_t first, uint64_t second)
{
    const unsigned __int128 product = (unsigned __int128)(first ^ UINT64_C(0x9e3779b97f4a7c15)) *
                                      (second ^ UINT64_C(0xd1b54a32d192ed03));
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

#endif
