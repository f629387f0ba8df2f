/* SPDX-License-Identifier: Apache-2.0 */
/* One flagged flow as a section of Markdown. Called by markdown.c. */
#ifndef WHYFLOW_REPORT_MARKDOWN_FLOW_H
#define WHYFLOW_REPORT_MARKDOWN_FLOW_H

#include <jansson.h>
#include <stdio.h>

void markdown_put_flow(FILE *out, json_t *alert);

#endif
