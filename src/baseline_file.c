/* SPDX-License-Identifier: Apache-2.0 */
#include "baseline_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Addresses of a network are in it. */
enum { FILE_MODE = 0600 };

static bool add_suffix(const char *path, const char *suffix, char result[BASELINE_PATH_MAX])
{
    const int length = snprintf(result, BASELINE_PATH_MAX, "%s%s", path, suffix);
    return length > 0 && length < BASELINE_PATH_MAX;
}

bool baseline_file_previous(const char *path, char previous[BASELINE_PATH_MAX])
{
    return add_suffix(path, ".previous", previous);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool read_whole(int descriptor, struct snapshot *snapshot)
{
    size_t done = 0;
    while (done < snapshot->size) {
        const ssize_t count = read(descriptor, snapshot->bytes + done, snapshot->size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        if (count == 0)
            break; /* it shrank: then it is cut short, which its reader finds */
        done += (size_t)count;
    }
    snapshot->size = done;
    return true;
}

static bool read_open(int descriptor, struct snapshot *snapshot, char *error, size_t error_size)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        snprintf(error, error_size, "it is no regular file");
        return false;
    }
    if (status.st_size > SNAPSHOT_SIZE_MAX) {
        snprintf(error, error_size, "it is larger than %d MiB", SNAPSHOT_SIZE_MAX >> 20);
        return false;
    }
    snapshot->size = (size_t)status.st_size;
    snapshot->bytes = malloc(snapshot->size + 1);
    if (snapshot->bytes != NULL && read_whole(descriptor, snapshot))
        return true;
    snprintf(error, error_size, "%s", strerror(errno));
    snapshot_free(snapshot);
    return false;
}

enum baseline_file_result baseline_file_read(const char *path, struct snapshot *snapshot,
                                             char *error, size_t error_size)
{
    *snapshot = (struct snapshot){0};
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        snprintf(error, error_size, "%s", strerror(errno));
        return errno == ENOENT ? BASELINE_FILE_MISSING : BASELINE_FILE_UNREADABLE;
    }
    const bool is_read = read_open(descriptor, snapshot, error, error_size);
    close(descriptor);
    return is_read ? BASELINE_FILE_READ : BASELINE_FILE_UNREADABLE;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int create(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
}

static bool write_bytes(int descriptor, const struct snapshot *snapshot)
{
    size_t done = 0;
    while (done < snapshot->size) {
        const ssize_t count = write(descriptor, snapshot->bytes + done, snapshot->size - done);
        if (count < 0 && errno != EINTR)
            return false;
        done += count > 0 ? (size_t)count : 0;
    }
    return fsync(descriptor) == 0;
}

static bool write_new(const char *path, const struct snapshot *snapshot)
{
    const int descriptor = create(path);
    if (descriptor < 0)
        return false;
    const bool is_written = write_bytes(descriptor, snapshot);
    const int reason = errno;
    const bool is_closed = close(descriptor) == 0;
    if (!is_written)
        errno = reason;
    return is_written && is_closed;
}

/* The old file gets a second name. Where there are no links it is renamed: then for a moment the
 * previous one is all there is, and it is whole. */
static bool keep_previous(const char *path, const char *linked, const char *previous)
{
    if (unlink(linked) != 0 && errno != ENOENT)
        return false;
    if (link(path, linked) == 0)
        return rename(linked, previous) == 0;
    if (errno == ENOENT)
        return true; /* the first one */
    return rename(path, previous) == 0;
}

/* Renames are on the disk once the directory is. */
static bool sync_directory(const char *path)
{
    char directory[BASELINE_PATH_MAX];
    if (!add_suffix(path, "", directory))
        return false;
    char *const slash = strrchr(directory, '/');
    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        slash[slash == directory] = '\0';
    const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    /* Some file systems cannot: then it is as safe as they make it. */
    const bool is_synced = fsync(descriptor) == 0 || errno == EINVAL;
    close(descriptor);
    return is_synced;
}

bool baseline_file_write(const char *path, const struct snapshot *snapshot, char *error,
                         size_t error_size)
{
    char fresh[BASELINE_PATH_MAX], linked[BASELINE_PATH_MAX], previous[BASELINE_PATH_MAX];
    if (!add_suffix(path, ".new", fresh) || !add_suffix(path, ".linked", linked) ||
        !baseline_file_previous(path, previous)) {
        snprintf(error, error_size, "the name is too long");
        return false;
    }
    if (write_new(fresh, snapshot) && keep_previous(path, linked, previous) &&
        rename(fresh, path) == 0 && sync_directory(path))
        return true;
    snprintf(error, error_size, "%s", strerror(errno));
    unlink(fresh);
    return false;
}

bool baseline_file_can_write(const char *path, char *error, size_t error_size)
{
    char fresh[BASELINE_PATH_MAX];
    struct stat status;
    if (!add_suffix(path, ".new", fresh)) {
        snprintf(error, error_size, "the name is too long");
        return false;
    }
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        snprintf(error, error_size, "it is no regular file");
        return false;
    }
    const int descriptor = create(fresh);
    if (descriptor < 0) {
        snprintf(error, error_size, "%s", strerror(errno));
        return false;
    }
    close(descriptor);
    unlink(fresh);
    return true;
}
