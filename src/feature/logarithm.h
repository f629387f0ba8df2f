/* SPDX-License-Identifier: Apache-2.0 */
/* A base-2 logarithm of our own: the C library's differs in the last bit between versions, and a
 * replay must give the same bytes everywhere. Pure; any thread. */
#ifndef WHYFLOW_FEATURE_LOGARITHM_H
#define WHYFLOW_FEATURE_LOGARITHM_H

/* log2(x) for finite x > 0, to the last two units; exact for powers of 2.
 * Only operations that IEEE 754 rounds correctly: with m in [sqrt 1/2, sqrt 2) and s = (m-1)/(m+1),
 * ln m = 2 (s + s^3/3 + s^5/5 + ...). */
double logarithm_base2(double x);

/* Logarithms made before: floods, scans and name look-ups ask for the same few again and again, and
 * one takes 40 ns. All zero: none yet. One thread's. */
enum { LOGARITHMS_KEPT = 256 };
struct logarithms {
    struct {
        double x, base2;
    } kept[LOGARITHMS_KEPT];
};

double logarithms_base2(struct logarithms *logarithms, double x); /* x > 0: as logarithm_base2 */

#endif
