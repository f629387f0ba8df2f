/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of saved baselines, on random traffic: who loads one goes on as if there had been
 * no stop; nothing broken is taken; adding leaves no trace of order; years between do no harm. */
#include "snapshot.h"

#include "anomaly/baseline_sums.h"
#include "anomaly/model.h"
#include "base/sha1.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define YEAR (8760 * HOUR)
#define START (INT64_C(1700000000) * SECOND)
#define ALPHA 0.05

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct settings test_settings(enum anomaly_mode mode)
{
    struct settings settings;
    settings_default(&settings);
    settings.feature.max_hosts = settings.feature.max_pairs = 256;
    settings.feature.max_conversations = settings.feature.max_window_flows = 256;
    settings.anomaly.mode = mode;
    settings.anomaly.warmup_flows = 200;
    settings.anomaly.warmup_ns = 60 * SECOND;
    settings.anomaly.half_life_flows = 800; /* several halvings in a few thousand flows */
    settings.anomaly.half_life_ns = 60 * SECOND;
    settings.anomaly.max_categories = 4096;
    settings.anomaly.learning_lag_ns = 10 * SECOND; /* some hundred flows wait */
    settings.anomaly.max_lessons = 64;
    settings.anomaly.max_services = 320; /* all codes there are, and some */
    settings.anomaly.probation_ns = 0;   /* who is on probation is not saved: a stop ends it */
    return settings;
}

static void random_vector(uint64_t *state, struct feature_vector *vector)
{
    memset(vector, 0, sizeof *vector);
    vector->pair_flows_60s =
        (uint32_t)(1 + next_random(state) % (next_random(state) % 9 ? 3 : 900));
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const struct feature_info *info = &feature_infos[j];
        if (next_random(state) % 10 == 0)
            continue;
        vector->present |= UINT64_C(1) << j;
        const double place = (double)(next_random(state) % 1000) / 1000;
        const double position = info->low + place * place * (info->high - info->low);
        if (info->scale == FEATURE_SCALE_CATEGORY)
            vector->value[j] = j == FEATURE_DIRECTION ? (double)(next_random(state) % 4)
                                                      : floor(place * place * 300);
        else
            vector->value[j] = info->scale == FEATURE_SCALE_LOG2 ? exp2(position) - 1 : position;
    }
}

/* A model and an engine: what a snapshot is of. */
struct sensor_mind {
    struct anomaly_model *model;
    struct feature_engine *features;
};

static struct sensor_mind open_mind(const struct settings *settings)
{
    const struct sensor_mind mind = {.model = anomaly_model_open(&settings->anomaly),
                                     .features = feature_engine_open(&settings->feature)};
    ck_assert(mind.model != NULL && mind.features != NULL);
    return mind;
}

static void close_mind(struct sensor_mind *mind)
{
    anomaly_model_close(mind->model);
    feature_engine_close(mind->features);
}

/* As the engine saves: what waits to be learnt is learnt first, here and in a run that is not
 * stopped at this point. */
static struct snapshot save(const struct sensor_mind *mind)
{
    struct snapshot snapshot;
    anomaly_learn_all(mind->model);
    ck_assert(snapshot_make(mind->model, mind->features, &snapshot));
    return snapshot;
}

static struct sensor_mind load(const struct settings *settings, const struct snapshot *snapshot)
{
    char error[256] = "";
    struct sensor_mind mind = open_mind(settings);
    ck_assert_msg(snapshot_read(snapshot, mind.model, mind.features, error, sizeof error), "%s",
                  error);
    return mind;
}

/* True if it is refused, and then with a reason. */
static bool is_refused(const struct settings *settings, const struct snapshot *snapshot)
{
    char error[256] = "";
    struct sensor_mind mind = open_mind(settings);
    const bool is_read = snapshot_read(snapshot, mind.model, mind.features, error, sizeof error);
    ck_assert(is_read || error[0] != '\0');
    close_mind(&mind);
    return !is_read;
}

