/* SPDX-License-Identifier: Apache-2.0 */
/* A `flow` or `alert` line: EVE's part of it, in EVE's types. What is under `whyflow` is written
 * by native_whyflow_*.c. Called by the native formatter; no state. */
#include "format/native_flow.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/text.h"
#include "format/community_id.h"
#include "format/native_statistics.h"
#include "format/native_whyflow.h"

#include <string.h>

static const int64_t NS_PER_S = 1000000000;

/* One stable id for each kind of alert; this room's group is whyflow's own, so that the ids meet
 * nobody's rules. Low cardinality: no address and no number in the words. */
enum {
    ALERT_GROUP = 8719,
    ALERT_UNUSUAL_FLOW = 8719001,
    ALERT_BEHAVIOUR = 8719100, /* and the behaviour's number */
    ALERT_REVISION = 1
};
enum { SEVERITY_MEDIUM = 2, SEVERITY_LOW = 3 };
enum { SIGNATURE_SIZE = 64 };

static const double VERY_UNUSUAL_P = 1e-4;

static void write_source(struct json_writer *json, const struct flow_record *flow,
                         const struct format_context *context)
{
    const unsigned index = flow->source_index;
    if (index >= context->source_count || context->source_names[index] == NULL)
        return;
    const bool is_interface = context->source_is_interface != NULL
                                  ? context->source_is_interface[index]
                                  : context->is_live;
    json_text(json, is_interface ? "in_iface" : "pcap_filename", context->source_names[index]);
}

static void write_vlan(struct json_writer *json, const struct flow_record *flow)
{
    if (flow->vlan_count == 0)
        return;
    json_open_array(json, "vlan");
    for (unsigned i = 0; i < flow->vlan_count; i++)
        json_uint(json, NULL, flow->vlan[i]);
    json_close_array(json);
}

static void write_endpoints(struct json_writer *json, const struct flow_record *flow)
{
    char address[ADDRESS_TEXT_SIZE];
    const bool has_ports = protocol_has_ports(flow->protocol);
    json_text(json, "src_ip", address_text(flow->source, flow->ip_version, address));
    if (has_ports)
        json_uint(json, "src_port", flow->source_port);
    json_text(json, "dest_ip", address_text(flow->destination, flow->ip_version, address));
    if (has_ports)
        json_uint(json, "dest_port", flow->destination_port);
    json_uint(json, "ip_v", flow->ip_version);
    if (protocol_is_icmp(flow->protocol)) {
        json_uint(json, "icmp_type", flow->icmp_type);
        json_uint(json, "icmp_code", flow->icmp_code);
    }
}

static void write_protocol(struct json_writer *json, const struct flow_record *flow)
{
    char number[4];
    const char *name = protocol_name(flow->protocol);
    if (name == NULL) {
        struct text text = text_init(number, sizeof number);
        text_append_uint(&text, flow->protocol);
        name = number;
    }
    json_text(json, "proto", name);
}

static void write_community_id(struct json_writer *json, const struct flow_record *flow)
{
    char id[COMMUNITY_ID_SIZE];
    const struct community_id_key key = {
        .source = flow->source,
        .destination = flow->destination,
        .source_port = flow->source_port,
        .destination_port = flow->destination_port,
        .ip_version = flow->ip_version,
        .protocol = flow->protocol,
        .is_one_way = flow->one_way_key,
    };
    community_id(&key, id);
    json_text(json, "community_id", id);
}

/* EVE's flow.state, of three words. A TCP flow met midstream is established: it carried on. */
static const char *eve_state(const struct flow_record *flow)
{
    switch ((enum flow_state)flow->state) {
    case FLOW_STATE_REFUSED:
    case FLOW_STATE_CLOSED:
    case FLOW_STATE_RESET:
        return "closed";
    case FLOW_STATE_ESTABLISHED:
    case FLOW_STATE_MIDSTREAM:
    case FLOW_STATE_ANSWERED:
        return "established";
    case FLOW_STATE_CONTINUED:
        return flow->is_tcp_closed ? "closed" : "established";
    default:
        return "new";
    }
}

/* EVE's flow.reason from the end reason, as DESIGN pairs them. */
static const char *eve_reason(const struct flow_record *flow)
{
    switch ((enum flow_end_reason)flow->end_reason) {
    case FLOW_END_FORCED:
    case FLOW_END_CLOCK_STEP:
        return "shutdown";
    case FLOW_END_RESOURCES:
        return "forced";
    case FLOW_END_TCP_REUSE:
        return "tcp_reuse";
    default:
        return "timeout";
    }
}

static void write_eve_flow(struct json_writer *json, const struct flow_record *flow,
                           bool is_alerted)
{
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    const struct flow_direction *reverse = &flow->direction[FLOW_REVERSE];
    json_open_object(json, "flow");
    json_uint(json, "pkts_toserver", forward->packets);
    json_uint(json, "pkts_toclient", reverse->packets);
    if ((flow->unknown & FLOW_UNKNOWN_FRAME_BYTES) == 0) {
        json_uint(json, "bytes_toserver", forward->frame_bytes);
        json_uint(json, "bytes_toclient", reverse->frame_bytes);
    }
    json_time(json, "start", flow->first_ns);
    json_time(json, "end", flow->last_ns);
    json_int(json, "age", (flow->last_ns - flow->first_ns) / NS_PER_S);
    json_text(json, "state", eve_state(flow));
    json_text(json, "reason", eve_reason(flow));
    json_bool(json, "alerted", is_alerted);
    json_close_object(json);
}

