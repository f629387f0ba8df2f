/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/prefetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Of a node's links: no item is so high. A zeroed node is nowhere. */
#define WHEEL_NOWHERE UINT32_C(0)
#define WHEEL_LIST_END UINT32_MAX
#define WHEEL_IN_HEAP (UINT32_MAX - 1)

enum { WHEEL_SHOWN_SLOTS = 8 }; /* wide ones, that wheel_some looks into */

bool wheel_init(struct wheel *wheel, struct wheel_node *nodes, uint32_t capacity, int64_t span_ns)
{
    assert(span_ns > 0);
    *wheel = (struct wheel){.nodes = nodes};
    while (((int64_t)WHEEL_WIDE_COUNT * WHEEL_NARROW_COUNT << wheel->narrow_bits) < span_ns)
        wheel->narrow_bits++;
    /* Untouched pages of the heap cost nothing: it is as large as the worst case from the start. */
    wheel->heap = calloc(capacity, sizeof *wheel->heap);
    wheel->wide = calloc(WHEEL_WIDE_COUNT, sizeof *wheel->wide);
    wheel->narrow = calloc(WHEEL_NARROW_COUNT, sizeof *wheel->narrow);
    if (wheel->heap != NULL && wheel->wide != NULL && wheel->narrow != NULL)
        return true;
    wheel_deinit(wheel);
    return false;
}

void wheel_deinit(struct wheel *wheel)
{
    free(wheel->heap);
    free(wheel->wide);
    free(wheel->narrow);
    *wheel = (struct wheel){0};
}

/* ---- the heap ------------------------------------------------------------------------------ */

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
    wheel->nodes[item].previous = WHEEL_IN_HEAP;
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

/* ---- lists --------------------------------------------------------------------------------- */

static void list_append(struct wheel *wheel, struct wheel_list *list, uint32_t item)
{
    struct wheel_node *const node = &wheel->nodes[item];
    node->next = WHEEL_LIST_END;
    node->previous = list->last != 0 ? list->last : WHEEL_LIST_END;
    if (list->last != 0)
        wheel->nodes[list->last - 1].next = item + 1;
    else
        list->first = item + 1;
    list->last = item + 1;
}

static void list_remove(struct wheel *wheel, struct wheel_list *list, uint32_t item)
{
    const struct wheel_node *const node = &wheel->nodes[item];
    if (node->previous != WHEEL_LIST_END)
        wheel->nodes[node->previous - 1].next = node->next;
    else
        list->first = node->next != WHEEL_LIST_END ? node->next : 0;
    if (node->next != WHEEL_LIST_END)
        wheel->nodes[node->next - 1].previous = node->previous;
    else
        list->last = node->previous != WHEEL_LIST_END ? node->previous : 0;
}

/* ---- slots --------------------------------------------------------------------------------- */

static int64_t narrow_of(const struct wheel *wheel, int64_t time_ns)
{
    return time_ns >> wheel->narrow_bits;
}

static int64_t wide_of(int64_t narrow)
{
    return narrow >> WHEEL_NARROW_BITS;
}

static struct wheel_list *wide_list(struct wheel *wheel, int64_t wide)
{
    return &wheel->wide[wide & (WHEEL_WIDE_COUNT - 1)];
}

static uint32_t narrow_place(int64_t narrow)
{
    return (uint32_t)(narrow & (WHEEL_NARROW_COUNT - 1));
}

/* Puts an item of the opened wide slot, or of one before it, in its place. */
static void insert_near(struct wheel *wheel, uint32_t item, int64_t narrow)
{
    if (narrow <= wheel->base) {
        heap_insert(wheel, item);
        return;
    }
    const uint32_t place = narrow_place(narrow);
    const uint64_t bit = UINT64_C(1) << place % 64;
    struct wheel_list *const list = &wheel->narrow[place];
    if (list->last != 0 && wheel_is_before(wheel, item, list->last - 1))
        wheel->mixed[place / 64] |= bit;
    list_append(wheel, list, item);
    wheel->occupied[place / 64] |= bit;
    wheel->narrow_count++;
}

/* Opens the next wide slot into narrow ones; those of the one before are empty. */
static void open_wide(struct wheel *wheel)
{
    assert(wheel->narrow_count == 0);
    wheel->opened++;
    wheel->base = wheel->opened * WHEEL_NARROW_COUNT - 1;
    struct wheel_list *const list = wide_list(wheel, wheel->opened);
    for (uint32_t link = list->first; link != 0 && link != WHEEL_LIST_END;) {
        const uint32_t item = link - 1;
        link = wheel->nodes[item].next;
        wheel->wide_count--;
        insert_near(wheel, item, narrow_of(wheel, wheel->nodes[item].key.time_ns));
    }
    *list = (struct wheel_list){0};
}

