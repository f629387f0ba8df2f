/* SPDX-License-Identifier: Apache-2.0 */
/* How each quantity of quantity_list.h is measured, and since when. A quantity is NaN where this
 * flow is no evidence of it, so that a finding stays with the flows it is about: mostly because it
 * is not what the list says is needed, and a function is asked of no other flows. Pure; the
 * engine's thread. */
#include "behaviour/rule.h"

#include <math.h>

static double seconds(int64_t ns)
{
    return (double)ns / (double)BEHAVIOUR_SECOND_NS;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return (double)part / (double)(whole > 0 ? whole : 1);
}

/* `value` where the flow is evidence, else NaN. */
static double where(bool is_evidence, double value)
{
    return is_evidence ? value : (double)NAN;
}

static double things(const struct scene *scene, struct spread_part part)
{
    return spread_part_count(scene->parts, part);
}

static uint64_t flows(const struct scene *scene, struct tally_part part)
{
    return tally_part_count(scene->parts, part);
}

static uint64_t sum(const struct scene *scene, struct tally_part part)
{
    return tally_part_sum(scene->parts, part);
}

/* Of a tally that adds 1 for each of some flows. */
static double share(const struct scene *scene, struct tally_part part)
{
    return ratio(sum(scene, part), flows(scene, part));
}

/* Of transit, outside to outside, nothing is said: whose scan or flood it is cannot be told. */
static double source_outside(const struct scene *scene)
{
    return scene_is(scene, SIGHT_SOURCE_INSIDE) ? 0 : 1;
}

/* ---- scans --------------------------------------------------------------------------------- */

static double probed_ports_20s(const struct scene *scene)
{
    return things(scene, scene->pair->ports_20s);
}

static double probed_ports_1d(const struct scene *scene)
{
    return things(scene, scene->pair->ports_1d);
}

static double new_probed_ports_1d(const struct scene *scene)
{
    return probed_ports_1d(scene);
}

static double earlier_probed_ports_1d(const struct scene *scene)
{
    return probed_ports_1d(scene) - probed_ports_20s(scene);
}

static double probed_hosts_10m(const struct scene *scene)
{
    return things(scene, scene->sweep->hosts_10m);
}

static double probed_web_hosts_10m(const struct scene *scene)
{
    return things(scene, scene->sweep->hosts_10m);
}

static double probed_hosts_1d(const struct scene *scene)
{
    return things(scene, scene->sweep->hosts_1d);
}

/* Of ports that have a service: file sharing asks hosts by the hundred, on ports of its own. */
static double new_probed_hosts_1d(const struct scene *scene)
{
    return probed_hosts_1d(scene);
}

static double probe_share_10m(const struct scene *scene)
{
    return share(scene, scene->sweep->flows_10m);
}

static double probe_share_1d(const struct scene *scene)
{
    return share(scene, scene->sweep->flows_1d);
}

/* ---- floods -------------------------------------------------------------------------------- */

static double openings_20s(const struct scene *scene)
{
    return (double)sum(scene, scene->target->flows_20s);
}

static double opening_share_20s(const struct scene *scene)
{
    return share(scene, scene->target->flows_20s);
}

static double opening_sources_20s(const struct scene *scene)
{
    return things(scene, scene->target->sources_20s);
}

static double openings_per_source_20s(const struct scene *scene)
{
    return openings_20s(scene) / opening_sources_20s(scene);
}

static double opening_packets(const struct scene *scene)
{
    return (double)scene->flow->direction[FLOW_FORWARD].packets;
}

static double opening_packets_per_s(const struct scene *scene)
{
    const int64_t duration_ns = scene->flow->last_ns - scene->flow->first_ns;
    return where(duration_ns > 0, opening_packets(scene) / seconds(duration_ns));
}

/* ---- sessions ------------------------------------------------------------------------------ */

static double held_connections_20s(const struct scene *scene)
{
    return (double)flows(scene, scene->conversation->held_20s);
}

static double short_ssh_logins_10m(const struct scene *scene)
{
    return (double)flows(scene, scene->conversation->logins_10m);
}

