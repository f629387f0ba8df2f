/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/surroundings.h"

#include <string.h>

/* Flows that leave the window are foreseen as well: their entries so many flows before, what these
 * took from the pools later. */
enum { LEAVING_ENTRIES = 8, LEAVING_POOLS = 4 };

/* True if a flow of the window is forgotten with the entry. */
static bool is_in_use(const struct surroundings *around, const struct recent_entry *entry,
                      const struct history *history)
{
    return history != NULL ? history->flows > 0 : entry->inserted >= around->window.first;
}

static bool forget_source(void *context, struct recent_entry *entry)
{
    struct surroundings *const around = context;
    struct source *const source = (struct source *)entry;
    const struct source_sums *const sums = source_sums(source, &around->pools);
    const bool was_in_use =
        sums != NULL ? sums->protocols.flows > 0 : is_in_use(around, entry, NULL);
    source_release(source, &around->pools);
    return was_in_use;
}

static bool forget_destination(void *context, struct recent_entry *entry)
{
    struct surroundings *const around = context;
    struct destination *const destination = (struct destination *)entry;
    struct history *const history = destination_history(destination, &around->pools);
    const bool was_in_use = is_in_use(around, entry, history);
    if (history != NULL)
        distinct_release(&history->things, &around->pools.distincts);
    block_pool_release(&around->pools.destinations, &destination->history);
    return was_in_use;
}

static bool forget_pair(void *context, struct recent_entry *entry)
{
    struct surroundings *const around = context;
    struct pair *const pair = (struct pair *)entry;
    struct history *const history = pair_history(pair, &around->pools);
    const bool was_in_use = is_in_use(around, entry, history);
    if (history != NULL)
        distinct_release(&history->things, &around->pools.distincts);
    block_pool_release(&around->pools.pairs, &pair->history);
    return was_in_use;
}

static bool open_tables(struct surroundings *around, const struct feature_settings *settings)
{
    const struct recent_layout layouts[TABLE_COUNT] = {
        [TABLE_SOURCES] =
            {
                .entry_bytes = sizeof(struct source),
                .key_bytes = sizeof(struct host_key),
                .limit = settings->max_hosts,
                .forget = forget_source,
                .context = around,
            },
        [TABLE_DESTINATIONS] =
            {
                .entry_bytes = sizeof(struct destination),
                .key_bytes = sizeof(struct host_key),
                .limit = settings->max_hosts,
                .forget = forget_destination,
                .context = around,
            },
        [TABLE_PAIRS] =
            {
                .entry_bytes = sizeof(struct pair),
                .key_bytes = sizeof(struct pair_key),
                .limit = settings->max_pairs,
                .forget = forget_pair,
                .context = around,
            },
        [TABLE_CONVERSATIONS] =
            {
                .entry_bytes = sizeof(struct conversation),
                .key_bytes = sizeof(struct conversation_key),
                .limit = settings->max_conversations,
            },
        [TABLE_OFFERS] =
            {
                .entry_bytes = sizeof(struct offer),
                .key_bytes = sizeof(struct offer_key),
                .limit = settings->max_hosts,
            },
    };
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        if (!recent_table_init(&around->tables[i], &layouts[i]))
            return false;
    return true;
}

bool surroundings_init(struct surroundings *around, const struct feature_settings *settings)
{
    memcpy(around->hash_key, settings->hash_key, sizeof around->hash_key);
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
                                  .hash_key = around->hash_key};
}

/* ---- entries of a flow ---------------------------------------------------------------------- */

static void hash_keys(const struct endpoint_hashes *hashes, const struct flow_record *flow,
                      uint32_t hash[TABLE_COUNT])
{
    const uint64_t port = (uint64_t)flow->protocol << 16 | flow->destination_port;
    hash[TABLE_SOURCES] = (uint32_t)hashes->source;
    hash[TABLE_DESTINATIONS] = (uint32_t)hashes->destination;
    hash[TABLE_PAIRS] = pair_hash(hashes->source, hashes->destination);
    hash[TABLE_CONVERSATIONS] = endpoint_hash_both(hashes->source, hashes->destination + port);
    hash[TABLE_OFFERS] = offer_hash(hashes->destination, hashes->service);
}

