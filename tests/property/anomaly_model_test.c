/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every verdict, on random traffic: parts that sum, a flow's own weight that is
 * truly out, no dependence on order or hash key, as many that ask for an alert as may. */
#include "anomaly/anomaly.h"
#include "anomaly/baseline.h"
#include "anomaly/baseline_sums.h"
#include "anomaly/model.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define LAG (60 * SECOND)
#define ALPHA 0.002

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct anomaly_settings test_settings(enum anomaly_mode mode)
{
    return (struct anomaly_settings){
        .mode = mode,
        .alert_share = 0.01,
        .alerts_per_hour = 6,
        .warmup_flows = 2000,
        .warmup_ns = HOUR / 2,
        .flood_exponent = 0.2,
        .half_life_flows = 20000,
        .half_life_ns = 24 * HOUR,
        .max_categories = 4096,
        .learning_lag_ns = LAG,
        .max_lessons = 1024,
        .max_services = 512,
        .hash_key = {1, 2},
    };
}

static double random_category(uint64_t *state, unsigned j)
{
    if (j == FEATURE_DIRECTION)
        return (double)(next_random(state) % 4);
    const bool is_many = j == FEATURE_SERVICE || j == FEATURE_SERVICE_SIZE;
    const uint64_t spread = is_many ? 3000 : 7;
    return (double)(next_random(state) % spread * (next_random(state) % spread) / spread);
}

/* Around the middle of the axis, sometimes beyond its ends. */
static double random_number(uint64_t *state, unsigned j)
{
    const struct feature_info *info = &feature_infos[j];
    double place = 0;
    for (int i = 0; i < 3; i++)
        place += (double)(next_random(state) % 1000) / 2900;
    const double position = info->low + place * (info->high - info->low);
    return info->scale == FEATURE_SCALE_LOG2 ? exp2(position) - 1 : position;
}

static void random_vector(uint64_t *state, struct feature_vector *vector)
{
    memset(vector, 0, sizeof *vector);
    vector->pair_flows_60s =
        (uint32_t)(1 + next_random(state) % (next_random(state) % 9 ? 3 : 900));
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if (next_random(state) % 10 == 0)
            continue;
        vector->present |= UINT64_C(1) << j;
        vector->value[j] = feature_infos[j].scale == FEATURE_SCALE_CATEGORY
                               ? random_category(state, j)
                               : random_number(state, j);
    }
}

static struct feature_vector *random_vectors(uint64_t seed, size_t count)
{
    struct feature_vector *vectors = calloc(count, sizeof *vectors);
    ck_assert_ptr_nonnull(vectors);
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++)
        random_vector(&state, &vectors[i]);
    return vectors;
}

static struct anomaly_model *open_model(const struct anomaly_settings *settings)
{
    struct anomaly_model *model = anomaly_model_open(settings);
    ck_assert_ptr_nonnull(model);
    return model;
}

static struct anomaly_model *learnt_model(const struct anomaly_settings *settings,
                                          const struct feature_vector *vectors, size_t count)
{
    struct anomaly_model *model = open_model(settings);
    for (size_t i = 0; i < count; i++)
        anomaly_learn(model, &vectors[i], (int64_t)i * SECOND);
    return model;
}

static bool parts_sum(const struct verdict *verdict)
{
    int64_t sum = verdict->typical_mbits;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        sum += verdict->contribution_mbits[j];
    return sum == verdict->score_mbits;
}

enum { SUM_FLOWS = 100000 };

START_TEST(typical_and_contributions_sum_to_the_score_exactly)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.max_categories = 1000; /* some are evicted */
    struct feature_vector *vectors = random_vectors(11, SUM_FLOWS);
    struct anomaly_model *model = learnt_model(&settings, vectors, SUM_FLOWS);
    struct verdict verdict;
    for (size_t i = 0; i < SUM_FLOWS; i++) {
        anomaly_score(model, &vectors[i], true, &verdict);
        if (!parts_sum(&verdict))
            ck_abort_msg("flow %zu", i);
    }
    anomaly_model_close(model);
    free(vectors);
}
END_TEST

/* Before anything is settled `typical` is 0 and contributions are the parts themselves. */
START_TEST(what_is_typical_of_a_capture_is_the_mean_of_its_parts)
{
    enum { COUNT = 20001 };
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct feature_vector *vectors = random_vectors(13, COUNT);
    struct anomaly_model *model = learnt_model(&settings, vectors, COUNT);
    int64_t sum[FEATURE_COUNT] = {0};
    struct verdict first, verdict;
    for (size_t i = 0; i < COUNT; i++) {
        anomaly_score(model, &vectors[i], true, &verdict);
        ck_assert_int_eq(verdict.typical_mbits, 0);
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            sum[j] += verdict.contribution_mbits[j];
        if (i == 0)
            first = verdict;
    }
    int32_t scores_mbits[COUNT + 1], again_mbits[COUNT + 4999];
    ck_assert_uint_eq(anomaly_next_scores(model, scores_mbits, COUNT + 1), COUNT);
    ck_assert_uint_eq(anomaly_next_scores(model, scores_mbits, 1), 0);
    ck_assert(anomaly_rank_finish(model));
    for (uint32_t done = 0, some = 1; done < COUNT; done += some, some = 1 + done % 4999)
        ck_assert_uint_eq(anomaly_next_scores(model, &again_mbits[done], some),
                          some < COUNT - done ? some : COUNT - done);
    ck_assert_mem_eq(again_mbits, scores_mbits, COUNT * sizeof *scores_mbits);
    anomaly_score(model, &vectors[0], true, &verdict);
    int64_t total = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const int64_t typical = first.contribution_mbits[j] - verdict.contribution_mbits[j];
        ck_assert_int_le(llabs(2 * (typical * COUNT - sum[j])), COUNT);
        total += typical;
    }
    ck_assert_int_eq(verdict.typical_mbits, total);
    ck_assert_int_eq(verdict.score_mbits, first.score_mbits);
    anomaly_model_close(model);
    free(vectors);
}
END_TEST

