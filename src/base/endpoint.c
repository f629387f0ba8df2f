/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endpoint.h"

#include "base/siphash.h"

/* Both are siphash13 over the bytes named, which lie in registers here. */

uint64_t endpoint_hash_host(const uint64_t key[2], const uint8_t address[16], uint8_t ip_version)
{
    enum { BYTES = 20 }; /* the address, the version, and three of padding */
    struct siphash_state state = siphash_begin(key);
    siphash_add(&state, siphash_load(address));
    siphash_add(&state, siphash_load(address + 8));
    siphash_add(&state, (uint64_t)BYTES << 56 | ip_version);
    return siphash_end(&state);
}

uint64_t endpoint_hash_port(const uint64_t key[2], uint8_t protocol, uint16_t port)
{
    enum { BYTES = 3 }; /* the protocol, and the port in network order */
    struct siphash_state state = siphash_begin(key);
    siphash_add(&state, (uint64_t)BYTES << 56 | (uint64_t)(port & 0xff) << 16 |
                            (uint64_t)(port >> 8) << 8 | protocol);
    return siphash_end(&state);
}
