/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over the fields serves both ways: `is_reading` is a constant where a walk is called, so
 * that two functions are made of one list of fields, and the two cannot disagree. The public ones
 * are `flatten`: with all calls gone, what a walk counts lies in registers. A head, a body and the
 * features are a group each (flow_pack_field.h). */
#include "anomaly/flow_pack.h"

#include "anomaly/flow_pack_field.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { ETHERNET_BYTES = 14, HEADER_BYTES = 40 };

/* ---- the flow ------------------------------------------------------------------------------ */

/* A category's code; 0 if it is none. */
static inline uint64_t code_below(double value, uint64_t limit)
{
    return value > 0 && value < (double)limit ? (uint64_t)value : 0;
}

/* Some fields are one number, because they are alike from flow to flow together. */
static inline uint64_t kind_of(const struct flow_record *flow, double direction)
{
    return (uint64_t)flow->ip_version | (uint64_t)flow->protocol << 8 |
           (uint64_t)flow->basis << 16 | (uint64_t)flow->end_reason << 24 |
           (uint64_t)flow->state << 32 | (uint64_t)flow->one_way_key << 40 |
           (uint64_t)flow->is_tcp_closed << 41 | (uint64_t)flow->has_handshake_rtt << 42 |
           code_below(direction, FEATURE_DIRECTION_COUNT) << 43;
}

static inline void walk_kind(struct walk *walk, bool is_reading, struct flow_pack *pack,
                             struct flow_record *flow, double *direction)
{
    const uint64_t kind = is_reading ? 0 : kind_of(flow, *direction);
    const uint64_t icmp = (uint64_t)flow->icmp_type | (uint64_t)flow->icmp_code << 8;
    pack->kind = walk_bits(walk, is_reading, kind, pack->kind);
    pack->icmp = walk_bits(walk, is_reading, icmp, pack->icmp);
    if (!is_reading)
        return;
    flow->ip_version = (uint8_t)pack->kind;
    flow->protocol = (uint8_t)(pack->kind >> 8);
    flow->basis = (uint8_t)(pack->kind >> 16);
    flow->end_reason = (uint8_t)(pack->kind >> 24);
    flow->state = (uint8_t)(pack->kind >> 32);
    flow->one_way_key = pack->kind >> 40 & 1;
    flow->is_tcp_closed = pack->kind >> 41 & 1;
    flow->has_handshake_rtt = pack->kind >> 42 & 1;
    *direction = (double)(pack->kind >> 43);
    flow->icmp_type = (uint8_t)pack->icmp;
    flow->icmp_code = (uint8_t)(pack->icmp >> 8);
}

static inline void walk_address(struct walk *walk, bool is_reading, uint64_t expected[2],
                                uint8_t address[16])
{
    uint64_t word[2];
    memcpy(word, address, sizeof word);
    for (unsigned i = 0; i < 2; i++)
        expected[i] = walk_bits(walk, is_reading, word[i], expected[i]);
    if (is_reading)
        memcpy(address, expected, sizeof word);
}

static inline void walk_ports(struct walk *walk, bool is_reading, struct flow_pack *pack,
                              struct flow_record *flow)
{
    walk_u16(walk, is_reading, &flow->source_port, 0);
    pack->ports = walk_bits(walk, is_reading, flow->destination_port, pack->ports);
    if (is_reading)
        flow->destination_port = (uint16_t)pack->ports;
}

/* Mostly made of the destination's port. */
static inline void walk_service(struct walk *walk, bool is_reading, const struct flow_record *flow,
                                double *service)
{
    const uint64_t expected = (uint64_t)flow->protocol << 16 | flow->destination_port;
    const uint64_t code = is_reading ? 0 : code_below(*service, UINT64_C(1) << 32);
    const uint64_t told = walk_bits(walk, is_reading, code, expected);
    if (is_reading)
        *service = (double)told;
}

