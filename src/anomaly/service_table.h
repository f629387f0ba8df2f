/* SPDX-License-Identifier: Apache-2.0 */
/* What was usual within each service: a histogram a feature, as the baseline's own, for each of the
 * services seen most. Bounded; the lightest goes first. Called by the baseline, which knows what
 * the numbers mean; the engine's thread owns it.
 *
 * A category is kept by what is left to tell of it once the service is known ("state" of "tcp/443
 * closed"): at most SERVICE_PART_COUNT values, in the slots of its histogram.
 *
 * Memory: everything is reserved at open, and backed by the system as services come. */
#ifndef WHYFLOW_ANOMALY_SERVICE_TABLE_H
#define WHYFLOW_ANOMALY_SERVICE_TABLE_H

#include "anomaly/histogram.h"
#include "whyflow/feature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SERVICE_STEP_COUNT = 257, /* as the baseline's: quantiles are read from these */
    SERVICE_FINE_SHIFT = 6,   /* steps count in 1/64 of the baseline's unit: 2^25 flows a step */
    SERVICE_PART_COUNT = HISTOGRAM_SLOT_COUNT,
    SERVICE_PART_MISSING = SERVICE_PART_COUNT - 1,
};

struct service_scope {
    uint64_t service; /* FEATURE_SERVICE's code */
    uint64_t total;   /* weight of its flows */
    uint64_t flows;   /* its flows, each counted alike: in the baseline's units */
    uint64_t slot[FEATURE_COUNT][HISTOGRAM_SLOT_COUNT];
    uint64_t measured[FEATURE_COUNT]; /* of `flows`, in how many */
    uint32_t fine[FEATURE_COUNT][SERVICE_STEP_COUNT];
};

struct service_table;

/* At most `max` (> 0) services; hash_key decides placement only. NULL: no memory. */
struct service_table *service_table_open(uint32_t max, const uint64_t hash_key[2]);
void service_table_close(struct service_table *table); /* NULL is allowed */

/* NULL: not held. Valid until the next touch. */
const struct service_scope *service_table_find(const struct service_table *table, uint64_t service);

/* The service's entry with `weight` > 0 added to its total, for learning flow `flow_number`. A new
 * one, otherwise empty, takes the place of the lightest in a full table: the least by (total, last
 * touch, insertion). */
struct service_scope *service_table_touch(struct service_table *table, uint64_t service,
                                          uint64_t weight, uint64_t flow_number);

/* What learning this service would evict; NULL: nothing. */
const struct service_scope *service_table_would_evict(const struct service_table *table,
                                                      uint64_t service);

/* Halves all weights, rounding down. */
void service_table_halve(struct service_table *table);

/* The entry at `index` < count, in order of slots: for sums, which no order changes. */
struct service_scope *service_table_at(struct service_table *table, size_t index);
size_t service_table_count(const struct service_table *table);

/* A service as it is saved. */
struct service_entry {
    const struct service_scope *scope;
    uint64_t touched;  /* number of the flow that touched it last */
    uint64_t inserted; /* order of insertion: the last to tell who is evicted */
};

/* All entries by rising service, service_table_count of them; their scopes are the table's own and
 * valid until it changes. The caller frees. NULL: no memory. */
struct service_entry *service_table_entries(const struct service_table *table);

/* Takes in a copy of a service that is not there yet. False: it is, or the table is full. */
bool service_table_put(struct service_table *table, const struct service_entry *entry);

/* Adds all `count` entries of another table; of a service in both the later touch counts. Beyond
 * the limit the heaviest of both stay, by (total, last touch, service): so neither order nor which
 * table is added to which shows. Insertions are numbered anew, by service. False: no memory. */
bool service_table_add(struct service_table *table, const struct service_entry *entries,
                       size_t count);

uint64_t service_table_insertions(const struct service_table *table);
/* Counters of a saved table: insertions and evictions so far. */
void service_table_set_counts(struct service_table *table, uint64_t insertions, uint64_t evicted);

uint64_t service_table_max(const struct service_table *table);
uint64_t service_table_evicted(const struct service_table *table);
uint64_t service_table_memory_bytes(const struct service_table *table);

#endif
