/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of scores under a baseline that stands still, each worked out once: in capture mode after
 * all was learnt, online between the seconds at which lessons are learnt. Called by the model; the
 * engine's thread owns it.
 *
 * A part depends on direction, service, own weight and the feature's own outcome alone. So for the
 * first three together there is a row: the milli-bits of each feature's outcomes, filled in as they
 * are asked for, and a score is one look-up a feature instead of three logarithms. What a row says
 * is what baseline_surprise says, to the last bit.
 *
 * A row has one place, by its hash, and replaces what is there: captures have few services and most
 * flows the weight of a first one. Of 21,000 flows of a busy network 1,048 rows. */
#ifndef WHYFLOW_ANOMALY_SURPRISE_TABLE_H
#define WHYFLOW_ANOMALY_SURPRISE_TABLE_H

#include "anomaly/baseline.h"

enum { SURPRISE_ROWS_CAPTURE = 1024, SURPRISE_ROWS_ONLINE = 256 };

struct surprise_table;

/* `rows`: a power of two. NULL: no memory. */
struct surprise_table *surprise_table_open(size_t rows);
void surprise_table_close(struct surprise_table *table); /* NULL is allowed */

/* Forgets all: the baseline has changed. */
void surprise_table_clear(struct surprise_table *table);

/* Weighted milli-bits of each feature of a flow that lies at `place`, `own` left out. */
void surprise_table_mbits(struct surprise_table *table, const struct baseline *baseline,
                          const struct baseline_place *place, struct baseline_weights own,
                          int32_t mbits[FEATURE_COUNT]);

uint64_t surprise_table_memory_bytes(const struct surprise_table *table);

#endif
