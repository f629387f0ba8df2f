/* SPDX-License-Identifier: Apache-2.0 */
/* The direct path of the decoder against its header functions: for frames of every shape, whole,
 * cut, mutated and at random, both give the same packet to the byte, and the direct path takes what
 * it is there for. */
#include "packet/decoder.h"
#include "packet/packet_decode.h"
#include "tests/support/packet_build.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ETHERNET = 1,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    FRAMES = 20000,
    MUTATIONS_MAX = 3,
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

/* Decodes both ways, from a block of exactly the frame's size, so that the address sanitizer sees a
 * read past it. Returns whether the direct path took it. */
static bool expect_same(const struct frame *frame)
{
    struct packet direct, general, chosen;
    uint8_t *const bytes = malloc(frame->captured_bytes > 0 ? frame->captured_bytes : 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, frame->bytes, frame->captured_bytes);
    struct frame copy = *frame;
    copy.bytes = bytes;
    memset(&direct, 0xa5, sizeof direct);
    memset(&general, 0x5a, sizeof general);
    memset(&chosen, 0x11, sizeof chosen);
    const bool is_direct = direct_decode(&copy, 1, &direct) == 1;
    const enum packet_refusal refusal = decoder_decode(&copy, &general);
    ck_assert_int_eq(packet_decode(&copy, &chosen), refusal);
    ck_assert_mem_eq(&chosen, &general, sizeof chosen);
    if (is_direct) {
        ck_assert_int_eq(refusal, PACKET_ACCEPTED);
        ck_assert_mem_eq(&direct, &general, sizeof direct);
    }
    free(bytes);
    return is_direct;
}

/* What a frame is built of, by bits of a number. */
struct shape {
    bool is_tagged, is_ipv6, is_udp;
    uint16_t source_port, destination_port;
    uint32_t payload_bytes, padding_bytes;
    uint8_t tcp_flags;
};

static void build(struct packet_build *build, const struct shape *shape)
{
    const uint16_t type = shape->is_ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    const uint8_t protocol = shape->is_udp ? PACKET_PROTOCOL_UDP : PACKET_PROTOCOL_TCP;
    packet_build_start(build, ETHERNET, shape->is_tagged ? ETHERTYPE_VLAN : type);
    if (shape->is_tagged)
        packet_build_vlan(build, 1234, type);
    if (shape->is_ipv6)
        packet_build_ipv6(build, "2001:db8::1", "2001:db8:ffff::2", protocol);
    else
        packet_build_ipv4(build, "10.1.2.3", "192.0.2.77", protocol);
    if (shape->is_udp)
        packet_build_udp(build, shape->source_port, shape->destination_port);
    else
        packet_build_tcp(build, shape->source_port, shape->destination_port, shape->tcp_flags);
    packet_build_payload(build, shape->payload_bytes);
    packet_build_end_ip(build);
    packet_build_payload(build, shape->padding_bytes);
}

static struct shape random_shape(uint64_t *state)
{
    static const uint16_t ports[] = {53, 443, 40000, 4789, 1701, 8472, 2152, 1900, 0, 65535};
    const uint32_t bits = next_random(state), sizes = next_random(state);
    return (struct shape){
        .is_tagged = (bits & 1) != 0,
        .is_ipv6 = (bits & 2) != 0,
        .is_udp = (bits & 4) != 0,
        .source_port = ports[(bits >> 3) % (sizeof ports / sizeof *ports)],
        .destination_port = ports[(bits >> 8) % (sizeof ports / sizeof *ports)],
        .tcp_flags = (uint8_t)(bits >> 16),
        .payload_bytes = sizes % 3 == 0 ? 0 : sizes / 3 % 60,
        .padding_bytes = (bits & 1 << 24) != 0 ? bits >> 28 : 0,
    };
}

