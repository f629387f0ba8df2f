/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of alerts, laid out so that they deflate well: a column for each section, a line for
 * each alert, since what one alert's timing says another's nearly says. Measured on 275 distinct
 * ones: 1.7 kB an alert are 92 bytes deflated, 129 where one alert's sections stand together. That
 * is little enough for all alerts to have theirs.
 *
 * A text is one line: control characters become blanks. An alert whose line is no record has empty
 * lines. Called by html.c, on whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_PROSE_COLUMNS_H
#define WHYFLOW_REPORT_PROSE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct prose_columns;

struct prose_columns *prose_columns_open(void); /* NULL: no memory */

/* The line of an alert. */
void prose_columns_add(struct prose_columns *columns, const char *line, size_t length);

/* One column after the other, of each alert a line: "title: text"; NULL after the last. The bytes
 * are the columns' and live until they are closed. */
const char *prose_columns_next(struct prose_columns *columns, size_t *length);

/* False if memory ran out on the way. */
bool prose_columns_are_whole(const struct prose_columns *columns);

void prose_columns_close(struct prose_columns *columns); /* NULL is allowed */

#endif
