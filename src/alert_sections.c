/* SPDX-License-Identifier: Apache-2.0 */
/* A line to a record, a record to its sections. See the header. */
#include "alert_sections.h"

#include "intake/alert_line.h"

#include <stdlib.h>

/* Some 30 kB: on the heap, once. */
struct alert_sections {
    struct record record;
    struct section sections[SECTION_COUNT];
};

struct alert_sections *alert_sections_open(void)
{
    return calloc(1, sizeof(struct alert_sections));
}

const struct section *alert_sections_of(struct alert_sections *sections, const char *line,
                                        size_t length)
{
    char why[ALERT_LINE_ERROR_SIZE];
    if (!alert_line_parse(line, length, &sections->record, why))
        return NULL;
    sections_write(&sections->record, sections->sections);
    return sections->sections;
}

void alert_sections_close(struct alert_sections *sections)
{
    free(sections);
}
