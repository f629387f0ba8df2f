/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms lie in memory as they are asked: each bin's weight is stored times 630 / (the sum of
 * the kernel's taps its position can reach), with two empty slots at either end, so that the kernel
 * is five loads and four additions without a branch at the edges. 630 = lcm(7, 9, 10).
 *
 * Decay. Rather than shrink what is there, new flows weigh more: `unit` grows by 2^(1/16) at each
 * of sixteen steps a half-life, then everything is halved and `unit` is back. A scan once a
 * half-life (every 20,000 flows and 24 h at the earliest) is all that it costs. Rejected:
 * multiplying each touched bin by an age of its own (a division a bin, and sums no longer add up),
 * decay at every flow (the same scan 20,000 times), floating-point weights (order of adding shows).
 * A step takes a sixteenth of the half-life in flows and in time, both: so the longer one counts.
 * What a step takes beyond that is not carried over: a half-life is never shorter than asked. */
#include "anomaly/baseline.h"

#include "anomaly/baseline_sums.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_PAD = 2,
    SLOT_MISSING = 20,
    SLOT_COUNT = 24, /* three cache lines */
    KERNEL_SCALE = 630,
    KERNEL_CENTRE = 4,
    PRIOR_SCOPE_FLOWS = 500,
    STEPS_PER_HALF_LIFE = 16,
    WEIGHT_TABLE_SIZE = 256,
    FLOOD_EXPONENT_MAX = 8,
};

/* 630 / the kernel's taps within reach of a bin: 4+2+1, 2+4+2+1, else 10. The last is "missing",
 * which hands nothing to its neighbours. */
static const uint8_t bin_scale[BASELINE_OUTCOME_COUNT] = {90, 70, 63, 63, 63, 63, 63, 63, 63,
                                                          63, 63, 63, 63, 63, 70, 90, 0};

/* How a value becomes a bin. */
struct feature_axis {
    enum feature_scale scale;
    double low, bins_per_unit;            /* LINEAR */
    int64_t log2_low, log2_bins_per_unit; /* LOG2: in 2^-24; the second rounded up, so that a value
                                           * on an edge is in the bin above it */
};

struct baseline {
    struct log2_table log2_table;
    uint64_t slot[BASELINE_SCOPE_COUNT][FEATURE_COUNT][SLOT_COUNT];
    uint64_t total[BASELINE_SCOPE_COUNT];
    uint64_t measured[FEATURE_COUNT]; /* in units, without flood weights */
    /* Scope 0 again, 16 times as fine, in units: what words say is of flows, each counted alike. */
    uint64_t fine[FEATURE_COUNT][BASELINE_STEP_COUNT];
    uint64_t flows; /* in units */
    struct category_table *categories;
    struct feature_axis axis[FEATURE_COUNT];

    uint64_t unit;
    uint64_t bin_prior;                    /* 50/16 flows, in weight */
    uint64_t category_prior;               /* twice half a flow, in weight */
    uint64_t scope_prior;                  /* 500 flows, in weight */
    uint32_t weight_of[WEIGHT_TABLE_SIZE]; /* by flows of the pair */
    int64_t flood_exponent;                /* gamma in 2^-24 */

    uint64_t learnt;
    int64_t since_ns, until_ns; /* least and greatest notice time */

    unsigned step;
    uint64_t step_flows, step_flows_needed;
    int64_t step_start_ns, step_needed_ns;
};

/* unit * pair_flows^-gamma, to the nearest, at least 1. */
static uint64_t weight_of_pair_flows(const struct baseline *baseline, uint64_t pair_flows)
{
    const int64_t log2 = log2_table_log2(&baseline->log2_table, pair_flows);
    const int64_t halvings = (baseline->flood_exponent * log2) >> LOG2_FRACTION_BITS;
    /* 2^-h = 2^(ceil(h) - h) / 2^ceil(h), the first factor in [1, 2). */
    const int64_t whole = (halvings + LOG2_ONE - 1) >> LOG2_FRACTION_BITS;
    const uint32_t part = (uint32_t)((whole << LOG2_FRACTION_BITS) - halvings);
    if (whole > 60)
        return 1;
    const log2_wide product =
        (log2_wide)baseline->unit * log2_table_exp2(&baseline->log2_table, part);
    const int shift = 62 + (int)whole;
    const uint64_t weight = (uint64_t)((product + ((log2_wide)1 << (shift - 1))) >> shift);
    return weight == 0 ? 1 : weight;
}

