/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/window.h"

#include "base/pages.h"

#include <assert.h>

bool window_init(struct window *window, uint32_t limit)
{
    *window = (struct window){.limit = limit > 0 ? limit : 1, .first = 1, .next = 1};
    window->flows = pages_open(window_memory_bytes(window));
    return window->flows != NULL;
}

void window_deinit(struct window *window)
{
    pages_close(window->flows, window_memory_bytes(window));
    *window = (struct window){.limit = 0};
}

size_t window_memory_bytes(const struct window *window)
{
    return window->limit * sizeof *window->flows;
}

void window_clear(struct window *window)
{
    window->first = window->next;
}

bool window_is_full(const struct window *window)
{
    return window->next - window->first == window->limit;
}

const struct window_flow *window_after(const struct window *window, uint32_t count)
{
    if (window->next - window->first <= count)
        return NULL;
    return &window->flows[(window->first + count) % window->limit];
}

const struct window_flow *window_oldest(const struct window *window)
{
    return window_after(window, 0);
}

void window_drop_oldest(struct window *window)
{
    assert(window->first < window->next);
    window->first++;
}

void window_add(struct window *window, const struct window_flow *flow)
{
    assert(!window_is_full(window));
    window->flows[window->next++ % window->limit] = *flow;
}
