/* SPDX-License-Identifier: Apache-2.0 */
/* The sources with most of something: bytes, or flows. Called by the engine, whose thread owns a
 * struct talkers; all memory is in it.
 *
 * Space-saving (Metwally, Agrawal and El Abbadi 2005): TALKERS_KEPT sources are counted, and one
 * that is not among them takes the place of the least, with its weight. A source with more than
 * 1 / TALKERS_KEPT of the whole is always there. What is told of a source was counted since it came
 * in: exact, where it came into a free place, else at least so much. An exact table of all sources
 * was rejected, since it has a limit too and a scan fills it. */
#ifndef WHYFLOW_TALKERS_H
#define WHYFLOW_TALKERS_H

#include "whyflow/flow_record.h"
#include "whyflow/statistics.h"

#include <stdint.h>

enum { TALKERS_KEPT = STATISTICS_TALKERS_KEPT };

struct talkers {
    uint32_t count;
    uint64_t replaced;
    uint32_t marks[TALKERS_KEPT];   /* of the addresses, so that most need no look; 0: free */
    uint64_t weights[TALKERS_KEPT]; /* counted, and what was inherited */
    struct statistics_talker told[TALKERS_KEPT];
};

/* Counts a flow for its source; weight is what decides who is on top: its bytes, or 1. */
void talkers_count(struct talkers *talkers, const struct flow_record *flow, uint64_t ip_bytes,
                   uint64_t weight);

enum talkers_order { TALKERS_BY_IP_BYTES, TALKERS_BY_FLOWS };

/* The first STATISTICS_TALKERS_MAX by what was counted, of equals the lesser address; how many. */
uint32_t talkers_top(const struct talkers *talkers, enum talkers_order order,
                     struct statistics_talker top[STATISTICS_TALKERS_MAX]);

#endif
