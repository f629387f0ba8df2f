/* SPDX-License-Identifier: Apache-2.0 */
/* What a report is made of, gathered from native lines one at a time, in bounded memory: alerts are
 * kept up to a limit, flows are counted and forgotten, of each run the last statistics stay.
 * whyflow-report fills one and hands it to a writer; one thread. */
#ifndef WHYFLOW_REPORT_COLLECTION_H
#define WHYFLOW_REPORT_COLLECTION_H

#include "report/alert_list.h"
#include "report/flow_grid.h"
#include "report/run_list.h"
#include "report/timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLLECTION_LINE_LENGTH_MAX = 65536 };

enum collection_protocol {
    COLLECTION_TCP,
    COLLECTION_UDP,
    COLLECTION_ICMP,
    COLLECTION_ICMPV6,
    COLLECTION_SCTP,
    COLLECTION_OTHER_PROTOCOL,
    COLLECTION_PROTOCOLS,
};

struct collection {
    struct alert_list alerts;
    struct run_list runs;
    struct timeline of_flows; /* from flow lines */
    struct timeline of_runs;  /* from statistics, for input without flow lines */
    struct flow_grid grid;
    uint64_t flows_by_protocol[COLLECTION_PROTOCOLS];
    uint64_t flow_ip_bytes; /* of the flow lines */
    uint64_t lines, flow_lines, stats_lines;
    uint64_t bad_lines;
};

enum collection_result {
    COLLECTION_TAKEN,
    COLLECTION_BAD_LINE, /* counted, and otherwise as if it were not there */
    COLLECTION_NO_MEMORY,
};

/* Allocates; NULL: no memory. */
struct collection *collection_open(size_t alerts_max);

/* One line without its newline. Blank lines are nothing. */
enum collection_result collection_take(struct collection *collection, char *line, size_t length);

/* A line too long to be read. */
void collection_count_bad(struct collection *collection);

/* After the last line: alerts are in order. */
void collection_finish(struct collection *collection);

const char *collection_protocol_name(enum collection_protocol protocol);

/* From flow lines if there are any, else from statistics. */
const struct timeline *collection_timeline(const struct collection *collection);

void collection_close(struct collection *collection); /* NULL is allowed */

#endif
