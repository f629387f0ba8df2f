/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of one flow that come right after each other: 84 of 100 of real traffic are of the flow
 * of the packet before them, and in a million flows at once hardly any. Their key and hash are made
 * once, their memory is asked for once, and once the first has found its flow the others need not
 * look. For flow_table_packet.c; any thread. */
#ifndef WHYFLOW_FLOW_FLOW_TRAIN_H
#define WHYFLOW_FLOW_FLOW_TRAIN_H

#include "flow/flow_key.h"

#define FLOW_TRAIN_UNSURE UINT64_MAX

struct flow_train {
    struct flow_key key;
    uint32_t hash;
    uint32_t item;     /* the flow: of this hash when it was looked for ahead, or UINT32_MAX */
    uint64_t sure_at;  /* of this key, unless a flow has ended since: the count of endings */
    uint8_t side;      /* of its first packet */
    uint8_t tcp_flags; /* of all its packets */
    bool is_two_way;
};

_Static_assert(offsetof(struct packet, protocol) ==
                   offsetof(struct packet, ip_version) + sizeof(uint8_t),
               "IP version and protocol are one word");

static inline uint16_t flow_train_kind(const struct packet *packet)
{
    uint16_t kind;
    memcpy(&kind, &packet->ip_version, sizeof kind);
    return kind;
}

static inline uint32_t flow_train_ports(const struct packet *packet)
{
    uint32_t ports;
    memcpy(&ports, &packet->source_port, sizeof ports);
    return ports;
}

/* Has a packet the key of the one before it? Says then whether it goes the other way. Asked of the
 * packets as they are, as that takes half of what making the second key does. Without branches for
 * the way, which is not to be foreseen: that what the two addresses differ in is the same tells
 * nearly all that are not of one flow; then one address is enough to tell the way. */
static inline bool flow_train_goes_on(const struct packet *packet, const struct packet *before,
                                      bool vlan_is_in_key, bool *is_turned)
{
    const uint64_t from = flow_key_load64(packet->source);
    const uint64_t rest = flow_key_load64(packet->source + 8);
    const uint64_t source = flow_key_load64(before->source);
    const uint64_t destination = flow_key_load64(before->destination);
    const uint64_t source_rest = flow_key_load64(before->source + 8);
    const uint64_t destination_rest = flow_key_load64(before->destination + 8);
    if ((from ^ flow_key_load64(packet->destination)) != (source ^ destination) ||
        (rest ^ flow_key_load64(packet->destination + 8)) != (source_rest ^ destination_rest) ||
        flow_train_kind(packet) != flow_train_kind(before) ||
        ((packet->marks | before->marks) & PACKET_MARK_ONE_WAY) ||
        (vlan_is_in_key && flow_key_vlan(packet) != flow_key_vlan(before)))
        return false;
    const uint32_t ports = flow_train_ports(packet), own = flow_train_ports(before);
    const uint64_t one_way = (from ^ source) | (rest ^ source_rest) | (ports ^ own);
    const uint64_t other_way =
        (from ^ destination) | (rest ^ destination_rest) | (ports ^ (own << 16 | own >> 16));
    *is_turned = one_way != 0;
    return (one_way == 0) | (other_way == 0);
}

#endif
