/* SPDX-License-Identifier: Apache-2.0 */
/* siphash13 against vectors: key bytes 00..0f and messages 00, 01, ... of the lengths below, made
 * with a second implementation that agrees with CPython 3.11's hash(bytes), which is SipHash-1-3
 * too. Lengths stand on both sides of the 8-byte words. */
#include "base/siphash.h"
#include "tests/support/unit.h"

static const uint64_t test_key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static const struct vector {
    size_t size;
    uint64_t hash;
} vectors[] = {
    {0, UINT64_C(0xabac0158050fc4dc)},  {1, UINT64_C(0xc9f49bf37d57ca93)},
    {3, UINT64_C(0x8bf80ab8e7ddf7fb)},  {4, UINT64_C(0xcf75576088d38328)},
    {7, UINT64_C(0xd3927d989bb11140)},  {8, UINT64_C(0x369095118d299a8e)},
    {9, UINT64_C(0x25a48eb36c063de4)},  {15, UINT64_C(0xd320d86d2a519956)},
    {16, UINT64_C(0xcc4fdd1a7d908b66)}, {38, UINT64_C(0xb3f47496ae3a36a1)},
    {40, UINT64_C(0xc1d2363299e41531)}, {63, UINT64_C(0x9d199062b7bbb3a8)},
};

START_TEST(hash_equals_the_reference_vectors)
{
    uint8_t message[64];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    const struct vector *vector = &vectors[_i];
    ck_assert_uint_eq(siphash13(test_key, message, vector->size), vector->hash);
}
END_TEST

START_TEST(hash_does_not_ask_for_alignment)
{
    uint8_t shifted[64 + 3];
    for (size_t i = 0; i < 64; i++)
        shifted[i + 3] = (uint8_t)i;
    ck_assert_uint_eq(siphash13(test_key, shifted + 3, 40), UINT64_C(0xc1d2363299e41531));
}
END_TEST

/* CPython: PYTHONHASHSEED=0 python3 -c 'print(hash(b"whyflow") % 2**64)' */
START_TEST(hash_under_the_zero_key_is_pythons)
{
    const uint64_t zero_key[2] = {0, 0};
    ck_assert_uint_eq(siphash13(zero_key, "whyflow", 7), UINT64_C(0xcb9d81f4ec82b9d4));
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tests = tcase_create("vectors");
    tcase_add_loop_test(tests, hash_equals_the_reference_vectors, 0,
                        (int)(sizeof vectors / sizeof vectors[0]));
    tcase_add_test(tests, hash_does_not_ask_for_alignment);
    tcase_add_test(tests, hash_under_the_zero_key_is_pythons);
    suite_add_tcase(suite, tests);
    return suite;
}
