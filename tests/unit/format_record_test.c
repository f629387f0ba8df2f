/* SPDX-License-Identifier: Apache-2.0 */
/* Records as lines: EVE's types, our keys, exact sums, lengths, CSV and text. Lines are read back
 * by jansson, which did not write them. */
#include "format/format.h"
#include "format/json_check.h"

#include "base/text.h"
#include "tests/support/record_build.h"
#include "tests/support/unit.h"
#include "whyflow/feature.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_SIZE = 256 };

static struct record record;
static struct settings settings;
static char line[FORMAT_BUFFER_SIZE];
static size_t length;
static const char *const source_names[] = {"sample.pcap"};

static struct format_context context(void)
{
    settings_default(&settings);
    return (struct format_context){
        .sensor = "replay",
        .boot = "0011223344556677",
        .version = "0.1.0",
        .sequence = 7,
        .source_names = source_names,
        .source_count = 1,
        .settings = &settings,
    };
}

/* The record as JSON; the caller frees it. */
static json_t *native_of(void)
{
    char error[ERROR_SIZE];
    json_error_t problem;
    const struct format_context now = context();
    ck_assert(format_record(FORMAT_NATIVE, &record, &now, line, sizeof line, &length));
    ck_assert_uint_eq(strlen(line), length);
    ck_assert_uint_le(length, FORMAT_LINE_LENGTH_MAX);
    ck_assert_msg(json_check_line(line, length, error, sizeof error), "%s", error);
    json_t *root = json_loadb(line, length, 0, &problem);
    ck_assert_ptr_nonnull(root);
    return root;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string == NULL ? "" : string;
}

static json_int_t integer_at(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_integer(number), "%s", key);
    return json_integer_value(number);
}

static double number_at(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_number(number), "%s", key);
    return json_number_value(number);
}

START_TEST(an_alert_has_eves_part_in_eves_types)
{
    record_build_sample(&record);
    json_t *root = native_of();
    ck_assert_str_eq(string_at(root, "timestamp"), "2019-10-02T07:54:39.531207+0000");
    ck_assert_int_eq(integer_at(root, "flow_id"), 3947329);
    ck_assert_str_eq(string_at(root, "event_type"), "alert");
    ck_assert_str_eq(string_at(root, "src_ip"), "74.81.88.82");
    ck_assert_int_eq(integer_at(root, "dest_port"), 29862);
    ck_assert_int_eq(integer_at(root, "ip_v"), 4);
    ck_assert_str_eq(string_at(root, "proto"), "UDP");
    ck_assert_str_eq(string_at(root, "pcap_filename"), "sample.pcap");
    ck_assert_str_eq(string_at(root, "host"), "replay");
    ck_assert_ptr_null(json_object_get(root, "vlan"));
    ck_assert_ptr_null(json_object_get(root, "tcp"));
    const json_t *flow = json_object_get(root, "flow");
    ck_assert_int_eq(integer_at(flow, "pkts_toserver"), 2044);
    ck_assert_int_eq(integer_at(flow, "bytes_toserver"), 2846078);
    ck_assert_int_eq(integer_at(flow, "age"), 64);
    ck_assert_str_eq(string_at(flow, "start"), "2019-10-02T07:53:05.001207+0000");
    ck_assert_str_eq(string_at(flow, "end"), "2019-10-02T07:54:09.531207+0000");
    ck_assert_str_eq(string_at(flow, "state"), "new");
    ck_assert_str_eq(string_at(flow, "reason"), "timeout");
    ck_assert(json_is_true(json_object_get(flow, "alerted")));
    ck_assert_int_eq(integer_at(json_object_get(root, "alert"), "severity"), 3);
    json_decref(root);
}
END_TEST

