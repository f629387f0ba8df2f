/* SPDX-License-Identifier: Apache-2.0 */
/* A model as bytes, and back, and models added: this room's part of a saved baseline. Called when
 * one is saved, loaded or merged, never per flow; the thread that owns the model. The layout stands
 * in docs/baseline-format.md.
 *
 * Loading trusts nothing. The checksum (snapshot.c of the program's top) finds what a disk breaks;
 * here every number is bounded and every sum compared with its parts, because arithmetic elsewhere
 * relies on it: parts never outweigh their whole, no sum can overflow. A model that refused is to
 * be closed: it may be half filled. */
#include "anomaly/baseline_sums.h"
#include "anomaly/model.h"
#include "anomaly/service_scope.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_LENGTH_MAX = 64,
    CATEGORY_BYTES = 4 + 1 + 8 + 8 * CATEGORY_SUM_COUNT + 8 + 8,
    SOURCES_MAX = 1 << 20,
    TYPICAL_MBITS_MAX = 1 << 21, /* as RANKING_SCORE_COUNT: no score is higher */
};

/* ---- what it was made of ------------------------------------------------------------------- */

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static void write_schema(const struct anomaly_model *model, struct byte_writer *writer)
{
    const size_t section = byte_writer_begin(writer, "schm");
    byte_writer_u32(writer, baseline_flood_exponent(model->baseline));
    byte_writer_u32(writer, BASELINE_BIN_COUNT);
    byte_writer_u32(writer, BASELINE_STEP_COUNT);
    byte_writer_u32(writer, BASELINE_SCOPE_COUNT);
    byte_writer_u32(writer, FEATURE_COUNT);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const struct feature_info *info = &feature_infos[j];
        const size_t length = strlen(info->name);
        byte_writer_u8(writer, (uint8_t)length);
        byte_writer_bytes(writer, info->name, length);
        byte_writer_u8(writer, (uint8_t)info->scale);
        byte_writer_u32(writer, (uint32_t)model->quarter_weights[j]);
        byte_writer_u64(writer, bits_of(info->low));
        byte_writer_u64(writer, bits_of(info->high));
    }
    byte_writer_end(writer, section);
}

static bool read_feature(const struct anomaly_model *model, unsigned j, struct byte_reader *reader)
{
    const struct feature_info *info = &feature_infos[j];
    char name[NAME_LENGTH_MAX + 1] = "";
    const uint8_t length = byte_reader_u8(reader);
    if (length > NAME_LENGTH_MAX)
        return byte_reader_refuse(reader, "it has other features: a name of %u bytes", length);
    byte_reader_bytes(reader, name, length);
    const uint8_t scale = byte_reader_u8(reader);
    const uint32_t quarter_weights = byte_reader_u32(reader);
    const uint64_t low = byte_reader_u64(reader), high = byte_reader_u64(reader);
    if (reader->has_failed)
        return false;
    if (strcmp(name, info->name) != 0)
        return byte_reader_refuse(reader, "it has other features: number %u is not %s", j + 1,
                                  info->name);
    if (scale != info->scale || low != bits_of(info->low) || high != bits_of(info->high) ||
        quarter_weights != (uint32_t)model->quarter_weights[j])
        return byte_reader_refuse(reader, "its feature %s has another range or weight", info->name);
    return true;
}

