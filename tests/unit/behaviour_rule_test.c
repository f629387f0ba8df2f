/* SPDX-License-Identifier: Apache-2.0 */
/* Each behaviour: flows that show it, and for each condition the same flows just short of its
 * limit, which must not be named so. And what must never be mixed up. */
#include "tests/support/unit.h"

#include "behaviour/behaviour.h"
#include "behaviour/rule.h"
#include "feature/feature.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1700000000) * SECOND)
enum { KB = 1000, MB = 1000000 };

struct watch {
    struct feature_engine *features;
    struct behaviour_engine *behaviours;
    unsigned named[BEHAVIOUR_COUNT], flows;
    struct behaviour_finding finding; /* of the last flow */
    struct behaviour_finding last;    /* the last that named something */
};

static struct watch watch_open(void)
{
    struct settings settings;
    settings_default(&settings);
    struct watch watch = {
        .features = feature_engine_open(&settings.feature),
        .behaviours = behaviour_open(&settings.behaviour),
    };
    ck_assert(watch.features != NULL && watch.behaviours != NULL);
    return watch;
}

static void watch_close(struct watch *watch)
{
    feature_engine_close(watch->features);
    behaviour_close(watch->behaviours);
}

static void set_address(uint8_t bytes[16], const char *text)
{
    ck_assert_int_eq(inet_pton(AF_INET, text, bytes), 1);
}

static void set_direction(struct flow_direction *direction, uint64_t packets, uint64_t payload)
{
    direction->packets = packets;
    direction->payload_bytes = payload;
    direction->ip_bytes = packets * 40 + payload;
}

/* A flow of `protocol` that began `at_s` after the start; one packet out, none back. */
static struct flow_record make(double at_s, const char *source, const char *destination,
                               uint8_t protocol, unsigned port)
{
    struct flow_record flow = {
        .ip_version = 4,
        .protocol = protocol,
        .source_port = 40000,
        .destination_port = (uint16_t)port,
        .first_ns = START + (int64_t)(at_s * 1e9),
        .basis = protocol == PACKET_PROTOCOL_TCP ? FLOW_BASIS_SYN : FLOW_BASIS_ONLY_SIDE,
        .state = protocol == PACKET_PROTOCOL_TCP ? FLOW_STATE_ATTEMPTED : FLOW_STATE_ONE_WAY,
        .end_reason = FLOW_END_IDLE,
    };
    flow.last_ns = flow.first_ns;
    set_address(flow.source, source);
    set_address(flow.destination, destination);
    set_direction(&flow.direction[FLOW_FORWARD], 1, 0);
    return flow;
}

/* The same, a closed connection that carried so much payload each way in so long. */
static struct flow_record session(double at_s, const char *source, const char *destination,
                                  unsigned port, uint64_t sent, uint64_t received,
                                  double duration_s)
{
    struct flow_record flow = make(at_s, source, destination, PACKET_PROTOCOL_TCP, port);
    flow.state = FLOW_STATE_CLOSED;
    flow.end_reason = FLOW_END_DETECTED;
    flow.is_tcp_closed = flow.has_handshake_rtt = true;
    flow.last_ns += (int64_t)(duration_s * 1e9);
    set_direction(&flow.direction[FLOW_FORWARD], 5 + sent / 1400, sent);
    set_direction(&flow.direction[FLOW_REVERSE], 5 + received / 1400, received);
    return flow;
}

static void check_rest_is_zero(const struct behaviour_finding *finding)
{
    if (finding->behaviour == BEHAVIOUR_NONE) {
        ck_assert_uint_eq(finding->evidence_count, 0);
        ck_assert_int_eq(finding->since_ns, 0);
    }
    for (unsigned i = finding->evidence_count; i < BEHAVIOUR_EVIDENCE_MAX; i++) {
        ck_assert_uint_eq(finding->evidence[i].quantity, 0);
        ck_assert_uint_eq(finding->evidence[i].is_most, 0);
        ck_assert(finding->evidence[i].value == 0);
        ck_assert(finding->evidence[i].limit == 0);
    }
}

static void show(struct watch *watch, struct flow_record flow)
{
    struct feature_vector vector = {.present = 0};
    struct behaviour_finding finding = watch->finding;
    flow.opening_number = ++watch->flows;
    flow.notice_ns = flow.last_ns + 5 * SECOND;
    struct endpoint_hashes hashes;
    feature_hash_endpoints(watch->features, &flow, &hashes);
    feature_measure(watch->features, &flow, &hashes, &vector);
    behaviour_observe(watch->behaviours, &flow, &hashes, &vector, &finding);
    check_rest_is_zero(&finding);
    watch->finding = finding;
    watch->named[finding.behaviour]++;
    if (finding.behaviour != BEHAVIOUR_NONE)
        watch->last = finding;
}

