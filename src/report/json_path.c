/* SPDX-License-Identifier: Apache-2.0 */
/* Values at paths of a record. See the header. */
#include "report/json_path.h"

#include <string.h>

json_t *json_path_at(json_t *object, const char *path)
{
    while (object != NULL) {
        const size_t length = strcspn(path, ".");
        object = json_object_getn(object, path, length);
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    return object;
}

const char *json_path_text(json_t *object, const char *path)
{
    const char *const text = json_string_value(json_path_at(object, path));
    return text != NULL ? text : "";
}

uint64_t json_path_count(json_t *object, const char *path)
{
    const json_int_t value = json_integer_value(json_path_at(object, path));
    return value > 0 ? (uint64_t)value : 0;
}

double json_path_number(json_t *object, const char *path, double otherwise)
{
    const json_t *const value = json_path_at(object, path);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}
