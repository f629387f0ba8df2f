/* SPDX-License-Identifier: Apache-2.0 */
#include "format/plain_block.h"

#include "base/address.h"

#include <string.h>

static const char *const colors[] = {
    [PLAIN_ORDINARY] = "",
    [PLAIN_STRONG] = "\x1b[1m",
    [PLAIN_HIGH] = "\x1b[33m",
    [PLAIN_QUIET] = "\x1b[2m",
};

static size_t count_characters(const char *bytes, size_t length)
{
    size_t characters = 0;
    for (size_t i = 0; i < length; i++)
        characters += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return characters;
}

size_t plain_width(const struct text *text, size_t start)
{
    return count_characters(text->bytes + start, text->length - start);
}

void plain_pad(struct text *text, size_t start, size_t width)
{
    for (size_t characters = plain_width(text, start); characters < width; characters++)
        text_append_char(text, ' ');
}

void plain_put_address(struct text *text, const uint8_t address[16], uint8_t ip_version)
{
    char address_string[ADDRESS_TEXT_SIZE];
    address_text(address, ip_version, address_string);
    text_append(text, address_string);
}

static size_t put_spaces(struct text *text, unsigned count)
{
    const size_t start = text->length;
    plain_pad(text, start, count);
    return count;
}

void plain_put_words(struct text *text, struct plain_margin margin, const char *string)
{
    size_t column = margin.first;
    bool is_first = true;
    while (*string != '\0') {
        const size_t bytes = strcspn(string, " ");
        const size_t width = count_characters(string, bytes);
        if (!is_first && column + 1 + width > PLAIN_COLUMNS_MAX) {
            text_append_char(text, '\n');
            column = put_spaces(text, margin.rest);
        } else if (!is_first) {
            text_append_char(text, ' ');
            column++;
        }
        text_append_bytes(text, string, bytes);
        column += width;
        is_first = false;
        string += bytes + strspn(string + bytes, " ");
    }
}

void plain_put_paragraph(struct plain_block *block, struct plain_margin margin,
                         enum plain_color color, const char *string)
{
    struct text *const text = &block->text;
    const bool is_colored = block->use_color && color != PLAIN_ORDINARY;
    if (text->length > 0)
        text_append_char(text, '\n');
    put_spaces(text, margin.first);
    if (is_colored)
        text_append(text, colors[color]);
    plain_put_words(text, margin, string);
    if (is_colored)
        text_append(text, "\x1b[0m");
}
