/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/source.h"

#include "feature/minutes.h"
#include "feature/vector.h"

#include <stddef.h>

_Static_assert(offsetof(struct source, key) == sizeof(struct recent_entry), "the key comes first");

static void enter_window(struct source_sums *sums, const struct window_flow *flow,
                         struct protocol_pool *pool)
{
    sums->packets += flow->packets;
    sums->ip_bytes += flow->ip_bytes;
    sums->applicable += window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    sums->unanswered += window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    sums->new_peers += window_flow_is(flow, WINDOW_MARK_NEW_PEER);
    sums->syn_flows += window_flow_is(flow, WINDOW_MARK_SYN);
    protocol_mix_add(&sums->protocols, pool, flow->protocol);
}

void source_sums_leave(struct source_sums *sums, const struct window_flow *flow,
                       struct protocol_pool *pool)
{
    sums->packets -= flow->packets;
    sums->ip_bytes -= flow->ip_bytes;
    sums->applicable -= window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    sums->unanswered -= window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    sums->new_peers -= window_flow_is(flow, WINDOW_MARK_NEW_PEER);
    sums->syn_flows -= window_flow_is(flow, WINDOW_MARK_SYN);
    protocol_mix_remove(&sums->protocols, pool, flow->protocol);
}

static void add_flow(struct source_minute *minute, const struct window_flow *flow)
{
    minute->ip_bytes += flow->ip_bytes;
    minute->flows++;
    minute->applicable += window_flow_is(flow, WINDOW_MARK_APPLICABLE);
    minute->unanswered += window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    minute->new_peers += window_flow_is(flow, WINDOW_MARK_NEW_PEER);
}

static void clear_minute(struct source_sums *sums, struct source_minute *minute)
{
    sums->ten_minutes.ip_bytes -= minute->ip_bytes;
    sums->ten_minutes.flows -= minute->flows;
    sums->ten_minutes.applicable -= minute->applicable;
    sums->ten_minutes.unanswered -= minute->unanswered;
    sums->ten_minutes.new_peers -= minute->new_peers;
    *minute = (struct source_minute){.flows = 0};
}

static void count_minute(struct source_sums *sums, const struct window_flow *flow, uint32_t minute)
{
    const unsigned passed = minutes_advance(&sums->newest_minute, minute);
    for (unsigned i = 0; i < passed; i++)
        clear_minute(sums, &sums->minutes[(minute - i) % HORIZON_MINUTES]);
    add_flow(&sums->minutes[minute % HORIZON_MINUTES], flow);
    add_flow(&sums->ten_minutes, flow);
}

/* ---- the only flow -------------------------------------------------------------------------- */

static bool fits_alone(const struct window_flow *flow)
{
    return flow->packets <= UINT32_MAX && flow->ip_bytes <= UINT32_MAX;
}

static void note_alone(struct source *source, const struct window_flow *flow,
                       const struct source_sight *sight)
{
    source->protocol = flow->protocol;
    source->marks = flow->marks;
    source->packets = (uint32_t)flow->packets;
    source->ip_bytes = (uint32_t)flow->ip_bytes;
    source->peer_hash = sight->peer_hash;
    source->port_hash = sight->port_hash;
}

/* The sums as they would be had they been there at the only flow so far. */
static void begin_with_alone(struct source_sums *sums, const struct source *source,
                             const struct horizon *horizon, struct pools *pools)
{
    const uint64_t first = source->entry.inserted;
    const struct window_flow flow = {.packets = source->packets,
                                     .ip_bytes = source->ip_bytes,
                                     .protocol = source->protocol,
                                     .marks = source->marks};
    uint32_t minute;
    if (first >= horizon->window)
        enter_window(sums, &flow, &pools->protocols);
    if (minute_clock_find(horizon->clock, first, &minute))
        count_minute(sums, &flow, minute);
    distinct_begin(&sums->peers, source->peer_hash, first);
    distinct_begin(&sums->ports, source->port_hash, first);
}

void source_count(struct source *source, const struct window_flow *flow,
                  const struct source_sight *sight, const struct horizon *horizon,
                  struct pools *pools)
{
    const bool is_first = source->entry.inserted == horizon->now;
    if (is_first && fits_alone(flow)) {
        note_alone(source, flow, sight);
        return;
    }
    if (source->sums == 0) {
        source->sums = block_pool_take(&pools->sources);
        if (!is_first)
            begin_with_alone(source_sums(source, pools), source, horizon, pools);
    }
    struct source_sums *const sums = source_sums(source, pools);
    enter_window(sums, flow, &pools->protocols);
    count_minute(sums, flow, horizon->minute);
    distinct_note(&sums->peers, &pools->distincts, sight->peer_hash, horizon);
    distinct_note(&sums->ports, &pools->distincts, sight->port_hash, horizon);
}

