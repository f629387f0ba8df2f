/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_index.h"

#include "base/pages.h"

#include <assert.h>

enum {
    SLOTS_LEAST = 8192,    /* 64 KiB */
    SLOTS_MIDDLE = 131072, /* half of them can be moved at once */
    SLICE_SLOTS = 8192,
};

static size_t range_bytes(const struct flow_index *index)
{
    return 2 * (size_t)index->slots_most * sizeof *index->range;
}

static void use_slots(struct flow_index *index, uint32_t slot_count)
{
    index->slots = index->range + slot_count;
    index->mask = slot_count - 1;
    index->widen_at = slot_count < index->slots_most ? slot_count / 4 : UINT32_MAX;
    index->backed = 0;
}

static void back(struct flow_index *index, uint32_t first, uint32_t slot_count)
{
    pages_back(index->range + first, slot_count * sizeof *index->range);
}

bool flow_index_init(struct flow_index *index, uint32_t item_count)
{
    assert(item_count < UINT32_C(1) << 30);
    uint32_t slot_count = 16;
    while (slot_count < 2 * item_count)
        slot_count *= 2;
    *index = (struct flow_index){.slots_most = slot_count};
    index->range = pages_open(range_bytes(index));
    if (index->range == NULL)
        return false;
    use_slots(index, slot_count < SLOTS_LEAST ? slot_count : SLOTS_LEAST);
    back(index, index->mask + 1, index->mask + 1);
    return true;
}

void flow_index_grow_out(struct flow_index *index)
{
    assert(index->count == 0);
    use_slots(index, index->slots_most);
    back(index, index->slots_most, index->slots_most);
}

void flow_index_deinit(struct flow_index *index)
{
    pages_close(index->range, range_bytes(index));
    *index = (struct flow_index){.range = NULL};
}

size_t flow_index_memory_bytes(const struct flow_index *index)
{
    return (size_t)index->slots_most * sizeof *index->slots;
}

static void insert(struct flow_index *index, uint32_t hash, uint32_t item)
{
    uint32_t position = hash & index->mask;
    while (index->slots[position].item_plus_1 != 0)
        position = (position + 1) & index->mask;
    index->slots[position] = (struct flow_index_slot){.hash = hash, .item_plus_1 = item + 1};
}

static uint32_t next_slot_count(const struct flow_index *index)
{
    const bool goes_by_middle = index->mask + 1 < SLOTS_MIDDLE && index->slots_most > SLOTS_MIDDLE;
    return goes_by_middle ? SLOTS_MIDDLE : index->slots_most;
}

/* In an order that reads and writes from front to back. */
static void grow(struct flow_index *index)
{
    const struct flow_index_slot *const slots = index->slots;
    const uint32_t slot_count = index->mask + 1;
    use_slots(index, next_slot_count(index));
    for (uint32_t i = 0; i < slot_count; i++)
        if (slots[i].item_plus_1 != 0)
            insert(index, slots[i].hash, slots[i].item_plus_1 - 1);
    pages_clear(index->range + slot_count, slot_count * sizeof *slots);
}

/* More than a quarter is full: the next size is backed as the second quarter fills. */
static void widen(struct flow_index *index)
{
    const uint32_t quarter = (index->mask + 1) / 4, next = next_slot_count(index);
    const uint64_t due = (uint64_t)(index->count - quarter) * next / quarter;
    for (; index->backed < due && index->backed < next; index->backed += SLICE_SLOTS)
        back(index, next + index->backed, SLICE_SLOTS);
    if (index->count > 2 * quarter)
        grow(index);
}

void flow_index_insert(struct flow_index *index, uint32_t hash, uint32_t item)
{
    if (++index->count > index->widen_at)
        widen(index);
    insert(index, hash, item);
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
    index->count--;
}