START_TEST(observed_holds_the_eighteen_columns_in_their_order)
{
    static const char *const columns[] = {"ID",
                                          "IP_SRC_ADDR",
                                          "IP_DST_ADDR",
                                          "L4_SRC_PORT",
                                          "L4_DST_PORT",
                                          "PROTOCOL_NUM",
                                          "FIRST_SWITCHED",
                                          "LAST_SWITCHED",
                                          "IN_PKTS",
                                          "IN_BYTES",
                                          "FLOW_DURATION_MILLISECONDS",
                                          "avg_in_packet_size",
                                          "inter_arrival_ms",
                                          "dst_flows_in_window",
                                          "src_entropy_PROTOCOL",
                                          "src_IN_PKTS_sum",
                                          "src_flows_in_window",
                                          "src_flag_SYN"};
    record_build_sample(&record);
    json_t *root = native_of();
    json_t *observed = json_object_get(json_object_get(root, "whyflow"), "observed");
    size_t i = 0;
    const char *key;
    json_t *value;
    json_object_foreach (observed, key, value) {
        ck_assert_uint_lt(i, sizeof columns / sizeof columns[0]);
        ck_assert_str_eq(key, columns[i]);
        i++;
    }
    ck_assert_uint_eq(i, sizeof columns / sizeof columns[0]);
    ck_assert_str_eq(string_at(observed, "FIRST_SWITCHED"), "2019-10-02 07:53:05.001207");
    ck_assert_double_eq(number_at(observed, "inter_arrival_ms"),
                        record.as.flow.part.observed.inter_arrival_ms);
    ck_assert_double_eq(number_at(observed, "FLOW_DURATION_MILLISECONDS"), 64530);
    json_decref(root);
}
END_TEST

START_TEST(typical_and_contributions_add_up_to_the_score_as_printed)
{
    record_build_sample(&record);
    json_t *root = native_of();
    json_t *whyflow = json_object_get(root, "whyflow");
    int64_t sum_mbits = llround(number_at(whyflow, "typical") * 1000);
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(whyflow, "contrib"), key, value)
        sum_mbits += llround(json_number_value(value) * 1000);
    ck_assert_int_eq(sum_mbits, llround(number_at(whyflow, "score") * 1000));
    ck_assert_ptr_nonnull(strstr(line, "\"score\":45.799,\"typical\":21.004"));
    /* handshake time was not measured, yet its absence adds to the sum */
    ck_assert_double_eq(number_at(json_object_get(whyflow, "contrib"), "handshake_rtt_us"), -1.201);
    ck_assert_ptr_null(json_object_get(json_object_get(whyflow, "features"), "handshake_rtt_us"));
    json_decref(root);
}
END_TEST

START_TEST(what_was_not_measured_is_absent)
{
    record_build_sample(&record);
    struct flow_record *flow = &record.as.flow.part.flow;
    flow->protocol = PACKET_PROTOCOL_ICMP;
    flow->direction[FLOW_FORWARD].packets = 1;
    flow->direction[FLOW_FORWARD].gap_ns.count = 0;
    flow->direction[FLOW_FORWARD].packet_bytes.count = 1;
    record_build_explain(&record, 12345, true);
    record.kind = RECORD_FLOW;
    json_t *root = native_of();
    const json_t *whyflow = json_object_get(root, "whyflow");
    const json_t *observed = json_object_get(whyflow, "observed");
    const json_t *facts = json_object_get(whyflow, "flow");
    const json_t *forward = json_object_get(facts, "fwd");
    ck_assert_ptr_null(json_object_get(root, "src_port"));
    ck_assert_ptr_null(json_object_get(observed, "L4_DST_PORT"));
    ck_assert_ptr_null(json_object_get(observed, "inter_arrival_ms"));
    ck_assert_ptr_null(json_object_get(forward, "gap_us"));
    ck_assert_ptr_null(json_object_get(json_object_get(forward, "packet_bytes"), "deviation"));
    ck_assert_ptr_null(json_object_get(json_object_get(facts, "rev"), "ttl_min"));
    ck_assert_ptr_null(json_object_get(facts, "longest_gap_us"));
    ck_assert_ptr_null(json_object_get(facts, "handshake_rtt_us"));
    ck_assert_ptr_null(json_object_get(whyflow, "reasons"));
    ck_assert_ptr_null(json_object_get(root, "alert"));
    json_decref(root);
}
END_TEST

