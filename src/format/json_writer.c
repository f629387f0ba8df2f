/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON line being written. Used by the native formatter; any thread, no allocation. */
#include "format/json_writer.h"

#include "format/utc_time.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* From here on six significant digits leave no decimals. */
static const double MEASURE_WHOLE_FROM = 1e5;

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

struct json_writer json_writer_init(char *bytes, size_t size)
{
    return (struct json_writer){.text = text_init(bytes, size)};
}

/* The comma after what stands before, and the key. */
static void begin_value(struct json_writer *json, const char *key)
{
    if (json->needs_comma)
        text_append_char(&json->text, ',');
    if (key != NULL) {
        text_append_char(&json->text, '"');
        text_append(&json->text, key);
        text_append_bytes(&json->text, "\":", 2);
    }
    json->needs_comma = true;
}

void json_open_object(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    text_append_char(&json->text, '{');
    json->needs_comma = false;
}

void json_close_object(struct json_writer *json)
{
    text_append_char(&json->text, '}');
    json->needs_comma = true;
}

void json_open_array(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    text_append_char(&json->text, '[');
    json->needs_comma = false;
}

void json_close_array(struct json_writer *json)
{
    text_append_char(&json->text, ']');
    json->needs_comma = true;
}

void json_uint(struct json_writer *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    text_append_uint(&json->text, number);
}

void json_int(struct json_writer *json, const char *key, int64_t number)
{
    begin_value(json, key);
    text_append_int(&json->text, number);
}

void json_bool(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    text_append(&json->text, value ? "true" : "false");
}

void json_nothing(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    text_append(&json->text, "null");
}

void json_double(struct json_writer *json, const char *key, double number)
{
    if (!isfinite(number))
        return;
    begin_value(json, key);
    text_append_double(&json->text, number);
}

void json_measure(struct json_writer *json, const char *key, double number)
{
    const double whole = round(number);
    if (!isfinite(number))
        return;
    if (number == whole || fabs(number) >= MEASURE_WHOLE_FROM) {
        json_double(json, key, whole);
        return;
    }
    begin_value(json, key);
    text_append_six_digits(&json->text, number);
}

void json_milli(struct json_writer *json, const char *key, int64_t milli)
{
    begin_value(json, key);
    text_append_milli(&json->text, milli);
}

void json_microseconds(struct json_writer *json, const char *key, int64_t time_ns)
{
    assert(time_ns >= 0);
    begin_value(json, key);
    text_append_int(&json->text, time_ns / 1000);
    int64_t rest_ns = time_ns % 1000;
    if (rest_ns == 0)
        return;
    text_append_char(&json->text, '.');
    for (int64_t unit = 100; rest_ns > 0; unit /= 10) {
        text_append_char(&json->text, (char)('0' + rest_ns / unit));
        rest_ns %= unit;
    }
}

/* Length of the valid UTF-8 sequence at `bytes`, 0 if it is not one (RFC 3629: no overlong form,
 * no surrogate, nothing above U+10FFFF). The NUL at the end stops every read in time. */
static size_t sequence_length(const unsigned char *bytes)
{
    const unsigned char lead = bytes[0];
    size_t length = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        length = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
        length = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
        length = 4;
    else
        return 0;
    if (lead == 0xe0)
        low = 0xa0; /* overlong below */
    else if (lead == 0xed)
        high = 0x9f; /* surrogates above */
    else if (lead == 0xf0)
        low = 0x90; /* overlong below */
    else if (lead == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < low || bytes[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

static void append_escaped(struct text *text, unsigned char character)
{
    static const char hexadecimal[] = "0123456789abcdef";
    static const char letters[6] = {'b', 't', 'n', '\0', 'f', 'r'}; /* of 0x08 to 0x0d */
    if (character == '"' || character == '\\') {
        text_append_char(text, '\\');
        text_append_char(text, (char)character);
        return;
    }
    if (character >= 0x08 && character <= 0x0d && letters[character - 0x08] != '\0') {
        text_append_char(text, '\\');
        text_append_char(text, letters[character - 0x08]);
        return;
    }
    text_append(text, "\\u00");
    text_append_char(text, hexadecimal[character >> 4]);
    text_append_char(text, hexadecimal[character & 0xf]);
}

static bool needs_escape(unsigned char character)
{
    return character < 0x20 || character == '"' || character == '\\';
}

void json_text(struct json_writer *json, const char *key, const char *string)
{
    begin_value(json, key);
    text_append_char(&json->text, '"');
    const unsigned char *at = (const unsigned char *)string;
    const unsigned char *plain = at; /* what goes out as it is, up to `at` */
    while (*at != '\0') {
        const size_t length = sequence_length(at);
        if (length > 0 && !needs_escape(*at)) {
            at += length;
            continue;
        }
        text_append_bytes(&json->text, (const char *)plain, (size_t)(at - plain));
        if (length == 0)
            text_append(&json->text, REPLACEMENT);
        else
            append_escaped(&json->text, *at);
        plain = ++at;
    }
    text_append_bytes(&json->text, (const char *)plain, (size_t)(at - plain));
    text_append_char(&json->text, '"');
}

void json_time(struct json_writer *json, const char *key, int64_t time_ns)
{
    begin_value(json, key);
    text_append_char(&json->text, '"');
    utc_time_append(&json->text, time_ns, 'T');
    text_append(&json->text, "+0000\"");
}

void json_time_plain(struct json_writer *json, const char *key, int64_t time_ns)
{
    begin_value(json, key);
    text_append_char(&json->text, '"');
    utc_time_append(&json->text, time_ns, ' ');
    text_append_char(&json->text, '"');
}
