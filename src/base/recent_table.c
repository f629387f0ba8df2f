/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent_table.h"

#include "base/pages.h"
#include "base/populate.h"
#include "base/siphash.h"

#include <assert.h>
#include <string.h>

enum { CELLS_PER_ENTRY = 4, CELLS_LEAST = 4096, LIMIT_MAX = 1 << 29, LINE_BYTES = 64 };

static uint32_t cell_count_for(uint32_t limit)
{
    uint32_t count = 1;
    while (count < limit * CELLS_PER_ENTRY)
        count *= 2;
    return count;
}

static size_t cells_bytes(const struct recent_table *table)
{
    return table->cells_most * sizeof *table->cells;
}

static size_t links_bytes(const struct recent_table *table)
{
    return (table->layout.limit + (size_t)1) * sizeof *table->links;
}

/* It begins at a page, so that entries of a line's size lie in one. */
static size_t slab_bytes(const struct recent_table *table)
{
    return table->layout.limit * table->layout.entry_bytes;
}

/* A cell holds, from the lowest bit: a place (1 + slot), how far it lies behind where its hash puts
 * it, and as many of the hash's highest bits as are left. The greatest distance that can be told
 * stands for all from there on; then the links know the hash. */
static void split_cells(struct recent_table *table)
{
    enum { CELL_BITS = 32, DISTANCE_BITS = 4 };
    table->place_bits = CELL_BITS - (uint32_t)__builtin_clz(table->layout.limit);
    const uint32_t spare = CELL_BITS - table->place_bits;
    const uint32_t distance_bits = spare < 2 * DISTANCE_BITS ? spare / 2 : DISTANCE_BITS;
    table->distance_most = (UINT32_C(1) << distance_bits) - 1;
    table->tag_mask = ~((UINT32_C(1) << (table->place_bits + distance_bits)) - 1);
}

static void use_cells(struct recent_table *table, uint32_t cell_count)
{
    table->cells = table->range + cell_count;
    table->cell_mask = cell_count - 1;
    populate_memory(table->cells, cell_count * sizeof *table->cells);
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
    table->cells_most = cell_count_for(table->layout.limit);
    split_cells(table);
    table->range = pages_open(2 * cells_bytes(table));
    table->links = pages_open(links_bytes(table));
    table->slab = pages_open(slab_bytes(table));
    if (table->range == NULL || table->links == NULL || table->slab == NULL) {
        recent_table_deinit(table);
        return false;
    }
    use_cells(table, table->cells_most < CELLS_LEAST ? table->cells_most : CELLS_LEAST);
    return true;
}

void recent_table_deinit(struct recent_table *table)
{
    pages_close(table->range, 2 * cells_bytes(table));
    pages_close(table->links, links_bytes(table));
    pages_close(table->slab, slab_bytes(table));
    *table = (struct recent_table){.count = 0};
}

