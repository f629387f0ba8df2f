/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets share a flow, and who of its two sides is the initiator: rule by rule. */
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <string.h>

#define T0 (INT64_C(1000000) * SECOND)

enum { SYN = PACKET_TCP_SYN, ACK = PACKET_TCP_ACK };

/* A client and a server whose addresses sort both ways, so that no rule can rest on the key's
 * order. */
static const struct {
    const char *client, *server, *client_address, *server_address;
} hosts[] = {
    {"10.0.0.1:40000", "10.0.0.2:443", "10.0.0.1", "10.0.0.2"},
    {"10.0.0.9:40000", "10.0.0.2:443", "10.0.0.9", "10.0.0.2"},
    {"2001:db8::1:40000", "2001:db8::2:443", "2001:db8::1", "2001:db8::2"},
    {"2001:db8::9:40000", "2001:db8::2:443", "2001:db8::9", "2001:db8::2"},
};
enum { HOSTS = sizeof hosts / sizeof hosts[0] };

static struct flow_run run;

static void start(void)
{
    const struct flow_settings settings = flow_build_settings();
    flow_run_open(&run, &settings);
}

static void stop(void)
{
    flow_run_close(&run);
}

static void tcp(const char *from, const char *to, unsigned flags)
{
    flow_run_packet(&run, flow_build_tcp(T0, from, to, flags));
}

static void udp(const char *from, const char *to)
{
    flow_run_packet(&run, flow_build_udp(T0, from, to));
}

static void check(enum flow_basis basis, const char *initiator_address, uint16_t initiator_port)
{
    uint8_t address[16] = {0};
    const int family = strchr(initiator_address, ':') != NULL ? AF_INET6 : AF_INET;
    ck_assert_int_eq(inet_pton(family, initiator_address, address), 1);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    ck_assert_str_eq(flow_basis_name(run.records[0].basis), flow_basis_name(basis));
    ck_assert_mem_eq(run.records[0].source, address, sizeof address);
    ck_assert_uint_eq(run.records[0].source_port, initiator_port);
}

START_TEST(sender_of_the_syn_is_the_initiator)
{
    tcp(hosts[_i].client, hosts[_i].server, SYN);
    tcp(hosts[_i].server, hosts[_i].client, SYN | ACK);
    check(FLOW_BASIS_SYN, hosts[_i].client_address, 40000);
}
END_TEST

START_TEST(syn_outranks_the_known_port)
{
    tcp(hosts[_i].server, hosts[_i].client, SYN);
    tcp(hosts[_i].client, hosts[_i].server, ACK);
    check(FLOW_BASIS_SYN, hosts[_i].server_address, 443);
}
END_TEST

START_TEST(receiver_of_the_syn_ack_is_the_initiator)
{
    tcp(hosts[_i].server, hosts[_i].client, SYN | ACK);
    check(FLOW_BASIS_SYNACK, hosts[_i].client_address, 40000);
}
END_TEST

START_TEST(side_without_the_known_port_is_the_initiator_where_both_are_seen)
{
    tcp(hosts[_i].server, hosts[_i].client, ACK);
    tcp(hosts[_i].client, hosts[_i].server, ACK);
    check(FLOW_BASIS_PORT, hosts[_i].client_address, 40000);
}
END_TEST

START_TEST(only_side_seen_is_the_source_whatever_its_port)
{
    tcp(hosts[_i].server, hosts[_i].client, ACK);
    tcp(hosts[_i].server, hosts[_i].client, ACK);
    check(FLOW_BASIS_ONLY_SIDE, hosts[_i].server_address, 443);
}
END_TEST

START_TEST(first_sender_is_the_initiator_where_no_port_is_known)
{
    udp("10.0.0.9:50000", "10.0.0.2:50001");
    udp("10.0.0.2:50001", "10.0.0.9:50000");
    check(FLOW_BASIS_FIRST, "10.0.0.9", 50000);
}
END_TEST

START_TEST(first_sender_is_the_initiator_where_both_ports_are_known)
{
    udp("10.0.0.9:123", "10.0.0.2:53");
    udp("10.0.0.2:53", "10.0.0.9:123");
    check(FLOW_BASIS_FIRST, "10.0.0.9", 123);
}
END_TEST

