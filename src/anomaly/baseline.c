/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms lie in memory as histogram.h says.
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
    PRIOR_SCOPE_FLOWS = 500,
    STEPS_PER_HALF_LIFE = 16,
    WEIGHT_TABLE_SIZE = 256,
    FLOOD_EXPONENT_MAX = 8,
    PART_MASK = 0xff, /* of a category that names its service: state or size */
};

/* Of a hundred: the weight of a scope's own surprise; the rest is that of all flows. A service's
 * weight grows with the flows it has: half of it at SERVICE_HALF_FLOWS. */
enum { SHARE_DIRECTION = 15, SHARE_SERVICE = 70, SERVICE_HALF_FLOWS = 3000 };

/* The least exponent of a flow's weight in its service. */
static const double SERVICE_FLOOD_EXPONENT = 0.5;

/* How a value becomes a bin. */
struct feature_axis {
    enum feature_scale scale;
    double low, bins_per_unit;            /* LINEAR */
    int64_t log2_low, log2_bins_per_unit; /* LOG2: in 2^-24; the second rounded up, so that a value
                                           * on an edge is in the bin above it */
};

/* What a flow weighs by the flows of its pair. */
struct flood_weight {
    int64_t exponent; /* gamma in 2^-24 */
    uint32_t weight_of[WEIGHT_TABLE_SIZE];
};

struct baseline {
    struct log2_table log2_table;
    uint64_t slot[BASELINE_SCOPE_COUNT][FEATURE_COUNT][HISTOGRAM_SLOT_COUNT];
    uint64_t total[BASELINE_SCOPE_COUNT];
    uint64_t measured[FEATURE_COUNT]; /* in units, without flood weights */
    /* Scope 0 again, 16 times as fine, in units: what words say is of flows, each counted alike. */
    uint64_t fine[FEATURE_COUNT][BASELINE_STEP_COUNT];
    uint64_t flows; /* in units */
    struct category_table *categories;
    struct service_table *services;
    struct feature_axis axis[FEATURE_COUNT];

    uint64_t unit;
    uint64_t bin_prior;      /* 50/16 flows, in weight */
    uint64_t category_prior; /* twice half a flow, in weight */
    uint64_t scope_prior;    /* 500 flows, in weight */
    struct flood_weight flood, service_flood;

    uint64_t learnt;
    int64_t since_ns, until_ns; /* least and greatest notice time */

    unsigned step;
    uint64_t step_flows, step_flows_needed;
    int64_t step_start_ns, step_needed_ns;
};

