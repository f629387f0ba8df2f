/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/flow_feature.h"

#include "feature/vector.h"

static const double NS_PER_US = 1e3;
static const double NS_PER_S = 1e9;
static const int64_t RATE_DURATION_MIN_NS = 1000000; /* below it a rate is mostly clock error */

static double us_of(double ns)
{
    return ns / NS_PER_US;
}

static void measure_direction(const struct flow_direction *direction, bool is_reverse,
                              struct feature_vector *vector)
{
    const double packets = (double)direction->packets;
    const double ip_bytes = (double)direction->ip_bytes;
    vector_set(vector, is_reverse ? FEATURE_PACKETS_REV : FEATURE_PACKETS_FWD, packets);
    vector_set(vector, is_reverse ? FEATURE_IP_BYTES_REV : FEATURE_IP_BYTES_FWD, ip_bytes);
    vector_set_share(vector, is_reverse ? FEATURE_MEAN_PACKET_REV : FEATURE_MEAN_PACKET_FWD,
                     direction->ip_bytes, direction->packets);
}

static void measure_rates(const struct flow_record *flow, struct feature_vector *vector)
{
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    const struct flow_direction *reverse = &flow->direction[FLOW_REVERSE];
    const uint64_t packets = forward->packets + reverse->packets;
    const int64_t duration_ns = flow->last_ns - flow->first_ns;
    if (packets < 2 || duration_ns < RATE_DURATION_MIN_NS)
        return;
    const double duration_s = (double)duration_ns / NS_PER_S;
    vector_set(vector, FEATURE_PACKET_RATE, (double)packets / duration_s);
    vector_set(vector, FEATURE_BYTE_RATE,
               (double)(forward->ip_bytes + reverse->ip_bytes) / duration_s);
}

static void measure_size(const struct flow_record *flow, struct logarithms *logarithms,
                         struct feature_vector *vector)
{
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    const struct flow_direction *reverse = &flow->direction[FLOW_REVERSE];
    vector_set(vector, FEATURE_DURATION, us_of((double)(flow->last_ns - flow->first_ns)));
    measure_direction(forward, false, vector);
    measure_direction(reverse, true, vector);
    vector_set(vector, FEATURE_BYTES_RATIO,
               logarithms_base2(logarithms,
                                ((double)forward->ip_bytes + 1) / ((double)reverse->ip_bytes + 1)));
    measure_rates(flow, vector);
    if ((flow->unknown & FLOW_UNKNOWN_PAYLOAD) == 0)
        vector_set_share(vector, FEATURE_PAYLOAD_SHARE,
                         forward->payload_bytes + reverse->payload_bytes,
                         forward->ip_bytes + reverse->ip_bytes);
}

static void measure_gaps(const struct flow_distribution *gap_ns, bool is_reverse,
                         struct feature_vector *vector)
{
    if (gap_ns->count == 0)
        return;
    vector_set(vector, is_reverse ? FEATURE_GAP_MEAN_REV : FEATURE_GAP_MEAN_FWD,
               us_of(gap_ns->mean));
    if (!gap_ns->is_whole)
        return;
    vector_set(vector, is_reverse ? FEATURE_GAP_MIN_REV : FEATURE_GAP_MIN_FWD,
               us_of((double)gap_ns->min));
    vector_set(vector, is_reverse ? FEATURE_GAP_MAX_REV : FEATURE_GAP_MAX_FWD,
               us_of((double)gap_ns->max));
    if (gap_ns->count > 1)
        vector_set(vector, is_reverse ? FEATURE_GAP_DEVIATION_REV : FEATURE_GAP_DEVIATION_FWD,
                   us_of(gap_ns->deviation));
}

static void measure_timing(const struct flow_record *flow, struct feature_vector *vector)
{
    measure_gaps(&flow->direction[FLOW_FORWARD].gap_ns, false, vector);
    measure_gaps(&flow->direction[FLOW_REVERSE].gap_ns, true, vector);
    if (flow->direction[FLOW_FORWARD].packets + flow->direction[FLOW_REVERSE].packets > 1 &&
        flow->longest_gap_ns >= 0)
        vector_set(vector, FEATURE_LONGEST_GAP, us_of((double)flow->longest_gap_ns));
    if (flow->has_handshake_rtt)
        vector_set(vector, FEATURE_HANDSHAKE_RTT, us_of((double)flow->handshake_rtt_ns));
}

void flow_feature_measure(const struct flow_record *flow, struct logarithms *logarithms,
                          struct feature_vector *vector)
{
    measure_size(flow, logarithms, vector);
    measure_timing(flow, vector);
}
