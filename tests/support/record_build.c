/* SPDX-License-Identifier: Apache-2.0 */
/* Builds records for tests. */
#include "tests/support/record_build.h"

#include "explain/explain.h"
#include "whyflow/feature.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_US = 1000;
static const int64_t SAMPLE_FIRST_NS = 1570002785001207000; /* 2019-10-02 07:53:05.001207 */

static void set_feature(struct feature_vector *vector, enum feature_id id, double value)
{
    vector->present |= UINT64_C(1) << id;
    vector->value[id] = value;
}

static struct flow_distribution distribution(uint64_t count, double min, double max, double mean)
{
    return (struct flow_distribution){
        .count = count,
        .min = (int64_t)min,
        .max = (int64_t)max,
        .mean = mean,
        .deviation = mean / 3,
        .is_whole = true,
    };
}

static void build_sample_flow(struct flow_record *flow)
{
    *flow = (struct flow_record){
        .flow_id = 3947329,
        .opening_number = 3947329,
        .first_ns = SAMPLE_FIRST_NS,
        .last_ns = SAMPLE_FIRST_NS + 64530000 * NS_PER_US,
        .notice_ns = SAMPLE_FIRST_NS + 94530000 * NS_PER_US,
        .source_port = 51413,
        .destination_port = 29862,
        .ip_version = 4,
        .protocol = PACKET_PROTOCOL_UDP,
        .basis = FLOW_BASIS_ONLY_SIDE,
        .end_reason = FLOW_END_IDLE,
        .state = FLOW_STATE_ONE_WAY,
        .longest_gap_ns = 812345678,
        .history = "D",
    };
    (void)inet_pton(AF_INET, "74.81.88.82", flow->source);
    (void)inet_pton(AF_INET, "158.129.80.19", flow->destination);
    flow->direction[FLOW_FORWARD] = (struct flow_direction){
        .packets = 2044,
        .frame_bytes = 2846078,
        .ip_bytes = 2817462,
        .payload_bytes = 2760230,
        .first_ns = flow->first_ns,
        .last_ns = flow->last_ns,
        .packet_bytes = distribution(2044, 48, 1438, 2817462.0 / 2044),
        .gap_ns = distribution(2043, 11000, 812345678, 64530000000.0 / 2043),
        .ttl_min = 54,
        .ttl_max = 54,
    };
}

static void build_sample_features(const struct flow_record *flow, struct feature_vector *vector)
{
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    *vector = (struct feature_vector){
        .src_packets_window = 2044,
        .pair_flows_60s = 1,
    };
    set_feature(vector, FEATURE_DURATION, 64530000);
    set_feature(vector, FEATURE_PACKETS_FWD, 2044);
    set_feature(vector, FEATURE_PACKETS_REV, 0);
    set_feature(vector, FEATURE_IP_BYTES_FWD, 2817462);
    set_feature(vector, FEATURE_IP_BYTES_REV, 0);
    set_feature(vector, FEATURE_MEAN_PACKET_FWD, 2817462.0 / 2044);
    set_feature(vector, FEATURE_BYTES_RATIO, log2(2817463.0));
    set_feature(vector, FEATURE_PACKET_RATE, 2044 / 64.53);
    set_feature(vector, FEATURE_BYTE_RATE, 2817462 / 64.53);
    set_feature(vector, FEATURE_GAP_MEAN_FWD, forward->gap_ns.mean / 1e3);
    set_feature(vector, FEATURE_SRC_FLOWS_WINDOW, 1);
    set_feature(vector, FEATURE_SRC_PEERS_WINDOW, 1);
    set_feature(vector, FEATURE_SRC_PROTOCOL_ENTROPY, 0);
    set_feature(vector, FEATURE_DST_FLOWS_WINDOW, 15);
    set_feature(vector, FEATURE_DST_SOURCES_WINDOW, 15);
    set_feature(vector, FEATURE_SRC_FLOWS_10M, 1);
    set_feature(vector, FEATURE_PROTOCOL, 17);
    set_feature(vector, FEATURE_SRC_KNOWS_DST, FEATURE_ACQUAINTANCE_NEW);
    set_feature(vector, FEATURE_DIRECTION, FEATURE_DIRECTION_OUT_OUT);
}

static void add_up(struct verdict *verdict)
{
    verdict->score_mbits = verdict->typical_mbits;
    for (int id = 0; id < FEATURE_COUNT; id++)
        verdict->score_mbits += verdict->contribution_mbits[id];
}

static void build_sample_verdict(struct verdict *verdict)
{
    *verdict = (struct verdict){
        .typical_mbits = 21004,
        .threshold_mbits = 30000,
        .p_value = 3.0 / 12346,
        .compared = 12346,
        .has_threshold = true,
        .is_flagged = true,
    };
    verdict->contribution_mbits[FEATURE_IP_BYTES_FWD] = 5127;
    verdict->contribution_mbits[FEATURE_PACKETS_FWD] = 4003;
    verdict->contribution_mbits[FEATURE_DIRECTION] = 9871;
    verdict->contribution_mbits[FEATURE_SRC_FLOWS_WINDOW] = 3500;
    verdict->contribution_mbits[FEATURE_SRC_FLOWS_10M] = 3500;
    verdict->contribution_mbits[FEATURE_MEAN_PACKET_FWD] = 2;
    verdict->contribution_mbits[FEATURE_HANDSHAKE_RTT] = -1201;
    verdict->contribution_mbits[FEATURE_PROTOCOL] = -7;
}

