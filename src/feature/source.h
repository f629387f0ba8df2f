/* SPDX-License-Identifier: Apache-2.0 */
/* A source: what one initiator's flows of the window and of the last ten minutes add up to. An
 * entry of the engine's table of sources; the thread that calls feature_measure.
 *
 * A source of one flow is that flow, in one line of memory, and is measured without looking at
 * anything else: so are the sources of a flood, each of which comes once. The second flow brings
 * the sums, which begin with the first one as if they had been there. */
#ifndef WHYFLOW_FEATURE_SOURCE_H
#define WHYFLOW_FEATURE_SOURCE_H

#include "base/recent_table.h"
#include "feature/distinct.h"
#include "feature/horizon.h"
#include "feature/pools.h"
#include "feature/protocol_mix.h"
#include "feature/window.h"
#include "whyflow/feature.h"

struct host_key {
    uint8_t address[16];
    uint8_t ip_version; /* 4 or 6: the same bytes are two hosts */
};
_Static_assert(sizeof(struct host_key) == 17, "a host's key has no padding");

struct source {
    struct recent_entry entry;
    struct host_key key;
    uint8_t protocol, marks;    /* of its only flow, as the next: meaningful while sums is 0 */
    uint32_t packets, ip_bytes; /* sent; a flow with more has its source take sums at once */
    uint32_t peer_hash, port_hash;
    uint32_t sums;          /* index in the pool; 0: it has one flow, entry.inserted */
    int64_t last_notice_ns; /* of its flow before; meaningful unless the entry is new */
};
_Static_assert(sizeof(struct source) == 64, "a source is one line of memory");

struct source_minute {
    uint64_t ip_bytes; /* sent by the source */
    uint32_t flows, applicable, unanswered, new_peers;
};

/* Of a source of several flows. */
struct source_sums {
    uint64_t packets, ip_bytes; /* in the window, both as sent by the source */
    uint32_t applicable, unanswered, new_peers, syn_flows; /* in the window */
    struct protocol_mix protocols;                         /* in the window; counts its flows too */
    struct distinct peers, ports;
    struct source_minute ten_minutes; /* all of them together */
    uint32_t newest_minute;
    struct source_minute minutes[HORIZON_MINUTES];
};

/* What its distinct counters are told of a flow. */
struct source_sight {
    uint32_t peer_hash, port_hash;
};

/* The sums of a source of several flows, else NULL. */
static inline struct source_sums *source_sums(const struct source *source,
                                              const struct pools *pools)
{
    return source->sums == 0 ? NULL : block_pool_at(&pools->sources, source->sums);
}

/* A flow of this source enters the window, is counted in ten minutes and as to what is distinct. */
void source_count(struct source *source, const struct window_flow *flow,
                  const struct source_sight *sight, const struct horizon *horizon,
                  struct pools *pools);
/* A flow leaves the window. */
void source_sums_leave(struct source_sums *sums, const struct window_flow *flow,
                       struct protocol_pool *pool);
/* Gives back what the source took; it is about to be forgotten. */
void source_release(struct source *source, struct pools *pools);
/* Writes all SRC_ features but SRC_IDLE and SRC_KNOWS_DST; `flow`: the one measured. True if some
 * are lower bounds. */
bool source_measure(const struct source *source, const struct window_flow *flow,
                    const struct pools *pools, const struct horizon *horizon,
                    struct feature_vector *vector);

#endif
