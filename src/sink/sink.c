/* SPDX-License-Identifier: Apache-2.0 */
/* A destination of lines. One buffer between the emitter and the kernel; the emitter thread owns
 * it.
 *
 * A failed write keeps what is left: the buffer then starts in the middle of a line, and the next
 * attempt goes on there, so that no line is torn in two while the destination recovers (a full
 * disk). Rejected: stdio, which after an error does not tell how much of its buffer went out. */
#include "sink/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MODE = 0640, ERROR_SIZE = 256 };

static const int64_t SYNC_INTERVAL_NS = 1000000000;

struct sink {
    char *path; /* NULL: standard output */
    int descriptor;
    enum sink_fsync fsync_policy;
    bool is_closed; /* EPIPE was seen */
    bool needs_sync;
    int64_t last_sync_ns;
    uint64_t written, lost;
    size_t length;     /* bytes in the buffer */
    size_t line_count; /* lines in it, the first perhaps without its start */
    size_t line_ends[SINK_BUFFER_LINES_MAX];
    char buffer[SINK_BUFFER_SIZE];
    char error[ERROR_SIZE];
};

static void set_error(struct sink *sink, const char *what)
{
    (void)snprintf(sink->error, sizeof sink->error, "%s: cannot %s: %s",
                   sink->path == NULL ? "standard output" : sink->path, what, strerror(errno));
}

static int open_file(const char *path)
{
    int descriptor;
    do
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

struct sink *sink_open(const char *path, enum sink_fsync fsync_policy, char *error,
                       size_t error_size)
{
    const bool is_file = strcmp(path, "-") != 0;
    struct sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL)
        goto failed;
    sink->fsync_policy = is_file ? fsync_policy : SINK_FSYNC_NONE;
    sink->descriptor = is_file ? open_file(path) : STDOUT_FILENO;
    if (sink->descriptor < 0)
        goto failed;
    if (!is_file)
        return sink;
    sink->path = strdup(path);
    if (sink->path != NULL)
        return sink;
    (void)close(sink->descriptor);
failed:
    (void)snprintf(error, error_size, "%s: cannot open: %s", path, strerror(errno));
    free(sink);
    return NULL;
}

/* Forgets the first `size` bytes, which the kernel has, and counts the lines that ended in them. */
static void drop_written(struct sink *sink, size_t size)
{
    size_t ended = 0;
    while (ended < sink->line_count && sink->line_ends[ended] <= size)
        ended++;
    sink->written += ended;
    sink->line_count -= ended;
    for (size_t i = 0; i < sink->line_count; i++)
        sink->line_ends[i] = sink->line_ends[i + ended] - size;
    sink->length -= size;
    memmove(sink->buffer, sink->buffer + size, sink->length);
}

static void drop_all(struct sink *sink)
{
    sink->lost += sink->line_count;
    sink->line_count = 0;
    sink->length = 0;
}

/* One write(2), taking care of interruptions and of a descriptor that somebody set to
 * non-blocking. Returns the bytes written, or -1 with errno. */
