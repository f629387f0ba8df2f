/* SPDX-License-Identifier: Apache-2.0 */
/* Reading flows again and scoring them, through the library as an embedding program would. One
 * thread: reading JSON takes most of the time, and nothing waits for a packet.
 *
 * Signals come by a descriptor, which ends a wait for standard input too. Rejected: a handler,
 * which needs a global variable, and a thread, which needs a lock. */
#include "rescore.h"

#include "message.h"
#include "run_baseline.h"
#include "whyflow/sensor.h"

#include <inttypes.h>
#include <poll.h>

/* Between two looks at the descriptor: some 10 ms. */
enum { LINES_PER_LOOK = 256 };

static void on_record(void *context, const struct record *record)
{
    struct run *const run = context;
    struct record copy = *record;
    output_record(run->output, &copy);
    if (output_has_no_reader(run->output) && !run_must_stop(run))
        run_request_stop(run);
}

static bool must_stop(struct run *run)
{
    struct pollfd polled = {.fd = run->interrupt_fd, .events = POLLIN};
    if (!run_must_stop(run) && poll(&polled, 1, 0) > 0)
        run_request_stop(run);
    return run_must_stop(run);
}

/* One flow or one fault. False: there is no more. */
static bool read_one(struct run *run, struct sensor *sensor)
{
    struct flow_record flow;
    switch (flow_reader_next(run->flows, &flow)) {
    case FLOW_READER_FLOW:
        sensor_flow(sensor, &flow);
        return true;
    case FLOW_READER_BAD_LINE:
        sensor_refuse_flow(sensor);
        break;
    case FLOW_READER_CUT_SHORT:
        break;
    case FLOW_READER_END:
        return false;
    }
    message("%s", flow_reader_message(run->flows));
    run_fail(run, RUN_INPUT);
    return true;
}

static void tell_counters(const struct run *run)
{
    const struct flow_reader_counters counters = flow_reader_counters(run->flows);
    if (counters.unnamed > 0)
        message("%" PRIu64 " flows came from more than %d interfaces and files: those beyond have "
                "no name",
                counters.unnamed, FLOW_READER_SOURCES_MAX);
    if (counters.disordered > 0)
        message("%" PRIu64
                " flows came later than their notice times say: what counts over time is "
                "inexact (give each sensor's lines a -R of their own)",
                counters.disordered);
    if (run->options->is_verbose)
        message("read %" PRIu64 " lines: %" PRIu64 " flows, %" PRIu64 " bad, %" PRIu64
                " of other kinds",
                counters.lines, counters.flows, counters.bad, counters.others);
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

/* From the first flow to the last record, and the baseline. */
static bool run_sensor(struct run *run, struct sensor *sensor)
{
    const struct run_baseline_port port = {.context = sensor, .load = load, .save = save};
    if (!run_baseline_start(run, &port))
        return false;
    uint64_t count = 0;
    while (!(count++ % LINES_PER_LOOK == 0 && must_stop(run)) && read_one(run, sensor))
        ;
    run_release_interrupts();
    const bool is_whole = sensor_finish(sensor);
    if (!is_whole)
        message("%s", sensor_error(sensor));
    output_flush(run->output, 0);
    tell_counters(run);
    return is_whole && run_baseline_save(run, &port);
}

bool rescore_run(struct run *run)
{
    char error[256];
    struct sensor *const sensor =
        sensor_open(&run->options->settings, on_record, run, error, sizeof error);
    if (sensor == NULL) {
        message("%s", error);
        return false;
    }
    const bool is_whole = run_sensor(run, sensor);
    sensor_close(sensor);
    return is_whole;
}
