/* SPDX-License-Identifier: Apache-2.0 */
/* Features of a flow alone: values from the record, and what is missing. The logarithm. */
#include "feature/flow_feature.h"
#include "feature/logarithm.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>

static struct feature_vector measure(const struct flow_record *flow)
{
    struct feature_vector vector = {.present = 0};
    struct logarithms logarithms = {0};
    flow_feature_measure(flow, &logarithms, &vector);
    return vector;
}

static bool is_family(enum feature_id id, enum feature_family family)
{
    return feature_infos[id].family == family;
}

/* 5 packets of 200 bytes in 2 s, answered by 3 of 100. */
static struct flow_record full_flow(void)
{
    struct flow_record flow = {
        .first_ns = 1000000000,
        .last_ns = 3000000000,
        .has_handshake_rtt = true,
        .handshake_rtt_ns = 12345678,
        .longest_gap_ns = 900000000,
    };
    flow.direction[FLOW_FORWARD] = (struct flow_direction){
        .packets = 5,
        .ip_bytes = 1000,
        .payload_bytes = 600,
        .gap_ns = {.count = 4,
                   .min = 1000,
                   .max = 2500,
                   .mean = 1500.5,
                   .deviation = 250,
                   .is_whole = true},
    };
    flow.direction[FLOW_REVERSE] = (struct flow_direction){
        .packets = 3,
        .ip_bytes = 300,
        .payload_bytes = 50,
        .gap_ns = {.count = 2,
                   .min = 2000,
                   .max = 3000,
                   .mean = 2500,
                   .deviation = 500,
                   .is_whole = true},
    };
    return flow;
}

START_TEST(full_flow_has_every_feature_of_its_own)
{
    const struct flow_record flow = full_flow();
    const struct feature_vector vector = measure(&flow);
    for (unsigned id = 0; id < FEATURE_COUNT; id++)
        ck_assert_msg(feature_is_present(&vector, id) == (is_family(id, FEATURE_FAMILY_SIZE) ||
                                                          is_family(id, FEATURE_FAMILY_TIMING)),
                      "%s", feature_infos[id].name);
    ck_assert(vector.value[FEATURE_DURATION] == 2e6);
    ck_assert(vector.value[FEATURE_MEAN_PACKET_FWD] == 200);
    ck_assert(vector.value[FEATURE_MEAN_PACKET_REV] == 100);
    ck_assert(vector.value[FEATURE_PACKET_RATE] == 4);
    ck_assert(vector.value[FEATURE_BYTE_RATE] == 650);
    ck_assert(vector.value[FEATURE_PAYLOAD_SHARE] == 0.5);
    ck_assert(vector.value[FEATURE_GAP_MEAN_FWD] == 1.5005);
    ck_assert(vector.value[FEATURE_GAP_DEVIATION_FWD] == 0.25);
    ck_assert(vector.value[FEATURE_GAP_MIN_REV] == 2);
    ck_assert(vector.value[FEATURE_GAP_MAX_REV] == 3);
    ck_assert(vector.value[FEATURE_LONGEST_GAP] == 9e5);
    ck_assert(vector.value[FEATURE_HANDSHAKE_RTT] == 12345.678);
    ck_assert_double_eq_tol(vector.value[FEATURE_BYTES_RATIO], log2(1001.0 / 301.0), 1e-14);
}
END_TEST

START_TEST(single_packet_has_no_gaps_and_no_rates)
{
    struct flow_record flow = {.first_ns = 5, .last_ns = 5};
    flow.direction[FLOW_FORWARD] = (struct flow_direction){.packets = 1, .ip_bytes = 40};
    const struct feature_vector vector = measure(&flow);
    static const enum feature_id there[] = {
        FEATURE_DURATION,     FEATURE_PACKETS_FWD, FEATURE_PACKETS_REV,   FEATURE_IP_BYTES_FWD,
        FEATURE_IP_BYTES_REV, FEATURE_BYTES_RATIO, FEATURE_PAYLOAD_SHARE, FEATURE_MEAN_PACKET_FWD,
    };
    uint64_t present = 0;
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        present |= UINT64_C(1) << there[i];
    ck_assert_uint_eq(vector.present, present);
    for (unsigned id = 0; id < FEATURE_COUNT; id++)
        ck_assert(feature_is_present(&vector, id) || vector.value[id] == 0);
}
END_TEST

