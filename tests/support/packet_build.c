/* SPDX-License-Identifier: Apache-2.0 */
/* Builds frames for tests. See packet_build.h. */
#include "tests/support/packet_build.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { TTL = 64, NANOSECONDS_PER_SECOND = 1000000000, ETHERTYPE_IPV6 = 0x86dd };

void packet_build_u8(struct packet_build *build, uint8_t number)
{
    assert(build->size < PACKET_BUILD_SIZE);
    build->bytes[build->size++] = number;
}

void packet_build_u16(struct packet_build *build, uint16_t number)
{
    packet_build_u8(build, (uint8_t)(number >> 8));
    packet_build_u8(build, (uint8_t)number);
}

void packet_build_u32(struct packet_build *build, uint32_t number)
{
    packet_build_u16(build, (uint16_t)(number >> 16));
    packet_build_u16(build, (uint16_t)number);
}

void packet_build_payload(struct packet_build *build, size_t size)
{
    for (size_t i = 0; i < size; i++)
        packet_build_u8(build, (uint8_t)('a' + i % 26));
}

static void add_bytes(struct packet_build *build, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        packet_build_u8(build, (uint8_t)bytes[i]);
}

static void add_zeros(struct packet_build *build, size_t size)
{
    for (size_t i = 0; i < size; i++)
        packet_build_u8(build, 0);
}

