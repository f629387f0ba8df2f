/* SPDX-License-Identifier: Apache-2.0 */
/* What flow_pack.c's walks are made of: how one field is written, and read back. For flow_pack.c.
 *
 * A group has up to 64 fields, and a map whose bits say which of them are not as expected; these
 * are written as numbers (number.h). Flows in a row are mostly alike: the maps of all groups stand
 * in front, as what differs from those of the flow before. A byte says of which groups anything
 * does; of each such one a byte says which bytes of its map do, and these follow. */
#ifndef WHYFLOW_ANOMALY_FLOW_PACK_FIELD_H
#define WHYFLOW_ANOMALY_FLOW_PACK_FIELD_H

#include "anomaly/number.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { GROUP_FIELDS_MAX = 64, GROUP_BODY_MAX = GROUP_FIELDS_MAX * NUMBER_REACH };

struct walk {
    const uint8_t *from; /* reading: the next byte */
    uint8_t *to;         /* writing: the same */
    uint64_t map;
    unsigned field;
};

/* ---- numbers ------------------------------------------------------------------------------- */

/* Small numbers of either sign become small numbers. */
static inline uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (0 - (folded & 1));
}

/* As signed numbers wrap: what was read of a damaged line may be any time. */
static inline int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* ---- groups -------------------------------------------------------------------------------- */

/* Bit i: byte i of the map is not 0. */
static inline unsigned map_mask(uint64_t map)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    const uint64_t any = (((map & low) + low) | map) & ~low; /* each byte's highest bit */
    return (unsigned)((any >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* The next group's fields follow; the map of the one before. */
static inline uint64_t next_group(struct walk *walk)
{
    assert(walk->field <= GROUP_FIELDS_MAX);
    const uint64_t map = walk->map;
    walk->map = 0;
    walk->field = 0;
    return map;
}

/* Behind the maps; `before` has become `maps`. */
static inline uint8_t *write_maps(uint64_t before[], const uint64_t maps[], unsigned count,
                                  uint8_t *bytes)
{
    unsigned groups = 0;
    uint8_t *to = bytes + 1;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t differing = maps[i] ^ before[i];
        if (differing == 0)
            continue;
        before[i] = maps[i];
        groups |= 1U << i;
        unsigned mask = map_mask(differing);
        *to++ = (uint8_t)mask;
        for (; mask != 0; mask &= mask - 1)
            *to++ = (uint8_t)(differing >> 8 * (unsigned)__builtin_ctz(mask));
    }
    *bytes = (uint8_t)groups;
    return to;
}

static inline const uint8_t *read_maps(uint64_t maps[], const uint8_t *bytes)
{
    for (unsigned groups = *bytes++; groups != 0; groups &= groups - 1) {
        uint64_t *const map = &maps[__builtin_ctz(groups)];
        for (unsigned mask = *bytes++; mask != 0; mask &= mask - 1)
            *map ^= (uint64_t)*bytes++ << 8 * (unsigned)__builtin_ctz(mask);
    }
    return bytes;
}

/* ---- fields -------------------------------------------------------------------------------- */

static inline void walk_put(struct walk *walk, unsigned field, uint64_t rest)
{
    walk->map |= UINT64_C(1) << field;
    walk->to = number_write(walk->to, rest);
}

/* A number that is 0 if all is as expected. */
static inline uint64_t walk_rest(struct walk *walk, bool is_reading, uint64_t rest)
{
    const unsigned field = walk->field++;
    if (is_reading)
        return walk->map >> field & 1 ? number_read(&walk->from) : 0;
    if (rest != 0)
        walk_put(walk, field, rest);
    return rest;
}

static inline uint64_t walk_word(struct walk *walk, bool is_reading, uint64_t value,
                                 uint64_t expected)
{
    if (is_reading)
        return expected + unfold(walk_rest(walk, true, 0));
    const unsigned field = walk->field++;
    if (value != expected)
        walk_put(walk, field, fold(value - expected));
    return value;
}

/* Bits that have no size: what differs. */
static inline uint64_t walk_bits(struct walk *walk, bool is_reading, uint64_t value,
                                 uint64_t expected)
{
    return expected ^ walk_rest(walk, is_reading, value ^ expected);
}

static inline void walk_u64(struct walk *walk, bool is_reading, uint64_t *value, uint64_t expected)
{
    const uint64_t told = walk_word(walk, is_reading, *value, expected);
    if (is_reading)
        *value = told;
}

static inline void walk_i64(struct walk *walk, bool is_reading, int64_t *value, int64_t expected)
{
    const uint64_t told = walk_word(walk, is_reading, (uint64_t)*value, (uint64_t)expected);
    if (is_reading)
        *value = (int64_t)told;
}

static inline void walk_u32(struct walk *walk, bool is_reading, uint32_t *value, uint32_t expected)
{
    const uint64_t told = walk_word(walk, is_reading, *value, expected);
    if (is_reading)
        *value = (uint32_t)told;
}

static inline void walk_u16(struct walk *walk, bool is_reading, uint16_t *value, uint16_t expected)
{
    const uint64_t told = walk_word(walk, is_reading, *value, expected);
    if (is_reading)
        *value = (uint16_t)told;
}

static inline void walk_u8(struct walk *walk, bool is_reading, uint8_t *value)
{
    const uint64_t told = walk_rest(walk, is_reading, *value);
    if (is_reading)
        *value = (uint8_t)told;
}

static inline void walk_bool(struct walk *walk, bool is_reading, bool *value, bool expected)
{
    /* What is there before it is read may be no bool: records share their memory. */
    const bool differs = walk_rest(walk, is_reading, is_reading ? 0 : *value ^ expected) != 0;
    if (is_reading)
        *value = differs ^ expected;
}

static inline void walk_text(struct walk *walk, bool is_reading, void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, (uint8_t *)bytes + at, sizeof word);
        word = walk_rest(walk, is_reading, word);
        if (is_reading)
            memcpy((uint8_t *)bytes + at, &word, sizeof word);
    }
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* How a double is told, in the lowest bits of its number. Most are whole, and told by how much more
 * than expected, a whole number of thousandths, a share of a count that is known (the quotient is
 * made again by the same division and compared bit by bit), or as another feature's, which whoever
 * walks them knows. Else all its bits follow. */
