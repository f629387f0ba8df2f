/* SPDX-License-Identifier: Apache-2.0 */
/* THE TABLE: what flows over time must show before they are named. To add a behaviour: a line in
 * whyflow/behaviour.h, a quantity in quantity_list.h and quantity.c if none fits, a rule here, and
 * a test of each condition in tests/unit/behaviour_rule_test.c.
 *
 * Every condition of a rule holds or nothing is said; none follows from the others, so that each is
 * needed. Rules are asked from the top and the first that holds names the flow: scans stand before
 * floods (a scan asks many ports or hosts, a flood one), both before what needs sessions. A
 * behaviour may have several rules. Limits come from what a behaviour is; the comments say how near
 * benign flows came to the first condition and how far beyond it the behaviour was, in the captures
 * measured: two laboratory networks (19,000 and 2,400 benign flows in 12 and 5 minutes), a quiet
 * one (13,000 in 8 minutes), a workstation (7,100 in 17 hours). */
#include "behaviour/rule.h"

const struct behaviour_rule behaviour_rules[] = {
    /* From outside any pace is a scan's: nobody asks ten ports of one host, or one port of sixteen,
     * in vain for another reason. Benign: 1 port, 1 host. */
    {BEHAVIOUR_EXTERNAL_SCAN,
     {
         {QUANTITY_PROBED_PORTS_1D, AT_LEAST, 10},
         {QUANTITY_SOURCE_OUTSIDE, AT_LEAST, 1},
     }},
    {BEHAVIOUR_EXTERNAL_SCAN,
     {
         {QUANTITY_PROBED_HOSTS_1D, AT_LEAST, 16},
         {QUANTITY_PROBE_SHARE_1D, AT_LEAST, 0.8},
         {QUANTITY_SOURCE_OUTSIDE, AT_LEAST, 1},
     }},
    /* Ten ports in 20 s: two seconds a port or faster. Benign: 2 ports of one host, in hours;
     * scans: 49 in 0.3 s, 400 in 7 s, 20 UDP ports in 5 s. */
    {BEHAVIOUR_VERTICAL_SCAN,
     {
         {QUANTITY_PROBED_PORTS_20S, AT_LEAST, 10},
         {QUANTITY_SOURCE_OUTSIDE, AT_MOST, 0},
     }},
    /* The same ten ports so spread that 20 s never hold them. Five of them earlier: else the start
     * of a fast scan of a host that once refused something would be called slow. Benign: 2; a scan
     * with 3 s between its 16 probes: 16. */
    {BEHAVIOUR_SLOW_SCAN,
     {
         {QUANTITY_NEW_PORTS_1D, AT_LEAST, 10},
         {QUANTITY_EARLIER_PORTS, AT_LEAST, 5},
         {QUANTITY_SOURCE_OUTSIDE, AT_MOST, 0},
     }},
    /* Sixteen hosts, and most of what was asked of that port in vain: a log-in to host after host
     * (9 of 14 refused) is none, nor is a client some of whose servers are down. Benign: 4 hosts
     * without an answer; scans: 64 and 256. */
    {BEHAVIOUR_HORIZONTAL_SCAN,
     {
         {QUANTITY_PROBED_HOSTS_10M, AT_LEAST, 16},
         {QUANTITY_PROBE_SHARE_10M, AT_LEAST, 0.8},
         {QUANTITY_SOURCE_OUTSIDE, AT_MOST, 0},
     }},
    /* What everybody asks of outside hosts: a device whose way out was down asked 23 in vain. */
    {BEHAVIOUR_HORIZONTAL_SCAN,
     {
         {QUANTITY_WEB_HOSTS_10M, AT_LEAST, 200},
         {QUANTITY_PROBE_SHARE_10M, AT_LEAST, 0.8},
     }},
    {BEHAVIOUR_SLOW_SCAN,
     {
         {QUANTITY_NEW_HOSTS_1D, AT_LEAST, 16},
         {QUANTITY_PROBE_SHARE_1D, AT_LEAST, 0.8},
         {QUANTITY_SOURCE_OUTSIDE, AT_MOST, 0},
     }},
    /* A flood of few sources. Twenty each in 20 s: a client of a service that is down asks again
     * every second at most (benign: 17 in 12 minutes), many such clients do not make it a flood.
     * Floods: 120 in 0.6 s, 1,500 in 7 s. */
    {BEHAVIOUR_FLOOD,
     {
         {QUANTITY_OPENINGS_20S, AT_LEAST, 60},
         {QUANTITY_OPENING_SHARE_20S, AT_LEAST, 0.8},
         {QUANTITY_OPENINGS_PER_SOURCE, AT_LEAST, 20},
     }},
    /* Spoof-like: each source asks once or twice. */
    {BEHAVIOUR_FLOOD,
     {
         {QUANTITY_OPENINGS_20S, AT_LEAST, 200},
         {QUANTITY_OPENING_SHARE_20S, AT_LEAST, 0.8},
         {QUANTITY_OPENING_SOURCES_20S, AT_LEAST, 100},
         {QUANTITY_SOURCE_OUTSIDE, AT_LEAST, 1},
     }},
    /* One opening, sent again and again on the same ports. TCP itself sends it 7 times in 2
     * minutes; floods: 3,069 times in 3 s. */
    {BEHAVIOUR_FLOOD,
     {
         {QUANTITY_OPENING_PACKETS, AT_LEAST, 500},
         {QUANTITY_OPENING_RATE, AT_LEAST, 50},
     }},
    /* Opened together and so held side by side; what holds is in what is counted (sight.c). Benign:
     * none (what is kept open is answered); slow requests: 30. A bot that calls an answerless
     * control server again and again has 1. */
    {BEHAVIOUR_CONNECTION_HOLDING,
     {
         {QUANTITY_HELD, AT_LEAST, 10},
     }},
    /* Size and closing are in what is counted (sight.c). Benign: 1 such SSH connection, 4 FTP
     * connections in ten minutes; guessing: 10 and 72 connections, 7 s and 0.4 s apart. */
    {BEHAVIOUR_PASSWORD_GUESSING,
     {
         {QUANTITY_SSH_LOGINS, AT_LEAST, 6},
         {QUANTITY_LOGIN_INTERVAL, AT_MOST, 20},
     }},
    {BEHAVIOUR_PASSWORD_GUESSING,
     {
         {QUANTITY_OTHER_LOGINS, AT_LEAST, 12},
         {QUANTITY_LOGIN_INTERVAL, AT_MOST, 20},
     }},
    /* Said of sessions only. Benign: 3 hosts asked; log-ins in turn: 14, sessions with 2 of
     * them. The share keeps out a scan by a host that administers some of what it scans (3 of
     * 64). */
    {BEHAVIOUR_LATERAL_MOVEMENT,
     {
         {QUANTITY_LOGIN_TRIES, AT_LEAST, 5},
         {QUANTITY_LOGIN_SHARE, AT_LEAST, 0.1},
     }},
    /* All three, of one flow: a resolver keeps one port busy with short queries, and a long name
     * now and then is no tunnel. Benign: 4 packets, 98 bytes, 450 bytes; tunnel: 406, 291,
     * 243,000. */
    {BEHAVIOUR_DNS_TUNNEL,
     {
         {QUANTITY_QUERIES, AT_LEAST, 50},
         {QUANTITY_QUERY_BYTES, AT_LEAST, 130},
         {QUANTITY_QUERY_FLOW_BYTES, AT_LEAST, 20000},
     }},
    /* A port of its own for each query. Benign: the mean stays under 100 bytes. */
    {BEHAVIOUR_DNS_TUNNEL,
     {
         {QUANTITY_QUERY_FLOWS_10M, AT_LEAST, 100},
         {QUANTITY_QUERY_BYTES_10M, AT_LEAST, 130},
     }},
    /* A ping has one size, whatever that is. Benign: 1,000 bytes, deviation 0; tunnel: 424,000,
     * deviation 250. */
    {BEHAVIOUR_ICMP_TUNNEL,
     {
         {QUANTITY_ECHO_BYTES, AT_LEAST, 20000},
         {QUANTITY_ECHO_DEVIATION, AT_LEAST, 50},
     }},
    /* Symmetric roles: it goes to peers between ports no service has, and peers come to it.
     * Benign: 1 and 0; BitTorrent: 4 and 3. */
    {BEHAVIOUR_PEER_TO_PEER,
     {
         {QUANTITY_PARTNERS_OUT, AT_LEAST, 2},
         {QUANTITY_PARTNERS_IN, AT_LEAST, 2},
     }},
    /* Behind an address translator no peer comes in. */
    {BEHAVIOUR_PEER_TO_PEER,
     {
         {QUANTITY_PARTNERS_OUT, AT_LEAST, 12},
         {QUANTITY_PARTNER_PORTS, AT_LEAST, 8},
     }},
    /* Young and alone: benign uploads of 58 MB went to a host that several use; to one met late and
     * used by one host, 90 kB. Uploads named: 4 and 45 MB. What is rare can only be told among
     * several hosts, what is young only after some time. */
    {BEHAVIOUR_LARGE_UPLOAD,
     {
         {QUANTITY_SENT_1H, AT_LEAST, 3e6},
         {QUANTITY_SENT_RATIO_1H, AT_LEAST, 5},
         {QUANTITY_PEER_USERS_1D, AT_MOST, 1},
         {QUANTITY_PEER_AGE, AT_MOST, 3600},
         {QUANTITY_WATCHED_BEFORE, AT_LEAST, 180},
         {QUANTITY_NETWORK_HOSTS_1D, AT_LEAST, 5},
     }},
    /* Regularity alone says nothing (benign: 25 conversations under 0.1). The peer is nobody
     * else's; the source is no server and no device that only knows its maker: a data base's
     * heartbeat (variation 0.01, 1 user) serves 5 hosts and has 1 outside peer, devices have 2. The
     * behaviour: 70 contacts in 700 s, variation 0.04, 23 outside peers; and 32 in 320 s. */
    {BEHAVIOUR_PERIODIC_CONTACT,
     {
         {QUANTITY_CONTACTS, AT_LEAST, 12},
         {QUANTITY_CONTACT_SPAN, AT_LEAST, 240},
         {QUANTITY_CONTACT_VARIATION, AT_MOST, 0.35},
         {QUANTITY_PEER_USERS_1D, AT_MOST, 1},
         {QUANTITY_NETWORK_HOSTS_1D, AT_LEAST, 5},
         {QUANTITY_SOURCE_PEERS_1D, AT_LEAST, 4},
         {QUANTITY_SOURCE_CLIENTS_1D, AT_MOST, 2},
     }},
};

const size_t behaviour_rule_count = sizeof behaviour_rules / sizeof behaviour_rules[0];
