/* SPDX-License-Identifier: Apache-2.0 */
/* The flows of the window, oldest first, with what must be taken back when they leave it. That is
 * what makes the window's counts exact: what a flow added on entering it takes away on leaving.
 * Owned by a feature engine, the thread that calls feature_measure.
 *
 * Flows are numbered 1, 2, ... without gaps and each enters, so a flow's place is its number
 * modulo the limit. When it is full the oldest leaves before its time; the engine counts that. */
#ifndef WHYFLOW_FEATURE_WINDOW_H
#define WHYFLOW_FEATURE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_mark {
    WINDOW_MARK_SYN = 1 << 0,        /* the source opened it with a SYN */
    WINDOW_MARK_APPLICABLE = 1 << 1, /* unicast TCP or UDP: it can be unanswered */
    WINDOW_MARK_UNANSWERED = 1 << 2,
    WINDOW_MARK_NEW_PEER = 1 << 3, /* the source's first to this destination */
};

struct window_flow {
    int64_t notice_ns;
    uint64_t packets;  /* forward */
    uint64_t ip_bytes; /* forward */
    uint32_t source_slot, destination_slot, pair_slot;
    uint8_t protocol;
    uint8_t marks; /* enum window_mark */
};

struct window {
    struct window_flow *flows;
    uint32_t limit;
    uint64_t first;                   /* number of the oldest flow inside */
    uint64_t next;                    /* number of the flow that enters next; == first if empty */
    uint32_t first_place, next_place; /* these modulo the limit: a division takes 30 cycles */
};

bool window_init(struct window *window, uint32_t limit); /* 0 is taken as 1 */
void window_deinit(struct window *window);
size_t window_memory_bytes(const struct window *window);

void window_clear(struct window *window); /* numbering goes on */
bool window_is_full(const struct window *window);
/* The oldest, or NULL if empty. Valid until it is dropped. */
const struct window_flow *window_oldest(const struct window *window);
/* The one that will be the oldest when `count` have left; NULL: there are not so many. */
const struct window_flow *window_after(const struct window *window, uint32_t count);
void window_drop_oldest(struct window *window);
void window_add(struct window *window, const struct window_flow *flow); /* must not be full */

static inline bool window_flow_is(const struct window_flow *flow, enum window_mark mark)
{
    return (flow->marks & mark) != 0;
}

#endif
