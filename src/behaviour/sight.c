/* SPDX-License-Identifier: Apache-2.0 */
/* What one flow is, by itself: a probe, a session, a log-in, a held connection. Pure functions of
 * the flow and its direction, called by behaviour_observe. The limits here say what kind of flow
 * is counted; how many it takes is said in behaviour_rule.c. */
#include "behaviour/sight.h"

#include <stddef.h>

/* The source ports of a path's trace (RFC 1393's practice: 33434 and up, one for each probe). */
enum { TRACE_PORT_FIRST = 33434, TRACE_PORT_LAST = 33625 };
enum { ECHO_REQUEST = 8, ECHO_REQUEST_V6 = 128 };
enum { HIGH_PORT_FIRST = 1024 };

/* A failed log-in: SSH with a library's key exchange sends 1.1 to 1.6 kB and receives 1.7 to
 * 2.2 kB of payload, with OpenSSH's some 3.1 and 2.9; a session that does anything has 6.5 kB and
 * more both ways together (in the captures measured). Telnet, FTP, VNC stay under 1 kB. */
enum { LOGIN_PAYLOAD_MAX = 6000, LOGIN_PAYLOAD_MIN = 20 };
/* A log-in that led somewhere: the initiator said more than a greeting. */
enum { SESSION_PAYLOAD_MIN = 200 };
/* A held connection: the initiator said something, the service all but nothing (an error page at
 * most), for at least so long. Pages and keep-alives answer; idle pools ask nothing. */
enum { HELD_SENT_MAX = 4000, HELD_RECEIVED_MAX = 700 };
#define HELD_DURATION_MIN_NS (15 * BEHAVIOUR_SECOND_NS)
#define YOUNG_PAIR_NS BEHAVIOUR_HOUR_NS

/* Lists of ports are cases of a switch: the compiler makes a few comparisons of them. */

/* The responder's port has a service; the vector has looked for it. */
static bool is_known_service(const struct flow_record *flow, const struct feature_vector *vector)
{
    return vector->service_port != 0 && vector->service_port == flow->destination_port;
}

/* Log-in services where many short connections are not the custom. Data bases, mail boxes and
 * shares are left out: programs without a pool of connections look the same. */
static bool is_login_service(const struct flow_record *flow)
{
    if (flow->protocol != PACKET_PROTOCOL_TCP)
        return false;
    switch (flow->destination_port) {
    case 21:
    case 22:
    case 23:
    case 2222:
    case 2323:
    case 3389:
    case 5900:
    case 5901:
        return true;
    default:
        return false;
    }
}

/* Services by which one host is administered from another. */
static bool is_remote_service(const struct flow_record *flow)
{
    if (flow->protocol != PACKET_PROTOCOL_TCP)
        return false;
    switch (flow->destination_port) {
    case 22:
    case 23:
    case 135:
    case 445:
    case 3389:
    case 5900:
    case 5985:
    case 5986:
        return true;
    default:
        return false;
    }
}

/* Services that are asked regularly by design: names, time, addresses, mail delivery, management,
 * and the keeping open of address translators. */
static bool is_infrastructure(const struct flow_record *flow)
{
    if (flow->protocol != PACKET_PROTOCOL_TCP && flow->protocol != PACKET_PROTOCOL_UDP)
        return true;
    switch (flow->destination_port) {
    case 25:
    case 53:
    case 67:
    case 68:
    case 123:
    case 161:
    case 162:
    case 514:
    case 546:
    case 547:
    case 853:
    case 1900:
    case 3478:
    case 3479:
    case 5349:
    case 5353:
    case 5355:
        return true;
    default:
        return false;
    }
}

/* What everybody asks of hosts outside all day: while the way out is down, or a filter refuses
 * QUIC, all of it goes unanswered. */
static bool is_everyday_port(uint16_t port)
{
    switch (port) {
    case 25:
    case 53:
    case 80:
    case 123:
    case 443:
    case 853:
    case 3478:
    case 5228:
    case 8080:
        return true;
    default:
        return false;
    }
}

static bool is_ssh(const struct flow_record *flow)
{
    return flow->destination_port == 22 || flow->destination_port == 2222;
}

/* Services by which files go to hosts outside: not calls, games or tunnels. */
static bool is_bulk_service(const struct flow_record *flow, const struct feature_vector *vector)
{
    if (flow->protocol == PACKET_PROTOCOL_UDP)
        return flow->destination_port == 443;
    return flow->protocol == PACKET_PROTOCOL_TCP && is_known_service(flow, vector);
}