enum form { FORM_WHOLE = 1, FORM_THOUSANDTHS, FORM_SHARE, FORM_BITS, FORM_WINDOW, FORM_SHIFT = 3 };

static const double WHOLE_MAX = 0x1p52; /* beyond it not every whole number is a double */

static inline int64_t whole_of(double value)
{
    return value > -WHOLE_MAX && value < WHOLE_MAX ? (int64_t)value : 0;
}

static inline uint64_t form_of(double value, double expected, double whole, uint64_t *bits)
{
    *bits = bits_of(value);
    if (value > -WHOLE_MAX && value < WHOLE_MAX) {
        const int64_t number = (int64_t)value;
        if (bits_of((double)number) == *bits)
            return fold((uint64_t)(number - whole_of(expected))) << FORM_SHIFT | FORM_WHOLE;
        const double scaled = value * 1e3;
        const int64_t parts = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
        if (scaled > -WHOLE_MAX && scaled < WHOLE_MAX && bits_of((double)parts / 1e3) == *bits)
            return fold((uint64_t)parts) << FORM_SHIFT | FORM_THOUSANDTHS;
    }
    if (value > 0 && value < 1 && whole > 1 && whole < 0x1p32) {
        const uint64_t part = (uint64_t)(value * whole + 0.5);
        if (bits_of((double)part / whole) == *bits)
            return part << FORM_SHIFT | FORM_SHARE;
    }
    return FORM_BITS;
}

/* A value that is not as expected. */
static inline void walk_put_double(struct walk *walk, unsigned field, double value, double expected,
                                   double whole)
{
    uint64_t bits;
    const uint64_t form = form_of(value, expected, whole, &bits);
    walk_put(walk, field, form);
    if (form != FORM_BITS)
        return;
    memcpy(walk->to, &bits, sizeof bits);
    walk->to += sizeof bits;
}

/* What a form says; `whole`: what the value may be a share of. */
static inline double read_form(struct walk *walk, uint64_t form, double expected, double whole)
{
    const uint64_t number = form >> FORM_SHIFT;
    double value = expected;
    switch ((unsigned)form & ((1U << FORM_SHIFT) - 1)) {
    case FORM_WHOLE:
        return (double)(int64_t)((uint64_t)whole_of(expected) + unfold(number));
    case FORM_THOUSANDTHS:
        return (double)(int64_t)unfold(number) / 1e3;
    case FORM_SHARE:
        return (double)number / whole;
    case FORM_BITS:
        memcpy(&value, walk->from, sizeof value);
        walk->from += sizeof value;
        break;
    }
    return value;
}

static inline double walk_double(struct walk *walk, bool is_reading, double value, double expected)
{
    if (is_reading)
        return read_form(walk, walk_rest(walk, true, 0), expected, 0);
    const unsigned field = walk->field++;
    if (bits_of(value) != bits_of(expected))
        walk_put_double(walk, field, value, expected, 0);
    return value;
}

#endif
