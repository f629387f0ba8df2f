/* SPDX-License-Identifier: Apache-2.0 */
/* A flow is two bytes: the slot and two marks; then, where it changed, pair_flows as a number;
 * then, where the slot held another place, the place: its bins, scope and missing categories in a
 * byte each, and its codes, which mostly follow from the service, as what differs from that. */
#include "anomaly/place_log.h"

#include "anomaly/flow_store.h"
#include "anomaly/number.h"
#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_BITS = 10,
    MARK_PLACE = 1 << SLOT_BITS,
    MARK_PAIR_FLOWS = 2 << SLOT_BITS,
    HAS_SERVICE = 0x80,
    PART_BITS = 8, /* of a code that names its service or protocol: baseline_part's */
    FLOW_BYTES_MAX = 2 + NUMBER_REACH + BASELINE_NUMERIC_COUNT + 2 +
                     (BASELINE_CATEGORY_COUNT + 1) * NUMBER_REACH,
};
_Static_assert(PLACE_LOG_SLOTS == 1 << SLOT_BITS, "slots by their bits");
_Static_assert((unsigned)CATEGORY_SCOPE_COUNT <= (unsigned)HAS_SERVICE,
               "scope and has_service share a byte");

struct place_log {
    struct flow_store *store; /* of blocks */
    const uint8_t *at, *end;  /* while reading, within `block` */
    uint32_t used;            /* while appending */
    struct place_slot *last;  /* which neighbours share */
    uint8_t block[PLACE_LOG_BLOCK + FLOW_BYTES_MAX];
    struct place_slot slots[PLACE_LOG_SLOTS];
};

struct place_log *place_log_open(uint64_t memory_bytes, const char *spill_directory)
{
    struct place_log *const log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    pages_back(log, sizeof *log);
    log->store = flow_store_open(memory_bytes, spill_directory);
    log->last = log->slots;
    if (log->store != NULL)
        return log;
    free(log);
    return NULL;
}

void place_log_close(struct place_log *log)
{
    if (log == NULL)
        return;
    flow_store_close(log->store);
    free(log);
}

/* Words are turned and added up in four sums side by side, which are multiplied only at the end:
 * places that share a slot cost what varied traffic costs, and no more. */
static size_t slot_of(const struct baseline_place *place)
{
    static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    enum { TURN_BYTES = 4 * sizeof(uint64_t), WHOLE = sizeof *place / TURN_BYTES * TURN_BYTES };
    const uint8_t *const bytes = (const uint8_t *)place;
    uint64_t word[4], a = 1, b = 2, c = 3, d = 4;
    for (unsigned i = 0; i < sizeof *place; i += TURN_BYTES) {
        if (i < WHOLE) {
            memcpy(word, bytes + i, TURN_BYTES);
        } else {
            memset(word, 0, sizeof word);
            memcpy(word, bytes + WHOLE, sizeof *place - WHOLE);
        }
        a = (a << 11 | a >> 53) + word[0];
        b = (b << 11 | b >> 53) + word[1];
        c = (c << 11 | c >> 53) + word[2];
        d = (d << 11 | d >> 53) + word[3];
    }
    uint64_t hash = (a ^ a >> 32) * factor;
    hash = (hash ^ hash >> 32 ^ b) * factor;
    hash = (hash ^ hash >> 32 ^ c) * factor;
    hash = (hash ^ hash >> 32 ^ d) * factor;
    return (size_t)(hash >> (64 - SLOT_BITS));
}

static bool holds(const struct place_slot *slot, const struct baseline_place *place)
{
    return slot->is_used && memcmp(&slot->place, place, sizeof *place) == 0;
}

struct place_slot *place_log_find(struct place_log *log, const struct baseline_place *place,
                                  bool *is_there)
{
    *is_there = true;
    if (holds(log->last, place))
        return log->last;
    log->last = &log->slots[slot_of(place)];
    *is_there = holds(log->last, place);
    return log->last;
}

/* What a code is expected to be: made of the service, or of the protocol, which stands before. */
static uint64_t expected_code(const struct baseline_place *place, unsigned j)
{
    switch (j) {
    case FEATURE_SERVICE:
        return place->service;
    case FEATURE_SERVICE_STATE:
    case FEATURE_SERVICE_SIZE:
        return place->service << PART_BITS;
    case FEATURE_PROTOCOL_STATE:
        return place->code[FEATURE_PROTOCOL - BASELINE_NUMERIC_COUNT] << PART_BITS;
    default:
        return 0;
    }
}

