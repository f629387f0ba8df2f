/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/feature.h"

#include "feature/acquaintance.h"
#include "feature/category.h"
#include "feature/direction.h"
#include "feature/flow_feature.h"
#include "feature/minutes.h"
#include "feature/surroundings.h"
#include "feature/vector.h"

#include <stdlib.h>
#include <string.h>

static const int64_t SIXTY_SECONDS_NS = INT64_C(60000000000);

/* A run that goes on within an hour of what it loaded is the same run, restarted. */
static const int64_t RESTART_GAP_MAX_NS = INT64_C(3600000000000);

/* Times of what is loaded lie within this of 1970, so that differences never overflow. */
static const int64_t TIME_MAX_NS = INT64_C(1) << 61;

struct feature_engine {
    struct feature_settings settings;
    struct direction_inside inside;
    bool has_time; /* a flow was measured: epoch and now_ns hold */
    bool is_saved; /* what was saved was loaded; until a flow is measured now_ns is when */
    uint32_t epoch;
    int64_t now_ns;
    int64_t start_ns;         /* when this run began to watch; holds with has_time */
    int64_t saved_watched_ns; /* how long those had watched that were loaded */
    struct minute_clock clock;
    struct surroundings around;
    struct logarithms logarithms;
    struct service_ports service_ports;
    uint64_t window_flows_cut;
    bool has_cut;          /* cut_notice_ns holds */
    int64_t cut_notice_ns; /* of the last flow that left the window early */
};

/* Everything the engine knows about one flow's surroundings while it is being measured. */
struct scene {
    const struct flow_record *flow;
    const struct endpoint_hashes *hashes;
    struct horizon horizon;
    struct company company;
};

struct feature_engine *feature_engine_open(const struct feature_settings *settings)
{
    struct feature_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->settings = *settings;
    direction_inside_init(&engine->inside, settings);
    service_ports_init(&engine->service_ports);
    if (surroundings_init(&engine->around, settings))
        return engine;
    feature_engine_close(engine);
    return NULL;
}

void feature_engine_close(struct feature_engine *engine)
{
    if (engine == NULL)
        return;
    surroundings_deinit(&engine->around);
    free(engine);
}

/* The first flow after a load. Time that nobody watched makes nobody known for longer, nor does a
 * capture from before the save make acquaintances begin in its future: but for the gap of a restart
 * first times are moved so that the clock stood still in between. */
static void resume(struct feature_engine *engine, int64_t notice_ns)
{
    const int64_t gap_ns = notice_ns - engine->now_ns;
    const struct acquaintances known = surroundings_acquaintances(&engine->around);
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
    surroundings_clear(&engine->around, engine->has_time);
    engine->has_time = true;
    engine->has_cut = false;
    engine->epoch = flow->epoch;
    engine->now_ns = engine->start_ns = flow->notice_ns;
    minute_clock_reset(&engine->clock, engine->now_ns, engine->around.window.next);
}

/* Flows noticed at window_start_ns or before are outside (now - window, now]. */
static void expire_window(struct feature_engine *engine)
{
    const int64_t window_start_ns = engine->now_ns - engine->settings.window_ns;
    const struct window_flow *oldest = window_oldest(&engine->around.window);
    while (oldest != NULL && oldest->notice_ns <= window_start_ns) {
        surroundings_leave_window(&engine->around);
        oldest = window_oldest(&engine->around.window);
    }
    if (!window_is_full(&engine->around.window))
        return;
    engine->has_cut = true;
    engine->cut_notice_ns = window_oldest(&engine->around.window)->notice_ns;
    engine->window_flows_cut++;
    surroundings_leave_window(&engine->around);
}

static void advance_time(struct feature_engine *engine, const struct flow_record *flow)
{
    if (!engine->has_time || flow->epoch != engine->epoch)
        begin_epoch(engine, flow);
    if (flow->notice_ns > engine->now_ns)
        engine->now_ns = flow->notice_ns;
    minute_clock_advance(&engine->clock, engine->now_ns, engine->around.window.next);
    expire_window(engine);
}