static bool read_schema(const struct anomaly_model *model, struct byte_reader *reader)
{
    if (!byte_reader_begin(reader, "schm"))
        return false;
    const uint32_t flood_exponent = byte_reader_u32(reader);
    const uint32_t bins = byte_reader_u32(reader), steps = byte_reader_u32(reader);
    const uint32_t scopes = byte_reader_u32(reader), features = byte_reader_u32(reader);
    if (reader->has_failed)
        return false;
    if (bins != BASELINE_BIN_COUNT || steps != BASELINE_STEP_COUNT ||
        scopes != BASELINE_SCOPE_COUNT)
        return byte_reader_refuse(reader, "its histograms have other bins");
    if (features != FEATURE_COUNT)
        return byte_reader_refuse(reader, "it has other features: %" PRIu32 ", not %d", features,
                                  FEATURE_COUNT);
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        if (!read_feature(model, j, reader))
            return false;
    const uint32_t own = baseline_flood_exponent(model->baseline);
    if (flood_exponent != own)
        return byte_reader_refuse(
            reader, "it weighs bursts otherwise: gamma %.3g, not %.3g (see --flood-robust)",
            flood_exponent / (double)LOG2_ONE, own / (double)LOG2_ONE);
    return byte_reader_end(reader);
}

/* ---- categories ---------------------------------------------------------------------------- */

static void write_category(const struct category_entry *entry, struct byte_writer *writer)
{
    byte_writer_u32(writer, entry->key.feature);
    byte_writer_u8(writer, (uint8_t)entry->key.is_missing);
    byte_writer_u64(writer, entry->key.code);
    for (unsigned sum = 0; sum < CATEGORY_SUM_COUNT; sum++)
        byte_writer_u64(writer, entry->sum[sum]);
    byte_writer_u64(writer, entry->touched);
    byte_writer_u64(writer, entry->inserted);
}

/* False: no memory. */
static bool write_categories(const struct anomaly_model *model, struct byte_writer *writer)
{
    const struct category_table *const table = baseline_categories_of(model->baseline);
    struct category_entry *const entries = category_table_entries(table);
    if (entries == NULL)
        return false;
    const size_t count = category_table_count(table);
    const size_t section = byte_writer_begin(writer, "cats");
    byte_writer_u64(writer, category_table_insertions(table));
    byte_writer_u64(writer, category_table_evicted(table));
    byte_writer_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        write_category(&entries[i], writer);
    byte_writer_end(writer, section);
    free(entries);
    return true;
}

static void read_entry(struct category_entry *entry, struct byte_reader *reader)
{
    entry->key.feature = byte_reader_u32(reader);
    entry->key.is_missing = byte_reader_u8(reader);
    entry->key.code = byte_reader_u64(reader);
    for (unsigned sum = 0; sum < CATEGORY_SUM_COUNT; sum++)
        entry->sum[sum] = byte_reader_u64(reader);
    entry->touched = byte_reader_u64(reader);
    entry->inserted = byte_reader_u64(reader);
}

static bool is_key(const struct category_key *key)
{
    return key->feature < FEATURE_COUNT &&
           feature_infos[key->feature].scale == FEATURE_SCALE_CATEGORY && key->is_missing <= 1 &&
           (key->is_missing == 0 || key->code == 0);
}

static bool comes_after(const struct category_key *key, const struct category_key *before)
{
    if (key->feature != before->feature)
        return key->feature > before->feature;
    if (key->is_missing != before->is_missing)
        return key->is_missing > before->is_missing;
    return key->code > before->code;
}

/* What all categories read so far add up to, by feature. */
struct category_totals {
    const struct baseline_sums *sums;
    uint64_t sum[FEATURE_COUNT][CATEGORY_SUM_COUNT];
};

/* Categories of a feature weigh no more together than all flows, in each direction. */
static bool count_entry(struct category_totals *totals, const struct category_entry *entry)
{
    uint64_t *const sum = totals->sum[entry->key.feature];
    uint64_t in_scopes = 0;
    for (unsigned i = 0; i < CATEGORY_SUM_COUNT; i++) {
        const uint64_t whole = i == CATEGORY_FLOWS ? totals->sums->flows : totals->sums->total[i];
        if (entry->sum[i] > whole - sum[i])
            return false;
        sum[i] += entry->sum[i];
        in_scopes += i == 0 || i == CATEGORY_FLOWS ? 0 : entry->sum[i];
    }
    return in_scopes <= entry->sum[0] && entry->sum[0] <= entry->sum[CATEGORY_FLOWS];
}

