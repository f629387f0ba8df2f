/* SPDX-License-Identifier: Apache-2.0 */
/* Suppress rules: each error with its line, each condition alone and together, expiry. */
#include "whyflow/suppress.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
/* 2026-12-31T12:00 UTC */
#define NOON (INT64_C(1798718400) * SECOND)

static char error[256];

static void refuse(const char *text, const char *said)
{
    struct suppress_list *const list = suppress_parse(text, error, sizeof error);
    ck_assert_msg(list == NULL, "accepted: %s", text);
    ck_assert_msg(strstr(error, said) != NULL, "'%s' does not say '%s'", error, said);
}

static struct suppress_list *accept(const char *text)
{
    struct suppress_list *const list = suppress_parse(text, error, sizeof error);
    ck_assert_msg(list != NULL, "%s: %s", text, error);
    return list;
}

static struct flow_record flow;
static struct suppress_cause cause;

/* 10.1.2.3 to 192.0.2.9, TCP port 443, flagged by periodic contact. */
static void build(void)
{
    flow = (struct flow_record){.ip_version = 4,
                                .protocol = 6,
                                .source = {10, 1, 2, 3},
                                .destination = {192, 0, 2, 9},
                                .source_port = 40000,
                                .destination_port = 443,
                                .notice_ns = NOON};
    cause = (struct suppress_cause){.flagged_by = FLAGGED_BY_BEHAVIOUR,
                                    .behaviour = BEHAVIOUR_PERIODIC_CONTACT};
}

static bool mutes(const char *rule)
{
    struct suppress_list *const list = accept(rule);
    const bool is_muted = suppress_find(list, &flow, &cause) < list->count;
    free(list);
    return is_muted;
}

START_TEST(each_mistake_is_named_with_its_line)
{
    refuse("\n# c\nport\n", "line 3: 'port' needs a port");
    refuse("colour 3", "line 1: 'colour' is unknown (allowed: src, dst, net");
    refuse("src 10.0.0.0/33", "'10.0.0.0/33' is not a network");
    refuse("dst host.example", "'host.example' is not a network");
    refuse("net 10.0.0.0/", "is not a network");
    refuse("port 0", "'0' is not a port from 1");
    refuse("port 65536", "is not a port");
    refuse("port 44x", "is not a port");
    refuse("proto tpc", "'tpc' is not tcp, udp");
    refuse("proto 256", "is not tcp, udp");
    refuse("behaviour beacon", "'beacon' is not a behaviour's name");
    refuse("feature src_ports", "'src_ports' is not a feature's name");
    refuse("port 1 until 2026-02-30", "is not YYYY-MM-DD");
    refuse("port 1 until 2026-13-01", "is not YYYY-MM-DD");
    refuse("port 1 until 2026-12-31T24:00", "is not YYYY-MM-DD");
    refuse("port 1 until 2026-12-31T12", "is not YYYY-MM-DD");
    refuse("port 1 until 1969-12-31", "is not YYYY-MM-DD");
    refuse("port 1 until tomorrow", "is not YYYY-MM-DD");
    refuse("port 1 port 2", "'port' stands there twice");
    refuse("until 2026-12-31", "would mute everything");
    refuse("behaviour any feature service", "no flow is flagged by both");
    refuse("port 1 2", "'2' is unknown");
}
END_TEST

START_TEST(the_number_of_rules_is_bounded)
{
    const size_t line = strlen("port 1\n");
    char *const text = calloc(1, (SUPPRESS_RULES_MAX + 1) * line + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < SUPPRESS_RULES_MAX; i++)
        memcpy(text + i * line, "port 1\n", line);
    struct suppress_list *const list = accept(text);
    ck_assert_uint_eq(list->count, SUPPRESS_RULES_MAX);
    free(list);
    memcpy(text + SUPPRESS_RULES_MAX * line, "port 1\n", line);
    refuse(text, "line 4097: more than 4096 rules");
    free(text);
}
END_TEST

START_TEST(comments_and_blank_lines_are_nothing)
{
    struct suppress_list *const list =
        accept("# all\r\n\n \t\nport 80 # web\n#port 81\n  net 10.0.0.0/8\tproto\tudp\r\n");
    ck_assert_uint_eq(list->count, 2);
    ck_assert_uint_eq(list->rules[0].line, 4);
    ck_assert_uint_eq(list->rules[1].line, 6);
    free(list);
}
END_TEST

