/* SPDX-License-Identifier: Apache-2.0 */
/* The index of flows against a plain list, while it grows: whatever was put in and not taken out is
 * found by its hash, and nothing else. */
#include "flow/flow_index.h"
#include "tests/support/unit.h"

#include <stdlib.h>

enum { ITEMS = 150000, HASH_BITS = 19, FREE = 0, MOVED_MOST = 65536 };

/* xorshift64: the same numbers in each run. */
static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static bool has_item(const struct flow_index *index, uint32_t hash, uint32_t item)
{
    struct flow_index_probe probe = flow_index_start(index, hash);
    uint32_t found;
    while (flow_index_next(index, &probe, &found))
        if (found == item)
            return true;
    return false;
}

/* Hashes of few bits, so that several items have the same, and near the end of the slots, so that
 * runs go around it. */
static uint32_t random_hash(uint64_t *state)
{
    const uint32_t number = next_random(state);
    return 1 + (number % 256 == 0 ? UINT32_MAX - 1 - number % 4096 : number >> (32 - HASH_BITS));
}

START_TEST(what_was_put_in_is_found_however_it_grew)
{
    struct flow_index index;
    uint32_t *const hashes = calloc(ITEMS, sizeof *hashes); /* by item; FREE: not in */
    uint64_t state = 7 + (uint64_t)_i;
    ck_assert_ptr_nonnull(hashes);
    ck_assert(flow_index_init(&index, ITEMS));
    const uint32_t mask_least = index.mask;
    if (_i == 1)
        flow_index_grow_out(&index);
    for (uint32_t n = 0; n < 4 * ITEMS; n++) {
        const uint32_t item = n < ITEMS ? n : next_random(&state) % ITEMS;
        if (hashes[item] == FREE) {
            hashes[item] = random_hash(&state);
            flow_index_insert(&index, hashes[item], item);
        } else {
            flow_index_remove(&index, hashes[item], item);
            hashes[item] = FREE;
        }
        ck_assert_uint_le(index.count, (index.mask + 1) / 2 + 1);
        const uint32_t probe = next_random(&state) % ITEMS;
        if (hashes[probe] != FREE)
            ck_assert(has_item(&index, hashes[probe], probe));
    }
    uint32_t count = 0;
    for (uint32_t item = 0; item < ITEMS; item++) {
        ck_assert_int_eq(has_item(&index, hashes[item] == FREE ? 12345 : hashes[item], item),
                         hashes[item] != FREE);
        count += hashes[item] != FREE;
    }
    ck_assert_uint_eq(index.count, count);
    ck_assert_uint_gt(index.mask, mask_least);
    ck_assert_uint_eq(flow_index_memory_bytes(&index),
                      (index.mask + (size_t)1) * sizeof(struct flow_index_slot));
    flow_index_deinit(&index);
    free(hashes);
}
END_TEST

/* Capture waits while items move: 65,537 are a millisecond, a million ten. */
START_TEST(few_items_move_at_once_however_much_room_there_is)
{
    struct flow_index index;
    uint32_t moves = 0;
    uint64_t state = 7;
    ck_assert(flow_index_init(&index, 4000000));
    const size_t all_bytes = flow_index_memory_bytes(&index);
    for (uint32_t item = 0; item < MOVED_MOST + ITEMS; item++) {
        const uint32_t mask = index.mask;
        flow_index_insert(&index, next_random(&state), item);
        if (index.mask == mask)
            continue;
        ck_assert_uint_le(item, MOVED_MOST);
        moves++;
    }
    ck_assert_uint_eq(moves, 2);
    ck_assert_uint_eq((index.mask + (size_t)1) * sizeof(struct flow_index_slot), all_bytes);
    flow_index_deinit(&index);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("flow_index");
    TCase *tests = tcase_create("index");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_was_put_in_is_found_however_it_grew, 0, 2);
    tcase_add_test(tests, few_items_move_at_once_however_much_room_there_is);
    suite_add_tcase(suite, tests);
    return suite;
}
