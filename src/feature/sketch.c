/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/sketch.h"

#include "base/pages.h"
#include "base/prefetch.h"
#include "feature/logarithm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTER_BITS = 6 };
_Static_assert(SKETCH_REGISTERS == 1 << REGISTER_BITS, "a register is picked by REGISTER_BITS");

/* Bias correction for 64 registers, and ln 2 (Flajolet et al. 2007, figure 3). */
static const double ALPHA = 0.709;
static const double LN2 = 0.69314718055994530942;

/* What a view shows: what of this sketch was seen at most `age` flows before `now`. */
struct sketch_view_of {
    const struct sketch_pool *pool;
    struct sketch *sketch;
    uint32_t now, age;
};

static size_t sketches_bytes(const struct sketch_pool *pool)
{
    return (pool->limit + (size_t)1) * sizeof *pool->sketches;
}

static uint32_t linear_count(unsigned empty)
{
    const double registers = SKETCH_REGISTERS;
    return (uint32_t)(registers * LN2 * logarithm_base2(registers / empty) + 0.5);
}

bool sketch_pool_init(struct sketch_pool *pool, uint32_t limit)
{
    *pool = (struct sketch_pool){.limit = limit > 0 ? limit : 1};
    for (unsigned empty = 1; empty <= SKETCH_REGISTERS; empty++)
        pool->linear[empty] = linear_count(empty);
    pool->sketches = pages_open(sketches_bytes(pool));
    pool->links = calloc(pool->limit + (size_t)1, sizeof *pool->links);
    return pool->sketches != NULL && pool->links != NULL &&
           block_pool_init(&pool->rows, sizeof(struct sketch_row), pool->limit * SKETCH_HIGH_RANKS);
}

void sketch_pool_deinit(struct sketch_pool *pool)
{
    pages_close(pool->sketches, sketches_bytes(pool));
    free(pool->links);
    block_pool_deinit(&pool->rows);
    *pool = (struct sketch_pool){.limit = 0};
}

void sketch_pool_clear(struct sketch_pool *pool)
{
    pool->links[0].older = pool->links[0].newer = 0;
    pool->touched = pool->free = 0;
    block_pool_clear(&pool->rows);
}

size_t sketch_pool_memory_bytes(const struct sketch_pool *pool)
{
    return sketches_bytes(pool) + block_pool_memory_bytes(&pool->rows) +
           (pool->limit + (size_t)1) * sizeof *pool->links;
}

static void list_remove(struct sketch_pool *pool, uint32_t index)
{
    const struct sketch_link *const link = &pool->links[index];
    pool->links[link->older].newer = link->newer;
    pool->links[link->newer].older = link->older;
}

static void list_add_newest(struct sketch_pool *pool, uint32_t index)
{
    struct sketch_link *const head = &pool->links[0];
    pool->links[index].older = head->older;
    pool->links[index].newer = 0;
    pool->links[head->older].newer = index;
    head->older = index;
}

static uint32_t free_index(struct sketch_pool *pool)
{
    if (pool->free == 0 && pool->touched == pool->limit) {
        uint32_t *owner = pool->links[pool->links[0].newer].owner;
        sketch_release(pool, owner);
        *owner = SKETCH_LOST;
        pool->evicted++;
    }
    if (pool->free == 0)
        return ++pool->touched;
    const uint32_t index = pool->free;
    pool->free = pool->links[index].newer;
    return index;
}

void sketch_release(struct sketch_pool *pool, uint32_t *owner)
{
    const uint32_t index = *owner;
    assert(index > 0 && index != SKETCH_LOST);
    for (unsigned i = 0; i < SKETCH_HIGH_RANKS; i++)
        block_pool_release(&pool->rows, &pool->sketches[index].high_rows[i]);
    list_remove(pool, index);
    pool->links[index].newer = pool->free;
    pool->free = index;
    *owner = 0;
}

void sketch_touch(struct sketch_pool *pool, uint32_t index)
{
    if (pool->links[index].newer == 0)
        return;
    list_remove(pool, index);
    list_add_newest(pool, index);
}

/* 2^-value, times 2^SKETCH_RANKS. */
static uint32_t power_of(unsigned value)
{
    static const uint16_t powers[SKETCH_RANKS + 1] = {4096, 2048, 1024, 512, 256, 128, 64,
                                                      32,   16,   8,    4,   2,   1};
    return powers[value];
}

/* A rank was seen now: the register's value, unless that is greater. */
static inline void raise_value(struct sketch_view *view, unsigned place, unsigned value)
{
    const unsigned before = view->value[place];
    if (value <= before)
        return;
    view->sums.empty -= before == 0;
    view->sums.powers -= power_of(before) - power_of(value);
    view->value[place] = (uint8_t)value;
    view->has_count = false;
}

