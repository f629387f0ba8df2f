/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a feature vector. For the files of this room, on the thread that calls
 * feature_measure. */
#ifndef WHYFLOW_FEATURE_VECTOR_H
#define WHYFLOW_FEATURE_VECTOR_H

#include "whyflow/feature.h"

static inline void vector_set(struct feature_vector *vector, enum feature_id id, double value)
{
    vector->value[id] = value;
    vector->present |= UINT64_C(1) << id;
}

/* part / whole, where there is a whole; else the feature stays missing. */
static inline void vector_set_share(struct feature_vector *vector, enum feature_id id,
                                    uint64_t part, uint64_t whole)
{
    if (whole > 0)
        vector_set(vector, id, (double)part / (double)whole);
}

#endif
