/* SPDX-License-Identifier: Apache-2.0 */
/* Kept flows come back as they went in, from memory and from the file; a failing write is said. */
#include "anomaly/flow_store.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ITEM_MAX = 3000 };

static uint32_t size_of_item(uint32_t number)
{
    return 1 + number * 2654435761u % ITEM_MAX;
}

static void make_item(uint32_t number, uint8_t *item)
{
    for (uint32_t i = 0; i < size_of_item(number); i++)
        item[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
}

static void append_items(struct flow_store *store, uint32_t count)
{
    uint8_t item[ITEM_MAX];
    for (uint32_t number = 0; number < count; number++) {
        make_item(number, item);
        ck_assert(flow_store_append(store, item, size_of_item(number)));
    }
}

static void check_items(struct flow_store *store, uint32_t count)
{
    uint8_t item[ITEM_MAX], expected[ITEM_MAX];
    uint32_t size;
    ck_assert(flow_store_rewind(store));
    for (uint32_t number = 0; number < count; number++) {
        ck_assert_int_eq(flow_store_next(store, item, sizeof item, &size), FLOW_STORE_ITEM);
        ck_assert_uint_eq(size, size_of_item(number));
        make_item(number, expected);
        ck_assert_mem_eq(item, expected, size);
    }
    ck_assert_int_eq(flow_store_next(store, item, sizeof item, &size), FLOW_STORE_END);
    ck_assert_int_eq(flow_store_next(store, item, sizeof item, &size), FLOW_STORE_END);
}

static void check_store(uint64_t memory_bytes, uint32_t count, bool is_spilling)
{
    struct flow_store *store = flow_store_open(memory_bytes, NULL);
    ck_assert_ptr_nonnull(store);
    append_items(store, count);
    ck_assert_uint_eq(flow_store_count(store), count);
    ck_assert_int_eq(flow_store_spilled_bytes(store) > 0, is_spilling);
    check_items(store, count);
    check_items(store, count);
    ck_assert_uint_le(flow_store_memory_bytes(store),
                      memory_bytes + FLOW_STORE_BUFFER_BYTES + (1 << 16));
    flow_store_close(store);
}

START_TEST(items_come_back_in_order_from_memory)
{
    check_store(64 << 20, 5000, false);
    check_store(64 << 20, 0, false);
}
END_TEST

START_TEST(items_come_back_in_order_from_memory_and_file)
{
    check_store(FLOW_STORE_CHUNK_BYTES, 5000, true);
    check_store(3 * FLOW_STORE_CHUNK_BYTES + 17, 9000, true);
}
END_TEST

START_TEST(without_memory_everything_is_in_the_file)
{
    check_store(0, 3000, true);
    check_store(0, 3, true);
}
END_TEST

START_TEST(reading_can_stop_and_start_anew)
{
    struct flow_store *store = flow_store_open(FLOW_STORE_CHUNK_BYTES, NULL);
    append_items(store, 3000);
    uint8_t item[ITEM_MAX];
    uint32_t size;
    ck_assert(flow_store_rewind(store));
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(flow_store_next(store, item, sizeof item, &size), FLOW_STORE_ITEM);
    check_items(store, 3000);
    flow_store_close(store);
}
END_TEST

START_TEST(an_item_larger_than_the_buffer_is_an_error)
{
    struct flow_store *store = flow_store_open(1 << 20, NULL);
    append_items(store, 10);
    uint8_t item[1];
    uint32_t size;
    ck_assert(flow_store_rewind(store));
    ck_assert_int_eq(flow_store_next(store, item, 0, &size), FLOW_STORE_ERROR);
    ck_assert_str_ne(flow_store_error(store), "");
    flow_store_close(store);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_said)
{
    struct flow_store *store = flow_store_open(0, "/nonexistent/directory");
    ck_assert_ptr_nonnull(store);
    ck_assert(!flow_store_append(store, "x", 1));
    ck_assert_ptr_nonnull(strstr(flow_store_error(store), "/nonexistent/directory"));
    ck_assert(!flow_store_append(store, "x", 1));
    ck_assert(!flow_store_rewind(store));
    flow_store_close(store);
}
END_TEST

START_TEST(a_write_that_fails_is_said_and_stays_said)
{
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    const struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct flow_store *store = flow_store_open(0, NULL);
    uint8_t item[ITEM_MAX] = {0};
    bool is_kept = true;
    for (int i = 0; i < 1000 && is_kept; i++)
        is_kept = flow_store_append(store, item, sizeof item);
    ck_assert(!is_kept);
    ck_assert_ptr_nonnull(strstr(flow_store_error(store), "File too large"));
    uint32_t size;
    ck_assert(!flow_store_append(store, item, 1));
    ck_assert(!flow_store_rewind(store));
    ck_assert_int_eq(flow_store_next(store, item, sizeof item, &size), FLOW_STORE_ERROR);
    flow_store_close(store);
}
END_TEST

START_TEST(a_write_that_fails_at_the_rewind_is_said)
{
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    const struct rlimit limit = {.rlim_cur = 1 << 10, .rlim_max = 1 << 10};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct flow_store *store = flow_store_open(0, NULL);
    uint8_t item[ITEM_MAX] = {0};
    ck_assert(flow_store_append(store, item, sizeof item));
    ck_assert(!flow_store_rewind(store));
    ck_assert_str_ne(flow_store_error(store), "");
    flow_store_close(store);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *test_case = tcase_create("flow_store");
    tcase_set_timeout(test_case, 60);
    tcase_add_test(test_case, items_come_back_in_order_from_memory);
    tcase_add_test(test_case, items_come_back_in_order_from_memory_and_file);
    tcase_add_test(test_case, without_memory_everything_is_in_the_file);
    tcase_add_test(test_case, reading_can_stop_and_start_anew);
    tcase_add_test(test_case, an_item_larger_than_the_buffer_is_an_error);
    tcase_add_test(test_case, a_directory_that_is_not_there_is_said);
    tcase_add_test(test_case, a_write_that_fails_is_said_and_stays_said);
    tcase_add_test(test_case, a_write_that_fails_at_the_rewind_is_said);
    Suite *suite = suite_create("anomaly_flow_store");
    suite_add_tcase(suite, test_case);
    return suite;
}
