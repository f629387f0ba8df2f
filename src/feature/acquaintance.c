/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/acquaintance.h"

#include "feature/offer.h"
#include "feature/pair.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAIR_BYTES = 16 + 16 + 1 + 8,
    OFFER_BYTES = 16 + 4 + 1 + 8,
    KEY_BYTES_MAX = sizeof(struct pair_key),
};

/* Entries that come in without a flow: before all flows, which are numbered from 1. */
enum { NUMBER_BEFORE_ALL = 0 };

/* Times further from 1970 than this overflow when they are compared. */
#define TIME_MAX_NS (INT64_C(1) << 61)

void acquaintance_write(const struct acquaintances *known, struct byte_writer *writer)
{
    byte_writer_u32(writer, known->pairs->count);
    for (const struct pair *pair = recent_table_oldest(known->pairs); pair != NULL;
         pair = recent_table_newer(known->pairs, pair)) {
        byte_writer_bytes(writer, pair->key.source, sizeof pair->key.source);
        byte_writer_bytes(writer, pair->key.destination, sizeof pair->key.destination);
        byte_writer_u8(writer, pair->key.ip_version);
        byte_writer_i64(writer, pair->first_ns);
    }
    byte_writer_u32(writer, known->offers->count);
    for (const struct offer *offer = recent_table_oldest(known->offers); offer != NULL;
         offer = recent_table_newer(known->offers, offer)) {
        byte_writer_bytes(writer, offer->key.destination, sizeof offer->key.destination);
        byte_writer_u32(writer, offer->key.service);
        byte_writer_u8(writer, offer->key.ip_version);
        byte_writer_i64(writer, offer->first_ns);
    }
}

/* Both as endpoint_hash makes them. */

static uint32_t hash_pair_key(const struct endpoint_hasher *hasher, const struct pair_key *key)
{
    return endpoint_hash_both(endpoint_place_host(hasher, key->source, key->ip_version),
                              endpoint_place_host(hasher, key->destination, key->ip_version));
}

static uint32_t hash_offer_key(const struct endpoint_hasher *hasher, const struct offer_key *key)
{
    return endpoint_hash_both(endpoint_place_host(hasher, key->destination, key->ip_version),
                              key->service);
}

/* The entry of a key; *is_new: it was not there. */
static void *enter(struct recent_table *table, const void *key, uint32_t hash, bool *is_new)
{
    const struct recent_lookup lookup = recent_lookup_hashed(key, hash);
    *is_new = !recent_table_has(table, lookup);
    return recent_table_touch_anew(table, lookup, NUMBER_BEFORE_ALL);
}

/* No flow has a key without an IP version. */
static bool check(struct byte_reader *reader, uint8_t ip_version, int64_t first_ns, int64_t now_ns)
{
    if (reader->has_failed)
        return false;
    if (ip_version != 4 && ip_version != 6)
        return byte_reader_refuse(reader, "an acquaintance is of IP version %u", ip_version);
    if (first_ns < -TIME_MAX_NS || first_ns > now_ns)
        return byte_reader_refuse(reader, "an acquaintance began after it was saved, or absurdly");
    return true;
}

static bool read_pair(const struct acquaintances *known, int64_t now_ns, struct byte_reader *reader)
{
    struct pair_key key = {.ip_version = 0};
    byte_reader_bytes(reader, key.source, sizeof key.source);
    byte_reader_bytes(reader, key.destination, sizeof key.destination);
    key.ip_version = byte_reader_u8(reader);
    const int64_t first_ns = byte_reader_i64(reader);
    if (!check(reader, key.ip_version, first_ns, now_ns))
        return false;
    bool is_new;
    struct pair *const pair =
        enter(known->pairs, &key, hash_pair_key(known->hasher, &key), &is_new);
    pair->first_ns = first_ns;
    return is_new || byte_reader_refuse(reader, "a pair is named twice");
}

static bool read_offer(const struct acquaintances *known, int64_t now_ns,
                       struct byte_reader *reader)
{
    struct offer_key key = {.ip_version = 0};
    byte_reader_bytes(reader, key.destination, sizeof key.destination);
    key.service = byte_reader_u32(reader);
    key.ip_version = byte_reader_u8(reader);
    const int64_t first_ns = byte_reader_i64(reader);
    if (!check(reader, key.ip_version, first_ns, now_ns))
        return false;
    bool is_new;
    struct offer *const offer =
        enter(known->offers, &key, hash_offer_key(known->hasher, &key), &is_new);
    offer->first_ns = first_ns;
    return is_new || byte_reader_refuse(reader, "an offer is named twice");
}

