/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/block_pool.h"

#include "base/pages.h"

#include <assert.h>
#include <string.h>

bool block_pool_init(struct block_pool *pool, size_t block_bytes, uint32_t limit)
{
    assert(block_bytes >= sizeof pool->free);
    *pool = (struct block_pool){.block_bytes = block_bytes, .limit = limit > 0 ? limit : 1};
    pool->blocks = pages_open(block_pool_memory_bytes(pool));
    return pool->blocks != NULL;
}

void block_pool_deinit(struct block_pool *pool)
{
    pages_close(pool->blocks, block_pool_memory_bytes(pool));
    *pool = (struct block_pool){.limit = 0};
}

void block_pool_clear(struct block_pool *pool)
{
    pool->touched = pool->free = 0;
}

size_t block_pool_memory_bytes(const struct block_pool *pool)
{
    return pool->limit * pool->block_bytes;
}

uint32_t block_pool_take(struct block_pool *pool)
{
    uint32_t index = pool->free;
    if (index != 0) {
        memcpy(&pool->free, block_pool_at(pool, index), sizeof pool->free);
    } else {
        assert(pool->touched < pool->limit);
        index = ++pool->touched;
    }
    memset(block_pool_at(pool, index), 0, pool->block_bytes);
    return index;
}

void block_pool_release(struct block_pool *pool, uint32_t *index)
{
    if (*index == 0)
        return;
    memcpy(block_pool_at(pool, *index), &pool->free, sizeof pool->free);
    pool->free = *index;
    *index = 0;
}
