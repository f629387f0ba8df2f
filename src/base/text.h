/* SPDX-License-Identifier: Apache-2.0 */
/* A text being built in the caller's memory, with a sticky "did not fit": append freely, ask once
 * at the end. Never writes past its size and is always NUL-ended. Any thread; no allocation. */
#ifndef WHYFLOW_BASE_TEXT_H
#define WHYFLOW_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t size;   /* of the buffer, NUL included; >= 1 */
    size_t length; /* without the NUL */
    bool is_full;  /* something did not fit: nothing more is appended */
};

struct text text_init(char *bytes, size_t size);
void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t length);
void text_append_char(struct text *text, char character);
void text_append_uint(struct text *text, uint64_t number);
void text_append_int(struct text *text, int64_t number);
/* milli / 1000 with three decimals: -1234 gives "-1.234". */
void text_append_milli(struct text *text, int64_t milli);
/* The shortest decimal that reads back as the same double; JSON's grammar. Not for NaN or
 * infinity, which are asserted against. */
void text_append_double(struct text *text, double number);
/* As printf's %.6g, which rounds the exact number to the nearest. */
void text_append_six_digits(struct text *text, double number);
void text_appendf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
