/* SPDX-License-Identifier: Apache-2.0 */
/* How packets find their flows. A batch is looked at ahead: hashes and slots of the index first,
 * then the lines of the cells, so that the misses of many packets are waited for together. */
#include "base/prefetch.h"
#include "flow/flow_table_inside.h"
#include "flow/flow_train.h"

#include <assert.h>

#define NO_ITEM UINT32_MAX

enum {
    PREFETCH_BATCH = 32,
    THIRD_LOOK_FLOWS = 1 << 15,
    CLOSING_FLAGS = PACKET_TCP_FIN | PACKET_TCP_RST,
    FRAGMENT_MARKS = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER,
};

/* A packet with what the look-up needs, computed ahead of it. */
struct prepared {
    struct flow_train *train;
    uint32_t side;
    uint32_t name; /* of the packet: flow_cell_name */
};

enum home_kind {
    HOME_OPEN,
    HOME_NEW,   /* a place for a flow that the packet opens; in no wheel yet */
    HOME_SLICE, /* the same for one that is opened in table->work */
    HOME_COPY   /* the packet is a copy of one that the flow has */
};

/* Where a packet belongs. */
struct home {
    uint32_t item;
    uint32_t earlier; /* the flow on the same key that ended just now, or NO_ITEM */
    enum home_kind kind;
};

/* The open flow on a train's key. */
static inline bool find_flow(const struct flow_table *table, struct flow_train *train)
{
    if (train->sure_at == table->endings)
        return true;
    /* No flow has ended since the look ahead: the one that was found then is open still. */
    const bool is_likely = train->item != NO_ITEM && table->endings_ahead == table->endings;
    if (!is_likely || !flow_cells_has_key(&table->cells, train->item, &train->key)) {
        struct flow_index_probe probe = flow_index_start(&table->index, train->hash);
        do {
            if (!flow_index_next(&table->index, &probe, &train->item))
                return false;
        } while (!flow_cells_has_key(&table->cells, train->item, &train->key));
    }
    train->sure_at = table->endings;
    return true;
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
                   const struct flow_train *train, struct flow_cell *cell)
{
    if (packet->protocol == PACKET_PROTOCOL_TCP && (packet->tcp_flags & PACKET_TCP_SYN))
        return;
    const int64_t now_ns = table->clock.now_ns;
    uint8_t initiator;
    if (!flow_memory_find(&table->memory, &train->key, train->hash, now_ns, &initiator))
        return;
    /* Whether a full memory would still hold it depends on which flows have ended, so all that are
     * due must: what they leave behind may displace it. They can bring nothing back. A memory with
     * room for every open flow displaces nothing. */
    if (wheel_count(&table->memory.wheel) + open_count(table) > table->memory.capacity)
        flow_table_end_due(table, SIZE_MAX);
    if (!flow_memory_find(&table->memory, &train->key, train->hash, now_ns, &initiator))
        return;
    cell->initiator = initiator & 3u;
    cell->basis = FLOW_BASIS_MEMORY;
    cell->continues = true;
}

/* A place for a new flow. */
static uint32_t get_place(struct flow_table *table, const struct packet *packet,
                          const struct flow_train *train)
{
    if (open_count(table) == table->settings.max_flows)
        flow_table_make_room(table);
    const uint32_t item = item_pool_get(&table->pool);
    count_opening(table, packet->protocol);
    table->nodes[item].key.number = table->counters.opened;
    struct known_hash *const known = &table->known_hashes[item % KNOWN_HASHES];
    *known = (struct known_hash){item + 1, train->hash};
    flow_index_insert(&table->index, train->hash, item);
    return item;
}

static void open_flow(struct flow_table *table, const struct packet *packet,
                      const struct prepared *prepared, struct home *home)
{
    home->item = get_place(table, packet, prepared->train);
    home->kind = HOME_NEW;
}

/* Opens the next slice of a flow that was just ended. */
static void open_slice(struct flow_table *table, const struct packet *packet,
                       const struct prepared *prepared, struct home *home)
{
    struct flow ended;
    home->earlier = home->item;
    home->item = get_place(table, packet, prepared->train);
    home->kind = HOME_SLICE;
    flow_cells_load(&table->cells, home->earlier, &ended);
    flow_open_slice(&table->work, &table->cells.scratch, &ended, packet, prepared->side);
}