static ssize_t write_some(int descriptor, const char *bytes, size_t size)
{
    for (;;) {
        const ssize_t written = write(descriptor, bytes, size);
        if (written >= 0)
            return written;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

static enum sink_result write_buffer(struct sink *sink)
{
    size_t done = 0;
    ssize_t written = 0;
    while (done < sink->length && written >= 0) {
        written = write_some(sink->descriptor, sink->buffer + done, sink->length - done);
        if (written == 0) /* a device that takes nothing and says nothing */
            errno = EIO;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    const int problem = errno;
    sink->needs_sync = sink->needs_sync || done > 0;
    drop_written(sink, done);
    if (sink->length == 0)
        return SINK_OK;
    errno = problem;
    set_error(sink, "write");
    if (problem != EPIPE)
        return SINK_FAILED;
    sink->is_closed = true;
    drop_all(sink);
    return SINK_CLOSED;
}

static bool is_sync_due(const struct sink *sink, int64_t now_ns)
{
    switch (sink->fsync_policy) {
    case SINK_FSYNC_SECOND:
        return sink->needs_sync && now_ns - sink->last_sync_ns >= SYNC_INTERVAL_NS;
    case SINK_FSYNC_RECORD:
        return sink->needs_sync;
    default:
        return false;
    }
}

static enum sink_result sync_now(struct sink *sink, int64_t now_ns)
{
    int result;
    do
        result = fdatasync(sink->descriptor);
    while (result != 0 && errno == EINTR);
    /* A pipe or a device behind a path has nothing to sync. */
    if (result != 0 && errno != EINVAL && errno != EROFS) {
        set_error(sink, "sync");
        return SINK_FAILED;
    }
    sink->needs_sync = false;
    sink->last_sync_ns = now_ns;
    return SINK_OK;
}

enum sink_result sink_flush(struct sink *sink, int64_t now_ns)
{
    if (sink->is_closed)
        return SINK_CLOSED;
    const enum sink_result result = write_buffer(sink);
    if (result != SINK_OK || !is_sync_due(sink, now_ns))
        return result;
    return sync_now(sink, now_ns);
}

static bool has_room(const struct sink *sink, size_t length)
{
    return length < SINK_BUFFER_SIZE - sink->length && sink->line_count < SINK_BUFFER_LINES_MAX;
}

static void append_line(struct sink *sink, const char *line, size_t length)
{
    memcpy(sink->buffer + sink->length, line, length);
    sink->buffer[sink->length + length] = '\n';
    sink->length += length + 1;
    sink->line_ends[sink->line_count++] = sink->length;
}

enum sink_result sink_write_line(struct sink *sink, const char *line, size_t length, int64_t now_ns)
{
    if (!sink->is_closed && !has_room(sink, length))
        (void)write_buffer(sink); /* whether it helped, the next line asks */
    if (sink->is_closed || !has_room(sink, length)) {
        sink->lost++;
        return sink->is_closed ? SINK_CLOSED : SINK_FAILED;
    }
    append_line(sink, line, length);
    const bool is_flush_due = sink->fsync_policy == SINK_FSYNC_RECORD ||
                              (sink->fsync_policy == SINK_FSYNC_SECOND &&
                               now_ns - sink->last_sync_ns >= SYNC_INTERVAL_NS);
    return is_flush_due ? sink_flush(sink, now_ns) : SINK_OK;
}

/* Everything out, on the disk if any policy asks for it, whatever is due. */
static enum sink_result finish_file(struct sink *sink, int64_t now_ns)
{
    enum sink_result result = sink_flush(sink, now_ns);
    if (result == SINK_OK && sink->fsync_policy != SINK_FSYNC_NONE && sink->needs_sync)
        result = sync_now(sink, now_ns);
    return result;
}

enum sink_result sink_reopen(struct sink *sink, int64_t now_ns)
{
    const enum sink_result result = finish_file(sink, now_ns);
    if (sink->path == NULL || result != SINK_OK)
        return result;
    const int descriptor = open_file(sink->path);
    if (descriptor < 0) {
        set_error(sink, "reopen");
        return SINK_FAILED;
    }
    const int closed = close(sink->descriptor);
    sink->descriptor = descriptor;
    if (closed == 0)
        return SINK_OK;
    set_error(sink, "close");
    return SINK_FAILED;
}

enum sink_result sink_close(struct sink *sink, int64_t now_ns, uint64_t *written, uint64_t *lost)
{
    if (sink == NULL)
        return SINK_OK;
    enum sink_result result = finish_file(sink, now_ns);
    drop_all(sink); /* what is still there could not be written */
    /* close(2) may be where a network file system says that it lost what it had taken. */
    if (sink->path != NULL && close(sink->descriptor) != 0 && result == SINK_OK)
        result = SINK_FAILED;
    *written += sink->written;
    *lost += sink->lost;
    free(sink->path);
    free(sink);
    return result;
}

uint64_t sink_written(const struct sink *sink)
{
    return sink->written;
}

uint64_t sink_buffered(const struct sink *sink)
{
    return sink->line_count;
}

uint64_t sink_lost(const struct sink *sink)
{
    return sink->lost;
}

const char *sink_error(const struct sink *sink)
{
    return sink->error;
}