/* Everything that is counted in flows, in the weight of a flow at this step. */
static void set_step(struct baseline *baseline, unsigned step)
{
    baseline->step = step;
    const uint32_t exponent = step * (LOG2_ONE / STEPS_PER_HALF_LIFE);
    const uint64_t growth = log2_table_exp2(&baseline->log2_table, exponent) >> 46; /* 2^-16 */
    baseline->unit = (BASELINE_UNIT * growth + (1 << 15)) >> 16;
    baseline->bin_prior = baseline->unit * 50 / 16;
    baseline->category_prior = baseline->unit;
    baseline->scope_prior = baseline->unit * PRIOR_SCOPE_FLOWS;
    for (unsigned n = 1; n < WEIGHT_TABLE_SIZE; n++)
        baseline->weight_of[n] = (uint32_t)weight_of_pair_flows(baseline, n);
}

static void set_axes(struct baseline *baseline)
{
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const struct feature_info *info = &feature_infos[j];
        baseline->axis[j] = (struct feature_axis){.low = info->low, .scale = info->scale};
        if (info->scale == FEATURE_SCALE_CATEGORY)
            continue;
        const double bins_per_unit = BASELINE_BIN_COUNT / (info->high - info->low);
        baseline->axis[j].bins_per_unit = bins_per_unit;
        baseline->axis[j].log2_low = (int64_t)(info->low * LOG2_ONE);
        const double scaled = bins_per_unit * LOG2_ONE;
        const int64_t floor = (int64_t)scaled;
        baseline->axis[j].log2_bins_per_unit = floor + ((double)floor < scaled);
    }
}

static void set_decay(struct baseline *baseline, const struct anomaly_settings *settings)
{
    double flows = settings->half_life_flows / STEPS_PER_HALF_LIFE;
    if (!(flows >= 1))
        flows = 1;
    if (flows > 0x1p62)
        flows = 0x1p62;
    baseline->step_flows_needed = (uint64_t)flows;
    baseline->step_needed_ns = settings->half_life_ns / STEPS_PER_HALF_LIFE;
}

struct baseline *baseline_open(const struct anomaly_settings *settings)
{
    struct baseline *baseline = calloc(1, sizeof *baseline);
    if (baseline == NULL)
        return NULL;
    baseline->categories = category_table_open(settings->max_categories, settings->hash_key);
    if (baseline->categories == NULL) {
        free(baseline);
        return NULL;
    }
    double exponent = settings->flood_exponent;
    if (!(exponent >= 0))
        exponent = 0;
    if (exponent > FLOOD_EXPONENT_MAX)
        exponent = FLOOD_EXPONENT_MAX;
    baseline->flood_exponent = (int64_t)(exponent * LOG2_ONE + 0.5);
    log2_table_init(&baseline->log2_table);
    set_axes(baseline);
    set_decay(baseline, settings);
    set_step(baseline, 0);
    return baseline;
}

void baseline_close(struct baseline *baseline)
{
    if (baseline == NULL)
        return;
    category_table_close(baseline->categories);
    free(baseline);
}

/* The place of a value on its feature's axis, in 1/4096 of a bin; outside the range, the place at
 * that end. NaN counts as the low end. Written without branches that depend on traffic: 44 of these
 * are a third of a score's cost. */
enum { PLACES_PER_BIN = 4096, PLACE_MAX = BASELINE_BIN_COUNT * PLACES_PER_BIN - 1 };