void record_build_explain(struct record *record, uint64_t compared_flows, bool stands_out)
{
    struct record_flow_part *part = &record->as.flow.part;
    struct evidence evidences[RECORD_REASONS_MAX];
    uint8_t features[RECORD_REASONS_MAX];
    const struct baseline_summary baseline = {
        .flows = compared_flows,
        .since_ns = part->flow.first_ns - 600 * 1000000 * NS_PER_US,
        .effective_flows = (double)compared_flows,
        .is_whole_capture = true,
    };
    add_up(&part->verdict);
    explain_flow(part, compared_flows);
    const unsigned count = explain_choose(&part->verdict, features);
    for (unsigned i = 0; i < count; i++) {
        const bool is_category = feature_infos[features[i]].scale == FEATURE_SCALE_CATEGORY;
        evidences[i] = (struct evidence){
            .median = 309.2544567 + i,
            .p05 = 44.25483399593904,
            .p95 = 23169.47500824,
            .count = compared_flows,
            .share = 0.00213 / (i + 1),
            .bits_mbits = (int32_t)(4000 + 100 * i),
            .direction = is_category ? EVIDENCE_RARE : EVIDENCE_HIGH,
            .has_quantiles = !is_category,
        };
    }
    record->kind = RECORD_ALERT;
    record->timestamp_ns = part->flow.notice_ns;
    const struct record_combination combination = {
        .is_there = true,
        .feature = FEATURE_DURATION,
        .service_mbits = 3121,
        .value_mbits = 2432,
        .together_mbits = 8765,
        .service_flows = 6543,
    };
    const struct record_counterfactual counterfactual = {
        .kind = RECORD_COUNTERFACTUAL_FOUND,
        .change_count = 1,
        .changes = {{.feature = FEATURE_IP_BYTES_FWD,
                     .has_from = true,
                     .from = part->features.value[FEATURE_IP_BYTES_FWD],
                     .to = 309.3}},
        .moved = UINT64_C(1) << FEATURE_PACKETS_FWD | UINT64_C(1) << FEATURE_BYTE_RATE,
        .score_mbits = part->verdict.threshold_mbits - 1234,
        .threshold_mbits = part->verdict.threshold_mbits,
    };
    const struct explain_basis basis = {
        .baseline = &baseline,
        .features = features,
        .evidences = evidences,
        .count = count,
        .combination = &combination,
        .counterfactual = &counterfactual,
        .settings_hash = 0x0123456789abcdef,
        .stands_out = stands_out,
    };
    explain_alert(part, &basis, &record->as.flow.explanation);
}

void record_build_sample(struct record *record)
{
    struct record_flow_part *part = &record->as.flow.part;
    memset(record, 0, sizeof *record);
    build_sample_flow(&part->flow);
    build_sample_features(&part->flow, &part->features);
    build_sample_verdict(&part->verdict);
    record_build_explain(record, 12345, true);
}

static void build_longest_direction(struct flow_direction *direction)
{
    direction->packets = UINT64_MAX / 3;
    direction->frame_bytes = UINT64_MAX / 3;
    direction->ip_bytes = UINT64_MAX / 3;
    direction->payload_bytes = UINT64_MAX / 3;
    direction->first_ns = INT64_C(4600000000123456789);
    direction->last_ns = INT64_C(4600000000123456789);
    direction->packet_bytes = distribution(UINT64_MAX / 3, 40, 65535, 1111.1111111111111);
    direction->gap_ns = distribution(UINT64_MAX / 3, 1000000000001, 9e18, 1.2345678901234567e17);
    direction->ttl_min = 255;
    direction->ttl_max = 255;
    direction->tcp_flags = 0xff;
    direction->duplicates = UINT64_MAX / 3;
    direction->retransmitted = UINT32_MAX;
    direction->out_of_order = UINT32_MAX;
    direction->zero_windows = UINT32_MAX;
}

static void build_longest_tunnel(struct flow_record *flow)
{
    flow->tunnel_count = PACKET_TUNNELS_MAX;
    memset(flow->tunnels, PACKET_TUNNEL_PSEUDOWIRE, sizeof flow->tunnels);
    flow->outer_ip_version = 6;
    memset(flow->outer_source, 0xfe, sizeof flow->outer_source);
    memset(flow->outer_destination, 0xfb, sizeof flow->outer_destination);
}

