/* SPDX-License-Identifier: Apache-2.0 */
/* The budget in incidents, on streams of made scores: about as many as asked for where the traffic
 * is stationary, whatever its rate does over a day and however many flows a story has; never more
 * than the bucket in a burst; two channels that do not touch each other. */
#include "incident/gate.h"

#include "anomaly/calibration.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define START (1600000000 * SECOND)

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double uniform(uint64_t *state)
{
    return ((double)(next_random(state) >> 12) + 0.5) / 0x1p52;
}

struct stream {
    double flows_per_hour;
    double swing;       /* of the rate over a day; 0: none */
    double drift_mbits; /* added to the scores each hour */
    unsigned stories;   /* high scores belong to one of so many; 0: each to a new one */
    double incidents_per_hour;
    unsigned hours;
};

struct outcome {
    uint64_t opened, flagged, notable;
    double asked;
};

struct run {
    struct gate gate;
    struct incident_table *incidents;
    struct calibration *calibration;
    uint64_t state, serial;
};

static void open_run(struct run *run, double incidents_per_hour)
{
    const struct incident_settings settings = {.max_incidents = 4096, .silence_ns = HOUR};
    *run = (struct run){.state = 77};
    gate_init(&run->gate, GATE_BUDGET, 0, incidents_per_hour);
    run->incidents = incident_table_open(&settings);
    run->calibration = calloc(1, sizeof *run->calibration);
    ck_assert_ptr_nonnull(run->incidents);
    ck_assert_ptr_nonnull(run->calibration);
}

static void close_run(struct run *run)
{
    incident_table_close(run->incidents);
    free(run->calibration);
}

static struct incident_key story_key(uint64_t story, enum flagged_by flagged_by)
{
    struct incident_key key = {.ip_version = 6, .flagged_by = (uint8_t)flagged_by};
    memcpy(key.address, &story, sizeof story);
    return key;
}

/* True if it is let through. */
static bool ask(struct run *run, const struct incident_key *key, int64_t now_ns)
{
    if (!gate_pass(&run->gate, run->incidents, key))
        return false;
    incident_note(run->incidents, key, now_ns, 0);
    return true;
}

static void pass_time(struct run *run, int64_t now_ns)
{
    struct incident_closed closed;
    gate_flow(&run->gate, now_ns);
    while (incident_close_due(run->incidents, now_ns, &closed))
        ;
}

/* Whether a flow of this score asks for an alert, by its conformal p-value; then it is learnt. */
static bool wants(struct run *run, int32_t score_mbits)
{
    const double at_least = (double)calibration_at_least(run->calibration, score_mbits) + 1;
    const double p = at_least / ((double)run->calibration->total + 1);
    calibration_add(run->calibration, score_mbits, 1);
    return p <= gate_alpha(&run->gate);
}

enum { WARM_HOURS = 3 };

/* Scores are exponential, some 3 bits a nat; the time between flows too. */
static struct outcome play(const struct stream *stream)
{
    struct run run;
    struct outcome outcome = {0};
    open_run(&run, stream->incidents_per_hour);
    double hour = 0;
    while (hour < stream->hours + WARM_HOURS) {
        const double rate =
            stream->flows_per_hour * (1 + stream->swing * sin(2 * acos(-1.0) * hour / 24));
        hour += -log(uniform(&run.state)) / rate;
        const int64_t now_ns = START + (int64_t)(hour * (double)HOUR);
        pass_time(&run, now_ns);
        const double score = -3000 * log(uniform(&run.state)) + stream->drift_mbits * hour;
        const bool asks = wants(&run, (int32_t)score);
        if (hour < WARM_HOURS)
            continue;
        gate_warm(&run.gate);
        const uint64_t story =
            stream->stories == 0 ? ++run.serial : next_random(&run.state) % stream->stories;
        const struct incident_key key = story_key(story, FLAGGED_BY_SURPRISE);
        if (asks)
            *(ask(&run, &key, now_ns) ? &outcome.flagged : &outcome.notable) += 1;
    }
    outcome.opened = incident_opened(run.incidents);
    outcome.asked = stream->incidents_per_hour * stream->hours;
    close_run(&run);
    return outcome;
}

static void assert_kept(const struct stream *stream)
{
    const struct outcome outcome = play(stream);
    const double kept = (double)outcome.opened / outcome.asked;
    ck_assert_msg(kept >= 0.5 && kept <= 1.5,
                  "%.0f flows/h, %u stories, %.1f asked an hour, swing %.1f: kept %.2f "
                  "(%lu incidents of %lu flagged flows)",
                  stream->flows_per_hour, stream->stories, stream->incidents_per_hour,
                  stream->swing, kept, (unsigned long)outcome.opened,
                  (unsigned long)outcome.flagged);
}

START_TEST(stationary_traffic_gives_about_the_incidents_asked_for)
{
    const double rates[] = {400, 3600, 20000};
    const double budgets[] = {1, 6, 20};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            assert_kept(&(struct stream){
                .flows_per_hour = rates[i], .incidents_per_hour = budgets[j], .hours = 24});
}
END_TEST

/* With 40 stories to meet, of which those of the last hour are open, several flows are one. */
START_TEST(stories_of_many_flows_are_counted_once_and_the_budget_is_met_all_the_same)
{
    const unsigned stories[] = {40, 200};
    for (size_t i = 0; i < 2; i++) {
        const struct stream stream = {
            .flows_per_hour = 3600, .stories = stories[i], .incidents_per_hour = 6, .hours = 48};
        assert_kept(&stream);
        const struct outcome outcome = play(&stream);
        ck_assert_uint_gt(outcome.flagged, outcome.opened);
    }
}
END_TEST

