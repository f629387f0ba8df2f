/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endpoint.h"

#include "base/siphash.h"

#include <string.h>

uint64_t endpoint_hash_host(const uint64_t key[2], const uint8_t address[16], uint8_t ip_version)
{
    uint8_t bytes[20] = {0};
    memcpy(bytes, address, 16);
    bytes[16] = ip_version;
    return siphash13(key, bytes, sizeof bytes);
}

uint64_t endpoint_hash_port(const uint64_t key[2], uint8_t protocol, uint16_t port)
{
    const uint8_t bytes[3] = {protocol, (uint8_t)(port >> 8), (uint8_t)port};
    return siphash13(key, bytes, sizeof bytes);
}
