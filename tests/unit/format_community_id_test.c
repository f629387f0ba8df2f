/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID against the specification's own examples and against tshark 4.0, and SHA-1 against
 * RFC 3174's. */
#include "format/community_id.h"

#include "base/sha1.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <string.h>

struct vector {
    const char *source, *destination;
    uint16_t source_port, destination_port;
    uint8_t protocol;
    bool is_one_way;
    const char *id;
};

static const struct vector vectors[] = {
    {"128.232.110.120", "66.35.250.204", 34855, 80, 6, false, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {"192.168.1.52", "8.8.8.8", 54585, 53, 17, false, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {"192.168.170.8", "192.168.170.56", 7, 80, 132, false, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
    {"192.168.0.89", "192.168.0.1", 8, 0, 1, false, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {"192.168.0.89", "192.168.0.1", 20, 0, 1, true, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="},
    {"10.1.24.4", "10.1.12.1", 0, 0, 46, false, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4="},
    {"192.168.2.17", "224.0.0.22", 0, 0, 2, false, "1:Q2pxkJtWxa1qmods94yjjB9QQ2I="},
    {"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 136, 58, false,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {"fe80::823:3f17:8298:a29c", "ff02::2", 133, 134, 58, false, "1:7z3RTQBBvggVwQ46NsI/lyQ+pcI="},
    {"fe80::406:55a8:6453:25dd", "ff02::1:2", 546, 547, 17, false,
     "1:wmuU3BwF8kjjOYDNQ8DUrP3Ohgw="},
};

static void parse(const char *string, uint8_t address[16])
{
    memset(address, 0, 16);
    ck_assert_int_eq(inet_pton(strchr(string, ':') ? AF_INET6 : AF_INET, string, address), 1);
}

static const char *id_of(const struct vector *vector, bool is_reversed)
{
    static char text[COMMUNITY_ID_SIZE];
    uint8_t source[16];
    uint8_t destination[16];
    parse(vector->source, source);
    parse(vector->destination, destination);
    const struct community_id_key key = {
        .source = is_reversed ? destination : source,
        .destination = is_reversed ? source : destination,
        .source_port = is_reversed ? vector->destination_port : vector->source_port,
        .destination_port = is_reversed ? vector->source_port : vector->destination_port,
        .ip_version = strchr(vector->source, ':') ? 6 : 4,
        .protocol = vector->protocol,
        .is_one_way = vector->is_one_way,
    };
    community_id(&key, text);
    return text;
}

START_TEST(ids_are_those_of_other_tools)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        ck_assert_str_eq(id_of(&vectors[i], false), vectors[i].id);
}
END_TEST

START_TEST(both_ways_of_a_flow_have_one_id_unless_it_has_one_way)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const bool is_same = strcmp(id_of(&vectors[i], true), vectors[i].id) == 0;
        ck_assert_int_eq(is_same, !vectors[i].is_one_way);
    }
}
END_TEST

START_TEST(equal_addresses_are_ordered_by_port)
{
    const struct vector there = {"10.0.0.1", "10.0.0.1", 80, 40000, 6, false, ""};
    char first[COMMUNITY_ID_SIZE];
    memcpy(first, id_of(&there, false), sizeof first);
    ck_assert_str_eq(first, id_of(&there, true));
}
END_TEST

static void check_digest(const char *message, const char *expected)
{
    uint8_t digest[SHA1_SIZE];
    char text[2 * SHA1_SIZE + 1];
    sha1((const uint8_t *)message, strlen(message), digest);
    for (size_t i = 0; i < SHA1_SIZE; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 0xf];
    }
    text[2 * SHA1_SIZE] = '\0';
    ck_assert_str_eq(text, expected);
}

START_TEST(sha1_gives_the_rfcs_digests)
{
    char million[641];
    check_digest("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_digest("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(million, 0, sizeof million);
    for (size_t i = 0; i < 640; i += 64)
        memcpy(million + i, "0123456701234567012345670123456701234567012345670123456701234567", 64);
    check_digest(million, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("format_community_id");
    TCase *tests = tcase_create("format_community_id");
    tcase_add_test(tests, ids_are_those_of_other_tools);
    tcase_add_test(tests, both_ways_of_a_flow_have_one_id_unless_it_has_one_way);
    tcase_add_test(tests, equal_addresses_are_ordered_by_port);
    tcase_add_test(tests, sha1_gives_the_rfcs_digests);
    suite_add_tcase(suite, tests);
    return suite;
}
