/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation: flows of one source, destination, protocol and responder port, and how regularly
 * they start. An entry of the engine's table of conversations; the thread that calls
 * feature_measure. */
#ifndef WHYFLOW_FEATURE_CONVERSATION_H
#define WHYFLOW_FEATURE_CONVERSATION_H

#include "base/recent_table.h"
#include "whyflow/feature.h"

/* Its pair by where that lies and since when, which no other ever has both. So a conversation is
 * forgotten with its pair; where both tables have the same limit that is no earlier than its own
 * turn: each pair used since its pair was brought a conversation used since too. */
struct conversation_key {
    uint32_t pair_slot, pair_inserted; /* the latter: low 32 bits */
    uint16_t port;                     /* the responder's */
    uint8_t protocol;
    uint8_t padding; /* 0 */
};
_Static_assert(sizeof(struct conversation_key) == 12, "a conversation's key has no hidden padding");

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
