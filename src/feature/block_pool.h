/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of one size that entries of the room's tables take once they have more to keep than most:
 * a host's second flow, a third port. With as many blocks as can ever be asked for a pool never
 * runs dry, and what was never used costs no memory, because the system backs pages as they are
 * touched. Owned by a feature engine, the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_BLOCK_POOL_H
#define WHYFLOW_FEATURE_BLOCK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_pool {
    uint8_t *blocks; /* of index 1, 2, ...: 0 says "none" */
    size_t block_bytes;
    uint32_t limit;
    uint32_t touched; /* blocks ever taken; those beyond are untouched memory */
    uint32_t free;    /* a list by the first 4 bytes of each; 0: none */
};

bool block_pool_init(struct block_pool *pool, size_t block_bytes, uint32_t limit);
void block_pool_deinit(struct block_pool *pool);
void block_pool_clear(struct block_pool *pool); /* all are free; owners are not told */
size_t block_pool_memory_bytes(const struct block_pool *pool);

/* Index (> 0) of a block of zeros. There must be one left. */
uint32_t block_pool_take(struct block_pool *pool);
/* Frees *index, unless it is 0, and sets it to 0. */
void block_pool_release(struct block_pool *pool, uint32_t *index);

/* A block's memory stays where it is until it is released. */
static inline void *block_pool_at(const struct block_pool *pool, uint32_t index)
{
    return pool->blocks + (index - 1) * pool->block_bytes;
}

#endif
