/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent_table.h"

#include "base/populate.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS_PER_ENTRY = 2, LIMIT_MAX = 1 << 29 };

static uint32_t cell_count_for(uint32_t limit)
{
    uint32_t count = 1;
    while (count < limit * CELLS_PER_ENTRY)
        count *= 2;
    return count;
}

bool recent_table_init(struct recent_table *table, const struct recent_layout *layout)
{
    assert(layout->entry_bytes >= sizeof(struct recent_entry) + layout->key_bytes);
    *table = (struct recent_table){.layout = *layout};
    if (table->layout.limit == 0)
        table->layout.limit = 1;
    if (table->layout.limit > LIMIT_MAX)
        table->layout.limit = LIMIT_MAX;
    if (layout->hash_key != NULL)
        memcpy(table->hash_key, layout->hash_key, sizeof table->hash_key);
    table->layout.hash_key = NULL;
    const uint32_t cell_count = cell_count_for(table->layout.limit);
    table->cell_mask = cell_count - 1;
    table->cells = calloc(cell_count, sizeof *table->cells);
    table->links = calloc(table->layout.limit + (size_t)1, sizeof *table->links);
    table->slab = calloc(table->layout.limit, layout->entry_bytes);
    populate_memory(table->cells, cell_count * sizeof *table->cells);
    if (table->cells != NULL && table->links != NULL && table->slab != NULL)
        return true;
    recent_table_deinit(table);
    return false;
}

void recent_table_deinit(struct recent_table *table)
{
    free(table->cells);
    free(table->links);
    free(table->slab);
    *table = (struct recent_table){.count = 0};
}

size_t recent_table_memory_bytes(const struct recent_table *table)
{
    return table->layout.limit * (table->layout.entry_bytes + sizeof *table->links) +
           (table->cell_mask + (size_t)1) * sizeof *table->cells;
}

static struct recent_entry *entry_at(const struct recent_table *table, uint32_t place)
{
    uint8_t *const bytes = table->slab + (place - 1) * table->layout.entry_bytes;
    return (struct recent_entry *)(void *)bytes;
}

static uint32_t place_of(const struct recent_table *table, const void *entry)
{
    return 1 + recent_table_slot(table, entry);
}

static const uint8_t *key_of(const struct recent_entry *entry)
{
    return (const uint8_t *)entry + sizeof *entry;
}

/* ---- the order of use ---------------------------------------------------------------------- */

static void list_remove(struct recent_table *table, uint32_t place)
{
    const struct recent_link *const link = &table->links[place];
    table->links[link->older].newer = link->newer;
    table->links[link->newer].older = link->older;
}

static void list_add_newest(struct recent_table *table, uint32_t place)
{
    struct recent_link *const head = &table->links[0];
    table->links[place].older = head->older;
    table->links[place].newer = 0;
    table->links[head->older].newer = place;
    head->older = place;
}

/* ---- the index ----------------------------------------------------------------------------- */

static void fill_cell(struct recent_table *table, uint32_t place)
{
    const uint32_t hash = table->links[place].hash;
    uint32_t at = hash & table->cell_mask;
    while (table->cells[at].place != 0)
        at = (at + 1) & table->cell_mask;
    table->cells[at] = (struct recent_cell){.hash = hash, .place = place};
}

/* Empties the place's cell. What would no longer be found behind the gap moves into it, so that
 * nothing is left that only marks a place. */
static void empty_cell(struct recent_table *table, uint32_t place)
{
    const uint32_t mask = table->cell_mask;
    uint32_t gap = table->links[place].hash & mask;
    while (table->cells[gap].place != place)
        gap = (gap + 1) & mask;
    for (uint32_t at = (gap + 1) & mask; table->cells[at].place != 0; at = (at + 1) & mask) {
        if (((at - table->cells[at].hash) & mask) < ((at - gap) & mask))
            continue;
        table->cells[gap] = table->cells[at];
        gap = at;
    }
    table->cells[gap].place = 0;
}

/* The place of the key, or 0. */
static uint32_t seek(const struct recent_table *table, const struct recent_lookup *lookup)
{
    uint32_t at = lookup->hash & table->cell_mask;
    for (; table->cells[at].place != 0; at = (at + 1) & table->cell_mask) {
        const struct recent_cell *const cell = &table->cells[at];
        if (cell->hash == lookup->hash &&
            memcmp(key_of(entry_at(table, cell->place)), lookup->key, table->layout.key_bytes) == 0)
            return cell->place;
    }
    return 0;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void warm_entry(const struct recent_table *table, uint32_t place)
{
    const uint8_t *const entry = (const uint8_t *)entry_at(table, place);
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + sizeof(struct recent_entry) + table->layout.key_bytes);
}

