/* SPDX-License-Identifier: Apache-2.0 */
/* What whyflow-report gathers: nothing is lost by joining steps, and no order of lines matters. */
#include "report/collection.h"

#include "tests/support/unit.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)

enum { TIMES = 1000 };

/* Repeatable, and far from even: most lie near each other, some years away. */
static int64_t time_of(uint64_t i)
{
    const uint64_t mixed = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return (int64_t)(mixed >> (4 + i % 40));
}

static struct timeline_step total_of(const struct timeline *timeline)
{
    struct timeline_step total = {0};
    for (size_t i = 0; i < timeline_step_count(timeline); i++) {
        total.flows += timeline->steps[i].flows;
        total.ip_bytes += timeline->steps[i].ip_bytes;
        total.alerts += timeline->steps[i].alerts;
    }
    return total;
}

static void fill(struct timeline *timeline, uint64_t from, uint64_t step)
{
    timeline_init(timeline);
    for (uint64_t i = 0; i < TIMES; i++) {
        const uint64_t which = (from + i * step) % TIMES;
        timeline_add(timeline, time_of(which),
                     (struct timeline_step){.flows = 1, .ip_bytes = which, .alerts = which % 2});
    }
}

START_TEST(joining_steps_loses_nothing)
{
    struct timeline timeline;
    fill(&timeline, 0, 1);
    const struct timeline_step total = total_of(&timeline);
    ck_assert_uint_eq(total.flows, TIMES);
    ck_assert_uint_eq(total.ip_bytes, TIMES * (TIMES - 1) / 2);
    ck_assert_uint_eq(total.alerts, TIMES / 2);
    ck_assert_uint_le(timeline_step_count(&timeline), TIMELINE_STEPS_MAX);
}
END_TEST

START_TEST(a_timeline_does_not_depend_on_the_order)
{
    static const uint64_t strides[] = {3, 7, 333, 999};
    struct timeline first, other;
    fill(&first, 0, 1);
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        fill(&other, 17 * i, strides[i]);
        ck_assert_int_eq(other.step_ns, first.step_ns);
        ck_assert_int_eq(other.first_step, first.first_step);
        ck_assert_mem_eq(other.steps, first.steps, sizeof first.steps);
    }
}
END_TEST

START_TEST(a_flow_is_in_the_step_of_its_time)
{
    struct timeline timeline;
    timeline_init(&timeline);
    for (int64_t second = 100; second < 400; second++)
        timeline_add(&timeline, second * SECOND_NS, (struct timeline_step){.flows = 1});
    ck_assert_int_eq(timeline.step_ns, 2 * SECOND_NS);
    ck_assert_int_eq(timeline.first_step, 50);
    ck_assert_uint_eq(timeline_step_count(&timeline), 150);
    for (size_t i = 0; i < 150; i++)
        ck_assert_uint_eq(timeline.steps[i].flows, 2);
}
END_TEST

START_TEST(what_is_spread_adds_up_exactly)
{
    struct timeline timeline;
    timeline_init(&timeline);
    timeline_spread(&timeline, 7 * SECOND_NS, 19 * SECOND_NS,
                    (struct timeline_step){.flows = 1001, .ip_bytes = UINT64_MAX - 1});
    const struct timeline_step total = total_of(&timeline);
    ck_assert_uint_eq(total.flows, 1001);
    ck_assert_uint_eq(total.ip_bytes, UINT64_MAX - 1);
    ck_assert_uint_eq(timeline_step_count(&timeline), 120);
    ck_assert_uint_le(timeline.steps[0].flows, 9);
    ck_assert_uint_ge(timeline.steps[0].flows, 8);
}
END_TEST

START_TEST(what_is_spread_follows_the_time_in_each_step)
{
    struct timeline timeline;
    timeline_init(&timeline);
    timeline_spread(&timeline, SECOND_NS / 20, SECOND_NS, (struct timeline_step){.flows = 95});
    timeline_spread(&timeline, SECOND_NS, 2 * SECOND_NS, (struct timeline_step){.flows = 100});
    ck_assert_uint_eq(timeline.steps[0].flows, 5); /* half of a tenth of a second */
    for (size_t i = 1; i < 20; i++)
        ck_assert_uint_eq(timeline.steps[i].flows, 10);
}
END_TEST

START_TEST(cells_are_half_octaves)
{
    ck_assert_uint_eq(flow_grid_cell(0), 0);
    ck_assert_uint_eq(flow_grid_cell(1), 1);
    ck_assert_uint_eq(flow_grid_cell(2), 3);
    ck_assert_uint_eq(flow_grid_cell(3), 4); /* 3 > 2 * sqrt(2) */
    ck_assert_uint_eq(flow_grid_cell(1024), 21);
    ck_assert_uint_eq(flow_grid_cell(1448), 21);
    ck_assert_uint_eq(flow_grid_cell(1449), 22); /* 1024 * sqrt(2) = 1448.15 */
    ck_assert_uint_eq(flow_grid_cell(UINT64_MAX), FLOW_GRID_CELLS - 1);
}
END_TEST

START_TEST(the_strongest_alerts_stay_whatever_the_order)
{
    static char line[] = "{}";
    struct alert_list list;
    alert_list_init(&list, 10);
    for (uint64_t i = 0; i < TIMES; i++)
        ck_assert(alert_list_add(&list, (struct alert){.line = line,
                                                       .length = 2,
                                                       .score = (double)(i * 389 % TIMES),
                                                       .has_behaviour = i * 389 % TIMES < 3}));
    alert_list_sort(&list);
    ck_assert_uint_eq(list.count, 10);
    ck_assert_uint_eq(list.seen, TIMES);
    static const double scores[] = {2, 1, 0, 999, 998, 997, 996, 995, 994, 993};
    for (size_t i = 0; i < list.count; i++)
        ck_assert_double_eq(list.alerts[i].score, scores[i]);
    alert_list_deinit(&list);
}
END_TEST

START_TEST(no_alerts_are_kept_if_none_are_asked_for)
{
    static char line[] = "{}";
    struct alert_list list;
    alert_list_init(&list, 0);
    ck_assert(alert_list_add(&list, (struct alert){.line = line, .length = 2, .score = 5}));
    alert_list_sort(&list);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_uint_eq(list.seen, 1);
    alert_list_deinit(&list);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("report_collection");
    TCase *tests = tcase_create("report_collection");
    tcase_add_test(tests, joining_steps_loses_nothing);
    tcase_add_test(tests, a_timeline_does_not_depend_on_the_order);
    tcase_add_test(tests, a_flow_is_in_the_step_of_its_time);
    tcase_add_test(tests, what_is_spread_adds_up_exactly);
    tcase_add_test(tests, what_is_spread_follows_the_time_in_each_step);
    tcase_add_test(tests, cells_are_half_octaves);
    tcase_add_test(tests, the_strongest_alerts_stay_whatever_the_order);
    tcase_add_test(tests, no_alerts_are_kept_if_none_are_asked_for);
    suite_add_tcase(suite, tests);
    return suite;
}
