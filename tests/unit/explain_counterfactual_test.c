/* SPDX-License-Identifier: Apache-2.0 */
/* What moves along when a feature is changed, and which change is told. The baseline is made up:
 * each feature away from what is usual costs what its contribution says. */
#include "explain/counterfactual.h"
#include "explain/edit.h"

#include "tests/support/unit.h"

#include <math.h>
#include <string.h>

enum { THRESHOLD_MBITS = 5000, TYPICAL_MBITS = 1000 };

static struct record_flow_part part;
static struct record_counterfactual found;
static double usual[FEATURE_COUNT];
static int32_t cost_mbits[FEATURE_COUNT];

static int32_t score(const void *context, const struct feature_vector *edited)
{
    (void)context;
    int32_t sum = TYPICAL_MBITS;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum += edited->value[j] == usual[j] ? 0 : cost_mbits[j];
    return sum;
}

static bool median(const void *context, enum feature_id id, double *value)
{
    (void)context;
    *value = usual[id];
    return usual[id] >= 0;
}

static bool category(const void *context, const struct feature_vector *vector, enum feature_id id,
                     double *code)
{
    (void)context;
    (void)vector;
    *code = usual[id];
    return usual[id] >= 0;
}

static const struct counterfactual_baseline baseline = {
    .score = score, .median = median, .category = category};

static void set(enum feature_id id, double value)
{
    part.features.present |= UINT64_C(1) << id;
    part.features.value[id] = value;
}

/* 100 packets of 1,000 bytes sent in 10 s, none back; nothing costs anything yet. */
static void begin(void)
{
    memset(&part, 0, sizeof part);
    memset(cost_mbits, 0, sizeof cost_mbits);
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        usual[j] = -1;
    set(FEATURE_DURATION, 10e6);
    set(FEATURE_PACKETS_FWD, 100);
    set(FEATURE_PACKETS_REV, 0);
    set(FEATURE_IP_BYTES_FWD, 100000);
    set(FEATURE_IP_BYTES_REV, 0);
    set(FEATURE_MEAN_PACKET_FWD, 1000);
    set(FEATURE_BYTES_RATIO, log2(100001));
    set(FEATURE_PACKET_RATE, 10);
    set(FEATURE_BYTE_RATE, 10000);
    set(FEATURE_GAP_MEAN_FWD, 100000);
    set(FEATURE_GAP_MAX_FWD, 300000);
    set(FEATURE_LONGEST_GAP, 300000);
    set(FEATURE_SRC_FLOWS_WINDOW, 50);
    set(FEATURE_SRC_PEERS_WINDOW, 40);
    set(FEATURE_SRC_FLOWS_10M, 60);
    set(FEATURE_SRC_BYTES_WINDOW, 150000);
    set(FEATURE_PROTOCOL, 17);
    set(FEATURE_SERVICE, 17 << 16 | 53);
    set(FEATURE_SERVICE_STATE, (17 << 16 | 53) << 8 | 10);
    set(FEATURE_PROTOCOL_STATE, 17 << 8 | 10);
    set(FEATURE_SERVICE_SIZE, (17 << 16 | 53) << 8 | 4);
}

static struct edit changed(enum feature_id id, double to)
{
    usual[id] = to;
    struct edit edit = edit_begin(&baseline, &part.features);
    ck_assert(edit_to_usual(&edit, id));
    ck_assert_double_eq(edit.vector.value[id], to);
    ck_assert_uint_eq(edit_moved(&edit, &part.features) >> id & 1, 0);
    return edit;
}

static double value(const struct edit *edit, enum feature_id id)
{
    return feature_is_present(&edit->vector, id) ? edit->vector.value[id] : -1;
}

START_TEST(fewer_bytes_are_fewer_packets_of_the_same_size)
{
    begin();
    const struct edit edit = changed(FEATURE_IP_BYTES_FWD, 10000);
    ck_assert_double_eq(value(&edit, FEATURE_PACKETS_FWD), 10);
    ck_assert_double_eq(value(&edit, FEATURE_MEAN_PACKET_FWD), 1000);
    ck_assert_double_eq(value(&edit, FEATURE_DURATION), 10e6);
    ck_assert_double_eq(value(&edit, FEATURE_PACKET_RATE), 1);
    ck_assert_double_eq(value(&edit, FEATURE_BYTE_RATE), 1000);
    ck_assert_double_eq(value(&edit, FEATURE_GAP_MEAN_FWD), 1000000);
    ck_assert_double_eq(value(&edit, FEATURE_BYTES_RATIO), log2(10001));
    ck_assert_double_eq(value(&edit, FEATURE_SRC_BYTES_WINDOW), 60000);
    ck_assert_double_eq(value(&edit, FEATURE_SERVICE_SIZE), (17 << 16 | 53) << 8 | 3);
}
END_TEST

