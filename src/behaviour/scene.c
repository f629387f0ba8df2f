/* SPDX-License-Identifier: Apache-2.0 */
/* Counts a flow in every entry it is evidence for. Called by behaviour_observe, before the rules
 * are asked; the engine's thread. */
#include "behaviour/evidence.h"

/* A count named _10m reaches back 5 to 10 minutes, _20s 10 to 20 s, _1h 30 to 60 minutes, _1d 12 to
 * 24 hours. Over 20 s time is that of the flows' starts. */
static const struct span SPAN_20S = {10 * BEHAVIOUR_SECOND_NS, .is_by_start = true};
static const struct span SPAN_10M = {5 * BEHAVIOUR_MINUTE_NS, .is_by_start = false};
static const struct span SPAN_1H = {30 * BEHAVIOUR_MINUTE_NS, .is_by_start = false};
static const struct span SPAN_1D = {12 * BEHAVIOUR_HOUR_NS, .is_by_start = false};

/* In a part of the entry with this birth. */
static unsigned note(struct scene *scene, struct spread_part *part, const struct moment *birth,
                     const struct span *span, uint64_t hash)
{
    return spread_part_note(scene->parts, part, birth, &scene->moment, span, (uint8_t)hash);
}

static void add(struct scene *scene, struct tally_part *part, const struct moment *birth,
                const struct span *span, uint64_t amount)
{
    tally_part_add(scene->parts, part, birth, &scene->moment, span, amount);
}

static void count_flow(struct scene *scene)
{
    struct sweep *const sweep = scene->sweep;
    struct target *const target = scene->target;
    const bool is_probe = scene_is(scene, SIGHT_PROBE);
    add(scene, &sweep->flows_10m, &sweep->birth, &SPAN_10M, is_probe);
    add(scene, &sweep->flows_1d, &sweep->birth, &SPAN_1D, is_probe);
    add(scene, &target->flows_20s, &target->birth, &SPAN_20S, is_probe);
}

static void count_probe(struct scene *scene, const struct endpoint_hashes *hashes)
{
    struct pair *const pair = scene->pair;
    struct sweep *const sweep = scene->sweep;
    struct target *const target = scene->target;
    note(scene, &pair->ports_20s, &pair->birth, &SPAN_20S, hashes->port_sketch);
    if (note(scene, &pair->ports_1d, &pair->birth, &SPAN_1D, hashes->port_sketch) > 0)
        scene->sight |= SIGHT_NEW_PORT;
    note(scene, &sweep->hosts_10m, &sweep->birth, &SPAN_10M, hashes->destination_sketch);
    if (note(scene, &sweep->hosts_1d, &sweep->birth, &SPAN_1D, hashes->destination_sketch) > 0)
        scene->sight |= SIGHT_NEW_HOST;
    note(scene, &target->sources_20s, &target->birth, &SPAN_20S, hashes->source_sketch);
}

/* Who talks with whom: the background that rarity and roles are told by. */
static void count_roles(struct scene *scene, const struct endpoint_hashes *hashes)
{
    struct host *const source = scene->source;
    struct host *const destination = scene->destination;
    if (!scene_is(scene, SIGHT_SOURCE_INSIDE))
        return;
    note(scene, &destination->inside_users, &destination->birth, &SPAN_1D, hashes->source_sketch);
    if (scene_is(scene, SIGHT_SESSION))
        note(scene, &destination->clients, &destination->birth, &SPAN_1D, hashes->source_sketch);
    if (!scene_is(scene, SIGHT_GOING_OUT))
        return;
    note(scene, &source->outside_peers, &source->birth, &SPAN_1D, hashes->destination_sketch);
    (void)spread_note(scene->hosts_going_out, scene->moment, (uint8_t)hashes->source_sketch,
                      SPAN_1D.half_ns);
}

static void count_logins(struct scene *scene, const struct endpoint_hashes *hashes)
{
    struct sweep *const sweep = scene->sweep;
    struct conversation *const conversation = scene->conversation;
    if (scene_is(scene, SIGHT_SHORT_LOGIN))
        add(scene, &conversation->logins_10m, &conversation->birth, &SPAN_10M, 0);
    if (!scene_is(scene, SIGHT_NEW_LOGIN))
        return;
    note(scene, &sweep->login_tries, &sweep->birth, &SPAN_10M, hashes->destination_sketch);
    if (scene_is(scene, SIGHT_LOGGED_IN))
        note(scene, &sweep->login_hosts, &sweep->birth, &SPAN_10M, hashes->destination_sketch);
}

static void count_bytes(struct scene *scene)
{
    const struct flow_direction *const forward = &scene->flow->direction[FLOW_FORWARD];
    const struct flow_direction *const reverse = &scene->flow->direction[FLOW_REVERSE];
    struct pair *const pair = scene->pair;
    if (scene_is(scene, SIGHT_BULK)) {
        add(scene, &pair->sent_1h, &pair->birth, &SPAN_1H, forward->ip_bytes);
        add(scene, &pair->received_1h, &pair->birth, &SPAN_1H, reverse->ip_bytes);
    }
    if (scene_is(scene, SIGHT_DNS)) {
        add(scene, &pair->queries_10m, &pair->birth, &SPAN_10M, forward->ip_bytes);
        add(scene, &pair->query_packets_10m, &pair->birth, &SPAN_10M, forward->packets);
    }
}

static void count_partners(struct scene *scene, const struct endpoint_hashes *hashes)
{
    struct host *const inside = scene_inside(scene);
    if (inside == scene->source) {
        note(scene, &inside->partners_out, &inside->birth, &SPAN_10M, hashes->destination_sketch);
        note(scene, &inside->partner_ports, &inside->birth, &SPAN_10M, hashes->port_sketch);
    } else {
        note(scene, &inside->partners_in, &inside->birth, &SPAN_10M, hashes->source_sketch);
    }
}

static void count_held(struct scene *scene)
{
    struct conversation *const conversation = scene->conversation;
    add(scene, &conversation->held_20s, &conversation->birth, &SPAN_20S, 0);
}

static void count_contact(struct scene *scene)
{
    struct conversation *const conversation = scene->conversation;
    const int64_t first_ns = scene->flow->first_ns;
    if (conversation->contacts == 0 || first_ns < conversation->first_ns)
        conversation->first_ns = first_ns;
    if (conversation->contacts == 0 || first_ns > conversation->last_ns)
        conversation->last_ns = first_ns;
    conversation->contacts += conversation->contacts < UINT32_MAX;
}

static void meet(struct host *host, const struct flow_record *flow)
{
    if (host->first_ns == 0 || flow->first_ns < host->first_ns)
        host->first_ns = flow->first_ns;
}

void scene_count(struct scene *scene, const struct endpoint_hashes *hashes)
{
    meet(scene->source, scene->flow);
    meet(scene->destination, scene->flow);
    count_flow(scene);
    if (scene_is(scene, SIGHT_PROBE))
        count_probe(scene, hashes);
    count_roles(scene, hashes);
    count_logins(scene, hashes);
    count_bytes(scene);
    if (scene_is(scene, SIGHT_PARTNER))
        count_partners(scene, hashes);
    if (scene_is(scene, SIGHT_HELD))
        count_held(scene);
    if (scene_is(scene, SIGHT_CONTACT))
        count_contact(scene);
}
