/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/feature.h"

#include "feature/acquaintance.h"
#include "feature/category.h"
#include "feature/conversation.h"
#include "feature/destination.h"
#include "feature/direction.h"
#include "feature/flow_feature.h"
#include "feature/minutes.h"
#include "feature/offer.h"
#include "feature/pair.h"
#include "feature/source.h"
#include "feature/vector.h"

#include <stdlib.h>
#include <string.h>

/* Hosts for each sketch: few hosts meet more than 16 others, or ports, in ten minutes. */
enum { HOSTS_PER_SKETCH = 8, SKETCHES_MIN = 16 };

static const int64_t SIXTY_SECONDS_NS = INT64_C(60000000000);

/* A run that goes on within an hour of what it loaded is the same run, restarted. */
static const int64_t RESTART_GAP_MAX_NS = INT64_C(3600000000000);

/* Times of what is loaded lie within this of 1970, so that differences never overflow. */
static const int64_t TIME_MAX_NS = INT64_C(1) << 61;

enum table {
    TABLE_SOURCES,
    TABLE_DESTINATIONS,
    TABLE_PAIRS,
    TABLE_CONVERSATIONS,
    TABLE_OFFERS,
    TABLE_COUNT
};

struct feature_engine {
    struct feature_settings settings;
    bool has_time; /* a flow was measured: epoch and now_ns hold */
    bool is_saved; /* what was saved was loaded; until a flow is measured now_ns is when */
    uint32_t epoch;
    int64_t now_ns;
    int64_t start_ns;         /* when this run began to watch; holds with has_time */
    int64_t saved_watched_ns; /* how long those had watched that were loaded */
    struct minute_clock clock;
    struct window window;
    struct protocol_pool protocols;
    struct sketch_pool sketches;
    struct recent_table tables[TABLE_COUNT];
    uint64_t window_flows_cut;
    bool has_cut;          /* cut_notice_ns holds */
    int64_t cut_notice_ns; /* of the last flow that left the window early */
};

/* Everything the engine knows about one flow's surroundings while it is being measured. */
struct scene {
    const struct flow_record *flow;
    uint32_t service;
    struct horizon horizon;
    struct source *source;
    struct destination *destination;
    struct pair *pair;
    struct conversation *conversation;
    struct offer *offer;
};

static bool forget_source(void *context, struct recent_entry *entry)
{
    struct feature_engine *engine = context;
    struct source *source = (struct source *)entry;
    const bool is_in_use = source->protocols.flows > 0;
    protocol_mix_release(&source->protocols, &engine->protocols);
    distinct_release(&source->peers, &engine->sketches);
    distinct_release(&source->ports, &engine->sketches);
    return is_in_use;
}

static bool forget_destination(void *context, struct recent_entry *entry)
{
    struct feature_engine *engine = context;
    struct destination *destination = (struct destination *)entry;
    distinct_release(&destination->sources, &engine->sketches);
    return destination->flows > 0;
}

static bool forget_pair(void *context, struct recent_entry *entry)
{
    struct feature_engine *engine = context;
    struct pair *pair = (struct pair *)entry;
    distinct_release(&pair->ports, &engine->sketches);
    return pair->flows > 0;
}

