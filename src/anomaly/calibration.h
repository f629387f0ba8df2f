/* SPDX-License-Identifier: Apache-2.0 */
/* The calibration: a decayed histogram of scores, which turns a score into a conformal p-value: the
 * share of earlier flows that scored at least as high, the flow itself counted in, so that among
 * flows like the earlier ones p <= a happens with probability at most a (Vovk et al. 2005). In
 * capture mode it holds the final scores, for a baseline that is saved. Called by the model; the
 * engine's thread owns it. No allocation after open.
 *
 * Bins are an eighth of a bit; a p-value counts the whole bin, so it errs upward by less than the
 * flows within an eighth of a bit. Rejected: extreme-value fits (1.4 to 10 times the alarms asked
 * for), a sorted sample (random, or a window without decay). */
#ifndef WHYFLOW_ANOMALY_CALIBRATION_H
#define WHYFLOW_ANOMALY_CALIBRATION_H

#include <stdint.h>

enum { CALIBRATION_BIN_MBITS = 125, CALIBRATION_BIN_COUNT = 8192 };

struct calibration {
    uint64_t total;
    uint64_t weight[CALIBRATION_BIN_COUNT];   /* by bins below the top: index 0 is the highest */
    uint64_t tree[CALIBRATION_BIN_COUNT + 1]; /* Fenwick tree over `weight`: sums from the top */
};

/* Zeroed memory is an empty calibration. */

/* Counts a score with `weight`: what a fresh flow weighs now. */
void calibration_add(struct calibration *calibration, int32_t score_mbits, uint64_t weight);

/* The same without the sums: of many scores that nothing is asked about until
 * calibration_rebuild. */
void calibration_count(struct calibration *calibration, int32_t score_mbits, uint64_t weight);

/* Weight of the scores in this one's bin and above it. */
uint64_t calibration_at_least(const struct calibration *calibration, int32_t score_mbits);

/* The least score (at the lower end of a bin) such that at most `weight` lies in its bin and above:
 * with 0, the first bin above every score counted. */
int32_t calibration_threshold(const struct calibration *calibration, uint64_t weight);

/* Makes total and sums anew from `weight`. */
void calibration_rebuild(struct calibration *calibration);

/* Halves all weights, rounding down. */
void calibration_halve(struct calibration *calibration);

#endif
