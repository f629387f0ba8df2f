/* SPDX-License-Identifier: Apache-2.0 */
/* Each tunnel's header in its variants, and what only looks like one. */
#include "packet/packet_decode.h"
#include "tests/support/packet_build.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <string.h>

enum {
    ETHERNET = 1,
    IPV4 = 0x0800,
    GRE = 47,
    VXLAN_PORT = 4789,
    GTPU_PORT = 2152,
    TEREDO_PORT = 3544,
    L2TP_PORT = 1701,
};

static const int64_t time_ns = INT64_C(1570002845001207123);

static enum packet_refusal decode_any(struct packet_build *build, struct packet *packet)
{
    const struct frame frame = packet_build_frame(build, time_ns);
    return packet_decode(&frame, packet);
}

static struct packet decode(struct packet_build *build)
{
    struct packet packet;
    ck_assert_int_eq(decode_any(build, &packet), PACKET_ACCEPTED);
    return packet;
}

static void start_carrier(struct packet_build *build, uint8_t protocol)
{
    packet_build_start(build, ETHERNET, IPV4);
    packet_build_ipv4(build, "198.51.100.1", "198.51.100.2", protocol);
}

static void start_udp(struct packet_build *build, uint16_t port)
{
    start_carrier(build, PACKET_PROTOCOL_UDP);
    packet_build_udp(build, 50000, port);
}

static void add_words(struct packet_build *build, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        packet_build_u32(build, words[i]);
}

static void add_inner(struct packet_build *build)
{
    packet_build_ipv4(build, "10.0.0.1", "192.0.2.7", PACKET_PROTOCOL_TCP);
    packet_build_tcp(build, 40000, 443, PACKET_TCP_SYN);
}

/* With addresses whose first byte is given. */
static void add_ethernet(struct packet_build *build, uint8_t first, uint16_t type)
{
    packet_build_u32(build, (uint32_t)first << 24 | 0x112233);
    packet_build_u32(build, 0x44550200);
    packet_build_u32(build, 0x00000004);
    packet_build_u16(build, type);
}

static void expect_inner(struct packet_build *build, enum packet_tunnel tunnel)
{
    const struct packet packet = decode(build);
    ck_assert_uint_eq(packet.tunnel_count, 1);
    ck_assert_uint_eq(packet.tunnels[0], tunnel);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.tcp_flags, PACKET_TCP_SYN);
    ck_assert_uint_eq(packet.ip_bytes, 40);
}

static void expect_carrier(struct packet_build *build, uint8_t protocol, uint16_t port)
{
    const struct packet packet = decode(build);
    ck_assert_uint_eq(packet.tunnel_count, 0);
    ck_assert_uint_eq(packet.outer_ip_version, 0);
    ck_assert_uint_eq(packet.source[0], 198);
    ck_assert_uint_eq(packet.protocol, protocol);
    ck_assert_uint_eq(packet.destination_port, port);
    ck_assert_uint_eq(packet.ip_bytes, build->size - 14);
    ck_assert_uint_eq(packet.payload_bytes, build->size - 14 - 20 - (protocol == GRE ? 0 : 8));
}

START_TEST(gre_is_read_with_every_combination_of_flags)
{
    const uint16_t flags = (uint16_t)(_i << 12); /* checksum, routing, key, sequence */
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u16(&build, flags);
    packet_build_u16(&build, IPV4);
    if ((flags & 0xc000) != 0)
        packet_build_u32(&build, 0x12340000);
    if ((flags & 0x2000) != 0)
        packet_build_u32(&build, 42);
    if ((flags & 0x1000) != 0)
        packet_build_u32(&build, 7);
    if ((flags & 0x4000) != 0) { /* a source route of one address */
        packet_build_u32(&build, 0x08000004);
        packet_build_u32(&build, 0x0a000001);
        packet_build_u32(&build, 0);
    }
    add_inner(&build);
    expect_inner(&build, PACKET_TUNNEL_GRE);
}
END_TEST

START_TEST(a_gre_source_route_without_end_is_not_followed)
{
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u32(&build, 0x40000800);
    packet_build_u32(&build, 0);
    for (int i = 0; i < 100; i++)
        packet_build_u32(&build, 0x08000000);
    add_inner(&build);
    expect_carrier(&build, GRE, 0);
}
END_TEST

