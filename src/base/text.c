/* SPDX-License-Identifier: Apache-2.0 */
/* A text being built in the caller's memory: the one way the format and explain rooms make bytes.
 * Any thread; no allocation.
 *
 * Doubles are printed as the shortest decimal that reads back the same. Whole numbers below 2^53
 * and decimals of up to three places, which is nearly all that a record holds, are recognised and
 * printed by integer arithmetic; the rest tries 15, 16 and 17 digits and keeps the first that
 * strtod reads back. Rejected: Ryu or Grisu, a thousand lines of tables for a part of a line that
 * costs under a tenth of it. */
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
    const uint64_t magnitude = magnitude_of((int64_t)milli);
    char fraction[4] = {'.', (char)('0' + magnitude / 100 % 10), (char)('0' + magnitude / 10 % 10),
                        (char)('0' + magnitude % 10)};
    size_t length = sizeof fraction;
    while (length > 2 && fraction[length - 1] == '0')
        length--;
    if (milli < 0)
        text_append_char(text, '-');
    text_append_uint(text, magnitude / 1000);
    text_append_bytes(text, fraction, length);
    return true;
}

void text_append_double(struct text *text, double number)
{
    assert(isfinite(number));
    if (append_short_double(text, number))
        return;
    char digits[DOUBLE_TEXT_SIZE];
    /* A subnormal has fewer digits to begin with: 5e-324, not 4.94065645841247e-324. */
    const int least_precision = fabs(number) < DBL_MIN ? 1 : 15;
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
