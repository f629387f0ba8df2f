/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_table.h"

#include "base/prefetch.h"
#include "flow/flow_table_inside.h"

#include <assert.h>
#include <stdlib.h>

#define NO_ITEM UINT32_MAX

enum {
    EXPORT_BATCH = 16,
    WAITING_SHARE = 8,    /* room for ended flows: a share of max_flows ... */
    WAITING_LEAST = 1024, /* ... but at least this many */
};

static bool open_wheels(struct flow_table *table, uint32_t item_count)
{
    const int64_t idle_ns = table->settings.idle_timeout_ns;
    const int64_t span_ns = idle_ns > 0 ? 2 * idle_ns : INT64_C(120) * 1000000000;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        if (!wheel_init(&table->open[c], table->nodes, item_count, span_ns))
            return false;
    return wheel_init(&table->waiting, table->nodes, item_count, span_ns) &&
           wheel_init(&table->ended_at_once, table->nodes, item_count, FLOW_AT_ONCE_SPAN);
}

static int64_t shortest_timeout_ns(const struct flow_settings *settings)
{
    const int64_t idle = settings->idle_timeout_ns, close = settings->close_timeout_ns;
    const int64_t shorter = close > 0 && (close < idle || idle == 0) ? close : idle;
    return shorter > 0 ? shorter : INT64_MAX;
}

struct flow_table *flow_table_open(const struct flow_settings *settings)
{
    assert(settings->max_flows > 0);
    struct flow_table *const table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    uint32_t waiting = settings->max_flows / WAITING_SHARE;
    if (waiting < WAITING_LEAST)
        waiting = WAITING_LEAST;
    const uint32_t item_count = settings->max_flows + waiting;
    table->settings = *settings;
    table->shortest_timeout_ns = shortest_timeout_ns(settings);
    assert(settings->sweep_interval_ns > 0);
    table->waiting_high = waiting / 2;
    table->lost_ns = -1;
    table->nodes = pages_open(item_count * sizeof *table->nodes);
    if (table->nodes == NULL || !flow_cells_init(&table->cells, item_count) ||
        !item_pool_init(&table->pool, item_count) ||
        !flow_index_init(&table->index, settings->max_flows) || !open_wheels(table, item_count) ||
        !flow_memory_init(&table->memory, settings->max_memories, settings->memory_ns) ||
        !fragment_table_init(&table->fragments, settings->max_fragments, settings->hash_key,
                             settings->vlan_is_in_key)) {
        flow_table_close(table);
        return NULL;
    }
    if (settings->is_live)
        flow_index_grow_out(&table->index); /* capture does not wait for that */
    return table;
}

void flow_table_close(struct flow_table *table)
{
    if (table == NULL)
        return;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        wheel_deinit(&table->open[c]);
    wheel_deinit(&table->waiting);
    wheel_deinit(&table->ended_at_once);
    flow_memory_deinit(&table->memory);
    fragment_table_deinit(&table->fragments);
    flow_index_deinit(&table->index);
    pages_close(table->nodes, table->cells.capacity * sizeof *table->nodes);
    flow_cells_deinit(&table->cells);
    item_pool_deinit(&table->pool);
    free(table);
}

void flow_table_observe(struct flow_table *table, flow_table_packet_fn *on_packet, void *context)
{
    table->on_packet = on_packet;
    table->context = context;
}

bool flow_table_sweep_is_due(const struct flow_table *table)
{
    return table->is_sweep_due;
}

void flow_table_refuse(struct flow_table *table)
{
    table->packet_counters.refused[PACKET_REFUSED_NO_MEMORY]++;
}

void flow_table_advance(struct flow_table *table, int64_t now_ns)
{
    if (table->clock.is_started)
        flow_clock_advance(&table->clock, now_ns);
}

/* ---- handing over -------------------------------------------------------------------------- */

/* Has a flow fetched that will be exported soon: all of it but what tells copies. */
static void prefetch_flow(const struct flow_table *table, uint32_t item)
{
    const struct flow_cell *const cell = &table->cells.cells[item];
    prefetch(cell);
    prefetch(&cell->side[0]);
    prefetch(&cell->side[1]);
}

/* A flow that is handed over. */
struct ready {
    uint32_t item;
    int64_t notice_ns;
    struct wheel *wheel; /* that it waits in; NULL: in the row */
};

/* Takes a flow for the first if it is before the one found so far, whose item may be NO_ITEM. */
static inline void consider(const struct flow_table *table, struct ready *first,
                            const struct ready *other)
{
    const struct wheel_node *const nodes = table->nodes;
    if (first->item == NO_ITEM || other->notice_ns < first->notice_ns ||
        (other->notice_ns == first->notice_ns &&
         nodes[other->item].key.number < nodes[first->item].key.number))
        *first = *other;
}