START_TEST(typical_and_contributions_sum_to_the_score_online)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct anomaly_model *model = open_model(&settings);
    uint64_t state = 12;
    for (int64_t i = 0; i < SUM_FLOWS; i++) {
        struct feature_vector vector;
        struct verdict verdict;
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, i * SECOND, ALPHA, &verdict);
        if (!parts_sum(&verdict) || verdict.score_mbits < 0)
            ck_abort_msg("flow %ld", (long)i);
    }
    anomaly_model_close(model);
}
END_TEST

static void assert_same_evidence(const struct anomaly_model *with,
                                 const struct anomaly_model *never,
                                 const struct feature_vector *vector)
{
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        struct evidence a, b;
        anomaly_evidence(with, vector, true, (enum feature_id)j, &a);
        anomaly_evidence(never, vector, false, (enum feature_id)j, &b);
        ck_assert_int_eq(a.bits_mbits, b.bits_mbits);
        ck_assert_uint_eq(a.count, b.count);
        ck_assert_double_eq(a.share, b.share);
        ck_assert_double_eq(a.median, b.median);
        ck_assert_double_eq(a.p05, b.p05);
        ck_assert_double_eq(a.p95, b.p95);
        ck_assert_int_eq(a.direction, b.direction);
        ck_assert_int_eq(a.has_quantiles, b.has_quantiles);
        ck_assert_int_eq(a.is_of_service, b.is_of_service);
    }
}

/* A model of all but the one flow, made anew. */
static void check_own_weight_out(const struct feature_vector *vectors, size_t count,
                                 size_t left_out)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *with = learnt_model(&settings, vectors, count);
    struct anomaly_model *never = open_model(&settings);
    for (size_t i = 0; i < count; i++) {
        if (i != left_out)
            anomaly_learn(never, &vectors[i], 0);
    }
    struct verdict a, b;
    anomaly_score(with, &vectors[left_out], true, &a);
    anomaly_score(never, &vectors[left_out], false, &b);
    ck_assert_int_eq(a.score_mbits, b.score_mbits);
    ck_assert_mem_eq(a.contribution_mbits, b.contribution_mbits, sizeof a.contribution_mbits);
    assert_same_evidence(with, never, &vectors[left_out]);
    struct verdict in;
    anomaly_score(with, &vectors[left_out], false, &in);
    ck_assert(count < 10 || in.score_mbits < a.score_mbits); /* it does count when left in */
    anomaly_model_close(with);
    anomaly_model_close(never);
}

/* The flow edited: some features another flow's, its service and direction among them or not. */
static void check_edited(const struct anomaly_model *with, const struct anomaly_model *never,
                         const struct feature_vector *flow, const struct feature_vector *other,
                         uint64_t mask)
{
    const struct anomaly_flow learnt = {.vector = flow, .was_learnt = true};
    struct feature_vector edited = *flow;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const uint64_t bit = UINT64_C(1) << j;
        if ((mask & bit) == 0)
            continue;
        edited.value[j] = other->value[j];
        edited.present = (edited.present & ~bit) | (other->present & bit);
    }
    struct verdict verdict;
    anomaly_score(never, &edited, false, &verdict);
    ck_assert_int_eq(anomaly_score_edited(with, &learnt, &edited), verdict.score_mbits);
}

START_TEST(an_edited_flow_is_scored_as_if_neither_had_been_learnt)
{
    enum { COUNT = 700 };
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct feature_vector *vectors = random_vectors(77, COUNT);
    uint64_t state = 7;
    for (size_t i = 0; i < COUNT; i++) {
        vectors[i].present |= UINT64_C(1) << FEATURE_SERVICE;
        vectors[i].value[FEATURE_SERVICE] = i % 3 == 0 ? (double)(i % 7) : 443;
    }
    struct anomaly_model *with = learnt_model(&settings, vectors, COUNT);
    for (size_t left_out = 0; left_out < COUNT; left_out += 61) {
        struct anomaly_model *never = open_model(&settings);
        for (size_t i = 0; i < COUNT; i++) {
            if (i != left_out)
                anomaly_learn(never, &vectors[i], 0);
        }
        check_edited(with, never, &vectors[left_out], &vectors[0], 0);
        for (size_t other = 0; other < COUNT; other += 13)
            check_edited(with, never, &vectors[left_out], &vectors[other], next_random(&state));
        anomaly_model_close(never);
    }
    anomaly_model_close(with);
    free(vectors);
}
END_TEST

START_TEST(what_is_most_usual_of_a_category_leaves_the_flow_itself_out)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.present = UINT64_C(1) << FEATURE_SERVICE |
                                               UINT64_C(1) << FEATURE_SERVICE_STATE};
    const struct anomaly_flow flow = {.vector = &vector, .was_learnt = true};
    double code = -1;
    vector.value[FEATURE_SERVICE] = 5;
    vector.value[FEATURE_SERVICE_STATE] = 5 << 8 | 4;
    anomaly_learn(model, &vector, 0);
    ck_assert(!anomaly_usual_category(model, &flow, &vector, FEATURE_SERVICE_STATE, &code));
    for (unsigned i = 0; i < 5; i++) { /* 3 of state 2, 2 of state 3, and many of another service */
        struct feature_vector other = vector;
        other.value[FEATURE_SERVICE_STATE] = 5 << 8 | (i < 3 ? 2 : 3);
        anomaly_learn(model, &other, 0);
        for (unsigned j = 0; j < 4; j++) {
            other.value[FEATURE_SERVICE] = 6;
            other.value[FEATURE_SERVICE_STATE] = 6 << 8 | 7;
            anomaly_learn(model, &other, 0);
        }
    }
    ck_assert(anomaly_usual_category(model, &flow, &vector, FEATURE_SERVICE_STATE, &code));
    ck_assert_double_eq(code, 5 << 8 | 2);
    ck_assert(anomaly_usual_category(model, &flow, &vector, FEATURE_SERVICE, &code));
    ck_assert_double_eq(code, 6);
    anomaly_model_close(model);
}
END_TEST