/* The first narrow slot that is not empty; there is one. */
static int64_t first_narrow(const struct wheel *wheel)
{
    for (unsigned word = 0;; word++) {
        assert(word < WHEEL_NARROW_COUNT / 64);
        if (wheel->occupied[word] != 0)
            return wheel->opened * WHEEL_NARROW_COUNT + 64 * word +
                   __builtin_ctzll(wheel->occupied[word]);
    }
}

/* A narrow slot is empty. */
static void clear_narrow(struct wheel *wheel, uint32_t place)
{
    const uint64_t bit = UINT64_C(1) << place % 64;
    wheel->occupied[place / 64] &= ~bit;
    wheel->mixed[place / 64] &= ~bit;
}

/* Moves the items of a narrow slot, the first that is not empty, to the heap. */
static void open_narrow(struct wheel *wheel, int64_t narrow)
{
    const uint32_t place = narrow_place(narrow);
    struct wheel_list *const list = &wheel->narrow[place];
    for (uint32_t link = list->first; link != WHEEL_LIST_END;) {
        const uint32_t item = link - 1;
        link = wheel->nodes[item].next;
        wheel->narrow_count--;
        heap_insert(wheel, item);
    }
    *list = (struct wheel_list){0};
    clear_narrow(wheel, place);
    wheel->base = narrow;
}

/* Makes room for a wide slot so far ahead that its place is still another's. */
static void reach(struct wheel *wheel, int64_t wide)
{
    while (wide - wheel->opened >= WHEEL_WIDE_COUNT) {
        while (wheel->narrow_count > 0)
            open_narrow(wheel, first_narrow(wheel));
        if (wheel->wide_count == 0)
            wheel->opened = wide - 1;
        open_wide(wheel);
    }
}

static void place_at(struct wheel *wheel, int64_t narrow)
{
    wheel->opened = wide_of(narrow);
    wheel->base = narrow - 1;
}

void wheel_place(struct wheel *wheel, int64_t time_ns)
{
    assert(wheel_count(wheel) == 0);
    place_at(wheel, narrow_of(wheel, time_ns));
    wheel->is_placed = true;
}

void wheel_insert(struct wheel *wheel, uint32_t item, struct wheel_key key)
{
    struct wheel_node *const node = &wheel->nodes[item];
    assert(node->previous == WHEEL_NOWHERE);
    assert(key.time_ns >= 0);
    node->key = key;
    const int64_t narrow = narrow_of(wheel, key.time_ns), wide = wide_of(narrow);
    if (wheel_count(wheel) == 0 && !wheel->is_placed)
        place_at(wheel, narrow);
    wheel->is_placed = false;
    reach(wheel, wide);
    if (wide <= wheel->opened) {
        insert_near(wheel, item, narrow);
        return;
    }
    list_append(wheel, wide_list(wheel, wide), item);
    wheel->wide_count++;
}

void wheel_remove(struct wheel *wheel, uint32_t item)
{
    struct wheel_node *const node = &wheel->nodes[item];
    const int64_t narrow = narrow_of(wheel, node->key.time_ns), wide = wide_of(narrow);
    assert(node->previous != WHEEL_NOWHERE);
    if (node->previous == WHEEL_IN_HEAP) {
        heap_remove(wheel, item);
    } else if (wide > wheel->opened) {
        list_remove(wheel, wide_list(wheel, wide), item);
        wheel->wide_count--;
    } else {
        const uint32_t place = narrow_place(narrow);
        list_remove(wheel, &wheel->narrow[place], item);
        if (wheel->narrow[place].first == 0)
            clear_narrow(wheel, place);
        wheel->narrow_count--;
    }
    node->previous = WHEEL_NOWHERE;
}

void wheel_abandon(struct wheel *wheel)
{
    memset(wheel->wide, 0, WHEEL_WIDE_COUNT * sizeof *wheel->wide);
    memset(wheel->narrow, 0, WHEEL_NARROW_COUNT * sizeof *wheel->narrow);
    memset(wheel->occupied, 0, sizeof wheel->occupied);
    memset(wheel->mixed, 0, sizeof wheel->mixed);
    wheel->heap_count = wheel->narrow_count = wheel->wide_count = 0;
}

void wheel_prefetch_neighbours(const struct wheel_node *nodes, uint32_t item)
{
    const struct wheel_node *const node = &nodes[item];
    if (node->previous == WHEEL_NOWHERE || node->previous == WHEEL_IN_HEAP)
        return;
    if (node->previous != WHEEL_LIST_END)
        prefetch(&nodes[node->previous - 1]);
    if (node->next != WHEEL_LIST_END)
        prefetch(&nodes[node->next - 1]);
}

