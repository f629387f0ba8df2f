/* SPDX-License-Identifier: Apache-2.0 */
/* A packed flow comes back bit for bit, whatever its fields hold; and what real flows look like
 * takes few bytes. */
#include "anomaly/flow_pack.h"
#include "feature/feature.h"
#include "tests/support/unit.h"
#include "whyflow/settings.h"

#include <stdlib.h>
#include <string.h>

enum { RANDOM_FLOWS = 20000, REAL_FLOWS = 5000, ONE_PACKET_BYTES = 120, RICH_BYTES = 250 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Of any magnitude, each as often, and 0 often. */
static uint64_t random_number(uint64_t *state)
{
    const uint64_t shift = next_random(state) % 80;
    return shift > 63 ? 0 : next_random(state) >> shift;
}

/* Whole numbers, thousandths, shares and any bits at all, so also infinities and what is no number.
 */
static double random_double(uint64_t *state)
{
    const uint64_t number = random_number(state);
    double value;
    switch (next_random(state) % 6) {
    case 0:
        return (double)number;
    case 1:
        return -(double)number;
    case 2:
        return (double)(int64_t)number / 1e3;
    case 3:
        return (double)(number % 100) / 101;
    case 4:
        return -0.0;
    default:
        memcpy(&value, &number, sizeof value);
        return value;
    }
}

static void random_distribution(uint64_t *state, struct flow_distribution *distribution)
{
    distribution->count = random_number(state);
    distribution->min = (int64_t)random_number(state);
    distribution->max = (int64_t)random_number(state);
    distribution->mean = random_double(state);
    distribution->deviation = random_double(state);
    distribution->is_whole = next_random(state) & 1;
}

static void random_direction(uint64_t *state, struct flow_direction *way)
{
    way->packets = random_number(state);
    way->frame_bytes = random_number(state);
    way->ip_bytes = random_number(state);
    way->payload_bytes = random_number(state);
    way->first_ns = (int64_t)random_number(state);
    way->last_ns = (int64_t)random_number(state);
    random_distribution(state, &way->packet_bytes);
    random_distribution(state, &way->gap_ns);
    way->duplicates = random_number(state);
    way->retransmitted = (uint32_t)random_number(state);
    way->out_of_order = (uint32_t)random_number(state);
    way->zero_windows = (uint32_t)random_number(state);
    way->ttl_min = (uint8_t)random_number(state);
    way->ttl_max = (uint8_t)random_number(state);
    way->tcp_flags = (uint8_t)random_number(state);
}

static void random_bytes(uint64_t *state, void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)random_number(state);
}

static void random_ends(uint64_t *state, struct flow_record *flow)
{
    random_bytes(state, flow->source, sizeof flow->source);
    random_bytes(state, flow->destination, sizeof flow->destination);
    random_bytes(state, flow->vlan, sizeof flow->vlan);
    random_bytes(state, flow->tunnels, sizeof flow->tunnels);
    random_bytes(state, flow->outer_source, sizeof flow->outer_source);
    random_bytes(state, flow->outer_destination, sizeof flow->outer_destination);
    random_bytes(state, flow->history, sizeof flow->history);
    flow->source_port = (uint16_t)random_number(state);
    flow->destination_port = (uint16_t)random_number(state);
}

static void random_flow(uint64_t *state, struct flow_record *flow)
{
    memset(flow, 0, sizeof *flow); /* padding too: the whole struct is compared */
    random_ends(state, flow);
    flow->flow_id = random_number(state);
    flow->opening_number = random_number(state);
    flow->epoch = (uint32_t)random_number(state);
    flow->slice = (uint32_t)random_number(state);
    flow->first_ns = (int64_t)random_number(state);
    flow->last_ns = (int64_t)random_number(state);
    flow->notice_ns = (int64_t)random_number(state);
    random_bytes(state, &flow->ip_version, 7); /* up to icmp_code */
    flow->one_way_key = next_random(state) & 1;
    flow->is_tcp_closed = next_random(state) & 1;
    flow->has_handshake_rtt = next_random(state) & 1;
    flow->vlan_count = (uint8_t)random_number(state);
    flow->padding = (uint8_t)random_number(state);
    flow->marks = (uint16_t)random_number(state);
    flow->unknown = (uint16_t)random_number(state);
    flow->source_index = (uint16_t)random_number(state);
    flow->fragments = (uint32_t)random_number(state);
    flow->fragments_overlapping = (uint32_t)random_number(state);
    flow->fragments_first_missing = (uint32_t)random_number(state);
    flow->tunnel_count = (uint8_t)random_number(state);
    flow->outer_ip_version = (uint8_t)random_number(state);
    flow->handshake_rtt_ns = (int64_t)random_number(state);
    flow->longest_gap_ns = (int64_t)random_number(state);
    random_direction(state, &flow->direction[FLOW_FORWARD]);
    if (next_random(state) & 1)
        random_direction(state, &flow->direction[FLOW_REVERSE]);
}
_Static_assert(offsetof(struct flow_record, icmp_code) - offsetof(struct flow_record, ip_version) ==
                   6,
               "these bytes lie together");

