/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/baseline_sums.h"

#include <string.h>

/* What rounding down may take from the parts of one whole: up to one each when all is halved, and
 * one each when it is brought to step 0; both for every baseline added. */
enum { ROUNDING_PER_PART = 2, STEPS_PER_HALF_LIFE = 16, LIST_ITEM_BYTES = 12 };

/* ---- bytes --------------------------------------------------------------------------------- */

void baseline_sums_write_list(struct byte_writer *writer, const uint64_t *weights, uint32_t count)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        used += weights[i] > 0;
    byte_writer_u32(writer, used);
    for (uint32_t i = 0; i < count; i++) {
        if (weights[i] == 0)
            continue;
        byte_writer_u32(writer, i);
        byte_writer_u64(writer, weights[i]);
    }
}

bool baseline_sums_read_list(struct byte_reader *reader, uint64_t *weights, uint32_t count,
                             uint64_t *sum)
{
    const uint32_t used = byte_reader_count(reader, LIST_ITEM_BYTES);
    uint64_t next = 0;
    *sum = 0;
    memset(weights, 0, count * sizeof *weights);
    for (uint32_t i = 0; i < used; i++) {
        const uint32_t place = byte_reader_u32(reader);
        const uint64_t weight = byte_reader_u64(reader);
        if (place < next || place >= count || weight == 0)
            return byte_reader_refuse(reader, "a histogram is out of order or too long");
        if (weight > BASELINE_WEIGHT_MAX - *sum)
            return byte_reader_refuse(reader, "a histogram's weights are absurd");
        weights[place] = weight;
        *sum += weight;
        next = (uint64_t)place + 1;
    }
    return !reader->has_failed;
}

void baseline_sums_write(const struct baseline_sums *sums, struct byte_writer *writer)
{
    byte_writer_u32(writer, sums->step);
    byte_writer_u64(writer, sums->step_flows);
    byte_writer_i64(writer, sums->step_start_ns);
    byte_writer_u64(writer, sums->learnt);
    byte_writer_i64(writer, sums->since_ns);
    byte_writer_i64(writer, sums->until_ns);
    byte_writer_u64(writer, sums->flows);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        byte_writer_u64(writer, sums->total[scope]);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        byte_writer_u64(writer, sums->measured[j]);
        if (!baseline_is_numeric(j))
            continue;
        for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
            baseline_sums_write_list(writer, sums->bin[scope][j], BASELINE_OUTCOME_COUNT);
        baseline_sums_write_list(writer, sums->fine[j], BASELINE_STEP_COUNT);
    }
}

static bool is_time(int64_t time_ns)
{
    return time_ns >= -BASELINE_TIME_MAX_NS && time_ns <= BASELINE_TIME_MAX_NS;
}

/* The parts of a whole outweigh it nowhere, and fall short of it by rounding alone. */
static bool parts_make(uint64_t sum, uint64_t whole, uint64_t parts, uint32_t sources)
{
    return sum <= whole && whole - sum <= ROUNDING_PER_PART * parts * sources;
}

static bool check_head(const struct baseline_sums *sums, struct byte_reader *reader)
{
    uint64_t in_scopes = 0;
    for (unsigned scope = 1; scope < BASELINE_SCOPE_COUNT; scope++) {
        if (sums->total[scope] > sums->total[0])
            return byte_reader_refuse(reader, "a direction outweighs all flows");
        in_scopes += sums->total[scope];
    }
    if (sums->step >= STEPS_PER_HALF_LIFE || sums->step_flows > BASELINE_WEIGHT_MAX ||
        sums->learnt > BASELINE_WEIGHT_MAX || sums->flows > BASELINE_WEIGHT_MAX)
        return byte_reader_refuse(reader, "its counts are absurd");
    if (!is_time(sums->since_ns) || !is_time(sums->until_ns) || !is_time(sums->step_start_ns) ||
        sums->since_ns > sums->until_ns)
        return byte_reader_refuse(reader, "its times are absurd");
    /* No flow weighs more than its unit, which stays below twice that of step 0. */
    if (in_scopes > sums->total[0] || sums->total[0] > sums->flows ||
        sums->flows / (2 * BASELINE_UNIT) > sums->learnt || (sums->learnt > 0 && sums->flows == 0))
        return byte_reader_refuse(reader, "its totals do not fit together");
    return !reader->has_failed;
}

