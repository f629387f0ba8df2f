/* SPDX-License-Identifier: Apache-2.0 */
/* How a lesson gets into the sums of each feature's outcome: over all flows, in its direction and
 * in its service, six sums a feature. Called by baseline.c.
 *
 * Of a capture, which is learnt as a whole before it is looked at, lessons of the services seen
 * most are put together first: a group has for each feature one word for each step within a bin,
 * in which flows and both weights lie side by side, so that a flow is one addition a feature. What
 * was put together is added to the bins after PENDING_FLOWS flows, or when the baseline is looked
 * at; sums do not tell the order. Instructions a flow of varied traffic: 3,300 before, 600 so.
 *
 * Categories wait likewise, by what is left of them once the service is known, which within a
 * service is mostly all of it; each with its code, and with the number of the last flow, which
 * orders evictions. One that a group has not met is learnt at once: what is new to the table comes
 * in the order of flows. Where the table may have to evict, none waits: what is lightest must be
 * known then, and what waits for a category that has gone would bring it back.
 *
 * A group is a direction of a service and lies where its hash puts it. It gives way to another only
 * once so many flows of others came by: to add a group to the bins costs as much as twenty flows.
 * Lessons that have no group are added at once. Rejected: such sums in each service, 44 pages of
 * memory where a service of one flow has 16. */
#include "anomaly/baseline_inside.h"

#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The parts of a word: weights of 13 bits, of so many flows. */
enum { FLOWS_BITS = 12, WEIGHT_BITS = 26, PENDING_FLOWS = (1 << FLOWS_BITS) - 1 };
#define WEIGHT_MASK ((UINT64_C(1) << WEIGHT_BITS) - 1)
_Static_assert(FLOWS_BITS + 2 * WEIGHT_BITS == 64, "a word's parts");

enum { GROUP_COUNT = 16, PATIENCE_MAX = 32 };

struct group {
    struct service_scope *service; /* NULL: flows of none */
    uint32_t scope;
    bool is_used;
    uint32_t patience; /* flows of others until it gives way */
    uint64_t flows;    /* waiting, PENDING_FLOWS at most */
    uint64_t cell[BASELINE_NUMERIC_COUNT][BASELINE_CELL_COUNT];
    struct pending_part {
        uint64_t code, word;
        uint64_t number; /* of its last flow; 0: the group has not met it */
    } part[BASELINE_CATEGORY_COUNT][SERVICE_PART_COUNT];
};

struct pending_bins {
    bool is_waiting;
    bool are_parts_waiting; /* until categories may be evicted; then never again */
    struct group group[GROUP_COUNT];
};

bool baseline_open_pending(struct baseline *baseline)
{
    baseline->pending = calloc(1, sizeof *baseline->pending);
    return baseline->pending != NULL;
}

uint64_t baseline_pending_bytes(const struct baseline *baseline)
{
    return baseline->pending == NULL ? 0 : sizeof *baseline->pending;
}

/* Adds to steps without wrapping: a step that is full stays so. */
static void add_step(uint32_t *step, uint64_t flow)
{
    *step = flow < UINT32_MAX - *step ? *step + (uint32_t)flow : UINT32_MAX;
}

/* Where the sums of flows lie: all have the same direction and service. */
struct home {
    struct service_scope *service;
    unsigned scope;
};

/* Without a branch on what is missing, as histogram_smoothed: nothing is measured then. */
static inline void learn_bin(struct baseline *baseline, const struct home *home, unsigned j,
                             unsigned cell, const struct baseline_lessons *lessons)
{
    const unsigned bin = cell / BASELINE_CELLS_PER_BIN, step = cell - bin;
    const unsigned slot = histogram_slot(bin);
    const uint64_t scaled = lessons->weights.all * histogram_scale(bin);
    const uint64_t flows = bin == BASELINE_BIN_MISSING ? 0 : lessons->flows;
    baseline->slot[0][j][slot] += scaled;
    if (home->scope != 0)
        baseline->slot[home->scope][j][slot] += scaled;
    baseline->measured[j] += flows * baseline->unit;
    baseline->fine[j][step] += flows * baseline->unit;
    struct service_scope *const service = home->service;
    if (service == NULL)
        return;
    service->slot[j][slot] += lessons->weights.in_service * histogram_scale(bin);
    service->measured[j] += flows * baseline->unit;
    add_step(&service->fine[j][step], flows * (baseline->unit >> SERVICE_FINE_SHIFT));
}

