/* SPDX-License-Identifier: Apache-2.0 */
/* From a line to a flow record: where it was seen, and then part by part in the order of the
 * formatter (native_flow.c and native_whyflow_facts.c). Called by flow_reader.c and alert_line.c,
 * on their thread. */
#include "intake/flow_line_inside.h"

#include <stdio.h>
#include <string.h>

static const uint64_t FLOW_ID_MAX = (UINT64_C(1) << 51) - 1;

enum { VLAN_MAX = 4095, CAVEATS_MAX = 64 };

/* ---- where and how it was seen ---- */

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

/* ---- the line ---- */

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
    flow_line_read_ports(line, &facts, flow);
    flow_line_read_facts(&facts, flow);
    json_scope_array(&whyflow, "caveats", CAVEATS_MAX, take_caveat, flow);
    flow_line_read_frame_bytes(line, flow);
    flow_line_read_tcp(line, flow);
    flow_line_read_names(&facts, flow);
}

static void read_flow(const struct json_scope *line, struct flow_line *result)
{
    struct flow_record *const flow = &result->flow;
    json_scope_need(line, "flow_id");
    json_scope_uint(line, "flow_id", 0, FLOW_ID_MAX, &flow->flow_id);
    read_source(line, result);
    json_scope_array(line, "vlan", PACKET_VLAN_MAX, take_vlan, flow);
    flow_line_read_addresses(line, flow);
    flow_line_read_protocol(line, flow);
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