START_TEST(a_tunnel_is_told_outermost_first_with_its_addresses)
{
    record_build_sample(&record);
    struct flow_record *flow = &record.as.flow.part.flow;
    flow->tunnel_count = 2;
    flow->tunnels[0] = PACKET_TUNNEL_GRE;
    flow->tunnels[1] = PACKET_TUNNEL_ERSPAN;
    flow->outer_ip_version = 4;
    memcpy(flow->outer_source, (const uint8_t[]){10, 1, 1, 1}, 4);
    memcpy(flow->outer_destination, (const uint8_t[]){10, 1, 1, 2}, 4);
    json_t *root = native_of();
    ck_assert_ptr_nonnull(strstr(line, "\"tunnel\":{\"kinds\":[\"gre\",\"erspan\"],"
                                       "\"src_ip\":\"10.1.1.1\",\"dest_ip\":\"10.1.1.2\"}"));
    json_decref(root);
    flow->outer_ip_version = 0;
    root = native_of();
    ck_assert_ptr_nonnull(strstr(line, "\"tunnel\":{\"kinds\":[\"gre\",\"erspan\"]}"));
    json_decref(root);
}
END_TEST

START_TEST(exceptions_are_counted_each_way_and_left_out_where_there_are_none)
{
    record_build_sample(&record);
    json_t *root = native_of();
    static const char *const counters[] = {"duplicates",   "retransmitted", "out_of_order",
                                           "zero_windows", "fragments",     "tunnel"};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        ck_assert_ptr_null(strstr(line, counters[i]));
    json_decref(root);
    struct flow_record *flow = &record.as.flow.part.flow;
    flow->direction[FLOW_FORWARD].duplicates = 3;
    flow->direction[FLOW_FORWARD].retransmitted = 4;
    flow->direction[FLOW_REVERSE].out_of_order = 5;
    flow->direction[FLOW_REVERSE].zero_windows = 6;
    flow->fragments = 7;
    flow->fragments_overlapping = 2;
    root = native_of();
    const json_t *facts = json_object_get(json_object_get(root, "whyflow"), "flow");
    const json_t *forward = json_object_get(facts, "fwd");
    const json_t *reverse = json_object_get(facts, "rev");
    ck_assert_int_eq(integer_at(forward, "duplicates"), 3);
    ck_assert_int_eq(integer_at(forward, "retransmitted"), 4);
    ck_assert_ptr_null(json_object_get(forward, "out_of_order"));
    ck_assert_int_eq(integer_at(reverse, "out_of_order"), 5);
    ck_assert_int_eq(integer_at(reverse, "zero_windows"), 6);
    ck_assert_ptr_nonnull(strstr(line, "\"fragments\":{\"count\":7,\"overlapping\":2}"));
    json_decref(root);
}
END_TEST

/* The flow's own times stand in it once. */
START_TEST(a_directions_times_are_left_out_where_they_are_the_flows)
{
    record_build_sample(&record);
    struct flow_record *flow = &record.as.flow.part.flow;
    flow->direction[FLOW_FORWARD].last_ns = flow->last_ns - 1000;
    record.kind = RECORD_FLOW; /* an alert has neither */
    json_t *root = native_of();
    const json_t *facts = json_object_get(json_object_get(root, "whyflow"), "flow");
    const json_t *forward = json_object_get(facts, "fwd");
    ck_assert_int_eq(integer_at(facts, "first_ns"), flow->first_ns);
    ck_assert_ptr_null(json_object_get(forward, "first_ns"));
    ck_assert_int_eq(integer_at(forward, "last_ns"), flow->last_ns - 1000);
    json_decref(root);
}
END_TEST

START_TEST(nanoseconds_are_not_lost_in_microseconds)
{
    record_build_sample(&record);
    json_t *root = native_of();
    ck_assert_ptr_nonnull(strstr(line, "\"longest_gap_us\":812345.678,"));
    ck_assert_ptr_nonnull(strstr(line, "\"gap_us\":{\"min\":11,\"max\":812345.678,"));
    ck_assert_ptr_nonnull(strstr(line, "\"inter_arrival_ms\":31.5859030837"));
    json_decref(root);
}
END_TEST

