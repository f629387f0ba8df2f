/* SPDX-License-Identifier: Apache-2.0 */
/* The digest: equal for the copies of a packet that mirror ports make, different for all else. */
#include "flow/flow_cell.h"
#include "packet/packet_decode.h"
#include "tests/support/packet_build.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { ETHERNET = 1, IPV4 = 0x0800, VLAN = 0x8100, IP_AT = 14, TRANSPORT_AT = 34 };

static uint32_t digest_of_cut(struct packet_build *build, uint32_t captured_bytes)
{
    struct frame frame = packet_build_frame(build, 1);
    if (captured_bytes < frame.captured_bytes)
        frame.captured_bytes = captured_bytes;
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    return packet.digest;
}

static uint32_t digest_of(struct packet_build *build)
{
    return digest_of_cut(build, UINT32_MAX);
}

static void add_tcp(struct packet_build *build)
{
    packet_build_ipv4(build, "10.0.0.1", "192.0.2.7", PACKET_PROTOCOL_TCP);
    packet_build_tcp(build, 40000, 443, PACKET_TCP_ACK);
    packet_build_payload(build, 300);
    packet_build_end_ip(build);
}

static void build_tcp(struct packet_build *build)
{
    packet_build_start(build, ETHERNET, IPV4);
    add_tcp(build);
}

static void build_tagged_tcp(struct packet_build *build, unsigned tags)
{
    packet_build_start(build, ETHERNET, tags > 0 ? VLAN : IPV4);
    for (unsigned i = 1; i <= tags; i++)
        packet_build_vlan(build, (uint16_t)(77 * i), i == tags ? IPV4 : VLAN);
    add_tcp(build);
}

START_TEST(tags_hops_addresses_of_cards_and_padding_do_not_count)
{
    struct packet_build build;
    build_tcp(&build);
    const uint32_t digest = digest_of(&build);
    build.bytes[0] ^= 0x40;
    build.bytes[11] ^= 0xff;
    ck_assert_uint_eq(digest_of(&build), digest);
    build.bytes[IP_AT + 8]--;                  /* a hop */
    memset(build.bytes + IP_AT + 10, 0x5a, 2); /* the header's checksum */
    build.bytes[IP_AT + 1] = 0xb8;             /* traffic class */
    ck_assert_uint_eq(digest_of(&build), digest);
    packet_build_payload(&build, 4);
    ck_assert_uint_eq(digest_of(&build), digest);
    build_tagged_tcp(&build, 1);
    ck_assert_uint_eq(digest_of(&build), digest);
    build_tagged_tcp(&build, 2);
    ck_assert_uint_eq(digest_of(&build), digest);
}
END_TEST

/* Identification, length, protocol, ports, sequence, acknowledgment, flags, window, checksum. */
START_TEST(every_field_that_tells_packets_apart_counts)
{
    static const uint32_t places[] = {IP_AT + 4,         IP_AT + 5,         IP_AT + 3,
                                      TRANSPORT_AT + 1,  TRANSPORT_AT + 3,  TRANSPORT_AT + 7,
                                      TRANSPORT_AT + 11, TRANSPORT_AT + 13, TRANSPORT_AT + 15,
                                      TRANSPORT_AT + 16, TRANSPORT_AT + 17, TRANSPORT_AT + 31};
    struct packet_build build;
    build_tcp(&build);
    const uint32_t digest = digest_of(&build);
    build.bytes[places[_i]] ^= 0x04; /* the length gets less: more is not believed */
    ck_assert_uint_ne(digest_of(&build), digest);
}
END_TEST

START_TEST(payload_counts_where_udp_has_no_checksum)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_ipv4(&build, "10.0.0.1", "192.0.2.7", PACKET_PROTOCOL_UDP);
    packet_build_udp(&build, 5004, 5004);
    packet_build_payload(&build, 172);
    const uint32_t digest = digest_of(&build);
    for (uint32_t at = TRANSPORT_AT + 8; at < TRANSPORT_AT + 32; at++) {
        build.bytes[at] ^= 0x10;
        ck_assert_uint_ne(digest_of(&build), digest);
        build.bytes[at] ^= 0x10;
    }
}
END_TEST

/* The tag of one copy pushes bytes out of what a snap length keeps. */
START_TEST(copies_that_the_snap_length_cuts_differently_are_equal)
{
    static const uint32_t snap_lengths[] = {1514, 256, 96, 74, 64};
    const uint32_t snap_length = snap_lengths[_i];
    struct packet_build build;
    build_tcp(&build);
    const uint32_t digest = digest_of_cut(&build, snap_length);
    for (unsigned tags = 1; tags <= 2; tags++) {
        build_tagged_tcp(&build, tags);
        ck_assert_uint_eq(digest_of_cut(&build, snap_length), digest);
    }
}
END_TEST

/* Equal payload (zeros of a big ping, say) at two places of one datagram. */
START_TEST(fragments_of_one_datagram_differ)
{
    static const uint16_t fragments[] = {0x2000, 0x2001, 0x2002, 0x0003};
    uint32_t digests[4];
    for (int i = 0; i < 4; i++) {
        struct packet_build build;
        packet_build_start(&build, ETHERNET, IPV4);
        packet_build_ipv4_full(&build, "10.0.0.1", "192.0.2.7", 1, 0, fragments[i]);
        packet_build_payload(&build, 8);
        digests[i] = digest_of(&build);
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(digests[j], digests[i]);
    }
}
END_TEST