static void random_features(uint64_t *state, struct feature_vector *features)
{
    memset(features, 0, sizeof *features);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if (flow_pack_is_derived(j) || next_random(state) % 5 == 0)
            continue;
        features->present |= UINT64_C(1) << j;
        features->value[j] = random_double(state);
    }
    features->src_packets_window = random_number(state);
    features->src_syn_flows_window = random_number(state);
    features->pair_age_ns = (int64_t)random_number(state);
    features->pair_flows_60s = (uint32_t)random_number(state);
    features->pair_flows = (uint32_t)random_number(state);
    features->pair_id = random_number(state);
    features->is_window_cut = next_random(state) & 1;
}

static void random_finding(uint64_t *state, struct behaviour_finding *finding)
{
    memset(finding, 0, sizeof *finding);
    if (next_random(state) % 3 == 0)
        return;
    finding->behaviour = (uint8_t)(1 + next_random(state) % (BEHAVIOUR_COUNT - 1));
    finding->evidence_count = (uint8_t)(next_random(state) % (BEHAVIOUR_EVIDENCE_MAX + 1));
    finding->since_ns = (int64_t)random_number(state);
    for (unsigned i = 0; i < finding->evidence_count; i++) {
        finding->evidence[i].quantity = (uint8_t)random_number(state);
        finding->evidence[i].is_most = next_random(state) & 1;
        finding->evidence[i].value = random_double(state);
        finding->evidence[i].limit = random_double(state);
    }
}

START_TEST(any_flow_comes_back_bit_for_bit)
{
    static uint8_t packed[RANDOM_FLOWS / 100][FLOW_PACK_BYTES_MAX];
    static struct flow_record flows[RANDOM_FLOWS / 100];
    static struct feature_vector features[RANDOM_FLOWS / 100];
    static struct behaviour_finding findings[RANDOM_FLOWS / 100];
    uint64_t state = 5;
    for (unsigned round = 0; round < 100; round++) {
        struct flow_pack writer = {0}, reader = {0};
        for (unsigned i = 0; i < RANDOM_FLOWS / 100; i++) {
            random_flow(&state, &flows[i]);
            random_features(&state, &features[i]);
            random_finding(&state, &findings[i]);
            const uint32_t size =
                flow_pack_write(&writer, &flows[i], &features[i], &findings[i], packed[i]);
            memset(packed[i] + size, 0xa5, FLOW_PACK_BYTES_MAX - size);
        }
        for (unsigned i = 0; i < RANDOM_FLOWS / 100; i++) {
            struct flow_record flow;
            struct behaviour_finding finding;
            struct feature_vector vector;
            memset(&vector, 0, sizeof vector);
            memset(&flow, 0, sizeof flow); /* padding */
            memset(&finding, 0xa5, sizeof finding);
            const uint8_t *const body =
                flow_pack_head(&reader, packed[i], &flow, &vector, &finding);
            ck_assert_uint_eq(finding.behaviour, findings[i].behaviour);
            if (i % 3 == 0)
                continue; /* the next one is told by it all the same */
            flow_pack_body(&reader, body, &flow, &finding);
            memset(&vector, 0, sizeof vector);
            flow_pack_features(&reader, &vector);
            ck_assert_mem_eq(&flow, &flows[i], sizeof flow);
            ck_assert_mem_eq(&finding, &findings[i], sizeof finding);
            ck_assert_mem_eq(&vector, &features[i], sizeof vector);
        }
    }
}
END_TEST

