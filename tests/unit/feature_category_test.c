/* SPDX-License-Identifier: Apache-2.0 */
/* Categories: codes, their words, directions, and the table generated from the list. */
#include "base/address.h"
#include "feature/category.h"
#include "feature/direction.h"
#include "tests/support/unit.h"

#include <string.h>

static struct feature_vector measure(const struct flow_record *flow)
{
    struct feature_vector vector = {.present = 0};
    struct service_ports ports;
    service_ports_init(&ports);
    category_measure(flow, category_service(flow, &ports), &vector);
    return vector;
}

static void expect_words(const struct feature_vector *vector, enum feature_id id,
                         const char *expected)
{
    char text[64];
    ck_assert(feature_is_present(vector, id));
    ck_assert_str_eq(feature_category_text(id, vector->value[id], text, sizeof text), expected);
}

static struct flow_record https_flow(uint64_t ip_bytes)
{
    struct flow_record flow = {
        .source_port = 51234,
        .destination_port = 443,
        .ip_version = 4,
        .protocol = PACKET_PROTOCOL_TCP,
        .state = FLOW_STATE_REFUSED,
    };
    flow.direction[FLOW_FORWARD].ip_bytes = ip_bytes;
    return flow;
}

START_TEST(codes_read_as_words)
{
    const struct flow_record flow = https_flow(5000);
    const struct feature_vector vector = measure(&flow);
    expect_words(&vector, FEATURE_PROTOCOL, "tcp");
    expect_words(&vector, FEATURE_SERVICE, "tcp/443");
    expect_words(&vector, FEATURE_SERVICE_STATE, "tcp/443 refused");
    expect_words(&vector, FEATURE_PROTOCOL_STATE, "tcp refused");
    expect_words(&vector, FEATURE_SERVICE_SIZE, "tcp/443, 4 kB to 64 kB");
    ck_assert_uint_eq(vector.service_port, 443);
}
END_TEST

START_TEST(service_is_the_better_known_port)
{
    struct flow_record flow = https_flow(1);
    flow.source_port = 443;
    flow.destination_port = 57360;
    struct feature_vector vector = measure(&flow);
    expect_words(&vector, FEATURE_SERVICE, "tcp/443");
    flow.source_port = 51234;
    vector = measure(&flow);
    expect_words(&vector, FEATURE_SERVICE, "tcp/other");
    ck_assert_uint_eq(vector.service_port, 0);
}
END_TEST

START_TEST(protocols_without_ports_have_services_too)
{
    struct flow_record flow = {.ip_version = 4, .icmp_type = 8};
    flow.protocol = PACKET_PROTOCOL_ICMP;
    flow.state = FLOW_STATE_ANSWERED;
    struct feature_vector vector = measure(&flow);
    expect_words(&vector, FEATURE_SERVICE, "icmp type 8");
    ck_assert_uint_eq(vector.service_port, 0);
    flow.protocol = 47;
    vector = measure(&flow);
    expect_words(&vector, FEATURE_SERVICE, "gre");
    flow.protocol = 200;
    vector = measure(&flow);
    expect_words(&vector, FEATURE_SERVICE, "protocol 200");
}
END_TEST