static inline unsigned place_of(const struct log2_table *table, const struct feature_axis *axis,
                                double value)
{
    if (axis->scale == FEATURE_SCALE_LINEAR) {
        const double place = (value - axis->low) * axis->bins_per_unit * PLACES_PER_BIN;
        if (!(place > 0))
            return 0;
        return place < PLACE_MAX ? (unsigned)place : PLACE_MAX;
    }
    const double from_below = value > 0 ? value : 0;
    const double magnitude = from_below < 0x1p62 ? from_below : 0x1p62;
    const int64_t above = log2_table_log2_double(table, 1 + magnitude) - axis->log2_low;
    /* Both factors have 24 bits of fraction; 12 of the product's 48 are kept. */
    const int64_t place = above * axis->log2_bins_per_unit >> (2 * LOG2_FRACTION_BITS - 12);
    const int64_t low_bounded = place > 0 ? place : 0;
    return (unsigned)(low_bounded < PLACE_MAX ? low_bounded : PLACE_MAX);
}

/* Codes are whole and not negative; what is not, is taken as the nearest such. */
static uint64_t code_of(double value)
{
    if (!(value > 0))
        return 0;
    return value < 0x1p63 ? (uint64_t)value : UINT64_C(1) << 63;
}

static unsigned scope_of(const struct feature_vector *vector)
{
    if (!feature_is_present(vector, FEATURE_DIRECTION))
        return 0;
    const uint64_t direction = code_of(vector->value[FEATURE_DIRECTION]);
    return direction < FEATURE_DIRECTION_COUNT ? 1 + (unsigned)direction : 0;
}

void baseline_place(const struct baseline *baseline, const struct feature_vector *vector,
                    struct baseline_place *place)
{
    place->scope = scope_of(vector);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const bool is_present = feature_is_present(vector, (enum feature_id)j);
        const struct feature_axis *axis = &baseline->axis[j];
        if (axis->scale == FEATURE_SCALE_CATEGORY) {
            place->category[j] =
                (struct category_key){.code = is_present ? code_of(vector->value[j]) : 0,
                                      .feature = j,
                                      .is_missing = !is_present};
            continue;
        }
        const unsigned at = place_of(&baseline->log2_table, axis, vector->value[j]);
        place->bin[j] = (uint8_t)(is_present ? at / PLACES_PER_BIN : BASELINE_BIN_MISSING);
        place->step[j] = (uint16_t)((at + PLACES_PER_BIN / 32) / (PLACES_PER_BIN / 16));
    }
}

uint64_t baseline_weight(const struct baseline *baseline, const struct feature_vector *vector)
{
    const uint32_t pair_flows = vector->pair_flows_60s == 0 ? 1 : vector->pair_flows_60s;
    return pair_flows < WEIGHT_TABLE_SIZE ? baseline->weight_of[pair_flows]
                                          : weight_of_pair_flows(baseline, pair_flows);
}

static unsigned slot_of(unsigned bin)
{
    return bin == BASELINE_BIN_MISSING ? SLOT_MISSING : SLOT_PAD + bin;
}

static unsigned scale_of(unsigned bin)
{
    return bin == BASELINE_BIN_MISSING ? KERNEL_SCALE : bin_scale[bin];
}

static bool is_numeric(const struct baseline *baseline, unsigned j)
{
    return baseline->axis[j].scale != FEATURE_SCALE_CATEGORY;
}

static void learn_bin(struct baseline *baseline, unsigned j, const struct baseline_place *place,
                      uint64_t weight)
{
    const unsigned bin = place->bin[j];
    const uint64_t scaled = weight * scale_of(bin);
    baseline->slot[0][j][slot_of(bin)] += scaled;
    if (place->scope != 0)
        baseline->slot[place->scope][j][slot_of(bin)] += scaled;
    if (bin == BASELINE_BIN_MISSING)
        return;
    baseline->measured[j] += baseline->unit;
    baseline->fine[j][place->step[j]] += baseline->unit;
}

/* "direction" within a direction says nothing: it is kept over all flows only. */
static unsigned category_scope(unsigned j, unsigned scope)
{
    return j == FEATURE_DIRECTION ? 0 : scope;
}

