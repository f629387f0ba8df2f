/* SPDX-License-Identifier: Apache-2.0 */
/* What a record says at a path of keys, such as "whyflow.flow.first_ns". Lines may come from
 * anyone, so nothing is assumed: what is absent or of another type is NULL or the value given
 * instead. Called by whyflow-report, on its one thread; no state. */
#ifndef WHYFLOW_REPORT_JSON_PATH_H
#define WHYFLOW_REPORT_JSON_PATH_H

#include <jansson.h>
#include <stdint.h>

/* Borrowed from `object`, which may be NULL; keys are parted by dots. */
json_t *json_path_at(json_t *object, const char *path);

/* Borrowed; "" if there is no string. */
const char *json_path_text(json_t *object, const char *path);

/* 0 if there is no number, or it is negative or not whole. */
uint64_t json_path_count(json_t *object, const char *path);

double json_path_number(json_t *object, const char *path, double otherwise);

#endif
