/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a flow: columns, caveats, reasons, and prose whose numbers are the record's. */
#include "explain/explain.h"
#include "explain/prose.h"

#include "tests/support/record_build.h"
#include "tests/support/unit.h"
#include "whyflow/feature.h"
#include "whyflow/sections.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct record record;

static const struct explanation *explanation(void)
{
    return &record.as.flow.explanation;
}

static struct record_flow_part *part(void)
{
    return &record.as.flow.part;
}

/* All prose, in lower case. */
static const char *all_prose(void)
{
    static char prose[RECORD_TEXT_SIZE + 8 + RECORD_SUMMARY_LINES_MAX * RECORD_SUMMARY_LINE_SIZE];
    struct text text = text_init(prose, sizeof prose);
    text_append(&text, explanation()->text);
    for (uint32_t i = 0; i < explanation()->summary_count; i++) {
        text_append_char(&text, '\n');
        text_append(&text, explanation()->summary[i]);
    }
    for (size_t i = 0; i < text.length; i++)
        prose[i] = (char)tolower((unsigned char)prose[i]);
    return prose;
}

START_TEST(columns_are_measured_not_guessed)
{
    record_build_sample(&record);
    ck_assert_double_eq_tol(part()->observed.mean_packet_bytes, 1378.4060665362035, 1e-9);
    ck_assert_double_eq_tol(part()->observed.inter_arrival_ms, 31.585903083700442, 1e-9);
    ck_assert_uint_eq(part()->observed.dst_flows_in_window, 15);
    ck_assert_uint_eq(part()->observed.src_packets_sum, 2044);
}
END_TEST

START_TEST(a_single_packet_has_no_inter_arrival_time)
{
    record_build_sample(&record);
    part()->flow.direction[FLOW_FORWARD].packets = 1;
    part()->flow.direction[FLOW_FORWARD].gap_ns.count = 0;
    record_build_explain(&record, 12345, true);
    ck_assert(!part()->observed.has_inter_arrival);
    ck_assert(part()->observed.has_mean_packet_bytes);
}
END_TEST

START_TEST(each_caveat_follows_from_its_fact_alone)
{
    record_build_sample(&record);
    ck_assert_uint_eq(part()->caveats, RECORD_CAVEAT_ONE_DIRECTION_ONLY);
    part()->flow.direction[FLOW_REVERSE] = part()->flow.direction[FLOW_FORWARD];
    record_build_explain(&record, 500, true);
    ck_assert_uint_eq(part()->caveats, 0);
    record_build_explain(&record, 499, true);
    ck_assert_uint_eq(part()->caveats, RECORD_CAVEAT_FEW_FLOWS);
    part()->flow.state = FLOW_STATE_MIDSTREAM;
    part()->flow.slice = 1;
    part()->flow.end_reason = FLOW_END_CLOCK_STEP;
    part()->flow.marks = FLOW_MARK_COARSE_TIME | FLOW_MARK_KERNEL_DROPS;
    part()->verdict.is_cold = true;
    part()->features.is_window_cut = true;
    record_build_explain(&record, 1000, true);
    ck_assert_uint_eq(part()->caveats,
                      RECORD_CAVEAT_MIDSTREAM | RECORD_CAVEAT_SLICE | RECORD_CAVEAT_CLOCK_STEP |
                          RECORD_CAVEAT_COARSE_TIMESTAMPS | RECORD_CAVEAT_KERNEL_DROPS |
                          RECORD_CAVEAT_COLD_BASELINE | RECORD_CAVEAT_WINDOW_CUT);
}
END_TEST