static void learn_category(struct baseline *baseline, unsigned j,
                           const struct baseline_place *place, uint64_t weight)
{
    category_table_learn(baseline->categories, &place->category[j], category_scope(j, place->scope),
                         weight, baseline->unit, baseline->learnt);
    if (!place->category[j].is_missing)
        baseline->measured[j] += baseline->unit;
}

void baseline_learn(struct baseline *baseline, const struct baseline_place *place, uint64_t weight,
                    int64_t notice_ns)
{
    assert(weight > 0);
    if (baseline->learnt == 0 || notice_ns < baseline->since_ns)
        baseline->since_ns = notice_ns;
    if (baseline->learnt == 0 || notice_ns > baseline->until_ns)
        baseline->until_ns = notice_ns;
    baseline->learnt++;
    baseline->step_flows++;
    baseline->total[0] += weight;
    baseline->flows += baseline->unit;
    if (place->scope != 0)
        baseline->total[place->scope] += weight;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if (is_numeric(baseline, j))
            learn_bin(baseline, j, place, weight);
        else
            learn_category(baseline, j, place, weight);
    }
}

/* Each bin is rounded down by itself, so bins never outweigh their total. */
static void halve(struct baseline *baseline)
{
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++) {
        baseline->total[scope] /= 2;
        for (unsigned j = 0; j < FEATURE_COUNT; j++) {
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++) {
                uint64_t *slot = &baseline->slot[scope][j][slot_of(bin)];
                *slot = *slot / scale_of(bin) / 2 * scale_of(bin);
            }
        }
    }
    baseline->flows /= 2;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        baseline->measured[j] /= 2;
        for (unsigned step = 0; step < BASELINE_STEP_COUNT; step++)
            baseline->fine[j][step] /= 2;
    }
    category_table_halve(baseline->categories);
}

bool baseline_age(struct baseline *baseline, int64_t notice_ns)
{
    if (baseline->learnt == 0 || notice_ns < baseline->step_start_ns)
        baseline->step_start_ns = notice_ns; /* the first flow, or the clock was set back */
    if (baseline->step_flows < baseline->step_flows_needed ||
        notice_ns - baseline->step_start_ns < baseline->step_needed_ns)
        return false;
    baseline->step_flows = 0;
    baseline->step_start_ns = notice_ns;
    const bool is_half_life = baseline->step + 1 == STEPS_PER_HALF_LIFE;
    if (is_half_life)
        halve(baseline);
    set_step(baseline, is_half_life ? 0 : baseline->step + 1);
    return is_half_life;
}

/* What is left of a sum without the flow's own part. With evictions a category may have lost that
 * part before: then nothing is left to take. */
static uint64_t without(uint64_t sum, uint64_t own)
{
    return sum > own ? sum - own : 0;
}

void baseline_look(const struct baseline *baseline, unsigned scope, uint64_t own_weight,
                   struct baseline_view *view)
{
    const struct log2_table *table = &baseline->log2_table;
    view->own_weight = own_weight;
    view->scope = scope;
    view->total = without(baseline->total[0], own_weight);
    view->total_in_scope = scope == 0 ? 0 : without(baseline->total[scope], own_weight);
    view->numeric_denominator =
        KERNEL_SCALE * (view->total + BASELINE_OUTCOME_COUNT * baseline->bin_prior);
    view->log2_numeric_denominator = log2_table_log2(table, view->numeric_denominator);
    const uint64_t in_scope = view->total_in_scope + baseline->scope_prior;
    view->log2_numeric_in_scope = log2_table_log2(table, KERNEL_SCALE * in_scope);
    view->log2_category_in_scope = log2_table_log2(table, in_scope);
}

/* The fraction p0, and the sums that make p1 = (in_scope + prior * p0) / in_scope_denominator. */
struct odds {
    uint64_t numerator, denominator;
    int64_t log2_denominator;
    uint64_t in_scope, prior;
    int64_t log2_in_scope_denominator;
    bool has_scope;
};