START_TEST(hops_do_not_count_in_ipv6_and_fragment_ids_do)
{
    struct packet_build build;
    packet_build_start(&build, ETHERNET, 0x86dd);
    packet_build_ipv6(&build, "2001:db8::1", "2001:db8::2", 44);
    packet_build_fragment(&build, PACKET_PROTOCOL_UDP, 0x0009);
    packet_build_payload(&build, 32);
    const uint32_t digest = digest_of(&build);
    build.bytes[IP_AT + 7]--;
    ck_assert_uint_eq(digest_of(&build), digest);
    build.bytes[IP_AT + 40 + 7] ^= 1;
    ck_assert_uint_ne(digest_of(&build), digest);
}
END_TEST

/* A copy by an ERSPAN session is the packet it was. */
START_TEST(a_tunnelled_copy_has_the_digest_of_the_packet_inside)
{
    struct packet_build build;
    build_tcp(&build);
    const uint32_t digest = digest_of(&build);
    packet_build_start(&build, ETHERNET, IPV4);
    packet_build_tunnel(&build, PACKET_TUNNEL_ERSPAN, 4);
    add_tcp(&build);
    ck_assert_uint_eq(digest_of(&build), digest);
}
END_TEST

/* The carrier's identification is not the IPv6 packet's. */
START_TEST(a_tunnelled_copy_has_the_digest_of_the_ipv6_packet_inside)
{
    struct packet_build build;
    uint32_t digests[2];
    for (int i = 0; i < 2; i++) {
        packet_build_start(&build, ETHERNET, i == 0 ? 0x86dd : IPV4);
        if (i == 1)
            packet_build_tunnel(&build, PACKET_TUNNEL_VXLAN, 6);
        packet_build_ipv6(&build, "2001:db8::1", "2001:db8::2", PACKET_PROTOCOL_UDP);
        packet_build_udp(&build, 1000, 2000);
        packet_build_payload(&build, 40);
        digests[i] = digest_of(&build);
    }
    ck_assert_uint_eq(digests[0], digests[1]);
}
END_TEST

static int compare(const void *a, const void *b)
{
    const uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return first < second ? -1 : first > second;
}

/* The flow room keeps all of a digest but its last bit. */
START_TEST(datagrams_that_differ_in_identification_alone_are_told_apart)
{
    enum { COUNT = 1 << 16 };
    static uint32_t names[COUNT];
    struct packet_build build;
    build_tcp(&build);
    for (uint32_t i = 0; i < COUNT; i++) {
        build.bytes[IP_AT + 4] = (uint8_t)(i >> 8);
        build.bytes[IP_AT + 5] = (uint8_t)i;
        const struct packet packet = {.digest = digest_of(&build)};
        names[i] = flow_cell_name(&packet, 0);
    }
    qsort(names, COUNT, sizeof *names, compare);
    for (uint32_t i = 1; i < COUNT; i++)
        ck_assert_uint_ne(names[i], names[i - 1]);
}
END_TEST

/* 2^18 packets of one flow that differ only in the sequence number: chance would have 8 pairs share
 * one of 2^32 values. */
START_TEST(digests_of_neighbours_are_spread)
{
    enum { COUNT = 1 << 18 };
    static uint32_t digests[COUNT];
    struct packet_build build;
    build_tcp(&build);
    for (uint32_t i = 0; i < COUNT; i++) {
        build.bytes[TRANSPORT_AT + 7] = (uint8_t)i;
        build.bytes[TRANSPORT_AT + 6] = (uint8_t)(i >> 8);
        build.bytes[TRANSPORT_AT + 5] = (uint8_t)(i >> 16);
        digests[i] = digest_of(&build);
    }
    qsort(digests, COUNT, sizeof *digests, compare);
    unsigned equal = 0;
    for (uint32_t i = 1; i < COUNT; i++)
        equal += digests[i] == digests[i - 1];
    ck_assert_uint_le(equal, 30);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("packet_digest");
    TCase *tests = tcase_create("digest");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, tags_hops_addresses_of_cards_and_padding_do_not_count);
    tcase_add_loop_test(tests, every_field_that_tells_packets_apart_counts, 0, 12);
    tcase_add_test(tests, payload_counts_where_udp_has_no_checksum);
    tcase_add_loop_test(tests, copies_that_the_snap_length_cuts_differently_are_equal, 0, 5);
    tcase_add_test(tests, fragments_of_one_datagram_differ);
    tcase_add_test(tests, hops_do_not_count_in_ipv6_and_fragment_ids_do);
    tcase_add_test(tests, a_tunnelled_copy_has_the_digest_of_the_packet_inside);
    tcase_add_test(tests, a_tunnelled_copy_has_the_digest_of_the_ipv6_packet_inside);
    tcase_add_test(tests, datagrams_that_differ_in_identification_alone_are_told_apart);
    tcase_add_test(tests, digests_of_neighbours_are_spread);
    suite_add_tcase(suite, tests);
    return suite;
}
