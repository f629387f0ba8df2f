/* SPDX-License-Identifier: Apache-2.0 */
/* Input file bytes: descriptor -> (inflate, or zstd) -> FILE. See stream.h.
 *
 * zlib's own gzread was not taken: it reads a damaged file's plain rest as if it were data, cannot
 * be told that a pipe should stop, and hides where the input ended. */
#include "base/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    STREAM_INPUT_BYTES = 1 << 16,
    STREAM_FILE_BUFFER_BYTES = 1 << 16,
    STREAM_MAGIC_BYTES = 4,
    GZIP_WINDOW_BITS = 15 + 16, /* zlib: gzip framing, any window */
    FAILURE_SIZE = 128,
};

enum stream_packing {
    STREAM_PLAIN,
    STREAM_GZIP,
    STREAM_ZSTD,
};

struct stream {
    const char *path;
    struct stream_purpose what;
    int fd;
    int stop_fd;
    enum stream_packing packing;
    bool is_regular_file; /* opened by its name, and so from its beginning */
    bool is_at_end;       /* the descriptor has no more bytes */
    bool is_stopped;      /* ... because stop_fd was readable first */
    bool is_in_member;    /* inside a gzip member or zstd frame: the end of input would be a cut */
    bool has_member;      /* gzip: one was complete; zeros or rubbish after it are padding */
    bool is_inflate_open;
    z_stream inflate;
    ZSTD_DStream *zstd;                /* NULL: not zstd */
    bool has_zstd_bytes;               /* it may hold bytes that found no room */
    uint8_t magic[STREAM_MAGIC_BYTES]; /* first bytes handed on */
    size_t magic_size;
    size_t magic_given;             /* of them, how many the FILE has had */
    size_t input_size, input_given; /* raw bytes not yet used: input[input_given..input_size) */
    uint8_t input[STREAM_INPUT_BYTES + STREAM_MAGIC_BYTES]; /* room to put first bytes back */
    char failure[FAILURE_SIZE];
};

__attribute__((format(printf, 3, 4))) static void set_error(struct stream_error *error,
                                                            bool is_system, const char *format, ...)
{
    error->is_system = is_system;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
}

static void fail(struct stream *stream, const char *what)
{
    if (stream->failure[0] == '\0')
        (void)snprintf(stream->failure, sizeof stream->failure, "%s", what);
}

/* Waits until the input is readable. False: the run is to stop first. */
static bool wait_for_input(const struct stream *stream)
{
    if (stream->stop_fd < 0)
        return true;
    struct pollfd polled[] = {
        {.fd = stream->fd, .events = POLLIN},
        {.fd = stream->stop_fd, .events = POLLIN},
    };
    for (;;) {
        const int ready = poll(polled, 2, -1);
        if (ready < 0 && errno == EINTR)
            continue;
        return ready < 0 || polled[0].revents != 0;
    }
}

