/* SPDX-License-Identifier: Apache-2.0 */
/* The binary heap of merge.h. */
#include "capture/merge.h"

#include <assert.h>
#include <stdbool.h>

static bool is_before(const struct source *a, const struct source *b)
{
    if (a->order_s != b->order_s)
        return a->order_s < b->order_s;
    if (a->order_ns != b->order_ns)
        return a->order_ns < b->order_ns;
    return a->index < b->index;
}

static void swap(struct merge *merge, size_t a, size_t b)
{
    struct source *source = merge->heap[a];
    merge->heap[a] = merge->heap[b];
    merge->heap[b] = source;
}

void merge_add(struct merge *merge, struct source *source)
{
    assert(merge->count < CAPTURE_SOURCES_MAX);
    size_t at = merge->count++;
    merge->heap[at] = source;
    for (; at > 0 && is_before(merge->heap[at], merge->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(merge, at, (at - 1) / 2);
}

struct source *merge_top(const struct merge *merge)
{
    return merge->count > 0 ? merge->heap[0] : NULL;
}

void merge_update_top(struct merge *merge)
{
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < merge->count; child++) {
            if (is_before(merge->heap[child], merge->heap[least]))
                least = child;
        }
        if (least == at)
            return;
        swap(merge, at, least);
        at = least;
    }
}

void merge_remove_top(struct merge *merge)
{
    assert(merge->count > 0);
    merge->heap[0] = merge->heap[--merge->count];
    merge_update_top(merge);
}
