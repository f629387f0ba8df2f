/* SPDX-License-Identifier: Apache-2.0 */
/* A timing wheel: items in the exact order of (time, number), cheaply.
 *
 * Most items are touched again before their time comes, so an owner does not move an item at every
 * touch: it leaves it at its old key, and when wheel_first shows it, compares with the item's true
 * key and puts it back later if that has grown. That is exact as long as true keys only grow.
 *
 * Inside: wide slots hold lists in the order of insertion. The first of them that is not empty is
 * opened into narrow slots, and the first of those, unless its list is in the order of keys as it
 * is, into a heap, whose top is the least of all. An insertion into a later slot is O(1), and only
 * one narrow slot is ever sorted: of a million items a second, 60 at a time. Lists keep the order
 * of insertion because that mostly is the order of keys: all of a flood's never see the heap.
 * Rejected: a heap alone (10 levels of cache misses an item at a million items), wide slots alone
 * (in a flood of a million flows a second the heap held 67,000 items, and opening a slot took 10
 * ms), an LRU list (a move at every packet; and late packets break its order).
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
    uint32_t next;     /* in a list 1 + the next item; in the heap the position */
    uint32_t previous; /* 1 + the item before, or enum-like: WHEEL_NOWHERE, WHEEL_IN_HEAP, ... */
};

_Static_assert(sizeof(struct wheel_node) == 24, "every open flow has one");

struct wheel_list {
    uint32_t first, last; /* 1 + item; 0: empty */
};

enum {
    WHEEL_WIDE_COUNT = 4096,
    WHEEL_NARROW_BITS = 8,
    WHEEL_NARROW_COUNT = 1 << WHEEL_NARROW_BITS,
    WHEEL_LISTS_BYTES = (WHEEL_WIDE_COUNT + WHEEL_NARROW_COUNT) * sizeof(struct wheel_list),
};

struct wheel {
    struct wheel_node *nodes; /* the owner's */
    uint32_t *heap;           /* items */
    struct wheel_list *wide, *narrow;
    uint64_t occupied[WHEEL_NARROW_COUNT / 64]; /* narrow slots that are not empty */
    uint64_t mixed[WHEEL_NARROW_COUNT / 64];    /* those whose lists are not in the order of keys */
    uint32_t heap_count, narrow_count, wide_count;
    int64_t opened;       /* the wide slot whose items are in narrow ones, or in the heap */
    int64_t base;         /* items of narrow slots up to here are in the heap */
    bool is_placed;       /* by wheel_place; nothing was inserted since */
    unsigned narrow_bits; /* a narrow slot is 2^narrow_bits nanoseconds */
};

/* Prepares a wheel for items 0 .. capacity - 1. Items within span_ns of each other stay in slots;
 * older ones are kept in the heap, still exact. False if memory is short. */
bool wheel_init(struct wheel *wheel, struct wheel_node *nodes, uint32_t capacity, int64_t span_ns);
void wheel_deinit(struct wheel *wheel);

/* Tells an empty wheel from which time on items will come. Else its first item is taken for the
 * earliest, and all that turn out to be before that one go to the heap. */
void wheel_place(struct wheel *wheel, int64_t time_ns);

/* The item must be in no wheel. */
void wheel_insert(struct wheel *wheel, uint32_t item, struct wheel_key key);

/* The item must be in this wheel. */
void wheel_remove(struct wheel *wheel, uint32_t item);

/* Empties the wheel at once. Its items are in no wheel when wheel_leave has been said of each;
 * until then none may be put in one. For an owner who knows them without the wheel. */
void wheel_abandon(struct wheel *wheel);

static inline void wheel_leave(struct wheel_node *nodes, uint32_t item)
{
    nodes[item].previous = 0;
}

/* Has fetched what wheel_remove of an item in a list touches beside its node. */
void wheel_prefetch_neighbours(const struct wheel_node *nodes, uint32_t item);

static inline uint32_t wheel_count(const struct wheel *wheel)
{
    return wheel->heap_count + wheel->narrow_count + wheel->wide_count;
}

/* Shows the item with the least key if its time is <= limit_ns; leaves it in. */
bool wheel_first_of_some(struct wheel *wheel, int64_t limit_ns, uint32_t *item);

static inline bool wheel_first(struct wheel *wheel, int64_t limit_ns, uint32_t *item)
{
    return wheel_count(wheel) > 0 && wheel_first_of_some(wheel, limit_ns, item);
}

/* No item's time is before it: near the least, without looking for that one. INT64_MAX: empty. */
int64_t wheel_least_ns(const struct wheel *wheel);

/* Shows some items, at most `capacity`, and returns how many: 0 only of an empty wheel. Leaves them
 * in. Roughly those that come first, but nothing is sorted: for an owner who takes all out. */
uint32_t wheel_some(struct wheel *wheel, uint32_t *items, uint32_t capacity);

/* Some of the items that come soon, at most `count`, for having their memory fetched: returns how
 * many. The one that wheel_first shows is the first; the others are near it in the order, but not
 * exactly those that follow. Ask wheel_first before. */
uint32_t wheel_upcoming(const struct wheel *wheel, uint32_t *items, uint32_t count);

#endif