static double short_logins_10m(const struct scene *scene)
{
    return (double)flows(scene, scene->conversation->logins_10m);
}

static double login_interval_s(const struct scene *scene)
{
    const struct tally_part logins = scene->conversation->logins_10m;
    const struct moment *const birth = &scene->conversation->birth;
    const uint64_t count = flows(scene, logins);
    const int64_t time_ns = tally_part_last_ns(scene->parts, logins, birth) -
                            tally_part_first_ns(scene->parts, logins, birth);
    return where(count > 1, seconds(time_ns) / (double)(count > 1 ? count - 1 : 1));
}

static double new_login_hosts_tried_10m(const struct scene *scene)
{
    return things(scene, scene->sweep->login_tries);
}

/* Asked of sessions alone: what is refused is evidence of a scan as well. */
static double new_login_share_10m(const struct scene *scene)
{
    return things(scene, scene->sweep->login_hosts) / things(scene, scene->sweep->login_tries);
}

/* ---- tunnels ------------------------------------------------------------------------------- */

static double dns_queries(const struct scene *scene)
{
    return (double)scene->flow->direction[FLOW_FORWARD].packets;
}

static double dns_query_bytes(const struct scene *scene)
{
    const struct flow_direction *const forward = &scene->flow->direction[FLOW_FORWARD];
    return ratio(forward->ip_bytes, forward->packets);
}

static double both_ways_bytes(const struct flow_record *flow)
{
    return (double)(flow->direction[FLOW_FORWARD].ip_bytes +
                    flow->direction[FLOW_REVERSE].ip_bytes);
}

static double dns_flow_bytes(const struct scene *scene)
{
    return both_ways_bytes(scene->flow);
}

static double dns_flows_10m(const struct scene *scene)
{
    return (double)flows(scene, scene->pair->queries_10m);
}

static double dns_query_bytes_10m(const struct scene *scene)
{
    return ratio(sum(scene, scene->pair->queries_10m), sum(scene, scene->pair->query_packets_10m));
}

static double echo_bytes(const struct scene *scene)
{
    return both_ways_bytes(scene->flow);
}

static double deviation_of(const struct flow_distribution *sizes)
{
    return sizes->count > 1 && sizes->is_whole ? sizes->deviation : 0;
}

/* Of the direction where it is greater. */
static double echo_size_deviation_bytes(const struct scene *scene)
{
    const struct flow_direction *const direction = scene->flow->direction;
    return fmax(deviation_of(&direction[FLOW_FORWARD].packet_bytes),
                deviation_of(&direction[FLOW_REVERSE].packet_bytes));
}

/* ---- peers --------------------------------------------------------------------------------- */

static double sent_bytes_1h(const struct scene *scene)
{
    return (double)sum(scene, scene->pair->sent_1h);
}

static double sent_ratio_1h(const struct scene *scene)
{
    return ratio(sum(scene, scene->pair->sent_1h), sum(scene, scene->pair->received_1h));
}

static double peer_users_1d(const struct scene *scene)
{
    return things(scene, scene->destination->inside_users);
}

static double peer_age_s(const struct scene *scene)
{
    return seconds(scene->flow->last_ns - scene->destination->first_ns);
}

static double watched_before_peer_s(const struct scene *scene)
{
    return seconds(scene->destination->first_ns - scene->watch_start_ns);
}

static double network_hosts_1d(const struct scene *scene)
{
    return spread_count(scene->hosts_going_out);
}

static double partners_out_10m(const struct scene *scene)
{
    return things(scene, scene_inside(scene)->partners_out);
}

static double partners_in_10m(const struct scene *scene)
{
    return things(scene, scene_inside(scene)->partners_in);
}

static double partner_ports_10m(const struct scene *scene)
{
    return things(scene, scene_inside(scene)->partner_ports);
}

static double contacts(const struct scene *scene)
{
    return (double)scene->conversation->contacts;
}

