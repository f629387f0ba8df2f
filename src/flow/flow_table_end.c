/* SPDX-License-Identifier: Apache-2.0 */
/* How flows end: by the sweep, for want of room, at the end of the input or of a clock's time. */
#include "base/prefetch.h"
#include "flow/flow_table_inside.h"

#include <assert.h>

enum {
    UPCOMING = 16, /* flows of which something is fetched: hashes of the first half ... */
    UPCOMING_HASHED = UPCOMING / 2, /* ... of whose keys were fetched with those before them */
    DUE_A_PACKET = 16, /* flows looked at before asking again whether there is a place */
    END_BATCH = 32,    /* flows ended side by side */
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

/* How long flows of a class may be silent; 0: for ever. */
static int64_t class_timeout_ns(const struct flow_table *table, enum flow_class class)
{
    const int64_t idle = table->settings.idle_timeout_ns, close = table->settings.close_timeout_ns;
    if (class != FLOW_CLASS_CLOSED || close == 0)
        return idle;
    return idle != 0 && idle < close ? idle : close;
}

/* Flows that go on come here from the sweep, which finds them by when they began: the next one's
 * last packet may well be before the first one's. Were the first taken for the earliest, a heap
 * would sort the others: with a million flows that began together, most of them, and each that then
 * closed cost a heap's worth of misses. None is before the time at which it would be due. The other
 * classes' flows come in the order of time, and are not worth steps over the time before. */
static void place_open_wheel(struct flow_table *table, int64_t timeout_ns)
{
    struct wheel *const wheel = &table->open[FLOW_CLASS_OPEN];
    const int64_t now_ns = table->clock.now_ns;
    if (timeout_ns > 0 && wheel_count(wheel) == 0)
        wheel_place(wheel, now_ns > timeout_ns ? now_ns - timeout_ns : 0);
}

void flow_table_put_in_wheel(struct flow_table *table, uint32_t item)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    const enum flow_class class = flow_cell_class(cell);
    const int64_t last_ns = flow_cells_last_ns(&table->cells, item);
    const int64_t timeout_ns = class_timeout_ns(table, class);
    cell->wheel_class = class & 3;
    if (timeout_ns > 0 && last_ns + timeout_ns < table->due_ns)
        table->due_ns = last_ns + timeout_ns;
    if (class == FLOW_CLASS_OPEN)
        place_open_wheel(table, timeout_ns);
    wheel_insert(&table->open[class], item,
                 (struct wheel_key){last_ns, table->nodes[item].key.number});
}

/* Keeps in mind who opened a conversation that has ended. The cell keeps it too: its record asks
 * again, and where only the ports tell, that is two searches. */
static void remember(struct flow_table *table, uint32_t item, uint32_t hash)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    const struct flow_key key = flow_cells_key(&table->cells, item);
    const struct flow_orientation orientation = flow_cells_orientation(&table->cells, item);
    cell->initiator = orientation.initiator & 3u;
    cell->basis = orientation.basis & 7u;
    flow_memory_add(
        &table->memory, &key, hash, orientation.initiator,
        (struct wheel_key){flow_cells_last_ns(&table->cells, item), table->nodes[item].key.number});
}

/* Takes a flow out of the open ones, but for where it waits. */
static void close_flow(struct flow_table *table, uint32_t item, uint32_t hash,
                       enum flow_end_reason reason)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    wheel_remove(&table->open[cell->wheel_class], item);
    flow_index_remove(&table->index, hash, item);
    cell->end_reason = reason & 7;
    table->endings++;
    if (table->lost_ns >= cell->first_ns)
        cell->marks |= FLOW_MARK_KERNEL_DROPS;
    const bool goes_on = reason == FLOW_END_ACTIVE || reason == FLOW_END_TCP_REUSE;
    if (!goes_on && flow_cell_is_memorable(cell))
        remember(table, item, hash);
    table->counters.ended[reason]++;
    if (reason == FLOW_END_RESOURCES)
        table->counters.evicted++;
    if (waiting_count(table) + 1 >= table->waiting_high)
        table->is_sweep_due = true;
}