static bool read_category(struct category_table *table, struct category_totals *totals,
                          struct category_key *before, struct byte_reader *reader)
{
    struct category_entry entry = {0};
    read_entry(&entry, reader);
    if (reader->has_failed)
        return false;
    if (!is_key(&entry.key) ||
        (before->feature != FEATURE_COUNT && !comes_after(&entry.key, before)))
        return byte_reader_refuse(reader, "its categories are out of order, or of no feature");
    if (!count_entry(totals, &entry))
        return byte_reader_refuse(reader, "the categories of %s do not add up to its flows",
                                  feature_infos[entry.key.feature].name);
    if (entry.touched > totals->sums->learnt || entry.inserted == 0 ||
        entry.inserted > category_table_insertions(table) || !category_table_put(table, &entry))
        return byte_reader_refuse(reader, "a category is numbered absurdly");
    *before = entry.key;
    return true;
}

static bool read_entries(struct category_table *table, struct category_totals *totals,
                         uint32_t count, struct byte_reader *reader)
{
    struct category_key before = {.feature = FEATURE_COUNT};
    const uint64_t insertions = category_table_insertions(table);
    const uint64_t evicted = category_table_evicted(table);
    for (uint32_t i = 0; i < count; i++) {
        category_table_set_counts(table, insertions, evicted); /* put counts as an insertion */
        if (!read_category(table, totals, &before, reader))
            return false;
    }
    category_table_set_counts(table, insertions, evicted);
    return byte_reader_end(reader);
}

static bool read_categories(struct anomaly_model *model, const struct baseline_sums *sums,
                            struct byte_reader *reader)
{
    struct category_table *const table = baseline_categories(model->baseline);
    if (!byte_reader_begin(reader, "cats"))
        return false;
    const uint64_t insertions = byte_reader_u64(reader), evicted = byte_reader_u64(reader);
    const uint32_t count = byte_reader_count(reader, CATEGORY_BYTES);
    if (reader->has_failed)
        return false;
    if (count > category_table_max(table))
        return byte_reader_refuse(reader,
                                  "it has too many categories: %" PRIu32 " of at most %" PRIu64,
                                  count, category_table_max(table));
    if (insertions > BASELINE_WEIGHT_MAX || evicted > BASELINE_WEIGHT_MAX)
        return byte_reader_refuse(reader, "its categories are counted absurdly");
    struct category_totals *const totals = calloc(1, sizeof *totals);
    if (totals == NULL)
        return byte_reader_refuse(reader, "out of memory");
    totals->sums = sums;
    category_table_set_counts(table, insertions, evicted);
    const bool is_read = read_entries(table, totals, count, reader);
    free(totals);
    return is_read;
}

/* ---- services ------------------------------------------------------------------------------ */

/* False: no memory. */
static bool write_services(const struct anomaly_model *model, struct byte_writer *writer)
{
    const struct service_table *const table = baseline_services_of(model->baseline);
    struct service_entry *const entries = service_table_entries(table);
    if (entries == NULL)
        return false;
    const size_t count = service_table_count(table);
    const size_t section = byte_writer_begin(writer, "svcs");
    byte_writer_u64(writer, service_table_insertions(table));
    byte_writer_u64(writer, service_table_evicted(table));
    byte_writer_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        byte_writer_varint(writer, entries[i].touched);
        byte_writer_varint(writer, entries[i].inserted);
        service_scope_write(entries[i].scope, writer);
    }
    byte_writer_end(writer, section);
    free(entries);
    return true;
}

/* What reading services goes by: what they all are part of, and what was read so far. */
struct services_read {
    struct service_table *table;
    const struct baseline_sums *sums;
    uint32_t sources;
    uint64_t insertions;
    struct service_scope scope;
    uint64_t flows; /* of all services so far */
};