/* What a scenario is made of; each test changes one number. */
struct knobs {
    unsigned count; /* of flows, ports, hosts: what the behaviour has many of */
    double interval_s;
    const char *source, *destination;
    unsigned others;    /* of the same kind, that do what is ordinary */
    double bytes, size; /* volume, and of one packet or log-in */
    double lead_s, duration_s;
    unsigned peers, clients;
};

typedef void scenario_fn(struct watch *watch, const struct knobs *knobs);

static struct watch play(scenario_fn *scenario, struct knobs knobs)
{
    struct watch watch = watch_open();
    scenario(&watch, &knobs);
    watch_close(&watch);
    return watch;
}

static unsigned times_named(scenario_fn *scenario, struct knobs knobs, enum behaviour_id id)
{
    return play(scenario, knobs).named[id];
}

static void check_silent(scenario_fn *scenario, struct knobs knobs)
{
    const struct watch watch = play(scenario, knobs);
    ck_assert_uint_eq(watch.named[BEHAVIOUR_NONE], watch.flows);
}

/* Named at least once, as nothing else, with evidence whose every value keeps its limit. */
static void check_named(scenario_fn *scenario, struct knobs knobs, enum behaviour_id id)
{
    const struct watch watch = play(scenario, knobs);
    ck_assert_uint_ge(watch.named[id], 1);
    ck_assert_uint_eq(watch.named[id] + watch.named[BEHAVIOUR_NONE], watch.flows);
    ck_assert_uint_ge(watch.last.evidence_count, 1);
    ck_assert_int_ge(watch.last.since_ns, START);
    for (unsigned i = 0; i < watch.last.evidence_count; i++) {
        const struct behaviour_evidence *const evidence = &watch.last.evidence[i];
        ck_assert(!isnan(evidence->value));
        ck_assert(evidence->is_most ? evidence->value <= evidence->limit
                                    : evidence->value >= evidence->limit);
    }
}

/* ---- scans --------------------------------------------------------------------------------- */

static void scan_ports(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, make(knobs->interval_s * i, knobs->source, knobs->destination,
                         PACKET_PROTOCOL_TCP, 100 + i));
}

static void scan_udp_ports(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, make(knobs->interval_s * i, knobs->source, knobs->destination,
                         PACKET_PROTOCOL_UDP, 100 + i));
}

enum { TEXT_SIZE = 48, TEXTS = 4 };

/* One of four buffers in turn: a call may name several hosts. */
static char *next_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static unsigned next;
    return texts[next++ % TEXTS];
}

static const char *host(unsigned number)
{
    char *const text = next_text();
    (void)snprintf(text, TEXT_SIZE, "10.0.%u.%u", 1 + number / 200, 1 + number % 200);
    return text;
}

static const char *outside_host(unsigned number)
{
    char *const text = next_text();
    (void)snprintf(text, TEXT_SIZE, "192.0.%u.%u", 2 + number / 200, 1 + number % 200);
    return text;
}

static void scan_hosts(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, session(0, knobs->source, host(150 + i), 631, 400, 900, 1));
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch,
             make(1 + knobs->interval_s * i, knobs->source, host(i), PACKET_PROTOCOL_TCP, 631));
}

static void sweep_with_echo(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++) {
        struct flow_record flow = make(i, knobs->source, host(i), PACKET_PROTOCOL_ICMP, 0);
        flow.icmp_type = 8;
        flow.source_port = 8;
        show(watch, flow);
    }
}

/* A device whose way out is down asks everything in vain. */
static void lose_the_way_out(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, make(i, knobs->source, outside_host(i), PACKET_PROTOCOL_TCP, 443));
}

static const struct knobs inside_scan = {
    .count = 12, .interval_s = 0.1, .source = "10.0.0.1", .destination = "10.0.0.2"};

START_TEST(ten_ports_in_twenty_seconds_are_a_vertical_scan)
{
    struct knobs knobs = inside_scan;
    check_named(scan_ports, knobs, BEHAVIOUR_VERTICAL_SCAN);
    check_named(scan_udp_ports, knobs, BEHAVIOUR_VERTICAL_SCAN);
    knobs.count = 9;
    check_silent(scan_ports, knobs);
    check_silent(scan_udp_ports, knobs);
}
END_TEST

START_TEST(a_scan_from_outside_has_a_name_of_its_own)
{
    struct knobs knobs = inside_scan;
    knobs.source = "192.0.2.1";
    check_named(scan_ports, knobs, BEHAVIOUR_EXTERNAL_SCAN);
    knobs.interval_s = 600; /* whatever its pace */
    check_named(scan_ports, knobs, BEHAVIOUR_EXTERNAL_SCAN);
    knobs.count = 9;
    check_silent(scan_ports, knobs);
    knobs.count = 12;
    knobs.destination = "192.0.2.2"; /* of transit nothing is said */
    check_silent(scan_ports, knobs);
}
END_TEST