static inline void walk_outside(struct walk *walk, bool is_reading, struct flow_pack *pack,
                                struct flow_record *flow)
{
    const uint64_t outside = (uint64_t)flow->source_index | (uint64_t)flow->vlan_count << 16 |
                             (uint64_t)flow->tunnel_count << 24 |
                             (uint64_t)flow->outer_ip_version << 32;
    pack->outside = walk_bits(walk, is_reading, outside, pack->outside);
    if (!is_reading)
        return;
    flow->source_index = (uint16_t)pack->outside;
    flow->vlan_count = (uint8_t)(pack->outside >> 16);
    flow->tunnel_count = (uint8_t)(pack->outside >> 24);
    flow->outer_ip_version = (uint8_t)(pack->outside >> 32);
}

static inline void walk_times(struct walk *walk, bool is_reading, struct flow_pack *pack,
                              struct flow_record *flow)
{
    walk_i64(walk, is_reading, &flow->notice_ns, pack->notice_ns);
    walk_i64(walk, is_reading, &flow->last_ns, minus(flow->notice_ns, pack->wait_ns));
    walk_i64(walk, is_reading, &flow->first_ns, flow->last_ns);
    pack->notice_ns = flow->notice_ns;
    pack->wait_ns = minus(flow->notice_ns, flow->last_ns);
}

_Static_assert(FLOW_HISTORY_MAX % sizeof(uint64_t) == 0 &&
                   sizeof(uint16_t[PACKET_VLAN_MAX]) == sizeof(uint64_t) &&
                   PACKET_TUNNELS_MAX == sizeof(uint64_t),
               "texts are whole words");

/* What of a direction is counted by, and what is told by the flow before. */
static inline void walk_counts(struct walk *walk, bool is_reading, struct flow_pack *pack,
                               struct flow_record *flow, unsigned side)
{
    struct flow_direction *const way = &flow->direction[side];
    walk_u64(walk, is_reading, &way->packets, 0);
    walk_u64(walk, is_reading, &way->ip_bytes, way->packets * HEADER_BYTES);
    const bool is_there = way->packets > 0;
    const uint64_t ttl =
        (uint64_t)way->ttl_min | (uint64_t)way->ttl_max << 8 | (uint64_t)way->tcp_flags << 16;
    const uint64_t told = walk_bits(walk, is_reading, ttl, is_there ? pack->ttl[side] : 0);
    if (is_there)
        pack->ttl[side] = told;
    if (!is_reading)
        return;
    way->ttl_min = (uint8_t)told;
    way->ttl_max = (uint8_t)(told >> 8);
    way->tcp_flags = (uint8_t)(told >> 16);
}

/* A finding is mostly that of the flow before, with other values. All of it is left in `pack`. */
static inline void walk_finding(struct walk *walk, bool is_reading, struct flow_pack *pack,
                                struct behaviour_finding *finding)
{
    struct behaviour_finding *const told = &pack->finding;
    walk_u8(walk, is_reading, &finding->behaviour);
    if (finding->behaviour == BEHAVIOUR_NONE)
        return;
    told->behaviour = finding->behaviour;
    told->evidence_count = (uint8_t)walk_rest(walk, is_reading, finding->evidence_count);
    told->since_ns =
        (int64_t)walk_word(walk, is_reading, (uint64_t)finding->since_ns, (uint64_t)told->since_ns);
    assert(told->evidence_count <= BEHAVIOUR_EVIDENCE_MAX);
    for (unsigned i = 0; i < told->evidence_count; i++) {
        struct behaviour_evidence *const other = &told->evidence[i];
        struct behaviour_evidence evidence = is_reading ? *other : finding->evidence[i];
        const uint64_t what = evidence.quantity | (uint64_t)evidence.is_most << 8;
        const uint64_t whole =
            walk_bits(walk, is_reading, what, other->quantity | (uint64_t)other->is_most << 8);
        evidence.quantity = (uint8_t)whole;
        evidence.is_most = (uint8_t)(whole >> 8);
        walk_double(walk, is_reading, &evidence.value, other->value);
        walk_double(walk, is_reading, &evidence.limit, other->limit);
        *other = evidence;
    }
}

