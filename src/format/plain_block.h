/* SPDX-License-Identifier: Apache-2.0 */
/* What text for a person at a terminal is put together with: colour, columns, lines that end in
 * time. Called by the plain formatters; no state.
 *
 * Colour carries no meaning of its own: without it nothing is lost. */
#ifndef WHYFLOW_FORMAT_PLAIN_BLOCK_H
#define WHYFLOW_FORMAT_PLAIN_BLOCK_H

#include "base/text.h"
#include "whyflow/record.h"

#include <stdbool.h>
#include <stddef.h>

enum { PLAIN_COLUMNS_MAX = 100 };

struct plain_block {
    struct text text;
    bool use_color;
};

enum plain_color { PLAIN_ORDINARY, PLAIN_STRONG, PLAIN_HIGH, PLAIN_QUIET };

/* Where the lines of a paragraph begin. */
struct plain_margin {
    unsigned first, rest; /* columns */
};

/* Begins a new line, unless the block is empty, and puts the words of `string` into as many lines
 * of PLAIN_COLUMNS_MAX as it takes. `string` has no colours in it. */
void plain_put_paragraph(struct plain_block *block, struct plain_margin margin,
                         enum plain_color color, const char *string);

/* The words alone, where the line has come to margin.first already. */
void plain_put_words(struct text *text, struct plain_margin margin, const char *string);

void plain_put_address(struct text *text, const uint8_t address[16], uint8_t ip_version);

/* Characters, not bytes, from `start` to the end. */
size_t plain_width(const struct text *text, size_t start);

/* Pads what was written since `start` to `width` columns. */
void plain_pad(struct text *text, size_t start, size_t width);

/* The closing table. */
void plain_put_statistics(struct plain_block *block, const struct statistics *statistics,
                          bool nothing_stands_out);

#endif
