/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of Markdown made of what records say. Whatever a string holds, it is text: nothing in it
 * starts a heading, a link, a table cell or HTML. Called by markdown.c and markdown_flow.c. */
#ifndef WHYFLOW_REPORT_MARKDOWN_TEXT_H
#define WHYFLOW_REPORT_MARKDOWN_TEXT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* On one line, fit for a table's cell too. */
void markdown_put(FILE *out, const char *string);

/* 12,345 */
void markdown_put_count(FILE *out, uint64_t count);

/* A scalar as the record has it; numbers in their shortest form. */
void markdown_put_value(FILE *out, json_t *value);

/* A number as people read it, by the unit of its feature ("us": 31.6 ms) and, as it says a share
 * from other ratios, its name; strings as they are. */
void markdown_put_quantity(FILE *out, json_t *value, const char *unit, const char *name);

/* Anything: strings as lines of a list, lists and objects nested below. */
void markdown_put_list(FILE *out, json_t *value);

#endif
