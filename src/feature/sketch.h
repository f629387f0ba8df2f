/* SPDX-License-Identifier: Apache-2.0 */
/* A sketch estimates how many distinct things were seen since any flow in the past: a
 * HyperLogLog (Flajolet et al. 2007) whose registers remember when each rank was last seen
 * (sliding HyperLogLog, Chabchoub and Hebrail 2010). And the bounded pool that sketches come from.
 * Used by distinct.c alone; owned by a feature engine, the thread that calls feature_measure.
 *
 * A rank seen now makes every lower rank of its register meaningless for all horizons, so those
 * are dropped: what is left grows in age with the rank, and the first one inside the horizon, from
 * the top, is the register's value. 64 registers: a standard error of 13 %, where a feature's bin
 * is a factor of two. Flow numbers are kept as 32 bits: what a register saw a multiple of 2^32
 * flows ago looks recent, in a sketch that was in use all that time. Rejected: one HyperLogLog a
 * minute, which cannot tell a sliding window. */
#ifndef WHYFLOW_FEATURE_SKETCH_H
#define WHYFLOW_FEATURE_SKETCH_H

#include "feature/block_pool.h"
#include "feature/horizon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an owner's index says after its sketch was given to another. */
#define SKETCH_LOST UINT32_MAX

enum {
    SKETCH_REGISTERS = 64,
    SKETCH_RANKS = 12, /* a register holds ranks 1 to 12: 180,000 things */
    SKETCH_LOW_RANKS = 4,
    SKETCH_HIGH_RANKS = SKETCH_RANKS - SKETCH_LOW_RANKS,
    SKETCH_GROUP = 8, /* registers */
    SKETCH_GROUPS = SKETCH_REGISTERS / SKETCH_GROUP,
};

/* Sums over the registers' values: whole numbers, so their order cannot matter. */
struct register_sums {
    uint32_t empty;
    uint32_t powers; /* of 2^-value, times 2^SKETCH_RANKS */
};

/* The registers as one horizon saw them last: right until a value's rank leaves the horizon. Most
 * notes change nothing here, so most estimates cost no look at the registers; and where a value
 * leaves, only the group of registers it is in is looked at: of a busy source one of the 64 leaves
 * with every other flow. Kept from the sketch's first thing on, because hosts with 16 to 20 peers
 * take one and give it back again and again: to make a view of 64 registers, of which 17 are in
 * use, took 1,700 instructions. */
struct sketch_view {
    bool has_count; /* count is that of the sums */
    uint32_t count; /* the estimate */
    struct register_sums sums;
    uint32_t oldest_of_all;          /* of these: */
    uint32_t oldest[SKETCH_GROUPS];  /* none of the group's values was last seen before this flow */
    uint8_t value[SKETCH_REGISTERS]; /* greatest rank inside the horizon; 0: none */
};

/* A thing as a list has it. */
struct sketch_thing {
    uint32_t hash;
    uint32_t seen; /* low 32 bits of the flow's number */
};

/* When each register saw a rank last (low 32 bits of the flow's number); meaningful where `ranks`
 * has the rank's bit. By rank first, because the registers' values lie close together: an estimate
 * reads a few rows, not a line of memory for each register. */
struct sketch_row {
    uint32_t seen[SKETCH_REGISTERS];
};

/* One of thirty things in two has a rank above 4, and a sketch of few things is most sketches: rows
 * of higher ranks are taken from a pool, by the first thing that has the rank. */
struct sketch {
    uint16_t ranks[SKETCH_REGISTERS];      /* bit r: rank r + 1 was seen */
    uint32_t high_rows[SKETCH_HIGH_RANKS]; /* indices in the pool; 0: none yet */
    struct sketch_row low_rows[SKETCH_LOW_RANKS];
    struct sketch_view window, ten_minutes;
};

/* A sketch's place in the order of use: apart from the sketches, which are a page each. */
struct sketch_link {
    uint32_t older, newer; /* indices into the pool */
    uint32_t *owner;       /* where the owner keeps this sketch's index */
};

struct sketch_pool {
    struct sketch *sketches;   /* [0] is none */
    struct sketch_link *links; /* [0] is the list's head */
    struct block_pool rows;    /* struct sketch_row: as many as all sketches could take */
    uint32_t linear[SKETCH_REGISTERS + 1]; /* linear counting's estimate, by empty registers */
    uint32_t limit;
    uint32_t touched, free; /* free: a list by `newer`; 0: none */
    uint64_t evicted;
};

bool sketch_pool_init(struct sketch_pool *pool, uint32_t limit);
void sketch_pool_deinit(struct sketch_pool *pool);
void sketch_pool_clear(struct sketch_pool *pool); /* all are free; owners are not told */
size_t sketch_pool_memory_bytes(const struct sketch_pool *pool);

/* Puts the index (> 0) of a sketch that knows these things into *owner; the latest is first, there
 * is one at least. Where none is free the least recently used loses its owner, whose index becomes
 * SKETCH_LOST, and is counted. *owner must stay where it is until the sketch is released. */
void sketch_take(struct sketch_pool *pool, uint32_t *owner, const struct sketch_thing *things,
                 uint32_t count);
void sketch_release(struct sketch_pool *pool, uint32_t *owner); /* sets it to 0 */
/* Marks it as the most recently used. */
void sketch_touch(struct sketch_pool *pool, uint32_t index);

/* The thing with this hash was seen at flow `now`. Calls come in rising order of `now`. */
void sketch_note(struct sketch_pool *pool, uint32_t index, uint32_t hash, uint32_t now);
/* How many distinct things were seen inside one horizon, to the nearest whole. It never moves back
 * while a sketch has an owner. */
uint32_t sketch_estimate_window(const struct sketch_pool *pool, uint32_t index,
                                const struct horizon *horizon);
uint32_t sketch_estimate_ten_minutes(const struct sketch_pool *pool, uint32_t index,
                                     const struct horizon *horizon);

/* Has the memory fetched that a note of this hash, and an estimate, will need. */
void sketch_warm(const struct sketch_pool *pool, uint32_t index, uint32_t hash);

#endif