START_TEST(reasons_carry_value_typical_and_bits)
{
    record_build_sample(&record);
    json_t *root = native_of();
    const json_t *whyflow = json_object_get(root, "whyflow");
    const json_t *reasons = json_object_get(whyflow, "reasons");
    ck_assert_uint_eq(json_array_size(reasons), 5);
    const json_t *first = json_array_get(reasons, 0);
    ck_assert_str_eq(string_at(first, "feature"), "direction");
    ck_assert_str_eq(string_at(first, "value"), "out_to_out");
    ck_assert_str_eq(string_at(first, "direction"), "rare");
    ck_assert_double_eq(number_at(first, "bits"), 9.871);
    const json_t *second = json_array_get(reasons, 1);
    ck_assert_double_eq(number_at(second, "value"), 2817462);
    ck_assert_double_eq(number_at(second, "typical"), 310.3); /* four digits */
    ck_assert_int_eq(integer_at(second, "n"), 12345);
    ck_assert_str_eq(string_at(second, "among"), "all");
    record.as.flow.explanation.reasons[1].evidence.is_of_service = true;
    json_t *of_service = native_of();
    const json_t *told = json_object_get(json_object_get(of_service, "whyflow"), "reasons");
    ck_assert_str_eq(string_at(json_array_get(told, 1), "among"), "service");
    json_decref(of_service);
    ck_assert_uint_eq(json_array_size(json_object_get(whyflow, "top_features")), 5);
    ck_assert_str_eq(string_at(json_object_get(whyflow, "model"), "settings"), "0123456789abcdef");
    ck_assert_ptr_null(json_object_get(whyflow, "truncated_record"));
    json_decref(root);
}
END_TEST

/* A line between the extremes: every feature measured, each of many digits. */
START_TEST(a_line_a_little_too_long_loses_its_last_two_reasons)
{
    record_build_sample(&record);
    struct record_flow_part *part = &record.as.flow.part;
    part->features.present = (UINT64_C(1) << FEATURE_COUNT) - 1;
    for (int id = 0; id < FEATURE_COUNT; id++) {
        if (feature_infos[id].scale != FEATURE_SCALE_CATEGORY)
            part->features.value[id] = 1234567890123456; /* whole: told in full */
        part->verdict.contribution_mbits[id] = 1000000 + id;
    }
    record_build_explain(&record, 12345, true);
    json_t *root = native_of();
    const json_t *whyflow = json_object_get(root, "whyflow");
    ck_assert(json_is_true(json_object_get(whyflow, "truncated_record")));
    ck_assert_uint_eq(json_array_size(json_object_get(whyflow, "reasons")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(whyflow, "top_features")), 5);
    ck_assert_uint_eq(json_object_size(json_object_get(whyflow, "contrib")), FEATURE_COUNT);
    json_decref(root);
}
END_TEST