static void learn_part(const struct baseline *baseline, struct service_scope *service, unsigned j,
                       unsigned part, const struct baseline_lessons *lessons)
{
    service->slot[j][part] += lessons->weights.in_service;
    service->measured[j] += part == SERVICE_PART_MISSING ? 0 : lessons->flows * baseline->unit;
    add_step(&service->fine[j][part], lessons->flows * (baseline->unit >> SERVICE_FINE_SHIFT));
}

/* Category i, what is left of which is `part`. */
static void learn_category(struct baseline *baseline, const struct home *home, unsigned i,
                           unsigned part, uint64_t code, const struct baseline_lessons *lessons)
{
    const unsigned j = BASELINE_NUMERIC_COUNT + i;
    const bool is_missing = part == SERVICE_PART_MISSING;
    const uint64_t flows = lessons->flows * baseline->unit;
    const struct category_key key = {.code = code, .feature = j, .is_missing = is_missing};
    category_table_learn(baseline->categories, &key, category_scope(j, home->scope),
                         lessons->weights.all, flows, lessons->number);
    if (!is_missing)
        baseline->measured[j] += flows;
    if (home->service != NULL)
        learn_part(baseline, home->service, j, part, lessons);
}

static struct baseline_lessons lessons_of(uint64_t word)
{
    return (struct baseline_lessons){
        .flows = word >> 2 * WEIGHT_BITS,
        .weights = {.all = word & WEIGHT_MASK, .in_service = word >> WEIGHT_BITS & WEIGHT_MASK},
    };
}

/* Learns what waits for `part` of category i. */
static void settle_part(struct baseline *baseline, struct group *group, unsigned i, unsigned part)
{
    const struct home home = {.service = group->service, .scope = group->scope};
    struct pending_part *const waiting = &group->part[i][part];
    struct baseline_lessons lessons = lessons_of(waiting->word);
    if (waiting->word == 0)
        return;
    waiting->word = 0;
    lessons.number = waiting->number;
    learn_category(baseline, &home, i, part, waiting->code, &lessons);
}

static void settle_parts(struct baseline *baseline, struct group *group)
{
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++)
        for (unsigned part = 0; part < SERVICE_PART_COUNT; part++)
            settle_part(baseline, group, i, part);
}

static void settle_group(struct baseline *baseline, struct group *group)
{
    const struct home home = {.service = group->service, .scope = group->scope};
    if (group->flows == 0)
        return;
    group->flows = 0;
    settle_parts(baseline, group);
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++) {
        for (unsigned cell = 0; cell < BASELINE_CELL_COUNT; cell++) {
            const uint64_t word = group->cell[j][cell];
            if (word == 0)
                continue;
            group->cell[j][cell] = 0;
            const struct baseline_lessons lessons = lessons_of(word);
            learn_bin(baseline, &home, j, cell, &lessons);
        }
    }
}

void baseline_settle(struct baseline *baseline)
{
    struct pending_bins *const pending = baseline->pending;
    if (pending == NULL || !pending->is_waiting)
        return;
    pending->is_waiting = false;
    for (unsigned i = 0; i < GROUP_COUNT; i++)
        settle_group(baseline, &pending->group[i]);
}

void baseline_settle_service(struct baseline *baseline, const struct service_scope *service)
{
    for (unsigned i = 0; baseline->pending != NULL && i < GROUP_COUNT; i++)
        if (baseline->pending->group[i].service == service)
            settle_group(baseline, &baseline->pending->group[i]);
}

