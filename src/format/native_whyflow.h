/* SPDX-License-Identifier: Apache-2.0 */
/* What stands under `whyflow` in a `flow` or `alert` line. */
#ifndef WHYFLOW_FORMAT_NATIVE_WHYFLOW_H
#define WHYFLOW_FORMAT_NATIVE_WHYFLOW_H

#include "format/json_writer.h"
#include "format/native_flow.h"

/* What flows and alerts share: the facts, the eighteen columns, the features, the verdict. */
void native_write_measured(struct json_writer *json, const struct record_flow_part *part,
                           bool is_alert);

/* The incident it belongs to, if to any. */
void native_write_incident(struct json_writer *json, const struct incident *incident,
                           bool is_alert);

/* What only an alert carries: baseline, contributions, reasons and prose. */
void native_write_explanation(struct json_writer *json, const struct record_flow_part *part,
                              const struct explanation *explanation, enum native_cut cut);

/* An array of the ids in a text, parted by spaces: ATT&CK's. */
void native_write_ids(struct json_writer *json, const char *key, const char *ids);

#endif
