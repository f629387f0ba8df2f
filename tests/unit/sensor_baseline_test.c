/* SPDX-License-Identifier: Apache-2.0 */
/* What a sensor that starts from a saved baseline asks of its first flow. */
#include "tests/support/unit.h"
#include "whyflow/sensor.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1700000000) * SECOND)

enum { FLOWS = 400 };

/* Of the verdicts that came out: the last, and the highest score that later ones were
 * compared with. */
struct seen {
    struct verdict last;
    int32_t highest_mbits;
};

static void on_record(void *context, const struct record *record)
{
    struct seen *const seen = context;
    if (record->kind != RECORD_FLOW)
        return;
    seen->last = record->as.flow.part.verdict;
    if (seen->last.compared > 0 && seen->last.score_mbits > seen->highest_mbits)
        seen->highest_mbits = seen->last.score_mbits;
}

static struct sensor *open_sensor(struct seen *seen)
{
    struct settings settings;
    char error[256] = "";
    settings_default(&settings);
    settings.emit_flows = true;
    settings.anomaly.mode = ANOMALY_MODE_ONLINE;
    settings.anomaly.warmup_flows = 200;
    settings.anomaly.warmup_ns = 60 * SECOND;
    settings.anomaly.alerts_per_hour = 180; /* of 3,600 flows; at first twice as many may ask */
    struct sensor *const sensor = sensor_open(&settings, on_record, seen, error, sizeof error);
    ck_assert_msg(sensor != NULL, "%s", error);
    return sensor;
}

/* A flow a second, of sizes that differ. */
static void feed(struct sensor *sensor, unsigned number)
{
    const struct flow_record flow = {
        .source = {10, 0, 0, (uint8_t)(number % 7)},
        .destination = {10, 0, 1, (uint8_t)(number % 3)},
        .destination_port = 53,
        .ip_version = 4,
        .protocol = 17,
        .first_ns = START + number * SECOND,
        .last_ns = START + number * SECOND,
        .notice_ns = START + number * SECOND,
        .direction = {{.packets = 1 + number % 11, .ip_bytes = 100 + 97 * (number % 13)}},
    };
    sensor_flow(sensor, &flow);
}

START_TEST(a_warm_baseline_gives_a_threshold_that_scores_reach_from_the_first_flow_on)
{
    struct seen first = {.highest_mbits = 0}, second = {.highest_mbits = 0};
    struct snapshot snapshot;
    struct snapshot_summary summary;
    char error[256] = "";
    struct sensor *sensor = open_sensor(&first);
    for (unsigned i = 0; i < FLOWS; i++)
        feed(sensor, i);
    ck_assert(sensor_save(sensor, &snapshot, &summary));
    sensor_close(sensor);
    ck_assert(summary.is_warm);
    ck_assert_uint_eq(summary.flows, FLOWS); /* those of the last minute too */
    sensor = open_sensor(&second);
    ck_assert_msg(sensor_load(sensor, &snapshot, &summary, error, sizeof error), "%s", error);
    feed(sensor, FLOWS);
    ck_assert(!second.last.is_cold && second.last.has_threshold);
    ck_assert_int_lt(second.last.threshold_mbits, first.highest_mbits);
    sensor_close(sensor);
    snapshot_free(&snapshot);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("sensor_baseline");
    tcase_add_test(tests,
                   a_warm_baseline_gives_a_threshold_that_scores_reach_from_the_first_flow_on);
    Suite *const suite = suite_create("sensor_baseline");
    suite_add_tcase(suite, tests);
    return suite;
}
