/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in words: the text of RFC 5952 and what an address is. The format room prints with it,
 * the explain room speaks with it, the feature room asks whether an address is local. Constant
 * data; any thread. */
#include "base/address.h"

#include "base/text.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { IPV6_GROUPS = 8 };

struct address_range {
    uint8_t network[16];
    uint8_t prefix_bits;
    uint8_t kind; /* enum address_kind */
};

/* First match wins: the narrower range stands before the wider one. IANA's special-purpose
 * address registries (RFC 6890) and the sources named in address.h. */
static const struct address_range ipv4_ranges[] = {
    {{0, 0, 0, 0}, 32, ADDRESS_UNSPECIFIED},
    {{0}, 8, ADDRESS_RESERVED},
    {{10}, 8, ADDRESS_PRIVATE},
    {{100, 64}, 10, ADDRESS_SHARED},
    {{127}, 8, ADDRESS_LOOPBACK},
    {{169, 254}, 16, ADDRESS_LINK_LOCAL},
    {{172, 16}, 12, ADDRESS_PRIVATE},
    {{192, 0, 2}, 24, ADDRESS_DOCUMENTATION},
    {{192, 168}, 16, ADDRESS_PRIVATE},
    {{198, 51, 100}, 24, ADDRESS_DOCUMENTATION},
    {{203, 0, 113}, 24, ADDRESS_DOCUMENTATION},
    {{224}, 4, ADDRESS_MULTICAST},
    {{255, 255, 255, 255}, 32, ADDRESS_BROADCAST},
    {{240}, 4, ADDRESS_RESERVED},
};

static const struct address_range ipv6_ranges[] = {
    {{0}, 128, ADDRESS_UNSPECIFIED},
    {{[15] = 1}, 128, ADDRESS_LOOPBACK},
    {{0x00, 0x64, 0xff, 0x9b}, 96, ADDRESS_NAT64},
    {{0x20, 0x01, 0x00, 0x00}, 32, ADDRESS_TEREDO},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, ADDRESS_DOCUMENTATION},
    {{0x20, 0x02}, 16, ADDRESS_6TO4},
    {{0x20}, 3, ADDRESS_GLOBAL}, /* 2000::/3 is all that is handed out */
    {{0xfc}, 7, ADDRESS_PRIVATE},
    {{0xfe, 0x80}, 10, ADDRESS_LINK_LOCAL},
    {{0xff}, 8, ADDRESS_MULTICAST},
    {{0}, 0, ADDRESS_RESERVED},
};

/* Eight bytes as a number whose highest bit is the first. */
static uint64_t load_bits(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Asked of a flow's two addresses for some twenty networks. */
bool address_in_network(const uint8_t address[16], const uint8_t network[16], uint8_t prefix_bits)
{
    assert(prefix_bits <= 128);
    if (prefix_bits == 0)
        return true;
    const uint64_t head = load_bits(address) ^ load_bits(network);
    if (prefix_bits <= 64)
        return head >> (64 - prefix_bits) == 0;
    const uint64_t tail = load_bits(address + 8) ^ load_bits(network + 8);
    return head == 0 && tail >> (128 - prefix_bits) == 0;
}

static enum address_kind find_kind(const struct address_range *ranges, size_t count,
                                   const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        if (address_in_network(address, ranges[i].network, ranges[i].prefix_bits))
            return (enum address_kind)ranges[i].kind;
    }
    return ADDRESS_GLOBAL;
}

enum address_kind address_kind(const uint8_t address[16], uint8_t ip_version)
{
    if (ip_version == 4)
        return find_kind(ipv4_ranges, sizeof ipv4_ranges / sizeof ipv4_ranges[0], address);
    return find_kind(ipv6_ranges, sizeof ipv6_ranges / sizeof ipv6_ranges[0], address);
}

