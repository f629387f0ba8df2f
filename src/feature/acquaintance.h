/* SPDX-License-Identifier: Apache-2.0 */
/* Acquaintances: which source has known which destination since when, and which destination has had
 * which service. They are what this room saves between runs: without them every pair would be new
 * after a restart. Everything else it remembers is over in ten minutes. Called by feature.c when a
 * baseline is saved, loaded or merged; the thread that calls feature_measure.
 *
 * The layout stands in docs/baseline-format.md: entries in order of use, the least recent first, so
 * that whoever loads them forgets in the same order. */
#ifndef WHYFLOW_FEATURE_ACQUAINTANCE_H
#define WHYFLOW_FEATURE_ACQUAINTANCE_H

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/recent_table.h"

/* Two tables of a feature engine: of struct pair and of struct offer. */
struct acquaintances {
    struct recent_table *pairs, *offers;
    const struct endpoint_hasher *hasher; /* says where hosts lie */
};

void acquaintance_write(const struct acquaintances *known, struct byte_writer *writer);

/* Into empty tables. Nothing may be known since later than now_ns. If it is refused the tables may
 * hold a part. */
bool acquaintance_read(const struct acquaintances *known, int64_t now_ns,
                       struct byte_reader *reader);

/* Moves every first time by shift_ns. */
void acquaintance_shift(const struct acquaintances *known, int64_t shift_ns);

/* Adds what others know: of two first times the earlier. The order of use becomes that of (first
 * time, key), whatever was added first; beyond a table's limit those known longest are left out.
 * False: no memory. */
bool acquaintance_add(const struct acquaintances *known, const struct acquaintances *other);

#endif