bool acquaintance_read(const struct acquaintances *known, int64_t now_ns,
                       struct byte_reader *reader)
{
    const uint32_t pairs = byte_reader_count(reader, PAIR_BYTES);
    if (pairs > known->pairs->layout.limit)
        return byte_reader_refuse(reader, "it has too many pairs: %u of at most %u", pairs,
                                  known->pairs->layout.limit);
    for (uint32_t i = 0; i < pairs; i++)
        if (!read_pair(known, now_ns, reader))
            return false;
    const uint32_t offers = byte_reader_count(reader, OFFER_BYTES);
    if (offers > known->offers->layout.limit)
        return byte_reader_refuse(reader, "it has too many offers: %u of at most %u", offers,
                                  known->offers->layout.limit);
    for (uint32_t i = 0; i < offers; i++)
        if (!read_offer(known, now_ns, reader))
            return false;
    return !reader->has_failed;
}

void acquaintance_shift(const struct acquaintances *known, int64_t shift_ns)
{
    for (struct pair *pair = recent_table_oldest(known->pairs); pair != NULL;
         pair = recent_table_newer(known->pairs, pair))
        pair->first_ns += shift_ns;
    for (struct offer *offer = recent_table_oldest(known->offers); offer != NULL;
         offer = recent_table_newer(known->offers, offer))
        offer->first_ns += shift_ns;
}

/* ---- adding -------------------------------------------------------------------------------- */

/* An entry of either table. */
struct meeting {
    int64_t first_ns;
    uint8_t key[KEY_BYTES_MAX]; /* what is beyond the key's size is 0 */
};

static bool is_of_pairs(const struct recent_table *table)
{
    return table->layout.key_bytes == sizeof(struct pair_key);
}

static int64_t *first_of(const struct recent_table *table, void *entry)
{
    uint8_t *const bytes = entry;
    return (int64_t *)(void *)(bytes + (is_of_pairs(table) ? offsetof(struct pair, first_ns)
                                                           : offsetof(struct offer, first_ns)));
}

static uint32_t hash_key_of(const struct recent_table *table, const uint8_t key[KEY_BYTES_MAX],
                            const struct endpoint_hasher *hasher)
{
    struct pair_key pair;
    struct offer_key offer;
    memcpy(&pair, key, sizeof pair);
    memcpy(&offer, key, sizeof offer);
    return is_of_pairs(table) ? hash_pair_key(hasher, &pair) : hash_offer_key(hasher, &offer);
}

static int compare_meetings(const void *a_meeting, const void *b_meeting)
{
    const struct meeting *const a = a_meeting, *const b = b_meeting;
    if (a->first_ns != b->first_ns)
        return a->first_ns < b->first_ns ? -1 : 1;
    return memcmp(a->key, b->key, sizeof a->key);
}

static size_t copy_out(const struct recent_table *table, struct meeting *meetings)
{
    size_t count = 0;
    for (uint8_t *entry = recent_table_oldest(table); entry != NULL;
         entry = recent_table_newer(table, entry)) {
        meetings[count].first_ns = *first_of(table, entry);
        memcpy(meetings[count].key, entry + sizeof(struct recent_entry), table->layout.key_bytes);
        count++;
    }
    return count;
}

/* Sorted by time, the first of a key is the one that holds; a table that is full forgets the first
 * that came in. */
static bool add_table(struct recent_table *table, const struct recent_table *other,
                      const struct endpoint_hasher *hasher)
{
    struct meeting *const meetings =
        calloc((size_t)table->count + other->count + 1, sizeof *meetings);
    if (meetings == NULL)
        return false;
    size_t count = copy_out(table, meetings);
    count += copy_out(other, meetings + count);
    qsort(meetings, count, sizeof *meetings, compare_meetings);
    recent_table_clear(table);
    for (size_t i = 0; i < count; i++) {
        const uint32_t hash = hash_key_of(table, meetings[i].key, hasher);
        const struct recent_lookup lookup = recent_lookup_hashed(meetings[i].key, hash);
        if (!recent_table_has(table, lookup))
            *first_of(table, recent_table_touch_anew(table, lookup, NUMBER_BEFORE_ALL)) =
                meetings[i].first_ns;
    }
    free(meetings);
    return true;
}

bool acquaintance_add(const struct acquaintances *known, const struct acquaintances *other)
{
    return add_table(known->pairs, other->pairs, known->hasher) &&
           add_table(known->offers, other->offers, known->hasher);
}