void flow_table_end_flow(struct flow_table *table, uint32_t item, enum flow_end_reason reason,
                         int64_t notice_ns)
{
    close_flow(table, item, hash_of(table, item), reason);
    wheel_insert(&table->waiting, item,
                 (struct wheel_key){notice_ns, table->nodes[item].key.number});
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

/* Is a flow where it belongs in the wheel of its class? Not if it was touched since it was put
 * there, or belongs in another wheel by now. */
static bool is_in_place(const struct flow_table *table, enum flow_class class, uint32_t item)
{
    return table->nodes[item].key.time_ns == flow_cells_last_ns(&table->cells, item) &&
           flow_cell_class(&table->cells.cells[item]) == class;
}

/* Has fetched what the first flows of a class' wheel need to end: they were last
 * touched long ago. Eight at a time; a flow that will only be put in its place needs no hash. */
static void prefetch_upcoming(struct flow_table *table, enum flow_class class)
{
    uint32_t items[UPCOMING];
    if (table->fetched_ahead[class] > 0) {
        table->fetched_ahead[class]--;
        return;
    }
    const uint32_t count = wheel_upcoming(&table->open[class], items, UPCOMING);
    table->fetched_ahead[class] =
        (uint8_t)((count < UPCOMING_HASHED ? count : UPCOMING_HASHED) - 1);
    for (uint32_t i = UPCOMING_HASHED; i < count; i++)
        prefetch(&table->cells.cells[items[i]]);
    for (uint32_t i = 0; i < count && i < UPCOMING_HASHED; i++)
        if (is_in_place(table, class, items[i]))
            flow_index_prefetch(&table->index, hash_of(table, items[i]));
}

/* The same as is_in_place; else it is put there. */
static bool is_settled(struct flow_table *table, enum flow_class class, uint32_t item)
{
    if (is_in_place(table, class, item))
        return true;
    wheel_remove(&table->open[class], item);
    flow_table_put_in_wheel(table, item);
    return false;
}

/* The least flow of a class by (last packet, opening number). */
static bool first_in_class(struct flow_table *table, enum flow_class class, uint32_t *item)
{
    while (wheel_first(&table->open[class], INT64_MAX, item)) {
        prefetch_upcoming(table, class);
        if (is_settled(table, class, *item))
            return true;
    }
    return false;
}

/* Ends a flow that is due, or puts one in its place that might have been; false if none is left. */
static bool look_at_one(struct flow_table *table, enum flow_class class)
{
    const int64_t timeout_ns = class_timeout_ns(table, class);
    struct wheel *const wheel = &table->open[class];
    uint32_t item;
    if (timeout_ns == 0 || !wheel_first(wheel, table->clock.now_ns - timeout_ns, &item))
        return false;
    prefetch_upcoming(table, class);
    if (is_settled(table, class, item)) {
        assert(is_expired(table, item));
        flow_table_end_expired(table, item);
    }
    return true;
}

/* ---- all at once --------------------------------------------------------------------------- */

/* Flows that end together have one notice time. A wheel by time would sort them all in one heap:
 * with a million, single calls of 60 ms here and 120 ms in flow_table_take. So they wait in a wheel
 * by opening number, a narrow slot of which has at most 32 of them, a wide one 8,192. That holds
 * for the last 16 million numbers; of those before, 64 count as one, and all beyond a thousand
 * million (no open flow is so old unless timeouts are off) as the same: exact, but slow. */
static int64_t time_at_once(uint64_t newest, uint64_t number)
{
    const uint64_t fine = FLOW_AT_ONCE_SPAN / 2;
    if (number + fine >= newest)
        return (int64_t)(number + FLOW_AT_ONCE_SPAN - newest);
    const uint64_t older = (newest - number - fine) / 64;
    return older < fine ? (int64_t)(fine - older) : 0;
}

static void wait_at_once(struct flow_table *table, uint32_t item)
{
    const uint64_t number = table->nodes[item].key.number;
    const int64_t now_ns = table->clock.now_ns;
    if (wheel_count(&table->ended_at_once) == 0) {
        table->at_once_ns = now_ns;
        table->at_once_newest = table->counters.opened;
        wheel_place(&table->ended_at_once, 0);
    }
    /* Live, time may move on between two calls; then it tells the flows of each apart. */
    if (table->at_once_ns != now_ns) {
        wheel_insert(&table->waiting, item, (struct wheel_key){now_ns, number});
        return;
    }
    wheel_insert(&table->ended_at_once, item,
                 (struct wheel_key){time_at_once(table->at_once_newest, number), number});
}

/* Ends some flows of a class, at most `limit`. All their misses are waited for together: first the
 * cells, which have the keys, then what the keys' hashes lead to. */
static size_t end_some(struct flow_table *table, enum flow_class class, enum flow_end_reason reason,
                       size_t limit)
{
    uint32_t items[END_BATCH], hashes[END_BATCH];
    const uint32_t most = limit < END_BATCH ? (uint32_t)limit : END_BATCH;
    const uint32_t count = wheel_some(&table->open[class], items, most);
    for (uint32_t i = 0; i < count; i++)
        prefetch(&table->cells.cells[items[i]]);
    for (uint32_t i = 0; i < count; i++) {
        const struct flow_key key = flow_cells_key(&table->cells, items[i]);
        hashes[i] = flow_key_hash(&key, table->settings.hash_key);
        flow_index_prefetch(&table->index, hashes[i]);
        flow_index_prefetch(&table->memory.index, hashes[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        close_flow(table, items[i], hashes[i], reason);
        wait_at_once(table, items[i]);
    }
    return count;
}

/* In no order: what a flow leaves behind does not depend on when others end. */
static bool end_all(struct flow_table *table, enum flow_end_reason reason, size_t limit)
{
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        while (wheel_count(&table->open[c]) > 0) {
            if (limit == 0)
                return false;
            limit -= end_some(table, (enum flow_class)c, reason, limit);
        }
    table->swept_ns = INT64_MAX;
    return true;
}

/* The same without sorting, if the flow comes after those before it; else false. */
static bool wait_in_row(struct flow_table *table, uint32_t item)
{
    struct flow_row *const row = &table->row;
    struct wheel_node *const nodes = table->nodes;
    if (row->count == 0) {
        row->notice_ns = table->clock.now_ns;
        row->first = item + 1;
    } else if (row->notice_ns != table->clock.now_ns ||
               nodes[item].key.number < nodes[row->last - 1].key.number) {
        return false;
    } else {
        nodes[row->last - 1].next = item + 1;
    }
    row->last = item + 1;
    row->count++;
    return true;
}

/* ---- the end of the input ------------------------------------------------------------------ */

/* When no packet will come any more nobody looks a flow up, and nobody asks who opened a
 * conversation. So flows are not taken out of wheels and index one by one nor remembered, which is
 * most of what ending one costs: 1,000 instructions and eight misses. They are met in the order of
 * their places, which mostly is that in which they were opened: memory is read from front to back,
 * and those that are in that order need no wheel to wait in. What the memory would hold is counted,
 * for the statistics; which of the conversations are in it already is found from its side, as there
 * are fewer of those. */

static bool is_open_and_memorable(const struct flow_table *table,
                                  const struct flow_memory_entry *entry)
{
    uint32_t item;
    struct flow_index_probe probe = flow_index_start(&table->index, entry->hash);
    while (flow_index_next(&table->index, &probe, &item))
        if (flow_cells_has_key(&table->cells, item, &entry->key))
            return flow_cell_is_memorable(&table->cells.cells[item]);
    return false;
}

static void begin_ending(struct flow_table *table)
{
    table->ending.has_begun = true;
    table->ending.left = open_count(table);
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        wheel_abandon(&table->open[c]);
}

/* Looks at `limit` memories at most, and counts down; true once all were looked at, while all flows
 * are open. A full memory is 5 ms of misses. */
static bool look_at_memories(struct flow_table *table, size_t *limit)
{
    struct flow_ending *const ending = &table->ending;
    while (!ending->has_looked_at_memories) {
        if (*limit == 0)
            return false;
        const struct flow_memory_entry *const entry =
            flow_memory_next(&table->memory, &ending->next_memory);
        if (entry == NULL)
            ending->has_looked_at_memories = true;
        else
            ending->unasked -= is_open_and_memorable(table, entry); /* comes up to 0 again */
        --*limit;
    }
    return true;
}

static void end_place(struct flow_table *table, uint32_t item)
{
    struct flow_cell *const cell = &table->cells.cells[item];
    if (cell->end_reason != 0)
        return;
    cell->end_reason = FLOW_END_FORCED;
    if (table->lost_ns >= cell->first_ns)
        cell->marks |= FLOW_MARK_KERNEL_DROPS;
    table->ending.unasked += flow_cell_is_memorable(cell);
    table->ending.left--;
    table->counters.ended[FLOW_END_FORCED]++;
    wheel_leave(table->nodes, item);
    if (!wait_in_row(table, item))
        wait_at_once(table, item);
}

/* Looks at `limit` memories and places at most; true once no flow is open. */
static bool end_for_good(struct flow_table *table, size_t limit)
{
    struct flow_ending *const ending = &table->ending;
    if (!ending->has_begun)
        begin_ending(table);
    if (!look_at_memories(table, &limit))
        return false;
    for (; ending->left > 0; limit--) {
        if (limit == 0)
            return false;
        end_place(table, ending->next_item++);
    }
    flow_memory_count_unasked(&table->memory, ending->unasked);
    ending->unasked = 0;
    table->swept_ns = INT64_MAX;
    return true;
}

/* ---- what the owner calls ------------------------------------------------------------------ */

/* No flow that is open now is due before it. */
static int64_t next_due_ns(const struct flow_table *table)
{
    int64_t due_ns = INT64_MAX;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++) {
        const int64_t timeout_ns = class_timeout_ns(table, (enum flow_class)c);
        const int64_t least_ns = wheel_least_ns(&table->open[c]);
        if (timeout_ns > 0 && least_ns < INT64_MAX - timeout_ns && least_ns + timeout_ns < due_ns)
            due_ns = least_ns + timeout_ns;
    }
    return due_ns;
}

/* A full table asks at every flow it opens, and nearly always none is due. */
bool flow_table_end_due(struct flow_table *table, size_t limit)
{
    size_t looked_at = 0;
    if (table->clock.now_ns >= table->due_ns) {
        for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
            while (look_at_one(table, (enum flow_class)c))
                if (++looked_at >= limit)
                    return false;
        table->due_ns = next_due_ns(table);
    }
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
    if (!(table->is_input_over ? end_for_good(table, limit)
                               : end_all(table, FLOW_END_FORCED, limit)))
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
    bool is_done = false;
    while (!is_done && open_count(table) == table->settings.max_flows)
        is_done = flow_table_end_due(table, DUE_A_PACKET);
    if (open_count(table) < table->settings.max_flows)
        return;
    uint32_t item = 0;
    bool has_item = false;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT && !has_item; c++)
        has_item = first_in_class(table, (enum flow_class)c, &item);
    assert(has_item);
    flow_table_end_flow(table, item, FLOW_END_RESOURCES, table->clock.now_ns);
}
