/* SPDX-License-Identifier: Apache-2.0 */
/* The strongest alerts. See the header. */
#include "report/alert_list.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

void alert_list_init(struct alert_list *list, size_t max)
{
    *list = (struct alert_list){.max = max};
}

/* Negative if a is stronger than b. */
static int compare(const struct alert *a, const struct alert *b)
{
    if (a->has_behaviour != b->has_behaviour)
        return a->has_behaviour ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_elements(const void *a, const void *b)
{
    return compare(a, b);
}

static void swap(struct alert *a, struct alert *b)
{
    const struct alert kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct alert_list *list, size_t i)
{
    while (i > 0 && compare(&list->alerts[i], &list->alerts[(i - 1) / 2]) > 0) {
        swap(&list->alerts[i], &list->alerts[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct alert_list *list)
{
    for (size_t i = 0;;) {
        size_t weakest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < list->count; child++)
            if (compare(&list->alerts[child], &list->alerts[weakest]) > 0)
                weakest = child;
        if (weakest == i)
            return;
        swap(&list->alerts[i], &list->alerts[weakest]);
        i = weakest;
    }
}

static bool grow(struct alert_list *list)
{
    if (list->count < list->capacity)
        return true;
    const size_t wanted = list->capacity == 0 ? CAPACITY_FIRST : 2 * list->capacity;
    struct alert *const alerts = realloc(list->alerts, wanted * sizeof *alerts);
    if (alerts == NULL)
        return false;
    list->alerts = alerts;
    list->capacity = wanted;
    return true;
}

static bool own_line(struct alert *alert)
{
    char *const line = malloc(alert->length + 1);
    if (line == NULL)
        return false;
    memcpy(line, alert->line, alert->length);
    line[alert->length] = '\0';
    alert->line = line;
    return true;
}

bool alert_list_add(struct alert_list *list, struct alert alert)
{
    alert.number = list->seen++;
    const bool is_full = list->count == list->max;
    if (is_full && (list->max == 0 || compare(&alert, &list->alerts[0]) > 0))
        return true;
    if ((!is_full && !grow(list)) || !own_line(&alert))
        return false;
    if (is_full) {
        free(list->alerts[0].line);
        list->alerts[0] = alert;
        sift_down(list);
    } else {
        list->alerts[list->count] = alert;
        sift_up(list, list->count++);
    }
    return true;
}

void alert_list_sort(struct alert_list *list)
{
    if (list->count > 1)
        qsort(list->alerts, list->count, sizeof *list->alerts, compare_elements);
}

void alert_list_deinit(struct alert_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->alerts[i].line);
    free(list->alerts);
}
