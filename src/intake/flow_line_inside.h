/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a flow line, for the files that implement flow_line.h: flow_line.c (the line itself,
 * and where it was seen), flow_line_ends.c (who), flow_line_ways.c (how much, each way) and
 * flow_line_facts.c (what happened). Each fills its part of the record; what is wrong is noted in
 * the scope, as json_scope.h says. The caller's thread. */
#ifndef WHYFLOW_INTAKE_FLOW_LINE_INSIDE_H
#define WHYFLOW_INTAKE_FLOW_LINE_INSIDE_H

#include "intake/flow_line.h"
#include "intake/json_scope.h"

/* `line` is the line itself, `facts` its `whyflow.flow`. */
void flow_line_read_addresses(const struct json_scope *line, struct flow_record *flow);
void flow_line_read_protocol(const struct json_scope *line, struct flow_record *flow);
/* Needs the protocol. */
void flow_line_read_ports(const struct json_scope *line, const struct json_scope *facts,
                          struct flow_record *flow);

/* All of `facts` but the ports and names; each way's counts by flow_line_read_ways, which needs
 * the flow's times. */
void flow_line_read_facts(const struct json_scope *facts, struct flow_record *flow);
void flow_line_read_ways(const struct json_scope *facts, struct flow_record *flow);

/* EVE's part of how much: bytes of frames, TCP's flags. */
void flow_line_read_frame_bytes(const struct json_scope *line, struct flow_record *flow);
void flow_line_read_tcp(const struct json_scope *line, struct flow_record *flow);

/* How it ended, who began, its state; what the line does not say is told from the rest of the
 * record, so this comes last. */
void flow_line_read_names(const struct json_scope *facts, struct flow_record *flow);

#endif