START_TEST(the_longest_line_fits_with_all_its_contributions_and_caveats)
{
    record_build_longest(&record);
    json_t *root = native_of();
    const json_t *whyflow = json_object_get(root, "whyflow");
    ck_assert(json_is_true(json_object_get(whyflow, "truncated_record")));
    ck_assert_str_eq(string_at(whyflow, "text"), record.as.flow.explanation.text);
    ck_assert_uint_eq(json_object_size(json_object_get(whyflow, "contrib")), FEATURE_COUNT);
    ck_assert_uint_eq(json_array_size(json_object_get(whyflow, "caveats")), RECORD_CAVEAT_COUNT);
    json_decref(root);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_become_the_replacement_character)
{
    record_build_sample(&record);
    struct format_context now = context();
    now.sensor = "a\"b\\c\x01\n\xff\xc3\xa9\xed\xa0\x80\xf0\x9f\x98\x80\xc3";
    ck_assert(format_native(&record, &now, line, sizeof line, &length));
    json_t *root = json_loadb(line, length, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(string_at(root, "host"),
                     "a\"b\\c\x01\n\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                     "\xf0\x9f\x98\x80\xef\xbf\xbd");
    json_decref(root);
}
END_TEST

static bool says_feature(double value, const char *member)
{
    record_build_sample(&record);
    record.as.flow.part.features.value[FEATURE_PACKET_RATE] = value;
    json_decref(native_of());
    return strstr(line, member) != NULL;
}

START_TEST(features_have_six_digits_and_whole_numbers_all)
{
    ck_assert(says_feature(1784.0 / 3, "\"packets_per_s\":594.667,"));
    ck_assert(says_feature(0.1, "\"packets_per_s\":0.1,"));
    ck_assert(says_feature(1234567891, "\"packets_per_s\":1234567891,"));
    ck_assert(says_feature(1234567.6, "\"packets_per_s\":1234568,"));
    ck_assert(says_feature(-2.0 / 3, "\"packets_per_s\":-0.666667,"));
    ck_assert(says_feature(99999.96, "\"packets_per_s\":100000,"));
    ck_assert(says_feature(1.0 / 3e6, "\"packets_per_s\":3.33333e-07,"));
}
END_TEST

START_TEST(only_flow_lines_carry_their_place_in_the_order)
{
    record_build_sample(&record);
    json_t *alert = native_of();
    record.kind = RECORD_FLOW;
    json_t *flow = native_of();
    const json_t *of_alert = json_object_get(json_object_get(alert, "whyflow"), "flow");
    const json_t *of_flow = json_object_get(json_object_get(flow, "whyflow"), "flow");
    ck_assert_ptr_null(json_object_get(of_alert, "opening_number"));
    ck_assert_ptr_nonnull(json_object_get(of_flow, "opening_number"));
    ck_assert(
        json_equal(json_object_get(of_alert, "first_ns"), json_object_get(of_flow, "first_ns")));
    json_decref(alert);
    json_decref(flow);
}
END_TEST

START_TEST(a_number_that_is_not_finite_is_left_out)
{
    record_build_sample(&record);
    record.as.flow.part.features.value[FEATURE_PACKET_RATE] = NAN;
    record.as.flow.part.features.value[FEATURE_BYTE_RATE] = INFINITY;
    record.kind = RECORD_FLOW;
    json_t *root = native_of();
    const json_t *features = json_object_get(json_object_get(root, "whyflow"), "features");
    ck_assert_ptr_null(json_object_get(features, "packets_per_s"));
    ck_assert_ptr_null(json_object_get(features, "ip_bytes_per_s"));
    ck_assert_double_eq(number_at(features, "packets_fwd"), 2044);
    json_decref(root);
}
END_TEST

START_TEST(statistics_say_their_sums_and_limits)
{
    record_build_statistics(&record);
    json_t *root = native_of();
    const json_t *whyflow = json_object_get(root, "whyflow");
    const json_t *account = json_object_get(whyflow, "account");
    ck_assert_str_eq(string_at(root, "event_type"), "stats");
    ck_assert(json_is_true(json_object_get(whyflow, "final")));
    ck_assert_int_eq(integer_at(json_object_get(root, "stats"), "uptime"), 60);
    json_int_t sum = integer_at(account, "in_flows");
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(account, "refused"), key, value)
        sum += json_integer_value(value);
    ck_assert_int_eq(sum, integer_at(account, "read"));
    ck_assert_int_eq(integer_at(json_object_get(whyflow, "limits"), "record_bytes"),
                     FORMAT_LINE_LENGTH_MAX);
    const json_t *limits = json_object_get(whyflow, "limits");
    ck_assert_int_gt(integer_at(limits, "max_flows"), 0);
    ck_assert_int_gt(integer_at(limits, "max_services"), 0);
    ck_assert_int_gt(integer_at(limits, "max_lessons"), 0);
    ck_assert_int_eq(integer_at(limits, "learning_lag_us"), 60000000);
    const json_t *evicted = json_object_get(json_object_get(whyflow, "engine"), "evicted");
    ck_assert_int_eq(integer_at(evicted, "services"),
                     (json_int_t)record.as.statistics.engine.services_evicted);
    ck_assert_int_gt(integer_at(evicted, "services"), 0);
    json_decref(root);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_not_cut)
{
    record_build_sample(&record);
    const struct format_context now = context();
    char small[100];
    ck_assert(!format_native(&record, &now, small, sizeof small, &length));
    ck_assert(!format_csv(&record, &now, small, sizeof small, &length));
    ck_assert(!format_text(&record, &now, small, sizeof small, &length));
}
END_TEST

static size_t count_fields(const char *row)
{
    size_t fields = 1;
    bool is_quoted = false;
    for (; *row != '\0'; row++) {
        if (*row == '"')
            is_quoted = !is_quoted;
        fields += *row == ',' && !is_quoted;
    }
    return fields;
}

START_TEST(a_csv_row_has_a_field_for_every_column)
{
    const struct format_context now = context();
    ck_assert(format_header(FORMAT_CSV, line, sizeof line, &length));
    ck_assert_uint_eq(count_fields(line), 18 + FEATURE_COUNT);
    ck_assert_int_eq(strncmp(line, "ID,IP_SRC_ADDR,", 15), 0);
    record_build_sample(&record);
    ck_assert(format_record(FORMAT_CSV, &record, &now, line, sizeof line, &length));
    ck_assert_uint_eq(count_fields(line), 18 + FEATURE_COUNT);
    ck_assert_ptr_nonnull(strstr(line, "3947329,74.81.88.82,158.129.80.19,51413,29862,17,"
                                       "2019-10-02 07:53:05.001207,2019-10-02 07:54:09.531207,"
                                       "2044,2817462,64530,1378.406066536203"));
    record_build_statistics(&record);
    ck_assert(format_record(FORMAT_CSV, &record, &now, line, sizeof line, &length));
    ck_assert_uint_eq(length, 0);
}
END_TEST

START_TEST(an_alert_as_text_names_the_flow_and_its_reasons)
{
    struct format_context now = context();
    record_build_sample(&record);
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, "UDP 74.81.88.82:51413 -> 158.129.80.19:29862"));
    ck_assert_ptr_nonnull(strstr(line, "2019-10-02 07:53:05 UTC: 1 in "));
    ck_assert_ptr_nonnull(strstr(line, "\n    - direction: "));
    ck_assert_ptr_null(strchr(line, '\x1b'));
    now.use_color = true;
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strchr(line, '\x1b'));
}
END_TEST

