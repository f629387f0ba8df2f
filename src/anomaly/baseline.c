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
#include "anomaly/baseline_inside.h"

#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PRIOR_SCOPE_FLOWS = 500,
    STEPS_PER_HALF_LIFE = 16,
    FLOOD_EXPONENT_MAX = 8,
    PART_MASK = 0xff, /* of a category that names its service: state or size */
};

/* The least exponent of a flow's weight in its service. */
static const double SERVICE_FLOOD_EXPONENT = 0.5;

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

void baseline_set_step(struct baseline *baseline, unsigned step)
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
    pages_back(baseline, sizeof *baseline);
    baseline->categories = category_table_open(settings->max_categories, settings->hash_key);
    baseline->services = service_table_open(settings->max_services, settings->hash_key);
    const bool is_capture = settings->mode == ANOMALY_MODE_CAPTURE;
    log2_table_init(&baseline->log2_table);
    if (baseline->categories == NULL || baseline->services == NULL ||
        !baseline_axes_init(&baseline->axes, &baseline->log2_table) ||
        (is_capture && !baseline_open_pending(baseline))) {
        baseline_close(baseline);
        return NULL;
    }
    set_exponents(baseline, settings->flood_exponent);
    set_decay(baseline, settings);
    baseline_set_step(baseline, 0);
    return baseline;
}