START_TEST(each_condition_holds_for_what_it_names)
{
    build();
    const struct {
        const char *holds, *does_not;
    } rules[] = {
        {"src 10.1.2.0/24", "src 192.0.2.0/24"},
        {"dst 192.0.2.9", "dst 10.1.2.3"},
        {"net 192.0.2.0/24", "net 192.0.3.0/24"},
        {"net 10.1.2.3/32", "net a00::/8"},
        {"port 443", "port 40000"},
        {"proto tcp", "proto udp"},
        {"proto 6", "proto 17"},
        {"proto TCP", "proto icmpv6"},
        {"behaviour periodic_contact", "behaviour flood"},
        {"behaviour any", "feature service"},
        {"port 443 until 2026-12-31", "port 443 until 2026-12-30"},
        {"port 443 until 2026-12-31T12:01", "port 443 until 2026-12-31T12:00"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        ck_assert_msg(mutes(rules[i].holds), "%s", rules[i].holds);
        ck_assert_msg(!mutes(rules[i].does_not), "%s", rules[i].does_not);
    }
}
END_TEST

START_TEST(all_conditions_of_a_line_must_hold)
{
    build();
    const char *const whole =
        "net 10.1.2.0/24 port 443 proto tcp behaviour periodic_contact until 2026-12-31";
    ck_assert(mutes(whole));
    flow.destination_port = 80;
    ck_assert(!mutes(whole));
    build();
    flow.notice_ns += 24 * 3600 * SECOND;
    ck_assert(!mutes(whole));
    build();
    cause = (struct suppress_cause){.flagged_by = FLAGGED_BY_SURPRISE, .feature = FEATURE_SERVICE};
    ck_assert(!mutes(whole));
    ck_assert(!mutes("behaviour any"));
    ck_assert(mutes("feature service"));
    ck_assert(mutes("net 10.1.2.0/24")); /* whatever it is flagged for */
}
END_TEST

START_TEST(a_flow_without_ports_meets_no_port)
{
    build();
    flow.protocol = 1;
    ck_assert(!mutes("port 443"));
    flow.destination_port = 0;
    ck_assert(!mutes("port 443"));
    ck_assert(mutes("proto icmp"));
}
END_TEST

START_TEST(networks_of_the_other_version_do_not_hold)
{
    build();
    flow.ip_version = 6;
    flow.source[0] = 0xfd;
    ck_assert(mutes("src fd00::/8"));
    ck_assert(mutes("net ::/0"));
    ck_assert(!mutes("net 0.0.0.0/0"));
}
END_TEST

START_TEST(the_first_rule_that_holds_is_the_one)
{
    build();
    struct suppress_list *const list = accept("port 80\nport 443\nnet 10.0.0.0/8\n");
    ck_assert_uint_eq(suppress_find(list, &flow, &cause), 1);
    flow.destination_port = 1;
    ck_assert_uint_eq(suppress_find(list, &flow, &cause), 2);
    free(list);
}
END_TEST

START_TEST(every_rule_is_in_the_hash_of_the_settings)
{
    static const char *const texts[] = {
        "port 80",
        "port 81",
        "proto 80",
        "src 10.0.0.0/8",
        "dst 10.0.0.0/8",
        "net 10.0.0.0/8",
        "net 10.0.0.0/9",
        "behaviour any",
        "behaviour flood",
        "feature service",
        "port 80 until 2026-01-01",
        "port 80\nport 81",
    };
    enum { COUNT = sizeof texts / sizeof *texts };
    uint64_t hashes[COUNT + 1];
    struct settings settings;
    settings_default(&settings);
    hashes[COUNT] = settings_hash(&settings);
    for (size_t i = 0; i < COUNT; i++) {
        struct suppress_list *const list = accept(texts[i]);
        settings.suppress = list;
        hashes[i] = settings_hash(&settings);
        free(list);
    }
    for (size_t i = 0; i <= COUNT; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(hashes[i], hashes[j]);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("suppress");
    TCase *const tests = tcase_create("suppress");
    tcase_add_test(tests, each_mistake_is_named_with_its_line);
    tcase_add_test(tests, the_number_of_rules_is_bounded);
    tcase_add_test(tests, comments_and_blank_lines_are_nothing);
    tcase_add_test(tests, each_condition_holds_for_what_it_names);
    tcase_add_test(tests, all_conditions_of_a_line_must_hold);
    tcase_add_test(tests, a_flow_without_ports_meets_no_port);
    tcase_add_test(tests, networks_of_the_other_version_do_not_hold);
    tcase_add_test(tests, the_first_rule_that_holds_is_the_one);
    tcase_add_test(tests, every_rule_is_in_the_hash_of_the_settings);
    suite_add_tcase(suite, tests);
    return suite;
}