/* What is counted of every flow, and what the next one is told by. */
static inline void walk_head(struct walk *walk, bool is_reading, struct flow_pack *pack,
                             struct flow_record *flow, struct feature_vector *features,
                             struct behaviour_finding *finding)
{
    walk_times(walk, is_reading, pack, flow);
    walk_u64(walk, is_reading, &flow->opening_number, pack->opening_number);
    pack->opening_number = flow->opening_number + 1;
    walk_u32(walk, is_reading, &flow->epoch, (uint32_t)pack->epoch);
    pack->epoch = flow->epoch;
    walk_address(walk, is_reading, pack->source, flow->source);
    walk_address(walk, is_reading, pack->destination, flow->destination);
    walk_ports(walk, is_reading, pack, flow);
    walk_kind(walk, is_reading, pack, flow, &features->value[FEATURE_DIRECTION]);
    walk_service(walk, is_reading, flow, &features->value[FEATURE_SERVICE]);
    walk_outside(walk, is_reading, pack, flow);
    walk_counts(walk, is_reading, pack, flow, FLOW_FORWARD);
    walk_counts(walk, is_reading, pack, flow, FLOW_REVERSE);
    walk_finding(walk, is_reading, pack, finding);
}

/* The mean of so many. 0 of nothing. */
static inline double mean_of(double sum, uint64_t count)
{
    return count == 0 ? 0 : sum / (double)count;
}

static inline void walk_distribution(struct walk *walk, bool is_reading, uint64_t count,
                                     double mean, struct flow_distribution *distribution)
{
    walk_u64(walk, is_reading, &distribution->count, count);
    walk_bool(walk, is_reading, &distribution->is_whole, distribution->count > 0);
    const int64_t middle = mean < WHOLE_MAX ? (int64_t)mean : 0;
    const int64_t expected = distribution->is_whole ? middle : 0;
    walk_i64(walk, is_reading, &distribution->min, expected);
    walk_i64(walk, is_reading, &distribution->max, distribution->min);
    walk_double(walk, is_reading, &distribution->mean, mean);
    walk_double(walk, is_reading, &distribution->deviation, 0);
}

static inline void walk_distributions(struct walk *walk, bool is_reading,
                                      struct flow_direction *way)
{
    const uint64_t gaps = way->packets > 0 ? way->packets - 1 : 0;
    walk_distribution(walk, is_reading, way->packets, mean_of((double)way->ip_bytes, way->packets),
                      &way->packet_bytes);
    walk_distribution(walk, is_reading, gaps,
                      mean_of((double)minus(way->last_ns, way->first_ns), gaps), &way->gap_ns);
}

enum {
    DISTRIBUTION_FIELDS = 2 * 6,
    DIRECTION_FIELDS = 8 + DISTRIBUTION_FIELDS,
    SELDOM_FIELDS = 12
};

/* True if there is nothing to tell of sizes and gaps, as of one packet or none. In one go, without
 * a branch a field: these fields are most of such a flow's. */
static inline bool has_plain_distributions(const struct flow_direction *way)
{
    const struct flow_distribution *const sizes = &way->packet_bytes, *const gaps = &way->gap_ns;
    if (way->packets > 1 || way->ip_bytes > way->packets * UINT32_MAX)
        return false;
    const uint64_t rest =
        (sizes->count ^ way->packets) | (sizes->is_whole ^ way->packets) |
        ((uint64_t)sizes->min ^ way->ip_bytes) | ((uint64_t)sizes->max ^ way->ip_bytes) |
        (bits_of(sizes->mean) ^ bits_of((double)way->ip_bytes)) | bits_of(sizes->deviation) |
        gaps->count | gaps->is_whole | (uint64_t)gaps->min | (uint64_t)gaps->max |
        bits_of(gaps->mean) | bits_of(gaps->deviation);
    return rest == 0;
}

static inline uint64_t words_of(const void *bytes, size_t size)
{
    uint64_t any = 0;
#pragma GCC unroll 32
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)bytes + at, sizeof word);
        any |= word;
    }
    return any;
}

