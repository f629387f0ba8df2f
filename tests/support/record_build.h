/* SPDX-License-Identifier: Apache-2.0 */
/* Builds records for tests of the explain and format rooms: the second of the two sample flows, as
 * whyflow measures it, and one in which every part is as long as it can be. */
#ifndef WHYFLOW_TESTS_RECORD_BUILD_H
#define WHYFLOW_TESTS_RECORD_BUILD_H

#include "whyflow/record.h"

#include <stdbool.h>

/* An alert on UDP 74.81.88.82:51413 to 158.129.80.19:29862, explained against 12,345 flows. */
void record_build_sample(struct record *record);

/* An alert with IPv6 ends, both directions, all features, all caveats, longest numbers. */
void record_build_longest(struct record *record);

/* Makes columns, caveats, reasons and prose of the flow, features and verdict in the record, each
 * of its reasons against made-up evidence. The contributions are made to add up to the score. */
void record_build_explain(struct record *record, uint64_t compared_flows, bool stands_out);

/* Statistics whose sums hold, every counter another number. */
void record_build_statistics(struct record *record);

#endif
