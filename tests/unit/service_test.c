/* SPDX-License-Identifier: Apache-2.0 */
/* Services: names, what is assigned, and which of two ports is the better known. */
#include "base/service.h"

#include "tests/support/unit.h"

#include <ctype.h>
#include <string.h>

enum { TCP = 6, UDP = 17, SCTP = 132, ICMP = 1, PORTS = 65536 };

static const char *name_of(uint8_t protocol, uint16_t port)
{
    const struct service *service = service_find(protocol, port);
    return service == NULL ? "" : service->name;
}

START_TEST(a_port_has_the_name_iana_gave_it_for_the_protocol)
{
    ck_assert_str_eq(name_of(TCP, 443), "https");
    ck_assert_str_eq(name_of(UDP, 443), "https");
    ck_assert_str_eq(name_of(UDP, 53), "domain");
    ck_assert_str_eq(name_of(TCP, 514), "shell");
    ck_assert_str_eq(name_of(UDP, 514), "syslog");
    ck_assert_str_eq(name_of(SCTP, 2905), "m3ua");
    ck_assert_str_eq(name_of(TCP, 22), "ssh");
    ck_assert_str_eq(name_of(UDP, 4789), "vxlan");
    ck_assert_str_eq(name_of(TCP, 4789), "");
    ck_assert_str_eq(name_of(TCP, 57360), "");
    ck_assert_str_eq(name_of(ICMP, 443), "");
    ck_assert_str_eq(name_of(TCP, 0), "");
    ck_assert_str_eq(name_of(TCP, 65535), "");
}
END_TEST

START_TEST(a_customary_port_is_found_but_not_known)
{
    const struct service *service = service_find(UDP, 51413);
    ck_assert_ptr_nonnull(service);
    ck_assert_str_eq(service->name, "bittorrent");
    ck_assert(!service->is_assigned);
    ck_assert(!service_is_known(UDP, 51413));
    ck_assert(service_is_known(TCP, 443));
}
END_TEST

/* Walks all ports: a table out of order would hide entries from the search. */
START_TEST(every_service_is_found_under_its_own_port_and_protocols)
{
    static const uint8_t protocols[] = {TCP, UDP, SCTP};
    unsigned found = 0;
    for (unsigned port = 0; port < PORTS; port++) {
        for (unsigned i = 0; i < 3; i++) {
            const struct service *service = service_find(protocols[i], (uint16_t)port);
            if (service == NULL)
                continue;
            found++;
            ck_assert_uint_eq(service->port, port);
            ck_assert_uint_ne(service->protocols >> i & 1, 0);
            for (const char *c = service->name; *c != '\0'; c++)
                ck_assert_msg(islower(*c) || isdigit(*c) || *c == '-', "%s", service->name);
        }
    }
    ck_assert_uint_ge(found, 700);
}
END_TEST

START_TEST(the_better_known_port_is_the_assigned_one_and_of_two_the_responders)
{
    ck_assert_uint_eq(service_port(TCP, 57360, 443), 443);
    ck_assert_uint_eq(service_port(TCP, 443, 57360), 443);
    ck_assert_uint_eq(service_port(TCP, 443, 80), 80);
    ck_assert_uint_eq(service_port(UDP, 123, 123), 123);
    ck_assert_uint_eq(service_port(UDP, 51413, 29862), 0);
    ck_assert_uint_eq(service_port(ICMP, 8, 0), 0);
}
END_TEST

START_TEST(ports_by_bits_are_those_of_the_search)
{
    static const uint8_t protocols[] = {TCP, UDP, SCTP, ICMP, 0};
    struct service_ports ports;
    service_ports_init(&ports);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned port = 0; port < PORTS; port++) {
            const uint8_t protocol = protocols[i];
            const uint16_t from = (uint16_t)(PORTS - port), to = (uint16_t)port;
            ck_assert_uint_eq(service_ports_better(&ports, protocol, from, to),
                              service_port(protocol, from, to));
            ck_assert_int_eq(service_ports_has(&ports, protocol, to),
                             service_is_known(protocol, to));
        }
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("service");
    tcase_add_test(tests, a_port_has_the_name_iana_gave_it_for_the_protocol);
    tcase_add_test(tests, a_customary_port_is_found_but_not_known);
    tcase_add_test(tests, every_service_is_found_under_its_own_port_and_protocols);
    tcase_add_test(tests, the_better_known_port_is_the_assigned_one_and_of_two_the_responders);
    tcase_add_test(tests, ports_by_bits_are_those_of_the_search);
    suite_add_tcase(suite, tests);
    return suite;
}
