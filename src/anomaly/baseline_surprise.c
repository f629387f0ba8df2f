/* SPDX-License-Identifier: Apache-2.0 */
/* How improbable an outcome is, in bits: baseline.h has the formulas. */
#include "anomaly/baseline_inside.h"

/* Of a hundred: the weight of a scope's own surprise; the rest is that of all flows. A service's
 * weight grows with the flows it has: half of it at SERVICE_HALF_FLOWS. */
enum { SHARE_DIRECTION = 15, SHARE_SERVICE = 70, SERVICE_HALF_FLOWS = 3000 };

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

/* -log2 p within a scope; without one, that of all flows. `prior`: prior * numerator. */
__attribute__((always_inline)) static inline int64_t bits_in(const struct log2_table *table,
                                                             const struct odds *odds,
                                                             const struct share *share,
                                                             log2_wide prior, int64_t bits_of_all)
{
    if (!share->is_there)
        return bits_of_all;
    const log2_wide numerator = (log2_wide)share->weight * odds->denominator + prior;
    return odds->log2_denominator + share->log2_denominator -
           log2_table_log2_wide(table, numerator);
}

/* Inlined by force: as a call, what it is given would go through memory, 160 bytes a feature. */
__attribute__((always_inline)) static inline int64_t surprise_of(const struct log2_table *table,
                                                                 const struct odds *odds)
{
    const int64_t bits = odds->log2_denominator - log2_table_log2(table, odds->numerator);
    const log2_wide prior = (log2_wide)odds->prior * odds->numerator;
    const int64_t of_direction = bits_in(table, odds, &odds->in_direction, prior, bits);
    const int64_t of_service = bits_in(table, odds, &odds->in_service, prior, bits);
    const int64_t surprise = 100 * bits + SHARE_DIRECTION * (of_direction - bits) +
                             odds->service_share * (of_service - bits);
    return surprise > 0 ? surprise : 0;
}

/* -log2 p of a numeric outcome; `own` is what to leave out of each scope's smoothed weight. */
__attribute__((always_inline)) static inline int64_t numeric_bits(const struct baseline *baseline,
                                                                  const struct baseline_view *view,
                                                                  unsigned j, unsigned bin,
                                                                  struct own_totals own)
{
    struct odds odds = {
        .numerator = without(histogram_smoothed(baseline->slot[0][j], bin), own.all) +
                     HISTOGRAM_SCALE * baseline->bin_prior,
        .denominator = view->numeric_denominator,
        .log2_denominator = view->log2_numeric_denominator,
        .prior = HISTOGRAM_SCALE * baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (view->scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight =
                without(histogram_smoothed(baseline->slot[view->scope][j], bin), own.in_direction),
            .log2_denominator = view->log2_numeric_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = without(histogram_smoothed(view->service->slot[j], bin), own.in_service),
            .log2_denominator = view->log2_numeric_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

__attribute__((always_inline)) static inline int64_t
numeric_surprise(const struct baseline *baseline, const struct baseline_view *view, unsigned j,
                 unsigned bin)
{
    const uint64_t own = histogram_own(bin, view->own.all);
    return numeric_bits(baseline, view, j, bin,
                        (struct own_totals){own, own, histogram_own(bin, view->own.in_service)});
}

/* Sums of the category asked about, and of the one the flow was learnt in, which it may have alone.
 */
struct category_sums {
    const uint64_t *asked, *learnt;
};

/* -log2 p of a category; `own` is what to leave out of each scope's weight. */
static int64_t category_bits(const struct baseline *baseline, const struct baseline_view *view,
                             const struct baseline_place *place, unsigned j,
                             struct category_sums sums, struct own_totals own)
{
    const uint64_t *const weight = sums.asked;
    const unsigned scope = category_scope(j, view->scope);
    const uint64_t denominator =
        2 * view->total +
        baseline->category_prior * (distinct_others(baseline, view, j, sums.learnt) + 1);
    struct odds odds = {
        .numerator =
            2 * (weight == NULL ? 0 : without(weight[0], own.all)) + baseline->category_prior,
        .denominator = denominator,
        .log2_denominator = log2_table_log2(&baseline->log2_table, denominator),
        .prior = baseline->scope_prior,
        .service_share = view->service_share,
    };
    if (scope != 0)
        odds.in_direction = (struct share){
            .is_there = true,
            .weight = weight == NULL ? 0 : without(weight[scope], own.in_direction),
            .log2_denominator = view->log2_category_in_scope,
        };
    if (view->service != NULL)
        odds.in_service = (struct share){
            .is_there = true,
            .weight = without(view->service->slot[j][place_part(place, j)], own.in_service),
            .log2_denominator = view->log2_category_in_service,
        };
    return surprise_of(&baseline->log2_table, &odds);
}

static int64_t category_surprise(const struct baseline *baseline, const struct baseline_view *view,
                                 const struct baseline_place *place, unsigned j)
{
    const uint64_t *const weight = find_category(baseline, place, j);
    return category_bits(baseline, view, place, j, (struct category_sums){weight, weight},
                         (struct own_totals){view->own.all, view->own.all, view->own.in_service});
}

int64_t baseline_surprise(const struct baseline *baseline, const struct baseline_view *view,
                          const struct baseline_place *place, enum feature_id id)
{
    if (baseline_is_numeric(id))
        return numeric_surprise(baseline, view, id, place->bin[id]);
    return category_surprise(baseline, view, place, id);
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
    const unsigned own_bin = edit->learnt_at->bin[j];
    const uint64_t own = own_around(bin, own_bin, edit->view.own.all);
    const struct own_totals totals = {
        .all = own,
        .in_direction = edit->same_direction ? own : 0,
        .in_service = edit->same_service ? own_around(bin, own_bin, edit->view.own.in_service) : 0,
    };
    return numeric_bits(baseline, &edit->view, j, bin, totals);
}

static bool same_key(struct category_key one, struct category_key other)
{
    return one.code == other.code && one.is_missing == other.is_missing;
}

static int64_t category_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                               const struct baseline_place *place, unsigned j)
{
    const struct category_key own_key = category_of(edit->learnt_at, j);
    const uint64_t own = same_key(category_of(place, j), own_key) ? edit->view.own.all : 0;
    const bool same_part = place_part(place, j) == place_part(edit->learnt_at, j);
    const struct own_totals totals = {
        .all = own,
        .in_direction = edit->same_direction ? own : 0,
        .in_service = edit->same_service && same_part ? edit->view.own.in_service : 0,
    };
    const struct category_sums sums = {
        .asked = find_category(baseline, place, j),
        .learnt = category_table_find(baseline->categories, &own_key),
    };
    return category_bits(baseline, &edit->view, place, j, sums, totals);
}

int64_t baseline_surprise_edited(const struct baseline *baseline, const struct baseline_edit *edit,
                                 const struct baseline_place *place, enum feature_id id)
{
    if (baseline_is_numeric(id))
        return numeric_edited(baseline, edit, id, place->bin[id]);
    return category_edited(baseline, edit, place, id);
}