static void one_packet(struct flow_direction *way, int64_t time_ns)
{
    *way = (struct flow_direction){
        .packets = 1,
        .frame_bytes = 60,
        .ip_bytes = 40,
        .first_ns = time_ns,
        .last_ns = time_ns,
        .packet_bytes = {.count = 1, .min = 40, .max = 40, .mean = 40, .is_whole = true},
        .ttl_min = 64,
        .ttl_max = 64,
        .tcp_flags = PACKET_TCP_SYN,
    };
}

static void rich_direction(uint64_t *state, struct flow_direction *way, int64_t first_ns,
                           int64_t last_ns)
{
    const uint64_t packets = 5 + next_random(state) % 500;
    const uint64_t bytes = packets * (60 + next_random(state) % 1300);
    const uint64_t mean_gap = (uint64_t)(last_ns - first_ns) / (packets - 1);
    *way = (struct flow_direction){
        .packets = packets,
        .frame_bytes = bytes + 14 * packets,
        .ip_bytes = bytes,
        .payload_bytes = bytes - 52 * packets,
        .first_ns = first_ns,
        .last_ns = last_ns,
        .packet_bytes = {.count = packets,
                         .min = 40,
                         .max = 1500,
                         .mean = (double)bytes / (double)packets,
                         .deviation = (double)(next_random(state) % 500000) / 1e3,
                         .is_whole = true},
        .gap_ns = {.count = packets - 1,
                   .min = (int64_t)(next_random(state) % mean_gap),
                   .max = (int64_t)(mean_gap + next_random(state) % mean_gap),
                   .mean = (double)(last_ns - first_ns) / (double)(packets - 1),
                   .deviation = (double)(next_random(state) % mean_gap),
                   .is_whole = true},
        .ttl_min = 64,
        .ttl_max = 64,
        .tcp_flags = 0x1b,
    };
}

static void real_flow(uint64_t *state, uint64_t number, bool is_rich, struct flow_record *flow)
{
    const int64_t second_ns = 1000000000;
    memset(flow, 0, sizeof *flow);
    flow->flow_id = next_random(state) >> 13;
    flow->opening_number = number;
    flow->notice_ns = 1700000000 * second_ns + (int64_t)(number * 300000);
    flow->last_ns = flow->notice_ns - 30 * second_ns - (int64_t)(next_random(state) % 10000);
    flow->first_ns = flow->last_ns;
    flow->ip_version = 4;
    flow->protocol = PACKET_PROTOCOL_TCP;
    flow->basis = FLOW_BASIS_SYN;
    flow->end_reason = FLOW_END_IDLE;
    flow->state = is_rich ? FLOW_STATE_CLOSED : FLOW_STATE_ATTEMPTED;
    const uint64_t address = next_random(state);
    memcpy(flow->source, &address, 4);
    memcpy(flow->destination, "\n\1\2\3", 4);
    flow->source_port = (uint16_t)next_random(state);
    flow->destination_port = 443;
    strcpy(flow->history, is_rich ? "ShADadFf" : "S");
    if (!is_rich) {
        one_packet(&flow->direction[FLOW_FORWARD], flow->first_ns);
        return;
    }
    flow->first_ns -= (int64_t)(1000000 + next_random(state) % (60 * (uint64_t)second_ns));
    flow->has_handshake_rtt = true;
    flow->handshake_rtt_ns = (int64_t)(next_random(state) % 100000000);
    flow->longest_gap_ns = (flow->last_ns - flow->first_ns) / 3;
    rich_direction(state, &flow->direction[FLOW_FORWARD], flow->first_ns, flow->last_ns - 1000);
    rich_direction(state, &flow->direction[FLOW_REVERSE], flow->first_ns + 90000, flow->last_ns);
}

/* What a flow is judged and counted by is there before the body is read. */
static void check_head(const struct flow_record *read, const struct feature_vector *features,
                       const struct flow_record *flow, const struct feature_vector *measured)
{
    ck_assert_int_eq(read->notice_ns, flow->notice_ns);
    ck_assert_mem_eq(read->source, flow->source, sizeof flow->source);
    ck_assert_mem_eq(read->destination, flow->destination, sizeof flow->destination);
    ck_assert_uint_eq(read->ip_version, flow->ip_version);
    for (unsigned side = 0; side < 2; side++) {
        ck_assert_uint_eq(read->direction[side].packets, flow->direction[side].packets);
        ck_assert_uint_eq(read->direction[side].ip_bytes, flow->direction[side].ip_bytes);
    }
    ck_assert_double_eq(features->value[FEATURE_SERVICE], measured->value[FEATURE_SERVICE]);
    ck_assert_double_eq(features->value[FEATURE_DIRECTION], measured->value[FEATURE_DIRECTION]);
}