/* PPTP: with a sequence number there is a payload, with or without an acknowledgment. */
START_TEST(gre_of_version_1_carries_ppp)
{
    const bool has_sequence = (_i & 1) != 0, has_acknowledgment = (_i & 2) != 0;
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u8(&build, has_sequence ? 0x30 : 0x20);
    packet_build_u8(&build, has_acknowledgment ? 0x81 : 0x01);
    packet_build_u16(&build, 0x880b);
    packet_build_u32(&build, 44 << 16 | 5);
    if (has_sequence)
        packet_build_u32(&build, 1);
    if (has_acknowledgment)
        packet_build_u32(&build, 2);
    packet_build_u32(&build, 0xff030021);
    add_inner(&build);
    if (has_sequence)
        expect_inner(&build, PACKET_TUNNEL_GRE);
    else
        expect_carrier(&build, GRE, 0);
}
END_TEST

struct word_case {
    uint32_t words[4];
    size_t count;
    bool is_tunnel;
};

START_TEST(gre_of_other_contents_stays_gre)
{
    static const struct word_case cases[] = {
        {{0x00000806}, 1, false},          /* ARP */
        {{0x00020800}, 1, false},          /* version 2 */
        {{0x00000000}, 1, false},          /* keepalive */
        {{0x2001880c, 1}, 2, false},       /* version 1 of another protocol */
        {{0x10002233, 1, 2, 3}, 4, false}, /* unknown */
        {{0x000088be}, 1, false},          /* ERSPAN I of something that is no IP */
    };
    struct packet_build build;
    start_carrier(&build, GRE);
    add_words(&build, cases[_i].words, cases[_i].count);
    add_inner(&build);
    expect_carrier(&build, GRE, 0);
}
END_TEST

START_TEST(erspan_is_read_in_its_three_types)
{
    static const struct word_case cases[] = {
        {{0x000088be}, 1, true},                            /* I */
        {{0x100088be, 9, 0x10640001, 0x00000003}, 4, true}, /* II */
        {{0x100088be, 9, 0x20640001, 0x00000003}, 4, false},
    };
    struct packet_build build;
    start_carrier(&build, GRE);
    add_words(&build, cases[_i].words, cases[_i].count);
    add_ethernet(&build, 2, IPV4);
    add_inner(&build);
    if (cases[_i].is_tunnel)
        expect_inner(&build, PACKET_TUNNEL_ERSPAN);
    else
        expect_carrier(&build, GRE, 0);
}
END_TEST

/* With and without the platform's own 8 bytes; an Ethernet frame, an IP packet, something else. */
START_TEST(erspan_iii_carries_frames_and_packets)
{
    const bool has_own = (_i & 1) != 0;
    const uint16_t frame_type = (uint16_t)(_i >> 1);
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u32(&build, 0x100022eb);
    packet_build_u32(&build, 9);
    packet_build_u32(&build, 0x20640001);
    packet_build_u32(&build, 0x11223344); /* timestamp */
    packet_build_u16(&build, 0);
    packet_build_u16(&build, (uint16_t)(frame_type << 10 | has_own));
    if (has_own)
        packet_build_payload(&build, 8);
    if (frame_type == 0)
        add_ethernet(&build, 2, IPV4);
    add_inner(&build);
    if (frame_type == 1)
        expect_carrier(&build, GRE, 0);
    else
        expect_inner(&build, PACKET_TUNNEL_ERSPAN);
}
END_TEST

START_TEST(vxlan_is_known_by_its_flags)
{
    static const struct {
        uint16_t port;
        uint32_t first_word;
        bool has_ethernet, is_tunnel;
    } cases[] = {
        {VXLAN_PORT, 0x08000000, true, true},  {8472, 0x08000000, true, true},
        {VXLAN_PORT, 0x88000123, true, true}, /* a group policy */
        {4790, 0x0c000001, false, true},      /* generic: IPv4, Ethernet, a service header */
        {4790, 0x0c000003, true, true},        {4790, 0x0c000004, true, false},
        {VXLAN_PORT, 0x00000000, true, false}, {VXLAN_PORT, 0xff000000, true, false},
        {4788, 0x08000000, true, false},
    };
    struct packet_build build;
    start_udp(&build, cases[_i].port);
    packet_build_u32(&build, cases[_i].first_word);
    packet_build_u32(&build, 0x00123400);
    if (cases[_i].has_ethernet)
        add_ethernet(&build, 2, IPV4);
    add_inner(&build);
    if (cases[_i].is_tunnel)
        expect_inner(&build, PACKET_TUNNEL_VXLAN);
    else
        expect_carrier(&build, PACKET_PROTOCOL_UDP, cases[_i].port);
}
END_TEST

