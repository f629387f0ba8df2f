/* SPDX-License-Identifier: Apache-2.0 */
/* How many flows have which duration and how many bytes, in half octaves: the baseline behind the
 * flagged flows. Cell 0 of an axis is the value 0; cell c > 0 holds values from 2^((c-1)/2) to
 * less than 2^(c/2). A fixed size whatever the input. Owned by the collection, on
 * whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_FLOW_GRID_H
#define WHYFLOW_REPORT_FLOW_GRID_H

#include <stddef.h>
#include <stdint.h>

enum { FLOW_GRID_CELLS = 90 };

struct flow_grid {
    uint64_t counts[FLOW_GRID_CELLS][FLOW_GRID_CELLS]; /* [duration][bytes] */
    uint64_t flows;
};

void flow_grid_add(struct flow_grid *grid, uint64_t duration_us, uint64_t ip_bytes);

/* The cell of an axis that holds a value; what is beyond the last cell is in the last. */
size_t flow_grid_cell(uint64_t value);

#endif
