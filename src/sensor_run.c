/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor_run.h"

#include "message.h"
#include "run_baseline.h"

#include <assert.h>
#include <string.h>

static void on_record(void *context, const struct record *record)
{
    struct run *const run = context;
    static_assert(sizeof(struct record) < 65536, "a record fits the stack");
    struct record copy;
    memcpy(&copy, record, record_size(record));
    run_note_record(run, record);
    output_record(run->output, &copy);
    if (output_has_no_reader(run->output) && !run_must_stop(run))
        run_request_stop(run);
}

static bool load(void *context, const struct snapshot *snapshot, struct snapshot_summary *summary,
                 char *error, size_t error_size)
{
    return sensor_load(context, snapshot, summary, error, error_size);
}

static bool save(void *context, struct snapshot *snapshot, struct snapshot_summary *summary)
{
    return sensor_save(context, snapshot, summary);
}

static bool run_sensor(struct run *run, struct sensor *sensor,
                       const struct sensor_run_source *source)
{
    const struct run_baseline_port port = {.context = sensor, .load = load, .save = save};
    if (!run_baseline_start(run, &port))
        return false;
    source->read(run, sensor);
    const bool is_whole = sensor_finish(sensor);
    if (!is_whole)
        message("%s", sensor_error(sensor));
    output_flush(run->output, 0);
    if (source->tell != NULL)
        source->tell(run);
    return is_whole && run_baseline_save(run, &port);
}

bool sensor_run(struct run *run, const struct sensor_run_source *source)
{
    char error[256];
    struct sensor *const sensor =
        sensor_open(&run->options->settings, on_record, run, error, sizeof error);
    if (sensor == NULL) {
        message("%s", error);
        return false;
    }
    const bool is_whole = run_sensor(run, sensor, source);
    sensor_close(sensor);
    return is_whole;
}
