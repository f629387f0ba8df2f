/* SPDX-License-Identifier: Apache-2.0 */
/* From a scored flow to its columns, caveats and reasons; the words are prose.c's. Called by the
 * pipeline on the engine's thread; no state. */
#include "explain/explain.h"

#include "explain/prose.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_SIZE = 32 };

static const double NS_PER_MS = 1e6;

static struct record_observed observe(const struct flow_record *flow,
                                      const struct feature_vector *features)
{
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    struct record_observed observed = {
        .src_protocol_entropy = features->value[FEATURE_SRC_PROTOCOL_ENTROPY],
        .dst_flows_in_window = (uint64_t)features->value[FEATURE_DST_FLOWS_WINDOW],
        .src_packets_sum = features->src_packets_window,
        .src_flows_in_window = (uint64_t)features->value[FEATURE_SRC_FLOWS_WINDOW],
        .src_syn_flows = features->src_syn_flows_window,
        .has_mean_packet_bytes = forward->packets > 0,
        .has_inter_arrival = forward->gap_ns.count > 0,
    };
    if (observed.has_mean_packet_bytes)
        observed.mean_packet_bytes = (double)forward->ip_bytes / (double)forward->packets;
    if (observed.has_inter_arrival)
        observed.inter_arrival_ms = forward->gap_ns.mean / NS_PER_MS;
    return observed;
}

/* Fragments that came in order, with their first, are counted in full and no caveat. */
static bool has_broken_fragments(const struct flow_record *flow)
{
    return flow->fragments_overlapping > 0 || flow->fragments_first_missing > 0;
}

static uint32_t flow_caveats(const struct flow_record *flow)
{
    const bool is_one_sided =
        flow->direction[FLOW_FORWARD].packets == 0 || flow->direction[FLOW_REVERSE].packets == 0;
    const struct {
        bool holds;
        uint32_t caveat;
    } caveats[] = {
        {is_one_sided, RECORD_CAVEAT_ONE_DIRECTION_ONLY},
        {flow->state == FLOW_STATE_MIDSTREAM, RECORD_CAVEAT_MIDSTREAM},
        {flow->slice > 0 || flow->end_reason == FLOW_END_ACTIVE, RECORD_CAVEAT_SLICE},
        {(flow->marks & FLOW_MARK_CUT_PACKETS) != 0, RECORD_CAVEAT_TRUNCATED},
        {(flow->marks & FLOW_MARK_KERNEL_DROPS) != 0, RECORD_CAVEAT_KERNEL_DROPS},
        {(flow->marks & FLOW_MARK_COARSE_TIME) != 0, RECORD_CAVEAT_COARSE_TIMESTAMPS},
        {flow->end_reason == FLOW_END_CLOCK_STEP, RECORD_CAVEAT_CLOCK_STEP},
        {(flow->marks & FLOW_MARK_LATE_PACKETS) != 0, RECORD_CAVEAT_LATE_PACKETS},
        {has_broken_fragments(flow), RECORD_CAVEAT_FRAGMENTS},
        {(flow->marks & FLOW_MARK_DUPLICATES) != 0, RECORD_CAVEAT_DUPLICATES},
        {flow->end_reason == FLOW_END_RESOURCES, RECORD_CAVEAT_EVICTED},
    };
    uint32_t found = 0;
    for (size_t i = 0; i < sizeof caveats / sizeof caveats[0]; i++)
        found |= caveats[i].holds ? caveats[i].caveat : 0;
    return found;
}

void explain_flow(struct record_flow_part *part, uint64_t compared_flows)
{
    part->observed = observe(&part->flow, &part->features);
    part->caveats = flow_caveats(&part->flow);
    if (part->verdict.is_cold)
        part->caveats |= RECORD_CAVEAT_COLD_BASELINE;
    if (compared_flows < EXPLAIN_FEW_FLOWS)
        part->caveats |= RECORD_CAVEAT_FEW_FLOWS;
    if (part->features.is_window_cut)
        part->caveats |= RECORD_CAVEAT_WINDOW_CUT;
}

/* Puts `id` into the `count` ids sorted by descending contribution, of which at most the first
 * RECORD_REASONS_MAX are kept. Returns the new count. */
static unsigned insert_by_contribution(uint8_t ids[RECORD_REASONS_MAX], unsigned count,
                                       const int32_t *contribution_mbits, uint8_t id)
{
    unsigned place = count;
    while (place > 0 && contribution_mbits[ids[place - 1]] < contribution_mbits[id])
        place--;
    if (place == RECORD_REASONS_MAX)
        return count;
    const unsigned kept = count < RECORD_REASONS_MAX ? count : RECORD_REASONS_MAX - 1;
    memmove(ids + place + 1, ids + place, kept - place);
    ids[place] = id;
    return kept + 1;
}

