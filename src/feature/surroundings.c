/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/surroundings.h"

#include "base/prefetch.h"
#include "base/recent_touch.h"
#include "feature/category.h"

#include <stddef.h>
#include <string.h>

/* Flows that leave the window are foreseen as well: their entries so many flows before, what these
 * took from the pools later. When time has moved on many leave at once, one right after the other,
 * and a miss may have to wait for one of a page table: 8 and 4 flows before were too late. */
enum { LEAVING_ENTRIES = 32, LEAVING_POOLS = 16 };

/* What an entry that is forgotten gives back, and what is fetched for that. Entries of one flow, in
 * a flood all, have nothing to give back: that is asked in line, the rest is not. An entry is in
 * use if a flow of the window is forgotten with it. */
static inline __attribute__((always_inline)) bool is_alone_in_use(const struct surroundings *around,
                                                                  const struct recent_entry *entry)
{
    return entry->inserted >= around->window.first;
}

static __attribute__((noinline)) bool release_source(struct surroundings *around,
                                                     struct source *source)
{
    const bool was_in_use = source_sums(source, &around->pools)->protocols.flows > 0;
    source_release(source, &around->pools);
    return was_in_use;
}

static inline __attribute__((always_inline)) bool forget_source(void *context,
                                                                struct recent_entry *entry)
{
    struct source *const source = (struct source *)entry;
    return source->sums == 0 ? is_alone_in_use(context, entry) : release_source(context, source);
}

static inline __attribute__((always_inline)) void foresee_source(void *context,
                                                                 const struct recent_entry *entry)
{
    const struct surroundings *const around = context;
    prefetch(source_sums((const struct source *)entry, &around->pools));
}

static __attribute__((noinline)) bool release_destination(struct surroundings *around,
                                                          struct destination *destination)
{
    struct history *const history = destination_history(destination, &around->pools);
    const bool was_in_use = history->flows > 0;
    distinct_release(&history->things, &around->pools.distincts);
    block_pool_release(&around->pools.destinations, &destination->history);
    return was_in_use;
}

static inline __attribute__((always_inline)) bool forget_destination(void *context,
                                                                     struct recent_entry *entry)
{
    struct destination *const destination = (struct destination *)entry;
    return destination->history == 0 ? is_alone_in_use(context, entry)
                                     : release_destination(context, destination);
}

static inline __attribute__((always_inline)) void
foresee_destination(void *context, const struct recent_entry *entry)
{
    const struct surroundings *const around = context;
    prefetch(destination_history((const struct destination *)entry, &around->pools));
}

static __attribute__((noinline)) bool release_pair(struct surroundings *around, struct pair *pair)
{
    const bool was_in_use = pair_history(pair, &around->pools)->flows > 0;
    pair_release(pair, &around->pools);
    return was_in_use;
}

static inline __attribute__((always_inline)) bool forget_pair(void *context,
                                                              struct recent_entry *entry)
{
    struct pair *const pair = (struct pair *)entry;
    return pair->sums == 0 ? is_alone_in_use(context, entry) : release_pair(context, pair);
}

static inline __attribute__((always_inline)) void foresee_pair(void *context,
                                                               const struct recent_entry *entry)
{
    const struct surroundings *const around = context;
    prefetch(pair_sums((const struct pair *)entry, &around->pools));
}

/* Constants by name: each touch is made for one of them. */
static const struct recent_kind SOURCES = {sizeof(struct source), sizeof(struct host_key),
                                           forget_source, foresee_source};
static const struct recent_kind DESTINATIONS = {sizeof(struct destination), sizeof(struct host_key),
                                                forget_destination, foresee_destination};
static const struct recent_kind PAIRS = {sizeof(struct pair), sizeof(struct pair_key), forget_pair,
                                         foresee_pair};
static const struct recent_kind CONVERSATIONS = {sizeof(struct conversation),
                                                 sizeof(struct conversation_key), NULL, NULL};
static const struct recent_kind OFFERS = {sizeof(struct offer), sizeof(struct offer_key), NULL,
                                          NULL};