/* unit * pair_flows^-gamma, to the nearest, at least 1. */
static uint64_t weight_of_pair_flows(const struct baseline *baseline, int64_t exponent,
                                     uint64_t pair_flows)
{
    const int64_t log2 = log2_table_log2(&baseline->log2_table, pair_flows);
    const int64_t halvings = (exponent * log2) >> LOG2_FRACTION_BITS;
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

static void set_weights(const struct baseline *baseline, struct flood_weight *flood)
{
    for (unsigned n = 1; n < WEIGHT_TABLE_SIZE; n++)
        flood->weight_of[n] = (uint32_t)weight_of_pair_flows(baseline, flood->exponent, n);
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
    set_weights(baseline, &baseline->flood);
    set_weights(baseline, &baseline->service_flood);
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

static void set_exponents(struct baseline *baseline, double exponent)
{
    if (!(exponent >= 0))
        exponent = 0;
    if (exponent > FLOOD_EXPONENT_MAX)
        exponent = FLOOD_EXPONENT_MAX;
    const double in_service = exponent > SERVICE_FLOOD_EXPONENT ? exponent : SERVICE_FLOOD_EXPONENT;
    baseline->flood.exponent = (int64_t)(exponent * LOG2_ONE + 0.5);
    baseline->service_flood.exponent = (int64_t)(in_service * LOG2_ONE + 0.5);
}

struct baseline *baseline_open(const struct anomaly_settings *settings)
{
    struct baseline *baseline = calloc(1, sizeof *baseline);
    if (baseline == NULL)
        return NULL;
    baseline->categories = category_table_open(settings->max_categories, settings->hash_key);
    baseline->services = service_table_open(settings->max_services, settings->hash_key);
    if (baseline->categories == NULL || baseline->services == NULL) {
        baseline_close(baseline);
        return NULL;
    }
    set_exponents(baseline, settings->flood_exponent);
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
    service_table_close(baseline->services);
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

static uint8_t scope_of(const struct feature_vector *vector)
{
    if (!feature_is_present(vector, FEATURE_DIRECTION))
        return 0;
    const uint64_t direction = code_of(vector->value[FEATURE_DIRECTION]);
    return direction < FEATURE_DIRECTION_COUNT ? (uint8_t)(1 + direction) : 0;
}

static struct category_key *category_at(struct baseline_place *place, unsigned j)
{
    return &place->category[j - BASELINE_NUMERIC_COUNT];
}

static const struct category_key *category_of(const struct baseline_place *place, unsigned j)
{
    return &place->category[j - BASELINE_NUMERIC_COUNT];
}

static unsigned place_part(const struct baseline_place *place, unsigned j)
{
    return place->part[j - BASELINE_NUMERIC_COUNT];
}

/* What is left to tell of a category once the service is known. */
static uint8_t part_of(unsigned j, bool is_present, uint64_t code)
{
    if (!is_present)
        return SERVICE_PART_MISSING;
    if (j == FEATURE_PROTOCOL || j == FEATURE_SERVICE)
        return 0;
    const bool names_service =
        j == FEATURE_SERVICE_STATE || j == FEATURE_PROTOCOL_STATE || j == FEATURE_SERVICE_SIZE;
    const uint64_t part = names_service ? code & PART_MASK : code;
    return (uint8_t)(part < SERVICE_PART_MISSING ? part : SERVICE_PART_MISSING - 1);
}

void baseline_place(const struct baseline *baseline, const struct feature_vector *vector,
                    struct baseline_place *place)
{
    place->scope = scope_of(vector);
    place->has_service = feature_is_present(vector, FEATURE_SERVICE);
    place->service = place->has_service ? code_of(vector->value[FEATURE_SERVICE]) : 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const bool is_present = feature_is_present(vector, (enum feature_id)j);
        const struct feature_axis *axis = &baseline->axis[j];
        if (axis->scale == FEATURE_SCALE_CATEGORY) {
            struct category_key *const category = category_at(place, j);
            *category = (struct category_key){.code = is_present ? code_of(vector->value[j]) : 0,
                                              .feature = j,
                                              .is_missing = !is_present};
            place->part[j - BASELINE_NUMERIC_COUNT] = part_of(j, is_present, category->code);
            continue;
        }
        const unsigned at = place_of(&baseline->log2_table, axis, vector->value[j]);
        place->bin[j] = (uint8_t)(is_present ? at / PLACES_PER_BIN : BASELINE_BIN_MISSING);
        place->step[j] = (uint16_t)((at + PLACES_PER_BIN / 32) / (PLACES_PER_BIN / 16));
    }
}

static uint64_t weigh(const struct baseline *baseline, const struct flood_weight *flood,
                      uint32_t pair_flows)
{
    return pair_flows < WEIGHT_TABLE_SIZE
               ? flood->weight_of[pair_flows]
               : weight_of_pair_flows(baseline, flood->exponent, pair_flows);
}

struct baseline_weights baseline_weigh(const struct baseline *baseline, uint32_t pair_flows)
{
    if (pair_flows == 0)
        pair_flows = 1;
    return (struct baseline_weights){
        .all = weigh(baseline, &baseline->flood, pair_flows),
        .in_service = weigh(baseline, &baseline->service_flood, pair_flows),
    };
}

static bool is_numeric(unsigned j)
{
    return j < BASELINE_NUMERIC_COUNT;
}

/* Without a branch on what is missing, as histogram_smoothed: nothing is added then. */
static void learn_bins(struct baseline *baseline, const struct baseline_place *place,
                       uint64_t weight)
{
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++) {
        const unsigned bin = place->bin[j];
        const unsigned slot = histogram_slot(bin);
        const uint64_t scaled = weight * histogram_scale(bin);
        const uint64_t flow = bin == BASELINE_BIN_MISSING ? 0 : baseline->unit;
        baseline->slot[0][j][slot] += scaled;
        if (place->scope != 0)
            baseline->slot[place->scope][j][slot] += scaled;
        baseline->measured[j] += flow;
        baseline->fine[j][place->step[j]] += flow;
    }
}

/* "direction" within a direction says nothing: it is kept over all flows only. */
static unsigned category_scope(unsigned j, unsigned scope)
{
    return j == FEATURE_DIRECTION ? 0 : scope;
}

static void learn_category(struct baseline *baseline, unsigned j,
                           const struct baseline_place *place, uint64_t weight)
{
    category_table_learn(baseline->categories, category_of(place, j),
                         category_scope(j, place->scope), weight, baseline->unit, baseline->learnt);
    if (!category_of(place, j)->is_missing)
        baseline->measured[j] += baseline->unit;
}

/* Adds to steps without wrapping: a step that is full stays so. */
static void add_step(uint32_t *step, uint64_t flow)
{
    *step = flow < UINT32_MAX - *step ? *step + (uint32_t)flow : UINT32_MAX;
}

static void learn_parts(const struct baseline *baseline, const struct baseline_place *place,
                        uint64_t weight, struct service_scope *scope)
{
    for (unsigned j = BASELINE_NUMERIC_COUNT; j < FEATURE_COUNT; j++) {
        const unsigned part = place_part(place, j);
        scope->slot[j][part] += weight;
        add_step(&scope->fine[j][part], baseline->unit >> SERVICE_FINE_SHIFT);
        scope->measured[j] += part == SERVICE_PART_MISSING ? 0 : baseline->unit;
    }
}

static void learn_in_service(struct baseline *baseline, const struct baseline_place *place,
                             uint64_t weight)
{
    struct service_scope *const scope =
        service_table_touch(baseline->services, place->service, weight, baseline->learnt);
    scope->flows += baseline->unit;
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++) {
        const unsigned bin = place->bin[j];
        const uint64_t flow = bin == BASELINE_BIN_MISSING ? 0 : baseline->unit;
        scope->slot[j][histogram_slot(bin)] += weight * histogram_scale(bin);
        scope->measured[j] += flow;
        add_step(&scope->fine[j][place->step[j]], flow >> SERVICE_FINE_SHIFT);
    }
    learn_parts(baseline, place, weight, scope);
}