/* The list of the first narrow slot, if its first item is the least of all; else NULL. */
static const struct wheel_list *front_list(const struct wheel *wheel)
{
    if (wheel->heap_count > 0 || wheel->narrow_count == 0)
        return NULL;
    const uint32_t place = narrow_place(first_narrow(wheel));
    const bool is_mixed = wheel->mixed[place / 64] >> place % 64 & 1;
    return is_mixed ? NULL : &wheel->narrow[place];
}

/* Brings the next items nearer; false if none can be before the limit. */
static bool advance(struct wheel *wheel, int64_t limit)
{
    if (wheel->narrow_count > 0) {
        const int64_t narrow = first_narrow(wheel);
        if (narrow > limit)
            return false;
        open_narrow(wheel, narrow);
        return true;
    }
    if (wheel->wide_count == 0 || wheel->opened >= wide_of(limit))
        return false;
    open_wide(wheel);
    return true;
}

bool wheel_first_of_some(struct wheel *wheel, int64_t limit_ns, uint32_t *item)
{
    const struct wheel_list *list = NULL;
    while (wheel->heap_count == 0 && (list = front_list(wheel)) == NULL)
        if (!advance(wheel, narrow_of(wheel, limit_ns)))
            return false;
    *item = list != NULL ? list->first - 1 : wheel->heap[0];
    return wheel->nodes[*item].key.time_ns <= limit_ns;
}

int64_t wheel_least_ns(const struct wheel *wheel)
{
    if (wheel->heap_count > 0)
        return wheel->nodes[wheel->heap[0]].key.time_ns;
    if (wheel->narrow_count > 0)
        return first_narrow(wheel) << wheel->narrow_bits;
    if (wheel->wide_count > 0)
        return (wheel->opened + 1) << WHEEL_NARROW_BITS << wheel->narrow_bits;
    return INT64_MAX;
}

uint32_t wheel_upcoming(const struct wheel *wheel, uint32_t *items, uint32_t count)
{
    uint32_t found = 0;
    for (; found < count && found < wheel->heap_count; found++)
        items[found] = wheel->heap[found];
    for (uint32_t word = 0; word < WHEEL_NARROW_COUNT / 64; word++)
        for (uint64_t slots = wheel->occupied[word]; slots != 0; slots &= slots - 1) {
            const uint32_t place = 64 * word + (uint32_t)__builtin_ctzll(slots);
            for (uint32_t link = wheel->narrow[place].first; link != WHEEL_LIST_END;
                 link = wheel->nodes[link - 1].next) {
                if (found == count)
                    return found;
                items[found++] = link - 1;
            }
        }
    return found;
}

/* ---- some items, in no order --------------------------------------------------------------- */

/* The links of lists that are followed side by side: alone, each step waits for a miss. */
struct strands {
    uint32_t links[4];
    uint32_t count;
};

static bool add_strand(struct strands *strands, const struct wheel_list *list)
{
    if (list->first != 0)
        strands->links[strands->count++] = list->first;
    return strands->count < sizeof strands->links / sizeof strands->links[0];
}

static uint32_t show(const struct wheel *wheel, struct strands *strands, uint32_t *items,
                     uint32_t capacity)
{
    uint32_t count = 0;
    for (bool has_more = true; has_more;) {
        has_more = false;
        for (uint32_t i = 0; i < strands->count && count < capacity; i++) {
            const uint32_t link = strands->links[i];
            if (link == WHEEL_LIST_END)
                continue;
            items[count++] = link - 1;
            strands->links[i] = wheel->nodes[link - 1].next;
            has_more = true;
        }
    }
    return count;
}

uint32_t wheel_some(struct wheel *wheel, uint32_t *items, uint32_t capacity)
{
    /* The heap's last leaves: they go without another being moved. */
    uint32_t count = 0;
    while (count < capacity && count < wheel->heap_count) {
        items[count] = wheel->heap[wheel->heap_count - 1 - count];
        count++;
    }
    if (count > 0 || wheel_count(wheel) == 0)
        return count;
    struct strands strands = {.count = 0};
    if (wheel->narrow_count > 0) {
        add_strand(&strands, &wheel->narrow[narrow_place(first_narrow(wheel))]);
        return show(wheel, &strands, items, capacity);
    }
    while (wide_list(wheel, wheel->opened + 1)->first == 0)
        open_wide(wheel);
    for (int64_t ahead = 1; ahead <= WHEEL_SHOWN_SLOTS; ahead++)
        if (!add_strand(&strands, wide_list(wheel, wheel->opened + ahead)))
            break;
    return show(wheel, &strands, items, capacity);
}
