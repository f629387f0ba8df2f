/* SPDX-License-Identifier: Apache-2.0 */
/* A Fenwick tree (Fenwick 1994) makes both questions and the update 13 steps. */
#include "anomaly/calibration.h"

#include <string.h>

/* Bins below the top; scores beyond either end count in the bin there. */
static uint32_t place_of(int32_t score_mbits)
{
    const int32_t bin = score_mbits < 0 ? 0 : score_mbits / CALIBRATION_BIN_MBITS;
    const int32_t last = CALIBRATION_BIN_COUNT - 1;
    return (uint32_t)(bin < last ? last - bin : 0);
}

static void tree_add(struct calibration *calibration, uint32_t place, uint64_t weight)
{
    for (uint32_t i = place + 1; i <= CALIBRATION_BIN_COUNT; i += i & -i)
        calibration->tree[i] += weight;
}

static uint32_t count(struct calibration *calibration, int32_t score_mbits, uint64_t weight)
{
    const uint32_t place = place_of(score_mbits);
    calibration->total += weight;
    calibration->weight[place] += weight;
    return place;
}

void calibration_count(struct calibration *calibration, int32_t score_mbits, uint64_t weight)
{
    (void)count(calibration, score_mbits, weight);
}

void calibration_add(struct calibration *calibration, int32_t score_mbits, uint64_t weight)
{
    tree_add(calibration, count(calibration, score_mbits, weight), weight);
}

uint64_t calibration_at_least(const struct calibration *calibration, int32_t score_mbits)
{
    uint64_t sum = 0;
    for (uint32_t i = place_of(score_mbits) + 1; i > 0; i -= i & -i)
        sum += calibration->tree[i];
    return sum;
}

int32_t calibration_threshold(const struct calibration *calibration, uint64_t weight)
{
    uint32_t count = 0; /* so many bins from the top weigh no more than `weight` together */
    uint64_t left = weight;
    for (uint32_t step = CALIBRATION_BIN_COUNT; step > 0; step /= 2) {
        const uint32_t next = count + step;
        if (next <= CALIBRATION_BIN_COUNT && calibration->tree[next] <= left) {
            count = next;
            left -= calibration->tree[next];
        }
    }
    return (int32_t)(CALIBRATION_BIN_COUNT - count) * CALIBRATION_BIN_MBITS;
}

void calibration_rebuild(struct calibration *calibration)
{
    memset(calibration->tree, 0, sizeof calibration->tree);
    calibration->total = 0;
    for (uint32_t place = 0; place < CALIBRATION_BIN_COUNT; place++) {
        calibration->total += calibration->weight[place];
        tree_add(calibration, place, calibration->weight[place]);
    }
}

void calibration_halve(struct calibration *calibration)
{
    for (uint32_t place = 0; place < CALIBRATION_BIN_COUNT; place++)
        calibration->weight[place] /= 2;
    calibration_rebuild(calibration);
}
