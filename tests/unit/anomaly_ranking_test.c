/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's ranking against sorting. */
#include "anomaly/ranking.h"
#include "tests/support/unit.h"

#include <stdlib.h>

enum { MANY = 20000 };

static struct ranking *rank(const int32_t *scores, size_t count, double share)
{
    struct ranking *ranking = ranking_open(false);
    ck_assert_ptr_nonnull(ranking);
    for (size_t i = 0; i < count; i++)
        ranking_add(ranking, scores[i], false);
    ranking_finish(ranking, share);
    return ranking;
}

static int compare_scores(const void *a, const void *b)
{
    const int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;
    return (first > second) - (first < second);
}

static void check_against_sorting(int32_t spread, double share, uint64_t flagged_expected)
{
    static int32_t scores[MANY], sorted[MANY];
    for (size_t i = 0; i < MANY; i++)
        sorted[i] = scores[i] = 5000 + rand() % spread;
    qsort(sorted, MANY, sizeof *sorted, compare_scores);
    struct ranking *ranking = rank(scores, MANY, share);
    ck_assert_uint_eq(ranking_flagged_count(ranking), flagged_expected);
    ck_assert_int_eq(ranking_threshold_mbits(ranking), sorted[MANY - flagged_expected]);
    ck_assert_int_eq(ranking_score_at(ranking, 777), sorted[777]);
    uint64_t flagged = 0;
    bool has_refused_tie = false;
    for (size_t i = 0; i < MANY; i++) {
        struct verdict verdict = {.score_mbits = scores[i]};
        ranking_judge(ranking, &verdict, false);
        flagged += verdict.is_flagged;
        const bool is_tie = scores[i] == ranking_threshold_mbits(ranking);
        ck_assert_int_eq(verdict.is_flagged && !is_tie, scores[i] > verdict.threshold_mbits);
        ck_assert(!(is_tie && verdict.is_flagged && has_refused_tie));
        has_refused_tie |= is_tie && !verdict.is_flagged;
        const size_t at_least = (size_t)(verdict.p_value * MANY + 0.5);
        ck_assert_int_eq(sorted[MANY - at_least], scores[i]);
        ck_assert(at_least == MANY || sorted[MANY - at_least - 1] < scores[i]);
    }
    ck_assert_uint_eq(flagged, flagged_expected);
    ranking_close(ranking);
}

START_TEST(the_highest_share_is_flagged_and_earlier_flows_win_ties)
{
    srand(3);
    check_against_sorting(300000, 0.01, 200);
    check_against_sorting(50, 0.01, 200);
    check_against_sorting(1, 0.01, 200);
    check_against_sorting(1000, 1, MANY);
    check_against_sorting(1000, 1e-9, 1);
}
END_TEST

START_TEST(the_number_flagged_is_the_ceiling_of_the_share)
{
    ck_assert_uint_eq(ranking_allowed(0.01, 0), 0);
    ck_assert_uint_eq(ranking_allowed(0.01, 1), 1);
    ck_assert_uint_eq(ranking_allowed(0.01, 100), 1);
    ck_assert_uint_eq(ranking_allowed(0.01, 101), 2);
    ck_assert_uint_eq(ranking_allowed(0.07, 100), 7);
    ck_assert_uint_eq(ranking_allowed(0.001, 1000000), 1000);
    ck_assert_uint_eq(ranking_allowed(1, 12345), 12345);
}
END_TEST

START_TEST(one_flow_is_flagged_and_does_not_stand_out)
{
    const int32_t score = 4242;
    struct ranking *ranking = rank(&score, 1, 0.01);
    struct verdict verdict = {.score_mbits = score};
    ranking_judge(ranking, &verdict, false);
    ck_assert(verdict.is_flagged);
    ck_assert_double_eq(verdict.p_value, 1);
    ck_assert(!ranking_stands_out(ranking));
    ranking_close(ranking);
}
END_TEST

START_TEST(without_flows_nothing_stands_out)
{
    struct ranking *ranking = rank(NULL, 0, 0.01);
    ck_assert(!ranking_stands_out(ranking));
    ck_assert_uint_eq(ranking_flagged_count(ranking), 0);
    ranking_close(ranking);
}
END_TEST

START_TEST(what_lies_apart_stands_out_and_what_is_alike_does_not)
{
    static int32_t scores[1000];
    for (int i = 0; i < 1000; i++)
        scores[i] = 100000 + i * 20;
    struct ranking *ranking = rank(scores, 1000, 0.01);
    ck_assert(!ranking_stands_out(ranking));
    ranking_close(ranking);
    scores[500] = 160000;
    ranking = rank(scores, 1000, 0.01);
    ck_assert(ranking_stands_out(ranking));
    ranking_close(ranking);
    for (int i = 0; i < 1000; i++)
        scores[i] = i == 7 ? 109999 : 100000;
    ranking = rank(scores, 1000, 0.01);
    ck_assert(!ranking_stands_out(ranking));
    ranking_close(ranking);
}
END_TEST

/* Of ten flows with scores 0 to 9000 the ones at 9000 and 7000 are muted: 30 % are 8000, 6000 and,
 * of the two at 5000, the earlier. */
START_TEST(muted_flows_take_no_place_among_the_flagged)
{
    const struct {
        int32_t score_mbits;
        bool is_muted, asks;
    } flows[] = {
        {5000, false, true}, {0, false, false},   {9000, true, true},   {1000, true, false},
        {5000, true, false}, {8000, false, true}, {5000, false, false}, {2000, false, false},
        {7000, true, true},  {6000, false, true},
    };
    enum { COUNT = sizeof flows / sizeof *flows };
    struct ranking *ranking = ranking_open(true);
    ck_assert_ptr_nonnull(ranking);
    for (size_t i = 0; i < COUNT; i++)
        ranking_add(ranking, flows[i].score_mbits, flows[i].is_muted);
    ranking_finish(ranking, 0.3);
    ck_assert_uint_eq(ranking_flagged_count(ranking), 3);
    for (size_t i = 0; i < COUNT; i++) {
        struct verdict verdict = {.score_mbits = flows[i].score_mbits};
        ranking_judge(ranking, &verdict, flows[i].is_muted);
        ck_assert_msg(verdict.is_flagged == flows[i].asks, "flow %zu", i);
        if (flows[i].score_mbits == 7000)
            ck_assert_double_eq(verdict.p_value, 0.3); /* it counts among the others */
    }
    ranking_close(ranking);
}
END_TEST

START_TEST(where_all_is_muted_nothing_else_is_flagged)
{
    struct ranking *ranking = ranking_open(true);
    ck_assert_ptr_nonnull(ranking);
    for (int i = 0; i < 10; i++)
        ranking_add(ranking, 1000, true);
    ranking_finish(ranking, 0.5);
    ck_assert_uint_eq(ranking_flagged_count(ranking), 0);
    ranking_close(ranking);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("ranking");
    tcase_add_test(test_case, the_highest_share_is_flagged_and_earlier_flows_win_ties);
    tcase_add_test(test_case, muted_flows_take_no_place_among_the_flagged);
    tcase_add_test(test_case, where_all_is_muted_nothing_else_is_flagged);
    tcase_add_test(test_case, the_number_flagged_is_the_ceiling_of_the_share);
    tcase_add_test(test_case, one_flow_is_flagged_and_does_not_stand_out);
    tcase_add_test(test_case, without_flows_nothing_stands_out);
    tcase_add_test(test_case, what_lies_apart_stands_out_and_what_is_alike_does_not);
    Suite *suite = suite_create("anomaly_ranking");
    suite_add_tcase(suite, test_case);
    return suite;
}