static inline void walk_direction(struct walk *walk, bool is_reading, struct flow_record *flow,
                                  unsigned side)
{
    struct flow_direction *const way = &flow->direction[side];
    const bool is_there = way->packets > 0;
    /* Of a side that sent nothing all is 0, and is told by that. */
    if (!is_reading && !is_there && words_of(way, sizeof *way) == 0) {
        walk->field += DIRECTION_FIELDS;
        return;
    }
    walk_u64(walk, is_reading, &way->frame_bytes, way->ip_bytes + way->packets * ETHERNET_BYTES);
    walk_u64(walk, is_reading, &way->payload_bytes, way->ip_bytes - way->packets * HEADER_BYTES);
    walk_i64(walk, is_reading, &way->first_ns, is_there ? flow->first_ns : 0);
    walk_i64(walk, is_reading, &way->last_ns, is_there ? flow->last_ns : 0);
    walk_u64(walk, is_reading, &way->duplicates, 0);
    walk_u32(walk, is_reading, &way->retransmitted, 0);
    walk_u32(walk, is_reading, &way->out_of_order, 0);
    walk_u32(walk, is_reading, &way->zero_windows, 0);
    const unsigned field = walk->field;
    if (is_reading || !has_plain_distributions(way))
        walk_distributions(walk, is_reading, way);
    else
        walk->field += DISTRIBUTION_FIELDS;
    assert(walk->field == field + DISTRIBUTION_FIELDS);
}

/* What few flows have: is there any of it? */
static inline bool has_seldom(const struct flow_record *flow)
{
    const uint64_t any = flow->padding | flow->marks | flow->unknown | flow->fragments |
                         flow->fragments_overlapping | flow->fragments_first_missing |
                         words_of(flow->vlan, sizeof flow->vlan) |
                         words_of(flow->tunnels, sizeof flow->tunnels) |
                         words_of(flow->outer_source, sizeof flow->outer_source) |
                         words_of(flow->outer_destination, sizeof flow->outer_destination);
    return any != 0;
}

static inline void walk_seldom(struct walk *walk, bool is_reading, struct flow_record *flow)
{
    const unsigned field = walk->field;
    if (!is_reading && !has_seldom(flow)) {
        walk->field += SELDOM_FIELDS;
        return;
    }
    walk_u8(walk, is_reading, &flow->padding);
    walk_text(walk, is_reading, flow->vlan, sizeof flow->vlan);
    walk_u16(walk, is_reading, &flow->marks, 0);
    walk_u16(walk, is_reading, &flow->unknown, 0);
    walk_u32(walk, is_reading, &flow->fragments, 0);
    walk_u32(walk, is_reading, &flow->fragments_overlapping, 0);
    walk_u32(walk, is_reading, &flow->fragments_first_missing, 0);
    walk_text(walk, is_reading, flow->tunnels, sizeof flow->tunnels);
    walk_text(walk, is_reading, flow->outer_source, sizeof flow->outer_source);
    walk_text(walk, is_reading, flow->outer_destination, sizeof flow->outer_destination);
    assert(walk->field == field + SELDOM_FIELDS);
}

/* The rest of the record, which the flow before has no part in. */
static inline void walk_body(struct walk *walk, bool is_reading, struct flow_record *flow)
{
    walk_u64(walk, is_reading, &flow->flow_id, 0);
    walk_u32(walk, is_reading, &flow->slice, 0);
    walk_i64(walk, is_reading, &flow->handshake_rtt_ns, 0);
    walk_i64(walk, is_reading, &flow->longest_gap_ns, 0);
    walk_text(walk, is_reading, flow->history, sizeof flow->history);
    walk_direction(walk, is_reading, flow, FLOW_FORWARD);
    walk_direction(walk, is_reading, flow, FLOW_REVERSE);
    walk_seldom(walk, is_reading, flow);
}

/* ---- the features -------------------------------------------------------------------------- */