static bool read_service(struct services_read *read, bool is_first, struct byte_reader *reader)
{
    const uint64_t before = read->scope.service;
    const struct service_entry entry = {.scope = &read->scope,
                                        .touched = byte_reader_varint(reader),
                                        .inserted = byte_reader_varint(reader)};
    if (!service_scope_read(&read->scope, reader, read->sources))
        return false;
    if (!is_first && read->scope.service <= before)
        return byte_reader_refuse(reader, "its services are out of order");
    if (read->scope.flows > read->sums->flows - read->flows)
        return byte_reader_refuse(reader, "its services outweigh all flows");
    read->flows += read->scope.flows;
    if (entry.touched > read->sums->learnt || entry.inserted == 0 ||
        entry.inserted > read->insertions || !service_table_put(read->table, &entry))
        return byte_reader_refuse(reader, "a service is numbered absurdly");
    return true;
}

static bool read_all_services(struct services_read *read, uint32_t count,
                              struct byte_reader *reader)
{
    for (uint32_t i = 0; i < count; i++)
        if (!read_service(read, i == 0, reader))
            return false;
    return byte_reader_end(reader);
}

static bool read_services(struct anomaly_model *model, const struct baseline_sums *sums,
                          struct byte_reader *reader)
{
    struct service_table *const table = baseline_services(model->baseline);
    if (!byte_reader_begin(reader, "svcs"))
        return false;
    const uint64_t insertions = byte_reader_u64(reader), evicted = byte_reader_u64(reader);
    const uint32_t count = byte_reader_count(reader, 2 + SERVICE_SCOPE_LEAST_BYTES);
    if (reader->has_failed)
        return false;
    if (count > service_table_max(table))
        return byte_reader_refuse(reader,
                                  "it has too many services: %" PRIu32 " of at most %" PRIu64,
                                  count, service_table_max(table));
    if (insertions > BASELINE_WEIGHT_MAX || evicted > BASELINE_WEIGHT_MAX)
        return byte_reader_refuse(reader, "its services are counted absurdly");
    struct services_read *const read = calloc(1, sizeof *read);
    if (read == NULL)
        return byte_reader_refuse(reader, "out of memory");
    read->table = table;
    read->sums = sums;
    read->sources = model->sources;
    read->insertions = insertions;
    const bool is_read = read_all_services(read, count, reader);
    service_table_set_counts(table, insertions, evicted); /* put counts as an insertion */
    free(read);
    return is_read;
}

/* ---- calibration, and what else a model remembers ------------------------------------------ */

static void write_calibration(const struct anomaly_model *model, struct byte_writer *writer)
{
    const size_t section = byte_writer_begin(writer, "cali");
    byte_writer_u32(writer, CALIBRATION_BIN_MBITS);
    byte_writer_u32(writer, CALIBRATION_BIN_COUNT);
    baseline_sums_write_list(writer, model->calibration->weight, CALIBRATION_BIN_COUNT);
    byte_writer_end(writer, section);
}

static bool read_calibration(struct anomaly_model *model, struct byte_reader *reader)
{
    if (!byte_reader_begin(reader, "cali"))
        return false;
    const uint32_t bin_mbits = byte_reader_u32(reader), bins = byte_reader_u32(reader);
    if (reader->has_failed)
        return false;
    if (bin_mbits != CALIBRATION_BIN_MBITS || bins != CALIBRATION_BIN_COUNT)
        return byte_reader_refuse(reader, "its scores have other bins");
    uint64_t sum;
    if (!baseline_sums_read_list(reader, model->calibration->weight, CALIBRATION_BIN_COUNT, &sum))
        return false;
    calibration_rebuild(model->calibration);
    return byte_reader_end(reader);
}

static void write_state(const struct anomaly_model *model, struct byte_writer *writer)
{
    const size_t section = byte_writer_begin(writer, "modl");
    byte_writer_u32(writer, model->sources == 0 ? 1 : model->sources);
    byte_writer_u8(writer, anomaly_model_is_warm(model));
    byte_writer_u64(writer, model->typical.flows);
    byte_writer_u64(writer, model->typical.due);
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        byte_writer_i64(writer, model->typical.sum_mbits[j]);
        byte_writer_u32(writer, (uint32_t)model->typical.mbits[j]);
    }
    byte_writer_end(writer, section);
}

