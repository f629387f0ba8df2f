/* SPDX-License-Identifier: Apache-2.0 */
/* Reading flows again and scoring them, through the library as an embedding program would. One
 * thread: reading JSON takes most of the time, and nothing waits for a packet.
 *
 * Signals come by a descriptor, which ends a wait for standard input too. Rejected: a handler,
 * which needs a global variable, and a thread, which needs a lock. */
#include "rescore.h"

#include "message.h"
#include "sensor_run.h"

#include <inttypes.h>
#include <poll.h>

/* Between two looks at the descriptor: some 10 ms. */
enum { LINES_PER_LOOK = 256 };

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

static void read_all(struct run *run, struct sensor *sensor)
{
    uint64_t count = 0;
    while (!(count++ % LINES_PER_LOOK == 0 && must_stop(run)) && read_one(run, sensor))
        ;
    run_release_interrupts();
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

bool rescore_run(struct run *run)
{
    static const struct sensor_run_source source = {.read = read_all, .tell = tell_counters};
    return sensor_run(run, &source);
}
