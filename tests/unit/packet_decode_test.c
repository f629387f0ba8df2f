/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: what it reads out of frames, what it refuses, and that no cut of a frame hurts. */
#include "packet/packet_decode.h"
#include "tests/support/packet_build.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ETHERNET = 1,
    IPV4 = 0x0800,
    IPV6 = 0x86dd,
    VLAN = 0x8100,
    ESP = 50,
    NO_NEXT_HEADER = 59,
};

static const int64_t time_ns = INT64_C(1570002845001207123);
static const char *const v4_a = "10.0.0.1", *const v4_b = "192.0.2.7";
static const char *const v6_a = "2001:db8::1", *const v6_b = "2001:db8::2";

static struct packet decode(struct packet_build *build)
{
    const struct frame frame = packet_build_frame(build, time_ns);
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    return packet;
}

static enum packet_refusal refusal_of(struct packet_build *build)
{
    const struct frame frame = packet_build_frame(build, time_ns);
    struct packet packet;
    return packet_decode(&frame, &packet);
}

static void start_ipv4(struct packet_build *build, uint8_t protocol)
{
    packet_build_start(build, ETHERNET, IPV4);
    packet_build_ipv4(build, v4_a, v4_b, protocol);
}

static void start_ipv6(struct packet_build *build, uint8_t next_header)
{
    packet_build_start(build, ETHERNET, IPV6);
    packet_build_ipv6(build, v6_a, v6_b, next_header);
}

static void start_tcp(struct packet_build *build, size_t payload_bytes)
{
    start_ipv4(build, PACKET_PROTOCOL_TCP);
    packet_build_tcp(build, 40000, 443, PACKET_TCP_SYN | PACKET_TCP_ACK);
    packet_build_payload(build, payload_bytes);
}

START_TEST(every_field_of_a_tcp_packet_is_read)
{
    struct packet_build build;
    start_tcp(&build, 100);
    const struct packet packet = decode(&build);
    const uint8_t source[16] = {10, 0, 0, 1}, destination[16] = {192, 0, 2, 7};
    ck_assert_int_eq(packet.time_ns, time_ns);
    ck_assert_mem_eq(packet.source, source, 16);
    ck_assert_mem_eq(packet.destination, destination, 16);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.destination_port, 443);
    ck_assert_uint_eq(packet.ip_version, 4);
    ck_assert_uint_eq(packet.protocol, PACKET_PROTOCOL_TCP);
    ck_assert_uint_eq(packet.ttl, 64);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_SYN | PACKET_TCP_ACK);
    ck_assert_uint_eq(packet.tcp_sequence, 0x01020304);
    ck_assert_uint_eq(packet.tcp_acknowledgment, 0x05060708);
    ck_assert_uint_eq(packet.tcp_window, 0x4000);
    ck_assert_uint_eq(packet.frame_bytes, 14 + 20 + 20 + 100);
    ck_assert_uint_eq(packet.ip_bytes, 20 + 20 + 100);
    ck_assert_uint_eq(packet.payload_bytes, 100);
    ck_assert_uint_eq(packet.marks, 0);
    ck_assert_uint_eq(packet.vlan_count, 0);
}
END_TEST

START_TEST(every_link_type_leads_to_ip)
{
    static const uint16_t link_types[] = {0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 276, 228, 229};
    const uint16_t link_type = link_types[_i];
    for (unsigned version = 4; version <= 6; version += 2) {
        if ((link_type == 228 && version == 6) || (link_type == 229 && version == 4))
            continue;
        struct packet_build build;
        packet_build_start(&build, link_type, version == 4 ? IPV4 : IPV6);
        if (version == 4)
            packet_build_ipv4(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP);
        else
            packet_build_ipv6(&build, v6_a, v6_b, PACKET_PROTOCOL_UDP);
        packet_build_udp(&build, 5353, 53);
        packet_build_payload(&build, 7);
        const struct packet packet = decode(&build);
        ck_assert_uint_eq(packet.ip_version, version);
        ck_assert_uint_eq(packet.source_port, 5353);
        ck_assert_uint_eq(packet.payload_bytes, 7);
        ck_assert_uint_eq(packet.ip_bytes, (version == 4 ? 20 : 40) + 8 + 7);
    }
}
END_TEST

