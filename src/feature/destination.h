/* SPDX-License-Identifier: Apache-2.0 */
/* A destination: how many flows and sources came to one responder in the window and in the last
 * ten minutes. An entry of the engine's table of destinations; the thread that calls
 * feature_measure. */
#ifndef WHYFLOW_FEATURE_DESTINATION_H
#define WHYFLOW_FEATURE_DESTINATION_H

#include "feature/distinct.h"
#include "feature/minutes.h"
#include "feature/source.h"

struct destination {
    struct recent_entry entry;
    struct host_key key;
    uint32_t flows; /* in the window */
    struct flow_minutes minutes;
    struct distinct sources;
};

/* A flow to this destination enters the window, or leaves it. */
void destination_enter(struct destination *destination);
void destination_leave(struct destination *destination);
/* Counts the flow in ten minutes and in the distinct counter. */
void destination_count(struct destination *destination, uint32_t source_hash,
                       const struct horizon *horizon, struct sketch_pool *sketches);
/* Writes all DST_ features. */
void destination_measure(const struct destination *destination, const struct sketch_pool *sketches,
                         const struct horizon *horizon, struct feature_vector *vector);

#endif