START_TEST(common_frames_are_decoded_directly)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        for (uint32_t size = 0; size < 100; size++) {
            const struct shape shape = {
                .is_tagged = (bits & 1) != 0,
                .is_ipv6 = (bits & 2) != 0,
                .is_udp = (bits & 4) != 0,
                .source_port = 40000,
                .destination_port = 443,
                .payload_bytes = size,
                .padding_bytes = size < 6 ? 6 - size : 0,
                .tcp_flags = PACKET_TCP_ACK,
            };
            struct packet_build frame_build;
            build(&frame_build, &shape);
            const struct frame frame = packet_build_frame(&frame_build, time_ns);
            ck_assert(expect_same(&frame));
        }
    }
}
END_TEST

/* Captures of headers alone, as by a snap length of 74, are common too. */
START_TEST(frames_cut_behind_their_headers_are_decoded_directly)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct shape shape = {
            .is_tagged = (bits & 1) != 0,
            .is_ipv6 = (bits & 2) != 0,
            .is_udp = (bits & 4) != 0,
            .source_port = 40000,
            .destination_port = 443,
            .payload_bytes = 500,
        };
        struct packet_build frame_build;
        build(&frame_build, &shape);
        struct frame frame = packet_build_frame(&frame_build, time_ns);
        const uint32_t header_bytes = frame.wire_bytes - 500;
        for (uint32_t size = 0; size < frame.wire_bytes; size++) {
            frame.captured_bytes = size;
            ck_assert_int_eq(expect_same(&frame), size >= header_bytes);
        }
    }
}
END_TEST

/* A tunnel that the direct path does not know of would be taken for its carrier. */
START_TEST(no_tunnels_port_is_decoded_directly)
{
    unsigned tunnels = 0;
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        for (unsigned way = 0; way < 2; way++) {
            const struct shape shape = {
                .is_udp = true,
                .source_port = way == 0 ? (uint16_t)port : 40000,
                .destination_port = way == 0 ? 40000 : (uint16_t)port,
                .payload_bytes = 20,
            };
            struct packet_build frame_build;
            build(&frame_build, &shape);
            const struct frame frame = packet_build_frame(&frame_build, time_ns);
            ck_assert_int_eq(expect_same(&frame), !decoder_finds_tunnel_port((uint16_t)port));
        }
        tunnels += decoder_finds_tunnel_port((uint16_t)port);
    }
    ck_assert_uint_ge(tunnels, 8);
}
END_TEST

/* Numbers that mean something in one header or another. */
static uint8_t telling_byte(uint64_t *state)
{
    static const uint8_t telling[] = {0,    1,    4,    5,    6,    8,    17,   20,
                                      0x40, 0x45, 0x46, 0x4f, 0x60, 0x81, 0x86, 0xff};
    const uint32_t number = next_random(state);
    return (number & 1) != 0 ? telling[(number >> 1) % sizeof telling] : (uint8_t)(number >> 8);
}

START_TEST(changed_and_cut_frames_are_decoded_the_same)
{
    uint64_t state = 4711 + (uint64_t)_i;
    unsigned direct = 0;
    for (unsigned i = 0; i < FRAMES; i++) {
        const struct shape shape = random_shape(&state);
        struct packet_build frame_build;
        build(&frame_build, &shape);
        for (unsigned n = next_random(&state) % (MUTATIONS_MAX + 1); n > 0; n--)
            frame_build.bytes[next_random(&state) % frame_build.size] = telling_byte(&state);
        struct frame frame = packet_build_frame(&frame_build, time_ns);
        frame.source_index = (uint16_t)i;
        if (i % 3 == 0)
            frame.captured_bytes -= next_random(&state) % (frame.captured_bytes + 1);
        if (i % 5 == 0)
            frame.wire_bytes += next_random(&state) % 100;
        direct += expect_same(&frame);
    }
    ck_assert_uint_gt(direct, FRAMES / 4);
    ck_assert_uint_lt(direct, FRAMES * 3 / 4);
}
END_TEST

