/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of quantities that conditions are made of. QUANTITY(ID, name, label, unit): name and
 * unit as in records, label as in sentences ("... ports probed"). behaviour_quantities, the
 * functions' table in quantity.c and the tests are generated from it; quantity.c says how each is
 * measured. New ones go anywhere: records name them. */
#ifndef WHYFLOW_BEHAVIOUR_QUANTITY_LIST_H
#define WHYFLOW_BEHAVIOUR_QUANTITY_LIST_H

/* clang-format off */
#define QUANTITY_LIST(QUANTITY) \
    QUANTITY(SOURCE_OUTSIDE, source_outside, "the source is outside", "yes") \
    QUANTITY(PROBED_PORTS_20S, probed_ports_20s, "ports of one host probed in 20 s", "ports") \
    QUANTITY(PROBED_PORTS_1D, probed_ports_1d, "ports of one host probed in a day", "ports") \
    QUANTITY(NEW_PORTS_1D, new_probed_ports_1d, "ports of one host probed in a day, this one for the first time", "ports") \
    QUANTITY(EARLIER_PORTS, earlier_probed_ports_1d, "of them probed earlier than 20 s ago", "ports") \
    QUANTITY(PROBED_HOSTS_10M, probed_hosts_10m, "hosts probed on one port in ten minutes", "hosts") \
    QUANTITY(WEB_HOSTS_10M, probed_web_hosts_10m, "outside hosts probed on an everyday port in ten minutes", "hosts") \
    QUANTITY(PROBED_HOSTS_1D, probed_hosts_1d, "hosts probed on one port in a day", "hosts") \
    QUANTITY(NEW_HOSTS_1D, new_probed_hosts_1d, "hosts probed on one port in a day, this one for the first time", "hosts") \
    QUANTITY(PROBE_SHARE_10M, probe_share_10m, "share of flows to that port that got no session in ten minutes", "ratio") \
    QUANTITY(PROBE_SHARE_1D, probe_share_1d, "share of flows to that port that got no session in a day", "ratio") \
    QUANTITY(OPENINGS_20S, openings_20s, "openings of one service without a session in 20 s", "flows") \
    QUANTITY(OPENING_SHARE_20S, opening_share_20s, "share of its flows without a session in 20 s", "ratio") \
    QUANTITY(OPENING_SOURCES_20S, opening_sources_20s, "sources of such openings in 20 s", "hosts") \
    QUANTITY(OPENINGS_PER_SOURCE, openings_per_source_20s, "such openings a source in 20 s", "flows") \
    QUANTITY(OPENING_PACKETS, opening_packets, "packets of one opening without a session", "packets") \
    QUANTITY(OPENING_RATE, opening_packets_per_s, "rate of its packets", "packets/s") \
    QUANTITY(HELD, held_connections_20s, "connections to one service opened in 20 s and held all but empty for 15 s or more", "connections") \
    QUANTITY(SSH_LOGINS, short_ssh_logins_10m, "SSH connections of a failed log-in's size to one host in ten minutes", "connections") \
    QUANTITY(OTHER_LOGINS, short_logins_10m, "connections of a failed log-in's size to one service in ten minutes", "connections") \
    QUANTITY(LOGIN_INTERVAL, login_interval_s, "mean time between them", "s") \
    QUANTITY(LOGIN_TRIES, new_login_hosts_tried_10m, "inside hosts, new to it, asked for a log-in on this port in ten minutes", "hosts") \
    QUANTITY(LOGIN_SHARE, new_login_share_10m, "share of them with a session, as this flow is", "ratio") \
    QUANTITY(QUERIES, dns_queries, "packets to port 53 in one flow", "packets") \
    QUANTITY(QUERY_BYTES, dns_query_bytes, "mean size of those packets", "bytes") \
    QUANTITY(QUERY_FLOW_BYTES, dns_flow_bytes, "bytes of that flow, both ways", "bytes") \
    QUANTITY(QUERY_FLOWS_10M, dns_flows_10m, "flows of this pair to port 53 in ten minutes", "flows") \
    QUANTITY(QUERY_BYTES_10M, dns_query_bytes_10m, "mean size of packets to port 53 in ten minutes", "bytes") \
    QUANTITY(ECHO_BYTES, echo_bytes, "bytes of one ICMP echo flow, both ways", "bytes") \
    QUANTITY(ECHO_DEVIATION, echo_size_deviation_bytes, "deviation of its packets' sizes", "bytes") \
    QUANTITY(SENT_1H, sent_bytes_1h, "bytes sent to one outside host in an hour", "bytes") \
    QUANTITY(SENT_RATIO_1H, sent_ratio_1h, "bytes sent for each received in an hour", "ratio") \
    QUANTITY(PEER_USERS_1D, peer_users_1d, "inside hosts that went to this peer in a day", "hosts") \
    QUANTITY(PEER_AGE, peer_age_s, "time since the network first met this peer", "s") \
    QUANTITY(WATCHED_BEFORE, watched_before_peer_s, "time watched before that", "s") \
    QUANTITY(NETWORK_HOSTS_1D, network_hosts_1d, "inside hosts that went outside in a day", "hosts") \
    QUANTITY(PARTNERS_OUT, partners_out_10m, "outside peers it went to between high ports in ten minutes", "hosts") \
    QUANTITY(PARTNERS_IN, partners_in_10m, "outside peers that came to it between high ports in ten minutes", "hosts") \
    QUANTITY(PARTNER_PORTS, partner_ports_10m, "their ports", "ports") \
    QUANTITY(CONTACTS, contacts, "answered contacts with this peer's service", "contacts") \
    QUANTITY(CONTACT_SPAN, contact_span_s, "time from the first to the latest contact", "s") \
    QUANTITY(CONTACT_VARIATION, contact_variation, "deviation over mean of the times between contacts", "ratio") \
    QUANTITY(SOURCE_PEERS_1D, source_outside_peers_1d, "outside peers of this source in a day", "hosts") \
    QUANTITY(SOURCE_CLIENTS_1D, source_clients_1d, "inside hosts this source serves in a day", "hosts")
/* clang-format on */

enum quantity_id {
#define QUANTITY(id, name, label, unit) QUANTITY_##id,
    QUANTITY_LIST(QUANTITY)
#undef QUANTITY
        QUANTITY_COUNT
};

#endif
