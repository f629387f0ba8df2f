/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fail(struct capture_error *error, const char *name, const char *why)
{
    error->kind = CAPTURE_ERROR_INPUT;
    snprintf(error->text, sizeof error->text, "%s: %s", name, why);
    return false;
}

static bool add(struct file_list *list, char *path, struct capture_error *error)
{
    if (path == NULL)
        return fail(error, "-r", "out of memory");
    if (list->count == CAPTURE_SOURCES_MAX) {
        fail(error, path, "too many files: at most 1024 are read side by side; use mergecap");
        free(path);
        return false;
    }
    list->paths[list->count++] = path;
    return true;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* trace.pcap, trace.pcap3, trace.pcapng.gz, trace.cap: notes beside captures are passed over. */
static int is_capture(const struct dirent *entry)
{
    const char *const name = entry->d_name;
    return name[0] != '.' && (strstr(name, ".pcap") != NULL || strstr(name, ".cap") != NULL);
}

/* Of the scanned entries those that are no directories. */
static bool add_entries(struct file_list *list, const char *name, struct dirent **entries,
                        int count, struct capture_error *error)
{
    bool is_added = true;
    for (int i = 0; i < count && is_added; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", name, entries[i]->d_name) < 0)
            path = NULL;
        if (path != NULL && is_directory(path))
            free(path);
        else
            is_added = add(list, path, error);
    }
    return is_added;
}

static bool add_directory(struct file_list *list, const char *name, struct capture_error *error)
{
    struct dirent **entries;
    const int count = scandir(name, &entries, is_capture, alphasort);
    if (count < 0)
        return fail(error, name, strerror(errno));
    const size_t before = list->count;
    const bool is_added = add_entries(list, name, entries, count, error);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (is_added && list->count == before)
        return fail(error, name, "no file named *.pcap* or *.cap* in this directory");
    return is_added;
}

bool file_list_init(struct file_list *list, const char *const *names, size_t name_count,
                    struct capture_error *error)
{
    *list = (struct file_list){0};
    for (size_t i = 0; i < name_count; i++) {
        const bool is_added = is_directory(names[i]) ? add_directory(list, names[i], error)
                                                     : add(list, strdup(names[i]), error);
        if (!is_added)
            return false;
    }
    return true;
}

void file_list_deinit(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    *list = (struct file_list){0};
}