/* The group that these lessons wait in; NULL: they are learnt at once. */
static struct group *find_group(struct baseline *baseline, const struct home *home,
                                const struct baseline_lessons *lessons)
{
    if (baseline->pending == NULL || lessons->flows > PENDING_FLOWS)
        return NULL;
    const uint64_t service = home->service == NULL ? 0 : home->service->service;
    const uint64_t hash = (service << 8 | home->scope) * UINT64_C(0x9e3779b97f4a7c15);
    struct group *const group = &baseline->pending->group[(hash >> 32) % GROUP_COUNT];
    if (!group->is_used)
        pages_back(group, sizeof *group);
    if (group->is_used && group->service == home->service && group->scope == home->scope) {
        group->patience += group->patience < PATIENCE_MAX;
    } else if (group->patience > 0) {
        group->patience--;
        return NULL;
    } else {
        settle_group(baseline, group);
        group->is_used = true;
        group->service = home->service;
        group->scope = home->scope;
        memset(group->part, 0, sizeof group->part);
    }
    if (group->flows + lessons->flows > PENDING_FLOWS)
        settle_group(baseline, group);
    group->flows += lessons->flows;
    baseline->pending->is_waiting = true;
    return group;
}

/* Whether categories may wait. Once they may not, what waited is learnt. */
static bool may_wait(struct baseline *baseline)
{
    struct pending_bins *const pending = baseline->pending;
    const bool has_room = baseline_has_room(baseline);
    for (unsigned i = 0; !has_room && pending->are_parts_waiting && i < GROUP_COUNT; i++)
        settle_parts(baseline, &pending->group[i]);
    pending->are_parts_waiting = has_room;
    return has_room;
}

/* Learns category i at once: another code waits for its part, or none. */
static __attribute__((noinline)) void meet_category(struct baseline *baseline, struct group *group,
                                                    const struct baseline_place *place, unsigned i,
                                                    const struct baseline_lessons *lessons)
{
    const struct home home = {.service = group->service, .scope = group->scope};
    const unsigned part = place->part[i];
    settle_part(baseline, group, i, part);
    learn_category(baseline, &home, i, part, place->code[i], lessons);
    group->part[i][part] = (struct pending_part){.code = place->code[i]};
}

static void pend_categories(struct baseline *baseline, struct group *group,
                            const struct baseline_place *place,
                            const struct baseline_lessons *lessons, uint64_t word)
{
    const uint64_t number = lessons->number;
#pragma GCC unroll 8
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++) {
        struct pending_part *const waiting = &group->part[i][place->part[i]];
        if (waiting->number != 0 && waiting->code == place->code[i])
            waiting->word += word;
        else
            meet_category(baseline, group, place, i, lessons);
        waiting->number = number > waiting->number ? number : waiting->number;
    }
}

static void learn_categories(struct baseline *baseline, const struct home *home,
                             const struct baseline_place *place,
                             const struct baseline_lessons *lessons)
{
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++)
        learn_category(baseline, home, i, place->part[i], place->code[i], lessons);
}

void baseline_learn_outcomes(struct baseline *baseline, struct service_scope *service,
                             const struct baseline_place *place,
                             const struct baseline_lessons *lessons)
{
    const struct home home = {.service = service, .scope = place->scope};
    const bool can_wait = baseline->pending != NULL && may_wait(baseline);
    struct group *const group = find_group(baseline, &home, lessons);
    if (group == NULL) {
        learn_categories(baseline, &home, place, lessons);
        for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++)
            learn_bin(baseline, &home, j, place->cell[j], lessons);
        return;
    }
    assert(lessons->weights.all <= lessons->flows << (WEIGHT_BITS - FLOWS_BITS));
    assert(lessons->weights.in_service <= lessons->flows << (WEIGHT_BITS - FLOWS_BITS));
    const uint64_t word = lessons->weights.all | lessons->weights.in_service << WEIGHT_BITS |
                          lessons->flows << 2 * WEIGHT_BITS;
    if (can_wait)
        pend_categories(baseline, group, place, lessons, word);
    else
        learn_categories(baseline, &home, place, lessons);
    uint64_t *cells = group->cell[0];
#pragma GCC unroll 11
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++, cells += BASELINE_CELL_COUNT)
        cells[place->cell[j]] += word;
}