const char *address_kind_name(enum address_kind kind)
{
    static const char *const names[] = {
        [ADDRESS_GLOBAL] = "",
        [ADDRESS_PRIVATE] = "private",
        [ADDRESS_LOOPBACK] = "loopback",
        [ADDRESS_LINK_LOCAL] = "link-local",
        [ADDRESS_MULTICAST] = "multicast",
        [ADDRESS_BROADCAST] = "broadcast",
        [ADDRESS_UNSPECIFIED] = "unspecified",
        [ADDRESS_DOCUMENTATION] = "documentation",
        [ADDRESS_SHARED] = "shared",
        [ADDRESS_6TO4] = "6to4",
        [ADDRESS_TEREDO] = "Teredo",
        [ADDRESS_NAT64] = "NAT64",
        [ADDRESS_RESERVED] = "reserved",
    };
    assert((size_t)kind < sizeof names / sizeof names[0]);
    return names[kind];
}

bool address_embedded_ipv4(const uint8_t address[16], uint8_t ip_version, uint8_t ipv4[16])
{
    const enum address_kind kind = address_kind(address, ip_version);
    memset(ipv4, 0, 16);
    switch (kind) {
    case ADDRESS_6TO4:
        memcpy(ipv4, address + 2, 4);
        return true;
    case ADDRESS_NAT64:
        memcpy(ipv4, address + 12, 4);
        return true;
    case ADDRESS_TEREDO: /* the client's address is stored inverted (RFC 4380, 4) */
        for (size_t i = 0; i < 4; i++)
            ipv4[i] = (uint8_t)(address[12 + i] ^ 0xff);
        return true;
    default:
        return false;
    }
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). A length of 0
 * says that there is none. */
struct zero_run {
    size_t start, length;
};

static struct zero_run longest_zero_run(const uint16_t groups[IPV6_GROUPS])
{
    struct zero_run best = {0, 0};
    for (size_t i = 0; i < IPV6_GROUPS; i++) {
        size_t length = 0;
        while (i + length < IPV6_GROUPS && groups[i + length] == 0)
            length++;
        if (length >= 2 && length > best.length)
            best = (struct zero_run){i, length};
        i += length;
    }
    return best;
}

static void append_ipv4(struct text *text, const uint8_t address[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            text_append_char(text, '.');
        text_append_uint(text, address[i]);
    }
}

static void append_hexadecimal(struct text *text, uint16_t group)
{
    static const char digits[] = "0123456789abcdef";
    bool is_started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        const unsigned digit = (unsigned)group >> shift & 0xfu;
        is_started = is_started || digit != 0 || shift == 0;
        if (is_started)
            text_append_char(text, digits[digit]);
    }
}

/* ::ffff:a.b.c.d: RFC 5952, 5 recommends the mixed form for the well-known prefix. */
static bool is_ipv4_mapped(const uint16_t groups[IPV6_GROUPS])
{
    for (size_t i = 0; i < 5; i++) {
        if (groups[i] != 0)
            return false;
    }
    return groups[5] == 0xffff;
}

static void append_ipv6(struct text *text, const uint8_t address[16])
{
    uint16_t groups[IPV6_GROUPS];
    for (size_t i = 0; i < IPV6_GROUPS; i++)
        groups[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
    if (is_ipv4_mapped(groups)) {
        text_append(text, "::ffff:");
        append_ipv4(text, address + 12);
        return;
    }
    const struct zero_run run = longest_zero_run(groups);
    for (size_t i = 0; i < IPV6_GROUPS; i++) {
        if (run.length > 0 && i == run.start) {
            text_append(text, "::");
            i += run.length - 1;
            continue;
        }
        if (i > 0 && i != run.start + run.length)
            text_append_char(text, ':');
        append_hexadecimal(text, groups[i]);
    }
}

char *address_text(const uint8_t address[16], uint8_t ip_version, char text[ADDRESS_TEXT_SIZE])
{
    struct text out = text_init(text, ADDRESS_TEXT_SIZE);
    if (ip_version == 4)
        append_ipv4(&out, address);
    else
        append_ipv6(&out, address);
    assert(!out.is_full);
    return text;
}
