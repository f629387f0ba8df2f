/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the whole library (clang -fsanitize=fuzzer,address,undefined). Bytes become frames with
 * link types, lengths and time steps of the input's choice, for a sensor with tiny limits. The
 * listener checks every record: sums, the parts of a score, order, each line read back.
 *
 *     byte 0: bit 0 online, bit 1 no timeouts
 *     then for each frame: link type, time step, wire bytes more than captured, captured bytes */
#include "whyflow/sensor.h"

#include "tests/support/sensor_build.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 4, FRAMES_MAX = 512 };

static const uint16_t link_types[] = {1, 1, 1, 101, 113, 276, 0, 12, 108, 228, 229, 9, 50, 104};

/* Small steps, long ones, back, and far off. */
static const int64_t steps_ns[] = {
    0,
    1000,
    1000000,
    20000000,
    300000000,
    700000000,
    1500000000,
    4000000000,
    30000000000,
    -1000000,
    -500000000,
    -70000000000,
    4000000000000,
    INT64_C(400000000000000000),
    999,
    1,
};

enum { STEP_COUNT = sizeof steps_ns / sizeof *steps_ns };

static struct frame next_frame(const uint8_t *head, size_t size, int64_t *time_ns)
{
    *time_ns += steps_ns[head[1] % STEP_COUNT];
    if (*time_ns < 0 || *time_ns > INT64_C(1) << 61)
        *time_ns = INT64_C(1600000000000000000);
    const size_t rest = size - HEAD_BYTES;
    const uint32_t captured_bytes = head[3] < rest ? head[3] : (uint32_t)rest;
    return (struct frame){
        .bytes = head + HEAD_BYTES,
        .time_s = *time_ns / 1000000000,
        .time_subsec_ns = *time_ns % 1000000000 + (head[1] == 0xff ? 1000000000 : 0),
        .captured_bytes = captured_bytes,
        .wire_bytes = captured_bytes + head[2] % 16 * 97u - (head[2] == 0xf0 ? 1 : 0),
        .link_type = link_types[head[0] % (sizeof link_types / sizeof *link_types)],
    };
}

static uint64_t feed(struct sensor *sensor, const uint8_t *data, size_t size)
{
    uint64_t frames = 0;
    size_t at = 0;
    int64_t time_ns = INT64_C(1600000000000000000);
    while (size - at >= HEAD_BYTES && frames < FRAMES_MAX) {
        const struct frame frame = next_frame(data + at, size - at, &time_ns);
        sensor_frame(sensor, &frame);
        frames++;
        if (data[at] == 0xfe)
            sensor_tick(sensor, time_ns);
        at += HEAD_BYTES + frame.captured_bytes;
    }
    return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sensor_listener listener;
    struct settings settings;
    char error[256];
    if (size < 1)
        return 0;
    sensor_build_tiny_settings(&settings, (data[0] & 1) != 0);
    if ((data[0] & 2) != 0)
        settings.flow.idle_timeout_ns = settings.flow.active_timeout_ns = 0;
    sensor_listener_init(&listener, &settings);
    struct sensor *const sensor =
        sensor_open(&settings, sensor_listener_record, &listener, error, sizeof error);
    if (sensor == NULL)
        abort();
    const uint64_t frames = feed(sensor, data + 1, size - 1);
    if (!sensor_finish(sensor))
        abort();
    sensor_listener_finish(&listener, frames);
    sensor_close(sensor);
    return 0;
}