static bool open_tables(struct surroundings *around, const struct feature_settings *settings)
{
    const struct {
        const struct recent_kind *kind;
        uint32_t limit;
    } tables[TABLE_COUNT] = {
        [TABLE_SOURCES] = {&SOURCES, settings->max_hosts},
        [TABLE_DESTINATIONS] = {&DESTINATIONS, settings->max_hosts},
        [TABLE_PAIRS] = {&PAIRS, settings->max_pairs},
        [TABLE_CONVERSATIONS] = {&CONVERSATIONS, settings->max_conversations},
        [TABLE_OFFERS] = {&OFFERS, settings->max_hosts},
    };
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const struct recent_layout layout =
            recent_layout_of(tables[i].kind, tables[i].limit, around);
        if (!recent_table_init(&around->tables[i], &layout))
            return false;
    }
    return true;
}

bool surroundings_init(struct surroundings *around, const struct feature_settings *settings)
{
    endpoint_hasher_init(&around->hasher, settings->hash_key, settings->sketch_key);
    return window_init(&around->window, settings->max_window_flows) &&
           pools_init(&around->pools, settings) && open_tables(around, settings);
}

void surroundings_deinit(struct surroundings *around)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        recent_table_deinit(&around->tables[i]);
    pools_deinit(&around->pools);
    window_deinit(&around->window);
}

size_t surroundings_memory_bytes(const struct surroundings *around)
{
    size_t bytes = window_memory_bytes(&around->window) + pools_memory_bytes(&around->pools);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        bytes += recent_table_memory_bytes(&around->tables[i]);
    return bytes;
}

void surroundings_clear(struct surroundings *around, bool with_tables)
{
    for (unsigned i = 0; i < TABLE_COUNT && with_tables; i++)
        recent_table_clear(&around->tables[i]);
    pools_clear(&around->pools);
    window_clear(&around->window);
}

struct acquaintances surroundings_acquaintances(struct surroundings *around)
{
    return (struct acquaintances){.pairs = &around->tables[TABLE_PAIRS],
                                  .offers = &around->tables[TABLE_OFFERS],
                                  .hasher = &around->hasher};
}

/* ---- entries of a flow ---------------------------------------------------------------------- */

/* In which key a table's flows are. */
static const enum endpoint_key key_of[TABLE_COUNT] = {
    [TABLE_SOURCES] = ENDPOINT_SOURCE, [TABLE_DESTINATIONS] = ENDPOINT_DESTINATION,
    [TABLE_PAIRS] = ENDPOINT_PAIR,     [TABLE_CONVERSATIONS] = ENDPOINT_CONVERSATION,
    [TABLE_OFFERS] = ENDPOINT_OFFER,
};

static inline __attribute__((always_inline)) void *
touch(struct surroundings *around, enum table table, const struct recent_kind *kind,
      const struct endpoint_hashes *hashes, const void *key)
{
    const struct recent_lookup lookup = {
        .key = key,
        .hash = hashes->hash[key_of[table]],
        .place = hashes->feature_place[key_of[table]],
    };
    return recent_touch(&around->tables[table], kind, lookup, around->window.next);
}

static struct source *meet_source(struct surroundings *around, const struct flow_record *flow,
                                  const struct endpoint_hashes *hashes)
{
    struct host_key key = {.ip_version = flow->ip_version};
    memcpy(key.address, flow->source, sizeof key.address);
    return touch(around, TABLE_SOURCES, &SOURCES, hashes, &key);
}

static struct destination *meet_destination(struct surroundings *around,
                                            const struct flow_record *flow,
                                            const struct endpoint_hashes *hashes)
{
    struct host_key key = {.ip_version = flow->ip_version};
    memcpy(key.address, flow->destination, sizeof key.address);
    return touch(around, TABLE_DESTINATIONS, &DESTINATIONS, hashes, &key);
}

static struct pair *meet_pair(struct surroundings *around, const struct flow_record *flow,
                              const struct endpoint_hashes *hashes)
{
    struct pair_key key = {.ip_version = flow->ip_version};
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(around, TABLE_PAIRS, &PAIRS, hashes, &key);
}