void source_release(struct source *source, struct pools *pools)
{
    struct source_sums *const sums = source_sums(source, pools);
    if (sums == NULL)
        return;
    protocol_mix_release(&sums->protocols, &pools->protocols);
    distinct_release(&sums->peers, &pools->distincts);
    distinct_release(&sums->ports, &pools->distincts);
    block_pool_release(&pools->sources, &source->sums);
}

/* ---- features ------------------------------------------------------------------------------- */

static void measure_window(const struct source_sums *sums, struct feature_vector *vector)
{
    const uint32_t flows = sums->protocols.flows;
    vector_set(vector, FEATURE_SRC_FLOWS_WINDOW, flows);
    vector_set(vector, FEATURE_SRC_BYTES_WINDOW, (double)sums->ip_bytes);
    vector_set_share(vector, FEATURE_SRC_UNANSWERED_WINDOW, sums->unanswered, sums->applicable);
    vector_set_share(vector, FEATURE_SRC_NEW_PEERS_WINDOW, sums->new_peers, flows);
    vector->src_packets_window = sums->packets;
    vector->src_syn_flows_window = sums->syn_flows;
}

static void measure_ten_minutes(const struct source_minute *all, struct feature_vector *vector)
{
    vector_set(vector, FEATURE_SRC_FLOWS_10M, all->flows);
    vector_set(vector, FEATURE_SRC_BYTES_10M, (double)all->ip_bytes);
    vector_set_share(vector, FEATURE_SRC_UNANSWERED_10M, all->unanswered, all->applicable);
    vector_set_share(vector, FEATURE_SRC_NEW_PEERS_10M, all->new_peers, all->flows);
}

static void measure_distinct(struct distinct_counts peers, struct distinct_counts ports,
                             struct feature_vector *vector)
{
    vector_set(vector, FEATURE_SRC_PEERS_WINDOW, peers.window);
    vector_set(vector, FEATURE_SRC_PORTS_WINDOW, ports.window);
    vector_set(vector, FEATURE_SRC_PEERS_10M, peers.ten_minutes);
    vector_set(vector, FEATURE_SRC_PORTS_10M, ports.ten_minutes);
}

static void measure_alone(const struct window_flow *flow, struct feature_vector *vector)
{
    const double ip_bytes = (double)flow->ip_bytes;
    const double new_peers = window_flow_is(flow, WINDOW_MARK_NEW_PEER);
    const double unanswered = window_flow_is(flow, WINDOW_MARK_UNANSWERED);
    vector_set(vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    vector_set(vector, FEATURE_SRC_FLOWS_10M, 1);
    vector_set(vector, FEATURE_SRC_BYTES_WINDOW, ip_bytes);
    vector_set(vector, FEATURE_SRC_BYTES_10M, ip_bytes);
    vector_set(vector, FEATURE_SRC_NEW_PEERS_WINDOW, new_peers);
    vector_set(vector, FEATURE_SRC_NEW_PEERS_10M, new_peers);
    if (window_flow_is(flow, WINDOW_MARK_APPLICABLE)) {
        vector_set(vector, FEATURE_SRC_UNANSWERED_WINDOW, unanswered);
        vector_set(vector, FEATURE_SRC_UNANSWERED_10M, unanswered);
    }
    vector_set(vector, FEATURE_SRC_PROTOCOL_ENTROPY, 0);
    measure_distinct((struct distinct_counts){1, 1}, (struct distinct_counts){1, 1}, vector);
    vector->src_packets_window = flow->packets;
    vector->src_syn_flows_window = window_flow_is(flow, WINDOW_MARK_SYN);
}

bool source_measure(const struct source *source, const struct window_flow *flow,
                    const struct pools *pools, const struct horizon *horizon,
                    struct feature_vector *vector)
{
    const struct source_sums *const sums = source_sums(source, pools);
    if (sums == NULL) {
        measure_alone(flow, vector);
        return false;
    }
    measure_window(sums, vector);
    vector_set(vector, FEATURE_SRC_PROTOCOL_ENTROPY,
               protocol_mix_entropy(&sums->protocols, &pools->protocols));
    measure_ten_minutes(&sums->ten_minutes, vector);
    measure_distinct(distinct_count(&sums->peers, &pools->distincts, horizon),
                     distinct_count(&sums->ports, &pools->distincts, horizon), vector);
    return distinct_is_cut(&sums->peers, &pools->distincts, horizon) ||
           distinct_is_cut(&sums->ports, &pools->distincts, horizon);
}
