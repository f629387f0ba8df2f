/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/distinct.h"

#include <stdbool.h>

/* Drops what lies before the older horizon. Ages are differences of 32-bit numbers: nothing listed
 * is older than 2^32 flows, because a list without a note that long is emptied first. */
static void drop_old(struct distinct *distinct, const struct horizon *horizon)
{
    const uint64_t oldest = horizon_oldest(horizon);
    if (distinct->last < oldest)
        distinct->count = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < distinct->count; i++) {
        if ((uint32_t)horizon->now - distinct->seen[i] > horizon->now - oldest)
            continue;
        distinct->hash[kept] = distinct->hash[i];
        distinct->seen[kept++] = distinct->seen[i];
    }
    distinct->count = kept;
}

/* Where the hash is listed, or `count`. */
static uint32_t place_of(const struct distinct *distinct, uint32_t hash)
{
    uint32_t i = 0;
    while (i < distinct->count && distinct->hash[i] != hash)
        i++;
    return i;
}

static uint32_t place_of_oldest(const struct distinct *distinct, uint32_t now)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < distinct->count; i++)
        if (now - distinct->seen[i] > now - distinct->seen[oldest])
            oldest = i;
    return oldest;
}

/* A sketch that knows what the list knows, told oldest first. */
static void start_sketch(struct distinct *distinct, struct sketch_pool *pool, uint32_t now)
{
    sketch_take(pool, &distinct->sketch);
    struct sketch *sketch = &pool->sketches[distinct->sketch];
    struct distinct rest = *distinct;
    while (rest.count > 0) {
        const uint32_t i = place_of_oldest(&rest, now);
        sketch_note(sketch, rest.hash[i], rest.seen[i]);
        rest.count--;
        rest.hash[i] = rest.hash[rest.count];
        rest.seen[i] = rest.seen[rest.count];
    }
}

void distinct_note(struct distinct *distinct, struct sketch_pool *pool, uint32_t hash,
                   const struct horizon *horizon)
{
    const uint32_t now = (uint32_t)horizon->now;
    drop_old(distinct, horizon);
    if (distinct->sketch == SKETCH_LOST) {
        distinct->sketch = 0;
        distinct->lost = horizon->now;
    }
    if (distinct->count < DISTINCT_LISTED)
        distinct_release(distinct, pool); /* the list is complete: it knows all the sketch does */
    uint32_t place = place_of(distinct, hash);
    if (place == DISTINCT_LISTED) {
        if (distinct->sketch == 0)
            start_sketch(distinct, pool, now);
        place = place_of_oldest(distinct, now);
    } else if (place == distinct->count) {
        distinct->count++;
    }
    distinct->hash[place] = hash;
    distinct->seen[place] = now;
    distinct->last = horizon->now;
    if (distinct->sketch == 0)
        return;
    sketch_note(&pool->sketches[distinct->sketch], hash, now);
    sketch_touch(pool, distinct->sketch);
}

/* Below 16 in the list: exact, else at least 16. */
static uint32_t listed_or(uint32_t listed, uint32_t estimate)
{
    return listed < DISTINCT_LISTED || estimate < listed ? listed : estimate;
}

struct sketch_counts distinct_count(const struct distinct *distinct, const struct sketch_pool *pool,
                                    const struct horizon *horizon)
{
    struct sketch_counts listed = {.window = 0};
    for (uint32_t i = 0; i < distinct->count; i++) {
        const uint32_t age = (uint32_t)horizon->now - distinct->seen[i];
        listed.window += age <= horizon->now - horizon->window;
        listed.ten_minutes += age <= horizon->now - horizon->ten_minutes;
    }
    if (distinct->sketch == 0 || distinct->sketch == SKETCH_LOST)
        return listed;
    const struct sketch_counts estimate =
        sketch_estimate(&pool->sketches[distinct->sketch], horizon);
    return (struct sketch_counts){
        .window = listed_or(listed.window, estimate.window),
        .ten_minutes = listed_or(listed.ten_minutes, estimate.ten_minutes),
    };
}

void distinct_release(struct distinct *distinct, struct sketch_pool *pool)
{
    if (distinct->sketch != 0 && distinct->sketch != SKETCH_LOST)
        sketch_release(pool, &distinct->sketch);
}
