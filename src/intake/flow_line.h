/* SPDX-License-Identifier: Apache-2.0 */
/* One line of whyflow's native format, read back: a `flow` line becomes the flow record it was made
 * of, to the last bit. What other programs saw (NetFlow, Zeek) may come as such a line too: it then
 * lacks keys, and the record says what is unknown. Pure but for jansson's memory; any thread. */
#ifndef WHYFLOW_INTAKE_FLOW_LINE_H
#define WHYFLOW_INTAKE_FLOW_LINE_H

#include "whyflow/flow_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FLOW_LINE_LENGTH_MAX = 64 * 1024, /* longer ones are refused */
    FLOW_LINE_SOURCE_SIZE = 8192,
    FLOW_LINE_ERROR_SIZE = 160,
    FLOW_LINE_NO_SOURCE = UINT16_MAX, /* source_index of a flow whose line names none */
};

/* Packets and bytes of one direction: 256 TiB are no flow's. Below it no rate and no sum of the
 * engine leaves its range. */
#define FLOW_LINE_COUNT_MAX ((UINT64_C(1) << 48) - 1)

enum flow_line_kind {
    FLOW_LINE_BAD,   /* `error` says why */
    FLOW_LINE_OTHER, /* an alert, statistics, another program's event, a blank line */
    FLOW_LINE_FLOW,
};

struct flow_line {
    struct flow_record flow; /* source_index is the caller's to give; opening_number 0: not told */
    bool has_source;
    bool is_interface; /* the source was an interface, else a file */
    char source[FLOW_LINE_SOURCE_SIZE];
    char error[FLOW_LINE_ERROR_SIZE];
};

/* Needed are: flow_id, src_ip, dest_ip, proto, the ports of TCP, UDP and SCTP, and under
 * `whyflow`: schema, and of `flow` first_ns, last_ns, notice_ns, fwd and rev with packets and
 * ip_bytes. What else is there must be right. */
enum flow_line_kind flow_line_parse(const char *bytes, size_t length, struct flow_line *line);

/* The same of an alert line, which tells the same facts: any other is FLOW_LINE_OTHER. */
enum flow_line_kind flow_line_parse_alert(const char *bytes, size_t length, struct flow_line *line);

#endif
