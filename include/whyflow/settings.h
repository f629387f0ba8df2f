/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the library: everything that decides what comes out for the packets that go in.
 * settings_default() gives DESIGN's defaults; the command line and the config file change them. */
#ifndef WHYFLOW_SETTINGS_H
#define WHYFLOW_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETTINGS_LOCAL_NETS_MAX = 64 };

struct settings_network {
    uint8_t address[16]; /* IPv4: the first 4 bytes */
    uint8_t ip_version;
    uint8_t prefix_bits;
};

struct flow_settings {
    int64_t idle_timeout_ns;    /* 0: off */
    int64_t active_timeout_ns;  /* 0: off */
    int64_t close_timeout_ns;   /* 0: off */
    int64_t sweep_interval_ns;  /* of table time between sweeps; decides when, never what */
    int64_t memory_ns;          /* how long an ended conversation's orientation is remembered */
    uint32_t max_flows;         /* open at a time */
    uint32_t max_memories;      /* ended conversations remembered */
    uint64_t hash_key[2];       /* decides placement only, never output */
    bool leaves_out_duplicates; /* --dedup: copies are refused, by name */
    bool vlan_is_in_key;        /* --key-vlan: the outermost tag tells flows apart */
    uint32_t max_fragments;     /* datagrams whose fragments are being followed */
    bool is_live;               /* packets do not wait for a sweep unless no place is left */
};

struct feature_settings {
    int64_t window_ns;
    uint32_t max_hosts, max_pairs, max_conversations; /* entries of each table */
    uint32_t max_window_flows;                        /* flows in the exact window */
    uint64_t hash_key[2];   /* of endpoints: placement only, for behaviours too */
    uint64_t sketch_key[2]; /* of the distinct counters, for behaviours too: part of output */
    size_t local_net_count;
    struct settings_network local_nets[SETTINGS_LOCAL_NETS_MAX];
};

enum anomaly_mode {
    ANOMALY_MODE_CAPTURE, /* replay default: learn the whole capture, then score it */
    ANOMALY_MODE_ONLINE,  /* live and --online: score, then learn, decaying */
};

struct anomaly_settings {
    enum anomaly_mode mode;
    double alert_share;     /* capture mode: share of flows flagged; (0, 1] */
    double alerts_per_hour; /* online mode: budget */
    bool alerts_by_share;   /* online mode: flag p <= alert_share, without a budget an hour */
    bool is_frozen;         /* online mode: judge by the loaded baseline and learn nothing */
    uint64_t warmup_flows;  /* online: no alert before so many flows ... */
    int64_t warmup_ns;      /* ... and so much time */
    double flood_exponent;  /* gamma of the learning weight: 0.2; 1 with --flood-robust */
    double half_life_flows; /* online decay: the longer of the two */
    int64_t half_life_ns;
    uint32_t max_categories;     /* entries of the category table */
    int64_t learning_lag_ns;     /* online: a flow is learnt so long after it was scored ... */
    uint32_t max_lessons;        /* ... but at most so many wait; > 0 */
    int64_t probation_ns;        /* online: how young a pair is to go on probation; 0: none does */
    uint32_t max_probation;      /* pairs on probation */
    uint32_t max_services;       /* services with a baseline of their own */
    uint64_t memory_bytes;       /* capture mode: flows kept in memory before spilling to a file */
    uint64_t hash_key[2];        /* placement only */
    const char *spill_directory; /* for the unlinked temporary file; NULL: TMPDIR or /var/tmp */
};

struct behaviour_settings {
    uint32_t max_hosts, max_pairs; /* entries of its tables */
};

struct incident_settings {
    uint32_t max_incidents; /* open at a time; beyond it the longest silent is closed */
    int64_t silence_ns;     /* an incident ends after so long without a flow of it */
    uint64_t hash_key[2];   /* placement only */
};

struct suppress_list; /* whyflow/suppress.h */

struct settings {
    struct flow_settings flow;
    struct feature_settings feature;
    struct anomaly_settings anomaly;
    struct behaviour_settings behaviour;
    struct incident_settings incident;
    const struct suppress_list *suppress; /* NULL: none; the caller's, must outlive the sensor */
    int64_t stats_interval_ns;            /* of trace time; 0: only the final one */
    bool emit_flows;                      /* records for every flow */
    bool emit_alerts;
    bool emit_flagged; /* records for every flagged flow, where emit_flows asks not for all */
};

/* Fills `settings` with the defaults for replay. */
void settings_default(struct settings *settings);

/* Reads "CIDR,CIDR,..." into the list; a plain address is a /32 or /128. Returns false and writes
 * one line into `error` (at most error_size bytes) if a network does not parse or the list is
 * full; `settings` is then unchanged. */
bool settings_parse_networks(struct feature_settings *settings, const char *text, char *error,
                             size_t error_size);

/* One CIDR, or a plain address. False if it is neither. */
bool settings_parse_network(const char *text, struct settings_network *network);

/* A hash over every setting that decides output (so: not the placement keys). For `model` in
 * records, for `boot` in replay, and to name a run of measurements. */
uint64_t settings_hash(const struct settings *settings);

#endif
