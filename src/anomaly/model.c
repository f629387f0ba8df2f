/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a model, and the online judgement: everything but the score itself. */
#include "anomaly/model.h"
#include "anomaly/ranking.h"

#include <stdlib.h>

/* Below so many scores there is nothing to compare with, whatever the warm-up says. */
enum { CALIBRATION_LEAST_FLOWS = 100 };

struct anomaly_model *anomaly_model_open(const struct anomaly_settings *settings)
{
    struct anomaly_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return NULL;
    model->mode = settings->mode;
    model->alert_share = settings->alert_share;
    model->warmup_flows = settings->warmup_flows;
    model->warmup_ns = settings->warmup_ns;
    model->is_frozen = settings->is_frozen;
    model->alerts_are_share = settings->alerts_by_share;
    model->sources = 1;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        model->half_weights[j] = anomaly_half_weights((enum feature_id)j);
    budget_init(&model->budget, settings->alerts_per_hour);
    model->baseline = baseline_open(settings);
    model->calibration = calloc(1, sizeof *model->calibration);
    const bool has_memo = model->mode == ANOMALY_MODE_CAPTURE;
    if (has_memo)
        model->memo = calloc(MEMO_OWN_SLOTS + MEMO_SHARED_SLOTS, sizeof *model->memo);
    if (model->baseline == NULL || model->calibration == NULL ||
        (has_memo && model->memo == NULL)) {
        anomaly_model_close(model);
        return NULL;
    }
    return model;
}

void anomaly_model_close(struct anomaly_model *model)
{
    if (model == NULL)
        return;
    free(model->memo);
    free(model->calibration);
    baseline_close(model->baseline);
    free(model);
}

static void learn(struct anomaly_model *model, const struct feature_vector *vector,
                  int64_t notice_ns)
{
    struct baseline_place place;
    baseline_place(model->baseline, vector, &place);
    baseline_learn(model->baseline, &place, baseline_weight(model->baseline, vector), notice_ns);
    if (model->mode == ANOMALY_MODE_CAPTURE)
        model->typical_due = 0; /* at the next score */
}

static void age(struct anomaly_model *model, int64_t notice_ns)
{
    if (baseline_age(model->baseline, notice_ns))
        calibration_halve(model->calibration);
}

void anomaly_learn(struct anomaly_model *model, const struct feature_vector *vector,
                   int64_t notice_ns)
{
    if (model->mode == ANOMALY_MODE_ONLINE)
        age(model, notice_ns);
    learn(model, vector, notice_ns);
}

/* True from the flow on at which the warm-up is over; the bucket is full then. */
static bool warm_up(struct anomaly_model *model, int64_t notice_ns)
{
    if (model->is_warm)
        return true;
    const uint64_t learnt = baseline_learnt(model->baseline);
    const uint64_t least = CALIBRATION_LEAST_FLOWS * baseline_unit(model->baseline);
    if (learnt < model->warmup_flows || model->calibration->total < least ||
        notice_ns - baseline_since_ns(model->baseline) < model->warmup_ns)
        return false;
    model->is_warm = true;
    budget_fill(&model->budget);
    return true;
}

/* p-value and threshold. The flow counts itself, with the weight of a fresh flow; so a share alpha
 * of flows may have a p-value of at most alpha. */
static void compare(const struct anomaly_model *model, double alpha, struct verdict *verdict)
{
    const struct calibration *calibration = model->calibration;
    const uint64_t unit = baseline_unit(model->baseline);
    const double total = (double)(calibration->total + unit);
    const uint64_t at_least = calibration_at_least(calibration, verdict->score_mbits) + unit;
    verdict->p_value = (double)at_least / total;
    verdict->compared = (calibration->total + unit / 2) / unit;
    const double allowed = alpha * total - (double)unit;
    verdict->threshold_mbits =
        calibration_threshold(calibration, allowed > 0 ? (uint64_t)allowed : 0);
}

