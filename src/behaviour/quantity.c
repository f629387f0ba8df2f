/* SPDX-License-Identifier: Apache-2.0 */
/* How each quantity of quantity_list.h is measured, and since when. A function returns NaN where
 * this flow is no evidence of it, so that a finding stays with the flows it is about. Pure; the
 * engine's thread. */
#include "base/service.h"
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

/* The same of a count that is taken only then: most flows are evidence of nothing, and spreads they
 * do not count in lie in memory that they have no other use for. */
static double spread_where(bool is_evidence, const struct spread *spread)
{
    return is_evidence ? spread_count(spread) : (double)NAN;
}

/* Of transit, outside to outside, nothing is said: whose scan or flood it is cannot be told. */
static double source_outside(const struct scene *scene)
{
    const struct sight *const sight = &scene->sight;
    return where(sight->is_source_inside || sight->is_destination_inside,
                 sight->is_source_inside ? 0 : 1);
}

static bool is_opening(const struct scene *scene)
{
    return scene->sight.is_probe && scene->flow->protocol == PACKET_PROTOCOL_TCP;
}

/* ---- scans --------------------------------------------------------------------------------- */

static double probed_ports_20s(const struct scene *scene)
{
    return spread_where(scene->sight.is_probe, &scene->pair->ports_20s);
}

static double probed_ports_1d(const struct scene *scene)
{
    return spread_where(scene->sight.is_probe, &scene->pair->ports_1d);
}

static double new_probed_ports_1d(const struct scene *scene)
{
    return where(scene->is_new_port, probed_ports_1d(scene));
}

static double earlier_probed_ports_1d(const struct scene *scene)
{
    return probed_ports_1d(scene) - probed_ports_20s(scene);
}

/* What everybody asks of hosts outside all day: while the way out is down, or a filter refuses
 * QUIC, all of it goes unanswered. */
static bool is_everyday(const struct scene *scene)
{
    static const uint16_t ports[] = {25, 53, 80, 123, 443, 853, 3478, 5228, 8080};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (scene->flow->destination_port == ports[i])
            return !scene->sight.is_destination_inside;
    return false;
}

static double probed_hosts_10m(const struct scene *scene)
{
    return spread_where(scene->sight.is_probe && !is_everyday(scene), &scene->sweep->hosts_10m);
}

static double probed_web_hosts_10m(const struct scene *scene)
{
    return spread_where(is_opening(scene) && is_everyday(scene), &scene->sweep->hosts_10m);
}

static double probed_hosts_1d(const struct scene *scene)
{
    return spread_where(scene->sight.is_probe && !is_everyday(scene), &scene->sweep->hosts_1d);
}

/* Of ports that have a service: file sharing asks hosts by the hundred, on ports of its own. */
static double new_probed_hosts_1d(const struct scene *scene)
{
    const struct flow_record *const flow = scene->flow;
    return where(scene->is_new_host && service_is_known(flow->protocol, flow->destination_port),
                 probed_hosts_1d(scene));
}

static double probe_share_10m(const struct scene *scene)
{
    const struct tally *const flows = &scene->sweep->flows_10m;
    return ratio(tally_sum(flows), tally_count(flows));
}

static double probe_share_1d(const struct scene *scene)
{
    const struct tally *const flows = &scene->sweep->flows_1d;
    return ratio(tally_sum(flows), tally_count(flows));
}

/* ---- floods -------------------------------------------------------------------------------- */

static double openings_20s(const struct scene *scene)
{
    return where(scene->sight.is_probe, (double)tally_sum(&scene->target->flows_20s));
}

static double opening_share_20s(const struct scene *scene)
{
    const struct tally *const flows = &scene->target->flows_20s;
    return ratio(tally_sum(flows), tally_count(flows));
}

static double opening_sources_20s(const struct scene *scene)
{
    return spread_where(scene->sight.is_probe, &scene->target->sources_20s);
}

static double openings_per_source_20s(const struct scene *scene)
{
    return openings_20s(scene) / opening_sources_20s(scene);
}

static double opening_packets(const struct scene *scene)
{
    const struct flow_direction *const forward = &scene->flow->direction[FLOW_FORWARD];
    return where(is_opening(scene) && sight_payload_bytes(scene->flow, FLOW_FORWARD) == 0,
                 (double)forward->packets);
}

static double opening_packets_per_s(const struct scene *scene)
{
    const int64_t duration_ns = scene->flow->last_ns - scene->flow->first_ns;
    return where(duration_ns > 0, opening_packets(scene) / seconds(duration_ns));
}