START_TEST(spread_probes_are_a_slow_scan)
{
    struct knobs knobs = inside_scan;
    knobs.interval_s = 3;
    knobs.count = 16;
    check_named(scan_ports, knobs, BEHAVIOUR_SLOW_SCAN);
    knobs.interval_s = 600;
    check_named(scan_ports, knobs, BEHAVIOUR_SLOW_SCAN);
    knobs.count = 9;
    check_silent(scan_ports, knobs);
}
END_TEST

/* Four ports refused an hour ago; then the beginning of a scan that ends with its ninth port. */
static void scan_after_refusals(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, make(i, knobs->source, knobs->destination, PACKET_PROTOCOL_TCP, 8000 + i));
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, make(3600 + i * knobs->interval_s, knobs->source, knobs->destination,
                         PACKET_PROTOCOL_TCP, 100 + i));
}

START_TEST(the_start_of_a_fast_scan_is_not_slow)
{
    struct knobs knobs = inside_scan;
    knobs.count = 9;
    knobs.others = 4;
    check_silent(scan_after_refusals, knobs);
    knobs.others = 6; /* enough of them earlier */
    check_named(scan_after_refusals, knobs, BEHAVIOUR_SLOW_SCAN);
}
END_TEST

START_TEST(one_port_of_many_hosts_is_a_horizontal_scan)
{
    struct knobs knobs = inside_scan;
    knobs.count = 20;
    check_named(scan_hosts, knobs, BEHAVIOUR_HORIZONTAL_SCAN);
    knobs.others = 6; /* 20 of 26 in vain: less than four of five */
    check_silent(scan_hosts, knobs);
    knobs.others = 0;
    knobs.count = 14;
    check_silent(scan_hosts, knobs);
    knobs.count = 20;
    knobs.source = "192.0.2.1";
    check_named(scan_hosts, knobs, BEHAVIOUR_EXTERNAL_SCAN);
    knobs.others = 6;
    check_silent(scan_hosts, knobs);
}
END_TEST

START_TEST(many_hosts_in_hours_are_a_slow_scan)
{
    struct knobs knobs = inside_scan;
    knobs.interval_s = 300;
    knobs.count = 20;
    check_named(scan_hosts, knobs, BEHAVIOUR_SLOW_SCAN);
    knobs.others = 6;
    check_silent(scan_hosts, knobs);
    knobs.others = 0;
    knobs.count = 14;
    check_silent(scan_hosts, knobs);
}
END_TEST

START_TEST(an_echo_sweep_is_a_horizontal_scan)
{
    struct knobs knobs = inside_scan;
    knobs.count = 20;
    check_named(sweep_with_echo, knobs, BEHAVIOUR_HORIZONTAL_SCAN);
    knobs.count = 14;
    check_silent(sweep_with_echo, knobs);
}
END_TEST

START_TEST(a_way_out_that_is_down_is_no_scan)
{
    struct knobs knobs = inside_scan;
    knobs.count = 60;
    check_silent(lose_the_way_out, knobs);
    knobs.count = 250;
    check_named(lose_the_way_out, knobs, BEHAVIOUR_HORIZONTAL_SCAN);
}
END_TEST

/* ---- floods -------------------------------------------------------------------------------- */

static void flood_service(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, session(0, host(i), knobs->destination, 80, 400, 4000, 0.1));
    for (unsigned i = 0; i < knobs->count; i++) {
        const char *const source =
            knobs->source != NULL ? knobs->source : outside_host(i % knobs->peers);
        show(watch,
             make(knobs->interval_s * i, source, knobs->destination, PACKET_PROTOCOL_TCP, 80));
    }
}

START_TEST(many_openings_of_one_service_are_a_flood)
{
    struct knobs knobs = {
        .count = 100, .interval_s = 0.01, .source = "192.0.2.1", .destination = "10.0.0.2"};
    check_named(flood_service, knobs, BEHAVIOUR_FLOOD);
    knobs.others = 30; /* 100 of 130 without a session */
    check_silent(flood_service, knobs);
    knobs.others = 0;
    knobs.count = 59;
    check_silent(flood_service, knobs);
    knobs.count = 100;
    knobs.interval_s = 1; /* a client that tries again each second */
    check_silent(flood_service, knobs);
    knobs.interval_s = 0.01;
    knobs.source = NULL;
    knobs.peers = 10; /* 10 openings each: clients of a service that is down */
    check_silent(flood_service, knobs);
}
END_TEST

START_TEST(many_sources_with_one_opening_each_are_a_flood)
{
    struct knobs knobs = {
        .count = 240, .interval_s = 0.01, .destination = "10.0.0.2", .peers = 120};
    check_named(flood_service, knobs, BEHAVIOUR_FLOOD);
    knobs.others = 60; /* 240 of 300: at the limit; of 301 below it */
    knobs.count = 230;
    check_silent(flood_service, knobs);
    knobs.others = 0;
    knobs.peers = 90;
    check_silent(flood_service, knobs);
    knobs.peers = 120;
    knobs.count = 199;
    check_silent(flood_service, knobs);
}
END_TEST

