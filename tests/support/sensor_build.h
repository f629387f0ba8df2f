/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and the fuzzer of the whole library: settings with tiny limits, and a listener that
 * checks every record as it comes: order, sums, format. It aborts on what must not be, so that a
 * fuzzer sees it too. One thread; a listener belongs to its run. */
#ifndef WHYFLOW_TESTS_SENSOR_BUILD_H
#define WHYFLOW_TESTS_SENSOR_BUILD_H

#include "format/format.h"
#include "whyflow/record.h"
#include "whyflow/settings.h"

/* All limits small enough that a few dozen packets meet them; short timeouts; a stats record every
 * second of trace time; flows and alerts; a warm-up of 4 flows. */
void sensor_build_tiny_settings(struct settings *settings, bool is_online);

struct sensor_listener {
    struct format_context run;
    const struct settings *settings;
    uint64_t flows, alerts, statistics;
    bool may_fail; /* the run's store is to fail: the final sums need not hold */
    bool has_final;
    int64_t last_timestamp_ns; /* of flows */
    uint32_t last_epoch;
    struct statistics last; /* the latest statistics */
    uint64_t digest;        /* over all native lines */
    char line[FORMAT_BUFFER_SIZE];
};

void sensor_listener_init(struct sensor_listener *listener, const struct settings *settings);

/* A sensor_record_fn; the context is the listener. */
void sensor_listener_record(void *context, const struct record *record);

/* After the run: there was a final record, its sums hold, it counts what came. */
void sensor_listener_finish(const struct sensor_listener *listener, uint64_t frames);

#endif
