/* SPDX-License-Identifier: Apache-2.0 */
/* One flagged flow as a section of Markdown. Called by markdown.c. */
#ifndef WHYFLOW_REPORT_MARKDOWN_FLOW_H
#define WHYFLOW_REPORT_MARKDOWN_FLOW_H

#include "whyflow/sections.h"

#include <jansson.h>
#include <stdio.h>

/* `sections`: SECTION_COUNT of them; NULL: the line tells none. */
void markdown_put_flow(FILE *out, json_t *alert, const struct section *sections);

#endif