START_TEST(size_classes_are_factors_of_sixteen)
{
    static const struct {
        uint64_t ip_bytes;
        const char *words;
    } cases[] = {
        {0, "tcp/443, under 16 B"},          {14, "tcp/443, under 16 B"},
        {15, "tcp/443, 16 B to 256 B"},      {254, "tcp/443, 16 B to 256 B"},
        {255, "tcp/443, 256 B to 4 kB"},     {65535, "tcp/443, 64 kB to 1 MB"},
        {1 << 20, "tcp/443, 1 MB to 16 MB"}, {UINT64_MAX, "tcp/443, very large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct flow_record flow = https_flow(cases[i].ip_bytes);
        const struct feature_vector vector = measure(&flow);
        expect_words(&vector, FEATURE_SERVICE_SIZE, cases[i].words);
    }
}
END_TEST

START_TEST(short_buffers_are_never_overrun)
{
    char text[32];
    const double code = (double)((UINT64_C(6) << 16 | 443) << 8 | FLOW_STATE_REFUSED);
    for (unsigned size = 0; size < sizeof text; size++) {
        memset(text, '#', sizeof text);
        feature_category_text(FEATURE_SERVICE_STATE, code, text, size);
        ck_assert(size == 0 || memchr(text, '\0', size) != NULL);
        for (unsigned i = size; i < sizeof text; i++)
            ck_assert_int_eq(text[i], '#');
    }
}
END_TEST

START_TEST(every_category_code_has_words_and_no_number_has)
{
    char text[64];
    for (unsigned id = 0; id < FEATURE_COUNT; id++) {
        const char *words = feature_category_text(id, 1, text, sizeof text);
        ck_assert_int_eq(words[0] != '\0', feature_infos[id].scale == FEATURE_SCALE_CATEGORY);
        feature_category_text(id, 0x1p53 - 1, text, sizeof text);
        ck_assert_str_eq(feature_category_text(id, -1, text, sizeof text), "");
    }
    for (unsigned code = 0; code < FEATURE_ACQUAINTANCE_COUNT; code++)
        ck_assert_str_ne(feature_category_text(FEATURE_SRC_KNOWS_DST, code, text, sizeof text),
                         "unknown");
}
END_TEST

START_TEST(feature_table_follows_the_list)
{
    for (unsigned id = 0; id < FEATURE_COUNT; id++) {
        const struct feature_info *info = &feature_infos[id];
        ck_assert(info->name[0] != '\0' && info->label[0] != '\0' && info->meaning[0] != '\0');
        ck_assert(info->scale == FEATURE_SCALE_CATEGORY || info->low < info->high);
        for (unsigned other = 0; other < id; other++)
            ck_assert_str_ne(info->name, feature_infos[other].name);
    }
    ck_assert_str_eq(feature_infos[FEATURE_DIRECTION].name, "direction");
}
END_TEST

static enum feature_direction direction_by(const struct feature_settings *settings,
                                           const struct flow_record *flow)
{
    struct direction_inside inside;
    direction_inside_init(&inside, settings);
    return direction_of(&inside, flow);
}

static enum feature_direction direction4(const char source[4], const char destination[4])
{
    const struct feature_settings settings = {
        .local_net_count = 1,
        .local_nets = {{.address = {10, 37}, .ip_version = 4, .prefix_bits = 16}},
    };
    struct flow_record flow = {.ip_version = 4};
    memcpy(flow.source, source, 4);
    memcpy(flow.destination, destination, 4);
    return direction_by(&settings, &flow);
}

START_TEST(direction_follows_the_local_networks)
{
    const char *inside = "\x0a\x25\x01\x02", *outside = "\x0a\x26\x01\x02";
    ck_assert_int_eq(direction4(inside, inside), FEATURE_DIRECTION_IN_IN);
    ck_assert_int_eq(direction4(inside, outside), FEATURE_DIRECTION_IN_OUT);
    ck_assert_int_eq(direction4(outside, inside), FEATURE_DIRECTION_OUT_IN);
    ck_assert_int_eq(direction4(outside, outside), FEATURE_DIRECTION_OUT_OUT);
}
END_TEST

START_TEST(what_no_router_passes_on_is_inside)
{
    const char *inside = "\x0a\x25\x01\x02", *outside = "\x08\x08\x08\x08";
    const char *group = "\xef\xff\xff\xfa", *everyone = "\xff\xff\xff\xff";
    const char *link = "\xa9\xfe\x01\x01", *nobody = "\0\0\0\0";
    ck_assert_int_eq(direction4(inside, group), FEATURE_DIRECTION_IN_IN);
    ck_assert_int_eq(direction4(nobody, everyone), FEATURE_DIRECTION_IN_IN);
    ck_assert_int_eq(direction4(link, everyone), FEATURE_DIRECTION_IN_IN);
    ck_assert_int_eq(direction4(outside, group), FEATURE_DIRECTION_OUT_IN);
}
END_TEST

START_TEST(local_network_of_the_other_version_does_not_match)
{
    const struct feature_settings settings = {
        .local_net_count = 1,
        .local_nets = {{.address = {0x20}, .ip_version = 4, .prefix_bits = 8}},
    };
    const struct flow_record flow = {
        .ip_version = 6, .source = {0x20, 1}, .destination = {0x20, 2}};
    ck_assert_int_eq(direction_by(&settings, &flow), FEATURE_DIRECTION_OUT_OUT);
}
END_TEST

static bool is_kept_here(const uint8_t address[16], uint8_t ip_version)
{
    const enum address_kind kind = address_kind(address, ip_version);
    return kind == ADDRESS_LINK_LOCAL || kind == ADDRESS_LOOPBACK || kind == ADDRESS_BROADCAST ||
           kind == ADDRESS_UNSPECIFIED || kind == ADDRESS_MULTICAST;
}

/* Every value of the first two bytes, followed by all zeros, a last one, and all ones. */
START_TEST(inside_without_networks_is_what_address_kinds_say)
{
    const struct feature_settings settings = {.local_net_count = 0};
    struct direction_inside inside;
    direction_inside_init(&inside, &settings);
    for (unsigned i = 0; i < 65536U * 6; i++) {
        const uint8_t version = i % 2 == 0 ? 4 : 6;
        const uint8_t fill = i / 2 % 3 == 2 ? 0xff : 0, last = i / 2 % 3 == 0 ? 0 : fill | 1;
        const size_t bytes = version == 4 ? 4 : 16;
        struct flow_record flow = {.ip_version = version, .destination = {0x20, 2}};
        memset(flow.source, fill, bytes);
        flow.source[0] = (uint8_t)(i / 6 >> 8);
        flow.source[1] = (uint8_t)(i / 6);
        flow.source[bytes - 1] = last;
        const bool is_inside = direction_of(&inside, &flow) == FEATURE_DIRECTION_IN_OUT;
        ck_assert_int_eq(is_inside, is_kept_here(flow.source, version));
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature category");
    TCase *codes = tcase_create("codes and directions");
    tcase_add_test(codes, codes_read_as_words);
    tcase_add_test(codes, service_is_the_better_known_port);
    tcase_add_test(codes, protocols_without_ports_have_services_too);
    tcase_add_test(codes, size_classes_are_factors_of_sixteen);
    tcase_add_test(codes, short_buffers_are_never_overrun);
    tcase_add_test(codes, every_category_code_has_words_and_no_number_has);
    tcase_add_test(codes, feature_table_follows_the_list);
    tcase_add_test(codes, direction_follows_the_local_networks);
    tcase_add_test(codes, what_no_router_passes_on_is_inside);
    tcase_add_test(codes, local_network_of_the_other_version_does_not_match);
    tcase_add_test(codes, inside_without_networks_is_what_address_kinds_say);
    suite_add_tcase(suite, codes);
    return suite;
}
