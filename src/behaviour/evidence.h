/* SPDX-License-Identifier: Apache-2.0 */
/* What the behaviour room remembers, and one flow seen against it: entries of the engine's tables,
 * and a scene that quantities (quantity.c) read. Counting is scene.c's. The engine's thread. */
#ifndef WHYFLOW_BEHAVIOUR_EVIDENCE_H
#define WHYFLOW_BEHAVIOUR_EVIDENCE_H

#include "base/endpoint.h"
#include "base/recent_table.h"
#include "behaviour/parts.h"
#include "behaviour/sight.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

#include <stdbool.h>

/* Keys end in a word, written at once: read back as part of a key it would else wait for four
 * stores. Without padding. */
struct host_key {
    uint8_t address[16];
    uint32_t ip_version;
};

struct pair_key {
    uint8_t source[16], destination[16];
    uint32_t ip_version;
};

struct port_key { /* a service of one host, or one service as a source asks it of all hosts */
    uint8_t address[16];
    uint32_t service; /* port, protocol and IP version */
};

struct conversation_key {
    uint8_t source[16], destination[16];
    uint32_t service;
};
_Static_assert(sizeof(struct host_key) == 20 && sizeof(struct pair_key) == 36 &&
                   sizeof(struct port_key) == 20 && sizeof(struct conversation_key) == 36,
               "keys have no hidden padding");

/* Entries. What a flow that comes alone needs is in two cache lines: counts of more flows are
 * elsewhere (parts.h), and `birth` is the moment of the flow that brought the entry in. Parts count
 * over the stretch in their name: scene.c has its halves. */

/* A host, whichever side of a flow it is on. */
struct host {
    struct recent_entry entry;
    struct host_key key;
    struct spread_part outside_peers;                            /* it went to, _1d */
    struct spread_part clients;                                  /* inside, that it answered, _1d */
    struct spread_part inside_users;                             /* that went to it, _1d */
    struct spread_part partners_out, partners_in, partner_ports; /* between high ports, _10m */
    int64_t first_ns;                                            /* start of its earliest flow */
    struct moment birth;
};

/* A source and a destination, on any port. */
struct pair {
    struct recent_entry entry;
    struct pair_key key;
    struct spread_part ports_20s;           /* probed; by the flows' starts */
    struct spread_part ports_1d;            /* probed */
    struct tally_part sent_1h, received_1h; /* bytes of bulk services */
    struct tally_part queries_10m;          /* DNS flows; the sum is their queries' bytes */
    struct tally_part query_packets_10m;    /* the sum is their queries */
    struct moment birth;
};

/* One source asking one port of many hosts. */
struct sweep {
    struct recent_entry entry;
    struct port_key key;
    struct spread_part hosts_10m, hosts_1d;      /* probed */
    struct tally_part flows_10m, flows_1d;       /* all to this port; the sum is its probes */
    struct spread_part login_tries, login_hosts; /* it was new to: asked, logged in to; _10m */
    struct moment birth;
};

/* One service of one host, whoever asks. */
struct target {
    struct recent_entry entry;
    struct port_key key;
    struct tally_part flows_20s;    /* by their starts; the sum is those without a session */
    struct spread_part sources_20s; /* of those */
    struct moment birth;
};

/* A source and one service of one host. */
struct conversation {
    struct recent_entry entry;
    struct conversation_key key;
    struct tally_part held_20s;   /* connections held nearly empty, by their starts */
    struct tally_part logins_10m; /* short connections of a log-in's size */
    uint32_t contacts;            /* answered, from the first on; stays at its greatest value */
    int64_t first_ns, last_ns;    /* starts of its first and latest contact */
    struct moment birth;
};

/* One flow with all the evidence it belongs to, itself counted. */
struct scene {
    const struct flow_record *flow;
    const struct feature_vector *vector;
    struct parts *parts; /* of all entries */
    struct moment moment;
    uint32_t sight;                 /* enum sight: what the flow is, by itself */
    int64_t watch_start_ns;         /* start of the first flow seen */
    struct spread *hosts_going_out; /* inside hosts with flows to outside, _1d */
    struct host *source, *destination;
    struct pair *pair; /* NULL: the flow is evidence of nothing there, as below */
    struct sweep *sweep;
    struct target *target;
    struct conversation *conversation; /* NULL likewise */
};

/* True if the flow is all of this: `sights` of enum sight. */
static inline bool scene_is(const struct scene *scene, uint32_t sights)
{
    return (scene->sight & sights) == sights;
}

/* The inside one of two sides that are not alike. */
static inline struct host *scene_inside(const struct scene *scene)
{
    return scene_is(scene, SIGHT_SOURCE_INSIDE) ? scene->source : scene->destination;
}

/* Counts the flow in every entry it is evidence for, and sees what is new by that. */
void scene_count(struct scene *scene, const struct endpoint_hashes *hashes);

#endif