/* 4,000 flows of one service, all short, 4,000 of another, all long: a long one of the first. */
START_TEST(a_value_beside_its_service_is_told_by_its_bits_alone_and_together)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.present = UINT64_C(1) << FEATURE_SERVICE |
                                               UINT64_C(1) << FEATURE_DURATION,
                                    .pair_flows_60s = 1};
    for (unsigned i = 0; i < 8000; i++) {
        vector.value[FEATURE_SERVICE] = i % 2 == 0 ? 443 : 80;
        vector.value[FEATURE_DURATION] = i % 2 == 0 ? 100 : 1e8;
        anomaly_learn(model, &vector, 0);
    }
    vector.value[FEATURE_SERVICE] = 443;
    vector.value[FEATURE_DURATION] = 1e8;
    const struct anomaly_flow flow = {.vector = &vector};
    struct anomaly_beside beside;
    ck_assert(anomaly_beside_service(model, &flow, FEATURE_DURATION, &beside));
    ck_assert_int_eq((beside.service_mbits + 50) / 100, 10); /* 4,000 of 8,000: 1.0 bit */
    /* K leaves 4/10 of the weight in its bin: log2(8053 / (1600 + 3)). */
    ck_assert_int_eq((beside.value_mbits + 50) / 100, 23);
    ck_assert_int_eq((beside.together_mbits + 50) / 100, 103); /* log2(4053 / 3.125) */
    ck_assert_uint_eq(beside.service_flows, 4000);
    ck_assert(!anomaly_beside_service(model, &flow, FEATURE_SERVICE, &beside));
    anomaly_model_close(model);
}
END_TEST

/* Each flow of few, each seventh of many: every check opens two models. */
START_TEST(a_flow_taken_out_is_scored_as_if_never_learnt)
{
    for (size_t count = 1; count <= 200; count += count < 10 ? 1 : 17) {
        struct feature_vector *vectors = random_vectors(count + 100, count);
        for (size_t left_out = 0; left_out < count; left_out += count < 40 ? 1 : 7)
            check_own_weight_out(vectors, count, left_out);
        free(vectors);
    }
}
END_TEST

/* One service has a thousand flows, others some, several but one: words are about its flows. */
START_TEST(a_flow_taken_out_leaves_its_service_as_if_never_learnt)
{
    enum { COUNT = 1600 };
    struct feature_vector *vectors = random_vectors(301, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        vectors[i].present |= UINT64_C(1) << FEATURE_SERVICE;
        vectors[i].value[FEATURE_SERVICE] = i % 3 == 0 ? (double)(i * i % 97) : 443;
        vectors[i].pair_flows_60s = (uint32_t)(1 + i % 7 * (i % 5) * 12); /* up to 289 */
    }
    for (size_t left_out = 0; left_out < COUNT; left_out += 67)
        check_own_weight_out(vectors, COUNT, left_out);
    free(vectors);
}
END_TEST

static void assert_same_verdicts(struct anomaly_model *a, struct anomaly_model *b,
                                 const struct feature_vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct verdict from_a, from_b;
        anomaly_score(a, &vectors[i], true, &from_a);
        anomaly_score(b, &vectors[i], true, &from_b);
        ck_assert_int_eq(from_a.score_mbits, from_b.score_mbits);
        ck_assert_int_eq(from_a.typical_mbits, from_b.typical_mbits);
        ck_assert_mem_eq(from_a.contribution_mbits, from_b.contribution_mbits,
                         sizeof from_a.contribution_mbits);
    }
}

START_TEST(a_capture_is_learnt_the_same_in_any_order)
{
    enum { COUNT = 3000 };
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.max_categories = 1 << 16; /* none is evicted */
    struct feature_vector *vectors = random_vectors(21, COUNT);
    struct anomaly_model *forward = learnt_model(&settings, vectors, COUNT);
    struct anomaly_model *backward = open_model(&settings);
    for (size_t i = COUNT; i-- > 0;)
        anomaly_learn(backward, &vectors[i], (int64_t)i * SECOND);
    assert_same_verdicts(forward, backward, vectors, COUNT);
    struct baseline_summary a, b;
    anomaly_baseline_summary(forward, &a);
    anomaly_baseline_summary(backward, &b);
    ck_assert_uint_eq(a.flows, COUNT - 1);
    ck_assert_uint_eq(a.flows, b.flows);
    ck_assert_int_eq(a.since_ns, b.since_ns);
    anomaly_model_close(forward);
    anomaly_model_close(backward);
    free(vectors);
}
END_TEST

START_TEST(a_score_does_not_depend_on_what_was_scored_before)
{
    enum { COUNT = 3000 };
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct feature_vector *vectors = random_vectors(23, COUNT);
    struct anomaly_model *model = learnt_model(&settings, vectors, COUNT);
    static int32_t scores[COUNT];
    struct verdict verdict;
    for (size_t i = 0; i < COUNT; i++) {
        anomaly_score(model, &vectors[i], true, &verdict);
        scores[i] = verdict.score_mbits;
        anomaly_score(model, &vectors[COUNT - 1 - i], i % 2 == 0, &verdict);
    }
    struct anomaly_model *other = learnt_model(&settings, vectors, COUNT);
    for (size_t i = COUNT; i-- > 0;) {
        anomaly_score(other, &vectors[i], true, &verdict);
        ck_assert_int_eq(verdict.score_mbits, scores[i]);
    }
    anomaly_model_close(model);
    anomaly_model_close(other);
    free(vectors);
}
END_TEST

START_TEST(the_hash_key_changes_no_capture_verdict)
{
    enum { COUNT = 5000 };
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.max_categories = 300; /* many are evicted */
    struct feature_vector *vectors = random_vectors(31, COUNT);
    struct anomaly_model *one = learnt_model(&settings, vectors, COUNT);
    settings.hash_key[0] = UINT64_C(0xfeedfacecafebeef);
    struct anomaly_model *other = learnt_model(&settings, vectors, COUNT);
    struct engine_counters counters = {0};
    anomaly_model_counters(one, &counters);
    ck_assert_uint_gt(counters.categories_evicted, 100);
    assert_same_verdicts(one, other, vectors, COUNT);
    anomaly_model_close(one);
    anomaly_model_close(other);
    free(vectors);
}
END_TEST