/* Every byte of a header, with every value. */
START_TEST(each_header_byte_of_any_value_is_decoded_the_same)
{
    struct packet_build frame_build;
    const struct shape shape = {
        .is_tagged = (_i & 1) != 0,
        .is_ipv6 = (_i & 2) != 0,
        .is_udp = (_i & 4) != 0,
        .source_port = 40000,
        .destination_port = 443,
        .payload_bytes = 21,
    };
    build(&frame_build, &shape);
    const struct frame frame = packet_build_frame(&frame_build, time_ns);
    for (uint32_t place = 0; place < frame.captured_bytes; place++) {
        const uint8_t before = frame_build.bytes[place];
        for (unsigned value = 0; value < 256; value++) {
            frame_build.bytes[place] = (uint8_t)value;
            expect_same(&frame);
        }
        frame_build.bytes[place] = before;
    }
}
END_TEST

START_TEST(rubbish_is_decoded_the_same)
{
    uint64_t state = 815;
    uint8_t bytes[128];
    for (unsigned i = 0; i < FRAMES; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = telling_byte(&state);
        bytes[12] = i % 2 != 0 ? 0x08 : 0x86;
        bytes[13] = i % 2 != 0 ? 0x00 : 0xdd;
        const struct frame frame = {
            .bytes = bytes,
            .time_s = 1,
            .captured_bytes = next_random(&state) % sizeof bytes,
            .wire_bytes = sizeof bytes + next_random(&state) % 1000,
            .link_type = i % 7 != 0 ? ETHERNET : 101,
        };
        expect_same(&frame);
    }
}
END_TEST

/* Common frames, odd ones and refused ones in any order: as each by itself. */
START_TEST(many_frames_at_once_are_decoded_as_one_by_one)
{
    enum { MANY = 64 };
    static struct packet_build builds[MANY];
    struct frame frames[MANY];
    struct packet packets[MANY], packet;
    uint8_t refusals[MANY];
    uint64_t state = 99 + (uint64_t)_i;
    size_t refused = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const struct shape shape = random_shape(&state);
        build(&builds[i], &shape);
        frames[i] = packet_build_frame(&builds[i], time_ns + i);
        if (next_random(&state) % 8 == 0)
            frames[i].captured_bytes = next_random(&state) % 40; /* truncated */
        if (next_random(&state) % 16 == 0)
            frames[i].wire_bytes = frames[i].captured_bytes - 1; /* of 0: longer than any */
        if (next_random(&state) % 16 == 0)
            frames[i].time_subsec_ns = -1;
    }
    memset(packets, 0x5a, sizeof packets);
    const size_t count = (size_t)_i % (MANY + 1);
    const size_t sum = packet_decode_frames(frames, count, packets, refusals);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(packet_decode(&frames[i], &packet), refusals[i]);
        ck_assert_mem_eq(&packet, &packets[i], sizeof packet);
        ck_assert_uint_eq(packet.frame_bytes, frames[i].wire_bytes);
        refused += refusals[i] != PACKET_ACCEPTED;
    }
    ck_assert_uint_eq(sum, refused);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("packet_direct");
    TCase *tests = tcase_create("direct");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, common_frames_are_decoded_directly);
    tcase_add_test(tests, frames_cut_behind_their_headers_are_decoded_directly);
    tcase_add_test(tests, no_tunnels_port_is_decoded_directly);
    tcase_add_loop_test(tests, changed_and_cut_frames_are_decoded_the_same, 0, 3);
    tcase_add_loop_test(tests, each_header_byte_of_any_value_is_decoded_the_same, 0, 8);
    tcase_add_test(tests, rubbish_is_decoded_the_same);
    tcase_add_loop_test(tests, many_frames_at_once_are_decoded_as_one_by_one, 0, 130);
    suite_add_tcase(suite, tests);
    return suite;
}
