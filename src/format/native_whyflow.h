/* SPDX-License-Identifier: Apache-2.0 */
/* What stands under `whyflow` in a `flow` or `alert` line, key by key: what both share
 * (native_whyflow_measured.c and, of it, native_whyflow_facts.c), and what only an alert has
 * (native_whyflow_explanation.c). For native_flow.c, on the emitter thread; no state. */
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

/* Parts that these files ask of each other: the facts of a flow, and a feature's value as
 * `features` has it, a category in words. */
void native_write_facts(struct json_writer *json, const struct flow_record *flow, bool is_alert);
void native_write_feature_value(struct json_writer *json, const char *key, enum feature_id id,
                                double value);

#endif