/* Refills the raw buffer, which must be used up. */
static void fill_input(struct stream *stream)
{
    assert(stream->input_given == stream->input_size);
    stream->input_given = stream->input_size = 0;
    if (stream->is_at_end)
        return;
    ssize_t size;
    do {
        stream->is_stopped = !wait_for_input(stream);
        size = stream->is_stopped ? 0 : read(stream->fd, stream->input, STREAM_INPUT_BYTES);
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        fail(stream, strerror(errno));
    if (size <= 0)
        stream->is_at_end = true;
    else
        stream->input_size = (size_t)size;
}

static size_t read_plain(struct stream *stream, uint8_t *bytes, size_t size)
{
    if (stream->input_given == stream->input_size)
        fill_input(stream);
    const size_t left = stream->input_size - stream->input_given;
    const size_t count = size < left ? size : left;
    memcpy(bytes, stream->input + stream->input_given, count);
    stream->input_given += count;
    return count;
}

/* At the end of a gzip member: another may follow (RFC 1952, section 2.2). Anything else after a
 * complete member is ignored, as gzip does. False: no further member. */
static bool begin_member(struct stream *stream)
{
    if (stream->input_given == stream->input_size)
        fill_input(stream);
    if (stream->input_given == stream->input_size)
        return false;
    if (stream->has_member && stream->input[stream->input_given] != 0x1f)
        return false;
    if (inflateReset(&stream->inflate) != Z_OK)
        return false;
    stream->is_in_member = true;
    return true;
}

/* One step of inflating: uses input, gives bytes. False: there is no more to come. */
static bool inflate_step(struct stream *stream)
{
    if (!stream->is_in_member && !begin_member(stream))
        return false;
    if (stream->input_given == stream->input_size)
        fill_input(stream);
    if (stream->input_given == stream->input_size) {
        if (!stream->is_stopped)
            fail(stream, "the gzip stream is cut short");
        return false;
    }
    z_stream *inflater = &stream->inflate;
    inflater->next_in = stream->input + stream->input_given;
    inflater->avail_in = (uInt)(stream->input_size - stream->input_given);
    const int status = inflate(inflater, Z_NO_FLUSH);
    stream->input_given = stream->input_size - inflater->avail_in;
    if (status == Z_STREAM_END) {
        stream->is_in_member = false;
        stream->has_member = true;
    } else if (status != Z_OK) {
        fail(stream, "the gzip stream is damaged");
        return false;
    }
    return true;
}

static size_t read_gzip(struct stream *stream, uint8_t *bytes, size_t size)
{
    const uInt wanted = size < STREAM_FILE_BUFFER_BYTES ? (uInt)size : STREAM_FILE_BUFFER_BYTES;
    stream->inflate.next_out = bytes;
    stream->inflate.avail_out = wanted;
    while (stream->failure[0] == '\0' && stream->inflate.avail_out == wanted) {
        if (!inflate_step(stream))
            break;
    }
    return wanted - stream->inflate.avail_out;
}

static void fail_zstd(struct stream *stream, size_t status)
{
    const bool is_too_wide = ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge;
    fail(stream, is_too_wide ? "the zstd stream wants over 128 MiB: use `zstd -dc --long=31`"
                             : "the zstd stream is damaged");
}

/* One step of unpacking into `output`. Frames may follow each other. False: there is no more to
 * come. */
static bool zstd_step(struct stream *stream, ZSTD_outBuffer *output)
{
    const bool is_used_up = stream->input_given == stream->input_size;
    if (is_used_up && !stream->has_zstd_bytes)
        fill_input(stream);
    const bool is_at_end = stream->input_given == stream->input_size && !stream->has_zstd_bytes;
    if (is_at_end) {
        if (stream->is_in_member && !stream->is_stopped)
            fail(stream, "the zstd stream is cut short");
        return false;
    }
    ZSTD_inBuffer input = {stream->input, stream->input_size, stream->input_given};
    const size_t status = ZSTD_decompressStream(stream->zstd, output, &input);
    stream->input_given = input.pos;
    if (ZSTD_isError(status)) {
        fail_zstd(stream, status);
        return false;
    }
    stream->is_in_member = status != 0;
    stream->has_zstd_bytes = status != 0 && output->pos == output->size;
    return true;
}

static size_t read_zstd(struct stream *stream, uint8_t *bytes, size_t size)
{
    ZSTD_outBuffer output = {bytes, size, 0};
    while (stream->failure[0] == '\0' && output.pos == 0) {
        if (!zstd_step(stream, &output))
            break;
    }
    return output.pos;
}

static size_t read_bytes(struct stream *stream, uint8_t *bytes, size_t size)
{
    switch (stream->packing) {
    case STREAM_GZIP:
        return read_gzip(stream, bytes, size);
    case STREAM_ZSTD:
        return read_zstd(stream, bytes, size);
    default:
        return read_plain(stream, bytes, size);
    }
}

/* fopencookie's read: first the bytes looked at, then the rest. A failure below looks like an end
 * to the reader, which asks stream_failure then. */
static ssize_t read_cookie(void *cookie, char *bytes, size_t size)
{
    struct stream *stream = cookie;
    const size_t left = stream->magic_size - stream->magic_given;
    if (left > 0) {
        const size_t count = size < left ? size : left;
        memcpy(bytes, stream->magic + stream->magic_given, count);
        stream->magic_given += count;
        return (ssize_t)count;
    }
    return (ssize_t)read_bytes(stream, (uint8_t *)bytes, size);
}

/* fopencookie's seek, of plain files alone, to a place counted from the beginning. */
static int seek_cookie(void *cookie, off64_t *position, int whence)
{
    struct stream *stream = cookie;
    if (!stream_is_plain_file(stream) || whence != SEEK_SET ||
        lseek(stream->fd, *position, SEEK_SET) != *position) {
        errno = ESPIPE; /* as without such a function: fclose takes no offence at that */
        return -1;
    }
    stream->magic_given = stream->magic_size;
    stream->input_given = stream->input_size = 0;
    stream->is_at_end = false;
    return 0;
}

static bool open_descriptor(struct stream *stream, struct stream_error *error)
{
    const bool is_standard_input = strcmp(stream->path, "-") == 0;
    stream->fd = is_standard_input ? STDIN_FILENO : open(stream->path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (stream->fd < 0 || fstat(stream->fd, &status) != 0) {
        const char *advice = errno == EMFILE ? ": raise `ulimit -n`, or join files (mergecap)" : "";
        set_error(error, false, "%s: %s%s", stream->path, strerror(errno), advice);
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        set_error(error, false, "%s: is a directory", stream->path);
        return false;
    }
    stream->is_regular_file = !is_standard_input && S_ISREG(status.st_mode) && status.st_size > 0;
    return true;
}

struct stream_magic {
    uint8_t bytes[STREAM_MAGIC_BYTES];
    size_t size;
    const char *program;
};

/* Formats that need a program of their own in front. */
static const struct stream_magic foreign_magics[] = {
    {{0xfd, '7', 'z', 'X'}, 4, "xz"},
    {{'B', 'Z', 'h'}, 3, "bzip2"},
    {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4"},
};

static bool begins_with(const struct stream *stream, const uint8_t *magic, size_t size)
{
    return stream->input_size >= size && memcmp(stream->input, magic, size) == 0;
}

/* Reads until the first bytes are there: a pipe may give them one by one. */
static void fill_magic(struct stream *stream)
{
    size_t size = 0;
    uint8_t head[STREAM_MAGIC_BYTES];
    while (size < sizeof head) {
        const size_t count = read_plain(stream, head + size, sizeof head - size);
        if (count == 0)
            break;
        size += count;
    }
    /* Put them back in front of what the last read gave beyond them. */
    const size_t rest = stream->input_size - stream->input_given;
    assert(size + rest <= sizeof stream->input);
    memmove(stream->input + size, stream->input + stream->input_given, rest);
    memcpy(stream->input, head, size);
    stream->input_given = 0;
    stream->input_size = size + rest;
}

static bool refuse_foreign(const struct stream *stream, struct stream_error *error)
{
    for (size_t i = 0; i < sizeof foreign_magics / sizeof *foreign_magics; i++) {
        const struct stream_magic *magic = &foreign_magics[i];
        if (begins_with(stream, magic->bytes, magic->size)) {
            set_error(error, false, "%s: compressed with %s: use `%s -dc %s | whyflow -%c -`",
                      stream->path, magic->program, magic->program, stream->path,
                      stream->what.letter);
            return false;
        }
    }
    return true;
}

/* RFC 8878: a frame, or one to be skipped (pzstd begins with such), whose first byte varies. */
static bool begins_with_zstd(const struct stream *stream)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skipped[] = {0x2a, 0x4d, 0x18};
    if (begins_with(stream, frame, sizeof frame))
        return true;
    return stream->input_size > sizeof skipped && stream->input[0] >> 4 == 5 &&
           memcmp(stream->input + 1, skipped, sizeof skipped) == 0;
}

static bool open_unpacker(struct stream *stream, struct stream_error *error)
{
    static const uint8_t gzip_magic[] = {0x1f, 0x8b};
    bool is_open = true;
    if (begins_with(stream, gzip_magic, sizeof gzip_magic)) {
        stream->packing = STREAM_GZIP;
        is_open = inflateInit2(&stream->inflate, GZIP_WINDOW_BITS) == Z_OK;
        stream->is_inflate_open = is_open;
    } else if (begins_with_zstd(stream)) {
        stream->packing = STREAM_ZSTD;
        stream->zstd = ZSTD_createDStream();
        is_open = stream->zstd != NULL && !ZSTD_isError(ZSTD_initDStream(stream->zstd));
    }
    if (!is_open)
        set_error(error, true, "%s: out of memory", stream->path);
    return is_open;
}

static bool detect_compression(struct stream *stream, struct stream_error *error)
{
    fill_magic(stream);
    if (stream->failure[0] != '\0' || stream->input_size == 0) {
        const char *what =
            stream->is_stopped ? "stopped before anything came" : stream->what.if_empty;
        set_error(error, false, "%s: %s", stream->path,
                  stream->failure[0] != '\0' ? stream->failure : what);
        return false;
    }
    return refuse_foreign(stream, error) && open_unpacker(stream, error);
}

static void read_magic(struct stream *stream)
{
    size_t count;
    do {
        count = read_bytes(stream, stream->magic + stream->magic_size,
                           sizeof stream->magic - stream->magic_size);
        stream->magic_size += count;
    } while (count > 0 && stream->magic_size < sizeof stream->magic);
}

struct stream *stream_open(const char *path, int stop_fd, const struct stream_purpose *what,
                           struct stream_error *error)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        set_error(error, true, "%s: out of memory", path);
        return NULL;
    }
    stream->path = path;
    stream->stop_fd = stop_fd;
    stream->what = *what;
    if (!open_descriptor(stream, error) || !detect_compression(stream, error)) {
        stream_close(stream);
        return NULL;
    }
    read_magic(stream);
    return stream;
}

