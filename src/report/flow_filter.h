/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that find a flagged flow's packets again, for Markdown; report.js makes the page's. They
 * are pasted into shells and records may come from anyone: nothing but addresses, ports and times
 * that were checked to be such goes into them. Called by markdown_flow.c. */
#ifndef WHYFLOW_REPORT_FLOW_FILTER_H
#define WHYFLOW_REPORT_FLOW_FILTER_H

#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>

enum { FLOW_FILTER_SIZE = 2048 };

/* For tcpdump. False: the protocol has none, the record is not to be trusted, or the flow is inside
 * a tunnel, of which BPF sees the outer packets alone. */
bool flow_filter_bpf(json_t *alert, struct text *text);

/* A whole command; the file is FILE where the record names none in plain characters. */
bool flow_filter_tshark(json_t *alert, struct text *text);

#endif
