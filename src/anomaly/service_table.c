/* SPDX-License-Identifier: Apache-2.0 */
/* An entry is some 60 kB, so what the search for the lightest needs lies apart, in an array of its
 * own: a full table of 512 is searched in 16 kB. The index is open addressing with linear probing
 * and a keyed hash, at most a quarter full; what is taken out closes its gap, so that there are no
 * tombstones. uthash was rejected here: its handle would lie in the large entries. */
#include "anomaly/service_table.h"

#include "base/pages.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_PER_ENTRY = 4, MAX_LIMIT = 1 << 16, LATELY_BITS = 8 };

struct service_rank {
    uint64_t total, touched, inserted;
};

struct service_table {
    struct service_scope *scopes;
    struct service_rank *ranks;
    uint32_t *index; /* 1 + place of an entry; 0: none */
    size_t count, max, index_mask;
    uint16_t lately[1 << LATELY_BITS]; /* places of services met lately, by a plain hash */
    uint64_t insertions, evicted;
    uint64_t hash_key[2];
};

struct service_table *service_table_open(uint32_t max, const uint64_t hash_key[2])
{
    struct service_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    table->max = max == 0 ? 1 : max < MAX_LIMIT ? max : MAX_LIMIT;
    size_t index_count = 1;
    while (index_count < table->max * INDEX_PER_ENTRY)
        index_count *= 2;
    table->index_mask = index_count - 1;
    memcpy(table->hash_key, hash_key, sizeof table->hash_key);
    table->scopes = calloc(table->max, sizeof *table->scopes);
    table->ranks = calloc(table->max, sizeof *table->ranks);
    table->index = calloc(index_count, sizeof *table->index);
    if (table->scopes != NULL && table->ranks != NULL && table->index != NULL)
        return table;
    service_table_close(table);
    return NULL;
}

void service_table_close(struct service_table *table)
{
    if (table == NULL)
        return;
    free(table->scopes);
    free(table->ranks);
    free(table->index);
    free(table);
}

static size_t lately_of(uint64_t service)
{
    return (size_t)(service * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LATELY_BITS));
}

static size_t home_of(const struct service_table *table, uint64_t service)
{
    return (size_t)siphash13(table->hash_key, &service, sizeof service) & table->index_mask;
}

/* The place of a service met lately, -1: not known. As in category_table.c. */
static int64_t lately_at(const struct service_table *table, uint64_t service)
{
    const size_t place = table->lately[lately_of(service)];
    return place < table->count && table->scopes[place].service == service ? (int64_t)place : -1;
}

/* Where the service is in the index, or the gap where it would be. */
static size_t seek(const struct service_table *table, uint64_t service)
{
    size_t at = home_of(table, service);
    while (table->index[at] != 0 && table->scopes[table->index[at] - 1].service != service)
        at = (at + 1) & table->index_mask;
    return at;
}

const struct service_scope *service_table_find(const struct service_table *table, uint64_t service)
{
    const int64_t lately = lately_at(table, service);
    if (lately >= 0)
        return &table->scopes[lately];
    const uint32_t place = table->index[seek(table, service)];
    return place == 0 ? NULL : &table->scopes[place - 1];
}

/* Closes the gap at `gap`: what would no longer be found behind it moves into it. */
static void unlink_at(struct service_table *table, size_t gap)
{
    const size_t mask = table->index_mask;
    for (size_t at = (gap + 1) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        const size_t home = home_of(table, table->scopes[table->index[at] - 1].service);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->index[gap] = table->index[at];
        gap = at;
    }
    table->index[gap] = 0;
}

static bool is_lighter(const struct service_rank *a, const struct service_rank *b)
{
    if (a->total != b->total)
        return a->total < b->total;
    if (a->touched != b->touched)
        return a->touched < b->touched;
    return a->inserted < b->inserted;
}

static size_t find_lightest(const struct service_table *table)
{
    size_t lightest = 0;
    for (size_t i = 1; i < table->count; i++) {
        if (is_lighter(&table->ranks[i], &table->ranks[lightest]))
            lightest = i;
    }
    return lightest;
}

/* An empty place; in a full table the lightest entry's. */
static size_t make_room(struct service_table *table)
{
    if (table->count < table->max) {
        pages_back(&table->scopes[table->count], sizeof *table->scopes);
        return table->count++;
    }
    const size_t lightest = find_lightest(table);
    unlink_at(table, seek(table, table->scopes[lightest].service));
    memset(&table->scopes[lightest], 0, sizeof table->scopes[lightest]);
    table->evicted++;
    return lightest;
}

const struct service_scope *service_table_would_evict(const struct service_table *table,
                                                      uint64_t service)
{
    if (table->count < table->max || service_table_find(table, service) != NULL)
        return NULL;
    return &table->scopes[find_lightest(table)];
}

static size_t insert(struct service_table *table, uint64_t service)
{
    const size_t place = make_room(table);
    table->scopes[place].service = service;
    table->ranks[place] = (struct service_rank){.inserted = ++table->insertions};
    table->index[seek(table, service)] = (uint32_t)(place + 1);
    return place;
}

static size_t find_or_insert(struct service_table *table, uint64_t service)
{
    const int64_t lately = lately_at(table, service);
    if (lately >= 0)
        return (size_t)lately;
    const uint32_t found = table->index[seek(table, service)];
    const size_t place = found != 0 ? found - 1 : insert(table, service);
    table->lately[lately_of(service)] = (uint16_t)place;
    return place;
}

struct service_scope *service_table_touch(struct service_table *table, uint64_t service,
                                          uint64_t weight, uint64_t flow_number)
{
    assert(weight > 0);
    const size_t place = find_or_insert(table, service);
    table->scopes[place].total += weight;
    table->ranks[place].total = table->scopes[place].total;
    if (flow_number > table->ranks[place].touched)
        table->ranks[place].touched = flow_number;
    return &table->scopes[place];
}

