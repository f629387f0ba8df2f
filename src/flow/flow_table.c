/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_table.h"

#include "base/item_pool.h"
#include "base/pages.h"
#include "base/wheel.h"
#include "flow/flow.h"
#include "flow/flow_cell.h"
#include "flow/flow_clock.h"
#include "flow/flow_index.h"
#include "flow/flow_memory.h"
#include "flow/fragment_table.h"

#include <assert.h>
#include <stdlib.h>

enum {
    PREFETCH_BATCH = 32,
    UPCOMING = 7, /* a heap's first three levels */
    KNOWN_HASHES = 16,
    WAITING_SHARE = 8,    /* room for ended flows: a share of max_flows ... */
    WAITING_LEAST = 1024, /* ... but at least this many */
    EXPORT_BATCH = 16,
    TAIL_FLAGS = PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST,
    FRAGMENT_MARKS = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER,
};

#define NO_ITEM UINT32_MAX

/* Of a flow's key; cells have no room for it. */
struct known_hash {
    uint32_t item_plus_1; /* 0: none */
    uint32_t hash;
};

struct flow_table {
    struct flow_settings settings;
    struct flow_index index;  /* open flows by key */
    struct flow_cells cells;  /* open and waiting ones */
    struct wheel_node *nodes; /* of the wheels below; index as in cells; an item's
                                          * key.number is its flow's opening number */
    struct item_pool pool;    /* places in cells */
    struct flow work;         /* the flow that is being opened or changed */
    struct known_hash known_hashes[KNOWN_HASHES];
    struct wheel open[FLOW_CLASS_COUNT]; /* by (last packet, opening number) */
    struct wheel waiting;                /* ended flows, by (notice, opening number) */
    struct flow_memory memory;
    struct fragment_table fragments;
    struct flow_clock clock;
    struct packet redo; /* believed after all, to be taken next */
    bool has_redo;
    bool is_stepping; /* the clock was set back: all flows must end */
    bool is_sweep_due;
    bool needs_place; /* a packet waits for a place in cells */
    bool is_stuck;    /* no packet can be taken before a sweep */
    int64_t next_sweep_ns;
    int64_t swept_ns;      /* every flow noticed before this has ended */
    int64_t lost_ns;       /* when the capture last lost packets; or -1 */
    uint32_t waiting_high; /* so many waiting flows make a sweep due */
    struct packet_counters packet_counters;
    struct flow_counters counters;
    flow_table_packet_fn *on_packet; /* NULL: nobody asks */
    void *context;
    bool is_taking_redo; /* for on_packet */
};

/* A packet with what the look-up needs, computed ahead of it. */
struct prepared {
    struct flow_key key;
    uint32_t hash;
    uint32_t side;
};

enum home_kind {
    HOME_OPEN,
    HOME_NEW, /* a flow that is opened in table->work, and in no wheel yet */
    HOME_COPY /* the packet is a copy of one that the flow has */
};

/* Where a packet belongs. */
struct home {
    uint32_t item;
    uint32_t earlier; /* the flow on the same key that ended just now, or NO_ITEM */
    enum home_kind kind;
};

static bool open_wheels(struct flow_table *table, uint32_t item_count)
{
    const int64_t idle_ns = table->settings.idle_timeout_ns;
    const int64_t span_ns = idle_ns > 0 ? 2 * idle_ns : INT64_C(120) * 1000000000;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        if (!wheel_init(&table->open[c], table->nodes, item_count, span_ns))
            return false;
    return wheel_init(&table->waiting, table->nodes, item_count, span_ns);
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
    return table;
}

