/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded table against a naive oracle: an array of (key, last use) that forgets the least. */
#include "base/recent_touch.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 37, KEYS = 90, STEPS = 30000 };

struct thing {
    struct recent_entry entry;
    uint32_t key; /* never 0: that is the entry that never leaves */
    uint32_t uses;
};

struct oracle {
    uint64_t last[KEYS + 1], inserted[KEYS + 1]; /* 0: not there */
    uint32_t uses[KEYS + 1];
    uint32_t count;
    uint64_t evicted, lost;
    uint32_t forgotten; /* key of the last one */
};

static bool note_forgotten(void *context, struct recent_entry *entry)
{
    *(uint32_t *)context = ((struct thing *)entry)->key;
    return ((struct thing *)entry)->uses % 2 == 0;
}

static const struct recent_kind THINGS = {sizeof(struct thing), sizeof(uint32_t), note_forgotten,
                                          NULL};
static const struct recent_kind PLAIN_THINGS = {sizeof(struct thing), sizeof(uint32_t), NULL, NULL};

static void oracle_evict(struct oracle *oracle, uint64_t now)
{
    uint32_t oldest = 0;
    for (uint32_t key = 1; key <= KEYS; key++)
        if (oracle->last[key] > 0 && (oldest == 0 || oracle->last[key] < oracle->last[oldest]))
            oldest = key;
    oracle->last[oldest] = 0;
    oracle->forgotten = oldest;
    oracle->evicted++;
    oracle->count--;
    if (oracle->uses[oldest] % 2 == 0)
        oracle->lost = now;
}

/* Returns what the entry's `lost` is if it is new. */
static uint64_t oracle_touch(struct oracle *oracle, uint32_t key, uint64_t now)
{
    const uint64_t lost = oracle->lost;
    if (oracle->last[key] == 0) {
        if (oracle->count == LIMIT)
            oracle_evict(oracle, now);
        oracle->count++;
        oracle->inserted[key] = now;
        oracle->uses[key] = 0;
    }
    oracle->last[key] = now;
    oracle->uses[key]++;
    return lost;
}

/* With a `hashes` of 0 by the table's own hash, else by one of so few that cells lie far behind
 * where their hash puts them. What was found before is of any age, and often another's place by
 * now. In line and not. */
static struct thing *touch(struct recent_table *table, uint32_t key, uint64_t now, uint32_t hashes)
{
    static uint32_t found[KEYS + 1];
    struct recent_lookup lookup =
        hashes == 0 ? recent_lookup_begin(table, &key) : recent_lookup_hashed(&key, key % hashes);
    recent_table_ask(table, lookup.hash);
    if (rand() % 4 == 0)
        found[key] = recent_find(table, &THINGS, lookup.hash);
    (void)recent_found(table, &THINGS, recent_find(table, &THINGS, lookup.hash));
    lookup.place = found[key];
    struct thing *thing = rand() % 4 == 0 ? recent_table_touch_anew(table, lookup, now)
                                          : recent_touch(table, &THINGS, lookup, now);
    thing->uses++;
    return thing;
}

static void step(struct recent_table *table, struct oracle *oracle, uint32_t key, uint64_t now,
                 uint32_t hashes)
{
    const uint64_t lost = oracle_touch(oracle, key, now);
    struct thing *thing = touch(table, key, now, hashes);
    ck_assert_uint_eq(thing->key, key);
    ck_assert_uint_eq(thing->uses, oracle->uses[key]);
    ck_assert_uint_eq(thing->entry.inserted, oracle->inserted[key]);
    if (oracle->inserted[key] == now)
        ck_assert_uint_eq(thing->entry.lost, lost);
    ck_assert_uint_eq(table->evicted, oracle->evicted);
    const uint32_t slot = recent_table_slot(table, thing);
    ck_assert_ptr_eq(recent_table_at(table, slot, now), thing);
    ck_assert_ptr_null(recent_table_at(table, slot, oracle->inserted[key] - 1));
}

START_TEST(table_forgets_what_the_oracle_forgets)
{
    static const uint32_t hashes[] = {0, 0, 0, 1, 3, 40};
    const uint64_t hash_key[2] = {(uint64_t)_i, 77};
    uint32_t forgotten = 0;
    struct recent_layout layout = recent_layout_of(&THINGS, LIMIT, &forgotten);
    layout.hash_key = hash_key;
    struct recent_table table;
    ck_assert(recent_table_init(&table, &layout));
    struct oracle oracle = {.count = 0};
    srand((unsigned)_i);
    for (uint64_t now = 1; now <= STEPS; now++) {
        if (now % 9973 == 0) {
            recent_table_clear(&table);
            oracle = (struct oracle){.evicted = oracle.evicted, .forgotten = oracle.forgotten};
        }
        step(&table, &oracle, 1 + (uint32_t)rand() % KEYS * ((uint32_t)rand() % 2), now,
             hashes[_i]);
        ck_assert_uint_eq(forgotten, oracle.forgotten);
        ck_assert_uint_eq(table.count, oracle.count);
    }
    ck_assert_uint_gt(oracle.evicted, 1000);
    recent_table_deinit(&table);
}
END_TEST

/* Its index doubles three times on the way to 6,000 entries. */
START_TEST(table_knows_the_last_ones_while_it_grows)
{
    enum { MANY = 6000, TOUCHED = 9000 };
    const uint64_t hash_key[2] = {(uint64_t)_i, 5};
    struct recent_layout layout = recent_layout_of(&PLAIN_THINGS, MANY, NULL);
    layout.hash_key = hash_key;
    struct recent_table table;
    ck_assert(recent_table_init(&table, &layout));
    const uint32_t mask_least = table.cell_mask;
    for (uint32_t key = 1; key <= TOUCHED; key++) {
        struct recent_lookup lookup = recent_lookup_begin(&table, &key);
        ck_assert(!recent_table_has(&table, lookup));
        const struct thing *const thing = recent_touch(&table, &PLAIN_THINGS, lookup, key);
        ck_assert_uint_eq(thing->key, key);
        const uint32_t other = 1 + (uint32_t)rand() % key;
        lookup = recent_lookup_begin(&table, &other);
        ck_assert_int_eq(recent_table_has(&table, lookup), key - other < MANY);
    }
    ck_assert_uint_eq(table.count, MANY);
    ck_assert_uint_gt(table.cell_mask, 4 * mask_least);
    ck_assert_uint_eq(table.cell_mask + 1, table.cells_most);
    recent_table_deinit(&table);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature table against an oracle");
    TCase *table = tcase_create("table");
    tcase_add_loop_test(table, table_forgets_what_the_oracle_forgets, 0, 6);
    tcase_add_loop_test(table, table_knows_the_last_ones_while_it_grows, 0, 3);
    suite_add_tcase(suite, table);
    return suite;
}