static void set_scene(struct feature_engine *engine, const struct flow_record *flow,
                      const struct endpoint_hashes *hashes, struct scene *scene)
{
    const struct window *const window = &engine->around.window;
    scene->flow = flow;
    scene->hashes = hashes;
    scene->horizon = (struct horizon){.now = window->next,
                                      .window = window->first,
                                      .ten_minutes = minute_clock_first(&engine->clock),
                                      .minute = (uint32_t)engine->clock.minute,
                                      .clock = &engine->clock};
    surroundings_meet(&engine->around, flow, hashes, &scene->horizon, &scene->company);
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
    struct source *source = scene->company.source;
    /* Flows that are all ended at once have no time between their ends. */
    const uint8_t reason = scene->flow->end_reason;
    const bool is_ended_with_all = reason == FLOW_END_FORCED || reason == FLOW_END_CLOCK_STEP;
    if (!is_new(scene, &source->entry) && !is_ended_with_all)
        vector_set(vector, FEATURE_SRC_IDLE,
                   (double)(engine->now_ns - source->last_notice_ns) / 1e3);
    source->last_notice_ns = engine->now_ns;
    vector->pair_age_ns = meet(scene, &scene->company.pair->entry, &scene->company.pair->first_ns,
                               FEATURE_SRC_KNOWS_DST, vector);
    meet(scene, &scene->company.offer->entry, &scene->company.offer->first_ns,
         FEATURE_SERVICE_KNOWS_DST, vector);
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
    if (is_new(scene, &scene->company.pair->entry))
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
        .source_slot =
            recent_table_slot(&engine->around.tables[TABLE_SOURCES], scene->company.source),
        .destination_slot = recent_table_slot(&engine->around.tables[TABLE_DESTINATIONS],
                                              scene->company.destination),
        .pair_slot = recent_table_slot(&engine->around.tables[TABLE_PAIRS], scene->company.pair),
        .protocol = scene->flow->protocol,
        .marks = window_marks(scene),
    };
}

static void remember(struct feature_engine *engine, const struct scene *scene,
                     const struct window_flow *flow)
{
    const struct company *const company = &scene->company;
    const struct endpoint_hashes *const hashes = scene->hashes;
    struct pools *const pools = &engine->around.pools;
    const struct source_sight source_sight = {.peer_hash = hashes->destination_sketch,
                                              .port_hash = hashes->port_sketch};
    source_count(company->source, flow, &source_sight, &scene->horizon, pools);
    destination_count(company->destination, hashes->source_sketch, &scene->horizon, pools);
    pair_count(company->pair, hashes->port_sketch, &scene->horizon, pools);
    if (scene->flow->slice == 0 && company->rhythm != NULL)
        rhythm_count(company->rhythm, scene->flow->first_ns);
    window_add(&engine->around.window, flow);
}

/* True if flows of the window may have been forgotten with an earlier entry of the same key: all
 * flows that an entry lost have numbers below its `lost`. */
static bool is_short(const struct scene *scene, const struct recent_entry *entry)
{
    return entry->lost > scene->horizon.window;
}

static bool is_window_cut(const struct feature_engine *engine, const struct scene *scene)
{
    const struct company *const company = &scene->company;
    const int64_t window_start_ns = engine->now_ns - engine->settings.window_ns;
    return (engine->has_cut && engine->cut_notice_ns > window_start_ns) ||
           is_short(scene, &company->source->entry) ||
           is_short(scene, &company->destination->entry) || is_short(scene, &company->pair->entry);
}

static void measure_surroundings(const struct feature_engine *engine, const struct scene *scene,
                                 const struct window_flow *flow, struct feature_vector *vector)
{
    const struct company *const company = &scene->company;
    const struct horizon *const horizon = &scene->horizon;
    const struct pools *const pools = &engine->around.pools;
    bool is_cut = is_window_cut(engine, scene);
    is_cut |= source_measure(company->source, flow, pools, horizon, vector);
    is_cut |= destination_measure(company->destination, pools, horizon, vector);
    is_cut |= pair_measure(company->pair, pools, horizon, vector);
    if (company->rhythm != NULL)
        rhythm_measure(company->rhythm, vector);
    vector->is_window_cut = is_cut;
    if (engine->settings.window_ns != SIXTY_SECONDS_NS)
        vector->pair_flows_60s =
            history_flows_60s(pair_history(company->pair, pools), engine->now_ns);
}