/* Of ten minutes is expected what is of the window, else 1 as of a first flow, or 0. The two lists
 * are alike but for the entropy, which the second lacks. */
enum {
    WINDOW_FIRST = FEATURE_SRC_FLOWS_WINDOW,
    LONG_FIRST = FEATURE_SRC_FLOWS_10M,
    LONG_END = FEATURE_PAIR_PORTS_10M + 1,
    BEFORE_ENTROPY = FEATURE_SRC_PROTOCOL_ENTROPY - WINDOW_FIRST,
};
static const double of_first_flow[] = {1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1};
_Static_assert(sizeof of_first_flow / sizeof *of_first_flow == LONG_FIRST - WINDOW_FIRST &&
                   LONG_END - LONG_FIRST == LONG_FIRST - WINDOW_FIRST - 1 && BEFORE_ENTROPY == 6 &&
                   FEATURE_SRC_NEW_PEERS_10M - LONG_FIRST + 1 == BEFORE_ENTROPY,
               "the lists are alike but for the entropy");

static inline double expected_feature(const struct feature_vector *features, unsigned j)
{
    if (j >= LONG_END)
        return 0;
    if (j < LONG_FIRST)
        return of_first_flow[j - WINDOW_FIRST];
    const unsigned i = j - LONG_FIRST;
    return features->value[WINDOW_FIRST + i + (i >= BEFORE_ENTROPY)];
}

/* Bit i: value i is not as expected. */
static inline uint64_t differing(const double *value, const double *expected, unsigned count)
{
    uint64_t bits = 0;
#pragma GCC unroll 16
    for (unsigned i = 0; i < count; i++)
        bits |= (uint64_t)(bits_of(value[i]) != bits_of(expected[i])) << i;
    return bits;
}

/* Which features need a look; beyond the lists, where most are missing: all. */
static inline uint64_t unexpected_features(const struct feature_vector *features)
{
    const double *const window = &features->value[WINDOW_FIRST];
    const double *const ten_minutes = &features->value[LONG_FIRST];
    return differing(window, of_first_flow, LONG_FIRST - WINDOW_FIRST) << WINDOW_FIRST |
           differing(ten_minutes, window, BEFORE_ENTROPY) << LONG_FIRST |
           differing(ten_minutes + BEFORE_ENTROPY, window + BEFORE_ENTROPY + 1,
                     LONG_END - LONG_FIRST - BEFORE_ENTROPY)
               << (LONG_FIRST + BEFORE_ENTROPY) |
           UINT64_MAX << LONG_END;
}

/* flow_pack_is_derived, of all features at once. */
static const uint64_t DERIVED =
    ((UINT64_C(1) << FEATURE_SRC_FLOWS_WINDOW) - 1) |
    ((UINT64_C(2) << FEATURE_SERVICE_SIZE) - (UINT64_C(1) << FEATURE_PROTOCOL));

/* The features of `told`, a field each, from WINDOW_FIRST on. Which are not as expected is found
 * without a branch, and only these are gone through: in order, since of ten minutes is expected
 * what was read of the window. */
static inline void walk_values(struct walk *walk, bool is_reading, struct feature_vector *features,
                               uint64_t told)
{
    const unsigned field = walk->field;
    uint64_t others = told & (is_reading ? UINT64_MAX : unexpected_features(features));
    for (; others != 0; others &= others - 1) {
        const unsigned j = (unsigned)__builtin_ctzll(others);
        walk->field = field + j - WINDOW_FIRST;
        walk_share(walk, is_reading, &features->value[j], expected_feature(features, j),
                   features->value[j < LONG_FIRST ? WINDOW_FIRST : LONG_FIRST]);
    }
    walk->field = field + FEATURE_COUNT - WINDOW_FIRST;
}

