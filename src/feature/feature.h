/* SPDX-License-Identifier: Apache-2.0 */
/* The feature engine: finished flows go in, in hand-over order (epoch, notice time, opening
 * number), and for each a feature vector comes out, measured from the flow itself and those handed
 * over before it. Called by pipeline.c; one thread owns an engine.
 *
 * What it remembers, each table with a limit of the settings and a counter for what it forgets:
 *
 *   window          max_window_flows   the flows of the last window_ns   window_flows_cut
 *   sources         max_hosts          initiators, and their sums        hosts_evicted
 *   destinations    max_hosts          responders, and their sums        hosts_evicted
 *   offers          max_hosts          (service, destination) since when hosts_evicted
 *   pairs           max_pairs          (source, destination)             pairs_evicted
 *   conversations   max_conversations  further ones of pairs             conversations_evicted
 *   sketches        max_hosts / 8      distinct counts above 16          sketches_evicted
 *
 * A full table forgets its least recently used entry, whose counts begin anew if it comes back. A
 * step back of the clock (a new epoch) empties everything, acquaintances included: times from
 * before it cannot be compared with those after. A notice time that goes back within an epoch (flow
 * records merged from several sensors) is taken as the latest one so far. */
#ifndef WHYFLOW_FEATURE_ENGINE_H
#define WHYFLOW_FEATURE_ENGINE_H

#include "base/bytes.h"
#include "base/endpoint.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"
#include "whyflow/statistics.h"

struct feature_engine;

/* Allocates all it will ever use; `settings` is copied. NULL if there is no memory. */
struct feature_engine *feature_engine_open(const struct feature_settings *settings);
void feature_engine_close(struct feature_engine *engine); /* NULL is allowed */

/* The hashes of the flow's endpoints that this room and the behaviour room place and count by. */
void feature_hash_endpoints(struct feature_engine *engine, const struct flow_record *flow,
                            struct endpoint_hashes *hashes);

/* Measures the flow, which counts in its own windows, and remembers it. `hashes`: its own,
 * by feature_hash_endpoints. `vector` is zero or as an earlier call left it: only what differs is
 * written. */
void feature_measure(struct feature_engine *engine, const struct flow_record *flow,
                     const struct endpoint_hashes *hashes, struct feature_vector *vector);

/* For whoever knows flows to come: has the memory fetched that measuring them will need. In this
 * order, a flow or two between each and the next and before the measuring: the tables' cells, the
 * entries these lead to, what the entries lead to, and what that leads to. Where the entries were
 * found is noted beside the hashes. */
void feature_ask_ahead(const struct feature_engine *engine, const struct endpoint_hashes *hashes);
void feature_warm(const struct feature_engine *engine, struct endpoint_hashes *hashes);
void feature_warm_sums(const struct feature_engine *engine, const struct endpoint_hashes *hashes);
void feature_warm_things(const struct feature_engine *engine, const struct endpoint_hashes *hashes);

/* What the vector says of the record alone, as feature_measure does; the rest is zero. */
void feature_derive(struct feature_engine *engine, const struct flow_record *flow,
                    struct feature_vector *vector);

/* Writes what outlives a run: the acquaintances, and when. */
void feature_engine_save(const struct feature_engine *engine, struct byte_writer *writer);

/* Fills an engine that has measured nothing. A first flow within an hour goes on as if there had
 * been no stop; else, be it years later or earlier, the time in between does not count. False, and
 * the reader says why; then close the engine. */
bool feature_engine_load(struct feature_engine *engine, struct byte_reader *reader);

/* Adds the acquaintances of another loaded engine; of two first times the earlier holds. False: no
 * memory. */
bool feature_engine_add(struct feature_engine *engine, const struct feature_engine *other);

/* Sets what is this room's in `counters` (the table above) and adds the bytes of its tables to
 * memory_bytes. Those bytes are the limits', counted; the system backs them as they are used. */
void feature_engine_counters(const struct feature_engine *engine, struct engine_counters *counters);

#endif
