/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents: when they are told, when and in which order they close, what a full table does. */
#include "incident/incident_table.h"
#include "tests/support/unit.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define START (1600000000 * SECOND)

static struct incident_settings settings;

static struct incident_table *open_table(uint32_t max_incidents)
{
    settings = (struct incident_settings){
        .max_incidents = max_incidents, .silence_ns = HOUR, .hash_key = {1, 2}};
    struct incident_table *const table = incident_table_open(&settings);
    ck_assert_ptr_nonnull(table);
    return table;
}

static struct incident_key key_of(unsigned source)
{
    return (struct incident_key){
        .address = {10, 0, (uint8_t)(source >> 8), (uint8_t)source},
        .ip_version = 4,
        .flagged_by = FLAGGED_BY_SURPRISE,
    };
}

/* Counts a flow as the engine does; the flow id marks which was kept as the strongest. */
static struct incident_note note(struct incident_table *table, unsigned source, int64_t notice_ns,
                                 int32_t score_mbits, uint64_t flow_id)
{
    const struct incident_key key = key_of(source);
    const struct incident_note noted = incident_note(table, &key, notice_ns, score_mbits);
    if (noted.strongest != NULL)
        noted.strongest->part.flow.flow_id = flow_id;
    return noted;
}

START_TEST(an_alert_is_due_at_the_first_flow_and_at_powers_of_ten)
{
    struct incident_table *const table = open_table(8);
    uint64_t told = 0;
    for (uint64_t count = 1; count <= 100000; count++) {
        const struct incident_note noted = note(table, 1, START, 5, count);
        ck_assert_uint_eq(noted.incident.count, count);
        ck_assert_int_eq(noted.is_opened, count == 1);
        const bool is_power = count == 1 || count == 10 || count == 100 || count == 1000 ||
                              count == 10000 || count == 100000;
        ck_assert_int_eq(noted.alert_is_due, is_power);
        told += noted.alert_is_due;
    }
    ck_assert_uint_eq(told, 6);
    ck_assert_uint_eq(incident_opened(table), 1);
    incident_table_close(table);
}
END_TEST

START_TEST(an_incident_closes_after_an_hour_of_silence_and_not_before)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    const uint64_t id = note(table, 1, START, 5, 1).incident.id;
    ck_assert(!incident_close_due(table, START + HOUR - 1, &closed));
    note(table, 1, START + HOUR - 1, 7, 2);
    ck_assert(!incident_close_due(table, START + HOUR, &closed));
    ck_assert(!incident_close_due(table, START + 2 * HOUR - 2, &closed));
    ck_assert(incident_close_due(table, START + 5 * HOUR, &closed));
    ck_assert_uint_eq(closed.incident.id, id);
    ck_assert_uint_eq(closed.incident.count, 2);
    ck_assert_int_eq(closed.incident.first_ns, START);
    ck_assert_int_eq(closed.incident.last_ns, START + HOUR - 1);
    ck_assert_int_eq(closed.closed_ns, START + 2 * HOUR - 1);
    ck_assert(closed.incident.is_closed);
    ck_assert(!incident_close_due(table, START + 5 * HOUR, &closed));
    const struct incident_key key = key_of(1);
    ck_assert(!incident_is_open(table, &key));
    ck_assert_uint_ne(note(table, 1, START + 5 * HOUR, 5, 3).incident.id, id);
    incident_table_close(table);
}
END_TEST

START_TEST(a_close_is_told_only_if_its_count_was_not)
{
    struct incident_table *const table = open_table(16);
    struct incident_closed closed;
    for (unsigned source = 1; source <= 12; source++) /* as many flows as its number */
        for (unsigned count = 0; count < source; count++)
            note(table, source, START, 5, 1);
    unsigned closed_count = 0;
    for (; incident_close_any(table, START + HOUR, &closed); closed_count++) {
        const uint64_t count = closed.incident.count;
        ck_assert_int_eq(closed.alert_is_due, count != 1 && count != 10);
    }
    ck_assert_uint_eq(closed_count, 12);
    incident_table_close(table);
}
END_TEST

