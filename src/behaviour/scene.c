/* SPDX-License-Identifier: Apache-2.0 */
/* Counts a flow in every entry it is evidence for. Called by behaviour_observe, before the rules
 * are asked; the engine's thread. */
#include "behaviour/evidence.h"

static const int64_t YOUNG_PAIR_NS = INT64_C(3600) * 1000000000;

static unsigned note(struct scene *scene, struct spread *spread, uint64_t hash, int64_t half_ns)
{
    return spread_note(spread, hash, scene->now_ns, scene->flow->first_ns, half_ns);
}

static void add(struct scene *scene, struct tally *tally, uint64_t amount, int64_t half_ns)
{
    (void)tally_advance(tally, scene->now_ns, half_ns);
    tally_add(tally, scene->now_ns, scene->flow->first_ns, amount);
}

/* Over 20 s time is that of the flows' starts: flows that began minutes apart may be handed over at
 * once, when the input ends. One that began before the half under way is counted in it. */
static void add_by_start(struct scene *scene, struct tally *tally, uint64_t amount)
{
    const int64_t first_ns = scene->flow->first_ns;
    (void)tally_advance(tally, first_ns, HALF_20S_NS);
    tally_add(tally, first_ns, first_ns, amount);
}

static unsigned note_by_start(struct scene *scene, struct spread *spread, uint64_t hash)
{
    const int64_t first_ns = scene->flow->first_ns;
    return spread_note(spread, hash, first_ns, first_ns, HALF_20S_NS);
}

static void count_scan(struct scene *scene, const struct endpoint_hashes *hashes)
{
    struct sweep *const sweep = scene->sweep;
    add(scene, &sweep->flows_10m, scene->sight.is_probe, HALF_10M_NS);
    add(scene, &sweep->flows_1d, scene->sight.is_probe, HALF_1D_NS);
    add_by_start(scene, &scene->target->flows_20s, scene->sight.is_probe);
    if (!scene->sight.is_probe)
        return;
    note_by_start(scene, &scene->pair->ports_20s, hashes->port_sketch);
    scene->is_new_port = note(scene, &scene->pair->ports_1d, hashes->port_sketch, HALF_1D_NS);
    note(scene, &sweep->hosts_10m, hashes->destination_sketch, HALF_10M_NS);
    scene->is_new_host = note(scene, &sweep->hosts_1d, hashes->destination_sketch, HALF_1D_NS);
    note_by_start(scene, &scene->target->sources_20s, hashes->source_sketch);
}

/* Who talks with whom: the background that rarity and roles are told by. */
static void count_roles(struct scene *scene, const struct endpoint_hashes *hashes)
{
    const struct sight *const sight = &scene->sight;
    if (sight->is_source_inside)
        note(scene, &scene->destination->inside_users, hashes->source_sketch, HALF_1D_NS);
    if (sight->is_source_inside && sight->is_session)
        note(scene, &scene->destination->clients, hashes->source_sketch, HALF_1D_NS);
    if (sight->is_source_inside && !sight->is_destination_inside) {
        note(scene, &scene->source->outside_peers, hashes->destination_sketch, HALF_1D_NS);
        note(scene, scene->hosts_going_out, hashes->source_sketch, HALF_1D_NS);
    }
}

bool scene_is_young_pair(const struct scene *scene)
{
    return scene->vector->pair_age_ns < YOUNG_PAIR_NS;
}

static void count_logins(struct scene *scene, const struct endpoint_hashes *hashes)
{
    const struct sight *const sight = &scene->sight;
    if (sight->is_short_login)
        add(scene, &scene->conversation->logins_10m, 0, HALF_10M_NS);
    if (!sight->is_login || !sight->is_source_inside || !sight->is_destination_inside ||
        !scene_is_young_pair(scene))
        return;
    note(scene, &scene->sweep->login_tries, hashes->destination_sketch, HALF_10M_NS);
    if (sight->is_logged_in)
        note(scene, &scene->sweep->login_hosts, hashes->destination_sketch, HALF_10M_NS);
}

static void count_bytes(struct scene *scene)
{
    const struct flow_direction *const direction = scene->flow->direction;
    struct pair *const pair = scene->pair;
    if (scene->sight.is_bulk) {
        add(scene, &pair->sent_1h, direction[FLOW_FORWARD].ip_bytes, HALF_1H_NS);
        add(scene, &pair->received_1h, direction[FLOW_REVERSE].ip_bytes, HALF_1H_NS);
    }
    if (scene->sight.is_dns) {
        add(scene, &pair->queries_10m, direction[FLOW_FORWARD].ip_bytes, HALF_10M_NS);
        add(scene, &pair->query_packets_10m, direction[FLOW_FORWARD].packets, HALF_10M_NS);
    }
}

static void count_partners(struct scene *scene, const struct endpoint_hashes *hashes)
{
    if (!scene->sight.is_partner || scene->inside == NULL)
        return;
    if (scene->inside == scene->source) {
        note(scene, &scene->inside->partners_out, hashes->destination_sketch, HALF_10M_NS);
        note(scene, &scene->inside->partner_ports, hashes->port_sketch, HALF_10M_NS);
    } else {
        note(scene, &scene->inside->partners_in, hashes->source_sketch, HALF_10M_NS);
    }
}

static void count_contacts(struct scene *scene)
{
    struct conversation *const conversation = scene->conversation;
    const int64_t first_ns = scene->flow->first_ns;
    if (scene->sight.is_held)
        add_by_start(scene, &conversation->held_20s, 0);
    if (!scene->sight.is_session || !scene->sight.is_fresh)
        return;
    if (conversation->contacts == 0 || first_ns < conversation->first_ns)
        conversation->first_ns = first_ns;
    if (conversation->contacts == 0 || first_ns > conversation->last_ns)
        conversation->last_ns = first_ns;
    conversation->contacts++;
}

static void meet(struct host *host, const struct flow_record *flow, bool is_new)
{
    if (is_new || flow->first_ns < host->first_ns)
        host->first_ns = flow->first_ns;
}

void scene_count(struct scene *scene, const struct endpoint_hashes *hashes)
{
    const struct flow_record *const flow = scene->flow;
    meet(scene->source, flow, scene->source->first_ns == 0);
    meet(scene->destination, flow, scene->destination->first_ns == 0);
    count_scan(scene, hashes);
    count_roles(scene, hashes);
    count_logins(scene, hashes);
    count_bytes(scene);
    count_partners(scene, hashes);
    count_contacts(scene);
}
