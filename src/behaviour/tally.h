/* SPDX-License-Identifier: Apache-2.0 */
/* Counting over a stretch of time: a tally adds, a spread counts distinct things. Parts of the
 * behaviour engine's entries; the engine's thread.
 *
 * Both keep two halves: the current one and the one before it. What is asked is their sum, so it
 * reaches back one to two halves ("the last 5 to 10 minutes" for a half of 5), at twice the memory
 * of a plain counter. Rejected: ten buckets (five times the memory, in every entry of six tables)
 * and decay (a count of 9.3 is no evidence that a person can check). */
#ifndef WHYFLOW_BEHAVIOUR_TALLY_H
#define WHYFLOW_BEHAVIOUR_TALLY_H

#include <stdint.h>

/* All zero is an empty one. */
struct tally_half {
    int64_t first_ns, last_ns; /* least and greatest start of its flows; valid if count > 0 */
    uint64_t count, sum;
};

struct tally {
    int64_t began_ns;            /* of the current half; valid if halves[0].count > 0 */
    struct tally_half halves[2]; /* current, the one before */
};

/* Moves on to now_ns: returns how many halves were left behind (0, 1 or 2). */
unsigned tally_advance(struct tally *tally, int64_t now_ns, int64_t half_ns);
/* Counts one flow that began at start_ns and adds `amount`. After tally_advance to the same
 * time. */
void tally_add(struct tally *tally, int64_t now_ns, int64_t start_ns, uint64_t amount);
uint64_t tally_count(const struct tally *tally);
uint64_t tally_sum(const struct tally *tally);
/* Least and greatest start of the flows counted; 0 if there are none. */
int64_t tally_first_ns(const struct tally *tally);
int64_t tally_last_ns(const struct tally *tally);

enum { SPREAD_WORDS = 4, SPREAD_BITS = SPREAD_WORDS * 64 };

/* How many distinct things, by linear counting (Whang, Vander-Zanden, Taylor 1990) over 256 bits: a
 * standard error of 0.3 at 10 things, 0.6 at 20, 3 at 100. Full, it says 1,420. */
struct spread {
    struct tally tally; /* of the flows that were noted */
    uint64_t bits[2][SPREAD_WORDS];
};

/* Notes the thing with this hash, seen by a flow that began at start_ns. Returns 1 if the spread
 * had not seen it, else 0. */
unsigned spread_note(struct spread *spread, uint64_t hash, int64_t now_ns, int64_t start_ns,
                     int64_t half_ns);
/* To the nearest whole, as of its last note. */
uint32_t spread_count(const struct spread *spread);

#endif
