/* SPDX-License-Identifier: Apache-2.0 */
/* The last `stats` line of each run that the input holds lines of, and their sum. Counters are
 * cumulative, so the last line of a run says it all. Owned by the collection, on whyflow-report's
 * one thread. */
#ifndef WHYFLOW_REPORT_RUN_LIST_H
#define WHYFLOW_REPORT_RUN_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUN_LIST_MAX = 64, RUN_NAME_SIZE = 128 };

struct run_totals {
    char name[RUN_NAME_SIZE]; /* boot and sensor */
    json_t *line;
    int64_t time_ns;
    uint64_t flows, ip_bytes; /* so far */
};

struct run_list {
    struct run_totals runs[RUN_LIST_MAX];
    size_t count;
    uint64_t left_out; /* stats lines of runs beyond RUN_LIST_MAX */
};

/* The run that `record` belongs to, opened if it is new; NULL and counted if there is no room. */
struct run_totals *run_list_find(struct run_list *list, json_t *record);

/* The counters of all runs added up, shaped as a stats line: of numbers the sum, of anything else
 * (limits, names) what the first run says. A new reference; NULL: no memory, or no run. */
json_t *run_list_sum(const struct run_list *list);

/* True if each run's last line is its final one, so that nothing is missing at the end. */
bool run_list_is_final(const struct run_list *list);

void run_list_deinit(struct run_list *list);

#endif
