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

/* A chord of the curve: log2(1 + i/256), and how much it rises to the next. */
struct log2_chord {
    uint32_t low, step;
};

struct log2_table {
    struct log2_chord chord[1 << LOG2_INDEX_BITS];
    uint64_t root[LOG2_FRACTION_BITS]; /* 2^(2^-(k+1)), in units of 2^-62 */
};

void log2_table_init(struct log2_table *table);

/* log2 of a mantissa whose first of `bits` bits is set: 24 bits behind its 8 of index are read. */
static inline int64_t log2_table_fraction(const struct log2_table *table, uint64_t mantissa,
                                          int bits)
{
    const struct log2_chord chord = table->chord[mantissa >> (bits - 9) & 255];
    const uint64_t rest = mantissa >> (bits - 33) & (LOG2_ONE - 1);
    return chord.low + (int64_t)(chord.step * rest >> LOG2_FRACTION_BITS);
}

/* log2(number) in 2^-24 bits; number > 0. Exact at powers of two, never falls as `number` grows,
 * low by less than 3e-6 bit between (the chord lies below the curve). */
static inline int64_t log2_table_log2(const struct log2_table *table, uint64_t number)
{
    const int shift = __builtin_clzll(number);
    return ((int64_t)(63 - shift) << LOG2_FRACTION_BITS) +
           log2_table_fraction(table, number << shift, 64);
}

/* The same of 128 bits; the lowest bits of a long number are cut, the result still never falls. */
static inline int64_t log2_table_log2_wide(const struct log2_table *table, log2_wide number)
{
    const uint64_t high = (uint64_t)(number >> 64);
    if (high == 0)
        return log2_table_log2(table, (uint64_t)number);
    const int shift = 64 - __builtin_clzll(high);
    /* Two shifts for the low half, since it may be shifted by 64, which is not defined. */
    const uint64_t mantissa = high << (63 - shift) << 1 | (uint64_t)number >> (shift - 1) >> 1;
    return ((int64_t)(63 + shift) << LOG2_FRACTION_BITS) + log2_table_fraction(table, mantissa, 64);
}

/* The least number >= 1 whose logarithm is at least so many 2^-24 bits, as its octave * 2^32 + the
 * 32 bits behind its first: log2_table_fraction reads no more. */
uint64_t log2_table_least(const struct log2_table *table, uint64_t log2);

/* 2^(exponent / 2^24) in units of 2^-62, for 0 <= exponent < 2^24: a result in [1, 2). */
uint64_t log2_table_exp2(const struct log2_table *table, uint32_t exponent);

/* 2^exponent as a double, for -1000 < exponent < 1000, exact to 2^-24 in the exponent. */
double log2_table_exp2_double(const struct log2_table *table, double exponent);

#endif
