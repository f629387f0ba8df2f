/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms and powers of two in integers, the same on every machine: libm's log2 may differ in
 * the last bit from one C library to the next, and a replay must give the same bytes.
 *
 * The table is made by exact integer methods (repeated squaring, integer square roots) in 20 µs
 * when a model opens; it is constant afterwards. Called by the anomaly room only. Any thread. */
#ifndef WHYFLOW_ANOMALY_LOG2_TABLE_H
#define WHYFLOW_ANOMALY_LOG2_TABLE_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* A logarithm is counted in units of 2^-24 bit. */
enum { LOG2_FRACTION_BITS = 24, LOG2_INDEX_BITS = 8, LOG2_ONE = 1 << LOG2_FRACTION_BITS };

/* Numerators of mixed probabilities are products of two 64-bit sums. */
__extension__ typedef unsigned __int128 log2_wide;

struct log2_table {
    uint32_t fraction[(1 << LOG2_INDEX_BITS) + 1]; /* log2(1 + i/256) */
    uint64_t root[LOG2_FRACTION_BITS];             /* 2^(2^-(k+1)), in units of 2^-62 */
};

void log2_table_init(struct log2_table *table);

/* log2(number) in 2^-24 bits; number > 0. Exact at powers of two, never falls as `number` grows,
 * low by less than 3e-6 bit between (the chord lies below the curve). */
static inline int64_t log2_table_log2(const struct log2_table *table, uint64_t number)
{
    const int shift = __builtin_clzll(number);
    const uint64_t mantissa = number << shift;
    const unsigned index = (unsigned)(mantissa >> 55) & 255;
    const uint64_t rest = mantissa >> 31 & (LOG2_ONE - 1);
    const uint32_t low = table->fraction[index];
    const uint64_t step = table->fraction[index + 1] - low;
    return ((int64_t)(63 - shift) << LOG2_FRACTION_BITS) + low +
           (int64_t)(step * rest >> LOG2_FRACTION_BITS);
}

/* The same of 128 bits; the lowest bits of a long number are cut, the result still never falls. */
static inline int64_t log2_table_log2_wide(const struct log2_table *table, log2_wide number)
{
    const uint64_t high = (uint64_t)(number >> 64);
    if (high == 0)
        return log2_table_log2(table, (uint64_t)number);
    const int shift = 64 - __builtin_clzll(high);
    return log2_table_log2(table, (uint64_t)(number >> shift)) +
           ((int64_t)shift << LOG2_FRACTION_BITS);
}

/* log2(number) in 2^-24 bits for 1 <= number < 2^63: the same, from an IEEE 754 double's parts. */
static inline int64_t log2_table_log2_double(const struct log2_table *table, double number)
{
    assert(number >= 1);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    const int64_t exponent = (int64_t)(bits >> 52) - 1023;
    const unsigned index = (unsigned)(bits >> 44) & 255;
    const uint64_t rest = bits >> 20 & (LOG2_ONE - 1);
    const uint32_t low = table->fraction[index];
    const uint64_t step = table->fraction[index + 1] - low;
    return (exponent << LOG2_FRACTION_BITS) + low + (int64_t)(step * rest >> LOG2_FRACTION_BITS);
}

/* 2^(exponent / 2^24) in units of 2^-62, for 0 <= exponent < 2^24: a result in [1, 2). */
uint64_t log2_table_exp2(const struct log2_table *table, uint32_t exponent);

/* 2^exponent as a double, for -1000 < exponent < 1000, exact to 2^-24 in the exponent. */
double log2_table_exp2_double(const struct log2_table *table, double exponent);

/* log2(numerator / denominator) in milli-bits, to the nearest; both > 0. */
int32_t log2_table_mbits(const struct log2_table *table, uint64_t numerator, uint64_t denominator);

#endif
