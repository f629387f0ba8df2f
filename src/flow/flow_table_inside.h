/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table from inside, for the three files that make it: flow_table.c (opening, handing
 * over, counters), flow_table_packet.c (packets in) and flow_table_end.c (how flows end). No other
 * file but a test of them includes it. Owner and lock: flow_table.h. */
#ifndef WHYFLOW_FLOW_FLOW_TABLE_INSIDE_H
#define WHYFLOW_FLOW_FLOW_TABLE_INSIDE_H

#include "base/item_pool.h"
#include "base/pages.h"
#include "base/wheel.h"
#include "flow/flow.h"
#include "flow/flow_cell.h"
#include "flow/flow_clock.h"
#include "flow/flow_index.h"
#include "flow/flow_memory.h"
#include "flow/fragment_table.h"

#include "flow/flow_table.h"

enum {
    KNOWN_HASHES = 64,
    FLOW_AT_ONCE_SPAN = 1 << 25, /* of the wheel ended_at_once: see flow_table_end.c */
};

/* Of a flow's key; cells have no room for it. */
struct known_hash {
    uint32_t item_plus_1; /* 0: none */
    uint32_t hash;
};

/* How far the end of the input has come: see flow_table_end.c. */
struct flow_ending {
    uint32_t next_item;
    uint32_t left;    /* flows that are open still, and in no wheel any more */
    uint32_t unasked; /* conversations that nobody will ask for */
    uint32_t next_memory;
    bool has_begun, has_looked_at_memories;
};

/* Ended flows that were met in the order of their numbers and are noticed at one time: they wait in
 * a list through their nodes' `next`, in no wheel. */
struct flow_row {
    uint32_t first, last; /* 1 + item; 0: empty */
    uint32_t count;
    int64_t notice_ns;
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
    struct wheel open[FLOW_CLASS_COUNT];     /* by (last packet, opening number) */
    uint8_t fetched_ahead[FLOW_CLASS_COUNT]; /* of the first in them, have been fetched */
    struct wheel waiting;                    /* ended flows, by (notice, opening number) */
    struct wheel ended_at_once; /* those ended by end_all, whose notice is at_once_ns */
    int64_t at_once_ns;
    uint64_t at_once_newest; /* the last opening number when the first of them ended */
    uint64_t endings;        /* how many flows have been taken out of the open ones */
    uint64_t endings_ahead;  /* when packets were looked at ahead */
    struct flow_memory memory;
    struct fragment_table fragments;
    int64_t
        shortest_timeout_ns; /* whose silence is shorter is not expired; INT64_MAX: no timeouts */
    struct flow_clock clock;
    struct packet redo; /* believed after all, to be taken next */
    bool has_redo;
    bool is_input_over; /* no packet comes any more */
    struct flow_ending ending;
    struct flow_row row;
    bool is_stepping; /* the clock was set back: all flows must end */
    bool is_sweep_due;
    bool needs_place; /* a packet waits for a place in cells */
    bool is_stuck;    /* no packet can be taken before a sweep */
    int64_t next_sweep_ns;
    int64_t due_ns;                         /* no open flow is due before it */
    int64_t swept_ns;                       /* every flow noticed before this has ended */
    int64_t lost_ns;                        /* when the capture last lost packets; or -1 */
    uint32_t waiting_high;                  /* so many waiting flows make a sweep due */
    struct packet_counters packet_counters; /* but for in_flows, IPv4 and the protocols */
    uint64_t packets_of[256];               /* in flows, by protocol */
    struct flow_counters counters;
    flow_table_packet_fn *on_packet; /* NULL: nobody asks */
    void *context;
    bool is_taking_redo; /* for on_packet */
};

static inline uint32_t open_count(const struct flow_table *table)
{
    uint32_t count = 0;
    for (unsigned c = 0; c < FLOW_CLASS_COUNT; c++)
        count += wheel_count(&table->open[c]);
    return count;
}

static inline uint32_t waiting_count(const struct flow_table *table)
{
    return wheel_count(&table->waiting) + wheel_count(&table->ended_at_once) + table->row.count;
}

static inline bool is_expired(const struct flow_table *table, uint32_t item)
{
    const int64_t silence_ns = table->clock.now_ns - flow_cells_last_ns(&table->cells, item);
    return silence_ns >= table->shortest_timeout_ns &&
           flow_cells_expired(&table->cells, item, table->clock.now_ns, &table->settings);
}

/* ---- flow_table_end.c ---------------------------------------------------------------------- */

/* Puts an open flow, which is in no wheel, in its place in the wheel of its class. */
void flow_table_put_in_wheel(struct flow_table *table, uint32_t item);

/* Takes a flow out of the open ones; it waits to be handed over. */
void flow_table_end_flow(struct flow_table *table, uint32_t item, enum flow_end_reason reason,
                         int64_t notice_ns);

/* Ends a flow of which is_expired holds, as of the moment it began to hold. */
void flow_table_end_expired(struct flow_table *table, uint32_t item);

/* Why a flow ends that is expired. */
enum flow_end_reason flow_table_silent_end_reason(const struct flow_cell *cell);

/* Ends flows that are due; true once all are ended. At most `limit` flows are looked at: each is
 * ended, or put elsewhere because it was touched since it was put where it is. */
bool flow_table_end_due(struct flow_table *table, size_t limit);

/* Makes room by ending the flow that would be missed least: of the lowest class, the least by (last
 * packet, opening number). Whether one must go does not depend on when the sweep ran: flows that
 * are due are ended first. */
void flow_table_make_room(struct flow_table *table);

#endif
