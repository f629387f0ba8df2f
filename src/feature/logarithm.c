/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/logarithm.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* s^2 is below 0.0295: the first term left out is below 1e-19 of the sum. */
enum { SERIES_TERMS = 13 };
_Static_assert(LOGARITHMS_KEPT == 256, "8 bits pick the place");

/* 1/1, 1/3, 1/5, ...: as many divisions would take 50 ns. */
static const double odd_reciprocals[SERIES_TERMS] = {
    1.0 / 1,  1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
    1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25,
};

static const double SQUARE_ROOT_OF_HALF = 0.70710678118654752440;
static const double TWO_OVER_LN2 = 2.88539008177792681472;

double logarithm_base2(double x)
{
    int exponent = 0;
    double mantissa = frexp(x, &exponent);
    if (mantissa < SQUARE_ROOT_OF_HALF) {
        mantissa *= 2;
        exponent--;
    }
    if (mantissa == 1)
        return exponent;
    const double s = (mantissa - 1) / (mantissa + 1);
    const double square = s * s;
    double sum = 0;
    for (int term = SERIES_TERMS - 1; term >= 0; term--)
        sum = sum * square + odd_reciprocals[term];
    return exponent + TWO_OVER_LN2 * s * sum;
}

double logarithms_base2(struct logarithms *logarithms, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const unsigned place = (unsigned)(bits * UINT64_C(0x9e3779b97f4a7c15) >> 56);
    if (logarithms->kept[place].x != x) {
        logarithms->kept[place].x = x;
        logarithms->kept[place].base2 = logarithm_base2(x);
    }
    return logarithms->kept[place].base2;
}
