/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers 0 .. capacity - 1 handed out and taken back: the places of a fixed array. Places never
 * used come last, so that memory nobody needed is never touched. One thread at a time. */
#ifndef WHYFLOW_BASE_ITEM_POOL_H
#define WHYFLOW_BASE_ITEM_POOL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct item_pool {
    uint32_t *free_items;
    uint32_t free_count;
    uint32_t unused; /* items from here on were never handed out */
    uint32_t capacity;
};

/* False if memory is short. */
static inline bool item_pool_init(struct item_pool *pool, uint32_t capacity)
{
    *pool = (struct item_pool){.capacity = capacity};
    pool->free_items = calloc(capacity, sizeof *pool->free_items);
    return pool->free_items != NULL;
}

static inline void item_pool_deinit(struct item_pool *pool)
{
    free(pool->free_items);
    pool->free_items = NULL;
}

/* Takes all back. */
static inline void item_pool_clear(struct item_pool *pool)
{
    pool->free_count = pool->unused = 0;
}

static inline uint32_t item_pool_available(const struct item_pool *pool)
{
    return pool->free_count + (pool->capacity - pool->unused);
}

/* There must be one available. */
static inline uint32_t item_pool_get(struct item_pool *pool)
{
    assert(item_pool_available(pool) > 0);
    return pool->free_count > 0 ? pool->free_items[--pool->free_count] : pool->unused++;
}

/* What item_pool_get will return after `ahead` others, if nothing is put back; for having its
 * memory fetched. False: there are not so many. */
static inline bool item_pool_peek(const struct item_pool *pool, uint32_t ahead, uint32_t *item)
{
    if (ahead < pool->free_count)
        *item = pool->free_items[pool->free_count - 1 - ahead];
    else
        *item = pool->unused + (ahead - pool->free_count);
    return *item < pool->capacity;
}

static inline void item_pool_put(struct item_pool *pool, uint32_t item)
{
    assert(item < pool->unused);
    pool->free_items[pool->free_count++] = item;
}

#endif
