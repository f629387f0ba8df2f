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

/* Some fields are one number, because they are alike from flow to flow together: those that stand
 * side by side, as they stand there. */
enum {
    KIND_AT = offsetof(struct flow_record, ip_version), /* to one_way_key */
    ENDS_AT = offsetof(struct flow_record, is_tcp_closed),
    ENDS_END = offsetof(struct flow_record, vlan),
};
_Static_assert(ENDS_AT - KIND_AT == sizeof(uint64_t) && ENDS_END - ENDS_AT == sizeof(uint32_t),
               "these bytes lie together");

static inline void walk_kind(struct walk *walk, bool is_reading, struct flow_pack *pack,
                             struct flow_record *flow)
{
    uint8_t *const bytes = (uint8_t *)flow;
    uint64_t kind;
    uint32_t ends;
    memcpy(&kind, bytes + KIND_AT, sizeof kind);
    memcpy(&ends, bytes + ENDS_AT, sizeof ends);
    pack->kind = kind = walk_bits(walk, is_reading, kind, pack->kind);
    pack->ends = ends = (uint32_t)walk_bits(walk, is_reading, ends, pack->ends);
    if (!is_reading)
        return;
    memcpy(bytes + KIND_AT, &kind, sizeof kind);
    memcpy(bytes + ENDS_AT, &ends, sizeof ends);
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
    const uint64_t outside = (uint64_t)flow->source_index | (uint64_t)flow->tunnel_count << 16 |
                             (uint64_t)flow->outer_ip_version << 24;
    pack->outside = walk_bits(walk, is_reading, outside, pack->outside);
    if (!is_reading)
        return;
    flow->source_index = (uint16_t)pack->outside;
    flow->tunnel_count = (uint8_t)(pack->outside >> 16);
    flow->outer_ip_version = (uint8_t)(pack->outside >> 24);
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
        const struct behaviour_evidence *const evidence = &finding->evidence[i];
        struct behaviour_evidence *const other = &told->evidence[i];
        const uint64_t what =
            is_reading ? 0 : evidence->quantity | (uint64_t)evidence->is_most << 8;
        const uint64_t whole =
            walk_bits(walk, is_reading, what, other->quantity | (uint64_t)other->is_most << 8);
        other->quantity = (uint8_t)whole;
        other->is_most = (uint8_t)(whole >> 8);
        other->value =
            walk_double(walk, is_reading, is_reading ? 0 : evidence->value, other->value);
        other->limit =
            walk_double(walk, is_reading, is_reading ? 0 : evidence->limit, other->limit);
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
    walk_kind(walk, is_reading, pack, flow);
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
    const double told = walk_double(walk, is_reading, distribution->mean, mean);
    const double deviation = walk_double(walk, is_reading, distribution->deviation, 0);
    if (!is_reading)
        return;
    distribution->mean = told;
    distribution->deviation = deviation;
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
    SELDOM_FIELDS = 11
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
    const uint64_t any = (uint64_t)flow->marks | flow->unknown | flow->fragments |
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

/* The last features have a bit each of 32, and the first of these are derived. */
enum { WALKED_FIRST = FEATURE_COUNT - 32 };
#define IS_DERIVED(j) \
    ((j) < FEATURE_SRC_FLOWS_WINDOW || ((j) >= FEATURE_PROTOCOL && (j) <= FEATURE_SERVICE_SIZE))
#define FEATURE(id, ...) | (uint64_t)IS_DERIVED(FEATURE_##id) << FEATURE_##id
static const uint64_t DERIVED = 0 FEATURE_LIST(FEATURE);
#undef FEATURE

/* Both halves of a value have its bit, because a comparison of 32 bits is one instruction of four
 * at once, and of 64 three of two. 0: it is not told. */
typedef uint32_t __attribute__((may_alias)) half_of_double;
#define BIT_OF(j) (IS_DERIVED(j) ? 0U : 1U << (((j)-WALKED_FIRST) & 31))
#define FEATURE(id, ...) BIT_OF(FEATURE_##id), BIT_OF(FEATURE_##id),
static const uint32_t bit_of_half[2 * FEATURE_COUNT] = {FEATURE_LIST(FEATURE)};
#undef FEATURE
_Static_assert((int)WALKED_FIRST <= (int)FEATURE_SRC_FLOWS_WINDOW, "32 bits hold what is told");

/* Bit i: feature WALKED_FIRST + i is told, and not what it was, four halves at a time. */
static inline uint32_t differing(const struct feature_vector *features,
                                 const struct feature_vector *last)
{
    const half_of_double *const value = (const void *)&features->value[WALKED_FIRST];
    const half_of_double *const other = (const void *)&last->value[WALKED_FIRST];
    const uint32_t *const bit = &bit_of_half[2 * WALKED_FIRST];
    uint32_t bits = 0;
#pragma GCC unroll 16
    for (unsigned i = 0; i < 2 * (FEATURE_COUNT - WALKED_FIRST); i++)
        bits |= bit[i] & (0U - (value[i] != other[i]));
    return bits;
}

/* The lists of the window and of ten minutes are alike but for the entropy, which the second lacks:
 * until ten minutes have seen more than the window, their values are the same. */
enum {
    WINDOW_FIRST = FEATURE_SRC_FLOWS_WINDOW,
    LONG_FIRST = FEATURE_SRC_FLOWS_10M,
    LONG_END = FEATURE_PAIR_PORTS_10M + 1,
    BEFORE_ENTROPY = FEATURE_SRC_PROTOCOL_ENTROPY - WINDOW_FIRST,
};
_Static_assert(LONG_END - LONG_FIRST == LONG_FIRST - WINDOW_FIRST - 1 &&
                   FEATURE_SRC_NEW_PEERS_10M - LONG_FIRST + 1 == (int)BEFORE_ENTROPY,
               "the lists are alike but for the entropy");

/* The same in the window; of any other itself. */
static inline unsigned window_of(unsigned j)
{
    if (j < LONG_FIRST || j >= LONG_END)
        return j;
    const unsigned i = j - LONG_FIRST;
    return WINDOW_FIRST + i + (i >= BEFORE_ENTROPY);
}

/* One feature; `told` is the flow before's from it on, this one's before it. */
static inline void walk_value(struct walk *walk, bool is_reading,
                              const struct feature_vector *features, unsigned j,
                              struct feature_vector *told)
{
    const unsigned field = walk->field, window = window_of(j);
    const double whole = told->value[j < LONG_FIRST ? WINDOW_FIRST : LONG_FIRST];
    double *const value = &told->value[j];
    if (is_reading) {
        const uint64_t form = walk_rest(walk, true, 0);
        *value = form == FORM_WINDOW ? told->value[window] : read_form(walk, form, *value, whole);
        return;
    }
    if (window != j && bits_of(features->value[j]) == bits_of(told->value[window]))
        walk_put(walk, field, FORM_WINDOW);
    else
        walk_put_double(walk, field, features->value[j], *value, whole);
    *value = features->value[j];
}

static inline void walk_values(struct walk *walk, bool is_reading,
                               const struct feature_vector *features, struct feature_vector *told)
{
    const unsigned field = walk->field;
    uint32_t others = is_reading ? (uint32_t)(walk->map >> field) : differing(features, told);
    for (; others != 0; others &= others - 1) {
        const unsigned i = (unsigned)__builtin_ctz(others);
        walk->field = field + i;
        walk_value(walk, is_reading, features, WALKED_FIRST + i, told);
    }
    walk->field = field + FEATURE_COUNT - WALKED_FIRST;
}

/* All of them are left in `told`, which is the flow before's. Pairs are numbered as they come. */
static inline void walk_features(struct walk *walk, bool is_reading,
                                 const struct feature_vector *features, struct feature_vector *told)
{
    walk_values(walk, is_reading, features, told);
    told->present = walk_bits(walk, is_reading, features->present & ~DERIVED, told->present);
    told->src_packets_window =
        walk_word(walk, is_reading, features->src_packets_window, told->src_packets_window);
    told->src_syn_flows_window =
        walk_word(walk, is_reading, features->src_syn_flows_window, told->src_syn_flows_window);
    told->pair_age_ns = (int64_t)walk_word(walk, is_reading, (uint64_t)features->pair_age_ns,
                                           (uint64_t)told->pair_age_ns);
    told->pair_flows_60s =
        (uint32_t)walk_word(walk, is_reading, features->pair_flows_60s, told->pair_flows_60s);
    told->pair_flows =
        (uint32_t)walk_word(walk, is_reading, features->pair_flows, told->pair_flows);
    told->pair_id = walk_word(walk, is_reading, features->pair_id, told->pair_id + 1);
    told->is_window_cut =
        walk_bits(walk, is_reading, features->is_window_cut, told->is_window_cut) != 0;
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
    walk_features(&walk, false, vector, &pack->features);
    maps[FLOW_PACK_FEATURES] = next_group(&walk);
    walk_body(&walk, false, record);
    maps[FLOW_PACK_BODY] = next_group(&walk);
    uint8_t *const to = write_maps(pack->maps, maps, FLOW_PACK_GROUPS, bytes);
    const size_t size = (size_t)(walk.to - fields);
    memcpy(to, fields, size);
    assert(to + size - bytes <= FLOW_PACK_BYTES_MAX);
    return (uint32_t)(to + size - bytes);
}

__attribute__((flatten)) const uint8_t *flow_pack_head(struct flow_pack *pack, const uint8_t *bytes,
                                                       struct flow_record *flow,
                                                       struct feature_vector *features,
                                                       struct behaviour_finding *finding)
{
    const uint8_t *const fields = read_maps(pack->maps, bytes);
    struct walk walk = {.from = fields, .map = pack->maps[FLOW_PACK_HEAD]};
    walk_head(&walk, true, pack, flow, features, finding);
    next_group(&walk);
    walk.map = pack->maps[FLOW_PACK_FEATURES];
    walk_features(&walk, true, &pack->features, &pack->features);
    features->value[FEATURE_DIRECTION] = pack->features.value[FEATURE_DIRECTION];
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

__attribute__((flatten)) void flow_pack_body(const struct flow_pack *pack, const uint8_t *bytes,
                                             struct flow_record *flow,
                                             struct behaviour_finding *finding)
{
    struct walk walk = {.from = bytes, .map = pack->maps[FLOW_PACK_BODY]};
    walk_body(&walk, true, flow);
    complete_finding(&pack->finding, finding);
}

void flow_pack_features(const struct flow_pack *pack, struct feature_vector *features)
{
    const struct feature_vector *const told = &pack->features;
    features->present = (features->present & DERIVED) | told->present;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        if (!flow_pack_is_derived(j))
            features->value[j] = told->value[j];
    features->src_packets_window = told->src_packets_window;
    features->src_syn_flows_window = told->src_syn_flows_window;
    features->pair_age_ns = told->pair_age_ns;
    features->pair_flows_60s = told->pair_flows_60s;
    features->pair_flows = told->pair_flows;
    features->pair_id = told->pair_id;
    features->is_window_cut = told->is_window_cut;
}
