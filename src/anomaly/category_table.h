/* SPDX-License-Identifier: Apache-2.0 */
/* The categories seen: how much each code of each categorical feature weighs, over all flows and
 * within each direction. Bounded; the lightest goes first. Called by the baseline; the engine's
 * thread owns it.
 *
 * One entry holds a code's weight in every scope. Entries keyed by (scope, feature, code) were
 * rejected: twice the look-ups a flow, and a code could lose its total while its parts stayed.
 *
 * Memory: everything is allocated at open. */
#ifndef WHYFLOW_ANOMALY_CATEGORY_TABLE_H
#define WHYFLOW_ANOMALY_CATEGORY_TABLE_H

#include "whyflow/feature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Scope 0 is all flows; scope 1 + d the flows of direction d. */
enum { CATEGORY_SCOPE_COUNT = 1 + FEATURE_DIRECTION_COUNT };

/* An entry's sums: weights by scope, and after them its flows, each counted alike: what words say.
 */
enum { CATEGORY_FLOWS = CATEGORY_SCOPE_COUNT, CATEGORY_SUM_COUNT };

/* The least limit: room for the categories of a few flows. */
enum { CATEGORY_TABLE_LEAST = 64 };

struct category_key {
    uint64_t code;
    uint32_t feature;    /* enum feature_id */
    uint32_t is_missing; /* 1: the feature was not measured; code is 0 */
};

struct category_table;

/* At most `max` entries (at least CATEGORY_TABLE_LEAST); hash_key decides placement only. NULL: no
 * memory. */
struct category_table *category_table_open(uint32_t max, const uint64_t hash_key[2]);
void category_table_close(struct category_table *table); /* NULL is allowed */

/* Adds `weight` > 0 to the key in scope 0 and, if `scope` is not 0, in `scope`, and `flow` to its
 * flows. flow_number orders touches. A new key in a full table takes the place of the lightest: the
 * least by (weight, last touch, insertion). */
void category_table_learn(struct category_table *table, const struct category_key *key,
                          unsigned scope, uint64_t weight, uint64_t flow, uint64_t flow_number);

/* The key's CATEGORY_SUM_COUNT sums, or NULL: never seen, or evicted. Valid until the next
 * learn. It remembers where it was found. */
const uint64_t *category_table_find(struct category_table *table, const struct category_key *key);

/* Halves all weights, rounding down; an entry of weight 0 stays until it is evicted. */
void category_table_halve(struct category_table *table);

/* How many keys of this feature the table holds. */
uint64_t category_table_distinct(const struct category_table *table, enum feature_id feature);

size_t category_table_count(const struct category_table *table);

/* An entry as it is saved. */
struct category_entry {
    struct category_key key;
    uint64_t sum[CATEGORY_SUM_COUNT];
    uint64_t touched;  /* number of the flow that touched it last */
    uint64_t inserted; /* order of insertion: the last to tell who is evicted */
};

/* All entries, sorted by (feature, is_missing, code), category_table_count of them; the caller
 * frees. NULL: no memory. */
struct category_entry *category_table_entries(const struct category_table *table);

/* Takes in an entry whose key is not there yet. False: it is, or the table is full. */
bool category_table_put(struct category_table *table, const struct category_entry *entry);

/* Adds an entry's sums to those of its key; the later touch counts. A new key is inserted last, and
 * in a full table evicts the lightest. */
void category_table_add(struct category_table *table, const struct category_entry *entry);

/* Insertions are numbered by key: the order in which tables were added leaves no trace. */
bool category_table_renumber(struct category_table *table); /* false: no memory */

uint64_t category_table_insertions(const struct category_table *table);
/* Counters of a saved table: insertions and evictions so far. */
void category_table_set_counts(struct category_table *table, uint64_t insertions, uint64_t evicted);

uint64_t category_table_max(const struct category_table *table);
uint64_t category_table_evicted(const struct category_table *table);
uint64_t category_table_memory_bytes(const struct category_table *table);

#endif
