/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/logarithm.h"

#include <math.h>

/* s^2 is below 0.0295: the first term left out is below 1e-19 of the sum. */
enum { SERIES_TERMS = 13 };

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
    const double s = (mantissa - 1) / (mantissa + 1);
    double sum = 0;
    for (int term = SERIES_TERMS - 1; term >= 0; term--)
        sum = sum * (s * s) + 1.0 / (2 * term + 1);
    return exponent + TWO_OVER_LN2 * s * sum;
}
