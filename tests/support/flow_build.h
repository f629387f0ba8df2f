/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the flow room: packets made directly, without bytes to decode; a run that feeds them
 * to a flow table and collects its records; and a fixed-seed random source. Failures abort through
 * Check. One thread; a run belongs to its test. */
#ifndef WHYFLOW_TESTS_FLOW_BUILD_H
#define WHYFLOW_TESTS_FLOW_BUILD_H

#include "flow/flow_table.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

/* A packet between endpoints written "10.0.0.1:1234", "2001:db8::1:443" (the last colon parts the
 * port); change its fields afterwards where a test wants others. TCP has no payload, 40 IP bytes
 * (60 over IPv6) and sequence 1; UDP has 100 bytes of payload. */
struct packet flow_build_tcp(int64_t time_ns, const char *from, const char *to, unsigned flags);
struct packet flow_build_udp(int64_t time_ns, const char *from, const char *to);

/* ICMP or ICMPv6 between addresses. `counterpart`: the type that answers this one; -1 if none, then
 * the key is one-way and carries the code. */
struct packet flow_build_icmp(int64_t time_ns, const char *from, const char *to, uint8_t type,
                              uint8_t code, int counterpart);

/* Makes a packet a fragment: of datagram `id`, with payload bytes from `offset` on. Without an
 * offset it is the first; else it loses its ports, flags and ICMP type, as no header is in it. */
void flow_build_fragment(struct packet *packet, uint32_t id, uint32_t offset, uint32_t bytes,
                         bool is_last);

/* Exchanges source and destination. */
struct packet flow_build_mirrored(struct packet packet);

/* Short timeouts that make round numbers: idle 30 s, active 120 s, close 5 s, memory 600 s; 64
 * flows, 64 memories, a sweep every second. */
struct flow_settings flow_build_settings(void);

struct flow_run {
    struct flow_table *table;
    struct flow_record *records; /* in the order handed over */
    size_t count, capacity;
    uint64_t fed;
};

void flow_run_open(struct flow_run *run, const struct flow_settings *settings);
void flow_run_close(struct flow_run *run);

/* Feeds packets in batches, sweeping and taking records whenever the table says so. */
void flow_run_packets(struct flow_run *run, const struct packet *packets, size_t count,
                      size_t batch);
void flow_run_packet(struct flow_run *run, struct packet packet);

/* Sweeps to the end and takes what is ready. */
void flow_run_sweep(struct flow_run *run);

/* Ends the input, takes all records and checks that every packet and flow is accounted for. */
void flow_run_finish(struct flow_run *run);

/* One line with every field of a record; doubles exactly, or left out. */
enum { FLOW_DESCRIPTION_SIZE = 2048 };
void flow_build_describe(const struct flow_record *record, bool has_doubles,
                         char text[FLOW_DESCRIPTION_SIZE]);

/* What random packets are like. */
struct flow_mix {
    unsigned keys;        /* conversations to choose from */
    bool has_known_ports; /* some are to ports of known services */
    bool has_steps;       /* strays, and clocks set forward and back */
    bool is_dense;        /* few connections and datagrams of very many pieces */
};

/* Settings for random packets: timeouts of few steps of their 50 ms grid (so that packets often
 * fall on the very end of one), tiny tables. */
struct flow_settings flow_build_random_settings(uint64_t *state);

void flow_build_random_packets(uint64_t *state, const struct flow_mix *mix, struct packet *packets,
                               size_t count);

/* splitmix64 (Steele, Lea and Flood, 2014). */
uint64_t flow_random(uint64_t *state);

#endif