static bool read_bins(struct baseline_sums *sums, unsigned j, struct byte_reader *reader,
                      uint32_t sources)
{
    uint64_t sum;
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++) {
        if (!baseline_sums_read_list(reader, sums->bin[scope][j], BASELINE_OUTCOME_COUNT, &sum))
            return false;
        if (!parts_make(sum, sums->total[scope], BASELINE_OUTCOME_COUNT, sources))
            return byte_reader_refuse(reader, "the bins of %s do not add up to its flows",
                                      feature_infos[j].name);
    }
    for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++) {
        uint64_t in_scopes = 0;
        for (unsigned scope = 1; scope < BASELINE_SCOPE_COUNT; scope++)
            in_scopes += sums->bin[scope][j][bin];
        if (in_scopes > sums->bin[0][j][bin])
            return byte_reader_refuse(reader, "the directions of %s outweigh all flows",
                                      feature_infos[j].name);
    }
    return true;
}

static bool read_feature(struct baseline_sums *sums, unsigned j, struct byte_reader *reader,
                         uint32_t sources)
{
    sums->measured[j] = byte_reader_u64(reader);
    if (sums->measured[j] > sums->flows)
        return byte_reader_refuse(reader, "%s was measured in more flows than there were",
                                  feature_infos[j].name);
    if (!baseline_is_numeric(j))
        return !reader->has_failed;
    uint64_t sum;
    if (!read_bins(sums, j, reader, sources) ||
        !baseline_sums_read_list(reader, sums->fine[j], BASELINE_STEP_COUNT, &sum))
        return false;
    return parts_make(sum, sums->measured[j], BASELINE_STEP_COUNT, sources) ||
           byte_reader_refuse(reader, "the steps of %s do not add up to its flows",
                              feature_infos[j].name);
}

bool baseline_sums_read(struct baseline_sums *sums, struct byte_reader *reader, uint32_t sources)
{
    memset(sums, 0, sizeof *sums);
    sums->step = byte_reader_u32(reader);
    sums->step_flows = byte_reader_u64(reader);
    sums->step_start_ns = byte_reader_i64(reader);
    sums->learnt = byte_reader_u64(reader);
    sums->since_ns = byte_reader_i64(reader);
    sums->until_ns = byte_reader_i64(reader);
    sums->flows = byte_reader_u64(reader);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        sums->total[scope] = byte_reader_u64(reader);
    if (reader->has_failed || !check_head(sums, reader))
        return false;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        if (!read_feature(sums, j, reader, sources))
            return false;
    return true;
}

/* ---- adding -------------------------------------------------------------------------------- */

/* What is done to every weight there is. */
static void each_weight(struct baseline_sums *sums, uint64_t (*change)(uint64_t, uint64_t),
                        uint64_t argument)
{
    sums->flows = change(sums->flows, argument);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++) {
        sums->total[scope] = change(sums->total[scope], argument);
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                sums->bin[scope][j][bin] = change(sums->bin[scope][j][bin], argument);
    }
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        sums->measured[j] = change(sums->measured[j], argument);
        for (unsigned step = 0; step < BASELINE_STEP_COUNT; step++)
            sums->fine[j][step] = change(sums->fine[j][step], argument);
    }
}

uint64_t baseline_sums_scaled(uint64_t weight, uint64_t unit)
{
    return (uint64_t)((log2_wide)weight * BASELINE_UNIT / unit);
}

static uint64_t halved(uint64_t weight, uint64_t unused)
{
    (void)unused;
    return weight / 2;
}

void baseline_sums_scale(struct baseline_sums *sums, uint64_t unit)
{
    each_weight(sums, baseline_sums_scaled, unit);
    sums->step = 0;
    sums->step_flows = 0; /* whoever loads it begins the first sixteenth */
}

static void add_histograms(struct baseline_sums *sums, const struct baseline_sums *other)
{
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++) {
        sums->total[scope] += other->total[scope];
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                sums->bin[scope][j][bin] += other->bin[scope][j][bin];
    }
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        sums->measured[j] += other->measured[j];
        for (unsigned step = 0; step < BASELINE_STEP_COUNT; step++)
            sums->fine[j][step] += other->fine[j][step];
    }
}

static void add_times(struct baseline_sums *sums, const struct baseline_sums *other)
{
    if (other->learnt == 0)
        return;
    const bool is_first = sums->learnt == 0;
    if (is_first || other->since_ns < sums->since_ns)
        sums->since_ns = other->since_ns;
    if (is_first || other->until_ns > sums->until_ns)
        sums->until_ns = other->until_ns;
    if (is_first || other->step_start_ns > sums->step_start_ns)
        sums->step_start_ns = other->step_start_ns;
}

bool baseline_sums_add(struct baseline_sums *sums, const struct baseline_sums *other)
{
    add_times(sums, other);
    add_histograms(sums, other);
    sums->learnt += other->learnt;
    if (sums->learnt > BASELINE_WEIGHT_MAX)
        sums->learnt = BASELINE_WEIGHT_MAX;
    sums->flows += other->flows;
    if (sums->flows <= BASELINE_WEIGHT_MAX)
        return false;
    each_weight(sums, halved, 0);
    return true;
}
