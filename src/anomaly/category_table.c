/* SPDX-License-Identifier: Apache-2.0 */
/* Eviction needs the lightest entry, exactly and in a total order, or output would depend on
 * placement. A heap kept right at every touch would cost every learnt flow; here the heap is lazy:
 * it is built when the table is first full, and each entry carries the rank it was last filed
 * under. Between two halvings ranks only rise, so an entry filed too low is found when it comes to
 * the top, is filed again, and the first entry whose rank is current is the true lightest.
 * Rejected: a sample of candidates (not a total order), a list by last touch (forgets the heavy).
 *
 * Most features have a handful of small codes; these are found by index, without a hash. The others
 * are found by an index of 4 bytes a place, open addressing with linear probing and a keyed hash,
 * at most half full; what is taken out closes its gap. uthash was left: its handle took 56 bytes
 * an entry and 16 a bucket, 160 bytes a category where 104 do. */
#include "anomaly/category_table.h"

#include "base/siphash.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Shortcuts of a feature: one for "missing", the others for codes from 0 on. */
enum { SHORTCUT_COUNT = 32, INDEX_PER_ENTRY = 2 };

/* Where codes met lately are: a place by a plain hash, whose entry is looked at before it is
 * believed. So a stale one does no harm, and who makes codes collide pays with the keyed hash. */
enum { LATELY_BITS = 11, LATELY_COUNT = 1 << LATELY_BITS };

struct category {
    struct category_key key;
    uint64_t weight[CATEGORY_SUM_COUNT];
    uint64_t filed_weight, filed_touched; /* under which it lies in the heap; and `inserted` */
    uint64_t touched, inserted;
};

struct category_table {
    struct category *entries; /* [0, count) are in use */
    uint32_t *heap;           /* indices of entries, lightest first; valid if has_heap */
    uint32_t *index;          /* 1 + index of an entry; 0: none */
    size_t count, max, index_mask;
    bool has_heap;
    uint64_t insertions, evicted;
    uint64_t distinct[FEATURE_COUNT];
    uint64_t hash_key[2];
    uint32_t shortcut[FEATURE_COUNT][SHORTCUT_COUNT]; /* 1 + index of the entry; 0: none */
    uint32_t lately[LATELY_COUNT];                    /* index of an entry */
    uint32_t last[FEATURE_COUNT]; /* of the entry learnt last: the next flow's is mostly the same */
};

_Static_assert(sizeof(struct category_key) == 16, "a key has no padding");

/* Where a key's shortcut is, or -1: it has none. */
static int shortcut_of(const struct category_key *key)
{
    if (key->is_missing)
        return 0;
    return key->code < SHORTCUT_COUNT - 1 ? 1 + (int)key->code : -1;
}

static size_t lately_of(const struct category_key *key)
{
    static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)((key->code ^ (uint64_t)key->feature << 40) * factor >> (64 - LATELY_BITS));
}

static bool same_key(const struct category_key *one, const struct category_key *other)
{
    return one->code == other->code && one->feature == other->feature &&
           one->is_missing == other->is_missing;
}

static size_t home_of(const struct category_table *table, const struct category_key *key)
{
    return (size_t)siphash13(table->hash_key, key, sizeof *key) & table->index_mask;
}

/* Where the key is in the index, or the gap where it would be. */
static size_t seek(const struct category_table *table, const struct category_key *key)
{
    size_t at = home_of(table, key);
    while (table->index[at] != 0 && !same_key(&table->entries[table->index[at] - 1].key, key))
        at = (at + 1) & table->index_mask;
    return at;
}

/* Closes the gap at `gap`: what would no longer be found behind it moves into it. */
static void unlink_at(struct category_table *table, size_t gap)
{
    const size_t mask = table->index_mask;
    for (size_t at = (gap + 1) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        const size_t home = home_of(table, &table->entries[table->index[at] - 1].key);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->index[gap] = table->index[at];
        gap = at;
    }
    table->index[gap] = 0;
}

static struct category *find(struct category_table *table, const struct category_key *key)
{
    const int shortcut = shortcut_of(key);
    if (shortcut >= 0) {
        const uint32_t place = table->shortcut[key->feature][shortcut];
        return place == 0 ? NULL : &table->entries[place - 1];
    }
    uint32_t *const lately = &table->lately[lately_of(key)];
    struct category *const found = &table->entries[*lately];
    if (*lately < table->count && same_key(&found->key, key))
        return found;
    const uint32_t place = table->index[seek(table, key)];
    if (place == 0)
        return NULL;
    *lately = place - 1;
    return &table->entries[place - 1];
}

