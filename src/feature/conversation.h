/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation: flows of one source, destination, protocol and responder port, and how regularly
 * they start, its rhythm. A pair's first conversation is the only one of most pairs: its rhythm is
 * part of the pair, from the second flow on. Further ones are entries of the engine's table of
 * conversations. The thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_CONVERSATION_H
#define WHYFLOW_FEATURE_CONVERSATION_H

#include "base/recent_table.h"
#include "whyflow/feature.h"

/* Its pair by where that lies and since when, which no other ever has both. So a conversation is
 * forgotten with its pair. */
struct conversation_key {
    uint32_t pair_slot, pair_inserted; /* the latter: low 32 bits */
    uint16_t port;                     /* the responder's */
    uint8_t protocol;
    uint8_t padding; /* 0 */
};
_Static_assert(sizeof(struct conversation_key) == 12, "a conversation's key has no hidden padding");

/* All zero: no flow has begun. */
struct rhythm {
    uint32_t starts;   /* flows that began, slices of one counted once */
    int64_t last_ns;   /* latest start */
    double mean_ns;    /* of the times between starts */
    double square_sum; /* of their distances from the mean (Welford 1962) */
};

struct conversation {
    struct recent_entry entry;
    struct conversation_key key;
    struct rhythm rhythm;
};
_Static_assert(sizeof(struct conversation) == 64, "a conversation is one line of memory");

/* A flow that is no later slice began at first_ns. Flows come in the order they were noticed, so
 * one may have begun before the one that came before it: its interval is 0 and the latest start
 * stays. Intervals are thus never negative and add up to the time from first to latest start. */
void rhythm_count(struct rhythm *rhythm, int64_t first_ns);
/* Writes INTERVAL_CV: deviation (n - 1) over mean of the intervals. Missing under four starts, and
 * where all starts are one moment. */
void rhythm_measure(const struct rhythm *rhythm, struct feature_vector *vector);

#endif
