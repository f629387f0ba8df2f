/* SPDX-License-Identifier: Apache-2.0 */
/* Tallies and spreads as entries hold them: four bytes each. Called by scene.c, which counts, and
 * quantity.c, which asks; the engine's thread.
 *
 * In a flood, a scan and at the edge of any network most entries see one flow and are forgotten.
 * Whole, a pair's six counts took 560 bytes, zeroed, filled and displaced for that flow. So a count
 * is one of three things: empty; *sole*, of the flow that brought its entry in and of no other,
 * whose times stand once in the entry (its birth) and whose amount or thing in the part; or a block
 * from a pool, once a second flow is counted. There is a block for every part of every entry, so
 * that the pool is never empty and no count depends on what others took; memory nobody needed is
 * never touched. What is asked gives the same in each form.
 *
 * Rejected: a list of some things before the bits (96 bytes are not much beside a list of six with
 * their times); a smaller pool (what it refuses would be missing from evidence, by who came
 * first). */
#ifndef WHYFLOW_BEHAVIOUR_PARTS_H
#define WHYFLOW_BEHAVIOUR_PARTS_H

#include "base/item_pool.h"
#include "base/prefetch.h"
#include "behaviour/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part's state: 0, empty; PART_SOLE and what the one flow adds; PART_BLOCK and the place of its
 * block: the highest bit, so that one look at all states of an entry, or-ed, tells that it has
 * none. */
#define PART_SOLE (UINT32_C(1) << 30)
#define PART_BLOCK (UINT32_C(1) << 31)

/* What is counted over: half of the stretch, and whose time. By starts, because flows that began
 * minutes apart may be handed over at once, when the input ends; one that began before the half
 * under way is counted in it. */
struct span {
    int64_t half_ns;
    bool is_by_start;
};

/* All zero is an empty one. */
struct tally_part {
    uint32_t state;
};

struct spread_part {
    uint32_t state;
};

static inline bool part_has_block(uint32_t state)
{
    return (state & PART_BLOCK) != 0;
}

static inline uint32_t part_place(uint32_t state)
{
    return state & ~PART_BLOCK;
}

/* The blocks of all entries. */
struct parts {
    struct item_pool tally_places, spread_places;
    struct tally *tallies;
    struct spread *spreads;
};

/* All its memory, for so many parts of each kind. False if there is none, `parts` is then empty. */
bool parts_init(struct parts *parts, uint32_t tallies, uint32_t spreads);
void parts_deinit(struct parts *parts);
/* Takes all blocks back at once: every entry was forgotten. */
void parts_clear(struct parts *parts);
size_t parts_memory_bytes(const struct parts *parts);

/* Have the block of a part fetched, if it has one. */
static inline void tally_part_warm(const struct parts *parts, struct tally_part part)
{
    if (part_has_block(part.state))
        prefetch(&parts->tallies[part_place(part.state)]);
}

static inline void spread_part_warm(const struct parts *parts, struct spread_part part)
{
    if (!part_has_block(part.state))
        return;
    const struct spread *const spread = &parts->spreads[part_place(part.state)];
    prefetch(spread);
    prefetch(&spread->bits_set); /* it lies in two lines */
}

/* The flow of this moment brought the entry in, or is so like the one that did that it may stand
 * for it. */
static inline bool part_is_birth(const struct moment *birth, const struct moment *moment)
{
    return birth->now_ns == moment->now_ns && birth->start_ns == moment->start_ns;
}

/* A part's last three: `birth` is the moment of the flow that brought its entry in, the same in
 * each call. */
void tally_part_add_more(struct parts *parts, struct tally_part *part, const struct moment *birth,
                         const struct moment *moment, const struct span *span, uint64_t amount);
static inline void tally_part_add(struct parts *parts, struct tally_part *part,
                                  const struct moment *birth, const struct moment *moment,
                                  const struct span *span, uint64_t amount)
{
    if (part->state == 0 && amount < PART_SOLE && part_is_birth(birth, moment))
        part->state = PART_SOLE | (uint32_t)amount;
    else
        tally_part_add_more(parts, part, birth, moment, span, amount);
}
uint64_t tally_part_count(const struct parts *parts, struct tally_part part);
uint64_t tally_part_sum(const struct parts *parts, struct tally_part part);
int64_t tally_part_first_ns(const struct parts *parts, struct tally_part part,
                            const struct moment *birth);
int64_t tally_part_last_ns(const struct parts *parts, struct tally_part part,
                           const struct moment *birth);
/* Gives its block back; the entry is about to be forgotten. */
static inline void tally_part_release(struct parts *parts, struct tally_part part)
{
    if (part_has_block(part.state))
        item_pool_put(&parts->tally_places, part_place(part.state));
}

/* Returns 1 if the part had not seen the thing, else 0. */
unsigned spread_part_note_more(struct parts *parts, struct spread_part *part,
                               const struct moment *birth, const struct moment *moment,
                               const struct span *span, uint8_t thing);
static inline unsigned spread_part_note(struct parts *parts, struct spread_part *part,
                                        const struct moment *birth, const struct moment *moment,
                                        const struct span *span, uint8_t thing)
{
    if (part->state != 0 || !part_is_birth(birth, moment))
        return spread_part_note_more(parts, part, birth, moment, span, thing);
    part->state = PART_SOLE | thing;
    return 1;
}
uint32_t spread_part_count(const struct parts *parts, struct spread_part part);
int64_t spread_part_first_ns(const struct parts *parts, struct spread_part part,
                             const struct moment *birth);
static inline void spread_part_release(struct parts *parts, struct spread_part part)
{
    if (part_has_block(part.state))
        item_pool_put(&parts->spread_places, part_place(part.state));
}

#endif