START_TEST(unknown_link_type_is_refused_by_name)
{
    struct packet_build build;
    packet_build_start(&build, 105, IPV4); /* IEEE 802.11 */
    packet_build_ipv4(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP);
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_LINK_TYPE);
}
END_TEST

START_TEST(null_family_is_read_in_either_byte_order)
{
    struct packet_build build;
    packet_build_start(&build, 101, IPV4);
    build.link_type = 0;
    packet_build_u32(&build, 2);
    packet_build_ipv4(&build, v4_a, v4_b, ESP);
    ck_assert_uint_eq(decode(&build).protocol, ESP);
}
END_TEST

START_TEST(ppp_is_read_compressed_and_as_cisco_hdlc)
{
    struct packet_build build;
    packet_build_start(&build, 101, IPV4);
    build.link_type = 9;
    packet_build_u8(&build, 0x21);
    packet_build_ipv4(&build, v4_a, v4_b, ESP);
    ck_assert_uint_eq(decode(&build).protocol, ESP);
    packet_build_start(&build, 104, IPV4);
    build.link_type = 9;
    packet_build_ipv4(&build, v4_a, v4_b, ESP);
    ck_assert_uint_eq(decode(&build).protocol, ESP);
}
END_TEST

START_TEST(snap_carries_ip_and_other_llc_does_not)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 28);
    packet_build_u32(&build, 0xaaaa0300);
    packet_build_u16(&build, 0);
    packet_build_u16(&build, IPV4);
    packet_build_ipv4(&build, v4_a, v4_b, ESP);
    ck_assert_uint_eq(decode(&build).protocol, ESP);
    packet_build_start(&build, ETHERNET, 38);
    packet_build_u32(&build, 0x42420300); /* spanning tree */
    packet_build_payload(&build, 34);
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_NOT_IP);
}
END_TEST

START_TEST(arp_is_not_ip)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x0806);
    packet_build_payload(&build, 46);
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_NOT_IP);
}
END_TEST

START_TEST(vlan_tags_are_kept_outermost_first)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x88a8);
    packet_build_vlan(&build, 100, 0x9100);
    packet_build_vlan(&build, 4095, VLAN);
    packet_build_vlan(&build, 7, IPV4);
    packet_build_ipv4(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 1, 2);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.vlan_count, 3);
    ck_assert_uint_eq(packet.vlan[0], 100);
    ck_assert_uint_eq(packet.vlan[1], 4095);
    ck_assert_uint_eq(packet.vlan[2], 7);
    ck_assert_uint_eq(packet.vlan[3], 0);
    ck_assert_uint_eq(packet.ip_bytes, 28);
}
END_TEST

START_TEST(more_tags_than_the_limit_are_refused)
{
    struct packet_build build;
    for (int tags = PACKET_VLAN_MAX; tags <= PACKET_VLAN_MAX + 1; tags++) {
        packet_build_start(&build, ETHERNET, VLAN);
        for (int i = 1; i <= tags; i++)
            packet_build_vlan(&build, 5, i == tags ? IPV4 : VLAN);
        packet_build_ipv4(&build, v4_a, v4_b, ESP);
        ck_assert_int_eq(refusal_of(&build), tags == PACKET_VLAN_MAX
                                                 ? PACKET_ACCEPTED
                                                 : PACKET_REFUSED_TOO_MANY_HEADERS);
    }
}
END_TEST

START_TEST(ipv4_options_are_passed)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP, 10, 0);
    packet_build_udp(&build, 1000, 2000);
    packet_build_payload(&build, 3);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 1000);
    ck_assert_uint_eq(packet.ip_bytes, 60 + 8 + 3);
    ck_assert_uint_eq(packet.payload_bytes, 3);
}
END_TEST

START_TEST(ethernet_padding_is_not_counted)
{
    struct packet_build build;
    start_tcp(&build, 0);
    packet_build_end_ip(&build);
    packet_build_payload(&build, 6);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.frame_bytes, 60);
    ck_assert_uint_eq(packet.ip_bytes, 40);
    ck_assert_uint_eq(packet.payload_bytes, 0);
}
END_TEST

