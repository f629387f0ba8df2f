/* SPDX-License-Identifier: Apache-2.0 */
/* A saved baseline as bytes in memory: what a sensor has learnt, for the next run, another sensor,
 * or a comparison (sensor.h, sensor_save and sensor_load). The library opens no file; the layout
 * stands in docs/baseline-format.md. */
#ifndef WHYFLOW_SNAPSHOT_H
#define WHYFLOW_SNAPSHOT_H

#include "whyflow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No saved baseline is larger; tables at their default limits take a quarter. */
enum { SNAPSHOT_SIZE_MAX = 64 << 20 };

struct snapshot {
    uint8_t *bytes; /* from malloc */
    size_t size;
};

void snapshot_free(struct snapshot *snapshot);

/* What it holds, for a message. */
struct snapshot_summary {
    uint64_t flows;             /* learnt */
    int64_t since_ns, until_ns; /* notice times; meaningful if flows > 0 */
    bool is_warm;               /* it flags from the first flow on */
};

/* Adds `count` > 0 saved baselines of several sensors or times, made with like settings, into
 * `merged`, which the caller frees. Their order, and merging what was merged, leaves no trace in
 * the bytes unless a table overflows. False, and `error` says which (by its number) and why. */
bool snapshot_merge(const struct settings *settings, const struct snapshot *parts, size_t count,
                    struct snapshot *merged, char *error, size_t error_size);

#endif
