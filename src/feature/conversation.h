/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation: flows of one source, destination, protocol and responder port, and how regularly
 * they start. An entry of the engine's table of conversations; the thread that calls
 * feature_measure. */
#ifndef WHYFLOW_FEATURE_CONVERSATION_H
#define WHYFLOW_FEATURE_CONVERSATION_H

#include "base/recent_table.h"
#include "whyflow/feature.h"

struct conversation_key {
    uint8_t source[16], destination[16];
    uint16_t port; /* the responder's */
    uint8_t protocol;
    uint8_t ip_version;
};
_Static_assert(sizeof(struct conversation_key) == 36, "a conversation's key has no padding");

struct conversation {
    struct recent_entry entry;
    struct conversation_key key;
    uint32_t starts;   /* flows that began, slices of one counted once */
    int64_t last_ns;   /* latest start */
    double mean_ns;    /* of the times between starts */
    double square_sum; /* of their distances from the mean (Welford 1962) */
};

/* A flow that is no later slice began at first_ns. Flows come in the order they were noticed, so
 * one may have begun before the one that came before it: its interval is 0 and the latest start
 * stays. Intervals are thus never negative and add up to the time from first to latest start. */
void conversation_count(struct conversation *conversation, int64_t first_ns);
/* Writes INTERVAL_CV: deviation (n - 1) over mean of the intervals. Missing under four starts, and
 * where all starts are one moment. */
void conversation_measure(const struct conversation *conversation, struct feature_vector *vector);

#endif
