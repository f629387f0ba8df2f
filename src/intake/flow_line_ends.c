/* SPDX-License-Identifier: Apache-2.0 */
/* Who: addresses, protocol, ports. Called by flow_line.c, on its caller's thread. */
#include "intake/flow_line_inside.h"

#include "base/protocol.h"

#include <stdio.h>
#include <string.h>

void flow_line_read_addresses(const struct json_scope *line, struct flow_record *flow)
{
    json_scope_need(line, "src_ip");
    json_scope_need(line, "dest_ip");
    flow->ip_version = json_scope_address(line, "src_ip", flow->source);
    if (json_scope_address(line, "dest_ip", flow->destination) != flow->ip_version)
        json_scope_fail(line, "dest_ip", "is not of the IP version of src_ip");
}

/* EVE's name, or the number as a string. */
void flow_line_read_protocol(const struct json_scope *line, struct flow_record *flow)
{
    const char *text;
    json_scope_need(line, "proto");
    if (!json_scope_string(line, "proto", &text))
        return;
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        char digits[4];
        const char *name = protocol_name((uint8_t)number);
        (void)snprintf(digits, sizeof digits, "%u", number);
        if (strcmp(text, digits) != 0 && (name == NULL || strcmp(text, name) != 0))
            continue;
        flow->protocol = (uint8_t)number;
        return;
    }
    json_scope_fail(line, "proto", "is neither a known name nor a number up to 255");
}

static bool take_key_port(void *context, size_t index, const json_t *entry)
{
    struct flow_record *const flow = context;
    const json_int_t port = json_integer_value(entry);
    if (!json_is_integer(entry) || port < 0 || port > UINT16_MAX)
        return false;
    *(index == 0 ? &flow->source_port : &flow->destination_port) = (uint16_t)port;
    return true;
}

void flow_line_read_ports(const struct json_scope *line, const struct json_scope *facts,
                          struct flow_record *flow)
{
    if (protocol_has_ports(flow->protocol)) {
        json_scope_need(line, "src_port");
        json_scope_need(line, "dest_port");
        json_scope_uint16(line, "src_port", &flow->source_port);
        json_scope_uint16(line, "dest_port", &flow->destination_port);
        return;
    }
    if (json_scope_has(facts, "key_ports") &&
        json_array_size(json_object_get(facts->object, "key_ports")) != 2)
        json_scope_fail(facts, "key_ports", "is not an array of two");
    json_scope_array(facts, "key_ports", 2, take_key_port, flow);
    if (protocol_is_icmp(flow->protocol)) {
        json_scope_uint8(line, "icmp_type", &flow->icmp_type);
        json_scope_uint8(line, "icmp_code", &flow->icmp_code);
    }
}
