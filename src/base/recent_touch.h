/* SPDX-License-Identifier: Apache-2.0 */
/* A recent table's touch in line, made for one kind of entry: for the feature and the behaviour
 * room, which touch nine tables a flow. One function of theirs for each table holds one; whoever
 * touches seldom calls recent_table_touch_anew. One thread at a time.
 *
 * In a flood, a scan and at the edge of a network most touches insert an entry and forget another.
 * Of the 230 instructions that took, half were because one function served every table: sizes and
 * places of entries multiplied, keys compared and entries cleared by calls of the C library,
 * `forget` called through a pointer, registers saved around all that. */
#ifndef WHYFLOW_BASE_RECENT_TOUCH_H
#define WHYFLOW_BASE_RECENT_TOUCH_H

#include "base/recent_table.h"

#include <assert.h>
#include <string.h>

enum { RECENT_CELLS_PER_ENTRY = 4, RECENT_LINE_BYTES = 64 };

/* In each, `kind` is a constant, and the one that the table was opened with. */

/* The place that the hash leads to, most likely the key's, and its memory is asked for; 0: surely
 * there is no such key. For who keeps it until the touch, which then need not look again. */
static inline __attribute__((always_inline)) uint32_t
recent_find(const struct recent_table *table, const struct recent_kind *kind, uint32_t hash);
/* Has a place's memory fetched: a whole entry, if it is not longer than a line. */
static inline __attribute__((always_inline)) void
recent_warm(const struct recent_table *table, const struct recent_kind *kind, uint32_t place);
/* The entry of a place found, NULL of none; its neighbours in the order of use are asked for. */
static inline __attribute__((always_inline)) const void *
recent_found(const struct recent_table *table, const struct recent_kind *kind, uint32_t place);
/* `number` as below. */
static inline __attribute__((always_inline)) void *recent_touch(struct recent_table *table,
                                                                const struct recent_kind *kind,
                                                                struct recent_lookup lookup,
                                                                uint64_t number);

/* ---- keys ----------------------------------------------------------------------------------- */

/* Of 8 bytes, 4 or 1, whether they differ. */
static inline __attribute__((always_inline)) uint64_t
recent_differ(const uint8_t *one, const uint8_t *other, size_t bytes)
{
    uint64_t a8 = 0, b8 = 0;
    uint32_t a4 = 0, b4 = 0;
    if (bytes == 1)
        return *one ^ *other;
    memcpy(bytes == 8 ? (void *)&a8 : (void *)&a4, one, bytes);
    memcpy(bytes == 8 ? (void *)&b8 : (void *)&b4, other, bytes);
    return bytes == 8 ? a8 ^ b8 : a4 ^ b4;
}

/* Two keys are one, as memcmp() == 0; its wide loads wait for the narrow stores that have just made
 * the key, 20 ns a key. Keys begin with addresses, which are copied whole; what follows is not. A
 * hash that matches is nearly always the key's, so there is no early way out. Without loops: of a
 * size that is known little is left. */
static inline __attribute__((always_inline)) bool
recent_is_same(const uint8_t *one, const void *other_key, size_t bytes)
{
    const uint8_t *const other = other_key;
    const size_t whole = bytes & ~(size_t)15, words = bytes & ~(size_t)3;
    uint64_t difference = 0;
    if (whole >= 16)
        difference |= recent_differ(one, other, 8) | recent_differ(one + 8, other + 8, 8);
    if (whole >= 32)
        difference |=
            recent_differ(one + 16, other + 16, 8) | recent_differ(one + 24, other + 24, 8);
    if (words - whole >= 4)
        difference |= recent_differ(one + whole, other + whole, 4);
    if (words - whole >= 8)
        difference |= recent_differ(one + whole + 4, other + whole + 4, 4);
    if (words - whole >= 12)
        difference |= recent_differ(one + whole + 8, other + whole + 8, 4);
    if (bytes - words >= 1)
        difference |= recent_differ(one + words, other + words, 1);
    if (bytes - words >= 2)
        difference |= recent_differ(one + words + 1, other + words + 1, 1);
    if (bytes - words >= 3)
        difference |= recent_differ(one + words + 2, other + words + 2, 1);
    return difference == 0;
}