static void *touch(struct surroundings *around, enum table table, const void *key, uint32_t hash)
{
    const struct recent_lookup lookup = {.key = key, .hash = hash};
    return recent_table_touch(&around->tables[table], &lookup, around->window.next);
}

static struct host_key host_key(const uint8_t address[16], uint8_t ip_version)
{
    struct host_key key = {.ip_version = ip_version};
    memcpy(key.address, address, sizeof key.address);
    return key;
}

static struct pair *meet_pair(struct surroundings *around, const struct flow_record *flow,
                              uint32_t hash)
{
    struct pair_key key = {.ip_version = flow->ip_version};
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(around, TABLE_PAIRS, &key, hash);
}

static struct conversation *meet_conversation(struct surroundings *around,
                                              const struct flow_record *flow,
                                              const struct pair *pair, uint32_t hash)
{
    const struct conversation_key key = {
        .pair_slot = recent_table_slot(&around->tables[TABLE_PAIRS], pair),
        .pair_inserted = (uint32_t)pair->entry.inserted,
        .port = flow->destination_port,
        .protocol = flow->protocol,
    };
    return touch(around, TABLE_CONVERSATIONS, &key, hash);
}

static struct offer *meet_offer(struct surroundings *around, const struct flow_record *flow,
                                uint32_t service, uint32_t hash)
{
    struct offer_key key = {.service = service, .ip_version = flow->ip_version};
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(around, TABLE_OFFERS, &key, hash);
}

struct company surroundings_meet(struct surroundings *around, const struct flow_record *flow,
                                 const struct endpoint_hashes *hashes)
{
    const struct host_key source = host_key(flow->source, flow->ip_version);
    const struct host_key destination = host_key(flow->destination, flow->ip_version);
    uint32_t hash[TABLE_COUNT];
    hash_keys(hashes, flow, hash);
    struct company company;
    company.source = touch(around, TABLE_SOURCES, &source, hash[TABLE_SOURCES]);
    company.destination = touch(around, TABLE_DESTINATIONS, &destination, hash[TABLE_DESTINATIONS]);
    company.pair = meet_pair(around, flow, hash[TABLE_PAIRS]);
    company.conversation = meet_conversation(around, flow, company.pair, hash[TABLE_CONVERSATIONS]);
    company.offer = meet_offer(around, flow, hashes->service, hash[TABLE_OFFERS]);
    return company;
}

/* ---- leaving the window --------------------------------------------------------------------- */

static void warm_leaving_entries(const struct surroundings *around, const struct window_flow *flow)
{
    if (flow == NULL)
        return;
    recent_table_warm_slot(&around->tables[TABLE_SOURCES], flow->source_slot);
    recent_table_warm_slot(&around->tables[TABLE_DESTINATIONS], flow->destination_slot);
    recent_table_warm_slot(&around->tables[TABLE_PAIRS], flow->pair_slot);
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
    __builtin_prefetch(leaving.source);
    __builtin_prefetch(leaving.destination);
    __builtin_prefetch(leaving.pair);
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

void surroundings_ask_ahead(const struct surroundings *around, const struct endpoint_hashes *hashes,
                            const struct flow_record *flow)
{
    uint32_t hash[TABLE_COUNT];
    hash_keys(hashes, flow, hash);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        (void)recent_lookup_hashed(&around->tables[i], NULL, hash[i]);
}

void surroundings_warm(const struct surroundings *around, const struct endpoint_hashes *hashes,
                       const struct flow_record *flow)
{
    uint32_t hash[TABLE_COUNT];
    hash_keys(hashes, flow, hash);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const struct recent_lookup lookup = {.hash = hash[i]};
        recent_lookup_warm(&lookup, &around->tables[i]);
    }
}
