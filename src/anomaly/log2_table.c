/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/log2_table.h"

#include <stdbool.h>

enum { MANTISSA_BITS = 62, DOUBLE_MANTISSA_BITS = 52, DOUBLE_BIAS = 1023 };

static const uint64_t mantissa_one = UINT64_C(1) << MANTISSA_BITS;

/* log2 of a number in [1, 2), in units of 2^-62, to the nearest 2^-24: each squaring doubles the
 * logarithm and so yields its next binary digit. One digit more is made, for rounding. */
static uint32_t log2_by_squaring(uint64_t mantissa)
{
    uint32_t digits = 0;
    for (int i = 0; i <= LOG2_FRACTION_BITS; i++) {
        mantissa = (uint64_t)((log2_wide)mantissa * mantissa >> MANTISSA_BITS);
        const bool is_one = mantissa >= 2 * mantissa_one;
        digits = digits << 1 | is_one;
        mantissa >>= is_one;
    }
    return (digits + 1) >> 1;
}

/* floor(sqrt(number)), digit by digit. */
static uint64_t square_root(log2_wide number)
{
    uint64_t root = 0;
    for (int i = 63; i >= 0; i--) {
        const uint64_t candidate = root | UINT64_C(1) << i;
        if ((log2_wide)candidate * candidate <= number)
            root = candidate;
    }
    return root;
}

void log2_table_init(struct log2_table *table)
{
    const unsigned count = 1 << LOG2_INDEX_BITS;
    uint32_t high = LOG2_ONE;
    for (unsigned i = count; i-- > 0;) {
        const uint32_t low =
            log2_by_squaring((uint64_t)(count + i) << (MANTISSA_BITS - LOG2_INDEX_BITS));
        table->chord[i] = (struct log2_chord){.low = low, .step = high - low};
        high = low;
    }
    uint64_t power = 2 * mantissa_one;
    for (int k = 0; k < LOG2_FRACTION_BITS; k++) {
        power = square_root((log2_wide)power << MANTISSA_BITS);
        table->root[k] = power;
    }
}

uint64_t log2_table_least(const struct log2_table *table, uint64_t log2)
{
    const uint64_t octave = log2 >> LOG2_FRACTION_BITS;
    const uint32_t fraction = (uint32_t)(log2 & (LOG2_ONE - 1));
    unsigned i = 0;
    for (unsigned bit = 1U << (LOG2_INDEX_BITS - 1); bit > 0; bit /= 2)
        i += table->chord[i + bit].low <= fraction ? bit : 0;
    const struct log2_chord chord = table->chord[i];
    const uint64_t rise = (uint64_t)(fraction - chord.low) << LOG2_FRACTION_BITS;
    return (octave << 32) + ((uint64_t)i << LOG2_FRACTION_BITS) +
           (rise + chord.step - 1) / chord.step; /* may be the next chord's first */
}

uint64_t log2_table_exp2(const struct log2_table *table, uint32_t exponent)
{
    assert(exponent < LOG2_ONE);
    uint64_t product = mantissa_one;
    for (int k = 0; k < LOG2_FRACTION_BITS; k++) {
        if (exponent >> (LOG2_FRACTION_BITS - 1 - k) & 1)
            product = (uint64_t)((log2_wide)product * table->root[k] >> MANTISSA_BITS);
    }
    return product;
}

double log2_table_exp2_double(const struct log2_table *table, double exponent)
{
    assert(exponent > -1000);
    assert(exponent < 1000);
    int64_t scaled = (int64_t)((exponent + 1024) * LOG2_ONE); /* positive: truncation is floor */
    const uint64_t mantissa = log2_table_exp2(table, (uint32_t)(scaled & (LOG2_ONE - 1)));
    const int64_t whole = (scaled >> LOG2_FRACTION_BITS) - 1024;
    const uint64_t bits = (uint64_t)(whole + DOUBLE_BIAS) << DOUBLE_MANTISSA_BITS |
                          (mantissa - mantissa_one) >> (MANTISSA_BITS - DOUBLE_MANTISSA_BITS);
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}
