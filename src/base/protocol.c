/* SPDX-License-Identifier: Apache-2.0 */
/* IP protocols by name. Used by the explain and format rooms; constant data, any thread. */
#include "base/protocol.h"

#include <stddef.h>

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };

const char *protocol_name(uint8_t protocol)
{
    switch (protocol) {
    case ICMP:
        return "ICMP";
    case TCP:
        return "TCP";
    case UDP:
        return "UDP";
    case ICMPV6:
        return "IPv6-ICMP";
    case SCTP:
        return "SCTP";
    default:
        return NULL;
    }
}

bool protocol_has_ports(uint8_t protocol)
{
    return protocol == TCP || protocol == UDP || protocol == SCTP;
}

bool protocol_is_icmp(uint8_t protocol)
{
    return protocol == ICMP || protocol == ICMPV6;
}
