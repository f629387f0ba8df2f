/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include <assert.h>
#include <stdlib.h>

enum { WHEEL_NOWHERE = 0, WHEEL_HEAP = 1, WHEEL_FIRST_SLOT = 2 };
#define WHEEL_NO_ITEM UINT32_MAX

bool wheel_init(struct wheel *wheel, struct wheel_node *nodes, uint32_t capacity, int64_t span_ns)
{
    assert(span_ns > 0);
    *wheel = (struct wheel){.nodes = nodes};
    while (((int64_t)WHEEL_SLOT_COUNT << wheel->slot_shift) < span_ns)
        wheel->slot_shift++;
    /* Untouched pages of the heap cost nothing: it is as large as the worst case from the start. */
    wheel->heap = calloc(capacity, sizeof *wheel->heap);
    wheel->slots = malloc(WHEEL_SLOT_COUNT * sizeof *wheel->slots);
    if (wheel->heap == NULL || wheel->slots == NULL) {
        wheel_deinit(wheel);
        return false;
    }
    for (unsigned i = 0; i < WHEEL_SLOT_COUNT; i++)
        wheel->slots[i] = WHEEL_NO_ITEM;
    return true;
}

void wheel_deinit(struct wheel *wheel)
{
    free(wheel->heap);
    free(wheel->slots);
    *wheel = (struct wheel){0};
}

static bool wheel_is_before(const struct wheel *wheel, uint32_t a, uint32_t b)
{
    const struct wheel_key *const x = &wheel->nodes[a].key, *const y = &wheel->nodes[b].key;
    return x->time_ns != y->time_ns ? x->time_ns < y->time_ns : x->number < y->number;
}

static void heap_place(struct wheel *wheel, uint32_t position, uint32_t item)
{
    wheel->heap[position] = item;
    wheel->nodes[item].next = position;
}

static void heap_sift_up(struct wheel *wheel, uint32_t position, uint32_t item)
{
    while (position > 0) {
        const uint32_t parent = (position - 1) / 2;
        if (!wheel_is_before(wheel, item, wheel->heap[parent]))
            break;
        heap_place(wheel, position, wheel->heap[parent]);
        position = parent;
    }
    heap_place(wheel, position, item);
}

static void heap_sift_down(struct wheel *wheel, uint32_t position, uint32_t item)
{
    for (;;) {
        uint32_t child = 2 * position + 1;
        if (child >= wheel->heap_count)
            break;
        if (child + 1 < wheel->heap_count &&
            wheel_is_before(wheel, wheel->heap[child + 1], wheel->heap[child]))
            child++;
        if (!wheel_is_before(wheel, wheel->heap[child], item))
            break;
        heap_place(wheel, position, wheel->heap[child]);
        position = child;
    }
    heap_place(wheel, position, item);
}

static void heap_insert(struct wheel *wheel, uint32_t item)
{
    wheel->nodes[item].place = WHEEL_HEAP;
    heap_sift_up(wheel, wheel->heap_count++, item);
}

static void heap_remove(struct wheel *wheel, uint32_t item)
{
    const uint32_t position = wheel->nodes[item].next;
    assert(wheel->heap[position] == item);
    const uint32_t last = wheel->heap[--wheel->heap_count];
    if (last == item)
        return;
    if (position > 0 && wheel_is_before(wheel, last, wheel->heap[(position - 1) / 2]))
        heap_sift_up(wheel, position, last);
    else
        heap_sift_down(wheel, position, last);
}

static void list_insert(struct wheel *wheel, uint32_t item, uint32_t slot)
{
    struct wheel_node *const node = &wheel->nodes[item];
    const uint32_t head = wheel->slots[slot];
    node->place = WHEEL_FIRST_SLOT + slot;
    node->next = head;
    node->previous = WHEEL_NO_ITEM;
    if (head != WHEEL_NO_ITEM)
        wheel->nodes[head].previous = item;
    wheel->slots[slot] = item;
    wheel->listed_count++;
}

static void list_remove(struct wheel *wheel, uint32_t item)
{
    const struct wheel_node *const node = &wheel->nodes[item];
    if (node->previous != WHEEL_NO_ITEM)
        wheel->nodes[node->previous].next = node->next;
    else
        wheel->slots[node->place - WHEEL_FIRST_SLOT] = node->next;
    if (node->next != WHEEL_NO_ITEM)
        wheel->nodes[node->next].previous = node->previous;
    wheel->listed_count--;
}

static uint32_t slot_of(int64_t slot_time)
{
    return (uint32_t)(slot_time & (WHEEL_SLOT_COUNT - 1));
}

/* Moves the front on by one slot. */
static void advance_base(struct wheel *wheel)
{
    const uint32_t slot = slot_of(++wheel->base);
    for (uint32_t item = wheel->slots[slot]; item != WHEEL_NO_ITEM;) {
        const uint32_t next = wheel->nodes[item].next;
        wheel->listed_count--;
        heap_insert(wheel, item);
        item = next;
    }
    wheel->slots[slot] = WHEEL_NO_ITEM;
}

void wheel_insert(struct wheel *wheel, uint32_t item, struct wheel_key key)
{
    struct wheel_node *const node = &wheel->nodes[item];
    assert(node->place == WHEEL_NOWHERE);
    assert(key.time_ns >= 0);
    node->key = key;
    const int64_t slot_time = key.time_ns >> wheel->slot_shift;
    if (wheel->heap_count + wheel->listed_count == 0)
        wheel->base = slot_time - 1;
    while (slot_time - wheel->base > WHEEL_SLOT_COUNT) {
        if (wheel->listed_count == 0)
            wheel->base = slot_time - 1;
        else
            advance_base(wheel);
    }
    if (slot_time <= wheel->base)
        heap_insert(wheel, item);
    else
        list_insert(wheel, item, slot_of(slot_time));
}

void wheel_remove(struct wheel *wheel, uint32_t item)
{
    struct wheel_node *const node = &wheel->nodes[item];
    assert(node->place != WHEEL_NOWHERE);
    if (node->place == WHEEL_HEAP)
        heap_remove(wheel, item);
    else
        list_remove(wheel, item);
    node->place = WHEEL_NOWHERE;
}

bool wheel_first(struct wheel *wheel, int64_t limit_ns, uint32_t *item)
{
    const int64_t limit = limit_ns >> wheel->slot_shift;
    while (wheel->heap_count == 0 && wheel->listed_count > 0 && wheel->base < limit)
        advance_base(wheel);
    if (wheel->heap_count == 0)
        return false;
    *item = wheel->heap[0];
    return wheel->nodes[*item].key.time_ns <= limit_ns;
}