/* ---- sessions ------------------------------------------------------------------------------ */

static double held_connections_20s(const struct scene *scene)
{
    return where(scene->sight.is_held, (double)tally_count(&scene->conversation->held_20s));
}

static bool is_ssh(const struct scene *scene)
{
    return scene->flow->destination_port == 22 || scene->flow->destination_port == 2222;
}

static double short_ssh_logins_10m(const struct scene *scene)
{
    return where(scene->sight.is_short_login && is_ssh(scene),
                 (double)tally_count(&scene->conversation->logins_10m));
}

static double short_logins_10m(const struct scene *scene)
{
    return where(scene->sight.is_short_login && !is_ssh(scene),
                 (double)tally_count(&scene->conversation->logins_10m));
}

static double login_interval_s(const struct scene *scene)
{
    const struct tally *const logins = &scene->conversation->logins_10m;
    const uint64_t count = tally_count(logins);
    return where(count > 1, seconds(tally_last_ns(logins) - tally_first_ns(logins)) /
                                (double)(count > 1 ? count - 1 : 1));
}

static bool is_new_login(const struct scene *scene)
{
    return scene->sight.is_login && scene->sight.is_source_inside &&
           scene->sight.is_destination_inside && scene_is_young_pair(scene);
}

static double new_login_hosts_tried_10m(const struct scene *scene)
{
    return spread_where(is_new_login(scene), &scene->sweep->login_tries);
}

/* Asked of sessions alone: what is refused is evidence of a scan as well. */
static double new_login_share_10m(const struct scene *scene)
{
    return where(
        is_new_login(scene) && scene->sight.is_logged_in,
        ratio(spread_count(&scene->sweep->login_hosts), spread_count(&scene->sweep->login_tries)));
}

/* ---- tunnels ------------------------------------------------------------------------------- */

static double dns_queries(const struct scene *scene)
{
    return where(scene->sight.is_dns, (double)scene->flow->direction[FLOW_FORWARD].packets);
}

static double dns_query_bytes(const struct scene *scene)
{
    const struct flow_direction *const forward = &scene->flow->direction[FLOW_FORWARD];
    return where(scene->sight.is_dns, ratio(forward->ip_bytes, forward->packets));
}

static double both_ways_bytes(const struct flow_record *flow)
{
    return (double)(flow->direction[FLOW_FORWARD].ip_bytes +
                    flow->direction[FLOW_REVERSE].ip_bytes);
}

static double dns_flow_bytes(const struct scene *scene)
{
    return where(scene->sight.is_dns, both_ways_bytes(scene->flow));
}

static double dns_flows_10m(const struct scene *scene)
{
    return where(scene->sight.is_dns, (double)tally_count(&scene->pair->queries_10m));
}

static double dns_query_bytes_10m(const struct scene *scene)
{
    return where(scene->sight.is_dns, ratio(tally_sum(&scene->pair->queries_10m),
                                            tally_sum(&scene->pair->query_packets_10m)));
}

static double echo_bytes(const struct scene *scene)
{
    return where(scene->sight.is_echo, both_ways_bytes(scene->flow));
}

static double deviation_of(const struct flow_distribution *sizes)
{
    return sizes->count > 1 && sizes->is_whole ? sizes->deviation : 0;
}

/* Of the direction where it is greater. */
static double echo_size_deviation_bytes(const struct scene *scene)
{
    const struct flow_direction *const direction = scene->flow->direction;
    return where(scene->sight.is_echo, fmax(deviation_of(&direction[FLOW_FORWARD].packet_bytes),
                                            deviation_of(&direction[FLOW_REVERSE].packet_bytes)));
}

/* ---- peers --------------------------------------------------------------------------------- */

static bool is_going_out(const struct scene *scene)
{
    return scene->sight.is_source_inside && !scene->sight.is_destination_inside;
}

static double sent_bytes_1h(const struct scene *scene)
{
    return where(is_going_out(scene) && scene->sight.is_bulk,
                 (double)tally_sum(&scene->pair->sent_1h));
}

static double sent_ratio_1h(const struct scene *scene)
{
    return ratio(tally_sum(&scene->pair->sent_1h), tally_sum(&scene->pair->received_1h));
}

static double peer_users_1d(const struct scene *scene)
{
    return spread_where(is_going_out(scene), &scene->destination->inside_users);
}