START_TEST(fragments_are_a_caveat_only_where_they_overlap_or_lack_their_first)
{
    record_build_sample(&record);
    part()->flow.marks = FLOW_MARK_FRAGMENTS;
    part()->flow.fragments = 12;
    record_build_explain(&record, 12345, true);
    ck_assert_uint_eq(part()->caveats & RECORD_CAVEAT_FRAGMENTS, 0);
    part()->flow.fragments_overlapping = 2;
    record_build_explain(&record, 12345, true);
    ck_assert_uint_ne(part()->caveats & RECORD_CAVEAT_FRAGMENTS, 0);
    ck_assert_ptr_nonnull(
        strstr(all_prose(), "of its 12 fragments 2 brought bytes twice or beyond the end."));
    part()->flow.fragments_overlapping = 0;
    part()->flow.fragments_first_missing = 3;
    record_build_explain(&record, 12345, true);
    ck_assert_uint_ne(part()->caveats & RECORD_CAVEAT_FRAGMENTS, 0);
    ck_assert_ptr_nonnull(
        strstr(all_prose(), "of its 12 fragments 3 came without the first, which has the ports."));
}
END_TEST

START_TEST(copies_are_always_a_caveat)
{
    record_build_sample(&record);
    ck_assert_uint_eq(part()->caveats & RECORD_CAVEAT_DUPLICATES, 0);
    part()->flow.marks = FLOW_MARK_DUPLICATES;
    part()->flow.direction[FLOW_FORWARD].duplicates = 1;
    record_build_explain(&record, 12345, true);
    ck_assert_uint_ne(part()->caveats & RECORD_CAVEAT_DUPLICATES, 0);
    ck_assert_ptr_nonnull(
        strstr(all_prose(), "1 copy of its packets came too, as mirror ports make them."));
    part()->flow.direction[FLOW_REVERSE].duplicates = 1200;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(all_prose(), "1,201 copies of its packets came too"));
}
END_TEST

START_TEST(what_a_flow_was_carried_in_is_told_inside_out)
{
    record_build_sample(&record);
    struct flow_record *flow = &part()->flow;
    flow->tunnel_count = 2;
    flow->tunnels[0] = PACKET_TUNNEL_GRE;
    flow->tunnels[1] = PACKET_TUNNEL_ERSPAN;
    flow->outer_ip_version = 4;
    memcpy(flow->outer_source, (const uint8_t[]){10, 1, 1, 1}, 4);
    memcpy(flow->outer_destination, (const uint8_t[]){10, 1, 1, 2}, 4);
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(
        strstr(all_prose(), "carried in erspan in gre between 10.1.1.1 and 10.1.1.2."));
    flow->tunnel_count = 1;
    flow->tunnels[0] = PACKET_TUNNEL_MPLS;
    flow->outer_ip_version = 0;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(all_prose(), "carried in mpls."));
}
END_TEST

START_TEST(retransmissions_are_told_when_they_are_many)
{
    record_build_sample(&record);
    struct flow_record *flow = &part()->flow;
    flow->protocol = PACKET_PROTOCOL_TCP;
    flow->direction[FLOW_FORWARD].retransmitted = 101; /* of 2,044 packets: a little under 5 % */
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_null(strstr(all_prose(), "were sent again"));
    flow->direction[FLOW_FORWARD].retransmitted = 1103;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(all_prose(), "of its tcp segments 1,103 were sent again."));
    flow->direction[FLOW_FORWARD].retransmitted = 0;
    flow->direction[FLOW_REVERSE].zero_windows = 1;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(all_prose(), "a receive window fell to zero 1 time."));
}
END_TEST

START_TEST(reasons_are_the_strongest_positive_contributions_in_order)
{
    uint8_t features[RECORD_REASONS_MAX];
    struct verdict verdict = {0};
    ck_assert_uint_eq(explain_choose(&verdict, features), 0);
    verdict.contribution_mbits[3] = -5;
    verdict.contribution_mbits[7] = 2;
    verdict.contribution_mbits[9] = 2;
    ck_assert_uint_eq(explain_choose(&verdict, features), 2);
    ck_assert_uint_eq(features[0], 7);
    ck_assert_uint_eq(features[1], 9);
    for (int id = 0; id < FEATURE_COUNT; id++)
        verdict.contribution_mbits[id] = id + 1;
    ck_assert_uint_eq(explain_choose(&verdict, features), RECORD_REASONS_MAX);
    for (int i = 0; i < RECORD_REASONS_MAX; i++)
        ck_assert_int_eq(features[i], FEATURE_COUNT - 1 - i);
}
END_TEST

