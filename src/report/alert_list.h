/* SPDX-License-Identifier: Apache-2.0 */
/* The strongest alerts of the input, as the lines they came in, at most so many. Strongest: those
 * with a behaviour, which rest on counted evidence, before the others; then by score; then the
 * earlier line. That order is total, so which alerts stay does not depend on how they are kept.
 *
 * A heap whose root is the weakest: a line that is weaker than it is not even copied. Owned by
 * the collection, on whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_ALERT_LIST_H
#define WHYFLOW_REPORT_ALERT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alert {
    char *line; /* JSON without a newline, NUL-ended; the list's own copy */
    size_t length;
    double score;
    bool has_behaviour;
    uint64_t number; /* of the alert in the input */
};

struct alert_list {
    struct alert *alerts;
    size_t count, capacity, max;
    uint64_t seen; /* seen - count were left out */
};

void alert_list_init(struct alert_list *list, size_t max);

/* Takes a copy of `alert` with a copy of its line; its number is given here. False: no memory. */
bool alert_list_add(struct alert_list *list, struct alert alert);

/* Strongest first; nothing may be added afterwards. */
void alert_list_sort(struct alert_list *list);

void alert_list_deinit(struct alert_list *list);

#endif
