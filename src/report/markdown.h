/* SPDX-License-Identifier: Apache-2.0 */
/* A collection as Markdown: what was captured, an index, then a section a flow: title, Summary,
 * Observable Features with the eighteen NetFlow columns first, Model Explanation. Called by
 * whyflow-report's main. */
#ifndef WHYFLOW_REPORT_MARKDOWN_H
#define WHYFLOW_REPORT_MARKDOWN_H

#include "report/collection.h"

#include <stdbool.h>
#include <stdio.h>

/* The same collection gives the same bytes. False: no memory, or `out` did not take everything. */
bool markdown_write(FILE *out, const struct collection *collection);

#endif