START_TEST(padding_is_not_taken_for_ports)
{
    struct packet_build build;
    start_ipv4(&build, PACKET_PROTOCOL_UDP);
    packet_build_payload(&build, 3);
    packet_build_end_ip(&build);
    packet_build_payload(&build, 23);
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_TRUNCATED);
}
END_TEST

START_TEST(a_length_of_zero_means_the_whole_frame)
{
    struct packet_build build;
    start_tcp(&build, 100);
    build.ip_version = 0; /* leave the length at 0 */
    struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.ip_bytes, 140);
    ck_assert_uint_eq(packet.payload_bytes, 100);
    start_ipv6(&build, PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 1, 2);
    packet_build_payload(&build, 9);
    build.ip_version = 0;
    packet = decode(&build);
    ck_assert_uint_eq(packet.ip_bytes, 40 + 8 + 9);
    ck_assert_uint_eq(packet.payload_bytes, 9);
}
END_TEST

START_TEST(ipv6_without_a_next_header_is_only_its_header)
{
    struct packet_build build;
    start_ipv6(&build, NO_NEXT_HEADER);
    packet_build_end_ip(&build);
    packet_build_payload(&build, 6);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.protocol, NO_NEXT_HEADER);
    ck_assert_uint_eq(packet.ip_bytes, 40);
    ck_assert_uint_eq(packet.payload_bytes, 0);
}
END_TEST

START_TEST(a_length_beyond_the_wire_counts_what_was_there)
{
    struct packet_build build;
    start_tcp(&build, 10);
    packet_build_end_ip(&build);
    build.bytes[14 + 2] = 0x05; /* 1,500 bytes and more */
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.ip_bytes, 50);
    ck_assert_uint_eq(packet.payload_bytes, 10);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_SYN | PACKET_TCP_ACK);
}
END_TEST

START_TEST(a_frame_cut_by_the_snap_length_counts_the_whole_packet)
{
    struct packet_build build;
    start_tcp(&build, 1000);
    struct frame frame = packet_build_frame(&build, time_ns);
    frame.captured_bytes = 14 + 20 + 20;
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    ck_assert_uint_eq(packet.ip_bytes, 1040);
    ck_assert_uint_eq(packet.payload_bytes, 1000);
    ck_assert_uint_eq(packet.marks, PACKET_MARK_CUT);
}
END_TEST

START_TEST(ports_are_enough_of_a_cut_tcp_header)
{
    struct packet_build build;
    start_tcp(&build, 30);
    struct frame frame = packet_build_frame(&build, time_ns);
    struct packet packet;
    frame.captured_bytes = 14 + 20 + 4;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    ck_assert_uint_eq(packet.destination_port, 443);
    ck_assert_uint_eq(packet.tcp_flags, 0);
    ck_assert_uint_eq(packet.payload_bytes, 30);
    frame.captured_bytes = 14 + 20 + 14; /* flags are there, the window is not */
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_SYN | PACKET_TCP_ACK);
    ck_assert_uint_eq(packet.tcp_window, 0);
    frame.captured_bytes = 14 + 20 + 3;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_REFUSED_TRUNCATED);
}
END_TEST

/* Else one forged segment that no host takes would close the flow in our eyes. */
START_TEST(flags_of_an_impossible_tcp_header_are_not_believed)
{
    static const uint8_t offsets[] = {0x00, 0x40, 0xf0}; /* too short, too short, past the end */
    struct packet_build build;
    start_tcp(&build, 10);
    build.bytes[14 + 20 + 12] = offsets[_i];
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.tcp_flags, 0);
    ck_assert_uint_eq(packet.tcp_sequence, 0);
    ck_assert_uint_eq(packet.payload_bytes, 0);
    ck_assert_uint_eq(packet.ip_bytes, 50);
}
END_TEST