START_TEST(one_packet_has_no_gaps_and_no_rates)
{
    begin();
    const struct edit edit = changed(FEATURE_PACKETS_FWD, 1);
    ck_assert_double_eq(value(&edit, FEATURE_IP_BYTES_FWD), 1000);
    ck_assert_double_eq(value(&edit, FEATURE_GAP_MEAN_FWD), -1);
    ck_assert_double_eq(value(&edit, FEATURE_LONGEST_GAP), -1);
    ck_assert_double_eq(value(&edit, FEATURE_PACKET_RATE), -1);
}
END_TEST

START_TEST(a_shorter_flow_has_higher_rates_and_shorter_gaps)
{
    begin();
    const struct edit edit = changed(FEATURE_DURATION, 1e6);
    ck_assert_double_eq(value(&edit, FEATURE_PACKET_RATE), 100);
    ck_assert_double_eq(value(&edit, FEATURE_BYTE_RATE), 100000);
    ck_assert_double_eq(value(&edit, FEATURE_GAP_MAX_FWD), 30000);
    ck_assert_double_eq(value(&edit, FEATURE_LONGEST_GAP), 30000);
    ck_assert_double_eq(value(&edit, FEATURE_PACKETS_FWD), 100);
}
END_TEST

START_TEST(a_lower_rate_is_a_longer_flow)
{
    begin();
    const struct edit edit = changed(FEATURE_PACKET_RATE, 1);
    ck_assert_double_eq(value(&edit, FEATURE_DURATION), 100e6);
    ck_assert_double_eq(value(&edit, FEATURE_BYTE_RATE), 1000);
}
END_TEST

START_TEST(smaller_packets_are_fewer_bytes_and_as_many_packets)
{
    begin();
    const struct edit edit = changed(FEATURE_MEAN_PACKET_FWD, 100);
    ck_assert_double_eq(value(&edit, FEATURE_IP_BYTES_FWD), 10000);
    ck_assert_double_eq(value(&edit, FEATURE_PACKETS_FWD), 100);
}
END_TEST

START_TEST(packets_where_there_were_none_have_the_usual_bytes)
{
    begin();
    usual[FEATURE_IP_BYTES_REV] = 700;
    const struct edit edit = changed(FEATURE_PACKETS_REV, 7);
    ck_assert_double_eq(value(&edit, FEATURE_IP_BYTES_REV), 700);
    ck_assert_double_eq(value(&edit, FEATURE_MEAN_PACKET_REV), 100);
    ck_assert_double_eq(value(&edit, FEATURE_PACKET_RATE), 10.7);
}
END_TEST

START_TEST(a_window_moves_its_ten_minutes_and_what_it_holds)
{
    begin();
    usual[FEATURE_SRC_FLOWS_10M] = 9;
    const struct edit edit = changed(FEATURE_SRC_FLOWS_WINDOW, 3);
    ck_assert_double_eq(value(&edit, FEATURE_SRC_FLOWS_10M), 9);
    ck_assert_double_eq(value(&edit, FEATURE_SRC_PEERS_WINDOW), 3);
}
END_TEST

START_TEST(another_service_moves_all_that_name_it)
{
    begin();
    usual[FEATURE_SERVICE_STATE] = (6 << 16 | 443) << 8 | 5;
    const struct edit edit = changed(FEATURE_SERVICE, 6 << 16 | 443);
    ck_assert_double_eq(value(&edit, FEATURE_PROTOCOL), 6);
    ck_assert_double_eq(value(&edit, FEATURE_SERVICE_STATE), (6 << 16 | 443) << 8 | 5);
    ck_assert_double_eq(value(&edit, FEATURE_PROTOCOL_STATE), 6 << 8 | 5);
    ck_assert_double_eq(value(&edit, FEATURE_SERVICE_SIZE), (6 << 16 | 443) << 8 | 4);
}
END_TEST

START_TEST(a_state_is_one_for_service_and_protocol)
{
    begin();
    const struct edit edit = changed(FEATURE_PROTOCOL_STATE, 17 << 8 | 9);
    ck_assert_double_eq(value(&edit, FEATURE_SERVICE_STATE), (17 << 16 | 53) << 8 | 9);
    ck_assert_uint_eq(edit_moved(&edit, &part.features), UINT64_C(1) << FEATURE_SERVICE_STATE);
}
END_TEST

START_TEST(nothing_is_changed_to_what_it_is_or_to_what_nobody_knows)
{
    begin();
    struct edit edit = edit_begin(&baseline, &part.features);
    ck_assert(!edit_to_usual(&edit, FEATURE_DURATION));
    usual[FEATURE_DURATION] = 10e6;
    ck_assert(!edit_to_usual(&edit, FEATURE_DURATION));
    ck_assert(!edit_to_usual(&edit, FEATURE_PROTOCOL));
    ck_assert_uint_eq(edit_moved(&edit, &part.features), 0);
}
END_TEST

