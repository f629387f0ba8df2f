/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include "base/bytes.h"
#include "base/sha1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As PNG's: a transfer that changes line ends or the eighth bit breaks it. */
static const uint8_t magic[8] = {0x89, 'W', 'F', 'B', '\r', '\n', 0x1a, '\n'};

enum { SIZE_AT = 12, HEAD_SIZE = 20 };

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->bytes);
    *snapshot = (struct snapshot){0};
}

/* Writes the size of the whole into its place, and the checksum behind everything. */
static void seal(struct byte_writer *writer)
{
    uint8_t digest[SHA1_SIZE];
    if (writer->has_failed)
        return;
    const uint64_t size = writer->size + SHA1_SIZE;
    for (size_t i = 0; i < sizeof size; i++)
        writer->bytes[SIZE_AT + i] = (uint8_t)(size >> 8 * i);
    sha1(writer->bytes, writer->size, digest);
    byte_writer_bytes(writer, digest, sizeof digest);
}

bool snapshot_make(const struct anomaly_model *model, const struct feature_engine *features,
                   struct snapshot *snapshot)
{
    struct byte_writer writer = {0};
    byte_writer_bytes(&writer, magic, sizeof magic);
    byte_writer_u32(&writer, SNAPSHOT_VERSION);
    byte_writer_u64(&writer, 0); /* the size, once it is known */
    const bool is_saved = anomaly_model_save(model, &writer);
    feature_engine_save(features, &writer);
    seal(&writer);
    if (!is_saved || writer.has_failed) {
        byte_writer_deinit(&writer);
        return false;
    }
    *snapshot = (struct snapshot){.bytes = writer.bytes, .size = writer.size};
    return true;
}

static bool check_head(struct byte_reader *reader)
{
    uint8_t found[sizeof magic];
    byte_reader_bytes(reader, found, sizeof found);
    if (reader->has_failed || memcmp(found, magic, sizeof magic) != 0) {
        reader->has_failed = false;
        return byte_reader_refuse(reader, "it is no saved baseline");
    }
    const uint32_t version = byte_reader_u32(reader);
    if (!reader->has_failed && version != SNAPSHOT_VERSION)
        return byte_reader_refuse(reader, "it is of format version %u; this whyflow reads %d",
                                  version, SNAPSHOT_VERSION);
    const uint64_t size = byte_reader_u64(reader);
    if (!reader->has_failed && (size != reader->size || size < HEAD_SIZE + SHA1_SIZE))
        return byte_reader_refuse(reader, "it has %zu bytes where it says %llu", reader->size,
                                  (unsigned long long)size);
    return !reader->has_failed;
}

static bool check_digest(struct byte_reader *reader)
{
    uint8_t digest[SHA1_SIZE];
    const size_t size = reader->size - SHA1_SIZE;
    sha1(reader->bytes, size, digest);
    if (memcmp(digest, reader->bytes + size, sizeof digest) != 0)
        return byte_reader_refuse(reader, "its checksum does not match: it was damaged");
    reader->size = reader->end = size;
    return true;
}

bool snapshot_read(const struct snapshot *snapshot, struct anomaly_model *model,
                   struct feature_engine *features, char *error, size_t error_size)
{
    struct byte_reader reader;
    byte_reader_init(&reader, snapshot->bytes, snapshot->size);
    const bool is_read = check_head(&reader) && check_digest(&reader) &&
                         anomaly_model_load(model, &reader) &&
                         feature_engine_load(features, &reader) &&
                         (reader.at == reader.size ||
                          byte_reader_refuse(&reader, "there is more behind its last part"));
    if (!is_read)
        snprintf(error, error_size, "%s", reader.problem);
    return is_read;
}

/* ---- merging ------------------------------------------------------------------------------- */

struct learnt {
    struct anomaly_model *model;
    struct feature_engine *features;
};

static bool open_learnt(struct learnt *learnt, const struct settings *settings)
{
    struct anomaly_settings anomaly = settings->anomaly;
    anomaly.mode = ANOMALY_MODE_ONLINE;
    learnt->model = anomaly_model_open(&anomaly);
    learnt->features = feature_engine_open(&settings->feature);
    return learnt->model != NULL && learnt->features != NULL;
}

static void close_learnt(struct learnt *learnt)
{
    anomaly_model_close(learnt->model);
    feature_engine_close(learnt->features);
}

static bool merge_one(struct learnt *sum, const struct settings *settings,
                      const struct snapshot *part, char *error, size_t error_size)
{
    struct learnt learnt;
    snprintf(error, error_size, "out of memory");
    const bool is_merged = open_learnt(&learnt, settings) &&
                           snapshot_read(part, learnt.model, learnt.features, error, error_size) &&
                           anomaly_model_add(sum->model, learnt.model) &&
                           feature_engine_add(sum->features, learnt.features);
    close_learnt(&learnt);
    return is_merged;
}

bool snapshot_merge(const struct settings *settings, const struct snapshot *parts, size_t count,
                    struct snapshot *merged, char *error, size_t error_size)
{
    struct learnt sum;
    char problem[BYTE_READER_PROBLEM_SIZE];
    snprintf(error, error_size, "out of memory");
    bool is_whole = open_learnt(&sum, settings);
    for (size_t i = 0; i < count && is_whole; i++) {
        is_whole = merge_one(&sum, settings, &parts[i], problem, sizeof problem);
        if (!is_whole)
            snprintf(error, error_size, "baseline %zu: %s", i + 1, problem);
    }
    is_whole = is_whole && snapshot_make(sum.model, sum.features, merged);
    close_learnt(&sum);
    return is_whole;
}
