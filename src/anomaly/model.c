/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a model, and the online judgement: everything but the score itself. */
#include "anomaly/model.h"
#include "anomaly/ranking.h"

#include <stdlib.h>

/* Below so many scores there is nothing to compare with, whatever the warm-up says. */
enum { CALIBRATION_LEAST_FLOWS = 100 };

/* Lessons are learnt at the second, or, of a full queue, a part of it at a time. */
static const int64_t LESSON_SPAN_NS = 1000000000;
enum { LESSON_EARLY_SHARE = 16 };

/* What only this mode needs. */
static bool open_mode(struct anomaly_model *model, const struct anomaly_settings *settings)
{
    model->surprises = surprise_table_open(
        model->mode == ANOMALY_MODE_CAPTURE ? SURPRISE_ROWS_CAPTURE : SURPRISE_ROWS_ONLINE);
    if (model->surprises == NULL)
        return false;
    if (model->mode == ANOMALY_MODE_CAPTURE) {
        model->capture = capture_lessons_open(settings);
        return model->capture != NULL;
    }
    return lesson_queue_init(&model->lessons, settings->max_lessons) &&
           probation_init(&model->probation, settings);
}

struct anomaly_model *anomaly_model_open(const struct anomaly_settings *settings)
{
    struct anomaly_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return NULL;
    model->mode = settings->mode;
    model->alert_share = settings->alert_share;
    model->warmup_flows = settings->warmup_flows;
    model->warmup_ns = settings->warmup_ns;
    model->learning_lag_ns = settings->learning_lag_ns;
    model->is_frozen = settings->is_frozen;
    model->sources = 1;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        model->quarter_weights[j] = anomaly_quarter_weights((enum feature_id)j);
    model->baseline = baseline_open(settings);
    model->placer = calloc(1, sizeof *model->placer);
    model->told = calloc(1, sizeof *model->told);
    model->calibration = calloc(1, sizeof *model->calibration);
    const bool is_whole = model->baseline != NULL && model->placer != NULL && model->told != NULL &&
                          model->calibration != NULL;
    if (!is_whole || !open_mode(model, settings)) {
        anomaly_model_close(model);
        return NULL;
    }
    return model;
}

void anomaly_model_close(struct anomaly_model *model)
{
    if (model == NULL)
        return;
    free(model->calibration);
    free(model->placer);
    free(model->told);
    capture_lessons_close(model->capture);
    surprise_table_close(model->surprises);
    lesson_queue_deinit(&model->lessons);
    probation_deinit(&model->probation);
    baseline_close(model->baseline);
    free(model);
}

static void learn(struct anomaly_model *model, const struct lesson *lesson)
{
    baseline_learn(model->baseline, &lesson->place,
                   baseline_weigh(model->baseline, lesson->pair_flows), lesson->notice_ns);
    surprise_table_clear(model->surprises);
}

static void make_lesson(const struct anomaly_model *model, const struct feature_vector *vector,
                        int64_t notice_ns, struct lesson *lesson)
{
    lesson->notice_ns = notice_ns;
    lesson->pair_flows = vector->pair_flows_60s;
    lesson->place = *baseline_place_next(model->baseline, model->placer, vector);
}

static void learn_oldest(struct anomaly_model *model)
{
    learn(model, lesson_queue_oldest(&model->lessons));
    lesson_queue_drop_oldest(&model->lessons);
}

/* Learns what has waited long enough; all of it if the clock was set back. Once a second of notice
 * time: between, the baseline stands still, and parts of scores need not be made anew. */
static void learn_what_is_due(struct anomaly_model *model, int64_t notice_ns)
{
    const struct lesson *lesson;
    const int64_t second = notice_ns / LESSON_SPAN_NS;
    if (second == model->lesson_second)
        return;
    model->lesson_second = second;
    while (
        (lesson = lesson_queue_oldest(&model->lessons)) != NULL &&
        (notice_ns - lesson->notice_ns >= model->learning_lag_ns || notice_ns < lesson->notice_ns))
        learn_oldest(model);
}

/* A full queue makes room for several at once, for the same reason. */
static void learn_early(struct anomaly_model *model)
{
    const size_t count = 1 + model->lessons.max / LESSON_EARLY_SHARE;
    for (size_t i = 0; i < count && lesson_queue_oldest(&model->lessons) != NULL; i++)
        learn_oldest(model);
}

static void learn_later(struct anomaly_model *model, const struct lesson *lesson)
{
    if (lesson_queue_is_full(&model->lessons))
        learn_early(model);
    *lesson_queue_push(&model->lessons) = *lesson;
}

void anomaly_learn_all(struct anomaly_model *model)
{
    if (model->capture != NULL)
        capture_lessons_settle(model);
    while (lesson_queue_oldest(&model->lessons) != NULL)
        learn_oldest(model);
}

static void age(struct anomaly_model *model, int64_t notice_ns)
{
    const uint64_t unit = baseline_unit(model->baseline);
    const bool is_halved = baseline_age(model->baseline, notice_ns);
    if (baseline_unit(model->baseline) != unit)
        surprise_table_clear(model->surprises);
    if (!is_halved)
        return;
    calibration_halve(model->calibration);
    typical_halve(&model->typical);
}

