/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    char *items;
    size_t *item_sizes;
    size_t capacity, item_bytes;
    size_t first, count;
    bool is_ended, is_nudged;
};

struct queue *queue_open(size_t capacity, size_t item_bytes)
{
    struct queue *const queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return NULL;
    *queue = (struct queue){.capacity = capacity, .item_bytes = item_bytes};
    queue->items = calloc(capacity, item_bytes);
    queue->item_sizes = calloc(capacity, sizeof *queue->item_sizes);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    if (queue->items == NULL || queue->item_sizes == NULL) {
        queue_close(queue);
        return NULL;
    }
    return queue;
}

void queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->not_empty);
    pthread_cond_destroy(&queue->not_full);
    free(queue->items);
    free(queue->item_sizes);
    free(queue);
}

/* Under the mutex, with room. */
static void put(struct queue *queue, const void *item, size_t bytes)
{
    assert(bytes <= queue->item_bytes);
    assert(!queue->is_ended);
    const size_t place = (queue->first + queue->count) % queue->capacity;
    memcpy(queue->items + place * queue->item_bytes, item, bytes);
    queue->item_sizes[place] = bytes;
    queue->count++;
    pthread_cond_signal(&queue->not_empty);
}

void queue_push(struct queue *queue, const void *item, size_t bytes)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == queue->capacity)
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    put(queue, item, bytes);
    pthread_mutex_unlock(&queue->mutex);
}

bool queue_try_push(struct queue *queue, const void *item, size_t bytes)
{
    pthread_mutex_lock(&queue->mutex);
    const bool has_room = queue->count < queue->capacity;
    if (has_room)
        put(queue, item, bytes);
    pthread_mutex_unlock(&queue->mutex);
    return has_room;
}

void queue_end(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_ended = true;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_nudge(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_nudged = true;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

/* Under the mutex: what there is to say, once there is something. */
static enum queue_result wait_for_item(struct queue *queue, bool may_wait)
{
    for (;;) {
        if (queue->count > 0)
            return QUEUE_ITEM;
        if (queue->is_ended)
            return QUEUE_ENDED;
        if (queue->is_nudged)
            return QUEUE_NUDGED;
        if (!may_wait)
            return QUEUE_EMPTY;
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    }
}

enum queue_result queue_pop(struct queue *queue, void *item, bool may_wait)
{
    pthread_mutex_lock(&queue->mutex);
    const enum queue_result result = wait_for_item(queue, may_wait);
    if (result == QUEUE_ITEM) {
        const size_t place = queue->first;
        memcpy(item, queue->items + place * queue->item_bytes, queue->item_sizes[place]);
        queue->first = (place + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->not_full);
    }
    if (result == QUEUE_NUDGED)
        queue->is_nudged = false;
    pthread_mutex_unlock(&queue->mutex);
    return result;
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    const size_t count = queue->count;
    pthread_mutex_unlock(&queue->mutex);
    return count;
}