static double contact_span_s(const struct scene *scene)
{
    return seconds(scene->conversation->last_ns - scene->conversation->first_ns);
}

static double contact_variation(const struct scene *scene)
{
    return where(feature_is_present(scene->vector, FEATURE_INTERVAL_CV),
                 scene->vector->value[FEATURE_INTERVAL_CV]);
}

static double source_outside_peers_1d(const struct scene *scene)
{
    return things(scene, scene->source->outside_peers);
}

static double source_clients_1d(const struct scene *scene)
{
    return things(scene, scene->source->clients);
}

/* ---- the table ----------------------------------------------------------------------------- */

const struct behaviour_quantity behaviour_quantities[] = {
#define QUANTITY(id, name, label, unit, needs) [QUANTITY_##id] = {#name, label, unit},
    QUANTITY_LIST(QUANTITY)
#undef QUANTITY
};

unsigned behaviour_quantity_count(void)
{
    return QUANTITY_COUNT;
}

uint32_t quantity_needs(enum quantity_id id)
{
    static const uint32_t all_needs[] = {
#define QUANTITY(id, name, label, unit, needs) [QUANTITY_##id] = (needs),
        QUANTITY_LIST(QUANTITY)
#undef QUANTITY
    };
    return all_needs[id];
}

quantity_function *const quantity_functions[QUANTITY_COUNT] = {
#define QUANTITY(id, name, label, unit, needs) [QUANTITY_##id] = name,
    QUANTITY_LIST(QUANTITY)
#undef QUANTITY
};

double quantity_measure(enum quantity_id id, const struct scene *scene)
{
    return scene_is(scene, quantity_needs(id)) ? quantity_functions[id](scene) : (double)NAN;
}

static int64_t spread_since(const struct scene *scene, struct spread_part part,
                            const struct moment *birth)
{
    return spread_part_first_ns(scene->parts, part, birth);
}

static int64_t tally_since(const struct scene *scene, struct tally_part part,
                           const struct moment *birth)
{
    return tally_part_first_ns(scene->parts, part, birth);
}

/* The first flow that a rule's leading quantity counted. */
int64_t quantity_since_ns(enum quantity_id id, const struct scene *scene)
{
    const struct pair *const pair = scene->pair;
    const struct sweep *const sweep = scene->sweep;
    const struct conversation *const conversation = scene->conversation;
    switch (id) {
    case QUANTITY_PROBED_PORTS_20S:
        return spread_since(scene, pair->ports_20s, &pair->birth);
    case QUANTITY_PROBED_PORTS_1D:
    case QUANTITY_NEW_PORTS_1D:
        return spread_since(scene, pair->ports_1d, &pair->birth);
    case QUANTITY_PROBED_HOSTS_10M:
        return spread_since(scene, sweep->hosts_10m, &sweep->birth);
    case QUANTITY_PROBED_HOSTS_1D:
    case QUANTITY_NEW_HOSTS_1D:
        return spread_since(scene, sweep->hosts_1d, &sweep->birth);
    case QUANTITY_OPENINGS_20S:
        return spread_since(scene, scene->target->sources_20s, &scene->target->birth);
    case QUANTITY_HELD:
        return tally_since(scene, conversation->held_20s, &conversation->birth);
    case QUANTITY_SSH_LOGINS:
    case QUANTITY_OTHER_LOGINS:
        return tally_since(scene, conversation->logins_10m, &conversation->birth);
    case QUANTITY_LOGIN_TRIES:
        return spread_since(scene, sweep->login_tries, &sweep->birth);
    case QUANTITY_QUERY_FLOWS_10M:
        return tally_since(scene, pair->queries_10m, &pair->birth);
    case QUANTITY_SENT_1H:
        return tally_since(scene, pair->sent_1h, &pair->birth);
    case QUANTITY_PARTNERS_OUT:
        return spread_since(scene, scene_inside(scene)->partners_out, &scene_inside(scene)->birth);
    case QUANTITY_CONTACTS:
        return conversation->first_ns;
    default:
        return scene->flow->first_ns; /* of this flow alone */
    }
}
