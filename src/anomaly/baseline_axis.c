/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/baseline_axis.h"

#include <assert.h>
#include <stdlib.h>

enum { DOUBLE_BIAS = 1023, OCTAVE_PIECES_LEAST_BITS = 5 };

/* Cells are half a step apart where a bin begins between two steps, else a step. */
enum { HALF_STEPS = 2 * (BASELINE_STEP_COUNT - 1) };

static unsigned octaves_of(const struct feature_info *info)
{
    return (unsigned)(info->high - info->low);
}

/* Pieces of an octave, as bits: the first of them, the widest, spans log2(1 + 2^-bits) octaves,
 * which is below 1.443 * 2^-bits, and must not span half a step. */
static unsigned piece_bits(unsigned octaves)
{
    unsigned bits = OCTAVE_PIECES_LEAST_BITS;
    while ((uint64_t)octaves * 1000 << bits < 1443 * HALF_STEPS)
        bits++;
    return bits;
}

/* Where the cell after this one begins: at a bin, or half-way between two steps. */
static unsigned place_after(unsigned cell)
{
    const unsigned bin = cell / BASELINE_CELLS_PER_BIN, in_bin = cell % BASELINE_CELLS_PER_BIN;
    return bin * AXIS_PLACES_PER_BIN +
           (in_bin + 1 == BASELINE_CELLS_PER_BIN
                ? AXIS_PLACES_PER_BIN
                : in_bin * (AXIS_PLACES_PER_BIN / 16) + AXIS_PLACES_PER_BIN / 32);
}

/* What a table is made of. A place is logarithm * bins_per_octave in 1/4096 of a bin, rounded down;
 * both factors are in 2^-24, the second rounded up, so that a value on an edge is above it. */
struct scale {
    const struct log2_table *table;
    uint64_t bins_per_octave;
};

/* The first key above the axis's low end that is beyond this cell. */
static int64_t key_after(const struct scale *scale, unsigned cell)
{
    if (cell == BASELINE_CELL_MISSING - 1)
        return INT64_MAX;
    const uint64_t product = (uint64_t)place_after(cell) << (2 * LOG2_FRACTION_BITS - 12);
    const uint64_t log2 = (product + scale->bins_per_octave - 1) / scale->bins_per_octave;
    return (int64_t)log2_table_least(scale->table, log2);
}

static void fill_pieces(const struct baseline_axis *axis, const struct scale *scale,
                        int64_t key_end, struct axis_piece *pieces)
{
    unsigned cell = 0;
    int64_t edge = key_after(scale, cell);
    for (int64_t end = 0; end < key_end; pieces++) {
        end += INT64_C(1) << axis->shift;
        if (edge >= end) {
            *pieces = (struct axis_piece){.edge = 0, .cell = cell - 1};
            continue;
        }
        *pieces = (struct axis_piece){.edge = (uint32_t)edge, .cell = cell};
        edge = key_after(scale, ++cell);
        assert(edge >= end);
    }
}

static void init_log2(struct baseline_axis *axis, const struct feature_info *info,
                      const struct log2_table *table, struct axis_piece *pieces)
{
    const unsigned octaves = octaves_of(info);
    const uint64_t bins = (uint64_t)BASELINE_BIN_COUNT << LOG2_FRACTION_BITS;
    const struct scale scale = {table, (bins + octaves - 1) / octaves};
    axis->pieces = pieces;
    axis->shift = AXIS_KEY_BITS - piece_bits(octaves);
    axis->first_key = (DOUBLE_BIAS + (uint64_t)info->low) << AXIS_KEY_BITS;
    axis->least = (double)(UINT64_C(1) << (unsigned)info->low) - 1;
    /* A millionth below its high end: the last cell begins a hundredth below. */
    axis->most = (double)(UINT64_C(1) << (unsigned)info->high) * (1 - 0x1p-20) - 1;
    fill_pieces(axis, &scale, (int64_t)octaves << AXIS_KEY_BITS, pieces);
}

static bool same_axis(const struct feature_info *one, const struct feature_info *other)
{
    return one->scale == other->scale && one->low == other->low && one->high == other->high;
}

/* The feature whose table this one has: the first with such an axis. */
static unsigned owner_of(unsigned j)
{
    unsigned i = 0;
    while (!same_axis(&feature_infos[i], &feature_infos[j]))
        i++;
    return i;
}

static size_t piece_count(unsigned j)
{
    const unsigned octaves = octaves_of(&feature_infos[j]);
    const bool has_table = feature_infos[j].scale == FEATURE_SCALE_LOG2 && owner_of(j) == j;
    return has_table ? (size_t)octaves << piece_bits(octaves) : 0;
}

bool baseline_axes_init(struct baseline_axes *axes, const struct log2_table *table)
{
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++)
        axes->piece_count += piece_count(j);
    struct axis_piece *pieces = axes->pieces = calloc(axes->piece_count, sizeof *axes->pieces);
    for (unsigned j = 0; pieces != NULL && j < BASELINE_NUMERIC_COUNT; j++) {
        const struct feature_info *const info = &feature_infos[j];
        struct baseline_axis *const axis = &axes->axis[j];
        if (owner_of(j) != j) {
            *axis = axes->axis[owner_of(j)];
        } else if (info->scale == FEATURE_SCALE_LINEAR) {
            axis->low = info->low;
            axis->places_per_unit =
                AXIS_PLACES_PER_BIN * (BASELINE_BIN_COUNT / (info->high - info->low));
        } else {
            assert((double)(int64_t)info->low == info->low);
            init_log2(axis, info, table, pieces);
            pieces += piece_count(j);
        }
    }
    return pieces != NULL;
}

void baseline_axes_deinit(struct baseline_axes *axes)
{
    free(axes->pieces);
}