static unsigned rank_of(uint32_t hash)
{
    return (unsigned)__builtin_ctz(hash >> REGISTER_BITS | UINT32_C(1) << (SKETCH_RANKS - 1));
}

/* The row of a rank that was seen. */
static struct sketch_row *row_of(const struct sketch_pool *pool, struct sketch *sketch,
                                 unsigned rank)
{
    if (rank < SKETCH_LOW_RANKS)
        return &sketch->low_rows[rank];
    return block_pool_at(&pool->rows, sketch->high_rows[rank - SKETCH_LOW_RANKS]);
}

/* Returns the register's value as of now. */
static inline unsigned note_rank(struct sketch_pool *pool, struct sketch *sketch, uint32_t hash,
                                 uint32_t now)
{
    const unsigned place = hash % SKETCH_REGISTERS;
    const unsigned rank = rank_of(hash);
    const unsigned higher = ~0U << rank << 1;
    if (rank >= SKETCH_LOW_RANKS && sketch->high_rows[rank - SKETCH_LOW_RANKS] == 0)
        sketch->high_rows[rank - SKETCH_LOW_RANKS] = block_pool_take(&pool->rows);
    sketch->ranks[place] = (uint16_t)((sketch->ranks[place] & higher) | 1U << rank);
    row_of(pool, sketch, rank)->seen[place] = now;
    return rank + 1;
}

void sketch_note(struct sketch_pool *pool, uint32_t index, uint32_t hash, uint32_t now)
{
    struct sketch *const sketch = &pool->sketches[index];
    const unsigned place = hash % SKETCH_REGISTERS;
    const unsigned value = note_rank(pool, sketch, hash, now);
    raise_value(&sketch->window, place, value);
    raise_value(&sketch->ten_minutes, place, value);
}

/* Of nothing, the oldest and the latest of which is to be seen then. */
static void begin_view(struct sketch_view *view, uint32_t oldest, uint32_t latest)
{
    *view = (struct sketch_view){
        .sums = {.empty = SKETCH_REGISTERS, .powers = SKETCH_REGISTERS * power_of(0)},
        .oldest_of_all = oldest,
    };
    for (unsigned group = 0; group < SKETCH_GROUPS; group++)
        view->oldest[group] = latest;
}

/* Of things that may lie before either horizon: then the next estimate sees it by their groups.
 * Both views are the same. Rejected: one made, then copied; the wide loads of a copy wait for the
 * narrow stores just made, where a quarter of distinct_note's samples lay. */
static void note_all(struct sketch_pool *pool, struct sketch *sketch,
                     const struct sketch_thing *things, uint32_t count)
{
    struct sketch_view *const window = &sketch->window, *const ten_minutes = &sketch->ten_minutes;
    begin_view(window, things[count - 1].seen, things[0].seen);
    begin_view(ten_minutes, things[count - 1].seen, things[0].seen);
    for (uint32_t i = count, groups = 0; i-- > 0;) {
        const struct sketch_thing thing = things[i];
        const unsigned place = thing.hash % SKETCH_REGISTERS, group = place / SKETCH_GROUP;
        if ((groups >> group & 1) == 0)
            window->oldest[group] = ten_minutes->oldest[group] = thing.seen;
        groups |= 1U << group;
        const unsigned value = note_rank(pool, sketch, thing.hash, thing.seen);
        raise_value(window, place, value);
        raise_value(ten_minutes, place, value);
    }
}

void sketch_take(struct sketch_pool *pool, uint32_t *owner, const struct sketch_thing *things,
                 uint32_t count)
{
    const uint32_t index = free_index(pool);
    struct sketch *const sketch = &pool->sketches[index];
    memset(sketch->ranks, 0, sizeof sketch->ranks);
    memset(sketch->high_rows, 0, sizeof sketch->high_rows);
    pool->links[index].owner = owner;
    *owner = index;
    list_add_newest(pool, index);
    note_all(pool, sketch, things, count);
}

/* HyperLogLog; linear counting where the registers are few (section 4 of the paper). */
static __attribute__((noinline)) uint32_t estimate_of(const struct sketch_pool *pool,
                                                      struct register_sums sums)
{
    const double registers = SKETCH_REGISTERS;
    const double harmonic = (double)sums.powers / (1 << SKETCH_RANKS);
    const double estimate = ALPHA * registers * registers / harmonic;
    if (estimate <= 2.5 * registers && sums.empty > 0)
        return pool->linear[sums.empty];
    return (uint32_t)(estimate + 0.5);
}

