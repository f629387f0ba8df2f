/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table: packets and time in, finished flows out, in the order (notice time, opening
 * number) whatever the ticks.
 *
 * An ended flow waits inside the table until every flow that could come before it in that order is
 * known: flows whose notice time is less than the table's time are ready once a sweep at that time
 * is done, because whatever happens later is noticed no earlier. See docs/design.md.
 *
 * All memory is had at the start and grows into pages as they are used. No locks here: the owner
 * (pipeline.c, under the runtime's lock) lets one thread in at a time. */
#ifndef WHYFLOW_FLOW_TABLE_H
#define WHYFLOW_FLOW_TABLE_H

#include "whyflow/flow_record.h"
#include "whyflow/packet.h"
#include "whyflow/settings.h"
#include "whyflow/statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_table;

/* Returns NULL if memory is short. */
struct flow_table *flow_table_open(const struct flow_settings *settings);
void flow_table_close(struct flow_table *table); /* NULL is allowed */

/* Called for each packet once it is known where it belongs: with its flow's opening number, or 0
 * for a copy that --dedup leaves out. was_held: it is not the packet under way, but the earlier one
 * whose stamp had to be confirmed; there is at most one such at a time. */
typedef void flow_table_packet_fn(void *context, uint64_t opening_number, bool was_held);

/* For who wants to know which packets a flow is made of; NULL, as at the start: nobody does. */
void flow_table_observe(struct flow_table *table, flow_table_packet_fn *on_packet, void *context);

/* Takes packets, in order, until all are taken or a sweep is due: table time has come to the next
 * multiple of the sweep interval, the clock was set back, or little room is left for ended flows.
 * Returns how many were taken; flow_table_sweep_is_due then says: sweep, take flows, go on. Live,
 * it stops only where nothing can be taken before a sweep. */
size_t flow_table_packets(struct flow_table *table, const struct packet *packets, size_t count);
bool flow_table_sweep_is_due(const struct flow_table *table);

/* No packet will come any more: takes one whose stamp lies ahead and was waiting to be confirmed.
 * False: sweep, take flows, call again. */
bool flow_table_end_input(struct flow_table *table);

/* Counts one packet as refused for want of room, where the owner may not wait for a sweep. */
void flow_table_refuse(struct flow_table *table);

/* Moves table time to now_ns if that is later: live ticks. */
void flow_table_advance(struct flow_table *table, int64_t now_ns);

/* Ends flows that are due at table time, looking at no more than `limit`; true once all are
 * ended. */
bool flow_table_sweep(struct flow_table *table, size_t limit);

/* Has a sweep be due no later than at this table time, once: after each sweep it is the next
 * multiple of the interval again. */
void flow_table_sweep_by(struct flow_table *table, int64_t time_ns);

/* Takes finished flows that are ready, at most `capacity`; call after a complete sweep, until it
 * returns 0. */
size_t flow_table_take(struct flow_table *table, struct flow_record *records, size_t capacity);

/* Ends all flows: at the end of input, or when told to. Sweep first. At most `limit` a call; true
 * once none is open. After it everything waiting is ready. */
bool flow_table_end(struct flow_table *table, size_t limit);

/* The capture lost packets by now: flows that were open since carry the mark. */
void flow_table_note_loss(struct flow_table *table);

int64_t flow_table_now_ns(const struct flow_table *table);
bool flow_table_has_time(const struct flow_table *table);
void flow_table_counters(const struct flow_table *table, struct packet_counters *packets,
                         struct flow_counters *flows);

#endif
