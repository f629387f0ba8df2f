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

static uint32_t place_after(const struct window *window, uint32_t place)
{
    return place + 1 < window->limit ? place + 1 : 0;
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
    window->first_place = window->next_place;
}

bool window_is_full(const struct window *window)
{
    return window->next - window->first == window->limit;
}

const struct window_flow *window_after(const struct window *window, uint32_t count)
{
    if (window->next - window->first <= count)
        return NULL;
    const uint32_t place = window->first_place + count;
    return &window->flows[place < window->limit ? place : place - window->limit];
}

const struct window_flow *window_oldest(const struct window *window)
{
    return window_after(window, 0);
}

void window_drop_oldest(struct window *window)
{
    assert(window->first < window->next);
    window->first++;
    window->first_place = place_after(window, window->first_place);
}

void window_add(struct window *window, const struct window_flow *flow)
{
    assert(!window_is_full(window));
    window->flows[window->next_place] = *flow;
    window->next++;
    window->next_place = place_after(window, window->next_place);
}