static void judge(struct anomaly_model *model, uint64_t *state, int64_t *now_ns,
                  struct verdict *verdict)
{
    struct feature_vector vector;
    random_vector(state, &vector);
    *now_ns += (int64_t)(next_random(state) % 200) * (SECOND / 1000);
    anomaly_judge_online(model, &vector, *now_ns, ALPHA, verdict);
}

/* A saved baseline of `flows` random flows. */
static struct snapshot random_snapshot(const struct settings *settings, uint64_t seed,
                                       unsigned flows)
{
    struct sensor_mind mind = open_mind(settings);
    int64_t now_ns = START;
    struct verdict verdict;
    uint64_t state = seed;
    for (unsigned i = 0; i < flows; i++)
        judge(mind.model, &state, &now_ns, &verdict);
    const struct snapshot snapshot = save(&mind);
    close_mind(&mind);
    return snapshot;
}

static bool are_equal(const struct snapshot *a, const struct snapshot *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- going on ------------------------------------------------------------------------------ */

static void assert_same_verdict(const struct verdict *a, const struct verdict *b)
{
    ck_assert_int_eq(a->score_mbits, b->score_mbits);
    ck_assert_int_eq(a->typical_mbits, b->typical_mbits);
    ck_assert_mem_eq(a->contribution_mbits, b->contribution_mbits, sizeof a->contribution_mbits);
    ck_assert_double_eq(a->p_value, b->p_value);
    ck_assert_uint_eq(a->compared, b->compared);
    ck_assert_int_eq(a->is_cold, b->is_cold);
}

static void check_cut(unsigned flows_before, uint32_t max_categories, uint32_t max_services)
{
    struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.anomaly.max_categories = max_categories;
    settings.anomaly.max_services = max_services;
    struct sensor_mind unbroken = open_mind(&settings);
    int64_t now_ns = START;
    struct verdict a, b;
    uint64_t state = 4711;
    for (unsigned i = 0; i < flows_before; i++)
        judge(unbroken.model, &state, &now_ns, &a);
    struct snapshot snapshot = save(&unbroken);
    settings.anomaly.hash_key[0] = 99; /* placement is another */
    struct sensor_mind continued = load(&settings, &snapshot);
    struct snapshot again = save(&continued);
    ck_assert(are_equal(&snapshot, &again));
    uint64_t same_state = state;
    int64_t same_now_ns = now_ns;
    for (unsigned i = 0; i < 1500; i++) {
        judge(unbroken.model, &state, &now_ns, &a);
        judge(continued.model, &same_state, &same_now_ns, &b);
        assert_same_verdict(&a, &b);
    }
    struct snapshot late = save(&unbroken), same_late = save(&continued);
    ck_assert(are_equal(&late, &same_late)); /* what no score showed is the same too */
    snapshot_free(&late);
    snapshot_free(&same_late);
    snapshot_free(&snapshot);
    snapshot_free(&again);
    close_mind(&unbroken);
    close_mind(&continued);
}

START_TEST(who_loads_goes_on_as_if_there_had_been_no_stop)
{
    const unsigned cuts[] = {0, 1, 2, 150, 250, 799, 800, 801, 2345, 5000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        check_cut(cuts[i], 4096, 320);
}
END_TEST

START_TEST(evictions_go_on_in_the_same_order)
{
    for (unsigned cut = 100; cut < 3000; cut += 700)
        check_cut(cut, 256, 24);
}
END_TEST

START_TEST(a_frozen_model_learns_nothing)
{
    struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 5, 1000);
    settings.anomaly.is_frozen = true;
    struct sensor_mind mind = load(&settings, &snapshot);
    struct snapshot_summary before, after;
    anomaly_model_summary(mind.model, &before);
    struct feature_vector vector;
    uint64_t state = 6;
    random_vector(&state, &vector);
    struct verdict first, verdict;
    struct evidence evidence, first_evidence;
    anomaly_judge_online(mind.model, &vector, START + HOUR, ALPHA, &first);
    anomaly_evidence(mind.model, &vector, true, FEATURE_DURATION, &first_evidence);
    int64_t now_ns = START + HOUR;
    for (unsigned i = 0; i < 3000; i++)
        judge(mind.model, &state, &now_ns, &verdict);
    anomaly_judge_online(mind.model, &vector, now_ns, ALPHA, &verdict);
    anomaly_evidence(mind.model, &vector, true, FEATURE_DURATION, &evidence);
    assert_same_verdict(&first, &verdict);
    ck_assert_mem_eq(&first_evidence, &evidence, sizeof evidence);
    anomaly_model_summary(mind.model, &after);
    ck_assert_uint_eq(after.flows, 1000);
    ck_assert_int_eq(after.until_ns, before.until_ns);
    struct baseline_summary summary;
    anomaly_baseline_summary(mind.model, &summary);
    ck_assert_uint_eq(summary.flows, 1000); /* nothing of its own to take out */
    ck_assert(summary.is_saved);
    snapshot_free(&snapshot);
    close_mind(&mind);
}
END_TEST

/* A share: without a budget an hour, p says it all. */
START_TEST(by_share_flagged_is_what_p_says)
{
    struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 5, 3000);
    settings.anomaly.alerts_by_share = true;
    settings.anomaly.alert_share = 0.05;
    struct sensor_mind mind = load(&settings, &snapshot);
    int64_t now_ns = START + HOUR;
    uint64_t state = 8;
    unsigned flagged = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct verdict verdict;
        judge(mind.model, &state, &now_ns, &verdict);
        ck_assert(!verdict.is_cold && !verdict.is_notable);
        if (verdict.is_flagged)
            ck_assert_double_le(verdict.p_value, 0.05 + 1e-9);
        else
            ck_assert_double_gt(verdict.p_value, 0.05 - 1e-9);
        flagged += verdict.is_flagged;
    }
    ck_assert_uint_ge(flagged, 75);
    ck_assert_uint_le(flagged, 225);
    snapshot_free(&snapshot);
    close_mind(&mind);
}
END_TEST

