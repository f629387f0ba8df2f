/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel against a naive oracle: an array searched for its least key at every step. */
#include "base/wheel.h"
#include "tests/support/unit.h"

#include <stdlib.h>

enum { ITEMS = 300, STEPS = 40000 };

struct oracle {
    bool is_in[ITEMS];
    struct wheel_key key[ITEMS];
};

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool oracle_first(const struct oracle *oracle, int64_t limit_ns, uint32_t *item)
{
    bool found = false;
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (!oracle->is_in[i])
            continue;
        const struct wheel_key a = oracle->key[i], b = oracle->key[*item];
        if (!found || a.time_ns < b.time_ns || (a.time_ns == b.time_ns && a.number < b.number))
            *item = i;
        found = true;
    }
    return found && oracle->key[*item].time_ns <= limit_ns;
}

/* Times mostly move on, sometimes jump far ahead, sometimes come late. */
static int64_t random_time(int64_t *now)
{
    const uint64_t kind = random_next() % 1000;
    if (kind < 900)
        *now += (int64_t)(random_next() % 5000);
    else if (kind == 999)
        *now += (int64_t)(random_next() % 100000000);
    const int64_t late = kind < 100 ? (int64_t)(random_next() % 3000000) : 0;
    return *now > late ? *now - late : 0;
}

/* Some items that are in, each once; and at least one if there is one. */
static void check_some(struct wheel *wheel, const struct oracle *oracle)
{
    uint32_t items[10];
    bool is_shown[ITEMS] = {false};
    const uint32_t most = 1 + (uint32_t)(random_next() % 10);
    const uint32_t count = wheel_some(wheel, items, most);
    ck_assert_uint_le(count, most);
    ck_assert(count > 0 || wheel_count(wheel) == 0);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(oracle->is_in[items[i]] && !is_shown[items[i]]);
        is_shown[items[i]] = true;
    }
}

/* The least item first, and others that are in. */
static void check_upcoming(struct wheel *wheel, const struct oracle *oracle)
{
    uint32_t items[5], first;
    const bool has_first = wheel_first(wheel, INT64_MAX, &first);
    const uint32_t count = wheel_upcoming(wheel, items, 5);
    ck_assert(has_first == (count > 0));
    ck_assert(!has_first || items[0] == first);
    ck_assert(!has_first || wheel_least_ns(wheel) <= oracle->key[first].time_ns);
    ck_assert(has_first || wheel_least_ns(wheel) == INT64_MAX);
    for (uint32_t i = 0; i < count; i++)
        ck_assert(oracle->is_in[items[i]]);
}

/* All out at once. */
static void abandon(struct wheel *wheel, struct oracle *oracle)
{
    wheel_abandon(wheel);
    ck_assert_uint_eq(wheel_count(wheel), 0);
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (oracle->is_in[i])
            wheel_leave(wheel->nodes, i);
        oracle->is_in[i] = false;
    }
}

static void step(struct wheel *wheel, struct oracle *oracle, int64_t *now, uint64_t number)
{
    const uint32_t i = (uint32_t)(random_next() % ITEMS);
    if (oracle->is_in[i]) {
        wheel_remove(wheel, i);
        oracle->is_in[i] = false;
    } else {
        if (wheel_count(wheel) == 0 && random_next() % 2)
            wheel_place(wheel, *now > 1000 ? *now - 1000 : 0);
        const struct wheel_key key = {random_time(now), random_next() % 8 ? number : 0};
        wheel_insert(wheel, i, key);
        oracle->key[i] = key;
        oracle->is_in[i] = true;
    }
    if (random_next() % 4096 == 0)
        abandon(wheel, oracle);
    if (random_next() % 16 == 0)
        check_some(wheel, oracle);
    if (random_next() % 4 == 0)
        check_upcoming(wheel, oracle);
    const int64_t limit_ns = random_next() % 4 ? *now - 100000 : *now + 1000000000;
    uint32_t got = 0, expected = 0;
    if (limit_ns < 0)
        return;
    const bool has_got = wheel_first(wheel, limit_ns, &got);
    ck_assert(has_got == oracle_first(oracle, limit_ns, &expected));
    if (!has_got)
        return;
    ck_assert(oracle->key[got].time_ns == oracle->key[expected].time_ns);
    ck_assert(oracle->key[got].number == oracle->key[expected].number);
    if (random_next() % 2) {
        wheel_remove(wheel, got);
        oracle->is_in[got] = false;
    }
}