START_TEST(one_flow_alone_is_told_once)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    ck_assert(note(table, 1, START, 5, 1).alert_is_due);
    ck_assert(incident_close_any(table, START, &closed));
    ck_assert(!closed.alert_is_due);
    ck_assert_int_eq(closed.closed_ns, START); /* the input ended */
    incident_table_close(table);
}
END_TEST

START_TEST(the_strongest_flow_is_kept_and_of_equals_the_earlier)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    const int32_t scores[] = {-5, -7, 30, 30, 29, 30};
    for (unsigned i = 0; i < sizeof scores / sizeof *scores; i++)
        note(table, 1, START + i, scores[i], 100 + i);
    ck_assert(incident_close_any(table, START + HOUR, &closed));
    ck_assert_uint_eq(closed.strongest->part.flow.flow_id, 102);
    incident_table_close(table);
}
END_TEST

START_TEST(incidents_close_in_the_order_of_their_end_then_of_their_id)
{
    enum { COUNT = 500 };
    struct incident_table *const table = open_table(COUNT);
    struct incident_closed closed;
    for (unsigned i = 0; i < COUNT; i++)
        note(table, i, START, 5, 1);
    for (unsigned i = 0; i < COUNT; i += 3) /* some go on, several at a time */
        note(table, i, START + (i % 7) * SECOND, 5, 1);
    int64_t last_ns = 0;
    uint64_t id = 0;
    unsigned count = 0;
    while (incident_close_due(table, START + 3 * HOUR, &closed)) {
        ck_assert_int_ge(closed.incident.last_ns, last_ns);
        ck_assert(closed.incident.last_ns > last_ns || closed.incident.id > id);
        ck_assert_int_eq(closed.closed_ns, closed.incident.last_ns + HOUR);
        last_ns = closed.incident.last_ns;
        id = closed.incident.id;
        count++;
    }
    ck_assert_uint_eq(count, COUNT);
    incident_table_close(table);
}
END_TEST

START_TEST(a_full_table_closes_the_longest_silent_and_counts_it)
{
    struct incident_table *const table = open_table(3);
    struct incident_closed closed;
    for (unsigned source = 1; source <= 3; source++)
        note(table, source, START + source, 5, source);
    note(table, 1, START + 10, 5, 1); /* so 2 is silent longest */
    const struct incident_key known = key_of(1), other = key_of(4), silent = key_of(2);
    ck_assert(!incident_is_full(table, &known));
    ck_assert(incident_is_full(table, &other));
    incident_close_longest_silent(table, START + 20, &closed);
    ck_assert_int_eq(closed.incident.first_ns, START + 2);
    ck_assert_int_eq(closed.closed_ns, START + 20);
    ck_assert(!incident_is_open(table, &silent));
    ck_assert(!incident_is_full(table, &other));
    note(table, 4, START + 20, 5, 4);
    ck_assert_uint_eq(incident_evicted(table), 1);
    ck_assert_uint_eq(incident_opened(table), 4);
    incident_table_close(table);
}
END_TEST

START_TEST(a_clock_set_back_closes_all_at_the_time_before)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    note(table, 1, START, 5, 1);
    ck_assert(!incident_close_due(table, START + SECOND, &closed));
    note(table, 2, START + SECOND, 5, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert(incident_close_due(table, START - 100 * HOUR, &closed));
        ck_assert_int_eq(closed.closed_ns, START + SECOND);
    }
    ck_assert(!incident_close_due(table, START - 100 * HOUR, &closed));
    note(table, 3, START - 100 * HOUR, 5, 3);
    note(table, 4, START - 100 * HOUR + SECOND, 5, 4);
    ck_assert(!incident_close_due(table, START - 100 * HOUR - 59 * SECOND, &closed)); /* no step */
    note(table, 4, START - 100 * HOUR - 59 * SECOND, 5, 4);
    ck_assert(incident_close_due(table, START - 99 * HOUR, &closed));
    ck_assert(!incident_close_due(table, START - 99 * HOUR, &closed));
    ck_assert(incident_close_due(table, START - 99 * HOUR + SECOND, &closed));
    ck_assert_uint_eq(closed.incident.count, 2);
    incident_table_close(table);
}
END_TEST