unsigned explain_choose(const struct verdict *verdict, uint8_t features[RECORD_REASONS_MAX])
{
    unsigned count = 0;
    for (uint8_t id = 0; id < FEATURE_COUNT; id++) {
        if (verdict->contribution_mbits[id] > 0)
            count = insert_by_contribution(features, count, verdict->contribution_mbits, id);
    }
    return count;
}

static int64_t sum_of_positive(const struct verdict *verdict)
{
    int64_t sum_mbits = 0;
    for (int id = 0; id < FEATURE_COUNT; id++)
        sum_mbits += verdict->contribution_mbits[id] > 0 ? verdict->contribution_mbits[id] : 0;
    return sum_mbits;
}

/* Evidence is known to 1/512 of a feature's range: more than four digits would only be noise, and
 * bytes of a line that has none to spare. */
static double four_digits(double number)
{
    char digits[DIGITS_SIZE];
    (void)snprintf(digits, sizeof digits, "%.4g", number);
    return strtod(digits, NULL);
}

static struct evidence with_four_digits(struct evidence evidence)
{
    evidence.median = four_digits(evidence.median);
    evidence.p05 = four_digits(evidence.p05);
    evidence.p95 = four_digits(evidence.p95);
    evidence.share = four_digits(evidence.share);
    return evidence;
}

/* Scored high as they may be, categories that so many share are no news, and nothing is where there
 * is nothing to compare with. */
#define COMMON_SHARE 0.1

static bool is_reason(const struct evidence *evidence, const struct baseline_summary *baseline)
{
    const bool is_common = evidence->direction == EVIDENCE_RARE && evidence->share > COMMON_SHARE;
    return baseline->flows > 0 && !is_common;
}

static void fill_reasons(const struct verdict *verdict, const struct evidence evidences[],
                         const uint8_t features[], unsigned count, struct explanation *out)
{
    const int64_t positive_mbits = sum_of_positive(verdict);
    for (unsigned i = 0; i < count; i++) {
        const int32_t contribution_mbits = verdict->contribution_mbits[features[i]];
        assert(contribution_mbits > 0);
        if (!is_reason(&evidences[i], &out->baseline))
            continue;
        out->reasons[out->reason_count++] = (struct record_reason){
            .feature = features[i],
            .contribution_mbits = contribution_mbits,
            .share = (double)contribution_mbits / (double)positive_mbits,
            .evidence = with_four_digits(evidences[i]),
        };
    }
}

/* The same features by what they would weigh alone: unweighted bits, of equals the earlier. */
static void fill_informative(struct explanation *out)
{
    int32_t bits_mbits[RECORD_REASONS_MAX];
    out->informative_count = out->reason_count;
    for (uint32_t i = 0; i < out->reason_count; i++) {
        const struct record_reason *reason = &out->reasons[i];
        uint32_t place = i;
        for (; place > 0 && bits_mbits[place - 1] < reason->evidence.bits_mbits; place--) {
            bits_mbits[place] = bits_mbits[place - 1];
            out->informative[place] = out->informative[place - 1];
        }
        bits_mbits[place] = reason->evidence.bits_mbits;
        out->informative[place] = reason->feature;
    }
}

/* Ordinary alone, unusual together. */
enum { ALONE_MBITS_MAX = 4000, TOGETHER_MBITS_MIN = 7000 };

bool explain_may_combine(const struct feature_vector *vector, enum feature_id id)
{
    const bool names_service = id == FEATURE_PROTOCOL || id == FEATURE_SERVICE ||
                               id == FEATURE_SERVICE_STATE || id == FEATURE_SERVICE_SIZE;
    return !names_service && feature_is_present(vector, id);
}

void explain_combine(enum feature_id id, const struct explain_beside *beside,
                     struct record_combination *found)
{
    if (beside->service_mbits > ALONE_MBITS_MAX || beside->value_mbits > ALONE_MBITS_MAX ||
        beside->together_mbits < TOGETHER_MBITS_MIN)
        return;
    if (found->is_there && found->together_mbits >= beside->together_mbits)
        return;
    *found = (struct record_combination){
        .is_there = true,
        .feature = (uint8_t)id,
        .service_mbits = beside->service_mbits,
        .value_mbits = beside->value_mbits,
        .together_mbits = beside->together_mbits,
        .service_flows = beside->service_flows,
    };
}

void explain_alert(const struct record_flow_part *part, const struct explain_basis *basis,
                   struct explanation *out)
{
    assert(basis->count <= RECORD_REASONS_MAX);
    assert(part->verdict.p_value > 0);
    memset(out, 0, sizeof *out);
    out->baseline = *basis->baseline;
    out->rank = (uint64_t)llround(1.0 / part->verdict.p_value);
    out->settings_hash = basis->settings_hash;
    out->stands_out = basis->stands_out;
    out->combination = *basis->combination;
    out->counterfactual = *basis->counterfactual;
    fill_reasons(&part->verdict, basis->evidences, basis->features, basis->count, out);
    fill_informative(out);
    prose_write(part, out);
}
