/* SPDX-License-Identifier: Apache-2.0 */
/* From a line to a flow record, part by part in the order of the formatter (native_flow.c and
 * native_whyflow_facts.c). What can be computed is: a mean is made again from times and counts, as
 * the flow room made it, because the line rounds it. */
#include "intake/flow_line.h"

#include "base/protocol.h"
#include "intake/json_scope.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint64_t FLOW_ID_MAX = (UINT64_C(1) << 51) - 1;

enum { VLAN_MAX = 4095, CAVEATS_MAX = 64 };

/* The number whose name this is, from 1 to `last`; 0: none. */
static unsigned find_name(const char *name, const char *(*name_of)(unsigned), unsigned last)
{
    for (unsigned i = 1; i <= last; i++)
        if (strcmp(name, name_of(i)) == 0)
            return i;
    return 0;
}

static const char *end_reason_name(unsigned number)
{
    return flow_end_reason_name((enum flow_end_reason)number);
}

static const char *basis_name(unsigned number)
{
    return flow_basis_name((enum flow_basis)number);
}

static const char *state_name(unsigned number)
{
    return flow_state_name((enum flow_state)number);
}

static const char *tunnel_name(unsigned number)
{
    return packet_tunnel_name((enum packet_tunnel)number);
}

/* A name of a fixed list; 0 where the key is not there. */
static uint8_t read_name(const struct json_scope *scope, const char *key,
                         const char *(*name_of)(unsigned), unsigned last)
{
    const char *name;
    if (!json_scope_string(scope, key, &name))
        return 0;
    const unsigned number = find_name(name, name_of, last);
    if (number == 0)
        json_scope_fail(scope, key, "is none of the names there are");
    return (uint8_t)number;
}

/* ---- who --------------------------------------------------------------------------------- */

/* 4 or 6; 0: not there, or wrong. */
static uint8_t read_address(const struct json_scope *scope, const char *key, uint8_t address[16])
{
    const char *text;
    if (!json_scope_string(scope, key, &text))
        return 0;
    if (inet_pton(AF_INET, text, address) == 1)
        return 4;
    if (inet_pton(AF_INET6, text, address) == 1)
        return 6;
    json_scope_fail(scope, key, "is not an IP address");
    return 0;
}

static void read_addresses(const struct json_scope *line, struct flow_record *flow)
{
    json_scope_need(line, "src_ip");
    json_scope_need(line, "dest_ip");
    flow->ip_version = read_address(line, "src_ip", flow->source);
    if (read_address(line, "dest_ip", flow->destination) != flow->ip_version)
        json_scope_fail(line, "dest_ip", "is not of the IP version of src_ip");
}

/* EVE's name, or the number as a string. */
static void read_protocol(const struct json_scope *line, struct flow_record *flow)
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

static void read_uint16(const struct json_scope *scope, const char *key, uint16_t *value)
{
    uint64_t number;
    if (json_scope_uint(scope, key, 0, UINT16_MAX, &number))
        *value = (uint16_t)number;
}

static void read_byte(const struct json_scope *scope, const char *key, uint8_t *value)
{
    uint64_t number;
    if (json_scope_uint(scope, key, 0, UINT8_MAX, &number))
        *value = (uint8_t)number;
}

