/* SPDX-License-Identifier: Apache-2.0 */
/* How many distinct things (peers, ports, sources) were seen in the window and in ten minutes:
 * exact below 16, a sketch's estimate above. Part of a source, a destination or a pair; the thread
 * that calls feature_measure.
 *
 * It keeps the 16 things seen last, each with the flow that saw it. If fewer than 16 of them lie
 * inside a horizon they are all that do, and the count is exact, whatever came before; this holds
 * for each horizon on its own. Only when a thing still inside the longer horizon must make
 * room for a 17th is a sketch taken from the pool, and it goes back once the list is enough again.
 * A thing is its 32-bit keyed hash: of 16 two are taken for one once in 36 million. */
#ifndef WHYFLOW_FEATURE_DISTINCT_H
#define WHYFLOW_FEATURE_DISTINCT_H

#include "feature/horizon.h"
#include "feature/sketch.h"

#include <stdbool.h>
#include <stdint.h>

enum { DISTINCT_LISTED = 16 };

/* All zero is an empty one. It must not move while it has a sketch. */
struct distinct {
    uint64_t last; /* flow of the last note */
    uint64_t lost; /* flow at which the loss of a sketch was met; 0: none was lost */
    uint32_t hash[DISTINCT_LISTED];
    uint32_t seen[DISTINCT_LISTED]; /* low 32 bits of the flow's number */
    uint32_t count;                 /* of the two above */
    uint32_t sketch;                /* index in the pool; 0: none; or SKETCH_LOST */
};

/* The thing with this hash was seen by flow horizon->now. At most once for each flow. */
void distinct_note(struct distinct *distinct, struct sketch_pool *pool, uint32_t hash,
                   const struct horizon *horizon);
/* How many were seen inside each horizon; to be asked after the note of flow horizon->now. If the
 * pool was too small and took the sketch away, what was seen before the 16 listed is forgotten:
 * distinct_is_cut then says so. */
struct sketch_counts distinct_count(const struct distinct *distinct, const struct sketch_pool *pool,
                                    const struct horizon *horizon);
/* True while what was forgotten may lie inside the longer horizon: counts are lower bounds. */
static inline bool distinct_is_cut(const struct distinct *distinct, const struct horizon *horizon)
{
    return distinct->lost != 0 && distinct->lost >= horizon_oldest(horizon);
}
/* Gives the sketch back; the owner is about to be forgotten. */
void distinct_release(struct distinct *distinct, struct sketch_pool *pool);

#endif
