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

/* Makes the sample reports' columns and the caveats of the part's flow, features and verdict.
 * compared_flows: how many the flow is compared with. */
void explain_flow(struct record_flow_part *part, uint64_t compared_flows);

/* Which features the reasons are: those with the strongest positive contributions, strongest
 * first, of equals the one first in the list. Returns how many, at most RECORD_REASONS_MAX. */
unsigned explain_choose(const struct verdict *verdict, uint8_t features[RECORD_REASONS_MAX]);

/* A value beside its service, as the anomaly room tells it: unweighted milli-bits. */
struct explain_beside {
    int32_t service_mbits, value_mbits; /* each among all flows */
    int32_t together_mbits;             /* the value among flows of the service */
    uint64_t service_flows;
};

/* Each ordinary alone and unusual together: at most 4 bits each, at least 7 together. Keeps the
 * stronger of it and what `found` held. */
void explain_combine(enum feature_id id, const struct explain_beside *beside,
                     struct record_combination *found);

/* True of features that may stand beside the service: not the service itself, nor what names it. */
bool explain_may_combine(const struct feature_vector *vector, enum feature_id id);

/* What the explanation of an alert is made of, beside the flow. */
struct explain_basis {
    const struct baseline_summary *baseline;
    const uint8_t *features;          /* that explain_choose named */
    const struct evidence *evidences; /* what is known of each, in the same order */
    unsigned count;
    const struct record_combination *combination;
    const struct record_counterfactual *counterfactual;
    uint64_t settings_hash;
    bool stands_out; /* false: the run's highest scores are no higher than chance makes them */
};

/* What an alert carries beside the flow: reasons, names, rank, and the prose. */
void explain_alert(const struct record_flow_part *part, const struct explain_basis *basis,
                   struct explanation *out);

#endif
