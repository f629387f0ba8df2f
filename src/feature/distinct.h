/* SPDX-License-Identifier: Apache-2.0 */
/* How many distinct things (peers, ports, sources) were seen in the window and in ten minutes:
 * exact below 16, a sketch's estimate above. Part of a source, a destination or a pair; the thread
 * that calls feature_measure.
 *
 * It keeps the 16 things seen last, each with the flow that saw it, the latest first: then the old
 * ones are at the end, and most notes find theirs at the beginning. If fewer than 16 of them lie
 * inside a horizon they are all that do, and the count is exact, whatever came before; this holds
 * for each horizon on its own. Only when a thing still inside the longer horizon must make
 * room for a 17th is a sketch taken from the pool, and it goes back once the list is enough again.
 * A thing is its 32-bit keyed hash: of 16 two are taken for one once in 36 million.
 *
 * Most know one or two things, which lie in the counter itself. The third brings a list from a
 * pool, which goes back as well. */
#ifndef WHYFLOW_FEATURE_DISTINCT_H
#define WHYFLOW_FEATURE_DISTINCT_H

#include "feature/block_pool.h"
#include "feature/horizon.h"
#include "feature/sketch.h"

#include <stdbool.h>
#include <stdint.h>

enum { DISTINCT_LISTED = 16, DISTINCT_INSIDE = 2 };

/* What a counter takes from the pool for its third thing. */
struct distinct_list {
    uint64_t lost; /* flow at which the loss of a sketch was met; 0: none was lost */
    struct sketch_thing things[DISTINCT_LISTED];
};

/* All zero is an empty one. It must not move while it has a sketch. */
struct distinct {
    uint64_t last;                               /* flow of the last note */
    uint32_t count;                              /* of things in the list, or here */
    uint32_t list;                               /* index in the pool; 0: none */
    uint32_t sketch;                             /* the same; or SKETCH_LOST */
    struct sketch_thing things[DISTINCT_INSIDE]; /* while there is no list */
};

struct distinct_counts {
    uint32_t window, ten_minutes;
};

struct distinct_pool {
    struct sketch_pool sketches;
    struct block_pool lists; /* struct distinct_list */
};

/* For at most `counters` counters that are not empty at a time. */
bool distinct_pool_init(struct distinct_pool *pool, uint32_t counters, uint32_t sketches);
void distinct_pool_deinit(struct distinct_pool *pool);
void distinct_pool_clear(struct distinct_pool *pool); /* counters made from it are void */
size_t distinct_pool_memory_bytes(const struct distinct_pool *pool);

/* What an empty one is after its only note, of flow `number`. */
void distinct_begin(struct distinct *distinct, uint32_t hash, uint64_t number);
/* The thing with this hash was seen by flow horizon->now. At most once for each flow. */
void distinct_note(struct distinct *distinct, struct distinct_pool *pool, uint32_t hash,
                   const struct horizon *horizon);
/* How many were seen inside each horizon; to be asked after the note of flow horizon->now. If the
 * pool was too small and took the sketch away, what was seen before the 16 listed is forgotten:
 * distinct_is_cut then says so. */
struct distinct_counts distinct_count(const struct distinct *distinct,
                                      const struct distinct_pool *pool,
                                      const struct horizon *horizon);
/* True while what was forgotten may lie inside the longer horizon: counts are lower bounds. */
bool distinct_is_cut(const struct distinct *distinct, const struct distinct_pool *pool,
                     const struct horizon *horizon);
/* Gives list and sketch back; the owner is about to be forgotten. */
void distinct_release(struct distinct *distinct, struct distinct_pool *pool);

/* Has the memory fetched that a note of this hash will need. */
void distinct_warm(const struct distinct *distinct, const struct distinct_pool *pool,
                   uint32_t hash);

#endif
