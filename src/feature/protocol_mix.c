/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/protocol_mix.h"

#include "feature/logarithm.h"
#include "whyflow/packet.h"

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

/* Where a protocol is counted in place; NULL: in a cell. */
static uint32_t *place_of(struct protocol_mix *mix, uint8_t protocol)
{
    if (protocol == PACKET_PROTOCOL_TCP)
        return &mix->tcp;
    return protocol == PACKET_PROTOCOL_UDP ? &mix->udp : NULL;
}

void protocol_mix_add(struct protocol_mix *mix, struct protocol_pool *pool, uint8_t protocol)
{
    mix->flows++;
    uint32_t *const place = place_of(mix, protocol);
    if (place != NULL) {
        (*place)++;
        return;
    }
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
    mix->flows--;
    uint32_t *const place = place_of(mix, protocol);
    if (place != NULL) {
        assert(*place > 0);
        (*place)--;
        return;
    }
    uint32_t *link = link_to(mix, pool, protocol);
    const uint32_t index = *link;
    assert(index != 0);
    assert(pool->cells[index].protocol == protocol);
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
    mix->flows = mix->tcp = mix->udp = 0;
}

/* What one protocol adds to the entropy. */
static double entropy_of(const struct protocol_mix *mix, uint32_t protocol_flows)
{
    const double flows = protocol_flows;
    return flows > 0 ? flows / mix->flows * logarithm_base2(mix->flows / flows) : 0;
}

/* Adds the cells from *index on whose protocol is below `end`, and moves on behind them. */
static double add_cells(const struct protocol_mix *mix, const struct protocol_pool *pool,
                        uint32_t *index, unsigned end, double bits)
{
    for (; *index != 0 && pool->cells[*index].protocol < end; *index = pool->cells[*index].next)
        bits += entropy_of(mix, pool->cells[*index].flows);
    return bits;
}

double protocol_mix_entropy(const struct protocol_mix *mix, const struct protocol_pool *pool)
{
    uint32_t index = mix->first;
    double bits = add_cells(mix, pool, &index, PACKET_PROTOCOL_TCP, 0);
    bits += entropy_of(mix, mix->tcp);
    bits = add_cells(mix, pool, &index, PACKET_PROTOCOL_UDP, bits);
    bits += entropy_of(mix, mix->udp);
    return add_cells(mix, pool, &index, UINT8_MAX + 1, bits);
}
