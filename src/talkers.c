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
    return (uint32_t)(mixed >> 32) | 1;
}

static bool is_of(const struct statistics_talker *told, const struct flow_record *flow)
{
    return told->ip_version == flow->ip_version &&
           memcmp(told->address, flow->source, sizeof told->address) == 0;
}

/* A place with this mark, which mostly is the only one; else TALKERS_KEPT. Over all places and
 * without a way out, so that the compiler makes vectors of it. */
static uint32_t find_mark(const struct talkers *talkers, uint32_t mark)
{
    uint32_t place = TALKERS_KEPT;
    for (uint32_t i = 0; i < TALKERS_KEPT; i++)
        place = talkers->marks[i] == mark ? i : place;
    return place;
}

static uint32_t find(const struct talkers *talkers, uint32_t mark, const struct flow_record *flow)
{
    const uint32_t place = find_mark(talkers, mark);
    if (place == TALKERS_KEPT || is_of(&talkers->told[place], flow))
        return place;
    for (uint32_t i = 0; i < talkers->count; i++)
        if (is_of(&talkers->told[i], flow))
            return i;
    return TALKERS_KEPT;
}

static uint32_t least(const struct talkers *talkers)
{
    uint64_t weight = UINT64_MAX;
    for (uint32_t i = 0; i < TALKERS_KEPT; i++)
        weight = talkers->weights[i] < weight ? talkers->weights[i] : weight;
    uint32_t place = 0;
    while (talkers->weights[place] != weight)
        place++;
    return place;
}

/* Makes a place for a source that has none. */
static uint32_t admit(struct talkers *talkers, uint32_t mark, const struct flow_record *flow)
{
    const bool is_full = talkers->count == TALKERS_KEPT;
    const uint32_t place = is_full ? least(talkers) : talkers->count++;
    talkers->replaced += is_full;
    talkers->marks[place] = mark;
    talkers->told[place] =
        (struct statistics_talker){.ip_version = flow->ip_version, .is_least = is_full};
    memcpy(talkers->told[place].address, flow->source, sizeof flow->source);
    return place;
}

void talkers_count(struct talkers *talkers, const struct flow_record *flow, uint64_t ip_bytes,
                   uint64_t weight)
{
    const uint32_t mark = mark_of(flow->source, flow->ip_version);
    uint32_t place = find(talkers, mark, flow);
    if (place == TALKERS_KEPT)
        place = admit(talkers, mark, flow);
    assert(place < TALKERS_KEPT);
    talkers->weights[place] += weight;
    talkers->told[place].flows++;
    talkers->told[place].ip_bytes += ip_bytes;
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