static bool open_tables(struct feature_engine *engine)
{
    const struct feature_settings *settings = &engine->settings;
    const struct recent_layout layouts[TABLE_COUNT] = {
        [TABLE_SOURCES] =
            {
                .entry_bytes = sizeof(struct source),
                .key_bytes = sizeof(struct host_key),
                .limit = settings->max_hosts,
                .forget = forget_source,
                .context = engine,
            },
        [TABLE_DESTINATIONS] =
            {
                .entry_bytes = sizeof(struct destination),
                .key_bytes = sizeof(struct host_key),
                .limit = settings->max_hosts,
                .forget = forget_destination,
                .context = engine,
            },
        [TABLE_PAIRS] =
            {
                .entry_bytes = sizeof(struct pair),
                .key_bytes = sizeof(struct pair_key),
                .limit = settings->max_pairs,
                .forget = forget_pair,
                .context = engine,
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
        if (!recent_table_init(&engine->tables[i], &layouts[i]))
            return false;
    return true;
}

static uint32_t sketch_limit(const struct feature_settings *settings)
{
    const uint32_t limit = settings->max_hosts / HOSTS_PER_SKETCH;
    return limit > SKETCHES_MIN ? limit : SKETCHES_MIN;
}

struct feature_engine *feature_engine_open(const struct feature_settings *settings)
{
    struct feature_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->settings = *settings;
    if (window_init(&engine->window, settings->max_window_flows) &&
        protocol_pool_init(&engine->protocols, engine->window.limit) &&
        sketch_pool_init(&engine->sketches, sketch_limit(settings)) && open_tables(engine))
        return engine;
    feature_engine_close(engine);
    return NULL;
}

void feature_engine_close(struct feature_engine *engine)
{
    if (engine == NULL)
        return;
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        recent_table_deinit(&engine->tables[i]);
    sketch_pool_deinit(&engine->sketches);
    protocol_pool_deinit(&engine->protocols);
    window_deinit(&engine->window);
    free(engine);
}

static struct acquaintances acquaintances_of(struct feature_engine *engine)
{
    return (struct acquaintances){.pairs = &engine->tables[TABLE_PAIRS],
                                  .offers = &engine->tables[TABLE_OFFERS],
                                  .hash_key = engine->settings.hash_key};
}

/* The first flow after a load. Time that nobody watched makes nobody known for longer, nor does a
 * capture from before the save make acquaintances begin in its future: but for the gap of a restart
 * first times are moved so that the clock stood still in between. */
static void resume(struct feature_engine *engine, int64_t notice_ns)
{
    const int64_t gap_ns = notice_ns - engine->now_ns;
    const struct acquaintances known = acquaintances_of(engine);
    if (gap_ns < 0 || gap_ns > RESTART_GAP_MAX_NS)
        acquaintance_shift(&known, gap_ns);
}

static int64_t watched_ns(const struct feature_engine *engine)
{
    return engine->saved_watched_ns + (engine->has_time ? engine->now_ns - engine->start_ns : 0);
}

static void begin_epoch(struct feature_engine *engine, const struct flow_record *flow)
{
    if (!engine->has_time && engine->is_saved)
        resume(engine, flow->notice_ns);
    for (unsigned i = 0; i < TABLE_COUNT && engine->has_time; i++)
        recent_table_clear(&engine->tables[i]);
    sketch_pool_clear(&engine->sketches);
    protocol_pool_clear(&engine->protocols);
    window_clear(&engine->window);
    engine->has_time = true;
    engine->has_cut = false;
    engine->epoch = flow->epoch;
    engine->now_ns = engine->start_ns = flow->notice_ns;
    minute_clock_reset(&engine->clock, engine->now_ns, engine->window.next);
}

/* The flow that will leave next, most likely with the next flow measured. */
static void warm_leaving(const struct feature_engine *engine)
{
    const struct window_flow *flow = window_oldest(&engine->window);
    if (flow == NULL)
        return;
    recent_table_warm_slot(&engine->tables[TABLE_SOURCES], flow->source_slot);
    recent_table_warm_slot(&engine->tables[TABLE_DESTINATIONS], flow->destination_slot);
    recent_table_warm_slot(&engine->tables[TABLE_PAIRS], flow->pair_slot);
}

/* The oldest flow of the window leaves; what it had added is taken back, from those entries that
 * have been there since it entered. */
static void leave_window(struct feature_engine *engine)
{
    const struct window_flow *flow = window_oldest(&engine->window);
    const struct recent_table *tables = engine->tables;
    const uint64_t number = engine->window.first;
    struct source *source = recent_table_at(&tables[TABLE_SOURCES], flow->source_slot, number);
    if (source != NULL)
        source_leave(source, flow, &engine->protocols);
    struct destination *destination =
        recent_table_at(&tables[TABLE_DESTINATIONS], flow->destination_slot, number);
    if (destination != NULL)
        destination_leave(destination);
    struct pair *pair = recent_table_at(&tables[TABLE_PAIRS], flow->pair_slot, number);
    if (pair != NULL)
        pair_leave(pair);
    window_drop_oldest(&engine->window);
    warm_leaving(engine);
}

/* Flows noticed at window_start_ns or before are outside (now - window, now]. */
static void expire_window(struct feature_engine *engine)
{
    const int64_t window_start_ns = engine->now_ns - engine->settings.window_ns;
    const struct window_flow *oldest = window_oldest(&engine->window);
    while (oldest != NULL && oldest->notice_ns <= window_start_ns) {
        leave_window(engine);
        oldest = window_oldest(&engine->window);
    }
    if (!window_is_full(&engine->window))
        return;
    engine->has_cut = true;
    engine->cut_notice_ns = window_oldest(&engine->window)->notice_ns;
    engine->window_flows_cut++;
    leave_window(engine);
}

static void advance_time(struct feature_engine *engine, const struct flow_record *flow)
{
    if (!engine->has_time || flow->epoch != engine->epoch)
        begin_epoch(engine, flow);
    if (flow->notice_ns > engine->now_ns)
        engine->now_ns = flow->notice_ns;
    minute_clock_advance(&engine->clock, engine->now_ns, engine->window.next);
    expire_window(engine);
}

struct keys {
    struct host_key source, destination;
    struct pair_key pair;
    struct conversation_key conversation;
    struct offer_key offer;
};

static struct keys keys_of(const struct flow_record *flow, uint32_t service)
{
    const uint8_t version = flow->ip_version;
    struct keys keys = {
        .source.ip_version = version,
        .destination.ip_version = version,
        .pair.ip_version = version,
        .conversation = {.port = flow->destination_port,
                         .protocol = flow->protocol,
                         .ip_version = version},
        .offer = {.service = service, .ip_version = version},
    };
    memcpy(keys.source.address, flow->source, sizeof flow->source);
    memcpy(keys.destination.address, flow->destination, sizeof flow->destination);
    memcpy(keys.pair.source, flow->source, sizeof flow->source);
    memcpy(keys.pair.destination, flow->destination, sizeof flow->destination);
    memcpy(keys.conversation.source, flow->source, sizeof flow->source);
    memcpy(keys.conversation.destination, flow->destination, sizeof flow->destination);
    memcpy(keys.offer.destination, flow->destination, sizeof flow->destination);
    return keys;
}

static void hash_keys(const struct endpoint_hashes *hashes, const struct flow_record *flow,
                      uint32_t service, uint32_t hash[TABLE_COUNT])
{
    const uint64_t port = (uint64_t)flow->protocol << 16 | flow->destination_port;
    hash[TABLE_SOURCES] = (uint32_t)hashes->source;
    hash[TABLE_DESTINATIONS] = (uint32_t)hashes->destination;
    hash[TABLE_PAIRS] = pair_hash(hashes->source, hashes->destination);
    hash[TABLE_CONVERSATIONS] = endpoint_hash_both(hashes->source, hashes->destination + port);
    hash[TABLE_OFFERS] = offer_hash(hashes->destination, service);
}

/* The entries of one flow in all tables, each inserted where it was not yet. */
static void touch_all(struct feature_engine *engine, const struct keys *keys,
                      const uint32_t hash[TABLE_COUNT], void *entries[TABLE_COUNT])
{
    const void *const key[TABLE_COUNT] = {
        [TABLE_SOURCES] = &keys->source, [TABLE_DESTINATIONS] = &keys->destination,
        [TABLE_PAIRS] = &keys->pair,     [TABLE_CONVERSATIONS] = &keys->conversation,
        [TABLE_OFFERS] = &keys->offer,
    };
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const struct recent_lookup lookup =
            recent_lookup_hashed(&engine->tables[i], key[i], hash[i]);
        entries[i] = recent_table_touch(&engine->tables[i], &lookup, engine->window.next);
    }
}

static struct scene make_scene(struct feature_engine *engine, const struct flow_record *flow,
                               const struct endpoint_hashes *hashes)
{
    const uint32_t service = category_service(flow);
    const struct keys keys = keys_of(flow, service);
    uint32_t hash[TABLE_COUNT];
    void *entries[TABLE_COUNT];
    hash_keys(hashes, flow, service, hash);
    touch_all(engine, &keys, hash, entries);
    return (struct scene){
        .flow = flow,
        .service = service,
        .horizon = {.now = engine->window.next,
                    .window = engine->window.first,
                    .ten_minutes = minute_clock_first(&engine->clock),
                    .minute = (uint32_t)engine->clock.minute},
        .source = entries[TABLE_SOURCES],
        .destination = entries[TABLE_DESTINATIONS],
        .pair = entries[TABLE_PAIRS],
        .conversation = entries[TABLE_CONVERSATIONS],
        .offer = entries[TABLE_OFFERS],
    };
}

static bool is_new(const struct scene *scene, const struct recent_entry *entry)
{
    return entry->inserted == scene->horizon.now;
}

/* How long something was known when the flow began, judged by what was handed over before, -1: not
 * at all; then the flow's own start counts too. */
static int64_t meet(const struct scene *scene, const struct recent_entry *entry, int64_t *first_ns,
                    enum feature_id id, struct feature_vector *vector)
{
    const int64_t flow_first_ns = scene->flow->first_ns;
    if (is_new(scene, entry)) {
        *first_ns = flow_first_ns;
        vector_set(vector, id, FEATURE_ACQUAINTANCE_NEW);
        return -1;
    }
    const int64_t age_ns = flow_first_ns - *first_ns;
    vector_set(vector, id, category_acquaintance(age_ns));
    if (flow_first_ns < *first_ns)
        *first_ns = flow_first_ns;
    return age_ns > 0 ? age_ns : 0;
}

/* What depends on the flows before this one alone. */
static void measure_past(const struct feature_engine *engine, const struct scene *scene,
                         struct feature_vector *vector)
{
    struct source *source = scene->source;
    /* Flows that are all ended at once have no time between their ends. */
    const uint8_t reason = scene->flow->end_reason;
    const bool is_ended_with_all = reason == FLOW_END_FORCED || reason == FLOW_END_CLOCK_STEP;
    if (!is_new(scene, &source->entry) && !is_ended_with_all)
        vector_set(vector, FEATURE_SRC_IDLE,
                   (double)(engine->now_ns - source->last_notice_ns) / 1e3);
    source->last_notice_ns = engine->now_ns;
    vector->pair_age_ns =
        meet(scene, &scene->pair->entry, &scene->pair->first_ns, FEATURE_SRC_KNOWS_DST, vector);
    meet(scene, &scene->offer->entry, &scene->offer->first_ns, FEATURE_SERVICE_KNOWS_DST, vector);
}

static uint8_t window_marks(const struct scene *scene)
{
    bool is_applicable = false;
    const bool is_unanswered = flow_record_is_unanswered(scene->flow, &is_applicable);
    unsigned marks = 0;
    if (scene->flow->basis == FLOW_BASIS_SYN)
        marks |= WINDOW_MARK_SYN;
    if (is_applicable)
        marks |= WINDOW_MARK_APPLICABLE;
    if (is_applicable && is_unanswered)
        marks |= WINDOW_MARK_UNANSWERED;
    if (is_new(scene, &scene->pair->entry))
        marks |= WINDOW_MARK_NEW_PEER;
    return (uint8_t)marks;
}

static struct window_flow window_flow_of(const struct feature_engine *engine,
                                         const struct scene *scene)
{
    const struct flow_direction *forward = &scene->flow->direction[FLOW_FORWARD];
    return (struct window_flow){
        .notice_ns = engine->now_ns,
        .packets = forward->packets,
        .ip_bytes = forward->ip_bytes,
        .source_slot = recent_table_slot(&engine->tables[TABLE_SOURCES], scene->source),
        .destination_slot =
            recent_table_slot(&engine->tables[TABLE_DESTINATIONS], scene->destination),
        .pair_slot = recent_table_slot(&engine->tables[TABLE_PAIRS], scene->pair),
        .protocol = scene->flow->protocol,
        .marks = window_marks(scene),
    };
}

static void remember(struct feature_engine *engine, const struct scene *scene,
                     const struct endpoint_hashes *hashes)
{
    const struct horizon *horizon = &scene->horizon;
    const struct window_flow flow = window_flow_of(engine, scene);
    const struct source_sight sight = {.peer_hash = (uint32_t)hashes->destination_sketch,
                                       .port_hash = (uint32_t)hashes->port_sketch};
    source_enter(scene->source, &flow, &engine->protocols);
    source_count(scene->source, &flow, &sight, horizon, &engine->sketches);
    destination_enter(scene->destination);
    destination_count(scene->destination, (uint32_t)hashes->source_sketch, horizon,
                      &engine->sketches);
    pair_enter(scene->pair);
    pair_count(scene->pair, sight.port_hash, horizon, &engine->sketches);
    if (scene->flow->slice == 0)
        conversation_count(scene->conversation, scene->flow->first_ns);
    window_add(&engine->window, &flow);
}

/* True if flows of the window may have been forgotten with an earlier entry of the same key: all
 * flows that an entry lost have numbers below its `lost`. */
static bool is_short(const struct scene *scene, const struct recent_entry *entry)
{
    return entry->lost > scene->horizon.window;
}

static bool is_window_cut(const struct feature_engine *engine, const struct scene *scene)
{
    const int64_t window_start_ns = engine->now_ns - engine->settings.window_ns;
    return (engine->has_cut && engine->cut_notice_ns > window_start_ns) ||
           is_short(scene, &scene->source->entry) || is_short(scene, &scene->destination->entry) ||
           is_short(scene, &scene->pair->entry) ||
           distinct_is_cut(&scene->source->peers, &scene->horizon) ||
           distinct_is_cut(&scene->source->ports, &scene->horizon) ||
           distinct_is_cut(&scene->destination->sources, &scene->horizon) ||
           distinct_is_cut(&scene->pair->ports, &scene->horizon);
}

static void measure_surroundings(const struct feature_engine *engine, const struct scene *scene,
                                 struct feature_vector *vector)
{
    source_measure(scene->source, &engine->protocols, &engine->sketches, &scene->horizon, vector);
    destination_measure(scene->destination, &engine->sketches, &scene->horizon, vector);
    pair_measure(scene->pair, &engine->sketches, &scene->horizon, vector);
    conversation_measure(scene->conversation, vector);
    vector->is_window_cut = is_window_cut(engine, scene);
    vector->pair_flows_60s = engine->settings.window_ns == SIXTY_SECONDS_NS
                                 ? scene->pair->flows
                                 : pair_flows_60s(scene->pair, engine->now_ns);
}

void feature_hash_endpoints(const struct feature_engine *engine, const struct flow_record *flow,
                            struct endpoint_hashes *hashes)
{
    const struct feature_settings *const settings = &engine->settings;
    const uint8_t version = flow->ip_version;
    *hashes = (struct endpoint_hashes){
        .source = endpoint_hash_host(settings->hash_key, flow->source, version),
        .destination = endpoint_hash_host(settings->hash_key, flow->destination, version),
        .source_sketch = endpoint_hash_host(settings->sketch_key, flow->source, version),
        .destination_sketch = endpoint_hash_host(settings->sketch_key, flow->destination, version),
        .port_sketch =
            endpoint_hash_port(settings->sketch_key, flow->protocol, flow->destination_port),
    };
}

void feature_ask_ahead(const struct feature_engine *engine, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes)
{
    uint32_t hash[TABLE_COUNT];
    hash_keys(hashes, flow, category_service(flow), hash);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        (void)recent_lookup_hashed(&engine->tables[i], NULL, hash[i]);
}

void feature_warm(const struct feature_engine *engine, const struct flow_record *flow,
                  const struct endpoint_hashes *hashes)
{
    uint32_t hash[TABLE_COUNT];
    hash_keys(hashes, flow, category_service(flow), hash);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const struct recent_lookup lookup = {.hash = hash[i]};
        recent_lookup_warm(&lookup, &engine->tables[i]);
    }
}