static void flood_inside(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, make(0.01 * i, host(i % 120), knobs->destination, PACKET_PROTOCOL_TCP, 80));
}

START_TEST(inside_clients_of_a_dead_service_are_no_flood)
{
    check_silent(flood_inside, (struct knobs){.count = 240, .destination = "10.0.0.2"});
}
END_TEST

static void repeat_opening(struct watch *watch, const struct knobs *knobs)
{
    struct flow_record flow = make(0, "10.0.0.1", knobs->destination, PACKET_PROTOCOL_TCP, 80);
    set_direction(&flow.direction[FLOW_FORWARD], knobs->count, (uint64_t)knobs->size);
    flow.last_ns += (int64_t)(knobs->duration_s * 1e9);
    show(watch, flow);
}

START_TEST(one_opening_sent_again_and_again_is_a_flood)
{
    struct knobs knobs = {.count = 600, .duration_s = 3, .destination = "192.0.2.2"};
    check_named(repeat_opening, knobs, BEHAVIOUR_FLOOD);
    knobs.count = 499;
    check_silent(repeat_opening, knobs);
    knobs.count = 600;
    knobs.duration_s = 13;
    check_silent(repeat_opening, knobs);
    knobs.duration_s = 3;
    knobs.size = 10; /* with payload: one side of a connection */
    check_silent(repeat_opening, knobs);
}
END_TEST

/* ---- sessions ------------------------------------------------------------------------------ */

static void hold_connections(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(knobs->interval_s * i, "192.0.2.1", "10.0.0.2", 80, 400,
                            (uint64_t)knobs->bytes, knobs->duration_s));
}

START_TEST(many_silent_connections_are_held)
{
    struct knobs knobs = {.count = 12, .interval_s = 0.1, .duration_s = 40};
    check_named(hold_connections, knobs, BEHAVIOUR_CONNECTION_HOLDING);
    knobs.count = 9;
    check_silent(hold_connections, knobs);
    knobs.count = 12;
    knobs.interval_s = 5; /* one after another */
    check_silent(hold_connections, knobs);
    knobs.interval_s = 0.1;
    knobs.duration_s = 14;
    check_silent(hold_connections, knobs);
    knobs.duration_s = 40;
    knobs.bytes = 800; /* answered */
    check_silent(hold_connections, knobs);
}
END_TEST

static void guess(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(knobs->interval_s * i, "10.0.0.1", "10.0.0.2", knobs->peers,
                            (uint64_t)knobs->size / 2, (uint64_t)knobs->size / 2, 0.2));
}

START_TEST(short_log_ins_in_a_row_are_password_guessing)
{
    struct knobs knobs = {.count = 8, .interval_s = 7, .size = 4000, .peers = 22};
    check_named(guess, knobs, BEHAVIOUR_PASSWORD_GUESSING);
    knobs.count = 5;
    check_silent(guess, knobs);
    knobs.count = 8;
    knobs.interval_s = 21;
    check_silent(guess, knobs);
    knobs.interval_s = 7;
    knobs.size = 6500; /* they did something */
    check_silent(guess, knobs);
    knobs = (struct knobs){.count = 12, .interval_s = 7, .size = 200, .peers = 21};
    check_named(guess, knobs, BEHAVIOUR_PASSWORD_GUESSING);
    knobs.count = 11;
    check_silent(guess, knobs);
    knobs.count = 12;
    knobs.interval_s = 21;
    check_silent(guess, knobs);
    knobs.interval_s = 7;
    knobs.peers = 3306; /* a program without a pool of connections */
    check_silent(guess, knobs);
}
END_TEST

static void log_in_in_turn(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, make(1 + i, "10.0.0.1", host(50 + i), PACKET_PROTOCOL_TCP, 22));
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(20 + i, "10.0.0.1", host(i), 22, 3700, 7200, 0.6));
}

START_TEST(log_ins_to_host_after_host_are_lateral_movement)
{
    struct knobs knobs = {.count = 2, .others = 6};
    check_named(log_in_in_turn, knobs, BEHAVIOUR_LATERAL_MOVEMENT);
    knobs.others = 2; /* four hosts */
    check_silent(log_in_in_turn, knobs);
    knobs.count = 1;
    knobs.others = 12; /* one session in thirteen */
    check_silent(log_in_in_turn, knobs);
}
END_TEST

static void log_in_after_other_tries(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, make(1 + i, "10.0.0.1", host(50 + i), PACKET_PROTOCOL_TCP, 445));
    show(watch, session(20, "10.0.0.1", host(0), 22, 3700, 7200, 0.6));
}

START_TEST(a_log_in_after_tries_of_another_port_is_not)
{
    check_silent(log_in_after_other_tries, (struct knobs){.others = 6});
}
END_TEST

/* A host known for two hours is no news. */
static void log_in_as_ever(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(i, "10.0.0.1", host(i), 80, 300, 700, 0.6));
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(7200 + i, "10.0.0.1", host(i), 22, 3700, 7200, 0.6));
}

