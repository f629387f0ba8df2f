/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a line back with jansson. Called by the emitter thread in checking builds and by tests;
 * allocates, so it has no place on a fast path. */
#include "format/json_check.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

bool json_check_line(const char *line, size_t length, char *error, size_t error_size)
{
    json_error_t problem;
    if (memchr(line, '\n', length) != NULL) {
        (void)snprintf(error, error_size, "a newline inside the line");
        return false;
    }
    json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        (void)snprintf(error, error_size, "byte %d: %s", problem.position, problem.text);
        return false;
    }
    const bool is_object = json_is_object(root);
    if (!is_object)
        (void)snprintf(error, error_size, "not an object");
    json_decref(root);
    return is_object;
}