static void expect_fragment(const struct packet *packet, uint32_t id, uint32_t offset_bytes,
                            uint32_t bytes)
{
    ck_assert_uint_eq(packet->fragment_id, id);
    ck_assert_uint_eq(packet->fragment_offset_bytes, offset_bytes);
    ck_assert_uint_eq(packet->fragment_bytes, bytes);
}

START_TEST(ipv4_fragments_are_told_apart)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP, 0, 0x2000);
    packet_build_udp(&build, 1000, 2000);
    struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.marks, PACKET_MARK_FRAGMENT_FIRST);
    ck_assert_uint_eq(packet.source_port, 1000);
    expect_fragment(&packet, 0x1234, 0, 8);
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP, 2, 0x3fff);
    packet_build_payload(&build, 16);
    packet = decode(&build);
    ck_assert_uint_eq(packet.marks, PACKET_MARK_FRAGMENT_LATER);
    ck_assert_uint_eq(packet.protocol, PACKET_PROTOCOL_UDP);
    ck_assert_uint_eq(packet.source_port, 0);
    ck_assert_uint_eq(packet.destination_port, 0);
    ck_assert_uint_eq(packet.payload_bytes, 16);
    expect_fragment(&packet, 0x1234, 8 * 0x1fff, 16);
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, PACKET_PROTOCOL_UDP, 0, 0x0001);
    packet_build_payload(&build, 3);
    packet = decode(&build);
    ck_assert_uint_eq(packet.marks, PACKET_MARK_FRAGMENT_LATER | PACKET_MARK_FRAGMENT_LAST);
    expect_fragment(&packet, 0x1234, 8, 3);
}
END_TEST

START_TEST(a_first_tcp_fragment_may_hold_part_of_its_header)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, PACKET_PROTOCOL_TCP, 0, 0x2000);
    packet_build_tcp(&build, 1, 2, PACKET_TCP_SYN);
    build.bytes[14 + 20 + 12] = 0xf0;
    packet_build_payload(&build, 4);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_SYN);
    ck_assert_uint_eq(packet.payload_bytes, 0);
}
END_TEST

START_TEST(dont_fragment_is_no_fragment)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, v4_a, v4_b, ESP, 0, 0x4000);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.marks, 0);
    expect_fragment(&packet, 0, 0, 0);
}
END_TEST

START_TEST(ipv6_fragments_are_told_apart)
{
    static const struct {
        uint16_t offset_and_more, marks;
    } cases[] = {
        {0x0001, PACKET_MARK_FRAGMENT_FIRST},
        {0x0009, PACKET_MARK_FRAGMENT_LATER},
        {0x0008, PACKET_MARK_FRAGMENT_LATER | PACKET_MARK_FRAGMENT_LAST},
        {0x0000, 0}, /* atomic */
        {0x0006, 0}, /* reserved bits */
    };
    struct packet_build build;
    start_ipv6(&build, 44);
    packet_build_fragment(&build, PACKET_PROTOCOL_UDP, cases[_i].offset_and_more);
    packet_build_udp(&build, 1000, 2000);
    const struct packet packet = decode(&build);
    const bool is_later = (cases[_i].marks & PACKET_MARK_FRAGMENT_LATER) != 0;
    const bool is_fragment = cases[_i].marks != 0;
    ck_assert_uint_eq(packet.marks, cases[_i].marks);
    ck_assert_uint_eq(packet.protocol, PACKET_PROTOCOL_UDP);
    ck_assert_uint_eq(packet.source_port, is_later ? 0 : 1000);
    ck_assert_uint_eq(packet.payload_bytes, is_later ? 8 : 0);
    ck_assert_uint_eq(packet.ip_bytes, 40 + 8 + 8);
    expect_fragment(&packet, is_fragment ? 0xabcdef01 : 0, is_later ? 8 : 0, is_fragment ? 8 : 0);
}
END_TEST

