/* SPDX-License-Identifier: Apache-2.0 */
/* From a scored flow to what is said of it. Pure functions: the same facts give the same words.
 * The pipeline calls them on the engine's thread, in the order below; for an alert it asks the
 * anomaly room between explain_choose and explain_alert for the evidence of the chosen features,
 * so that the rooms do not know each other. */
#ifndef WHYFLOW_EXPLAIN_EXPLAIN_H
#define WHYFLOW_EXPLAIN_EXPLAIN_H

#include "whyflow/record.h"

#include <stdbool.h>
#include <stdint.h>

/* Fewer flows than this to compare with: the words say so (caveat few_flows). */
enum { EXPLAIN_FEW_FLOWS = 500 };

/* Fills `part`: copies flow, features and verdict (which may be part's own), and makes the sample
 * reports' columns and the caveats of them. compared_flows: how many the flow is compared with. */
void explain_flow(const struct flow_record *flow, const struct feature_vector *features,
                  const struct verdict *verdict, uint64_t compared_flows,
                  struct record_flow_part *part);

/* Which features the reasons are: those with the strongest positive contributions, strongest
 * first, of equals the one first in the list. Returns how many, at most RECORD_REASONS_MAX. */
unsigned explain_choose(const struct verdict *verdict, uint8_t features[RECORD_REASONS_MAX]);

/* What an alert carries beside the flow: reasons, names, rank, and the prose. `features` are those
 * that explain_choose named, `evidences` what is known of each, in the same order. stands_out is
 * false if the run's highest scores are no higher than chance makes them: then the words say so. */
void explain_alert(const struct record_flow_part *part, const struct baseline_summary *baseline,
                   const struct evidence evidences[], const uint8_t features[], unsigned count,
                   uint64_t settings_hash, bool stands_out, struct explanation *out);

#endif