static inline void walk_features(struct walk *walk, bool is_reading,
                                 struct feature_vector *features)
{
    const uint64_t all = (UINT64_C(1) << FEATURE_COUNT) - 1;
    const uint64_t others =
        walk_bits(walk, is_reading, features->present & ~DERIVED, all & ~DERIVED);
    if (is_reading)
        features->present = (features->present & DERIVED) | others;
    walk_values(walk, is_reading, features, others);
    walk_u64(walk, is_reading, &features->src_packets_window, 1);
    walk_u64(walk, is_reading, &features->src_syn_flows_window, features->src_packets_window);
    walk_i64(walk, is_reading, &features->pair_age_ns, -1);
    walk_u32(walk, is_reading, &features->pair_flows_60s, 1);
    walk_u32(walk, is_reading, &features->pair_flows, features->pair_flows_60s);
    walk_u64(walk, is_reading, &features->pair_id, 0);
    walk_bool(walk, is_reading, &features->is_window_cut, false);
}

/* ---- both ways ----------------------------------------------------------------------------- */

/* A walk changes nothing when it writes. */
__attribute__((flatten)) uint32_t flow_pack_write(struct flow_pack *pack,
                                                  const struct flow_record *flow,
                                                  const struct feature_vector *features,
                                                  const struct behaviour_finding *finding,
                                                  uint8_t *bytes)
{
    struct flow_record *const record = (struct flow_record *)flow;
    struct feature_vector *const vector = (struct feature_vector *)features;
    uint8_t fields[FLOW_PACK_GROUPS * GROUP_BODY_MAX + NUMBER_REACH];
    uint64_t maps[FLOW_PACK_GROUPS];
    struct walk walk = {.to = fields};
    walk_head(&walk, false, pack, record, vector, (struct behaviour_finding *)finding);
    maps[FLOW_PACK_HEAD] = next_group(&walk);
    walk_body(&walk, false, record);
    maps[FLOW_PACK_BODY] = next_group(&walk);
    walk_features(&walk, false, vector);
    maps[FLOW_PACK_FEATURES] = next_group(&walk);
    uint8_t *const to = write_maps(pack->maps, maps, FLOW_PACK_GROUPS, bytes);
    const size_t size = (size_t)(walk.to - fields);
    memcpy(to, fields, size);
    assert(to + size - bytes <= FLOW_PACK_BYTES_MAX);
    return (uint32_t)(to + size - bytes);
}

static inline struct walk begin_reading(const struct flow_pack *pack, enum flow_pack_group group,
                                        const uint8_t *bytes)
{
    return (struct walk){.from = bytes, .map = pack->maps[group]};
}

__attribute__((flatten)) const uint8_t *flow_pack_head(struct flow_pack *pack, const uint8_t *bytes,
                                                       struct flow_record *flow,
                                                       struct feature_vector *features,
                                                       struct behaviour_finding *finding)
{
    const uint8_t *const fields = read_maps(pack->maps, bytes);
    struct walk walk = begin_reading(pack, FLOW_PACK_HEAD, fields);
    walk_head(&walk, true, pack, flow, features, finding);
    return walk.from;
}

static void complete_finding(const struct behaviour_finding *told,
                             struct behaviour_finding *finding)
{
    const uint8_t behaviour = finding->behaviour;
    memset(finding, 0, sizeof *finding);
    if (behaviour == BEHAVIOUR_NONE)
        return;
    finding->behaviour = behaviour;
    finding->evidence_count = told->evidence_count;
    finding->since_ns = told->since_ns;
    memcpy(finding->evidence, told->evidence, told->evidence_count * sizeof *told->evidence);
}

__attribute__((flatten)) const uint8_t *flow_pack_body(const struct flow_pack *pack,
                                                       const uint8_t *bytes,
                                                       struct flow_record *flow,
                                                       struct behaviour_finding *finding)
{
    struct walk walk = begin_reading(pack, FLOW_PACK_BODY, bytes);
    walk_body(&walk, true, flow);
    complete_finding(&pack->finding, finding);
    return walk.from;
}

__attribute__((flatten)) void flow_pack_features(const struct flow_pack *pack, const uint8_t *bytes,
                                                 struct feature_vector *features)
{
    struct walk walk = begin_reading(pack, FLOW_PACK_FEATURES, bytes);
    walk_features(&walk, true, features);
}