static inline bool is_lone_syn(const struct packet *packet)
{
    const unsigned opening = CLOSING_FLAGS | PACKET_TCP_SYN | PACKET_TCP_ACK;
    return (packet->tcp_flags & opening) == PACKET_TCP_SYN;
}

/* Is this SYN that of another connection than the flow's? */
static bool is_new_connection(struct flow_table *table, uint32_t item, const struct packet *packet,
                              unsigned side)
{
    struct flow flow;
    flow_cells_load(&table->cells, item, &flow);
    return tcp_track_is_new_connection(&flow.tcp, packet, side, flow.span.last_ns);
}

/* The flow a packet belongs to, opened if need be; item: the open one on its key, or NO_ITEM. A
 * copy stays with what it is a copy of: it opens and cuts nothing. */
static void find_home(struct flow_table *table, uint32_t item, const struct packet *packet,
                      const struct prepared *prepared, struct home *home)
{
    const int64_t now_ns = table->clock.now_ns;
    *home = (struct home){.item = item, .earlier = NO_ITEM, .kind = HOME_OPEN};
    if (item == NO_ITEM) {
        open_flow(table, packet, prepared, home);
        return;
    }
    const struct flow_cell *const cell = &table->cells.cells[item];
    if (is_expired(table, item)) {
        flow_table_end_expired(table, item);
        open_flow(table, packet, prepared, home);
    } else if (flow_cells_is_duplicate(&table->cells, item, prepared->name, packet->time_ns)) {
        home->kind = HOME_COPY;
    } else if (is_lone_syn(packet) && is_new_connection(table, item, packet, prepared->side)) {
        const bool is_closed = flow_cell_is_closed(cell);
        flow_table_end_flow(table, item, is_closed ? FLOW_END_DETECTED : FLOW_END_TCP_REUSE,
                            now_ns);
        open_flow(table, packet, prepared, home);
        home->earlier = item;
    } else if (flow_cell_outlived(cell, now_ns, &table->settings)) {
        flow_table_end_flow(table, item, FLOW_END_ACTIVE, now_ns);
        open_slice(table, packet, prepared, home);
    }
}

/* Is the flow on the packet's key its home, without a second thought? What find_home asks, at once,
 * as it is of nearly every packet. */
static inline bool is_at_home(const struct flow_table *table, uint32_t item,
                              const struct packet *packet, uint32_t name)
{
    const struct flow_cell *const cell = &table->cells.cells[item];
    return !is_expired(table, item) && !is_lone_syn(packet) &&
           !flow_cell_outlived(cell, table->clock.now_ns, &table->settings) &&
           !flow_cells_is_duplicate(&table->cells, item, name, packet->time_ns);
}

__attribute__((noinline)) static void count_rare(struct flow_table *table,
                                                 const struct packet *packet)
{
    if (packet->vlan_count > 0)
        table->packet_counters.vlan++;
    if (packet->marks & FRAGMENT_MARKS)
        table->packet_counters.fragments++;
}

/* What packets there are of each protocol is told apart when somebody asks. */
static inline void count_packet(struct flow_table *table, const struct packet *packet)
{
    struct packet_counters *const counters = &table->packet_counters;
    table->packets_of[packet->protocol]++;
    if (packet->time_ns < table->clock.now_ns)
        counters->late++;
    counters->ip_bytes_in_flows += packet->ip_bytes;
    counters->frame_bytes_in_flows += packet->frame_bytes;
    if (packet->ip_version != 4)
        counters->ipv6++;
    if (packet->vlan_count | (packet->marks & FRAGMENT_MARKS))
        count_rare(table, packet);
}

