/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as bytes and back: little-endian, mostly of fixed width, in sections that say their
 * length. A writer grows in memory; a reader trusts nothing: it never reads beyond its section, and
 * what it refuses first is the one line it keeps. Both have a sticky error, asked once at the end.
 * Used by what is saved between runs (snapshot.c and the rooms it asks). Any thread; a value of the
 * caller's. */
#ifndef WHYFLOW_BASE_BYTES_H
#define WHYFLOW_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_writer {
    uint8_t *bytes;
    size_t size, capacity;
    bool has_failed; /* no memory */
};

void byte_writer_deinit(struct byte_writer *writer);
void byte_writer_bytes(struct byte_writer *writer, const void *bytes, size_t size);
void byte_writer_u8(struct byte_writer *writer, uint8_t number);
void byte_writer_u32(struct byte_writer *writer, uint32_t number);
void byte_writer_u64(struct byte_writer *writer, uint64_t number);
void byte_writer_i64(struct byte_writer *writer, int64_t number);

/* LEB128: seven bits a byte, the least first, all bytes but the last with the eighth bit set. For
 * what is mostly small: 1 byte below 128, 2 below 16,384, at most 10. */
void byte_writer_varint(struct byte_writer *writer, uint64_t number);

/* A section is its tag of four letters, its length in 64 bits, and what is written up to its end.
 * Sections do not nest. begin returns what end is to be given. */
size_t byte_writer_begin(struct byte_writer *writer, const char tag[4]);
void byte_writer_end(struct byte_writer *writer, size_t section);

enum { BYTE_READER_PROBLEM_SIZE = 160 };

struct byte_reader {
    const uint8_t *bytes;
    size_t size;
    size_t at, end; /* end: of the section, or of all */
    bool has_failed;
    char problem[BYTE_READER_PROBLEM_SIZE]; /* the first one */
};

void byte_reader_init(struct byte_reader *reader, const uint8_t *bytes, size_t size);

/* Sets the problem unless there is one. Returns false, so that a caller can return what it returns.
 */
__attribute__((format(printf, 2, 3))) bool byte_reader_refuse(struct byte_reader *reader,
                                                              const char *format, ...);

/* Numbers are 0 once it has failed. */
bool byte_reader_bytes(struct byte_reader *reader, void *bytes, size_t size);
uint8_t byte_reader_u8(struct byte_reader *reader);
uint32_t byte_reader_u32(struct byte_reader *reader);
uint64_t byte_reader_u64(struct byte_reader *reader);
int64_t byte_reader_i64(struct byte_reader *reader);

/* A number has one form: with zeros in front, or of more than 64 bits, it is refused. */
uint64_t byte_reader_varint(struct byte_reader *reader);

/* A number of items that follow, each of at least item_bytes: more than the section has room for
 * are refused here, so that nobody loops or allocates for them. */
uint32_t byte_reader_count(struct byte_reader *reader, size_t item_bytes);

/* Enters the next section, which must be `tag`; leaves it, which must be at its end. */
bool byte_reader_begin(struct byte_reader *reader, const char tag[4]);
bool byte_reader_end(struct byte_reader *reader);

#endif
