/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of Markdown. See the header. */
#include "report/markdown_text.h"

#include "base/quantity.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

enum { NUMBER_SIZE = 128, LIST_DEPTH_MAX = 6 };

/* Beyond it units say nothing any more; as log2 of a ratio 50 is as much. */
static const double QUANTITY_MAX = 1e15, LOG2_MAX = 50;

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

/* An underscore inside a word is no emphasis, and names of columns should stay readable. */
static bool needs_escape(const char *string, size_t i)
{
    if (string[i] == '_')
        return i == 0 || !is_word_byte(string[i - 1]) || !is_word_byte(string[i + 1]);
    return strchr("\\`*[]|#~", string[i]) != NULL;
}

void markdown_put(FILE *out, const char *string)
{
    for (size_t i = 0; string[i] != '\0'; i++) {
        const unsigned char byte = (unsigned char)string[i];
        if (byte < ' ' || byte == 0x7f)
            fputc(' ', out);
        else if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '>')
            fputs("&gt;", out);
        else if (byte == '&')
            fputs("&amp;", out);
        else
            fprintf(out, needs_escape(string, i) ? "\\%c" : "%c", byte);
    }
}

void markdown_put_count(FILE *out, uint64_t count)
{
    char bytes[NUMBER_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    quantity_append_count(&text, count);
    fputs(bytes, out);
}

void markdown_put_value(FILE *out, json_t *value)
{
    char bytes[NUMBER_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    switch (json_typeof(value)) {
    case JSON_STRING:
        markdown_put(out, json_string_value(value));
        return;
    case JSON_INTEGER:
        text_append_int(&text, json_integer_value(value));
        break;
    case JSON_REAL:
        text_append_double(&text, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text_append(&text, json_is_true(value) ? "yes" : "no");
        break;
    default:
        break;
    }
    fputs(bytes, out);
}

void markdown_put_quantity(FILE *out, json_t *value, const char *unit, const char *name)
{
    const double number = json_number_value(value);
    if (json_is_number(value) && strcmp(unit, "yes") == 0) {
        fputs(number != 0 ? "yes" : "no", out);
        return;
    }
    const bool is_log2 = strcmp(unit, "log2") == 0;
    const bool has_words = is_log2 ? fabs(number) < LOG2_MAX : number >= 0 && number < QUANTITY_MAX;
    if (!json_is_number(value) || *unit == '\0' || !has_words) {
        markdown_put_value(out, value);
        return;
    }
    char bytes[NUMBER_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    if (strcmp(unit, "ratio") == 0 && strstr(name, "share") != NULL)
        quantity_append_share(&text, number, 3);
    else
        quantity_append(&text, number, unit, 3);
    markdown_put(out, bytes);
}

static void put_nested(FILE *out, const char *name, json_t *value, int depth);

static void put_members(FILE *out, json_t *value, int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach (value, key, member) {
            put_nested(out, key, member, depth);
        }
    } else {
        json_array_foreach (value, i, member) {
            put_nested(out, NULL, member, depth);
        }
    }
}

static void put_nested(FILE *out, const char *name, json_t *value, int depth)
{
    const bool is_scalar = !json_is_object(value) && !json_is_array(value);
    if (depth > LIST_DEPTH_MAX)
        return;
    if (name == NULL && !is_scalar) {
        put_members(out, value, depth);
        return;
    }
    fprintf(out, "%*s- ", 2 * depth, "");
    if (name != NULL) {
        fputs("**", out);
        markdown_put(out, name);
        fputs(is_scalar ? ":** " : "**", out);
    }
    if (is_scalar)
        markdown_put_value(out, value);
    fputc('\n', out);
    if (!is_scalar)
        put_members(out, value, depth + 1);
}

void markdown_put_list(FILE *out, json_t *value)
{
    put_nested(out, NULL, value, 0);
}
