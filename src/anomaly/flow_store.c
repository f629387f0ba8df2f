/* SPDX-License-Identifier: Apache-2.0 */
/* Items lie as one stream of bytes, each after its size: over the chunks, then over the file. So an
 * item may lie across chunks or across memory and file, no chunk has a gap at its end, and there is
 * one way to write and one to read. The file goes through one buffer, first for writing, then for
 * reading. */
#include "anomaly/flow_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 4 TiB of chunks: more than that is no limit. */
enum { CHUNK_LIMIT_MAX = 1 << 22 };

struct flow_store {
    uint8_t **chunks;
    size_t chunk_count, chunk_limit; /* allocated; allowed by memory_bytes */
    uint64_t memory_end;             /* stream bytes in memory, once it is full */
    bool is_memory_full;
    uint64_t size;  /* stream bytes appended */
    uint64_t count; /* items */

    int file; /* -1: none yet */
    uint8_t *buffer;
    size_t buffer_used;    /* bytes in the buffer; while reading, valid ones */
    uint64_t buffer_start; /* place in the file of its first byte */

    bool is_reading;
    uint64_t position; /* of the reader in the stream */
    bool has_failed;
    char directory[1024];
    char error[1280];
};

/* Stores the message; always false. */
__attribute__((format(printf, 2, 3))) static bool fail(struct flow_store *store, const char *format,
                                                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(store->error, sizeof store->error, format, arguments);
    va_end(arguments);
    if (length < 0)
        store->error[0] = '\0';
    store->has_failed = true;
    return false;
}

static const char *spill_directory_or_default(const char *spill_directory)
{
    if (spill_directory != NULL && spill_directory[0] != '\0')
        return spill_directory;
    const char *temporary = getenv("TMPDIR");
    return temporary != NULL && temporary[0] != '\0' ? temporary : "/var/tmp";
}

struct flow_store *flow_store_open(uint64_t memory_bytes, const char *spill_directory)
{
    struct flow_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    store->file = -1;
    const char *directory = spill_directory_or_default(spill_directory);
    if (strlen(directory) >= sizeof store->directory) {
        /* No file system takes such a path; said when a file is needed. */
        directory = "";
    }
    memcpy(store->directory, directory, strlen(directory) + 1);
    const uint64_t chunk_limit = memory_bytes / FLOW_STORE_CHUNK_BYTES;
    store->chunk_limit = chunk_limit < CHUNK_LIMIT_MAX ? (size_t)chunk_limit : CHUNK_LIMIT_MAX;
    store->chunks = calloc(store->chunk_limit + 1, sizeof *store->chunks);
    if (store->chunks == NULL) {
        free(store);
        return NULL;
    }
    return store;
}

void flow_store_close(struct flow_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->chunk_count; i++)
        free(store->chunks[i]);
    free(store->chunks);
    free(store->buffer);
    if (store->file >= 0)
        (void)close(store->file); /* unlinked: nothing in it is wanted any more */
    free(store);
}

/* A file without a name. Where the file system has no O_TMPFILE: one that loses it at once. */
static int open_unlinked(const char *directory)
{
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    char path[1100];
    const int length = snprintf(path, sizeof path, "%s/whyflow-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0 && unlink(path) != 0) {
        const int reason = errno;
        (void)close(file);
        errno = reason;
        return -1;
    }
    return file;
}

static bool start_file(struct flow_store *store)
{
    store->is_memory_full = true;
    store->memory_end = store->size;
    store->buffer = malloc(FLOW_STORE_BUFFER_BYTES);
    if (store->buffer == NULL)
        return fail(store, "no memory for the buffer of kept flows");
    store->file = open_unlinked(store->directory);
    if (store->file < 0)
        return fail(store, "cannot make a temporary file for kept flows in '%s': %s",
                    store->directory, strerror(errno));
    return true;
}

