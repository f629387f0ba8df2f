/* SPDX-License-Identifier: Apache-2.0 */
/* What one flow is, by itself: a probe, a session, a log-in, a held connection. Pure functions of
 * the flow and its direction, called by behaviour_observe. The limits here say what kind of flow
 * is counted; how many it takes is said in behaviour_rule.c. */
#include "base/service.h"
#include "behaviour/evidence.h"

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

static bool is_one_of(uint16_t port, const uint16_t ports[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

/* Log-in services where many short connections are not the custom. Data bases, mail boxes and
 * shares are left out: programs without a pool of connections look the same. */
static bool is_login_service(const struct flow_record *flow)
{
    static const uint16_t ports[] = {21, 22, 23, 2222, 2323, 3389, 5900, 5901};
    return flow->protocol == PACKET_PROTOCOL_TCP &&
           is_one_of(flow->destination_port, ports, sizeof ports / sizeof ports[0]);
}

/* Services by which one host is administered from another. */
static bool is_remote_service(const struct flow_record *flow)
{
    static const uint16_t ports[] = {22, 23, 135, 445, 3389, 5900, 5985, 5986};
    return flow->protocol == PACKET_PROTOCOL_TCP &&
           is_one_of(flow->destination_port, ports, sizeof ports / sizeof ports[0]);
}

/* Services by which files go to hosts outside: not calls, games or tunnels. */
static bool is_bulk_service(const struct flow_record *flow)
{
    if (flow->protocol == PACKET_PROTOCOL_UDP)
        return flow->destination_port == 443;
    return flow->protocol == PACKET_PROTOCOL_TCP &&
           service_is_known(flow->protocol, flow->destination_port);
}

static bool is_high_and_unassigned(uint8_t protocol, uint16_t port)
{
    return port >= HIGH_PORT_FIRST && !service_is_known(protocol, port);
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
static bool is_udp_probe(const struct flow_record *flow)
{
    bool is_applicable = false;
    const bool is_trace =
        flow->destination_port >= TRACE_PORT_FIRST && flow->destination_port <= TRACE_PORT_LAST;
    const bool is_late_answer = service_is_known(flow->protocol, flow->source_port) &&
                                !service_is_known(flow->protocol, flow->destination_port);
    return flow_record_is_unanswered(flow, &is_applicable) && is_applicable && !is_trace &&
           !is_late_answer;
}

static bool is_echo(const struct flow_record *flow)
{
    return (flow->protocol == PACKET_PROTOCOL_ICMP && flow->icmp_type == ECHO_REQUEST) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type == ECHO_REQUEST_V6);
}

static bool is_probe(const struct flow_record *flow)
{
    if (flow->protocol == PACKET_PROTOCOL_TCP)
        return is_tcp_probe(flow);
    if (flow->protocol == PACKET_PROTOCOL_UDP)
        return is_udp_probe(flow);
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

void sight_take(const struct flow_record *flow, const struct feature_vector *vector,
                struct sight *sight)
{
    const int direction = (int)vector->value[FEATURE_DIRECTION];
    const bool is_answered = flow->direction[FLOW_REVERSE].packets > 0;
    const bool is_fresh = flow->slice == 0 && flow->state != FLOW_STATE_CONTINUED;
    *sight = (struct sight){
        .is_probe = is_fresh && is_probe(flow),
        .is_session = has_payload_both_ways(flow),
        .is_fresh = is_fresh,
        .is_dns = flow->protocol == PACKET_PROTOCOL_UDP && flow->destination_port == 53,
        .is_bulk = is_bulk_service(flow),
        .is_login = is_remote_service(flow),
        .is_logged_in = is_remote_service(flow) && has_payload_both_ways(flow) &&
                        sight_payload_bytes(flow, FLOW_FORWARD) >= SESSION_PAYLOAD_MIN,
        .is_short_login = is_fresh && is_short_login(flow),
        .is_held = is_fresh && is_held(flow),
        .is_echo = is_echo(flow),
        .is_partner = is_answered && flow->source_port >= HIGH_PORT_FIRST && payload_of(flow) > 0 &&
                      is_high_and_unassigned(flow->protocol, flow->destination_port) &&
                      !service_is_known(flow->protocol, flow->source_port),
        .is_source_inside =
            direction == FEATURE_DIRECTION_IN_IN || direction == FEATURE_DIRECTION_IN_OUT,
        .is_destination_inside =
            direction == FEATURE_DIRECTION_IN_IN || direction == FEATURE_DIRECTION_OUT_IN,
    };
}
