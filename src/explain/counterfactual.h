/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest change that would have left a flow unflagged: up to three of the features that its
 * score comes from, each set to what is usual, greedily. The engine calls it for surprise alerts,
 * at the time of scoring (the baseline moves on), and hands in what the anomaly room knows as
 * functions, so that the rooms do not know each other. Pure; no state. */
#ifndef WHYFLOW_EXPLAIN_COUNTERFACTUAL_H
#define WHYFLOW_EXPLAIN_COUNTERFACTUAL_H

#include "whyflow/record.h"

#include <stdbool.h>

/* The baseline that the flow was judged by. */
struct counterfactual_baseline {
    const void *context;
    /* Score, in milli-bits, of the flow had it been so. */
    int32_t (*score)(const void *context, const struct feature_vector *edited);
    /* Median of a numeric feature among the flows it is compared with. False: nobody measured
     * it. */
    bool (*median)(const void *context, enum feature_id id, double *median);
    /* The most usual code in the place of the vector's. False: none. */
    bool (*category)(const void *context, const struct feature_vector *vector, enum feature_id id,
                     double *code);
};

/* How many of the strongest contributions are tried: 33 scores at most. */
enum { COUNTERFACTUAL_CANDIDATES_MAX = 12 };

/* Fills all but the text. The part's verdict must have a threshold. */
void counterfactual_find(const struct record_flow_part *part,
                         const struct counterfactual_baseline *baseline,
                         struct record_counterfactual *out);

#endif