START_TEST(shares_are_of_the_positive_contributions)
{
    record_build_sample(&record);
    const double positive = 5127 + 4003 + 9871 + 3500 + 3500 + 2;
    ck_assert_uint_eq(explanation()->reasons[0].feature, FEATURE_DIRECTION);
    ck_assert_double_eq_tol(explanation()->reasons[0].share, 9871 / positive, 1e-12);
    ck_assert_uint_eq(explanation()->rank, 4115);
    /* evidence was made to weigh more for each later reason */
    ck_assert_uint_eq(explanation()->informative[0], explanation()->reasons[4].feature);
}
END_TEST

START_TEST(a_reason_over_ten_minutes_is_not_told_twice)
{
    record_build_sample(&record);
    ck_assert_uint_eq(explanation()->reasons[3].feature, FEATURE_SRC_FLOWS_WINDOW);
    ck_assert_uint_eq(explanation()->reasons[4].feature, FEATURE_SRC_FLOWS_10M);
    ck_assert_uint_eq(prose_reason_index(explanation(), 3), 3);
    ck_assert_uint_eq(prose_reason_index(explanation(), 4), explanation()->reason_count);
}
END_TEST

START_TEST(the_sample_flow_is_told_in_these_words)
{
    record_build_sample(&record);
    ck_assert_str_eq(
        explanation()->text,
        "UDP flow from 74.81.88.82:51413 to 158.129.80.19:29862 (port 51413 is not assigned; by "
        "custom bittorrent) is unusual compared with 12,345 flows: direction 'out_to_out' "
        "(0.21 % of flows), bytes sent 2.82 MB (typical 310 bytes) and packets sent 2,044 (typical "
        "310).");
    ck_assert_uint_eq(explanation()->summary_count, 4);
    ck_assert_str_eq(explanation()->summary[0],
                     "UDP flow from port 51413 (not assigned; by custom bittorrent), one way: "
                     "2,044 packets (2.82 MB) sent in 64.5 s. That is 349 kbit/s and "
                     "31.7 packets/s.");
    ck_assert_str_eq(explanation()->summary[3],
                     "Only the source's packets were seen. Evidence for a known pattern is "
                     "insufficient.");
}
END_TEST

/* The record is told again with evidence of the flow's own service. */
static void explain_among_service(bool is_whole_capture, double share)
{
    struct evidence evidences[RECORD_REASONS_MAX] = {0};
    uint8_t features[RECORD_REASONS_MAX];
    struct baseline_summary baseline = explanation()->baseline;
    baseline.is_whole_capture = is_whole_capture;
    part()->features.present |= UINT64_C(1) << FEATURE_SERVICE;
    part()->features.value[FEATURE_SERVICE] = PACKET_PROTOCOL_UDP << 16; /* neither port known */
    const unsigned count = explain_choose(&part()->verdict, features);
    for (unsigned i = 0; i < count; i++) {
        const bool is_category = feature_infos[features[i]].scale == FEATURE_SCALE_CATEGORY;
        evidences[i] = (struct evidence){
            .median = 1200,
            .p05 = 100,
            .p95 = 15000,
            .count = 700,
            .share = share,
            .direction = is_category ? EVIDENCE_RARE : EVIDENCE_HIGH,
            .has_quantiles = !is_category && feature_is_present(&part()->features, features[i]),
            .is_of_service = true,
        };
    }
    explain_alert(part(), &baseline, evidences, features, count, 1, true,
                  &record.as.flow.explanation);
}

static void choose_alone(enum feature_id id)
{
    memset(part()->verdict.contribution_mbits, 0, sizeof part()->verdict.contribution_mbits);
    part()->verdict.contribution_mbits[id] = 5000;
}

