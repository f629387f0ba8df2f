/* SPDX-License-Identifier: Apache-2.0 */
/* Parts in all their forms against counts kept whole from the first flow on: random flows, some of
 * them a part's only one, with equal and with unequal moments, over halves, silences and steps
 * back; entries that come and go, so that blocks are used again. */
#include "tests/support/unit.h"

#include "behaviour/parts.h"

#include <string.h>

/* ---- what parts must say ------------------------------------------------------------------- */

struct plain_half {
    int64_t first_ns, last_ns;
    uint64_t count, sum;
    bool has[SPREAD_BITS];
};

/* A tally and a spread in one, of two halves. */
struct plain {
    int64_t began_ns;
    struct plain_half halves[2];
};

static void plain_advance(struct plain *plain, int64_t now_ns, int64_t half_ns)
{
    if (plain->halves[0].count == 0 || now_ns - plain->began_ns < half_ns)
        return;
    const bool is_next = now_ns - plain->began_ns < 2 * half_ns;
    plain->halves[1] = is_next ? plain->halves[0] : (struct plain_half){.count = 0};
    plain->halves[0] = (struct plain_half){.count = 0};
    plain->began_ns = is_next ? plain->began_ns + half_ns : now_ns;
}

/* Returns whether the thing was new. */
static unsigned plain_count(struct plain *plain, struct moment moment, const struct span *span,
                            uint64_t amount, uint8_t thing)
{
    const int64_t now_ns = span->is_by_start ? moment.start_ns : moment.now_ns;
    plain_advance(plain, now_ns, span->half_ns);
    struct plain_half *const half = &plain->halves[0];
    if (half->count == 0 && plain->halves[1].count == 0)
        plain->began_ns = now_ns;
    if (half->count == 0 || moment.start_ns < half->first_ns)
        half->first_ns = moment.start_ns;
    if (half->count == 0 || moment.start_ns > half->last_ns)
        half->last_ns = moment.start_ns;
    half->count++;
    half->sum += amount;
    const bool is_new = !half->has[thing] && !plain->halves[1].has[thing];
    half->has[thing] = true;
    return is_new;
}

static int64_t plain_first_ns(const struct plain *plain)
{
    const struct plain_half *const now = &plain->halves[0], *const before = &plain->halves[1];
    return before->count > 0 && before->first_ns < now->first_ns ? before->first_ns : now->first_ns;
}

static int64_t plain_last_ns(const struct plain *plain)
{
    const struct plain_half *const now = &plain->halves[0], *const before = &plain->halves[1];
    return before->count > 0 && before->last_ns > now->last_ns ? before->last_ns : now->last_ns;
}

/* By the spread that is always whole: its own error is tested elsewhere. */
static uint32_t plain_things(const struct plain *plain)
{
    struct spread spread = {.bits_set = 0};
    for (unsigned i = 0; i < SPREAD_BITS; i++)
        if (plain->halves[0].has[i] || plain->halves[1].has[i])
            (void)spread_note(&spread, (struct moment){0, 0}, (uint8_t)i, 1);
    return spread_count(&spread);
}

/* ---- random flows -------------------------------------------------------------------------- */

enum { ENTRIES = 8, STEPS = UNIT_ROUNDS(200000), THINGS = 300 };

struct entry {
    struct moment birth;
    struct tally_part tally;
    struct spread_part spread;
    struct plain plain;
};

struct world {
    uint64_t random;
    struct span span;
    struct moment moment;
    struct parts parts;
    struct entry entries[ENTRIES];
    unsigned soles, blocks;
};

static uint64_t random_below(struct world *world, uint64_t limit)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % limit;
}

/* Mostly a little later, often not at all, now and then a silence; starts in any order. */
static void move_on(struct world *world)
{
    static const uint64_t steps[] = {0, 0, 1, 10, 300, 700, 1500, 5000};
    world->moment.now_ns += (int64_t)steps[random_below(world, 8)];
    if (random_below(world, 3) > 0)
        world->moment.start_ns = world->moment.now_ns - (int64_t)random_below(world, 1200);
}

static uint64_t random_amount(struct world *world)
{
    static const uint64_t bounds[] = {2, 1500, UINT64_C(1) << 31, UINT64_C(1) << 40};
    return random_below(world, bounds[random_below(world, 4)]) + random_below(world, 2);
}

