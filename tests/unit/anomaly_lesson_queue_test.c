/* SPDX-License-Identifier: Apache-2.0 */
/* Lessons wait in order, at most so many, and go round in their ring. */
#include "anomaly/lesson_queue.h"
#include "tests/support/unit.h"

static struct lesson_queue open_queue(size_t max)
{
    struct lesson_queue queue;
    ck_assert(lesson_queue_init(&queue, max));
    return queue;
}

START_TEST(lessons_leave_in_the_order_they_came)
{
    struct lesson_queue queue = open_queue(5);
    int64_t next_in = 0, next_out = 0;
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < round % 6 && !lesson_queue_is_full(&queue); i++)
            lesson_queue_push(&queue)->notice_ns = next_in++;
        ck_assert_int_eq(lesson_queue_is_full(&queue), next_in - next_out == 5);
        for (int i = 0; i < round % 4 && lesson_queue_oldest(&queue) != NULL; i++) {
            ck_assert_int_eq(lesson_queue_oldest(&queue)->notice_ns, next_out++);
            lesson_queue_drop_oldest(&queue);
        }
        ck_assert_int_eq(lesson_queue_oldest(&queue) == NULL, next_in == next_out);
    }
    ck_assert_int_gt(next_out, 1000); /* many times round */
    lesson_queue_deinit(&queue);
}
END_TEST

START_TEST(a_queue_of_one_is_full_with_it)
{
    struct lesson_queue queue = open_queue(1);
    ck_assert_ptr_null(lesson_queue_oldest(&queue));
    ck_assert(!lesson_queue_is_full(&queue));
    lesson_queue_push(&queue)->pair_flows = 7;
    ck_assert(lesson_queue_is_full(&queue));
    ck_assert_uint_eq(lesson_queue_oldest(&queue)->pair_flows, 7);
    lesson_queue_drop_oldest(&queue);
    ck_assert_ptr_null(lesson_queue_oldest(&queue));
    lesson_queue_deinit(&queue);
}
END_TEST

START_TEST(memory_is_that_of_all_its_places)
{
    struct lesson_queue queue = open_queue(16);
    ck_assert_uint_eq(lesson_queue_memory_bytes(&queue), 16 * sizeof(struct lesson));
    lesson_queue_deinit(&queue);
    ck_assert_uint_eq(lesson_queue_memory_bytes(&queue), 0);
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("lesson queue");
    tcase_add_test(tests, lessons_leave_in_the_order_they_came);
    tcase_add_test(tests, a_queue_of_one_is_full_with_it);
    tcase_add_test(tests, memory_is_that_of_all_its_places);
    Suite *const suite = suite_create("anomaly lesson queue");
    suite_add_tcase(suite, tests);
    return suite;
}
