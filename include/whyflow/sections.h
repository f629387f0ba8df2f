/* SPDX-License-Identifier: Apache-2.0 */
/* The long prose of an alert, which is not in its line: seven sections, made from the record alone
 * by the same table of rules as its text. For `--format text -v`, and for whyflow-report, which
 * reads lines: alert_line_parse (src/intake/alert_line.h) makes the record of a line. Pure; any
 * thread. */
#ifndef WHYFLOW_SECTIONS_H
#define WHYFLOW_SECTIONS_H

#include "whyflow/record.h"

enum { SECTION_COUNT = 7, SECTION_TEXT_SIZE = 1536 };

struct section {
    const char *title;            /* constant: "Protocol and port context", ... */
    char text[SECTION_TEXT_SIZE]; /* sentences, UTF-8, NUL-ended; "": there is nothing to say */
};

/* record->kind is RECORD_ALERT. Uses the flow's facts but its times of day, its features, its
 * verdict, and of the explanation all but the settings' hash. */
void sections_write(const struct record *record, struct section sections[SECTION_COUNT]);

#endif