size_t recent_table_memory_bytes(const struct recent_table *table)
{
    return cells_bytes(table) + links_bytes(table) + slab_bytes(table);
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

static uint32_t place_in(const struct recent_table *table, uint32_t cell)
{
    return cell & ((UINT32_C(1) << table->place_bits) - 1);
}

/* Of `hash` the highest bits are enough. */
static uint32_t make_cell(const struct recent_table *table, uint32_t place, uint32_t hash,
                          uint32_t distance)
{
    const uint32_t told = distance < table->distance_most ? distance : table->distance_most;
    return (hash & table->tag_mask) | told << table->place_bits | place;
}

/* How far cell number `at` lies behind where its hash puts it. */
static uint32_t distance_of(const struct recent_table *table, uint32_t at)
{
    const uint32_t cell = table->cells[at];
    const uint32_t told = cell >> table->place_bits & table->distance_most;
    if (told < table->distance_most)
        return told;
    return (at - table->links[place_in(table, cell)].hash) & table->cell_mask;
}

static void fill_cell(struct recent_table *table, uint32_t place)
{
    const uint32_t hash = table->links[place].hash;
    const uint32_t home = hash & table->cell_mask;
    uint32_t at = home;
    while (table->cells[at] != 0)
        at = (at + 1) & table->cell_mask;
    table->cells[at] = make_cell(table, place, hash, (at - home) & table->cell_mask);
}

static void grow(struct recent_table *table)
{
    uint32_t *const cells = table->cells;
    const uint32_t cell_count = table->cell_mask + 1;
    use_cells(table, 2 * cell_count);
    for (uint32_t at = 0; at < cell_count; at++)
        if (cells[at] != 0)
            fill_cell(table, place_in(table, cells[at]));
    pages_clear(cells, cell_count * sizeof *cells);
}

/* Empties the place's cell. What would no longer be found behind the gap moves into it, so that
 * nothing is left that only marks a place. */
static void empty_cell(struct recent_table *table, uint32_t place)
{
    const uint32_t mask = table->cell_mask;
    uint32_t gap = table->links[place].hash & mask;
    while (place_in(table, table->cells[gap]) != place)
        gap = (gap + 1) & mask;
    for (uint32_t at = (gap + 1) & mask; table->cells[at] != 0; at = (at + 1) & mask) {
        const uint32_t distance = distance_of(table, at);
        const uint32_t step = (at - gap) & mask;
        if (distance < step)
            continue;
        const uint32_t cell = table->cells[at];
        table->cells[gap] = make_cell(table, place_in(table, cell), cell, distance - step);
        gap = at;
    }
    table->cells[gap] = 0;
}

static uint32_t load_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* As memcmp() == 0, whose wide loads wait for the narrow stores that have just made the key: 20 ns
 * a key. A hash that matches is nearly always the key's, so there is no early way out. */
static bool is_same_key(const uint8_t *one, const uint8_t *other, size_t bytes)
{
    uint32_t difference = 0;
    for (; bytes >= sizeof difference; bytes -= sizeof difference) {
        difference |= load_word(one) ^ load_word(other);
        one += sizeof difference;
        other += sizeof difference;
    }
    while (bytes-- > 0)
        difference |= *one++ ^ *other++;
    return difference == 0;
}

/* All places touched are in use but one that insert() is about to fill. */
static inline bool is_at(const struct recent_table *table, const struct recent_lookup *lookup,
                         uint32_t place)
{
    return place != 0 && place <= table->touched_slots &&
           table->links[place].hash == lookup->hash &&
           is_same_key(key_of(entry_at(table, place)), lookup->key, table->layout.key_bytes);
}

/* The place of the key, or 0. */
static inline uint32_t seek(const struct recent_table *table, const struct recent_lookup *lookup)
{
    if (is_at(table, lookup, lookup->place))
        return lookup->place;
    uint32_t at = lookup->hash & table->cell_mask;
    for (uint32_t cell; (cell = table->cells[at]) != 0; at = (at + 1) & table->cell_mask)
        if (((cell ^ lookup->hash) & table->tag_mask) == 0 &&
            is_at(table, lookup, place_in(table, cell)))
            return place_in(table, cell);
    return 0;
}

/* The place that the hash leads to, most likely that of its key; 0: surely none. */
static inline uint32_t peek(const struct recent_table *table, uint32_t hash)
{
    uint32_t at = hash & table->cell_mask;
    while (table->cells[at] != 0 && ((table->cells[at] ^ hash) & table->tag_mask) != 0)
        at = (at + 1) & table->cell_mask;
    return place_in(table, table->cells[at]);
}

/* ---- entries ------------------------------------------------------------------------------- */

static void warm_entry(const struct recent_table *table, uint32_t place)
{
    const uint8_t *const entry = (const uint8_t *)entry_at(table, place);
    __builtin_prefetch(entry);
    if (table->layout.entry_bytes > LINE_BYTES)
        __builtin_prefetch(entry + sizeof(struct recent_entry) + table->layout.key_bytes);
    else
        __builtin_prefetch(entry + table->layout.entry_bytes - 1);
}

/* Has fetched what the evictions to come will need: what the next entry leads to, the entry after
 * it, and the link behind that. */
static void foresee_evictions(const struct recent_table *table)
{
    const uint32_t first = table->links[0].newer;
    const uint32_t second = table->links[first].newer;
    if (first == 0 || second == 0)
        return;
    const struct recent_link *const link = &table->links[second];
    warm_entry(table, second);
    __builtin_prefetch(&table->cells[link->hash & table->cell_mask]);
    __builtin_prefetch(&table->links[link->newer]);
    if (table->layout.foresee != NULL)
        table->layout.foresee(table->layout.context, entry_at(table, first));
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
    foresee_evictions(table);
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
    if (table->count >= (table->cell_mask + 1) / CELLS_PER_ENTRY &&
        table->cell_mask + 1 < table->cells_most)
        grow(table);
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
    (void)recent_table_find(table, lookup->hash);
}

uint32_t recent_table_find(const struct recent_table *table, uint32_t hash)
{
    const uint32_t place = peek(table, hash);
    if (place != 0) {
        warm_entry(table, place);
        __builtin_prefetch(&table->links[place]);
    }
    return place;
}

const void *recent_table_found(const struct recent_table *table, uint32_t place)
{
    if (place == 0)
        return NULL;
    __builtin_prefetch(&table->links[table->links[place].older]);
    __builtin_prefetch(&table->links[table->links[place].newer]);
    return entry_at(table, place);
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