START_TEST(what_is_compared_with_its_service_alone_says_so)
{
    record_build_sample(&record);
    choose_alone(FEATURE_IP_BYTES_FWD);
    explain_among_service(true, 0.02);
    ck_assert_ptr_nonnull(
        strstr(explanation()->text, ": bytes sent 2.82 MB (typical of udp/other: 1,200 bytes)."));
    ck_assert_ptr_nonnull(strstr(explanation()->summary[1],
                                 "Chiefly bytes sent 2.82 MB (typical of udp/other: 1,200 bytes, "
                                 "95 % at most 15 kB)."));
    choose_alone(FEATURE_DIRECTION);
    explain_among_service(true, 0.02);
    ck_assert_ptr_nonnull(
        strstr(explanation()->text, ": direction 'out_to_out' (2 % of udp/other flows)."));
    explain_among_service(true, 0);
    ck_assert_ptr_nonnull(
        strstr(explanation()->text, ": direction 'out_to_out' (in no other udp/other flow)."));
    explain_among_service(false, 0);
    ck_assert_ptr_nonnull(
        strstr(explanation()->text, ": direction 'out_to_out' (in no udp/other flow before)."));
    choose_alone(FEATURE_HANDSHAKE_RTT);
    part()->features.present &= ~(UINT64_C(1) << FEATURE_HANDSHAKE_RTT);
    explain_among_service(true, 0.02);
    ck_assert_ptr_nonnull(
        strstr(explanation()->text, "handshake time not measured (as in 2 % of udp/other flows)."));
}
END_TEST

START_TEST(words_among_a_service_fit_too)
{
    for (int id = 0; id < FEATURE_COUNT; id++) {
        record_build_longest(&record);
        choose_alone((enum feature_id)id);
        part()->verdict.contribution_mbits[(id + 7) % FEATURE_COUNT] = 4000;
        explain_among_service(id % 2 == 0, id % 3 == 0 ? 0 : 0.05);
        ck_assert_uint_le(strlen(explanation()->text), PROSE_TEXT_CHARACTERS_MAX);
        ck_assert_uint_ge(explanation()->summary_count, 2);
    }
}
END_TEST

START_TEST(what_lies_beyond_the_axis_is_told_as_or_more)
{
    record_build_sample(&record);
    choose_alone(FEATURE_INTERVAL_CV);
    part()->features.present |= UINT64_C(1) << FEATURE_INTERVAL_CV;
    part()->features.value[FEATURE_INTERVAL_CV] = 0.5;
    explain_among_service(true, 0.02);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "(typical of udp/other: 1,200 or more)"));
}
END_TEST

START_TEST(wording_is_graded_by_the_evidence)
{
    record_build_sample(&record);
    part()->verdict.p_value = 0.0011;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "is somewhat unusual compared with 12,345"));
    part()->verdict.p_value = 0.001;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "is unusual compared with 12,345 flows"));
    part()->verdict.p_value = 0.0001;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "is very unusual compared with"));
    record_build_explain(&record, 37, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "compared with only 37 flows"));
    record_build_explain(&record, 12345, false);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "does not stand out"));
    ck_assert_ptr_null(strstr(all_prose(), "unusual"));
}
END_TEST

START_TEST(text_stays_within_its_length_and_summary_within_its_lines)
{
    record_build_longest(&record);
    ck_assert_uint_le(strlen(explanation()->text), PROSE_TEXT_CHARACTERS_MAX);
    ck_assert_int_eq(explanation()->text[strlen(explanation()->text) - 1], '.');
    ck_assert_uint_ge(explanation()->summary_count, 2);
    for (uint32_t i = 0; i < explanation()->summary_count; i++) {
        const char *line = explanation()->summary[i];
        ck_assert_uint_gt(strlen(line), 0);
        ck_assert_int_eq(line[strlen(line) - 1], '.');
    }
}
END_TEST