static inline int64_t surprise_of(const struct log2_table *table, const struct odds *odds)
{
    const int64_t bits0 = odds->log2_denominator - log2_table_log2(table, odds->numerator);
    int64_t bits1 = bits0;
    if (odds->has_scope) {
        const log2_wide numerator = (log2_wide)odds->in_scope * odds->denominator +
                                    (log2_wide)odds->prior * odds->numerator;
        bits1 = odds->log2_denominator + odds->log2_in_scope_denominator -
                log2_table_log2_wide(table, numerator);
    }
    const int64_t surprise = 85 * bits0 + 15 * bits1;
    return surprise > 0 ? surprise : 0;
}

/* 630 times the kernel's mean around a bin. "missing" is never smoothed into. */
static inline uint64_t smoothed(const uint64_t slot[SLOT_COUNT], unsigned bin)
{
    if (bin == BASELINE_BIN_MISSING)
        return slot[SLOT_MISSING];
    const uint64_t *at = &slot[SLOT_PAD + bin];
    return at[-2] + at[2] + 2 * (at[-1] + at[1]) + KERNEL_CENTRE * at[0];
}

/* What the flow itself adds to the smoothed weight of its own bin. */
static uint64_t own_smoothed(unsigned bin, uint64_t own_weight)
{
    return own_weight *
           (bin == BASELINE_BIN_MISSING ? KERNEL_SCALE : (unsigned)bin_scale[bin] * KERNEL_CENTRE);
}

static int64_t numeric_surprise(const struct baseline *baseline, const struct baseline_view *view,
                                unsigned j, unsigned bin)
{
    const uint64_t own = own_smoothed(bin, view->own_weight);
    const struct odds odds = {
        .numerator =
            without(smoothed(baseline->slot[0][j], bin), own) + KERNEL_SCALE * baseline->bin_prior,
        .denominator = view->numeric_denominator,
        .log2_denominator = view->log2_numeric_denominator,
        .in_scope =
            view->scope == 0 ? 0 : without(smoothed(baseline->slot[view->scope][j], bin), own),
        .prior = KERNEL_SCALE * baseline->scope_prior,
        .log2_in_scope_denominator = view->log2_numeric_in_scope,
        .has_scope = view->scope != 0,
    };
    return surprise_of(&baseline->log2_table, &odds);
}

/* `weight` is the category's by scope, or NULL if the table does not hold it. A flow that is alone
 * in its category takes the category out with it: then it is one code fewer. */
static int64_t category_surprise(const struct baseline *baseline, const struct baseline_view *view,
                                 unsigned j, const uint64_t *weight)
{
    const unsigned scope = category_scope(j, view->scope);
    const uint64_t own = view->own_weight;
    uint64_t distinct = category_table_distinct(baseline->categories, (enum feature_id)j);
    if (own > 0 && weight != NULL && weight[0] == own)
        distinct--;
    const uint64_t denominator = 2 * view->total + baseline->category_prior * (distinct + 1);
    const struct odds odds = {
        .numerator = 2 * (weight == NULL ? 0 : without(weight[0], own)) + baseline->category_prior,
        .denominator = denominator,
        .log2_denominator = log2_table_log2(&baseline->log2_table, denominator),
        .in_scope = weight == NULL || scope == 0 ? 0 : without(weight[scope], own),
        .prior = baseline->scope_prior,
        .log2_in_scope_denominator = view->log2_category_in_scope,
        .has_scope = scope != 0,
    };
    return surprise_of(&baseline->log2_table, &odds);
}

int64_t baseline_surprise(const struct baseline *baseline, const struct baseline_view *view,
                          const struct baseline_place *place, enum feature_id id)
{
    if (is_numeric(baseline, id))
        return numeric_surprise(baseline, view, id, place->bin[id]);
    return category_surprise(baseline, view, id,
                             category_table_find(baseline->categories, &place->category[id]));
}

/* A weighted mean in the making. */
struct mean {
    log2_wide sum, weight;
};

static void mean_add(struct mean *mean, uint64_t weight, int32_t mbits)
{
    mean->sum += (log2_wide)weight * (log2_wide)mbits; /* mbits >= 0 */
    mean->weight += weight;
}