START_TEST(log_ins_to_known_hosts_are_not)
{
    check_silent(log_in_as_ever, (struct knobs){.count = 12});
}
END_TEST

/* ---- tunnels ------------------------------------------------------------------------------- */

static void ask_names(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->count; i++) {
        struct flow_record flow = make(i * 0.1, "10.0.0.1", "10.0.0.53", PACKET_PROTOCOL_UDP, 53);
        flow.state = FLOW_STATE_ANSWERED;
        struct flow_direction *const forward = &flow.direction[FLOW_FORWARD];
        forward->packets = knobs->peers;
        forward->ip_bytes = (uint64_t)(knobs->size * knobs->peers);
        forward->payload_bytes = forward->ip_bytes - 28 * forward->packets;
        flow.direction[FLOW_REVERSE] = *forward;
        flow.direction[FLOW_REVERSE].ip_bytes = (uint64_t)(knobs->bytes * knobs->peers);
        show(watch, flow);
    }
}

START_TEST(long_queries_of_one_flow_are_a_tunnel)
{
    struct knobs knobs = {.count = 1, .peers = 100, .size = 200, .bytes = 200};
    check_named(ask_names, knobs, BEHAVIOUR_DNS_TUNNEL);
    knobs.size = 129;
    check_silent(ask_names, knobs);
    knobs.size = 200;
    knobs.peers = 49;
    check_silent(ask_names, knobs);
    knobs.peers = 60;
    knobs.size = 140; /* 60 x (140 + 100) bytes */
    knobs.bytes = 100;
    check_silent(ask_names, knobs);
}
END_TEST

START_TEST(long_queries_of_many_flows_are_a_tunnel)
{
    struct knobs knobs = {.count = 120, .peers = 1, .size = 200, .bytes = 200};
    check_named(ask_names, knobs, BEHAVIOUR_DNS_TUNNEL);
    knobs.count = 99;
    check_silent(ask_names, knobs);
    knobs.count = 120;
    knobs.size = 129;
    check_silent(ask_names, knobs);
}
END_TEST

static void ping(struct watch *watch, const struct knobs *knobs)
{
    struct flow_record flow = make(0, "10.0.0.1", "192.0.2.1", PACKET_PROTOCOL_ICMP, 0);
    flow.icmp_type = 8;
    flow.state = FLOW_STATE_ANSWERED;
    for (unsigned i = 0; i < 2; i++) {
        set_direction(&flow.direction[i], 100, (uint64_t)knobs->bytes / 2);
        flow.direction[i].packet_bytes = (struct flow_distribution){
            .count = 100, .mean = 500, .deviation = knobs->size, .is_whole = true};
    }
    show(watch, flow);
}

START_TEST(echoes_of_many_sizes_are_a_tunnel)
{
    struct knobs knobs = {.bytes = 50 * KB, .size = 250};
    check_named(ping, knobs, BEHAVIOUR_ICMP_TUNNEL);
    knobs.size = 49;
    check_silent(ping, knobs);
    knobs = (struct knobs){.bytes = 11 * KB, .size = 250};
    check_silent(ping, knobs);
}
END_TEST

/* ---- peers --------------------------------------------------------------------------------- */

/* `others` inside hosts that go outside, each to a host of its own. */
static void browse(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->others; i++)
        show(watch, session(1 + 0.1 * i, host(i), outside_host(i), 443, 2000, 9000, 1));
}

static void upload(struct watch *watch, const struct knobs *knobs)
{
    browse(watch, knobs);
    for (unsigned i = 0; i < knobs->peers; i++)
        show(watch, session(knobs->lead_s, host(i), "198.51.100.9", 443, 500, 500, 0.2));
    show(watch, session(knobs->lead_s + knobs->interval_s, host(0), "198.51.100.9", 443,
                        (uint64_t)knobs->bytes, (uint64_t)knobs->size, knobs->duration_s));
}

START_TEST(much_sent_to_a_new_host_of_ones_own_is_a_large_upload)
{
    const struct knobs base = {.others = 6,
                               .lead_s = 300,
                               .bytes = 10 * MB,
                               .size = 100 * KB,
                               .duration_s = 10,
                               .interval_s = 1,
                               .peers = 1};
    check_named(upload, base, BEHAVIOUR_LARGE_UPLOAD);
    struct knobs knobs = base;
    knobs.bytes = 2.8 * MB;
    check_silent(upload, knobs);
    knobs = base;
    knobs.size = 3 * MB;
    check_silent(upload, knobs);
    knobs = base;
    knobs.peers = 2; /* somebody else uses it too */
    check_silent(upload, knobs);
    knobs = base;
    knobs.interval_s = 3700; /* it is known for an hour */
    check_silent(upload, knobs);
    knobs = base;
    knobs.lead_s = 170; /* not watched for long: everything is new */
    check_silent(upload, knobs);
    knobs = base;
    knobs.others = 4; /* too few to say what is rare */
    check_silent(upload, knobs);
}
END_TEST