void feature_hash_endpoints(struct feature_engine *engine, const struct flow_record *flow,
                            struct endpoint_hashes *hashes)
{
    endpoint_hash(&engine->around.hasher, flow, category_service(flow, &engine->service_ports),
                  hashes);
}

void feature_ask_ahead(const struct feature_engine *engine, const struct endpoint_hashes *hashes)
{
    surroundings_ask_ahead(&engine->around, hashes);
}

void feature_warm(const struct feature_engine *engine, struct endpoint_hashes *hashes)
{
    surroundings_warm(&engine->around, hashes);
}

void feature_warm_sums(const struct feature_engine *engine, const struct endpoint_hashes *hashes)
{
    surroundings_warm_sums(&engine->around, hashes);
}

void feature_warm_things(const struct feature_engine *engine, const struct endpoint_hashes *hashes)
{
    surroundings_warm_things(&engine->around, hashes);
}

/* What the flow itself says; of another flow's vector the values stay that are not written. */
static void derive(struct feature_engine *engine, const struct flow_record *flow, uint32_t service,
                   struct feature_vector *vector)
{
    vector->present = 0;
    flow_feature_measure(flow, &engine->logarithms, vector);
    category_measure(flow, service, vector);
}

void feature_derive(struct feature_engine *engine, const struct flow_record *flow,
                    struct feature_vector *vector)
{
    memset(vector, 0, sizeof *vector);
    derive(engine, flow, category_service(flow, &engine->service_ports), vector);
}

/* A vector is half a kilobyte, of which the next flow writes most: only what it left out and the
 * flow before had is cleared. */
static void clear_missing(struct feature_vector *vector, uint64_t present_before)
{
    for (uint64_t left = present_before & ~vector->present; left != 0; left &= left - 1)
        vector->value[__builtin_ctzll(left)] = 0;
}

void feature_measure(struct feature_engine *engine, const struct flow_record *flow,
                     const struct endpoint_hashes *hashes, struct feature_vector *vector)
{
    advance_time(engine, flow);
    struct scene scene;
    set_scene(engine, flow, hashes, &scene);
    const uint64_t present_before = vector->present;
    derive(engine, flow, hashes->service, vector);
    vector_set(vector, FEATURE_DIRECTION, direction_of(&engine->inside, flow));
    measure_past(engine, &scene, vector);
    const struct window_flow window_flow = window_flow_of(engine, &scene);
    remember(engine, &scene, &window_flow);
    measure_surroundings(engine, &scene, &window_flow, vector);
    clear_missing(vector, present_before);
}

void feature_engine_counters(const struct feature_engine *engine, struct engine_counters *counters)
{
    const struct recent_table *tables = engine->around.tables;
    counters->hosts_evicted = tables[TABLE_SOURCES].evicted + tables[TABLE_DESTINATIONS].evicted +
                              tables[TABLE_OFFERS].evicted;
    counters->pairs_evicted = tables[TABLE_PAIRS].evicted;
    counters->conversations_evicted = tables[TABLE_CONVERSATIONS].evicted;
    counters->sketches_evicted = engine->around.pools.distincts.sketches.evicted;
    counters->window_flows_cut = engine->window_flows_cut;
    counters->memory_bytes += sizeof *engine + surroundings_memory_bytes(&engine->around);
}

/* ---- saved and loaded ---------------------------------------------------------------------- */

void feature_engine_save(const struct feature_engine *engine, struct byte_writer *writer)
{
    /* Writing changes nothing; the tables are handed on as they are. */
    const struct acquaintances known =
        surroundings_acquaintances((struct surroundings *)&engine->around);
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
    const struct acquaintances known = surroundings_acquaintances(&engine->around);
    return acquaintance_read(&known, engine->now_ns, reader) && byte_reader_end(reader);
}

bool feature_engine_add(struct feature_engine *engine, const struct feature_engine *other)
{
    const struct acquaintances known = surroundings_acquaintances(&engine->around);
    const struct acquaintances others =
        surroundings_acquaintances((struct surroundings *)&other->around);
    if (other->is_saved && (!engine->is_saved || other->now_ns > engine->now_ns))
        engine->now_ns = other->now_ns;
    if (other->saved_watched_ns > engine->saved_watched_ns)
        engine->saved_watched_ns = other->saved_watched_ns;
    engine->is_saved |= other->is_saved;
    return acquaintance_add(&known, &others);
}
