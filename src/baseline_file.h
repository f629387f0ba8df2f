/* SPDX-License-Identifier: Apache-2.0 */
/* Saved baselines as files. Called by run_baseline.c; any thread, no state.
 *
 * A file is replaced so that there is a whole one at every moment, whenever the machine stops: the
 * new one is written beside it as FILE.new and forced to the disk, the old one is linked as
 * FILE.previous, then FILE.new becomes FILE. */
#ifndef WHYFLOW_BASELINE_FILE_H
#define WHYFLOW_BASELINE_FILE_H

#include "whyflow/snapshot.h"

#include <stdbool.h>
#include <stddef.h>

enum { BASELINE_PATH_MAX = 4096 };

enum baseline_file_result { BASELINE_FILE_READ, BASELINE_FILE_MISSING, BASELINE_FILE_UNREADABLE };

/* The whole file, for snapshot_free; else one line in `error`. */
enum baseline_file_result baseline_file_read(const char *path, struct snapshot *snapshot,
                                             char *error, size_t error_size);

bool baseline_file_write(const char *path, const struct snapshot *snapshot, char *error,
                         size_t error_size);

/* Tries what a write will need, before hours are spent on what could not be saved. */
bool baseline_file_can_write(const char *path, char *error, size_t error_size);

/* FILE.previous; false: the path is too long. */
bool baseline_file_previous(const char *path, char previous[BASELINE_PATH_MAX]);

#endif
