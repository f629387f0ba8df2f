/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of variable length, as bytes and back. */
#include "base/bytes.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST(a_varint_comes_back_in_the_bytes_it_needs)
{
    const struct {
        uint64_t number;
        size_t size;
    } cases[] = {{0, 1},
                 {1, 1},
                 {127, 1},
                 {128, 2},
                 {16383, 2},
                 {16384, 3},
                 {UINT64_C(1) << 62, 9},
                 {(UINT64_C(1) << 63) - 1, 9},
                 {UINT64_C(1) << 63, 10},
                 {UINT64_MAX, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct byte_writer writer = {0};
        byte_writer_varint(&writer, cases[i].number);
        ck_assert_uint_eq(writer.size, cases[i].size);
        struct byte_reader reader;
        byte_reader_init(&reader, writer.bytes, writer.size);
        ck_assert_uint_eq(byte_reader_varint(&reader), cases[i].number);
        ck_assert(!reader.has_failed && reader.at == writer.size);
        for (size_t size = 0; size < writer.size; size++) { /* cut short */
            byte_reader_init(&reader, writer.bytes, size);
            ck_assert_uint_eq(byte_reader_varint(&reader), 0);
            ck_assert(reader.has_failed);
        }
        byte_writer_deinit(&writer);
    }
}
END_TEST

START_TEST(a_varint_has_one_form)
{
    const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"\x80\x00", 2}, /* 0, and 1, with zeros in front */
                 {"\x81\x80\x00", 3},
                 {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* a 65th bit */
                 {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10},
                 {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct byte_reader reader;
        byte_reader_init(&reader, (const uint8_t *)cases[i].bytes, cases[i].size);
        ck_assert_uint_eq(byte_reader_varint(&reader), 0);
        ck_assert(reader.has_failed);
        ck_assert_ptr_nonnull(strstr(reader.problem, "no valid form"));
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    TCase *const tests = tcase_create("bytes");
    tcase_add_test(tests, a_varint_comes_back_in_the_bytes_it_needs);
    tcase_add_test(tests, a_varint_has_one_form);
    Suite *const suite = suite_create("bytes");
    suite_add_tcase(suite, tests);
    return suite;
}