void baseline_close(struct baseline *baseline)
{
    if (baseline == NULL)
        return;
    category_table_close(baseline->categories);
    service_table_close(baseline->services);
    baseline_axes_deinit(&baseline->axes);
    free(baseline->pending);
    free(baseline);
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

unsigned baseline_part(enum feature_id id, bool is_missing, uint64_t code)
{
    if (is_missing)
        return SERVICE_PART_MISSING;
    if (id == FEATURE_PROTOCOL || id == FEATURE_SERVICE)
        return 0;
    const bool names_service =
        id == FEATURE_SERVICE_STATE || id == FEATURE_PROTOCOL_STATE || id == FEATURE_SERVICE_SIZE;
    const uint64_t part = names_service ? code & PART_MASK : code;
    return (unsigned)(part < SERVICE_PART_MISSING ? part : SERVICE_PART_MISSING - 1);
}

#define ALL_FEATURES ((UINT64_C(1) << FEATURE_COUNT) - 1)
#define NUMERIC_FEATURES ((UINT64_C(1) << BASELINE_NUMERIC_COUNT) - 1)

#define FEATURE(id, name, label, unit, scale, ...) \
    | (uint64_t)(FEATURE_SCALE_##scale == FEATURE_SCALE_LINEAR) << FEATURE_##id
static const uint64_t LINEAR_FEATURES = 0 FEATURE_LIST(FEATURE);
#undef FEATURE

static inline void set_cell(struct baseline_place *place, size_t j, unsigned cell)
{
    place->cell[j] = (uint16_t)cell;
    place->bin[j] = (uint8_t)(cell / BASELINE_CELLS_PER_BIN);
}

/* Kinds of features go apart, so that no branch asks of each what it is. */
static inline void place_numeric(const struct baseline_axes *axes,
                                 const struct feature_vector *vector, uint64_t features,
                                 struct baseline_place *place)
{
    uint64_t missing = features & ~vector->present;
    uint64_t linear = features & vector->present & LINEAR_FEATURES;
    uint64_t magnitudes = features & vector->present & ~LINEAR_FEATURES;
    for (; missing != 0; missing &= missing - 1)
        set_cell(place, (size_t)__builtin_ctzll(missing), BASELINE_CELL_MISSING);
    for (; linear != 0; linear &= linear - 1) {
        const size_t j = (size_t)__builtin_ctzll(linear);
        set_cell(place, j, axis_linear_cell(&axes->axis[j], vector->value[j]));
    }
    for (; magnitudes != 0; magnitudes &= magnitudes - 1) {
        const size_t j = (size_t)__builtin_ctzll(magnitudes);
        set_cell(place, j, axis_log2_cell(&axes->axis[j], vector->value[j]));
    }
}

static void place_category(const struct feature_vector *vector, unsigned j,
                           struct baseline_place *place)
{
    const unsigned i = j - BASELINE_NUMERIC_COUNT;
    const bool is_missing = !feature_is_present(vector, (enum feature_id)j);
    place->code[i] = is_missing ? 0 : code_of(vector->value[j]);
    place->missing = (uint8_t)((place->missing & ~(1U << i)) | (unsigned)is_missing << i);
    place->part[i] = (uint8_t)baseline_part((enum feature_id)j, is_missing, place->code[i]);
    if (j == FEATURE_DIRECTION)
        place->scope = scope_of(vector);
    if (j != FEATURE_SERVICE)
        return;
    place->has_service = !is_missing;
    place->service = place->code[i];
}

/* Places the features whose bits are set. */
static inline void place_some(const struct baseline *baseline, const struct feature_vector *vector,
                              uint64_t features, struct baseline_place *place)
{
    uint64_t categories = features & ~NUMERIC_FEATURES;
    place_numeric(&baseline->axes, vector, features & NUMERIC_FEATURES, place);
    for (; categories != 0; categories &= categories - 1)
        place_category(vector, (unsigned)__builtin_ctzll(categories), place);
}

void baseline_place(const struct baseline *baseline, const struct feature_vector *vector,
                    struct baseline_place *place)
{
    place->missing = 0;
    place->padding = 0;
    place_some(baseline, vector, ALL_FEATURES, place);
}

/* Bit j: value j is not what it was. Two at a time, without a branch, if the compiler sees it. */
static inline uint64_t differing(const double value[FEATURE_COUNT],
                                 const double last[FEATURE_COUNT])
{
#define FEATURE(id, ...) UINT64_C(1) << FEATURE_##id,
    static const uint64_t bit[FEATURE_COUNT] = {FEATURE_LIST(FEATURE)};
#undef FEATURE
    uint64_t bits = 0;
#pragma GCC unroll 13
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        bits |= value[j] == last[j] ? 0 : bit[j];
    return bits;
}

const struct baseline_place *baseline_place_next(const struct baseline *baseline,
                                                 struct baseline_placer *placer,
                                                 const struct feature_vector *vector)
{
    const uint64_t others =
        placer->is_used ? differing(vector->value, placer->vector.value) : ALL_FEATURES;
    const uint64_t came_or_went = (vector->present ^ placer->vector.present) & ALL_FEATURES;
    place_some(baseline, vector, others | came_or_went, &placer->place);
    placer->is_used = true;
    placer->vector.present = vector->present;
    if (others != 0)
        memcpy(placer->vector.value, vector->value, sizeof vector->value);
    return &placer->place;
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

/* The scope of the place's service. What waits for one that is evicted was its own. */
static struct service_scope *touch_service(struct baseline *baseline,
                                           const struct baseline_place *place,
                                           const struct baseline_lessons *lessons)
{
    const struct service_scope *const evicted =
        service_table_would_evict(baseline->services, place->service);
    if (evicted != NULL)
        baseline_settle_service(baseline, evicted);
    return service_table_touch(baseline->services, place->service, lessons->weights.in_service,
                               lessons->number);
}

uint64_t baseline_count(struct baseline *baseline, int64_t notice_ns)
{
    if (baseline->learnt == 0 || notice_ns < baseline->since_ns)
        baseline->since_ns = notice_ns;
    if (baseline->learnt == 0 || notice_ns > baseline->until_ns)
        baseline->until_ns = notice_ns;
    baseline->step_flows++;
    return ++baseline->learnt;
}

void baseline_learn_all(struct baseline *baseline, const struct baseline_place *place,
                        const struct baseline_lessons *lessons)
{
    assert(lessons->weights.all > 0 && lessons->weights.in_service > 0);
    const uint64_t weight = lessons->weights.all;
    baseline->total[0] += weight;
    baseline->flows += lessons->flows * baseline->unit;
    if (place->scope != 0)
        baseline->total[place->scope] += weight;
    struct service_scope *const service =
        place->has_service ? touch_service(baseline, place, lessons) : NULL;
    if (service != NULL)
        service->flows += lessons->flows * baseline->unit;
    baseline_learn_outcomes(baseline, service, place, lessons);
}

void baseline_learn(struct baseline *baseline, const struct baseline_place *place,
                    struct baseline_weights weights, int64_t notice_ns)
{
    const struct baseline_lessons lesson = {
        .flows = 1, .weights = weights, .number = baseline_count(baseline, notice_ns)};
    baseline_learn_all(baseline, place, &lesson);
}

bool baseline_would_evict(const struct baseline *baseline, const struct baseline_place *place)
{
    const struct service_table *const services = baseline->services;
    if (place->has_service && service_table_would_evict(services, place->service) != NULL)
        return true;
    if (baseline_has_room(baseline))
        return false;
    for (unsigned j = BASELINE_NUMERIC_COUNT; j < FEATURE_COUNT; j++)
        if (find_category(baseline, place, j) == NULL)
            return true;
    return false;
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
    baseline_settle(baseline);
    baseline->step_flows = 0;
    baseline->step_start_ns = notice_ns;
    const bool is_half_life = baseline->step + 1 == STEPS_PER_HALF_LIFE;
    if (is_half_life)
        halve(baseline);
    baseline_set_step(baseline, is_half_life ? 0 : baseline->step + 1);
    return is_half_life;
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
    return sizeof *baseline + baseline_pending_bytes(baseline) +
           baseline->axes.piece_count * sizeof *baseline->axes.pieces +
           category_table_memory_bytes(baseline->categories) +
           service_table_memory_bytes(baseline->services);
}
