/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels of every kind, cut anywhere, nested to any depth and filled with rubbish: the decoder
 * gives the inner packet or the innermost that is certain, and never loses one it could place. */
#include "packet/packet_decode.h"
#include "tests/support/packet_build.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ETHERNET = 1,
    KIND_COUNT = PACKET_TUNNEL_COUNT - 1, /* without NONE */
    RANDOM_RUNS = 1000,
    RANDOM_BYTES = 96,
};

static const int64_t time_ns = INT64_C(1570002845001207123);

/* xorshift64: the same numbers in each run. */
static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static void add_inner(struct packet_build *build, uint8_t version)
{
    if (version == 4) {
        packet_build_ipv4(build, "10.0.0.1", "192.0.2.7", PACKET_PROTOCOL_TCP);
        packet_build_tcp(build, 40000, 443, PACKET_TCP_SYN);
    } else {
        packet_build_ipv6(build, "2001:db8::1", "2001:db8::2", PACKET_PROTOCOL_UDP);
        packet_build_udp(build, 40000, 443);
    }
    packet_build_payload(build, 30);
}

static bool carries(enum packet_tunnel tunnel, uint8_t version)
{
    switch (tunnel) {
    case PACKET_TUNNEL_IPIP:
    case PACKET_TUNNEL_IP4IN6:
        return version == 4;
    case PACKET_TUNNEL_IP6IN4:
    case PACKET_TUNNEL_IP6IN6:
    case PACKET_TUNNEL_TEREDO:
        return version == 6;
    default:
        return true;
    }
}

static void build_tunnels(struct packet_build *build, const enum packet_tunnel *tunnels,
                          size_t count, uint8_t inner_version)
{
    packet_build_start(build, ETHERNET, packet_build_tunnel_ethertype(tunnels[0]));
    for (size_t i = 0; i < count; i++)
        packet_build_tunnel(build, tunnels[i],
                            i + 1 < count ? packet_build_tunnel_version(tunnels[i + 1])
                                          : inner_version);
}

static void expect_inner(const struct packet *packet, uint8_t version)
{
    ck_assert_uint_eq(packet->ip_version, version);
    ck_assert_uint_eq(packet->source_port, 40000);
    ck_assert_uint_eq(packet->destination_port, 443);
    ck_assert_uint_eq(packet->source[0], version == 4 ? 10 : 0x20);
    ck_assert_uint_eq(packet->protocol, version == 4 ? PACKET_PROTOCOL_TCP : PACKET_PROTOCOL_UDP);
    ck_assert_uint_eq(packet->ip_bytes, version == 4 ? 20 + 20 + 30 : 40 + 8 + 30);
    ck_assert_uint_eq(packet->payload_bytes, 30);
    ck_assert_uint_eq(packet->tcp_flags, version == 4 ? PACKET_TCP_SYN : 0);
    ck_assert_uint_eq(packet->marks, 0);
}

static void expect_outer(const struct packet *packet, uint8_t version)
{
    const uint8_t none[16] = {0}, v4[16] = {198, 51, 100, 1};
    const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, [15] = 1};
    ck_assert_uint_eq(packet->outer_ip_version, version);
    ck_assert_mem_eq(packet->outer_source, version == 0 ? none : version == 4 ? v4 : v6, 16);
}

START_TEST(every_tunnel_gives_the_packet_inside)
{
    const enum packet_tunnel tunnel = (enum packet_tunnel)(_i / 2 + 1);
    const uint8_t version = _i % 2 == 0 ? 4 : 6;
    if (!carries(tunnel, version))
        return;
    struct packet_build build;
    build_tunnels(&build, &tunnel, 1, version);
    add_inner(&build, version);
    const struct frame frame = packet_build_frame(&build, time_ns);
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    expect_inner(&packet, version);
    expect_outer(&packet, packet_build_tunnel_version(tunnel));
    ck_assert_uint_eq(packet.frame_bytes, build.size);
    ck_assert_uint_eq(packet.tunnel_count, 1);
    ck_assert_uint_eq(packet.tunnels[0], tunnel);
}
END_TEST

