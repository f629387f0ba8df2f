/* SPDX-License-Identifier: Apache-2.0 */
/* The anomaly room: feature vectors in, verdicts out. A model holds the baselines of one run and
 * judges flows against them. Called by the pipeline; the engine's thread owns the model. No clock
 * (time is notice time), no randomness (the hash key decides placement only), no allocation after
 * open.
 *
 * Online (ANOMALY_MODE_ONLINE), for each flow in hand-over order:
 *     anomaly_judge_online(model, &vector, notice_ns, alpha, &verdict);
 *     then, if it is to be explained, anomaly_evidence(model, &vector, false, ...): the flow is
 *     learnt later, so the evidence is what it was scored by.
 * A saved baseline: anomaly_model_load before the first of these; `is_frozen` of the settings
 * judges only, and learns, decays and calibrates nothing.
 * A capture (ANOMALY_MODE_CAPTURE), with kept flows (flow_store.h) and a ranking (ranking.h):
 *     each flow:      anomaly_learn; flow_store_append
 *     for all flows:  anomaly_next_scores; ranking_add
 *     anomaly_rank_finish; ranking_finish
 *     each kept flow: anomaly_next_scores; ranking_judge; if its parts are asked for,
 *                     anomaly_score(..., true, ...); if it is to be explained,
 *                     anomaly_evidence(..., true, ...)
 */
#ifndef WHYFLOW_ANOMALY_ANOMALY_H
#define WHYFLOW_ANOMALY_ANOMALY_H

#include "base/bytes.h"
#include "whyflow/feature.h"
#include "whyflow/settings.h"
#include "whyflow/snapshot.h"
#include "whyflow/statistics.h"
#include "whyflow/verdict.h"

#include <stdbool.h>
#include <stdint.h>

struct anomaly_model;

/* In capture mode the model keeps the flows' places within this part of memory_bytes: 2 to 60 bytes
 * a flow, where a kept flow takes 85 to 250. */
enum { ANOMALY_MEMORY_SHARE = 4 };

/* Copies what it needs of the settings. NULL: no memory. */
struct anomaly_model *anomaly_model_open(const struct anomaly_settings *settings);
void anomaly_model_close(struct anomaly_model *model); /* NULL is allowed */

/* Adds one flow to the baselines. In capture mode the order of flows does not matter as long as no
 * category was evicted; online, flows come in hand-over order and what is old decays. */
void anomaly_learn(struct anomaly_model *model, const struct feature_vector *vector,
                   int64_t notice_ns);

/* Scores a flow: fills score, typical and contributions, so that typical + sum = score exactly, and
 * zeroes the rest of the verdict. With take_own_weight_out the flow, which was learnt before, is
 * judged by all others: the score and every feature's part in it are exactly those of a model that
 * never learnt it (as long as no category or service was evicted). `typical` is the mean part of
 * each feature in the scores of all flows: in capture mode of the whole capture once
 * anomaly_rank_finish was called; online of those scored so far, decaying, refreshed now and
 * then. */
void anomaly_score(const struct anomaly_model *model, const struct feature_vector *vector,
                   bool take_own_weight_out, struct verdict *verdict);

/* Capture mode, once all was learnt: the scores of the next `count` flows, in the order in which
 * they were learnt, each by all others; their parts are counted for `typical`. How many: fewer, if
 * there is no further flow, or what was kept of it could not be kept or read (anomaly_error). After
 * the last flow: finish; then scores come once more, uncounted. */
uint32_t anomaly_next_scores(struct anomaly_model *model, int32_t scores_mbits[], uint32_t count);
bool anomaly_rank_finish(struct anomaly_model *model);

/* One line about what failed, or "". Owned by the model. */
const char *anomaly_error(const struct anomaly_model *model);

/* Learns what was scored, then has waited for the learning lag; scores, gives the p-value, says by
 * is_flagged whether the score asks for an alert. alpha: the share of flows that may ask; [0, 1].
 * While the model is cold (fewer flows or less time than the warm-up, or too few scores to compare
 * with) a flow never asks; p_value holds against the scores so far, 1 without any. A flow whose
 * score lies above all earlier ones asks even where alpha is below 1/N. Whether it gets an alert is
 * not decided here: several may be one incident. */
