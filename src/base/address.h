/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as 16 bytes (IPv4: the first 4) and a version: text and kind.
 * Constant data; any thread. */
#ifndef WHYFLOW_BASE_ADDRESS_H
#define WHYFLOW_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { ADDRESS_TEXT_SIZE = 46 };

enum address_kind {
    ADDRESS_GLOBAL,
    ADDRESS_PRIVATE, /* RFC 1918, RFC 4193 */
    ADDRESS_LOOPBACK,
    ADDRESS_LINK_LOCAL,
    ADDRESS_MULTICAST,
    ADDRESS_BROADCAST, /* 255.255.255.255 */
    ADDRESS_UNSPECIFIED,
    ADDRESS_DOCUMENTATION, /* RFC 5737, RFC 3849 */
    ADDRESS_SHARED,        /* 100.64.0.0/10, RFC 6598 */
    ADDRESS_6TO4,          /* 2002::/16, RFC 3056 */
    ADDRESS_TEREDO,        /* 2001::/32, RFC 4380 */
    ADDRESS_NAT64,         /* 64:ff9b::/96, RFC 6052 */
    ADDRESS_RESERVED,
};

/* RFC 5952 text for IPv6, dotted decimal for IPv4, NUL-ended; returns `text`. */
char *address_text(const uint8_t address[16], uint8_t ip_version, char text[ADDRESS_TEXT_SIZE]);

enum address_kind address_kind(const uint8_t address[16], uint8_t ip_version);

/* "private", "6to4", ...; "" for ADDRESS_GLOBAL. */
const char *address_kind_name(enum address_kind kind);

/* The IPv4 address inside a 6to4, Teredo (the client's) or NAT64 address; false for others. */
bool address_embedded_ipv4(const uint8_t address[16], uint8_t ip_version, uint8_t ipv4[16]);

/* True if address lies in network/prefix_bits. */
bool address_in_network(const uint8_t address[16], const uint8_t network[16], uint8_t prefix_bits);

#endif