/* The first of the flows that wait, of those noticed no later than limit_ns. */
static inline bool find_waiting(struct flow_table *table, int64_t limit_ns, struct ready *first)
{
    uint32_t item;
    *first = (struct ready){.item = NO_ITEM};
    if (wheel_first(&table->waiting, limit_ns, &item))
        *first = (struct ready){item, table->nodes[item].key.time_ns, &table->waiting};
    if (table->at_once_ns <= limit_ns && wheel_first(&table->ended_at_once, INT64_MAX, &item))
        consider(table, first, &(struct ready){item, table->at_once_ns, &table->ended_at_once});
    if (table->row.count > 0 && table->row.notice_ns <= limit_ns)
        consider(table, first, &(struct ready){table->row.first - 1, table->row.notice_ns, NULL});
    return first->item != NO_ITEM;
}

/* Takes it out of where it waits. */
static bool take_waiting(struct flow_table *table, int64_t limit_ns, struct ready *ready)
{
    if (!find_waiting(table, limit_ns, ready))
        return false;
    if (ready->wheel != NULL) {
        wheel_remove(ready->wheel, ready->item);
        return true;
    }
    table->row.first = table->nodes[ready->item].next;
    table->row.count--;
    return true;
}

static void export_flow(struct flow_table *table, const struct ready *ready,
                        struct flow_record *record)
{
    const uint32_t item = ready->item;
    const struct flow_end end = {
        .opening_number = table->nodes[item].key.number,
        .notice_ns = ready->notice_ns,
        .epoch = table->clock.epoch,
        .reason = table->cells.cells[item].end_reason,
    };
    flow_cells_export(&table->cells, item, &end, record);
    flow_cells_release(&table->cells, item);
    item_pool_put(&table->pool, item);
}

/* Hands over flows noticed no later than limit_ns; a few at a time, so that their memory is fetched
 * side by side. */
static size_t hand_over(struct flow_table *table, int64_t limit_ns, struct flow_record *records,
                        size_t capacity)
{
    struct ready ready[EXPORT_BATCH];
    size_t count = 0, batch;
    do {
        batch = 0;
        while (batch < EXPORT_BATCH && count + batch < capacity &&
               take_waiting(table, limit_ns, &ready[batch]))
            prefetch_flow(table, ready[batch++].item);
        for (size_t i = 0; i < batch; i++)
            export_flow(table, &ready[i], &records[count++]);
    } while (batch == EXPORT_BATCH);
    table->counters.handed_over += count;
    return count;
}

/* Flows noticed at the table's very time may yet be joined by others that come first. Only where a
 * packet waits for a place and nothing else frees one is the first of them handed over early (a
 * capture whose clock stands still): one, whatever `capacity`, so that the order is the same in
 * every run. */
size_t flow_table_take(struct flow_table *table, struct flow_record *records, size_t capacity)
{
    const bool is_over = table->swept_ns == INT64_MAX;
    size_t count = hand_over(table, is_over ? INT64_MAX : table->swept_ns - 1, records, capacity);
    if (count == 0 && capacity > 0 && table->needs_place)
        count = hand_over(table, table->swept_ns, records, 1);
    if (count > 0)
        table->needs_place = false;
    return count;
}

void flow_table_note_loss(struct flow_table *table)
{
    table->lost_ns = table->clock.now_ns;
}

int64_t flow_table_now_ns(const struct flow_table *table)
{
    return table->clock.now_ns;
}

bool flow_table_has_time(const struct flow_table *table)
{
    return table->clock.is_started;
}

static uint64_t memory_bytes(const struct flow_table *table)
{
    const size_t a_flow = sizeof *table->nodes + sizeof(uint32_t) /* in the pool */ +
                          (FLOW_CLASS_COUNT + 2) * sizeof(uint32_t) /* in the wheels' heaps */;
    return table->pool.capacity * a_flow + flow_cells_bytes(&table->cells) +
           flow_index_memory_bytes(&table->index) + flow_memory_bytes(&table->memory) +
           fragment_table_bytes(&table->fragments);
}

static void count_protocols(const struct flow_table *table, struct packet_counters *packets)
{
    for (unsigned protocol = 0; protocol < 256; protocol++)
        packets->in_flows += table->packets_of[protocol];
    packets->ipv4 = packets->in_flows - packets->ipv6;
    packets->tcp = table->packets_of[PACKET_PROTOCOL_TCP];
    packets->udp = table->packets_of[PACKET_PROTOCOL_UDP];
    packets->icmp = table->packets_of[PACKET_PROTOCOL_ICMP];
    packets->icmpv6 = table->packets_of[PACKET_PROTOCOL_ICMPV6];
    packets->sctp = table->packets_of[PACKET_PROTOCOL_SCTP];
    packets->other = packets->in_flows - packets->tcp - packets->udp - packets->icmp -
                     packets->icmpv6 - packets->sctp;
}

void flow_table_counters(const struct flow_table *table, struct packet_counters *packets,
                         struct flow_counters *flows)
{
    *packets = table->packet_counters;
    count_protocols(table, packets);
    *flows = table->counters;
    flows->open = open_count(table) + table->ending.left;
    flows->waiting = waiting_count(table);
    flows->memories = flow_memory_count(&table->memory);
    flows->memories_evicted = table->memory.evicted;
    flows->datagrams = table->fragments.count;
    flows->datagrams_evicted = table->fragments.evicted;
    flows->memory_bytes = memory_bytes(table);
}