static void halve(struct service_scope *scope)
{
    scope->total /= 2;
    scope->flows /= 2;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if (feature_infos[j].scale != FEATURE_SCALE_CATEGORY)
            histogram_halve(scope->slot[j]);
        else
            for (unsigned part = 0; part < SERVICE_PART_COUNT; part++)
                scope->slot[j][part] /= 2;
        scope->measured[j] /= 2;
        for (unsigned step = 0; step < SERVICE_STEP_COUNT; step++)
            scope->fine[j][step] /= 2;
    }
}

void service_table_halve(struct service_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        halve(&table->scopes[i]);
        table->ranks[i].total = table->scopes[i].total;
    }
}

struct service_scope *service_table_at(struct service_table *table, size_t index)
{
    assert(index < table->count);
    return &table->scopes[index];
}

size_t service_table_count(const struct service_table *table)
{
    return table->count;
}

uint64_t service_table_evicted(const struct service_table *table)
{
    return table->evicted;
}

uint64_t service_table_memory_bytes(const struct service_table *table)
{
    return sizeof *table + table->max * (sizeof *table->scopes + sizeof *table->ranks) +
           (table->index_mask + 1) * sizeof *table->index;
}

/* ---- saved and loaded ---------------------------------------------------------------------- */

static int compare_entries(const void *a_entry, const void *b_entry)
{
    const uint64_t a = ((const struct service_entry *)a_entry)->scope->service;
    const uint64_t b = ((const struct service_entry *)b_entry)->scope->service;
    return a == b ? 0 : a < b ? -1 : 1;
}

struct service_entry *service_table_entries(const struct service_table *table)
{
    struct service_entry *const entries = calloc(table->count + 1, sizeof *entries);
    if (entries == NULL)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        entries[i] = (struct service_entry){
            .scope = &table->scopes[i],
            .touched = table->ranks[i].touched,
            .inserted = table->ranks[i].inserted,
        };
    qsort(entries, table->count, sizeof *entries, compare_entries);
    return entries;
}

static void insert_copy(struct service_table *table, const struct service_entry *entry)
{
    const size_t place = insert(table, entry->scope->service);
    table->scopes[place] = *entry->scope;
    table->ranks[place] = (struct service_rank){
        .total = entry->scope->total, .touched = entry->touched, .inserted = entry->inserted};
}

bool service_table_put(struct service_table *table, const struct service_entry *entry)
{
    if (table->count == table->max || service_table_find(table, entry->scope->service) != NULL)
        return false;
    insert_copy(table, entry);
    return true;
}

/* Adds to steps without wrapping: a step that is full stays so. */
static void add_step(uint32_t *step, uint32_t flows)
{
    *step = flows < UINT32_MAX - *step ? *step + flows : UINT32_MAX;
}

static void add_scope(struct service_scope *scope, const struct service_scope *other)
{
    scope->total += other->total;
    scope->flows += other->flows;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        scope->measured[j] += other->measured[j];
        for (unsigned slot = 0; slot < HISTOGRAM_SLOT_COUNT; slot++)
            scope->slot[j][slot] += other->slot[j][slot];
        for (unsigned step = 0; step < SERVICE_STEP_COUNT; step++)
            add_step(&scope->fine[j][step], other->fine[j][step]);
    }
}

static void add_at(struct service_table *table, size_t place, const struct service_entry *entry)
{
    struct service_rank *const rank = &table->ranks[place];
    add_scope(&table->scopes[place], entry->scope);
    rank->total = table->scopes[place].total;
    if (entry->touched > rank->touched)
        rank->touched = entry->touched;
}

/* A service that is new: if all places are taken, the lighter of it and the lightest goes. */
static void add_new(struct service_table *table, const struct service_entry *entry)
{
    const struct service_rank rank = {
        .total = entry->scope->total, .touched = entry->touched, .inserted = entry->inserted};
    if (table->count == table->max && is_lighter(&rank, &table->ranks[find_lightest(table)]))
        table->evicted++;
    else
        insert_copy(table, entry);
}

/* Insertions numbered by service: the order in which tables were filled leaves no trace. */
static bool renumber(struct service_table *table)
{
    struct service_entry *const entries = service_table_entries(table);
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++)
        table->ranks[entries[i].scope - table->scopes].inserted = i + 1;
    table->insertions = table->count;
    free(entries);
    return true;
}

bool service_table_add(struct service_table *table, const struct service_entry *entries,
                       size_t count)
{
    bool *const is_new = calloc(count + 1, sizeof *is_new);
    if (is_new == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++)
        table->ranks[i].inserted = table->scopes[i].service; /* the last tie-break of both alike */
    for (size_t i = 0; i < count; i++) {
        const uint32_t place = table->index[seek(table, entries[i].scope->service)];
        is_new[i] = place == 0;
        if (place != 0)
            add_at(table, place - 1, &entries[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct service_entry entry = {.scope = entries[i].scope,
                                            .touched = entries[i].touched,
                                            .inserted = entries[i].scope->service};
        if (is_new[i]) /* only now: what is in both must not be evicted before it is added */
            add_new(table, &entry);
    }
    free(is_new);
    return renumber(table);
}

uint64_t service_table_insertions(const struct service_table *table)
{
    return table->insertions;
}

void service_table_set_counts(struct service_table *table, uint64_t insertions, uint64_t evicted)
{
    table->insertions = insertions;
    table->evicted = evicted;
}

uint64_t service_table_max(const struct service_table *table)
{
    return table->max;
}
