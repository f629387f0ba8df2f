/* SPDX-License-Identifier: Apache-2.0 */
/* What makes flagged flows one story: who, in which direction, which service, and why. Pure; any
 * thread. A plain value without padding, compared and hashed as bytes.
 *
 * Usually `address` is the flow's source and `service` the flow's. Two kinds of cause say something
 * else, and a key that did not heed it would make a thousand stories of one:
 * - a count over flows to many services (a scan, a source's flows in the window): the service of
 *   the one flow says nothing and is 0;
 * - a count over flows from many sources (a flood, a destination's flows in the window): `address`
 *   is the destination.
 * Features that count the same over two times (..._window, ..._10m) are the same cause. And of a
 * source that fans out over ports, whatever feature leads in one flow, that is the story: without
 * this a scan of 1,000 ports was 50 incidents, each led by how rare its service is. */
#ifndef WHYFLOW_INCIDENT_INCIDENT_KEY_H
#define WHYFLOW_INCIDENT_INCIDENT_KEY_H

#include "whyflow/record.h"

#include <stdint.h>

struct incident_key {
    uint8_t address[16];
    uint32_t service; /* value of FEATURE_SERVICE; 0: any */
    uint8_t ip_version;
    uint8_t direction; /* value of FEATURE_DIRECTION */
    uint8_t flagged_by;
    uint8_t cause; /* enum feature_id, or enum behaviour_id */
};

_Static_assert(sizeof(struct incident_key) == 24, "a key has no padding");

/* Distinct ports in ten minutes from which on a source fans out: to one host, and to all. Hosts of
 * one role (a domain controller, a mail server) are met at four. */
enum { INCIDENT_PAIR_PORTS_LEAST = 5, INCIDENT_SOURCE_PORTS_LEAST = 16 };

/* The feature with the largest contribution; of equals the one first in the list. */
enum feature_id incident_leading_feature(const struct verdict *verdict);

/* The key of a scored flow that is flagged for this cause; for a behaviour, its finding's. */
struct incident_key incident_key_of(const struct record_flow_part *part,
                                    enum flagged_by flagged_by);

/* The same of a finding alone, from what its flow is counted by: for flows that are not scored
 * yet. */
struct incident_key incident_key_of_finding(const struct flow_record *flow,
                                            const struct feature_vector *features,
                                            const struct behaviour_finding *finding);

#endif