START_TEST(a_rate_that_swings_over_the_day_keeps_the_budget)
{
    assert_kept(&(struct stream){
        .flows_per_hour = 3600, .swing = 0.9, .incidents_per_hour = 6, .hours = 72});
}
END_TEST

START_TEST(scores_that_drift_upward_do_not_break_the_budget)
{
    assert_kept(&(struct stream){
        .flows_per_hour = 3600, .drift_mbits = 60, .incidents_per_hour = 6, .hours = 48});
}
END_TEST

/* Where there are no stories left to tell, alpha stays below its limit. */
START_TEST(too_few_stories_do_not_flag_everything)
{
    const struct stream stream = {
        .flows_per_hour = 3600, .stories = 2, .incidents_per_hour = 6, .hours = 24};
    const struct outcome outcome = play(&stream);
    ck_assert_uint_le(outcome.opened, 2 * 24);
    ck_assert_double_le((double)outcome.flagged,
                        1.1 * BUDGET_GAINED_ALPHA_MOST * stream.flows_per_hour * stream.hours);
}
END_TEST

START_TEST(a_burst_of_stories_never_exceeds_the_bucket)
{
    struct run run;
    open_run(&run, 6);
    pass_time(&run, START);
    gate_warm(&run.gate);
    unsigned opened = 0;
    for (int64_t i = 0; i < 20000; i++) {
        const int64_t now_ns = START + i * SECOND;
        pass_time(&run, now_ns);
        const struct incident_key key = story_key((uint64_t)i, FLAGGED_BY_SURPRISE);
        opened += ask(&run, &key, now_ns);
        ck_assert_double_le(opened, 36 + 6 * (double)i / 3600);
    }
    ck_assert_uint_ge(opened, 36 + 6 * 5);
    ck_assert_double_eq(run.gate.surprise.gain, BUDGET_GAIN_LEAST);
    close_run(&run);
}
END_TEST

START_TEST(repeats_of_an_open_story_cost_nothing)
{
    struct run run;
    open_run(&run, 6);
    pass_time(&run, START);
    gate_warm(&run.gate);
    const struct incident_key key = story_key(1, FLAGGED_BY_SURPRISE);
    for (int i = 0; i < 10000; i++)
        ck_assert(ask(&run, &key, START));
    ck_assert_double_eq(gate_budget(&run.gate), 35);
    ck_assert_uint_eq(incident_opened(run.incidents), 1);
    close_run(&run);
}
END_TEST

START_TEST(behaviours_have_a_bucket_of_their_own_full_from_the_start)
{
    const double asked[] = {0.5, 6, 60};
    const unsigned least[] = {3, 7, 72}; /* 0.2 of six hours, at least three */
    for (size_t i = 0; i < 3; i++) {
        struct run run;
        open_run(&run, asked[i]);
        pass_time(&run, START);
        unsigned opened = 0;
        for (uint64_t story = 0; story < 1000; story++) {
            const struct incident_key key = story_key(story, FLAGGED_BY_BEHAVIOUR);
            opened += ask(&run, &key, START);
        }
        ck_assert_uint_eq(opened, least[i]);
        const struct incident_key surprise = story_key(1, FLAGGED_BY_SURPRISE);
        ck_assert(!ask(&run, &surprise, START)); /* its warm-up is not over */
        gate_warm(&run.gate);
        ck_assert(ask(&run, &surprise, START));
        close_run(&run);
    }
}
END_TEST

START_TEST(without_a_bucket_everything_that_asks_is_let_through)
{
    const enum gate_source sources[] = {GATE_RANKING, GATE_SHARE};
    for (size_t i = 0; i < 2; i++) {
        struct run run;
        open_run(&run, 6);
        gate_init(&run.gate, sources[i], 0.03, 6);
        for (uint64_t story = 0; story < 1000; story++) {
            const struct incident_key by_surprise = story_key(story, FLAGGED_BY_SURPRISE);
            const struct incident_key by_behaviour = story_key(story, FLAGGED_BY_BEHAVIOUR);
            ck_assert(ask(&run, &by_surprise, START));
            ck_assert(ask(&run, &by_behaviour, START));
        }
        if (sources[i] == GATE_SHARE)
            ck_assert_double_eq(gate_alpha(&run.gate), 0.03);
        close_run(&run);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("incident_gate");
    TCase *const tests = tcase_create("incident_gate");
    tcase_set_timeout(tests, 240); /* under a sanitizer */
    tcase_add_test(tests, stationary_traffic_gives_about_the_incidents_asked_for);
    tcase_add_test(tests,
                   stories_of_many_flows_are_counted_once_and_the_budget_is_met_all_the_same);
    tcase_add_test(tests, a_rate_that_swings_over_the_day_keeps_the_budget);
    tcase_add_test(tests, scores_that_drift_upward_do_not_break_the_budget);
    tcase_add_test(tests, too_few_stories_do_not_flag_everything);
    tcase_add_test(tests, a_burst_of_stories_never_exceeds_the_bucket);
    tcase_add_test(tests, repeats_of_an_open_story_cost_nothing);
    tcase_add_test(tests, behaviours_have_a_bucket_of_their_own_full_from_the_start);
    tcase_add_test(tests, without_a_bucket_everything_that_asks_is_let_through);
    suite_add_tcase(suite, tests);
    return suite;
}
