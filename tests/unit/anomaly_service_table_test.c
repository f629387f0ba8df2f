/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services against a naive list: what is found, what weighs what, who has to go, after
 * thousands of evictions too. */
#include "anomaly/service_table.h"
#include "tests/support/unit.h"

#include <string.h>

enum { LIST_MAX = 64 };

static const uint64_t hash_key[2] = {3, 4};

/* The same by linear search. Entries stand in no order; 0 is nobody's total. */
struct naive_entry {
    uint64_t service, total, touched, inserted;
};

struct naive_list {
    struct naive_entry entries[LIST_MAX];
    size_t count, max;
    uint64_t insertions, evicted;
};

static struct naive_entry *naive_find(struct naive_list *list, uint64_t service)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i].service == service)
            return &list->entries[i];
    }
    return NULL;
}

static bool goes_before(const struct naive_entry *a, const struct naive_entry *b)
{
    if (a->total != b->total)
        return a->total < b->total;
    if (a->touched != b->touched)
        return a->touched < b->touched;
    return a->inserted < b->inserted;
}

static struct naive_entry *naive_room(struct naive_list *list)
{
    if (list->count < list->max)
        return &list->entries[list->count++];
    struct naive_entry *lightest = &list->entries[0];
    for (size_t i = 1; i < list->count; i++) {
        if (goes_before(&list->entries[i], lightest))
            lightest = &list->entries[i];
    }
    list->evicted++;
    return lightest;
}