/* The widest line, in characters, colours left out. */
static size_t widest_line(const char *text)
{
    size_t widest = 0, width = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\x1b')
            text = strchr(text, 'm');
        else if (*text == '\n')
            width = 0;
        else
            width += ((unsigned char)*text & 0xc0) != 0x80;
        widest = width > widest ? width : widest;
    }
    return widest;
}

START_TEST(an_alert_as_text_has_no_line_of_more_than_100_columns)
{
    struct format_context now = context();
    for (int use_color = 0; use_color < 2; use_color++) {
        now.use_color = use_color;
        record_build_sample(&record);
        snprintf(record.as.flow.explanation.summary[0],
                 sizeof record.as.flow.explanation.summary[0], "%s %s",
                 "µµµµµµµ µµµµµµµ µµµµµµµ µµµµµµµ µµµµµµµ µµµµµµµ µµµµµµµ µµµµµµµ",
                 "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
        record.as.flow.explanation.summary_count = 1;
        ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
        ck_assert_uint_le(widest_line(line), 100);
        ck_assert_uint_ge(widest_line(line), 90);
    }
}
END_TEST

START_TEST(a_behaviour_as_text_tells_its_evidence_instead_of_reasons)
{
    const struct format_context now = context();
    record_build_sample(&record);
    struct record_flow_part *const part = &record.as.flow.part;
    uint8_t quantity = 0;
    while (strcmp(behaviour_quantities[quantity].unit, "yes") == 0)
        quantity++;
    part->verdict.flagged_by = FLAGGED_BY_BEHAVIOUR;
    part->finding = (struct behaviour_finding){
        .behaviour = BEHAVIOUR_VERTICAL_SCAN,
        .evidence_count = 1,
        .evidence = {{.quantity = quantity, .value = 49, .limit = 10}},
    };
    part->incident = (struct incident){
        .id = 1, .count = 1000, .first_ns = part->flow.first_ns, .last_ns = part->flow.last_ns};
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, "UTC: resembles scan of"));
    ck_assert_ptr_nonnull(strstr(line, behaviour_quantities[quantity].label));
    ck_assert_ptr_nonnull(strstr(line, "(at least 10"));
    ck_assert_ptr_nonnull(strstr(line, "Incident: 1,000 such flows so far"));
    ck_assert_ptr_null(strstr(line, "- direction: "));
}
END_TEST

START_TEST(the_closing_table_names_reasons_and_top_talkers)
{
    struct format_context now = context();
    record_build_statistics(&record);
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, " 1 unusual chiefly by direction\n"));
    ck_assert_ptr_nonnull(strstr(line, "most bytes, source    10.0.0.1: 500 kB in 41 flows\n"));
    ck_assert_ptr_nonnull(strstr(line, " 2001:db8::1: at least 100 kB in 1 flow\n"));
    ck_assert_ptr_nonnull(strstr(line, "refused               2 not_ip\n"));
    struct engine_counters *const engine = &record.as.statistics.engine;
    engine->reasons[0] = (struct flagged_reason){FLAGGED_BY_BEHAVIOUR, BEHAVIOUR_FLOOD, 5};
    engine->flagged = 7;
    now.nothing_stands_out = true;
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, " 5 resemble flood of one service\n"));
    ck_assert_ptr_nonnull(strstr(line, " 2 for other reasons\n"));
    ck_assert_ptr_nonnull(strstr(line, "No score stood out from the rest; what resembles"));
    record.as.statistics.capture.is_live = true;
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, "dropped by the kernel 0\n"));
}
END_TEST