/* ---- years between ------------------------------------------------------------------------- */

/* What 100 flows at `gap_ns` after the save do to the weight behind the baseline. */
static double effective_after(int64_t gap_ns)
{
    struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.anomaly.half_life_flows = 20000;
    settings.anomaly.half_life_ns = 24 * HOUR;
    struct snapshot snapshot = random_snapshot(&settings, 5, 3000);
    struct sensor_mind mind = load(&settings, &snapshot);
    int64_t now_ns = START + gap_ns;
    uint64_t state = 9;
    for (unsigned i = 0; i < 100; i++) {
        struct verdict verdict;
        judge(mind.model, &state, &now_ns, &verdict);
        ck_assert_int_gt(verdict.score_mbits, 0);
        ck_assert(!verdict.is_cold);
    }
    struct baseline_summary summary;
    anomaly_baseline_summary(mind.model, &summary);
    snapshot_free(&snapshot);
    close_mind(&mind);
    return summary.effective_flows;
}

START_TEST(years_before_or_after_the_save_cost_a_sixteenth_of_a_half_life_at_most)
{
    const double at_once = effective_after(HOUR);
    const int64_t gaps[] = {-HOUR, -30 * YEAR, 2 * YEAR, 30 * YEAR};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        const double effective = effective_after(gaps[i]);
        ck_assert_double_le(effective, at_once + 0.01);
        ck_assert_double_ge(effective, at_once * exp2(-1.0 / 16) - 0.01);
    }
}
END_TEST

/* ---- nothing broken is taken --------------------------------------------------------------- */