void anomaly_learn(struct anomaly_model *model, const struct feature_vector *vector,
                   int64_t notice_ns)
{
    struct lesson lesson;
    if (model->capture != NULL) {
        capture_lessons_learn(model, vector, notice_ns);
        return;
    }
    age(model, notice_ns);
    make_lesson(model, vector, notice_ns, &lesson);
    learn(model, &lesson);
}

/* True from the flow on at which the warm-up is over. */
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

static void decide(struct verdict *verdict)
{
    verdict->has_threshold = true;
    verdict->is_flagged = verdict->score_mbits >= verdict->threshold_mbits;
}

/* Scores from the first half of the warm-up are left out: an almost empty baseline gives all flows
 * high scores, which would sit in the tail for a day and swallow alerts. */
static void calibrate(struct anomaly_model *model, const struct verdict *verdict, uint64_t weight)
{
    if (baseline_learnt(model->baseline) >= model->warmup_flows / 2)
        calibration_add(model->calibration, verdict->score_mbits, weight);
}

/* The flow is not learnt. It counts among the scores by its share of the pair's flows, so that ten
 * thousand repetitions count ten times (the logarithm), and other flows' p-values stay what they
 * were. */
static void hold_back(struct anomaly_model *model, const struct feature_vector *vector,
                      const struct verdict *verdict)
{
    const uint64_t share =
        baseline_unit(model->baseline) / (vector->pair_flows == 0 ? 1 : vector->pair_flows);
    if (share > 0)
        calibrate(model, verdict, share);
    model->held_back++;
}

void anomaly_judge_online(struct anomaly_model *model, const struct feature_vector *vector,
                          int64_t notice_ns, double alpha, struct verdict *verdict)
{
    if (!model->is_frozen) {
        learn_what_is_due(model, notice_ns);
        age(model, notice_ns);
    }
    struct lesson lesson;
    make_lesson(model, vector, notice_ns, &lesson);
    score_place(model, &lesson.place, (struct baseline_weights){0}, verdict);
    compare(model, alpha, verdict);
    verdict->is_cold = !warm_up(model, notice_ns);
    if (!verdict->is_cold)
        decide(verdict);
    if (model->is_frozen)
        return;
    if (!verdict->is_cold && probation_holds(&model->probation, vector, verdict->p_value)) {
        hold_back(model, vector, verdict);
        return;
    }
    calibrate(model, verdict, baseline_unit(model->baseline));
    typical_add(&model->typical, verdict);
    learn_later(model, &lesson);
}

void anomaly_calibrate(struct anomaly_model *model, int32_t score_mbits)
{
    calibration_count(model->calibration, score_mbits, baseline_unit(model->baseline));
}

bool anomaly_model_is_warm(const struct anomaly_model *model)
{
    const uint64_t least = CALIBRATION_LEAST_FLOWS * baseline_unit(model->baseline);
    return model->mode == ANOMALY_MODE_ONLINE ? model->is_warm : model->calibration->total >= least;
}

void anomaly_baseline_summary(const struct anomaly_model *model, struct baseline_summary *summary)
{
    const struct baseline *const baseline = model_baseline(model);
    const uint64_t learnt = baseline_learnt(baseline);
    const bool is_capture = model->mode == ANOMALY_MODE_CAPTURE;
    const uint64_t others = is_capture && learnt > 0 ? learnt - 1 : learnt;
    const double effective = (double)baseline_total(baseline) / (double)baseline_unit(baseline);
    *summary = (struct baseline_summary){
        .flows = others,
        .since_ns = baseline_since_ns(baseline),
        .effective_flows = effective < (double)others ? effective : (double)others,
        .is_whole_capture = is_capture,
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
    counters->held_back = model->held_back;
    counters->services_evicted = baseline_services_evicted(model->baseline);
    counters->categories_evicted = baseline_categories_evicted(model->baseline);
    counters->memory_bytes += sizeof *model + baseline_memory_bytes(model->baseline);
    counters->memory_bytes +=
        sizeof *model->calibration + sizeof *model->placer + sizeof *model->told;
    if (model->capture != NULL) {
        counters->memory_bytes += capture_lessons_memory_bytes(model->capture);
        counters->spilled_bytes += capture_lessons_spilled_bytes(model->capture);
    }
    counters->memory_bytes += surprise_table_memory_bytes(model->surprises);
    if (model->mode == ANOMALY_MODE_ONLINE) {
        counters->memory_bytes += lesson_queue_memory_bytes(&model->lessons);
        counters->memory_bytes += recent_table_memory_bytes(&model->probation.pairs);
        counters->probation_evicted = model->probation.pairs.evicted;
        counters->p_floor = online_p_floor(model);
    } else {
        counters->budget = (double)ranking_allowed(model->alert_share, learnt);
        counters->p_floor = learnt == 0 ? 1 : 1 / (double)learnt;
    }
}
