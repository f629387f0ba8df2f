/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/parts.h"

#include <stdlib.h>

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

/* A block for the part, begun with the sole flow or with this one; in the latter case true. */
static __attribute__((noinline)) bool open_tally(struct parts *parts, struct tally_part *part,
                                                 const struct moment *birth,
                                                 const struct moment *moment,
                                                 const struct span *span, uint64_t amount)
{
    const uint32_t state = part->state;
    part->state = PART_BLOCK | item_pool_get(&parts->tally_places);
    if (is_sole(state))
        tally_begin(tally_of(parts, *part), within(span, birth), state & ~PART_SOLE);
    else
        tally_begin(tally_of(parts, *part), within(span, moment), amount);
    return !is_sole(state);
}

void tally_part_add_more(struct parts *parts, struct tally_part *part, const struct moment *birth,
                         const struct moment *moment, const struct span *span, uint64_t amount)
{
    if (!part_has_block(part->state) && open_tally(parts, part, birth, moment, span, amount))
        return;
    tally_add(tally_of(parts, *part), within(span, moment), amount, span->half_ns);
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

static __attribute__((noinline)) bool open_spread(struct parts *parts, struct spread_part *part,
                                                  const struct moment *birth,
                                                  const struct moment *moment,
                                                  const struct span *span, uint8_t thing)
{
    const uint32_t state = part->state;
    part->state = PART_BLOCK | item_pool_get(&parts->spread_places);
    if (is_sole(state))
        spread_begin(spread_of(parts, *part), within(span, birth), (uint8_t)state);
    else
        spread_begin(spread_of(parts, *part), within(span, moment), thing);
    return !is_sole(state);
}

unsigned spread_part_note_more(struct parts *parts, struct spread_part *part,
                               const struct moment *birth, const struct moment *moment,
                               const struct span *span, uint8_t thing)
{
    if (!part_has_block(part->state) && open_spread(parts, part, birth, moment, span, thing))
        return 1;
    return spread_note(spread_of(parts, *part), within(span, moment), thing, span->half_ns);
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
