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
                         .limit = hosts},
        [TABLE_PAIRS] = {.entry_bytes = sizeof(struct pair),
                         .key_bytes = sizeof(struct pair_key),
                         .limit = settings->max_pairs},
        [TABLE_SWEEPS] = {.entry_bytes = sizeof(struct sweep),
                          .key_bytes = sizeof(struct port_key),
                          .limit = settings->max_hosts},
        [TABLE_TARGETS] = {.entry_bytes = sizeof(struct target),
                           .key_bytes = sizeof(struct port_key),
                           .limit = settings->max_hosts},
        [TABLE_CONVERSATIONS] = {.entry_bytes = sizeof(struct conversation),
                                 .key_bytes = sizeof(struct conversation_key),
                                 .limit = settings->max_pairs},
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

/* The keys of one flow; a port is the responder's, at the destination or as the source asks it. */
struct keys {
    struct host_key source, destination;
    struct pair_key pair;
    struct port_key sweep, target;
    struct conversation_key conversation;
};

static struct keys keys_of(const struct flow_record *flow)
{
    const struct port_key port = {
        .port = flow->destination_port,
        .protocol = flow->protocol,
        .ip_version = flow->ip_version,
    };
    struct keys keys = {
        .source.ip_version = flow->ip_version,
        .destination.ip_version = flow->ip_version,
        .pair.ip_version = flow->ip_version,
        .sweep = port,
        .target = port,
        .conversation = {.port = flow->destination_port,
                         .protocol = flow->protocol,
                         .ip_version = flow->ip_version},
    };
    memcpy(keys.source.address, flow->source, sizeof flow->source);
    memcpy(keys.destination.address, flow->destination, sizeof flow->destination);
    memcpy(keys.pair.source, flow->source, sizeof flow->source);
    memcpy(keys.pair.destination, flow->destination, sizeof flow->destination);
    memcpy(keys.sweep.address, flow->source, sizeof flow->source);
    memcpy(keys.target.address, flow->destination, sizeof flow->destination);
    memcpy(keys.conversation.source, flow->source, sizeof flow->source);
    memcpy(keys.conversation.destination, flow->destination, sizeof flow->destination);
    return keys;
}

/* What a flow is evidence for. */
enum role {
    ROLE_SOURCE,
    ROLE_DESTINATION,
    ROLE_PAIR,
    ROLE_SWEEP,
    ROLE_TARGET,
    ROLE_CONVERSATION,
    ROLE_COUNT
};

static const enum table table_of[ROLE_COUNT] = {
    [ROLE_SOURCE] = TABLE_HOSTS,   [ROLE_DESTINATION] = TABLE_HOSTS,
    [ROLE_PAIR] = TABLE_PAIRS,     [ROLE_SWEEP] = TABLE_SWEEPS,
    [ROLE_TARGET] = TABLE_TARGETS, [ROLE_CONVERSATION] = TABLE_CONVERSATIONS,
};

static void hash_keys(const struct endpoint_hashes *hashes, const struct flow_record *flow,
                      uint32_t hash[ROLE_COUNT])
{
    const uint64_t port = (uint64_t)flow->protocol << 16 | flow->destination_port;
    hash[ROLE_SOURCE] = (uint32_t)hashes->source;
    hash[ROLE_DESTINATION] = (uint32_t)hashes->destination;
    hash[ROLE_PAIR] = endpoint_hash_both(hashes->source, hashes->destination);
    hash[ROLE_SWEEP] = endpoint_hash_both(hashes->source, port);
    hash[ROLE_TARGET] = endpoint_hash_both(hashes->destination, port);
    hash[ROLE_CONVERSATION] = endpoint_hash_both(hashes->source, hashes->destination + port);
}

