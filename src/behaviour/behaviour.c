/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/behaviour.h"

#include "behaviour/rule.h"

#include <stdlib.h>
#include <string.h>

enum table {
    TABLE_HOSTS,
    TABLE_PAIRS,
    TABLE_SWEEPS,
    TABLE_TARGETS,
    TABLE_CONVERSATIONS,
    TABLE_COUNT
};

/* A flow has two hosts: both must stay while it is counted. */
enum { HOSTS_MIN = 2 };

struct behaviour_engine {
    struct behaviour_settings settings;
    bool has_time; /* a flow was observed: what follows holds */
    uint32_t epoch;
    uint64_t number; /* of the flow under way */
    int64_t now_ns, watch_start_ns;
    struct spread hosts_going_out;
    struct recent_table tables[TABLE_COUNT];
};

#define BEHAVIOUR(id, name, label, techniques, tactics) \
    [BEHAVIOUR_##id] = {name, label, techniques, tactics},
const struct behaviour_info behaviour_infos[BEHAVIOUR_COUNT] = {[BEHAVIOUR_NONE] = {"", "", "", ""},
                                                                BEHAVIOUR_LIST(BEHAVIOUR)};
#undef BEHAVIOUR

static bool open_tables(struct behaviour_engine *engine)
{
    const struct behaviour_settings *const settings = &engine->settings;
    const uint32_t hosts = settings->max_hosts > HOSTS_MIN ? settings->max_hosts : HOSTS_MIN;
    const struct recent_layout layouts[TABLE_COUNT] = {
        [TABLE_HOSTS] = {.entry_bytes = sizeof(struct host),
                         .key_bytes = sizeof(struct host_key),
                         .limit = hosts,
                         .hash_key = settings->hash_key},
        [TABLE_PAIRS] = {.entry_bytes = sizeof(struct pair),
                         .key_bytes = sizeof(struct pair_key),
                         .limit = settings->max_pairs,
                         .hash_key = settings->hash_key},
        [TABLE_SWEEPS] = {.entry_bytes = sizeof(struct sweep),
                          .key_bytes = sizeof(struct port_key),
                          .limit = settings->max_hosts,
                          .hash_key = settings->hash_key},
        [TABLE_TARGETS] = {.entry_bytes = sizeof(struct target),
                           .key_bytes = sizeof(struct port_key),
                           .limit = settings->max_hosts,
                           .hash_key = settings->hash_key},
        [TABLE_CONVERSATIONS] = {.entry_bytes = sizeof(struct conversation),
                                 .key_bytes = sizeof(struct conversation_key),
                                 .limit = settings->max_pairs,
                                 .hash_key = settings->hash_key},
    };
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        if (!recent_table_init(&engine->tables[i], &layouts[i]))
            return false;
    return true;
}

struct behaviour_engine *behaviour_open(const struct behaviour_settings *settings)
{
    struct behaviour_engine *const engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->settings = *settings;
    if (open_tables(engine))
        return engine;
    behaviour_close(engine);
    return NULL;
}

void behaviour_close(struct behaviour_engine *engine)
{
    if (engine == NULL)
        return;
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        recent_table_deinit(&engine->tables[i]);
    free(engine);
}

static void begin_epoch(struct behaviour_engine *engine, const struct flow_record *flow)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        recent_table_clear(&engine->tables[i]);
    memset(&engine->hosts_going_out, 0, sizeof engine->hosts_going_out);
    engine->has_time = true;
    engine->epoch = flow->epoch;
    engine->now_ns = flow->notice_ns;
    engine->watch_start_ns = flow->first_ns;
}

static void advance_time(struct behaviour_engine *engine, const struct flow_record *flow)
{
    engine->number++;
    if (!engine->has_time || flow->epoch != engine->epoch)
        begin_epoch(engine, flow);
    if (flow->notice_ns > engine->now_ns)
        engine->now_ns = flow->notice_ns;
    if (flow->first_ns < engine->watch_start_ns)
        engine->watch_start_ns = flow->first_ns;
}

static void *touch(struct behaviour_engine *engine, enum table table, const void *key)
{
    struct recent_lookup lookup = recent_lookup_begin(&engine->tables[table], key);
    recent_lookup_find(&lookup, &engine->tables[table]);
    return recent_table_touch(&engine->tables[table], &lookup, engine->number);
}