/* Either the packet of the whole frame, or one that lies around it. */
static void expect_same_or_outer(const struct packet *cut, const struct packet *full)
{
    ck_assert_uint_le(cut->tunnel_count, full->tunnel_count);
    ck_assert_mem_eq(cut->tunnels, full->tunnels, cut->tunnel_count);
    if (cut->tunnel_count < full->tunnel_count) {
        ck_assert_uint_ge(cut->ip_bytes, full->ip_bytes);
        return;
    }
    ck_assert_mem_eq(cut->source, full->source, 16);
    ck_assert_mem_eq(cut->destination, full->destination, 16);
    ck_assert_uint_eq(cut->source_port, full->source_port);
    ck_assert_uint_eq(cut->destination_port, full->destination_port);
    ck_assert_uint_eq(cut->protocol, full->protocol);
    ck_assert_uint_eq(cut->ip_bytes, full->ip_bytes);
    ck_assert_mem_eq(cut->outer_source, full->outer_source, 16);
}

/* The bytes lie at the end of a block of exactly their size, so that the address sanitizer sees a
 * read past them. */
static enum packet_refusal decode_cut(const struct frame *whole, uint32_t size,
                                      struct packet *packet)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, whole->bytes, size);
    struct frame frame = *whole;
    frame.bytes = bytes;
    frame.captured_bytes = size;
    const enum packet_refusal refusal = packet_decode(&frame, packet);
    free(bytes);
    return refusal;
}

/* One byte more is never a packet, a layer or a certainty less. */
static void check_every_cut(const struct frame *whole)
{
    struct packet full, cut;
    ck_assert_int_eq(packet_decode(whole, &full), PACKET_ACCEPTED);
    bool was_accepted = false;
    unsigned layers = 0;
    for (uint32_t size = 0; size <= whole->captured_bytes; size++) {
        const enum packet_refusal refusal = decode_cut(whole, size, &cut);
        if (was_accepted)
            ck_assert_int_eq(refusal, PACKET_ACCEPTED);
        if (refusal != PACKET_ACCEPTED)
            continue;
        was_accepted = true;
        ck_assert_uint_ge(cut.tunnel_count, layers);
        layers = cut.tunnel_count;
        expect_same_or_outer(&cut, &full);
    }
    ck_assert(was_accepted);
    ck_assert_uint_eq(layers, full.tunnel_count);
}

START_TEST(a_cut_anywhere_keeps_the_innermost_layer_that_is_whole)
{
    const enum packet_tunnel tunnel = (enum packet_tunnel)(_i / 2 + 1);
    const uint8_t version = _i % 2 == 0 ? 4 : 6;
    if (!carries(tunnel, version))
        return;
    struct packet_build build;
    build_tunnels(&build, &tunnel, 1, version);
    add_inner(&build, version);
    const struct frame frame = packet_build_frame(&build, time_ns);
    check_every_cut(&frame);
}
END_TEST

/* A kind that can be carried by the one before it. */
static enum packet_tunnel choose_next(enum packet_tunnel before, uint64_t *state)
{
    for (;;) {
        const enum packet_tunnel tunnel =
            (enum packet_tunnel)(1 + next_random(state) % (uint32_t)KIND_COUNT);
        const uint8_t version = packet_build_tunnel_version(tunnel);
        if (version != 0 && (before == PACKET_TUNNEL_NONE || carries(before, version)))
            return tunnel;
    }
}

/* Too deep, the packet is the one inside the deepest tunnel that is followed. */
START_TEST(tunnels_nest_to_the_limit_and_stop_there)
{
    uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    enum packet_tunnel tunnels[PACKET_TUNNELS_MAX + 1] = {PACKET_TUNNEL_NONE};
    const size_t depth = (size_t)_i % (PACKET_TUNNELS_MAX + 1) + 1;
    for (size_t i = 0; i < depth; i++)
        tunnels[i] = choose_next(i == 0 ? PACKET_TUNNEL_NONE : tunnels[i - 1], &state);
    const uint8_t version = carries(tunnels[depth - 1], 4) ? 4 : 6;
    struct packet_build build;
    build_tunnels(&build, tunnels, depth, version);
    add_inner(&build, version);
    const struct frame frame = packet_build_frame(&build, time_ns);
    struct packet packet;
    ck_assert_int_eq(packet_decode(&frame, &packet), PACKET_ACCEPTED);
    const size_t followed = depth < PACKET_TUNNELS_MAX ? depth : PACKET_TUNNELS_MAX;
    ck_assert_uint_eq(packet.tunnel_count, followed);
    for (size_t i = 0; i < followed; i++)
        ck_assert_uint_eq(packet.tunnels[i], tunnels[i]);
    if (depth <= PACKET_TUNNELS_MAX)
        expect_inner(&packet, version);
    else
        ck_assert_uint_eq(packet.source[0], packet.ip_version == 4 ? 198 : 0x20);
    expect_outer(&packet, packet_build_tunnel_version(tunnels[0]));
    check_every_cut(&frame);
}
END_TEST

