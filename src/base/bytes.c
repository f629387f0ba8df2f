/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_LEAST = 4096, TAG_SIZE = 4, LENGTH_SIZE = 8 };
enum { VARINT_BITS = 7, VARINT_PART = 0x7f, VARINT_MORE = 0x80, VARINT_LAST_SHIFT = 63 };

/* ---- writing ------------------------------------------------------------------------------- */

void byte_writer_deinit(struct byte_writer *writer)
{
    free(writer->bytes);
    *writer = (struct byte_writer){0};
}

static bool make_room(struct byte_writer *writer, size_t size)
{
    if (writer->has_failed)
        return false;
    if (writer->capacity - writer->size >= size)
        return true;
    size_t capacity = writer->capacity < CAPACITY_LEAST ? CAPACITY_LEAST : writer->capacity;
    while (capacity - writer->size < size)
        capacity *= 2;
    uint8_t *const bytes = realloc(writer->bytes, capacity);
    if (bytes == NULL) {
        writer->has_failed = true;
        return false;
    }
    writer->bytes = bytes;
    writer->capacity = capacity;
    return true;
}

void byte_writer_bytes(struct byte_writer *writer, const void *bytes, size_t size)
{
    if (size == 0 || !make_room(writer, size))
        return;
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static void write_number(struct byte_writer *writer, uint64_t number, size_t size)
{
    uint8_t bytes[sizeof number];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    byte_writer_bytes(writer, bytes, size);
}

void byte_writer_u8(struct byte_writer *writer, uint8_t number)
{
    write_number(writer, number, sizeof number);
}

void byte_writer_u32(struct byte_writer *writer, uint32_t number)
{
    write_number(writer, number, sizeof number);
}

void byte_writer_u64(struct byte_writer *writer, uint64_t number)
{
    write_number(writer, number, sizeof number);
}

void byte_writer_i64(struct byte_writer *writer, int64_t number)
{
    write_number(writer, (uint64_t)number, sizeof number);
}

void byte_writer_varint(struct byte_writer *writer, uint64_t number)
{
    while (number > VARINT_PART) {
        byte_writer_u8(writer, (uint8_t)(number | VARINT_MORE));
        number >>= VARINT_BITS;
    }
    byte_writer_u8(writer, (uint8_t)number);
}

size_t byte_writer_begin(struct byte_writer *writer, const char tag[4])
{
    byte_writer_bytes(writer, tag, TAG_SIZE);
    byte_writer_u64(writer, 0);
    return writer->size;
}

void byte_writer_end(struct byte_writer *writer, size_t section)
{
    if (writer->has_failed)
        return;
    const uint64_t length = writer->size - section;
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        writer->bytes[section - LENGTH_SIZE + i] = (uint8_t)(length >> 8 * i);
}

/* ---- reading ------------------------------------------------------------------------------- */

void byte_reader_init(struct byte_reader *reader, const uint8_t *bytes, size_t size)
{
    *reader = (struct byte_reader){.bytes = bytes, .size = size, .end = size};
}

bool byte_reader_refuse(struct byte_reader *reader, const char *format, ...)
{
    if (reader->has_failed)
        return false;
    reader->has_failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->problem, sizeof reader->problem, format, arguments);
    va_end(arguments);
    return false;
}

bool byte_reader_bytes(struct byte_reader *reader, void *bytes, size_t size)
{
    if (!reader->has_failed && reader->end - reader->at < size)
        byte_reader_refuse(reader, "it is cut short at byte %zu", reader->at);
    if (reader->has_failed) {
        memset(bytes, 0, size);
        return false;
    }
    memcpy(bytes, reader->bytes + reader->at, size);
    reader->at += size;
    return true;
}

static uint64_t read_number(struct byte_reader *reader, size_t size)
{
    uint8_t bytes[sizeof(uint64_t)];
    uint64_t number = 0;
    byte_reader_bytes(reader, bytes, size);
    for (size_t i = 0; i < size; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

uint8_t byte_reader_u8(struct byte_reader *reader)
{
    return (uint8_t)read_number(reader, sizeof(uint8_t));
}

uint32_t byte_reader_u32(struct byte_reader *reader)
{
    return (uint32_t)read_number(reader, sizeof(uint32_t));
}

uint64_t byte_reader_u64(struct byte_reader *reader)
{
    return read_number(reader, sizeof(uint64_t));
}

int64_t byte_reader_i64(struct byte_reader *reader)
{
    return (int64_t)byte_reader_u64(reader);
}

uint64_t byte_reader_varint(struct byte_reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift <= VARINT_LAST_SHIFT; shift += VARINT_BITS) {
        const uint8_t byte = byte_reader_u8(reader);
        const uint64_t part = byte & VARINT_PART;
        if ((part == 0 && shift > 0 && (byte & VARINT_MORE) == 0) ||
            (shift == VARINT_LAST_SHIFT && byte > 1))
            break;
        number |= part << shift;
        if ((byte & VARINT_MORE) == 0)
            return number;
    }
    byte_reader_refuse(reader, "a number is written in no valid form at byte %zu", reader->at);
    return 0;
}

uint32_t byte_reader_count(struct byte_reader *reader, size_t item_bytes)
{
    const uint32_t count = byte_reader_u32(reader);
    if (count > (reader->end - reader->at) / item_bytes)
        byte_reader_refuse(reader, "it counts %u items where there is no room for them", count);
    return reader->has_failed ? 0 : count;
}

bool byte_reader_begin(struct byte_reader *reader, const char tag[4])
{
    char found[TAG_SIZE];
    byte_reader_bytes(reader, found, sizeof found);
    const uint64_t length = byte_reader_u64(reader);
    if (!reader->has_failed && memcmp(found, tag, TAG_SIZE) != 0)
        byte_reader_refuse(reader, "its part \"%.4s\" is missing", tag);
    if (!reader->has_failed && length > reader->end - reader->at)
        byte_reader_refuse(reader, "its part \"%.4s\" is cut short", tag);
    if (reader->has_failed)
        return false;
    reader->end = reader->at + (size_t)length;
    return true;
}

bool byte_reader_end(struct byte_reader *reader)
{
    if (!reader->has_failed && reader->at != reader->end)
        byte_reader_refuse(reader, "a part is longer than what is known of it, at byte %zu",
                           reader->at);
    reader->end = reader->size;
    return !reader->has_failed;
}
