/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of flow lines (clang -fsanitize=fuzzer,address,undefined). Each line of the input that is
 * a flow must come back from its own line as it was, and goes through a sensor with tiny limits,
 * whose listener checks every record. The first byte: bit 0 online. */
#include "intake/flow_line.h"
#include "whyflow/sensor.h"

#include "tests/support/sensor_build.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 64 };

/* Microseconds with three decimals are exact in a double below it. */
#define EXACT_NS (INT64_C(1) << 52)

static void require(int holds)
{
    if (!holds)
        abort();
}

static bool is_exact(const struct flow_record *flow)
{
    for (unsigned way = 0; way < 2; way++) {
        const struct flow_distribution *gaps = &flow->direction[way].gap_ns;
        if (gaps->max > EXACT_NS || gaps->deviation > (double)EXACT_NS ||
            flow->direction[way].packet_bytes.deviation > 1e12)
            return false;
    }
    return flow->longest_gap_ns < EXACT_NS && flow->handshake_rtt_ns < EXACT_NS;
}

static size_t format_flow(const struct flow_record *flow, char *bytes, size_t size)
{
    static struct record record;
    static struct settings settings;
    const struct format_context context = {
        .sensor = "s", .boot = "b", .version = "v", .settings = &settings};
    size_t length = 0;
    record.kind = RECORD_FLOW;
    record.as.flow.part.flow = *flow;
    require(format_native(&record, &context, bytes, size, &length));
    return length;
}

/* What was read, written, read and written again is the same. */
static void check_round_trip(const struct flow_record *flow)
{
    static char first[FORMAT_BUFFER_SIZE], second[FORMAT_BUFFER_SIZE];
    static struct flow_line line;
    struct flow_record known = *flow;
    if (known.opening_number == 0)
        known.opening_number = 1;
    const size_t length = format_flow(&known, first, sizeof first);
    require(flow_line_parse(first, length, &line) == FLOW_LINE_FLOW);
    require(line.flow.unknown == flow->unknown);
    require(format_flow(&line.flow, second, sizeof second) == length || !is_exact(flow));
    require(memcmp(first, second, length) == 0 || !is_exact(flow));
}

static bool comes_after(const struct flow_record *flow, const struct flow_record *latest)
{
    if (flow->epoch != latest->epoch)
        return flow->epoch > latest->epoch;
    return flow->notice_ns >= latest->notice_ns;
}

struct feeding {
    struct sensor *sensor;
    struct flow_record latest;
    uint64_t packets;
};

static void take_line(struct feeding *feeding, const char *bytes, size_t length)
{
    static struct flow_line line;
    const enum flow_line_kind kind = flow_line_parse(bytes, length, &line);
    require((kind == FLOW_LINE_BAD) == (line.error[0] != '\0'));
    if (kind == FLOW_LINE_BAD) {
        sensor_refuse_flow(feeding->sensor);
        feeding->packets++;
    }
    if (kind != FLOW_LINE_FLOW)
        return;
    check_round_trip(&line.flow);
    if (!comes_after(&line.flow, &feeding->latest))
        return;
    feeding->latest = line.flow;
    feeding->packets += line.flow.direction[0].packets + line.flow.direction[1].packets;
    sensor_flow(feeding->sensor, &line.flow);
}

static void take_lines(struct feeding *feeding, const char *bytes, size_t size)
{
    for (unsigned i = 0; i < LINES_MAX && size > 0; i++) {
        const char *const end = memchr(bytes, '\n', size);
        const size_t length = end != NULL ? (size_t)(end - bytes) : size;
        take_line(feeding, bytes, length);
        const size_t used = end != NULL ? length + 1 : length;
        bytes += used;
        size -= used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sensor_listener listener;
    struct settings settings;
    char error[256];
    if (size < 1)
        return 0;
    sensor_build_tiny_settings(&settings, (data[0] & 1) != 0);
    sensor_listener_init(&listener, &settings);
    struct feeding feeding = {
        .sensor = sensor_open(&settings, sensor_listener_record, &listener, error, sizeof error)};
    require(feeding.sensor != NULL);
    take_lines(&feeding, (const char *)data + 1, size - 1);
    require(sensor_finish(feeding.sensor));
    sensor_listener_finish(&listener, feeding.packets);
    sensor_close(feeding.sensor);
    return 0;
}
