/* SPDX-License-Identifier: Apache-2.0 */
/* A collection as one HTML page, which needs nothing beside it. Called by whyflow-report's main. */
#ifndef WHYFLOW_REPORT_HTML_H
#define WHYFLOW_REPORT_HTML_H

#include "report/collection.h"

#include <stdbool.h>
#include <stdio.h>

/* The same collection gives the same bytes. False: no memory, or `out` did not take everything. */
bool html_write(FILE *out, const struct collection *collection);

#endif
