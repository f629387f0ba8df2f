/* SPDX-License-Identifier: Apache-2.0 */
#include "run_baseline.h"

#include "baseline_file.h"
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ERROR_SIZE = 256, DATE_SIZE = 32 };

static const char *date_of(int64_t time_ns, char date[DATE_SIZE])
{
    const int64_t second_ns = INT64_C(1000000000);
    const time_t seconds = (time_t)(time_ns / second_ns - (time_ns % second_ns < 0));
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(date, DATE_SIZE, "%F %R", &utc) == 0)
        return "?";
    return date;
}

static void say_what_was_loaded(const struct run *run, const char *path,
                                const struct snapshot_summary *summary)
{
    char since[DATE_SIZE], until[DATE_SIZE];
    if (run->options->is_quiet)
        return;
    message("baseline %s: %" PRIu64 " flows, %s to %s UTC%s", path, summary->flows,
            date_of(summary->since_ns, since), date_of(summary->until_ns, until),
            summary->is_warm ? "" : "; not enough to judge by, so the warm-up goes on");
}

static enum baseline_file_result load_file(const struct run *run,
                                           const struct run_baseline_port *port, const char *path,
                                           char error[ERROR_SIZE])
{
    struct snapshot snapshot;
    struct snapshot_summary summary;
    enum baseline_file_result result = baseline_file_read(path, &snapshot, error, ERROR_SIZE);
    if (result == BASELINE_FILE_READ &&
        !port->load(port->context, &snapshot, &summary, error, ERROR_SIZE))
        result = BASELINE_FILE_UNREADABLE;
    snapshot_free(&snapshot);
    if (result == BASELINE_FILE_READ)
        say_what_was_loaded(run, path, &summary);
    return result;
}

/* Live: something to start from is better than nothing, as long as it is said. */
static void load_live(const struct run *run, const struct run_baseline_port *port)
{
    const char *const path = run->options->baseline;
    char previous[BASELINE_PATH_MAX], error[ERROR_SIZE], previous_error[ERROR_SIZE];
    const enum baseline_file_result result = load_file(run, port, path, error);
    if (result == BASELINE_FILE_READ)
        return;
    if (baseline_file_previous(path, previous)) {
        switch (load_file(run, port, previous, previous_error)) {
        case BASELINE_FILE_READ:
            message("cannot read --baseline %s: %s; started from %s instead", path, error,
                    previous);
            return;
        case BASELINE_FILE_UNREADABLE:
            message("cannot read %s either: %s", previous, previous_error);
            break;
        case BASELINE_FILE_MISSING:
            break;
        }
    }
    const char *const save = run->options->save_baseline;
    if (result == BASELINE_FILE_MISSING && save != NULL && strcmp(save, path) == 0)
        message("no baseline %s yet: starting cold, it will be saved there", path);
    else
        message("cannot read --baseline %s: %s; starting cold", path, error);
}

static bool load_replay(struct run *run, const struct run_baseline_port *port)
{
    char error[ERROR_SIZE];
    if (load_file(run, port, run->options->baseline, error) == BASELINE_FILE_READ)
        return true;
    message("cannot read --baseline %s: %s", run->options->baseline, error);
    run_fail(run, RUN_INPUT);
    return false;
}

bool run_baseline_start(struct run *run, const struct run_baseline_port *port)
{
    const struct options *const options = run->options;
    char error[ERROR_SIZE];
    if (options->save_baseline != NULL &&
        !baseline_file_can_write(options->save_baseline, error, sizeof error)) {
        message("cannot write --save-baseline %s: %s", options->save_baseline, error);
        run_fail(run, RUN_FAILED);
        return false;
    }
    if (options->baseline == NULL)
        return true;
    if (!options->is_live)
        return load_replay(run, port);
    load_live(run, port);
    return true;
}

static bool save(const struct run_baseline_port *port, const char *path, char error[ERROR_SIZE])
{
    struct snapshot snapshot = {0};
    struct snapshot_summary summary;
    snprintf(error, ERROR_SIZE, "out of memory");
    bool is_saved = port->save(port->context, &snapshot, &summary);
    if (is_saved && summary.flows == 0)
        message("nothing was learnt: --save-baseline %s is left as it is", path);
    else if (is_saved)
        is_saved = baseline_file_write(path, &snapshot, error, ERROR_SIZE);
    snapshot_free(&snapshot);
    return is_saved;
}

bool run_baseline_save(const struct run *run, const struct run_baseline_port *port)
{
    const char *const path = run->options->save_baseline;
    char error[ERROR_SIZE];
    if (path == NULL || save(port, path, error))
        return true;
    message("cannot write --save-baseline %s: %s", path, error);
    return false;
}

/* ---- merging ------------------------------------------------------------------------------- */

static enum run_exit write_sum(const struct options *options, const struct snapshot *sum)
{
    char error[ERROR_SIZE];
    if (baseline_file_write(options->save_baseline, sum, error, sizeof error))
        return RUN_DONE;
    message("cannot write --save-baseline %s: %s", options->save_baseline, error);
    return RUN_FAILED;
}

static enum run_exit merge(const struct options *options, struct snapshot *parts)
{
    char error[ERROR_SIZE];
    for (size_t i = 0; i < options->merge_count; i++) {
        if (baseline_file_read(options->merge_files[i], &parts[i], error, sizeof error) ==
            BASELINE_FILE_READ)
            continue;
        message("cannot read %s: %s", options->merge_files[i], error);
        return RUN_INPUT;
    }
    struct snapshot sum;
    if (!snapshot_merge(&options->settings, parts, options->merge_count, &sum, error,
                        sizeof error)) {
        message("cannot merge: %s", error);
        return RUN_INPUT;
    }
    const enum run_exit exit = write_sum(options, &sum);
    snapshot_free(&sum);
    return exit;
}

enum run_exit run_baseline_merge(const struct options *options)
{
    struct snapshot *const parts = calloc(options->merge_count, sizeof *parts);
    if (parts == NULL) {
        message("out of memory");
        return RUN_FAILED;
    }
    const enum run_exit exit = merge(options, parts);
    for (size_t i = 0; i < options->merge_count; i++)
        snapshot_free(&parts[i]);
    free(parts);
    return exit;
}