/* One model for all, as one that refused is of no use: here nobody uses it. */
START_TEST(every_truncation_is_refused)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 6);
    struct sensor_mind mind = open_mind(&settings);
    char error[256];
    ck_assert(!is_refused(&settings, &snapshot));
    for (size_t size = 0; size < snapshot.size; size++) {
        const struct snapshot cut = {.bytes = snapshot.bytes, .size = size};
        if (size % 7 == 0 || size < 64 || size + 64 > snapshot.size)
            ck_assert_msg(!snapshot_read(&cut, mind.model, mind.features, error, sizeof error),
                          "%zu", size);
    }
    close_mind(&mind);
    snapshot_free(&snapshot);
}
END_TEST

/* One model for all here too. */
START_TEST(every_flipped_byte_is_refused)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 3);
    struct sensor_mind mind = open_mind(&settings);
    char error[256];
    for (size_t i = 0; i < snapshot.size; i++) {
        const uint8_t flip = (uint8_t)(1u << i % 8);
        snapshot.bytes[i] ^= flip;
        ck_assert_msg(!snapshot_read(&snapshot, mind.model, mind.features, error, sizeof error),
                      "byte %zu", i);
        snapshot.bytes[i] ^= flip;
    }
    ck_assert(snapshot_read(&snapshot, mind.model, mind.features, error, sizeof error));
    close_mind(&mind);
    snapshot_free(&snapshot);
}
END_TEST

/* Makes the checksum right again, as one would who means harm. */
static void seal(struct snapshot *snapshot)
{
    const size_t size = snapshot->size - SHA1_SIZE;
    sha1(snapshot->bytes, size, snapshot->bytes + size);
}

/* With a right checksum a changed number may pass; then it must do no harm. */
START_TEST(what_is_changed_and_sealed_again_is_refused_or_harmless)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 12);
    uint64_t state = 77;
    unsigned refused = 0, rounds = 600;
    for (unsigned round = 0; round < rounds; round++) {
        const size_t at = next_random(&state) % (snapshot.size - SHA1_SIZE);
        const uint8_t old = snapshot.bytes[at];
        snapshot.bytes[at] = (uint8_t)(round % 3 == 0 ? 0xff : next_random(&state));
        seal(&snapshot);
        struct sensor_mind mind = open_mind(&settings);
        char error[256];
        if (snapshot_read(&snapshot, mind.model, mind.features, error, sizeof error)) {
            int64_t now_ns = START + HOUR;
            for (unsigned i = 0; i < 20; i++) {
                struct verdict verdict;
                judge(mind.model, &state, &now_ns, &verdict);
            }
        } else {
            refused++;
        }
        close_mind(&mind);
        snapshot.bytes[at] = old;
    }
    ck_assert_uint_gt(refused, rounds / 2);
    seal(&snapshot);
    ck_assert(!is_refused(&settings, &snapshot));
    snapshot_free(&snapshot);
}
END_TEST

static void assert_refused_for(const struct settings *settings, const struct snapshot *snapshot,
                               const char *reason)
{
    char error[256] = "";
    struct sensor_mind mind = open_mind(settings);
    ck_assert(!snapshot_read(snapshot, mind.model, mind.features, error, sizeof error));
    ck_assert_msg(strstr(error, reason) != NULL, "'%s' does not say '%s'", error, reason);
    close_mind(&mind);
}