/* What comes in order is not sorted again, what does not is. */
START_TEST(items_in_order_never_see_the_heap)
{
    static struct wheel_node nodes[ITEMS];
    struct wheel wheel;
    ck_assert(wheel_init(&wheel, nodes, ITEMS, INT64_C(1) << 40));
    for (uint32_t i = 0; i < ITEMS; i++)
        wheel_insert(&wheel, i, (struct wheel_key){(INT64_C(1) << 30) + i / 4, i});
    for (uint32_t expected = 0, item; expected < ITEMS; expected++) {
        ck_assert(wheel_first(&wheel, INT64_MAX, &item));
        ck_assert_uint_eq(item, expected);
        ck_assert_uint_eq(wheel.heap_count, expected < ITEMS / 2 ? 0 : ITEMS - expected);
        wheel_remove(&wheel, item);
        if (expected == ITEMS / 2 - 1) { /* one that belongs before all others */
            wheel_insert(&wheel, 0, (struct wheel_key){1 << 30, 0});
            ck_assert(wheel_first(&wheel, INT64_MAX, &item));
            ck_assert_uint_eq(item, 0);
            wheel_remove(&wheel, 0);
        }
    }
    wheel_deinit(&wheel);
}
END_TEST

START_TEST(wheel_shows_the_least_key_as_a_naive_search_does)
{
    struct wheel_node nodes[ITEMS] = {0};
    struct oracle oracle = {0};
    struct wheel wheel;
    random_state = (uint64_t)_i;
    /* From one time a narrow slot to all times in a few: alone, in lists, in lists out of order. */
    ck_assert(wheel_init(&wheel, nodes, ITEMS, INT64_C(1000000) << 5 * (_i % 4)));
    int64_t now = 0;
    for (uint64_t number = 1; number <= STEPS; number++)
        step(&wheel, &oracle, &now, number);
    uint32_t count = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        count += oracle.is_in[i];
    ck_assert_uint_eq(wheel_count(&wheel), count);
    uint32_t some[ITEMS];
    while ((count = wheel_some(&wheel, some, 7)) > 0)
        for (uint32_t i = 0; i < count; i++) {
            ck_assert(oracle.is_in[some[i]]);
            wheel_remove(&wheel, some[i]);
            oracle.is_in[some[i]] = false;
        }
    ck_assert_uint_eq(wheel_count(&wheel), 0);
    wheel_deinit(&wheel);
}
END_TEST

/* Without being placed the wheel would take its first item for the earliest. */
START_TEST(placed_wheel_sorts_only_a_slot_at_a_time)
{
    static struct wheel_node nodes[ITEMS];
    struct wheel wheel;
    ck_assert(wheel_init(&wheel, nodes, ITEMS, INT64_C(1) << 20));
    wheel_place(&wheel, 0);
    for (uint32_t i = 0; i < ITEMS; i++)
        wheel_insert(&wheel, ITEMS - 1 - i, (struct wheel_key){ITEMS - i, i});
    for (uint32_t expected = 0, item; expected < ITEMS; expected++) {
        ck_assert(wheel_first(&wheel, INT64_MAX, &item));
        ck_assert_uint_eq(item, expected);
        ck_assert_uint_le(wheel.heap_count, 1);
        wheel_remove(&wheel, item);
    }
    wheel_deinit(&wheel);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("wheel");
    TCase *const tcase = tcase_create("oracle");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, wheel_shows_the_least_key_as_a_naive_search_does, 0, 8);
    tcase_add_test(tcase, items_in_order_never_see_the_heap);
    tcase_add_test(tcase, placed_wheel_sorts_only_a_slot_at_a_time);
    suite_add_tcase(suite, tcase);
    return suite;
}