void packet_build_start(struct packet_build *build, uint16_t link_type, uint16_t ethertype)
{
    memset(build, 0, sizeof *build);
    build->link_type = link_type;
    const bool is_ipv6 = ethertype == ETHERTYPE_IPV6;
    switch (link_type) {
    case 0: /* null, little-endian; 24: NetBSD's AF_INET6 */
        add_bytes(build, is_ipv6 ? "\x18\0\0\0" : "\x02\0\0\0", 4);
        break;
    case 108: /* loop */
        packet_build_u32(build, is_ipv6 ? 30 : 2);
        break;
    case 1: /* Ethernet */
        add_bytes(build, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
        packet_build_u16(build, ethertype);
        break;
    case 9: /* PPP */
    case 50:
        packet_build_u16(build, 0xff03);
        packet_build_u16(build, is_ipv6 ? 0x0057 : 0x0021);
        break;
    case 104: /* Cisco HDLC */
        packet_build_u16(build, 0x0f00);
        packet_build_u16(build, ethertype);
        break;
    case 113: /* Linux cooked */
        packet_build_u16(build, 4);
        packet_build_u16(build, 1);
        add_zeros(build, 10);
        packet_build_u16(build, ethertype);
        break;
    case 276: /* Linux cooked, version 2 */
        packet_build_u16(build, ethertype);
        add_zeros(build, 6);
        packet_build_u16(build, 1);
        add_zeros(build, 10);
        break;
    default: /* raw IP */
        break;
    }
}

void packet_build_vlan(struct packet_build *build, uint16_t id, uint16_t ethertype)
{
    packet_build_u16(build, (uint16_t)(0xa000 | id)); /* a priority, which is not part of the id */
    packet_build_u16(build, ethertype);
}

static void add_address(struct packet_build *build, int family, const char *text)
{
    uint8_t address[16];
    const int status = inet_pton(family, text, address);
    assert(status == 1);
    (void)status;
    add_bytes(build, (const char *)address, family == AF_INET ? 4 : 16);
}

/* The header that was the innermost so far gets another inside. */
static void begin_ip(struct packet_build *build, uint8_t version)
{
    if (build->ip_version != 0) {
        assert(build->outer_count < PACKET_BUILD_IP_MAX);
        build->outer_at[build->outer_count] = build->ip_at;
        build->outer_version[build->outer_count++] = build->ip_version;
    }
    build->ip_at = build->size;
    build->ip_version = version;
}

void packet_build_ipv4_full(struct packet_build *build, const char *source, const char *destination,
                            uint8_t protocol, unsigned option_words, uint16_t fragment)
{
    begin_ip(build, 4);
    packet_build_u8(build, (uint8_t)(0x45 + option_words));
    packet_build_u8(build, 0);
    packet_build_u16(build, 0); /* length: filled in later */
    packet_build_u16(build, 0x1234);
    packet_build_u16(build, fragment);
    packet_build_u8(build, TTL);
    packet_build_u8(build, protocol);
    packet_build_u16(build, 0);
    add_address(build, AF_INET, source);
    add_address(build, AF_INET, destination);
    for (unsigned i = 0; i < 4 * option_words; i++)
        packet_build_u8(build, 1); /* no operation */
}

void packet_build_ipv4(struct packet_build *build, const char *source, const char *destination,
                       uint8_t protocol)
{
    packet_build_ipv4_full(build, source, destination, protocol, 0, 0);
}

void packet_build_ipv6(struct packet_build *build, const char *source, const char *destination,
                       uint8_t next_header)
{
    begin_ip(build, 6);
    packet_build_u32(build, 0x60012345);
    packet_build_u16(build, 0); /* length: filled in later */
    packet_build_u8(build, next_header);
    packet_build_u8(build, TTL);
    add_address(build, AF_INET6, source);
    add_address(build, AF_INET6, destination);
}

void packet_build_extension(struct packet_build *build, uint8_t next_header, uint8_t units)
{
    packet_build_u8(build, next_header);
    packet_build_u8(build, units);
    add_zeros(build, 6 + 8u * units);
}

void packet_build_fragment(struct packet_build *build, uint8_t next_header,
                           uint16_t offset_and_more)
{
    packet_build_u8(build, next_header);
    packet_build_u8(build, 0);
    packet_build_u16(build, offset_and_more);
    packet_build_u32(build, 0xabcdef01);
}

void packet_build_tcp(struct packet_build *build, uint16_t source_port, uint16_t destination_port,
                      uint8_t flags)
{
    packet_build_u16(build, source_port);
    packet_build_u16(build, destination_port);
    packet_build_u32(build, 0x01020304);
    packet_build_u32(build, 0x05060708);
    packet_build_u8(build, 0x50);
    packet_build_u8(build, flags);
    packet_build_u16(build, 0x4000);
    packet_build_u32(build, 0); /* checksum, urgent pointer */
}

void packet_build_udp(struct packet_build *build, uint16_t source_port, uint16_t destination_port)
{
    packet_build_u16(build, source_port);
    packet_build_u16(build, destination_port);
    packet_build_u32(build, 0);
}

void packet_build_sctp(struct packet_build *build, uint16_t source_port, uint16_t destination_port)
{
    packet_build_u16(build, source_port);
    packet_build_u16(build, destination_port);
    add_zeros(build, 8);
}

void packet_build_icmp(struct packet_build *build, uint8_t type, uint8_t code)
{
    packet_build_u8(build, type);
    packet_build_u8(build, code);
    packet_build_u16(build, 0);
    packet_build_u32(build, 0x00010002);
}

static void put_u16(struct packet_build *build, uint32_t at, uint32_t number)
{
    build->bytes[at] = (uint8_t)(number >> 8);
    build->bytes[at + 1] = (uint8_t)number;
}

static void put_ip_length(struct packet_build *build, uint32_t at, uint8_t version)
{
    const uint32_t length = build->size - at;
    if (version == 4)
        put_u16(build, at + 2, length);
    if (version == 6)
        put_u16(build, at + 4, length - 40);
}

void packet_build_end_ip(struct packet_build *build)
{
    put_ip_length(build, build->ip_at, build->ip_version);
    for (uint32_t i = 0; i < build->outer_count; i++)
        put_ip_length(build, build->outer_at[i], build->outer_version[i]);
    build->ip_version = 0;
    build->outer_count = 0;
}

static void add_ethernet(struct packet_build *build, uint8_t inner_version)
{
    add_bytes(build, "\x02\0\0\0\0\x03\x02\0\0\0\0\x04", 12);
    packet_build_u16(build, inner_version == 4 ? 0x0800 : ETHERTYPE_IPV6);
}

uint8_t packet_build_tunnel_version(enum packet_tunnel tunnel)
{
    switch (tunnel) {
    case PACKET_TUNNEL_PPPOE:
    case PACKET_TUNNEL_MPLS:
    case PACKET_TUNNEL_PSEUDOWIRE:
        return 0;
    case PACKET_TUNNEL_IP4IN6:
    case PACKET_TUNNEL_IP6IN6:
        return 6;
    default:
        return 4;
    }
}

uint16_t packet_build_tunnel_ethertype(enum packet_tunnel tunnel)
{
    switch (packet_build_tunnel_version(tunnel)) {
    case 4:
        return 0x0800;
    case 6:
        return ETHERTYPE_IPV6;
    default:
        return tunnel == PACKET_TUNNEL_PPPOE ? 0x8864 : 0x8847;
    }
}

static void add_tunnel_ip(struct packet_build *build, enum packet_tunnel tunnel, uint8_t protocol)
{
    if (packet_build_tunnel_version(tunnel) == 4)
        packet_build_ipv4(build, "198.51.100.1", "198.51.100.2", protocol);
    else
        packet_build_ipv6(build, "2001:db8:f::1", "2001:db8:f::2", protocol);
}

static void add_tunnel_udp(struct packet_build *build, enum packet_tunnel tunnel, uint16_t port)
{
    add_tunnel_ip(build, tunnel, PACKET_PROTOCOL_UDP);
    packet_build_udp(build, 50000, port);
}

/* ERSPAN of type II behind GRE with a sequence number. */
static void add_erspan(struct packet_build *build)
{
    add_tunnel_ip(build, PACKET_TUNNEL_ERSPAN, 47);
    packet_build_u32(build, 0x100088be);
    packet_build_u32(build, 77);
    packet_build_u32(build, 0x10640001);
    packet_build_u32(build, 0);
}

static void add_ppp(struct packet_build *build, uint8_t inner_version)
{
    packet_build_u16(build, inner_version == 4 ? 0x0021 : 0x0057);
}

void packet_build_tunnel(struct packet_build *build, enum packet_tunnel tunnel,
                         uint8_t inner_version)
{
    switch (tunnel) {
    case PACKET_TUNNEL_GRE:
        add_tunnel_ip(build, tunnel, 47);
        packet_build_u16(build, 0);
        packet_build_u16(build, inner_version == 4 ? 0x0800 : ETHERTYPE_IPV6);
        return;
    case PACKET_TUNNEL_ERSPAN:
        add_erspan(build);
        add_ethernet(build, inner_version);
        return;
    case PACKET_TUNNEL_VXLAN:
        add_tunnel_udp(build, tunnel, 4789);
        packet_build_u32(build, 0x08000000);
        packet_build_u32(build, 0x00123400);
        add_ethernet(build, inner_version);
        return;
    case PACKET_TUNNEL_GENEVE: /* with an option of 8 bytes */
        add_tunnel_udp(build, tunnel, 6081);
        packet_build_u32(build, 0x02006558);
        packet_build_u32(build, 0x00123400);
        add_zeros(build, 8);
        add_ethernet(build, inner_version);
        return;
    case PACKET_TUNNEL_GTPU: /* with a sequence number and an extension header; length unsaid */
        add_tunnel_udp(build, tunnel, 2152);
        packet_build_u32(build, 0x36ff0000);
        packet_build_u32(build, 0x00000001);
        packet_build_u32(build, 0x00050085);
        packet_build_u32(build, 0x01100900);
        return;
    case PACKET_TUNNEL_TEREDO: /* with an origin indication */
        assert(inner_version == 6);
        add_tunnel_udp(build, tunnel, 3544);
        packet_build_u32(build, 0x0000c351);
        packet_build_u32(build, 0x01020304);
        return;
    case PACKET_TUNNEL_L2TP: /* with a length field, and PPP's address */
        add_tunnel_udp(build, tunnel, 1701);
        packet_build_u32(build, 0x40020000);
        packet_build_u32(build, 0x00010002);
        packet_build_u16(build, 0xff03);
        add_ppp(build, inner_version);
        return;
    case PACKET_TUNNEL_PPPOE:
        packet_build_u32(build, 0x11000001);
        packet_build_u16(build, 0);
        add_ppp(build, inner_version);
        return;
    case PACKET_TUNNEL_MPLS: /* two labels */
        packet_build_u32(build, 0x00010040);
        packet_build_u32(build, 0x00020140);
        return;
    case PACKET_TUNNEL_PSEUDOWIRE: /* with a control word */
        packet_build_u32(build, 0x00020140);
        packet_build_u32(build, 0);
        add_ethernet(build, inner_version);
        return;
    default:
        add_tunnel_ip(build, tunnel, inner_version == 4 ? 4 : 41);
        return;
    }
}

struct frame packet_build_frame(struct packet_build *build, int64_t time_ns)
{
    packet_build_end_ip(build);
    return (struct frame){
        .bytes = build->bytes,
        .time_s = time_ns / NANOSECONDS_PER_SECOND,
        .time_subsec_ns = time_ns % NANOSECONDS_PER_SECOND,
        .captured_bytes = build->size,
        .wire_bytes = build->size,
        .link_type = build->link_type,
    };
}