void record_build_longest(struct record *record)
{
    struct record_flow_part *part = &record->as.flow.part;
    struct flow_record *flow = &part->flow;
    record_build_sample(record);
    memset(flow->source, 0xfd, sizeof flow->source);
    memset(flow->destination, 0xfc, sizeof flow->destination);
    flow->ip_version = 6;
    flow->protocol = PACKET_PROTOCOL_TCP;
    flow->flow_id = (UINT64_C(1) << 51) - 1;
    flow->opening_number = INT64_MAX;
    flow->epoch = UINT32_MAX;
    flow->slice = UINT32_MAX;
    flow->first_ns = INT64_C(1000000000123456789);
    flow->last_ns = INT64_C(4600000000123456789);
    flow->notice_ns = flow->last_ns;
    flow->longest_gap_ns = INT64_C(1000000000123456789);
    flow->handshake_rtt_ns = INT64_C(1000000000123456789);
    flow->has_handshake_rtt = true;
    flow->source_port = 65535;
    flow->destination_port = 62078;
    flow->basis = FLOW_BASIS_ONLY_SIDE;
    flow->state = FLOW_STATE_ESTABLISHED;
    flow->end_reason = FLOW_END_RESOURCES;
    flow->one_way_key = true;
    part->finding = (struct behaviour_finding){
        .behaviour = BEHAVIOUR_PERIODIC_CONTACT,
        .evidence_count = BEHAVIOUR_EVIDENCE_MAX,
        .since_ns = flow->first_ns,
    };
    for (unsigned i = 0; i < BEHAVIOUR_EVIDENCE_MAX; i++)
        part->finding.evidence[i] = (struct behaviour_evidence){
            .quantity = (uint8_t)(behaviour_quantity_count() - 1 - i),
            .value = 123456789.123, /* limits are the table's: short */
            .limit = 20000,
        };
    flow->marks = 0x3f;
    build_longest_tunnel(flow);
    flow->fragments = UINT32_MAX;
    flow->fragments_overlapping = UINT32_MAX;
    flow->fragments_first_missing = UINT32_MAX;
    flow->vlan_count = PACKET_VLAN_MAX;
    for (int i = 0; i < PACKET_VLAN_MAX; i++)
        flow->vlan[i] = 4095;
    memset(flow->history, 'a', sizeof flow->history - 1);
    flow->history[sizeof flow->history - 1] = '\0';
    build_longest_direction(&flow->direction[FLOW_FORWARD]);
    build_longest_direction(&flow->direction[FLOW_REVERSE]);
    for (int id = 0; id < FEATURE_COUNT; id++) {
        const bool is_category = feature_infos[id].scale == FEATURE_SCALE_CATEGORY;
        if (!is_category)
            set_feature(&part->features, (enum feature_id)id, 12345678901.234567 / 3);
        part->verdict.contribution_mbits[id] = 12345678 - id;
    }
    part->features.is_window_cut = true;
    part->verdict.is_cold = true;
    record_build_explain(record, UINT64_MAX / 3, true);
    part->caveats = (UINT32_C(1) << RECORD_CAVEAT_COUNT) - 1;
}

void record_build_statistics(struct record *record)
{
    memset(record, 0, sizeof *record);
    record->kind = RECORD_STATISTICS;
    record->timestamp_ns = SAMPLE_FIRST_NS;
    struct statistics *statistics = &record->as.statistics;
    *statistics = (struct statistics){
        .start_ns = SAMPLE_FIRST_NS - 60 * 1000000 * NS_PER_US,
        .now_ns = SAMPLE_FIRST_NS,
        .is_final = true,
        .has_time = true,
        .capture = {.received = 1002, .read = 1002, .read_bytes = 700123},
        .packets = {.in_flows = 1000,
                    .ip_bytes_in_flows = 600001,
                    .ipv4 = 900,
                    .ipv6 = 100,
                    .tcp = 700,
                    .udp = 290,
                    .icmp = 10},
        .flows =
            {.opened = 42, .handed_over = 42, .opened_tcp = 30, .opened_udp = 11, .opened_icmp = 1},
        .engine = {.scored = 42,
                   .services_evicted = 3,
                   .flagged = 1,
                   .learnt = 42,
                   .flows_written = 42,
                   .packets_written = 1000,
                   .ip_bytes_written = 600001,
                   .budget = 1,
                   .p_floor = 1.0 / 42,
                   .reason_count = 1,
                   .reasons = {{FLAGGED_BY_SURPRISE, FEATURE_DIRECTION, 1}},
                   .top_by_bytes_count = 2,
                   .top_by_bytes = {{.address = {10, 0, 0, 1},
                                     .ip_version = 4,
                                     .flows = 41,
                                     .ip_bytes = 500000},
                                    {.address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
                                     .ip_version = 6,
                                     .flows = 1,
                                     .ip_bytes = 100001,
                                     .is_least = true}},
                   .top_by_flows_count = 1,
                   .top_by_flows = {{.address = {10, 0, 0, 1},
                                     .ip_version = 4,
                                     .flows = 41,
                                     .ip_bytes = 500000}}},
        .records = {.made = 1, .written = 1},
    };
    statistics->packets.refused[PACKET_REFUSED_NOT_IP] = 2;
    statistics->flows.ended[FLOW_END_FORCED] = 42;
}
