/* SPDX-License-Identifier: Apache-2.0 */
/* Flows by duration and bytes. See the header. */
#include "report/flow_grid.h"

/* In integers, so that a cell is the same on every machine: v is in the upper half of its octave
 * if v^2 >= 2^(2 * octave + 1). */
size_t flow_grid_cell(uint64_t value)
{
    if (value == 0)
        return 0;
    const unsigned octave = 63U - (unsigned)__builtin_clzll(value);
    const unsigned __int128 square = (unsigned __int128)value * value;
    const size_t cell = 1 + 2 * (size_t)octave + (square >> (2 * octave + 1) != 0);
    return cell < FLOW_GRID_CELLS ? cell : FLOW_GRID_CELLS - 1;
}

void flow_grid_add(struct flow_grid *grid, uint64_t duration_us, uint64_t ip_bytes)
{
    grid->counts[flow_grid_cell(duration_us)][flow_grid_cell(ip_bytes)]++;
    grid->flows++;
}
