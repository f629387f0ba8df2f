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
    /* While adding: flows of each score. Finished: of this score or higher, up to `highest`. */
    uint64_t flows[RANKING_SCORE_COUNT];
};

struct ranking *ranking_open(void)
{
    return calloc(1, sizeof(struct ranking));
}

void ranking_close(struct ranking *ranking)
{
    free(ranking);
}

static uint32_t index_of(int32_t score_mbits)
{
    if (score_mbits < 0)
        return 0;
    return score_mbits < RANKING_SCORE_COUNT ? (uint32_t)score_mbits : RANKING_SCORE_COUNT - 1;
}

void ranking_add(struct ranking *ranking, int32_t score_mbits)
{
    assert(!ranking->is_finished);
    const uint32_t index = index_of(score_mbits);
    ranking->flows[index]++;
    ranking->count++;
    if (index > ranking->highest)
        ranking->highest = index;
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

void ranking_finish(struct ranking *ranking, double share)
{
    assert(!ranking->is_finished);
    ranking->is_finished = true;
    if (ranking->count == 0)
        return;
    for (uint32_t i = ranking->highest; i > 0; i--)
        ranking->flows[i - 1] += ranking->flows[i];
    ranking->flagged_count = ranking_allowed(share, ranking->count);
    ranking->threshold =
        (uint32_t)ranking_score_at(ranking, ranking->count - ranking->flagged_count);
    const uint64_t above =
        ranking->threshold == ranking->highest ? 0 : ranking->flows[ranking->threshold + 1];
    ranking->ties_left = ranking->flagged_count - above;
}

void ranking_judge(struct ranking *ranking, struct verdict *verdict)
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
        ranking->ties_left--;
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
    return sizeof *ranking;
}
