/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that were scored and wait to be learnt: a burst must not teach itself as normal while it
 * lasts, so a flow is learnt only a minute after it was handed over. Bounded: beyond its limit the
 * oldest is learnt early. Called by the model, online; the engine's thread owns it. All memory is
 * taken at open. */
#ifndef WHYFLOW_ANOMALY_LESSON_QUEUE_H
#define WHYFLOW_ANOMALY_LESSON_QUEUE_H

#include "anomaly/baseline.h"

#include <stddef.h>

struct lesson {
    int64_t notice_ns;
    uint32_t pair_flows; /* of the pair in 60 s: what its weight is made from */
    struct baseline_place place;
};

struct lesson_queue {
    struct lesson *lessons;
    size_t first, count, max;
};

/* False: no memory; `max` > 0. */
bool lesson_queue_init(struct lesson_queue *queue, size_t max);
void lesson_queue_deinit(struct lesson_queue *queue);

/* A place at the end, to be filled. Not while the queue is full. */
struct lesson *lesson_queue_push(struct lesson_queue *queue);

/* The one that waits longest; NULL: none. It stays valid until the next push. */
const struct lesson *lesson_queue_oldest(const struct lesson_queue *queue);
void lesson_queue_drop_oldest(struct lesson_queue *queue);

bool lesson_queue_is_full(const struct lesson_queue *queue);
uint64_t lesson_queue_memory_bytes(const struct lesson_queue *queue);

#endif
