/* SPDX-License-Identifier: Apache-2.0 */
/* See option_value.h. Numbers are scanned here and not by strtod's grammar, which takes blanks,
 * signs, "inf" and hexadecimal. */
#include "option_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Digits with at most one point among them; `*rest` is what follows. */
static bool scan_decimal(const char *text, double *number, const char **rest)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0)
        return false;
    if (text[length] == '.') {
        const size_t fraction = strspn(text + length + 1, "0123456789");
        if (fraction == 0)
            return false;
        length += 1 + fraction;
    }
    *number = strtod(text, NULL);
    *rest = text + length;
    return true;
}

static bool scan_whole(const char *text, uint64_t *number, const char **rest)
{
    const size_t length = strspn(text, "0123456789");
    if (length == 0)
        return false;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    *rest = text + length;
    return errno == 0;
}

bool option_value_time(const char *text, int64_t *time_ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        {"", 1e9}, {"s", 1e9},  {"ms", 1e6},   {"us", 1e3},
        {"ns", 1}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},
    };
    double number;
    const char *unit;
    if (!scan_decimal(text, &number, &unit))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        const double ns = number * units[i].ns;
        if (!(ns <= (double)OPTION_VALUE_TIME_MAX_NS))
            return false;
        *time_ns = (int64_t)(ns + 0.5);
        return true;
    }
    return false;
}

/* A whole number with one of the letters as its unit, each `base` times the one before. */
static bool whole_with_unit(const char *text, const char *letters, uint64_t base, uint64_t *result)
{
    uint64_t number;
    const char *unit;
    if (!scan_whole(text, &number, &unit))
        return false;
    uint64_t factor = 1;
    if (*unit != '\0') {
        const char *letter = strchr(letters, *unit);
        if (letter == NULL || unit[1] != '\0')
            return false;
        for (const char *each = letters; each <= letter; each++)
            factor *= base;
    }
    return !__builtin_mul_overflow(number, factor, result);
}

bool option_value_count(const char *text, uint64_t *count)
{
    return whole_with_unit(text, "kMG", 1000, count);
}

bool option_value_size(const char *text, uint64_t *size_bytes)
{
    return whole_with_unit(text, "KMGT", 1024, size_bytes);
}

bool option_value_share(const char *text, double *share)
{
    double number;
    const char *rest;
    if (!scan_decimal(text, &number, &rest))
        return false;
    if (strcmp(rest, "%") == 0)
        number /= 100;
    else if (*rest != '\0')
        return false;
    if (!(number > 0 && number <= 1))
        return false;
    *share = number;
    return true;
}

bool option_value_number(const char *text, double *number)
{
    double scanned;
    const char *rest;
    if (!scan_decimal(text, &scanned, &rest) || *rest != '\0')
        return false;
    *number = scanned;
    return true;
}

bool option_value_key(const char *text, uint64_t key[2])
{
    if (strlen(text) != 32 || strspn(text, "0123456789abcdefABCDEF") != 32)
        return false;
    uint64_t words[2] = {0, 0};
    for (size_t i = 0; i < 32; i++) {
        const char digit = (char)tolower((unsigned char)text[i]);
        const int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        words[i / 16] = words[i / 16] << 4 | (uint64_t)value;
    }
    memcpy(key, words, sizeof words);
    return true;
}

bool option_value_word(const char *text, size_t length, const char *words, unsigned *index)
{
    unsigned position = 0;
    for (const char *word = words;; position++) {
        const size_t word_length = strcspn(word, "|");
        if (word_length == length && strncmp(word, text, length) == 0) {
            *index = position;
            return true;
        }
        if (word[word_length] == '\0')
            return false;
        word += word_length + 1;
    }
}

bool option_value_switch(const char *text, bool *is_on)
{
    unsigned index;
    if (!option_value_word(text, strlen(text), "false|true", &index))
        return false;
    *is_on = index == 1;
    return true;
}