START_TEST(any_state_feature_or_number_of_reasons_gives_prose_that_fits)
{
    for (int state = FLOW_STATE_ATTEMPTED; state < FLOW_STATE_COUNT; state++) {
        for (int id = 0; id < FEATURE_COUNT; id++) {
            record_build_longest(&record);
            part()->flow.state = (uint8_t)state;
            for (int other = 0; other < FEATURE_COUNT; other++)
                part()->verdict.contribution_mbits[other] = other == id ? 5 : -1;
            if (id % 3 == 0)
                part()->features.present &= ~(UINT64_C(1) << id);
            record_build_explain(&record, UINT64_MAX / 3, id % 2 == 0);
            ck_assert_uint_ge(strlen(explanation()->text), 50);
            ck_assert_uint_ge(explanation()->summary_count, 2);
        }
    }
    memset(part()->verdict.contribution_mbits, 0, sizeof part()->verdict.contribution_mbits);
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "no single feature leads"));
}
END_TEST

START_TEST(every_field_a_sentence_names_exists)
{
    for (size_t i = 0; i < prose_rule_count; i++) {
        const char *at = prose_rules[i].sentence;
        while ((at = strchr(at, '{')) != NULL) {
            const size_t length = strcspn(at, "}") - 1;
            ck_assert_msg(prose_find_field(at + 1, length) != NULL, "%s", at);
            at++;
        }
    }
}
END_TEST

START_TEST(prose_never_says_more_than_unusual)
{
    static const char *const banned[] = {"malicious",  "attack", "prove",   "threat", "compromis",
                                         "suspicious", "harm",   "certain", "anomal", "hack"};
    record_build_sample(&record);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
            ck_assert_msg(strstr(all_prose(), banned[i]) == NULL, "%s", banned[i]);
        record_build_longest(&record);
    }
    for (size_t rule = 0; rule < prose_rule_count; rule++) {
        for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
            ck_assert_ptr_null(strstr(prose_rules[rule].sentence, banned[i]));
    }
    for (size_t reading = 0; reading < prose_reading_count; reading++) {
        for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
            ck_assert_ptr_null(strstr(prose_readings[reading].rule.sentence, banned[i]));
        ck_assert_ptr_nonnull(prose_readings[reading].facts[0]);
    }
}
END_TEST

START_TEST(two_flows_that_differ_get_different_summaries)
{
    char first[RECORD_SUMMARY_LINE_SIZE];
    record_build_sample(&record);
    memcpy(first, explanation()->summary[0], sizeof first);
    part()->flow.direction[FLOW_FORWARD].packets++;
    record_build_explain(&record, 12345, true);
    ck_assert_str_ne(first, explanation()->summary[0]);
}
END_TEST

START_TEST(an_ipv4_address_inside_an_ipv6_one_is_told)
{
    static const uint8_t address[16] = {0x20, 0x02,        0xbe, 0xcf, 0x7b,
                                        0x73, [12] = 0xbe, 0xcf, 0x7b, 0x73};
    record_build_sample(&record);
    part()->flow.ip_version = 6;
    memcpy(part()->flow.destination, address, sizeof address);
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->summary[2],
                                 "The destination is a 6to4 address, for 190.207.123.115."));
}
END_TEST

START_TEST(a_port_is_assigned_to_a_service_and_never_is_one)
{
    record_build_sample(&record);
    part()->flow.protocol = PACKET_PROTOCOL_TCP;
    part()->flow.state = FLOW_STATE_CLOSED;
    part()->flow.destination_port = 443;
    record_build_explain(&record, 12345, true);
    ck_assert_ptr_nonnull(strstr(explanation()->text, "(port 443 is assigned to https)"));
    ck_assert_ptr_nonnull(strstr(explanation()->summary[0], "to port 443 (assigned to https)"));
}
END_TEST

/* ---- every number in the prose is a number of the record ---- */

enum { NUMBERS_MAX = 256 };

static struct section sections[SECTION_COUNT];
static double numbers[NUMBERS_MAX];
static size_t number_count;

static void allow(double number)
{
    ck_assert_uint_lt(number_count, NUMBERS_MAX);
    numbers[number_count++] = fabs(number);
}

