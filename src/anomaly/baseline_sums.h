/* SPDX-License-Identifier: Apache-2.0 */
/* All that a baseline has learnt but its categories and services, as plain numbers: what is saved,
 * loaded and added. Called by snapshot.c of this room when a model is saved, loaded or merged; any
 * thread, a value of the caller's (large: not for the stack).
 *
 * Weights are in the unit of `step` (baseline.c). To be added they are brought to step 0, the only
 * unit that does not depend on who is added: so adding is commutative and associative to the last
 * bit. Rounded down, each by itself, parts never outweigh their whole. */
#ifndef WHYFLOW_ANOMALY_BASELINE_SUMS_H
#define WHYFLOW_ANOMALY_BASELINE_SUMS_H

#include "anomaly/baseline.h"
#include "base/bytes.h"

/* No sum of a saved baseline is larger: 10^12 flows. A thousand times as much is learnt before 64
 * bits overflow in a score (630 * 2^54). */
#define BASELINE_WEIGHT_MAX (UINT64_C(1) << 52)

/* Times of a saved baseline lie within +-2^61 ns, so that differences never overflow. */
#define BASELINE_TIME_MAX_NS (INT64_C(1) << 61)

struct baseline_sums {
    unsigned step; /* of the decay; see baseline.c */
    uint64_t step_flows;
    int64_t step_start_ns;
    uint64_t learnt;
    int64_t since_ns, until_ns; /* least and greatest notice time learnt */
    uint64_t flows;             /* in units */
    uint64_t total[BASELINE_SCOPE_COUNT];
    uint64_t measured[FEATURE_COUNT];
    uint64_t bin[BASELINE_SCOPE_COUNT][FEATURE_COUNT][BASELINE_OUTCOME_COUNT];
    uint64_t fine[FEATURE_COUNT][BASELINE_STEP_COUNT];
};

/* A baseline's own; set also makes its unit that of the step. In baseline_saved.c. */
void baseline_get_sums(const struct baseline *baseline, struct baseline_sums *sums);
void baseline_set_sums(struct baseline *baseline, const struct baseline_sums *sums);
struct category_table *baseline_categories(struct baseline *baseline);
const struct category_table *baseline_categories_of(const struct baseline *baseline);
struct service_table *baseline_services(struct baseline *baseline);
const struct service_table *baseline_services_of(const struct baseline *baseline);
int64_t baseline_until_ns(const struct baseline *baseline);
uint32_t baseline_flood_exponent(const struct baseline *baseline); /* gamma in 2^-24 */

void baseline_sums_write(const struct baseline_sums *sums, struct byte_writer *writer);

/* Reads and checks: every number within its bounds, every part no more than its whole. `sources` is
 * how many baselines were added into it. */
bool baseline_sums_read(struct baseline_sums *sums, struct byte_reader *reader, uint32_t sources);

/* weight * BASELINE_UNIT / unit, rounded down. */
uint64_t baseline_sums_scaled(uint64_t weight, uint64_t unit);

/* Brings the weights from `unit` to step 0. */
void baseline_sums_scale(struct baseline_sums *sums, uint64_t unit);

/* Adds sums, both of step 0. True if all had to be halved because they outgrew
 * BASELINE_WEIGHT_MAX; what is kept beside is to be halved too. */
bool baseline_sums_add(struct baseline_sums *sums, const struct baseline_sums *other);

/* Reads a list of (place, weight > 0) in rising order of place, as weights_write wrote it, into
 * `count` weights; their sum, or false. In all of them the others are 0. */
void baseline_sums_write_list(struct byte_writer *writer, const uint64_t *weights, uint32_t count);
bool baseline_sums_read_list(struct byte_reader *reader, uint64_t *weights, uint32_t count,
                             uint64_t *sum);

#endif
