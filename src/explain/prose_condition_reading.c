/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of the readings: the case for an ordinary cause or for a closer look. What counts as
 * much is a matter of words alone, no part of the score. The table of rules (prose_rule.c) names
 * them. Pure functions; any thread. */
#include "explain/prose_condition.h"

#include "base/address.h"
#include "base/service.h"
#include "explain/prose_facts.h"

static const double MANY_BYTES = 100e3; /* a transfer, not an exchange of messages */
static const double FEW_BYTES = 10e3;
static const double ONE_SIDED_LOG2 = 2; /* four times as many bytes one way */
static const double REGULAR_VARIATION = 0.1;
static const double MOST = 0.5;
static const double MANY_PEERS = 10;

static double bytes_of(const struct flow_direction *direction)
{
    return (double)direction->ip_bytes;
}

/* Ports and protocols. */

static const struct service *service_of_port(const struct prose_facts *facts, uint16_t port)
{
    return service_find(facts->part->flow.protocol, port);
}

static bool is_assigned(const struct prose_facts *facts, uint16_t port)
{
    const struct service *service = service_of_port(facts, port);
    return service != NULL && service->is_assigned;
}

/* Only the side at an assigned port was seen, and no opening of its own. */
bool when_server_answers(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return when_saw_only_source(facts) && when_has_ports(facts) &&
           is_assigned(facts, flow->source_port) && !is_assigned(facts, flow->destination_port) &&
           flow->basis == FLOW_BASIS_ONLY_SIDE;
}

/* Neither port is assigned, one is somebody's by custom. */
bool when_port_is_customary(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return when_has_ports(facts) && !is_assigned(facts, flow->source_port) &&
           !is_assigned(facts, flow->destination_port) &&
           (service_of_port(facts, flow->source_port) != NULL ||
            service_of_port(facts, flow->destination_port) != NULL);
}

bool when_customary_transfer(const struct prose_facts *facts)
{
    return when_port_is_customary(facts) &&
           bytes_of(prose_forward(facts)) + bytes_of(prose_reverse(facts)) >= MANY_BYTES;
}

bool when_unknown_transfer(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return when_has_ports(facts) && service_of_port(facts, flow->source_port) == NULL &&
           service_of_port(facts, flow->destination_port) == NULL &&
           bytes_of(prose_forward(facts)) + bytes_of(prose_reverse(facts)) >= MANY_BYTES;
}

bool when_sent_to_custom_port(const struct prose_facts *facts)
{
    return when_customary_transfer(facts) && when_saw_only_source(facts);
}

static bool leads_with(const struct prose_facts *facts, enum feature_id id)
{
    const struct explanation *const explanation = facts->explanation;
    for (uint32_t i = 0; i < explanation->reason_count; i++) {
        if (explanation->reasons[i].feature == id)
            return true;
    }
    return false;
}

bool when_service_is_rare(const struct prose_facts *facts)
{
    return leads_with(facts, FEATURE_SERVICE) && when_has_ports(facts);
}

bool when_multicast(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    const enum address_kind kind = address_kind(flow->destination, flow->ip_version);
    return kind == ADDRESS_MULTICAST || kind == ADDRESS_BROADCAST;
}

bool when_echo(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return (flow->protocol == PACKET_PROTOCOL_ICMP && flow->icmp_type == 8) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type == 128);
}

/* RFC 4861: router and neighbour solicitation and advertisement, redirect. */
bool when_neighbour_discovery(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type >= 133 &&
           flow->icmp_type <= 137;
}

bool when_icmp_error(const struct prose_facts *facts)
{
    const struct flow_record *const flow = &facts->part->flow;
    return (flow->protocol == PACKET_PROTOCOL_ICMP &&
            (flow->icmp_type == 3 || flow->icmp_type == 11)) ||
           (flow->protocol == PACKET_PROTOCOL_ICMPV6 && flow->icmp_type >= 1 &&
            flow->icmp_type <= 4);
}

/* How much, and between whom. */

bool when_nobody_answered(const struct prose_facts *facts)
{
    return (when_is_attempted(facts) || when_is_one_way(facts)) && when_saw_only_source(facts) &&
           when_has_ports(facts) && bytes_of(prose_forward(facts)) < FEW_BYTES;
}

bool when_download(const struct prose_facts *facts)
{
    return bytes_of(prose_reverse(facts)) >= MANY_BYTES && prose_forward(facts)->packets > 0 &&
           prose_value(facts, FEATURE_BYTES_RATIO) <= -ONE_SIDED_LOG2;
}

bool when_upload(const struct prose_facts *facts)
{
    return bytes_of(prose_forward(facts)) >= MANY_BYTES && prose_reverse(facts)->packets > 0 &&
           prose_value(facts, FEATURE_BYTES_RATIO) >= ONE_SIDED_LOG2;
}

bool when_upload_to_new(const struct prose_facts *facts)
{
    return when_upload(facts) && when_is_new_pair(facts);
}

bool when_small_first_flow(const struct prose_facts *facts)
{
    return when_is_new_pair(facts) &&
           bytes_of(prose_forward(facts)) + bytes_of(prose_reverse(facts)) < FEW_BYTES;
}

bool when_is_inside_first(const struct prose_facts *facts)
{
    return when_all_inside(facts) && when_is_new_pair(facts);
}

bool when_ipv4_destination_inside(const struct prose_facts *facts)
{
    return when_destination_holds_ipv4(facts) && bytes_of(prose_forward(facts)) >= MANY_BYTES;
}

bool when_entered_from_outside(const struct prose_facts *facts)
{
    return when_from_outside(facts) && prose_reverse(facts)->packets > 0;
}

bool when_knocked_from_outside(const struct prose_facts *facts)
{
    return when_from_outside(facts) && prose_reverse(facts)->packets == 0;
}

/* The source over time. */

bool when_searching(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_SRC_UNANSWERED_WINDOW) && when_has_windows(facts) &&
           prose_value(facts, FEATURE_SRC_UNANSWERED_WINDOW) >= MOST &&
           (prose_value(facts, FEATURE_SRC_PEERS_WINDOW) >= MANY_PEERS ||
            prose_value(facts, FEATURE_SRC_PORTS_WINDOW) >= MANY_PEERS);
}

bool when_regular(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_INTERVAL_CV) &&
           prose_value(facts, FEATURE_INTERVAL_CV) <= REGULAR_VARIATION;
}