static uint8_t *write_place(uint8_t *to, const struct baseline_place *place)
{
    memcpy(to, place->bin, sizeof place->bin);
    to += sizeof place->bin;
    *to++ = (uint8_t)(place->scope | (place->has_service ? HAS_SERVICE : 0));
    *to++ = place->missing;
    to = number_write(to, place->service);
#pragma GCC unroll 8
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++)
        to = number_write(to, place->code[i] ^ expected_code(place, BASELINE_NUMERIC_COUNT + i));
    return to;
}

static const uint8_t *read_place(const uint8_t *from, struct baseline_place *place)
{
    memcpy(place->bin, from, sizeof place->bin);
    from += sizeof place->bin;
    place->has_service = (*from & HAS_SERVICE) != 0;
    place->scope = *from++ & (uint8_t)~HAS_SERVICE;
    place->missing = *from++;
    place->service = number_read(&from);
#pragma GCC unroll 8
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++) {
        const unsigned j = BASELINE_NUMERIC_COUNT + i;
        place->code[i] = number_read(&from) ^ expected_code(place, j);
        place->part[i] =
            (uint8_t)baseline_part((enum feature_id)j, place->missing >> i & 1, place->code[i]);
    }
    return from;
}

static void write_block(struct place_log *log)
{
    if (log->used > 0)
        (void)flow_store_append(log->store, log->block, log->used); /* said at rewind */
    log->used = 0;
}

void place_log_append(struct place_log *log, struct place_slot *slot, bool is_there,
                      const struct baseline_place *place, uint32_t pair_flows)
{
    if (log->used >= PLACE_LOG_BLOCK)
        write_block(log);
    const bool is_other_pair = !is_there || slot->pair_flows != pair_flows;
    const unsigned head = (unsigned)(slot - log->slots) | (is_there ? 0 : (unsigned)MARK_PLACE) |
                          (is_other_pair ? (unsigned)MARK_PAIR_FLOWS : 0);
    uint8_t *to = log->block + log->used;
    *to++ = (uint8_t)head;
    *to++ = (uint8_t)(head >> 8);
    if (is_other_pair)
        to = number_write(to, pair_flows);
    if (!is_there) {
        to = write_place(to, place);
        memcpy(&slot->place, place, sizeof slot->place); /* padding too: it is compared */
    }
    slot->is_used = true;
    slot->pair_flows = pair_flows;
    log->used = (uint32_t)(to - log->block);
}

struct place_slot *place_log_at(struct place_log *log, unsigned index)
{
    return &log->slots[index];
}

bool place_log_rewind(struct place_log *log)
{
    write_block(log);
    memset(log->slots, 0, sizeof log->slots);
    log->at = log->end = log->block;
    return flow_store_rewind(log->store);
}

static bool read_block(struct place_log *log)
{
    uint32_t size;
    if (flow_store_next(log->store, log->block, sizeof log->block, &size) != FLOW_STORE_ITEM)
        return false;
    log->at = log->block;
    log->end = log->block + size;
    return true;
}

struct place_slot *place_log_next(struct place_log *log, bool *is_new)
{
    if (log->at == log->end && !read_block(log))
        return NULL;
    const unsigned head = log->at[0] | (unsigned)log->at[1] << 8;
    struct place_slot *const slot = &log->slots[head & (PLACE_LOG_SLOTS - 1)];
    log->at += 2;
    *is_new = (head & (MARK_PLACE | MARK_PAIR_FLOWS)) != 0;
    if (head & MARK_PAIR_FLOWS)
        slot->pair_flows = (uint32_t)number_read(&log->at);
    if (head & MARK_PLACE)
        log->at = read_place(log->at, &slot->place);
    return slot;
}

const char *place_log_error(const struct place_log *log)
{
    return flow_store_error(log->store);
}

uint64_t place_log_memory_bytes(const struct place_log *log)
{
    return sizeof *log + flow_store_memory_bytes(log->store);
}

uint64_t place_log_spilled_bytes(const struct place_log *log)
{
    return flow_store_spilled_bytes(log->store);
}
