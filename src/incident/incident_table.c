/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in a fixed array, found by a chained hash whose buckets are preset, closed in the order
 * of a wheel (base/wheel.h). An entry touched again stays where it is in the wheel and is put back
 * when it comes up, as the wheel wants it. uthash was left out here: it frees its buckets with the
 * last entry, and this table is empty most of the time. */
#include "incident/incident_table.h"

#include "base/item_pool.h"
#include "base/siphash.h"
#include "base/wheel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NO_ENTRY = UINT32_MAX };
/* As flow_clock believes a step. Flow lines of several sensors may be some seconds out of order. */
static const int64_t STEP_BACK_NS = 60 * INT64_C(1000000000);

enum { ID_BITS = 51, TOLD_FACTOR = 10 };

struct incident_entry {
    struct incident_key key;
    uint32_t next; /* in its bucket's chain */
    int32_t strongest_mbits;
    uint64_t next_told; /* count at which an alert is due */
    uint64_t told;      /* count of the last alert */
    struct incident incident;
    struct incident_flow strongest;
};

struct incident_table {
    struct incident_settings settings;
    struct incident_entry *entries;
    struct wheel_node *nodes;
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of two */
    struct item_pool pool;
    struct wheel wheel; /* by (last flow's notice time, id) */
    uint32_t latest;    /* the one that counted a flow last, if it is still open; else NO_ENTRY */
    int64_t now_ns;
    int64_t silent_from_ns; /* no open incident's last flow was before it */
    bool has_now;
    uint64_t opened, evicted;
};

static uint32_t bucket_count_for(uint32_t entries)
{
    uint32_t count = 1;
    while (count < entries && count < UINT32_C(1) << 30)
        count *= 2;
    return count;
}

struct incident_table *incident_table_open(const struct incident_settings *settings)
{
    struct incident_table *const table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    table->settings = *settings;
    if (table->settings.max_incidents == 0)
        table->settings.max_incidents = 1;
    const uint32_t capacity = table->settings.max_incidents;
    table->bucket_count = bucket_count_for(capacity);
    table->entries = calloc(capacity, sizeof *table->entries);
    table->nodes = calloc(capacity, sizeof *table->nodes);
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    if (table->entries == NULL || table->nodes == NULL || table->buckets == NULL ||
        !item_pool_init(&table->pool, capacity) ||
        !wheel_init(&table->wheel, table->nodes, capacity, settings->silence_ns)) {
        incident_table_close(table);
        return NULL;
    }
    table->latest = NO_ENTRY;
    table->silent_from_ns = INT64_MAX;
    memset(table->buckets, 0xff, table->bucket_count * sizeof *table->buckets);
    return table;
}

void incident_table_close(struct incident_table *table)
{
    if (table == NULL)
        return;
    wheel_deinit(&table->wheel);
    item_pool_deinit(&table->pool);
    free(table->buckets);
    free(table->nodes);
    free(table->entries);
    free(table);
}

/* ---- finding ---- */

static uint32_t *bucket_of(const struct incident_table *table, const struct incident_key *key)
{
    const uint64_t hash = siphash13(table->settings.hash_key, key, sizeof *key);
    return &table->buckets[hash & (table->bucket_count - 1)];
}

/* The incident that flows follow each other of, as those of a flood do, is asked for first. */
static uint32_t find(const struct incident_table *table, const struct incident_key *key)
{
    if (table->latest != NO_ENTRY &&
        memcmp(&table->entries[table->latest].key, key, sizeof *key) == 0)
        return table->latest;
    uint32_t item = *bucket_of(table, key);
    while (item != NO_ENTRY && memcmp(&table->entries[item].key, key, sizeof *key) != 0)
        item = table->entries[item].next;
    return item;
}

bool incident_is_open(const struct incident_table *table, const struct incident_key *key)
{
    return find(table, key) != NO_ENTRY;
}

bool incident_is_full(const struct incident_table *table, const struct incident_key *key)
{
    return item_pool_available(&table->pool) == 0 && !incident_is_open(table, key);
}

/* ---- closing ---- */

static struct wheel_key closing_key(const struct incident_entry *entry)
{
    return (struct wheel_key){entry->incident.last_ns, entry->incident.id};
}

/* The one that has been silent longest, if its last flow was at limit_ns or before. Mostly there is
 * none and it is known that there cannot be: this is asked at every flow. */
static bool find_silent(struct incident_table *table, int64_t limit_ns, uint32_t *item)
{
    if (limit_ns < table->silent_from_ns)
        return false;
    while (wheel_first(&table->wheel, limit_ns, item)) {
        const struct wheel_key key = closing_key(&table->entries[*item]);
        if (table->nodes[*item].key.time_ns == key.time_ns)
            return true;
        wheel_remove(&table->wheel, *item);
        wheel_insert(&table->wheel, *item, key);
    }
    table->silent_from_ns = wheel_least_ns(&table->wheel);
    return false;
}

static void close_entry(struct incident_table *table, uint32_t item, int64_t closed_ns,
                        struct incident_closed *closed)
{
    struct incident_entry *const entry = &table->entries[item];
    uint32_t *link = bucket_of(table, &entry->key);
    while (*link != item)
        link = &table->entries[*link].next;
    *link = entry->next;
    if (table->latest == item)
        table->latest = NO_ENTRY;
    wheel_remove(&table->wheel, item);
    item_pool_put(&table->pool, item);
    *closed = (struct incident_closed){
        .incident = entry->incident,
        .closed_ns = closed_ns,
        .alert_is_due = entry->incident.count > entry->told,
        .strongest = &entry->strongest,
    };
    closed->incident.is_closed = true;
}