START_TEST(a_tunnel_is_known_by_either_port)
{
    struct packet_build build;
    start_carrier(&build, PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, GTPU_PORT, 50000);
    packet_build_u32(&build, 0x30ff0028);
    packet_build_u32(&build, 1);
    add_inner(&build);
    expect_inner(&build, PACKET_TUNNEL_GTPU);
}
END_TEST

START_TEST(geneve_is_known_by_its_version_and_type)
{
    static const struct word_case cases[] = {
        {{0x00000800, 0x00000100}, 2, true},             /* IPv4, without options */
        {{0x02000800, 0x00000100, 0, 0}, 4, true},       /* 8 bytes of options */
        {{0x40000800, 0x00000100}, 2, false},            /* version 1 */
        {{0x00000806, 0x00000100}, 2, false},            /* ARP */
        {{0x00010800, 0x00000100}, 2, false},            /* a reserved bit */
        {{0x3f000800, 0x00000100, 0, 0}, 4, false},      /* more options than there is */
        {{0x01c00800, 0x00000100, 0x01020384}, 3, true}, /* control, critical */
    };
    struct packet_build build;
    start_udp(&build, 6081);
    add_words(&build, cases[_i].words, cases[_i].count);
    add_inner(&build);
    if (cases[_i].is_tunnel)
        expect_inner(&build, PACKET_TUNNEL_GENEVE);
    else
        expect_carrier(&build, PACKET_PROTOCOL_UDP, 6081);
}
END_TEST

START_TEST(gtpu_carries_user_packets_only)
{
    static const struct word_case cases[] = {
        {{0x30ff0028, 1}, 2, true},
        {{0x32ff002c, 1, 0x00070000}, 3, true},              /* a sequence number */
        {{0x31ff002c, 1, 0x00000185}, 3, true},              /* N-PDU; the type is not meant */
        {{0x34ff0030, 1, 0x00000085, 0x01100900}, 4, true},  /* an extension header */
        {{0x34ff0030, 1, 0x00000085, 0x00100900}, 4, false}, /* one of no length */
        {{0x30010028, 1}, 2, false},                         /* echo request */
        {{0x30fe0028, 1}, 2, false},                         /* end marker */
        {{0x38ff0028, 1}, 2, false},                         /* the reserved bit */
        {{0x20ff0028, 1}, 2, false},                         /* GTP' */
        {{0x50ff0028, 1}, 2, false},                         /* version 2 */
        {{0x30ff0029, 1}, 2, false},                         /* longer than the datagram */
    };
    struct packet_build build;
    start_udp(&build, GTPU_PORT);
    add_words(&build, cases[_i].words, cases[_i].count);
    add_inner(&build);
    if (cases[_i].is_tunnel)
        expect_inner(&build, PACKET_TUNNEL_GTPU);
    else
        expect_carrier(&build, PACKET_PROTOCOL_UDP, GTPU_PORT);
}
END_TEST

/* Nothing, an origin, an authentication with and without names, both. */
START_TEST(teredo_is_read_with_its_indications)
{
    const bool has_authentication = _i >= 2, has_names = _i >= 3, has_origin = (_i & 1) != 0;
    struct packet_build build;
    start_udp(&build, TEREDO_PORT);
    if (has_authentication) {
        packet_build_u16(&build, 1);
        packet_build_u8(&build, has_names ? 3 : 0);
        packet_build_u8(&build, has_names ? 4 : 0);
        packet_build_payload(&build, (has_names ? 7 : 0) + 9);
    }
    if (has_origin) {
        packet_build_u32(&build, 0x0000c351);
        packet_build_u32(&build, 0x01020304);
    }
    packet_build_ipv6(&build, "2001::1", "2001:db8::2", PACKET_PROTOCOL_TCP);
    packet_build_tcp(&build, 40000, 443, PACKET_TCP_SYN);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.tunnels[0], PACKET_TUNNEL_TEREDO);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.outer_source[0], 198);
}
END_TEST

START_TEST(other_users_of_teredos_port_stay_udp)
{
    struct packet_build build;
    start_udp(&build, TEREDO_PORT);
    add_inner(&build); /* IPv4 */
    expect_carrier(&build, PACKET_PROTOCOL_UDP, TEREDO_PORT);
}
END_TEST

