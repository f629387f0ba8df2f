/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is remembered of flows before: the tables of whom they were between, the pools
 * their entries take from, and the window, whose flows take back on leaving what they added. The
 * engine finds here the five entries that a flow is measured by. Owned by a feature engine, the
 * thread that calls feature_measure.
 *
 * A flow's memory is asked for ahead, in four steps that lie some flows apart, because each reads
 * what the one before had fetched: the cells of the tables' indices, the entries they lead to, the
 * sums that entries took from the pools, and the lists and sketches that these took. A miss of the
 * caches costs 100 ns, and one flow would wait for twenty. */
#ifndef WHYFLOW_FEATURE_SURROUNDINGS_H
#define WHYFLOW_FEATURE_SURROUNDINGS_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "feature/acquaintance.h"
#include "feature/conversation.h"
#include "feature/destination.h"
#include "feature/offer.h"
#include "feature/pair.h"
#include "feature/pools.h"
#include "feature/source.h"
#include "feature/window.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"

enum table {
    TABLE_SOURCES,
    TABLE_DESTINATIONS,
    TABLE_PAIRS,
    TABLE_CONVERSATIONS,
    TABLE_OFFERS,
    TABLE_COUNT
};

struct surroundings {
    struct recent_table tables[TABLE_COUNT];
    struct pools pools;
    struct window window;
    struct endpoint_hasher hasher;
};

/* The entries of one flow. */
struct company {
    struct source *source;
    struct destination *destination;
    struct pair *pair;
    struct rhythm *rhythm; /* of their conversation; NULL: it begins with this flow */
    struct offer *offer;
};

/* It must stay where it is. */
bool surroundings_init(struct surroundings *around, const struct feature_settings *settings);
void surroundings_deinit(struct surroundings *around);
size_t surroundings_memory_bytes(const struct surroundings *around);
/* Forgets everything but acquaintances; these too if asked. */
void surroundings_clear(struct surroundings *around, bool with_tables);
struct acquaintances surroundings_acquaintances(struct surroundings *around);

/* The flow's entries, each inserted by it where it was not yet. */
void surroundings_meet(struct surroundings *around, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes, const struct horizon *horizon,
                       struct company *company);
/* The oldest flow leaves the window; there must be one. */
void surroundings_leave_window(struct surroundings *around);

void surroundings_ask_ahead(const struct surroundings *around,
                            const struct endpoint_hashes *hashes);
void surroundings_warm(const struct surroundings *around, struct endpoint_hashes *hashes);
void surroundings_warm_sums(const struct surroundings *around,
                            const struct endpoint_hashes *hashes);
void surroundings_warm_things(const struct surroundings *around,
                              const struct endpoint_hashes *hashes);

#endif