/* Features that nothing derives from, with their costs. */
static void search(int32_t first, int32_t second, int32_t third)
{
    begin();
    const struct {
        enum feature_id id;
        int32_t cost_mbits;
    } costs[] = {
        {FEATURE_PAYLOAD_SHARE, first}, {FEATURE_HANDSHAKE_RTT, second}, {FEATURE_SRC_IDLE, third}};
    for (unsigned i = 0; i < 3; i++) {
        set(costs[i].id, 1);
        usual[costs[i].id] = 0.5;
        cost_mbits[costs[i].id] = costs[i].cost_mbits;
        part.verdict.contribution_mbits[costs[i].id] = costs[i].cost_mbits;
    }
    part.verdict.has_threshold = true;
    part.verdict.threshold_mbits = THRESHOLD_MBITS;
    part.verdict.score_mbits = score(NULL, &part.features);
    counterfactual_find(&part, &baseline, &found);
}

START_TEST(one_change_that_suffices_is_enough)
{
    search(3000, 2500, 200);
    ck_assert_int_eq(found.kind, RECORD_COUNTERFACTUAL_FOUND);
    ck_assert_uint_eq(found.change_count, 1);
    ck_assert_uint_eq(found.changes[0].feature, FEATURE_PAYLOAD_SHARE);
    ck_assert(found.changes[0].has_from);
    ck_assert_double_eq(found.changes[0].from, 1);
    ck_assert_double_eq(found.changes[0].to, 0.5);
    ck_assert_int_eq(found.score_mbits, 3700);
    ck_assert_int_eq(found.threshold_mbits, THRESHOLD_MBITS);
    ck_assert_uint_eq(found.moved, 0);
}
END_TEST

START_TEST(changes_are_added_until_they_suffice)
{
    search(4000, 3500, 3400);
    ck_assert_uint_eq(found.change_count, 2);
    ck_assert_int_eq(found.score_mbits, 4400);
    search(4000, 3900, 4500);
    ck_assert_uint_eq(found.change_count, 2);
    search(9000, 8000, 7000);
    ck_assert_uint_eq(found.change_count, 3);
    ck_assert_int_eq(found.score_mbits, TYPICAL_MBITS);
}
END_TEST

START_TEST(where_three_changes_do_not_suffice_it_is_said)
{
    search(4000, 3000, 2000);
    cost_mbits[FEATURE_PROTOCOL] = THRESHOLD_MBITS; /* which is not changed by itself */
    part.verdict.score_mbits += THRESHOLD_MBITS;
    counterfactual_find(&part, &baseline, &found);
    ck_assert_int_eq(found.kind, RECORD_COUNTERFACTUAL_NONE);
}
END_TEST

START_TEST(another_service_is_the_last_resort)
{
    search(3000, 2500, 200);
    usual[FEATURE_SERVICE] = 17 << 16 | 123;
    cost_mbits[FEATURE_SERVICE] = 4000;
    part.verdict.contribution_mbits[FEATURE_SERVICE] = 9000;
    part.verdict.score_mbits = score(NULL, &part.features) - 4000;
    cost_mbits[FEATURE_SERVICE] = 0;
    counterfactual_find(&part, &baseline, &found);
    ck_assert_uint_eq(found.changes[0].feature, FEATURE_PAYLOAD_SHARE);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("explain_counterfactual");
    TCase *tests = tcase_create("explain_counterfactual");
    tcase_add_test(tests, fewer_bytes_are_fewer_packets_of_the_same_size);
    tcase_add_test(tests, one_packet_has_no_gaps_and_no_rates);
    tcase_add_test(tests, a_shorter_flow_has_higher_rates_and_shorter_gaps);
    tcase_add_test(tests, a_lower_rate_is_a_longer_flow);
    tcase_add_test(tests, smaller_packets_are_fewer_bytes_and_as_many_packets);
    tcase_add_test(tests, packets_where_there_were_none_have_the_usual_bytes);
    tcase_add_test(tests, a_window_moves_its_ten_minutes_and_what_it_holds);
    tcase_add_test(tests, another_service_moves_all_that_name_it);
    tcase_add_test(tests, a_state_is_one_for_service_and_protocol);
    tcase_add_test(tests, nothing_is_changed_to_what_it_is_or_to_what_nobody_knows);
    tcase_add_test(tests, one_change_that_suffices_is_enough);
    tcase_add_test(tests, changes_are_added_until_they_suffice);
    tcase_add_test(tests, where_three_changes_do_not_suffice_it_is_said);
    tcase_add_test(tests, another_service_is_the_last_resort);
    suite_add_tcase(suite, tests);
    return suite;
}
