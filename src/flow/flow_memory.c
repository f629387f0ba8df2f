/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_memory.h"

#include "base/prefetch.h"

#include <assert.h>
#include <stdlib.h>

enum { UPCOMING = 7 }; /* in a heap its first three levels */

/* What the wheel has slots for. A full memory of a busy network is younger than that; of another
 * there is a heap to go through, in no hurry. With slots for all of ten minutes a wide one could
 * hold all there is, and opening it took up to 10 ms. */
#define SLOTS_SPAN_NS (INT64_C(60) * 1000000000)

static int64_t slots_span_ns(int64_t keep_ns)
{
    if (keep_ns <= 0)
        return 1;
    return keep_ns < SLOTS_SPAN_NS ? keep_ns : SLOTS_SPAN_NS;
}

bool flow_memory_init(struct flow_memory *memory, uint32_t capacity, int64_t keep_ns)
{
    assert(capacity > 0);
    *memory = (struct flow_memory){.capacity = capacity, .keep_ns = keep_ns};
    const uint32_t item_count = capacity + 1;
    memory->nodes = calloc(item_count, sizeof *memory->nodes);
    memory->entries = calloc(item_count, sizeof *memory->entries);
    if (memory->nodes == NULL || memory->entries == NULL ||
        !item_pool_init(&memory->pool, item_count) || !flow_index_init(&memory->index, capacity) ||
        !wheel_init(&memory->wheel, memory->nodes, item_count, slots_span_ns(keep_ns))) {
        flow_memory_deinit(memory);
        return false;
    }
    return true;
}

void flow_memory_deinit(struct flow_memory *memory)
{
    wheel_deinit(&memory->wheel);
    flow_index_deinit(&memory->index);
    free(memory->nodes);
    free(memory->entries);
    item_pool_deinit(&memory->pool);
    *memory = (struct flow_memory){0};
}

static bool find_entry(const struct flow_memory *memory, const struct flow_key *key, uint32_t hash,
                       uint32_t *item)
{
    struct flow_index_probe probe = flow_index_start(&memory->index, hash);
    while (flow_index_next(&memory->index, &probe, item))
        if (flow_key_equal(&memory->entries[*item].key, key))
            return true;
    return false;
}

static void forget(struct flow_memory *memory, uint32_t item)
{
    wheel_remove(&memory->wheel, item);
    flow_index_remove(&memory->index, memory->entries[item].hash, item);
    item_pool_put(&memory->pool, item);
}

/* Has fetched what is forgotten next: it was last touched long ago. As in flow_table_end.c, of the
 * heap's first levels the upper ones have their entry by now, which leads to the index. */
static void prefetch_upcoming(const struct flow_memory *memory)
{
    uint32_t items[UPCOMING];
    const uint32_t count = wheel_upcoming(&memory->wheel, items, UPCOMING);
    for (uint32_t i = 1; i < count && i < 3; i++)
        flow_index_prefetch(&memory->index, memory->entries[items[i]].hash);
    for (uint32_t i = 3; i < count; i++)
        prefetch(&memory->entries[items[i]]);
}

static void forget_oldest(struct flow_memory *memory)
{
    uint32_t item;
    const bool has_first = wheel_first(&memory->wheel, INT64_MAX, &item);
    assert(has_first);
    (void)has_first;
    prefetch_upcoming(memory);
    forget(memory, item);
    memory->evicted++;
}

void flow_memory_add(struct flow_memory *memory, const struct flow_key *key, uint32_t hash,
                     uint8_t initiator, struct wheel_key last)
{
    uint32_t item;
    if (find_entry(memory, key, hash, &item)) {
        /* An entry never grows older (a flow of late packets ended): else what a full memory holds
         * would depend on the order of additions. */
        const struct wheel_key known = memory->nodes[item].key;
        if (known.time_ns > last.time_ns)
            last = known;
        wheel_remove(&memory->wheel, item);
    } else {
        item = item_pool_get(&memory->pool);
        memory->entries[item] = (struct flow_memory_entry){.key = *key, .hash = hash};
        flow_index_insert(&memory->index, hash, item);
    }
    memory->entries[item].initiator = initiator;
    wheel_insert(&memory->wheel, item, last);
    if (wheel_count(&memory->wheel) > memory->capacity)
        forget_oldest(memory);
}

bool flow_memory_find(struct flow_memory *memory, const struct flow_key *key, uint32_t hash,
                      int64_t now_ns, uint8_t *initiator)
{
    uint32_t item;
    if (!find_entry(memory, key, hash, &item))
        return false;
    if (now_ns - memory->nodes[item].key.time_ns > memory->keep_ns) {
        forget(memory, item);
        return false;
    }
    *initiator = memory->entries[item].initiator;
    return true;
}

const struct flow_memory_entry *flow_memory_next(const struct flow_memory *memory,
                                                 uint32_t *position)
{
    const struct flow_index *const index = &memory->index;
    while (*position <= index->mask) {
        const uint32_t item_plus_1 = index->slots[(*position)++].item_plus_1;
        if (item_plus_1 != 0)
            return &memory->entries[item_plus_1 - 1];
    }
    return NULL;
}

void flow_memory_count_unasked(struct flow_memory *memory, uint32_t count)
{
    const uint32_t room = memory->capacity - flow_memory_count(memory);
    const uint32_t kept = count < room ? count : room;
    memory->unasked += kept;
    memory->evicted += count - kept;
}

void flow_memory_clear(struct flow_memory *memory)
{
    uint32_t item;
    while (wheel_first(&memory->wheel, INT64_MAX, &item))
        forget(memory, item);
}

size_t flow_memory_bytes(const struct flow_memory *memory)
{
    const size_t an_entry = sizeof *memory->nodes + sizeof *memory->entries + 2 * sizeof(uint32_t);
    return memory->capacity * an_entry + flow_index_memory_bytes(&memory->index);
}
