/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct counts: exact below 16 in each horizon, close above, and the pool of sketches. */
#include "base/siphash.h"
#include "feature/distinct.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>

static const uint64_t KEY[2] = {0x1234, 0x5678};

static uint32_t hash_of(uint64_t thing)
{
    return (uint32_t)siphash13(KEY, &thing, sizeof thing);
}

static struct distinct_counts note(struct distinct *distinct, struct distinct_pool *pool,
                                   uint64_t thing, const struct horizon *horizon)
{
    distinct_note(distinct, pool, hash_of(thing), horizon);
    return distinct_count(distinct, pool, horizon);
}

START_TEST(sixteen_things_are_counted_exactly_without_a_sketch)
{
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 64, 2));
    struct distinct distinct = {.count = 0};
    for (uint64_t i = 1; i <= 64; i++) {
        const struct horizon horizon = {.now = i, .window = 1, .ten_minutes = 1};
        const struct distinct_counts counts = note(&distinct, &pool, i % 16, &horizon);
        ck_assert_uint_eq(counts.window, i < 16 ? i : 16);
        ck_assert_uint_eq(counts.ten_minutes, i < 16 ? i : 16);
        ck_assert_uint_eq(distinct.sketch, 0);
    }
    distinct_pool_deinit(&pool);
}
END_TEST

START_TEST(window_is_exact_again_after_a_burst)
{
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 64, 2));
    struct distinct distinct = {.count = 0};
    for (uint64_t i = 1; i <= 500; i++)
        note(&distinct, &pool, i, &(struct horizon){.now = i, .window = 1, .ten_minutes = 1});
    for (uint64_t i = 501; i <= 515; i++) {
        const struct horizon horizon = {.now = i, .window = 501, .ten_minutes = 1};
        const struct distinct_counts counts = note(&distinct, &pool, i % 9, &horizon);
        ck_assert_uint_eq(counts.window, i - 500 < 9 ? i - 500 : 9);
        ck_assert_uint_gt(counts.ten_minutes, 250);
    }
    const struct horizon later = {.now = 900, .window = 900, .ten_minutes = 510};
    ck_assert_uint_eq(note(&distinct, &pool, 1000, &later).ten_minutes, 7);
    ck_assert_uint_eq(distinct.sketch, 0); /* given back */
    distinct_pool_deinit(&pool);
}
END_TEST

/* Relative error of the estimate for `things` distinct ones inside the window, after as many
 * others before it. */
static double error_of(uint64_t things, uint64_t first_thing, struct distinct_pool *pool)
{
    struct distinct distinct = {.count = 0};
    struct distinct_counts counts = {.window = 0};
    for (uint64_t i = 1; i <= 2 * things; i++) {
        const struct horizon horizon = {
            .now = i, .window = i > things ? things + 1 : 1, .ten_minutes = 1};
        counts = note(&distinct, pool, first_thing + i, &horizon);
    }
    distinct_release(&distinct, pool);
    const double both = (double)counts.ten_minutes / (2 * (double)things) - 1;
    ck_assert_msg(fabs(both) < 0.5, "%u for %u", counts.ten_minutes, (unsigned)(2 * things));
    return (double)counts.window / (double)things - 1;
}

/* The standard error is 1.04 / sqrt(64) = 13 %; the mean over 40 runs may be off by a third. */
START_TEST(estimates_are_within_the_sketchs_error)
{
    static const uint64_t sizes[] = {17, 30, 60, 100, 200, 500, 2000, 10000, 40000};
    enum { RUNS = 40 };
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 64, 1));
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
        double sum = 0, squares = 0;
        for (uint64_t run = 0; run < RUNS; run++) {
            const double error = error_of(sizes[size], run * 1000000, &pool);
            sum += error;
            squares += error * error;
        }
        ck_assert_msg(fabs(sum / RUNS) < 0.08, "bias %g at %u", sum / RUNS, (unsigned)sizes[size]);
        ck_assert_msg(sqrt(squares / RUNS) < 0.18, "error %g at %u", sqrt(squares / RUNS),
                      (unsigned)sizes[size]);
    }
    distinct_pool_deinit(&pool);
}
END_TEST