static void write_flags(struct json_writer *json, const char *key, uint8_t flags)
{
    static const char digits[] = "0123456789abcdef";
    const char text[3] = {digits[flags >> 4], digits[flags & 0xf], '\0'};
    json_text(json, key, text);
}

static void write_tcp(struct json_writer *json, const struct flow_record *flow)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } flags[] = {
        {PACKET_TCP_SYN, "syn"}, {PACKET_TCP_FIN, "fin"}, {PACKET_TCP_RST, "rst"},
        {PACKET_TCP_PSH, "psh"}, {PACKET_TCP_ACK, "ack"}, {PACKET_TCP_URG, "urg"},
        {PACKET_TCP_ECE, "ecn"}, {PACKET_TCP_CWR, "cwr"},
    };
    if (flow->protocol != PACKET_PROTOCOL_TCP || (flow->unknown & FLOW_UNKNOWN_TCP_FLAGS) != 0)
        return;
    const uint8_t sent = flow->direction[FLOW_FORWARD].tcp_flags;
    const uint8_t received = flow->direction[FLOW_REVERSE].tcp_flags;
    json_open_object(json, "tcp");
    write_flags(json, "tcp_flags", (uint8_t)(sent | received));
    write_flags(json, "tcp_flags_ts", sent);
    write_flags(json, "tcp_flags_tc", received);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (((sent | received) & flags[i].flag) != 0)
            json_bool(json, flags[i].name, true);
    }
    json_close_object(json);
}

static void write_unusual(struct json_writer *json, const struct verdict *verdict)
{
    json_uint(json, "signature_id", ALERT_UNUSUAL_FLOW);
    json_uint(json, "rev", ALERT_REVISION);
    json_text(json, "signature", "whyflow unusual flow");
    json_text(json, "category", "Unusual network flow");
    json_uint(json, "severity",
              verdict->p_value <= VERY_UNUSUAL_P ? SEVERITY_MEDIUM : SEVERITY_LOW);
}

/* By the first of its ATT&CK tactics; the others have the kind of their first. */
static const char *category_of(const struct behaviour_info *info)
{
    static const struct {
        const char *tactic, *category;
    } categories[] = {
        {"TA0043", "Resembles reconnaissance"},      {"TA0007", "Resembles discovery"},
        {"TA0006", "Resembles credential access"},   {"TA0008", "Resembles lateral movement"},
        {"TA0011", "Resembles command and control"}, {"TA0010", "Resembles exfiltration"},
        {"TA0040", "Resembles denial of service"},
    };
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (strncmp(info->tactics, categories[i].tactic, strlen(categories[i].tactic)) == 0)
            return categories[i].category;
    return "Network use";
}

/* A behaviour without a technique has a benign reading first: it weighs less. */
static void write_behaviour(struct json_writer *json, const struct behaviour_finding *finding)
{
    char signature[SIGNATURE_SIZE];
    const struct behaviour_info *const info = &behaviour_infos[finding->behaviour];
    struct text text = text_init(signature, sizeof signature);
    text_append(&text, "whyflow ");
    text_append(&text, info->label);
    json_uint(json, "signature_id", ALERT_BEHAVIOUR + (uint64_t)finding->behaviour);
    json_uint(json, "rev", ALERT_REVISION);
    json_text(json, "signature", signature);
    json_text(json, "category", category_of(info));
    json_uint(json, "severity", info->techniques[0] != '\0' ? SEVERITY_MEDIUM : SEVERITY_LOW);
    if (info->techniques[0] == '\0')
        return;
    json_open_object(json, "metadata");
    native_write_ids(json, "mitre_technique_id", info->techniques);
    native_write_ids(json, "mitre_tactic_id", info->tactics);
    json_close_object(json);
}

static void write_alert(struct json_writer *json, const struct record_flow_part *part)
{
    json_open_object(json, "alert");
    json_text(json, "action", "allowed");
    json_uint(json, "gid", ALERT_GROUP);
    if (part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR)
        write_behaviour(json, &part->finding);
    else
        write_unusual(json, &part->verdict);
    json_close_object(json);
}

void native_write_flow(struct json_writer *json, const struct record *record,
                       const struct format_context *context, enum native_cut cut)
{
    const struct record_flow_part *part = &record->as.flow.part;
    const struct flow_record *flow = &part->flow;
    const bool is_alert = record->kind == RECORD_ALERT;
    json_time(json, "timestamp", record->timestamp_ns);
    json_uint(json, "flow_id", flow->flow_id);
    if (cut < NATIVE_CUT_SOURCE)
        write_source(json, flow, context);
    json_text(json, "event_type", is_alert ? "alert" : "flow");
    write_vlan(json, flow);
    write_endpoints(json, flow);
    write_protocol(json, flow);
    write_community_id(json, flow);
    json_text(json, "host", context->sensor);
    if (is_alert)
        write_alert(json, part);
    write_eve_flow(json, flow, is_alert || part->verdict.is_flagged);
    write_tcp(json, flow);
    json_open_object(json, "whyflow");
    native_write_identity(json, context);
    native_write_measured(json, part, is_alert);
    native_write_incident(json, &part->incident, is_alert);
    if (is_alert)
        native_write_explanation(json, part, &record->as.flow.explanation, cut);
    else if (part->finding.behaviour != BEHAVIOUR_NONE)
        json_text(json, "behaviour", behaviour_infos[part->finding.behaviour].name);
    if (cut != NATIVE_CUT_NOTHING)
        json_bool(json, "truncated_record", true);
    json_close_object(json);
}