static bool close_silent(struct incident_table *table, int64_t limit_ns, int64_t at_most_ns,
                         struct incident_closed *closed)
{
    uint32_t item;
    if (!find_silent(table, limit_ns, &item))
        return false;
    const int64_t silent_ns = table->entries[item].incident.last_ns + table->settings.silence_ns;
    close_entry(table, item, silent_ns < at_most_ns ? silent_ns : at_most_ns, closed);
    return true;
}

bool incident_close_due(struct incident_table *table, int64_t notice_ns,
                        struct incident_closed *closed)
{
    const bool is_set_back = table->has_now && notice_ns < table->now_ns - STEP_BACK_NS;
    if (is_set_back && close_silent(table, INT64_MAX, table->now_ns, closed))
        return true;
    if (!table->has_now || is_set_back || notice_ns > table->now_ns)
        table->now_ns = notice_ns;
    table->has_now = true;
    return close_silent(table, notice_ns - table->settings.silence_ns, notice_ns, closed);
}

void incident_close_longest_silent(struct incident_table *table, int64_t now_ns,
                                   struct incident_closed *closed)
{
    const bool is_closed = close_silent(table, INT64_MAX, now_ns, closed);
    assert(is_closed);
    table->evicted += is_closed;
}

bool incident_close_any(struct incident_table *table, int64_t now_ns,
                        struct incident_closed *closed)
{
    return close_silent(table, INT64_MAX, now_ns, closed);
}

/* ---- opening and counting ---- */

/* The same for the same story in every run: under a key of its own, which is public. */
static uint64_t make_id(const struct incident_key *key, int64_t first_ns)
{
    static const uint64_t public_key[2] = {UINT64_C(0x696e636964656e74), UINT64_C(0x77687966)};
    struct {
        struct incident_key key;
        int64_t first_ns;
    } named = {.key = *key, .first_ns = first_ns};
    _Static_assert(sizeof named == sizeof *key + sizeof first_ns, "no padding");
    const uint64_t id = siphash13(public_key, &named, sizeof named) >> (64 - ID_BITS);
    return id == 0 ? 1 : id;
}

static uint32_t open_entry(struct incident_table *table, const struct incident_key *key,
                           int64_t notice_ns)
{
    const uint32_t item = item_pool_get(&table->pool);
    struct incident_entry *const entry = &table->entries[item];
    uint32_t *const bucket = bucket_of(table, key);
    entry->key = *key;
    entry->next = *bucket;
    *bucket = item;
    entry->strongest_mbits = INT32_MIN;
    entry->next_told = 1;
    entry->told = 0;
    entry->incident = (struct incident){
        .id = make_id(key, notice_ns), .first_ns = notice_ns, .last_ns = notice_ns};
    wheel_insert(&table->wheel, item, closing_key(entry));
    if (notice_ns < table->silent_from_ns)
        table->silent_from_ns = notice_ns;
    table->opened++;
    return item;
}

struct incident_note incident_note(struct incident_table *table, const struct incident_key *key,
                                   int64_t notice_ns, int32_t score_mbits)
{
    uint32_t item = find(table, key);
    const bool is_opened = item == NO_ENTRY;
    if (is_opened)
        item = open_entry(table, key, notice_ns);
    table->latest = item;
    struct incident_entry *const entry = &table->entries[item];
    entry->incident.count++;
    if (notice_ns > entry->incident.last_ns)
        entry->incident.last_ns = notice_ns;
    struct incident_note note = {.incident = entry->incident, .is_opened = is_opened};
    if (entry->incident.count == entry->next_told) {
        note.alert_is_due = true;
        entry->told = entry->next_told;
        entry->next_told *= TOLD_FACTOR;
    }
    if (score_mbits > entry->strongest_mbits || is_opened) {
        entry->strongest_mbits = score_mbits;
        note.strongest = &entry->strongest;
    }
    return note;
}

static bool is_only_counted(const struct incident_table *table, const struct incident_run *run)
{
    const uint32_t item = find(table, &run->key);
    if (item == NO_ENTRY)
        return false;
    const struct incident_entry *const entry = &table->entries[item];
    return run->strongest_mbits <= entry->strongest_mbits &&
           entry->incident.count + run->count < entry->next_told;
}

bool incident_note_runs(struct incident_table *table, const struct incident_run *runs,
                        uint32_t count, int64_t until_ns)
{
    if (until_ns - table->settings.silence_ns >= table->silent_from_ns)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!is_only_counted(table, &runs[i]))
            return false;
    for (uint32_t i = 0; i < count; i++) {
        struct incident *const incident = &table->entries[find(table, &runs[i].key)].incident;
        incident->count += runs[i].count;
        if (runs[i].last_ns > incident->last_ns)
            incident->last_ns = runs[i].last_ns;
    }
    return true;
}

uint64_t incident_opened(const struct incident_table *table)
{
    return table->opened;
}

uint64_t incident_evicted(const struct incident_table *table)
{
    return table->evicted;
}

uint64_t incident_memory_bytes(const struct incident_table *table)
{
    const uint64_t an_entry = sizeof *table->entries + sizeof *table->nodes +
                              2 * sizeof(uint32_t); /* in the pool and in the wheel's heap */
    return sizeof *table + table->settings.max_incidents * an_entry +
           table->bucket_count * sizeof(uint32_t) + WHEEL_LISTS_BYTES;
}
