/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of what loads a saved baseline (clang -fsanitize=fuzzer,address,undefined). The input is
 * either a snapshot or a list of changes to one that is made here of a few flows (so that seeds
 * stay good when features change). Its size and checksum are made right, so that it comes as far
 * as its numbers. What is refused says why. What is taken is used: flows are judged by it, it is
 * saved, loaded again to the same bytes, and added to itself; no sum overflows (UBSan, and asserts
 * in the model).
 *
 *     byte 0: bit 0: the rest is the snapshot itself; else changes of 4 bytes each follow:
 *             place (2 bytes), kind, value */
#include "base/sha1.h"
#include "snapshot.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALPHA 0.05

enum { SIZE_AT = 12, HEAD_SIZE = 20, FLOWS = 20, CHANGE_BYTES = 4 };

static void set_settings(struct settings *settings)
{
    settings_default(settings);
    settings->feature.max_hosts = settings->feature.max_pairs = 64;
    settings->feature.max_conversations = settings->feature.max_window_flows = 64;
    settings->anomaly.mode = ANOMALY_MODE_ONLINE;
    settings->anomaly.half_life_flows = 4; /* a step at every flow */
    settings->anomaly.half_life_ns = 0;
    settings->anomaly.max_categories = 256;
    settings->anomaly.max_services = 4; /* fewer than judge makes: some are evicted */
    settings->anomaly.max_lessons = 8;
}

struct mind {
    struct anomaly_model *model;
    struct feature_engine *features;
};

static bool open_mind(struct mind *mind, const struct settings *settings,
                      const struct snapshot *snapshot)
{
    char error[256] = "";
    mind->model = anomaly_model_open(&settings->anomaly);
    mind->features = feature_engine_open(&settings->feature);
    if (mind->model == NULL || mind->features == NULL)
        abort();
    const bool is_read = snapshot_read(snapshot, mind->model, mind->features, error, sizeof error);
    if (!is_read && error[0] == '\0')
        abort();
    return is_read;
}

static void close_mind(struct mind *mind)
{
    anomaly_model_close(mind->model);
    feature_engine_close(mind->features);
}

static struct snapshot save(const struct mind *mind)
{
    struct snapshot snapshot;
    anomaly_learn_all(mind->model);
    if (!snapshot_make(mind->model, mind->features, &snapshot))
        abort();
    return snapshot;
}

/* Flows of pairs that may be known and new ones, at times before, at and after any. */
static void judge(struct mind *mind, unsigned number)
{
    const struct flow_record flow = {
        .source = {10, 0, 0, (uint8_t)number},
        .destination = {10, 0, 1, 1},
        .destination_port = (uint16_t)(53 + number % 6),
        .ip_version = 4,
        .protocol = 17,
        .first_ns = INT64_C(1600000000000000000) + number * INT64_C(40000000000),
        .notice_ns = INT64_C(1600000000000000000) + number * INT64_C(41000000000),
        .direction = {{.packets = number + 1, .ip_bytes = 100}},
    };
    struct feature_vector vector = {.present = 0};
    struct verdict verdict;
    struct evidence evidence;
    struct baseline_summary summary;
    struct endpoint_hashes hashes;
    feature_hash_endpoints(mind->features, &flow, &hashes);
    feature_measure(mind->features, &flow, &hashes, &vector);
    anomaly_judge_online(mind->model, &vector, flow.notice_ns, ALPHA, &verdict);
    anomaly_baseline_summary(mind->model, &summary);
    for (unsigned j = 0; j < FEATURE_COUNT && number == 1; j++)
        anomaly_evidence(mind->model, &vector, true, (enum feature_id)j, &evidence);
    if (verdict.score_mbits < 0 || !(verdict.p_value > 0 && verdict.p_value <= 1))
        abort();
}

/* Saved, loaded and saved again: the same bytes. */
static void check_saved(const struct settings *settings, const struct mind *mind)
{
    struct snapshot first = save(mind);
    struct mind loaded;
    if (!open_mind(&loaded, settings, &first))
        abort();
    struct snapshot second = save(&loaded);
    if (first.size != second.size || memcmp(first.bytes, second.bytes, first.size) != 0)
        abort();
    const struct snapshot parts[2] = {first, second};
    struct snapshot sum = {0};
    char error[256];
    if (snapshot_merge(settings, parts, 2, &sum, error, sizeof error))
        snapshot_free(&sum);
    close_mind(&loaded);
    snapshot_free(&first);
    snapshot_free(&second);
}

static void seal(uint8_t *bytes, uint64_t size)
{
    for (size_t i = 0; i < sizeof size; i++)
        bytes[SIZE_AT + i] = (uint8_t)(size >> 8 * i);
    sha1(bytes, size - SHA1_SIZE, bytes + size - SHA1_SIZE);
}

/* What changes are made to; the same each time. */
static struct snapshot make_base(const struct settings *settings)
{
    struct mind mind = {.model = anomaly_model_open(&settings->anomaly),
                        .features = feature_engine_open(&settings->feature)};
    if (mind.model == NULL || mind.features == NULL)
        abort();
    for (unsigned i = 0; i < FLOWS; i++)
        judge(&mind, i % 7);
    const struct snapshot snapshot = save(&mind);
    close_mind(&mind);
    return snapshot;
}

static void change(struct snapshot *snapshot, const uint8_t change[CHANGE_BYTES])
{
    const size_t place = (size_t)(change[0] << 8 | change[1]) % snapshot->size;
    const size_t rest = snapshot->size - place;
    switch (change[2] % 4) {
    case 0:
        snapshot->bytes[place] = change[3];
        break;
    case 1:
        snapshot->bytes[place] = (uint8_t)(snapshot->bytes[place] + change[3]);
        break;
    case 2: /* a large number */
        memset(snapshot->bytes + place, change[3], rest < 8 ? rest : 8);
        break;
    default: /* a piece is missing */
        memmove(snapshot->bytes + place,
                snapshot->bytes + place + (rest < change[3] ? rest : change[3]),
                rest - (rest < change[3] ? rest : change[3]));
        snapshot->size -= rest < change[3] ? rest : change[3];
        if (snapshot->size == 0)
            snapshot->size = 1;
    }
}

static struct snapshot make_input(const struct settings *settings, const uint8_t *data, size_t size)
{
    struct snapshot snapshot;
    if (size > 0 && (data[0] & 1) != 0) {
        snapshot = (struct snapshot){.bytes = malloc(size), .size = size - 1};
        if (snapshot.bytes == NULL)
            abort();
        memcpy(snapshot.bytes, data + 1, size - 1);
    } else {
        static struct snapshot base;
        if (base.bytes == NULL)
            base = make_base(settings);
        snapshot = (struct snapshot){.bytes = malloc(base.size), .size = base.size};
        if (snapshot.bytes == NULL)
            abort();
        memcpy(snapshot.bytes, base.bytes, base.size);
        for (size_t at = 1; at + CHANGE_BYTES <= size; at += CHANGE_BYTES)
            change(&snapshot, data + at);
    }
    if (snapshot.size >= HEAD_SIZE + SHA1_SIZE)
        seal(snapshot.bytes, snapshot.size);
    return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct mind mind;
    set_settings(&settings);
    struct snapshot snapshot = make_input(&settings, data, size);
    if (open_mind(&mind, &settings, &snapshot)) {
        for (unsigned i = 0; i < FLOWS; i++)
            judge(&mind, i);
        check_saved(&settings, &mind);
    }
    close_mind(&mind);
    snapshot_free(&snapshot);
    return 0;
}
