/* SPDX-License-Identifier: Apache-2.0 */
/* How flows end: by the sweep, for want of room, at the end of the input or of a clock's time. */
#include "flow/flow_table_inside.h"

#include <assert.h>

enum {
    UPCOMING = 7,      /* a heap's first three levels */
    DUE_A_PACKET = 16, /* flows ended at most where one place is needed */
};

/* The hash of an open flow's key, which is asked for twice: ahead of its end, and at it. */
static uint32_t hash_of(struct flow_table *table, uint32_t item)
{
    struct known_hash *const known = &table->known_hashes[item % KNOWN_HASHES];
    if (known->item_plus_1 != item + 1) {
        const struct flow_key key = flow_cells_key(&table->cells, item);
        known->item_plus_1 = item + 1;
        known->hash = flow_key_hash(&key, table->settings.hash_key);
    }
    return known->hash;
}

/* Has fetched what the next flows of this wheel need to end: they were last touched long ago. One
 * of the two after the top comes next; their cells were fetched when they were further down. */
static void prefetch_upcoming(struct flow_table *table, const struct wheel *wheel)
{
    const uint32_t *items;
    const uint32_t count = wheel_upcoming(wheel, &items, UPCOMING);
    for (uint32_t i = 1; i < count && i < 3; i++)
        flow_index_prefetch(&table->index, hash_of(table, items[i]));
    for (uint32_t i = 3; i < count; i++)
        __builtin_prefetch(&table->cells.cells[items[i]]);
}

void flow_table_put_in_wheel(struct flow_table *table, uint32_t item)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    const enum flow_class class = flow_cell_class(cell);
    cell->wheel_class = class & 3;
    wheel_insert(
        &table->open[class], item,
        (struct wheel_key){flow_cells_last_ns(&table->cells, item), table->nodes[item].key.number});
}

/* Keeps in mind who opened a conversation that has ended. */
static void remember(struct flow_table *table, uint32_t item)
{
    struct flow flow;
    flow_cells_load(&table->cells, item, &flow);
    flow_memory_add(&table->memory, &flow.key, hash_of(table, item),
                    flow_orientation(&flow).initiator,
                    (struct wheel_key){flow.span.last_ns, table->nodes[item].key.number});
}

void flow_table_end_flow(struct flow_table *table, uint32_t item, enum flow_end_reason reason,
                         int64_t notice_ns)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    wheel_remove(&table->open[cell->wheel_class], item);
    flow_index_remove(&table->index, hash_of(table, item), item);
    cell->end_reason = reason & 7;
    if (table->lost_ns >= cell->first_ns)
        cell->marks |= FLOW_MARK_KERNEL_DROPS;
    const bool goes_on = reason == FLOW_END_ACTIVE || reason == FLOW_END_TCP_REUSE;
    if (!goes_on && flow_cell_is_memorable(cell))
        remember(table, item);
    wheel_insert(&table->waiting, item,
                 (struct wheel_key){notice_ns, table->nodes[item].key.number});
    table->counters.ended[reason]++;
    if (reason == FLOW_END_RESOURCES)
        table->counters.evicted++;
    if (wheel_count(&table->waiting) >= table->waiting_high)
        table->is_sweep_due = true;
}

enum flow_end_reason flow_table_silent_end_reason(const struct flow_cell *cell)
{
    return flow_cell_is_closed(cell) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

void flow_table_end_expired(struct flow_table *table, uint32_t item)
{
    const struct flow_cell *const cell = &table->cells.cells[item];
    const int64_t timeout_ns = flow_cell_timeout_ns(cell, &table->settings);
    flow_table_end_flow(table, item, flow_table_silent_end_reason(cell),
                        flow_cells_last_ns(&table->cells, item) + timeout_ns);
}

/* The least flow of a class whose last packet is no later than limit_ns. A flow that was touched
 * since it was put in its wheel, or belongs in another one by now, is put in its place first. */
static bool first_in_class(struct flow_table *table, enum flow_class class, int64_t limit_ns,
                           uint32_t *item)
{
    while (wheel_first(&table->open[class], limit_ns, item)) {
        prefetch_upcoming(table, &table->open[class]);
        if (table->nodes[*item].key.time_ns == flow_cells_last_ns(&table->cells, *item) &&
            flow_cell_class(&table->cells.cells[*item]) == class)
            return true;
        wheel_remove(&table->open[class], *item);
        flow_table_put_in_wheel(table, *item);
    }
    return false;
}

static int64_t class_timeout_ns(const struct flow_table *table, enum flow_class class)
{
    const int64_t idle = table->settings.idle_timeout_ns, close = table->settings.close_timeout_ns;
    if (class != FLOW_CLASS_CLOSED || close == 0)
        return idle;
    return idle != 0 && idle < close ? idle : close;
}

/* Ends one flow that is due; false if none is. */
static bool end_one_due(struct flow_table *table, enum flow_class class)
{
    const int64_t timeout_ns = class_timeout_ns(table, class);
    uint32_t item;
    if (timeout_ns == 0 || !first_in_class(table, class, table->clock.now_ns - timeout_ns, &item))
        return false;
    assert(is_expired(table, item));
    flow_table_end_expired(table, item);
    return true;
}

static bool end_all(struct flow_table *table, enum flow_end_reason reason, size_t limit)
{
    size_t ended = 0;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++) {
        uint32_t item;
        while (wheel_first(&table->open[c], INT64_MAX, &item)) {
            if (ended++ == limit)
                return false;
            flow_table_end_flow(table, item, reason, table->clock.now_ns);
        }
    }
    table->swept_ns = INT64_MAX;
    return true;
}

bool flow_table_end_due(struct flow_table *table, size_t limit)
{
    size_t ended = 0;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        while (end_one_due(table, (enum flow_class)c))
            if (++ended >= limit)
                return false;
    table->swept_ns = table->clock.now_ns;
    return true;
}

bool flow_table_sweep(struct flow_table *table, size_t limit)
{
    const int64_t interval_ns = table->settings.sweep_interval_ns;
    if (!flow_table_end_due(table, limit))
        return false;
    table->next_sweep_ns = (table->clock.now_ns / interval_ns + 1) * interval_ns;
    if (table->is_stepping && !end_all(table, FLOW_END_CLOCK_STEP, limit))
        return false;
    table->is_stepping = table->is_sweep_due = table->is_stuck = false;
    return true;
}

void flow_table_sweep_by(struct flow_table *table, int64_t time_ns)
{
    if (time_ns < table->next_sweep_ns)
        table->next_sweep_ns = time_ns;
}

bool flow_table_end(struct flow_table *table, size_t limit)
{
    if (!end_all(table, FLOW_END_FORCED, limit))
        return false;
    if (table->has_redo) { /* believed, but there was no place for it yet */
        table->has_redo = false;
        table->packet_counters.refused[PACKET_REFUSED_STRAY_TIME]--;
        flow_table_refuse(table);
    }
    return true;
}

void flow_table_make_room(struct flow_table *table)
{
    flow_table_end_due(table, DUE_A_PACKET);
    if (open_count(table) < table->settings.max_flows)
        return;
    uint32_t item = 0;
    bool has_item = false;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT && !has_item; c++)
        has_item = first_in_class(table, (enum flow_class)c, INT64_MAX, &item);
    assert(has_item);
    flow_table_end_flow(table, item, FLOW_END_RESOURCES, table->clock.now_ns);
}
