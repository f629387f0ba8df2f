/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a flow's ends: addresses, ports, services. Constant data and pure functions. */
#include "explain/prose_field.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/service.h"

#include <string.h>

/* Where usual systems begin to choose the port of a client from (Linux; IANA says 49152). */
enum { CLIENT_PORT_MIN = 32768 };

static void put_protocol(const struct prose_facts *facts, struct text *text)
{
    const char *name = protocol_name(prose_flow(facts)->protocol);
    if (name != NULL)
        text_append(text, name);
    else
        text_appendf(text, "Protocol %u", prose_flow(facts)->protocol);
}

struct endpoint {
    const uint8_t *address;
    uint16_t port;
    uint8_t ip_version;
    bool has_port;
};

static struct endpoint source_of(const struct prose_facts *facts)
{
    const struct flow_record *flow = prose_flow(facts);
    return (struct endpoint){flow->source, flow->source_port, flow->ip_version,
                             protocol_has_ports(flow->protocol)};
}

static struct endpoint destination_of(const struct prose_facts *facts)
{
    const struct flow_record *flow = prose_flow(facts);
    return (struct endpoint){flow->destination, flow->destination_port, flow->ip_version,
                             protocol_has_ports(flow->protocol)};
}

static void put_endpoint(struct endpoint endpoint, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];
    address_text(endpoint.address, endpoint.ip_version, address);
    if (!endpoint.has_port)
        text_append(text, address);
    else if (endpoint.ip_version == 6)
        text_appendf(text, "[%s]:%u", address, endpoint.port);
    else
        text_appendf(text, "%s:%u", address, endpoint.port);
}

static void put_source(const struct prose_facts *facts, struct text *text)
{
    put_endpoint(source_of(facts), text);
}

static void put_destination(const struct prose_facts *facts, struct text *text)
{
    put_endpoint(destination_of(facts), text);
}

static void put_kind(struct endpoint endpoint, struct text *text)
{
    const char *kind = address_kind_name(address_kind(endpoint.address, endpoint.ip_version));
    const bool needs_an = kind[0] != '\0' && strchr("aeiou", kind[0]) != NULL;
    text_appendf(text, "%s %s address", needs_an ? "an" : "a", kind);
}

static void put_source_kind(const struct prose_facts *facts, struct text *text)
{
    put_kind(source_of(facts), text);
}

static void put_destination_kind(const struct prose_facts *facts, struct text *text)
{
    put_kind(destination_of(facts), text);
}

static void put_embedded_ipv4(struct endpoint endpoint, struct text *text)
{
    char inside[ADDRESS_TEXT_SIZE];
    uint8_t ipv4[16];
    if (address_embedded_ipv4(endpoint.address, endpoint.ip_version, ipv4))
        text_append(text, address_text(ipv4, 4, inside));
}

static void put_source_ipv4(const struct prose_facts *facts, struct text *text)
{
    put_embedded_ipv4(source_of(facts), text);
}

static void put_destination_ipv4(const struct prose_facts *facts, struct text *text)
{
    put_embedded_ipv4(destination_of(facts), text);
}

/* The service, from the ports alone. */

struct port_use {
    const struct service *service; /* NULL: nothing is known of either port */
    bool is_destination;
};

/* An assigned port before a customary one, the destination's before the source's. */
static struct port_use use_of_ports(const struct prose_facts *facts)
{
    const struct flow_record *flow = prose_flow(facts);
    const struct service *to = service_find(flow->protocol, flow->destination_port);
    const struct service *from = service_find(flow->protocol, flow->source_port);
    const bool prefers_source =
        from != NULL && (to == NULL || (from->is_assigned && !to->is_assigned));
    if (prefers_source)
        return (struct port_use){from, false};
    return (struct port_use){to, to != NULL};
}

static void put_port_use(uint8_t protocol, uint16_t port, struct text *text)
{
    const struct service *service = service_find(protocol, port);
    text_appendf(text, "port %u, ", port);
    if (service == NULL)
        text_append(text, port >= CLIENT_PORT_MIN ? "as clients choose theirs"
                                                  : "of no service known here");
    else if (service->is_assigned)
        text_appendf(text, "assigned to %s", service->name);
    else
        text_appendf(text, "not assigned, by custom %s", service->name);
}

static void put_source_port(const struct prose_facts *facts, struct text *text)
{
    put_port_use(prose_flow(facts)->protocol, prose_flow(facts)->source_port, text);
}

static void put_destination_port(const struct prose_facts *facts, struct text *text)
{
    put_port_use(prose_flow(facts)->protocol, prose_flow(facts)->destination_port, text);
}

/* The port that is by custom somebody's. */
static void put_custom_port(const struct prose_facts *facts, struct text *text)
{
    const struct port_use use = use_of_ports(facts);
    if (use.service != NULL)
        text_appendf(text, "Port %u is not assigned; by custom it is %s's", use.service->port,
                     use.service->name);
}

static void put_ip_version(const struct prose_facts *facts, struct text *text)
{
    text_appendf(text, "IPv%u", prose_flow(facts)->ip_version);
}

/* In a text that has named both endpoints: a note in brackets. */
static void put_service_note(const struct prose_facts *facts, struct text *text)
{
    const struct port_use use = use_of_ports(facts);
    if (!facts->tells_service || use.service == NULL)
        return;
    if (use.service->is_assigned)
        text_appendf(text, " (port %u is assigned to %s)", use.service->port, use.service->name);
    else
        text_appendf(text, " (port %u is not assigned; by custom %s)", use.service->port,
                     use.service->name);
}

static void put_service(const struct prose_facts *facts, struct text *text)
{
    const struct flow_record *flow = prose_flow(facts);
    const struct port_use use = use_of_ports(facts);
    if (protocol_is_icmp(flow->protocol)) {
        text_appendf(text, " of type %u, code %u", flow->icmp_type, flow->icmp_code);
    } else if (protocol_has_ports(flow->protocol) && use.service == NULL) {
        text_appendf(text, " from port %u to port %u, neither of a service known here",
                     flow->source_port, flow->destination_port);
    } else if (use.service != NULL) {
        text_appendf(text, use.is_destination ? " to port %u" : " from port %u", use.service->port);
        text_append(text,
                    use.service->is_assigned ? " (assigned to " : " (not assigned; by custom ");
        text_append(text, use.service->name);
        text_append_char(text, ')');
    }
}

static const struct prose_field fields[] = {
    {"protocol", put_protocol},
    {"source", put_source},
    {"destination", put_destination},
    {"source_kind", put_source_kind},
    {"destination_kind", put_destination_kind},
    {"source_ipv4", put_source_ipv4},
    {"destination_ipv4", put_destination_ipv4},
    {"service", put_service},
    {"service_note", put_service_note},
    {"source_port", put_source_port},
    {"destination_port", put_destination_port},
    {"custom_port", put_custom_port},
    {"ip_version", put_ip_version},
};

const struct prose_fields prose_fields_ends = {fields, sizeof fields / sizeof fields[0]};