START_TEST(the_closing_table_says_when_nothing_stood_out)
{
    struct format_context now = context();
    record_build_statistics(&record);
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, "42 (30 TCP, 11 UDP, 1 ICMP, 0 other)"));
    ck_assert_ptr_nonnull(strstr(line, "16.7 packets/s"));
    ck_assert_ptr_null(strstr(line, "Nothing stood out"));
    now.nothing_stands_out = true;
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_ptr_nonnull(strstr(line, "Nothing stood out"));
    record.as.statistics.is_final = false;
    ck_assert(format_record(FORMAT_TEXT, &record, &now, line, sizeof line, &length));
    ck_assert_uint_eq(length, 0);
}
END_TEST

START_TEST(the_same_record_gives_the_same_bytes)
{
    static char again[FORMAT_BUFFER_SIZE];
    const struct format_context now = context();
    size_t again_length;
    record_build_sample(&record);
    ck_assert(format_native(&record, &now, line, sizeof line, &length));
    ck_assert(format_native(&record, &now, again, sizeof again, &again_length));
    ck_assert_str_eq(line, again);
}
END_TEST

START_TEST(a_line_that_is_no_single_object_is_told)
{
    static const char *const bad[] = {"{\"a\":1} {}",     "{\"a\":1,\"a\":2}", "[1]", "{\"a\":01}",
                                      "{\"a\":\"\xff\"}", "{\"a\":1}\n",       ""};
    char error[ERROR_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!json_check_line(bad[i], strlen(bad[i]), error, sizeof error), "%s", bad[i]);
    ck_assert(json_check_line("{\"a\":1}", 7, error, sizeof error));
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("format_record");
    TCase *tests = tcase_create("format_record");
    tcase_add_test(tests, an_alert_has_eves_part_in_eves_types);
    tcase_add_test(tests, observed_holds_the_eighteen_columns_in_their_order);
    tcase_add_test(tests, typical_and_contributions_add_up_to_the_score_as_printed);
    tcase_add_test(tests, what_was_not_measured_is_absent);
    tcase_add_test(tests, a_tunnel_is_told_outermost_first_with_its_addresses);
    tcase_add_test(tests, exceptions_are_counted_each_way_and_left_out_where_there_are_none);
    tcase_add_test(tests, a_directions_times_are_left_out_where_they_are_the_flows);
    tcase_add_test(tests, nanoseconds_are_not_lost_in_microseconds);
    tcase_add_test(tests, reasons_carry_value_typical_and_bits);
    tcase_add_test(tests, a_line_a_little_too_long_loses_its_last_two_reasons);
    tcase_add_test(tests, the_longest_line_fits_with_all_its_contributions_and_caveats);
    tcase_add_test(tests, bytes_that_are_no_utf8_become_the_replacement_character);
    tcase_add_test(tests, features_have_six_digits_and_whole_numbers_all);
    tcase_add_test(tests, only_flow_lines_carry_their_place_in_the_order);
    tcase_add_test(tests, a_number_that_is_not_finite_is_left_out);
    tcase_add_test(tests, statistics_say_their_sums_and_limits);
    tcase_add_test(tests, what_does_not_fit_is_refused_not_cut);
    tcase_add_test(tests, a_csv_row_has_a_field_for_every_column);
    tcase_add_test(tests, an_alert_as_text_names_the_flow_and_its_reasons);
    tcase_add_test(tests, an_alert_as_text_has_no_line_of_more_than_100_columns);
    tcase_add_test(tests, a_behaviour_as_text_tells_its_evidence_instead_of_reasons);
    tcase_add_test(tests, the_closing_table_names_reasons_and_top_talkers);
    tcase_add_test(tests, the_closing_table_says_when_nothing_stood_out);
    tcase_add_test(tests, the_same_record_gives_the_same_bytes);
    tcase_add_test(tests, a_line_that_is_no_single_object_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