FILE *stream_file(struct stream *stream)
{
    const cookie_io_functions_t functions = {.read = read_cookie, .seek = seek_cookie};
    FILE *file = fopencookie(stream, "r", functions);
    if (file != NULL)
        (void)setvbuf(file, NULL, _IOFBF, STREAM_FILE_BUFFER_BYTES);
    return file;
}

bool stream_is_pcapng(const struct stream *stream)
{
    static const uint8_t section_header[STREAM_MAGIC_BYTES] = {0x0a, 0x0d, 0x0d, 0x0a};
    return stream->magic_size == sizeof section_header &&
           memcmp(stream->magic, section_header, sizeof section_header) == 0;
}

bool stream_is_plain_file(const struct stream *stream)
{
    return stream->is_regular_file && stream->packing == STREAM_PLAIN;
}

ssize_t stream_read_at(const struct stream *stream, void *bytes, size_t size, uint64_t offset)
{
    assert(stream_is_plain_file(stream));
    ssize_t count;
    do {
        count = pread(stream->fd, bytes, size, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    return count;
}

uint64_t stream_file_bytes(const struct stream *stream)
{
    struct stat status;
    assert(stream_is_plain_file(stream));
    return fstat(stream->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

bool stream_is_stopped(const struct stream *stream)
{
    return stream->is_stopped;
}

const char *stream_failure(const struct stream *stream)
{
    return stream->failure;
}

void stream_close(struct stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->is_inflate_open)
        (void)inflateEnd(&stream->inflate);
    (void)ZSTD_freeDStream(stream->zstd); /* NULL is allowed */
    if (stream->fd > STDERR_FILENO)
        (void)close(stream->fd); /* read only: nothing can be lost */
    free(stream);
}
