/* SPDX-License-Identifier: Apache-2.0 */
/* A timing wheel: items in the exact order of (time, number), cheaply.
 *
 * Most items are touched again before their time comes, so an owner does not move an item at every
 * touch: it leaves it at its old key, and when wheel_first shows it, compares with the item's true
 * key and puts it back later if that has grown. That is exact as long as true keys only grow.
 *
 * Inside: slots of equal width hold unsorted lists; the slots up to `base` have been emptied into a
 * heap, whose top is the least of all. An insertion into a future slot is O(1), and only the slot
 * at the front is ever sorted. Rejected: a heap alone (10 levels of cache misses an item at a
 * million items), an LRU list (a move at every packet; and late packets break its order).
 *
 * Several wheels may share one array of nodes; an item is in at most one of them at a time. One
 * thread at a time; no allocation after wheel_init. */
#ifndef WHYFLOW_BASE_WHEEL_H
#define WHYFLOW_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct wheel_key {
    int64_t time_ns; /* >= 0 */
    uint64_t number;
};

/* An item's place. The owner keeps an array of them, indexed by item, zeroed at the start. */
struct wheel_node {
    struct wheel_key key;
    uint32_t next, previous; /* in a slot's list; in the heap, next is the position */
    uint32_t place;          /* enum-like: WHEEL_NOWHERE, WHEEL_HEAP, or 2 + slot */
};

struct wheel {
    struct wheel_node *nodes; /* the owner's */
    uint32_t *heap;           /* items */
    uint32_t *slots;          /* first item of each list, or WHEEL_NO_ITEM */
    uint32_t heap_count;
    uint32_t listed_count; /* items in slots */
    int64_t base;          /* slots up to here are in the heap */
    unsigned slot_shift;   /* a slot is 2^slot_shift nanoseconds */
};

enum { WHEEL_SLOT_COUNT = 1024 };

/* Prepares a wheel for items 0 .. capacity - 1. Items within span_ns of each other stay in slots;
 * older ones are kept in the heap, still exact. False if memory is short. */
bool wheel_init(struct wheel *wheel, struct wheel_node *nodes, uint32_t capacity, int64_t span_ns);
void wheel_deinit(struct wheel *wheel);

/* The item must be in no wheel. */
void wheel_insert(struct wheel *wheel, uint32_t item, struct wheel_key key);

/* The item must be in this wheel. */
void wheel_remove(struct wheel *wheel, uint32_t item);

/* Shows the item with the least key if its time is <= limit_ns; leaves it in. */
bool wheel_first(struct wheel *wheel, int64_t limit_ns, uint32_t *item);

static inline uint32_t wheel_count(const struct wheel *wheel)
{
    return wheel->heap_count + wheel->listed_count;
}

#endif
