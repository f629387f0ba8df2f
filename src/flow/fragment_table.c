/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/fragment_table.h"

#include "base/siphash.h"
#include "flow/flow_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_ITEM UINT32_MAX

bool fragment_table_init(struct fragment_table *table, uint32_t capacity,
                         const uint64_t hash_key[2], bool vlan_is_in_key)
{
    *table = (struct fragment_table){
        .capacity = capacity,
        .hash_key = {hash_key[0], hash_key[1]},
        .vlan_is_in_key = vlan_is_in_key,
        .newest = NO_ITEM,
        .oldest = NO_ITEM,
    };
    if (capacity == 0)
        return true;
    table->datagrams = calloc(capacity, sizeof *table->datagrams);
    if (table->datagrams == NULL || !item_pool_init(&table->pool, capacity) ||
        !flow_index_init(&table->index, capacity)) {
        fragment_table_deinit(table);
        return false;
    }
    return true;
}

void fragment_table_deinit(struct fragment_table *table)
{
    flow_index_deinit(&table->index);
    item_pool_deinit(&table->pool);
    free(table->datagrams);
    *table = (struct fragment_table){0};
}

/* ---- the order of touches ------------------------------------------------------------------ */

static void unlink_datagram(struct fragment_table *table, uint32_t item)
{
    const struct fragment_datagram *const datagram = &table->datagrams[item];
    if (datagram->newer != NO_ITEM)
        table->datagrams[datagram->newer].older = datagram->older;
    else
        table->newest = datagram->older;
    if (datagram->older != NO_ITEM)
        table->datagrams[datagram->older].newer = datagram->newer;
    else
        table->oldest = datagram->newer;
}

static void link_as_newest(struct fragment_table *table, uint32_t item)
{
    struct fragment_datagram *const datagram = &table->datagrams[item];
    datagram->newer = NO_ITEM;
    datagram->older = table->newest;
    if (table->newest != NO_ITEM)
        table->datagrams[table->newest].newer = item;
    else
        table->oldest = item;
    table->newest = item;
}

static void forget(struct fragment_table *table, uint32_t item)
{
    unlink_datagram(table, item);
    flow_index_remove(&table->index, table->datagrams[item].hash, item);
    item_pool_put(&table->pool, item);
    table->count--;
}

void fragment_table_clear(struct fragment_table *table)
{
    while (table->oldest != NO_ITEM && table->count > 0)
        forget(table, table->oldest);
}

/* ---- finding ------------------------------------------------------------------------------- */

static struct fragment_key key_of(const struct fragment_table *table, const struct packet *packet)
{
    struct fragment_key key = {
        .fragment_id = packet->fragment_id,
        .vlan = table->vlan_is_in_key ? flow_key_vlan(packet) : 0,
        .protocol = packet->protocol,
        .ip_version = packet->ip_version,
    };
    memcpy(key.source, packet->source, sizeof key.source);
    memcpy(key.destination, packet->destination, sizeof key.destination);
    return key;
}

static uint32_t hash_of(const struct fragment_table *table, const struct fragment_key *key)
{
    return (uint32_t)siphash13(table->hash_key, key, sizeof *key);
}

static bool is_over(const struct fragment_datagram *datagram, int64_t now_ns)
{
    return now_ns - datagram->last_ns >= FRAGMENT_TIMEOUT_NS;
}

static bool find(const struct fragment_table *table, const struct fragment_key *key, uint32_t hash,
                 uint32_t *item)
{
    struct flow_index_probe probe = flow_index_start(&table->index, hash);
    while (flow_index_next(&table->index, &probe, item))
        if (memcmp(&table->datagrams[*item].key, key, sizeof *key) == 0)
            return true;
    return false;
}

static void set_ports(struct packet *packet, const struct fragment_datagram *datagram)
{
    packet->source_port = datagram->source_port;
    packet->destination_port = datagram->destination_port;
    packet->icmp_type = datagram->icmp_type;
    packet->icmp_code = datagram->icmp_code;
    packet->marks |= datagram->one_way;
}

void fragment_table_join(const struct fragment_table *table, struct packet *packet, int64_t now_ns)
{
    if (!(packet->marks & PACKET_MARK_FRAGMENT_LATER) || table->count == 0)
        return;
    const struct fragment_key key = key_of(table, packet);
    uint32_t item;
    if (!find(table, &key, hash_of(table, &key), &item))
        return;
    const struct fragment_datagram *const datagram = &table->datagrams[item];
    if (datagram->has_first && !is_over(datagram, now_ns))
        set_ports(packet, datagram);
}

/* ---- what came of a datagram --------------------------------------------------------------- */

static bool is_complete(const struct fragment_datagram *datagram)
{
    return datagram->has_end && datagram->range_count == 1 && datagram->ranges[0].start == 0 &&
           datagram->ranges[0].end == datagram->end;
}

static void insert_range(struct fragment_datagram *datagram, unsigned at,
                         struct fragment_range range)
{
    if (datagram->range_count == FRAGMENT_RANGES_MAX)
        return;
    memmove(&datagram->ranges[at + 1], &datagram->ranges[at],
            (datagram->range_count - at) * sizeof *datagram->ranges);
    datagram->ranges[at] = range;
    datagram->range_count++;
}