static void naive_touch(struct naive_list *list, uint64_t service, uint64_t weight, uint64_t number)
{
    struct naive_entry *entry = naive_find(list, service);
    if (entry == NULL) {
        entry = naive_room(list);
        *entry = (struct naive_entry){.service = service, .inserted = ++list->insertions};
    }
    entry->total += weight;
    entry->touched = number;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct service_table *open_table(uint32_t max, const uint64_t key[2])
{
    struct service_table *const table = service_table_open(max, key);
    ck_assert_ptr_nonnull(table);
    return table;
}

static void assert_same(struct service_table *table, struct naive_list *list, uint64_t services)
{
    ck_assert_uint_eq(service_table_count(table), list->count);
    ck_assert_uint_eq(service_table_evicted(table), list->evicted);
    for (uint64_t service = 0; service < services; service++) {
        const struct service_scope *const found = service_table_find(table, service);
        const struct naive_entry *const entry = naive_find(list, service);
        ck_assert_int_eq(found != NULL, entry != NULL);
        if (found == NULL)
            continue;
        ck_assert_uint_eq(found->service, service);
        ck_assert_uint_eq(found->total, entry->total);
        ck_assert_uint_eq(found->flows, entry->total); /* kept with it, as the baseline does */
    }
}

static void touch_both(struct service_table *table, struct naive_list *list, uint64_t service,
                       uint64_t weight, uint64_t number)
{
    service_table_touch(table, service, weight, number)->flows += weight;
    naive_touch(list, service, weight, number);
}

/* From one entry, which each new service takes, to some that often tie. */
START_TEST(it_holds_what_a_naive_list_holds)
{
    enum { SERVICES = 90, TOUCHES = 20000 };
    static const uint32_t limits[] = {1, 2, 7, 64};
    struct naive_list list = {.max = limits[_i]};
    struct service_table *const table = open_table(limits[_i], hash_key);
    uint64_t state = 5 + (uint64_t)_i;
    for (uint64_t number = 1; number <= TOUCHES; number++) {
        const uint64_t service = next_random(&state) % SERVICES * (next_random(&state) % 2 + 1) / 2;
        touch_both(table, &list, service, 1 + next_random(&state) % 3, number / 4);
        if (number % 5000 == 0) {
            service_table_halve(table);
            for (size_t i = 0; i < list.count; i++)
                list.entries[i].total /= 2;
        }
        if (number % 500 == 0)
            assert_same(table, &list, SERVICES);
    }
    ck_assert_uint_gt(list.evicted, 1000);
    service_table_close(table);
}
END_TEST

START_TEST(an_evicted_service_comes_back_empty)
{
    struct service_table *const table = open_table(2, hash_key);
    struct service_scope *const scope = service_table_touch(table, 1, 5, 1);
    memset(scope->slot, 0xff, sizeof scope->slot);
    memset(scope->fine, 0xff, sizeof scope->fine);
    memset(scope->measured, 0xff, sizeof scope->measured);
    scope->flows = 7;
    service_table_touch(table, 2, 9, 2);
    service_table_touch(table, 3, 9, 3); /* takes 1's place */
    ck_assert_ptr_null(service_table_find(table, 1));
    const struct service_scope expected = {.service = 3, .total = 9};
    ck_assert_mem_eq(service_table_find(table, 3), &expected, sizeof expected);
    service_table_close(table);
}
END_TEST

START_TEST(the_lightest_goes_then_the_longest_untouched_then_the_first)
{
    struct service_table *table = open_table(3, hash_key);
    service_table_touch(table, 1, 9, 1);
    service_table_touch(table, 2, 4, 2);
    service_table_touch(table, 3, 9, 3);
    service_table_touch(table, 4, 9, 4);
    ck_assert_ptr_null(service_table_find(table, 2)); /* the lightest */
    service_table_touch(table, 5, 9, 5);
    ck_assert_ptr_null(service_table_find(table, 1)); /* of equals, untouched for longest */
    service_table_close(table);
    table = open_table(2, hash_key);
    service_table_touch(table, 6, 1, 8);
    service_table_touch(table, 7, 1, 8);
    service_table_touch(table, 8, 1, 8);
    ck_assert_ptr_null(service_table_find(table, 6)); /* of equals of one flow, the first */
    ck_assert_ptr_nonnull(service_table_find(table, 7));
    service_table_close(table);
}
END_TEST

START_TEST(the_hash_key_decides_nothing_but_placement)
{
    const uint64_t other_key[2] = {UINT64_C(0xfeedface), 9};
    struct service_table *const one = open_table(16, hash_key);
    struct service_table *const other = open_table(16, other_key);
    uint64_t state = 21;
    for (uint64_t number = 1; number <= 5000; number++) {
        const uint64_t service = next_random(&state) % 40;
        service_table_touch(one, service, 1 + number % 2, number / 8);
        service_table_touch(other, service, 1 + number % 2, number / 8);
    }
    ck_assert_uint_gt(service_table_evicted(one), 1000);
    for (uint64_t service = 0; service < 40; service++)
        ck_assert_int_eq(service_table_find(one, service) == NULL,
                         service_table_find(other, service) == NULL);
    service_table_close(one);
    service_table_close(other);
}
END_TEST

START_TEST(halving_halves_every_sum)
{
    struct service_table *const table = open_table(2, hash_key);
    struct service_scope *const scope = service_table_touch(table, 1, 9, 1);
    scope->flows = 5;
    scope->measured[FEATURE_DURATION] = 3;
    scope->fine[FEATURE_DURATION][7] = 6;
    const unsigned slot = histogram_slot(8);
    scope->slot[FEATURE_DURATION][slot] = 10 * histogram_scale(8);
    scope->slot[FEATURE_SERVICE_STATE][2] = 11;
    service_table_halve(table);
    ck_assert_uint_eq(scope->total, 4);
    ck_assert_uint_eq(scope->flows, 2);
    ck_assert_uint_eq(scope->measured[FEATURE_DURATION], 1);
    ck_assert_uint_eq(scope->fine[FEATURE_DURATION][7], 3);
    ck_assert_uint_eq(scope->slot[FEATURE_DURATION][slot], 5 * histogram_scale(8));
    ck_assert_uint_eq(scope->slot[FEATURE_SERVICE_STATE][2], 5);
    service_table_touch(table, 2, 5, 2);
    service_table_touch(table, 3, 5, 3);
    ck_assert_ptr_null(service_table_find(table, 1)); /* by its halved weight */
    service_table_close(table);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("service table");
    tcase_add_loop_test(tests, it_holds_what_a_naive_list_holds, 0, 4);
    tcase_add_test(tests, an_evicted_service_comes_back_empty);
    tcase_add_test(tests, the_lightest_goes_then_the_longest_untouched_then_the_first);
    tcase_add_test(tests, the_hash_key_decides_nothing_but_placement);
    tcase_add_test(tests, halving_halves_every_sum);
    Suite *const suite = suite_create("anomaly service table");
    suite_add_tcase(suite, tests);
    return suite;
}
