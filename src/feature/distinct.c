/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/distinct.h"

#include "base/prefetch.h"

#include <string.h>

enum { LINE_BYTES = 64 };

bool distinct_pool_init(struct distinct_pool *pool, uint32_t counters, uint32_t sketches)
{
    *pool = (struct distinct_pool){.lists.limit = 0};
    return sketch_pool_init(&pool->sketches, sketches) &&
           block_pool_init(&pool->lists, sizeof(struct distinct_list), counters);
}

void distinct_pool_deinit(struct distinct_pool *pool)
{
    sketch_pool_deinit(&pool->sketches);
    block_pool_deinit(&pool->lists);
}

void distinct_pool_clear(struct distinct_pool *pool)
{
    sketch_pool_clear(&pool->sketches);
    block_pool_clear(&pool->lists);
}

size_t distinct_pool_memory_bytes(const struct distinct_pool *pool)
{
    return sketch_pool_memory_bytes(&pool->sketches) + block_pool_memory_bytes(&pool->lists);
}

static struct distinct_list *list_of(const struct distinct *distinct,
                                     const struct distinct_pool *pool)
{
    return block_pool_at(&pool->lists, distinct->list);
}

static const struct sketch_thing *things_of(const struct distinct *distinct,
                                            const struct distinct_pool *pool)
{
    return distinct->list != 0 ? list_of(distinct, pool)->things : distinct->things;
}

/* How many of the first `count` things were seen at most `age` flows ago. */
static uint32_t count_within(const struct sketch_thing *things, uint32_t count, uint32_t now,
                             uint64_t age)
{
    while (count > 0 && now - things[count - 1].seen > age)
        count--;
    return count;
}

/* Drops what lies before the older horizon. Ages are differences of 32-bit numbers: nothing listed
 * is older than 2^32 flows, because a list without a note that long is emptied first. */
static void drop_old(struct distinct *distinct, const struct sketch_thing *things,
                     const struct horizon *horizon)
{
    const uint64_t oldest = horizon_oldest(horizon);
    if (distinct->last < oldest)
        distinct->count = 0;
    distinct->count =
        count_within(things, distinct->count, (uint32_t)horizon->now, horizon->now - oldest);
}

/* Of a whole list, whether the hash is in it: two things at a time, because what a flood or a scan
 * brings is listed nowhere. Such vectors are gcc's and clang's, of whatever machine. */
static bool is_listed(const struct sketch_thing things[DISTINCT_LISTED], uint32_t hash)
{
    typedef uint32_t two_things __attribute__((vector_size(2 * sizeof(struct sketch_thing))));
    const two_things wanted = {hash, hash, hash, hash};
    two_things found = {0};
    for (unsigned i = 0; i < DISTINCT_LISTED; i += 2) {
        two_things two;
        memcpy(&two, &things[i], sizeof two);
        found |= (two_things)(two == wanted);
    }
    return (found[0] | found[2]) != 0; /* what lies between is when they were seen */
}

/* Where the hash is listed, or `count`. */
static uint32_t place_of(const struct sketch_thing *things, uint32_t count, uint32_t hash)
{
    uint32_t i = 0;
    if (count == DISTINCT_LISTED && !is_listed(things, hash))
        return count;
    while (i < count && things[i].hash != hash)
        i++;
    return i;
}

static void release_sketch(struct distinct *distinct, struct distinct_pool *pool)
{
    if (distinct->sketch != 0 && distinct->sketch != SKETCH_LOST)
        sketch_release(&pool->sketches, &distinct->sketch);
}

/* A list of few things, none of them lost, is not needed any more. */
static void fold_list(struct distinct *distinct, struct distinct_pool *pool,
                      const struct horizon *horizon)
{
    if (distinct->list == 0 || distinct->count >= DISTINCT_INSIDE ||
        distinct_is_cut(distinct, pool, horizon))
        return;
    memcpy(distinct->things, list_of(distinct, pool)->things, sizeof distinct->things);
    block_pool_release(&pool->lists, &distinct->list);
}

static void unfold_list(struct distinct *distinct, struct distinct_pool *pool)
{
    distinct->list = block_pool_take(&pool->lists);
    memcpy(list_of(distinct, pool)->things, distinct->things, sizeof distinct->things);
}