static void forget(struct world *world, struct entry *entry)
{
    tally_part_release(&world->parts, entry->tally);
    spread_part_release(&world->parts, entry->spread);
    memset(entry, 0, sizeof *entry);
}

static void check(const struct world *world, const struct entry *entry)
{
    const struct parts *const parts = &world->parts;
    const struct plain *const plain = &entry->plain;
    const struct moment *const birth = &entry->birth;
    ck_assert_uint_eq(tally_part_count(parts, entry->tally),
                      plain->halves[0].count + plain->halves[1].count);
    ck_assert_uint_eq(tally_part_sum(parts, entry->tally),
                      plain->halves[0].sum + plain->halves[1].sum);
    ck_assert_int_eq(tally_part_first_ns(parts, entry->tally, birth), plain_first_ns(plain));
    ck_assert_int_eq(tally_part_last_ns(parts, entry->tally, birth), plain_last_ns(plain));
    ck_assert_uint_eq(spread_part_count(parts, entry->spread), plain_things(plain));
    ck_assert_int_eq(spread_part_first_ns(parts, entry->spread, birth), plain_first_ns(plain));
}

static void count(struct world *world, struct entry *entry)
{
    const struct moment *const birth = &entry->birth;
    const uint64_t amount = random_amount(world);
    const uint8_t thing = (uint8_t)random_below(world, THINGS);
    const unsigned is_new = plain_count(&entry->plain, world->moment, &world->span, amount, thing);
    tally_part_add(&world->parts, &entry->tally, birth, &world->moment, &world->span, amount);
    ck_assert_uint_eq(
        spread_part_note(&world->parts, &entry->spread, birth, &world->moment, &world->span, thing),
        is_new);
    check(world, entry);
    world->soles += (entry->spread.state & PART_SOLE) != 0;
    world->blocks += (entry->spread.state & PART_SOLE) == 0;
}

/* An entry is brought in by a flow that need not count in its parts. */
static void step(struct world *world)
{
    struct entry *const entry = &world->entries[random_below(world, ENTRIES)];
    move_on(world);
    if (random_below(world, 6) == 0) {
        forget(world, entry);
        entry->birth = world->moment;
        check(world, entry);
        if (random_below(world, 4) == 0)
            return;
    }
    count(world, entry);
}

static void run(uint64_t seed, bool is_by_start)
{
    static struct world world;
    world = (struct world){.random = seed, .span = {1000, is_by_start}};
    ck_assert(parts_init(&world.parts, ENTRIES, ENTRIES));
    for (unsigned i = 0; i < STEPS; i++) {
        step(&world);
        if (i % 5000 == 4999) {
            parts_clear(&world.parts);
            memset(world.entries, 0, sizeof world.entries);
        }
    }
    ck_assert_uint_ge(world.soles, STEPS / 20);
    ck_assert_uint_ge(world.blocks, STEPS / 20);
    parts_deinit(&world.parts);
}

START_TEST(parts_say_what_counts_kept_whole_say)
{
    run(88172645463325252, false);
    run(362436069362436069, true);
}
END_TEST

/* There are no more blocks than entries in the runs above: a block not given back would be missing
 * there. Here none is taken at all. */
START_TEST(one_flow_an_entry_takes_no_block)
{
    const struct span span = {1000, false};
    const struct moment moment = {7, 5};
    struct parts parts;
    ck_assert(parts_init(&parts, 1, 1));
    for (unsigned i = 0; i < 1000; i++) {
        struct tally_part tally = {0};
        struct spread_part spread = {0};
        tally_part_add(&parts, &tally, &moment, &moment, &span, 40);
        ck_assert_uint_eq(spread_part_note(&parts, &spread, &moment, &moment, &span, (uint8_t)i),
                          1);
    }
    ck_assert_uint_eq(item_pool_available(&parts.tally_places), 1);
    ck_assert_uint_eq(item_pool_available(&parts.spread_places), 1);
    parts_deinit(&parts);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("behaviour_parts");
    TCase *const test_case = tcase_create("behaviour_parts");
    tcase_set_timeout(test_case, 120);
    tcase_add_test(test_case, parts_say_what_counts_kept_whole_say);
    tcase_add_test(test_case, one_flow_an_entry_takes_no_block);
    suite_add_tcase(suite, test_case);
    return suite;
}
