/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly/surprise_table.h"

#include "anomaly/anomaly.h"

#include <stdlib.h>
#include <string.h>

/* What makes a row. */
struct row_key {
    uint64_t service;
    struct baseline_weights own;
    uint64_t scope, has_service;
};

/* What memset can write, and no part is: parts are not negative. Of a numeric feature, 16 bits:
 * half the cache lines, and 45 bits times 3/4 fit; what did not would be worked out each time. */
enum { UNKNOWN_BYTE = 0xff, UNKNOWN = -1, UNKNOWN_NUMERIC = UINT16_MAX };

struct row {
    struct row_key key;
    struct baseline_view view;
    uint16_t numeric[BASELINE_NUMERIC_COUNT][BASELINE_OUTCOME_COUNT];
    /* By what is left of a category once the service is known, which is all of it in flows: their
     * codes name the service. `code` says whose part it is, for vectors that are made up. */
    int32_t category[BASELINE_CATEGORY_COUNT][SERVICE_PART_COUNT];
    uint64_t code[BASELINE_CATEGORY_COUNT][SERVICE_PART_COUNT];
};

struct surprise_table {
    uint64_t era; /* 1, 2, ...: how often it was cleared */
    size_t count;
    uint64_t *made_in; /* each row's era. Apart: a row's memory is written before it is read */
    struct row rows[];
};

struct surprise_table *surprise_table_open(size_t rows)
{
    struct surprise_table *const table = calloc(1, sizeof *table + rows * sizeof *table->rows);
    if (table == NULL)
        return NULL;
    table->made_in = calloc(rows, sizeof *table->made_in);
    table->era = 1;
    table->count = rows;
    if (table->made_in != NULL)
        return table;
    surprise_table_close(table);
    return NULL;
}

void surprise_table_close(struct surprise_table *table)
{
    if (table == NULL)
        return;
    free(table->made_in);
    free(table);
}

void surprise_table_clear(struct surprise_table *table)
{
    table->era++;
}

static size_t row_of(const struct row_key *key)
{
    static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (key->service ^ key->scope << 40 ^ key->has_service << 48) * factor;
    hash = (hash ^ hash >> 32 ^ key->own.all) * factor;
    hash = (hash ^ hash >> 32 ^ key->own.in_service) * factor;
    return (size_t)(hash >> 32);
}

static struct row *find_row(struct surprise_table *table, const struct baseline *baseline,
                            const struct baseline_place *place, struct baseline_weights own)
{
    const struct row_key key = {.service = place->service,
                                .own = own,
                                .scope = place->scope,
                                .has_service = place->has_service};
    const size_t at = row_of(&key) & (table->count - 1);
    struct row *const row = &table->rows[at];
    if (table->made_in[at] == table->era && memcmp(&row->key, &key, sizeof key) == 0)
        return row;
    row->key = key;
    table->made_in[at] = table->era;
    baseline_look(baseline, place, own, &row->view);
    memset(row->numeric, UNKNOWN_BYTE, sizeof row->numeric);
    memset(row->category, UNKNOWN_BYTE, sizeof row->category);
    return row;
}

static int32_t part_of(const struct baseline *baseline, const struct row *row,
                       const struct baseline_place *place, unsigned j)
{
    const enum feature_id id = (enum feature_id)j;
    return baseline_mbits(baseline_surprise(baseline, &row->view, place, id),
                          anomaly_quarter_weights(id));
}

/* Parts that the row does not know are worked out. */
static void make_numeric(const struct baseline *baseline, struct row *row,
                         const struct baseline_place *place, int32_t mbits[FEATURE_COUNT])
{
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++) {
        if (mbits[j] != UNKNOWN_NUMERIC)
            continue;
        mbits[j] = part_of(baseline, row, place, j);
        row->numeric[j][place->bin[j]] =
            (uint16_t)(mbits[j] < UNKNOWN_NUMERIC ? mbits[j] : UNKNOWN_NUMERIC);
    }
}

/* Whether any part is unknown is asked once, of all: one more than UNKNOWN_NUMERIC has bit 16. */
static void look_up_numeric(const struct baseline *baseline, struct row *row,
                            const struct baseline_place *place, int32_t mbits[FEATURE_COUNT])
{
    const uint16_t *parts = row->numeric[0];
    uint32_t any = 0;
#pragma GCC unroll 11
    for (unsigned j = 0; j < BASELINE_NUMERIC_COUNT; j++, parts += BASELINE_OUTCOME_COUNT) {
        const uint32_t part = parts[place->bin[j]];
        any |= part + 1;
        mbits[j] = (int32_t)part;
    }
    if (any > UNKNOWN_NUMERIC)
        make_numeric(baseline, row, place, mbits);
}

/* Works out category i's part, which the row does not know, or of another code. */
static __attribute__((noinline)) int32_t make_category(const struct baseline *baseline,
                                                       struct row *row,
                                                       const struct baseline_place *place,
                                                       unsigned i)
{
    const int32_t part = part_of(baseline, row, place, BASELINE_NUMERIC_COUNT + i);
    row->category[i][place->part[i]] = part;
    row->code[i][place->part[i]] = place->code[i];
    return part;
}

void surprise_table_mbits(struct surprise_table *table, const struct baseline *baseline,
                          const struct baseline_place *place, struct baseline_weights own,
                          int32_t mbits[FEATURE_COUNT])
{
    struct row *const row = find_row(table, baseline, place, own);
    look_up_numeric(baseline, row, place, mbits);
#pragma GCC unroll 8
    for (unsigned i = 0; i < BASELINE_CATEGORY_COUNT; i++) {
        const unsigned at = place->part[i];
        const int32_t part = row->category[i][at];
        mbits[BASELINE_NUMERIC_COUNT + i] = part != UNKNOWN && row->code[i][at] == place->code[i]
                                                ? part
                                                : make_category(baseline, row, place, i);
    }
}

uint64_t surprise_table_memory_bytes(const struct surprise_table *table)
{
    return sizeof *table + table->count * (sizeof *table->rows + sizeof *table->made_in);
}