START_TEST(l2tp_data_carries_ppp)
{
    static const struct word_case cases[] = {
        {{0x00020001, 0x0002ff03, 0}, 2, true},
        {{0x08020001, 0x00020000, 0x0000ff03}, 3, true},  /* sequence numbers */
        {{0x02020001, 0x00020002, 0x0000ff03}, 3, true},  /* an offset of 2 */
        {{0x02020001, 0x0002ffff, 0x0000ff03}, 3, false}, /* one past the end */
        {{0xc8020001, 0x00020000, 0x0000ff03}, 3, false}, /* control */
        {{0x00030001, 0x0002ff03}, 2, false},             /* version 3 */
        {{0x00420001, 0x0002ff03}, 2, false},             /* a reserved bit */
    };
    struct packet_build build;
    start_udp(&build, L2TP_PORT);
    add_words(&build, cases[_i].words, cases[_i].count);
    packet_build_u16(&build, 0x0021);
    add_inner(&build);
    if (cases[_i].is_tunnel)
        expect_inner(&build, PACKET_TUNNEL_L2TP);
    else
        expect_carrier(&build, PACKET_PROTOCOL_UDP, L2TP_PORT);
}
END_TEST

START_TEST(pppoe_sessions_are_followed_and_the_rest_is_not_ip)
{
    static const struct {
        uint16_t ethertype, head, protocol;
        enum packet_refusal refusal;
    } cases[] = {
        {0x8864, 0x1100, 0x0021, PACKET_ACCEPTED},
        {0x8864, 0x1100, 0xc021, PACKET_REFUSED_NOT_IP},    /* LCP */
        {0x8864, 0x1165, 0x0021, PACKET_REFUSED_NOT_IP},    /* a code of discovery */
        {0x8864, 0x2100, 0x0021, PACKET_REFUSED_MALFORMED}, /* version 2 */
        {0x8863, 0x1109, 0x0021, PACKET_REFUSED_NOT_IP},    /* discovery */
    };
    struct packet_build build;
    packet_build_start(&build, ETHERNET, cases[_i].ethertype);
    packet_build_u16(&build, cases[_i].head);
    packet_build_u32(&build, 0x00010000 + 42);
    packet_build_u16(&build, cases[_i].protocol);
    add_inner(&build);
    struct packet packet;
    ck_assert_int_eq(decode_any(&build, &packet), cases[_i].refusal);
    if (cases[_i].refusal != PACKET_ACCEPTED)
        return;
    expect_inner(&build, PACKET_TUNNEL_PPPOE);
    ck_assert_uint_eq(packet.outer_ip_version, 0);
}
END_TEST

START_TEST(more_mpls_labels_than_the_limit_are_refused)
{
    for (unsigned count = 1; count <= PACKET_LABELS_MAX + 1; count++) {
        struct packet_build build;
        packet_build_start(&build, ETHERNET, 0x8847);
        for (unsigned i = 1; i <= count; i++)
            packet_build_u32(&build, i == count ? 0x00020140 : 0x00010040);
        add_inner(&build);
        struct packet packet;
        ck_assert_int_eq(decode_any(&build, &packet), count <= PACKET_LABELS_MAX
                                                          ? PACKET_ACCEPTED
                                                          : PACKET_REFUSED_TOO_MANY_HEADERS);
    }
}
END_TEST

/* With a control word and without, whatever the first address begins with: 4 and 6 look like IP,
 * 0 like a control word. */
START_TEST(a_pseudowire_is_told_from_ip_by_what_makes_sense)
{
    static const uint8_t first_bytes[] = {0x02, 0x00, 0x45, 0x46, 0x60, 0xac};
    const uint8_t first = first_bytes[_i / 2];
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x8848);
    packet_build_u32(&build, 0x00020140);
    if (_i % 2 != 0)
        packet_build_u32(&build, 0);
    add_ethernet(&build, first, IPV4);
    add_inner(&build);
    expect_inner(&build, PACKET_TUNNEL_PSEUDOWIRE);
}
END_TEST

START_TEST(mpls_of_something_else_is_not_ip)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x8847);
    packet_build_u32(&build, 0x00020140);
    packet_build_u32(&build, 0x10000007); /* an associated channel: BFD */
    packet_build_payload(&build, 40);
    struct packet packet;
    ck_assert_int_eq(decode_any(&build, &packet), PACKET_REFUSED_NOT_IP);
}
END_TEST