void baseline_learn(struct baseline *baseline, const struct baseline_place *place,
                    struct baseline_weights weights, int64_t notice_ns)
{
    assert(weights.all > 0 && weights.in_service > 0);
    if (baseline->learnt == 0 || notice_ns < baseline->since_ns)
        baseline->since_ns = notice_ns;
    if (baseline->learnt == 0 || notice_ns > baseline->until_ns)
        baseline->until_ns = notice_ns;
    baseline->learnt++;
    baseline->step_flows++;
    baseline->total[0] += weights.all;
    baseline->flows += baseline->unit;
    if (place->scope != 0)
        baseline->total[place->scope] += weights.all;
    learn_bins(baseline, place, weights.all);
    for (unsigned j = BASELINE_NUMERIC_COUNT; j < FEATURE_COUNT; j++)
        learn_category(baseline, j, place, weights.all);
    if (place->has_service)
        learn_in_service(baseline, place, weights.in_service);
}

static void halve(struct baseline *baseline)
{
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++) {
        baseline->total[scope] /= 2;
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            histogram_halve(baseline->slot[scope][j]);
    }
    baseline->flows /= 2;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        baseline->measured[j] /= 2;
        for (unsigned step = 0; step < BASELINE_STEP_COUNT; step++)
            baseline->fine[j][step] /= 2;
    }
    category_table_halve(baseline->categories);
    service_table_halve(baseline->services);
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
static inline uint64_t without(uint64_t sum, uint64_t own)
{
    return sum > own ? sum - own : 0;
}

