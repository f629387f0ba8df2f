/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/source.h"

#include "feature/minutes.h"
#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct source, key) == sizeof(struct recent_entry), "the key comes first");

void source_enter(struct source *source, const struct window_flow *flow, struct protocol_pool *pool)
{
    source->packets += flow->packets;
    source->ip_bytes += flow->ip_bytes;
    source->applicable += window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    source->unanswered += window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    source->new_peers += window_flow_is(flow, WINDOW_MARK_NEW_PEER);
    source->syn_flows += window_flow_is(flow, WINDOW_MARK_SYN);
    protocol_mix_add(&source->protocols, pool, flow->protocol);
}

void source_leave(struct source *source, const struct window_flow *flow, struct protocol_pool *pool)
{
    source->packets -= flow->packets;
    source->ip_bytes -= flow->ip_bytes;
    source->applicable -= window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    source->unanswered -= window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    source->new_peers -= window_flow_is(flow, WINDOW_MARK_NEW_PEER);
    source->syn_flows -= window_flow_is(flow, WINDOW_MARK_SYN);
    protocol_mix_remove(&source->protocols, pool, flow->protocol);
}

static void count_minute(struct source *source, const struct window_flow *flow, uint32_t minute)
{
    const unsigned passed = minutes_advance(&source->newest_minute, minute);
    for (unsigned i = 0; i < passed; i++)
        source->minutes[(minute - i) % HORIZON_MINUTES] = (struct source_minute){.flows = 0};
    struct source_minute *current = &source->minutes[minute % HORIZON_MINUTES];
    current->ip_bytes += flow->ip_bytes;
    current->flows++;
    current->applicable += window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    current->unanswered += window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    current->new_peers += window_flow_is(flow, WINDOW_MARK_NEW_PEER);
}

void source_count(struct source *source, const struct window_flow *flow,
                  const struct source_sight *sight, const struct horizon *horizon,
                  struct sketch_pool *sketches)
{
    count_minute(source, flow, horizon->minute);
    distinct_note(&source->peers, sketches, sight->peer_hash, horizon);
    distinct_note(&source->ports, sketches, sight->port_hash, horizon);
}

static void measure_window(const struct source *source, struct feature_vector *vector)
{
    const uint32_t flows = source->protocols.flows;
    vector_set(vector, FEATURE_SRC_FLOWS_WINDOW, flows);
    vector_set(vector, FEATURE_SRC_BYTES_WINDOW, (double)source->ip_bytes);
    vector_set_share(vector, FEATURE_SRC_UNANSWERED_WINDOW, source->unanswered, source->applicable);
    vector_set_share(vector, FEATURE_SRC_NEW_PEERS_WINDOW, source->new_peers, flows);
    vector->src_packets_window = source->packets;
    vector->src_syn_flows_window = source->syn_flows;
}

static void measure_ten_minutes(const struct source *source, struct feature_vector *vector)
{
    uint64_t ip_bytes = 0, flows = 0, applicable = 0, unanswered = 0, new_peers = 0;
    for (unsigned i = 0; i < HORIZON_MINUTES; i++) {
        ip_bytes += source->minutes[i].ip_bytes;
        flows += source->minutes[i].flows;
        applicable += source->minutes[i].applicable;
        unanswered += source->minutes[i].unanswered;
        new_peers += source->minutes[i].new_peers;
    }
    vector_set(vector, FEATURE_SRC_FLOWS_10M, (double)flows);
    vector_set(vector, FEATURE_SRC_BYTES_10M, (double)ip_bytes);
    vector_set_share(vector, FEATURE_SRC_UNANSWERED_10M, unanswered, applicable);
    vector_set_share(vector, FEATURE_SRC_NEW_PEERS_10M, new_peers, flows);
}

static void measure_distinct(const struct source *source, const struct sketch_pool *sketches,
                             const struct horizon *horizon, struct feature_vector *vector)
{
    const struct sketch_counts peers = distinct_count(&source->peers, sketches, horizon);
    const struct sketch_counts ports = distinct_count(&source->ports, sketches, horizon);
    vector_set(vector, FEATURE_SRC_PEERS_WINDOW, peers.window);
    vector_set(vector, FEATURE_SRC_PORTS_WINDOW, ports.window);
    vector_set(vector, FEATURE_SRC_PEERS_10M, peers.ten_minutes);
    vector_set(vector, FEATURE_SRC_PORTS_10M, ports.ten_minutes);
}

void source_measure(const struct source *source, const struct protocol_pool *protocols,
                    const struct sketch_pool *sketches, const struct horizon *horizon,
                    struct feature_vector *vector)
{
    measure_window(source, vector);
    vector_set(vector, FEATURE_SRC_PROTOCOL_ENTROPY,
               protocol_mix_entropy(&source->protocols, protocols));
    measure_ten_minutes(source, vector);
    measure_distinct(source, sketches, horizon, vector);
}