static void allow_flow_numbers(const struct flow_record *flow)
{
    for (int i = 0; i < 2; i++) {
        const struct flow_direction *direction = &flow->direction[i];
        allow((double)direction->packets);
        allow((double)direction->ip_bytes);
        allow(direction->gap_ns.mean / 1e3);
        allow(direction->gap_ns.deviation / 1e3);
        allow((double)direction->packet_bytes.min);
        allow((double)direction->packet_bytes.max);
        allow((double)direction->gap_ns.min / 1e3);
        allow((double)direction->gap_ns.max / 1e3);
    }
    allow(flow->source_port);
    allow(flow->destination_port);
    allow((double)(flow->last_ns - flow->first_ns) / 1e3);
    allow((double)flow->longest_gap_ns / 1e3);
    allow((double)flow->handshake_rtt_ns / 1e3);
    allow(flow->slice);
}

static void allow_note_numbers(void)
{
    const struct record_combination *const combination = &explanation()->combination;
    const struct record_counterfactual *const counterfactual = &explanation()->counterfactual;
    allow(combination->service_mbits / 1e3);
    allow(combination->value_mbits / 1e3);
    allow(combination->together_mbits / 1e3);
    allow((double)combination->service_flows);
    allow(counterfactual->score_mbits / 1e3);
    allow(counterfactual->threshold_mbits / 1e3);
    for (uint32_t i = 0; i < counterfactual->change_count; i++) {
        allow(counterfactual->changes[i].from);
        allow(counterfactual->changes[i].to);
    }
    allow(part()->verdict.score_mbits / 1e3);
    allow(part()->verdict.typical_mbits / 1e3);
    for (uint32_t i = 0; i < explanation()->reason_count; i++)
        allow(explanation()->reasons[i].contribution_mbits / 1e3);
}

static void allow_record_numbers(void)
{
    number_count = 0;
    allow_flow_numbers(&part()->flow);
    for (int id = 0; id < FEATURE_COUNT; id++) {
        const bool is_share = strstr(feature_infos[id].name, "_share") != NULL;
        allow(part()->features.value[id] * (is_share ? 100 : 1));
    }
    for (uint32_t i = 0; i < explanation()->reason_count; i++) {
        const struct evidence *evidence = &explanation()->reasons[i].evidence;
        allow(evidence->median);
        allow(evidence->p05);
        allow(evidence->p95);
        allow(evidence->share * 100); /* as a share */
    }
    allow(part()->observed.mean_packet_bytes);
    allow((double)explanation()->baseline.flows);
    allow((double)explanation()->rank);
    allow(part()->features.value[FEATURE_BYTE_RATE] * 8); /* as a bit rate */
    allow_note_numbers();
    allow(95); /* the percentiles' name */
    allow(1);  /* "1 in N", "12 to 1" */
}

static double unit_factor(const char *after)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{" kB", 1e3},  {" MB", 1e6},     {" GB", 1e9},     {" TB", 1e12},
                 {" ms", 1e3},  {" kbit/s", 1e3}, {" Mbit/s", 1e6}, {" Gbit/s", 1e9},
                 {" min", 6e7}, {" s", 1e6},      {" h", 3.6e9},    {" d", 8.64e10}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const size_t length = strlen(units[i].unit);
        if (strncmp(after, units[i].unit, length) == 0 && !isalpha((unsigned char)after[length]))
            return units[i].factor;
    }
    return 1;
}

/* The number is some field of the record at the two or three digits that were printed. */
static void check_number(double printed, const char *after, const char *line)
{
    const double number = printed * unit_factor(after);
    for (size_t i = 0; i < number_count; i++) {
        const double tolerance = printed >= 1000 && unit_factor(after) == 1 ? 0.05 : 0.06;
        if (fabs(numbers[i] - number) <= tolerance * number)
            return;
    }
    ck_abort_msg("%g (before \"%.8s\") is not in the record: %s", printed, after, line);
}