static void read_uint32(const struct json_scope *scope, const char *key, uint32_t *value)
{
    uint64_t number;
    if (json_scope_uint(scope, key, 0, UINT32_MAX, &number))
        *value = (uint32_t)number;
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

static void read_ports(const struct json_scope *line, const struct json_scope *facts,
                       struct flow_record *flow)
{
    if (protocol_has_ports(flow->protocol)) {
        json_scope_need(line, "src_port");
        json_scope_need(line, "dest_port");
        read_uint16(line, "src_port", &flow->source_port);
        read_uint16(line, "dest_port", &flow->destination_port);
        return;
    }
    if (json_scope_has(facts, "key_ports") &&
        json_array_size(json_object_get(facts->object, "key_ports")) != 2)
        json_scope_fail(facts, "key_ports", "is not an array of two");
    json_scope_array(facts, "key_ports", 2, take_key_port, flow);
    if (protocol_is_icmp(flow->protocol)) {
        read_byte(line, "icmp_type", &flow->icmp_type);
        read_byte(line, "icmp_code", &flow->icmp_code);
    }
}

static bool take_vlan(void *context, size_t index, const json_t *entry)
{
    struct flow_record *const flow = context;
    const json_int_t tag = json_integer_value(entry);
    if (!json_is_integer(entry) || tag < 0 || tag > VLAN_MAX)
        return false;
    flow->vlan[index] = (uint16_t)tag;
    flow->vlan_count = (uint8_t)(index + 1);
    return true;
}

static void read_source(const struct json_scope *line, struct flow_line *result)
{
    const char *name = NULL;
    result->is_interface = json_scope_string(line, "in_iface", &name);
    if (!result->is_interface && !json_scope_string(line, "pcap_filename", &name))
        return;
    const size_t size = strlen(name) + 1;
    if (size > sizeof result->source) {
        json_scope_fail(line, result->is_interface ? "in_iface" : "pcap_filename", "is too long");
        return;
    }
    memcpy(result->source, name, size);
    result->has_source = true;
}

/* ---- how much ----------------------------------------------------------------------------- */

static void read_count(const struct json_scope *scope, const char *key, uint64_t *value)
{
    json_scope_uint(scope, key, 0, FLOW_LINE_COUNT_MAX, value);
}

static void read_packet_bytes(const struct json_scope *way, struct flow_direction *direction)
{
    const struct json_scope scope = json_scope_object(way, "packet_bytes", "packet_bytes");
    struct flow_distribution *const bytes = &direction->packet_bytes;
    uint64_t least = 0, most = 0;
    if (scope.object == NULL)
        return;
    *bytes = (struct flow_distribution){
        .count = direction->packets,
        .mean = (double)direction->ip_bytes / (double)direction->packets,
        .is_whole = true,
    };
    json_scope_need(&scope, "min");
    json_scope_need(&scope, "max");
    read_count(&scope, "min", &least);
    read_count(&scope, "max", &most);
    bytes->min = (int64_t)least;
    bytes->max = (int64_t)most;
    if (least > most)
        json_scope_fail(&scope, "max", "is less than min");
    if (bytes->count > 1) {
        json_scope_need(&scope, "deviation");
        json_scope_amount(&scope, "deviation", &bytes->deviation);
    }
}

/* Without min and max: late packets split gaps, only the mean is known. */
static void read_gaps(const struct json_scope *way, struct flow_direction *direction)
{
    const struct json_scope scope = json_scope_object(way, "gap_us", "gap_us");
    struct flow_distribution *const gaps = &direction->gap_ns;
    int64_t deviation_ns = 0;
    if (scope.object == NULL)
        return;
    *gaps = (struct flow_distribution){
        .count = direction->packets - 1,
        .mean =
            (double)(direction->last_ns - direction->first_ns) / (double)(direction->packets - 1),
        .is_whole = json_scope_has(&scope, "min"),
    };
    if (!gaps->is_whole)
        return;
    json_scope_need(&scope, "max");
    json_scope_us(&scope, "min", &gaps->min);
    json_scope_us(&scope, "max", &gaps->max);
    if (gaps->min > gaps->max)
        json_scope_fail(&scope, "max", "is less than min");
    if (gaps->count > 1) {
        json_scope_need(&scope, "deviation");
        json_scope_us(&scope, "deviation", &deviation_ns);
        gaps->deviation = (double)deviation_ns;
    }
}

/* First and last time are left out where they are the flow's. */
static void read_way_times(const struct json_scope *way, const struct flow_record *flow,
                           struct flow_direction *direction)
{
    direction->first_ns = flow->first_ns;
    direction->last_ns = flow->last_ns;
    json_scope_time_ns(way, "first_ns", &direction->first_ns);
    json_scope_time_ns(way, "last_ns", &direction->last_ns);
    if (direction->first_ns < flow->first_ns || direction->first_ns > direction->last_ns)
        json_scope_fail(way, "first_ns", "is not within the flow, or after last_ns");
    if (direction->last_ns > flow->last_ns)
        json_scope_fail(way, "last_ns", "is after the flow's");
}

static void read_way_counts(const struct json_scope *way, struct flow_direction *direction)
{
    json_scope_need(way, "packets");
    json_scope_need(way, "ip_bytes");
    read_count(way, "packets", &direction->packets);
    read_count(way, "ip_bytes", &direction->ip_bytes);
    read_count(way, "payload_bytes", &direction->payload_bytes);
    read_count(way, "duplicates", &direction->duplicates);
    read_uint32(way, "retransmitted", &direction->retransmitted);
    read_uint32(way, "out_of_order", &direction->out_of_order);
    read_uint32(way, "zero_windows", &direction->zero_windows);
    if (direction->packets == 0 && direction->ip_bytes > 0)
        json_scope_fail(way, "ip_bytes", "is more than 0 without a packet");
    if (direction->payload_bytes > direction->ip_bytes)
        json_scope_fail(way, "payload_bytes", "is more than ip_bytes");
}

static void read_ttl(const struct json_scope *way, struct flow_direction *direction)
{
    if (!json_scope_has(way, "ttl_min") && !json_scope_has(way, "ttl_max"))
        return;
    json_scope_need(way, "ttl_min");
    json_scope_need(way, "ttl_max");
    read_byte(way, "ttl_min", &direction->ttl_min);
    read_byte(way, "ttl_max", &direction->ttl_max);
    if (direction->ttl_min > direction->ttl_max)
        json_scope_fail(way, "ttl_max", "is less than ttl_min");
}

static void read_way(const struct json_scope *way, struct flow_record *flow, int index)
{
    struct flow_direction *const direction = &flow->direction[index];
    read_way_counts(way, direction);
    if (direction->packets == 0)
        return;
    read_way_times(way, flow, direction);
    read_packet_bytes(way, direction);
    if (direction->packets > 1)
        read_gaps(way, direction);
    read_ttl(way, direction);
}

/* What is unknown: a key that every direction with so many packets would have, and none has. */
static void judge_unknown(const struct json_scope ways[2], struct flow_record *flow)
{
    static const struct {
        const char *key;
        uint64_t packets; /* from so many on a direction has it */
        uint16_t unknown;
    } keys[] = {
        {"payload_bytes", 0, FLOW_UNKNOWN_PAYLOAD},
        {"packet_bytes", 1, FLOW_UNKNOWN_PACKET_BYTES},
        {"gap_us", 2, FLOW_UNKNOWN_GAPS},
        {"ttl_min", 1, FLOW_UNKNOWN_TTL},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        unsigned wanted = 0, found = 0;
        for (unsigned way = 0; way < 2; way++) {
            if (flow->direction[way].packets < keys[i].packets)
                continue;
            wanted++;
            found += json_scope_has(&ways[way], keys[i].key);
        }
        if (found < wanted)
            flow->unknown |= keys[i].unknown;
        if (found > 0 && found < wanted)
            json_scope_fail(&ways[json_scope_has(&ways[0], keys[i].key)], keys[i].key,
                            "is known of the other direction only");
    }
}

/* A flow without any packet is one that its meter noticed and did not count: Zeek has such. */
static void read_ways(const struct json_scope *facts, struct flow_record *flow)
{
    const struct json_scope ways[2] = {
        json_scope_object(facts, "fwd", "whyflow.flow.fwd"),
        json_scope_object(facts, "rev", "whyflow.flow.rev"),
    };
    for (int way = 0; way < 2; way++)
        read_way(&ways[way], flow, way);
    judge_unknown(ways, flow);
}

static void read_frame_bytes(const struct json_scope *line, struct flow_record *flow)
{
    const struct json_scope eve = json_scope_object(line, "flow", "flow");
    if (!json_scope_has(&eve, "bytes_toserver") && !json_scope_has(&eve, "bytes_toclient")) {
        flow->unknown |= FLOW_UNKNOWN_FRAME_BYTES;
        return;
    }
    json_scope_need(&eve, "bytes_toserver");
    json_scope_need(&eve, "bytes_toclient");
    read_count(&eve, "bytes_toserver", &flow->direction[FLOW_FORWARD].frame_bytes);
    read_count(&eve, "bytes_toclient", &flow->direction[FLOW_REVERSE].frame_bytes);
}

/* Two hexadecimal digits. */
static void read_flags(const struct json_scope *tcp, const char *key, uint8_t *flags)
{
    static const char digits[] = "0123456789abcdef";
    const char *text;
    json_scope_need(tcp, key);
    if (!json_scope_string(tcp, key, &text))
        return;
    if (strlen(text) != 2 || strspn(text, digits) != 2) {
        json_scope_fail(tcp, key, "is not two hexadecimal digits");
        return;
    }
    const long high = strchr(digits, text[0]) - digits;
    const long low = strchr(digits, text[1]) - digits;
    *flags = (uint8_t)(high << 4 | low);
}

static void read_tcp(const struct json_scope *line, struct flow_record *flow)
{
    if (flow->protocol != PACKET_PROTOCOL_TCP)
        return;
    const struct json_scope tcp = json_scope_object(line, "tcp", "tcp");
    if (tcp.object == NULL) {
        flow->unknown |= FLOW_UNKNOWN_TCP_FLAGS;
        return;
    }
    read_flags(&tcp, "tcp_flags_ts", &flow->direction[FLOW_FORWARD].tcp_flags);
    read_flags(&tcp, "tcp_flags_tc", &flow->direction[FLOW_REVERSE].tcp_flags);
}

/* ---- what happened ------------------------------------------------------------------------ */

static void read_times(const struct json_scope *facts, struct flow_record *flow)
{
    static const char *const needed[] = {"first_ns", "last_ns", "notice_ns"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        json_scope_need(facts, needed[i]);
    json_scope_time_ns(facts, "first_ns", &flow->first_ns);
    json_scope_time_ns(facts, "last_ns", &flow->last_ns);
    json_scope_time_ns(facts, "notice_ns", &flow->notice_ns);
    if (flow->first_ns > flow->last_ns)
        json_scope_fail(facts, "last_ns", "is before first_ns");
}

/* Where the line has no longest gap, it cannot be told, unless there is none. */
static void read_silences(const struct json_scope *facts, struct flow_record *flow)
{
    const uint64_t packets =
        flow->direction[FLOW_FORWARD].packets + flow->direction[FLOW_REVERSE].packets;
    flow->longest_gap_ns = packets > 1 ? -1 : 0;
    if (packets > 1)
        json_scope_us(facts, "longest_gap_us", &flow->longest_gap_ns);
    flow->has_handshake_rtt = json_scope_us(facts, "handshake_rtt_us", &flow->handshake_rtt_ns);
}

static bool is_history(const char *text)
{
    for (const char *letter = text; *letter != '\0'; letter++)
        if (!((*letter >= 'A' && *letter <= 'Z') || (*letter >= 'a' && *letter <= 'z') ||
              *letter == '^'))
            return false;
    return strlen(text) < FLOW_HISTORY_MAX;
}

static void read_history(const struct json_scope *facts, struct flow_record *flow)
{
    const char *text;
    if (!json_scope_string(facts, "history", &text))
        return;
    if (is_history(text))
        memcpy(flow->history, text, strlen(text));
    else
        json_scope_fail(facts, "history", "is not at most 23 letters");
}

static bool take_tunnel(void *context, size_t index, const json_t *entry)
{
    struct flow_record *const flow = context;
    if (!json_is_string(entry))
        return false;
    const unsigned kind = find_name(json_string_value(entry), tunnel_name, PACKET_TUNNEL_COUNT - 1);
    flow->tunnels[index] = (uint8_t)kind;
    flow->tunnel_count = (uint8_t)(index + 1);
    return kind != 0;
}

static void read_tunnel(const struct json_scope *facts, struct flow_record *flow)
{
    const struct json_scope tunnel = json_scope_object(facts, "tunnel", "whyflow.flow.tunnel");
    if (tunnel.object == NULL)
        return;
    json_scope_need(&tunnel, "kinds");
    json_scope_array(&tunnel, "kinds", PACKET_TUNNELS_MAX, take_tunnel, flow);
    flow->outer_ip_version = read_address(&tunnel, "src_ip", flow->outer_source);
    if (read_address(&tunnel, "dest_ip", flow->outer_destination) != flow->outer_ip_version)
        json_scope_fail(&tunnel, "dest_ip", "is not of the IP version of src_ip");
}

static void read_fragments(const struct json_scope *facts, struct flow_record *flow)
{
    const struct json_scope scope = json_scope_object(facts, "fragments", "whyflow.flow.fragments");
    read_uint32(&scope, "count", &flow->fragments);
    read_uint32(&scope, "overlapping", &flow->fragments_overlapping);
    read_uint32(&scope, "first_missing", &flow->fragments_first_missing);
    if (flow->fragments > 0)
        flow->marks |= FLOW_MARK_FRAGMENTS;
}

/* Caveats that are facts of the flow; the others are told anew. */
static bool take_caveat(void *context, size_t index, const json_t *entry)
{
    static const struct {
        const char *caveat;
        uint16_t mark;
    } marks[] = {
        {"truncated", FLOW_MARK_CUT_PACKETS},
        {"kernel_drops_in_window", FLOW_MARK_KERNEL_DROPS},
        {"coarse_timestamps", FLOW_MARK_COARSE_TIME},
        {"late_packets", FLOW_MARK_LATE_PACKETS},
        {"duplicates", FLOW_MARK_DUPLICATES},
    };
    struct flow_record *const flow = context;
    (void)index;
    if (!json_is_string(entry))
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(json_string_value(entry), marks[i].caveat) == 0)
            flow->marks |= marks[i].mark;
    return true;
}

/* One side alone was seen: of TCP without an answer, an opening, as most of such are. */
static enum flow_state default_state(const struct flow_record *flow)
{
    const bool is_two_way =
        flow->direction[FLOW_FORWARD].packets > 0 && flow->direction[FLOW_REVERSE].packets > 0;
    if (flow->protocol != PACKET_PROTOCOL_TCP)
        return is_two_way ? FLOW_STATE_ANSWERED : FLOW_STATE_ONE_WAY;
    const uint8_t flags = flow->direction[FLOW_FORWARD].tcp_flags;
    const bool is_opening = (flow->unknown & FLOW_UNKNOWN_TCP_FLAGS) != 0 ||
                            (flags & (PACKET_TCP_SYN | PACKET_TCP_ACK)) == PACKET_TCP_SYN;
    if (is_two_way)
        return FLOW_STATE_ESTABLISHED;
    return is_opening && flow->direction[FLOW_FORWARD].packets > 0 ? FLOW_STATE_ATTEMPTED
                                                                   : FLOW_STATE_MIDSTREAM;
}

static void read_names(const struct json_scope *facts, struct flow_record *flow)
{
    const bool is_two_way =
        flow->direction[FLOW_FORWARD].packets > 0 && flow->direction[FLOW_REVERSE].packets > 0;
    flow->end_reason = read_name(facts, "end_reason", end_reason_name, FLOW_END_CLOCK_STEP);
    flow->basis = read_name(facts, "basis", basis_name, FLOW_BASIS_ONLY_SIDE);
    flow->state = read_name(facts, "state", state_name, FLOW_STATE_COUNT - 1);
    if (flow->end_reason == 0)
        flow->end_reason = FLOW_END_IDLE;
    if (flow->basis == 0)
        flow->basis = is_two_way ? FLOW_BASIS_FIRST : FLOW_BASIS_ONLY_SIDE;
    if (flow->state == 0)
        flow->state = (uint8_t)default_state(flow);
}

static void read_facts(const struct json_scope *facts, struct flow_record *flow)
{
    read_uint32(facts, "slice", &flow->slice);
    json_scope_uint(facts, "opening_number", 1, INT64_MAX, &flow->opening_number);
    read_uint32(facts, "epoch", &flow->epoch);
    read_times(facts, flow);
    read_ways(facts, flow);
    read_silences(facts, flow);
    json_scope_bool(facts, "tcp_closed", &flow->is_tcp_closed);
    read_history(facts, flow);
    json_scope_bool(facts, "one_way_key", &flow->one_way_key);
    read_tunnel(facts, flow);
    read_fragments(facts, flow);
}

/* ---- the line ----------------------------------------------------------------------------- */

static void read_whyflow(const struct json_scope *line, struct flow_record *flow)
{
    const char *schema = "";
    const struct json_scope whyflow = json_scope_object(line, "whyflow", "whyflow");
    json_scope_need(line, "whyflow");
    json_scope_need(&whyflow, "schema");
    if (json_scope_string(&whyflow, "schema", &schema) && strcmp(schema, "whyflow/1") != 0)
        json_scope_fail(&whyflow, "schema", "is not whyflow/1");
    const struct json_scope facts = json_scope_object(&whyflow, "flow", "whyflow.flow");
    json_scope_need(&whyflow, "flow");
    read_ports(line, &facts, flow);
    read_facts(&facts, flow);
    json_scope_array(&whyflow, "caveats", CAVEATS_MAX, take_caveat, flow);
    read_frame_bytes(line, flow);
    read_tcp(line, flow);
    read_names(&facts, flow);
}

static void read_flow(const struct json_scope *line, struct flow_line *result)
{
    struct flow_record *const flow = &result->flow;
    json_scope_need(line, "flow_id");
    json_scope_uint(line, "flow_id", 0, FLOW_ID_MAX, &flow->flow_id);
    read_source(line, result);
    json_scope_array(line, "vlan", PACKET_VLAN_MAX, take_vlan, flow);
    read_addresses(line, flow);
    read_protocol(line, flow);
    read_whyflow(line, flow);
}

static bool is_blank(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (strchr(" \t\r\n", bytes[i]) == NULL || bytes[i] == '\0')
            return false;
    return true;
}

static enum flow_line_kind read_line(const json_t *root, const char *wanted,
                                     struct flow_line *result)
{
    struct json_error error = {result->error, sizeof result->error};
    const struct json_scope line = {.object = root, .path = "", .error = &error};
    const char *kind = "";
    if (!json_is_object(root)) {
        json_scope_fail(&line, "line", "is not a JSON object");
        return FLOW_LINE_BAD;
    }
    json_scope_need(&line, "event_type");
    if (json_scope_string(&line, "event_type", &kind) && strcmp(kind, wanted) != 0)
        return FLOW_LINE_OTHER;
    read_flow(&line, result);
    return json_scope_has_failed(&line) ? FLOW_LINE_BAD : FLOW_LINE_FLOW;
}

/* What jansson says may quote the line: bytes that a terminal would obey become '?'. */
static void tell_syntax(const json_error_t *problem, struct flow_line *line)
{
    (void)snprintf(line->error, sizeof line->error, "not JSON: %.*s (at byte %d)", 100,
                   problem->text, problem->position);
    for (char *byte = line->error; *byte != '\0'; byte++)
        if (*byte < ' ' || *byte > '~')
            *byte = '?';
}

static enum flow_line_kind parse(const char *bytes, size_t length, const char *wanted,
                                 struct flow_line *line)
{
    json_error_t problem;
    line->flow = (struct flow_record){.source_index = FLOW_LINE_NO_SOURCE};
    line->has_source = line->is_interface = false;
    line->source[0] = line->error[0] = '\0';
    if (is_blank(bytes, length))
        return FLOW_LINE_OTHER;
    json_t *const root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        tell_syntax(&problem, line);
        return FLOW_LINE_BAD;
    }
    const enum flow_line_kind kind = read_line(root, wanted, line);
    json_decref(root);
    return kind;
}

enum flow_line_kind flow_line_parse(const char *bytes, size_t length, struct flow_line *line)
{
    return parse(bytes, length, "flow", line);
}

enum flow_line_kind flow_line_parse_alert(const char *bytes, size_t length, struct flow_line *line)
{
    return parse(bytes, length, "alert", line);
}