/* What the list and the sketch still have to say. */
static void drop_past(struct distinct *distinct, struct distinct_pool *pool,
                      const struct horizon *horizon)
{
    drop_old(distinct, things_of(distinct, pool), horizon);
    if (distinct->sketch == SKETCH_LOST) {
        distinct->sketch = 0;
        list_of(distinct, pool)->lost = horizon->now;
    }
    if (distinct->count == DISTINCT_LISTED)
        return;
    release_sketch(distinct, pool); /* the list is complete: it knows all the sketch does */
    fold_list(distinct, pool, horizon);
}

/* Puts the thing first; returns where it was, or `count`. */
static void put_first(struct sketch_thing *things, uint32_t place, struct sketch_thing thing)
{
    if (place > 0)
        memmove(things + 1, things, place * sizeof *things);
    things[0] = thing;
}

void distinct_begin(struct distinct *distinct, uint32_t hash, uint64_t number)
{
    distinct->last = number;
    distinct->count = 1;
    distinct->things[0] = (struct sketch_thing){.hash = hash, .seen = (uint32_t)number};
}

void distinct_note(struct distinct *distinct, struct distinct_pool *pool, uint32_t hash,
                   const struct horizon *horizon)
{
    drop_past(distinct, pool, horizon);
    uint32_t place = place_of(things_of(distinct, pool), distinct->count, hash);
    if (place == DISTINCT_LISTED) {
        if (distinct->sketch == 0)
            sketch_take(&pool->sketches, &distinct->sketch, list_of(distinct, pool)->things,
                        distinct->count);
        place--; /* the oldest makes room */
    } else if (place == distinct->count) {
        if (place == DISTINCT_INSIDE && distinct->list == 0)
            unfold_list(distinct, pool);
        distinct->count++;
    }
    const uint32_t now = (uint32_t)horizon->now;
    struct sketch_thing *const things =
        distinct->list != 0 ? list_of(distinct, pool)->things : distinct->things;
    put_first(things, place, (struct sketch_thing){.hash = hash, .seen = now});
    distinct->last = horizon->now;
    if (distinct->sketch == 0)
        return;
    sketch_note(&pool->sketches, distinct->sketch, hash, now);
    sketch_touch(&pool->sketches, distinct->sketch);
}

static uint32_t greater(uint32_t one, uint32_t other)
{
    return one > other ? one : other;
}

/* Below 16 in the list: exact, and nobody asks the sketch; else at least 16. */
struct distinct_counts distinct_count(const struct distinct *distinct,
                                      const struct distinct_pool *pool,
                                      const struct horizon *horizon)
{
    const struct sketch_thing *const things = things_of(distinct, pool);
    const uint32_t now = (uint32_t)horizon->now;
    const uint32_t index = distinct->sketch;
    struct distinct_counts counts = {
        .window = count_within(things, distinct->count, now, horizon->now - horizon->window),
        .ten_minutes =
            count_within(things, distinct->count, now, horizon->now - horizon->ten_minutes),
    };
    if (index == 0 || index == SKETCH_LOST)
        return counts;
    if (counts.window == DISTINCT_LISTED)
        counts.window =
            greater(counts.window, sketch_estimate_window(&pool->sketches, index, horizon));
    if (counts.ten_minutes == DISTINCT_LISTED)
        counts.ten_minutes = greater(counts.ten_minutes,
                                     sketch_estimate_ten_minutes(&pool->sketches, index, horizon));
    return counts;
}

bool distinct_is_cut(const struct distinct *distinct, const struct distinct_pool *pool,
                     const struct horizon *horizon)
{
    if (distinct->list == 0)
        return false;
    const uint64_t lost = list_of(distinct, pool)->lost;
    return lost != 0 && lost >= horizon_oldest(horizon);
}

void distinct_release(struct distinct *distinct, struct distinct_pool *pool)
{
    release_sketch(distinct, pool);
    block_pool_release(&pool->lists, &distinct->list);
}

void distinct_warm(const struct distinct *distinct, const struct distinct_pool *pool, uint32_t hash)
{
    const uint8_t *const list = distinct->list != 0 ? (uint8_t *)list_of(distinct, pool) : NULL;
    for (size_t i = 0; list != NULL && i < sizeof(struct distinct_list); i += LINE_BYTES)
        prefetch(list + i);
    if (distinct->sketch != 0 && distinct->sketch != SKETCH_LOST)
        sketch_warm(&pool->sketches, distinct->sketch, hash);
}
