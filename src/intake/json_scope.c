/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/json_scope.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void json_scope_fail(const struct json_scope *scope, const char *key, const char *what)
{
    if (json_scope_has_failed(scope))
        return;
    (void)snprintf(scope->error->text, scope->error->size, "%s%s%s: %s", scope->path,
                   scope->path[0] != '\0' ? "." : "", key, what);
}

bool json_scope_has_failed(const struct json_scope *scope)
{
    return scope->error->text[0] != '\0';
}

static const json_t *find(const struct json_scope *scope, const char *key)
{
    if (scope->object == NULL || json_scope_has_failed(scope))
        return NULL;
    return json_object_get(scope->object, key);
}

bool json_scope_has(const struct json_scope *scope, const char *key)
{
    return find(scope, key) != NULL;
}

void json_scope_need(const struct json_scope *scope, const char *key)
{
    if (!json_scope_has(scope, key))
        json_scope_fail(scope, key, "is missing");
}

struct json_scope json_scope_object(const struct json_scope *scope, const char *key,
                                    const char *path)
{
    const json_t *const value = find(scope, key);
    if (value != NULL && !json_is_object(value))
        json_scope_fail(scope, key, "is not an object");
    return (struct json_scope){
        .object = json_is_object(value) ? value : NULL,
        .path = path,
        .error = scope->error,
    };
}

bool json_scope_uint(const struct json_scope *scope, const char *key, uint64_t least, uint64_t most,
                     uint64_t *value)
{
    char what[80];
    const json_t *const entry = find(scope, key);
    if (entry == NULL)
        return false;
    const json_int_t number = json_integer_value(entry);
    if (json_is_integer(entry) && number >= 0 && (uint64_t)number >= least &&
        (uint64_t)number <= most) {
        *value = (uint64_t)number;
        return true;
    }
    (void)snprintf(what, sizeof what, "is not a whole number from %" PRIu64 " to %" PRIu64, least,
                   most);
    json_scope_fail(scope, key, what);
    return false;
}

bool json_scope_uint8(const struct json_scope *scope, const char *key, uint8_t *value)
{
    uint64_t number;
    if (!json_scope_uint(scope, key, 0, UINT8_MAX, &number))
        return false;
    *value = (uint8_t)number;
    return true;
}

bool json_scope_uint16(const struct json_scope *scope, const char *key, uint16_t *value)
{
    uint64_t number;
    if (!json_scope_uint(scope, key, 0, UINT16_MAX, &number))
        return false;
    *value = (uint16_t)number;
    return true;
}

bool json_scope_uint32(const struct json_scope *scope, const char *key, uint32_t *value)
{
    uint64_t number;
    if (!json_scope_uint(scope, key, 0, UINT32_MAX, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

bool json_scope_bool(const struct json_scope *scope, const char *key, bool *value)
{
    const json_t *const entry = find(scope, key);
    if (entry != NULL && !json_is_boolean(entry))
        json_scope_fail(scope, key, "is neither true nor false");
    if (!json_is_boolean(entry))
        return false;
    *value = json_is_true(entry);
    return true;
}

bool json_scope_string(const struct json_scope *scope, const char *key, const char **value)
{
    const json_t *const entry = find(scope, key);
    if (entry != NULL && !json_is_string(entry))
        json_scope_fail(scope, key, "is not a string");
    if (!json_is_string(entry))
        return false;
    *value = json_string_value(entry);
    return true;
}

bool json_scope_array(const struct json_scope *scope, const char *key, size_t most,
                      bool (*take)(void *context, size_t index, const json_t *entry), void *context)
{
    const json_t *const array = find(scope, key);
    if (array == NULL)
        return false;
    if (!json_is_array(array) || json_array_size(array) > most) {
        json_scope_fail(scope, key, "is not an array, or too long");
        return false;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (take(context, i, json_array_get(array, i)))
            continue;
        json_scope_fail(scope, key, "holds what is not allowed there");
        return false;
    }
    return true;
}

bool json_scope_time_ns(const struct json_scope *scope, const char *key, int64_t *value)
{
    uint64_t time_ns;
    if (!json_scope_uint(scope, key, 0, (uint64_t)JSON_SCOPE_TIME_LIMIT_NS - 1, &time_ns))
        return false;
    *value = (int64_t)time_ns;
    return true;
}

bool json_scope_us(const struct json_scope *scope, const char *key, int64_t *value_ns)
{
    const json_t *const entry = find(scope, key);
    if (entry == NULL)
        return false;
    const int64_t limit_us = JSON_SCOPE_TIME_LIMIT_NS / 1000;
    const double us = json_number_value(entry);
    if (!json_is_number(entry) || us < 0 || us >= (double)limit_us) {
        json_scope_fail(scope, key, "is not an amount of microseconds");
        return false;
    }
    *value_ns = json_is_integer(entry) ? (int64_t)json_integer_value(entry) * 1000
                                       : (int64_t)llround(us * 1e3);
    return true;
}

bool json_scope_amount(const struct json_scope *scope, const char *key, double *value)
{
    const json_t *const entry = find(scope, key);
    if (entry == NULL)
        return false;
    const double number = json_number_value(entry);
    if (!json_is_number(entry) || !(number >= 0)) {
        json_scope_fail(scope, key, "is not a number of 0 or more");
        return false;
    }
    *value = number;
    return true;
}

uint8_t json_scope_address(const struct json_scope *scope, const char *key, uint8_t address[16])
{
    const char *text;
    if (!json_scope_string(scope, key, &text))
        return 0;
    if (inet_pton(AF_INET, text, address) == 1)
        return 4;
    if (inet_pton(AF_INET6, text, address) == 1)
        return 6;
    json_scope_fail(scope, key, "is not an IP address");
    return 0;
}
