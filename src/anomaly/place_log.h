/* SPDX-License-Identifier: Apache-2.0 */
/* The places of a capture's flows, in the order in which they were learnt: what its scores are made
 * from once all was learnt, without the flows. Called by the model in capture mode; one thread.
 *
 * Floods, scans and look-ups have the same few places again and again, so a flow that lies where
 * one lay before is a reference of 2 bytes; else its place is written, some 60. References are to
 * slots; a place has one slot, by its hash, and what lies there is replaced. Whoever reads replaces
 * in the same order and so finds the same in every slot. What is worked out for a place, its
 * lessons and later its score, is kept in its slot and need not be worked out for each flow.
 *
 * A slot, not a table with chains: two places that share one cost what varied traffic costs, so
 * nobody gains by making them collide, and nothing can fill up. The first PLACE_LOG_BLOCK bytes lie
 * in the log, what comes after in a flow store. */
#ifndef WHYFLOW_ANOMALY_PLACE_LOG_H
#define WHYFLOW_ANOMALY_PLACE_LOG_H

#include "anomaly/baseline.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLACE_LOG_SLOTS = 1024, PLACE_LOG_BLOCK = 1 << 15 };

struct place_slot {
    struct baseline_place place; /* valid if is_used. While reading its cells are 0 */
    uint32_t pair_flows;         /* of the flow that was there last: what its weight is made from */
    bool is_used;
    union {
        struct {
            struct baseline_lessons waiting; /* counted, and not learnt yet */
            uint64_t era;                    /* in which the place itself was learnt; the model's */
        } learning;
        struct {
            uint32_t flows; /* scored, and not counted yet for what is typical */
            int32_t score_mbits;
            int32_t mbits[FEATURE_COUNT];
        } scoring;
    } as;
};

struct place_log;

/* As flow_store_open. NULL: no memory. */
struct place_log *place_log_open(uint64_t memory_bytes, const char *spill_directory);
void place_log_close(struct place_log *log); /* NULL is allowed */

/* The place's slot: with this place in it (is_there), or with another, or unused. */
struct place_slot *place_log_find(struct place_log *log, const struct baseline_place *place,
                                  bool *is_there);

/* Appends a flow whose place has this slot; if it was not there, it is now, and what was in the
 * slot is gone but for its lessons, which the caller has taken out. */
void place_log_append(struct place_log *log, struct place_slot *slot, bool is_there,
                      const struct baseline_place *place, uint32_t pair_flows);

/* Slot `index` of PLACE_LOG_SLOTS. */
struct place_slot *place_log_at(struct place_log *log, unsigned index);

/* The next place_log_next gives the first flow's; every slot is empty. Nothing can be appended any
 * more. False: what was appended could not be kept. */
bool place_log_rewind(struct place_log *log);

/* The next flow's slot. is_new: place or pair_flows are others than when this slot was given last.
 * NULL: there is no further flow, or it could not be read. */
struct place_slot *place_log_next(struct place_log *log, bool *is_new);

const char *place_log_error(const struct place_log *log); /* as flow_store_error */
uint64_t place_log_memory_bytes(const struct place_log *log);
uint64_t place_log_spilled_bytes(const struct place_log *log);

#endif
