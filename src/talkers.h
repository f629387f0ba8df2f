/* SPDX-License-Identifier: Apache-2.0 */
/* The sources with most of something: bytes, or flows. Called by the engine, whose thread owns a
 * struct talkers; all memory is in it.
 *
 * Space-saving (Metwally, Agrawal and El Abbadi 2005): TALKERS_KEPT sources are counted, and one
 * that is not among them takes the place of the least, with its weight. A source with more than
 * 1 / TALKERS_KEPT of the whole is always there. What is told of a source was counted since it came
 * in: exact, where it came into a free place, else at least so much. An exact table of all sources
 * was rejected, since it has a limit too and a scan fills it.
 *
 * In a flood of sources every flow looks for one that is not there and displaces the least: of
 * equals the one in the first place. A chained index finds, a tournament (Knuth 5.4.1) has the
 * least at its root: 25 ns instead of 100 with two scans. What plays is a weight with its place
 * below it in one number, so that a game is a comparison and no place is looked up. Weights only
 * rise, so the tournament may lag behind: a root that is what its place weighs now is the least of
 * all, and only one that is not plays again. So a source that has a place costs no game. */
#ifndef WHYFLOW_TALKERS_H
#define WHYFLOW_TALKERS_H

#include "whyflow/flow_record.h"
#include "whyflow/statistics.h"

#include <stdint.h>

enum { TALKERS_KEPT = STATISTICS_TALKERS_KEPT };

enum { TALKERS_BUCKETS = 2 * TALKERS_KEPT };

/* A weight and its place in one number. Weights stop at 2^58 - 1, beyond any capture's bytes. */
#define TALKERS_WEIGHT_MAX (UINT64_MAX / TALKERS_KEPT)

/* All zero is an empty one. */
struct talkers {
    uint32_t count;
    uint64_t replaced;
    uint32_t marks[TALKERS_KEPT];     /* of the addresses: the index goes by them */
    uint8_t first[TALKERS_BUCKETS];   /* 1 + the first place of a chain; 0: none */
    uint8_t next[TALKERS_KEPT];       /* likewise, the next one */
    uint64_t weights[TALKERS_KEPT];   /* counted, and what was inherited: weight * TALKERS_KEPT +
                                       * place */
    uint64_t least[2 * TALKERS_KEPT]; /* once no place is free. Node 1 is the root, node i's
                                       * children are 2 i and 2 i + 1, the last half places: their
                                       * weights as they played last; others the least below */
    struct statistics_talker told[TALKERS_KEPT];
};

static inline uint64_t talkers_weight(const struct talkers *talkers, uint32_t place)
{
    return talkers->weights[place] / TALKERS_KEPT;
}

/* Counts a flow for its source; weight is what decides who is on top: its bytes, or 1. */
void talkers_count(struct talkers *talkers, const struct flow_record *flow, uint64_t ip_bytes,
                   uint64_t weight);

enum talkers_order { TALKERS_BY_IP_BYTES, TALKERS_BY_FLOWS };

/* The first STATISTICS_TALKERS_MAX by what was counted, of equals the lesser address; how many. */
uint32_t talkers_top(const struct talkers *talkers, enum talkers_order order,
                     struct statistics_talker top[STATISTICS_TALKERS_MAX]);

#endif
