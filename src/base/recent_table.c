/* SPDX-License-Identifier: Apache-2.0 */
/* uthash as configured here: allocations come zeroed from calloc (so large tables are not touched
 * before they are used), failing ones are not fatal, and the first table has its final size: the
 * macro HASH_INITIAL_NUM_BUCKETS reads it from `table`, which link_entry has as a parameter. */
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) calloc(1, size)
#define uthash_bzero(bytes, size) ((void)0)

#include "base/recent_table.h"

#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#undef HASH_INITIAL_NUM_BUCKETS
#define HASH_INITIAL_NUM_BUCKETS (table->bucket_count)

static uint8_t *key_of(struct recent_entry *entry)
{
    return (uint8_t *)entry + sizeof *entry;
}

static void link_entry(struct recent_table *table, struct recent_entry *entry, unsigned hash)
{
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->head, key_of(entry), table->layout.key_bytes, hash,
                                entry);
}

static void unlink_entry(struct recent_table *table, struct recent_entry *entry)
{
    assert(entry != table->head);
    HASH_DELETE(hh, table->head, entry);
}

/* Buckets for one entry each: a power of two, as uthash wants. */
static uint32_t bucket_count_for(uint32_t limit)
{
    uint32_t count = 1;
    while (count < limit && count < UINT32_C(1) << 30)
        count *= 2;
    return count;
}

/* Adds the entry that never leaves. Its key is all zero; a real one has an IP version. */
static bool make_head(struct recent_table *table)
{
    struct recent_entry *head = calloc(1, table->layout.entry_bytes);
    if (head == NULL)
        return false;
    link_entry(table, head, 0);
    if (table->head == NULL) {
        free(head);
        return false;
    }
    table->head->hh.tbl->noexpand = 1;
    return true;
}

bool recent_table_init(struct recent_table *table, const struct recent_layout *layout)
{
    assert(layout->entry_bytes >= sizeof(struct recent_entry) + layout->key_bytes);
    *table = (struct recent_table){.layout = *layout};
    if (table->layout.limit == 0)
        table->layout.limit = 1;
    memcpy(table->hash_key, layout->hash_key, sizeof table->hash_key);
    table->layout.hash_key = NULL;
    table->bucket_count = bucket_count_for(table->layout.limit);
    table->slab = calloc(table->layout.limit, layout->entry_bytes);
    if (table->slab != NULL && make_head(table))
        return true;
    recent_table_deinit(table);
    return false;
}

void recent_table_deinit(struct recent_table *table)
{
    struct recent_entry *head = table->head;
    if (head != NULL)
        HASH_CLEAR(hh, table->head);
    free(head);
    free(table->slab);
    *table = (struct recent_table){.count = 0};
}

size_t recent_table_memory_bytes(const struct recent_table *table)
{
    return (table->layout.limit + (size_t)1) * table->layout.entry_bytes +
           table->bucket_count * sizeof(UT_hash_bucket);
}

/* The least recently used leaves, for flow `number`; its slot is free. */
static void evict_oldest(struct recent_table *table, uint64_t number)
{
    struct recent_entry *oldest = table->head->hh.next;
    assert(oldest != NULL);
    if (table->layout.forget != NULL && table->layout.forget(table->layout.context, oldest))
        table->lost = number;
    unlink_entry(table, oldest);
    __builtin_prefetch(table->head->hh.next); /* the next to go */
    oldest->hh.next = table->free;
    table->free = oldest;
    table->count--;
    table->evicted++;
}

static struct recent_entry *free_slot(struct recent_table *table, uint64_t number)
{
    if (table->count == table->layout.limit)
        evict_oldest(table, number);
    struct recent_entry *entry = table->free;
    if (entry != NULL) {
        table->free = entry->hh.next;
        return entry;
    }
    assert(table->touched_slots < table->layout.limit);
    return (struct recent_entry *)(void *)(table->slab +
                                           table->touched_slots++ * table->layout.entry_bytes);
}

static struct recent_entry *insert(struct recent_table *table, const struct recent_lookup *lookup,
                                   uint64_t number)
{
    const uint64_t lost = table->lost; /* whom it displaces itself, it is not */
    struct recent_entry *entry = free_slot(table, number);
    memset(entry, 0, table->layout.entry_bytes);
    memcpy(key_of(entry), lookup->key, table->layout.key_bytes);
    entry->inserted = number;
    entry->lost = lost;
    link_entry(table, entry, lookup->hash);
    table->count++;
    return entry;
}

struct recent_lookup recent_lookup_begin(const struct recent_table *table, const void *key)
{
    const unsigned hash = (unsigned)siphash13(table->hash_key, key, table->layout.key_bytes);
    __builtin_prefetch(&table->head->hh.tbl->buckets[hash & (table->bucket_count - 1)]);
    return (struct recent_lookup){.key = key, .hash = hash};
}

void recent_lookup_warm(const struct recent_lookup *lookup, const struct recent_table *table)
{
    const unsigned bucket = lookup->hash & (table->bucket_count - 1);
    const uint8_t *entry = (const uint8_t *)table->head->hh.tbl->buckets[bucket].hh_head;
    if (entry == NULL)
        return;
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + sizeof(struct recent_entry));
}

void recent_lookup_find(struct recent_lookup *lookup, const struct recent_table *table)
{
    HASH_FIND_BYHASHVALUE(hh, table->head, lookup->key, table->layout.key_bytes, lookup->hash,
                          lookup->found);
    if (lookup->found == NULL)
        return;
    __builtin_prefetch(lookup->found->hh.next);
    __builtin_prefetch(lookup->found->hh.prev);
}

void *recent_table_touch(struct recent_table *table, const struct recent_lookup *lookup,
                         uint64_t number)
{
    struct recent_entry *entry = lookup->found;
    if (entry == NULL)
        return insert(table, lookup, number);
    if (entry->hh.next != NULL) {
        unlink_entry(table, entry);
        link_entry(table, entry, lookup->hash);
    }
    return entry;
}

void recent_table_clear(struct recent_table *table)
{
    while (table->head->hh.next != NULL)
        unlink_entry(table, table->head->hh.next);
    table->free = NULL;
    table->count = 0;
    table->touched_slots = 0;
    table->lost = 0;
}

void *recent_table_oldest(const struct recent_table *table)
{
    return table->head->hh.next;
}

void *recent_table_newer(const void *entry)
{
    return ((const struct recent_entry *)entry)->hh.next;
}

uint32_t recent_table_slot(const struct recent_table *table, const void *entry)
{
    return (uint32_t)((size_t)((const uint8_t *)entry - table->slab) / table->layout.entry_bytes);
}

void *recent_table_at(const struct recent_table *table, uint32_t slot, uint64_t number)
{
    uint8_t *bytes = table->slab + slot * table->layout.entry_bytes;
    struct recent_entry *entry = (struct recent_entry *)(void *)bytes;
    return entry->inserted <= number ? entry : NULL;
}

void recent_table_warm_slot(const struct recent_table *table, uint32_t slot)
{
    const uint8_t *entry = table->slab + slot * table->layout.entry_bytes;
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + sizeof(struct recent_entry));
}
