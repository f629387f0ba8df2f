/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/service_scope.h"

#include "anomaly/baseline_sums.h"

#include <string.h>

/* As in baseline_sums.c: what rounding down may take from a part, for every baseline added. */
enum { ROUNDING_PER_PART = 2 };

/* A numeric feature's bins and "missing", else parts: as weights, whatever lies in memory. */
static unsigned outcome_count(unsigned j)
{
    return baseline_is_numeric(j) ? HISTOGRAM_OUTCOME_COUNT : SERVICE_PART_COUNT;
}

static uint64_t *slot_of(struct service_scope *scope, unsigned j, unsigned outcome)
{
    return &scope->slot[j][baseline_is_numeric(j) ? histogram_slot(outcome) : outcome];
}

static unsigned scale_of(unsigned j, unsigned outcome)
{
    return baseline_is_numeric(j) ? histogram_scale(outcome) : 1;
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* Items are pairs: places left out since the last one, weight. */
static void write_list(struct byte_writer *writer, const uint64_t *weights, unsigned count)
{
    unsigned used = 0, next = 0;
    for (unsigned i = 0; i < count; i++)
        used += weights[i] > 0;
    byte_writer_varint(writer, used);
    for (unsigned i = 0; i < count; i++) {
        if (weights[i] == 0)
            continue;
        byte_writer_varint(writer, i - next);
        byte_writer_varint(writer, weights[i]);
        next = i + 1;
    }
}

static bool read_list(struct byte_reader *reader, uint64_t *weights, unsigned count,
                      uint64_t weight_max, uint64_t *sum)
{
    const uint64_t used = byte_reader_varint(reader);
    uint64_t next = 0;
    *sum = 0;
    memset(weights, 0, count * sizeof *weights);
    if (used > count)
        return byte_reader_refuse(reader, "a service's histogram is too long");
    for (uint64_t i = 0; i < used; i++) {
        const uint64_t gap = byte_reader_varint(reader), weight = byte_reader_varint(reader);
        if (gap >= count - next || weight == 0)
            return byte_reader_refuse(reader, "a service's histogram is out of order or too long");
        if (weight > weight_max || weight > BASELINE_WEIGHT_MAX - *sum)
            return byte_reader_refuse(reader, "the weights of a service are absurd");
        weights[next + gap] = weight;
        *sum += weight;
        next += gap + 1;
    }
    return !reader->has_failed;
}

void service_scope_write(const struct service_scope *scope, struct byte_writer *writer)
{
    byte_writer_varint(writer, scope->service);
    byte_writer_varint(writer, scope->total);
    byte_writer_varint(writer, scope->flows);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        uint64_t weights[SERVICE_STEP_COUNT];
        byte_writer_varint(writer, scope->flows - scope->measured[j]);
        for (unsigned i = 0; i < outcome_count(j); i++)
            weights[i] =
                scope->slot[j][baseline_is_numeric(j) ? histogram_slot(i) : i] / scale_of(j, i);
        write_list(writer, weights, outcome_count(j));
        for (unsigned i = 0; i < SERVICE_STEP_COUNT; i++)
            weights[i] = scope->fine[j][i];
        write_list(writer, weights, SERVICE_STEP_COUNT);
    }
}

static bool read_weights(struct service_scope *scope, unsigned j, struct byte_reader *reader,
                         uint32_t sources)
{
    uint64_t weights[SERVICE_PART_COUNT], sum;
    if (!read_list(reader, weights, outcome_count(j), BASELINE_WEIGHT_MAX, &sum))
        return false;
    for (unsigned i = 0; i < outcome_count(j); i++)
        *slot_of(scope, j, i) = weights[i] * scale_of(j, i);
    const uint64_t rounding = (uint64_t)ROUNDING_PER_PART * outcome_count(j) * sources;
    return (sum <= scope->total && scope->total - sum <= rounding) ||
           byte_reader_refuse(reader, "the bins of %s do not add up to a service's flows",
                              feature_infos[j].name);
}

/* Steps make up no more than the flows that measured the feature; parts of a category, one of which
 * is "missing", no more than all flows. They may fall far short: a step that was full once has lost
 * what came after, and halving keeps the share that is lost. */
static bool read_steps(struct service_scope *scope, unsigned j, struct byte_reader *reader)
{
    uint64_t weights[SERVICE_STEP_COUNT], sum;
    const unsigned count = baseline_is_numeric(j) ? SERVICE_STEP_COUNT : SERVICE_PART_COUNT;
    if (!read_list(reader, weights, count, UINT32_MAX, &sum))
        return false;
    for (unsigned i = 0; i < count; i++)
        scope->fine[j][i] = (uint32_t)weights[i];
    const uint64_t whole = baseline_is_numeric(j) ? scope->measured[j] : scope->flows;
    return sum <= whole >> SERVICE_FINE_SHIFT ||
           byte_reader_refuse(reader, "the steps of %s outweigh a service's flows",
                              feature_infos[j].name);
}

bool service_scope_read(struct service_scope *scope, struct byte_reader *reader, uint32_t sources)
{
    memset(scope, 0, sizeof *scope);
    scope->service = byte_reader_varint(reader);
    scope->total = byte_reader_varint(reader);
    scope->flows = byte_reader_varint(reader);
    if (scope->flows > BASELINE_WEIGHT_MAX || scope->total > scope->flows)
        return byte_reader_refuse(reader, "a service is counted absurdly");
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const uint64_t missing = byte_reader_varint(reader);
        if (missing > scope->flows)
            return byte_reader_refuse(reader, "%s was missing in more flows than a service had",
                                      feature_infos[j].name);
        scope->measured[j] = scope->flows - missing;
        if (!read_weights(scope, j, reader, sources) || !read_steps(scope, j, reader))
            return false;
    }
    return !reader->has_failed;
}

/* ---- adding -------------------------------------------------------------------------------- */

void service_scope_scale(struct service_scope *scope, uint64_t unit)
{
    scope->total = baseline_sums_scaled(scope->total, unit);
    scope->flows = baseline_sums_scaled(scope->flows, unit);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        scope->measured[j] = baseline_sums_scaled(scope->measured[j], unit);
        for (unsigned i = 0; i < outcome_count(j); i++) {
            uint64_t *const slot = slot_of(scope, j, i);
            *slot = baseline_sums_scaled(*slot / scale_of(j, i), unit) * scale_of(j, i);
        }
        for (unsigned i = 0; i < SERVICE_STEP_COUNT; i++)
            scope->fine[j][i] = (uint32_t)baseline_sums_scaled(scope->fine[j][i], unit);
    }
}
