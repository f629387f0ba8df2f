/* SPDX-License-Identifier: Apache-2.0 */
#include "behaviour/tally.h"

#include <math.h>
#include <string.h>

unsigned tally_advance(struct tally *tally, int64_t now_ns, int64_t half_ns)
{
    if (tally->halves[0].count == 0 || now_ns - tally->began_ns < half_ns)
        return 0;
    const unsigned passed = now_ns - tally->began_ns < 2 * half_ns ? 1 : 2;
    tally->halves[1] = passed == 1 ? tally->halves[0] : (struct tally_half){.count = 0};
    tally->halves[0] = (struct tally_half){.count = 0};
    tally->began_ns += half_ns; /* halves that follow each other leave no time out */
    if (passed == 2)
        tally->began_ns = now_ns;
    return passed;
}

void tally_add(struct tally *tally, int64_t now_ns, int64_t start_ns, uint64_t amount)
{
    struct tally_half *const half = &tally->halves[0];
    if (half->count == 0 && tally->halves[1].count == 0)
        tally->began_ns = now_ns;
    if (half->count == 0 || start_ns < half->first_ns)
        half->first_ns = start_ns;
    if (half->count == 0 || start_ns > half->last_ns)
        half->last_ns = start_ns;
    half->count++;
    half->sum += amount;
}

uint64_t tally_count(const struct tally *tally)
{
    return tally->halves[0].count + tally->halves[1].count;
}

uint64_t tally_sum(const struct tally *tally)
{
    return tally->halves[0].sum + tally->halves[1].sum;
}

int64_t tally_first_ns(const struct tally *tally)
{
    const struct tally_half *const now = &tally->halves[0], *const before = &tally->halves[1];
    if (before->count == 0)
        return now->first_ns;
    return now->count == 0 || before->first_ns < now->first_ns ? before->first_ns : now->first_ns;
}

int64_t tally_last_ns(const struct tally *tally)
{
    const struct tally_half *const now = &tally->halves[0], *const before = &tally->halves[1];
    if (now->count == 0)
        return before->last_ns;
    return before->count > 0 && before->last_ns > now->last_ns ? before->last_ns : now->last_ns;
}

static void shift_bits(struct spread *spread, unsigned passed)
{
    if (passed == 0)
        return;
    if (passed == 1)
        memcpy(spread->bits[1], spread->bits[0], sizeof spread->bits[1]);
    else
        memset(spread->bits[1], 0, sizeof spread->bits[1]);
    memset(spread->bits[0], 0, sizeof spread->bits[0]);
}

unsigned spread_note(struct spread *spread, uint64_t hash, int64_t now_ns, int64_t start_ns,
                     int64_t half_ns)
{
    shift_bits(spread, tally_advance(&spread->tally, now_ns, half_ns));
    tally_add(&spread->tally, now_ns, start_ns, 0);
    const unsigned word = (unsigned)(hash / 64 % SPREAD_WORDS);
    const uint64_t bit = UINT64_C(1) << hash % 64;
    const unsigned is_new = ((spread->bits[0][word] | spread->bits[1][word]) & bit) == 0;
    spread->bits[0][word] |= bit;
    return is_new;
}

uint32_t spread_count(const struct spread *spread)
{
    int unset = 0;
    for (unsigned i = 0; i < SPREAD_WORDS; i++)
        unset += 64 - __builtin_popcountll(spread->bits[0][i] | spread->bits[1][i]);
    const double share = (double)(unset > 0 ? unset : 1) / SPREAD_BITS;
    return (uint32_t)lround(-SPREAD_BITS * log(share));
}