START_TEST(the_hash_key_changes_no_online_verdict)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.max_categories = 300;
    settings.half_life_flows = 1000; /* many steps and halvings */
    settings.half_life_ns = HOUR / 4;
    struct anomaly_model *one = open_model(&settings);
    settings.hash_key[1] = 77;
    struct anomaly_model *other = open_model(&settings);
    uint64_t state = 41;
    for (int64_t i = 0; i < 30000; i++) {
        struct feature_vector vector;
        struct verdict a, b;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        random_vector(&state, &vector);
        anomaly_judge_online(one, &vector, i * SECOND, ALPHA, &a);
        anomaly_judge_online(other, &vector, i * SECOND, ALPHA, &b);
        ck_assert_int_eq(a.score_mbits, b.score_mbits);
        ck_assert_mem_eq(a.contribution_mbits, b.contribution_mbits, sizeof a.contribution_mbits);
        ck_assert_double_eq(a.p_value, b.p_value);
        ck_assert_int_eq(a.is_flagged, b.is_flagged);
    }
    anomaly_model_close(one);
    anomaly_model_close(other);
}
END_TEST

/* Flows come two at a time: what was due was learnt before the first of them was scored. */
START_TEST(evidence_asked_after_judging_is_what_the_flow_was_scored_by)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct anomaly_model *model = open_model(&settings);
    uint64_t state = 51;
    for (int64_t i = 0; i < 3000; i++) {
        struct feature_vector vector;
        struct verdict verdict;
        struct evidence before, after;
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, i * SECOND, ALPHA, &verdict);
        random_vector(&state, &vector);
        const enum feature_id id = (enum feature_id)(i % FEATURE_COUNT);
        anomaly_evidence(model, &vector, false, id, &before);
        anomaly_judge_online(model, &vector, i * SECOND, ALPHA, &verdict);
        anomaly_evidence(model, &vector, false, id, &after);
        ck_assert_int_eq(before.bits_mbits, after.bits_mbits);
        ck_assert_uint_eq(before.count, after.count);
        ck_assert_double_eq(before.share, after.share);
        ck_assert_double_eq(before.median, after.median);
        ck_assert_int_eq(before.direction, after.direction);
    }
    anomaly_model_close(model);
}
END_TEST

/* A flow a second for three days. */
START_TEST(stationary_traffic_asks_for_about_the_share_of_alarms_allowed)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct anomaly_model *model = open_model(&settings);
    uint64_t state = 61;
    const int64_t hours = 72;
    uint64_t flagged = 0, in_tenth = 0;
    int64_t first_warm = -1;
    for (int64_t i = 0; i < hours * 3600; i++) {
        struct feature_vector vector;
        struct verdict verdict;
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, i * SECOND, ALPHA, &verdict);
        ck_assert(!verdict.is_cold || !verdict.is_flagged);
        if (verdict.is_cold)
            continue;
        if (first_warm < 0)
            first_warm = i;
        flagged += verdict.is_flagged;
        in_tenth += verdict.p_value <= 0.1;
    }
    const double warm_flows = (double)(hours * 3600 - first_warm);
    ck_assert_int_eq(first_warm, 2000 + LAG / SECOND - 1); /* 2,000 flows are learnt then */
    ck_assert_double_ge((double)flagged, 0.5 * ALPHA * warm_flows);
    ck_assert_double_le((double)flagged, 1.5 * ALPHA * warm_flows);
    ck_assert_double_eq_tol((double)in_tenth / warm_flows, 0.1, 0.02);
    anomaly_model_close(model);
}
END_TEST

static void strange_vector(uint64_t *state, struct feature_vector *vector)
{
    random_vector(state, vector);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if (feature_infos[j].scale != FEATURE_SCALE_CATEGORY) {
            vector->present |= UINT64_C(1) << j;
            vector->value[j] = 0x1p60;
        }
    }
}

START_TEST(nothing_is_flagged_before_both_flows_and_time_of_the_warm_up)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    for (int is_fast = 0; is_fast < 2; is_fast++) {
        struct anomaly_model *model = open_model(&settings);
        const int64_t step_ns = is_fast ? SECOND / 10 : 60 * SECOND;
        const int64_t warm_at = is_fast ? 18000 : 2000;
        uint64_t state = 81;
        for (int64_t i = 0; i <= warm_at; i++) {
            struct feature_vector vector;
            struct verdict verdict;
            strange_vector(&state, &vector);
            if (i % 100 != 0)
                random_vector(&state, &vector);
            anomaly_judge_online(model, &vector, i * step_ns, ALPHA, &verdict);
            ck_assert_int_eq(verdict.is_cold, i < warm_at);
            ck_assert(i == warm_at || (!verdict.is_flagged && !verdict.is_notable));
        }
        anomaly_model_close(model);
    }
}
END_TEST

/* Few places, met again at once and later, among places of their own, with few slots' worth of
 * services, so that some are evicted. */
static struct feature_vector *repeating_vectors(size_t count)
{
    enum { PATTERNS = 40 };
    struct feature_vector *const patterns = random_vectors(61, PATTERNS);
    struct feature_vector *const vectors = random_vectors(62, count);
    uint64_t state = 63;
    for (size_t i = 0; i < count; i++) {
        const uint64_t which = next_random(&state);
        const uint32_t pair_flows = vectors[i].pair_flows_60s;
        if (which % 4 == 0)
            continue;
        vectors[i] = i > 0 && which % 4 == 1 ? vectors[i - 1] : patterns[which / 4 % PATTERNS];
        vectors[i].pair_flows_60s = pair_flows;
    }
    free(patterns);
    return vectors;
}

/* The plain way: each flow learnt by itself. Online, without decay or lag, it is one. */
static struct anomaly_model *learnt_one_by_one(const struct anomaly_settings *settings,
                                               const struct feature_vector *vectors, size_t count)
{
    struct anomaly_settings plain = *settings;
    plain.mode = ANOMALY_MODE_ONLINE;
    plain.half_life_flows = 1e18;
    return learnt_model(&plain, vectors, count);
}

