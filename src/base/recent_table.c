/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent_table.h"

#include "base/pages.h"
#include "base/recent_touch.h"
#include "base/siphash.h"

#include <assert.h>
#include <string.h>

enum { CELLS_LEAST = 4096, LIMIT_MAX = 1 << 29 };

static uint32_t cell_count_for(uint32_t limit)
{
    uint32_t count = 1;
    while (count < limit * RECENT_CELLS_PER_ENTRY)
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
    table->place_mask = (UINT32_C(1) << table->place_bits) - 1;
    const uint32_t spare = CELL_BITS - table->place_bits;
    const uint32_t distance_bits = spare < 2 * DISTANCE_BITS ? spare / 2 : DISTANCE_BITS;
    table->distance_most = (UINT32_C(1) << distance_bits) - 1;
    table->distance_mask = table->distance_most << table->place_bits;
    table->tag_mask = ~((UINT32_C(1) << (table->place_bits + distance_bits)) - 1);
}

/* Of an odd number, modulo 2^64: each step doubles the bits that are right, of which there are 3 at
 * the start (Warren, Hacker's Delight, 10-16). */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;
    for (unsigned bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

static void use_cells(struct recent_table *table, uint32_t cell_count)
{
    table->cells = table->range + cell_count;
    table->cell_mask = cell_count - 1;
    pages_back(table->cells, cell_count * sizeof *table->cells);
}

struct recent_layout recent_layout_of(const struct recent_kind *kind, uint32_t limit, void *context)
{
    return (struct recent_layout){
        .entry_bytes = kind->entry_bytes,
        .key_bytes = kind->key_bytes,
        .limit = limit,
        .forget = kind->forget,
        .foresee = kind->foresee,
        .context = context,
    };
}

bool recent_table_init(struct recent_table *table, const struct recent_layout *layout)
{
    assert(layout->key_bytes <= RECENT_KEY_BYTES_MAX);
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
    table->entry_shift = (uint32_t)__builtin_ctzll(layout->entry_bytes);
    table->entry_inverse = inverse_of(layout->entry_bytes >> table->entry_shift);
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

static struct recent_kind kind_of(const struct recent_table *table)
{
    const struct recent_layout *const layout = &table->layout;
    return (struct recent_kind){layout->entry_bytes, layout->key_bytes, layout->forget,
                                layout->foresee};
}

static struct recent_entry *entry_at(const struct recent_table *table, uint32_t place)
{
    const struct recent_kind kind = kind_of(table);
    return recent_entry_at(table, &kind, place);
}

static uint32_t place_of(const struct recent_table *table, const void *entry)
{
    return 1 + recent_table_slot(table, entry);
}

/* ---- the index ----------------------------------------------------------------------------- */

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
    return (at - table->links[recent_place_in(table, cell)].hash) & table->cell_mask;
}

void recent_table_fill_behind(struct recent_table *table, uint32_t place, uint32_t hash)
{
    uint32_t *const cells = table->cells;
    const uint32_t mask = table->cell_mask;
    uint32_t at = hash & mask, distance = 0;
    for (; cells[at] != 0; distance++)
        at = (at + 1) & mask;
    cells[at] = make_cell(table, place, hash, distance);
}

static void grow(struct recent_table *table)
{
    uint32_t *const cells = table->cells;
    const uint32_t cell_count = table->cell_mask + 1;
    use_cells(table, 2 * cell_count);
    for (uint32_t at = 0; at < cell_count; at++)
        if (cells[at] != 0)
            recent_fill_cell(table, recent_place_in(table, cells[at]),
                             table->links[recent_place_in(table, cells[at])].hash);
    pages_clear(cells, cell_count * sizeof *cells);
}

uint32_t recent_table_new_place(struct recent_table *table)
{
    table->count++;
    if (table->count > (table->cell_mask + 1) / RECENT_CELLS_PER_ENTRY &&
        table->cell_mask + 1 < table->cells_most)
        grow(table);
    return table->count;
}

void recent_table_close_gap(struct recent_table *table, uint32_t gap, uint32_t at)
{
    uint32_t *const cells = table->cells;
    const uint32_t mask = table->cell_mask;
    uint32_t cell;
    for (; (cell = cells[at]) != 0; at = (at + 1) & mask) {
        if ((cell & table->distance_mask) == 0)
            continue; /* most lie where their hash puts them */
        const uint32_t distance = distance_of(table, at);
        const uint32_t step = (at - gap) & mask;
        if (distance < step)
            continue;
        cells[gap] = make_cell(table, recent_place_in(table, cell), cell, distance - step);
        gap = at;
    }
    cells[gap] = 0;
}

/* ---- entries ------------------------------------------------------------------------------- */

struct recent_lookup recent_lookup_hashed(const void *key, uint32_t hash)
{
    return (struct recent_lookup){.key = key, .hash = hash};
}

struct recent_lookup recent_lookup_begin(const struct recent_table *table, const void *key)
{
    return recent_lookup_hashed(key,
                                (uint32_t)siphash13(table->hash_key, key, table->layout.key_bytes));
}

bool recent_table_has(const struct recent_table *table, struct recent_lookup lookup)
{
    const struct recent_kind kind = kind_of(table);
    return recent_seek(table, &kind, lookup) != 0;
}

void *recent_table_touch_anew(struct recent_table *table, struct recent_lookup lookup,
                              uint64_t number)
{
    const struct recent_kind kind = kind_of(table);
    lookup.place = 0;
    return recent_touch(table, &kind, lookup, number);
}

void recent_table_clear(struct recent_table *table)
{
    memset(table->cells, 0, (table->cell_mask + (size_t)1) * sizeof *table->cells);
    table->links[0] = (struct recent_link){.newer = 0};
    table->count = 0;
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
    const uint64_t offset = (uint64_t)((const uint8_t *)entry - table->slab);
    return (uint32_t)((offset >> table->entry_shift) * table->entry_inverse);
}

void *recent_table_at(const struct recent_table *table, uint32_t slot, uint64_t number)
{
    struct recent_entry *const entry = entry_at(table, slot + 1);
    return entry->inserted <= number ? entry : NULL;
}
