/* SPDX-License-Identifier: Apache-2.0 */
/* Which flagged flows are one story. */
#include "incident/incident_key.h"
#include "tests/support/unit.h"

#include <string.h>

static struct record_flow_part part;

static void set(enum feature_id id, double value)
{
    part.features.present |= UINT64_C(1) << id;
    part.features.value[id] = value;
}

/* A flow from 10.0.0.1 to 10.0.0.2, TCP to `port`, led by one feature. */
static void build(enum feature_id leading, unsigned port)
{
    memset(&part, 0, sizeof part);
    part.flow.ip_version = 4;
    memcpy(part.flow.source, (uint8_t[]){10, 0, 0, 1}, 4);
    memcpy(part.flow.destination, (uint8_t[]){10, 0, 0, 2}, 4);
    set(FEATURE_SERVICE, (6 << 16) + port);
    set(FEATURE_DIRECTION, FEATURE_DIRECTION_IN_OUT);
    part.verdict.contribution_mbits[FEATURE_DURATION] = 50;
    part.verdict.contribution_mbits[leading] = 100;
}

static struct incident_key key(enum flagged_by flagged_by)
{
    return incident_key_of(&part, flagged_by);
}

static bool are_equal(const struct incident_key *a, const struct incident_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* True if flows to two ports, all else equal, are one story. */
static bool joins_ports(enum feature_id leading)
{
    build(leading, 80);
    const struct incident_key one = key(FLAGGED_BY_SURPRISE);
    build(leading, 443);
    const struct incident_key other = key(FLAGGED_BY_SURPRISE);
    return are_equal(&one, &other);
}

START_TEST(source_direction_service_and_leading_feature_make_a_story)
{
    build(FEATURE_IP_BYTES_FWD, 80);
    const struct incident_key first = key(FLAGGED_BY_SURPRISE);
    ck_assert_uint_eq(first.service, (6 << 16) + 80);
    ck_assert_uint_eq(first.cause, FEATURE_IP_BYTES_FWD);
    ck_assert_uint_eq(first.address[3], 1);
    part.flow.destination[3] = 77; /* is no part of it */
    struct incident_key other = key(FLAGGED_BY_SURPRISE);
    ck_assert(are_equal(&first, &other));
    part.flow.source[3] = 9;
    other = key(FLAGGED_BY_SURPRISE);
    ck_assert(!are_equal(&first, &other));
    build(FEATURE_IP_BYTES_FWD, 80);
    set(FEATURE_DIRECTION, FEATURE_DIRECTION_OUT_IN);
    other = key(FLAGGED_BY_SURPRISE);
    ck_assert(!are_equal(&first, &other));
    build(FEATURE_IP_BYTES_REV, 80);
    other = key(FLAGGED_BY_SURPRISE);
    ck_assert(!are_equal(&first, &other));
    ck_assert(!joins_ports(FEATURE_IP_BYTES_FWD));
}
END_TEST

START_TEST(the_leading_feature_is_the_first_of_the_largest)
{
    build(FEATURE_SERVICE, 80);
    part.verdict.contribution_mbits[FEATURE_PACKETS_FWD] = 100;
    ck_assert_int_eq(incident_leading_feature(&part.verdict), FEATURE_PACKETS_FWD);
    for (int id = 0; id < FEATURE_COUNT; id++)
        part.verdict.contribution_mbits[id] = -10 - id;
    ck_assert_int_eq(incident_leading_feature(&part.verdict), 0);
}
END_TEST

START_TEST(counts_over_a_sources_flows_join_services)
{
    ck_assert(joins_ports(FEATURE_SRC_FLOWS_WINDOW));
    ck_assert(joins_ports(FEATURE_SRC_UNANSWERED_10M));
    ck_assert(joins_ports(FEATURE_PAIR_PORTS_WINDOW));
    ck_assert(!joins_ports(FEATURE_SERVICE));
    ck_assert(!joins_ports(FEATURE_SRC_IDLE));
    build(FEATURE_SRC_FLOWS_WINDOW, 80);
    const struct incident_key minute = key(FLAGGED_BY_SURPRISE);
    build(FEATURE_SRC_FLOWS_10M, 80);
    const struct incident_key ten_minutes = key(FLAGGED_BY_SURPRISE);
    ck_assert(are_equal(&minute, &ten_minutes));
}
END_TEST

START_TEST(counts_over_a_destinations_flows_join_sources)
{
    build(FEATURE_DST_SOURCES_WINDOW, 80);
    const struct incident_key one = key(FLAGGED_BY_SURPRISE);
    ck_assert_uint_eq(one.address[3], 2);
    part.flow.source[3] = 200;
    const struct incident_key other = key(FLAGGED_BY_SURPRISE);
    ck_assert(are_equal(&one, &other));
    ck_assert(!joins_ports(FEATURE_DST_SOURCES_WINDOW));
}
END_TEST

START_TEST(a_source_that_fans_out_over_ports_is_one_story_whatever_leads)
{
    build(FEATURE_SERVICE, 80);
    set(FEATURE_PAIR_PORTS_10M, INCIDENT_PAIR_PORTS_LEAST);
    const struct incident_key one = key(FLAGGED_BY_SURPRISE);
    build(FEATURE_DST_FLOWS_WINDOW, 22);
    set(FEATURE_SRC_PORTS_10M, INCIDENT_SOURCE_PORTS_LEAST);
    const struct incident_key other = key(FLAGGED_BY_SURPRISE);
    ck_assert(are_equal(&one, &other));
    build(FEATURE_SERVICE, 80);
    set(FEATURE_PAIR_PORTS_10M, INCIDENT_PAIR_PORTS_LEAST - 1);
    set(FEATURE_SRC_PORTS_10M, INCIDENT_SOURCE_PORTS_LEAST - 1);
    const struct incident_key below = key(FLAGGED_BY_SURPRISE);
    ck_assert_uint_eq(below.cause, FEATURE_SERVICE);
}
END_TEST

static struct incident_key behaviour_key(enum behaviour_id behaviour, uint8_t source, unsigned port)
{
    build(FEATURE_SERVICE, port);
    part.flow.source[3] = source;
    part.finding.behaviour = (uint8_t)behaviour;
    return key(FLAGGED_BY_BEHAVIOUR);
}

START_TEST(behaviours_have_stories_of_their_own)
{
    struct incident_key one = behaviour_key(BEHAVIOUR_VERTICAL_SCAN, 1, 80);
    struct incident_key other = behaviour_key(BEHAVIOUR_VERTICAL_SCAN, 1, 22);
    ck_assert(are_equal(&one, &other));
    other = behaviour_key(BEHAVIOUR_SLOW_SCAN, 1, 80);
    ck_assert(!are_equal(&one, &other));
    const struct incident_key surprise = key(FLAGGED_BY_SURPRISE);
    ck_assert_uint_ne(surprise.flagged_by, other.flagged_by);
    one = behaviour_key(BEHAVIOUR_FLOOD, 1, 80);
    other = behaviour_key(BEHAVIOUR_FLOOD, 200, 80);
    ck_assert(are_equal(&one, &other));
    other = behaviour_key(BEHAVIOUR_FLOOD, 1, 22);
    ck_assert(!are_equal(&one, &other));
    one = behaviour_key(BEHAVIOUR_PASSWORD_GUESSING, 1, 22);
    other = behaviour_key(BEHAVIOUR_PASSWORD_GUESSING, 1, 80);
    ck_assert(!are_equal(&one, &other));
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("incident_key");
    TCase *const tests = tcase_create("incident_key");
    tcase_add_test(tests, source_direction_service_and_leading_feature_make_a_story);
    tcase_add_test(tests, the_leading_feature_is_the_first_of_the_largest);
    tcase_add_test(tests, counts_over_a_sources_flows_join_services);
    tcase_add_test(tests, counts_over_a_destinations_flows_join_sources);
    tcase_add_test(tests, a_source_that_fans_out_over_ports_is_one_story_whatever_leads);
    tcase_add_test(tests, behaviours_have_stories_of_their_own);
    suite_add_tcase(suite, tests);
    return suite;
}
