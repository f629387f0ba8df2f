/* SPDX-License-Identifier: Apache-2.0 */
/* From a 32-bit hash to items that may have it: open addressing, linear probing, backward-shift
 * deletion, half full at most. The owner holds the items and compares their keys.
 *
 * Why not uthash here: measured at a million flows, uthash with preset buckets takes 250 ns a
 * look-up and update, this in batches with prefetch 53; and uthash's handle costs 56 bytes a flow.
 * The hash must be keyed (siphash13), or chosen packets could line up in one run.
 *
 * It is as large as what it holds needs, in three sizes: once half of one is full it moves on. Of
 * a capture with few flows it thus stays in the cache, and 16 MB need not be backed with memory,
 * which was half of what starting costs. All sizes lie in one range of addresses taken at the
 * start, that of n slots at slot n: growing allocates nothing and cannot fail. What is moved to is
 * backed before in slices, so that the last step, from 131,072 slots to all there is room for,
 * stops the thread for 1 to 2 ms; live it is made at the start. Rejected: steps of 2 (the last
 * moves half a million items, 3 ms), steps of 16 to the end (with room for 4 million flows a
 * million, 10 ms), large pages for it (1 to 40 ms to find them), and to move a few slots at a
 * packet, which is two look-ups for as long as it lasts.
 * One thread at a time. */
#ifndef WHYFLOW_FLOW_INDEX_H
#define WHYFLOW_FLOW_INDEX_H

#include "base/prefetch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_index_slot {
    uint32_t hash;
    uint32_t item_plus_1; /* 0: empty */
};

struct flow_index {
    struct flow_index_slot *slots;
    uint32_t mask;
    uint32_t count;      /* of items */
    uint32_t widen_at;   /* how many items have it prepare to grow */
    uint32_t backed;     /* slots of the next size with memory behind them */
    uint32_t slots_most; /* that it may grow to */
    struct flow_index_slot *range;
};

/* A look-up under way. */
struct flow_index_probe {
    uint32_t hash;
    uint32_t position;
};

/* Room for item_count items. False if memory is short. */
bool flow_index_init(struct flow_index *index, uint32_t item_count);
/* Goes to the full size at once. For an index that is empty. */
void flow_index_grow_out(struct flow_index *index);
void flow_index_deinit(struct flow_index *index);

/* At its full size. */
size_t flow_index_memory_bytes(const struct flow_index *index);

static inline struct flow_index_probe flow_index_start(const struct flow_index *index,
                                                       uint32_t hash)
{
    return (struct flow_index_probe){.hash = hash, .position = hash & index->mask};
}

/* The next item whose hash is the probe's; false at the end of the run. */
static inline bool flow_index_next(const struct flow_index *index, struct flow_index_probe *probe,
                                   uint32_t *item)
{
    for (;;) {
        const struct flow_index_slot slot = index->slots[probe->position];
        if (slot.item_plus_1 == 0)
            return false;
        probe->position = (probe->position + 1) & index->mask;
        if (slot.hash == probe->hash) {
            *item = slot.item_plus_1 - 1;
            return true;
        }
    }
}

static inline void flow_index_prefetch(const struct flow_index *index, uint32_t hash)
{
    prefetch(&index->slots[hash & index->mask]);
}

void flow_index_insert(struct flow_index *index, uint32_t hash, uint32_t item);

/* The item must be in the index under this hash. */
void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t item);

#endif