/* What must hold of whatever comes out. One assertion: each costs Check a microsecond. */
static void check_promises(const struct frame *frame, const struct packet *packet)
{
    bool holds = packet->ip_version == 4 || packet->ip_version == 6;
    holds = holds && packet->payload_bytes <= packet->ip_bytes;
    holds = holds && packet->ip_bytes <= frame->wire_bytes;
    holds = holds && packet->tunnel_count <= PACKET_TUNNELS_MAX;
    for (size_t i = 0; i < PACKET_TUNNELS_MAX; i++) {
        const bool is_used = i < packet->tunnel_count;
        holds = holds && is_used == (packet->tunnels[i] != PACKET_TUNNEL_NONE);
    }
    ck_assert(holds);
}

START_TEST(rubbish_in_a_tunnel_stays_the_carriers_packet)
{
    const enum packet_tunnel tunnel = (enum packet_tunnel)(_i + 1);
    uint64_t state = 0x2545f4914f6cdd1du + (uint64_t)_i;
    unsigned outer_count = 0;
    for (int run = 0; run < RANDOM_RUNS; run++) {
        struct packet_build build;
        build_tunnels(&build, &tunnel, 1, carries(tunnel, 4) ? 4 : 6);
        for (uint32_t i = 0; i < RANDOM_BYTES; i++)
            packet_build_u8(&build, (uint8_t)next_random(&state));
        const struct frame frame = packet_build_frame(&build, time_ns);
        struct packet packet;
        const enum packet_refusal refusal = packet_decode(&frame, &packet);
        if (packet_build_tunnel_version(tunnel) != 0)
            ck_assert_int_eq(refusal, PACKET_ACCEPTED);
        if (refusal != PACKET_ACCEPTED)
            continue;
        check_promises(&frame, &packet);
        if (packet.tunnel_count == 0) {
            outer_count++;
            ck_assert_uint_eq(packet.outer_ip_version, 0);
            ck_assert_uint_eq(packet.ip_bytes, build.size - 14);
        }
    }
    if (packet_build_tunnel_version(tunnel) != 0)
        ck_assert_uint_gt(outer_count, RANDOM_RUNS * 9 / 10);
}
END_TEST

/* Any byte of a tunnelled frame behind the first IP header changed to any value: still placed. */
START_TEST(a_change_inside_a_tunnel_never_loses_the_packet)
{
    const enum packet_tunnel tunnel = (enum packet_tunnel)(_i + 1);
    const uint8_t outer_version = packet_build_tunnel_version(tunnel);
    const uint32_t first = 14 + (outer_version == 4 ? 20 : 40);
    struct packet_build build;
    build_tunnels(&build, &tunnel, 1, carries(tunnel, 4) ? 4 : 6);
    add_inner(&build, carries(tunnel, 4) ? 4 : 6);
    const struct frame frame = packet_build_frame(&build, time_ns);
    for (uint32_t at = outer_version == 0 ? 14 : first; at < build.size; at++) {
        const uint8_t before = build.bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            build.bytes[at] = (uint8_t)value;
            struct packet packet;
            const enum packet_refusal refusal = packet_decode(&frame, &packet);
            if (outer_version == 0 && refusal != PACKET_ACCEPTED)
                continue;
            ck_assert_int_eq(refusal, PACKET_ACCEPTED);
            check_promises(&frame, &packet);
        }
        build.bytes[at] = before;
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("packet_tunnel");
    TCase *tests = tcase_create("tunnel");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_tunnel_gives_the_packet_inside, 0, 2 * KIND_COUNT);
    tcase_add_loop_test(tests, a_cut_anywhere_keeps_the_innermost_layer_that_is_whole, 0,
                        2 * KIND_COUNT);
    tcase_add_loop_test(tests, tunnels_nest_to_the_limit_and_stop_there, 0, 90);
    tcase_add_loop_test(tests, rubbish_in_a_tunnel_stays_the_carriers_packet, 0, KIND_COUNT);
    tcase_add_loop_test(tests, a_change_inside_a_tunnel_never_loses_the_packet, 0, KIND_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}
