/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID, version 1, seed 0. Used by the native formatter; any thread, no state. */
#include "format/community_id.h"

#include "base/protocol.h"
#include "base/sha1.h"

#include <stddef.h>
#include <string.h>

enum { SEED_SIZE = 2, PORTS_SIZE = 4, MESSAGE_SIZE_MAX = SEED_SIZE + 16 + 16 + 2 + PORTS_SIZE };

/* True if the source is to stand second: ends are ordered by address, then by port. */
static bool is_reversed(const struct community_id_key *key, size_t address_size)
{
    if (key->is_one_way)
        return false;
    const int order = memcmp(key->source, key->destination, address_size);
    return order > 0 || (order == 0 && key->source_port > key->destination_port);
}

static size_t put_port(uint8_t *out, uint16_t port)
{
    out[0] = (uint8_t)(port >> 8);
    out[1] = (uint8_t)(port & 0xff);
    return 2;
}

/* seed, lower end, higher end, protocol, padding, and the ports where the protocol has them. */
static size_t put_message(const struct community_id_key *key, uint8_t message[MESSAGE_SIZE_MAX])
{
    const size_t address_size = key->ip_version == 4 ? 4 : 16;
    const bool swap = is_reversed(key, address_size);
    size_t size = SEED_SIZE;
    memset(message, 0, MESSAGE_SIZE_MAX);
    memcpy(message + size, swap ? key->destination : key->source, address_size);
    size += address_size;
    memcpy(message + size, swap ? key->source : key->destination, address_size);
    size += address_size;
    message[size] = key->protocol;
    size += 2;
    if (!protocol_has_ports(key->protocol) && !protocol_is_icmp(key->protocol))
        return size;
    size += put_port(message + size, swap ? key->destination_port : key->source_port);
    size += put_port(message + size, swap ? key->source_port : key->destination_port);
    return size;
}

/* Base64 of 20 bytes: six groups of three, then two bytes and one '='. */
static void put_base64(const uint8_t digest[SHA1_SIZE], char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[SHA1_SIZE + 1] = {0};
    memcpy(padded, digest, SHA1_SIZE);
    for (size_t i = 0; i < sizeof padded; i += 3) {
        const uint32_t group =
            (uint32_t)padded[i] << 16 | (uint32_t)padded[i + 1] << 8 | padded[i + 2];
        *out++ = letters[group >> 18 & 63];
        *out++ = letters[group >> 12 & 63];
        *out++ = letters[group >> 6 & 63];
        *out++ = letters[group & 63];
    }
    out[-1] = '=';
    *out = '\0';
}

void community_id(const struct community_id_key *key, char text[COMMUNITY_ID_SIZE])
{
    uint8_t message[MESSAGE_SIZE_MAX];
    uint8_t digest[SHA1_SIZE];
    const size_t size = put_message(key, message);
    sha1(message, size, digest);
    text[0] = '1';
    text[1] = ':';
    put_base64(digest, text + 2);
}
