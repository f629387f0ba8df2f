/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/ranking.h"

#include <assert.h>
#include <stdlib.h>

struct ranking {
    uint64_t count;
    uint64_t flagged_count;
    uint64_t ties_left; /* flows at the threshold still to be flagged */
    uint32_t highest, threshold;
    bool is_finished;
    uint32_t *muted; /* flows of each score; NULL: none is */
    uint64_t muted_count;
    /* While adding: flows of each score. Finished: of this score or higher, up to `highest`. */
    uint64_t flows[RANKING_SCORE_COUNT];
};

struct ranking *ranking_open(bool can_mute)
{
    struct ranking *const ranking = calloc(1, sizeof *ranking);
    if (ranking == NULL || !can_mute)
        return ranking;
    ranking->muted = calloc(RANKING_SCORE_COUNT, sizeof *ranking->muted);
    if (ranking->muted != NULL)
        return ranking;
    free(ranking);
    return NULL;
}

void ranking_close(struct ranking *ranking)
{
    if (ranking == NULL)
        return;
    free(ranking->muted);
    free(ranking);
}

static uint32_t index_of(int32_t score_mbits)
{
    if (score_mbits < 0)
        return 0;
    return score_mbits < RANKING_SCORE_COUNT ? (uint32_t)score_mbits : RANKING_SCORE_COUNT - 1;
}

void ranking_add(struct ranking *ranking, int32_t score_mbits, bool is_muted)
{
    assert(!ranking->is_finished);
    assert(!is_muted || ranking->muted != NULL);
    const uint32_t index = index_of(score_mbits);
    ranking->flows[index]++;
    ranking->count++;
    if (index > ranking->highest)
        ranking->highest = index;
    if (!is_muted)
        return;
    ranking->muted[index]++;
    ranking->muted_count++;
}

uint64_t ranking_allowed(double share, uint64_t count)
{
    if (count == 0)
        return 0;
    const double product = share * (double)count;
    if (product >= (double)count)
        return count;
    uint64_t flagged = product > 0 ? (uint64_t)product : 0;
    if (product - (double)flagged > product * 1e-12)
        flagged++;
    return flagged == 0 ? 1 : flagged;
}

/* Goes down from the highest score until enough flows are not muted. `flows` still counts each
 * score by itself. */
static void find_threshold(struct ranking *ranking)
{
    uint64_t above = 0;
    for (uint32_t i = ranking->highest;; i--) {
        const uint64_t muted = ranking->muted == NULL ? 0 : ranking->muted[i];
        const uint64_t here = ranking->flows[i] - muted;
        ranking->threshold = i;
        ranking->ties_left = ranking->flagged_count - above;
        if (above + here >= ranking->flagged_count)
            return;
        above += here;
    }
}

void ranking_finish(struct ranking *ranking, double share)
{
    assert(!ranking->is_finished);
    ranking->is_finished = true;
    if (ranking->count == 0)
        return;
    const uint64_t heard = ranking->count - ranking->muted_count;
    const uint64_t allowed = ranking_allowed(share, ranking->count);
    ranking->flagged_count = allowed < heard ? allowed : heard;
    find_threshold(ranking);
    for (uint32_t i = ranking->highest; i > 0; i--)
        ranking->flows[i - 1] += ranking->flows[i];
}

void ranking_judge(struct ranking *ranking, struct verdict *verdict, bool is_muted)
{
    assert(ranking->is_finished);
    assert(ranking->count > 0);
    const uint32_t index = index_of(verdict->score_mbits);
    assert(index <= ranking->highest); /* it was added */
    verdict->p_value = (double)ranking->flows[index] / (double)ranking->count;
    verdict->compared = ranking->count;
    verdict->threshold_mbits = (int32_t)ranking->threshold;
    verdict->has_threshold = true;
    verdict->is_flagged = index > ranking->threshold;
    if (index == ranking->threshold && ranking->ties_left > 0) {
        ranking->ties_left -= !is_muted;
        verdict->is_flagged = true;
    }
}

/* The highest score that at least count - position flows reach: scores rise, counts fall. */
int32_t ranking_score_at(const struct ranking *ranking, uint64_t position)
{
    assert(ranking->is_finished);
    assert(position < ranking->count);
    uint32_t low = 0, high = ranking->highest;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (ranking->flows[middle] >= ranking->count - position)
            low = middle;
        else
            high = middle - 1;
    }
    return (int32_t)low;
}

bool ranking_stands_out(const struct ranking *ranking)
{
    if (ranking->count == 0)
        return false;
    const int32_t quartile1 = ranking_score_at(ranking, ranking->count / 4);
    const int32_t median = ranking_score_at(ranking, ranking->count / 2);
    const int32_t quartile3 = ranking_score_at(ranking, ranking->count - 1 - ranking->count / 4);
    const int32_t highest = (int32_t)ranking->highest;
    return highest - median >= RANKING_STANDS_OUT_MBITS &&
           2 * (highest - quartile3) > 3 * (quartile3 - quartile1);
}

int32_t ranking_threshold_mbits(const struct ranking *ranking)
{
    return (int32_t)ranking->threshold;
}

uint64_t ranking_flagged_count(const struct ranking *ranking)
{
    return ranking->flagged_count;
}

uint64_t ranking_count(const struct ranking *ranking)
{
    return ranking->count;
}

int32_t ranking_highest_mbits(const struct ranking *ranking)
{
    return (int32_t)ranking->highest;
}

uint64_t ranking_memory_bytes(const struct ranking *ranking)
{
    return sizeof *ranking +
           (ranking->muted == NULL ? 0 : RANKING_SCORE_COUNT * sizeof *ranking->muted);
}
