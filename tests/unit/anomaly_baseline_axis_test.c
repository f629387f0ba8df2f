/* SPDX-License-Identifier: Apache-2.0 */
/* A value's cell is that of its logarithm, wherever on the axis it lies. */
#include "anomaly/baseline_axis.h"

#include "tests/support/unit.h"

#include <math.h>

static struct log2_table table;
static struct baseline_axes axes;

static void setup(void)
{
    log2_table_init(&table);
    ck_assert(baseline_axes_init(&axes, &table));
}

static void teardown(void)
{
    baseline_axes_deinit(&axes);
    memset(&axes, 0, sizeof axes);
}

/* Straight from the logarithm of a double. */
static unsigned plain_cell(const struct feature_info *info, double value)
{
    const double above = 1 + (value > 0 ? value < 0x1p62 ? value : 0x1p62 : 0);
    const double scaled = BASELINE_BIN_COUNT / (info->high - info->low) * LOG2_ONE;
    uint64_t bits;
    memcpy(&bits, &above, sizeof bits);
    const int64_t log2 =
        ((int64_t)(bits >> 52) - 1023) * LOG2_ONE + log2_table_fraction(&table, bits, 53);
    const int64_t place = (log2 - (int64_t)info->low * LOG2_ONE) * (int64_t)ceil(scaled) >> 36;
    return axis_cell_at(place < 0 ? 0 : place < AXIS_PLACE_MAX ? (unsigned)place : AXIS_PLACE_MAX);
}

static void check(unsigned j, double value)
{
    const unsigned cell = axis_log2_cell(&axes.axis[j], value);
    if (cell != plain_cell(&feature_infos[j], value)) /* an assert of each would take seconds */
        ck_abort_msg("%s %.17g: %u", feature_infos[j].name, value, cell);
}

/* The doubles just below and above it too. */
static void check_around(unsigned j, double value)
{
    check(j, value);
    check(j, nextafter(value, 0));
    check(j, nextafter(value, INFINITY));
}

START_TEST(cell_of_a_magnitude_is_that_of_its_logarithm)
{
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++) {
        if (feature_infos[j].scale != FEATURE_SCALE_LOG2)
            continue;
        for (int power = -8; power < 70; power++)
            for (int part = 0; part < 64; part++) {
                const double number = ldexp(64 + part, power - 6);
                check_around(j, number);
                check_around(j, number - 1);
            }
        for (double octave = 0; octave < 64; octave += 1. / 1024)
            check_around(j, exp2(octave) - 1);
        for (unsigned i = 0; i < axes.piece_count; i++) /* its own edges, and others' */
            check_around(j, ldexp(1 + ldexp(axes.pieces[i].edge, -32), (int)(i % 41)) - 1);
        check(j, NAN);
        check(j, INFINITY);
        check(j, -INFINITY);
        check(j, -0.0);
    }
}
END_TEST

START_TEST(cell_of_a_share_is_a_bin_and_a_step)
{
    const struct baseline_axis *const axis = &axes.axis[FEATURE_PAYLOAD_SHARE]; /* 0 to 1 */
    ck_assert_uint_eq(axis_linear_cell(axis, NAN), 0);
    ck_assert_uint_eq(axis_linear_cell(axis, -1), 0);
    ck_assert_uint_eq(axis_linear_cell(axis, 0), 0);
    ck_assert_uint_eq(axis_linear_cell(axis, 0.5), 8 + 128);
    ck_assert_uint_eq(axis_linear_cell(axis, nextafter(0.5, 0)), 7 + 128);
    ck_assert_uint_eq(axis_linear_cell(axis, 1), 15 + 256);
    ck_assert_uint_eq(axis_linear_cell(axis, INFINITY), 15 + 256);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *cases = tcase_create("axis");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, cell_of_a_magnitude_is_that_of_its_logarithm);
    tcase_add_test(cases, cell_of_a_share_is_a_bin_and_a_step);
    Suite *suite = suite_create("anomaly_baseline_axis");
    suite_add_tcase(suite, cases);
    return suite;
}