/* The value of a register whose value was `before` and whose rank may have left the horizon: the
 * greatest rank, plus 1, seen at most `age` flows ago; 0 if none. Ages fall with the rank, so the
 * first one from the top is it. *value_age: how long ago; 0 if none. */
static unsigned value_of(const struct sketch_view_of *of, unsigned place, unsigned before,
                         uint32_t *value_age)
{
    uint32_t ranks = of->sketch->ranks[place] & ((UINT32_C(1) << before) - 1);
    while (ranks != 0) {
        const unsigned rank = 31U - (unsigned)__builtin_clz(ranks);
        *value_age = of->now - row_of(of->pool, of->sketch, rank)->seen[place];
        if (*value_age <= of->age)
            return rank + 1;
        ranks ^= UINT32_C(1) << rank;
    }
    *value_age = 0;
    return 0;
}

static void set_value(struct sketch_view *view, unsigned place, unsigned value)
{
    const unsigned before = view->value[place];
    if (value == before)
        return;
    view->sums.empty -= before == 0;
    view->sums.empty += value == 0;
    view->sums.powers += power_of(value) - power_of(before);
    view->value[place] = (uint8_t)value;
    view->has_count = false;
}

/* Values only fall here: a register that had none in the horizon has none still. */
static void look_at_group(const struct sketch_view_of *of, unsigned group, struct sketch_view *view)
{
    uint32_t greatest_age = 0;
    for (unsigned i = 0; i < SKETCH_GROUP; i++) {
        const unsigned place = group * SKETCH_GROUP + i;
        const unsigned before = view->value[place];
        if (before == 0)
            continue;
        uint32_t age;
        set_value(view, place, value_of(of, place, before, &age));
        if (age > greatest_age)
            greatest_age = age;
    }
    view->oldest[group] = of->now - greatest_age;
}

static void find_oldest(const struct sketch_view_of *of, struct sketch_view *view)
{
    uint32_t greatest_age = 0;
    for (unsigned group = 0; group < SKETCH_GROUPS; group++) {
        const uint32_t age = of->now - view->oldest[group];
        greatest_age = age > greatest_age ? age : greatest_age;
    }
    view->oldest_of_all = of->now - greatest_age;
}

static __attribute__((noinline)) void look_at_old_groups(const struct sketch_view_of *of,
                                                         struct sketch_view *view)
{
    for (unsigned group = 0; group < SKETCH_GROUPS; group++)
        if (of->now - view->oldest[group] > of->age)
            look_at_group(of, group, view);
    find_oldest(of, view);
}

/* How many were seen inside the horizon that the view is of. */
static inline __attribute__((always_inline)) uint32_t count_within(const struct sketch_view_of *of,
                                                                   struct sketch_view *view)
{
    if (of->now - view->oldest_of_all > of->age)
        look_at_old_groups(of, view);
    if (!view->has_count) {
        view->count = estimate_of(of->pool, view->sums);
        view->has_count = true;
    }
    return view->count;
}

static struct sketch_view_of view_of(const struct sketch_pool *pool, uint32_t index, uint64_t now,
                                     uint64_t first)
{
    return (struct sketch_view_of){.pool = pool,
                                   .sketch = &pool->sketches[index],
                                   .now = (uint32_t)now,
                                   .age = (uint32_t)(now - first)};
}

uint32_t sketch_estimate_window(const struct sketch_pool *pool, uint32_t index,
                                const struct horizon *horizon)
{
    const struct sketch_view_of of = view_of(pool, index, horizon->now, horizon->window);
    return count_within(&of, &of.sketch->window);
}

uint32_t sketch_estimate_ten_minutes(const struct sketch_pool *pool, uint32_t index,
                                     const struct horizon *horizon)
{
    const struct sketch_view_of of = view_of(pool, index, horizon->now, horizon->ten_minutes);
    return count_within(&of, &of.sketch->ten_minutes);
}

void sketch_warm(const struct sketch_pool *pool, uint32_t index, uint32_t hash)
{
    const struct sketch *const sketch = &pool->sketches[index];
    const unsigned place = hash % SKETCH_REGISTERS;
    prefetch(&sketch->ranks[place]);
    prefetch(&sketch->high_rows); /* for its release, which many notes lead to */
    prefetch(&pool->links[index]);
    if (rank_of(hash) < SKETCH_LOW_RANKS)
        prefetch(&sketch->low_rows[rank_of(hash)].seen[place]);
    prefetch(&sketch->window);
    prefetch(&sketch->window.value[place]);
    prefetch(&sketch->ten_minutes);
    prefetch(&sketch->ten_minutes.value[place]);
}
