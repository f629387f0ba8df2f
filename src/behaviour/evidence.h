/* SPDX-License-Identifier: Apache-2.0 */
/* What the behaviour room remembers, and one flow seen against it: entries of the engine's tables,
 * and a scene that quantities (quantity.c) read. Counting is scene.c's. The engine's thread. */
#ifndef WHYFLOW_BEHAVIOUR_EVIDENCE_H
#define WHYFLOW_BEHAVIOUR_EVIDENCE_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "behaviour/tally.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

#include <stdbool.h>

#define BEHAVIOUR_SECOND_NS INT64_C(1000000000)
#define BEHAVIOUR_MINUTE_NS (60 * BEHAVIOUR_SECOND_NS)
#define BEHAVIOUR_HOUR_NS (60 * BEHAVIOUR_MINUTE_NS)

/* Halves of the stretches that evidence is counted over (tally.h): a quantity named _10m reaches
 * back 5 to 10 minutes, _20s 10 to 20 s, _1h 30 to 60 minutes, _1d 12 to 24 hours. */
#define HALF_20S_NS (10 * BEHAVIOUR_SECOND_NS)
#define HALF_10M_NS (5 * BEHAVIOUR_MINUTE_NS)
#define HALF_1H_NS (30 * BEHAVIOUR_MINUTE_NS)
#define HALF_1D_NS (12 * BEHAVIOUR_HOUR_NS)

struct host_key {
    uint8_t address[16];
    uint8_t ip_version;
    uint8_t padding[3]; /* 0 */
};

struct pair_key {
    uint8_t source[16], destination[16];
    uint8_t ip_version;
    uint8_t padding[3]; /* 0 */
};

struct port_key { /* a service of one host, or one service as a source asks it of all hosts */
    uint8_t address[16];
    uint16_t port;
    uint8_t protocol;
    uint8_t ip_version;
};

struct conversation_key {
    uint8_t source[16], destination[16];
    uint16_t port;
    uint8_t protocol;
    uint8_t ip_version;
};
_Static_assert(sizeof(struct host_key) == 20 && sizeof(struct pair_key) == 36 &&
                   sizeof(struct port_key) == 20 && sizeof(struct conversation_key) == 36,
               "keys have no hidden padding");

/* A host, whichever side of a flow it is on. */
struct host {
    struct recent_entry entry;
    struct host_key key;
    int64_t first_ns;                                       /* start of its earliest flow */
    struct spread outside_peers;                            /* it went to, _1d */
    struct spread clients;                                  /* inside hosts that it answered, _1d */
    struct spread inside_users;                             /* inside hosts that went to it, _1d */
    struct spread partners_out, partners_in, partner_ports; /* between high ports, _10m */
};

/* A source and a destination, on any port. */
struct pair {
    struct recent_entry entry;
    struct pair_key key;
    struct spread ports_20s; /* probed; by the flows' starts, because open flows end together */
    struct spread ports_1d;  /* probed */
    struct tally sent_1h, received_1h; /* bytes of bulk services */
    struct tally queries_10m;          /* DNS flows; the sum is their queries' bytes */
    struct tally query_packets_10m;    /* the sum is their queries */
};

/* One source asking one port of many hosts. */
struct sweep {
    struct recent_entry entry;
    struct port_key key;
    struct spread hosts_10m, hosts_1d;      /* probed */
    struct tally flows_10m, flows_1d;       /* all to this port; the sum is the probes among them */
    struct spread login_tries, login_hosts; /* it was new to: asked, logged in to; _10m */
};

/* One service of one host, whoever asks. */
struct target {
    struct recent_entry entry;
    struct port_key key;
    struct tally flows_20s;    /* by their starts; the sum is those without a session */
    struct spread sources_20s; /* of those */
};

/* A source and one service of one host. */
struct conversation {
    struct recent_entry entry;
    struct conversation_key key;
    struct tally held_20s;     /* connections held nearly empty, by their starts */
    struct tally logins_10m;   /* short connections of a log-in's size */
    uint64_t contacts;         /* answered, from the first on */
    int64_t first_ns, last_ns; /* starts of its first and latest contact */
};

/* What one flow is, by itself. */
struct sight {
    bool is_probe;       /* it asked a port and got no session: sight.c says when */
    bool is_session;     /* payload went both ways */
    bool is_fresh;       /* neither a later slice nor the rest of an earlier conversation */
    bool is_dns;         /* UDP to port 53 */
    bool is_bulk;        /* of a service that carries files */
    bool is_login;       /* of a service where people and scripts log in to a host */
    bool is_logged_in;   /* ... and that was used */
    bool is_short_login; /* many of which are guesses */
    bool is_held;        /* long, and all but empty */
    bool is_echo;        /* ICMP echo */
    bool is_partner;     /* answered, between two ports that no service has */
    bool is_source_inside, is_destination_inside;
};

/* One flow with all the evidence it belongs to, itself counted. */
struct scene {
    const struct flow_record *flow;
    const struct feature_vector *vector;
    struct sight sight;
    int64_t now_ns;
    int64_t watch_start_ns;         /* start of the first flow seen */
    struct spread *hosts_going_out; /* inside hosts with flows to outside, _1d */
    struct host *source, *destination;
    struct host *inside; /* the inside one of two sides that are not alike; else NULL */
    struct pair *pair;
    struct sweep *sweep;
    struct target *target;
    struct conversation *conversation;
    bool is_new_port; /* probed by this pair for the first time in _1d */
    bool is_new_host; /* probed by this sweep for the first time in _1d */
};

/* Fills `sight` from the flow and its direction. Pure. */
void sight_take(const struct flow_record *flow, const struct feature_vector *vector,
                struct sight *sight);
/* Payload sent FLOW_FORWARD or FLOW_REVERSE; a least amount where it was not counted. */
uint64_t sight_payload_bytes(const struct flow_record *flow, int way);
/* Counts the flow in every entry it is evidence for. `key` is that of the distinct counters. */
void scene_count(struct scene *scene, const struct endpoint_hashes *hashes);
/* The source has known the destination for less than an hour. */
bool scene_is_young_pair(const struct scene *scene);

#endif
