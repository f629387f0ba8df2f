/* SPDX-License-Identifier: Apache-2.0 */
/* An entry is some 60 kB, so what the search for the lightest needs lies apart, in an array of its
 * own: a full table of 512 is searched in 16 kB. The index is open addressing with linear probing
 * and a keyed hash, at most a quarter full; what is taken out closes its gap, so that there are no
 * tombstones. uthash was rejected here: its handle would lie in the large entries. */
#include "anomaly/service_table.h"

#include "base/siphash.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_PER_ENTRY = 4, MAX_LIMIT = 1 << 16 };

struct service_rank {
    uint64_t total, touched, inserted;
};

struct service_table {
    struct service_scope *scopes;
    struct service_rank *ranks;
    uint32_t *index; /* 1 + place of an entry; 0: none */
    size_t count, max, index_mask;
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

static size_t home_of(const struct service_table *table, uint64_t service)
{
    return (size_t)siphash13(table->hash_key, &service, sizeof service) & table->index_mask;
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

/* An empty place; in a full table the lightest entry's. */
static size_t make_room(struct service_table *table)
{
    if (table->count < table->max)
        return table->count++;
    size_t lightest = 0;
    for (size_t i = 1; i < table->count; i++) {
        if (is_lighter(&table->ranks[i], &table->ranks[lightest]))
            lightest = i;
    }
    unlink_at(table, seek(table, table->scopes[lightest].service));
    memset(&table->scopes[lightest], 0, sizeof table->scopes[lightest]);
    table->evicted++;
    return lightest;
}

static size_t insert(struct service_table *table, uint64_t service)
{
    const size_t place = make_room(table);
    table->scopes[place].service = service;
    table->ranks[place] = (struct service_rank){.inserted = ++table->insertions};
    table->index[seek(table, service)] = (uint32_t)(place + 1);
    return place;
}

struct service_scope *service_table_touch(struct service_table *table, uint64_t service,
                                          uint64_t weight, uint64_t flow_number)
{
    assert(weight > 0);
    const uint32_t found = table->index[seek(table, service)];
    const size_t place = found != 0 ? found - 1 : insert(table, service);
    table->scopes[place].total += weight;
    table->ranks[place].total = table->scopes[place].total;
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