struct category_table *category_table_open(uint32_t max, const uint64_t hash_key[2])
{
    struct category_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    table->max = max < CATEGORY_TABLE_LEAST ? CATEGORY_TABLE_LEAST : max;
    memcpy(table->hash_key, hash_key, sizeof table->hash_key);
    size_t index_count = 1;
    while (index_count < table->max * INDEX_PER_ENTRY)
        index_count *= 2;
    table->index_mask = index_count - 1;
    table->entries = calloc(table->max, sizeof *table->entries);
    table->heap = calloc(table->max, sizeof *table->heap);
    table->index = calloc(index_count, sizeof *table->index);
    if (table->entries != NULL && table->heap != NULL && table->index != NULL)
        return table;
    category_table_close(table);
    return NULL;
}

void category_table_close(struct category_table *table)
{
    if (table == NULL)
        return;
    free(table->index);
    free(table->heap);
    free(table->entries);
    free(table);
}

/* Whether a is lighter, by what the two are filed under: weight, number of the flow that touched
 * it last, order of insertion, which is unique and makes the order total. */
static bool files_before(const struct category *a, const struct category *b)
{
    if (a->filed_weight != b->filed_weight)
        return a->filed_weight < b->filed_weight;
    if (a->filed_touched != b->filed_touched)
        return a->filed_touched < b->filed_touched;
    return a->inserted < b->inserted;
}

static bool heap_before(const struct category_table *table, size_t a, size_t b)
{
    return files_before(&table->entries[table->heap[a]], &table->entries[table->heap[b]]);
}

static void sift_down(struct category_table *table, size_t place)
{
    for (;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++) {
            if (child < table->count && heap_before(table, child, least))
                least = child;
        }
        if (least == place)
            return;
        const uint32_t index = table->heap[place];
        table->heap[place] = table->heap[least];
        table->heap[least] = index;
        place = least;
    }
}

/* Files an entry under what it weighs now. */
static void file_anew(struct category *entry)
{
    entry->filed_weight = entry->weight[0];
    entry->filed_touched = entry->touched;
}

static void build_heap(struct category_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->heap[i] = (uint32_t)i;
        file_anew(&table->entries[i]);
    }
    for (size_t i = table->count / 2; i-- > 0;)
        sift_down(table, i);
    table->has_heap = true;
}

/* The lightest entry, at the top of the heap, filed under its true rank. */
static struct category *lightest(struct category_table *table)
{
    if (!table->has_heap)
        build_heap(table);
    for (;;) {
        struct category *top = &table->entries[table->heap[0]];
        if (top->filed_weight == top->weight[0] && top->filed_touched == top->touched)
            return top;
        file_anew(top);
        sift_down(table, 0);
    }
}

/* Points the key's shortcut, if it has one, to `place`: 1 + the index of its entry, or 0. */
static void set_shortcut(struct category_table *table, const struct category_key *key, size_t place)
{
    const int shortcut = shortcut_of(key);
    if (shortcut >= 0)
        table->shortcut[key->feature][shortcut] = (uint32_t)place;
}

static struct category *make_room(struct category_table *table)
{
    if (table->count < table->max)
        return &table->entries[table->count++];
    struct category *entry = lightest(table);
    unlink_at(table, seek(table, &entry->key));
    set_shortcut(table, &entry->key, 0);
    table->distinct[entry->key.feature]--;
    table->evicted++;
    memset(entry, 0, sizeof *entry);
    return entry;
}

static struct category *insert(struct category_table *table, const struct category_key *key)
{
    struct category *entry = make_room(table);
    entry->key = *key;
    entry->inserted = ++table->insertions;
    const size_t place = 1 + (size_t)(entry - table->entries);
    table->index[seek(table, key)] = (uint32_t)place;
    set_shortcut(table, key, place);
    table->distinct[key->feature]++;
    return entry;
}

static struct category *find_or_insert(struct category_table *table, const struct category_key *key)
{
    struct category *entry = find(table, key);
    if (entry == NULL)
        entry = insert(table, key); /* filed under rank 0 where it stands: found and filed later */
    table->last[key->feature] = (uint32_t)(entry - table->entries);
    return entry;
}

