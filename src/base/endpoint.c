/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endpoint.h"

#include "base/siphash.h"

#include <string.h>

/* Both sketches are siphash13 over the bytes named, which lie in registers here. */

static uint64_t sketch_host(const uint64_t key[2], const uint8_t address[16], uint8_t ip_version)
{
    enum { BYTES = 20 }; /* the address, the version, and three of padding */
    struct siphash_state state = siphash_begin(key);
    siphash_add(&state, siphash_load(address));
    siphash_add(&state, siphash_load(address + 8));
    siphash_add(&state, (uint64_t)BYTES << 56 | ip_version);
    return siphash_end(&state);
}

uint32_t endpoint_sketch_port(const uint64_t sketch_key[2], uint8_t protocol, uint16_t port)
{
    enum { BYTES = 3 }; /* the protocol, and the port in network order */
    struct siphash_state state = siphash_begin(sketch_key);
    siphash_add(&state, (uint64_t)BYTES << 56 | (uint64_t)(port & 0xff) << 16 |
                            (uint64_t)(port >> 8) << 8 | protocol);
    return (uint32_t)siphash_end(&state);
}

void endpoint_hasher_init(struct endpoint_hasher *hasher, const uint64_t placement_key[2],
                          const uint64_t sketch_key[2])
{
    *hasher = (struct endpoint_hasher){
        .placement_key = {placement_key[0], placement_key[1]},
        .sketch_key = {sketch_key[0], sketch_key[1]},
        .ports = {[0] = {.key = 0, .sketch = endpoint_sketch_port(sketch_key, 0, 0)}},
    };
}

/* The sketch is 64 bits of SipHash; but replays have its key from a constant, so that whoever makes
 * a capture could choose hosts by it. The product's halves, and so the place, depend on a secret
 * odd number that all its bits are multiplied by. */
static uint64_t place_of(const struct endpoint_hasher *hasher, uint64_t sketch)
{
    const uint64_t *const key = hasher->placement_key;
    const unsigned __int128 product = (unsigned __int128)(sketch ^ key[0]) * (key[1] | 1);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t endpoint_place_host(const struct endpoint_hasher *hasher, const uint8_t address[16],
                             uint8_t ip_version)
{
    return place_of(hasher, sketch_host(hasher->sketch_key, address, ip_version));
}

/* Of the host that was hashed last in its role, or anew. */
static uint64_t host_sketch(const struct endpoint_hasher *hasher, struct endpoint_host *last,
                            const uint8_t address[16], uint8_t ip_version)
{
    uint64_t words[2];
    memcpy(words, address, sizeof words);
    if (last->address[0] == words[0] && last->address[1] == words[1] &&
        last->ip_version == ip_version)
        return last->sketch;
    *last = (struct endpoint_host){
        .address = {words[0], words[1]},
        .sketch = sketch_host(hasher->sketch_key, address, ip_version),
        .ip_version = ip_version,
    };
    return last->sketch;
}

static uint32_t port_sketch(struct endpoint_hasher *hasher, uint8_t protocol, uint16_t port)
{
    const uint32_t key = (uint32_t)protocol << 16 | port;
    struct endpoint_port *const kept = &hasher->ports[key % ENDPOINT_PORTS_KEPT];
    if (kept->key != key)
        *kept = (struct endpoint_port){
            .key = key, .sketch = endpoint_sketch_port(hasher->sketch_key, protocol, port)};
    return kept->sketch;
}

void endpoint_hash(struct endpoint_hasher *hasher, const struct flow_record *flow, uint32_t service,
                   struct endpoint_hashes *hashes)
{
    const uint64_t port = (uint64_t)flow->protocol << 16 | flow->destination_port;
    const uint64_t source_sketch =
        host_sketch(hasher, &hasher->source, flow->source, flow->ip_version);
    const uint64_t destination_sketch =
        host_sketch(hasher, &hasher->destination, flow->destination, flow->ip_version);
    const uint64_t source = place_of(hasher, source_sketch);
    const uint64_t destination = place_of(hasher, destination_sketch);
    hashes->hash[ENDPOINT_SOURCE] = (uint32_t)source;
    hashes->hash[ENDPOINT_DESTINATION] = (uint32_t)destination;
    hashes->hash[ENDPOINT_PAIR] = endpoint_hash_both(source, destination);
    hashes->hash[ENDPOINT_CONVERSATION] = endpoint_hash_both(source, destination + port);
    hashes->hash[ENDPOINT_SOURCE_PORT] = endpoint_hash_both(source, port);
    hashes->hash[ENDPOINT_DESTINATION_PORT] = endpoint_hash_both(destination, port);
    hashes->hash[ENDPOINT_OFFER] = endpoint_hash_both(destination, service);
    hashes->source_sketch = (uint32_t)source_sketch;
    hashes->destination_sketch = (uint32_t)destination_sketch;
    hashes->port_sketch = port_sketch(hasher, flow->protocol, flow->destination_port);
    hashes->service = service;
    memset(hashes->feature_place, 0, sizeof hashes->feature_place);
    memset(hashes->behaviour_place, 0, sizeof hashes->behaviour_place);
}
