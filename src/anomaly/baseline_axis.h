/* SPDX-License-Identifier: Apache-2.0 */
/* How a numeric value becomes a cell: its bin, and the step within the axis that is nearest. For
 * the baseline, which owns the axes; constant once open, any thread.
 *
 * A magnitude's cell is a step function of its logarithm, and cells change at most once within a
 * piece of an axis that is so narrow. So an axis is a table by the first bits of 1 + value, as a
 * double has them: the cell where a piece begins, and where in the piece the next one does. Made of
 * the logarithm itself (log2_table.h), it gives the same cells to the last bit, without
 * multiplying. 32 to 128 pieces an octave, 68 kB for eight axes, which features share; of these
 * what traffic has values in is looked at. */
#ifndef WHYFLOW_ANOMALY_BASELINE_AXIS_H
#define WHYFLOW_ANOMALY_BASELINE_AXIS_H

#include "anomaly/baseline.h"

#include <string.h>

/* Of a double the exponent and 32 bits of fraction tell: log2_table_fraction reads no more. */
enum { AXIS_KEY_BITS = 32, AXIS_DOUBLE_BITS = 52 };

/* The place on an axis, in 1/4096 of a bin. */
enum { AXIS_PLACES_PER_BIN = 4096, AXIS_PLACE_MAX = BASELINE_BIN_COUNT * AXIS_PLACES_PER_BIN - 1 };

/* From `edge` on (a key's last 32 bits) the cell is one more. Where none begins, every key is
 * beyond the edge and `cell` one less. */
struct axis_piece {
    uint32_t edge, cell;
};

/* 40 bytes: where a feature's axis is takes no multiplication. */
struct baseline_axis {
    const struct axis_piece *pieces; /* LOG2 */
    union {
        double least; /* LOG2: what lies outside lies in the cell of this or of `most` */
        double low;   /* LINEAR */
    };
    union {
        double most;
        double places_per_unit; /* LINEAR */
    };
    uint64_t first_key; /* of `least` */
    unsigned shift;     /* of a key, to its piece */
};
_Static_assert(sizeof(struct baseline_axis) == 40, "eight times five");

struct baseline_axes {
    struct baseline_axis axis[BASELINE_NUMERIC_COUNT];
    struct axis_piece *pieces;
    size_t piece_count;
};

/* False: no memory. */
bool baseline_axes_init(struct baseline_axes *axes, const struct log2_table *table);
void baseline_axes_deinit(struct baseline_axes *axes);

/* The cell at a place. */
static inline unsigned axis_cell_at(unsigned place)
{
    const unsigned step = (place + AXIS_PLACES_PER_BIN / 32) / (AXIS_PLACES_PER_BIN / 16);
    return place / AXIS_PLACES_PER_BIN + step;
}

/* Outside the range, the cell at that end. NaN counts as the low end. */
static inline unsigned axis_linear_cell(const struct baseline_axis *axis, double value)
{
    const double place = (value - axis->low) * axis->places_per_unit;
    if (!(place > 0))
        return axis_cell_at(0);
    return axis_cell_at(place < AXIS_PLACE_MAX ? (unsigned)place : (unsigned)AXIS_PLACE_MAX);
}

/* The same of a magnitude. */
static inline unsigned axis_log2_cell(const struct baseline_axis *axis, double value)
{
    const double from_least = value > axis->least ? value : axis->least;
    const double above = 1 + (from_least < axis->most ? from_least : axis->most);
    uint64_t bits;
    memcpy(&bits, &above, sizeof bits);
    const uint64_t key = (bits >> (AXIS_DOUBLE_BITS - AXIS_KEY_BITS)) - axis->first_key;
    const struct axis_piece piece = axis->pieces[key >> axis->shift];
    return piece.cell + ((uint32_t)key >= piece.edge);
}

#endif