enum { PLACES_COUNT = 6000 };

/* Weights, and what orders evictions: the last flow of each, and which came first. */
static void check_same_categories(struct anomaly_model *one, struct anomaly_model *other)
{
    anomaly_learn_all(one);
    const struct category_table *const mine = baseline_categories_of(one->baseline);
    const struct category_table *const others = baseline_categories_of(other->baseline);
    ck_assert_uint_eq(category_table_count(mine), category_table_count(others));
    struct category_entry *const entries = category_table_entries(mine);
    struct category_entry *const expected = category_table_entries(others);
    for (size_t i = 0; i < category_table_count(mine); i++) {
        ck_assert_mem_eq(entries[i].sum, expected[i].sum, sizeof expected[i].sum);
        ck_assert_uint_eq(entries[i].touched, expected[i].touched);
        ck_assert_uint_eq(entries[i].inserted, expected[i].inserted);
    }
    free(entries);
    free(expected);
}

/* The vectors are freed. */
static void check_scores_are_those_of_single(struct feature_vector *vectors, uint32_t max_services,
                                             uint32_t max_categories)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.max_services = max_services;
    settings.max_categories = max_categories;
    struct anomaly_model *const model = learnt_model(&settings, vectors, PLACES_COUNT);
    struct anomaly_model *const plain = learnt_one_by_one(&settings, vectors, PLACES_COUNT);
    check_same_categories(model, plain);
    for (unsigned pass = 0; pass < 2; pass++) {
        int32_t score_mbits;
        for (size_t i = 0; i < PLACES_COUNT; i++) {
            struct verdict verdict, expected;
            ck_assert(anomaly_next_scores(model, &score_mbits, 1));
            anomaly_score(model, &vectors[i], true, &verdict);
            anomaly_score(plain, &vectors[i], true, &expected);
            ck_assert_int_eq(score_mbits, expected.score_mbits);
            ck_assert_int_eq(verdict.score_mbits, expected.score_mbits);
            struct evidence seen, known;
            const enum feature_id id = (enum feature_id)(i % FEATURE_COUNT);
            anomaly_evidence(model, &vectors[i], true, id, &seen);
            anomaly_evidence(plain, &vectors[i], true, id, &known);
            ck_assert_uint_eq(seen.count, known.count);
            ck_assert(seen.share == known.share && seen.median == known.median);
        }
        ck_assert(!anomaly_next_scores(model, &score_mbits, 1));
        ck_assert(anomaly_rank_finish(model));
    }
    anomaly_model_close(model);
    anomaly_model_close(plain);
    free(vectors);
}

START_TEST(flows_of_one_place_are_learnt_at_once_as_if_one_by_one)
{
    check_scores_are_those_of_single(repeating_vectors(PLACES_COUNT), 4096, 1 << 16);
}
END_TEST

/* More of one service and direction than wait together for their bins. */
START_TEST(flows_of_one_service_are_learnt_together_as_if_one_by_one)
{
    struct feature_vector *const vectors = random_vectors(64, PLACES_COUNT);
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        vectors[i].present |= UINT64_C(1) << FEATURE_SERVICE | UINT64_C(1) << FEATURE_DIRECTION;
        vectors[i].value[FEATURE_SERVICE] = 6 << 16 | 443;
        vectors[i].value[FEATURE_DIRECTION] = i % 50 == 0 ? 1 : 2;
    }
    check_scores_are_those_of_single(vectors, 4096, 1 << 16);
}
END_TEST

START_TEST(flows_of_one_place_are_learnt_at_once_where_others_have_to_go)
{
    check_scores_are_those_of_single(repeating_vectors(PLACES_COUNT), 7, 1 << 16);
    check_scores_are_those_of_single(repeating_vectors(PLACES_COUNT), 4096, 300);
    check_scores_are_those_of_single(repeating_vectors(PLACES_COUNT), 20, 100);
}
END_TEST

static int32_t flood_score(double flood_exponent)
{
    enum { COUNT = 4000 };
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.flood_exponent = flood_exponent;
    struct feature_vector *vectors = random_vectors(91, COUNT);
    struct anomaly_model *model = learnt_model(&settings, vectors, COUNT);
    uint64_t state = 92;
    struct feature_vector flood;
    strange_vector(&state, &flood);
    for (uint32_t i = 1; i <= COUNT; i++) {
        flood.pair_flows_60s = i;
        anomaly_learn(model, &flood, 0);
    }
    struct verdict verdict;
    int32_t score_mbits;
    while (anomaly_next_scores(model, &score_mbits, 1))
        ;
    ck_assert(anomaly_rank_finish(model));
    anomaly_score(model, &flood, true, &verdict);
    anomaly_model_close(model);
    free(vectors);
    return verdict.score_mbits - verdict.typical_mbits;
}

START_TEST(a_flood_teaches_itself_less_the_higher_the_exponent)
{
    const int32_t none = flood_score(0), usual = flood_score(0.2), robust = flood_score(1);
    ck_assert_int_lt(none, 0); /* half of all flows: the flood is what is usual */
    ck_assert_int_gt(usual, none + 5000);
    ck_assert_int_gt(robust, usual + 50000);
}
END_TEST

START_TEST(online_baselines_forget)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.half_life_flows = 1600;
    settings.half_life_ns = 1600 * SECOND;
    settings.flood_exponent = 0;
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.present = (UINT64_C(1) << FEATURE_COUNT) - 1};
    struct verdict verdict;
    struct evidence evidence;
    int64_t now_ns = 0;
    vector.value[FEATURE_SERVICE] = 443;
    for (int i = 0; i < 20000; i++, now_ns += SECOND)
        anomaly_judge_online(model, &vector, now_ns, ALPHA, &verdict);
    vector.value[FEATURE_SERVICE] = 53;
    for (int i = 0; i < 4800; i++, now_ns += SECOND)
        anomaly_judge_online(model, &vector, now_ns, ALPHA, &verdict);
    vector.value[FEATURE_SERVICE] = 443;
    anomaly_evidence(model, &vector, false, FEATURE_SERVICE, &evidence);
    ck_assert_double_eq_tol(evidence.share, 0.125, 0.005); /* three half-lives */
    /* A stream of one flow a second weighs half-life / ln 2 seconds in the long run. */
    ck_assert_double_eq_tol((double)evidence.count, 1600 / log(2), 120);
    ck_assert_double_eq_tol((double)verdict.compared, 1600 / log(2), 120);
    anomaly_model_close(model);
}
END_TEST