/* The entries of one flow, each inserted where it was not yet. */
static void touch_all(struct behaviour_engine *engine, const struct keys *keys,
                      const uint32_t hash[ROLE_COUNT], void *entries[ROLE_COUNT])
{
    const void *const key[ROLE_COUNT] = {
        [ROLE_SOURCE] = &keys->source, [ROLE_DESTINATION] = &keys->destination,
        [ROLE_PAIR] = &keys->pair,     [ROLE_SWEEP] = &keys->sweep,
        [ROLE_TARGET] = &keys->target, [ROLE_CONVERSATION] = &keys->conversation,
    };
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        struct recent_table *const table = &engine->tables[table_of[i]];
        const struct recent_lookup lookup = recent_lookup_hashed(table, key[i], hash[i]);
        entries[i] = recent_table_touch(table, &lookup, engine->number);
    }
}

static struct scene make_scene(struct behaviour_engine *engine, const struct flow_record *flow,
                               const struct endpoint_hashes *hashes,
                               const struct feature_vector *vector)
{
    const struct keys keys = keys_of(flow);
    uint32_t hash[ROLE_COUNT];
    void *entries[ROLE_COUNT];
    hash_keys(hashes, flow, hash);
    touch_all(engine, &keys, hash, entries);
    struct scene scene = {
        .flow = flow,
        .vector = vector,
        .now_ns = engine->now_ns,
        .watch_start_ns = engine->watch_start_ns,
        .hosts_going_out = &engine->hosts_going_out,
        .source = entries[ROLE_SOURCE],
        .destination = entries[ROLE_DESTINATION],
        .pair = entries[ROLE_PAIR],
        .sweep = entries[ROLE_SWEEP],
        .target = entries[ROLE_TARGET],
        .conversation = entries[ROLE_CONVERSATION],
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

/* How many conditions a rule has, if every one holds; their values. 0: one does not. NaN holds no
 * condition. */
static unsigned try_rule(const struct behaviour_rule *rule, const struct scene *scene,
                         double values[BEHAVIOUR_EVIDENCE_MAX])
{
    unsigned count = 0;
    for (; count < BEHAVIOUR_EVIDENCE_MAX && rule->conditions[count].side != 0; count++) {
        values[count] = quantity_measure(rule->conditions[count].quantity, scene);
        if (!holds(&rule->conditions[count], values[count]))
            return 0;
    }
    return count;
}

static void tell(const struct behaviour_rule *rule, const struct scene *scene,
                 const double values[], unsigned count, struct behaviour_finding *finding)
{
    *finding = (struct behaviour_finding){
        .behaviour = (uint8_t)rule->behaviour,
        .evidence_count = (uint8_t)count,
        .since_ns = quantity_since_ns(rule->conditions[0].quantity, scene),
    };
    for (unsigned i = 0; i < count; i++)
        finding->evidence[i] = (struct behaviour_evidence){
            .quantity = (uint8_t)rule->conditions[i].quantity,
            .is_most = rule->conditions[i].side == AT_MOST,
            .value = values[i],
            .limit = rule->conditions[i].limit,
        };
}

void behaviour_ask_ahead(const struct behaviour_engine *engine, const struct flow_record *flow,
                         const struct endpoint_hashes *hashes)
{
    uint32_t hash[ROLE_COUNT];
    hash_keys(hashes, flow, hash);
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        (void)recent_lookup_hashed(&engine->tables[table_of[i]], NULL, hash[i]);
}

void behaviour_warm(const struct behaviour_engine *engine, const struct flow_record *flow,
                    const struct endpoint_hashes *hashes)
{
    uint32_t hash[ROLE_COUNT];
    hash_keys(hashes, flow, hash);
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        const struct recent_lookup lookup = {.hash = hash[i]};
        recent_lookup_warm(&lookup, &engine->tables[table_of[i]]);
    }
}

void behaviour_observe(struct behaviour_engine *engine, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes, const struct feature_vector *vector,
                       struct behaviour_finding *finding)
{
    advance_time(engine, flow);
    struct scene scene = make_scene(engine, flow, hashes, vector);
    scene_count(&scene, hashes);
    for (size_t i = 0; i < behaviour_rule_count; i++) {
        double values[BEHAVIOUR_EVIDENCE_MAX];
        const unsigned count = try_rule(&behaviour_rules[i], &scene, values);
        if (count == 0)
            continue;
        tell(&behaviour_rules[i], &scene, values, count, finding);
        return;
    }
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