START_TEST(every_extension_header_is_passed)
{
    static const uint8_t extensions[] = {0, 43, 51, 60, 135, 139, 140};
    struct packet_build build;
    start_ipv6(&build, extensions[_i]);
    /* 24 bytes: 2 units of 8 beyond the first 8; AH counts words, less 2 */
    packet_build_extension(&build, PACKET_PROTOCOL_TCP, 2);
    if (extensions[_i] == 51)
        build.bytes[14 + 40 + 1] = 4;
    packet_build_tcp(&build, 1000, 2000, PACKET_TCP_FIN);
    packet_build_payload(&build, 5);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.protocol, PACKET_PROTOCOL_TCP);
    ck_assert_uint_eq(packet.source_port, 1000);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_FIN);
    ck_assert_uint_eq(packet.payload_bytes, 5);
    ck_assert_uint_eq(packet.ip_bytes, 40 + 24 + 20 + 5);
}
END_TEST

START_TEST(more_extension_headers_than_the_limit_are_refused)
{
    struct packet_build build;
    for (int count = PACKET_EXTENSIONS_MAX; count <= PACKET_EXTENSIONS_MAX + 1; count++) {
        start_ipv6(&build, 60);
        for (int i = 1; i <= count; i++)
            packet_build_extension(&build, i == count ? ESP : 60, 0);
        ck_assert_int_eq(refusal_of(&build), count == PACKET_EXTENSIONS_MAX
                                                 ? PACKET_ACCEPTED
                                                 : PACKET_REFUSED_TOO_MANY_HEADERS);
    }
}
END_TEST

START_TEST(extension_numbers_mean_nothing_in_ipv4)
{
    struct packet_build build;
    start_ipv4(&build, 60);
    packet_build_payload(&build, 8);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.protocol, 60);
    ck_assert_uint_eq(packet.payload_bytes, 8);
}
END_TEST

START_TEST(protocols_without_ports_have_none)
{
    struct packet_build build;
    start_ipv4(&build, 47); /* GRE */
    packet_build_payload(&build, 50);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 0);
    ck_assert_uint_eq(packet.destination_port, 0);
    ck_assert_uint_eq(packet.payload_bytes, 50);
}
END_TEST

START_TEST(other_protocols_with_ports_have_them)
{
    static const struct {
        uint8_t protocol;
        uint32_t payload_bytes; /* of 40 bytes */
    } cases[] = {{PACKET_PROTOCOL_SCTP, 28}, {136, 32}, {33, 24}};
    struct packet_build build;
    start_ipv4(&build, cases[_i].protocol);
    packet_build_u16(&build, 36412);
    packet_build_u16(&build, 2905);
    packet_build_u8(&build, 4); /* DCCP: 4 words of header */
    packet_build_payload(&build, 35);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 36412);
    ck_assert_uint_eq(packet.destination_port, 2905);
    ck_assert_uint_eq(packet.payload_bytes, cases[_i].payload_bytes);
}
END_TEST

struct icmp_case {
    uint8_t ip_version, type, code;
    uint16_t destination_port;
    bool is_one_way;
};

START_TEST(icmp_has_the_ports_of_community_id)
{
    static const struct icmp_case cases[] = {
        {4, 8, 0, 0, false},     {4, 0, 0, 8, false},     {4, 13, 0, 14, false},
        {4, 14, 0, 13, false},   {4, 15, 0, 16, false},   {4, 16, 0, 15, false},
        {4, 10, 0, 9, false},    {4, 9, 0, 10, false},    {4, 17, 0, 18, false},
        {4, 18, 0, 17, false},   {4, 3, 13, 13, true},    {4, 11, 0, 0, true},
        {6, 128, 0, 129, false}, {6, 129, 0, 128, false}, {6, 135, 0, 136, false},
        {6, 136, 0, 135, false}, {6, 133, 0, 134, false}, {6, 134, 0, 133, false},
        {6, 130, 0, 131, false}, {6, 131, 0, 130, false}, {6, 139, 0, 140, false},
        {6, 140, 0, 139, false}, {6, 144, 0, 145, false}, {6, 145, 0, 144, false},
        {6, 1, 4, 4, true},      {6, 143, 0, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct icmp_case *c = &cases[i];
        struct packet_build build;
        if (c->ip_version == 4)
            start_ipv4(&build, PACKET_PROTOCOL_ICMP);
        else
            start_ipv6(&build, PACKET_PROTOCOL_ICMPV6);
        packet_build_icmp(&build, c->type, c->code);
        packet_build_payload(&build, 56);
        const struct packet packet = decode(&build);
        ck_assert_uint_eq(packet.source_port, c->type);
        ck_assert_uint_eq(packet.destination_port, c->destination_port);
        ck_assert_uint_eq(packet.marks, c->is_one_way ? PACKET_MARK_ONE_WAY : 0);
        ck_assert_uint_eq(packet.icmp_type, c->type);
        ck_assert_uint_eq(packet.icmp_code, c->code);
        ck_assert_uint_eq(packet.payload_bytes, 56);
    }
}
END_TEST

START_TEST(headers_that_contradict_themselves_are_malformed)
{
    static const struct {
        uint32_t at;
        uint8_t value;
    } cases[] = {
        {14, 0x65},   /* version 6 behind IPv4's ethertype */
        {14, 0x44},   /* a header of 16 bytes */
        {14 + 3, 19}, /* a packet shorter than its header */
    };
    struct packet_build build;
    start_ipv4(&build, PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 1, 2);
    packet_build_end_ip(&build);
    build.bytes[cases[_i].at] = cases[_i].value;
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_MALFORMED);
}
END_TEST