void feature_measure(struct feature_engine *engine, const struct flow_record *flow,
                     const struct endpoint_hashes *hashes, struct feature_vector *vector)
{
    memset(vector, 0, sizeof *vector);
    advance_time(engine, flow);
    const struct scene scene = make_scene(engine, flow, hashes);
    flow_feature_measure(flow, vector);
    category_measure(flow, scene.service, vector);
    vector_set(vector, FEATURE_DIRECTION, direction_of(&engine->settings, flow));
    measure_past(engine, &scene, vector);
    remember(engine, &scene, hashes);
    measure_surroundings(engine, &scene, vector);
}

void feature_engine_counters(const struct feature_engine *engine, struct engine_counters *counters)
{
    const struct recent_table *tables = engine->tables;
    counters->hosts_evicted = tables[TABLE_SOURCES].evicted + tables[TABLE_DESTINATIONS].evicted +
                              tables[TABLE_OFFERS].evicted;
    counters->pairs_evicted = tables[TABLE_PAIRS].evicted;
    counters->conversations_evicted = tables[TABLE_CONVERSATIONS].evicted;
    counters->sketches_evicted = engine->sketches.evicted;
    counters->window_flows_cut = engine->window_flows_cut;
    counters->memory_bytes += sizeof *engine + window_memory_bytes(&engine->window) +
                              protocol_pool_memory_bytes(&engine->protocols) +
                              sketch_pool_memory_bytes(&engine->sketches);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        counters->memory_bytes += recent_table_memory_bytes(&tables[i]);
}