START_TEST(many_flows_in_little_time_do_not_decay)
{
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.present = 1, .pair_flows_60s = 1};
    struct verdict verdict;
    for (int i = 0; i < 100000; i++)
        anomaly_judge_online(model, &vector, i, ALPHA, &verdict);
    struct baseline_summary summary;
    anomaly_baseline_summary(model, &summary);
    const double most = settings.max_lessons; /* a full queue makes room for a sixteenth of it */
    ck_assert_double_ge(summary.effective_flows, 100000 - most);
    ck_assert_double_le(summary.effective_flows, 100000 - most + most / 16 + 1);
    anomaly_learn_all(model);
    anomaly_baseline_summary(model, &summary);
    ck_assert_double_eq(summary.effective_flows, 100000);
    anomaly_model_close(model);
}
END_TEST

START_TEST(quantiles_are_those_of_the_values_to_a_step)
{
    enum { COUNT = 10000 };
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.pair_flows_60s = 1};
    vector.present = UINT64_C(1) << FEATURE_PAYLOAD_SHARE | UINT64_C(1) << FEATURE_DURATION;
    for (int i = 0; i < COUNT; i++) {
        vector.value[FEATURE_PAYLOAD_SHARE] = (double)i / COUNT;
        vector.value[FEATURE_DURATION] = exp2(32.0 * i / COUNT) - 1;
        anomaly_learn(model, &vector, i);
    }
    struct evidence evidence;
    anomaly_evidence(model, &vector, false, FEATURE_PAYLOAD_SHARE, &evidence);
    ck_assert(evidence.has_quantiles);
    ck_assert_double_eq_tol(evidence.median, 0.5, 0.002);
    ck_assert_double_eq_tol(evidence.p05, 0.05, 0.002);
    ck_assert_double_eq_tol(evidence.p95, 0.95, 0.002);
    ck_assert_int_eq(evidence.direction, EVIDENCE_HIGH);
    ck_assert_uint_eq(evidence.count, COUNT);
    anomaly_evidence(model, &vector, false, FEATURE_DURATION, &evidence);
    ck_assert_double_eq_tol(log2(evidence.median), 16, 0.0625);
    ck_assert_double_eq_tol(log2(evidence.p95), 30.4, 0.0625);
    anomaly_evidence(model, &vector, false, FEATURE_HANDSHAKE_RTT, &evidence);
    ck_assert(!evidence.has_quantiles);
    ck_assert_int_eq(evidence.direction, EVIDENCE_RARE);
    ck_assert_double_eq(evidence.share, 1);
    anomaly_model_close(model);
}
END_TEST

START_TEST(quantiles_of_nothing_and_everything_are_exact)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.pair_flows_60s = 1};
    vector.present = UINT64_C(1) << FEATURE_PAYLOAD_SHARE | UINT64_C(1) << FEATURE_IP_BYTES_REV |
                     UINT64_C(1) << FEATURE_PACKETS_FWD;
    vector.value[FEATURE_PACKETS_FWD] = 1;
    for (int i = 0; i < 100; i++) {
        vector.value[FEATURE_PAYLOAD_SHARE] = i < 60 ? 0 : 1;
        anomaly_learn(model, &vector, i);
    }
    struct evidence share, bytes, packets;
    anomaly_evidence(model, &vector, false, FEATURE_PAYLOAD_SHARE, &share);
    anomaly_evidence(model, &vector, false, FEATURE_IP_BYTES_REV, &bytes);
    anomaly_evidence(model, &vector, false, FEATURE_PACKETS_FWD, &packets);
    ck_assert_double_eq(share.p05, 0);
    ck_assert_double_eq(share.median, 0);
    ck_assert_double_eq(share.p95, 1);
    ck_assert_double_eq(bytes.median, 0);
    ck_assert_double_eq(packets.median, 1);
    anomaly_model_close(model);
}
END_TEST

/* The formulas of ENGINE in floating point, of a baseline of one flow weighing 1 in bin 3. */
START_TEST(bits_follow_the_formulas)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.pair_flows_60s = 1};
    vector.present = UINT64_C(1) << FEATURE_PAYLOAD_SHARE | UINT64_C(1) << FEATURE_DIRECTION |
                     UINT64_C(1) << FEATURE_PROTOCOL;
    vector.value[FEATURE_PAYLOAD_SHARE] = 3.5 / 16;
    vector.value[FEATURE_PROTOCOL] = 6;
    anomaly_learn(model, &vector, 0);
    struct evidence evidence;
    const double kernel[] = {0, 1, 2, 4, 2, 1, 0};
    for (int bin = 0; bin < 7; bin++) {
        vector.value[FEATURE_PAYLOAD_SHARE] = (bin + 0.5) / 16;
        const double smooth = kernel[bin] / 10;
        const double p0 = (smooth + 50.0 / 16) / (1 + 17 * 50.0 / 16);
        const double p1 = (smooth + 500 * p0) / (1 + 500);
        anomaly_evidence(model, &vector, false, FEATURE_PAYLOAD_SHARE, &evidence);
        ck_assert_double_eq_tol(evidence.bits_mbits, -1000 * (0.85 * log2(p0) + 0.15 * log2(p1)),
                                0.6);
    }
    const double known0 = (1 + 0.5) / (1 + 2 * 0.5), known1 = (1 + 500 * known0) / 501;
    anomaly_evidence(model, &vector, false, FEATURE_PROTOCOL, &evidence);
    ck_assert_double_eq_tol(evidence.bits_mbits,
                            -1000 * (0.85 * log2(known0) + 0.15 * log2(known1)), 0.6);
    ck_assert_int_eq(evidence.direction, EVIDENCE_RARE);
    vector.value[FEATURE_PROTOCOL] = 17;
    const double new0 = 0.5 / (1 + 2 * 0.5), new1 = 500 * new0 / 501;
    anomaly_evidence(model, &vector, false, FEATURE_PROTOCOL, &evidence);
    ck_assert_double_eq_tol(evidence.bits_mbits, -1000 * (0.85 * log2(new0) + 0.15 * log2(new1)),
                            0.6);
    ck_assert_int_eq(evidence.direction, EVIDENCE_NEW);
    anomaly_model_close(model);
}
END_TEST

