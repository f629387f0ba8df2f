/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviours: what flows over time look like. The engine remembers, in bounded tables, who asked
 * what of whom; a flow is counted there and then the table of conditions (behaviour_rule.c) is
 * asked. Its time is the flows' notice times; it reads no clock. Used by the pipeline, on the
 * engine's thread alone. */
#ifndef WHYFLOW_BEHAVIOUR_BEHAVIOUR_H
#define WHYFLOW_BEHAVIOUR_BEHAVIOUR_H

#include "base/endpoint.h"
#include "whyflow/behaviour.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"
#include "whyflow/statistics.h"

struct behaviour_engine;

/* All its memory; nothing is allocated later. NULL if there is none. */
struct behaviour_engine *behaviour_open(const struct behaviour_settings *settings);
void behaviour_close(struct behaviour_engine *engine);

/* Counts a flow and says what the flows up to it look like. `hashes` are its own, by
 * feature_hash_endpoints; `vector` is as feature_measure left it; `finding` is zero or as a call
 * before left it: only what differs is written. Flows come in hand-over order, each once. A new
 * epoch (the clock was set back) forgets everything. */
void behaviour_observe(struct behaviour_engine *engine, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes, const struct feature_vector *vector,
                       struct behaviour_finding *finding);

/* For whoever knows flows to come: see feature_ask_ahead, feature_warm and feature_warm_sums. */
void behaviour_ask_ahead(const struct behaviour_engine *engine, const struct flow_record *flow,
                         const struct endpoint_hashes *hashes);
void behaviour_warm(const struct behaviour_engine *engine, const struct flow_record *flow,
                    struct endpoint_hashes *hashes);
void behaviour_warm_parts(const struct behaviour_engine *engine,
                          const struct endpoint_hashes *hashes);

/* Adds its memory, and what its tables forgot, to what the feature engine counted. */
void behaviour_counters(const struct behaviour_engine *engine, struct engine_counters *counters);

#endif
