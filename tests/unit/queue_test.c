/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the queue between threads: order, limits, how a reader is woken and told the end. The
 * test of two threads is what ThreadSanitizer looks at. */
#include "base/queue.h"

#include "tests/support/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

enum { ITEMS = 5000, SMALL = 3 };

static struct queue *open_queue(size_t capacity)
{
    struct queue *const queue = queue_open(capacity, sizeof(uint64_t));
    ck_assert_ptr_nonnull(queue);
    return queue;
}

START_TEST(items_come_out_in_the_order_they_went_in)
{
    struct queue *const queue = open_queue(SMALL);
    uint64_t out = 0;
    for (uint64_t round = 0; round < 10; round++) {
        for (uint64_t i = 0; i < SMALL; i++) {
            const uint64_t item = round * SMALL + i;
            queue_push(queue, &item, sizeof item);
        }
        ck_assert_uint_eq(queue_count(queue), SMALL);
        for (uint64_t i = 0; i < SMALL; i++) {
            ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_ITEM);
            ck_assert_uint_eq(out, round * SMALL + i);
        }
    }
    ck_assert_int_eq(queue_pop(queue, &out, false), QUEUE_EMPTY);
    queue_close(queue);
}
END_TEST

START_TEST(full_queue_refuses_and_keeps_what_it_has)
{
    struct queue *const queue = open_queue(SMALL);
    for (uint64_t item = 0; item < SMALL; item++)
        ck_assert(queue_try_push(queue, &item, sizeof item));
    const uint64_t too_many = 99;
    ck_assert(!queue_try_push(queue, &too_many, sizeof too_many));
    uint64_t out = 7;
    for (uint64_t item = 0; item < SMALL; item++) {
        ck_assert_int_eq(queue_pop(queue, &out, false), QUEUE_ITEM);
        ck_assert_uint_eq(out, item);
    }
    ck_assert(queue_try_push(queue, &too_many, sizeof too_many));
    queue_close(queue);
}
END_TEST

START_TEST(only_the_bytes_of_an_item_are_copied)
{
    struct queue *const queue = open_queue(SMALL);
    const uint64_t item = UINT64_C(0x1111111111111111);
    uint64_t out = 0;
    queue_push(queue, &item, 2);
    ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_ITEM);
    ck_assert_uint_eq(out, 0x1111);
    queue_close(queue);
}
END_TEST

START_TEST(end_comes_after_the_last_item)
{
    struct queue *const queue = open_queue(SMALL);
    const uint64_t item = 5;
    uint64_t out = 0;
    queue_push(queue, &item, sizeof item);
    queue_end(queue);
    ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_ITEM);
    ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_ENDED);
    ck_assert_int_eq(queue_pop(queue, &out, false), QUEUE_ENDED);
    queue_close(queue);
}
END_TEST

START_TEST(nudge_wakes_once_and_never_before_an_item)
{
    struct queue *const queue = open_queue(SMALL);
    const uint64_t item = 5;
    uint64_t out = 0;
    queue_nudge(queue);
    queue_nudge(queue);
    queue_push(queue, &item, sizeof item);
    ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_ITEM);
    ck_assert_int_eq(queue_pop(queue, &out, true), QUEUE_NUDGED);
    ck_assert_int_eq(queue_pop(queue, &out, false), QUEUE_EMPTY);
    queue_close(queue);
}
END_TEST

static void *write_items(void *argument)
{
    struct queue *const queue = argument;
    for (uint64_t item = 0; item < ITEMS; item++) {
        if (item % 3 == 0)
            queue_push(queue, &item, sizeof item);
        else
            while (!queue_try_push(queue, &item, sizeof item))
                sched_yield();
        if (item % 100 == 0)
            queue_nudge(queue);
    }
    queue_end(queue);
    return NULL;
}

START_TEST(two_threads_pass_every_item_in_order)
{
    struct queue *const queue = open_queue(SMALL);
    pthread_t writer;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_items, queue), 0);
    uint64_t expected = 0, out = 0, nudges = 0;
    for (;;) {
        const enum queue_result result = queue_pop(queue, &out, expected % 2 == 0);
        if (result == QUEUE_ENDED)
            break;
        nudges += result == QUEUE_NUDGED;
        if (result == QUEUE_ITEM)
            ck_assert_uint_eq(out, expected++);
    }
    pthread_join(writer, NULL);
    ck_assert_uint_eq(expected, ITEMS);
    ck_assert_uint_le(nudges, ITEMS / 100);
    queue_close(queue);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("queue");
    TCase *const tests = tcase_create("queue");
    tcase_set_timeout(tests, 60); /* under a sanitizer, on a busy machine */
    tcase_add_test(tests, items_come_out_in_the_order_they_went_in);
    tcase_add_test(tests, full_queue_refuses_and_keeps_what_it_has);
    tcase_add_test(tests, only_the_bytes_of_an_item_are_copied);
    tcase_add_test(tests, end_comes_after_the_last_item);
    tcase_add_test(tests, nudge_wakes_once_and_never_before_an_item);
    tcase_add_test(tests, two_threads_pass_every_item_in_order);
    suite_add_tcase(suite, tests);
    return suite;
}
