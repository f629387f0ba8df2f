/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs on probation: repetition must not make what is unusual ordinary within a day. A pair that
 * has known each other for less than a day and has a flow among the most unusual 0.2 % goes on
 * probation: its flows among the most unusual 2 % are then not learnt. What goes on for longer than
 * a day is learnt. Bounded: beyond the limit the pair that was longest quiet is let go. Called by
 * the model, online; the engine's thread owns it.
 *
 * Two limits, because a second flow is less unusual than the first: it is of a known pair. With one
 * limit of 1 %, an odd flow repeated at even pace was ordinary after 10 hours, with 0.2 % after a
 * minute. It costs precision by flows, since benign oddities that repeat stay odd too: in the top
 * 1 % of the laboratory .92 instead of .94 (entry at 0.4 %: .85); by incidents it costs nothing. */
#ifndef WHYFLOW_ANOMALY_PROBATION_H
#define WHYFLOW_ANOMALY_PROBATION_H

#include "base/recent_table.h"
#include "whyflow/feature.h"
#include "whyflow/settings.h"

struct probation {
    struct recent_table pairs;
    int64_t span_ns;
    uint64_t entered; /* pairs, ever */
};

/* False: no memory. */
bool probation_init(struct probation *probation, const struct anomaly_settings *settings);
void probation_deinit(struct probation *probation);

/* True if the flow is not to be learnt; p_value is its score's. */
bool probation_holds(struct probation *probation, const struct feature_vector *vector,
                     double p_value);

#endif
