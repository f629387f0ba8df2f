/* SPDX-License-Identifier: Apache-2.0 */
/* Trace time as UTC text. Not gmtime_r: it takes the time zone lock of the C library, and a date
 * is ten lines of arithmetic. Used by every formatter; any thread, no state. */
#include "format/utc_time.h"

#include <assert.h>
#include <stddef.h>

static const int64_t NS_PER_S = 1000000000;
static const int64_t S_PER_DAY = 86400;

enum { DATE_TIME_LENGTH = 26 };

struct utc_date {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;   /* 1 to 31 */
};

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days, for days >= 0:
 * years start in March, so that the leap day is a year's last. */
static struct utc_date date_of(int64_t days_since_1970)
{
    const int64_t days = days_since_1970 + 719468; /* since 0000-03-01 */
    const int64_t era = days / 146097;
    const int64_t day_of_era = days % 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;
    const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct utc_date){
        .year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
    };
}

static char *put_digits(char *out, int64_t number, size_t count)
{
    for (size_t i = count; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + count;
}

void utc_time_append(struct text *text, int64_t time_ns, char separator)
{
    assert(time_ns >= 0);
    const int64_t seconds = time_ns / NS_PER_S;
    const int64_t second_of_day = seconds % S_PER_DAY;
    const struct utc_date date = date_of(seconds / S_PER_DAY);
    char bytes[DATE_TIME_LENGTH];
    char *out = put_digits(bytes, date.year, 4);
    *out++ = '-';
    out = put_digits(out, date.month, 2);
    *out++ = '-';
    out = put_digits(out, date.day, 2);
    *out++ = separator;
    out = put_digits(out, second_of_day / 3600, 2);
    *out++ = ':';
    out = put_digits(out, second_of_day / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, second_of_day % 60, 2);
    *out++ = '.';
    out = put_digits(out, time_ns % NS_PER_S / 1000, 6);
    text_append_bytes(text, bytes, (size_t)(out - bytes));
}
