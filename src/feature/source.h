/* SPDX-License-Identifier: Apache-2.0 */
/* A source: what one initiator's flows of the window and of the last ten minutes add up to. An
 * entry of the engine's table of sources; the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_SOURCE_H
#define WHYFLOW_FEATURE_SOURCE_H

#include "base/recent_table.h"
#include "feature/distinct.h"
#include "feature/horizon.h"
#include "feature/protocol_mix.h"
#include "feature/window.h"
#include "whyflow/feature.h"

struct host_key {
    uint8_t address[16];
    uint8_t ip_version; /* 4 or 6: the same bytes are two hosts */
    uint8_t padding[3]; /* 0 */
};
_Static_assert(sizeof(struct host_key) == 20, "a host's key has no hidden padding");

struct source_minute {
    uint64_t ip_bytes; /* sent by the source */
    uint32_t flows, applicable, unanswered, new_peers;
};

struct source {
    struct recent_entry entry;
    struct host_key key;
    uint32_t newest_minute;
    int64_t last_notice_ns;     /* of its flow before; meaningful unless the entry is new */
    uint64_t packets, ip_bytes; /* in the window, both as sent by the source */
    uint32_t applicable, unanswered, new_peers, syn_flows; /* in the window */
    struct protocol_mix protocols;                         /* in the window; counts its flows too */
    struct source_minute minutes[HORIZON_MINUTES];
    struct distinct peers, ports;
};

/* What its distinct counters are told of a flow. */
struct source_sight {
    uint32_t peer_hash, port_hash;
};

/* A flow of this source enters the window, or leaves it. */
void source_enter(struct source *source, const struct window_flow *flow,
                  struct protocol_pool *pool);
void source_leave(struct source *source, const struct window_flow *flow,
                  struct protocol_pool *pool);
/* Counts the flow in ten minutes and in the distinct counters. */
void source_count(struct source *source, const struct window_flow *flow,
                  const struct source_sight *sight, const struct horizon *horizon,
                  struct sketch_pool *sketches);
/* Writes all SRC_ features but SRC_IDLE and SRC_KNOWS_DST. */
void source_measure(const struct source *source, const struct protocol_pool *protocols,
                    const struct sketch_pool *sketches, const struct horizon *horizon,
                    struct feature_vector *vector);

#endif
