/* SPDX-License-Identifier: Apache-2.0 */
/* The long prose of an alert line: what the intake room reads back, the explain room tells. Called
 * by whyflow-report's writers with the lines they keep, on its one thread; no part of whyflow. */
#ifndef WHYFLOW_ALERT_SECTIONS_H
#define WHYFLOW_ALERT_SECTIONS_H

#include "whyflow/sections.h"

#include <stdbool.h>
#include <stddef.h>

struct alert_sections;

struct alert_sections *alert_sections_open(void); /* NULL: no memory */

/* SECTION_COUNT sections, which live until the next call; NULL: the line is no alert of whyflow's,
 * or one that a record cannot be made of. */
const struct section *alert_sections_of(struct alert_sections *sections, const char *line,
                                        size_t length);

void alert_sections_close(struct alert_sections *sections); /* NULL is allowed */

#endif
