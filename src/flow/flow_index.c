/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_index.h"

#include "base/populate.h"

#include <assert.h>
#include <stdlib.h>

bool flow_index_init(struct flow_index *index, uint32_t item_count)
{
    assert(item_count < UINT32_C(1) << 30);
    uint32_t slot_count = 16;
    while (slot_count < 2 * item_count)
        slot_count *= 2;
    index->slots = calloc(slot_count, sizeof *index->slots);
    index->mask = slot_count - 1;
    populate_memory(index->slots, slot_count * sizeof *index->slots);
    return index->slots != NULL;
}

void flow_index_deinit(struct flow_index *index)
{
    free(index->slots);
    index->slots = NULL;
}

void flow_index_insert(struct flow_index *index, uint32_t hash, uint32_t item)
{
    uint32_t position = hash & index->mask;
    while (index->slots[position].item_plus_1 != 0)
        position = (position + 1) & index->mask;
    index->slots[position] = (struct flow_index_slot){.hash = hash, .item_plus_1 = item + 1};
}

/* Closes the gap: each later entry of the run moves back unless it would pass its home. */
static void close_gap(struct flow_index *index, uint32_t gap)
{
    uint32_t position = gap;
    for (;;) {
        position = (position + 1) & index->mask;
        const struct flow_index_slot slot = index->slots[position];
        if (slot.item_plus_1 == 0)
            break;
        const uint32_t distance_home = (position - slot.hash) & index->mask;
        const uint32_t distance_gap = (position - gap) & index->mask;
        if (distance_home >= distance_gap) {
            index->slots[gap] = slot;
            gap = position;
        }
    }
    index->slots[gap] = (struct flow_index_slot){0};
}

void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t item)
{
    uint32_t position = hash & index->mask;
    while (index->slots[position].item_plus_1 != item + 1) {
        assert(index->slots[position].item_plus_1 != 0);
        position = (position + 1) & index->mask;
    }
    close_gap(index, position);
}
