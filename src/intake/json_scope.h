/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a JSON object strictly: a key of the wrong type or out of range is an error that names
 * it. The first error of a line stays; after it every reader does nothing, so that it is asked for
 * once, at the end. For flow_line.c and its parts alone, on their caller's thread. */
#ifndef WHYFLOW_INTAKE_JSON_SCOPE_H
#define WHYFLOW_INTAKE_JSON_SCOPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times and amounts of time stay below this many nanoseconds, as packet times do. */
#define JSON_SCOPE_TIME_LIMIT_NS (INT64_C(1) << 62)

struct json_error {
    char *text; /* "": none yet */
    size_t size;
};

/* An object that is being read. An object that is not there holds no keys. */
struct json_scope {
    const json_t *object; /* NULL: not there */
    const char *path;     /* "whyflow.flow"; "": the line itself */
    struct json_error *error;
};

/* Notes what is wrong with a key, unless something was before. */
void json_scope_fail(const struct json_scope *scope, const char *key, const char *what);
bool json_scope_has_failed(const struct json_scope *scope);

/* Is the key there? */
bool json_scope_has(const struct json_scope *scope, const char *key);

/* An error if it is not. */
void json_scope_need(const struct json_scope *scope, const char *key);

/* The object under `key`; `path` is its name in errors. */
struct json_scope json_scope_object(const struct json_scope *scope, const char *key,
                                    const char *path);

/* Each of these leaves `value` alone and returns false if the key is not there, or is wrong. */
bool json_scope_uint(const struct json_scope *scope, const char *key, uint64_t least, uint64_t most,
                     uint64_t *value);
/* The same of the range of `value`'s type. */
bool json_scope_uint8(const struct json_scope *scope, const char *key, uint8_t *value);
bool json_scope_uint16(const struct json_scope *scope, const char *key, uint16_t *value);
bool json_scope_uint32(const struct json_scope *scope, const char *key, uint32_t *value);
bool json_scope_bool(const struct json_scope *scope, const char *key, bool *value);
/* Owned by the line. */
bool json_scope_string(const struct json_scope *scope, const char *key, const char **value);
/* An array of at most `most` entries; `take` says of each whether it is allowed. */
bool json_scope_array(const struct json_scope *scope, const char *key, size_t most,
                      bool (*take)(void *context, size_t index, const json_t *entry),
                      void *context);
/* Nanoseconds since 1970. */
bool json_scope_time_ns(const struct json_scope *scope, const char *key, int64_t *value);
/* Microseconds, perhaps with decimals, as nanoseconds; exact below 101 days. */
bool json_scope_us(const struct json_scope *scope, const char *key, int64_t *value_ns);
/* A number >= 0. */
bool json_scope_amount(const struct json_scope *scope, const char *key, double *value);

/* An IP address, in its first 4 or all 16 bytes: 4 or 6 as its version is, 0 if the key is not
 * there, or is wrong. */
uint8_t json_scope_address(const struct json_scope *scope, const char *key, uint8_t address[16]);

#endif
