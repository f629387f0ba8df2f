/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON line being written: commas, escapes and UTF-8 are its business, the order of keys its
 * caller's. Keys are literals of ours and are not escaped; a key is NULL inside an array. What does
 * not fit is remembered by the text beneath: ask `json.text.is_full` once, at the end.
 *
 * Not jansson: it cannot print the shortest form of a double, and makes 17,000 records a second
 * where this makes 50,000. No name here is one of jansson's: the program links both, and the linker
 * would put ours in the place of theirs. Any thread; no allocation. */
#ifndef WHYFLOW_FORMAT_JSON_WRITER_H
#define WHYFLOW_FORMAT_JSON_WRITER_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer {
    struct text text;
    bool needs_comma;
};

struct json_writer json_writer_init(char *bytes, size_t size);
void json_open_object(struct json_writer *json, const char *key);
void json_close_object(struct json_writer *json);
void json_open_array(struct json_writer *json, const char *key);
void json_close_array(struct json_writer *json);
void json_uint(struct json_writer *json, const char *key, uint64_t number);
void json_int(struct json_writer *json, const char *key, int64_t number);
void json_bool(struct json_writer *json, const char *key, bool value);
/* null; not json_null, which is jansson's and would be taken for this one by its library. */
void json_nothing(struct json_writer *json, const char *key);

/* Shortest form. A number that is not finite was not measured: the member is left out. */
void json_double(struct json_writer *json, const char *key, double number);

/* A measure: exact if whole, else six significant digits in shortest form, and no decimals from
 * 100,000 on. Sixteen digits of a mean would claim what no clock or count can give. */
void json_measure(struct json_writer *json, const char *key, double number);

/* Thousandths, with three decimals. */
void json_milli(struct json_writer *json, const char *key, int64_t milli);

/* Nanoseconds as microseconds, with up to three decimals: nothing is lost. */
void json_microseconds(struct json_writer *json, const char *key, int64_t time_ns);

/* Escapes what JSON asks for; each byte that is not part of valid UTF-8 becomes U+FFFD. */
void json_text(struct json_writer *json, const char *key, const char *string);

/* "2019-10-02T07:54:09.531207+0000" with separator 'T' and zone "+0000"; time_ns >= 0. */
void json_time(struct json_writer *json, const char *key, int64_t time_ns);

/* The same time for a person: "2019-10-02 07:54:09.531207", UTC. */
void json_time_plain(struct json_writer *json, const char *key, int64_t time_ns);

#endif
