/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor over bytes with a sticky error: read a whole header, ask once at the end.
 *
 * Reading past the end gives 0 and sets is_short; from then on every read gives 0. It is the only
 * way packet bytes are read. Multi-byte numbers are in network order. Used by the packet room, on
 * the capture thread; holds no state of its own. */
#ifndef WHYFLOW_PACKET_CURSOR_H
#define WHYFLOW_PACKET_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *bytes;
    uint32_t size;     /* bytes that may be read; position <= size */
    uint32_t position; /* of the next byte */
    bool is_short;     /* something was read past the end */
};

static inline struct cursor cursor_init(const uint8_t *bytes, uint32_t size)
{
    return (struct cursor){.bytes = bytes, .size = size};
}

/* Moves past `count` bytes and returns the first, or NULL (and is_short) if there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *cursor, uint32_t count)
{
    if (cursor->is_short || count > cursor->size - cursor->position) {
        cursor->is_short = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->bytes + cursor->position;
    cursor->position += count;
    return bytes;
}

static inline void cursor_skip(struct cursor *cursor, uint32_t count)
{
    (void)cursor_take(cursor, count);
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 1);
    return bytes != NULL ? bytes[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 2);
    if (bytes == NULL)
        return 0;
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 4);
    if (bytes == NULL)
        return 0;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Copies `count` bytes out; leaves `copy` as it was if there are fewer. */
static inline void cursor_bytes(struct cursor *cursor, uint8_t *copy, uint32_t count)
{
    const uint8_t *bytes = cursor_take(cursor, count);
    if (bytes != NULL)
        memcpy(copy, bytes, count);
}

/* The next byte without moving; 0 (and no error) at the end. */
static inline uint8_t cursor_peek_u8(const struct cursor *cursor)
{
    const bool has_byte = !cursor->is_short && cursor->position < cursor->size;
    return has_byte ? cursor->bytes[cursor->position] : 0;
}

/* Forbids reading at or after `size`, which was counted from the first byte. */
static inline void cursor_limit(struct cursor *cursor, uint32_t size)
{
    if (size < cursor->size)
        cursor->size = size < cursor->position ? cursor->position : size;
}

#endif
