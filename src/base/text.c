/* SPDX-License-Identifier: Apache-2.0 */
/* A text being built in the caller's memory: the one way the format and explain rooms make bytes.
 * Any thread; no allocation.
 *
 * Doubles are printed as the shortest decimal that reads back the same. Whole numbers below 2^53
 * and decimals of up to three places or 15 digits, which is nearly all that a record holds, are
 * recognised and printed by integer arithmetic; the rest tries 16 and 17 digits and keeps the first
 * that strtod reads back. Six digits are made of a product where rounding cannot go wrong, else by
 * printf. Printing by printf alone was a third of a flow line. Rejected: Ryu or Grisu, a thousand
 * lines of tables for what is left of it. */
#include "base/text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here every integer is a double, and every integer / 1000 below 2^53 / 1000 has at most 15
 * digits, hence reads back as what it was printed from. */
static const double EXACT_INTEGER_MAX = 9007199254740992.0;
static const double SHORT_DECIMAL_MAX = 100000000000.0;

/* Doubles hold these exactly. */
static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

/* printf's %g writes smaller numbers with an exponent. */
static const double PLAIN_LEAST = 1e-4;

enum { DOUBLE_TEXT_SIZE = 40, UINT_DIGITS_MAX = 20 };

struct text text_init(char *bytes, size_t size)
{
    assert(size >= 1);
    bytes[0] = '\0';
    return (struct text){.bytes = bytes, .size = size};
}

void text_append_bytes(struct text *text, const char *bytes, size_t length)
{
    if (text->is_full)
        return;
    if (length >= text->size - text->length) {
        text->is_full = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_append_char(struct text *text, char character)
{
    text_append_bytes(text, &character, 1);
}

void text_append_uint(struct text *text, uint64_t number)
{
    char digits[UINT_DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_append_bytes(text, digits + start, sizeof digits - start);
}

/* |number|, also of INT64_MIN. */
static uint64_t magnitude_of(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

void text_append_int(struct text *text, int64_t number)
{
    if (number < 0)
        text_append_char(text, '-');
    text_append_uint(text, magnitude_of(number));
}

void text_append_milli(struct text *text, int64_t milli)
{
    const uint64_t magnitude = magnitude_of(milli);
    const uint64_t fraction = magnitude % 1000;
    const char digits[4] = {'.', (char)('0' + fraction / 100), (char)('0' + fraction / 10 % 10),
                            (char)('0' + fraction % 10)};
    if (milli < 0)
        text_append_char(text, '-');
    text_append_uint(text, magnitude / 1000);
    text_append_bytes(text, digits, sizeof digits);
}

/* digits / 10^places, without zeros at the end. */
static void append_decimal(struct text *text, bool is_negative, uint64_t digits, unsigned places)
{
    char bytes[UINT_DIGITS_MAX + 4];
    size_t start = sizeof bytes;
    for (; places > 0 && digits % 10 == 0; places--)
        digits /= 10;
    if (places > 0) {
        for (; places > 0; places--, digits /= 10)
            bytes[--start] = (char)('0' + digits % 10);
        bytes[--start] = '.';
    }
    do {
        bytes[--start] = (char)('0' + digits % 10);
        digits /= 10;
    } while (digits > 0);
    if (is_negative)
        bytes[--start] = '-';
    text_append_bytes(text, bytes + start, sizeof bytes - start);
}

/* Whole numbers, and numbers that are the double nearest to some integer / 1000: prints them and
 * returns true. */
static bool append_short_double(struct text *text, double number)
{
    if (fabs(number) < EXACT_INTEGER_MAX && number == trunc(number)) {
        text_append_int(text, (int64_t)number);
        return true;
    }
    if (fabs(number) >= SHORT_DECIMAL_MAX)
        return false;
    const double milli = nearbyint(number * 1000.0);
    if (milli / 1000.0 != number) /* division is correctly rounded, as strtod is */
        return false;
    append_decimal(text, milli < 0, magnitude_of((int64_t)milli), 3);
    return true;
}

/* With how many decimal places a number has so many digits: it times that power of ten is `least`
 * or more, and below ten times that. From PLAIN_LEAST up to ten times `least`. */
static unsigned places_for(double magnitude, double least)
{
    unsigned places = 0;
    while (magnitude * powers_of_ten[places] < least)
        places++;
    return places;
}

/* Numbers that some decimal of 15 digits is read back as: prints that and returns true. The product
 * is off by 1/16 at most and such a decimal by 1/8, so it is the nearest whole number; division is
 * correctly rounded, as strtod is. */
static bool append_15_digits(struct text *text, double number)
{
    const double magnitude = fabs(number);
    const unsigned places = places_for(magnitude, 1e14);
    const double digits = nearbyint(magnitude * powers_of_ten[places]);
    if (digits / powers_of_ten[places] != magnitude)
        return false;
    append_decimal(text, number < 0, (uint64_t)digits, places);
    return true;
}

void text_append_six_digits(struct text *text, double number)
{
    const double magnitude = fabs(number);
    if (magnitude >= PLAIN_LEAST && magnitude < 1e6) {
        const unsigned places = places_for(magnitude, 1e5);
        const double scaled = magnitude * powers_of_ten[places], whole = trunc(scaled);
        const double beyond_half = scaled - whole - 0.5;
        const uint64_t digits = (uint64_t)whole + (beyond_half > 0);
        /* The product is off by 2^-34 at most. */
        if (digits < 1000000 && fabs(beyond_half) > 1e-9) {
            append_decimal(text, number < 0, digits, places);
            return;
        }
    }
    text_appendf(text, "%.6g", number);
}

void text_append_double(struct text *text, double number)
{
    assert(isfinite(number));
    if (append_short_double(text, number))
        return;
    const bool is_plain = fabs(number) >= PLAIN_LEAST && fabs(number) < 1e15;
    if (is_plain && append_15_digits(text, number))
        return;
    char digits[DOUBLE_TEXT_SIZE];
    /* A subnormal has fewer digits to begin with: 5e-324, not 4.94065645841247e-324. */
    const int least_precision = fabs(number) < DBL_MIN ? 1 : is_plain ? 16 : 15;
    for (int precision = least_precision; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_append(text, digits);
}

void text_appendf(struct text *text, const char *format, ...)
{
    if (text->is_full)
        return;
    const size_t room = text->size - text->length;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        text->is_full = true;
        text->bytes[text->length] = '\0';
        return;
    }
    text->length += (size_t)length;
}
