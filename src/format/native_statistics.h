/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a `stats` line in the native format. */
#ifndef WHYFLOW_FORMAT_NATIVE_STATISTICS_H
#define WHYFLOW_FORMAT_NATIVE_STATISTICS_H

#include "format/format.h"
#include "format/json_writer.h"

void native_write_statistics(struct json_writer *json, const struct record *record,
                             const struct format_context *context);

/* What opens `whyflow` in each kind of record: schema, sensor, boot, seq. */
void native_write_identity(struct json_writer *json, const struct format_context *context);

#endif