START_TEST(refusals_are_named)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 500);
    struct snapshot changed = {.bytes = malloc(snapshot.size), .size = snapshot.size};
    const struct {
        size_t at;
        uint8_t byte;
        const char *reason;
    } changes[] = {{0, 'x', "no saved baseline"},
                   {8, 9, "version 9"},
                   {12, 1, "it says"},
                   {100, 0, "checksum"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        memcpy(changed.bytes, snapshot.bytes, snapshot.size);
        changed.bytes[changes[i].at] ^= changes[i].byte == 0 ? 1 : 0;
        if (changes[i].byte != 0)
            changed.bytes[changes[i].at] = changes[i].byte;
        assert_refused_for(&settings, &changed, changes[i].reason);
    }
    memcpy(changed.bytes, snapshot.bytes, snapshot.size);
    uint8_t *const name = memmem(changed.bytes, changed.size, "packets_fwd", 11);
    ck_assert_ptr_nonnull(name);
    name[0] = 'x';
    seal(&changed);
    assert_refused_for(&settings, &changed, "other features: number 2 is not packets_fwd");
    struct settings other = settings;
    other.anomaly.flood_exponent = 1;
    assert_refused_for(&other, &snapshot, "gamma 0.2, not 1");
    other = settings;
    other.feature.window_ns = 30 * SECOND;
    assert_refused_for(&other, &snapshot, "another --window: 60 s, not 30 s");
    other = settings;
    other.anomaly.max_categories = 64;
    assert_refused_for(&other, &snapshot, "too many categories");
    other = settings;
    other.anomaly.max_services = 4;
    assert_refused_for(&other, &snapshot, "too many services");
    free(changed.bytes);
    snapshot_free(&snapshot);
}
END_TEST

/* Sums that do not fit are found wherever they are, not by the checksum alone. */
START_TEST(sums_that_do_not_fit_are_refused)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 500);
    uint8_t *const sums = memmem(snapshot.bytes, snapshot.size, "sums", 4);
    ck_assert_ptr_nonnull(sums);
    const size_t total_at = (size_t)(sums - snapshot.bytes) + 12 + 4 + 6 * 8;
    snapshot.bytes[total_at + 1] ^= 1; /* the total falls or rises by 256: a sixteenth of a flow */
    seal(&snapshot);
    ck_assert(is_refused(&settings, &snapshot));
    snapshot.bytes[total_at + 1] ^= 1;
    snapshot.bytes[total_at + 7] = 0x7f; /* would overflow */
    seal(&snapshot);
    ck_assert(is_refused(&settings, &snapshot));
    snapshot_free(&snapshot);
}
END_TEST

/* The bytes of a section's contents. */
static uint8_t *section(const struct snapshot *snapshot, const char tag[4])
{
    uint8_t *const at = memmem(snapshot->bytes, snapshot->size, tag, 4);
    ck_assert_ptr_nonnull(at);
    return at + 4 + 8;
}

/* What scores remember of their parts: flows from which means are made anew must come soon, flows
 * and sums stay so small that two of them can be added. */
START_TEST(means_that_are_absurd_are_refused)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 500);
    uint8_t *const state = section(&snapshot, "modl");
    enum { FLOWS = 5, DUE = FLOWS + 8, SUM = DUE + 8, MEAN = SUM + 8 };
    const struct {
        size_t at;
        uint8_t byte;
        const char *reason;
    } changes[] = {{FLOWS + 6, 1, "counted absurdly"},        /* 2^48 flows */
                   {DUE + 2, 1, "counted absurdly"},          /* in 65,000 flows */
                   {SUM + 7, 0x80, "typical of duration_us"}, /* below 0 */
                   {SUM + 5, 1, "typical of duration_us"}, /* above the highest score, 500 times */
                   {MEAN + 3, 1, "typical of duration_us"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const uint8_t old = state[changes[i].at];
        ck_assert_uint_ne(old, changes[i].byte);
        state[changes[i].at] = changes[i].byte;
        seal(&snapshot);
        assert_refused_for(&settings, &snapshot, changes[i].reason);
        state[changes[i].at] = old;
    }
    seal(&snapshot);
    ck_assert(!is_refused(&settings, &snapshot));
    snapshot_free(&snapshot);
}
END_TEST

/* One change to what is saved of services. */
enum service_fault {
    FAULT_NONE,
    FAULT_TOTAL,
    FAULT_FLOWS,
    FAULT_MEASURED,
    FAULT_BIN,
    FAULT_BIN_LOST,
    FAULT_PART,
    FAULT_STEP,
    FAULT_PART_STEP,
    FAULT_TOUCHED,
    FAULT_INSERTED,
    FAULT_INSERTED_LATE,
    FAULT_COUNT,
};