/* 3,000 flows of one service, all in bin 3: its own surprise counts 35 of a hundred. */
START_TEST(bits_of_a_service_follow_the_formulas)
{
    enum { COUNT = 3000 };
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.pair_flows_60s = 4}; /* weighs 4^-0.2; in its service 4^-0.5 */
    vector.present = UINT64_C(1) << FEATURE_PAYLOAD_SHARE | UINT64_C(1) << FEATURE_SERVICE |
                     UINT64_C(1) << FEATURE_SERVICE_STATE;
    vector.value[FEATURE_PAYLOAD_SHARE] = 3.5 / 16;
    vector.value[FEATURE_SERVICE] = 443;
    vector.value[FEATURE_SERVICE_STATE] = 443 << 8 | 2;
    for (int i = 0; i < 2 * COUNT; i++)
        anomaly_learn(model, &vector, 0);
    const double all = 2 * COUNT * pow(4, -0.2), own = COUNT;
    struct evidence evidence;
    vector.value[FEATURE_PAYLOAD_SHARE] = 5.5 / 16;
    const double p0 = (0.1 * all + 50.0 / 16) / (all + 17 * 50.0 / 16);
    const double p2 = (0.1 * own + 500 * p0) / (own + 500);
    anomaly_evidence(model, &vector, false, FEATURE_PAYLOAD_SHARE, &evidence);
    ck_assert_double_eq_tol(evidence.bits_mbits, -1000 * (0.65 * log2(p0) + 0.35 * log2(p2)), 1);
    ck_assert(evidence.is_of_service);
    ck_assert_uint_eq(evidence.count, 2 * COUNT);       /* words count each flow alike */
    vector.value[FEATURE_SERVICE_STATE] = 443 << 8 | 7; /* a state it never was in */
    const double c0 = 0.5 / (all + 1), c2 = 500 * c0 / (own + 500);
    anomaly_evidence(model, &vector, false, FEATURE_SERVICE_STATE, &evidence);
    ck_assert_double_eq_tol(evidence.bits_mbits, -1000 * (0.65 * log2(c0) + 0.35 * log2(c2)), 1);
    ck_assert_int_eq(evidence.direction, EVIDENCE_NEW);
    anomaly_evidence(model, &vector, false, FEATURE_SERVICE, &evidence);
    ck_assert(!evidence.is_of_service); /* all of its flows are of it: that says nothing */
    anomaly_model_close(model);
}
END_TEST

/* A flow of a service that others have, too few of it to judge it by. */
START_TEST(a_service_of_few_flows_is_judged_by_all)
{
    enum { COUNT = 3000 };
    const struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    struct feature_vector *vectors = random_vectors(95, COUNT);
    struct anomaly_model *model = open_model(&settings);
    for (size_t i = 0; i < COUNT; i++) {
        vectors[i].present |= UINT64_C(1) << FEATURE_SERVICE;
        vectors[i].value[FEATURE_SERVICE] = i < 20 ? 8080 : 443;
        anomaly_learn(model, &vectors[i], 0);
    }
    struct evidence evidence;
    anomaly_evidence(model, &vectors[0], true, FEATURE_DURATION, &evidence);
    ck_assert(!evidence.is_of_service);
    anomaly_evidence(model, &vectors[COUNT - 1], true, FEATURE_DURATION, &evidence);
    ck_assert(evidence.is_of_service);
    anomaly_model_close(model);
    free(vectors);
}
END_TEST

/* A burst of equal flows in the middle of other traffic. */
struct burst {
    int32_t first, last; /* score of its first and its last flow */
    int32_t after;       /* of the same flow once all was learnt */
};

static struct burst judge_burst(const struct anomaly_settings *settings, int64_t lasts_ns)
{
    enum { BEFORE = 3000, COUNT = 500 };
    struct anomaly_model *model = open_model(settings);
    uint64_t state = 96;
    struct feature_vector vector;
    struct verdict verdict;
    struct burst burst = {0};
    for (int64_t i = 0; i < BEFORE; i++) {
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, i * SECOND, ALPHA, &verdict);
    }
    strange_vector(&state, &vector);
    vector.pair_flows_60s = 1;
    const int64_t start_ns = BEFORE * SECOND + LAG; /* nothing waits any more */
    for (int64_t i = 0; i < COUNT; i++) {
        anomaly_judge_online(model, &vector, start_ns + i * lasts_ns / COUNT, ALPHA, &verdict);
        burst.first = i == 0 ? verdict.score_mbits : burst.first;
    }
    burst.last = verdict.score_mbits;
    anomaly_judge_online(model, &vector, start_ns + lasts_ns + LAG, ALPHA, &verdict);
    burst.after = verdict.score_mbits;
    anomaly_model_close(model);
    return burst;
}

START_TEST(a_burst_does_not_teach_itself_while_it_lasts)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    const struct burst burst = judge_burst(&settings, LAG);
    ck_assert_int_eq(burst.first, burst.last);
    ck_assert_int_lt(burst.after, burst.first - 50000);
    settings.learning_lag_ns = 0;
    const struct burst at_once = judge_burst(&settings, LAG);
    ck_assert_int_lt(at_once.last, at_once.first - 50000);
}
END_TEST

START_TEST(what_is_due_is_learnt_at_the_next_second_all_at_once)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.learning_lag_ns = 0;
    struct anomaly_model *model = open_model(&settings);
    uint64_t state = 98;
    for (uint64_t i = 0; i < 40; i++) {
        struct feature_vector vector;
        struct verdict verdict;
        struct engine_counters counters = {0};
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, (int64_t)i * SECOND / 8, ALPHA, &verdict);
        anomaly_model_counters(model, &counters);
        ck_assert_uint_eq(counters.learnt, i / 8 * 8);
    }
    anomaly_model_close(model);
}
END_TEST