static struct rhythm *meet_conversation(struct surroundings *around, const struct flow_record *flow,
                                        const struct pair *pair,
                                        const struct endpoint_hashes *hashes)
{
    if (pair_is_first_conversation(pair, flow))
        return pair->sums == 0 ? NULL : &pair_sums(pair, &around->pools)->rhythm;
    const struct conversation_key key = {
        .pair_slot = recent_table_slot(&around->tables[TABLE_PAIRS], pair),
        .pair_inserted = (uint32_t)pair->entry.inserted,
        .port = flow->destination_port,
        .protocol = flow->protocol,
    };
    struct conversation *const conversation =
        touch(around, TABLE_CONVERSATIONS, &CONVERSATIONS, hashes, &key);
    return &conversation->rhythm;
}

static struct offer *meet_offer(struct surroundings *around, const struct flow_record *flow,
                                const struct endpoint_hashes *hashes)
{
    struct offer_key key = {.service = hashes->service, .ip_version = flow->ip_version};
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(around, TABLE_OFFERS, &OFFERS, hashes, &key);
}

void surroundings_meet(struct surroundings *around, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes, const struct horizon *horizon,
                       struct company *company)
{
    company->source = meet_source(around, flow, hashes);
    company->destination = meet_destination(around, flow, hashes);
    company->pair = meet_pair(around, flow, hashes);
    pair_meet(company->pair, flow, horizon, around->hasher.sketch_key, &around->pools);
    company->rhythm = meet_conversation(around, flow, company->pair, hashes);
    company->offer = meet_offer(around, flow, hashes);
}

/* ---- leaving the window --------------------------------------------------------------------- */

static void warm_leaving_entries(const struct surroundings *around, const struct window_flow *flow)
{
    if (flow == NULL)
        return;
    recent_warm(&around->tables[TABLE_SOURCES], &SOURCES, flow->source_slot + 1);
    recent_warm(&around->tables[TABLE_DESTINATIONS], &DESTINATIONS, flow->destination_slot + 1);
    recent_warm(&around->tables[TABLE_PAIRS], &PAIRS, flow->pair_slot + 1);
}

/* What flow `number` adds up in, if its entries took it and have been there since the flow. */
struct leaving {
    struct source_sums *source;
    struct history *destination, *pair;
};

static struct leaving leaving_of(const struct surroundings *around, const struct window_flow *flow,
                                 uint64_t number)
{
    const struct recent_table *const tables = around->tables;
    const struct source *const source =
        recent_table_at(&tables[TABLE_SOURCES], flow->source_slot, number);
    const struct destination *const destination =
        recent_table_at(&tables[TABLE_DESTINATIONS], flow->destination_slot, number);
    const struct pair *const pair = recent_table_at(&tables[TABLE_PAIRS], flow->pair_slot, number);
    return (struct leaving){
        .source = source == NULL ? NULL : source_sums(source, &around->pools),
        .destination =
            destination == NULL ? NULL : destination_history(destination, &around->pools),
        .pair = pair == NULL ? NULL : pair_history(pair, &around->pools),
    };
}

static void warm_leaving_pools(const struct surroundings *around, const struct window_flow *flow,
                               uint64_t number)
{
    if (flow == NULL)
        return;
    const struct leaving leaving = leaving_of(around, flow, number);
    prefetch(leaving.source);
    prefetch(leaving.destination);
    prefetch(leaving.pair);
}

void surroundings_leave_window(struct surroundings *around)
{
    struct window *const window = &around->window;
    const struct window_flow *const flow = window_oldest(window);
    const struct leaving leaving = leaving_of(around, flow, window->first);
    if (leaving.source != NULL)
        source_sums_leave(leaving.source, flow, &around->pools.protocols);
    if (leaving.destination != NULL)
        leaving.destination->flows--;
    if (leaving.pair != NULL)
        leaving.pair->flows--;
    window_drop_oldest(window);
    warm_leaving_entries(around, window_after(window, LEAVING_ENTRIES));
    warm_leaving_pools(around, window_after(window, LEAVING_POOLS), window->first + LEAVING_POOLS);
}

/* ---- memory ahead --------------------------------------------------------------------------- */

