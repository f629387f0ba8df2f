/* SPDX-License-Identifier: Apache-2.0 */
/* The last statistics of each run. See the header. */
#include "report/run_list.h"

#include "report/json_path.h"

#include <stdio.h>
#include <string.h>

struct run_totals *run_list_find(struct run_list *list, json_t *record)
{
    char name[RUN_NAME_SIZE];
    (void)snprintf(name, sizeof name, "%s %s", json_path_text(record, "whyflow.boot"),
                   json_path_text(record, "whyflow.sensor"));
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->runs[i].name, name) == 0)
            return &list->runs[i];
    if (list->count == RUN_LIST_MAX) {
        list->left_out++;
        return NULL;
    }
    struct run_totals *const run = &list->runs[list->count++];
    *run = (struct run_totals){.time_ns = -1};
    memcpy(run->name, name, sizeof name);
    return run;
}

static bool add_numbers(json_t *sum, json_t *other);

static bool add_value(json_t *sum, const char *key, json_t *value)
{
    json_t *const there = json_object_get(sum, key);
    if (there == NULL)
        return json_object_set_new(sum, key, json_deep_copy(value)) == 0;
    if (json_is_object(there) && json_is_object(value))
        return strcmp(key, "limits") == 0 || add_numbers(there, value);
    if (json_is_integer(there) && json_is_integer(value)) {
        json_int_t total;
        if (__builtin_add_overflow(json_integer_value(there), json_integer_value(value), &total))
            total = json_integer_value(there);
        return json_integer_set(there, total) == 0;
    }
    if (json_is_array(there)) /* the most of each run are not the most of all */
        return json_object_set_new(sum, key, json_null()) == 0;
    return true;
}

/* Lines are parsed with jansson's limit on depth, which bounds this. */
static bool add_numbers(json_t *sum, json_t *other)
{
    const char *key;
    json_t *value;
    json_object_foreach (other, key, value) {
        if (!add_value(sum, key, value))
            return false;
    }
    return true;
}

json_t *run_list_sum(const struct run_list *list)
{
    if (list->count == 0)
        return NULL;
    json_t *const sum = json_object();
    for (size_t i = 0; i < list->count; i++)
        if (sum == NULL || !add_numbers(sum, list->runs[i].line)) {
            json_decref(sum);
            return NULL;
        }
    return sum;
}

bool run_list_is_final(const struct run_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!json_is_true(json_path_at(list->runs[i].line, "whyflow.final")))
            return false;
    return list->count > 0;
}

void run_list_deinit(struct run_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        json_decref(list->runs[i].line);
}