static bool write_buffer(struct flow_store *store)
{
    size_t done = 0;
    while (done < store->buffer_used) {
        const ssize_t written = pwrite(store->file, store->buffer + done, store->buffer_used - done,
                                       (off_t)(store->buffer_start + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(store, "cannot write kept flows to a temporary file in '%s': %s",
                        store->directory, strerror(written < 0 ? errno : EIO));
        done += (size_t)written;
    }
    store->buffer_start += store->buffer_used;
    store->buffer_used = 0;
    return true;
}

/* Room in the last chunk, or in a new one. 0: memory is full, by its limit or in fact. */
static size_t room_in_memory(struct flow_store *store)
{
    const size_t used = (size_t)(store->size % FLOW_STORE_CHUNK_BYTES);
    if (store->size < (uint64_t)store->chunk_count * FLOW_STORE_CHUNK_BYTES)
        return FLOW_STORE_CHUNK_BYTES - used;
    if (store->chunk_count == store->chunk_limit)
        return 0;
    uint8_t *chunk = malloc(FLOW_STORE_CHUNK_BYTES);
    if (chunk == NULL)
        return 0;
    store->chunks[store->chunk_count++] = chunk;
    return FLOW_STORE_CHUNK_BYTES;
}

/* Appends as many of `size` bytes as lie together; how many. 0: failed. */
static size_t append_some(struct flow_store *store, const uint8_t *bytes, size_t size)
{
    if (!store->is_memory_full) {
        const size_t room = room_in_memory(store);
        const size_t part = size < room ? size : room;
        if (part > 0) {
            uint8_t *chunk = store->chunks[store->size / FLOW_STORE_CHUNK_BYTES];
            memcpy(chunk + store->size % FLOW_STORE_CHUNK_BYTES, bytes, part);
            return part;
        }
        if (!start_file(store))
            return 0;
    }
    if (store->buffer_used == FLOW_STORE_BUFFER_BYTES && !write_buffer(store))
        return 0;
    const size_t room = FLOW_STORE_BUFFER_BYTES - store->buffer_used;
    const size_t part = size < room ? size : room;
    memcpy(store->buffer + store->buffer_used, bytes, part);
    store->buffer_used += part;
    return part;
}

static bool append_bytes(struct flow_store *store, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        const size_t part = append_some(store, from, size);
        if (part == 0)
            return false;
        store->size += part;
        from += part;
        size -= part;
    }
    return true;
}

bool flow_store_append(struct flow_store *store, const void *item, uint32_t size)
{
    assert(size > 0);
    assert(!store->is_reading);
    if (store->has_failed || !append_bytes(store, &size, sizeof size) ||
        !append_bytes(store, item, size))
        return false;
    store->count++;
    return true;
}

bool flow_store_rewind(struct flow_store *store)
{
    if (store->has_failed)
        return false;
    if (!store->is_reading && store->file >= 0 && !write_buffer(store))
        return false;
    store->is_reading = true;
    store->position = 0;
    store->buffer_start = 0;
    store->buffer_used = 0;
    return true;
}

/* Fills the buffer from `offset` in the file on. */
static bool read_buffer(struct flow_store *store, uint64_t offset)
{
    store->buffer_start = offset;
    store->buffer_used = 0;
    for (;;) {
        const ssize_t got =
            pread(store->file, store->buffer, FLOW_STORE_BUFFER_BYTES, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(store, "cannot read kept flows back from a temporary file in '%s': %s",
                        store->directory, strerror(got < 0 ? errno : EIO));
        store->buffer_used = (size_t)got;
        return true;
    }
}

/* Finds the bytes at the reader's position; how many lie together there. 0: failed. */
static size_t look_at(struct flow_store *store, const uint8_t **bytes)
{
    if (!store->is_memory_full || store->position < store->memory_end) {
        const uint64_t end = store->is_memory_full ? store->memory_end : store->size;
        const size_t used = (size_t)(store->position % FLOW_STORE_CHUNK_BYTES);
        const uint64_t left = end - store->position;
        const size_t room = FLOW_STORE_CHUNK_BYTES - used;
        *bytes = store->chunks[store->position / FLOW_STORE_CHUNK_BYTES] + used;
        return left < room ? (size_t)left : room;
    }
    const uint64_t offset = store->position - store->memory_end;
    const bool is_in_buffer =
        offset >= store->buffer_start && offset - store->buffer_start < store->buffer_used;
    if (!is_in_buffer && !read_buffer(store, offset))
        return 0;
    const size_t used = (size_t)(offset - store->buffer_start);
    *bytes = store->buffer + used;
    return store->buffer_used - used;
}

static bool read_bytes(struct flow_store *store, void *bytes, size_t size)
{
    uint8_t *to = bytes;
    while (size > 0) {
        const uint8_t *from;
        const size_t together = look_at(store, &from);
        if (together == 0)
            return false;
        const size_t part = size < together ? size : together;
        memcpy(to, from, part);
        store->position += part;
        to += part;
        size -= part;
    }
    return true;
}

enum flow_store_read flow_store_next(struct flow_store *store, void *buffer, uint32_t capacity,
                                     uint32_t *size)
{
    assert(store->is_reading || store->has_failed);
    if (store->has_failed)
        return FLOW_STORE_ERROR;
    if (store->position == store->size)
        return FLOW_STORE_END;
    if (!read_bytes(store, size, sizeof *size))
        return FLOW_STORE_ERROR;
    if (*size > capacity) {
        (void)fail(store, "a kept flow has %u bytes, more than the %u expected", *size, capacity);
        return FLOW_STORE_ERROR;
    }
    return read_bytes(store, buffer, *size) ? FLOW_STORE_ITEM : FLOW_STORE_ERROR;
}

const char *flow_store_error(const struct flow_store *store)
{
    return store->error;
}

uint64_t flow_store_count(const struct flow_store *store)
{
    return store->count;
}

uint64_t flow_store_memory_bytes(const struct flow_store *store)
{
    return sizeof *store + (store->chunk_limit + 1) * sizeof *store->chunks +
           (uint64_t)store->chunk_count * FLOW_STORE_CHUNK_BYTES +
           (store->buffer == NULL ? 0 : FLOW_STORE_BUFFER_BYTES);
}

uint64_t flow_store_spilled_bytes(const struct flow_store *store)
{
    return store->is_memory_full ? store->size - store->memory_end : 0;
}
