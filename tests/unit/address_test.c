/* SPDX-License-Identifier: Apache-2.0 */
/* Address text against inet_ntop where the two agree, RFC 5952's own examples, and kinds. */
#include "base/address.h"

#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <string.h>

static void parse(const char *string, uint8_t address[16], uint8_t *ip_version)
{
    memset(address, 0, 16);
    *ip_version = strchr(string, ':') == NULL ? 4 : 6;
    ck_assert_int_eq(inet_pton(*ip_version == 4 ? AF_INET : AF_INET6, string, address), 1);
}

static const char *print(const char *string)
{
    static char text[ADDRESS_TEXT_SIZE];
    uint8_t address[16];
    uint8_t ip_version;
    parse(string, address, &ip_version);
    return address_text(address, ip_version, text);
}

static enum address_kind kind_of(const char *string)
{
    uint8_t address[16];
    uint8_t ip_version;
    parse(string, address, &ip_version);
    return address_kind(address, ip_version);
}

static const char *embedded_in(const char *string)
{
    static char text[ADDRESS_TEXT_SIZE];
    uint8_t address[16];
    uint8_t ipv4[16];
    uint8_t ip_version;
    parse(string, address, &ip_version);
    if (!address_embedded_ipv4(address, ip_version, ipv4))
        return "";
    return address_text(ipv4, 4, text);
}

