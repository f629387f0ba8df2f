/* SPDX-License-Identifier: Apache-2.0 */
/* The values options take, from text: times, counts, sizes, shares, keys, words. Pure functions;
 * each takes the whole text or returns false and leaves its result alone. Called by
 * option_set.c. */
#ifndef WHYFLOW_OPTION_VALUE_H
#define WHYFLOW_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "500ms", "30s", "2m", "1.5h", "1d", also us and ns; plain numbers are seconds. Nanoseconds, at
 * most OPTION_VALUE_TIME_MAX_NS. */
#define OPTION_VALUE_TIME_MAX_NS (INT64_C(1000) * 86400 * 1000000000)
bool option_value_time(const char *text, int64_t *time_ns);

/* A whole number; k, M and G are thousands, millions and thousand millions. */
bool option_value_count(const char *text, uint64_t *count);

/* Bytes; K, M, G and T are powers of 1024. */
bool option_value_size(const char *text, uint64_t *size_bytes);

/* "0.001" or "0.1%", in (0, 1]. */
bool option_value_share(const char *text, double *share);

/* A decimal number >= 0. */
bool option_value_number(const char *text, double *number);

/* 32 hexadecimal digits; the first 16 are key[0]. */
bool option_value_key(const char *text, uint64_t key[2]);

/* Which of the words in "a|b|c" the first `length` bytes of text are: 0, 1, ... */
bool option_value_word(const char *text, size_t length, const char *words, unsigned *index);

/* "true" or "false". */
bool option_value_switch(const char *text, bool *is_on);

#endif
