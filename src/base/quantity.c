/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people. See the header for the rules. Any thread; no state. */
#include "base/quantity.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DECIMALS_MAX = 12, GROUP_DIGITS = 3, DIGITS_SIZE = 32 };

/* Above it a double no longer tells neighbouring integers apart; no counter gets there. */
static const double COUNT_MAX = 9e18;

struct quantity_step {
    double below; /* the step is for numbers below this */
    double factor;
    const char *unit;
};

static const struct quantity_step time_steps[] = {
    {1e3, 1, " \xc2\xb5s"}, {1e6, 1e3, " ms"},       {1.2e8, 1e6, " s"},
    {7.2e9, 6e7, " min"},   {1.728e11, 3.6e9, " h"}, {INFINITY, 8.64e10, " d"},
};

static const struct quantity_step size_steps[] = {
    {1e6, 1e3, " kB"},
    {1e9, 1e6, " MB"},
    {1e12, 1e9, " GB"},
    {INFINITY, 1e12, " TB"},
};

static const struct quantity_step bit_rate_steps[] = {
    {1e3, 1, " bit/s"},
    {1e6, 1e3, " kbit/s"},
    {1e9, 1e6, " Mbit/s"},
    {INFINITY, 1e9, " Gbit/s"},
};

void quantity_append_count(struct text *text, uint64_t count)
{
    char digits[DIGITS_SIZE];
    struct text plain = text_init(digits, sizeof digits);
    text_append_uint(&plain, count);
    for (size_t i = 0; i < plain.length; i++) {
        if (i > 0 && (plain.length - i) % GROUP_DIGITS == 0)
            text_append_char(text, ',');
        text_append_char(text, digits[i]);
    }
}

/* Whole numbers of more than `digits` digits, the rest of them zeros. */
static void append_large(struct text *text, double number, unsigned digits)
{
    double unit = 1;
    while (number / unit >= pow(10, digits))
        unit *= 10;
    quantity_append_count(text, (uint64_t)fmin(round(number / unit) * unit, COUNT_MAX));
}

void quantity_append_significant(struct text *text, double number, unsigned digits)
{
    assert(digits >= 1);
    if (number < 0) { /* no measurement is; a line that was read may say so */
        text_append_char(text, '-');
        number = -number;
    }
    if (number >= pow(10, digits)) {
        append_large(text, number, digits);
        return;
    }
    int decimals = 0;
    double scaled = number;
    while (scaled > 0 && scaled < pow(10, digits - 1) && decimals < DECIMALS_MAX) {
        scaled *= 10;
        decimals++;
    }
    if (number == trunc(number)) /* a whole number needs no ".00" */
        decimals = 0;
    text_appendf(text, "%.*f", decimals, number);
}

static const struct quantity_step *find_step(const struct quantity_step *steps, double number)
{
    while (number >= steps->below && isfinite(steps->below))
        steps++;
    return steps;
}

void quantity_append_time(struct text *text, double time_us, unsigned digits)
{
    const struct quantity_step *step = find_step(time_steps, time_us);
    quantity_append_significant(text, time_us / step->factor, digits);
    text_append(text, step->unit);
}

/* A number of things: whole where it is, or where three digits are asked for and there are. */
static void append_amount(struct text *text, double number, unsigned digits)
{
    const bool is_whole = number == trunc(number) || number >= 100;
    if (digits >= 3 && is_whole && number >= 0 && number < COUNT_MAX)
        quantity_append_count(text, (uint64_t)round(number));
    else
        quantity_append_significant(text, number, digits);
}

/* A size without the word: "2.82 MB", or "517" and true where the noun is still to come. */
static bool append_scaled_size(struct text *text, double bytes, unsigned digits)
{
    static const double WRITTEN_OUT_BELOW = 10000;
    if (bytes < WRITTEN_OUT_BELOW) {
        append_amount(text, bytes, digits);
        return true;
    }
    const struct quantity_step *step = find_step(size_steps, bytes);
    quantity_append_significant(text, bytes / step->factor, digits);
    text_append(text, step->unit);
    return false;
}

void quantity_append_size(struct text *text, double bytes, unsigned digits)
{
    if (append_scaled_size(text, bytes, digits))
        text_append(text, bytes == 1.0 ? " byte" : " bytes");
}

void quantity_append_bit_rate(struct text *text, double bytes_per_s, unsigned digits)
{
    const double bits_per_s = bytes_per_s * 8;
    const struct quantity_step *step = find_step(bit_rate_steps, bits_per_s);
    quantity_append_significant(text, bits_per_s / step->factor, digits);
    text_append(text, step->unit);
}

void quantity_append_share(struct text *text, double share, unsigned digits)
{
    quantity_append_significant(text, share * 100, digits);
    text_append(text, " %");
}

void quantity_append_proportion(struct text *text, double log2_ratio, unsigned digits)
{
    if (log2_ratio < 0)
        text_append(text, "1 to ");
    quantity_append_significant(text, exp2(fabs(log2_ratio)), digits);
    if (log2_ratio >= 0)
        text_append(text, " to 1");
}

static void append_noun(struct text *text, double number, const char *plural, unsigned digits)
{
    append_amount(text, number, digits);
    const size_t length = strlen(plural);
    const bool is_one = number == 1.0 && length > 0 && plural[length - 1] == 's';
    if (length > 0)
        text_append_char(text, ' ');
    text_append_bytes(text, plural, length - (is_one ? 1 : 0));
}

void quantity_append(struct text *text, double number, const char *unit, unsigned digits)
{
    if (strcmp(unit, "log2") == 0) {
        quantity_append_proportion(text, number, digits);
    } else if (strcmp(unit, "us") == 0) {
        quantity_append_time(text, number, digits);
    } else if (strcmp(unit, "bytes") == 0) {
        quantity_append_size(text, number, digits);
    } else if (strcmp(unit, "bytes/s") == 0) {
        text_append(text, append_scaled_size(text, number, digits) ? " bytes/s" : "/s");
    } else if (strcmp(unit, "packets/s") == 0) {
        append_amount(text, number, digits);
        text_append(text, " packets/s");
    } else if (strcmp(unit, "ratio") == 0) {
        quantity_append_significant(text, number, digits);
    } else {
        append_noun(text, number, unit, digits);
    }
}
