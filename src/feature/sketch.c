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
        uint32_t *owner = pool->sketches[pool->sketches[0].newer].owner;
        sketch_release(pool, owner);
        *owner = SKETCH_LOST;
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
    assert(index > 0 && index != SKETCH_LOST);
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

/* The two horizons as ages in flows, whichever of them is the longer. */
struct register_ages {
    uint32_t shorter, longer;
};

/* Adds a register to both sums: its greatest rank, plus 1, inside each horizon; 0 if none. Ages
 * fall with the rank, so one way down from the top meets the longer horizon's value first. */
static void add_values(const struct sketch *sketch, unsigned place, uint32_t now,
                       struct register_ages ages, struct register_sums sums[2])
{
    unsigned longer = 0, shorter = 0;
    for (uint32_t ranks = sketch->ranks[place]; ranks != 0 && shorter == 0;) {
        const unsigned rank = 31U - (unsigned)__builtin_clz(ranks);
        const uint32_t age = now - sketch->seen[rank][place];
        if (longer == 0 && age <= ages.longer)
            longer = rank + 1;
        if (age <= ages.shorter)
            shorter = rank + 1;
        ranks ^= UINT32_C(1) << rank;
    }
    add_register(&sums[0], shorter);
    add_register(&sums[1], longer);
}

struct sketch_counts sketch_estimate(const struct sketch *sketch, const struct horizon *horizon)
{
    const uint32_t window_age = (uint32_t)(horizon->now - horizon->window);
    const uint32_t ten_minutes_age = (uint32_t)(horizon->now - horizon->ten_minutes);
    const bool is_window_longer = window_age > ten_minutes_age;
    const struct register_ages ages = {
        .shorter = is_window_longer ? ten_minutes_age : window_age,
        .longer = is_window_longer ? window_age : ten_minutes_age,
    };
    struct register_sums sums[2] = {{.empty = 0}, {.empty = 0}};
    for (unsigned place = 0; place < SKETCH_REGISTERS; place++)
        add_values(sketch, place, (uint32_t)horizon->now, ages, sums);
    return (struct sketch_counts){
        .window = estimate_of(sums[is_window_longer]),
        .ten_minutes = estimate_of(sums[!is_window_longer]),
    };
}
