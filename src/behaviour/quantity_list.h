/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of quantities that conditions are made of. QUANTITY(ID, name, label, unit,
 * needs): name and unit as in records, label as in sentences ("... ports probed"); `needs`, enum
 * sight, is what a flow must be to be evidence of it. behaviour_quantities, the tables in
 * quantity.c and the tests are generated from it; quantity.c says how each is measured. New ones go
 * anywhere: records name them. */
#ifndef WHYFLOW_BEHAVIOUR_QUANTITY_LIST_H
#define WHYFLOW_BEHAVIOUR_QUANTITY_LIST_H

#include "behaviour/sight.h"

/* clang-format off */
#define QUANTITY_LIST(QUANTITY) \
    QUANTITY(SOURCE_OUTSIDE, source_outside, "the source is outside", "yes", SIGHT_NO_TRANSIT) \
    QUANTITY(PROBED_PORTS_20S, probed_ports_20s, "ports of one host probed in 20 s", "ports", SIGHT_PROBE) \
    QUANTITY(PROBED_PORTS_1D, probed_ports_1d, "ports of one host probed in a day", "ports", SIGHT_PROBE) \
    QUANTITY(NEW_PORTS_1D, new_probed_ports_1d, "ports of one host probed in a day, this one for the first time", "ports", SIGHT_PROBE | SIGHT_NEW_PORT) \
    QUANTITY(EARLIER_PORTS, earlier_probed_ports_1d, "of them probed earlier than 20 s ago", "ports", SIGHT_PROBE) \
    QUANTITY(PROBED_HOSTS_10M, probed_hosts_10m, "hosts probed on one port in ten minutes", "hosts", SIGHT_RARE_PROBE) \
    QUANTITY(WEB_HOSTS_10M, probed_web_hosts_10m, "outside hosts probed on an everyday port in ten minutes", "hosts", SIGHT_EVERYDAY_OPENING) \
    QUANTITY(PROBED_HOSTS_1D, probed_hosts_1d, "hosts probed on one port in a day", "hosts", SIGHT_RARE_PROBE) \
    QUANTITY(NEW_HOSTS_1D, new_probed_hosts_1d, "hosts probed on one port in a day, this one for the first time", "hosts", SIGHT_RARE_PROBE | SIGHT_SERVICE_PROBE | SIGHT_NEW_HOST) \
    QUANTITY(PROBE_SHARE_10M, probe_share_10m, "share of flows to that port that got no session in ten minutes", "ratio", SIGHT_ANY) \
    QUANTITY(PROBE_SHARE_1D, probe_share_1d, "share of flows to that port that got no session in a day", "ratio", SIGHT_ANY) \
    QUANTITY(OPENINGS_20S, openings_20s, "openings of one service without a session in 20 s", "flows", SIGHT_PROBE) \
    QUANTITY(OPENING_SHARE_20S, opening_share_20s, "share of its flows without a session in 20 s", "ratio", SIGHT_ANY) \
    QUANTITY(OPENING_SOURCES_20S, opening_sources_20s, "sources of such openings in 20 s", "hosts", SIGHT_PROBE) \
    QUANTITY(OPENINGS_PER_SOURCE, openings_per_source_20s, "such openings a source in 20 s", "flows", SIGHT_PROBE) \
    QUANTITY(OPENING_PACKETS, opening_packets, "packets of one opening without a session", "packets", SIGHT_BARE_OPENING) \
    QUANTITY(OPENING_RATE, opening_packets_per_s, "rate of its packets", "packets/s", SIGHT_BARE_OPENING) \
    QUANTITY(HELD, held_connections_20s, "connections to one service opened in 20 s and held all but empty for 15 s or more", "connections", SIGHT_HELD) \
    QUANTITY(SSH_LOGINS, short_ssh_logins_10m, "SSH connections of a failed log-in's size to one host in ten minutes", "connections", SIGHT_SSH_LOGIN) \
    QUANTITY(OTHER_LOGINS, short_logins_10m, "connections of a failed log-in's size to one service in ten minutes", "connections", SIGHT_OTHER_LOGIN) \
    QUANTITY(LOGIN_INTERVAL, login_interval_s, "mean time between them", "s", SIGHT_SHORT_LOGIN) \
    QUANTITY(LOGIN_TRIES, new_login_hosts_tried_10m, "inside hosts, new to it, asked for a log-in on this port in ten minutes", "hosts", SIGHT_NEW_LOGIN) \
    QUANTITY(LOGIN_SHARE, new_login_share_10m, "share of them with a session, as this flow is", "ratio", SIGHT_NEW_LOGIN | SIGHT_LOGGED_IN) \
    QUANTITY(QUERIES, dns_queries, "packets to port 53 in one flow", "packets", SIGHT_DNS) \
    QUANTITY(QUERY_BYTES, dns_query_bytes, "mean size of those packets", "bytes", SIGHT_DNS) \
    QUANTITY(QUERY_FLOW_BYTES, dns_flow_bytes, "bytes of that flow, both ways", "bytes", SIGHT_DNS) \
    QUANTITY(QUERY_FLOWS_10M, dns_flows_10m, "flows of this pair to port 53 in ten minutes", "flows", SIGHT_DNS) \
    QUANTITY(QUERY_BYTES_10M, dns_query_bytes_10m, "mean size of packets to port 53 in ten minutes", "bytes", SIGHT_DNS) \
    QUANTITY(ECHO_BYTES, echo_bytes, "bytes of one ICMP echo flow, both ways", "bytes", SIGHT_ECHO) \
    QUANTITY(ECHO_DEVIATION, echo_size_deviation_bytes, "deviation of its packets' sizes", "bytes", SIGHT_ECHO) \
    QUANTITY(SENT_1H, sent_bytes_1h, "bytes sent to one outside host in an hour", "bytes", SIGHT_GOING_OUT | SIGHT_BULK) \
    QUANTITY(SENT_RATIO_1H, sent_ratio_1h, "bytes sent for each received in an hour", "ratio", SIGHT_GOING_OUT | SIGHT_BULK) \
    QUANTITY(PEER_USERS_1D, peer_users_1d, "inside hosts that went to this peer in a day", "hosts", SIGHT_GOING_OUT) \
    QUANTITY(PEER_AGE, peer_age_s, "time since the network first met this peer", "s", SIGHT_GOING_OUT) \
    QUANTITY(WATCHED_BEFORE, watched_before_peer_s, "time watched before that", "s", SIGHT_GOING_OUT) \
    QUANTITY(NETWORK_HOSTS_1D, network_hosts_1d, "inside hosts that went outside in a day", "hosts", SIGHT_GOING_OUT) \
    QUANTITY(PARTNERS_OUT, partners_out_10m, "outside peers it went to between high ports in ten minutes", "hosts", SIGHT_PARTNER) \
    QUANTITY(PARTNERS_IN, partners_in_10m, "outside peers that came to it between high ports in ten minutes", "hosts", SIGHT_CROSSING) \
    QUANTITY(PARTNER_PORTS, partner_ports_10m, "their ports", "ports", SIGHT_CROSSING) \
    QUANTITY(CONTACTS, contacts, "answered contacts with this peer's service", "contacts", SIGHT_OUT_CONTACT) \
    QUANTITY(CONTACT_SPAN, contact_span_s, "time from the first to the latest contact", "s", SIGHT_OUT_CONTACT) \
    QUANTITY(CONTACT_VARIATION, contact_variation, "deviation over mean of the times between contacts", "ratio", SIGHT_OUT_CONTACT) \
    QUANTITY(SOURCE_PEERS_1D, source_outside_peers_1d, "outside peers of this source in a day", "hosts", SIGHT_ANY) \
    QUANTITY(SOURCE_CLIENTS_1D, source_clients_1d, "inside hosts this source serves in a day", "hosts", SIGHT_ANY)
/* clang-format on */

enum quantity_id {
#define QUANTITY(id, name, label, unit, needs) QUANTITY_##id,
    QUANTITY_LIST(QUANTITY)
#undef QUANTITY
        QUANTITY_COUNT
};

#endif
