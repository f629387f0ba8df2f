/* SPDX-License-Identifier: Apache-2.0 */
/* A kept flow as few bytes and back, without loss: its record, its features and its finding, which
 * are 1.4 kB as they lie in memory; a one-packet flow of a flood takes some 70 bytes, a rich one
 * some 250. Called by the engine when a capture's flows wait for the second pass; one thread.
 *
 * Each field is written as its difference from what it is most likely to be: from the same field of
 * the flow before (ports, addresses, protocol, features), or from others of its own (a direction's
 * times from the flow's, frame bytes from packets). What is as expected costs one bit. Features
 * that the record alone tells (flow_pack_is_derived) are not written: whoever unpacks measures them
 * again. Since flows are told by the one before, they are unpacked in the order in which they were
 * packed: all their heads, which hold what is counted of every flow and what decides whether more
 * of it is wanted, and with them their features, of which two of a flood's 26 change. The body,
 * whose values depend on no other flow, only if asked for: of a flood's flows one in thousands is
 * written about.
 *
 * Rejected: a general compressor, which does not know which field tells which, and storing only the
 * words that differ from the flow before (a double that differs at all takes its 8 bytes). */
#ifndef WHYFLOW_ANOMALY_FLOW_PACK_H
#define WHYFLOW_ANOMALY_FLOW_PACK_H

#include "whyflow/behaviour.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

/* No packed flow is longer, and nothing beyond is read: 9 bytes for each of 170 fields and what
 * says which are there. */
enum { FLOW_PACK_BYTES_MAX = 2048 };

/* What of a flow is packed together. */
enum flow_pack_group { FLOW_PACK_HEAD, FLOW_PACK_FEATURES, FLOW_PACK_BODY, FLOW_PACK_GROUPS };

/* What the next flow is told by. All 0 before the first, packing and unpacking. */
struct flow_pack {
    uint64_t maps[FLOW_PACK_GROUPS]; /* which fields were not as expected */
    int64_t notice_ns, wait_ns;
    uint64_t opening_number, epoch, kind, ends, ports, outside, ttl[2];
    uint64_t source[2], destination[2];
    struct behaviour_finding finding;
    struct feature_vector features; /* all but those that are derived */
};

/* Features that are left out: the record alone tells them. Sizes, times, and the categories made of
 * service, state and size. */
static inline bool flow_pack_is_derived(unsigned feature)
{
    return feature < FEATURE_SRC_FLOWS_WINDOW ||
           (feature >= FEATURE_PROTOCOL && feature <= FEATURE_SERVICE_SIZE);
}

/* Writes the flow into `bytes` of FLOW_PACK_BYTES_MAX; how many it took. */
uint32_t flow_pack_write(struct flow_pack *pack, const struct flow_record *flow,
                         const struct feature_vector *features,
                         const struct behaviour_finding *finding, uint8_t *bytes);

/* Reads the head from `bytes`, which must be readable for FLOW_PACK_BYTES_MAX. Of the flow: its
 * times, ends, protocol and state, and packets, IP bytes, TTL and TCP flags of its directions; of
 * the features the values of service and direction, of the finding the behaviour. Nothing else is
 * touched, padding neither. Where the body is is returned. */
const uint8_t *flow_pack_head(struct flow_pack *pack, const uint8_t *bytes,
                              struct flow_record *flow, struct feature_vector *features,
                              struct behaviour_finding *finding);

/* Completes the flow whose head was read last, and its finding. */
void flow_pack_body(const struct flow_pack *pack, const uint8_t *bytes, struct flow_record *flow,
                    struct behaviour_finding *finding);

/* Completes a vector of that flow that holds the derived features. */
void flow_pack_features(const struct flow_pack *pack, struct feature_vector *features);

#endif
