/* SPDX-License-Identifier: Apache-2.0 */
/* That a packet goes on with the flow of the one before it is told of the packets as of their keys:
 * for packets whose addresses, ports and tags are alike in all that they may be alike in. */
#include "flow/flow_train.h"
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

enum { PAIRS = 400000, WORDS = 3 };

/* Few words, of which each is the bits that two others differ in. */
static void random_address(uint64_t *state, uint8_t ip_version, uint8_t address[16])
{
    static const uint64_t words[WORDS] = {0x0102030405060708, 0x1112131415161718,
                                          0x0102030405060708 ^ 0x1112131415161718};
    const size_t size = ip_version == 4 ? 4 : 8;
    memset(address, 0, 16);
    memcpy(address, &words[flow_random(state) % WORDS], size);
    if (ip_version == 6)
        memcpy(address + 8, &words[flow_random(state) % 2], size);
}

static void random_packet(uint64_t *state, struct packet *packet)
{
    *packet = (struct packet){
        .ip_version = flow_random(state) % 2 ? 4 : 6,
        .protocol = flow_random(state) % 4 ? PACKET_PROTOCOL_UDP : PACKET_PROTOCOL_ICMP,
        .source_port = (uint16_t)(1 + flow_random(state) % 2),
        .destination_port = (uint16_t)(1 + flow_random(state) % 2),
        .marks = flow_random(state) % 8 ? 0 : PACKET_MARK_ONE_WAY,
        .vlan_count = flow_random(state) % 2,
        .vlan = {(uint16_t)(flow_random(state) % 2)},
        .ttl = (uint8_t)flow_random(state),
        .tcp_flags = (uint8_t)flow_random(state),
    };
    random_address(state, packet->ip_version, packet->source);
    random_address(state, packet->ip_version, packet->destination);
}

START_TEST(a_train_is_of_one_key)
{
    uint64_t state = 7, trains[2] = {0};
    struct packet packets[2];
    random_packet(&state, &packets[0]);
    for (unsigned i = 0; i < PAIRS; i++) {
        const struct packet *const before = &packets[i % 2], *const packet = &packets[1 - i % 2];
        const bool vlan_is_in_key = flow_random(&state) % 2;
        struct flow_key keys[2];
        bool is_turned = false;
        random_packet(&state, &packets[1 - i % 2]);
        const unsigned sides[2] = {flow_key_of(before, vlan_is_in_key, &keys[0]),
                                   flow_key_of(packet, vlan_is_in_key, &keys[1])};
        const bool is_one_way = (before->marks | packet->marks) & PACKET_MARK_ONE_WAY;
        const bool goes_on = flow_train_goes_on(packet, before, vlan_is_in_key, &is_turned);
        ck_assert_int_eq(goes_on, !is_one_way && flow_key_equal(&keys[0], &keys[1]));
        if (!goes_on)
            continue;
        ck_assert_uint_eq(sides[1], sides[0] ^ (unsigned)is_turned);
        trains[is_turned]++;
    }
    ck_assert_uint_gt(trains[0], 100);
    ck_assert_uint_gt(trains[1], 100);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("flow_train");
    TCase *tests = tcase_create("train");
    tcase_add_test(tests, a_train_is_of_one_key);
    suite_add_tcase(suite, tests);
    return suite;
}
