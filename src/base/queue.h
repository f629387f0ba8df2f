/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of values between two threads: what crosses a thread crosses by copy. A mutex
 * and two conditions; rejected: a lock-free ring, which saves nothing at one record per flow and
 * cannot sleep. */
#ifndef WHYFLOW_BASE_QUEUE_H
#define WHYFLOW_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* Room for `capacity` items of at most item_bytes. NULL if memory is short. */
struct queue *queue_open(size_t capacity, size_t item_bytes);
void queue_close(struct queue *queue); /* NULL is allowed */

/* Copies `bytes` bytes of an item in; waits while the queue is full. */
void queue_push(struct queue *queue, const void *item, size_t bytes);

/* The same without waiting: false if the queue is full. */
bool queue_try_push(struct queue *queue, const void *item, size_t bytes);

/* No more items will come. */
void queue_end(struct queue *queue);

enum queue_result {
    QUEUE_ITEM,
    QUEUE_NUDGED, /* woken by queue_nudge, no item */
    QUEUE_EMPTY,  /* nothing is there, and the caller did not want to wait */
    QUEUE_ENDED,  /* all items are out and queue_end was called */
};

/* Copies the next item out; if there is none, waits or returns QUEUE_EMPTY. */
enum queue_result queue_pop(struct queue *queue, void *item, bool may_wait);

/* Wakes the reader. */
void queue_nudge(struct queue *queue);

size_t queue_count(struct queue *queue);

#endif