/* What to leave out of each scope's total. */
struct own_totals {
    uint64_t all, in_direction, in_service;
};

static void look(const struct baseline *baseline, const struct baseline_place *place,
                 const struct own_totals *own, struct baseline_view *view)
{
    const struct log2_table *table = &baseline->log2_table;
    const unsigned scope = place->scope;
    *view = (struct baseline_view){.scope = scope};
    if (place->has_service)
        view->service = service_table_find(baseline->services, place->service);
    view->total = without(baseline->total[0], own->all);
    view->total_in_scope = scope == 0 ? 0 : without(baseline->total[scope], own->in_direction);
    view->numeric_denominator =
        HISTOGRAM_SCALE * (view->total + BASELINE_OUTCOME_COUNT * baseline->bin_prior);
    view->log2_numeric_denominator = log2_table_log2(table, view->numeric_denominator);
    const uint64_t in_scope = view->total_in_scope + baseline->scope_prior;
    view->log2_numeric_in_scope = log2_table_log2(table, HISTOGRAM_SCALE * in_scope);
    view->log2_category_in_scope = log2_table_log2(table, in_scope);
    if (view->service == NULL)
        return;
    const uint64_t of_service = without(view->service->total, own->in_service);
    const uint64_t in_service = of_service + baseline->scope_prior;
    view->service_share =
        (int64_t)(SHARE_SERVICE * of_service / (of_service + SERVICE_HALF_FLOWS * baseline->unit));
    view->log2_numeric_in_service = log2_table_log2(table, HISTOGRAM_SCALE * in_service);
    view->log2_category_in_service = log2_table_log2(table, in_service);
}

void baseline_look(const struct baseline *baseline, const struct baseline_place *place,
                   struct baseline_weights own, struct baseline_view *view)
{
    look(baseline, place, &(struct own_totals){own.all, own.all, own.in_service}, view);
    view->own = own;
}

/* What was learnt of the outcome in a scope within all flows, against the prior of so many flows of
 * all: p = (weight + prior * p0) / denominator. */
struct share {
    bool is_there;
    uint64_t weight;
    int64_t log2_denominator;
};

/* The fraction p0, and the scopes within. */
struct odds {
    uint64_t numerator, denominator;
    int64_t log2_denominator;
    uint64_t prior;
    struct share in_direction, in_service;
    int64_t service_share; /* of a hundred */
};

/* -log2 p within a scope; without one, that of all flows. */
static inline int64_t bits_in(const struct log2_table *table, const struct odds *odds,
                              const struct share *share, int64_t bits_of_all)
{
    if (!share->is_there)
        return bits_of_all;
    const log2_wide numerator =
        (log2_wide)share->weight * odds->denominator + (log2_wide)odds->prior * odds->numerator;
    return odds->log2_denominator + share->log2_denominator -
           log2_table_log2_wide(table, numerator);
}

static inline int64_t surprise_of(const struct log2_table *table, const struct odds *odds)
{
    const int64_t bits = odds->log2_denominator - log2_table_log2(table, odds->numerator);
    const int64_t of_direction = bits_in(table, odds, &odds->in_direction, bits);
    const int64_t of_service = bits_in(table, odds, &odds->in_service, bits);
    const int64_t surprise = 100 * bits + SHARE_DIRECTION * (of_direction - bits) +
                             odds->service_share * (of_service - bits);
    return surprise > 0 ? surprise : 0;
}

