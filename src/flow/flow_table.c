/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_table.h"

#include "base/item_pool.h"
#include "base/siphash.h"
#include "base/wheel.h"
#include "flow/flow.h"
#include "flow/flow_clock.h"
#include "flow/flow_index.h"
#include "flow/flow_memory.h"
#include "flow/fragment_table.h"

#include <assert.h>
#include <stdlib.h>

enum {
    PREFETCH_BATCH = 32,
    WAITING_SHARE = 8,    /* room for ended flows: a share of max_flows ... */
    WAITING_LEAST = 1024, /* ... but at least this many */
    FRAGMENT_MARKS = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER,
};

struct flow_table {
    struct flow_settings settings;
    struct flow_index index;             /* open flows by key */
    struct flow *flows;                  /* open and waiting ones */
    struct flow_rare *rares;             /* what few flows have; index as in flows */
    struct wheel_node *nodes;            /* of the wheels below; index as in flows */
    struct item_pool pool;               /* places in flows */
    struct wheel open[FLOW_CLASS_COUNT]; /* by (last packet, opening number) */
    struct wheel waiting;                /* ended flows, by (notice, opening number) */
    struct flow_memory memory;
    struct fragment_table fragments;
    struct flow_clock clock;
    struct packet redo; /* believed after all, to be taken next */
    bool has_redo;
    bool is_stepping; /* the clock was set back: all flows must end */
    bool is_sweep_due;
    bool needs_place; /* a packet waits for a place in flows */
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

/* Where a packet belongs. */
struct home {
    uint32_t item;
    bool is_new;  /* in no wheel yet */
    bool is_copy; /* of a packet that the flow has */
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
    table->flows = calloc(item_count, sizeof *table->flows);
    table->rares = calloc(item_count, sizeof *table->rares);
    table->nodes = calloc(item_count, sizeof *table->nodes);
    if (table->flows == NULL || table->rares == NULL || table->nodes == NULL ||
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
    item_pool_deinit(&table->pool);
    free(table->flows);
    free(table->rares);
    free(table->nodes);
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

static void put_in_wheel(struct flow_table *table, uint32_t item)
{
    struct flow *const flow = &table->flows[item];
    flow->wheel_class = (uint8_t)flow_class(flow);
    wheel_insert(&table->open[flow->wheel_class], item,
                 (struct wheel_key){flow->span.last_ns, flow->opening_number});
}

/* Takes a flow out of the open ones; it waits to be handed over. */
static void end_flow(struct flow_table *table, uint32_t item, enum flow_end_reason reason,
                     int64_t notice_ns)
{
    struct flow *const flow = &table->flows[item];
    wheel_remove(&table->open[flow->wheel_class], item);
    flow_index_remove(&table->index, flow->hash, item);
    flow->end_reason = (uint8_t)reason;
    flow->notice_ns = notice_ns;
    if (table->lost_ns >= flow->span.first_ns)
        flow->marks |= FLOW_MARK_KERNEL_DROPS;
    wheel_insert(&table->waiting, item, (struct wheel_key){notice_ns, flow->opening_number});
    table->counters.ended[reason]++;
    if (reason == FLOW_END_RESOURCES)
        table->counters.evicted++;
    const bool goes_on = reason == FLOW_END_ACTIVE || reason == FLOW_END_TCP_REUSE;
    if (!goes_on && flow_is_memorable(flow))
        flow_memory_add(&table->memory, &flow->key, flow->hash, flow_orientation(flow).initiator,
                        (struct wheel_key){flow->span.last_ns, flow->opening_number});
    if (wheel_count(&table->waiting) >= table->waiting_high)
        table->is_sweep_due = true;
}

static enum flow_end_reason silent_end_reason(const struct flow *flow)
{
    return tcp_track_is_closed(&flow->tcp) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

/* Ends a flow of which flow_expired holds, as of the moment it began to hold. */
static void end_expired(struct flow_table *table, uint32_t item)
{
    const struct flow *const flow = &table->flows[item];
    const int64_t timeout_ns = flow_timeout_ns(flow, &table->settings);
    end_flow(table, item, silent_end_reason(flow), flow->span.last_ns + timeout_ns);
}

/* The least flow of a class whose last packet is no later than limit_ns. A flow that was touched
 * since it was put in its wheel, or belongs in another one by now, is put in its place first. */
static bool first_in_class(struct flow_table *table, enum flow_class class, int64_t limit_ns,
                           uint32_t *item)
{
    while (wheel_first(&table->open[class], limit_ns, item)) {
        const struct flow *const flow = &table->flows[*item];
        if (table->nodes[*item].key.time_ns == flow->span.last_ns && flow_class(flow) == class)
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
    assert(flow_expired(&table->flows[item], table->clock.now_ns, &table->settings));
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
        if (flow_key_equal(&table->flows[*item].key, &prepared->key))
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
static void recall(struct flow_table *table, struct flow *flow, const struct packet *packet)
{
    if (packet->protocol == PACKET_PROTOCOL_TCP && (packet->tcp_flags & PACKET_TCP_SYN))
        return;
    uint8_t initiator;
    if (!flow_memory_find(&table->memory, &flow->key, flow->hash, table->clock.now_ns, &initiator))
        return;
    /* Whether a full memory would still hold it depends on which flows have ended, so all that are
     * due must: what they leave behind may displace it. They can bring nothing back. */
    end_due(table, SIZE_MAX);
    if (!flow_memory_find(&table->memory, &flow->key, flow->hash, table->clock.now_ns, &initiator))
        return;
    flow->initiator = initiator;
    flow->basis = FLOW_BASIS_MEMORY;
    flow->continues = true;
}

/* Opens the flow of a packet; `ended` is the flow it continues as a slice, or NULL. */
static uint32_t open_flow(struct flow_table *table, const struct packet *packet,
                          const struct prepared *prepared, const struct flow *ended)
{
    if (open_count(table) == table->settings.max_flows)
        make_room(table);
    const uint32_t item = item_pool_get(&table->pool);
    struct flow *const flow = &table->flows[item];
    if (ended != NULL)
        flow_open_slice(flow, &table->rares[item], ended, packet, prepared->side);
    else
        flow_open(flow, &table->rares[item], &prepared->key, packet, prepared->side);
    flow->hash = prepared->hash;
    flow->opening_number = table->counters.opened + 1;
    if (ended == NULL)
        recall(table, flow, packet);
    count_opening(table, packet->protocol);
    flow_index_insert(&table->index, flow->hash, item);
    return item;
}

/* The flow of a new connection on the key of `ended`. */
static uint32_t open_next(struct flow_table *table, const struct packet *packet,
                          const struct prepared *prepared, const struct flow *ended)
{
    const uint32_t item = open_flow(table, packet, prepared, NULL);
    flow_keep_recent(&table->flows[item], ended);
    return item;
}

/* The flow a packet belongs to, opened if need be. A copy stays with what it is a copy of: it opens
 * and cuts nothing. */
static struct home find_home(struct flow_table *table, const struct packet *packet,
                             const struct prepared *prepared)
{
    const int64_t now_ns = table->clock.now_ns;
    uint32_t item;
    if (!find_flow(table, prepared, &item))
        return (struct home){open_flow(table, packet, prepared, NULL), .is_new = true};
    struct flow *const flow = &table->flows[item];
    if (flow_expired(flow, now_ns, &table->settings)) {
        end_expired(table, item);
        return (struct home){open_flow(table, packet, prepared, NULL), .is_new = true};
    }
    if (flow_is_duplicate(flow, packet, prepared->side))
        return (struct home){item, .is_copy = true};
    if (tcp_track_is_new_connection(&flow->tcp, packet, prepared->side, flow->span.last_ns)) {
        const bool is_closed = tcp_track_is_closed(&flow->tcp);
        end_flow(table, item, is_closed ? FLOW_END_DETECTED : FLOW_END_TCP_REUSE, now_ns);
        return (struct home){open_next(table, packet, prepared, flow), .is_new = true};
    }
    if (flow_outlived(flow, now_ns, &table->settings)) {
        end_flow(table, item, FLOW_END_ACTIVE, now_ns);
        return (struct home){open_flow(table, packet, prepared, flow), .is_new = true};
    }
    return (struct home){item, .is_new = false};
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
static void settle(struct flow_table *table, struct home home)
{
    const uint32_t item = home.item;
    const struct flow *const flow = &table->flows[item];
    if (home.is_new) {
        put_in_wheel(table, item);
    } else if (flow_class(flow) != flow->wheel_class && flow_class(flow) != FLOW_CLASS_OPEN) {
        /* Moves that cannot wait: its timeout has just become shorter, or (a SYN-ACK or a late SYN
         * came after other packets) it is to be evicted before its wheel's. */
        wheel_remove(&table->open[flow->wheel_class], item);
        put_in_wheel(table, item);
    }
    /* A packet so late that its flow is over the moment it is seen. */
    if (flow_expired(flow, table->clock.now_ns, &table->settings))
        end_flow(table, item, silent_end_reason(flow), table->clock.now_ns);
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

/* Counts a packet whose time has been judged into its flow. The order of the steps is what makes
 * the sweep's timing invisible: what depends on which flows are open asks flow_expired first. */
static void take_packet(struct flow_table *table, const struct packet *packet,
                        const struct prepared *prepared)
{
    const struct home home = find_home(table, packet, prepared);
    struct flow *const flow = &table->flows[home.item];
    if (home.is_copy && table->settings.leaves_out_duplicates) {
        flow_leave_out(flow, prepared->side);
        table->packet_counters.refused[PACKET_REFUSED_DUPLICATE]++;
        tell_packet(table, 0);
        return;
    }
    tell_packet(table, flow->opening_number);
    flow_packet(flow, packet, prepared->side, find_out(table, packet, home.is_copy));
    count_packet(&table->packet_counters, packet);
    table->packet_counters.late += packet->time_ns < table->clock.now_ns;
    settle(table, home);
}

static struct prepared prepare(const struct flow_table *table, const struct packet *packet)
{
    struct prepared prepared;
    prepared.side = flow_key_of(packet, table->settings.vlan_is_in_key, &prepared.key);
    prepared.hash =
        (uint32_t)siphash13(table->settings.hash_key, &prepared.key, sizeof prepared.key);
    return prepared;
}

/* A later fragment belongs where its first went: its key is known only now. */
static void take_later_fragment(struct flow_table *table, const struct packet *packet)
{
    struct packet joined = *packet;
    fragment_table_join(&table->fragments, &joined, table->clock.now_ns);
    const struct prepared prepared = prepare(table, &joined);
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
    const struct prepared prepared = prepare(table, &table->redo);
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
        prepared[i] = prepare(table, &packets[i]);
        flow_index_prefetch(&table->index, prepared[i].hash);
    }
    for (size_t i = 0; i < count; i++) {
        struct flow_index_probe probe = flow_index_start(&table->index, prepared[i].hash);
        uint32_t item;
        if (!flow_index_next(&table->index, &probe, &item))
            continue;
        const char *const flow = (const char *)&table->flows[item];
        for (size_t offset = 0; offset < sizeof(struct flow); offset += 64)
            __builtin_prefetch(flow + offset);
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

/* Hands over flows noticed no later than limit_ns. */
static size_t hand_over(struct flow_table *table, int64_t limit_ns, struct flow_record *records,
                        size_t capacity)
{
    size_t count = 0;
    uint32_t item;
    while (count < capacity && wheel_first(&table->waiting, limit_ns, &item)) {
        flow_export(&table->flows[item], table->clock.epoch, &records[count++]);
        wheel_remove(&table->waiting, item);
        item_pool_put(&table->pool, item);
    }
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
    const size_t a_flow = sizeof *table->flows + sizeof *table->rares + sizeof *table->nodes +
                          sizeof(uint32_t) + (FLOW_CLASS_COUNT + 1) * sizeof(uint32_t);
    return table->pool.capacity * a_flow +
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