/* ---- the index ------------------------------------------------------------------------------ */

static inline uint32_t recent_place_in(const struct recent_table *table, uint32_t cell)
{
    return cell & table->place_mask;
}

/* Out of line: where the hash leads to a cell in use. */
void recent_table_fill_behind(struct recent_table *table, uint32_t place, uint32_t hash);

static inline void recent_fill_cell(struct recent_table *table, uint32_t place, uint32_t hash)
{
    uint32_t *const cell = &table->cells[hash & table->cell_mask];
    if (*cell == 0)
        *cell = (hash & table->tag_mask) | place;
    else
        recent_table_fill_behind(table, place, hash);
}

/* What would no longer be found behind the gap moves into it, so that nothing is left that only
 * marks a place: from cell number `at` on, the first behind the gap that does not lie where its
 * hash puts it. Out of line: of a table a quarter full two evictions in five find a neighbour, but
 * most neighbours lie where their hash puts them. */
void recent_table_close_gap(struct recent_table *table, uint32_t gap, uint32_t at);

static inline void recent_empty_cell(struct recent_table *table, uint32_t place)
{
    uint32_t *const cells = table->cells;
    const uint32_t mask = table->cell_mask, place_mask = table->place_mask;
    uint32_t gap = table->links[place].hash & mask;
    while ((cells[gap] & place_mask) != place)
        gap = (gap + 1) & mask;
    uint32_t at = (gap + 1) & mask;
    while (cells[at] != 0 && (cells[at] & table->distance_mask) == 0)
        at = (at + 1) & mask;
    if (cells[at] == 0)
        cells[gap] = 0;
    else
        recent_table_close_gap(table, gap, at);
}

/* ---- entries -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) struct recent_entry *
recent_entry_at(const struct recent_table *table, const struct recent_kind *kind, uint32_t place)
{
    return (struct recent_entry *)(void *)(table->slab + (place - 1) * kind->entry_bytes);
}

/* Of an entry within a line its end, which may lie in the next one, unless it fills a line; else
 * what follows the key. */
static inline __attribute__((always_inline)) void
recent_warm(const struct recent_table *table, const struct recent_kind *kind, uint32_t place)
{
    const uint8_t *const entry = (const uint8_t *)recent_entry_at(table, kind, place);
    prefetch(entry);
    if (kind->entry_bytes > RECENT_LINE_BYTES)
        prefetch(entry + sizeof(struct recent_entry) + kind->key_bytes);
    else if (kind->entry_bytes < RECENT_LINE_BYTES)
        prefetch(entry + kind->entry_bytes - 1);
}

static inline __attribute__((always_inline)) uint32_t
recent_find(const struct recent_table *table, const struct recent_kind *kind, uint32_t hash)
{
    uint32_t at = hash & table->cell_mask;
    uint32_t cell;
    while ((cell = table->cells[at]) != 0 && ((cell ^ hash) & table->tag_mask) != 0)
        at = (at + 1) & table->cell_mask;
    const uint32_t place = recent_place_in(table, cell);
    if (place != 0) {
        recent_warm(table, kind, place);
        prefetch(&table->links[place]);
    }
    return place;
}

static inline __attribute__((always_inline)) const void *
recent_found(const struct recent_table *table, const struct recent_kind *kind, uint32_t place)
{
    if (place == 0)
        return NULL;
    prefetch(&table->links[table->links[place].older]);
    prefetch(&table->links[table->links[place].newer]);
    return recent_entry_at(table, kind, place);
}

static inline __attribute__((always_inline)) bool recent_is_at(const struct recent_table *table,
                                                               const struct recent_kind *kind,
                                                               uint32_t place, const void *key)
{
    const struct recent_entry *const entry = recent_entry_at(table, kind, place);
    return recent_is_same((const uint8_t *)(entry + 1), key, kind->key_bytes);
}

