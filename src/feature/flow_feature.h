/* SPDX-License-Identifier: Apache-2.0 */
/* Features of a flow alone, straight from its record: size and timing. What was not measured stays
 * missing. Pure but for the logarithms kept; any thread. */
#ifndef WHYFLOW_FEATURE_FLOW_FEATURE_H
#define WHYFLOW_FEATURE_FLOW_FEATURE_H

#include "feature/logarithm.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

/* Writes all features of the families SIZE and TIMING. */
void flow_feature_measure(const struct flow_record *flow, struct logarithms *logarithms,
                          struct feature_vector *vector);

#endif
