/* SPDX-License-Identifier: Apache-2.0 */
/* Sections in columns. See the header. */
#include "report/prose_columns.h"

#include "alert_sections.h"

#include <stdio.h>
#include <stdlib.h>

struct prose_column {
    FILE *file; /* grows as it is written */
    char *bytes;
    size_t length;
};

struct prose_columns {
    struct alert_sections *sections;
    struct prose_column columns[SECTION_COUNT];
    size_t columns_read;
    bool is_whole;
};

/* Of NULL and of nothing to say an empty line; else the title, which deflate makes little of, so
 * that no column needs one before there is a record to know it from. */
static void put_text(struct prose_columns *columns, unsigned column, const struct section *section)
{
    FILE *const file = columns->columns[column].file;
    const char *text = section != NULL ? section->text : "";
    if (*text != '\0')
        fprintf(file, "%s: ", section->title);
    for (; *text != '\0'; text++)
        putc((unsigned char)*text < ' ' ? ' ' : *text, file);
    if (putc('\n', file) == EOF)
        columns->is_whole = false;
}

struct prose_columns *prose_columns_open(void)
{
    struct prose_columns *const columns = calloc(1, sizeof *columns);
    if (columns == NULL)
        return NULL;
    columns->sections = alert_sections_open();
    columns->is_whole = columns->sections != NULL;
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        struct prose_column *const column = &columns->columns[i];
        column->file = open_memstream(&column->bytes, &column->length);
        if (column->file == NULL)
            columns->is_whole = false;
    }
    if (columns->is_whole)
        return columns;
    prose_columns_close(columns);
    return NULL;
}

void prose_columns_add(struct prose_columns *columns, const char *line, size_t length)
{
    const struct section *const sections = alert_sections_of(columns->sections, line, length);
    for (unsigned i = 0; i < SECTION_COUNT; i++)
        put_text(columns, i, sections != NULL ? &sections[i] : NULL);
}

const char *prose_columns_next(struct prose_columns *columns, size_t *length)
{
    if (columns->columns_read >= SECTION_COUNT)
        return NULL;
    struct prose_column *const column = &columns->columns[columns->columns_read++];
    if (fflush(column->file) != 0)
        columns->is_whole = false;
    *length = column->length;
    return column->bytes;
}

bool prose_columns_are_whole(const struct prose_columns *columns)
{
    return columns->is_whole;
}

void prose_columns_close(struct prose_columns *columns)
{
    if (columns == NULL)
        return;
    alert_sections_close(columns->sections);
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (columns->columns[i].file != NULL)
            fclose(columns->columns[i].file);
        free(columns->columns[i].bytes);
    }
    free(columns);
}