void anomaly_judge_online(struct anomaly_model *model, const struct feature_vector *vector,
                          int64_t notice_ns, double alpha, struct verdict *verdict);

/* Learns what still waits, before the baseline is looked at from outside. */
void anomaly_learn_all(struct anomaly_model *model);

/* What the baseline says of one feature of the flow, next to the flows of its service where enough
 * were learnt, else all. Quantiles are those of a histogram over such flows that measured it,
 * sixteen times as fine as the one that scores; 0, 1 and the ends of shares are exact, other
 * magnitudes (LOG2) within some 5 %, in whole units. direction: a missing value is RARE, or NEW if
 * it was never missing; a measured one is NEW if it never was measured. */
void anomaly_evidence(const struct anomaly_model *model, const struct feature_vector *vector,
                      bool take_own_weight_out, enum feature_id id, struct evidence *evidence);

/* A flow under explanation. */
struct anomaly_flow {
    const struct feature_vector *vector;
    bool was_learnt; /* then its own weight is left out, as take_own_weight_out does */
};

/* The score of the flow had it been `edited`, against the same others: a flow that is not edited at
 * all gets the score that anomaly_score gives it. */
int32_t anomaly_score_edited(const struct anomaly_model *model, const struct anomaly_flow *flow,
                             const struct feature_vector *edited);

/* The most usual code in the place of a category of `vector` (the flow's, or edited): of a state or
 * size, within its service or protocol; the service and protocol, among all; else among the flows
 * that anomaly_evidence compares with. Of equals the least. It may be the flow's own. False: none
 * was learnt. */
bool anomaly_usual_category(const struct anomaly_model *model, const struct anomaly_flow *flow,
                            const struct feature_vector *vector, enum feature_id id, double *code);

/* A value beside its service: how surprising each is among all flows, and the value among the
 * service's own. Unweighted milli-bits. */
struct anomaly_beside {
    int32_t service_mbits, value_mbits;
    int32_t together_mbits;
    uint64_t service_flows;
};

/* False: too few flows of the service were learnt (BASELINE_WORDS_FLOWS), or id is the service. */
bool anomaly_beside_service(const struct anomaly_model *model, const struct anomaly_flow *flow,
                            enum feature_id id, struct anomaly_beside *beside);

/* The baseline behind a verdict on a flow that was learnt (the flow itself taken out). */
void anomaly_baseline_summary(const struct anomaly_model *model, struct baseline_summary *summary);

/* Capture mode: counts a final score, so that the model can be saved with a calibration. No score
 * is compared with it: its sums are made by whoever loads it. */
void anomaly_calibrate(struct anomaly_model *model, int32_t score_mbits);

/* False while nothing is flagged: see warm-up. A capture's is warm with enough scores. */
bool anomaly_model_is_warm(const struct anomaly_model *model);

/* Writes all that the model has learnt: a model that loads it goes on to the same scores, parts and
 * p-values. Nothing may wait to be learnt: anomaly_learn_all before. The bytes depend on what was
 * learnt alone. False: no memory. */
bool anomaly_model_save(const struct anomaly_model *model, struct byte_writer *writer);

/* Fills a model that has learnt nothing (online mode). False, and the reader says why: cut short,
 * other features, numbers that are absurd or do not fit together; then close the model. */
bool anomaly_model_load(struct anomaly_model *model, struct byte_reader *reader);

void anomaly_model_summary(const struct anomaly_model *model, struct snapshot_summary *summary);

/* Adds all that `other` has learnt, in its weights of a flow; the first goes into an empty model.
 * Commutative and associative to the last bit as long as nothing is evicted and no sum passes
 * BASELINE_WEIGHT_MAX. Two captures' models of one gamma add up to that of both. False: no
 * memory. */
bool anomaly_model_add(struct anomaly_model *model, const struct anomaly_model *other);

/* Sets learnt, categories_evicted, p_floor and, in capture mode, budget; adds to memory_bytes. */
void anomaly_model_counters(const struct anomaly_model *model, struct engine_counters *counters);

/* Four times the weight of a feature's family in the score (size 1, window 3, direction 20). */
int anomaly_quarter_weights(enum feature_id id);

#endif