START_TEST(mpls_in_gre_has_gre_outside)
{
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u32(&build, 0x00008847);
    packet_build_u32(&build, 0x00020140);
    add_inner(&build);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.tunnel_count, 2);
    ck_assert_uint_eq(packet.tunnels[0], PACKET_TUNNEL_GRE);
    ck_assert_uint_eq(packet.tunnels[1], PACKET_TUNNEL_MPLS);
    ck_assert_uint_eq(packet.outer_ip_version, 4);
    ck_assert_uint_eq(packet.outer_source[0], 198);
    ck_assert_uint_eq(packet.source[0], 10);
}
END_TEST

START_TEST(mpls_is_read_in_udp_too)
{
    struct packet_build build;
    start_udp(&build, 6635);
    packet_build_u32(&build, 0x00020140);
    add_inner(&build);
    expect_inner(&build, PACKET_TUNNEL_MPLS);
    start_udp(&build, 6635);
    packet_build_u32(&build, 0x00020040); /* no bottom */
    add_inner(&build);
    expect_carrier(&build, PACKET_PROTOCOL_UDP, 6635);
}
END_TEST

START_TEST(tags_inside_a_tunnel_are_passed_and_those_outside_kept)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x88a8);
    packet_build_vlan(&build, 100, 0x8100);
    packet_build_vlan(&build, 200, IPV4);
    packet_build_ipv4(&build, "198.51.100.1", "198.51.100.2", PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 50000, VXLAN_PORT);
    packet_build_u32(&build, 0x08000000);
    packet_build_u32(&build, 0);
    add_ethernet(&build, 2, 0x8100);
    packet_build_vlan(&build, 1, 0x8100);
    packet_build_vlan(&build, 2, 0x8100);
    packet_build_vlan(&build, 3, IPV4);
    add_inner(&build);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.source_port, 40000);
    ck_assert_uint_eq(packet.vlan_count, 2);
    ck_assert_uint_eq(packet.vlan[0], 100);
    ck_assert_uint_eq(packet.vlan[1], 200);
}
END_TEST

START_TEST(each_ip_header_may_have_its_extension_headers)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x86dd);
    for (int header = 0; header < 2; header++) {
        packet_build_ipv6(&build, "2001:db8::1", "2001:db8::2", 60);
        for (int i = 1; i <= PACKET_EXTENSIONS_MAX; i++) {
            const uint8_t last = header == 0 ? 41 : PACKET_PROTOCOL_TCP;
            packet_build_extension(&build, i == PACKET_EXTENSIONS_MAX ? last : 60, 0);
        }
    }
    packet_build_tcp(&build, 40000, 443, PACKET_TCP_SYN);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.tunnels[0], PACKET_TUNNEL_IP6IN6);
    ck_assert_uint_eq(packet.source_port, 40000);
}
END_TEST

/* The length within must fit into the carrier: else it is chance, or forged. */
START_TEST(an_inner_packet_longer_than_its_carrier_is_not_believed)
{
    struct packet_build build;
    start_udp(&build, VXLAN_PORT);
    packet_build_u32(&build, 0x08000000);
    packet_build_u32(&build, 0);
    add_ethernet(&build, 2, IPV4);
    const uint32_t inner_at = build.size;
    add_inner(&build);
    packet_build_end_ip(&build);
    expect_inner(&build, PACKET_TUNNEL_VXLAN);
    build.bytes[inner_at + 3] = 41;
    expect_carrier(&build, PACKET_PROTOCOL_UDP, VXLAN_PORT);
    build.bytes[inner_at + 3] = 0;
    expect_carrier(&build, PACKET_PROTOCOL_UDP, VXLAN_PORT);
}
END_TEST

START_TEST(the_innermost_certain_layer_is_taken)
{
    struct packet_build build;
    start_carrier(&build, GRE);
    packet_build_u32(&build, IPV4);
    packet_build_ipv4(&build, "10.9.0.1", "10.9.0.2", PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 50000, VXLAN_PORT);
    packet_build_u32(&build, 0x08000000);
    packet_build_u32(&build, 0);
    add_ethernet(&build, 2, 0x0806); /* ARP */
    packet_build_payload(&build, 28);
    const struct packet packet = decode(&build);
    ck_assert_uint_eq(packet.tunnel_count, 1);
    ck_assert_uint_eq(packet.tunnels[0], PACKET_TUNNEL_GRE);
    ck_assert_uint_eq(packet.tunnels[1], PACKET_TUNNEL_NONE);
    ck_assert_uint_eq(packet.destination_port, VXLAN_PORT);
    ck_assert_uint_eq(packet.source[0], 10);
    ck_assert_uint_eq(packet.outer_source[0], 198);
    ck_assert_uint_eq(packet.payload_bytes, 8 + 14 + 28);
}
END_TEST

