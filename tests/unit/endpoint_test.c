/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of endpoints: what was kept of flows before changes none, and which key decides what. */
#include "base/endpoint.h"

#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t placement_key[2] = {UINT64_C(0x0123456789abcdef), 42};
static const uint64_t sketch_key[2] = {7, UINT64_C(0xfedcba9876543210)};

/* Of few hosts and ports, so that all come back; 0.0.0.0 and port and protocol 0 among them. */
static struct flow_record any_flow(void)
{
    static const uint8_t protocols[] = {0, 6, 17};
    return (struct flow_record){
        .ip_version = rand() % 2 == 0 ? 4 : 6,
        .source = {0, (uint8_t)(rand() % 2), [15] = (uint8_t)(rand() % 2)},
        .destination = {0, (uint8_t)(rand() % 2), [15] = (uint8_t)(rand() % 2)},
        .protocol = protocols[rand() % 3],
        .destination_port = (uint16_t)(rand() % 3 * 256),
    };
}

START_TEST(a_flows_hashes_do_not_depend_on_the_flows_before)
{
    struct endpoint_hasher old;
    endpoint_hasher_init(&old, placement_key, sketch_key);
    srand(1);
    for (uint32_t i = 0; i < 10000; i++) {
        const struct flow_record flow = any_flow();
        struct endpoint_hasher fresh;
        struct endpoint_hashes by_old = {.service = 9}, by_fresh = {.service = 8};
        endpoint_hasher_init(&fresh, placement_key, sketch_key);
        endpoint_hash(&old, &flow, i, &by_old);
        endpoint_hash(&fresh, &flow, i, &by_fresh);
        ck_assert_int_eq(memcmp(&by_old, &by_fresh, sizeof by_old), 0);
        const uint64_t place = endpoint_place_host(&old, flow.source, flow.ip_version);
        ck_assert_uint_eq(by_old.hash[ENDPOINT_SOURCE], (uint32_t)place);
    }
}
END_TEST

START_TEST(the_placement_key_moves_every_place_and_no_sketch)
{
    const uint64_t other_key[2] = {placement_key[0], 44};
    struct endpoint_hasher one, other;
    endpoint_hasher_init(&one, placement_key, sketch_key);
    endpoint_hasher_init(&other, other_key, sketch_key);
    const struct flow_record flow = {
        .ip_version = 4, .source = {10, 1}, .destination = {10, 2}, .destination_port = 80};
    struct endpoint_hashes by_one, by_other;
    endpoint_hash(&one, &flow, 80, &by_one);
    endpoint_hash(&other, &flow, 80, &by_other);
    for (unsigned i = 0; i < ENDPOINT_KEYS; i++)
        ck_assert_uint_ne(by_one.hash[i], by_other.hash[i]);
    ck_assert_uint_eq(by_one.source_sketch, by_other.source_sketch);
    ck_assert_uint_eq(by_one.destination_sketch, by_other.destination_sketch);
    ck_assert_uint_eq(by_one.port_sketch, by_other.port_sketch);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *hashes = tcase_create("hashes");
    tcase_add_test(hashes, a_flows_hashes_do_not_depend_on_the_flows_before);
    tcase_add_test(hashes, the_placement_key_moves_every_place_and_no_sketch);
    suite_add_tcase(suite, hashes);
    return suite;
}