START_TEST(an_ipv6_version_of_another_kind_is_malformed)
{
    struct packet_build build;
    start_ipv6(&build, ESP);
    build.bytes[14] = 0x40;
    ck_assert_int_eq(refusal_of(&build), PACKET_REFUSED_MALFORMED);
}
END_TEST

struct gate_case {
    int64_t time_s, time_subsec_ns;
    uint32_t captured_bytes, wire_bytes;
    enum packet_refusal refusal;
};

START_TEST(the_gate_refuses_what_no_capture_can_say)
{
    static const struct gate_case cases[] = {
        {0, 0, 42, 42, PACKET_ACCEPTED},
        {INT64_C(1) << 31, 0, 42, 42, PACKET_ACCEPTED},               /* 2038 */
        {(INT64_C(1) << 32) - 1, 999999999, 42, 42, PACKET_ACCEPTED}, /* 2106 */
        {INT64_C(1) << 32, 0, 42, 42, PACKET_REFUSED_BAD_TIME},
        {-1, 0, 42, 42, PACKET_REFUSED_BAD_TIME},
        {INT64_MAX, 0, 42, 42, PACKET_REFUSED_BAD_TIME},
        {INT64_MIN, 0, 42, 42, PACKET_REFUSED_BAD_TIME},
        {1, -1, 42, 42, PACKET_REFUSED_BAD_TIME},
        {1, 1000000000, 42, 42, PACKET_REFUSED_BAD_TIME},
        {1, INT64_MAX, 42, 42, PACKET_REFUSED_BAD_TIME},
        {1, 0, 42, 41, PACKET_REFUSED_BAD_LENGTH},
        {1, 0, 42, PACKET_WIRE_BYTES_MAX, PACKET_ACCEPTED},
        {1, 0, 42, PACKET_WIRE_BYTES_MAX + 1, PACKET_REFUSED_BAD_LENGTH},
        {1, 0, 42, UINT32_MAX, PACKET_REFUSED_BAD_LENGTH},
        {1, 0, 0, 0, PACKET_REFUSED_TRUNCATED},
    };
    struct packet_build build;
    start_ipv4(&build, PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 1, 2);
    struct frame frame = packet_build_frame(&build, 0);
    frame.time_s = cases[_i].time_s;
    frame.time_subsec_ns = cases[_i].time_subsec_ns;
    frame.captured_bytes = cases[_i].captured_bytes;
    frame.wire_bytes = cases[_i].wire_bytes;
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), cases[_i].refusal);
    if (cases[_i].refusal == PACKET_ACCEPTED)
        ck_assert_int_eq(packet.time_ns, cases[_i].time_s * 1000000000 + cases[_i].time_subsec_ns);
}
END_TEST

