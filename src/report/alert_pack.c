/* SPDX-License-Identifier: Apache-2.0 */
/* Lines taken apart. See the header. */
#define HASH_NONFATAL_OOM 1
#include "report/alert_pack.h"

#include "base/text.h"
#include "report/collection.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* A record has about 130 keys; what a stranger's line has beyond the limit shares column 0. A
 * mark takes at most 5 bytes, a value's comma or bracket stays. */
enum { COLUMNS_MAX = 256, SKELETON_SIZE = 6 * COLLECTION_LINE_LENGTH_MAX + 16 };

/* Grows as it is written; a FILE, because the C library's own buffer does that already. */
struct section {
    FILE *file;
    char *bytes;
    size_t length;
};

struct column {
    char *name; /* with its quotes */
    size_t name_length;
    struct section values;
};

struct skeleton {
    char *text;
    size_t index;
    UT_hash_handle hh;
};

struct alert_pack {
    struct column columns[COLUMNS_MAX];
    size_t column_count;
    struct skeleton *skeletons;
    struct section skeleton_lines, indices;
    size_t sections_read;
    bool is_whole;
    char skeleton[SKELETON_SIZE]; /* of the line at hand */
};

static bool section_open(struct section *section)
{
    section->file = open_memstream(&section->bytes, &section->length);
    return section->file != NULL;
}

static void section_close(struct section *section)
{
    if (section->file != NULL)
        fclose(section->file);
    free(section->bytes);
}

static size_t add_column(struct alert_pack *pack, const char *name, size_t length)
{
    struct column *const column = &pack->columns[pack->column_count];
    char *const copy = strndup(name, length);
    if (copy == NULL || !section_open(&column->values)) {
        free(copy);
        pack->is_whole = false;
        return 0;
    }
    column->name = copy;
    column->name_length = length;
    return pack->column_count++;
}

static size_t find_column(struct alert_pack *pack, const char *name, size_t length)
{
    for (size_t i = 0; i < pack->column_count; i++)
        if (pack->columns[i].name_length == length &&
            memcmp(pack->columns[i].name, name, length) == 0)
            return i;
    return pack->column_count < COLUMNS_MAX ? add_column(pack, name, length) : 0;
}

struct alert_pack *alert_pack_open(void)
{
    struct alert_pack *const pack = calloc(1, sizeof *pack);
    if (pack == NULL)
        return NULL;
    pack->is_whole = true;
    (void)add_column(pack, "", 0);
    if (!pack->is_whole || !section_open(&pack->skeleton_lines) || !section_open(&pack->indices)) {
        alert_pack_close(pack);
        return NULL;
    }
    return pack;
}

/* The bytes of the string that begins at `text`, with its quotes. */
static size_t string_length(const char *text)
{
    size_t i = 1;
    while (text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i + 1;
}

/* The bytes of the number or word that begins at `text`; 0: it is neither. */
static size_t plain_length(const char *text)
{
    return strspn(text, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
}

static bool is_key(const char *after_string)
{
    return after_string[strspn(after_string, " \t\r")] == ':';
}

static void put_value(struct alert_pack *pack, struct text *skeleton, size_t column,
                      const char *value, size_t length)
{
    FILE *const file = pack->columns[column].values.file;
    if (fwrite(value, 1, length, file) != length || fputc('\n', file) == EOF)
        pack->is_whole = false;
    text_append_char(skeleton, 1);
    text_append_uint(skeleton, column);
    text_append_char(skeleton, 1);
}

static void take_apart(struct alert_pack *pack, const char *line, struct text *skeleton)
{
    size_t column = 0;
    while (*line != '\0') {
        const bool is_string = *line == '"';
        const size_t length = is_string ? string_length(line) : plain_length(line);
        if (is_string && is_key(line + length)) {
            column = find_column(pack, line, length);
            text_append_bytes(skeleton, line, length);
        } else if (length > 0) {
            put_value(pack, skeleton, column, line, length);
        } else {
            text_append_char(skeleton, *line);
        }
        line += length > 0 ? length : 1;
    }
}

static struct skeleton *find_skeleton(struct alert_pack *pack, const char *text, size_t length)
{
    struct skeleton *found = NULL;
    HASH_FIND(hh, pack->skeletons, text, length, found);
    if (found != NULL)
        return found;
    found = calloc(1, sizeof *found);
    char *const copy = strndup(text, length);
    if (found != NULL && copy != NULL) {
        found->text = copy;
        found->index = HASH_COUNT(pack->skeletons);
        HASH_ADD_KEYPTR(hh, pack->skeletons, found->text, length, found);
        if (found->hh.tbl != NULL && fprintf(pack->skeleton_lines.file, "%s\n", copy) > 0)
            return found;
    } else {
        free(copy);
        free(found);
    }
    pack->is_whole = false;
    return NULL;
}

bool alert_pack_add(struct alert_pack *pack, const char *line)
{
    struct text skeleton = text_init(pack->skeleton, sizeof pack->skeleton);
    take_apart(pack, line, &skeleton);
    if (skeleton.is_full)
        pack->is_whole = false;
    const struct skeleton *const found =
        pack->is_whole ? find_skeleton(pack, skeleton.bytes, skeleton.length) : NULL;
    if (found == NULL || fprintf(pack->indices.file, "%zu\n", found->index) < 0)
        pack->is_whole = false;
    return pack->is_whole;
}

const char *alert_pack_next_section(struct alert_pack *pack, size_t *length)
{
    const size_t i = pack->sections_read++;
    if (i >= 2 + pack->column_count)
        return NULL;
    struct section *const section = i == 0   ? &pack->skeleton_lines
                                    : i == 1 ? &pack->indices
                                             : &pack->columns[i - 2].values;
    if (fflush(section->file) != 0)
        pack->is_whole = false;
    *length = section->length;
    return section->bytes;
}

bool alert_pack_is_whole(const struct alert_pack *pack)
{
    return pack->is_whole;
}

void alert_pack_close(struct alert_pack *pack)
{
    struct skeleton *skeleton, *next;
    if (pack == NULL)
        return;
    HASH_ITER (hh, pack->skeletons, skeleton, next) {
        HASH_DEL(pack->skeletons, skeleton);
        free(skeleton->text);
        free(skeleton);
    }
    for (size_t i = 0; i < pack->column_count; i++) {
        free(pack->columns[i].name);
        section_close(&pack->columns[i].values);
    }
    section_close(&pack->skeleton_lines);
    section_close(&pack->indices);
    free(pack);
}