static void share_files(struct watch *watch, const struct knobs *knobs)
{
    for (unsigned i = 0; i < knobs->peers; i++)
        show(watch, session(i, outside_host(i), "10.0.0.1", 51413, 68, 68, 1));
    for (unsigned i = 0; i < knobs->count; i++)
        show(watch, session(10 + i, "10.0.0.1", outside_host(20 + i),
                            knobs->others > 0 ? 50000 + i % knobs->others : 51413, 5000, 90000, 9));
}

START_TEST(peers_that_come_and_go_are_peer_to_peer)
{
    struct knobs knobs = {.count = 3, .peers = 3};
    check_named(share_files, knobs, BEHAVIOUR_PEER_TO_PEER);
    knobs.peers = 1;
    check_silent(share_files, knobs);
    knobs = (struct knobs){.count = 1, .peers = 3};
    check_silent(share_files, knobs);
    knobs = (struct knobs){.count = 14, .others = 14}; /* behind an address translator */
    check_named(share_files, knobs, BEHAVIOUR_PEER_TO_PEER);
    knobs.count = 11;
    check_silent(share_files, knobs);
    knobs = (struct knobs){.count = 14, .others = 7};
    check_silent(share_files, knobs);
}
END_TEST

/* 10.0.1.1 calls 198.51.100.9; its other peers, its clients and the peer's other users vary. */
static void call_home(struct watch *watch, const struct knobs *knobs)
{
    browse(watch, knobs);
    for (unsigned i = 0; i < knobs->peers; i++)
        show(watch, session(2, host(0), outside_host(100 + i), 443, 900, 9000, 1));
    for (unsigned i = 0; i < knobs->clients; i++)
        show(watch, session(3, host(100 + i), host(0), 3306, 900, 9000, 1));
    if (knobs->source != NULL)
        show(watch, session(4, knobs->source, "198.51.100.9", 443, 900, 9000, 1));
    for (unsigned i = 0; i < knobs->count; i++) {
        const double late_s = i % 2 == 0 ? 0 : knobs->lead_s;
        show(watch, session(10 + knobs->interval_s * i + late_s, host(0), "198.51.100.9",
                            knobs->size > 0 ? (unsigned)knobs->size : 443, 1000, 900, 0.1));
    }
}

START_TEST(regular_calls_to_a_rare_peer_are_periodic_contact)
{
    const struct knobs base = {
        .count = 30, .interval_s = 20, .others = 6, .peers = 5, .clients = 1};
    check_named(call_home, base, BEHAVIOUR_PERIODIC_CONTACT);
    struct knobs knobs = base;
    knobs.lead_s = 3; /* jitter: variation 0.3 */
    check_named(call_home, knobs, BEHAVIOUR_PERIODIC_CONTACT);
    knobs.lead_s = 8; /* 0.8 */
    check_silent(call_home, knobs);
    knobs = base;
    knobs.count = 11;
    knobs.interval_s = 60;
    check_silent(call_home, knobs);
    knobs = base;
    knobs.interval_s = 8; /* 232 s */
    check_silent(call_home, knobs);
    knobs = base;
    knobs.source = "10.0.7.7"; /* somebody else goes there */
    check_silent(call_home, knobs);
    knobs = base;
    knobs.others = 4;
    check_silent(call_home, knobs);
    knobs = base;
    knobs.peers = 1; /* a device that knows its maker alone: with browse's, two, and the peer */
    check_silent(call_home, knobs);
    knobs = base;
    knobs.clients = 3; /* a server's own polling */
    check_silent(call_home, knobs);
}
END_TEST

START_TEST(a_resolver_or_a_clock_is_no_beacon)
{
    struct knobs knobs = {.count = 30, .interval_s = 20, .others = 6, .peers = 5, .clients = 1};
    knobs.size = 53;
    check_silent(call_home, knobs);
    knobs.size = 123;
    check_silent(call_home, knobs);
    knobs.size = 25;
    check_silent(call_home, knobs);
}
END_TEST

/* ---- never mixed up ------------------------------------------------------------------------- */

START_TEST(a_scan_is_not_a_flood_nor_a_flood_guessing)
{
    struct knobs knobs = inside_scan;
    knobs.count = 1000;
    knobs.interval_s = 0.001;
    ck_assert_uint_eq(times_named(scan_ports, knobs, BEHAVIOUR_FLOOD), 0);
    knobs.source = "192.0.2.1";
    ck_assert_uint_eq(times_named(scan_ports, knobs, BEHAVIOUR_FLOOD), 0);
    knobs.count = 190;
    ck_assert_uint_eq(times_named(scan_hosts, knobs, BEHAVIOUR_FLOOD), 0);
    knobs.count = 1000;
    ck_assert_uint_eq(times_named(flood_service, knobs, BEHAVIOUR_PASSWORD_GUESSING), 0);
    ck_assert_uint_eq(times_named(flood_service, knobs, BEHAVIOUR_EXTERNAL_SCAN), 0);
}
END_TEST

