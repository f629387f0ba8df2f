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
    HISTOGRAM_SLOT_MISSING = 20,
    HISTOGRAM_SLOT_COUNT = 24, /* three cache lines */
    HISTOGRAM_SCALE = 630,
    HISTOGRAM_KERNEL_CENTRE = 4,
};

/* 630 / the kernel's taps within reach of a bin: 4+2+1, 2+4+2+1, else 10. */
static inline unsigned histogram_bin_scale(unsigned bin)
{
    static const uint8_t scale[HISTOGRAM_BIN_COUNT] = {90, 70, 63, 63, 63, 63, 63, 63,
                                                       63, 63, 63, 63, 63, 63, 70, 90};
    return scale[bin];
}

static inline unsigned histogram_slot(unsigned bin)
{
    return bin == HISTOGRAM_BIN_MISSING ? HISTOGRAM_SLOT_MISSING : HISTOGRAM_SLOT_PAD + bin;
}

/* What a weight in this bin is multiplied by; "missing" hands nothing to its neighbours. */
static inline unsigned histogram_scale(unsigned bin)
{
    return bin == HISTOGRAM_BIN_MISSING ? HISTOGRAM_SCALE : histogram_bin_scale(bin);
}

/* 630 times the kernel's mean around a bin. "missing" is never smoothed into. */
static inline uint64_t histogram_smoothed(const uint64_t slot[HISTOGRAM_SLOT_COUNT], unsigned bin)
{
    if (bin == HISTOGRAM_BIN_MISSING)
        return slot[HISTOGRAM_SLOT_MISSING];
    const uint64_t *at = &slot[HISTOGRAM_SLOT_PAD + bin];
    return at[-2] + at[2] + 2 * (at[-1] + at[1]) + HISTOGRAM_KERNEL_CENTRE * at[0];
}

/* What a flow itself adds to the smoothed weight of its own bin. */
static inline uint64_t histogram_own(unsigned bin, uint64_t own_weight)
{
    return own_weight * (bin == HISTOGRAM_BIN_MISSING
                             ? HISTOGRAM_SCALE
                             : histogram_bin_scale(bin) * HISTOGRAM_KERNEL_CENTRE);
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
