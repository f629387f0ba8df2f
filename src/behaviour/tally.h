/* SPDX-License-Identifier: Apache-2.0 */
/* Counting over a stretch of time: a tally adds, a spread counts distinct things. Taken by parts.h,
 * where counts of one flow alone are kept smaller; the engine's thread.
 *
 * Both keep two halves: the current one and the one before it. What is asked is their sum, so it
 * reaches back one to two halves ("the last 5 to 10 minutes" for a half of 5), at twice the memory
 * of a plain counter. Rejected: ten buckets (five times the memory, in every entry of six tables)
 * and decay (a count of 9.3 is no evidence that a person can check). */
#ifndef WHYFLOW_BEHAVIOUR_TALLY_H
#define WHYFLOW_BEHAVIOUR_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* A flow as time sees it: when it is counted, and when it began. */
struct moment {
    int64_t now_ns, start_ns;
};

/* All zero is an empty one. Current half first, then the one before it; one cache line. A half that
 * has 2^32 - 1 flows counts no more, nor adds: what is asked of so many is a share. */
struct tally {
    int64_t began_ns;                /* of the current half; valid if its count > 0 */
    int64_t first_ns[2], last_ns[2]; /* least and greatest start of its flows; valid likewise */
    uint64_t sum[2];
    uint32_t count[2];
};
_Static_assert(sizeof(struct tally) == 64, "a cache line");

/* Makes it one of this flow alone, whatever was there. */
void tally_begin(struct tally *tally, struct moment moment, uint64_t amount);
/* Counts one flow and adds `amount`. */
static inline void tally_add(struct tally *tally, struct moment moment, uint64_t amount,
                             int64_t half_ns);
uint64_t tally_count(const struct tally *tally);
uint64_t tally_sum(const struct tally *tally);
/* Least and greatest start of the flows counted; 0 if there are none. */
int64_t tally_first_ns(const struct tally *tally);
int64_t tally_last_ns(const struct tally *tally);

enum { SPREAD_WORDS = 4, SPREAD_BITS = SPREAD_WORDS * 64 };

/* How many distinct things, by linear counting (Whang, Vander-Zanden, Taylor 1990) over 256 bits: a
 * standard error of 0.3 at 10 things, 0.6 at 20, 3 at 100. Full, it says 1,420. A half has a bit
 * set once a flow was noted in it, so that the bits say which halves there are. */
struct spread {
    int64_t began_ns;    /* of the current half; valid if bits_set > 0 */
    int64_t first_ns[2]; /* least start of a half's flows */
    uint64_t bits[2][SPREAD_WORDS];
    uint32_t bits_set; /* in either half */
};

/* Makes it one of this thing alone, whatever was there. */
void spread_begin(struct spread *spread, struct moment moment, uint8_t thing);
/* Notes a thing, by a byte of its hash. Returns 1 if the spread had not seen it, else 0. */
static inline unsigned spread_note(struct spread *spread, struct moment moment, uint8_t thing,
                                   int64_t half_ns);
/* To the nearest whole, as of its last note. */
uint32_t spread_count(const struct spread *spread);
/* Least start of the flows noted; 0 if there are none. */
int64_t spread_first_ns(const struct spread *spread);

/* ---- in line: a flow is counted in eight of them --------------------------------------------- */

/* A new half begins; the current one was over, or there was none. */
void tally_begin_half(struct tally *tally, struct moment moment, int64_t half_ns);
void spread_begin_half(struct spread *spread, struct moment moment, int64_t half_ns);

static inline void tally_add(struct tally *tally, struct moment moment, uint64_t amount,
                             int64_t half_ns)
{
    if (tally->count[0] == 0 || moment.now_ns - tally->began_ns >= half_ns)
        tally_begin_half(tally, moment, half_ns);
    if (moment.start_ns < tally->first_ns[0])
        tally->first_ns[0] = moment.start_ns;
    if (moment.start_ns > tally->last_ns[0])
        tally->last_ns[0] = moment.start_ns;
    const bool has_room = tally->count[0] < UINT32_MAX;
    tally->count[0] += has_room;
    tally->sum[0] += has_room ? amount : 0;
}

static inline unsigned spread_note(struct spread *spread, struct moment moment, uint8_t thing,
                                   int64_t half_ns)
{
    if (spread->bits_set == 0 || moment.now_ns - spread->began_ns >= half_ns)
        spread_begin_half(spread, moment, half_ns);
    if (moment.start_ns < spread->first_ns[0])
        spread->first_ns[0] = moment.start_ns;
    const unsigned word = thing / 64;
    const uint64_t bit = UINT64_C(1) << thing % 64;
    const unsigned is_new = ((spread->bits[0][word] | spread->bits[1][word]) & bit) == 0;
    spread->bits[0][word] |= bit;
    spread->bits_set += is_new;
    return is_new;
}

#endif
