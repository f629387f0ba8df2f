/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/sketch.h"

#include "feature/logarithm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTER_BITS = 6 };
_Static_assert(SKETCH_REGISTERS == 1 << REGISTER_BITS, "a register is picked by REGISTER_BITS");

/* Bias correction for 64 registers, and ln 2 (Flajolet et al. 2007, figure 3). */
static const double ALPHA = 0.709;
static const double LN2 = 0.69314718055994530942;

bool sketch_pool_init(struct sketch_pool *pool, uint32_t limit)
{
    *pool = (struct sketch_pool){.limit = limit > 0 ? limit : 1};
    pool->sketches = calloc(pool->limit + (size_t)1, sizeof *pool->sketches);
    return pool->sketches != NULL;
}

void sketch_pool_deinit(struct sketch_pool *pool)
{
    free(pool->sketches);
    *pool = (struct sketch_pool){.limit = 0};
}

void sketch_pool_clear(struct sketch_pool *pool)
{
    pool->sketches[0].older = pool->sketches[0].newer = 0;
    pool->touched = pool->free = 0;
}

size_t sketch_pool_memory_bytes(const struct sketch_pool *pool)
{
    return (pool->limit + (size_t)1) * sizeof *pool->sketches;
}

static void list_remove(struct sketch_pool *pool, uint32_t index)
{
    const struct sketch *sketch = &pool->sketches[index];
    pool->sketches[sketch->older].newer = sketch->newer;
    pool->sketches[sketch->newer].older = sketch->older;
}

static void list_add_newest(struct sketch_pool *pool, uint32_t index)
{
    struct sketch *head = &pool->sketches[0];
    pool->sketches[index].older = head->older;
    pool->sketches[index].newer = 0;
    pool->sketches[head->older].newer = index;
    head->older = index;
}

static uint32_t free_index(struct sketch_pool *pool)
{
    if (pool->free == 0 && pool->touched == pool->limit) {
        sketch_release(pool, pool->sketches[pool->sketches[0].newer].owner);
        pool->evicted++;
    }
    if (pool->free == 0)
        return ++pool->touched;
    const uint32_t index = pool->free;
    pool->free = pool->sketches[index].newer;
    return index;
}

void sketch_take(struct sketch_pool *pool, uint32_t *owner)
{
    const uint32_t index = free_index(pool);
    struct sketch *sketch = &pool->sketches[index];
    memset(sketch->ranks, 0, sizeof sketch->ranks);
    sketch->owner = owner;
    *owner = index;
    list_add_newest(pool, index);
}

void sketch_release(struct sketch_pool *pool, uint32_t *owner)
{
    const uint32_t index = *owner;
    assert(index > 0);
    list_remove(pool, index);
    pool->sketches[index].newer = pool->free;
    pool->free = index;
    *owner = 0;
}

void sketch_touch(struct sketch_pool *pool, uint32_t index)
{
    list_remove(pool, index);
    list_add_newest(pool, index);
}

void sketch_note(struct sketch *sketch, uint32_t hash, uint32_t now)
{
    const unsigned place = hash % SKETCH_REGISTERS;
    const uint32_t rest = hash >> REGISTER_BITS | UINT32_C(1) << (SKETCH_RANKS - 1);
    const unsigned rank = (unsigned)__builtin_ctz(rest);
    const unsigned higher = ~0U << rank << 1;
    sketch->ranks[place] = (uint16_t)((sketch->ranks[place] & higher) | 1U << rank);
    sketch->seen[rank][place] = now;
}

/* The greatest rank of a register, plus 1, seen at most `age` flows ago; 0: none. */
static unsigned register_value(const struct sketch *sketch, unsigned place, uint32_t now,
                               uint32_t age)
{
    uint32_t ranks = sketch->ranks[place];
    while (ranks != 0) {
        const unsigned rank = 31U - (unsigned)__builtin_clz(ranks);
        if (now - sketch->seen[rank][place] <= age)
            return rank + 1;
        ranks ^= UINT32_C(1) << rank;
    }
    return 0;
}

/* Sums over the registers: whole numbers, so their order cannot matter. */
struct register_sums {
    uint32_t empty;
    uint32_t powers; /* of 2^-value, times 2^SKETCH_RANKS */
};

static void add_register(struct register_sums *sums, unsigned value)
{
    sums->empty += value == 0;
    sums->powers += UINT32_C(1) << (SKETCH_RANKS - value);
}

/* HyperLogLog; linear counting where the registers are few (section 4 of the paper). */
static uint32_t estimate_of(struct register_sums sums)
{
    const double registers = SKETCH_REGISTERS;
    const double harmonic = (double)sums.powers / (1 << SKETCH_RANKS);
    double estimate = ALPHA * registers * registers / harmonic;
    if (estimate <= 2.5 * registers && sums.empty > 0)
        estimate = registers * LN2 * logarithm_base2(registers / sums.empty);
    return (uint32_t)(estimate + 0.5);
}

struct sketch_counts sketch_estimate(const struct sketch *sketch, const struct horizon *horizon)
{
    const uint32_t now = (uint32_t)horizon->now;
    const uint32_t window_age = (uint32_t)(horizon->now - horizon->window);
    const uint32_t ten_minutes_age = (uint32_t)(horizon->now - horizon->ten_minutes);
    struct register_sums window = {.empty = 0}, ten_minutes = {.empty = 0};
    for (unsigned place = 0; place < SKETCH_REGISTERS; place++) {
        add_register(&window, register_value(sketch, place, now, window_age));
        add_register(&ten_minutes, register_value(sketch, place, now, ten_minutes_age));
    }
    return (struct sketch_counts){.window = estimate_of(window),
                                  .ten_minutes = estimate_of(ten_minutes)};
}