START_TEST(ipv6_text_follows_rfc_5952)
{
    ck_assert_str_eq(print("2001:0db8::0001"), "2001:db8::1");
    ck_assert_str_eq(print("2001:db8:0:0:0:0:2:1"), "2001:db8::2:1");
    ck_assert_str_eq(print("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
    ck_assert_str_eq(print("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
    ck_assert_str_eq(print("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    ck_assert_str_eq(print("2001:DB8::AB"), "2001:db8::ab");
    ck_assert_str_eq(print("::"), "::");
    ck_assert_str_eq(print("::1"), "::1");
    ck_assert_str_eq(print("1::"), "1::");
    ck_assert_str_eq(print("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    ck_assert_str_eq(print("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}
END_TEST

START_TEST(ipv4_text_is_dotted_decimal)
{
    ck_assert_str_eq(print("0.0.0.0"), "0.0.0.0");
    ck_assert_str_eq(print("255.255.255.255"), "255.255.255.255");
    ck_assert_str_eq(print("74.81.88.82"), "74.81.88.82");
}
END_TEST

START_TEST(every_pattern_of_zero_groups_reads_back_and_agrees_with_the_c_library)
{
    for (unsigned pattern = 0; pattern < 256; pattern++) {
        uint8_t address[16] = {0};
        for (unsigned i = 0; i < 8; i++) {
            address[2 * i] = (pattern >> i & 1) != 0 ? 0xa0 : 0;
            address[2 * i + 1] = (pattern >> i & 1) != 0 ? (uint8_t)i : 0;
        }
        char text[ADDRESS_TEXT_SIZE];
        char expected[INET6_ADDRSTRLEN];
        uint8_t read_back[16];
        address_text(address, 6, text);
        ck_assert_ptr_nonnull(inet_ntop(AF_INET6, address, expected, sizeof expected));
        ck_assert_int_eq(inet_pton(AF_INET6, text, read_back), 1);
        ck_assert_mem_eq(read_back, address, 16);
        if (strchr(expected, '.') == NULL) /* the C library writes ::/96 as dotted decimal */
            ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(kinds_are_told_at_both_edges_of_their_range)
{
    ck_assert_int_eq(kind_of("9.255.255.255"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("10.0.0.0"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("10.255.255.255"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("172.15.255.255"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("172.31.255.255"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("172.32.0.0"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("192.168.1.1"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("100.63.255.255"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("100.127.255.255"), ADDRESS_SHARED);
    ck_assert_int_eq(kind_of("169.254.1.1"), ADDRESS_LINK_LOCAL);
    ck_assert_int_eq(kind_of("127.0.0.53"), ADDRESS_LOOPBACK);
    ck_assert_int_eq(kind_of("198.51.100.7"), ADDRESS_DOCUMENTATION);
    ck_assert_int_eq(kind_of("224.0.0.251"), ADDRESS_MULTICAST);
    ck_assert_int_eq(kind_of("239.255.255.250"), ADDRESS_MULTICAST);
    ck_assert_int_eq(kind_of("240.0.0.1"), ADDRESS_RESERVED);
    ck_assert_int_eq(kind_of("255.255.255.255"), ADDRESS_BROADCAST);
    ck_assert_int_eq(kind_of("0.0.0.0"), ADDRESS_UNSPECIFIED);
    ck_assert_int_eq(kind_of("0.0.0.1"), ADDRESS_RESERVED);
    ck_assert_int_eq(kind_of("::"), ADDRESS_UNSPECIFIED);
    ck_assert_int_eq(kind_of("::1"), ADDRESS_LOOPBACK);
    ck_assert_int_eq(kind_of("2a0b:e43:1::21"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("fc00::1"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("fdff::1"), ADDRESS_PRIVATE);
    ck_assert_int_eq(kind_of("fe80::1"), ADDRESS_LINK_LOCAL);
    ck_assert_int_eq(kind_of("fec0::1"), ADDRESS_RESERVED);
    ck_assert_int_eq(kind_of("ff02::fb"), ADDRESS_MULTICAST);
    ck_assert_int_eq(kind_of("2001:db8::1"), ADDRESS_DOCUMENTATION);
    ck_assert_int_eq(kind_of("2001:1::1"), ADDRESS_GLOBAL);
    ck_assert_int_eq(kind_of("2002:becf:7b73::becf:7b73"), ADDRESS_6TO4);
    ck_assert_int_eq(kind_of("2001:0:4136:e378::1"), ADDRESS_TEREDO);
    ck_assert_int_eq(kind_of("64:ff9b::c000:221"), ADDRESS_NAT64);
    ck_assert_int_eq(kind_of("4000::1"), ADDRESS_RESERVED);
}
END_TEST

START_TEST(an_ipv4_address_inside_an_ipv6_one_is_found)
{
    ck_assert_str_eq(embedded_in("2002:becf:7b73::becf:7b73"), "190.207.123.115");
    ck_assert_str_eq(embedded_in("64:ff9b::192.0.2.33"), "192.0.2.33");
    /* RFC 4380's example, 2.: client 192.0.2.45 behind server 65.54.227.120 */
    ck_assert_str_eq(embedded_in("2001:0:4136:e378:8000:63bf:3fff:fdd2"), "192.0.2.45");
    ck_assert_str_eq(embedded_in("2001:db8::1"), "");
    ck_assert_str_eq(embedded_in("10.0.0.1"), "");
}
END_TEST

START_TEST(a_network_holds_exactly_its_prefix)
{
    uint8_t network[16];
    uint8_t inside[16];
    uint8_t outside[16];
    uint8_t ip_version;
    parse("10.37.0.0", network, &ip_version);
    parse("10.37.127.255", inside, &ip_version);
    parse("10.37.128.0", outside, &ip_version);
    ck_assert(address_in_network(inside, network, 17));
    ck_assert(!address_in_network(outside, network, 17));
    ck_assert(address_in_network(outside, network, 16));
    ck_assert(address_in_network(outside, network, 0));
    ck_assert(!address_in_network(inside, network, 128));
    ck_assert(address_in_network(network, network, 128));
}
END_TEST

START_TEST(only_a_global_address_has_no_name)
{
    for (int kind = ADDRESS_GLOBAL; kind <= ADDRESS_RESERVED; kind++) {
        const char *name = address_kind_name((enum address_kind)kind);
        ck_assert_int_eq(name[0] == '\0', kind == ADDRESS_GLOBAL);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("address");
    TCase *tests = tcase_create("address");
    tcase_add_test(tests, ipv6_text_follows_rfc_5952);
    tcase_add_test(tests, ipv4_text_is_dotted_decimal);
    tcase_add_test(tests, every_pattern_of_zero_groups_reads_back_and_agrees_with_the_c_library);
    tcase_add_test(tests, kinds_are_told_at_both_edges_of_their_range);
    tcase_add_test(tests, an_ipv4_address_inside_an_ipv6_one_is_found);
    tcase_add_test(tests, a_network_holds_exactly_its_prefix);
    tcase_add_test(tests, only_a_global_address_has_no_name);
    suite_add_tcase(suite, tests);
    return suite;
}
