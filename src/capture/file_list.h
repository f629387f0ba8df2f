/* SPDX-License-Identifier: Apache-2.0 */
/* What -r names, as files: a directory stands for the files in it whose names have .pcap or .cap in
 * them, in the order of their names; directories below it are passed over. Called by the runtime
 * before a replay. */
#ifndef WHYFLOW_CAPTURE_FILE_LIST_H
#define WHYFLOW_CAPTURE_FILE_LIST_H

#include "capture/capture.h"

#include <stddef.h>

struct file_list {
    size_t count;
    char *paths[CAPTURE_SOURCES_MAX]; /* owned */
};

/* Fills `list`, which file_list_deinit must free in either case. False and `error` if a directory
 * cannot be read or is empty, or there are too many files. */
bool file_list_init(struct file_list *list, const char *const *names, size_t name_count,
                    struct capture_error *error);

void file_list_deinit(struct file_list *list);

#endif