START_TEST(every_byte_of_the_packet_is_written)
{
    struct packet_build build;
    start_tcp(&build, 10);
    const struct frame frame = packet_build_frame(&build, time_ns);
    struct packet a, b;
    memset(&a, 0x00, sizeof a);
    memset(&b, 0xff, sizeof b);
    ck_assert_int_eq(packet_decode(&frame, &a), PACKET_ACCEPTED);
    ck_assert_int_eq(packet_decode(&frame, &b), PACKET_ACCEPTED);
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

static void build_sample(struct packet_build *build, int kind)
{
    switch (kind) {
    case 0:
        start_tcp(build, 20);
        return;
    case 1:
        packet_build_start(build, ETHERNET, VLAN);
        packet_build_vlan(build, 5, IPV4);
        packet_build_ipv4_full(build, v4_a, v4_b, PACKET_PROTOCOL_UDP, 3, 0);
        packet_build_udp(build, 1000, 2000);
        packet_build_payload(build, 20);
        return;
    case 2:
        start_ipv6(build, 0);
        packet_build_extension(build, 44, 0);
        packet_build_fragment(build, 60, 1);
        packet_build_extension(build, PACKET_PROTOCOL_TCP, 1);
        packet_build_tcp(build, 1000, 2000, PACKET_TCP_ACK);
        return;
    case 3:
        packet_build_start(build, 276, IPV6);
        packet_build_ipv6(build, v6_a, v6_b, PACKET_PROTOCOL_ICMPV6);
        packet_build_icmp(build, 135, 0);
        return;
    default:
        packet_build_start(build, 9, IPV4);
        packet_build_ipv4(build, v4_a, v4_b, PACKET_PROTOCOL_SCTP);
        packet_build_sctp(build, 1000, 2000);
        return;
    }
}

/* The bytes lie at the end of a block of exactly their size, so that the address sanitizer sees a
 * read past them. */
static void check_cut(const struct frame *whole, uint32_t captured_bytes)
{
    uint8_t *bytes = malloc(captured_bytes > 0 ? captured_bytes : 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, whole->bytes, captured_bytes);
    struct frame frame = *whole;
    frame.bytes = bytes;
    frame.captured_bytes = captured_bytes;
    struct packet full, cut;
    ck_assert_int_eq(packet_decode(whole, &full), PACKET_ACCEPTED);
    const enum packet_refusal refusal = packet_decode(&frame, &cut);
    free(bytes);
    if (refusal != PACKET_ACCEPTED) {
        ck_assert_int_eq(refusal, PACKET_REFUSED_TRUNCATED);
        return;
    }
    ck_assert_mem_eq(cut.source, full.source, 16);
    ck_assert_mem_eq(cut.destination, full.destination, 16);
    ck_assert_uint_eq(cut.source_port, full.source_port);
    ck_assert_uint_eq(cut.destination_port, full.destination_port);
    ck_assert_uint_eq(cut.protocol, full.protocol);
    ck_assert_uint_eq(cut.ip_bytes, full.ip_bytes);
    ck_assert_uint_eq(cut.payload_bytes, full.payload_bytes);
    const bool is_cut = captured_bytes < whole->wire_bytes;
    ck_assert_uint_eq(cut.marks, full.marks | (is_cut ? PACKET_MARK_CUT : 0));
}

START_TEST(a_cut_anywhere_gives_the_same_flow_or_a_refusal)
{
    struct packet_build build;
    build_sample(&build, _i);
    const struct frame whole = packet_build_frame(&build, time_ns);
    for (uint32_t captured = 0; captured <= whole.captured_bytes; captured++)
        check_cut(&whole, captured);
}
END_TEST

/* Any byte changed to any value: whatever comes out keeps what the rest of whyflow relies on. */
START_TEST(a_change_anywhere_keeps_the_promises)
{
    struct packet_build build;
    build_sample(&build, _i);
    const struct frame frame = packet_build_frame(&build, time_ns);
    unsigned accepted = 0;
    for (uint32_t at = 0; at < build.size; at++) {
        const uint8_t before = build.bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            build.bytes[at] = (uint8_t)value;
            struct packet packet;
            if (packet_decode(&frame, &packet) != PACKET_ACCEPTED)
                continue;
            accepted++;
            ck_assert(packet.ip_version == 4 || packet.ip_version == 6);
            ck_assert_uint_le(packet.payload_bytes, packet.ip_bytes);
            ck_assert_uint_le(packet.ip_bytes, packet.frame_bytes);
        }
        build.bytes[at] = before;
    }
    ck_assert_uint_gt(accepted, build.size);
}
END_TEST

