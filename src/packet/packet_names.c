/* SPDX-License-Identifier: Apache-2.0 */
/* Names of refusals and tunnels, as they stand in statistics and records. Constant data; any
 * thread. */
#include "whyflow/packet.h"

#include <assert.h>
#include <stddef.h>

static const char *const refusal_names[PACKET_REFUSAL_COUNT] = {
    [PACKET_ACCEPTED] = "accepted",
    [PACKET_REFUSED_BAD_TIME] = "bad_time",
    [PACKET_REFUSED_BAD_LENGTH] = "bad_length",
    [PACKET_REFUSED_LINK_TYPE] = "link_type",
    [PACKET_REFUSED_NOT_IP] = "not_ip",
    [PACKET_REFUSED_TRUNCATED] = "truncated",
    [PACKET_REFUSED_MALFORMED] = "malformed",
    [PACKET_REFUSED_TOO_MANY_HEADERS] = "too_many_headers",
    [PACKET_REFUSED_STRAY_TIME] = "stray_time",
    [PACKET_REFUSED_NO_MEMORY] = "no_memory",
    [PACKET_REFUSED_DUPLICATE] = "duplicate",
    [PACKET_REFUSED_BAD_LINE] = "bad_line",
};

static const char *const tunnel_names[PACKET_TUNNEL_COUNT] = {
    [PACKET_TUNNEL_NONE] = "",
    [PACKET_TUNNEL_GRE] = "gre",
    [PACKET_TUNNEL_ERSPAN] = "erspan",
    [PACKET_TUNNEL_VXLAN] = "vxlan",
    [PACKET_TUNNEL_GENEVE] = "geneve",
    [PACKET_TUNNEL_GTPU] = "gtpu",
    [PACKET_TUNNEL_IPIP] = "ipip",
    [PACKET_TUNNEL_IP4IN6] = "4in6",
    [PACKET_TUNNEL_IP6IN4] = "6in4",
    [PACKET_TUNNEL_IP6IN6] = "6in6",
    [PACKET_TUNNEL_TEREDO] = "teredo",
    [PACKET_TUNNEL_L2TP] = "l2tp",
    [PACKET_TUNNEL_PPPOE] = "pppoe",
    [PACKET_TUNNEL_MPLS] = "mpls",
    [PACKET_TUNNEL_PSEUDOWIRE] = "pseudowire",
};

const char *packet_refusal_name(enum packet_refusal refusal)
{
    assert((unsigned)refusal < PACKET_REFUSAL_COUNT);
    assert(refusal_names[refusal] != NULL);
    return refusal_names[refusal];
}

const char *packet_tunnel_name(enum packet_tunnel tunnel)
{
    assert((unsigned)tunnel < PACKET_TUNNEL_COUNT);
    assert(tunnel_names[tunnel] != NULL);
    return tunnel_names[tunnel];
}
