/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people: the rules by which prose and tables print a field of a record, so that each
 * printed number can be traced back. The explain and format rooms print with them. Any thread; no
 * state.
 *
 * Rules, by name; a printed number is the field divided by the unit's factor, rounded:
 *   count        whole, with commas: 12,345
 *   significant  at least so many digits, never an exponent: 31.6, 0.0042, 1,234
 *   time         us: µs, ms (1e3), s (1e6), min (6e7), h (3.6e9), d (8.64e10)
 *   amount       whole if it is or if it has three digits before its point; else significant
 *   size         an amount of bytes below 10,000; kB (1e3), MB (1e6), GB (1e9), TB (1e12)
 *   bit rate     bytes/s times 8, as bit/s, kbit/s (1e3), Mbit/s (1e6), Gbit/s (1e9)
 *   share        a ratio of 0 to 1 as "73 %"
 *   proportion   a log2 ratio v as "12 to 1" (2^v) or "1 to 12" (2^-v) */
#ifndef WHYFLOW_BASE_QUANTITY_H
#define WHYFLOW_BASE_QUANTITY_H

#include "base/text.h"

#include <stdint.h>

void quantity_append_count(struct text *text, uint64_t count);

/* `digits` >= 1 significant digits; a number that needs more before its point keeps them unless
 * it is above 10^digits, where the rest become zeros. number >= 0. */
void quantity_append_significant(struct text *text, double number, unsigned digits);

void quantity_append_time(struct text *text, double time_us, unsigned digits);
void quantity_append_size(struct text *text, double bytes, unsigned digits);
void quantity_append_bit_rate(struct text *text, double bytes_per_s, unsigned digits);
void quantity_append_share(struct text *text, double share, unsigned digits);
void quantity_append_proportion(struct text *text, double log2_ratio, unsigned digits);

/* By a feature's unit: "us", "bytes", "bytes/s", "log2", "ratio", or a plural noun such as
 * "packets", which loses its s at exactly one. */
void quantity_append(struct text *text, double number, const char *unit, unsigned digits);

#endif
