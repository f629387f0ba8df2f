/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults, lists of networks, and the hash that names a run. */
#include "whyflow/settings.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static struct settings defaults(void)
{
    struct settings settings;
    settings_default(&settings);
    return settings;
}

START_TEST(flow_defaults_are_those_of_the_design)
{
    const struct settings settings = defaults();
    ck_assert_int_eq(settings.flow.idle_timeout_ns, 30 * SECOND);
    ck_assert_int_eq(settings.flow.active_timeout_ns, 120 * SECOND);
    ck_assert_int_eq(settings.flow.close_timeout_ns, 5 * SECOND);
    ck_assert_int_eq(settings.flow.memory_ns, 600 * SECOND);
    ck_assert_uint_eq(settings.flow.max_flows, 1048576);
    ck_assert_uint_eq(settings.flow.max_fragments, 16384);
    ck_assert(!settings.flow.leaves_out_duplicates && !settings.flow.vlan_is_in_key);
}
END_TEST

START_TEST(default_local_networks_are_the_private_ones)
{
    const struct settings settings = defaults();
    ck_assert_uint_eq(settings.feature.local_net_count, 5);
    const struct settings_network *const second = &settings.feature.local_nets[1];
    const uint8_t expected[16] = {172, 16};
    ck_assert_mem_eq(second->address, expected, sizeof expected);
    ck_assert_uint_eq(second->prefix_bits, 12);
    ck_assert_uint_eq(second->ip_version, 4);
    ck_assert_uint_eq(settings.feature.local_nets[3].ip_version, 6);
    ck_assert_uint_eq(settings.feature.local_nets[3].prefix_bits, 7);
}
END_TEST

START_TEST(plain_address_is_a_network_of_one)
{
    struct feature_settings feature = {0};
    char error[128] = "";
    ck_assert(settings_parse_networks(&feature, "192.0.2.1,2001:db8::1", error, sizeof error));
    ck_assert_uint_eq(feature.local_net_count, 2);
    ck_assert_uint_eq(feature.local_nets[0].prefix_bits, 32);
    ck_assert_uint_eq(feature.local_nets[1].prefix_bits, 128);
    ck_assert_str_eq(error, "");
}
END_TEST

START_TEST(prefix_of_0_is_everything)
{
    struct feature_settings feature = {0};
    char error[128];
    ck_assert(settings_parse_networks(&feature, "0.0.0.0/0,::/0", error, sizeof error));
    ck_assert_uint_eq(feature.local_nets[0].prefix_bits, 0);
    ck_assert_uint_eq(feature.local_nets[1].prefix_bits, 0);
}
END_TEST

static const char *const wrong[] = {
    "10.0.0.0/33",
    "10.0.0/8",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/ 8",
    "10.0.0.0/8x",
    "10.0.0.0/8/8",
    "/8",
    ",10.0.0.0/8",
    "10.0.0.0/8,,::1",
    "host",
    "fe80::1%eth0",
    "10.0.0.0/18446744073709551624",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
};
enum { WRONG = sizeof wrong / sizeof wrong[0] };

START_TEST(wrong_network_is_refused_in_words_and_changes_nothing)
{
    struct settings settings = defaults();
    const struct feature_settings before = settings.feature;
    char error[128] = "";
    ck_assert_msg(!settings_parse_networks(&settings.feature, wrong[_i], error, sizeof error), "%s",
                  wrong[_i]);
    ck_assert_uint_gt(strlen(error), 0);
    ck_assert_ptr_null(strchr(error, '\n'));
    ck_assert_mem_eq(&settings.feature, &before, sizeof before);
}
END_TEST

START_TEST(list_holds_64_networks_and_no_more)
{
    char text[1024] = "", error[128] = "";
    struct feature_settings feature = {0};
    for (unsigned i = 0; i < SETTINGS_LOCAL_NETS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s10.%u.0.0/16", i ? "," : "",
                 i);
    ck_assert(settings_parse_networks(&feature, text, error, sizeof error));
    ck_assert_uint_eq(feature.local_net_count, SETTINGS_LOCAL_NETS_MAX);
    snprintf(text + strlen(text), sizeof text - strlen(text), ",::1");
    ck_assert(!settings_parse_networks(&feature, text, error, sizeof error));
    ck_assert_uint_eq(feature.local_net_count, SETTINGS_LOCAL_NETS_MAX);
    ck_assert_ptr_nonnull(strstr(error, "64"));
}
END_TEST