static void make_fault(struct service_table *table, enum service_fault fault)
{
    static const struct service_scope empty = {.service = 4711};
    struct service_entry entry = {.scope = &empty, .touched = 1, .inserted = 1};
    struct service_scope *const scope = service_table_at(table, 0);
    const uint64_t insertions = service_table_insertions(table);
    const unsigned slot = histogram_slot(3);
    scope->total += fault == FAULT_TOTAL ? scope->flows : 0;
    scope->flows += fault == FAULT_FLOWS ? UINT64_C(1) << 40 : 0;
    scope->measured[0] += fault == FAULT_MEASURED ? scope->flows : 0;
    scope->slot[0][slot] += fault == FAULT_BIN ? histogram_scale(3) * scope->total : 0;
    if (fault == FAULT_BIN_LOST)
        memset(scope->slot[0], 0, sizeof scope->slot[0]);
    scope->slot[FEATURE_PROTOCOL][0] += fault == FAULT_PART ? 1 : 0;
    scope->fine[0][100] += fault == FAULT_STEP ? (uint32_t)(scope->flows >> 6) + 1 : 0;
    scope->fine[FEATURE_PROTOCOL][1] += fault == FAULT_PART_STEP ? (uint32_t)scope->flows : 0;
    entry.touched = fault == FAULT_TOUCHED ? 501 : 500;
    entry.inserted = fault == FAULT_INSERTED        ? 0
                     : fault == FAULT_INSERTED_LATE ? insertions + 1
                                                    : insertions;
    ck_assert(service_table_put(table, &entry));
    service_table_set_counts(table, insertions, service_table_evicted(table));
}

START_TEST(services_that_do_not_fit_are_refused)
{
    static const char *const reasons[FAULT_COUNT] = {
        [FAULT_TOTAL] = "a service is counted absurdly",
        [FAULT_FLOWS] = "services outweigh all flows",
        [FAULT_MEASURED] = "duration_us was missing in more flows than a service had",
        [FAULT_BIN] = "bins of duration_us do not add up to a service's",
        [FAULT_BIN_LOST] = "bins of duration_us do not add up to a service's",
        [FAULT_PART] = "bins of protocol do not add up to a service's",
        [FAULT_STEP] = "steps of duration_us outweigh a service's",
        [FAULT_PART_STEP] = "steps of protocol outweigh a service's",
        [FAULT_TOUCHED] = "a service is numbered absurdly",
        [FAULT_INSERTED] = "a service is numbered absurdly",
        [FAULT_INSERTED_LATE] = "a service is numbered absurdly",
    };
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot snapshot = random_snapshot(&settings, 3, 500);
    for (unsigned fault = FAULT_NONE; fault < FAULT_COUNT; fault++) {
        struct sensor_mind mind = load(&settings, &snapshot);
        make_fault(baseline_services(mind.model->baseline), (enum service_fault)fault);
        struct snapshot changed = save(&mind);
        if (fault == FAULT_NONE)
            ck_assert(!is_refused(&settings, &changed));
        else
            assert_refused_for(&settings, &changed, reasons[fault]);
        snapshot_free(&changed);
        close_mind(&mind);
    }
    snapshot_free(&snapshot);
}
END_TEST

/* ---- adding -------------------------------------------------------------------------------- */

static struct snapshot merged(const struct settings *settings, const struct snapshot *a,
                              const struct snapshot *b)
{
    const struct snapshot parts[2] = {*a, *b};
    struct snapshot sum;
    char error[256] = "";
    ck_assert_msg(snapshot_merge(settings, parts, 2, &sum, error, sizeof error), "%s", error);
    return sum;
}