/* Means as they stood (they are settled now and then), and the sums they come from. Those stay
 * below 2^62, so that two of them can be added. */
static bool read_typical(struct typical *typical, struct byte_reader *reader)
{
    typical->flows = byte_reader_u64(reader);
    typical->due = byte_reader_u64(reader);
    typical->total_mbits = 0;
    if (typical->flows > TYPICAL_FLOWS_MAX || typical->due > typical->flows + 1 + TYPICAL_DUE_MAX)
        return byte_reader_refuse(reader, "its scores are counted absurdly");
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const int64_t sum_mbits = byte_reader_i64(reader);
        const uint32_t mbits = byte_reader_u32(reader);
        if (mbits > TYPICAL_MBITS_MAX || sum_mbits < 0 ||
            (uint64_t)sum_mbits / TYPICAL_MBITS_MAX > typical->flows)
            return byte_reader_refuse(reader, "what is typical of %s is absurd",
                                      feature_infos[j].name);
        typical->sum_mbits[j] = sum_mbits;
        typical->mbits[j] = (int32_t)mbits;
        typical->total_mbits += (int32_t)mbits;
    }
    return !reader->has_failed;
}

static bool read_state(struct anomaly_model *model, struct byte_reader *reader)
{
    if (!byte_reader_begin(reader, "modl"))
        return false;
    model->sources = byte_reader_u32(reader);
    const uint8_t is_warm = byte_reader_u8(reader);
    if (!read_typical(&model->typical, reader))
        return false;
    if (model->sources == 0 || model->sources > SOURCES_MAX || is_warm > 1)
        return byte_reader_refuse(reader, "it was added up of %" PRIu32 " baselines",
                                  model->sources);
    model->is_warm = is_warm == 1;
    return byte_reader_end(reader);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static struct baseline_sums *sums_of(const struct anomaly_model *model)
{
    struct baseline_sums *const sums = calloc(1, sizeof *sums);
    if (sums == NULL)
        return NULL;
    baseline_get_sums(model_baseline(model), sums);
    if (model->mode == ANOMALY_MODE_CAPTURE) { /* which counts no steps */
        sums->step_flows = 0;
        sums->step_start_ns = sums->until_ns;
    }
    return sums;
}

bool anomaly_model_save(const struct anomaly_model *model, struct byte_writer *writer)
{
    assert(lesson_queue_oldest(&model->lessons) == NULL);
    struct baseline_sums *const sums = sums_of(model);
    if (sums == NULL)
        return false;
    write_schema(model, writer);
    write_state(model, writer);
    const size_t section = byte_writer_begin(writer, "sums");
    baseline_sums_write(sums, writer);
    byte_writer_end(writer, section);
    free(sums);
    const bool is_whole = write_categories(model, writer) && write_services(model, writer);
    write_calibration(model, writer);
    return is_whole && !writer->has_failed;
}

static bool load(struct anomaly_model *model, struct baseline_sums *sums,
                 struct byte_reader *reader)
{
    if (!read_schema(model, reader) || !read_state(model, reader) ||
        !byte_reader_begin(reader, "sums") || !baseline_sums_read(sums, reader, model->sources) ||
        !byte_reader_end(reader) || !read_categories(model, sums, reader) ||
        !read_services(model, sums, reader) || !read_calibration(model, reader))
        return false;
    baseline_set_sums(model->baseline, sums);
    return true;
}

bool anomaly_model_load(struct anomaly_model *model, struct byte_reader *reader)
{
    struct baseline_sums *const sums = calloc(1, sizeof *sums);
    if (sums == NULL)
        return byte_reader_refuse(reader, "out of memory");
    const bool is_loaded = load(model, sums, reader);
    free(sums);
    model->is_saved = is_loaded;
    return is_loaded;
}

void anomaly_model_summary(const struct anomaly_model *model, struct snapshot_summary *summary)
{
    *summary = (struct snapshot_summary){
        .flows = baseline_learnt(model->baseline),
        .since_ns = baseline_since_ns(model->baseline),
        .until_ns = baseline_until_ns(model->baseline),
        .is_warm = anomaly_model_is_warm(model),
    };
}

static void add_categories(struct category_table *table, const struct category_table *other,
                           const struct category_entry *entries, uint64_t unit)
{
    for (size_t i = 0; i < category_table_count(other); i++) {
        struct category_entry entry = entries[i];
        for (unsigned sum = 0; sum < CATEGORY_SUM_COUNT; sum++)
            entry.sum[sum] = baseline_sums_scaled(entry.sum[sum], unit);
        category_table_add(table, &entry);
    }
    category_table_set_counts(table, category_table_insertions(table),
                              category_table_evicted(table) + category_table_evicted(other));
}

/* False: no memory. */
static bool add_services(struct service_table *table, const struct service_table *other,
                         uint64_t unit)
{
    const size_t count = service_table_count(other);
    struct service_entry *const entries = service_table_entries(other);
    struct service_scope *const scopes = calloc(count + 1, sizeof *scopes);
    bool is_whole = entries != NULL && scopes != NULL;
    for (size_t i = 0; i < count && is_whole; i++) {
        scopes[i] = *entries[i].scope;
        service_scope_scale(&scopes[i], unit);
        entries[i].scope = &scopes[i];
    }
    is_whole = is_whole && service_table_add(table, entries, count);
    service_table_set_counts(table, service_table_insertions(table),
                             service_table_evicted(table) + service_table_evicted(other));
    free(scopes);
    free(entries);
    return is_whole;
}

static void add_calibration(struct calibration *calibration, const struct calibration *other,
                            uint64_t unit)
{
    for (unsigned i = 0; i < CALIBRATION_BIN_COUNT; i++)
        calibration->weight[i] += baseline_sums_scaled(other->weight[i], unit);
    calibration_rebuild(calibration);
}

/* False: no memory. */
static bool add(struct anomaly_model *model, const struct anomaly_model *other,
                struct baseline_sums *sums, struct baseline_sums *other_sums,
                const struct category_entry *entries)
{
    const uint64_t unit = baseline_unit(other->baseline);
    const bool is_scaled = other_sums->step != 0;
    struct category_table *const table = baseline_categories(model->baseline);
    baseline_sums_scale(other_sums, unit);
    const bool is_halved = baseline_sums_add(sums, other_sums);
    baseline_set_sums(model->baseline, sums);
    add_categories(table, baseline_categories_of(other->baseline), entries, unit);
    const bool is_whole = add_services(baseline_services(model->baseline),
                                       baseline_services_of(other->baseline), unit);
    add_calibration(model->calibration, other->calibration, unit);
    if (is_halved) {
        category_table_halve(table);
        service_table_halve(baseline_services(model->baseline));
        calibration_halve(model->calibration);
    }
    model->is_warm |= anomaly_model_is_warm(other);
    if (other_sums->learnt > 0)
        model->sources += other->sources + is_scaled; /* each allows for its own rounding */
    typical_join(&model->typical, &other->typical);
    return is_whole && category_table_renumber(table);
}

bool anomaly_model_add(struct anomaly_model *model, const struct anomaly_model *other)
{
    struct baseline_sums *const sums = sums_of(model), *const other_sums = sums_of(other);
    struct category_entry *const entries =
        category_table_entries(baseline_categories_of(other->baseline));
    bool is_whole = sums != NULL && other_sums != NULL && entries != NULL;
    if (is_whole) {
        if (sums->learnt == 0)
            model->sources = 0;
        is_whole = add(model, other, sums, other_sums, entries);
    }
    free(entries);
    free(other_sums);
    free(sums);
    return is_whole;
}