/* What a packet of headers alone takes at most, unless it has IP options or extensions. */
static uint64_t header_bytes_max(const struct flow_record *flow)
{
    const uint64_t ip_bytes = flow->ip_version == 6 ? 40 : 20;
    return ip_bytes + (flow->protocol == PACKET_PROTOCOL_TCP ? 40 : 8);
}

/* Payload sent one way; where it was not counted (flows of other meters), as much as there must
 * have been at least. */
uint64_t sight_payload_bytes(const struct flow_record *flow, int way)
{
    const struct flow_direction *const direction = &flow->direction[way];
    if ((flow->unknown & FLOW_UNKNOWN_PAYLOAD) == 0)
        return direction->payload_bytes;
    const uint64_t headers = direction->packets * header_bytes_max(flow);
    return direction->ip_bytes > headers ? direction->ip_bytes - headers : 0;
}

static bool has_payload_both_ways(const struct flow_record *flow)
{
    return sight_payload_bytes(flow, FLOW_FORWARD) > 0 &&
           sight_payload_bytes(flow, FLOW_REVERSE) > 0;
}

static uint64_t payload_of(const struct flow_record *flow)
{
    return sight_payload_bytes(flow, FLOW_FORWARD) + sight_payload_bytes(flow, FLOW_REVERSE);
}

/* A TCP opening without a handshake: unanswered, refused, or broken off by the initiator. A check
 * that completes the handshake is none: monitors do that to many hosts. */
static bool is_tcp_probe(const struct flow_record *flow)
{
    switch ((enum flow_state)flow->state) {
    case FLOW_STATE_ATTEMPTED:
    case FLOW_STATE_REFUSED:
    case FLOW_STATE_HALF_OPEN:
        return true;
    case FLOW_STATE_RESET:
        return payload_of(flow) == 0 && !flow->has_handshake_rtt;
    default:
        return false;
    }
}

/* A late answer of a server is no probe, nor is the trace of a path. */
static bool is_udp_probe(const struct flow_record *flow, const struct feature_vector *vector)
{
    bool is_applicable = false;
    const bool is_trace =
        flow->destination_port >= TRACE_PORT_FIRST && flow->destination_port <= TRACE_PORT_LAST;
    const bool is_late_answer = vector->service_port != 0 && !is_known_service(flow, vector);
    return flow_record_is_unanswered(flow, &is_applicable) && is_applicable && !is_trace &&
           !is_late_answer;
}

static bool is_echo(const struct flow_record *flow)
{
    return (flow->protocol == PACKET_PROTOCOL_ICMP && flow->icmp_type == ECHO_REQUEST) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type == ECHO_REQUEST_V6);
}

static bool is_probe(const struct flow_record *flow, const struct feature_vector *vector)
{
    if (flow->protocol == PACKET_PROTOCOL_TCP)
        return is_tcp_probe(flow);
    if (flow->protocol == PACKET_PROTOCOL_UDP)
        return is_udp_probe(flow, vector);
    return is_echo(flow) && flow->direction[FLOW_REVERSE].packets == 0;
}

static bool is_held(const struct flow_record *flow)
{
    const uint64_t sent = sight_payload_bytes(flow, FLOW_FORWARD);
    return flow->protocol == PACKET_PROTOCOL_TCP && flow->has_handshake_rtt && sent > 0 &&
           sent <= HELD_SENT_MAX && sight_payload_bytes(flow, FLOW_REVERSE) <= HELD_RECEIVED_MAX &&
           flow->last_ns - flow->first_ns >= HELD_DURATION_MIN_NS;
}

static bool is_short_login(const struct flow_record *flow)
{
    const uint64_t payload = payload_of(flow);
    return is_login_service(flow) && has_payload_both_ways(flow) && payload >= LOGIN_PAYLOAD_MIN &&
           payload <= LOGIN_PAYLOAD_MAX && flow->is_tcp_closed;
}

/* Between two high ports that no service has, and answered. */
static bool is_partner(const struct flow_record *flow, const struct feature_vector *vector)
{
    return vector->service_port == 0 && flow->source_port >= HIGH_PORT_FIRST &&
           flow->destination_port >= HIGH_PORT_FIRST && flow->direction[FLOW_REVERSE].packets > 0 &&
           payload_of(flow) > 0;
}

