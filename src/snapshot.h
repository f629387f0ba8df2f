/* SPDX-License-Identifier: Apache-2.0 */
/* A saved baseline is put together here from what the rooms make of themselves: a head, the parts
 * of the anomaly and the feature room, a checksum. Called by engine.c, on the thread that owns the
 * engine, and for merging by the program; never per flow.
 *
 * The checksum is SHA-1: in the tree already, and it misses nothing that a disk or a copy breaks,
 * where a CRC of 32 bits misses one in 4 x 10^9 of what breaks at random. Rejected: SipHash, whose
 * key would have to be public (it is made to hide, not to check), and signatures: who can write the
 * file can make a valid one. So the rooms check every number besides. */
#ifndef WHYFLOW_SNAPSHOT_PARTS_H
#define WHYFLOW_SNAPSHOT_PARTS_H

#include "anomaly/anomaly.h"
#include "feature/feature.h"
#include "whyflow/snapshot.h"

/* Raise it when the layout changes, or what a number in it means: a formula of features or scores.
 */
enum { SNAPSHOT_VERSION = 1 };

/* False: no memory. */
bool snapshot_make(const struct anomaly_model *model, const struct feature_engine *features,
                   struct snapshot *snapshot);

/* Fills a model and an engine that are new. False, and one line in `error`; then close both. */
bool snapshot_read(const struct snapshot *snapshot, struct anomaly_model *model,
                   struct feature_engine *features, char *error, size_t error_size);

#endif
