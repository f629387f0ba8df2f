/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports the fragments of a datagram have: only the first carries them, and the later ones
 * must join its flow. Called by the flow table for packets that are fragments, never for others.
 *
 * A datagram is followed for FRAGMENT_TIMEOUT_NS of table time after its latest fragment. Where the
 * table is full, the one longest without a fragment is forgotten. Table time never goes back while
 * datagrams are followed, so the order of touches is the order of (last time, touch): a list keeps
 * it exactly, and no hash key shows. (flow_memory needs a wheel because conversations do not end in
 * the order of their last packets.) A later fragment that comes before its first is not held back:
 * it is told as FRAGMENT_FIRST_MISSING. Owned by the flow table. */
#ifndef WHYFLOW_FLOW_FRAGMENT_TABLE_H
#define WHYFLOW_FLOW_FRAGMENT_TABLE_H

#include "base/item_pool.h"
#include "flow/flow_index.h"
#include "whyflow/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAGMENT_RANGES_MAX = 8 };

/* RFC 791 suggests 15 s, RFC 8200 asks for 60 s, Linux takes 30 s. */
#define FRAGMENT_TIMEOUT_NS (INT64_C(30) * 1000000000)

/* What a fragment is found to be. */
enum fragment_finding {
    FRAGMENT_OVERLAPS = 1 << 0,      /* bytes came twice, or beyond the datagram's end */
    FRAGMENT_FIRST_MISSING = 1 << 1, /* a later fragment, and its first was not seen */
};

/* Fragments belong together by these, addresses as sent (RFC 791, RFC 8200). Compared and hashed as
 * bytes, so every byte is set. */
struct fragment_key {
    uint8_t source[16], destination[16];
    uint32_t fragment_id;
    uint16_t vlan; /* as the flow key has it */
    uint8_t protocol;
    uint8_t ip_version;
};

_Static_assert(sizeof(struct fragment_key) == 40, "fragment_key has no padding of the compiler's");

/* Payload bytes from start to before end. */
struct fragment_range {
    uint32_t start, end;
};

struct fragment_datagram {
    struct fragment_key key;
    int64_t last_ns; /* table time of its latest fragment */
    uint32_t hash;
    uint32_t newer, older; /* in the order of touches */
    uint16_t source_port, destination_port;
    uint16_t one_way; /* PACKET_MARK_ONE_WAY or 0 */
    uint8_t icmp_type, icmp_code;
    bool has_first, has_end;
    uint8_t range_count;
    uint32_t end; /* of the whole payload; valid if has_end */
    /* What came, sorted, neighbours merged: one range while fragments come in order. Fragments that
     * would need a ninth are not noted: overlaps with those are not told. */
    struct fragment_range ranges[FRAGMENT_RANGES_MAX];
};

struct fragment_table {
    struct flow_index index;
    struct fragment_datagram *datagrams;
    struct item_pool pool;
    uint64_t hash_key[2];
    uint32_t capacity;       /* 0: fragments are not followed */
    uint32_t newest, oldest; /* ends of the list of touches */
    uint32_t count;
    uint64_t evicted; /* forgotten before their time: the table was full */
    bool vlan_is_in_key;
};

/* False if memory is short. */
bool fragment_table_init(struct fragment_table *table, uint32_t capacity,
                         const uint64_t hash_key[2], bool vlan_is_in_key);
void fragment_table_deinit(struct fragment_table *table);

/* Gives a later fragment the ports of its first, if that was seen; changes nothing else. */
void fragment_table_join(const struct fragment_table *table, struct packet *packet, int64_t now_ns);

/* Takes a fragment in; returns findings (enum fragment_finding). */
unsigned fragment_table_note(struct fragment_table *table, const struct packet *packet,
                             int64_t now_ns);

void fragment_table_clear(struct fragment_table *table);

size_t fragment_table_bytes(const struct fragment_table *table);

#endif