/* Puts a flow that was just counted into into the wheel it belongs to. */
static void settle(struct flow_table *table, const struct home *home)
{
    const uint32_t item = home->item;
    const struct flow_cell *const cell = &table->cells.cells[item];
    if (home->kind == HOME_NEW || home->kind == HOME_SLICE) {
        flow_table_put_in_wheel(table, item);
    } else if (flow_cell_class(cell) != cell->wheel_class &&
               flow_cell_class(cell) != FLOW_CLASS_OPEN) {
        /* Moves that cannot wait: its timeout has just become shorter, or (a SYN-ACK or a late SYN
         * came after other packets) it is to be evicted before its wheel's. */
        wheel_remove(&table->open[cell->wheel_class], item);
        flow_table_put_in_wheel(table, item);
    }
    /* A packet so late that its flow is over the moment it is seen. */
    if (is_expired(table, item))
        flow_table_end_flow(table, item, flow_table_silent_end_reason(cell), table->clock.now_ns);
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

/* item: the flow, or NO_ITEM. Its node is memory that nothing else needs for most packets. */
static inline void tell_packet(const struct flow_table *table, uint32_t item)
{
    if (table->on_packet != NULL)
        table->on_packet(table->context, item == NO_ITEM ? 0 : table->nodes[item].key.number,
                         table->is_taking_redo);
}

/* Counts a packet that is out of the ordinary, in table->work. */
static void work_on(struct flow_table *table, const struct packet *packet,
                    const struct prepared *prepared, const struct home *home)
{
    struct flow *const work = &table->work;
    if (home->kind == HOME_NEW)
        flow_open(work, &table->cells.scratch, &prepared->train->key, packet, prepared->side);
    else if (home->kind != HOME_SLICE)
        flow_cells_load(&table->cells, home->item, work);
    const bool is_copy = home->kind == HOME_COPY;
    flow_packet(work, packet, prepared->side, find_out(table, packet, is_copy));
    if (home->kind == HOME_NEW || home->kind == HOME_SLICE)
        flow_cells_save_new(&table->cells, home->item, work);
    else
        flow_cells_save(&table->cells, home->item, work);
}

/* Counts a packet that is not counted in its flow's cell: the first of a flow, an odd one or a
 * copy. */
static void count_other(struct flow_table *table, const struct packet *packet,
                        const struct prepared *prepared, const struct home *home)
{
    struct flow_cell *const cell = &table->cells.cells[home->item];
    const unsigned side = prepared->side;
    if (home->kind != HOME_NEW ||
        !flow_cells_open(&table->cells, home->item, &prepared->train->key, packet, side))
        work_on(table, packet, prepared, home);
    if (home->kind == HOME_NEW)
        recall(table, packet, prepared->train, cell);
    if (home->earlier != NO_ITEM)
        flow_cells_keep_recent(&table->cells, home->item, home->earlier);
    if (home->kind != HOME_COPY)
        flow_cell_remember(cell, prepared->name, packet->time_ns);
}

/* --dedup: a copy is counted as such and left out otherwise. */
static void leave_out(struct flow_table *table, uint32_t item, unsigned side)
{
    flow_cells_load(&table->cells, item, &table->work);
    flow_leave_out(&table->work, side);
    flow_cells_save(&table->cells, item, &table->work);
    table->packet_counters.refused[PACKET_REFUSED_DUPLICATE]++;
    tell_packet(table, NO_ITEM);
}

/* Takes a packet that is not at home, or has first to be found out about. The order of the steps is
 * what makes the sweep's timing invisible: what depends on which flows are open asks is_expired
 * first. */
static void take_odd(struct flow_table *table, uint32_t item, const struct packet *packet,
                     const struct prepared *prepared)
{
    struct home home;
    find_home(table, item, packet, prepared, &home);
    if (home.kind == HOME_COPY && table->settings.leaves_out_duplicates) {
        leave_out(table, home.item, prepared->side);
        return;
    }
    tell_packet(table, home.item);
    count_packet(table, packet);
    count_other(table, packet, prepared, &home);
    prepared->train->item = home.item;
    prepared->train->sure_at = table->endings;
    settle(table, &home);
}

/* Counts a packet whose time has been judged into its flow. */
__attribute__((noinline)) static void
take_packet(struct flow_table *table, const struct packet *packet, const struct prepared *prepared)
{
    const unsigned side = prepared->side;
    if (!find_flow(table, prepared->train)) {
        take_odd(table, NO_ITEM, packet, prepared);
        return;
    }
    const uint32_t item = prepared->train->item;
    const enum flow_counted counted =
        is_at_home(table, item, packet, prepared->name)
            ? flow_cells_count(&table->cells, item, packet, side, prepared->name)
            : FLOW_COUNTED_NOT;
    if (counted == FLOW_COUNTED_NOT) {
        take_odd(table, item, packet, prepared);
        return;
    }
    tell_packet(table, item);
    count_packet(table, packet);
    /* A plain packet only puts off its flow's end. */
    if (counted == FLOW_COUNTED_EVENT)
        settle(table, &(struct home){.item = item, .earlier = NO_ITEM, .kind = HOME_OPEN});
}

/* Begins a train with its first packet. Returns the side that sends it. */
static inline unsigned begin_train(const struct flow_table *table, struct siphash_state begun,
                                   const struct packet *packet, struct flow_train *train)
{
    const unsigned side = flow_key_of(packet, table->settings.vlan_is_in_key, &train->key);
    train->hash = flow_key_hash_from(begun, &train->key);
    flow_index_prefetch(&table->index, train->hash);
    train->item = NO_ITEM;
    train->sure_at = FLOW_TRAIN_UNSURE;
    train->side = (uint8_t)side;
    train->is_two_way = false;
    train->tcp_flags = packet->tcp_flags;
    return side;
}

/* Of a packet that was not looked at ahead. */
static struct prepared prepare(const struct flow_table *table, const struct packet *packet,
                               struct flow_train *train)
{
    const struct siphash_state begun = siphash_begin(table->settings.hash_key);
    const unsigned side = begin_train(table, begun, packet, train);
    return (struct prepared){train, side, flow_cell_name(packet, side)};
}

/* A later fragment belongs where its first went: its key is known only now. */
__attribute__((noinline)) static void take_later_fragment(struct flow_table *table,
                                                          const struct packet *packet)
{
    struct packet joined = *packet;
    fragment_table_join(&table->fragments, &joined, table->clock.now_ns);
    struct flow_train train;
    const struct prepared prepared = prepare(table, &joined, &train);
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

/* A packet whose stamp is out of step; true: it may be taken now. */
static bool take_step(struct flow_table *table, enum flow_clock_answer answer)
{
    switch (answer) {
    case FLOW_CLOCK_EARLIER:
        take_held_later(table);
        return true;
    case FLOW_CLOCK_BACKWARD:
        if (open_count(table) + waiting_count(table) == 0)
            believe_held(table);
        else
            table->is_stepping = table->is_sweep_due = table->is_stuck = true;
        return false;
    case FLOW_CLOCK_FORWARD:
        believe_held(table);
        return false;
    default:
        return false;
    }
}

/* Takes one packet; false if a sweep, or the held one, must come first. */
__attribute__((always_inline)) static inline bool judge_and_take(struct flow_table *table,
                                                                 const struct packet *packet,
                                                                 const struct prepared *prepared)
{
    const enum flow_clock_answer answer = flow_clock_judge(&table->clock, packet);
    if (answer == FLOW_CLOCK_HELD) {
        table->packet_counters.refused[PACKET_REFUSED_STRAY_TIME]++;
        return true;
    }
    if (answer != FLOW_CLOCK_STEADY && !take_step(table, answer))
        return false;
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
__attribute__((noinline)) static bool take_redo_now(struct flow_table *table)
{
    struct flow_train train;
    const struct prepared prepared = prepare(table, &table->redo, &train);
    table->is_taking_redo = true;
    table->has_redo = !judge_and_take(table, &table->redo, &prepared);
    table->is_taking_redo = false;
    /* Until it was taken it counted as a stray, so that the sums hold at every moment. */
    if (!table->has_redo)
        table->packet_counters.refused[PACKET_REFUSED_STRAY_TIME]--;
    return !table->has_redo;
}

static inline bool take_redo(struct flow_table *table)
{
    return !table->has_redo || take_redo_now(table);
}

bool flow_table_end_input(struct flow_table *table)
{
    if (table->clock.has_held && table->clock.held.time_ns > table->clock.now_ns)
        believe_held(table);
    table->is_input_over = take_redo(table);
    return table->is_input_over;
}

/* Keys, hashes and slots of a batch. Returns how many trains it is. */
static size_t make_trains(const struct flow_table *table, const struct packet *packets,
                          size_t count, struct prepared prepared[], struct flow_train trains[])
{
    const struct siphash_state begun = siphash_begin(table->settings.hash_key);
    const bool vlan_is_in_key = table->settings.vlan_is_in_key;
    struct flow_train *train = trains, *next = trains;
    unsigned side = 0;
    for (size_t i = 0; i < count; i++) {
        const struct packet *const packet = &packets[i];
        bool is_turned;
        if (i > 0 && flow_train_goes_on(packet, packet - 1, vlan_is_in_key, &is_turned)) {
            side ^= is_turned;
            train->is_two_way |= is_turned;
            train->tcp_flags |= packet->tcp_flags;
        } else {
            train = next++;
            side = begin_train(table, begun, packet, train);
        }
        prepared[i] = (struct prepared){train, side, flow_cell_name(packet, side)};
    }
    return (size_t)(next - trains);
}

/* The lines that a packet's first look at its flow needs. */
static inline void prefetch_cell(const struct flow_table *table, const struct flow_train *train,
                                 uint32_t item)
{
    const struct flow_cell *const cell = &table->cells.cells[item];
    prefetch(cell);
    prefetch(&cell->side[train->side]);
    if (train->is_two_way)
        prefetch(&cell->side[1 - train->side]);
    prefetch(&cell->recent);
}

static void prefetch_cells(const struct flow_table *table, struct flow_train trains[], size_t count)
{
    uint32_t opening = 0;
    for (size_t i = 0; i < count; i++) {
        struct flow_train *const train = &trains[i];
        struct flow_index_probe probe = flow_index_start(&table->index, train->hash);
        uint32_t item;
        const bool is_new = !flow_index_next(&table->index, &probe, &item);
        if (!is_new)
            train->item = item;
        else if (!item_pool_peek(&table->pool, opening++, &item))
            continue;
        prefetch_cell(table, train, item);
        if (is_new || (train->tcp_flags & CLOSING_FLAGS)) /* it changes wheels */
            prefetch(&table->nodes[item]);
    }
}

/* Looks ahead over a batch, so that the memory a packet needs is under way when its turn comes.
 * Slots of the index asked for in a loop of their own, close together, came no sooner. */
static void prepare_batch(struct flow_table *table, const struct packet *packets, size_t count,
                          struct prepared prepared[], struct flow_train trains[])
{
    table->endings_ahead = table->endings;
    const size_t train_count = make_trains(table, packets, count, prepared, trains);
    prefetch_cells(table, trains, train_count);
    /* Where caches hold most flows, a third look costs more than it saves. */
    if (open_count(table) < THIRD_LOOK_FLOWS)
        return;
    for (size_t i = 0; i < train_count; i++)
        if ((trains[i].tcp_flags & CLOSING_FLAGS) && trains[i].item != NO_ITEM)
            wheel_prefetch_neighbours(table->nodes, trains[i].item);
}

/* A replay stops wherever a sweep is due, so that it falls between the same two packets each time;
 * live capture goes on as long as it can. */
static const bool *must_stop(const struct flow_table *table)
{
    return table->settings.is_live ? &table->is_stuck : &table->is_sweep_due;
}

size_t flow_table_packets(struct flow_table *table, const struct packet *packets, size_t count)
{
    struct prepared prepared[PREFETCH_BATCH];
    struct flow_train trains[PREFETCH_BATCH];
    const bool *const is_to_stop = must_stop(table);
    size_t taken = 0;
    assert(!table->is_input_over);
    while (taken < count && !*is_to_stop) {
        const size_t left = count - taken;
        const size_t batch = left < PREFETCH_BATCH ? left : PREFETCH_BATCH;
        prepare_batch(table, packets + taken, batch, prepared, trains);
        for (size_t i = 0; i < batch && !*is_to_stop;) {
            if (!take_redo(table) || !judge_and_take(table, &packets[taken], &prepared[i]))
                continue;
            taken++;
            i++;
        }
    }
    return taken;
}
