/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine is made of. For the files that implement engine.h: engine.c (its life, flows in,
 * records out), engine_capture.c (what is kept of a capture), engine_alert.c (which flow gets an
 * alert, and what it tells) and engine_statistics.c (what is counted). The engine's thread. */
#ifndef WHYFLOW_ENGINE_INSIDE_H
#define WHYFLOW_ENGINE_INSIDE_H

#include "anomaly/anomaly.h"
#include "anomaly/flow_pack.h"
#include "anomaly/flow_store.h"
#include "anomaly/ranking.h"
#include "behaviour/behaviour.h"
#include "engine.h"
#include "feature/feature.h"
#include "incident/gate.h"
#include "incident/incident_table.h"
#include "talkers.h"
#include "whyflow/suppress.h"

/* What is kept of a capture until all of it has been learnt, in hand-over order: flows, or a
 * snapshot as it is, with the talkers as they were then.
 *
 * Flows are packed some together, each after its size and told by the one before, the first by
 * none. What is counted of all of them, and whether anyone would ask for a record but for a score,
 * stands in front: of varied traffic few of a thousand flows are told, and whole batches are passed
 * over unread. Notice times rise within a batch, so that its first and last tell which incidents
 * end meanwhile. A flood's or a scan's flows nearly all have a finding, and are of few incidents
 * (random sources are inside, outside and multicast in turn): such a batch is counted into these
 * unread, too, unless one of its flows may be told. */
enum { KEPT_FLOWS_MAX = 64, KEPT_BYTES = KEPT_FLOWS_MAX * 256, KEPT_SIZE_BYTES = 2 };
/* A flow's two bytes: its size, and above it 1 + the place of its story, or 0. */
enum { KEPT_STORIES_MAX = 6, KEPT_STORY_SHIFT = 12, KEPT_SIZE_MASK = (1 << KEPT_STORY_SHIFT) - 1 };
_Static_assert((int)FLOW_PACK_BYTES_MAX <= (int)KEPT_SIZE_MASK, "a size fits");
struct kept_flows {
    uint32_t count, size; /* flows, and bytes in use */
    uint64_t packets, ip_bytes;
    int64_t first_notice_ns, last_notice_ns;
    uint32_t story_count; /* incidents that the findings are of; they stand behind the flows */
    /* Beyond the last flow its reader may look. */
    uint8_t bytes[KEPT_BYTES + KEPT_SIZE_BYTES + 2 * FLOW_PACK_BYTES_MAX];
};
struct kept {
    enum { KEPT_FLOWS = 1, KEPT_STATISTICS } kind;
    union {
        struct kept_flows flows;
        struct statistics statistics;
    } as;
};

/* Flows go through the rooms some at a time: each room's code and tables stay in the cache for all
 * of them, and the memory that the next ones will need is asked for meanwhile (first the cells
 * that lead to entries, then these, then what they lead to): a miss costs 100 ns, and a flow would
 * have twenty. Against one flow after the other a flood took a third less. */
enum { ENGINE_CHUNK = 16 };
struct engine_batch {
    struct endpoint_hashes hashes[2][ENGINE_CHUNK]; /* of these flows and of the next */
    struct feature_vector features[ENGINE_CHUNK];
    struct behaviour_finding findings[ENGINE_CHUNK];
};

struct engine {
    struct settings settings;
    struct feature_engine *features;
    struct behaviour_engine *behaviours;
    struct anomaly_model *model;
    struct flow_store *store; /* capture mode */
    struct flow_pack pack;    /* what the next kept flow is told by */
    struct kept kept;         /* what is under way; large, so not on the stack */
    /* Of the flows under way with a finding, by incident; what their scores are is not known before
     * they are told. One place more for those beyond that many. */
    struct incident_run stories[KEPT_STORIES_MAX + 1];
    int32_t kept_scores_mbits[KEPT_FLOWS_MAX];
    const uint8_t *packed_body; /* of the flow under way only the head was read; else NULL */
    struct ranking *ranking;    /* capture mode */
    struct gate gate;
    struct incident_table *incidents;
    uint64_t *muted; /* flows that each suppress rule muted; NULL: there are no rules */
    struct engine_counters counters;
    uint64_t flagged_by_feature[FEATURE_COUNT], flagged_by_behaviour[BEHAVIOUR_COUNT];
    struct talkers talkers_by_bytes, talkers_by_flows;
    uint64_t settings_hash;
    bool stands_out;
    bool has_failed;
    sensor_record_fn *on_record;
    void *context;
    struct engine_batch batch;
    struct record record;      /* the one under way; large, so not on the stack */
    struct record closing;     /* of an incident that ends while a flow is under way */
    struct incident_flow told; /* evidence of the flow under way */
};