/* The place of the key, or 0. All that cells lead to are in use. */
static inline __attribute__((always_inline)) uint32_t recent_seek(const struct recent_table *table,
                                                                  const struct recent_kind *kind,
                                                                  struct recent_lookup lookup)
{
    uint32_t at = lookup.hash & table->cell_mask;
    for (uint32_t cell; (cell = table->cells[at]) != 0; at = (at + 1) & table->cell_mask)
        if (((cell ^ lookup.hash) & table->tag_mask) == 0 &&
            recent_is_at(table, kind, recent_place_in(table, cell), lookup.key))
            return recent_place_in(table, cell);
    return 0;
}

/* Has fetched what the evictions to come will need: what the first entry to leave leads to, the
 * second one, and the link behind that. */
static inline __attribute__((always_inline)) void recent_foresee(const struct recent_table *table,
                                                                 const struct recent_kind *kind,
                                                                 uint32_t first, uint32_t second)
{
    if (first == 0 || second == 0)
        return;
    const struct recent_link link = table->links[second];
    recent_warm(table, kind, second);
    recent_table_ask(table, link.hash);
    prefetch(&table->links[link.newer]);
    if (kind->foresee != NULL)
        kind->foresee(table->layout.context, recent_entry_at(table, kind, first));
}

/* The least recently used leaves, for flow `number`; its place, which nothing leads to now. */
static inline __attribute__((always_inline)) uint32_t
recent_evict(struct recent_table *table, const struct recent_kind *kind, uint64_t number)
{
    struct recent_link *const links = table->links;
    const uint32_t oldest = links[0].newer;
    assert(oldest != 0);
    if (kind->forget != NULL &&
        kind->forget(table->layout.context, recent_entry_at(table, kind, oldest)))
        table->lost = number;
    const uint32_t first = links[oldest].newer;
    links[0].newer = first;
    links[first].older = 0;
    table->evicted++;
    recent_empty_cell(table, oldest);
    recent_foresee(table, kind, first, links[first].newer);
    return oldest;
}

/* A place not used before; the index grows with their number. */
uint32_t recent_table_new_place(struct recent_table *table);

static inline void recent_add_newest(struct recent_link *links, uint32_t place, uint32_t hash)
{
    const uint32_t newest = links[0].older;
    links[place] = (struct recent_link){.older = newest, .hash = hash};
    links[newest].newer = place;
    links[0].older = place;
}

static inline __attribute__((always_inline)) void *recent_insert(struct recent_table *table,
                                                                 const struct recent_kind *kind,
                                                                 struct recent_lookup lookup,
                                                                 uint64_t number)
{
    const uint64_t lost = table->lost; /* whom it displaces itself, it is not */
    const bool is_full = table->count == table->layout.limit;
    const uint32_t place =
        is_full ? recent_evict(table, kind, number) : recent_table_new_place(table);
    struct recent_entry *const entry = recent_entry_at(table, kind, place);
    uint8_t *const key = (uint8_t *)(entry + 1);
    *entry = (struct recent_entry){.inserted = number, .lost = lost};
    memset(key + kind->key_bytes, 0, kind->entry_bytes - sizeof *entry - kind->key_bytes);
    memcpy(key, lookup.key, kind->key_bytes);
    recent_fill_cell(table, place, lookup.hash);
    recent_add_newest(table->links, place, lookup.hash);
    return entry;
}

/* The place becomes the most recently used; it is not yet. */
static inline void recent_renew(struct recent_table *table, uint32_t place)
{
    struct recent_link *const links = table->links;
    const struct recent_link link = links[place];
    links[link.older].newer = link.newer;
    links[link.newer].older = link.older;
    recent_add_newest(links, place, link.hash);
}

static inline __attribute__((always_inline)) void *recent_touch(struct recent_table *table,
                                                                const struct recent_kind *kind,
                                                                struct recent_lookup lookup,
                                                                uint64_t number)
{
    uint32_t place = lookup.place;
    if (place - 1 >= table->count || !recent_is_at(table, kind, place, lookup.key))
        place = recent_seek(table, kind, lookup);
    if (place == 0)
        return recent_insert(table, kind, lookup, number);
    if (table->links[place].newer != 0)
        recent_renew(table, place);
    return recent_entry_at(table, kind, place);
}

#endif