START_TEST(echo_request_and_reply_are_one_flow)
{
    const bool is_ipv6 = _i >= 2;
    const uint8_t request = is_ipv6 ? 128 : 8, reply = is_ipv6 ? 129 : 0;
    const char *const a = hosts[_i].client_address, *const b = hosts[_i].server_address;
    flow_run_packet(&run, flow_build_icmp(T0, a, b, request, 0, reply));
    flow_run_packet(&run, flow_build_icmp(T0 + MS, b, a, reply, 0, request));
    check(FLOW_BASIS_FIRST, a, request);
    ck_assert_uint_eq(run.records[0].direction[FLOW_REVERSE].packets, 1);
    ck_assert_uint_eq(run.records[0].state, FLOW_STATE_ANSWERED);
    ck_assert_uint_eq(run.records[0].icmp_type, request);
    ck_assert(!run.records[0].one_way_key);
}
END_TEST

START_TEST(echoes_both_ways_are_two_flows)
{
    flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.1", "10.0.0.2", 8, 0, 0));
    flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.2", "10.0.0.1", 8, 0, 0));
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
}
END_TEST

/* Also where type equals code, so that the ports cannot tell the ways apart. */
START_TEST(one_way_icmp_is_a_flow_each_way)
{
    for (uint8_t code = 2; code <= 3; code++) {
        flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.1", "10.0.0.2", 3, code, -1));
        flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.2", "10.0.0.1", 3, code, -1));
        flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.2", "10.0.0.1", 3, code, -1));
    }
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct flow_record *const flow = &run.records[i];
        ck_assert(flow->one_way_key);
        ck_assert_uint_eq(flow->source[3], i % 2 == 0 ? 1 : 2);
        ck_assert_uint_eq(flow->direction[FLOW_FORWARD].packets, i % 2 == 0 ? 1 : 2);
        ck_assert_uint_eq(flow->basis, FLOW_BASIS_ONLY_SIDE);
    }
}
END_TEST

START_TEST(protocols_versions_and_ports_part_flows)
{
    udp("10.0.0.1:40000", "10.0.0.2:443");
    tcp("10.0.0.1:40000", "10.0.0.2:443", ACK);
    udp("10.0.0.1:40001", "10.0.0.2:443");
    udp("10.0.0.1:443", "10.0.0.2:40000");
    udp("a00:1:::40000", "a00:2:::443"); /* the same first bytes as 10.0.0.1 and 10.0.0.2 */
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 5);
}
END_TEST

START_TEST(flow_of_an_endpoint_with_itself_has_one_side)
{
    udp("127.0.0.1:5000", "127.0.0.1:5000");
    udp("127.0.0.1:5000", "127.0.0.1:5000");
    check(FLOW_BASIS_ONLY_SIDE, "127.0.0.1", 5000);
    ck_assert_uint_eq(run.records[0].direction[FLOW_FORWARD].packets, 2);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow orientation");
    TCase *const tcase = tcase_create("rules");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, sender_of_the_syn_is_the_initiator, 0, HOSTS);
    tcase_add_loop_test(tcase, syn_outranks_the_known_port, 0, HOSTS);
    tcase_add_loop_test(tcase, receiver_of_the_syn_ack_is_the_initiator, 0, HOSTS);
    tcase_add_loop_test(tcase, side_without_the_known_port_is_the_initiator_where_both_are_seen, 0,
                        HOSTS);
    tcase_add_loop_test(tcase, only_side_seen_is_the_source_whatever_its_port, 0, HOSTS);
    tcase_add_test(tcase, first_sender_is_the_initiator_where_no_port_is_known);
    tcase_add_test(tcase, first_sender_is_the_initiator_where_both_ports_are_known);
    tcase_add_loop_test(tcase, echo_request_and_reply_are_one_flow, 0, HOSTS);
    tcase_add_test(tcase, echoes_both_ways_are_two_flows);
    tcase_add_test(tcase, one_way_icmp_is_a_flow_each_way);
    tcase_add_test(tcase, protocols_versions_and_ports_part_flows);
    tcase_add_test(tcase, flow_of_an_endpoint_with_itself_has_one_side);
    suite_add_tcase(suite, tcase);
    return suite;
}