START_TEST(every_refusal_has_a_name_of_its_own)
{
    for (int a = 0; a < PACKET_REFUSAL_COUNT; a++) {
        ck_assert_ptr_nonnull(packet_refusal_name((enum packet_refusal)a));
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(packet_refusal_name((enum packet_refusal)a),
                             packet_refusal_name((enum packet_refusal)b));
    }
}
END_TEST

static void add_link_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_link_type_leads_to_ip, 0, 13);
    tcase_add_test(tests, unknown_link_type_is_refused_by_name);
    tcase_add_test(tests, null_family_is_read_in_either_byte_order);
    tcase_add_test(tests, ppp_is_read_compressed_and_as_cisco_hdlc);
    tcase_add_test(tests, snap_carries_ip_and_other_llc_does_not);
    tcase_add_test(tests, arp_is_not_ip);
    tcase_add_test(tests, vlan_tags_are_kept_outermost_first);
    tcase_add_test(tests, more_tags_than_the_limit_are_refused);
}

static void add_network_tests(TCase *tests)
{
    tcase_add_test(tests, ipv4_options_are_passed);
    tcase_add_test(tests, ethernet_padding_is_not_counted);
    tcase_add_test(tests, padding_is_not_taken_for_ports);
    tcase_add_test(tests, a_length_of_zero_means_the_whole_frame);
    tcase_add_test(tests, ipv6_without_a_next_header_is_only_its_header);
    tcase_add_test(tests, a_length_beyond_the_wire_counts_what_was_there);
    tcase_add_test(tests, ipv4_fragments_are_told_apart);
    tcase_add_test(tests, dont_fragment_is_no_fragment);
    tcase_add_loop_test(tests, ipv6_fragments_are_told_apart, 0, 5);
    tcase_add_loop_test(tests, every_extension_header_is_passed, 0, 7);
    tcase_add_test(tests, more_extension_headers_than_the_limit_are_refused);
    tcase_add_test(tests, extension_numbers_mean_nothing_in_ipv4);
    tcase_add_loop_test(tests, headers_that_contradict_themselves_are_malformed, 0, 3);
    tcase_add_test(tests, an_ipv6_version_of_another_kind_is_malformed);
}

static void add_transport_tests(TCase *tests)
{
    tcase_add_test(tests, every_field_of_a_tcp_packet_is_read);
    tcase_add_test(tests, a_frame_cut_by_the_snap_length_counts_the_whole_packet);
    tcase_add_test(tests, ports_are_enough_of_a_cut_tcp_header);
    tcase_add_loop_test(tests, flags_of_an_impossible_tcp_header_are_not_believed, 0, 3);
    tcase_add_test(tests, a_first_tcp_fragment_may_hold_part_of_its_header);
    tcase_add_test(tests, protocols_without_ports_have_none);
    tcase_add_loop_test(tests, other_protocols_with_ports_have_them, 0, 3);
    tcase_add_test(tests, icmp_has_the_ports_of_community_id);
}

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("packet_decode");
    TCase *tests = tcase_create("decode");
    add_link_tests(tests);
    add_network_tests(tests);
    add_transport_tests(tests);
    tcase_add_loop_test(tests, the_gate_refuses_what_no_capture_can_say, 0, 15);
    tcase_add_test(tests, every_byte_of_the_packet_is_written);
    tcase_add_loop_test(tests, a_cut_anywhere_gives_the_same_flow_or_a_refusal, 0, 5);
    tcase_add_loop_test(tests, a_change_anywhere_keeps_the_promises, 0, 5);
    tcase_add_test(tests, every_refusal_has_a_name_of_its_own);
    suite_add_tcase(suite, tests);
    return suite;
}