static struct host *touch_host(struct behaviour_engine *engine, const uint8_t address[16],
                               uint8_t ip_version)
{
    struct host_key key = {.ip_version = ip_version};
    memcpy(key.address, address, sizeof key.address);
    return touch(engine, TABLE_HOSTS, &key);
}

static struct pair *touch_pair(struct behaviour_engine *engine, const struct flow_record *flow)
{
    struct pair_key key = {.ip_version = flow->ip_version};
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(engine, TABLE_PAIRS, &key);
}

/* The responder's port of the flow, at (or as asked by) a host. */
static void *touch_port(struct behaviour_engine *engine, enum table table,
                        const struct flow_record *flow, const uint8_t address[16])
{
    struct port_key key = {
        .port = flow->destination_port,
        .protocol = flow->protocol,
        .ip_version = flow->ip_version,
    };
    memcpy(key.address, address, sizeof key.address);
    return touch(engine, table, &key);
}

static struct conversation *touch_conversation(struct behaviour_engine *engine,
                                               const struct flow_record *flow)
{
    struct conversation_key key = {
        .port = flow->destination_port,
        .protocol = flow->protocol,
        .ip_version = flow->ip_version,
    };
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(engine, TABLE_CONVERSATIONS, &key);
}

static struct scene make_scene(struct behaviour_engine *engine, const struct flow_record *flow,
                               const struct feature_vector *vector)
{
    struct scene scene = {
        .flow = flow,
        .vector = vector,
        .now_ns = engine->now_ns,
        .watch_start_ns = engine->watch_start_ns,
        .hosts_going_out = &engine->hosts_going_out,
        .source = touch_host(engine, flow->source, flow->ip_version),
        .destination = touch_host(engine, flow->destination, flow->ip_version),
        .pair = touch_pair(engine, flow),
        .sweep = touch_port(engine, TABLE_SWEEPS, flow, flow->source),
        .target = touch_port(engine, TABLE_TARGETS, flow, flow->destination),
        .conversation = touch_conversation(engine, flow),
    };
    sight_take(flow, vector, &scene.sight);
    if (scene.sight.is_source_inside != scene.sight.is_destination_inside)
        scene.inside = scene.sight.is_source_inside ? scene.source : scene.destination;
    return scene;
}

static bool holds(const struct condition *condition, double value)
{
    return condition->side == AT_LEAST ? value >= condition->limit : value <= condition->limit;
}

/* True if every condition holds; they are then all in `finding`. NaN holds no condition. */
static bool try_rule(const struct behaviour_rule *rule, const struct scene *scene,
                     struct behaviour_finding *finding)
{
    *finding = (struct behaviour_finding){.behaviour = (uint8_t)rule->behaviour};
    for (unsigned i = 0; i < BEHAVIOUR_EVIDENCE_MAX && rule->conditions[i].side != 0; i++) {
        const struct condition *const condition = &rule->conditions[i];
        const double value = quantity_measure(condition->quantity, scene);
        if (!holds(condition, value))
            return false;
        finding->evidence[finding->evidence_count++] = (struct behaviour_evidence){
            .quantity = (uint8_t)condition->quantity,
            .is_most = condition->side == AT_MOST,
            .value = value,
            .limit = condition->limit,
        };
    }
    finding->since_ns = quantity_since_ns(rule->conditions[0].quantity, scene);
    return true;
}

void behaviour_observe(struct behaviour_engine *engine, const struct flow_record *flow,
                       const struct feature_vector *vector, struct behaviour_finding *finding)
{
    advance_time(engine, flow);
    struct scene scene = make_scene(engine, flow, vector);
    scene_count(&scene, engine->settings.sketch_key);
    for (size_t i = 0; i < behaviour_rule_count; i++)
        if (try_rule(&behaviour_rules[i], &scene, finding))
            return;
    *finding = (struct behaviour_finding){.behaviour = BEHAVIOUR_NONE};
}

void behaviour_counters(const struct behaviour_engine *engine, struct engine_counters *counters)
{
    const struct recent_table *const tables = engine->tables;
    counters->hosts_evicted +=
        tables[TABLE_HOSTS].evicted + tables[TABLE_SWEEPS].evicted + tables[TABLE_TARGETS].evicted;
    counters->pairs_evicted += tables[TABLE_PAIRS].evicted;
    counters->conversations_evicted += tables[TABLE_CONVERSATIONS].evicted;
    counters->memory_bytes += sizeof *engine;
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        counters->memory_bytes += recent_table_memory_bytes(&tables[i]);
}