static double pack_real_flows(bool is_rich)
{
    struct settings settings;
    settings_default(&settings);
    struct feature_engine *const engine = feature_engine_open(&settings.feature);
    ck_assert_ptr_nonnull(engine);
    static const struct behaviour_finding nothing;
    struct flow_pack writer = {0}, reader = {0};
    uint64_t state = 9, bytes = 0;
    for (uint64_t number = 1; number <= REAL_FLOWS; number++) {
        struct flow_record flow, read;
        struct feature_vector features = {.present = 0}, derived;
        struct endpoint_hashes hashes;
        struct behaviour_finding finding;
        uint8_t packed[FLOW_PACK_BYTES_MAX] = {0};
        real_flow(&state, number, is_rich, &flow);
        feature_hash_endpoints(engine, &flow, &hashes);
        feature_measure(engine, &flow, &hashes, &features);
        bytes += flow_pack_write(&writer, &flow, &features, &nothing, packed);
        memset(&read, 0, sizeof read);
        const uint8_t *const body = flow_pack_head(&reader, packed, &read, &derived, &finding);
        check_head(&read, &derived, &flow, &features);
        flow_pack_body(&reader, body, &read, &finding);
        feature_derive(engine, &read, &derived);
        flow_pack_features(&reader, &derived);
        ck_assert_mem_eq(&read, &flow, sizeof flow);
        ck_assert_mem_eq(&derived, &features, sizeof features);
    }
    feature_engine_close(engine);
    return (double)bytes / REAL_FLOWS;
}

START_TEST(what_the_record_tells_is_measured_again_and_the_rest_is_small)
{
    ck_assert_double_le(pack_real_flows(false), ONE_PACKET_BYTES);
    ck_assert_double_le(pack_real_flows(true), RICH_BYTES);
}
END_TEST

/* One packet's flow is packed in fewer steps if it is as most are: a flow that differs from that in
 * any one word must not be taken for it. */
START_TEST(one_packet_with_any_one_word_of_another_flow_comes_back)
{
    enum { WORDS = sizeof(struct flow_record) / sizeof(uint64_t), ROUNDS = 100 };
    static const struct feature_vector features;
    static const struct behaviour_finding nothing;
    struct flow_pack writer = {0}, reader = {0};
    uint64_t state = 11;
    for (unsigned i = 0; i < WORDS * ROUNDS; i++) {
        struct flow_record flow, other, read;
        struct feature_vector vector;
        struct behaviour_finding finding;
        uint8_t packed[FLOW_PACK_BYTES_MAX];
        const size_t at = i % WORDS * sizeof(uint64_t);
        real_flow(&state, i + 1, false, &flow);
        random_flow(&state, &other);
        memcpy((uint8_t *)&flow + at, (const uint8_t *)&other + at, sizeof(uint64_t));
        flow_pack_write(&writer, &flow, &features, &nothing, packed);
        memset(&read, 0, sizeof read);
        const uint8_t *const body = flow_pack_head(&reader, packed, &read, &vector, &finding);
        memset(&read.direction[FLOW_REVERSE].gap_ns.is_whole, 0xa5, 1); /* no bool: another's */
        flow_pack_body(&reader, body, &read, &finding);
        ck_assert_mem_eq(&read, &flow, sizeof flow);
        ck_assert_mem_eq(&finding, &nothing, sizeof finding);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("flow_pack");
    tcase_set_timeout(test_case, 120);
    tcase_add_test(test_case, any_flow_comes_back_bit_for_bit);
    tcase_add_test(test_case, one_packet_with_any_one_word_of_another_flow_comes_back);
    tcase_add_test(test_case, what_the_record_tells_is_measured_again_and_the_rest_is_small);
    Suite *suite = suite_create("flow_pack");
    suite_add_tcase(suite, test_case);
    return suite;
}