void category_table_learn(struct category_table *table, const struct category_key *key,
                          unsigned scope, uint64_t weight, uint64_t flow, uint64_t flow_number)
{
    assert(key->feature < FEATURE_COUNT);
    assert(scope < CATEGORY_SCOPE_COUNT);
    assert(weight > 0);
    struct category *entry = &table->entries[table->last[key->feature]];
    if (table->count == 0 || !same_key(&entry->key, key))
        entry = find_or_insert(table, key);
    entry->weight[0] += weight;
    if (scope != 0)
        entry->weight[scope] += weight;
    entry->weight[CATEGORY_FLOWS] += flow;
    if (flow_number > entry->touched)
        entry->touched = flow_number;
}

const uint64_t *category_table_find(struct category_table *table, const struct category_key *key)
{
    const struct category *entry = find(table, key);
    return entry == NULL ? NULL : entry->weight;
}

void category_table_halve(struct category_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        for (unsigned sum = 0; sum < CATEGORY_SUM_COUNT; sum++)
            table->entries[i].weight[sum] /= 2;
    }
    table->has_heap = false; /* ranks fell: what was filed is no lower bound any more */
}

uint64_t category_table_distinct(const struct category_table *table, enum feature_id feature)
{
    return table->distinct[feature];
}

size_t category_table_count(const struct category_table *table)
{
    return table->count;
}

uint64_t category_table_evicted(const struct category_table *table)
{
    return table->evicted;
}

uint64_t category_table_memory_bytes(const struct category_table *table)
{
    return sizeof *table + table->max * (sizeof *table->entries + sizeof *table->heap) +
           (table->index_mask + 1) * sizeof *table->index;
}

/* ---- saved and loaded ---------------------------------------------------------------------- */

static struct category_entry entry_of(const struct category *category)
{
    struct category_entry entry = {
        .key = category->key, .touched = category->touched, .inserted = category->inserted};
    memcpy(entry.sum, category->weight, sizeof entry.sum);
    return entry;
}

static int compare_entries(const void *a_entry, const void *b_entry)
{
    const struct category_key *a = &((const struct category_entry *)a_entry)->key;
    const struct category_key *b = &((const struct category_entry *)b_entry)->key;
    if (a->feature != b->feature)
        return a->feature < b->feature ? -1 : 1;
    if (a->is_missing != b->is_missing)
        return a->is_missing < b->is_missing ? -1 : 1;
    return a->code == b->code ? 0 : a->code < b->code ? -1 : 1;
}

struct category_entry *category_table_entries(const struct category_table *table)
{
    struct category_entry *const entries = calloc(table->count + 1, sizeof *entries);
    if (entries == NULL)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        entries[i] = entry_of(&table->entries[i]);
    qsort(entries, table->count, sizeof *entries, compare_entries);
    return entries;
}

bool category_table_put(struct category_table *table, const struct category_entry *entry)
{
    if (table->count == table->max || find(table, &entry->key) != NULL)
        return false;
    struct category *const category = insert(table, &entry->key);
    memcpy(category->weight, entry->sum, sizeof category->weight);
    category->touched = entry->touched;
    category->inserted = entry->inserted;
    table->has_heap = false;
    return true;
}

void category_table_add(struct category_table *table, const struct category_entry *entry)
{
    struct category *category = find(table, &entry->key);
    if (category == NULL)
        category = insert(table, &entry->key);
    for (unsigned sum = 0; sum < CATEGORY_SUM_COUNT; sum++)
        category->weight[sum] += entry->sum[sum];
    if (entry->touched > category->touched)
        category->touched = entry->touched;
}

bool category_table_renumber(struct category_table *table)
{
    struct category_entry *const entries = category_table_entries(table);
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++)
        find(table, &entries[i].key)->inserted = i + 1;
    table->insertions = table->count;
    table->has_heap = false;
    free(entries);
    return true;
}

uint64_t category_table_insertions(const struct category_table *table)
{
    return table->insertions;
}

void category_table_set_counts(struct category_table *table, uint64_t insertions, uint64_t evicted)
{
    table->insertions = insertions;
    table->evicted = evicted;
}

uint64_t category_table_max(const struct category_table *table)
{
    return table->max;
}