START_TEST(merging_is_commutative_and_associative_to_the_byte)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot part[4];
    for (unsigned i = 0; i < 4; i++) /* at different steps of the decay; the last is empty */
        part[i] = random_snapshot(&settings, 21 + i, i == 3 ? 0 : 333 + 1111 * i);
    struct snapshot ab = merged(&settings, &part[0], &part[1]);
    struct snapshot ba = merged(&settings, &part[1], &part[0]);
    ck_assert(are_equal(&ab, &ba));
    struct snapshot ab_c = merged(&settings, &ab, &part[2]);
    struct snapshot bc = merged(&settings, &part[1], &part[2]);
    struct snapshot a_bc = merged(&settings, &part[0], &bc);
    struct snapshot all;
    char error[256];
    ck_assert(snapshot_merge(&settings, part, 3, &all, error, sizeof error));
    ck_assert(are_equal(&ab_c, &a_bc));
    ck_assert(are_equal(&ab_c, &all));
    struct snapshot with_empty = merged(&settings, &part[3], &ab_c);
    struct snapshot empty_after = merged(&settings, &ab_c, &part[3]);
    ck_assert(are_equal(&with_empty, &all));
    ck_assert(are_equal(&empty_after, &all));
    ck_assert(!is_refused(&settings, &all));
    struct snapshot *const made[] = {&ab, &ba, &ab_c, &bc, &a_bc, &all, &with_empty, &empty_after};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        snapshot_free(made[i]);
    for (unsigned i = 0; i < 4; i++)
        snapshot_free(&part[i]);
}
END_TEST

static void learn(struct anomaly_model *model, uint64_t seed, unsigned count)
{
    uint64_t state = seed;
    for (unsigned i = 0; i < count; i++) {
        struct feature_vector vector;
        random_vector(&state, &vector);
        anomaly_learn(model, &vector, START + i * SECOND);
    }
}

/* Where places are short the heaviest of both stay, whichever was added to which. */
START_TEST(which_services_stay_does_not_depend_on_the_order_of_two)
{
    struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    settings.anomaly.max_services = 16;
    for (uint64_t seed = 51; seed < 57; seed++) {
        struct snapshot a = random_snapshot(&settings, seed, 900);
        struct snapshot b = random_snapshot(&settings, seed + 100, 1400);
        struct snapshot ab = merged(&settings, &a, &b), ba = merged(&settings, &b, &a);
        ck_assert(are_equal(&ab, &ba));
        ck_assert(!is_refused(&settings, &ab));
        struct snapshot *const made[] = {&a, &b, &ab, &ba};
        for (size_t i = 0; i < sizeof made / sizeof *made; i++)
            snapshot_free(made[i]);
    }
}
END_TEST

START_TEST(two_captures_merged_score_as_one_that_learnt_both)
{
    const struct settings capture = test_settings(ANOMALY_MODE_CAPTURE);
    const struct settings online = test_settings(ANOMALY_MODE_ONLINE);
    struct sensor_mind minds[3] = {open_mind(&capture), open_mind(&capture), open_mind(&capture)};
    learn(minds[0].model, 31, 700);
    learn(minds[1].model, 32, 900);
    learn(minds[2].model, 31, 700);
    learn(minds[2].model, 32, 900);
    struct snapshot parts[2] = {save(&minds[0]), save(&minds[1])};
    struct snapshot both = save(&minds[2]);
    struct snapshot sum = merged(&online, &parts[0], &parts[1]);
    struct sensor_mind of_sum = load(&online, &sum), of_both = load(&online, &both);
    uint64_t state = 33;
    for (unsigned i = 0; i < 500; i++) {
        struct feature_vector vector;
        struct verdict a, b;
        random_vector(&state, &vector);
        anomaly_score(of_sum.model, &vector, false, &a);
        anomaly_score(of_both.model, &vector, false, &b);
        ck_assert_int_eq(a.score_mbits, b.score_mbits);
        ck_assert_mem_eq(a.contribution_mbits, b.contribution_mbits, sizeof a.contribution_mbits);
    }
    struct snapshot_summary summary;
    anomaly_model_summary(of_sum.model, &summary);
    ck_assert_uint_eq(summary.flows, 1600);
    ck_assert_int_eq(summary.since_ns, START);
    ck_assert_int_eq(summary.until_ns, START + 899 * SECOND);
    struct snapshot *const made[] = {&parts[0], &parts[1], &both, &sum};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        snapshot_free(made[i]);
    for (unsigned i = 0; i < 3; i++)
        close_mind(&minds[i]);
    close_mind(&of_sum);
    close_mind(&of_both);
}
END_TEST