START_TEST(a_trace_of_a_path_and_late_answers_are_no_scan)
{
    struct watch watch = watch_open();
    for (unsigned i = 0; i < 60; i++) {
        show(&watch, make(i, "10.0.0.1", "192.0.2.2", PACKET_PROTOCOL_UDP, 33434 + i));
        struct flow_record late = make(i, "10.0.0.53", "10.0.0.1", PACKET_PROTOCOL_UDP, 40000 + i);
        late.source_port = 53;
        show(&watch, late);
    }
    ck_assert_uint_eq(watch.named[BEHAVIOUR_NONE], watch.flows);
    watch_close(&watch);
}
END_TEST

START_TEST(a_clock_set_back_forgets_everything)
{
    struct watch watch = watch_open();
    for (unsigned i = 0; i < 18; i++) {
        struct flow_record flow =
            make(0.1 * i, "10.0.0.1", "10.0.0.2", PACKET_PROTOCOL_TCP, 100 + i);
        flow.epoch = i / 9;
        show(&watch, flow);
    }
    ck_assert_uint_eq(watch.named[BEHAVIOUR_NONE], watch.flows);
    watch_close(&watch);
}
END_TEST

static struct watch watch_open_small(void)
{
    struct settings settings;
    settings_default(&settings);
    settings.behaviour.max_hosts = settings.behaviour.max_pairs = 8;
    const struct watch watch = {
        .features = feature_engine_open(&settings.feature),
        .behaviours = behaviour_open(&settings.behaviour),
    };
    ck_assert(watch.features != NULL && watch.behaviours != NULL);
    return watch;
}

START_TEST(tables_stay_bounded_and_say_what_they_forgot)
{
    struct watch watch = watch_open_small();
    struct engine_counters before = {0}, after = {0};
    behaviour_counters(watch.behaviours, &before);
    for (unsigned i = 0; i < 1000; i++) {
        show(&watch, session(i, host(i), host(i + 1), i % 50, 300, 900, 1));
        show(&watch, make(i, host(i), host(i + 1), PACKET_PROTOCOL_TCP, i % 50));
    }
    behaviour_counters(watch.behaviours, &after);
    ck_assert_uint_eq(before.memory_bytes, after.memory_bytes);
    ck_assert_uint_eq(after.pairs_evicted, 1000 - 8);
    ck_assert_uint_eq(after.conversations_evicted, 1000 - 8);
    ck_assert_uint_eq(after.hosts_evicted, (1001 - 8) + 2 * (1000 - 8));
    watch_close(&watch);
}
END_TEST

/* Openings have no conversation, and time or management without a probe nothing of a pair. */
START_TEST(what_leaves_no_trace_displaces_nothing)
{
    struct watch watch = watch_open_small();
    struct engine_counters counters = {0};
    for (unsigned i = 0; i < 100; i++)
        show(&watch, make(i, host(i), host(i + 1), PACKET_PROTOCOL_TCP, 80));
    behaviour_counters(watch.behaviours, &counters);
    ck_assert_uint_eq(counters.conversations_evicted, 0);
    ck_assert_uint_eq(counters.pairs_evicted, 100 - 8);
    for (unsigned i = 0; i < 100; i++) {
        struct flow_record flow = make(i, host(i), host(i + 1), PACKET_PROTOCOL_UDP, 123);
        flow.state = FLOW_STATE_ANSWERED;
        set_direction(&flow.direction[FLOW_FORWARD], 1, 48);
        set_direction(&flow.direction[FLOW_REVERSE], 1, 48);
        show(&watch, flow);
    }
    counters = (struct engine_counters){0};
    behaviour_counters(watch.behaviours, &counters);
    ck_assert_uint_eq(counters.conversations_evicted, 100 - 8);
    ck_assert_uint_eq(counters.pairs_evicted, 100 - 8);
    watch_close(&watch);
}
END_TEST

/* ---- the table itself ------------------------------------------------------------------------ */

START_TEST(every_rule_fits_a_finding_and_every_quantity_is_used)
{
    bool is_used[QUANTITY_COUNT] = {false}, is_named[BEHAVIOUR_COUNT] = {false};
    for (size_t i = 0; i < behaviour_rule_count; i++) {
        const struct behaviour_rule *const rule = &behaviour_rules[i];
        ck_assert(rule->behaviour > BEHAVIOUR_NONE && rule->behaviour < BEHAVIOUR_COUNT);
        ck_assert(rule->conditions[0].side != 0);
        is_named[rule->behaviour] = true;
        ck_assert(rule->conditions[BEHAVIOUR_EVIDENCE_MAX].side == 0);
        for (unsigned j = 0; rule->conditions[j].side != 0; j++)
            is_used[rule->conditions[j].quantity] = true;
    }
    for (unsigned i = 0; i < QUANTITY_COUNT; i++)
        ck_assert_msg(is_used[i], "%s", behaviour_quantities[i].name);
    for (unsigned i = 1; i < BEHAVIOUR_COUNT; i++)
        ck_assert_msg(is_named[i], "%s", behaviour_infos[i].name);
    ck_assert_uint_eq(behaviour_quantity_count(), QUANTITY_COUNT);
}
END_TEST