START_TEST(hash_is_the_same_for_the_same_settings)
{
    const struct settings a = defaults(), b = defaults();
    ck_assert_uint_eq(settings_hash(&a), settings_hash(&b));
    ck_assert_uint_ne(settings_hash(&a), 0);
}
END_TEST

START_TEST(hash_does_not_see_what_decides_placement_or_the_moment_only)
{
    struct settings a = defaults();
    const uint64_t hash = settings_hash(&a);
    a.flow.hash_key[0] = a.feature.hash_key[1] = a.anomaly.hash_key[0] = 7;
    a.incident.hash_key[1] = 7;
    a.flow.sweep_interval_ns = 5;
    a.anomaly.spill_directory = "/tmp";
    a.anomaly.memory_bytes = 1;
    ck_assert_uint_eq(settings_hash(&a), hash);
}
END_TEST

static void change(struct settings *settings, int field)
{
    struct flow_settings *const flow = &settings->flow;
    struct feature_settings *const feature = &settings->feature;
    struct anomaly_settings *const anomaly = &settings->anomaly;
    int64_t *const times_ns[] = {
        &flow->idle_timeout_ns, &flow->active_timeout_ns, &flow->close_timeout_ns, &flow->memory_ns,
        &feature->window_ns,    &anomaly->warmup_ns,      &anomaly->half_life_ns};
    uint32_t *const limits[] = {
        &flow->max_flows,        &flow->max_memories,         &feature->max_hosts,
        &feature->max_pairs,     &feature->max_conversations, &feature->max_window_flows,
        &anomaly->max_categories};
    double *const shares[] = {&anomaly->alert_share, &anomaly->alerts_per_hour,
                              &anomaly->flood_exponent, &anomaly->half_life_flows};
    if (field < 7)
        ++*times_ns[field];
    else if (field < 14)
        ++*limits[field - 7];
    else if (field < 18)
        *shares[field - 14] += 1e-9;
    else if (field == 18)
        anomaly->mode = ANOMALY_MODE_ONLINE;
    else if (field == 19)
        anomaly->warmup_flows++;
    else if (field == 20)
        feature->sketch_key[1]++;
    else if (field == 21)
        feature->local_nets[4].prefix_bits++;
    else if (field == 22)
        flow->max_fragments++;
    else if (field == 23)
        flow->leaves_out_duplicates = true;
    else if (field == 24)
        flow->vlan_is_in_key = true;
    else if (field == 25)
        settings->incident.max_incidents++;
    else if (field == 26)
        settings->incident.silence_ns++;
    else
        feature->local_net_count--;
}

START_TEST(hash_sees_every_setting_that_decides_output)
{
    struct settings changed = defaults();
    const uint64_t hash = settings_hash(&changed);
    change(&changed, _i);
    ck_assert_uint_ne(settings_hash(&changed), hash);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("settings");
    TCase *const tcase = tcase_create("settings");
    tcase_add_test(tcase, flow_defaults_are_those_of_the_design);
    tcase_add_test(tcase, default_local_networks_are_the_private_ones);
    tcase_add_test(tcase, plain_address_is_a_network_of_one);
    tcase_add_test(tcase, prefix_of_0_is_everything);
    tcase_add_loop_test(tcase, wrong_network_is_refused_in_words_and_changes_nothing, 0, WRONG);
    tcase_add_test(tcase, list_holds_64_networks_and_no_more);
    tcase_add_test(tcase, hash_is_the_same_for_the_same_settings);
    tcase_add_test(tcase, hash_does_not_see_what_decides_placement_or_the_moment_only);
    tcase_add_loop_test(tcase, hash_sees_every_setting_that_decides_output, 0, 28);
    suite_add_tcase(suite, tcase);
    return suite;
}