/* Adds bytes to what came; true if some had come before. */
static bool add_range(struct fragment_datagram *datagram, struct fragment_range range)
{
    struct fragment_range *const ranges = datagram->ranges;
    unsigned first = 0;
    while (first < datagram->range_count && ranges[first].end < range.start)
        first++;
    unsigned past = first; /* ranges from first to before past touch the new one */
    bool overlaps = false;
    struct fragment_range merged = range;
    for (; past < datagram->range_count && ranges[past].start <= range.end; past++) {
        overlaps |= ranges[past].start < range.end && range.start < ranges[past].end;
        merged.start = ranges[past].start < merged.start ? ranges[past].start : merged.start;
        merged.end = ranges[past].end > merged.end ? ranges[past].end : merged.end;
    }
    if (past == first) {
        insert_range(datagram, first, range);
        return overlaps;
    }
    ranges[first] = merged;
    memmove(&ranges[first + 1], &ranges[past], (datagram->range_count - past) * sizeof *ranges);
    datagram->range_count = (uint8_t)(datagram->range_count - (past - first - 1));
    return overlaps;
}

/* Beyond the end: more after the last fragment, or two ends that differ. */
static bool contradicts_end(struct fragment_datagram *datagram, struct fragment_range range,
                            bool is_last)
{
    const unsigned count = datagram->range_count;
    const uint32_t highest = count > 0 ? datagram->ranges[count - 1].end : 0;
    const bool is_beyond = datagram->has_end && range.end > datagram->end;
    if (!is_last)
        return is_beyond;
    const bool differs = datagram->has_end ? range.end != datagram->end : highest > range.end;
    if (!datagram->has_end)
        datagram->end = range.end;
    datagram->has_end = true;
    return differs;
}

static bool note_bytes(struct fragment_datagram *datagram, const struct packet *packet)
{
    const struct fragment_range range = {
        packet->fragment_offset_bytes,
        packet->fragment_offset_bytes + packet->fragment_bytes,
    };
    const bool is_last = packet->marks & PACKET_MARK_FRAGMENT_LAST;
    const bool contradicts = contradicts_end(datagram, range, is_last);
    return (range.end > range.start && add_range(datagram, range)) || contradicts;
}

/* A first fragment begins its datagram anew: identifications are used again, in seconds at high
 * rates (RFC 4963), and its ports are those of the fragments after it. Of a datagram that was not
 * complete it is an overlap as well. */
static bool begin(struct fragment_datagram *datagram, const struct packet *packet)
{
    const bool is_again = datagram->has_first && !is_complete(datagram);
    if (datagram->has_first) {
        datagram->range_count = 0;
        datagram->has_end = false;
    }
    datagram->has_first = true;
    datagram->source_port = packet->source_port;
    datagram->destination_port = packet->destination_port;
    datagram->icmp_type = packet->icmp_type;
    datagram->icmp_code = packet->icmp_code;
    datagram->one_way = packet->marks & PACKET_MARK_ONE_WAY;
    return is_again;
}

/* ---- taking fragments in ------------------------------------------------------------------- */

static uint32_t open_datagram(struct fragment_table *table, const struct fragment_key *key,
                              uint32_t hash)
{
    if (table->count == table->capacity) {
        forget(table, table->oldest);
        table->evicted++;
    }
    const uint32_t item = item_pool_get(&table->pool);
    table->datagrams[item] = (struct fragment_datagram){.key = *key, .hash = hash};
    flow_index_insert(&table->index, hash, item);
    link_as_newest(table, item);
    table->count++;
    return item;
}

/* Datagrams that are over go first, so that only others count as evicted. */
static void forget_old(struct fragment_table *table, int64_t now_ns)
{
    while (table->count > 0 && is_over(&table->datagrams[table->oldest], now_ns))
        forget(table, table->oldest);
}

unsigned fragment_table_note(struct fragment_table *table, const struct packet *packet,
                             int64_t now_ns)
{
    const bool is_first = packet->marks & PACKET_MARK_FRAGMENT_FIRST;
    if (table->capacity == 0)
        return is_first ? 0 : FRAGMENT_FIRST_MISSING;
    if (is_first && (packet->marks & PACKET_MARK_FRAGMENT_LAST))
        return 0; /* whole in one (an atomic fragment, RFC 6946): nothing to follow */
    forget_old(table, now_ns);
    const struct fragment_key key = key_of(table, packet);
    const uint32_t hash = hash_of(table, &key);
    uint32_t item;
    if (find(table, &key, hash, &item)) {
        unlink_datagram(table, item);
        link_as_newest(table, item);
    } else {
        item = open_datagram(table, &key, hash);
    }
    struct fragment_datagram *const datagram = &table->datagrams[item];
    datagram->last_ns = now_ns;
    const bool is_again = is_first && begin(datagram, packet);
    const bool overlaps = note_bytes(datagram, packet) || is_again;
    return (overlaps ? FRAGMENT_OVERLAPS : 0) | (datagram->has_first ? 0 : FRAGMENT_FIRST_MISSING);
}

size_t fragment_table_bytes(const struct fragment_table *table)
{
    if (table->capacity == 0)
        return 0;
    return table->capacity * (sizeof *table->datagrams + sizeof(uint32_t)) +
           flow_index_memory_bytes(&table->index);
}