/* ---- the bits ------------------------------------------------------------------------------ */

static uint32_t sight_if(bool is_so, uint32_t sights)
{
    return is_so ? sights : 0;
}

static uint32_t places_of(const struct feature_vector *vector)
{
    static const uint32_t places[FEATURE_DIRECTION_COUNT] = {
        [FEATURE_DIRECTION_IN_IN] =
            SIGHT_SOURCE_INSIDE | SIGHT_DESTINATION_INSIDE | SIGHT_NO_TRANSIT,
        [FEATURE_DIRECTION_IN_OUT] =
            SIGHT_SOURCE_INSIDE | SIGHT_NO_TRANSIT | SIGHT_CROSSING | SIGHT_GOING_OUT,
        [FEATURE_DIRECTION_OUT_IN] = SIGHT_DESTINATION_INSIDE | SIGHT_NO_TRANSIT | SIGHT_CROSSING,
        [FEATURE_DIRECTION_OUT_OUT] = 0,
    };
    return places[(int)vector->value[FEATURE_DIRECTION]];
}

static uint32_t probe_sights(const struct flow_record *flow, const struct feature_vector *vector,
                             uint32_t places)
{
    if (!is_probe(flow, vector))
        return 0;
    const bool is_opening = flow->protocol == PACKET_PROTOCOL_TCP;
    const bool is_everyday =
        (places & SIGHT_DESTINATION_INSIDE) == 0 && is_everyday_port(flow->destination_port);
    return SIGHT_PROBE | sight_if(!is_everyday, SIGHT_RARE_PROBE) |
           sight_if(is_known_service(flow, vector), SIGHT_SERVICE_PROBE) |
           sight_if(is_opening && is_everyday, SIGHT_EVERYDAY_OPENING) |
           sight_if(is_opening && sight_payload_bytes(flow, FLOW_FORWARD) == 0, SIGHT_BARE_OPENING);
}

static uint32_t login_sights(const struct flow_record *flow, const struct feature_vector *vector,
                             uint32_t places)
{
    const uint32_t inside = SIGHT_SOURCE_INSIDE | SIGHT_DESTINATION_INSIDE;
    if ((places & inside) != inside || vector->pair_age_ns >= YOUNG_PAIR_NS ||
        !is_remote_service(flow))
        return 0;
    const bool is_logged_in = has_payload_both_ways(flow) &&
                              sight_payload_bytes(flow, FLOW_FORWARD) >= SESSION_PAYLOAD_MIN;
    return SIGHT_NEW_LOGIN | sight_if(is_logged_in, SIGHT_LOGGED_IN);
}

/* Of a flow that is neither a later slice nor the rest of an earlier conversation. */
static uint32_t fresh_sights(const struct flow_record *flow, const struct feature_vector *vector,
                             uint32_t places)
{
    uint32_t sights = probe_sights(flow, vector, places) | sight_if(is_held(flow), SIGHT_HELD);
    if (!has_payload_both_ways(flow))
        return sights;
    sights |= SIGHT_CONTACT;
    if ((places & SIGHT_GOING_OUT) != 0 && !is_infrastructure(flow))
        sights |= SIGHT_OUT_CONTACT;
    if (is_short_login(flow))
        sights |= SIGHT_SHORT_LOGIN | (is_ssh(flow) ? SIGHT_SSH_LOGIN : SIGHT_OTHER_LOGIN);
    return sights;
}

uint32_t sight_take(const struct flow_record *flow, const struct feature_vector *vector)
{
    const uint32_t places = places_of(vector);
    const bool is_fresh = flow->slice == 0 && flow->state != FLOW_STATE_CONTINUED;
    const bool is_dns = flow->protocol == PACKET_PROTOCOL_UDP && flow->destination_port == 53;
    return places | sight_if(is_dns, SIGHT_DNS) | login_sights(flow, vector, places) |
           sight_if(has_payload_both_ways(flow), SIGHT_SESSION) |
           sight_if(is_bulk_service(flow, vector), SIGHT_BULK) |
           sight_if(is_echo(flow), SIGHT_ECHO) |
           sight_if((places & SIGHT_CROSSING) != 0 && is_partner(flow, vector), SIGHT_PARTNER) |
           (is_fresh ? fresh_sights(flow, vector, places) : 0);
}