START_TEST(two_packets_have_a_gap_but_no_deviation)
{
    struct flow_record flow = full_flow();
    flow.direction[FLOW_FORWARD].gap_ns.count = 1;
    const struct feature_vector vector = measure(&flow);
    ck_assert(feature_is_present(&vector, FEATURE_GAP_MEAN_FWD));
    ck_assert(!feature_is_present(&vector, FEATURE_GAP_DEVIATION_FWD));
    ck_assert(feature_is_present(&vector, FEATURE_GAP_DEVIATION_REV));
}
END_TEST

START_TEST(late_packets_leave_the_mean_gap_alone)
{
    struct flow_record flow = full_flow();
    flow.direction[FLOW_FORWARD].gap_ns.is_whole = false;
    flow.longest_gap_ns = -1;
    const struct feature_vector vector = measure(&flow);
    ck_assert(feature_is_present(&vector, FEATURE_GAP_MEAN_FWD));
    ck_assert(!feature_is_present(&vector, FEATURE_GAP_MIN_FWD));
    ck_assert(!feature_is_present(&vector, FEATURE_GAP_MAX_FWD));
    ck_assert(!feature_is_present(&vector, FEATURE_GAP_DEVIATION_FWD));
    ck_assert(!feature_is_present(&vector, FEATURE_LONGEST_GAP));
    ck_assert(feature_is_present(&vector, FEATURE_GAP_MIN_REV));
}
END_TEST

START_TEST(rates_need_a_millisecond)
{
    struct flow_record flow = full_flow();
    flow.last_ns = flow.first_ns + 999999;
    struct feature_vector vector = measure(&flow);
    ck_assert(!feature_is_present(&vector, FEATURE_PACKET_RATE));
    ck_assert(!feature_is_present(&vector, FEATURE_BYTE_RATE));
    flow.last_ns++;
    vector = measure(&flow);
    ck_assert(vector.value[FEATURE_PACKET_RATE] == 8000);
}
END_TEST

START_TEST(logarithm_is_exact_for_powers_of_two)
{
    for (int exponent = -60; exponent <= 60; exponent++)
        ck_assert(logarithm_base2(ldexp(1, exponent)) == exponent);
}
END_TEST

START_TEST(logarithm_agrees_with_the_librarys)
{
    for (double x = 1e-9; x < 1e18; x *= 1.0007)
        ck_assert_double_eq_tol(logarithm_base2(x), log2(x), 4.5e-16 * (1 + fabs(log2(x))));
}
END_TEST

START_TEST(kept_logarithm_is_the_one_that_was_made)
{
    struct logarithms logarithms = {0};
    srand(3);
    for (unsigned i = 0; i < 20000; i++) { /* more than are kept, each some ten times */
        const double x = (1 + rand() % 2000) / 7.0;
        ck_assert(logarithms_base2(&logarithms, x) == logarithm_base2(x));
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature flow");
    TCase *alone = tcase_create("flow alone");
    tcase_add_test(alone, full_flow_has_every_feature_of_its_own);
    tcase_add_test(alone, single_packet_has_no_gaps_and_no_rates);
    tcase_add_test(alone, two_packets_have_a_gap_but_no_deviation);
    tcase_add_test(alone, late_packets_leave_the_mean_gap_alone);
    tcase_add_test(alone, rates_need_a_millisecond);
    tcase_add_test(alone, logarithm_is_exact_for_powers_of_two);
    tcase_add_test(alone, kept_logarithm_is_the_one_that_was_made);
    tcase_add_test(alone, logarithm_agrees_with_the_librarys);
    suite_add_tcase(suite, alone);
    return suite;
}
