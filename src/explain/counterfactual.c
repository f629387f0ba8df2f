/* SPDX-License-Identifier: Apache-2.0 */
/* Greedy. One change: of the strongest contributions the first that suffices; another service, that
 * would be another flow, only if nothing else does. Where none suffices, the change that lowers the
 * score most, and beside it the next. At the end each change is tried without: what a later one
 * made needless goes. Rejected: all pairs and triples (298 scores for one flow in a hundred). */
#include "explain/counterfactual.h"

#include "explain/edit.h"

#include <assert.h>
#include <string.h>

struct candidates {
    unsigned count;
    uint8_t ids[COUNTERFACTUAL_CANDIDATES_MAX]; /* strongest first, of equals the
                                                * earlier; the service last */
};

/* A protocol is not changed by itself: its service would be none. The service goes to the end. */
static void put_service_last(struct candidates *found)
{
    bool has_service = false;
    unsigned kept = 0;
    for (unsigned i = 0; i < found->count; i++) {
        if (found->ids[i] == FEATURE_SERVICE || found->ids[i] == FEATURE_PROTOCOL)
            has_service = true;
        else
            found->ids[kept++] = found->ids[i];
    }
    if (has_service)
        found->ids[kept++] = FEATURE_SERVICE;
    found->count = kept;
}

static struct candidates choose(const struct verdict *verdict)
{
    struct candidates found = {0};
    for (uint8_t id = 0; id < FEATURE_COUNT; id++) {
        const int32_t *const contribution_mbits = verdict->contribution_mbits;
        unsigned place = found.count;
        while (place > 0 && contribution_mbits[found.ids[place - 1]] < contribution_mbits[id])
            place--;
        if (contribution_mbits[id] <= 0 || place == COUNTERFACTUAL_CANDIDATES_MAX)
            continue;
        const unsigned kept = found.count < COUNTERFACTUAL_CANDIDATES_MAX
                                  ? found.count
                                  : COUNTERFACTUAL_CANDIDATES_MAX - 1;
        memmove(found.ids + place + 1, found.ids + place, kept - place);
        found.ids[place] = id;
        found.count = kept + 1;
    }
    put_service_last(&found);
    return found;
}

/* One way of changing the flow. */
struct attempt {
    struct edit edit;
    int32_t score_mbits;
    unsigned count;
    uint8_t ids[RECORD_CHANGES_MAX];
};

/* Adds a change. False: it changes nothing. */
static bool extend(struct attempt *attempt, uint8_t id)
{
    if (!edit_to_usual(&attempt->edit, (enum feature_id)id))
        return false;
    const struct counterfactual_baseline *const baseline = attempt->edit.baseline;
    attempt->ids[attempt->count++] = id;
    attempt->score_mbits = baseline->score(baseline->context, &attempt->edit.vector);
    return true;
}

/* The first candidate that suffices, else the one that lowers the score most. False: none does. */
static bool extend_best(struct attempt *attempt, const struct candidates *candidates,
                        int32_t threshold_mbits)
{
    struct attempt best = *attempt;
    for (unsigned i = 0; i < candidates->count && best.score_mbits >= threshold_mbits; i++) {
        struct attempt next = *attempt;
        if (extend(&next, candidates->ids[i]) && next.score_mbits < best.score_mbits)
            best = next;
    }
    const bool is_better = best.count > attempt->count;
    *attempt = best;
    return is_better;
}

static struct attempt begin(const struct record_flow_part *part,
                            const struct counterfactual_baseline *baseline)
{
    return (struct attempt){
        .edit = edit_begin(baseline, &part->features),
        .score_mbits = part->verdict.score_mbits,
    };
}

/* Leaves out each change without which the score stays below the threshold all the same. */
static void prune(const struct record_flow_part *part, struct attempt *attempt)
{
    for (unsigned left_out = 0; attempt->count > 1 && left_out < attempt->count;) {
        struct attempt fewer = begin(part, attempt->edit.baseline);
        for (unsigned i = 0; i < attempt->count; i++) {
            if (i != left_out)
                (void)extend(&fewer, attempt->ids[i]);
        }
        if (fewer.count > 0 && fewer.score_mbits < part->verdict.threshold_mbits)
            *attempt = fewer;
        else
            left_out++;
    }
}

static void tell(const struct record_flow_part *part, const struct attempt *attempt,
                 struct record_counterfactual *out)
{
    out->kind = RECORD_COUNTERFACTUAL_FOUND;
    out->score_mbits = attempt->score_mbits;
    out->moved = edit_moved(&attempt->edit, &part->features);
    out->moved_away = out->moved & ~attempt->edit.vector.present;
    memcpy(out->moved_to, attempt->edit.vector.value, sizeof out->moved_to);
    out->change_count = attempt->count;
    for (unsigned i = 0; i < attempt->count; i++) {
        const uint8_t id = attempt->ids[i];
        out->changes[i] = (struct record_change){
            .feature = id,
            .has_from = feature_is_present(&part->features, (enum feature_id)id),
            .from = part->features.value[id],
            .to = attempt->edit.vector.value[id],
        };
    }
}

void counterfactual_find(const struct record_flow_part *part,
                         const struct counterfactual_baseline *baseline,
                         struct record_counterfactual *out)
{
    assert(part->verdict.has_threshold);
    const int32_t threshold_mbits = part->verdict.threshold_mbits;
    const struct candidates candidates = choose(&part->verdict);
    struct attempt attempt = begin(part, baseline);
    *out = (struct record_counterfactual){
        .kind = RECORD_COUNTERFACTUAL_NONE,
        .threshold_mbits = threshold_mbits,
    };
    while (attempt.count < RECORD_CHANGES_MAX &&
           extend_best(&attempt, &candidates, threshold_mbits)) {
        if (attempt.score_mbits >= threshold_mbits)
            continue;
        prune(part, &attempt);
        tell(part, &attempt, out);
        return;
    }
}
