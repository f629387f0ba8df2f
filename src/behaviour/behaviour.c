/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/behaviour.h"

#include "base/recent_touch.h"
#include "behaviour/rule.h"

#include <assert.h>
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
enum { RULES_MAX = 64 };

/* Rules found for sights, by a hash of the sight: a network has some dozens of sights, of which no
 * two flows in a row need have the same one. */
enum { SIGHTS_KEPT_BITS = 6 };

struct behaviour_engine {
    struct behaviour_settings settings;
    bool has_time; /* a flow was observed: what follows holds */
    uint32_t epoch;
    uint64_t number; /* of the flow under way */
    int64_t now_ns, watch_start_ns;
    struct spread hosts_going_out;
    struct recent_table tables[TABLE_COUNT];
    struct parts parts;             /* of their entries */
    uint32_t rule_needs[RULES_MAX]; /* what all quantities of each rule need, enum sight */
    struct sight_rules {
        uint32_t sight;
        uint64_t rules; /* a bit for each rule whose needs that is */
    } kept[1 << SIGHTS_KEPT_BITS];
};

#define BEHAVIOUR(id, name, label, techniques, tactics) \
    [BEHAVIOUR_##id] = {name, label, techniques, tactics},
const struct behaviour_info behaviour_infos[BEHAVIOUR_COUNT] = {[BEHAVIOUR_NONE] = {"", "", "", ""},
                                                                BEHAVIOUR_LIST(BEHAVIOUR)};
#undef BEHAVIOUR

/* ---- what an entry that leaves gives back --------------------------------------------------- */

/* In a flood and a scan most have no block to give back, which all states together tell. That is
 * asked in line, the rest is not. */
static __attribute__((noinline)) void release_host(struct parts *parts, const struct host *host)
{
    spread_part_release(parts, host->outside_peers);
    spread_part_release(parts, host->clients);
    spread_part_release(parts, host->inside_users);
    spread_part_release(parts, host->partners_out);
    spread_part_release(parts, host->partners_in);
    spread_part_release(parts, host->partner_ports);
}

static inline __attribute__((always_inline)) bool forget_host(void *context,
                                                              struct recent_entry *entry)
{
    const struct host *const host = (const struct host *)entry;
    if (part_has_block(host->outside_peers.state | host->clients.state | host->inside_users.state |
                       host->partners_out.state | host->partners_in.state |
                       host->partner_ports.state))
        release_host(context, host);
    return false;
}

static __attribute__((noinline)) void release_pair(struct parts *parts, const struct pair *pair)
{
    spread_part_release(parts, pair->ports_20s);
    spread_part_release(parts, pair->ports_1d);
    tally_part_release(parts, pair->sent_1h);
    tally_part_release(parts, pair->received_1h);
    tally_part_release(parts, pair->queries_10m);
    tally_part_release(parts, pair->query_packets_10m);
}

static inline __attribute__((always_inline)) bool forget_pair(void *context,
                                                              struct recent_entry *entry)
{
    const struct pair *const pair = (const struct pair *)entry;
    if (part_has_block(pair->ports_20s.state | pair->ports_1d.state | pair->sent_1h.state |
                       pair->received_1h.state | pair->queries_10m.state |
                       pair->query_packets_10m.state))
        release_pair(context, pair);
    return false;
}

static __attribute__((noinline)) void release_sweep(struct parts *parts, const struct sweep *sweep)
{
    spread_part_release(parts, sweep->hosts_10m);
    spread_part_release(parts, sweep->hosts_1d);
    tally_part_release(parts, sweep->flows_10m);
    tally_part_release(parts, sweep->flows_1d);
    spread_part_release(parts, sweep->login_tries);
    spread_part_release(parts, sweep->login_hosts);
}

static inline __attribute__((always_inline)) bool forget_sweep(void *context,
                                                               struct recent_entry *entry)
{
    const struct sweep *const sweep = (const struct sweep *)entry;
    if (part_has_block(sweep->hosts_10m.state | sweep->hosts_1d.state | sweep->flows_10m.state |
                       sweep->flows_1d.state | sweep->login_tries.state | sweep->login_hosts.state))
        release_sweep(context, sweep);
    return false;
}

static __attribute__((noinline)) void release_target(struct parts *parts,
                                                     const struct target *target)
{
    tally_part_release(parts, target->flows_20s);
    spread_part_release(parts, target->sources_20s);
}

static inline __attribute__((always_inline)) bool forget_target(void *context,
                                                                struct recent_entry *entry)
{
    const struct target *const target = (const struct target *)entry;
    if (part_has_block(target->flows_20s.state | target->sources_20s.state))
        release_target(context, target);
    return false;
}

static __attribute__((noinline)) void release_conversation(struct parts *parts,
                                                           const struct conversation *conversation)
{
    tally_part_release(parts, conversation->held_20s);
    tally_part_release(parts, conversation->logins_10m);
}

static inline __attribute__((always_inline)) bool forget_conversation(void *context,
                                                                      struct recent_entry *entry)
{
    const struct conversation *const conversation = (const struct conversation *)entry;
    if (part_has_block(conversation->held_20s.state | conversation->logins_10m.state))
        release_conversation(context, conversation);
    return false;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Constants by name: each touch is made for one of them. */
static const struct recent_kind HOSTS = {sizeof(struct host), sizeof(struct host_key), forget_host,
                                         NULL};
static const struct recent_kind PAIRS = {sizeof(struct pair), sizeof(struct pair_key), forget_pair,
                                         NULL};
static const struct recent_kind SWEEPS = {sizeof(struct sweep), sizeof(struct port_key),
                                          forget_sweep, NULL};
static const struct recent_kind TARGETS = {sizeof(struct target), sizeof(struct port_key),
                                           forget_target, NULL};
static const struct recent_kind CONVERSATIONS = {
    sizeof(struct conversation), sizeof(struct conversation_key), forget_conversation, NULL};

/* How many tallies and spreads an entry has. */
static const struct {
    const struct recent_kind *kind;
    uint32_t tallies, spreads;
} contents[TABLE_COUNT] = {
    [TABLE_HOSTS] = {&HOSTS, 0, 6},
    [TABLE_PAIRS] = {&PAIRS, 4, 2},
    [TABLE_SWEEPS] = {&SWEEPS, 2, 4},
    [TABLE_TARGETS] = {&TARGETS, 1, 1},
    [TABLE_CONVERSATIONS] = {&CONVERSATIONS, 2, 0},
};

static bool open_tables(struct behaviour_engine *engine)
{
    const struct behaviour_settings *const settings = &engine->settings;
    const uint32_t hosts = settings->max_hosts > HOSTS_MIN ? settings->max_hosts : HOSTS_MIN;
    const uint32_t pairs = settings->max_pairs > 0 ? settings->max_pairs : 1;
    uint32_t tallies = 0, spreads = 0;
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const uint32_t limit = i == TABLE_PAIRS || i == TABLE_CONVERSATIONS ? pairs : hosts;
        const struct recent_layout layout =
            recent_layout_of(contents[i].kind, limit, &engine->parts);
        if (!recent_table_init(&engine->tables[i], &layout))
            return false;
        tallies += limit * contents[i].tallies;
        spreads += limit * contents[i].spreads;
    }
    return parts_init(&engine->parts, tallies, spreads);
}

/* What a flow must be so that no quantity of a rule is NaN: of other flows it is not asked. */
static void find_rule_needs(struct behaviour_engine *engine)
{
    assert(behaviour_rule_count <= RULES_MAX);
    for (size_t i = 0; i < behaviour_rule_count; i++) {
        const struct condition *const conditions = behaviour_rules[i].conditions;
        for (unsigned j = 0; conditions[j].side != 0; j++)
            engine->rule_needs[i] |= quantity_needs(conditions[j].quantity);
    }
}

static uint64_t find_rules(const struct behaviour_engine *engine, uint32_t sight)
{
    uint64_t rules = 0;
    for (size_t i = 0; i < behaviour_rule_count; i++)
        if ((engine->rule_needs[i] & ~sight) == 0)
            rules |= UINT64_C(1) << i;
    return rules;
}

/* Of a flow of this sight no other rule holds. */
static uint64_t rules_for(struct behaviour_engine *engine, uint32_t sight)
{
    const uint32_t hash = sight * UINT32_C(0x9e3779b1);
    struct sight_rules *const kept = &engine->kept[hash >> (32 - SIGHTS_KEPT_BITS)];
    if (kept->sight != sight)
        *kept = (struct sight_rules){sight, find_rules(engine, sight)};
    return kept->rules;
}

struct behaviour_engine *behaviour_open(const struct behaviour_settings *settings)
{
    struct behaviour_engine *const engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->settings = *settings;
    find_rule_needs(engine);
    engine->kept[0].rules = find_rules(engine, 0); /* of what is nothing: hash 0 */
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
    parts_deinit(&engine->parts);
    free(engine);
}

static void begin_epoch(struct behaviour_engine *engine, const struct flow_record *flow)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        recent_table_clear(&engine->tables[i]);
    parts_clear(&engine->parts);
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

/* What a flow must be for an entry in either; any of these. Pairs and conversations are what a
 * network has most of, and a flow that would leave no trace in one must not displace another: in a
 * flood of openings no conversation is forgotten. */
enum {
    PAIR_SIGHTS = SIGHT_PROBE | SIGHT_BULK | SIGHT_DNS,
    CONVERSATION_SIGHTS = SIGHT_CONTACT | SIGHT_HELD | SIGHT_SHORT_LOGIN,
};

static inline __attribute__((always_inline)) void *
touch(struct behaviour_engine *engine, enum table table, const struct recent_kind *kind,
      enum endpoint_key role, const struct endpoint_hashes *hashes, const void *key)
{
    const struct recent_lookup lookup = {
        .key = key, .hash = hashes->hash[role], .place = hashes->behaviour_place[role]};
    return recent_touch(&engine->tables[table], kind, lookup, engine->number);
}

static inline __attribute__((always_inline)) struct host *
touch_host(struct behaviour_engine *engine, enum endpoint_key role,
           const struct endpoint_hashes *hashes, const uint8_t address[16], uint8_t ip_version)
{
    struct host_key key = {.ip_version = ip_version};
    memcpy(key.address, address, sizeof key.address);
    return touch(engine, TABLE_HOSTS, &HOSTS, role, hashes, &key);
}

static struct pair *touch_pair(struct behaviour_engine *engine,
                               const struct endpoint_hashes *hashes, const struct flow_record *flow)
{
    struct pair_key key = {.ip_version = flow->ip_version};
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(engine, TABLE_PAIRS, &PAIRS, ENDPOINT_PAIR, hashes, &key);
}

static struct sweep *touch_sweep(struct behaviour_engine *engine,
                                 const struct endpoint_hashes *hashes,
                                 const struct flow_record *flow, uint32_t service)
{
    struct port_key key = {.service = service};
    memcpy(key.address, flow->source, sizeof key.address);
    return touch(engine, TABLE_SWEEPS, &SWEEPS, ENDPOINT_SOURCE_PORT, hashes, &key);
}

static struct target *touch_target(struct behaviour_engine *engine,
                                   const struct endpoint_hashes *hashes,
                                   const struct flow_record *flow, uint32_t service)
{
    struct port_key key = {.service = service};
    memcpy(key.address, flow->destination, sizeof key.address);
    return touch(engine, TABLE_TARGETS, &TARGETS, ENDPOINT_DESTINATION_PORT, hashes, &key);
}

static struct conversation *touch_conversation(struct behaviour_engine *engine,
                                               const struct endpoint_hashes *hashes,
                                               const struct flow_record *flow, uint32_t service)
{
    struct conversation_key key = {.service = service};
    memcpy(key.source, flow->source, sizeof key.source);
    memcpy(key.destination, flow->destination, sizeof key.destination);
    return touch(engine, TABLE_CONVERSATIONS, &CONVERSATIONS, ENDPOINT_CONVERSATION, hashes, &key);
}

/* The entries of one flow, each inserted where it was not yet; a port is the responder's. */
static void touch_all(struct behaviour_engine *engine, const struct endpoint_hashes *hashes,
                      struct scene *scene)
{
    const struct flow_record *const flow = scene->flow;
    const uint8_t version = flow->ip_version;
    const uint32_t service =
        (uint32_t)flow->destination_port << 16 | (uint32_t)flow->protocol << 8 | version;
    scene->source = touch_host(engine, ENDPOINT_SOURCE, hashes, flow->source, version);
    scene->destination =
        touch_host(engine, ENDPOINT_DESTINATION, hashes, flow->destination, version);
    if ((scene->sight & PAIR_SIGHTS) != 0)
        scene->pair = touch_pair(engine, hashes, flow);
    scene->sweep = touch_sweep(engine, hashes, flow, service);
    scene->target = touch_target(engine, hashes, flow, service);
    if ((scene->sight & CONVERSATION_SIGHTS) != 0)
        scene->conversation = touch_conversation(engine, hashes, flow, service);
}

/* Where the flow under way brought the entry in, its moment is the entry's. */
static void give_birth(const struct behaviour_engine *engine, const struct recent_entry *entry,
                       const struct moment *moment, struct moment *birth)
{
    if (entry->inserted == engine->number)
        *birth = *moment;
}

static void give_births(const struct behaviour_engine *engine, struct scene *scene)
{
    const struct moment *const moment = &scene->moment;
    give_birth(engine, &scene->source->entry, moment, &scene->source->birth);
    give_birth(engine, &scene->destination->entry, moment, &scene->destination->birth);
    if (scene->pair != NULL)
        give_birth(engine, &scene->pair->entry, moment, &scene->pair->birth);
    give_birth(engine, &scene->sweep->entry, moment, &scene->sweep->birth);
    give_birth(engine, &scene->target->entry, moment, &scene->target->birth);
    if (scene->conversation != NULL)
        give_birth(engine, &scene->conversation->entry, moment, &scene->conversation->birth);
}

static bool holds(const struct condition *condition, double value)
{
    return condition->side == AT_LEAST ? value >= condition->limit : value <= condition->limit;
}

/* How many conditions a rule has, if every one holds; their values. 0: one does not. NaN holds no
 * condition. The flow is what the rule needs. */
static unsigned try_rule(const struct behaviour_rule *rule, const struct scene *scene,
                         double values[BEHAVIOUR_EVIDENCE_MAX])
{
    unsigned count = 0;
    for (; rule->conditions[count].side != 0; count++) {
        const struct condition *const condition = &rule->conditions[count];
        values[count] = quantity_functions[condition->quantity](scene);
        if (!holds(condition, values[count]))
            return 0;
    }
    return count;
}

/* What an earlier flow's finding has beyond these conditions is cleared; most flows of most
 * networks have none, and a flood's all have the same. */
static void clear_evidence(struct behaviour_finding *finding, unsigned count)
{
    for (unsigned i = count; i < finding->evidence_count; i++)
        finding->evidence[i] = (struct behaviour_evidence){.quantity = 0};
    finding->evidence_count = (uint8_t)count;
}

static void tell(const struct behaviour_rule *rule, const struct scene *scene,
                 const double values[], unsigned count, struct behaviour_finding *finding)
{
    finding->behaviour = (uint8_t)rule->behaviour;
    finding->since_ns = quantity_since_ns(rule->conditions[0].quantity, scene);
    clear_evidence(finding, count);
    for (unsigned i = 0; i < count; i++) {
        struct behaviour_evidence *const evidence = &finding->evidence[i];
        evidence->quantity = (uint8_t)rule->conditions[i].quantity;
        evidence->is_most = rule->conditions[i].side == AT_MOST;
        evidence->value = values[i];
        evidence->limit = rule->conditions[i].limit;
    }
}

static void tell_nothing(struct behaviour_finding *finding)
{
    finding->behaviour = BEHAVIOUR_NONE;
    finding->since_ns = 0;
    clear_evidence(finding, 0);
}

/* The sight of a flow to come is not known yet, for want of its vector. By its state, which lies
 * beside its ports, most that have no conversation are told. */
static bool may_converse(const struct flow_record *flow)
{
    const unsigned unanswered =
        1U << FLOW_STATE_ATTEMPTED | 1U << FLOW_STATE_REFUSED | 1U << FLOW_STATE_ONE_WAY;
    return (unanswered >> flow->state & 1) == 0;
}

static void ask(const struct behaviour_engine *engine, enum table table, enum endpoint_key role,
                const struct endpoint_hashes *hashes)
{
    recent_table_ask(&engine->tables[table], hashes->hash[role]);
}

void behaviour_ask_ahead(const struct behaviour_engine *engine, const struct flow_record *flow,
                         const struct endpoint_hashes *hashes)
{
    ask(engine, TABLE_HOSTS, ENDPOINT_SOURCE, hashes);
    ask(engine, TABLE_HOSTS, ENDPOINT_DESTINATION, hashes);
    ask(engine, TABLE_PAIRS, ENDPOINT_PAIR, hashes);
    ask(engine, TABLE_SWEEPS, ENDPOINT_SOURCE_PORT, hashes);
    ask(engine, TABLE_TARGETS, ENDPOINT_DESTINATION_PORT, hashes);
    if (may_converse(flow))
        ask(engine, TABLE_CONVERSATIONS, ENDPOINT_CONVERSATION, hashes);
}

static inline __attribute__((always_inline)) void
find(const struct behaviour_engine *engine, enum table table, const struct recent_kind *kind,
     enum endpoint_key role, struct endpoint_hashes *hashes)
{
    hashes->behaviour_place[role] = recent_find(&engine->tables[table], kind, hashes->hash[role]);
}

void behaviour_warm(const struct behaviour_engine *engine, const struct flow_record *flow,
                    struct endpoint_hashes *hashes)
{
    find(engine, TABLE_HOSTS, &HOSTS, ENDPOINT_SOURCE, hashes);
    find(engine, TABLE_HOSTS, &HOSTS, ENDPOINT_DESTINATION, hashes);
    find(engine, TABLE_PAIRS, &PAIRS, ENDPOINT_PAIR, hashes);
    find(engine, TABLE_SWEEPS, &SWEEPS, ENDPOINT_SOURCE_PORT, hashes);
    find(engine, TABLE_TARGETS, &TARGETS, ENDPOINT_DESTINATION_PORT, hashes);
    if (may_converse(flow))
        find(engine, TABLE_CONVERSATIONS, &CONVERSATIONS, ENDPOINT_CONVERSATION, hashes);
}

static inline __attribute__((always_inline)) const void *
found(const struct behaviour_engine *engine, enum table table, const struct recent_kind *kind,
      enum endpoint_key role, const struct endpoint_hashes *hashes)
{
    return recent_found(&engine->tables[table], kind, hashes->behaviour_place[role]);
}

static void warm_host(const struct parts *parts, const struct host *host)
{
    if (host == NULL)
        return;
    spread_part_warm(parts, host->outside_peers);
    spread_part_warm(parts, host->clients);
    spread_part_warm(parts, host->inside_users);
}

static void warm_pair(const struct parts *parts, const struct pair *pair)
{
    if (pair == NULL)
        return;
    spread_part_warm(parts, pair->ports_20s);
    spread_part_warm(parts, pair->ports_1d);
}

static void warm_sweep(const struct parts *parts, const struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    tally_part_warm(parts, sweep->flows_10m);
    tally_part_warm(parts, sweep->flows_1d);
    spread_part_warm(parts, sweep->hosts_10m);
    spread_part_warm(parts, sweep->hosts_1d);
}

static void warm_target(const struct parts *parts, const struct target *target)
{
    if (target == NULL)
        return;
    tally_part_warm(parts, target->flows_20s);
    spread_part_warm(parts, target->sources_20s);
}

static void warm_conversation(const struct parts *parts, const struct conversation *conversation)
{
    if (conversation == NULL)
        return;
    tally_part_warm(parts, conversation->held_20s);
    tally_part_warm(parts, conversation->logins_10m);
}

/* What most flows count in; bytes and partners are of few. */
void behaviour_warm_parts(const struct behaviour_engine *engine,
                          const struct endpoint_hashes *hashes)
{
    const struct parts *const parts = &engine->parts;
    warm_host(parts, found(engine, TABLE_HOSTS, &HOSTS, ENDPOINT_SOURCE, hashes));
    warm_host(parts, found(engine, TABLE_HOSTS, &HOSTS, ENDPOINT_DESTINATION, hashes));
    warm_pair(parts, found(engine, TABLE_PAIRS, &PAIRS, ENDPOINT_PAIR, hashes));
    warm_sweep(parts, found(engine, TABLE_SWEEPS, &SWEEPS, ENDPOINT_SOURCE_PORT, hashes));
    warm_target(parts, found(engine, TABLE_TARGETS, &TARGETS, ENDPOINT_DESTINATION_PORT, hashes));
    warm_conversation(
        parts, found(engine, TABLE_CONVERSATIONS, &CONVERSATIONS, ENDPOINT_CONVERSATION, hashes));
}

void behaviour_observe(struct behaviour_engine *engine, const struct flow_record *flow,
                       const struct endpoint_hashes *hashes, const struct feature_vector *vector,
                       struct behaviour_finding *finding)
{
    advance_time(engine, flow);
    struct scene scene = {
        .flow = flow,
        .vector = vector,
        .parts = &engine->parts,
        .moment = {engine->now_ns, flow->first_ns},
        .sight = sight_take(flow, vector),
        .watch_start_ns = engine->watch_start_ns,
        .hosts_going_out = &engine->hosts_going_out,
    };
    touch_all(engine, hashes, &scene);
    give_births(engine, &scene);
    scene_count(&scene, hashes);
    for (uint64_t left = rules_for(engine, scene.sight); left != 0; left &= left - 1) {
        double values[BEHAVIOUR_EVIDENCE_MAX];
        const struct behaviour_rule *const rule = &behaviour_rules[__builtin_ctzll(left)];
        const unsigned count = try_rule(rule, &scene, values);
        if (count == 0)
            continue;
        tell(rule, &scene, values, count, finding);
        return;
    }
    tell_nothing(finding);
}

void behaviour_counters(const struct behaviour_engine *engine, struct engine_counters *counters)
{
    const struct recent_table *const tables = engine->tables;
    counters->hosts_evicted +=
        tables[TABLE_HOSTS].evicted + tables[TABLE_SWEEPS].evicted + tables[TABLE_TARGETS].evicted;
    counters->pairs_evicted += tables[TABLE_PAIRS].evicted;
    counters->conversations_evicted += tables[TABLE_CONVERSATIONS].evicted;
    counters->memory_bytes += sizeof *engine + parts_memory_bytes(&engine->parts);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        counters->memory_bytes += recent_table_memory_bytes(&tables[i]);
}
