/* SPDX-License-Identifier: Apache-2.0 */
/* An alert line of the native format, read back as far as its prose is made from: for programs that
 * read lines and tell an alert's sections (whyflow/sections.h). What was cut from a line that was
 * too long is absent here too. Pure but for jansson's memory; any thread. */
#ifndef WHYFLOW_INTAKE_ALERT_LINE_H
#define WHYFLOW_INTAKE_ALERT_LINE_H

#include "whyflow/record.h"

#include <stdbool.h>
#include <stddef.h>

enum { ALERT_LINE_ERROR_SIZE = 160 };

/* Fills the record: the flow's facts, features, columns, verdict, finding, caveats and explanation,
 * but for what no sentence tells: what readings rest on, a combination's and a counterfactual's
 * parts (their texts are there), and the settings' hash. False: it is no alert line, or a bad one;
 * `error` says why. */
bool alert_line_parse(const char *bytes, size_t length, struct record *record,
                      char error[ALERT_LINE_ERROR_SIZE]);

#endif
