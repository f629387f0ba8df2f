/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of sources that hold a frame each, the oldest frame on top; ties go to the lower index.
 * For the capture room alone, on the capture thread. */
#ifndef WHYFLOW_CAPTURE_MERGE_H
#define WHYFLOW_CAPTURE_MERGE_H

#include "capture/source.h"

#include <stddef.h>

struct merge {
    struct source *heap[CAPTURE_SOURCES_MAX];
    size_t count;
};

void merge_add(struct merge *merge, struct source *source);
struct source *merge_top(const struct merge *merge); /* NULL: empty */
void merge_remove_top(struct merge *merge);
/* After the top source holds another frame. */
void merge_update_top(struct merge *merge);

#endif