START_TEST(beyond_the_most_lessons_the_oldest_is_learnt_early)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.max_lessons = 10;
    const struct burst burst = judge_burst(&settings, LAG);
    ck_assert_int_lt(burst.last, burst.first - 50000);
    struct anomaly_model *model = open_model(&settings);
    uint64_t state = 97;
    for (uint64_t i = 0; i < 25; i++) {
        struct feature_vector vector;
        struct verdict verdict;
        struct engine_counters counters = {0};
        random_vector(&state, &vector);
        anomaly_judge_online(model, &vector, (int64_t)i, ALPHA, &verdict);
        anomaly_model_counters(model, &counters);
        ck_assert_uint_eq(counters.learnt, i < 10 ? 0 : i - 9);
    }
    anomaly_model_close(model);
}
END_TEST

START_TEST(services_that_had_to_go_are_counted)
{
    struct anomaly_settings settings = test_settings(ANOMALY_MODE_CAPTURE);
    settings.max_services = 3;
    struct anomaly_model *model = open_model(&settings);
    struct feature_vector vector = {.present = UINT64_C(1) << FEATURE_SERVICE, .pair_flows_60s = 1};
    struct engine_counters counters = {0};
    for (int service = 1; service <= 8; service++) {
        vector.value[FEATURE_SERVICE] = service;
        anomaly_learn(model, &vector, 0);
        anomaly_model_counters(model, &counters);
        ck_assert_uint_eq(counters.services_evicted, service <= 3 ? 0 : (unsigned)service - 3);
    }
    anomaly_model_close(model);
}
END_TEST

START_TEST(values_that_are_no_numbers_do_no_harm)
{
    const double strange[] = {NAN, INFINITY, -INFINITY, -1, 1e300, -1e300, 0x1p63};
    for (int mode = 0; mode < 2; mode++) {
        const struct anomaly_settings settings =
            test_settings(mode == 0 ? ANOMALY_MODE_CAPTURE : ANOMALY_MODE_ONLINE);
        struct anomaly_model *model = open_model(&settings);
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
            struct feature_vector vector = {.present = UINT64_MAX};
            struct verdict verdict;
            for (unsigned j = 0; j < FEATURE_COUNT; j++)
                vector.value[j] = strange[i];
            anomaly_learn(model, &vector, 0);
            anomaly_score(model, &vector, true, &verdict);
            ck_assert(parts_sum(&verdict));
        }
        anomaly_model_close(model);
    }
}
END_TEST

/* The baseline numbers them so: see baseline.h. */
START_TEST(categories_stand_last_in_the_list_of_features)
{
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        ck_assert_int_eq(baseline_is_numeric(j), feature_infos[j].scale != FEATURE_SCALE_CATEGORY);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("model");
    tcase_set_timeout(test_case, 120);
    tcase_add_test(test_case, categories_stand_last_in_the_list_of_features);
    tcase_add_test(test_case, typical_and_contributions_sum_to_the_score_exactly);
    tcase_add_test(test_case, what_is_typical_of_a_capture_is_the_mean_of_its_parts);
    tcase_add_test(test_case, typical_and_contributions_sum_to_the_score_online);
    tcase_add_test(test_case, a_flow_taken_out_is_scored_as_if_never_learnt);
    tcase_add_test(test_case, a_flow_taken_out_leaves_its_service_as_if_never_learnt);
    tcase_add_test(test_case, an_edited_flow_is_scored_as_if_neither_had_been_learnt);
    tcase_add_test(test_case, what_is_most_usual_of_a_category_leaves_the_flow_itself_out);
    tcase_add_test(test_case, a_value_beside_its_service_is_told_by_its_bits_alone_and_together);
    tcase_add_test(test_case, a_capture_is_learnt_the_same_in_any_order);
    tcase_add_test(test_case, a_score_does_not_depend_on_what_was_scored_before);
    tcase_add_test(test_case, the_hash_key_changes_no_capture_verdict);
    tcase_add_test(test_case, the_hash_key_changes_no_online_verdict);
    tcase_add_test(test_case, evidence_asked_after_judging_is_what_the_flow_was_scored_by);
    tcase_add_test(test_case, stationary_traffic_asks_for_about_the_share_of_alarms_allowed);
    tcase_add_test(test_case, nothing_is_flagged_before_both_flows_and_time_of_the_warm_up);
    tcase_add_test(test_case, flows_of_one_place_are_learnt_at_once_as_if_one_by_one);
    tcase_add_test(test_case, flows_of_one_service_are_learnt_together_as_if_one_by_one);
    tcase_add_test(test_case, flows_of_one_place_are_learnt_at_once_where_others_have_to_go);
    tcase_add_test(test_case, a_flood_teaches_itself_less_the_higher_the_exponent);
    tcase_add_test(test_case, online_baselines_forget);
    tcase_add_test(test_case, many_flows_in_little_time_do_not_decay);
    tcase_add_test(test_case, quantiles_are_those_of_the_values_to_a_step);
    tcase_add_test(test_case, quantiles_of_nothing_and_everything_are_exact);
    tcase_add_test(test_case, bits_follow_the_formulas);
    tcase_add_test(test_case, bits_of_a_service_follow_the_formulas);
    tcase_add_test(test_case, a_service_of_few_flows_is_judged_by_all);
    tcase_add_test(test_case, a_burst_does_not_teach_itself_while_it_lasts);
    tcase_add_test(test_case, what_is_due_is_learnt_at_the_next_second_all_at_once);
    tcase_add_test(test_case, beyond_the_most_lessons_the_oldest_is_learnt_early);
    tcase_add_test(test_case, services_that_had_to_go_are_counted);
    tcase_add_test(test_case, values_that_are_no_numbers_do_no_harm);
    Suite *suite = suite_create("anomaly_model");
    suite_add_tcase(suite, test_case);
    return suite;
}