/* ---- saved and loaded ---------------------------------------------------------------------- */

void feature_engine_save(const struct feature_engine *engine, struct byte_writer *writer)
{
    /* Writing changes nothing; the tables are handed on as they are. */
    const struct acquaintances known = acquaintances_of((struct feature_engine *)engine);
    const size_t section = byte_writer_begin(writer, "acqu");
    byte_writer_i64(writer, engine->settings.window_ns);
    byte_writer_u8(writer, engine->has_time || engine->is_saved);
    byte_writer_i64(writer, engine->now_ns);
    byte_writer_i64(writer, watched_ns(engine));
    acquaintance_write(&known, writer);
    byte_writer_end(writer, section);
}

bool feature_engine_load(struct feature_engine *engine, struct byte_reader *reader)
{
    if (!byte_reader_begin(reader, "acqu"))
        return false;
    const int64_t window_ns = byte_reader_i64(reader);
    engine->is_saved = byte_reader_u8(reader) != 0;
    engine->now_ns = byte_reader_i64(reader);
    engine->saved_watched_ns = byte_reader_i64(reader);
    if (reader->has_failed)
        return false;
    if (window_ns != engine->settings.window_ns)
        return byte_reader_refuse(reader, "it was made with another --window: %.9g s, not %.9g s",
                                  (double)window_ns / 1e9,
                                  (double)engine->settings.window_ns / 1e9);
    if (engine->now_ns < -TIME_MAX_NS || engine->now_ns > TIME_MAX_NS ||
        engine->saved_watched_ns < 0 || engine->saved_watched_ns > TIME_MAX_NS)
        return byte_reader_refuse(reader, "the time it was saved is absurd");
    const struct acquaintances known = acquaintances_of(engine);
    return acquaintance_read(&known, engine->now_ns, reader) && byte_reader_end(reader);
}

bool feature_engine_add(struct feature_engine *engine, const struct feature_engine *other)
{
    const struct acquaintances known = acquaintances_of(engine);
    const struct acquaintances others = acquaintances_of((struct feature_engine *)other);
    if (other->is_saved && (!engine->is_saved || other->now_ns > engine->now_ns))
        engine->now_ns = other->now_ns;
    if (other->saved_watched_ns > engine->saved_watched_ns)
        engine->saved_watched_ns = other->saved_watched_ns;
    engine->is_saved |= other->is_saved;
    return acquaintance_add(&known, &others);
}
