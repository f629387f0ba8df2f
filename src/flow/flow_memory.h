/* SPDX-License-Identifier: Apache-2.0 */
/* Who opened the conversations that ended lately. A packet that goes on with one of them would
 * otherwise look like an inbound flow: two thirds of a prototype's false alarms were a server's
 * keep-alives. Bounded; the entry that goes first is the least by (last packet, opening number),
 * so that what is remembered does not depend on when the sweep ran. Owned by the flow table. */
#ifndef WHYFLOW_FLOW_MEMORY_H
#define WHYFLOW_FLOW_MEMORY_H

#include "base/item_pool.h"
#include "base/wheel.h"
#include "flow/flow_index.h"
#include "flow/flow_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_memory_entry {
    struct flow_key key;
    uint32_t hash;
    uint8_t initiator;
};

struct flow_memory {
    struct flow_index index;
    struct wheel wheel;
    struct wheel_node *nodes;
    struct flow_memory_entry *entries;
    struct item_pool pool; /* one entry more than the capacity */
    uint32_t capacity;
    int64_t keep_ns; /* how long after its last packet a conversation is remembered */
    uint64_t evicted;
    uint32_t unasked; /* see flow_memory_count_unasked */
};

bool flow_memory_init(struct flow_memory *memory, uint32_t capacity, int64_t keep_ns);
void flow_memory_deinit(struct flow_memory *memory);

/* Remembers an ended conversation, or renews it. Where it is the least of all and there is no room,
 * it is the one that is forgotten. */
void flow_memory_add(struct flow_memory *memory, const struct flow_key *key, uint32_t hash,
                     uint8_t initiator, struct wheel_key last);

/* The initiator of a conversation that ended no longer than keep_ns before now_ns. */
bool flow_memory_find(struct flow_memory *memory, const struct flow_key *key, uint32_t hash,
                      int64_t now_ns, uint8_t *initiator);

/* The next entry from *position on, 0 at the start, in no order; NULL: there are no more. */
const struct flow_memory_entry *flow_memory_next(const struct flow_memory *memory,
                                                 uint32_t *position);

/* Conversations have ended that are not in memory and that nobody will ask for: they are counted as
 * if they had been added. Nothing may be added after that. */
void flow_memory_count_unasked(struct flow_memory *memory, uint32_t count);

/* How many are remembered, with those. */
static inline uint32_t flow_memory_count(const struct flow_memory *memory)
{
    return wheel_count(&memory->wheel) + memory->unasked;
}

void flow_memory_clear(struct flow_memory *memory);

size_t flow_memory_bytes(const struct flow_memory *memory);

#endif