/* A first fragment of the carrier holds the inner headers, whose length goes beyond it; later ones
 * hold nothing that could be read. */
START_TEST(only_the_first_fragment_of_a_carrier_gives_the_packet_inside)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4_full(&build, "198.51.100.1", "198.51.100.2", GRE, 0, 0x2000);
    packet_build_u32(&build, IPV4);
    const uint32_t inner_at = build.size;
    add_inner(&build);
    packet_build_end_ip(&build);
    build.bytes[inner_at + 2] = 0x05; /* over 1,280 bytes */
    const struct packet first = decode(&build);
    ck_assert_uint_eq(first.source_port, 40000);
    ck_assert_uint_eq(first.marks, 0);
    ck_assert_uint_eq(first.fragment_id, 0);
    ck_assert_uint_eq(first.ip_bytes, 40);
    build.bytes[14 + 6] = 0x00; /* the last, and not the first */
    build.bytes[14 + 7] = 0x10;
    const struct packet last = decode(&build);
    ck_assert_uint_eq(last.tunnel_count, 0);
    ck_assert_uint_eq(last.protocol, GRE);
    ck_assert_uint_eq(last.marks, PACKET_MARK_FRAGMENT_LATER | PACKET_MARK_FRAGMENT_LAST);
}
END_TEST

START_TEST(every_tunnel_has_a_name_of_its_own)
{
    ck_assert_str_eq(packet_tunnel_name(PACKET_TUNNEL_NONE), "");
    ck_assert_str_eq(packet_tunnel_name(PACKET_TUNNEL_ERSPAN), "erspan");
    for (int a = 0; a < PACKET_TUNNEL_COUNT; a++)
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(packet_tunnel_name((enum packet_tunnel)a),
                             packet_tunnel_name((enum packet_tunnel)b));
}
END_TEST

static void add_ip_tests(TCase *tests)
{
    tcase_add_loop_test(tests, gre_is_read_with_every_combination_of_flags, 0, 16);
    tcase_add_test(tests, a_gre_source_route_without_end_is_not_followed);
    tcase_add_loop_test(tests, gre_of_version_1_carries_ppp, 0, 4);
    tcase_add_loop_test(tests, gre_of_other_contents_stays_gre, 0, 6);
    tcase_add_loop_test(tests, erspan_is_read_in_its_three_types, 0, 3);
    tcase_add_loop_test(tests, erspan_iii_carries_frames_and_packets, 0, 6);
}

static void add_udp_tests(TCase *tests)
{
    tcase_add_loop_test(tests, vxlan_is_known_by_its_flags, 0, 9);
    tcase_add_test(tests, a_tunnel_is_known_by_either_port);
    tcase_add_loop_test(tests, geneve_is_known_by_its_version_and_type, 0, 7);
    tcase_add_loop_test(tests, gtpu_carries_user_packets_only, 0, 11);
    tcase_add_loop_test(tests, teredo_is_read_with_its_indications, 0, 4);
    tcase_add_test(tests, other_users_of_teredos_port_stay_udp);
    tcase_add_loop_test(tests, l2tp_data_carries_ppp, 0, 7);
}

static void add_link_tests(TCase *tests)
{
    tcase_add_loop_test(tests, pppoe_sessions_are_followed_and_the_rest_is_not_ip, 0, 5);
    tcase_add_test(tests, more_mpls_labels_than_the_limit_are_refused);
    tcase_add_loop_test(tests, a_pseudowire_is_told_from_ip_by_what_makes_sense, 0, 12);
    tcase_add_test(tests, mpls_of_something_else_is_not_ip);
    tcase_add_test(tests, mpls_in_gre_has_gre_outside);
    tcase_add_test(tests, mpls_is_read_in_udp_too);
}

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("packet_tunnel_header");
    TCase *tests = tcase_create("header");
    add_ip_tests(tests);
    add_udp_tests(tests);
    add_link_tests(tests);
    tcase_add_test(tests, tags_inside_a_tunnel_are_passed_and_those_outside_kept);
    tcase_add_test(tests, each_ip_header_may_have_its_extension_headers);
    tcase_add_test(tests, an_inner_packet_longer_than_its_carrier_is_not_believed);
    tcase_add_test(tests, the_innermost_certain_layer_is_taken);
    tcase_add_test(tests, only_the_first_fragment_of_a_carrier_gives_the_packet_inside);
    tcase_add_test(tests, every_tunnel_has_a_name_of_its_own);
    suite_add_tcase(suite, tests);
    return suite;
}
