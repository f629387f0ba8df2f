/* SPDX-License-Identifier: Apache-2.0 */
/* Counting top talkers. No clock, no allocation. */
#include "talkers.h"

#include <assert.h>
#include <string.h>

/* No key: who aims at equal marks gains some comparisons of addresses. */
static uint32_t mark_of(const uint8_t address[16], uint8_t ip_version)
{
    uint64_t halves[2];
    memcpy(halves, address, sizeof halves);
    const uint64_t mixed = (halves[0] ^ (halves[1] + ip_version)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32);
}

static bool is_of(const struct statistics_talker *told, const struct flow_record *flow)
{
    return told->ip_version == flow->ip_version &&
           memcmp(told->address, flow->source, sizeof told->address) == 0;
}

/* ---- the index ----------------------------------------------------------------------------- */

static uint8_t *chain_of(struct talkers *talkers, uint32_t mark)
{
    return &talkers->first[mark / (UINT32_MAX / TALKERS_BUCKETS + 1)];
}

/* The source's place, or TALKERS_KEPT. */
static uint32_t find(struct talkers *talkers, uint32_t mark, const struct flow_record *flow)
{
    uint32_t link = *chain_of(talkers, mark);
    while (link != 0 &&
           (talkers->marks[link - 1] != mark || !is_of(&talkers->told[link - 1], flow)))
        link = talkers->next[link - 1];
    return link == 0 ? TALKERS_KEPT : link - 1;
}

static void enter(struct talkers *talkers, uint32_t place, uint32_t mark)
{
    uint8_t *const chain = chain_of(talkers, mark);
    talkers->marks[place] = mark;
    talkers->next[place] = *chain;
    *chain = (uint8_t)(place + 1);
}

static void leave(struct talkers *talkers, uint32_t place)
{
    uint8_t *link = chain_of(talkers, talkers->marks[place]);
    while (*link != place + 1)
        link = &talkers->next[*link - 1];
    *link = talkers->next[place];
}

/* ---- the tournament ------------------------------------------------------------------------ */

/* Games from a place to the root. */
enum { TALKERS_ROUNDS = 6 };
_Static_assert(1 << TALKERS_ROUNDS == TALKERS_KEPT, "each round halves");

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void play_all(struct talkers *talkers)
{
    memcpy(&talkers->least[TALKERS_KEPT], talkers->weights, sizeof talkers->weights);
    for (uint32_t node = TALKERS_KEPT - 1; node > 0; node--)
        talkers->least[node] = lesser(talkers->least[2 * node], talkers->least[2 * node + 1]);
}

/* A place has another weight. Of equals the first place is the lesser. All the way up, though what
 * does not change could end it: asking that of each game costs more than the game. */
static void play_again(struct talkers *talkers, uint32_t place)
{
    uint32_t node = TALKERS_KEPT + place;
    uint64_t least = talkers->weights[place];
    talkers->least[node] = least;
#pragma GCC unroll 8
    for (unsigned round = 0; round < TALKERS_ROUNDS; round++) {
        least = lesser(least, talkers->least[node ^ 1]);
        node /= 2;
        talkers->least[node] = least;
    }
}

/* The least place; none is free. */
static uint32_t find_least(struct talkers *talkers)
{
    for (;;) {
        const uint32_t place = (uint32_t)(talkers->least[1] % TALKERS_KEPT);
        if (talkers->least[1] == talkers->weights[place])
            return place;
        play_again(talkers, place);
    }
}

static void add_weight(struct talkers *talkers, uint32_t place, uint64_t weight)
{
    const uint64_t known = talkers_weight(talkers, place);
    const uint64_t sum = weight < TALKERS_WEIGHT_MAX - known ? known + weight : TALKERS_WEIGHT_MAX;
    talkers->weights[place] = sum * TALKERS_KEPT + place;
}

/* ---- counting ------------------------------------------------------------------------------ */

/* Makes a place for a source that has none. */
static uint32_t admit(struct talkers *talkers, uint32_t mark, const struct flow_record *flow)
{
    const bool is_full = talkers->count == TALKERS_KEPT;
    const uint32_t place = is_full ? find_least(talkers) : talkers->count;
    if (is_full)
        leave(talkers, place);
    enter(talkers, place, mark);
    talkers->count += !is_full;
    talkers->replaced += is_full;
    struct statistics_talker *const told = &talkers->told[place];
    memcpy(told->address, flow->source, sizeof told->address);
    told->ip_version = flow->ip_version;
    told->is_least = is_full;
    told->flows = told->ip_bytes = 0;
    return place;
}

void talkers_count(struct talkers *talkers, const struct flow_record *flow, uint64_t ip_bytes,
                   uint64_t weight)
{
    const uint32_t mark = mark_of(flow->source, flow->ip_version);
    const bool was_full = talkers->count == TALKERS_KEPT;
    uint32_t place = find(talkers, mark, flow);
    if (place == TALKERS_KEPT)
        place = admit(talkers, mark, flow);
    assert(place < TALKERS_KEPT);
    add_weight(talkers, place, weight);
    talkers->told[place].flows++;
    talkers->told[place].ip_bytes += ip_bytes;
    if (!was_full && talkers->count == TALKERS_KEPT)
        play_all(talkers);
}

static bool goes_before(const struct statistics_talker *a, const struct statistics_talker *b,
                        enum talkers_order order)
{
    const uint64_t left = order == TALKERS_BY_FLOWS ? a->flows : a->ip_bytes;
    const uint64_t right = order == TALKERS_BY_FLOWS ? b->flows : b->ip_bytes;
    if (left != right)
        return left > right;
    if (a->ip_version != b->ip_version)
        return a->ip_version < b->ip_version;
    return memcmp(a->address, b->address, sizeof a->address) < 0;
}

uint32_t talkers_top(const struct talkers *talkers, enum talkers_order order,
                     struct statistics_talker top[STATISTICS_TALKERS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < talkers->count; i++) {
        const struct statistics_talker *const told = &talkers->told[i];
        uint32_t place = count;
        while (place > 0 && goes_before(told, &top[place - 1], order))
            place--;
        if (place == STATISTICS_TALKERS_MAX)
            continue;
        count += count < STATISTICS_TALKERS_MAX;
        memmove(&top[place + 1], &top[place], (count - 1 - place) * sizeof *top);
        top[place] = *told;
    }
    return count;
}
