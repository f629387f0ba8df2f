/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/protocol_mix.h"

#include "feature/logarithm.h"

#include <assert.h>
#include <stdlib.h>

bool protocol_pool_init(struct protocol_pool *pool, uint32_t limit)
{
    *pool = (struct protocol_pool){.limit = limit};
    pool->cells = calloc(limit + (size_t)1, sizeof *pool->cells);
    return pool->cells != NULL;
}

void protocol_pool_deinit(struct protocol_pool *pool)
{
    free(pool->cells);
    *pool = (struct protocol_pool){.limit = 0};
}

void protocol_pool_clear(struct protocol_pool *pool)
{
    pool->touched = pool->free = 0;
}

size_t protocol_pool_memory_bytes(const struct protocol_pool *pool)
{
    return (pool->limit + (size_t)1) * sizeof *pool->cells;
}

static uint32_t take_cell(struct protocol_pool *pool)
{
    const uint32_t index = pool->free;
    if (index != 0) {
        pool->free = pool->cells[index].next;
        return index;
    }
    assert(pool->touched < pool->limit);
    return ++pool->touched;
}

static void free_cell(struct protocol_pool *pool, uint32_t index)
{
    pool->cells[index].next = pool->free;
    pool->free = index;
}

/* The link that leads to the first cell whose protocol is not below `protocol`. */
static uint32_t *link_to(struct protocol_mix *mix, const struct protocol_pool *pool,
                         uint8_t protocol)
{
    uint32_t *link = &mix->first;
    while (*link != 0 && pool->cells[*link].protocol < protocol)
        link = &pool->cells[*link].next;
    return link;
}

void protocol_mix_add(struct protocol_mix *mix, struct protocol_pool *pool, uint8_t protocol)
{
    mix->flows++;
    uint32_t *link = link_to(mix, pool, protocol);
    if (*link == 0 || pool->cells[*link].protocol != protocol) {
        const uint32_t index = take_cell(pool);
        pool->cells[index] = (struct protocol_cell){.next = *link, .protocol = protocol};
        *link = index;
    }
    pool->cells[*link].flows++;
}

void protocol_mix_remove(struct protocol_mix *mix, struct protocol_pool *pool, uint8_t protocol)
{
    uint32_t *link = link_to(mix, pool, protocol);
    const uint32_t index = *link;
    assert(index != 0);
    assert(pool->cells[index].protocol == protocol);
    mix->flows--;
    if (--pool->cells[index].flows > 0)
        return;
    *link = pool->cells[index].next;
    free_cell(pool, index);
}

void protocol_mix_release(struct protocol_mix *mix, struct protocol_pool *pool)
{
    while (mix->first != 0) {
        const uint32_t index = mix->first;
        mix->first = pool->cells[index].next;
        free_cell(pool, index);
    }
    mix->flows = 0;
}

double protocol_mix_entropy(const struct protocol_mix *mix, const struct protocol_pool *pool)
{
    double bits = 0;
    for (uint32_t i = mix->first; i != 0; i = pool->cells[i].next) {
        const double flows = (double)pool->cells[i].flows;
        bits += flows / mix->flows * logarithm_base2(mix->flows / flows);
    }
    return bits;
}