static void check_line(const char *line)
{
    const char *at = line;
    while (*at != '\0') {
        const bool starts =
            isdigit((unsigned char)*at) && (at == line || strchr(" (", at[-1]) != NULL);
        if (!starts) {
            at++;
            continue;
        }
        char digits[64];
        size_t length = 0;
        for (; isdigit((unsigned char)*at) ||
               ((*at == ',' || *at == '.') && isdigit((unsigned char)at[1]));
             at++) {
            if (*at != ',')
                digits[length++] = *at;
        }
        digits[length] = '\0';
        if (strchr(digits, '.') == strrchr(digits, '.') && *at != ':') /* not an address */
            check_number(strtod(digits, NULL), at, line);
    }
}

START_TEST(every_number_in_the_prose_is_a_number_of_the_record)
{
    record_build_sample(&record);
    for (uint32_t round = 0; round < 200; round++) {
        part()->flow.direction[FLOW_FORWARD].packets = 2 + round * 977;
        part()->flow.direction[FLOW_FORWARD].ip_bytes = 100 + round * round * 7919;
        part()->flow.last_ns = part()->flow.first_ns + (int64_t)round * round * 77777777;
        part()->features.value[FEATURE_IP_BYTES_FWD] = 100 + round * round * 7919;
        part()->features.value[FEATURE_PACKETS_FWD] = 2 + round * 977;
        record_build_explain(&record, 3 + round * 1013, round % 3 != 0);
        allow_record_numbers();
        check_line(explanation()->text);
        for (uint32_t i = 0; i < explanation()->summary_count; i++)
            check_line(explanation()->summary[i]);
        check_line(explanation()->benign.text);
        check_line(explanation()->suspicious.text);
        check_line(explanation()->combination_text);
        check_line(explanation()->counterfactual_text);
        sections_write(&record, sections);
        for (unsigned i = 0; i < SECTION_COUNT; i++)
            check_line(sections[i].text);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("explain_record");
    TCase *tests = tcase_create("explain_record");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, columns_are_measured_not_guessed);
    tcase_add_test(tests, a_single_packet_has_no_inter_arrival_time);
    tcase_add_test(tests, each_caveat_follows_from_its_fact_alone);
    tcase_add_test(tests, fragments_are_a_caveat_only_where_they_overlap_or_lack_their_first);
    tcase_add_test(tests, copies_are_always_a_caveat);
    tcase_add_test(tests, what_a_flow_was_carried_in_is_told_inside_out);
    tcase_add_test(tests, retransmissions_are_told_when_they_are_many);
    tcase_add_test(tests, reasons_are_the_strongest_positive_contributions_in_order);
    tcase_add_test(tests, shares_are_of_the_positive_contributions);
    tcase_add_test(tests, a_reason_over_ten_minutes_is_not_told_twice);
    tcase_add_test(tests, the_sample_flow_is_told_in_these_words);
    tcase_add_test(tests, what_is_compared_with_its_service_alone_says_so);
    tcase_add_test(tests, words_among_a_service_fit_too);
    tcase_add_test(tests, what_lies_beyond_the_axis_is_told_as_or_more);
    tcase_add_test(tests, wording_is_graded_by_the_evidence);
    tcase_add_test(tests, text_stays_within_its_length_and_summary_within_its_lines);
    tcase_add_test(tests, any_state_feature_or_number_of_reasons_gives_prose_that_fits);
    tcase_add_test(tests, every_field_a_sentence_names_exists);
    tcase_add_test(tests, prose_never_says_more_than_unusual);
    tcase_add_test(tests, two_flows_that_differ_get_different_summaries);
    tcase_add_test(tests, an_ipv4_address_inside_an_ipv6_one_is_told);
    tcase_add_test(tests, a_port_is_assigned_to_a_service_and_never_is_one);
    tcase_add_test(tests, every_number_in_the_prose_is_a_number_of_the_record);
    suite_add_tcase(suite, tests);
    return suite;
}
