/* SPDX-License-Identifier: Apache-2.0 */
/* One service's scope as bytes and back, and in another unit: what is saved, loaded and added of
 * it. Called by snapshot.c of this room when a model is saved, loaded or merged; any thread, a
 * value of the caller's (60 kB: not for the stack).
 *
 * Numbers are varints and only what is not zero is listed: of a service seen once there are some
 * 500 bytes, in fixed width there would be 2,200. A scan's ports fill the table with such. */
#ifndef WHYFLOW_ANOMALY_SERVICE_SCOPE_H
#define WHYFLOW_ANOMALY_SERVICE_SCOPE_H

#include "anomaly/service_table.h"
#include "base/bytes.h"

/* Of a scope as written: a byte for each number that is always there. */
enum { SERVICE_SCOPE_LEAST_BYTES = 3 + 3 * FEATURE_COUNT };

void service_scope_write(const struct service_scope *scope, struct byte_writer *writer);

/* Reads and checks: every number within its bounds, every part no more than its whole, and bins
 * short of it by rounding alone. `sources` is how many baselines were added into it. */
bool service_scope_read(struct service_scope *scope, struct byte_reader *reader, uint32_t sources);

/* Brings the weights from `unit` to step 0, each rounded down. */
void service_scope_scale(struct service_scope *scope, uint64_t unit);

#endif