static int32_t mean_value(const struct mean *mean)
{
    return mean->weight == 0 ? 0 : (int32_t)((mean->sum + mean->weight / 2) / mean->weight);
}

static void look_from_every_scope(const struct baseline *baseline,
                                  struct baseline_view views[BASELINE_SCOPE_COUNT])
{
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        baseline_look(baseline, scope, 0, &views[scope]);
}

static int32_t numeric_typical(const struct baseline *baseline,
                               const struct baseline_view views[BASELINE_SCOPE_COUNT], unsigned j,
                               int half_weights)
{
    struct mean mean = {0};
    for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++) {
        /* Flows without a direction are what the directions do not account for. */
        uint64_t rest = baseline->slot[0][j][slot_of(bin)] / scale_of(bin);
        if (rest == 0)
            continue;
        for (unsigned scope = 1; scope < BASELINE_SCOPE_COUNT; scope++) {
            const uint64_t weight = baseline->slot[scope][j][slot_of(bin)] / scale_of(bin);
            rest -= weight;
            if (weight > 0)
                mean_add(&mean, weight,
                         baseline_mbits(numeric_surprise(baseline, &views[scope], j, bin),
                                        half_weights));
        }
        if (rest > 0)
            mean_add(&mean, rest,
                     baseline_mbits(numeric_surprise(baseline, &views[0], j, bin), half_weights));
    }
    return mean_value(&mean);
}

static void category_typical_add(const struct baseline *baseline,
                                 const struct baseline_view views[BASELINE_SCOPE_COUNT],
                                 size_t index, const int half_weights[FEATURE_COUNT],
                                 struct mean means[FEATURE_COUNT])
{
    enum feature_id id;
    const uint64_t *weight = category_table_at(baseline->categories, index, &id);
    uint64_t rest = weight[0];
    for (unsigned scope = 1; scope < BASELINE_SCOPE_COUNT; scope++) {
        if (weight[scope] == 0)
            continue;
        rest -= weight[scope];
        mean_add(&means[id], weight[scope],
                 baseline_mbits(category_surprise(baseline, &views[scope], id, weight),
                                half_weights[id]));
    }
    if (rest > 0)
        mean_add(
            &means[id], rest,
            baseline_mbits(category_surprise(baseline, &views[0], id, weight), half_weights[id]));
}

void baseline_typical(const struct baseline *baseline, const int half_weights[FEATURE_COUNT],
                      int32_t mbits[FEATURE_COUNT])
{
    struct baseline_view views[BASELINE_SCOPE_COUNT];
    look_from_every_scope(baseline, views);
    struct mean means[FEATURE_COUNT] = {{0}};
    for (size_t i = 0; i < category_table_count(baseline->categories); i++)
        category_typical_add(baseline, views, i, half_weights, means);
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        mbits[j] = is_numeric(baseline, j) ? numeric_typical(baseline, views, j, half_weights[j])
                                           : mean_value(&means[j]);
}

/* Flows with the same step, the same category, or without a measurement, as the place's. */
static uint64_t flows_alike(const struct baseline *baseline, const struct baseline_place *place,
                            enum feature_id id)
{
    if (!is_numeric(baseline, id)) {
        const uint64_t *sums = category_table_find(baseline->categories, &place->category[id]);
        return sums == NULL ? 0 : sums[CATEGORY_FLOWS];
    }
    return place->bin[id] == BASELINE_BIN_MISSING ? baseline->flows - baseline->measured[id]
                                                  : baseline->fine[id][place->step[id]];
}

void baseline_outcome(const struct baseline *baseline, const struct baseline_view *view,
                      const struct baseline_place *place, enum feature_id id,
                      struct baseline_outcome *outcome)
{
    const bool is_missing = is_numeric(baseline, id) ? place->bin[id] == BASELINE_BIN_MISSING
                                                     : place->category[id].is_missing;
    const uint64_t own = view->own_weight == 0 ? 0 : baseline->unit;
    *outcome = (struct baseline_outcome){
        .flows = without(flows_alike(baseline, place, id), own),
        .measured = without(baseline->measured[id], is_missing ? 0 : own),
        .total = without(baseline->flows, own),
    };
}