START_TEST(ids_are_stable_small_and_do_not_depend_on_the_placement_key)
{
    struct incident_table *const one = open_table(64);
    settings.hash_key[0] = UINT64_C(0xfeedfacecafebeef);
    struct incident_table *const other = incident_table_open(&settings);
    ck_assert_ptr_nonnull(other);
    for (unsigned source = 0; source < 64; source++) {
        const uint64_t id = note(one, source, START + source, 5, 1).incident.id;
        ck_assert_uint_eq(id, note(other, source, START + source, 5, 1).incident.id);
        ck_assert_uint_gt(id, 0);
        ck_assert_uint_lt(id, UINT64_C(1) << 51);
    }
    const struct incident_key key = key_of(0);
    ck_assert_uint_eq(incident_note(one, &key, START + 1, 5).incident.count, 2);
    incident_table_close(one);
    incident_table_close(other);
}
END_TEST

static bool note_runs(struct incident_table *table, const struct incident_run *runs, uint32_t count)
{
    return incident_note_runs(table, runs, count, START + 20);
}

START_TEST(runs_are_counted_only_where_nothing_would_be_told)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    struct incident_run runs[] = {
        {.key = key_of(1), .count = 8, .last_ns = START + 9, .strongest_mbits = 5},
        {.key = key_of(2), .count = 3, .last_ns = START + 20, .strongest_mbits = 7},
    };
    note(table, 1, START, 5, 1);
    ck_assert(!note_runs(table, runs, 2)); /* the second is not open */
    note(table, 2, START + 1, 6, 1);
    ck_assert(!note_runs(table, runs, 2)); /* nor the strongest of the two */
    runs[1].strongest_mbits = 6;
    ck_assert(!incident_close_due(table, START + 1, &closed));
    ck_assert(note_runs(table, runs, 2));
    ck_assert(!note_runs(table, runs, 1)); /* of one incident now 9 are counted, the 10th is told */
    const struct incident_note noted = note(table, 1, START + 2, 5, 1);
    ck_assert_uint_eq(noted.incident.count, 10); /* what was refused was not counted */
    ck_assert(noted.alert_is_due);
    ck_assert_int_eq(noted.incident.last_ns, START + 9);
    ck_assert_int_eq(note(table, 2, START + 2, 5, 1).incident.last_ns, START + 20);
    incident_table_close(table);
}
END_TEST

START_TEST(a_run_is_not_counted_across_the_end_of_an_incident)
{
    struct incident_table *const table = open_table(8);
    struct incident_closed closed;
    const struct incident_run run = {
        .key = key_of(2), .count = 3, .last_ns = START + HOUR, .strongest_mbits = 1};
    note(table, 1, START, 5, 1);
    note(table, 2, START + 30 * SECOND, 5, 1);
    ck_assert(!incident_close_due(table, START + HOUR - 10 * SECOND, &closed));
    ck_assert(incident_note_runs(table, &run, 1, START + HOUR - 8 * SECOND));
    ck_assert(!incident_note_runs(table, &run, 1, START + HOUR));
    ck_assert(incident_close_due(table, START + HOUR, &closed));
    ck_assert_int_eq(closed.incident.first_ns, START);
    incident_table_close(table);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("incident_table");
    TCase *const tests = tcase_create("incident_table");
    tcase_add_test(tests, an_alert_is_due_at_the_first_flow_and_at_powers_of_ten);
    tcase_add_test(tests, an_incident_closes_after_an_hour_of_silence_and_not_before);
    tcase_add_test(tests, a_close_is_told_only_if_its_count_was_not);
    tcase_add_test(tests, one_flow_alone_is_told_once);
    tcase_add_test(tests, the_strongest_flow_is_kept_and_of_equals_the_earlier);
    tcase_add_test(tests, incidents_close_in_the_order_of_their_end_then_of_their_id);
    tcase_add_test(tests, a_full_table_closes_the_longest_silent_and_counts_it);
    tcase_add_test(tests, a_clock_set_back_closes_all_at_the_time_before);
    tcase_add_test(tests, ids_are_stable_small_and_do_not_depend_on_the_placement_key);
    tcase_add_test(tests, runs_are_counted_only_where_nothing_would_be_told);
    tcase_add_test(tests, a_run_is_not_counted_across_the_end_of_an_incident);
    suite_add_tcase(suite, tests);
    return suite;
}