/* The least recently used leaves, for flow `number`; its slot is free. */
static void evict_oldest(struct recent_table *table, uint64_t number)
{
    const uint32_t oldest = table->links[0].newer;
    assert(oldest != 0);
    if (table->layout.forget != NULL &&
        table->layout.forget(table->layout.context, entry_at(table, oldest)))
        table->lost = number;
    list_remove(table, oldest);
    empty_cell(table, oldest);
    table->links[oldest].newer = table->free;
    table->free = oldest;
    table->count--;
    table->evicted++;
    const uint32_t next = table->links[0].newer; /* the next to go */
    if (next == 0)
        return;
    warm_entry(table, next);
    __builtin_prefetch(&table->cells[table->links[next].hash & table->cell_mask]);
}

static uint32_t free_place(struct recent_table *table, uint64_t number)
{
    if (table->count == table->layout.limit)
        evict_oldest(table, number);
    const uint32_t place = table->free;
    if (place != 0) {
        table->free = table->links[place].newer;
        return place;
    }
    assert(table->touched_slots < table->layout.limit);
    return ++table->touched_slots;
}

static uint32_t insert(struct recent_table *table, const struct recent_lookup *lookup,
                       uint64_t number)
{
    const uint64_t lost = table->lost; /* whom it displaces itself, it is not */
    const uint32_t place = free_place(table, number);
    struct recent_entry *const entry = entry_at(table, place);
    memset(entry, 0, table->layout.entry_bytes);
    memcpy((uint8_t *)entry + sizeof *entry, lookup->key, table->layout.key_bytes);
    entry->inserted = number;
    entry->lost = lost;
    table->links[place].hash = lookup->hash;
    fill_cell(table, place);
    list_add_newest(table, place);
    table->count++;
    return place;
}

struct recent_lookup recent_lookup_hashed(const struct recent_table *table, const void *key,
                                          uint32_t hash)
{
    __builtin_prefetch(&table->cells[hash & table->cell_mask]);
    return (struct recent_lookup){.key = key, .hash = hash};
}

struct recent_lookup recent_lookup_begin(const struct recent_table *table, const void *key)
{
    return recent_lookup_hashed(table, key,
                                (uint32_t)siphash13(table->hash_key, key, table->layout.key_bytes));
}

void recent_lookup_warm(const struct recent_lookup *lookup, const struct recent_table *table)
{
    uint32_t at = lookup->hash & table->cell_mask;
    while (table->cells[at].place != 0 && table->cells[at].hash != lookup->hash)
        at = (at + 1) & table->cell_mask;
    if (table->cells[at].place == 0)
        return;
    warm_entry(table, table->cells[at].place);
    __builtin_prefetch(&table->links[table->cells[at].place]);
}

bool recent_table_has(const struct recent_table *table, const struct recent_lookup *lookup)
{
    return seek(table, lookup) != 0;
}

void *recent_table_touch(struct recent_table *table, const struct recent_lookup *lookup,
                         uint64_t number)
{
    uint32_t place = seek(table, lookup);
    if (place == 0) {
        place = insert(table, lookup, number);
    } else if (table->links[place].newer != 0) {
        list_remove(table, place);
        list_add_newest(table, place);
    }
    return entry_at(table, place);
}

void recent_table_clear(struct recent_table *table)
{
    memset(table->cells, 0, (table->cell_mask + (size_t)1) * sizeof *table->cells);
    table->links[0] = (struct recent_link){.newer = 0};
    table->free = 0;
    table->count = 0;
    table->touched_slots = 0;
    table->lost = 0;
}

static void *entry_or_null(const struct recent_table *table, uint32_t place)
{
    return place == 0 ? NULL : entry_at(table, place);
}

void *recent_table_oldest(const struct recent_table *table)
{
    return entry_or_null(table, table->links[0].newer);
}

void *recent_table_newer(const struct recent_table *table, const void *entry)
{
    return entry_or_null(table, table->links[place_of(table, entry)].newer);
}

uint32_t recent_table_slot(const struct recent_table *table, const void *entry)
{
    return (uint32_t)((size_t)((const uint8_t *)entry - table->slab) / table->layout.entry_bytes);
}

void *recent_table_at(const struct recent_table *table, uint32_t slot, uint64_t number)
{
    struct recent_entry *const entry = entry_at(table, slot + 1);
    return entry->inserted <= number ? entry : NULL;
}

void recent_table_warm_slot(const struct recent_table *table, uint32_t slot)
{
    warm_entry(table, slot + 1);
}