bool baseline_quantile(const struct baseline *baseline, const struct baseline_view *view,
                       const struct baseline_place *place, enum feature_id id, unsigned percent,
                       unsigned *step)
{
    assert(is_numeric(baseline, id));
    assert(percent <= 100);
    const uint64_t *const fine = baseline->fine[id];
    const bool is_own = view->own_weight > 0 && place->bin[id] != BASELINE_BIN_MISSING;
    uint64_t weights[BASELINE_STEP_COUNT];
    uint64_t total = 0;
    for (unsigned i = 0; i < BASELINE_STEP_COUNT; i++) {
        weights[i] = is_own && i == place->step[id] ? without(fine[i], baseline->unit) : fine[i];
        total += weights[i];
    }
    if (total == 0)
        return false;
    const log2_wide wanted = (log2_wide)total * percent;
    log2_wide below = 0;
    *step = 0;
    for (unsigned i = 0; i < BASELINE_STEP_COUNT; i++) {
        below += weights[i];
        *step = i;
        if (below > 0 && below * 100 >= wanted)
            break;
    }
    return true;
}

const struct log2_table *baseline_log2_table(const struct baseline *baseline)
{
    return &baseline->log2_table;
}

uint64_t baseline_unit(const struct baseline *baseline)
{
    return baseline->unit;
}

uint64_t baseline_learnt(const struct baseline *baseline)
{
    return baseline->learnt;
}

uint64_t baseline_total(const struct baseline *baseline)
{
    return baseline->total[0];
}

int64_t baseline_since_ns(const struct baseline *baseline)
{
    return baseline->since_ns;
}

uint64_t baseline_category_count(const struct baseline *baseline)
{
    return category_table_count(baseline->categories);
}

uint64_t baseline_categories_evicted(const struct baseline *baseline)
{
    return category_table_evicted(baseline->categories);
}

uint64_t baseline_memory_bytes(const struct baseline *baseline)
{
    return sizeof *baseline + category_table_memory_bytes(baseline->categories);
}

/* ---- saved and loaded ---------------------------------------------------------------------- */

void baseline_get_sums(const struct baseline *baseline, struct baseline_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    sums->step = baseline->step;
    sums->step_flows = baseline->step_flows;
    sums->step_start_ns = baseline->step_start_ns;
    sums->learnt = baseline->learnt;
    sums->since_ns = baseline->since_ns;
    sums->until_ns = baseline->until_ns;
    sums->flows = baseline->flows;
    memcpy(sums->total, baseline->total, sizeof sums->total);
    memcpy(sums->measured, baseline->measured, sizeof sums->measured);
    memcpy(sums->fine, baseline->fine, sizeof sums->fine);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                sums->bin[scope][j][bin] = baseline->slot[scope][j][slot_of(bin)] / scale_of(bin);
}

void baseline_set_sums(struct baseline *baseline, const struct baseline_sums *sums)
{
    set_step(baseline, sums->step);
    baseline->step_flows = sums->step_flows;
    baseline->step_start_ns = sums->step_start_ns;
    baseline->learnt = sums->learnt;
    baseline->since_ns = sums->since_ns;
    baseline->until_ns = sums->until_ns;
    baseline->flows = sums->flows;
    memcpy(baseline->total, sums->total, sizeof sums->total);
    memcpy(baseline->measured, sums->measured, sizeof sums->measured);
    memcpy(baseline->fine, sums->fine, sizeof sums->fine);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                baseline->slot[scope][j][slot_of(bin)] = sums->bin[scope][j][bin] * scale_of(bin);
}

struct category_table *baseline_categories(struct baseline *baseline)
{
    return baseline->categories;
}

const struct category_table *baseline_categories_of(const struct baseline *baseline)
{
    return baseline->categories;
}

int64_t baseline_until_ns(const struct baseline *baseline)
{
    return baseline->until_ns;
}

uint32_t baseline_flood_exponent(const struct baseline *baseline)
{
    return (uint32_t)baseline->flood_exponent;
}
