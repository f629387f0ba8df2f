/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sensor_build.h"

#include "base/siphash.h"
#include "format/json_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

/* abort, not assert: a build with NDEBUG must still find something. */
static void require(bool holds, const char *what, const char *detail)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, detail);
    abort();
}

void sensor_build_tiny_settings(struct settings *settings, bool is_online)
{
    settings_default(settings);
    settings->flow.idle_timeout_ns = 2 * SECOND_NS;
    settings->flow.active_timeout_ns = 5 * SECOND_NS;
    settings->flow.close_timeout_ns = SECOND_NS / 2;
    settings->flow.sweep_interval_ns = SECOND_NS / 4;
    settings->flow.memory_ns = 20 * SECOND_NS;
    settings->flow.max_flows = 8;
    settings->flow.max_memories = 4;
    settings->feature.window_ns = 3 * SECOND_NS;
    settings->feature.max_hosts = 4;
    settings->feature.max_pairs = 4;
    settings->feature.max_conversations = 4;
    settings->feature.max_window_flows = 4;
    settings->anomaly.mode = is_online ? ANOMALY_MODE_ONLINE : ANOMALY_MODE_CAPTURE;
    settings->anomaly.alert_share = 0.25;
    settings->anomaly.alerts_per_hour = 3600;
    settings->anomaly.warmup_flows = 4;
    settings->anomaly.warmup_ns = SECOND_NS;
    settings->anomaly.max_categories = 16;
    settings->anomaly.memory_bytes = 65536;
    settings->stats_interval_ns = SECOND_NS;
    settings->emit_flows = settings->emit_alerts = true;
}

void sensor_listener_init(struct sensor_listener *listener, const struct settings *settings)
{
    static const char *const names[] = {"frames"};
    *listener = (struct sensor_listener){
        .settings = settings,
        .run = {.sensor = "test",
                .boot = "1",
                .version = "1",
                .source_names = names,
                .source_count = 1,
                .settings = settings},
    };
}

static void check_line(struct sensor_listener *listener, const struct record *record)
{
    static const uint64_t key[2] = {1, 2};
    size_t length = 0;
    char error[256] = "";
    listener->run.sequence++;
    require(format_record(FORMAT_NATIVE, record, &listener->run, listener->line,
                          sizeof listener->line, &length),
            "native", "does not fit");
    require(length > 0 && length <= FORMAT_LINE_LENGTH_MAX, "native", "length");
    require(json_check_line(listener->line, length, error, sizeof error), error, listener->line);
    listener->digest ^= siphash13(key, listener->line, length);
    listener->digest = siphash13(key, &listener->digest, sizeof listener->digest);
    require(format_record(FORMAT_CSV, record, &listener->run, listener->line, sizeof listener->line,
                          &length),
            "csv", "does not fit");
    require(format_record(FORMAT_TEXT, record, &listener->run, listener->line,
                          sizeof listener->line, &length),
            "text", "does not fit");
}

static void check_verdict(const struct record_flow_part *part)
{
    int64_t sum = part->verdict.typical_mbits;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum += part->verdict.contribution_mbits[j];
    require(sum == part->verdict.score_mbits, "score", "is not the sum of its parts");
    require(part->flow.direction[FLOW_FORWARD].packets > 0 ||
                part->flow.direction[FLOW_REVERSE].packets > 0,
            "flow", "without a packet");
    require(part->flow.first_ns <= part->flow.last_ns, "flow", "ends before it begins");
}

/* Flows come in the order of their notice times, but for a clock that was set back. */
static void check_order(struct sensor_listener *listener, const struct record *record)
{
    const uint32_t epoch = record->as.flow.part.flow.epoch;
    require(epoch >= listener->last_epoch, "epoch", "goes back");
    require(epoch > listener->last_epoch || listener->flows + listener->alerts == 0 ||
                record->timestamp_ns >= listener->last_timestamp_ns,
            "flows", "out of order");
    listener->last_epoch = epoch;
    listener->last_timestamp_ns = record->timestamp_ns;
}

void sensor_listener_record(void *context, const struct record *record)
{
    struct sensor_listener *const listener = context;
    char error[160] = "";
    require(!listener->has_final, "record", "after the final one");
    check_line(listener, record);
    if (record->kind == RECORD_STATISTICS) {
        listener->statistics++;
        listener->last = record->as.statistics;
        listener->has_final = record->as.statistics.is_final;
        require(statistics_check(&record->as.statistics, error, sizeof error) ||
                    (listener->may_fail && listener->has_final),
                "sum", error);
        return;
    }
    check_verdict(&record->as.flow.part);
    check_order(listener, record);
    if (record->kind == RECORD_ALERT)
        listener->alerts++;
    else
        listener->flows++;
}

void sensor_listener_finish(const struct sensor_listener *listener, uint64_t frames)
{
    const struct statistics *const last = &listener->last;
    require(listener->has_final, "final statistics", "are missing");
    require(last->capture.read == frames, "frames", "are not all read");
    require(!listener->settings->emit_flows || last->flows.opened == listener->flows, "flows",
            "are not all written");
    /* Each incident is told at least once, and at most once a flow of it. */
    require(!listener->settings->emit_alerts || (listener->alerts >= last->engine.incidents &&
                                                 listener->alerts <= last->engine.flagged),
            "alerts", "are not as many as incidents tell");
    require((last->engine.incidents > 0) == (last->engine.flagged > 0), "incidents", "are none");
    require(last->engine.scored == last->flows.opened, "flows", "are not all scored");
}