static double peer_age_s(const struct scene *scene)
{
    return where(is_going_out(scene), seconds(scene->flow->last_ns - scene->destination->first_ns));
}

static double watched_before_peer_s(const struct scene *scene)
{
    return where(is_going_out(scene),
                 seconds(scene->destination->first_ns - scene->watch_start_ns));
}

static double network_hosts_1d(const struct scene *scene)
{
    return spread_where(is_going_out(scene), scene->hosts_going_out);
}

static double partners_out_10m(const struct scene *scene)
{
    return spread_where(scene->sight.is_partner && scene->inside != NULL,
                        scene->inside != NULL ? &scene->inside->partners_out : NULL);
}

static double partners_in_10m(const struct scene *scene)
{
    return spread_where(scene->inside != NULL,
                        scene->inside != NULL ? &scene->inside->partners_in : NULL);
}

static double partner_ports_10m(const struct scene *scene)
{
    return spread_where(scene->inside != NULL,
                        scene->inside != NULL ? &scene->inside->partner_ports : NULL);
}

/* Services that are asked regularly by design: names, time, addresses, mail delivery, management,
 * and the keeping open of address translators. */
static bool is_infrastructure(const struct flow_record *flow)
{
    static const uint16_t ports[] = {25,  53,  67,   68,   123,  161,  162,  514, 546,
                                     547, 853, 1900, 3478, 3479, 5349, 5353, 5355};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (flow->destination_port == ports[i])
            return true;
    return flow->protocol != PACKET_PROTOCOL_TCP && flow->protocol != PACKET_PROTOCOL_UDP;
}

static double contacts(const struct scene *scene)
{
    const bool is_contact = is_going_out(scene) && scene->sight.is_session &&
                            scene->sight.is_fresh && !is_infrastructure(scene->flow);
    return where(is_contact, (double)scene->conversation->contacts);
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
    return spread_count(&scene->source->outside_peers);
}

static double source_clients_1d(const struct scene *scene)
{
    return spread_count(&scene->source->clients);
}

/* ---- the table ----------------------------------------------------------------------------- */

const struct behaviour_quantity behaviour_quantities[] = {
#define QUANTITY(id, name, label, unit) [QUANTITY_##id] = {#name, label, unit},
    QUANTITY_LIST(QUANTITY)
#undef QUANTITY
};

unsigned behaviour_quantity_count(void)
{
    return QUANTITY_COUNT;
}

double quantity_measure(enum quantity_id id, const struct scene *scene)
{
    static double (*const functions[])(const struct scene *) = {
#define QUANTITY(id, name, label, unit) [QUANTITY_##id] = name,
        QUANTITY_LIST(QUANTITY)
#undef QUANTITY
    };
    return functions[id](scene);
}

/* The first flow that a rule's leading quantity counted. */
int64_t quantity_since_ns(enum quantity_id id, const struct scene *scene)
{
    switch (id) {
    case QUANTITY_PROBED_PORTS_20S:
        return tally_first_ns(&scene->pair->ports_20s.tally);
    case QUANTITY_PROBED_PORTS_1D:
    case QUANTITY_NEW_PORTS_1D:
        return tally_first_ns(&scene->pair->ports_1d.tally);
    case QUANTITY_PROBED_HOSTS_10M:
        return tally_first_ns(&scene->sweep->hosts_10m.tally);
    case QUANTITY_PROBED_HOSTS_1D:
    case QUANTITY_NEW_HOSTS_1D:
        return tally_first_ns(&scene->sweep->hosts_1d.tally);
    case QUANTITY_OPENINGS_20S:
        return tally_first_ns(&scene->target->sources_20s.tally);
    case QUANTITY_HELD:
        return tally_first_ns(&scene->conversation->held_20s);
    case QUANTITY_SSH_LOGINS:
    case QUANTITY_OTHER_LOGINS:
        return tally_first_ns(&scene->conversation->logins_10m);
    case QUANTITY_LOGIN_TRIES:
        return tally_first_ns(&scene->sweep->login_tries.tally);
    case QUANTITY_QUERY_FLOWS_10M:
        return tally_first_ns(&scene->pair->queries_10m);
    case QUANTITY_SENT_1H:
        return tally_first_ns(&scene->pair->sent_1h);
    case QUANTITY_PARTNERS_OUT:
        return tally_first_ns(&scene->inside->partners_out.tally);
    case QUANTITY_CONTACTS:
        return scene->conversation->first_ns;
    default:
        return scene->flow->first_ns; /* of this flow alone */
    }
}
