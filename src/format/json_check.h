/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a line back with a JSON library that did not write it. Debug and sanitizer builds
 * (-DWHYFLOW_CHECK_LINES) check every native line before it leaves; tests use it too. */
#ifndef WHYFLOW_FORMAT_JSON_CHECK_H
#define WHYFLOW_FORMAT_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* True if the `length` bytes are exactly one JSON object in valid UTF-8, no key twice and nothing
 * after it, without a newline. Else one line about why is written into `error`. */
bool json_check_line(const char *line, size_t length, char *error, size_t error_size);

#endif
