/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/tally.h"

#include <stdbool.h>
#include <string.h>

void tally_begin(struct tally *tally, struct moment moment, uint64_t amount)
{
    *tally = (struct tally){
        .began_ns = moment.now_ns,
        .first_ns = {moment.start_ns},
        .last_ns = {moment.start_ns},
        .sum = {amount},
        .count = {1},
    };
}

/* Halves that follow each other leave no time out; after a silence of two a new one begins. */
void tally_begin_half(struct tally *tally, struct moment moment, int64_t half_ns)
{
    const bool is_next = tally->count[0] > 0 && moment.now_ns - tally->began_ns < 2 * half_ns;
    tally->first_ns[1] = tally->first_ns[0];
    tally->last_ns[1] = tally->last_ns[0];
    tally->sum[1] = is_next ? tally->sum[0] : 0;
    tally->count[1] = is_next ? tally->count[0] : 0;
    tally->first_ns[0] = tally->last_ns[0] = moment.start_ns;
    tally->sum[0] = 0;
    tally->count[0] = 0;
    tally->began_ns = is_next ? tally->began_ns + half_ns : moment.now_ns;
}

uint64_t tally_count(const struct tally *tally)
{
    return (uint64_t)tally->count[0] + tally->count[1];
}

uint64_t tally_sum(const struct tally *tally)
{
    return tally->sum[0] + tally->sum[1];
}

int64_t tally_first_ns(const struct tally *tally)
{
    const bool is_before = tally->count[1] > 0 && tally->first_ns[1] < tally->first_ns[0];
    return tally->first_ns[is_before];
}

int64_t tally_last_ns(const struct tally *tally)
{
    const bool is_before = tally->count[1] > 0 && tally->last_ns[1] > tally->last_ns[0];
    return tally->last_ns[is_before];
}

/* -256 ln(unset / 256), to the nearest whole, by how many bits are unset; none counts as one. */
static const uint16_t count_of_unset[SPREAD_BITS + 1] = {
    1420, 1420, 1242, 1138, 1065, 1008, 961, 921, 887, 857, 830, 806, 783, 763, 744, 726, 710, 694,
    680,  666,  653,  640,  628,  617,  606, 596, 585, 576, 567, 558, 549, 540, 532, 524, 517, 509,
    502,  495,  488,  482,  475,  469,  463, 457, 451, 445, 439, 434, 429, 423, 418, 413, 408, 403,
    398,  394,  389,  385,  380,  376,  371, 367, 363, 359, 355, 351, 347, 343, 339, 336, 332, 328,
    325,  321,  318,  314,  311,  308,  304, 301, 298, 295, 291, 288, 285, 282, 279, 276, 273, 270,
    268,  265,  262,  259,  256,  254,  251, 248, 246, 243, 241, 238, 236, 233, 231, 228, 226, 223,
    221,  219,  216,  214,  212,  209,  207, 205, 203, 200, 198, 196, 194, 192, 190, 188, 186, 184,
    181,  179,  177,  175,  173,  172,  170, 168, 166, 164, 162, 160, 158, 156, 155, 153, 151, 149,
    147,  146,  144,  142,  140,  139,  137, 135, 133, 132, 130, 128, 127, 125, 124, 122, 120, 119,
    117,  116,  114,  112,  111,  109,  108, 106, 105, 103, 102, 100, 99,  97,  96,  94,  93,  92,
    90,   89,   87,   86,   85,   83,   82,  80,  79,  78,  76,  75,  74,  72,  71,  70,  68,  67,
    66,   64,   63,   62,   61,   59,   58,  57,  56,  54,  53,  52,  51,  49,  48,  47,  46,  45,
    43,   42,   41,   40,   39,   38,   36,  35,  34,  33,  32,  31,  30,  29,  27,  26,  25,  24,
    23,   22,   21,   20,   19,   18,   17,  15,  14,  13,  12,  11,  10,  9,   8,   7,   6,   5,
    4,    3,    2,    1,    0,
};

/* Bits set in a word, four, eight and 64 at a time (Warren, Hacker's Delight, 5-1): the machines it
 * is built for have an instruction for it, the oldest ones among them not. */
static unsigned bits_in(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

static unsigned bits_in_half(const uint64_t bits[SPREAD_WORDS])
{
    unsigned set = 0;
    for (unsigned i = 0; i < SPREAD_WORDS; i++)
        set += bits_in(bits[i]);
    return set;
}

void spread_begin(struct spread *spread, struct moment moment, uint8_t thing)
{
    *spread = (struct spread){
        .began_ns = moment.now_ns,
        .first_ns = {moment.start_ns},
        .bits_set = 1,
    };
    spread->bits[0][thing / 64] = UINT64_C(1) << thing % 64;
}

void spread_begin_half(struct spread *spread, struct moment moment, int64_t half_ns)
{
    const bool is_next = spread->bits_set > 0 && moment.now_ns - spread->began_ns < 2 * half_ns;
    if (is_next) {
        memcpy(spread->bits[1], spread->bits[0], sizeof spread->bits[1]);
        spread->first_ns[1] = spread->first_ns[0];
    } else {
        memset(spread->bits[1], 0, sizeof spread->bits[1]);
    }
    memset(spread->bits[0], 0, sizeof spread->bits[0]);
    spread->bits_set = bits_in_half(spread->bits[1]);
    spread->began_ns = is_next ? spread->began_ns + half_ns : moment.now_ns;
    spread->first_ns[0] = moment.start_ns;
}

uint32_t spread_count(const struct spread *spread)
{
    return count_of_unset[SPREAD_BITS - spread->bits_set];
}

int64_t spread_first_ns(const struct spread *spread)
{
    const uint64_t *const before = spread->bits[1];
    const bool has_before = (before[0] | before[1] | before[2] | before[3]) != 0;
    return has_before && spread->first_ns[1] < spread->first_ns[0] ? spread->first_ns[1]
                                                                   : spread->first_ns[0];
}
