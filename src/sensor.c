/* SPDX-License-Identifier: Apache-2.0 */
/* The library's face: the pipeline's three steps in turn, on the caller's thread, without a queue.
 * For tests, fuzzers, embedding and `--inline`; runtime.c makes the same steps on three threads. */
#include "whyflow/sensor.h"

#include "pipeline.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENSOR_FLOWS_MAX = 256 };

struct sensor {
    struct pipeline *pipeline;
    struct pipeline_batch batch;
    struct flow_record flows[SENSOR_FLOWS_MAX];
};

struct sensor *sensor_open(const struct settings *settings, sensor_record_fn *on_record,
                           void *context, char *error, size_t error_size)
{
    struct sensor *const sensor = calloc(1, sizeof *sensor);
    if (sensor == NULL)
        snprintf(error, error_size, "out of memory");
    if (sensor != NULL)
        sensor->pipeline = pipeline_open(settings, on_record, context, error, error_size);
    if (sensor == NULL || sensor->pipeline == NULL) {
        sensor_close(sensor);
        return NULL;
    }
    return sensor;
}

void sensor_close(struct sensor *sensor)
{
    if (sensor == NULL)
        return;
    pipeline_close(sensor->pipeline);
    free(sensor);
}

bool sensor_load(struct sensor *sensor, const struct snapshot *snapshot,
                 struct snapshot_summary *summary, char *error, size_t error_size)
{
    return pipeline_load(sensor->pipeline, snapshot, summary, error, error_size);
}

bool sensor_save(struct sensor *sensor, struct snapshot *snapshot, struct snapshot_summary *summary)
{
    return pipeline_save(sensor->pipeline, snapshot, summary);
}

static void pass_on_flows(struct sensor *sensor)
{
    size_t count;
    while ((count = pipeline_take(sensor->pipeline, sensor->flows, SENSOR_FLOWS_MAX)) > 0)
        pipeline_flows(sensor->pipeline, sensor->flows, count);
}

static void report_if_due(struct sensor *sensor)
{
    if (!pipeline_statistics_are_due(sensor->pipeline))
        return;
    struct statistics statistics;
    pipeline_snapshot(sensor->pipeline, &statistics);
    pipeline_report(sensor->pipeline, &statistics);
}

/* Steps 2 and 3. */
static void sweep(struct sensor *sensor)
{
    while (!pipeline_sweep(sensor->pipeline, SIZE_MAX))
        ;
    pass_on_flows(sensor);
    report_if_due(sensor);
}

/* Step 1, and the others wherever it asks for them. */
static void take_batch(struct sensor *sensor)
{
    for (;;) {
        const bool is_done = pipeline_packets(sensor->pipeline, &sensor->batch);
        if (pipeline_sweep_is_due(sensor->pipeline))
            sweep(sensor);
        if (is_done)
            return;
    }
}

void sensor_frame(struct sensor *sensor, const struct frame *frame)
{
    (void)pipeline_decode(&sensor->batch, frame, 1);
    if (pipeline_batch_is_full(&sensor->batch))
        take_batch(sensor);
}

void sensor_flow(struct sensor *sensor, const struct flow_record *flow)
{
    pipeline_intake(sensor->pipeline, flow);
    report_if_due(sensor);
}

void sensor_refuse_flow(struct sensor *sensor)
{
    pipeline_refuse_intake(sensor->pipeline);
}

void sensor_tick(struct sensor *sensor, int64_t now_ns)
{
    take_batch(sensor);
    pipeline_advance(sensor->pipeline, now_ns);
    sweep(sensor);
}

bool sensor_finish(struct sensor *sensor)
{
    take_batch(sensor);
    while (!pipeline_end_input(sensor->pipeline))
        sweep(sensor);
    sweep(sensor);
    while (!pipeline_end_flows(sensor->pipeline, SIZE_MAX))
        ;
    pass_on_flows(sensor);
    struct statistics statistics;
    pipeline_snapshot(sensor->pipeline, &statistics);
    return pipeline_finish(sensor->pipeline, &statistics);
}

const char *sensor_error(const struct sensor *sensor)
{
    return pipeline_error(sensor->pipeline);
}