/* A pair and a conversation there is none of are not looked into, whatever else the flow is. */
START_TEST(nothing_is_measured_in_an_entry_that_is_not_there)
{
    static const uint32_t others[] = {
        SIGHT_ANY,
        SIGHT_SOURCE_INSIDE | SIGHT_NO_TRANSIT | SIGHT_CROSSING | SIGHT_GOING_OUT,
        SIGHT_DESTINATION_INSIDE | SIGHT_NO_TRANSIT | SIGHT_CROSSING | SIGHT_PARTNER,
        SIGHT_SESSION | SIGHT_ECHO | SIGHT_NEW_LOGIN | SIGHT_LOGGED_IN,
    };
    const struct flow_record flow = {.first_ns = START, .last_ns = START};
    const struct feature_vector vector = {.pair_flows = 1};
    struct spread going_out = {.bits_set = 0};
    struct host host = {.first_ns = START};
    struct sweep sweep = {.birth = {START, START}};
    struct target target = {.birth = {START, START}};
    struct parts parts = {.tallies = NULL};
    struct scene scene = {.flow = &flow,
                          .vector = &vector,
                          .parts = &parts,
                          .hosts_going_out = &going_out,
                          .source = &host,
                          .destination = &host,
                          .sweep = &sweep,
                          .target = &target};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        scene.sight = others[i];
        for (unsigned id = 0; id < QUANTITY_COUNT; id++) {
            const double value = quantity_measure((enum quantity_id)id, &scene);
            const uint32_t needs = quantity_needs((enum quantity_id)id);
            ck_assert((needs & ~others[i]) == 0 || isnan(value));
        }
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("behaviour_rule");
    TCase *const test_case = tcase_create("behaviour_rule");
    tcase_set_timeout(test_case, 120);
    tcase_add_test(test_case, ten_ports_in_twenty_seconds_are_a_vertical_scan);
    tcase_add_test(test_case, a_scan_from_outside_has_a_name_of_its_own);
    tcase_add_test(test_case, spread_probes_are_a_slow_scan);
    tcase_add_test(test_case, the_start_of_a_fast_scan_is_not_slow);
    tcase_add_test(test_case, one_port_of_many_hosts_is_a_horizontal_scan);
    tcase_add_test(test_case, many_hosts_in_hours_are_a_slow_scan);
    tcase_add_test(test_case, an_echo_sweep_is_a_horizontal_scan);
    tcase_add_test(test_case, a_way_out_that_is_down_is_no_scan);
    tcase_add_test(test_case, many_openings_of_one_service_are_a_flood);
    tcase_add_test(test_case, many_sources_with_one_opening_each_are_a_flood);
    tcase_add_test(test_case, inside_clients_of_a_dead_service_are_no_flood);
    tcase_add_test(test_case, one_opening_sent_again_and_again_is_a_flood);
    tcase_add_test(test_case, many_silent_connections_are_held);
    tcase_add_test(test_case, short_log_ins_in_a_row_are_password_guessing);
    tcase_add_test(test_case, log_ins_to_host_after_host_are_lateral_movement);
    tcase_add_test(test_case, a_log_in_after_tries_of_another_port_is_not);
    tcase_add_test(test_case, log_ins_to_known_hosts_are_not);
    tcase_add_test(test_case, long_queries_of_one_flow_are_a_tunnel);
    tcase_add_test(test_case, long_queries_of_many_flows_are_a_tunnel);
    tcase_add_test(test_case, echoes_of_many_sizes_are_a_tunnel);
    tcase_add_test(test_case, much_sent_to_a_new_host_of_ones_own_is_a_large_upload);
    tcase_add_test(test_case, peers_that_come_and_go_are_peer_to_peer);
    tcase_add_test(test_case, regular_calls_to_a_rare_peer_are_periodic_contact);
    tcase_add_test(test_case, a_resolver_or_a_clock_is_no_beacon);
    tcase_add_test(test_case, a_scan_is_not_a_flood_nor_a_flood_guessing);
    tcase_add_test(test_case, a_trace_of_a_path_and_late_answers_are_no_scan);
    tcase_add_test(test_case, a_clock_set_back_forgets_everything);
    tcase_add_test(test_case, tables_stay_bounded_and_say_what_they_forgot);
    tcase_add_test(test_case, what_leaves_no_trace_displaces_nothing);
    tcase_add_test(test_case, every_rule_fits_a_finding_and_every_quantity_is_used);
    tcase_add_test(test_case, nothing_is_measured_in_an_entry_that_is_not_there);
    suite_add_tcase(suite, test_case);
    return suite;
}