static void ask(const struct surroundings *around, enum table table,
                const struct endpoint_hashes *hashes)
{
    recent_table_ask(&around->tables[table], hashes->hash[key_of[table]]);
}

void surroundings_ask_ahead(const struct surroundings *around, const struct endpoint_hashes *hashes)
{
    ask(around, TABLE_SOURCES, hashes);
    ask(around, TABLE_DESTINATIONS, hashes);
    ask(around, TABLE_PAIRS, hashes);
    ask(around, TABLE_CONVERSATIONS, hashes);
    ask(around, TABLE_OFFERS, hashes);
}

static inline __attribute__((always_inline)) void find(const struct surroundings *around,
                                                       enum table table,
                                                       const struct recent_kind *kind,
                                                       struct endpoint_hashes *hashes)
{
    const enum endpoint_key key = key_of[table];
    hashes->feature_place[key] = recent_find(&around->tables[table], kind, hashes->hash[key]);
}

void surroundings_warm(const struct surroundings *around, struct endpoint_hashes *hashes)
{
    find(around, TABLE_SOURCES, &SOURCES, hashes);
    find(around, TABLE_DESTINATIONS, &DESTINATIONS, hashes);
    find(around, TABLE_PAIRS, &PAIRS, hashes);
    find(around, TABLE_CONVERSATIONS, &CONVERSATIONS, hashes);
    find(around, TABLE_OFFERS, &OFFERS, hashes);
}

/* Has fetched a block of the pools: it is several lines long. */
static void warm_block(const void *block, size_t bytes)
{
    for (size_t i = 0; block != NULL && i < bytes; i += 64)
        prefetch((const uint8_t *)block + i);
}

static inline __attribute__((always_inline)) const void *found(const struct surroundings *around,
                                                               enum table table,
                                                               const struct recent_kind *kind,
                                                               const struct endpoint_hashes *hashes)
{
    return recent_found(&around->tables[table], kind, hashes->feature_place[key_of[table]]);
}

void surroundings_warm_sums(const struct surroundings *around, const struct endpoint_hashes *hashes)
{
    const struct source *const source = found(around, TABLE_SOURCES, &SOURCES, hashes);
    const struct destination *const destination =
        found(around, TABLE_DESTINATIONS, &DESTINATIONS, hashes);
    const struct pair *const pair = found(around, TABLE_PAIRS, &PAIRS, hashes);
    (void)found(around, TABLE_CONVERSATIONS, &CONVERSATIONS, hashes);
    (void)found(around, TABLE_OFFERS, &OFFERS, hashes);
    if (source != NULL)
        warm_block(source_sums(source, &around->pools), offsetof(struct source_sums, minutes));
    if (destination != NULL)
        warm_block(destination_history(destination, &around->pools), sizeof(struct history));
    if (pair != NULL)
        warm_block(pair_sums(pair, &around->pools), sizeof(struct pair_sums));
}

static void warm_history(const struct surroundings *around, const struct history *history,
                         uint64_t thing)
{
    if (history != NULL)
        distinct_warm(&history->things, &around->pools.distincts, (uint32_t)thing);
}

void surroundings_warm_things(const struct surroundings *around,
                              const struct endpoint_hashes *hashes)
{
    const struct pools *const pools = &around->pools;
    const struct source *const source = found(around, TABLE_SOURCES, &SOURCES, hashes);
    const struct destination *const destination =
        found(around, TABLE_DESTINATIONS, &DESTINATIONS, hashes);
    const struct pair *const pair = found(around, TABLE_PAIRS, &PAIRS, hashes);
    if (source != NULL && source->sums != 0) {
        const struct source_sums *const sums = source_sums(source, pools);
        distinct_warm(&sums->peers, &pools->distincts, (uint32_t)hashes->destination_sketch);
        distinct_warm(&sums->ports, &pools->distincts, (uint32_t)hashes->port_sketch);
    }
    if (destination != NULL)
        warm_history(around, destination_history(destination, pools), hashes->source_sketch);
    if (pair != NULL)
        warm_history(around, pair_history(pair, pools), hashes->port_sketch);
}
