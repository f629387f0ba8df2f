/* SPDX-License-Identifier: Apache-2.0 */
/* The ranking of a capture's flows by score (capture mode): which share is flagged, what p-value a
 * score has, and whether anything stands out at all. First every score is added, then the ranking
 * is closed for adding, then flows are judged in hand-over order. Called by whoever runs the two
 * passes over the kept flows; one thread.
 *
 * It is a count for each milli-bit up to the highest score there can be: exact, O(1) a flow, 16 MiB
 * however many flows (of which only the pages below the highest score are ever touched). Rejected:
 * a copy of all scores (4 bytes a flow without bound) and quickselect (no p-values). */
#ifndef WHYFLOW_ANOMALY_RANKING_H
#define WHYFLOW_ANOMALY_RANKING_H

#include "whyflow/verdict.h"

#include <stdbool.h>
#include <stdint.h>

/* Scores are below 2^21 milli-bits: 52 features weigh 46 together at most, times 45 bits, which
 * takes 10^11 flows of one kind to reach. Beyond it scores would tie. */
enum { RANKING_SCORE_COUNT = 1 << 21 };

struct ranking;

/* can_mute: some flows will be muted, which takes as much memory again. NULL: no memory. */
struct ranking *ranking_open(bool can_mute);
void ranking_close(struct ranking *ranking); /* NULL is allowed */

/* A muted flow counts among the others, for their p-values, but takes no place of the flagged. */
void ranking_add(struct ranking *ranking, int32_t score_mbits, bool is_muted);

/* How many of `count` flows a share of (0, 1] allows to flag: ceil(share * count), at least one if
 * there is one. A product that misses a whole number by rounding alone (0.07 * 100 =
 * 7.000000000000001) is that number. */
uint64_t ranking_allowed(double share, uint64_t count);

/* All scores are in: of N flows the ranking_allowed(share, N) highest that are not muted are
 * flagged. */
void ranking_finish(struct ranking *ranking, double share);

/* After ranking_finish, once for each flow in hand-over order: fills p_value, compared, threshold
 * and is_flagged from score_mbits. Flows that tie at the threshold are flagged, earlier ones first,
 * as far as the number goes. A muted flow's is_flagged says that it would be. */
void ranking_judge(struct ranking *ranking, struct verdict *verdict, bool is_muted);

/* True if the highest score stands out from the rest: it is at least RANKING_STANDS_OUT_MBITS above
 * the median flow's (so: a thousand times less probable), and above Tukey's fence, the third
 * quartile plus 1.5 times the distance of the quartiles (Tukey 1977). Where everything looks alike
 * a share of flows is flagged all the same; this says that it means little. False without flows. */
enum { RANKING_STANDS_OUT_MBITS = 10000 };
bool ranking_stands_out(const struct ranking *ranking);

int32_t ranking_threshold_mbits(const struct ranking *ranking); /* least score flagged */
uint64_t ranking_flagged_count(const struct ranking *ranking);  /* to be flagged in all */
uint64_t ranking_count(const struct ranking *ranking);          /* N */
int32_t ranking_highest_mbits(const struct ranking *ranking);   /* 0 without flows */

/* The score at `position` of N from the lowest, 0 <= position < N. */
int32_t ranking_score_at(const struct ranking *ranking, uint64_t position);

uint64_t ranking_memory_bytes(const struct ranking *ranking);

#endif