/* Each sum allows for the rounding of all its parts: 2^10 of them still load. */
START_TEST(a_baseline_added_to_itself_over_and_over_still_loads)
{
    const struct settings settings = test_settings(ANOMALY_MODE_ONLINE);
    struct snapshot sum = random_snapshot(&settings, 41, 1300);
    for (unsigned i = 0; i < 10; i++) {
        struct snapshot twice = merged(&settings, &sum, &sum);
        snapshot_free(&sum);
        sum = twice;
    }
    struct sensor_mind mind = load(&settings, &sum);
    struct snapshot_summary summary;
    anomaly_model_summary(mind.model, &summary);
    ck_assert_uint_eq(summary.flows, UINT64_C(1300) << 10);
    close_mind(&mind);
    snapshot_free(&sum);
}
END_TEST

START_TEST(added_sums_are_halved_before_they_overflow)
{
    struct baseline_sums *const a = calloc(1, sizeof *a), *const b = calloc(1, sizeof *b);
    ck_assert(a != NULL && b != NULL);
    a->learnt = b->learnt = 1;
    a->flows = a->total[0] = b->flows = b->total[0] = BASELINE_WEIGHT_MAX / 2;
    ck_assert(!baseline_sums_add(a, b));
    ck_assert_uint_eq(a->total[0], BASELINE_WEIGHT_MAX);
    ck_assert(baseline_sums_add(a, b));
    ck_assert_uint_eq(a->flows, BASELINE_WEIGHT_MAX / 4 * 3);
    ck_assert_uint_eq(a->total[0], BASELINE_WEIGHT_MAX / 4 * 3);
    free(a);
    free(b);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("snapshot");
    tcase_set_timeout(tests, 240); /* under a sanitizer */
    tcase_add_test(tests, who_loads_goes_on_as_if_there_had_been_no_stop);
    tcase_add_test(tests, evictions_go_on_in_the_same_order);
    tcase_add_test(tests, a_frozen_model_learns_nothing);
    tcase_add_test(tests, by_share_flagged_is_what_p_says);
    tcase_add_test(tests, years_before_or_after_the_save_cost_a_sixteenth_of_a_half_life_at_most);
    tcase_add_test(tests, every_truncation_is_refused);
    tcase_add_test(tests, every_flipped_byte_is_refused);
    tcase_add_test(tests, what_is_changed_and_sealed_again_is_refused_or_harmless);
    tcase_add_test(tests, refusals_are_named);
    tcase_add_test(tests, sums_that_do_not_fit_are_refused);
    tcase_add_test(tests, means_that_are_absurd_are_refused);
    tcase_add_test(tests, services_that_do_not_fit_are_refused);
    tcase_add_test(tests, merging_is_commutative_and_associative_to_the_byte);
    tcase_add_test(tests, which_services_stay_does_not_depend_on_the_order_of_two);
    tcase_add_test(tests, two_captures_merged_score_as_one_that_learnt_both);
    tcase_add_test(tests, a_baseline_added_to_itself_over_and_over_still_loads);
    tcase_add_test(tests, added_sums_are_halved_before_they_overflow);
    Suite *const suite = suite_create("snapshot");
    suite_add_tcase(suite, tests);
    return suite;
}