/* The share of flows that may be flagged. */
static double alpha_of(const struct anomaly_model *model)
{
    return model->alerts_are_share ? model->alert_share : budget_alpha(&model->budget);
}

static void decide(struct anomaly_model *model, struct verdict *verdict)
{
    verdict->has_threshold = true;
    if (verdict->score_mbits < verdict->threshold_mbits)
        return;
    verdict->is_flagged = model->alerts_are_share || budget_spend(&model->budget);
    verdict->is_notable = !verdict->is_flagged;
}

/* Scores from the first half of the warm-up are left out: an almost empty baseline gives all flows
 * high scores, which would sit in the tail for a day and swallow alerts. */
static void calibrate(struct anomaly_model *model, const struct verdict *verdict)
{
    if (baseline_learnt(model->baseline) >= model->warmup_flows / 2)
        calibration_add(model->calibration, verdict->score_mbits, baseline_unit(model->baseline));
}

void anomaly_judge_online(struct anomaly_model *model, const struct feature_vector *vector,
                          int64_t notice_ns, struct verdict *verdict)
{
    if (!model->is_frozen)
        age(model, notice_ns);
    budget_flow(&model->budget, notice_ns);
    anomaly_score(model, vector, false, verdict);
    compare(model, alpha_of(model), verdict);
    verdict->is_cold = !warm_up(model, notice_ns);
    if (!verdict->is_cold)
        decide(model, verdict);
    if (model->is_frozen)
        return;
    calibrate(model, verdict);
    learn(model, vector, notice_ns);
}

void anomaly_calibrate(struct anomaly_model *model, int32_t score_mbits)
{
    calibration_add(model->calibration, score_mbits, baseline_unit(model->baseline));
}

bool anomaly_model_is_warm(const struct anomaly_model *model)
{
    const uint64_t least = CALIBRATION_LEAST_FLOWS * baseline_unit(model->baseline);
    return model->mode == ANOMALY_MODE_ONLINE ? model->is_warm : model->calibration->total >= least;
}

void anomaly_baseline_summary(const struct anomaly_model *model, struct baseline_summary *summary)
{
    const struct baseline *baseline = model->baseline;
    const uint64_t learnt = baseline_learnt(baseline);
    const uint64_t others = learnt == 0 || model->is_frozen ? learnt : learnt - 1;
    const double effective = (double)baseline_total(baseline) / (double)baseline_unit(baseline);
    *summary = (struct baseline_summary){
        .flows = others,
        .since_ns = baseline_since_ns(baseline),
        .effective_flows = effective < (double)others ? effective : (double)others,
        .is_whole_capture = model->mode == ANOMALY_MODE_CAPTURE,
        .is_saved = model->is_saved,
    };
}

static double online_p_floor(const struct anomaly_model *model)
{
    const uint64_t unit = baseline_unit(model->baseline);
    return (double)unit / (double)(model->calibration->total + unit);
}

void anomaly_model_counters(const struct anomaly_model *model, struct engine_counters *counters)
{
    const uint64_t learnt = baseline_learnt(model->baseline);
    counters->learnt = learnt;
    counters->categories_evicted = baseline_categories_evicted(model->baseline);
    counters->memory_bytes += sizeof *model + baseline_memory_bytes(model->baseline);
    counters->memory_bytes += sizeof *model->calibration;
    if (model->mode == ANOMALY_MODE_ONLINE) {
        counters->budget = model->alerts_are_share
                               ? (double)ranking_allowed(model->alert_share, counters->scored)
                               : budget_alerts(&model->budget);
        counters->p_floor = online_p_floor(model);
    } else {
        counters->memory_bytes += (MEMO_OWN_SLOTS + MEMO_SHARED_SLOTS) * sizeof *model->memo;
        counters->budget = (double)ranking_allowed(model->alert_share, learnt);
        counters->p_floor = learnt == 0 ? 1 : 1 / (double)learnt;
    }
}
