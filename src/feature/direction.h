/* SPDX-License-Identifier: Apache-2.0 */
/* Where a flow goes, seen from the local networks. Called by feature_measure. Pure; any thread.
 *
 * Inside is an address of --local-nets, and one that cannot be elsewhere, because no router passes
 * it on: link-local, loopback, broadcast, and the unspecified address of a host that has none yet
 * (DHCP, duplicate address detection). Multicast is inside too: it is seen here because someone
 * here is meant to hear it. So a host's discovery and router traffic is "in to in", whatever
 * networks the user named, and a multicast stream from elsewhere is "out to in". */
#ifndef WHYFLOW_FEATURE_DIRECTION_H
#define WHYFLOW_FEATURE_DIRECTION_H

#include "whyflow/feature.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"

enum { DIRECTION_NETS_MAX = SETTINGS_LOCAL_NETS_MAX + 5 };

/* A network in words as addresses lie in memory: inside is what differs in no bit of the mask. */
struct direction_net {
    uint64_t network[2], mask[2];
};

/* All that is inside, of one IP version. The first byte says of most addresses that they are inside
 * or not; the others are compared with the networks from the first that may have them to the last.
 * Looking for their kinds in address.h's tables took 900 instructions a flow, comparing them with
 * every network 120. */
struct direction_nets {
    struct direction_byte {
        uint8_t first, end; /* the networks that may have such addresses: none if they are equal, */
        bool is_all;        /* unless all such addresses are inside */
    } by_first_byte[256];
    size_t count;
    struct direction_net nets[DIRECTION_NETS_MAX];
};

/* IPv4 and IPv6. */
struct direction_inside {
    struct direction_nets nets4, nets6;
};

void direction_inside_init(struct direction_inside *inside,
                           const struct feature_settings *settings);
enum feature_direction direction_of(const struct direction_inside *inside,
                                    const struct flow_record *flow);

#endif
