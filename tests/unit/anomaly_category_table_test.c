/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded table of categories against a plain list that evicts by looking at everything. */
#include "anomaly/category_table.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = CATEGORY_TABLE_LEAST, STEPS = 60000, CODES = 200 };

struct listed {
    struct category_key key;
    uint64_t weight[CATEGORY_SCOPE_COUNT];
    uint64_t touched, inserted;
};

struct list {
    struct listed items[LIMIT];
    size_t count;
    uint64_t insertions, evicted;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct listed *list_find(struct list *list, const struct category_key *key)
{
    for (size_t i = 0; i < list->count; i++) {
        if (memcmp(&list->items[i].key, key, sizeof *key) == 0)
            return &list->items[i];
    }
    return NULL;
}

static bool is_lighter(const struct listed *a, const struct listed *b)
{
    if (a->weight[0] != b->weight[0])
        return a->weight[0] < b->weight[0];
    return a->touched != b->touched ? a->touched < b->touched : a->inserted < b->inserted;
}

static struct listed *list_room(struct list *list)
{
    if (list->count < LIMIT)
        return &list->items[list->count++];
    struct listed *lightest = &list->items[0];
    for (size_t i = 1; i < list->count; i++) {
        if (is_lighter(&list->items[i], lightest))
            lightest = &list->items[i];
    }
    list->evicted++;
    return lightest;
}

static void list_learn(struct list *list, const struct category_key *key, unsigned scope,
                       uint64_t weight, uint64_t flow_number)
{
    struct listed *item = list_find(list, key);
    if (item == NULL) {
        item = list_room(list);
        *item = (struct listed){.key = *key, .inserted = ++list->insertions};
    }
    item->weight[0] += weight;
    if (scope != 0)
        item->weight[scope] += weight;
    item->touched = flow_number;
}

static void list_halve(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (unsigned scope = 0; scope < CATEGORY_SCOPE_COUNT; scope++)
            list->items[i].weight[scope] /= 2;
    }
}

static void assert_same(struct category_table *table, struct list *list)
{
    ck_assert_uint_eq(category_table_count(table), list->count);
    ck_assert_uint_eq(category_table_evicted(table), list->evicted);
    uint64_t distinct = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        distinct += category_table_distinct(table, (enum feature_id)j);
    ck_assert_uint_eq(distinct, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const uint64_t *weight = category_table_find(table, &list->items[i].key);
        ck_assert_ptr_nonnull(weight);
        ck_assert_mem_eq(weight, list->items[i].weight, sizeof list->items[i].weight);
    }
}

/* Few heavy codes, many light ones; some small (found without the hash), some missing. */
static struct category_key random_key(uint64_t *state)
{
    const uint64_t spread = next_random(state) % CODES * (next_random(state) % CODES) / CODES;
    const bool is_missing = next_random(state) % 50 == 0;
    return (struct category_key){.code = is_missing ? 0 : spread * 7,
                                 .feature = FEATURE_PROTOCOL + (uint32_t)(spread % 3),
                                 .is_missing = is_missing};
}

static void run_against_list(const uint64_t hash_key[2])
{
    struct category_table *table = category_table_open(LIMIT, hash_key);
    struct list *list = calloc(1, sizeof *list);
    ck_assert_ptr_nonnull(table);
    ck_assert_ptr_nonnull(list);
    uint64_t state = 7;
    for (uint64_t step = 1; step <= STEPS; step++) {
        const struct category_key key = random_key(&state);
        const unsigned scope = (unsigned)(next_random(&state) % CATEGORY_SCOPE_COUNT);
        const uint64_t weight = 1 + next_random(&state) % 4;
        category_table_learn(table, &key, scope, weight, 1, step / 3);
        list_learn(list, &key, scope, weight, step / 3);
        if (step % 5000 == 0) {
            category_table_halve(table);
            list_halve(list);
        }
        if (step % 97 == 0)
            assert_same(table, list);
    }
    assert_same(table, list);
    ck_assert_uint_gt(list->evicted, 1000);
    free(list);
    category_table_close(table);
}

START_TEST(the_lightest_is_evicted_whatever_the_hash_key)
{
    run_against_list((const uint64_t[2]){0, 0});
    run_against_list((const uint64_t[2]){UINT64_C(0x0123456789abcdef), 99});
}
END_TEST

START_TEST(an_unknown_key_is_not_found)
{
    struct category_table *table = category_table_open(0, (const uint64_t[2]){1, 2});
    ck_assert_ptr_nonnull(table);
    const struct category_key small = {.code = 3, .feature = FEATURE_SERVICE};
    const struct category_key large = {.code = 3000, .feature = FEATURE_SERVICE};
    ck_assert_ptr_null(category_table_find(table, &small));
    ck_assert_ptr_null(category_table_find(table, &large));
    category_table_learn(table, &large, 0, 5, 1, 1);
    ck_assert_ptr_null(category_table_find(table, &small));
    ck_assert_uint_eq(category_table_find(table, &large)[0], 5);
    category_table_close(table);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("category_table");
    tcase_set_timeout(test_case, 60);
    tcase_add_test(test_case, the_lightest_is_evicted_whatever_the_hash_key);
    tcase_add_test(test_case, an_unknown_key_is_not_found);
    Suite *suite = suite_create("anomaly_category_table");
    suite_add_tcase(suite, test_case);
    return suite;
}
