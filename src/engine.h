/* SPDX-License-Identifier: Apache-2.0 */
/* Step 3 of the pipeline: finished flows and snapshots of counters in, records out. Here the rooms
 * that judge meet: features, anomaly, explanation. Called by pipeline.c; the expiry thread owns an
 * engine. Allocates nothing after open but for the kept flows of a capture, within their limit. */
#ifndef WHYFLOW_ENGINE_H
#define WHYFLOW_ENGINE_H

#include "whyflow/record.h"
#include "whyflow/sensor.h"
#include "whyflow/settings.h"
#include "whyflow/snapshot.h"

#include <stdbool.h>
#include <stddef.h>

struct engine;

/* Copies the settings; records go to on_record. NULL: memory is short. */
struct engine *engine_open(const struct settings *settings, sensor_record_fn *on_record,
                           void *context);
void engine_close(struct engine *engine); /* NULL is allowed */

/* These are pipeline_flows and its like, see pipeline.h. */
void engine_flows(struct engine *engine, const struct flow_record *flows, size_t count);
void engine_report(struct engine *engine, const struct statistics *snapshot);
bool engine_finish(struct engine *engine, const struct statistics *snapshot);
bool engine_save(struct engine *engine, struct snapshot *snapshot,
                 struct snapshot_summary *summary);
bool engine_load(struct engine *engine, const struct snapshot *snapshot,
                 struct snapshot_summary *summary, char *error, size_t error_size);
const char *engine_error(const struct engine *engine);

/* Bytes of its tables at their limits, and of kept flows in memory. */
uint64_t engine_memory_bytes(const struct engine *engine);

#endif