static inline uint64_t smoothed_without(const uint64_t slot[HISTOGRAM_SLOT_COUNT], unsigned bin,
                                        uint64_t own_weight)
{
    return without(histogram_smoothed(slot, bin), histogram_own(bin, own_weight));
}

static inline int64_t numeric_surprise(const struct baseline *baseline,
                                       const struct baseline_view *view, unsigned j, unsigned bin)
{
    struct odds odds = {
        .numerator = smoothed_without(baseline->slot[0][j], bin, view->own.all) +
                     HISTOGRAM_SCALE * baseline->bin_prior,
        .denominator = view->numeric_denominator,
        .log2_denominator = view->log2_numeric_denominator,
        .prior = HISTOGRAM_SCALE * baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (view->scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight = smoothed_without(baseline->slot[view->scope][j], bin, view->own.all),
            .log2_denominator = view->log2_numeric_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = smoothed_without(view->service->slot[j], bin, view->own.in_service),
            .log2_denominator = view->log2_numeric_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

/* A flow that is alone in its category takes the category out with it: that is one code fewer. */
static uint64_t distinct_others(const struct baseline *baseline, const struct baseline_view *view,
                                unsigned j, const uint64_t *weight)
{
    const uint64_t distinct = category_table_distinct(baseline->categories, (enum feature_id)j);
    const bool is_alone = view->own.all > 0 && weight != NULL && weight[0] == view->own.all;
    return is_alone ? distinct - 1 : distinct;
}

static int64_t category_surprise(const struct baseline *baseline, const struct baseline_view *view,
                                 const struct baseline_place *place, unsigned j)
{
    const uint64_t *const weight = category_table_find(baseline->categories, category_of(place, j));
    const unsigned scope = category_scope(j, view->scope);
    const uint64_t denominator =
        2 * view->total +
        baseline->category_prior * (distinct_others(baseline, view, j, weight) + 1);
    struct odds odds = {
        .numerator =
            2 * (weight == NULL ? 0 : without(weight[0], view->own.all)) + baseline->category_prior,
        .denominator = denominator,
        .log2_denominator = log2_table_log2(&baseline->log2_table, denominator),
        .prior = baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight = weight == NULL ? 0 : without(weight[scope], view->own.all),
            .log2_denominator = view->log2_category_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = without(view->service->slot[j][place_part(place, j)], view->own.in_service),
            .log2_denominator = view->log2_category_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

int64_t baseline_surprise(const struct baseline *baseline, const struct baseline_view *view,
                          const struct baseline_place *place, enum feature_id id)
{
    if (is_numeric(id))
        return numeric_surprise(baseline, view, id, place->bin[id]);
    return category_surprise(baseline, view, place, id);
}

void baseline_surprises(const struct baseline *baseline, const struct baseline_view *view,
                        const struct baseline_place *place, int64_t surprises[FEATURE_COUNT])
{
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++)
        surprises[j] = numeric_surprise(baseline, view, j, place->bin[j]);
    for (unsigned j = BASELINE_NUMERIC_COUNT; j < FEATURE_COUNT; j++)
        surprises[j] = category_surprise(baseline, view, place, j);
}

/* ---- a flow that was edited, and one scope alone; for flows that are explained ---- */

void baseline_look_edited(const struct baseline *baseline, const struct baseline_place *place,
                          const struct baseline_place *learnt_at, struct baseline_weights own,
                          struct baseline_edit *edit)
{
    const bool same_direction = place->scope == learnt_at->scope;
    const bool same_service =
        place->has_service && learnt_at->has_service && place->service == learnt_at->service;
    const struct own_totals totals = {
        .all = own.all,
        .in_direction = same_direction ? own.all : 0,
        .in_service = same_service ? own.in_service : 0,
    };
    look(baseline, place, &totals, &edit->view);
    edit->view.own = own;
    edit->learnt_at = learnt_at;
    edit->same_direction = same_direction;
    edit->same_service = same_service;
}

/* What a flow learnt in bin `own_bin` adds to the smoothed weight of another bin. */
static uint64_t own_around(unsigned bin, unsigned own_bin, uint64_t own_weight)
{
    static const unsigned taps[] = {HISTOGRAM_KERNEL_CENTRE, 2, 1};
    if (bin == own_bin)
        return histogram_own(bin, own_weight);
    if (bin == HISTOGRAM_BIN_MISSING || own_bin == HISTOGRAM_BIN_MISSING)
        return 0;
    const unsigned distance = bin > own_bin ? bin - own_bin : own_bin - bin;
    return distance < sizeof taps / sizeof taps[0]
               ? own_weight * histogram_scale(own_bin) * taps[distance]
               : 0;
}

static int64_t numeric_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                              unsigned j, unsigned bin)
{
    const struct baseline_view *const view = &edit->view;
    const unsigned own_bin = edit->learnt_at->bin[j];
    const uint64_t own = own_around(bin, own_bin, view->own.all);
    const uint64_t own_in_service = own_around(bin, own_bin, view->own.in_service);
    struct odds odds = {
        .numerator = without(histogram_smoothed(baseline->slot[0][j], bin), own) +
                     HISTOGRAM_SCALE * baseline->bin_prior,
        .denominator = view->numeric_denominator,
        .log2_denominator = view->log2_numeric_denominator,
        .prior = HISTOGRAM_SCALE * baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (view->scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight = without(histogram_smoothed(baseline->slot[view->scope][j], bin),
                              edit->same_direction ? own : 0),
            .log2_denominator = view->log2_numeric_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = without(histogram_smoothed(view->service->slot[j], bin),
                              edit->same_service ? own_in_service : 0),
            .log2_denominator = view->log2_numeric_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

static bool same_key(const struct category_key *one, const struct category_key *other)
{
    return one->code == other->code && one->is_missing == other->is_missing;
}

static int64_t category_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                               const struct baseline_place *place, unsigned j)
{
    const struct baseline_view *const view = &edit->view;
    const struct category_key *const own_key = category_of(edit->learnt_at, j);
    const uint64_t *const weight = category_table_find(baseline->categories, category_of(place, j));
    const uint64_t *const own_weight = category_table_find(baseline->categories, own_key);
    const uint64_t own = same_key(category_of(place, j), own_key) ? view->own.all : 0;
    const bool same_part = place_part(place, j) == place_part(edit->learnt_at, j);
    const unsigned scope = category_scope(j, view->scope);
    const uint64_t denominator =
        2 * view->total +
        baseline->category_prior * (distinct_others(baseline, view, j, own_weight) + 1);
    struct odds odds = {
        .numerator = 2 * (weight == NULL ? 0 : without(weight[0], own)) + baseline->category_prior,
        .denominator = denominator,
        .log2_denominator = log2_table_log2(&baseline->log2_table, denominator),
        .prior = baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight = weight == NULL ? 0 : without(weight[scope], edit->same_direction ? own : 0),
            .log2_denominator = view->log2_category_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = without(view->service->slot[j][place_part(place, j)],
                              edit->same_service && same_part ? view->own.in_service : 0),
            .log2_denominator = view->log2_category_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

int64_t baseline_surprise_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                                 const struct baseline_place *place, enum feature_id id)
{
    if (is_numeric(id))
        return numeric_edited(baseline, edit, id, place->bin[id]);
    return category_edited(baseline, edit, place, id);
}

static int64_t bits_of(const struct baseline *baseline, uint64_t numerator, uint64_t denominator)
{
    return log2_table_log2(&baseline->log2_table, denominator) -
           log2_table_log2(&baseline->log2_table, numerator);
}

int64_t baseline_bits_in_all(const struct baseline *baseline, const struct baseline_view *view,
                             const struct baseline_place *place, enum feature_id id)
{
    if (is_numeric(id))
        return bits_of(baseline,
                       smoothed_without(baseline->slot[0][id], place->bin[id], view->own.all) +
                           HISTOGRAM_SCALE * baseline->bin_prior,
                       view->numeric_denominator);
    const uint64_t *const weight =
        category_table_find(baseline->categories, category_of(place, id));
    const uint64_t others = weight == NULL ? 0 : without(weight[0], view->own.all);
    return bits_of(baseline, 2 * others + baseline->category_prior,
                   2 * view->total + baseline->category_prior *
                                         (distinct_others(baseline, view, id, weight) + 1));
}

int64_t baseline_bits_in_service(const struct baseline *baseline, const struct baseline_view *view,
                                 const struct baseline_place *place, enum feature_id id)
{
    const uint64_t *const slot = view->service->slot[id];
    const uint64_t total = without(view->service->total, view->own.in_service);
    if (is_numeric(id))
        return bits_of(baseline,
                       smoothed_without(slot, place->bin[id], view->own.in_service) +
                           HISTOGRAM_SCALE * baseline->bin_prior,
                       HISTOGRAM_SCALE * (total + BASELINE_OUTCOME_COUNT * baseline->bin_prior));
    uint64_t distinct = 1;
    for (unsigned part = 0; part < SERVICE_PART_COUNT; part++)
        distinct += slot[part] > 0;
    const uint64_t others = without(slot[place_part(place, id)], view->own.in_service);
    return bits_of(baseline, 2 * others + baseline->category_prior,
                   2 * total + baseline->category_prior * distinct);
}

uint64_t baseline_category_flows(const struct baseline *baseline, enum feature_id id, uint64_t code)
{
    const struct category_key key = {.code = code, .feature = id};
    const uint64_t *const sums = category_table_find(baseline->categories, &key);
    return sums == NULL ? 0 : sums[CATEGORY_FLOWS];
}

uint64_t baseline_part_flows(const struct baseline_view *view, enum feature_id id, unsigned part)
{
    return (uint64_t)view->service->fine[id][part] << SERVICE_FINE_SHIFT;
}

uint64_t baseline_usual_service(const struct baseline *baseline)
{
    uint64_t usual = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < service_table_count(baseline->services); i++) {
        const struct service_scope *const scope = service_table_at(baseline->services, i);
        if (scope->flows < most || (scope->flows == most && scope->service > usual))
            continue;
        most = scope->flows;
        usual = scope->service;
    }
    return usual;
}

bool baseline_service_can_tell(const struct baseline *baseline, const struct baseline_view *view,
                               enum feature_id id)
{
    if (view->service == NULL || id == FEATURE_PROTOCOL || id == FEATURE_SERVICE)
        return false;
    const uint64_t own = view->own.all == 0 ? 0 : baseline->unit;
    return without(view->service->flows, own) >= BASELINE_WORDS_FLOWS * baseline->unit;
}

bool baseline_words_are_of_service(const struct baseline *baseline,
                                   const struct baseline_view *view,
                                   const struct baseline_place *place, enum feature_id id)
{
    if (!baseline_service_can_tell(baseline, view, id))
        return false;
    return is_numeric(id) || baseline_bits_in_service(baseline, view, place, id) >=
                                 baseline_bits_in_all(baseline, view, place, id);
}

/* Flows of the service with the same step or category, or without a measurement. */
static uint64_t flows_alike_in_service(const struct baseline_view *view,
                                       const struct baseline_place *place, enum feature_id id)
{
    const uint32_t *const fine = view->service->fine[id];
    if (!is_numeric(id))
        return (uint64_t)fine[place_part(place, id)] << SERVICE_FINE_SHIFT;
    return place->bin[id] == BASELINE_BIN_MISSING
               ? view->service->flows - view->service->measured[id]
               : (uint64_t)fine[place->step[id]] << SERVICE_FINE_SHIFT;
}

/* Flows with the same step, the same category, or without a measurement, as the place's. */
static uint64_t flows_alike(const struct baseline *baseline, const struct baseline_place *place,
                            enum feature_id id)
{
    if (!is_numeric(id)) {
        const uint64_t *sums = category_table_find(baseline->categories, category_of(place, id));
        return sums == NULL ? 0 : sums[CATEGORY_FLOWS];
    }
    return place->bin[id] == BASELINE_BIN_MISSING ? baseline->flows - baseline->measured[id]
                                                  : baseline->fine[id][place->step[id]];
}

void baseline_outcome(const struct baseline *baseline, const struct baseline_view *view,
                      const struct baseline_place *place, enum feature_id id,
                      struct baseline_outcome *outcome)
{
    const bool is_missing = is_numeric(id) ? place->bin[id] == BASELINE_BIN_MISSING
                                           : category_of(place, id)->is_missing;
    const bool is_of_service = baseline_words_are_of_service(baseline, view, place, id);
    const uint64_t own = view->own.all == 0 ? 0 : baseline->unit;
    const uint64_t alike =
        is_of_service ? flows_alike_in_service(view, place, id) : flows_alike(baseline, place, id);
    const uint64_t measured = is_of_service ? view->service->measured[id] : baseline->measured[id];
    *outcome = (struct baseline_outcome){
        .flows = without(alike, own),
        .measured = without(measured, is_missing ? 0 : own),
        .total = without(is_of_service ? view->service->flows : baseline->flows, own),
    };
}

/* Flows a step, in units, of those that words are about. */
static void copy_steps(const struct baseline *baseline, const struct baseline_view *view,
                       const struct baseline_place *place, enum feature_id id,
                       uint64_t steps[BASELINE_STEP_COUNT])
{
    const bool is_of_service = baseline_words_are_of_service(baseline, view, place, id);
    for (unsigned i = 0; i < BASELINE_STEP_COUNT; i++)
        steps[i] = is_of_service ? (uint64_t)view->service->fine[id][i] << SERVICE_FINE_SHIFT
                                 : baseline->fine[id][i];
}

bool baseline_quantile(const struct baseline *baseline, const struct baseline_view *view,
                       const struct baseline_place *place, enum feature_id id, unsigned percent,
                       unsigned *step)
{
    assert(is_numeric(id));
    assert(percent <= 100);
    uint64_t weights[BASELINE_STEP_COUNT];
    copy_steps(baseline, view, place, id, weights);
    if (view->own.all > 0 && place->bin[id] != BASELINE_BIN_MISSING)
        weights[place->step[id]] = without(weights[place->step[id]], baseline->unit);
    uint64_t total = 0;
    for (unsigned i = 0; i < BASELINE_STEP_COUNT; i++)
        total += weights[i];
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

uint64_t baseline_categories_evicted(const struct baseline *baseline)
{
    return category_table_evicted(baseline->categories);
}

uint64_t baseline_services_evicted(const struct baseline *baseline)
{
    return service_table_evicted(baseline->services);
}

uint64_t baseline_memory_bytes(const struct baseline *baseline)
{
    return sizeof *baseline + category_table_memory_bytes(baseline->categories) +
           service_table_memory_bytes(baseline->services);
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
                sums->bin[scope][j][bin] =
                    baseline->slot[scope][j][histogram_slot(bin)] / histogram_scale(bin);
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
                baseline->slot[scope][j][histogram_slot(bin)] =
                    sums->bin[scope][j][bin] * histogram_scale(bin);
}

struct category_table *baseline_categories(struct baseline *baseline)
{
    return baseline->categories;
}

const struct category_table *baseline_categories_of(const struct baseline *baseline)
{
    return baseline->categories;
}

struct service_table *baseline_services(struct baseline *baseline)
{
    return baseline->services;
}

const struct service_table *baseline_services_of(const struct baseline *baseline)
{
    return baseline->services;
}

int64_t baseline_until_ns(const struct baseline *baseline)
{
    return baseline->until_ns;
}

uint32_t baseline_flood_exponent(const struct baseline *baseline)
{
    return (uint32_t)baseline->flood.exponent;
}
