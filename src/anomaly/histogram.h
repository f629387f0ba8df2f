/* SPDX-License-Identifier: Apache-2.0 */
/* How a histogram of 16 bins and "missing" lies in memory, so that it is read smoothed: each bin's
 * weight is stored times 630 / (the sum of the kernel's taps its position can reach), with two
 * empty slots at either end, so that the kernel is five loads and four additions without a branch
 * at the edges. 630 = lcm(7, 9, 10). For the baseline and its services. */
#ifndef WHYFLOW_ANOMALY_HISTOGRAM_H
#define WHYFLOW_ANOMALY_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BIN_COUNT = 16,
    HISTOGRAM_BIN_MISSING = 16, /* the outcome "not measured" */
    HISTOGRAM_OUTCOME_COUNT = 17,
    HISTOGRAM_SLOT_PAD = 2,
    HISTOGRAM_MISSING_GAP = 2, /* the pad behind the last bin: "missing" is beyond it */
    HISTOGRAM_SLOT_COUNT = 24, /* three cache lines */
    HISTOGRAM_SCALE = 630,
    HISTOGRAM_KERNEL_CENTRE = 4,
};

static inline unsigned histogram_slot(unsigned bin)
{
    return HISTOGRAM_SLOT_PAD + bin + (bin == HISTOGRAM_BIN_MISSING ? HISTOGRAM_MISSING_GAP : 0);
}

/* The kernel's tap for a bin itself. */
static inline unsigned histogram_centre(unsigned bin)
{
    return bin == HISTOGRAM_BIN_MISSING ? 1 : HISTOGRAM_KERNEL_CENTRE;
}

/* What a weight in this bin is multiplied by: 630 / the kernel's taps within reach, which are
 * 4+2+1, 2+4+2+1, else 10; "missing" hands nothing to its neighbours. */
static inline unsigned histogram_scale(unsigned bin)
{
    static const uint16_t scale[HISTOGRAM_OUTCOME_COUNT] = {
        90, 70, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 70, 90, HISTOGRAM_SCALE};
    return scale[bin];
}

/* 630 times the kernel's mean around a bin. "missing" is never smoothed into: the slots around its
 * own are empty. No branch: which features a flow lacks is what no processor guesses. */
static inline uint64_t histogram_smoothed(const uint64_t slot[HISTOGRAM_SLOT_COUNT], unsigned bin)
{
    const uint64_t *const at = &slot[histogram_slot(bin)];
    return at[-2] + at[2] + 2 * (at[-1] + at[1]) + histogram_centre(bin) * at[0];
}

/* What a flow itself adds to the smoothed weight of its own bin. */
static inline uint64_t histogram_own(unsigned bin, uint64_t own_weight)
{
    return own_weight * histogram_scale(bin) * histogram_centre(bin);
}

/* Halves all weights, each rounded down by itself, so that bins never outweigh their total. */
static inline void histogram_halve(uint64_t slot[HISTOGRAM_SLOT_COUNT])
{
    for (unsigned bin = 0; bin < HISTOGRAM_OUTCOME_COUNT; bin++) {
        uint64_t *at = &slot[histogram_slot(bin)];
        *at = *at / histogram_scale(bin) / 2 * histogram_scale(bin);
    }
}

#endif
