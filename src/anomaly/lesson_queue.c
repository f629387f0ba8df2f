/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/lesson_queue.h"

#include <assert.h>
#include <stdlib.h>

bool lesson_queue_init(struct lesson_queue *queue, size_t max)
{
    assert(max > 0);
    *queue = (struct lesson_queue){.max = max};
    queue->lessons = calloc(max, sizeof *queue->lessons);
    return queue->lessons != NULL;
}

void lesson_queue_deinit(struct lesson_queue *queue)
{
    free(queue->lessons);
    *queue = (struct lesson_queue){0};
}

struct lesson *lesson_queue_push(struct lesson_queue *queue)
{
    assert(!lesson_queue_is_full(queue));
    const size_t at = (queue->first + queue->count) % queue->max;
    queue->count++;
    return &queue->lessons[at];
}

const struct lesson *lesson_queue_oldest(const struct lesson_queue *queue)
{
    return queue->count == 0 ? NULL : &queue->lessons[queue->first];
}

void lesson_queue_drop_oldest(struct lesson_queue *queue)
{
    assert(queue->count > 0);
    queue->first = (queue->first + 1) % queue->max;
    queue->count--;
}

bool lesson_queue_is_full(const struct lesson_queue *queue)
{
    return queue->count == queue->max;
}

uint64_t lesson_queue_memory_bytes(const struct lesson_queue *queue)
{
    return queue->max * sizeof *queue->lessons;
}
