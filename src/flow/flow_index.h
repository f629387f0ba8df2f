/* SPDX-License-Identifier: Apache-2.0 */
/* From a 32-bit hash to items that may have it: open addressing, linear probing, backward-shift
 * deletion, half full at most, never grown. The owner holds the items and compares their keys.
 *
 * Why not uthash here: measured at a million flows, uthash with preset buckets takes 250 ns a
 * look-up and update, this in batches with prefetch 53; and uthash's handle costs 56 bytes a flow.
 * The hash must be keyed (siphash13), or chosen packets could line up in one run.
 * One thread at a time; no allocation after flow_index_init. */
#ifndef WHYFLOW_FLOW_INDEX_H
#define WHYFLOW_FLOW_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct flow_index_slot {
    uint32_t hash;
    uint32_t item_plus_1; /* 0: empty */
};

struct flow_index {
    struct flow_index_slot *slots;
    uint32_t mask;
};

/* A look-up under way. */
struct flow_index_probe {
    uint32_t hash;
    uint32_t position;
};

/* Room for item_count items. False if memory is short. */
bool flow_index_init(struct flow_index *index, uint32_t item_count);
void flow_index_deinit(struct flow_index *index);

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
    __builtin_prefetch(&index->slots[hash & index->mask]);
}

void flow_index_insert(struct flow_index *index, uint32_t hash, uint32_t item);

/* The item must be in the index under this hash. */
void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t item);

#endif
