/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/parts.h"

#include <stdlib.h>
#include <string.h>

enum { EMPTY = 0 };

enum { LINE_BYTES = 64 };

/* Of a cache line's multiple, as aligned_alloc wants it. */
static size_t spreads_bytes(uint32_t spreads)
{
    return (spreads * sizeof(struct spread) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

bool parts_init(struct parts *parts, uint32_t tallies, uint32_t spreads)
{
    *parts = (struct parts){.tallies = aligned_alloc(LINE_BYTES, tallies * sizeof(struct tally)),
                            .spreads = aligned_alloc(LINE_BYTES, spreads_bytes(spreads))};
    if (item_pool_init(&parts->tally_places, tallies) &&
        item_pool_init(&parts->spread_places, spreads) && parts->tallies != NULL &&
        parts->spreads != NULL)
        return true;
    parts_deinit(parts);
    return false;
}

void parts_deinit(struct parts *parts)
{
    item_pool_deinit(&parts->tally_places);
    item_pool_deinit(&parts->spread_places);
    free(parts->tallies);
    free(parts->spreads);
    *parts = (struct parts){.tallies = NULL};
}

void parts_clear(struct parts *parts)
{
    item_pool_clear(&parts->tally_places);
    item_pool_clear(&parts->spread_places);
}

size_t parts_memory_bytes(const struct parts *parts)
{
    return parts->tally_places.capacity * (sizeof *parts->tallies + sizeof(uint32_t)) +
           parts->spread_places.capacity * (sizeof *parts->spreads + sizeof(uint32_t));
}

static bool is_sole(uint32_t state)
{
    return (state & PART_SOLE) != 0;
}

/* The flow's moment by the span's time. */
static struct moment within(const struct span *span, const struct moment *moment)
{
    return (struct moment){span->is_by_start ? moment->start_ns : moment->now_ns, moment->start_ns};
}

/* ---- tallies ------------------------------------------------------------------------------- */

static struct tally *tally_of(const struct parts *parts, struct tally_part part)
{
    return &parts->tallies[part_place(part.state)];
}

/* Makes it a block; a sole flow is counted there first. */
static __attribute__((noinline)) struct tally *open_tally(struct parts *parts,
                                                          struct tally_part *part,
                                                          const struct moment *birth,
                                                          const struct span *span)
{
    const uint32_t state = part->state;
    part->state = PART_BLOCK | item_pool_get(&parts->tally_places);
    struct tally *const tally = tally_of(parts, *part);
    memset(tally, 0, sizeof *tally);
    if (is_sole(state))
        tally_add(tally, within(span, birth), state & ~PART_SOLE, span->half_ns);
    return tally;
}

void tally_part_add_more(struct parts *parts, struct tally_part *part, const struct moment *birth,
                         const struct moment *moment, const struct span *span, uint64_t amount)
{
    struct tally *const tally =
        part_has_block(part->state) ? tally_of(parts, *part) : open_tally(parts, part, birth, span);
    tally_add(tally, within(span, moment), amount, span->half_ns);
}

uint64_t tally_part_count(const struct parts *parts, struct tally_part part)
{
    if (!part_has_block(part.state))
        return part.state == EMPTY ? 0 : 1;
    return tally_count(tally_of(parts, part));
}

uint64_t tally_part_sum(const struct parts *parts, struct tally_part part)
{
    if (!part_has_block(part.state))
        return part.state & ~PART_SOLE;
    return tally_sum(tally_of(parts, part));
}

int64_t tally_part_first_ns(const struct parts *parts, struct tally_part part,
                            const struct moment *birth)
{
    if (!part_has_block(part.state))
        return part.state == EMPTY ? 0 : birth->start_ns;
    return tally_first_ns(tally_of(parts, part));
}

int64_t tally_part_last_ns(const struct parts *parts, struct tally_part part,
                           const struct moment *birth)
{
    if (!part_has_block(part.state))
        return part.state == EMPTY ? 0 : birth->start_ns;
    return tally_last_ns(tally_of(parts, part));
}

/* ---- spreads ------------------------------------------------------------------------------- */

static struct spread *spread_of(const struct parts *parts, struct spread_part part)
{
    return &parts->spreads[part_place(part.state)];
}

static __attribute__((noinline)) struct spread *open_spread(struct parts *parts,
                                                            struct spread_part *part,
                                                            const struct moment *birth,
                                                            const struct span *span)
{
    const uint32_t state = part->state;
    part->state = PART_BLOCK | item_pool_get(&parts->spread_places);
    struct spread *const spread = spread_of(parts, *part);
    memset(spread, 0, sizeof *spread);
    if (is_sole(state))
        (void)spread_note(spread, within(span, birth), (uint8_t)state, span->half_ns);
    return spread;
}

unsigned spread_part_note_more(struct parts *parts, struct spread_part *part,
                               const struct moment *birth, const struct moment *moment,
                               const struct span *span, uint8_t thing)
{
    struct spread *const spread = part_has_block(part->state)
                                      ? spread_of(parts, *part)
                                      : open_spread(parts, part, birth, span);
    return spread_note(spread, within(span, moment), thing, span->half_ns);
}

uint32_t spread_part_count(const struct parts *parts, struct spread_part part)
{
    if (!part_has_block(part.state))
        return part.state == EMPTY ? 0 : 1;
    return spread_count(spread_of(parts, part));
}

int64_t spread_part_first_ns(const struct parts *parts, struct spread_part part,
                             const struct moment *birth)
{
    if (!part_has_block(part.state))
        return part.state == EMPTY ? 0 : birth->start_ns;
    return spread_first_ns(spread_of(parts, part));
}
