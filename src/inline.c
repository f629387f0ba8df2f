/* SPDX-License-Identifier: Apache-2.0 */
#include "inline.h"

#include "message.h"
#include "sensor_run.h"

struct reading {
    struct run *run;
    struct sensor *sensor;
};

static void on_frames(void *context, const struct frame *frames, size_t count)
{
    const struct reading *const reading = context;
    run_note_frames(reading->run, frames, count);
    for (size_t i = 0; i < count; i++)
        sensor_frame(reading->sensor, &frames[i]);
}

static void read_all(struct run *run, struct sensor *sensor)
{
    struct reading reading = {.run = run, .sensor = sensor};
    enum capture_result result = CAPTURE_FRAMES;
    while (result != CAPTURE_END && !run_must_stop(run) && run_frames_wanted(run) > 0) {
        result = capture_dispatch(run->capture, run_frames_wanted(run), on_frames, &reading);
        if (result == CAPTURE_CUT_SHORT) {
            message("%s", capture_message(run->capture));
            run_fail(run, RUN_INPUT);
        }
    }
}

bool inline_run(struct run *run)
{
    static const struct sensor_run_source source = {.read = read_all};
    return sensor_run(run, &source);
}
