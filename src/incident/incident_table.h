/* SPDX-License-Identifier: Apache-2.0 */
/* The open incidents: which flagged flows are one story, how many, and when that is to be told.
 * Called by the engine, whose thread owns a table. No clock (time is notice time), no allocation
 * after open; the hash key decides placement only.
 *
 * For each flow, in hand-over order:
 *     while (incident_close_due(table, notice_ns, &closed)) tell it if it is due;
 *     if it is flagged: if (incident_is_full(table, &key)) close the longest silent, tell it;
 *                       incident_note(...); tell it if it is due; fill in `strongest` if asked
 * and at the end incident_close_due and incident_close_any until they say false.
 *
 * An open incident keeps its strongest flow whole, with the evidence as it was then, because at its
 * close the baseline has moved on: some 3 KB an incident, of memory that is touched only as
 * incidents are opened. Rejected: keeping the finished alert (five times as large). */
#ifndef WHYFLOW_INCIDENT_INCIDENT_TABLE_H
#define WHYFLOW_INCIDENT_INCIDENT_TABLE_H

#include "incident/incident_key.h"
#include "whyflow/record.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct incident_table;

/* A flow as an alert tells it, before it is put into words. */
struct incident_flow {
    struct record_flow_part part;
    struct baseline_summary baseline;
    uint32_t evidence_count;
    uint8_t features[RECORD_REASONS_MAX];
    struct evidence evidences[RECORD_REASONS_MAX];
    struct record_combination combination;
    struct record_counterfactual counterfactual;
};

/* What a flow made of its incident. `incident` counts the flow. */
struct incident_note {
    struct incident incident;
    bool is_opened;
    bool alert_is_due;               /* the 1st flow, the 10th, the 100th ... */
    struct incident_flow *strongest; /* this flow is the strongest so far: fill in; else NULL */
};

struct incident_closed {
    struct incident incident;              /* is_closed */
    int64_t closed_ns;                     /* moment of closing */
    bool alert_is_due;                     /* its count was not told yet */
    const struct incident_flow *strongest; /* valid until the next call; incident not filled in */
};

/* NULL: no memory. */
struct incident_table *incident_table_open(const struct incident_settings *settings);
void incident_table_close(struct incident_table *table); /* NULL is allowed */

/* Closes the incident that has been silent for silence_ns at notice_ns; of several the one that
 * was first, of those the one with the least id. If notice_ns lies over a minute before an earlier
 * one (the clock was set back), closes all, at that earlier time; below that time stands still, as
 * for flows. False: there is none (more). */
bool incident_close_due(struct incident_table *table, int64_t notice_ns,
                        struct incident_closed *closed);

bool incident_is_open(const struct incident_table *table, const struct incident_key *key);

/* True if there is no place for this one, which is not open yet. */
bool incident_is_full(const struct incident_table *table, const struct incident_key *key);

/* Makes a place, at now_ns; counted. There must be an open incident. */
void incident_close_longest_silent(struct incident_table *table, int64_t now_ns,
                                   struct incident_closed *closed);

/* Counts a flow into its incident, opening it if it is not open; there must be a place then. */
struct incident_note incident_note(struct incident_table *table, const struct incident_key *key,
                                   int64_t notice_ns, int32_t score_mbits);

/* Flows of one incident among others in a row. */
struct incident_run {
    struct incident_key key;
    uint64_t count;
    int64_t last_ns;         /* notice time of the last one */
    int32_t strongest_mbits; /* the highest score */
};

/* Counts flows in a row into their incidents, a run each, if each flow by itself would only have
 * been counted: the incidents are open, no alert falls due, none is the strongest so far, and no
 * incident ends until the last flow's notice time. False: that is not so or not known, nothing was
 * counted, and each flow is to be gone through. Ask incident_close_due with the first flow's notice
 * time before, and with the last one's afterwards. */
bool incident_note_runs(struct incident_table *table, const struct incident_run *runs,
                        uint32_t count, int64_t until_ns);

/* The input has ended: closes any, in the order as above, at now_ns. False: none is left. */
bool incident_close_any(struct incident_table *table, int64_t now_ns,
                        struct incident_closed *closed);

uint64_t incident_opened(const struct incident_table *table);  /* so far */
uint64_t incident_evicted(const struct incident_table *table); /* closed for want of a place */
uint64_t incident_memory_bytes(const struct incident_table *table);

#endif