static inline size_t rule_count(const struct engine *engine)
{
    return engine->settings.suppress == NULL ? 0 : engine->settings.suppress->count;
}

static inline uint64_t flow_packets(const struct flow_record *flow)
{
    return flow->direction[FLOW_FORWARD].packets + flow->direction[FLOW_REVERSE].packets;
}

static inline uint64_t flow_ip_bytes(const struct flow_record *flow)
{
    return flow->direction[FLOW_FORWARD].ip_bytes + flow->direction[FLOW_REVERSE].ip_bytes;
}

/* ---- engine.c ---- */

/* Writes the records of a scored flow, which is in engine->record but for observed and caveats. */
void engine_emit_flow(struct engine *engine);
/* Writes the record of a snapshot, which has its talkers, with the engine's counters as they are
 * now. */
void engine_emit_statistics(struct engine *engine, const struct statistics *snapshot);

/* ---- engine_capture.c ---- */

/* Learns the flows of the batch, which were measured, or takes a snapshot, and keeps them. */
void engine_keep_flows(struct engine *engine, const struct flow_record *flows, size_t count);
void engine_keep_statistics(struct engine *engine, const struct statistics *snapshot);

/* Everything is kept: ranks all flows and tells of each in order. False: not all could be. */
bool engine_tell_capture(struct engine *engine);

/* All of a kept flow and the parts of its score, where nobody asked before a record is written. */
void engine_complete_flow(struct engine *engine);

/* ---- engine_alert.c ---- */

/* The suppress rule that mutes the flow if it were flagged for this; rule_count() if none does. */
size_t engine_find_rule(const struct engine *engine, const struct record_flow_part *part,
                        enum flagged_by flagged_by);

/* Decides on the flow under way; its verdict's is_flagged says so far whether its score asks. */
struct incident_note engine_judge(struct engine *engine);

/* The scored flow is in the record: asks the baseline about the leading features. */
void engine_gather_evidence(struct engine *engine, const struct baseline_summary *baseline,
                            struct incident_flow *told);

/* Puts it into words and writes it, in `record`, which holds the flow. */
void engine_emit_alert(struct engine *engine, const struct incident_flow *told,
                       struct record *record);

void engine_close_silent_incidents(struct engine *engine, int64_t notice_ns);
/* The input has ended: what was silent long enough by then first. */
void engine_close_all_incidents(struct engine *engine, int64_t now_ns);

/* ---- engine_statistics.c ---- */

/* Counts flows that are through the engine, so many packets and bytes. */
void engine_count_flows(struct engine *engine, uint64_t flows, uint64_t packets, uint64_t ip_bytes);
/* Counts what was decided on the flow under way. */
void engine_count_verdict(struct engine *engine);
/* The same of flows that are flagged by their finding, and not written about. */
void engine_count_findings(struct engine *engine, uint8_t behaviour, uint64_t count);
/* Counts a flow for its source; of a capture when it is kept. */
void engine_count_talker(struct engine *engine, const struct flow_record *flow, uint64_t ip_bytes);
/* Sets who talked most so far, and no other counter. */
void engine_fill_talkers(const struct engine *engine, struct engine_counters *counters);
/* Fills in a snapshot's engine counters, as they are now, but for talkers, which stand in it, and
 * what is kept of a capture. */
void engine_fill_counters(const struct engine *engine, struct statistics *statistics);

#endif