START_TEST(list_comes_with_the_third_thing_and_goes_when_one_is_left)
{
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 1, 1)); /* one list: it must come back to be had again */
    struct distinct sets[2] = {{.count = 0}, {.count = 0}};
    for (uint64_t i = 1; i <= 6; i++) {
        const struct horizon horizon = {.now = i, .window = 1, .ten_minutes = 1};
        ck_assert_uint_eq(note(&sets[0], &pool, i % 2, &horizon).window, i < 2 ? i : 2);
        ck_assert_uint_eq(sets[0].list, 0);
    }
    const struct horizon third = {.now = 7, .window = 1, .ten_minutes = 1};
    ck_assert_uint_eq(note(&sets[0], &pool, 7, &third).window, 3);
    ck_assert_uint_ne(sets[0].list, 0);
    const struct horizon later = {.now = 8, .window = 8, .ten_minutes = 7};
    const struct distinct_counts counts = note(&sets[0], &pool, 8, &later);
    ck_assert_uint_eq(counts.window, 1);
    ck_assert_uint_eq(counts.ten_minutes, 2); /* the seventh was taken back out of the list */
    ck_assert_uint_eq(sets[0].list, 0);
    for (uint64_t i = 9; i <= 12; i++)
        note(&sets[1], &pool, i, &(struct horizon){.now = i, .window = 9, .ten_minutes = 9});
    ck_assert_uint_ne(sets[1].list, 0);
    distinct_release(&sets[1], &pool);
    ck_assert_uint_eq(sets[1].list, 0);
    distinct_pool_deinit(&pool);
}
END_TEST

START_TEST(empty_pool_takes_from_the_least_recently_used)
{
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 64, 2));
    struct distinct sets[3] = {{.count = 0}, {.count = 0}, {.count = 0}};
    uint64_t now = 0;
    for (unsigned set = 0; set < 3; set++) {
        for (uint64_t thing = 0; thing < 40; thing++, now++)
            note(&sets[set], &pool, thing,
                 &(struct horizon){.now = now + 1, .window = 1, .ten_minutes = 1});
        if (set == 1) /* the first is used again */
            note(&sets[0], &pool, 99,
                 &(struct horizon){.now = ++now, .window = 1, .ten_minutes = 1});
    }
    ck_assert_uint_ne(sets[0].sketch, 0);
    ck_assert_uint_eq(sets[1].sketch, SKETCH_LOST);
    ck_assert_uint_ne(sets[2].sketch, 0);
    ck_assert_uint_eq(pool.sketches.evicted, 1);
    const struct horizon horizon = {.now = now + 1, .window = 1, .ten_minutes = 1};
    ck_assert_uint_eq(distinct_count(&sets[1], &pool, &horizon).window, 16);
    distinct_release(&sets[0], &pool);
    note(&sets[1], &pool, 1000, &horizon);
    ck_assert_uint_ne(sets[1].sketch, 0); /* the one that was given back */
    ck_assert(distinct_is_cut(&sets[1], &pool, &horizon));
    ck_assert(!distinct_is_cut(&sets[0], &pool, &horizon));
    const struct horizon later = {.now = now + 900, .window = now + 2, .ten_minutes = now + 2};
    ck_assert(!distinct_is_cut(&sets[1], &pool, &later));
    ck_assert_uint_eq(pool.sketches.evicted, 1);
    distinct_pool_deinit(&pool);
}
END_TEST

START_TEST(list_survives_the_wrap_of_flow_numbers)
{
    struct distinct_pool pool;
    ck_assert(distinct_pool_init(&pool, 64, 2));
    struct distinct distinct = {.count = 0};
    const uint64_t start = UINT64_C(0xfffffff0);
    struct distinct_counts counts = {.window = 0};
    for (uint64_t i = 0; i < 100; i++)
        counts = note(&distinct, &pool, i,
                      &(struct horizon){.now = start + i,
                                        .window = start + (i > 9 ? i - 9 : 0),
                                        .ten_minutes = start});
    ck_assert_uint_eq(counts.window, 10);
    ck_assert_uint_gt(counts.ten_minutes, 50);
    const uint64_t far = start + (UINT64_C(1) << 32) + 99;
    counts = note(&distinct, &pool, 7,
                  &(struct horizon){.now = far, .window = far - 200, .ten_minutes = far - 300});
    ck_assert_uint_eq(counts.ten_minutes, 1);
    distinct_pool_deinit(&pool);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature distinct");
    TCase *counts = tcase_create("counts");
    tcase_set_timeout(counts, 60);
    tcase_add_test(counts, sixteen_things_are_counted_exactly_without_a_sketch);
    tcase_add_test(counts, window_is_exact_again_after_a_burst);
    tcase_add_test(counts, estimates_are_within_the_sketchs_error);
    tcase_add_test(counts, list_comes_with_the_third_thing_and_goes_when_one_is_left);
    tcase_add_test(counts, empty_pool_takes_from_the_least_recently_used);
    tcase_add_test(counts, list_survives_the_wrap_of_flow_numbers);
    suite_add_tcase(suite, counts);
    return suite;
}