void flow_table_close(struct flow_table *table)
{
    if (table == NULL)
        return;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        wheel_deinit(&table->open[c]);
    wheel_deinit(&table->waiting);
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

static uint32_t open_count(const struct flow_table *table)
{
    uint32_t count = 0;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        count += wheel_count(&table->open[c]);
    return count;
}

/* ---- ending flows ------------------------------------------------------------------------- */

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

static void put_in_wheel(struct flow_table *table, uint32_t item)
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

/* Takes a flow out of the open ones; it waits to be handed over. */
static void end_flow(struct flow_table *table, uint32_t item, enum flow_end_reason reason,
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

static enum flow_end_reason silent_end_reason(const struct flow_cell *cell)
{
    return flow_cell_is_closed(cell) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

static bool is_expired(const struct flow_table *table, uint32_t item)
{
    return flow_cells_expired(&table->cells, item, table->clock.now_ns, &table->settings);
}

/* Ends a flow of which is_expired holds, as of the moment it began to hold. */
static void end_expired(struct flow_table *table, uint32_t item)
{
    const struct flow_cell *const cell = &table->cells.cells[item];
    const int64_t timeout_ns = flow_cell_timeout_ns(cell, &table->settings);
    end_flow(table, item, silent_end_reason(cell),
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
        put_in_wheel(table, *item);
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
    end_expired(table, item);
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
            end_flow(table, item, reason, table->clock.now_ns);
        }
    }
    table->swept_ns = INT64_MAX;
    return true;
}

/* Ends flows that are due, at most `limit`; true once all are ended. */
static bool end_due(struct flow_table *table, size_t limit)
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
    if (!end_due(table, limit))
        return false;
    table->next_sweep_ns = (table->clock.now_ns / interval_ns + 1) * interval_ns;
    if (table->is_stepping && !end_all(table, FLOW_END_CLOCK_STEP, limit))
        return false;
    table->is_stepping = table->is_sweep_due = table->is_stuck = false;
    return true;
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

/* Makes room by ending the flow that would be missed least: of the lowest class, the least by (last
 * packet, opening number). Whether one must go does not depend on when the sweep ran: flows that
 * are due are ended first. */
static void make_room(struct flow_table *table)
{
    end_due(table, SIZE_MAX);
    if (open_count(table) < table->settings.max_flows)
        return;
    uint32_t item = 0;
    bool has_item = false;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT && !has_item; c++)
        has_item = first_in_class(table, (enum flow_class)c, INT64_MAX, &item);
    assert(has_item);
    end_flow(table, item, FLOW_END_RESOURCES, table->clock.now_ns);
}

/* ---- packets ------------------------------------------------------------------------------- */

static bool find_flow(const struct flow_table *table, const struct prepared *prepared,
                      uint32_t *item)
{
    struct flow_index_probe probe = flow_index_start(&table->index, prepared->hash);
    while (flow_index_next(&table->index, &probe, item))
        if (flow_cells_has_key(&table->cells, *item, &prepared->key))
            return true;
    return false;
}

static void count_opening(struct flow_table *table, uint8_t protocol)
{
    struct flow_counters *const counters = &table->counters;
    counters->opened++;
    switch (protocol) {
    case PACKET_PROTOCOL_TCP:
        counters->opened_tcp++;
        break;
    case PACKET_PROTOCOL_UDP:
        counters->opened_udp++;
        break;
    case PACKET_PROTOCOL_ICMP:
    case PACKET_PROTOCOL_ICMPV6:
        counters->opened_icmp++;
        break;
    default:
        counters->opened_other++;
    }
}

/* A packet that opens nothing may go on with a conversation that has ended lately. */
static void recall(struct flow_table *table, const struct packet *packet,
                   const struct prepared *prepared)
{
    if (packet->protocol == PACKET_PROTOCOL_TCP && (packet->tcp_flags & PACKET_TCP_SYN))
        return;
    const int64_t now_ns = table->clock.now_ns;
    uint8_t initiator;
    if (!flow_memory_find(&table->memory, &prepared->key, prepared->hash, now_ns, &initiator))
        return;
    /* Whether a full memory would still hold it depends on which flows have ended, so all that are
     * due must: what they leave behind may displace it. They can bring nothing back. */
    end_due(table, SIZE_MAX);
    if (!flow_memory_find(&table->memory, &prepared->key, prepared->hash, now_ns, &initiator))
        return;
    table->work.initiator = initiator;
    table->work.basis = FLOW_BASIS_MEMORY;
    table->work.continues = true;
}

/* A place for a new flow. */
static uint32_t get_place(struct flow_table *table, const struct packet *packet,
                          const struct prepared *prepared)
{
    if (open_count(table) == table->settings.max_flows)
        make_room(table);
    const uint32_t item = item_pool_get(&table->pool);
    count_opening(table, packet->protocol);
    table->nodes[item].key.number = table->counters.opened;
    struct known_hash *const known = &table->known_hashes[item % KNOWN_HASHES];
    *known = (struct known_hash){item + 1, prepared->hash};
    flow_index_insert(&table->index, prepared->hash, item);
    return item;
}

/* Opens the flow of a packet, in table->work. */
static void open_flow(struct flow_table *table, const struct packet *packet,
                      const struct prepared *prepared, struct home *home)
{
    const uint32_t item = get_place(table, packet, prepared);
    flow_open(&table->work, &table->cells.scratch, &prepared->key, packet, prepared->side);
    recall(table, packet, prepared);
    home->kind = HOME_NEW;
    home->item = item;
}

/* Opens the next slice of a flow that was just ended. */
static void open_slice(struct flow_table *table, const struct packet *packet,
                       const struct prepared *prepared, struct home *home)
{
    struct flow ended;
    home->earlier = home->item;
    home->item = get_place(table, packet, prepared);
    home->kind = HOME_NEW;
    flow_cells_load(&table->cells, home->earlier, &ended);
    flow_open_slice(&table->work, &table->cells.scratch, &ended, packet, prepared->side);
}

/* Is the packet the SYN of another connection than that of the flow? */
static bool is_new_connection(struct flow_table *table, uint32_t item, const struct packet *packet,
                              unsigned side)
{
    if (packet->protocol != PACKET_PROTOCOL_TCP || !(packet->tcp_flags & PACKET_TCP_SYN))
        return false;
    struct flow flow;
    flow_cells_load(&table->cells, item, &flow);
    return tcp_track_is_new_connection(&flow.tcp, packet, side, flow.span.last_ns);
}

/* The flow a packet belongs to, opened if need be. A copy stays with what it is a copy of: it opens
 * and cuts nothing. */
static void find_home(struct flow_table *table, const struct packet *packet,
                      const struct prepared *prepared, struct home *home)
{
    const int64_t now_ns = table->clock.now_ns;
    uint32_t item;
    home->kind = HOME_OPEN;
    home->earlier = NO_ITEM;
    if (!find_flow(table, prepared, &item)) {
        open_flow(table, packet, prepared, home);
        return;
    }
    home->item = item;
    const struct flow_cell *const cell = &table->cells.cells[item];
    if (is_expired(table, item)) {
        end_expired(table, item);
        open_flow(table, packet, prepared, home);
    } else if (flow_cell_is_duplicate(cell, packet, prepared->side)) {
        home->kind = HOME_COPY;
    } else if (is_new_connection(table, item, packet, prepared->side)) {
        const bool is_closed = flow_cell_is_closed(cell);
        end_flow(table, item, is_closed ? FLOW_END_DETECTED : FLOW_END_TCP_REUSE, now_ns);
        open_flow(table, packet, prepared, home);
        home->earlier = item;
    } else if (flow_cell_outlived(cell, now_ns, &table->settings)) {
        end_flow(table, item, FLOW_END_ACTIVE, now_ns);
        open_slice(table, packet, prepared, home);
    }
}

static void count_packet(struct packet_counters *counters, const struct packet *packet)
{
    counters->in_flows++;
    counters->ip_bytes_in_flows += packet->ip_bytes;
    counters->frame_bytes_in_flows += packet->frame_bytes;
    *(packet->ip_version == 4 ? &counters->ipv4 : &counters->ipv6) += 1;
    switch (packet->protocol) {
    case PACKET_PROTOCOL_TCP:
        counters->tcp++;
        break;
    case PACKET_PROTOCOL_UDP:
        counters->udp++;
        break;
    case PACKET_PROTOCOL_ICMP:
        counters->icmp++;
        break;
    case PACKET_PROTOCOL_ICMPV6:
        counters->icmpv6++;
        break;
    case PACKET_PROTOCOL_SCTP:
        counters->sctp++;
        break;
    default:
        counters->other++;
    }
    counters->vlan += packet->vlan_count > 0;
    counters->fragments += (packet->marks & FRAGMENT_MARKS) != 0;
}

/* Puts a flow that was just counted into into the wheel it belongs to. */
static void settle(struct flow_table *table, const struct home *home)
{
    const uint32_t item = home->item;
    const struct flow_cell *const cell = &table->cells.cells[item];
    if (home->kind == HOME_NEW) {
        put_in_wheel(table, item);
    } else if (flow_cell_class(cell) != cell->wheel_class &&
               flow_cell_class(cell) != FLOW_CLASS_OPEN) {
        /* Moves that cannot wait: its timeout has just become shorter, or (a SYN-ACK or a late SYN
         * came after other packets) it is to be evicted before its wheel's. */
        wheel_remove(&table->open[cell->wheel_class], item);
        put_in_wheel(table, item);
    }
    /* A packet so late that its flow is over the moment it is seen. */
    if (is_expired(table, item))
        end_flow(table, item, silent_end_reason(cell), table->clock.now_ns);
}

/* What the packet is found to be; copies of fragments are shown to the fragment table only once. */
static unsigned find_out(struct flow_table *table, const struct packet *packet, bool is_copy)
{
    if (is_copy)
        return FLOW_FINDING_DUPLICATE;
    if (!(packet->marks & FRAGMENT_MARKS))
        return 0;
    const unsigned found = fragment_table_note(&table->fragments, packet, table->clock.now_ns);
    return (found & FRAGMENT_OVERLAPS ? FLOW_FINDING_OVERLAP : 0) |
           (found & FRAGMENT_FIRST_MISSING ? FLOW_FINDING_FIRST_MISSING : 0);
}

static void tell_packet(const struct flow_table *table, uint64_t opening_number)
{
    if (table->on_packet != NULL)
        table->on_packet(table->context, opening_number, table->is_taking_redo);
}

/* Counts a packet that is out of the ordinary, or the first of its flow, in table->work. */
static void work_on(struct flow_table *table, const struct packet *packet, unsigned side,
                    const struct home *home)
{
    struct flow_cell *const cell = &table->cells.cells[home->item];
    if (home->kind != HOME_NEW)
        flow_cells_load(&table->cells, home->item, &table->work);
    flow_packet(&table->work, packet, side, find_out(table, packet, home->kind == HOME_COPY));
    if (home->kind == HOME_NEW)
        flow_cells_save_new(&table->cells, home->item, &table->work);
    else
        flow_cells_save(&table->cells, home->item, &table->work);
    if (home->earlier != NO_ITEM)
        flow_cell_keep_recent(cell, &table->cells.cells[home->earlier]);
    if (home->kind != HOME_COPY)
        flow_cell_remember(cell, packet, side);
}

/* --dedup: a copy is counted as such and left out otherwise. */
static void leave_out(struct flow_table *table, uint32_t item, unsigned side)
{
    flow_cells_load(&table->cells, item, &table->work);
    flow_leave_out(&table->work, side);
    flow_cells_save(&table->cells, item, &table->work);
    table->packet_counters.refused[PACKET_REFUSED_DUPLICATE]++;
    tell_packet(table, 0);
}

/* Counts a packet whose time has been judged into its flow. The order of the steps is what makes
 * the sweep's timing invisible: what depends on which flows are open asks is_expired first. */
static void take_packet(struct flow_table *table, const struct packet *packet,
                        const struct prepared *prepared)
{
    struct home home;
    find_home(table, packet, prepared, &home);
    if (home.kind == HOME_COPY && table->settings.leaves_out_duplicates) {
        leave_out(table, home.item, prepared->side);
        return;
    }
    tell_packet(table, table->nodes[home.item].key.number);
    if (home.kind != HOME_OPEN ||
        !flow_cells_count(&table->cells, home.item, packet, prepared->side))
        work_on(table, packet, prepared->side, &home);
    count_packet(&table->packet_counters, packet);
    table->packet_counters.late += packet->time_ns < table->clock.now_ns;
    settle(table, &home);
}

static inline void prepare(const struct flow_table *table, const struct packet *packet,
                           struct prepared *prepared)
{
    prepared->side = flow_key_of(packet, table->settings.vlan_is_in_key, &prepared->key);
    prepared->hash = flow_key_hash(&prepared->key, table->settings.hash_key);
}

/* A later fragment belongs where its first went: its key is known only now. */
static void take_later_fragment(struct flow_table *table, const struct packet *packet)
{
    struct packet joined = *packet;
    fragment_table_join(&table->fragments, &joined, table->clock.now_ns);
    struct prepared prepared;
    prepare(table, &joined, &prepared);
    take_packet(table, &joined, &prepared);
}

static void believe_held(struct flow_table *table)
{
    const uint32_t epoch = table->clock.epoch;
    table->redo = table->clock.held;
    table->has_redo = true;
    flow_clock_believe(&table->clock);
    if (table->clock.epoch == epoch)
        return;
    table->counters.clock_steps++;
    table->swept_ns = 0;
    table->next_sweep_ns = 0;
    table->lost_ns = -1; /* a time of the clock before; its flows are marked and gone */
    flow_memory_clear(&table->memory);
    fragment_table_clear(&table->fragments);
}

/* The held packet is to be taken next; time has been moved already. */
static void take_held_later(struct flow_table *table)
{
    table->redo = table->clock.held;
    table->has_redo = true;
    table->clock.has_held = false;
}

/* Takes one packet; false if a sweep must come first. */
static bool judge_and_take(struct flow_table *table, const struct packet *packet,
                           const struct prepared *prepared)
{
    switch (flow_clock_judge(&table->clock, packet)) {
    case FLOW_CLOCK_HELD:
        table->packet_counters.refused[PACKET_REFUSED_STRAY_TIME]++;
        return true;
    case FLOW_CLOCK_BACKWARD:
        if (open_count(table) + wheel_count(&table->waiting) > 0) {
            table->is_stepping = table->is_sweep_due = table->is_stuck = true;
            return false;
        }
        believe_held(table);
        return false;
    case FLOW_CLOCK_FORWARD:
        believe_held(table);
        return false;
    case FLOW_CLOCK_EARLIER:
        take_held_later(table);
        break;
    case FLOW_CLOCK_STEADY:
        break;
    }
    if (item_pool_available(&table->pool) == 0) {
        table->needs_place = table->is_sweep_due = table->is_stuck = true;
        return false;
    }
    if (packet->marks & PACKET_MARK_FRAGMENT_LATER)
        take_later_fragment(table, packet);
    else
        take_packet(table, packet, prepared);
    if (table->clock.now_ns >= table->next_sweep_ns)
        table->is_sweep_due = true;
    return true;
}

/* Takes the held packet that turned out to be right; false if a sweep must come first. */
static bool take_redo(struct flow_table *table)
{
    if (!table->has_redo)
        return true;
    struct prepared prepared;
    prepare(table, &table->redo, &prepared);
    table->is_taking_redo = true;
    table->has_redo = !judge_and_take(table, &table->redo, &prepared);
    table->is_taking_redo = false;
    /* Until it was taken it counted as a stray, so that the sums hold at every moment. */
    if (!table->has_redo)
        table->packet_counters.refused[PACKET_REFUSED_STRAY_TIME]--;
    return !table->has_redo;
}

bool flow_table_end_input(struct flow_table *table)
{
    if (table->clock.has_held && table->clock.held.time_ns > table->clock.now_ns)
        believe_held(table);
    return take_redo(table);
}

/* Looks ahead over a batch, so that the memory a packet needs is under way when its turn comes. */
static void prepare_batch(const struct flow_table *table, const struct packet *packets,
                          size_t count, struct prepared prepared[])
{
    for (size_t i = 0; i < count; i++) {
        prepare(table, &packets[i], &prepared[i]);
        flow_index_prefetch(&table->index, prepared[i].hash);
    }
    uint32_t opening = 0;
    for (size_t i = 0; i < count; i++) {
        struct flow_index_probe probe = flow_index_start(&table->index, prepared[i].hash);
        uint32_t item;
        const bool is_new = !flow_index_next(&table->index, &probe, &item);
        if (is_new && !item_pool_peek(&table->pool, opening++, &item))
            continue;
        const struct flow_cell *const cell = &table->cells.cells[item];
        __builtin_prefetch(cell, 1);
        __builtin_prefetch(&cell->side[prepared[i].side], 1);
        __builtin_prefetch(&cell->recent, 1);
        if (is_new || (packets[i].tcp_flags & TAIL_FLAGS))
            __builtin_prefetch(&table->cells.tails[item], 1);
        if (is_new)
            __builtin_prefetch(&table->nodes[item], 1);
    }
}

/* A replay stops wherever a sweep is due, so that it falls between the same two packets each time;
 * live capture goes on as long as it can. */
static bool must_stop(const struct flow_table *table)
{
    return table->settings.is_live ? table->is_stuck : table->is_sweep_due;
}

size_t flow_table_packets(struct flow_table *table, const struct packet *packets, size_t count)
{
    struct prepared prepared[PREFETCH_BATCH];
    size_t taken = 0;
    while (taken < count && !must_stop(table)) {
        const size_t left = count - taken;
        const size_t batch = left < PREFETCH_BATCH ? left : PREFETCH_BATCH;
        prepare_batch(table, packets + taken, batch, prepared);
        for (size_t i = 0; i < batch && !must_stop(table);) {
            if (!take_redo(table) || !judge_and_take(table, &packets[taken], &prepared[i]))
                continue;
            taken++;
            i++;
        }
    }
    return taken;
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
    __builtin_prefetch(cell);
    __builtin_prefetch(&cell->side[0]);
    __builtin_prefetch(&cell->side[1]);
    __builtin_prefetch(&table->cells.tails[item]);
}

static void export_flow(struct flow_table *table, uint32_t item, struct flow_record *record)
{
    struct flow flow;
    flow_cells_load(&table->cells, item, &flow);
    const struct wheel_key key = table->nodes[item].key;
    const struct flow_end end = {
        .opening_number = key.number,
        .notice_ns = key.time_ns,
        .epoch = table->clock.epoch,
        .reason = table->cells.cells[item].end_reason,
    };
    flow_export(&flow, &end, record);
    flow_cells_release(&table->cells, item);
    item_pool_put(&table->pool, item);
}

/* Hands over flows noticed no later than limit_ns; a few at a time, so that their memory is fetched
 * side by side. */
static size_t hand_over(struct flow_table *table, int64_t limit_ns, struct flow_record *records,
                        size_t capacity)
{
    uint32_t items[EXPORT_BATCH];
    size_t count = 0, batch;
    do {
        batch = 0;
        while (batch < EXPORT_BATCH && count + batch < capacity &&
               wheel_first(&table->waiting, limit_ns, &items[batch])) {
            wheel_remove(&table->waiting, items[batch]);
            prefetch_flow(table, items[batch++]);
        }
        for (size_t i = 0; i < batch; i++)
            export_flow(table, items[i], &records[count++]);
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
                          (FLOW_CLASS_COUNT + 1) * sizeof(uint32_t) /* in the wheels' heaps */;
    return table->pool.capacity * a_flow + flow_cells_bytes(&table->cells) +
           ((size_t)table->index.mask + 1) * sizeof *table->index.slots +
           flow_memory_bytes(&table->memory) + fragment_table_bytes(&table->fragments);
}

void flow_table_counters(const struct flow_table *table, struct packet_counters *packets,
                         struct flow_counters *flows)
{
    *packets = table->packet_counters;
    *flows = table->counters;
    flows->open = open_count(table);
    flows->waiting = wheel_count(&table->waiting);
    flows->memories = wheel_count(&table->memory.wheel);
    flows->memories_evicted = table->memory.evicted;
    flows->datagrams = table->fragments.count;
    flows->datagrams_evicted = table->fragments.evicted;
    flows->memory_bytes = memory_bytes(table);
}
