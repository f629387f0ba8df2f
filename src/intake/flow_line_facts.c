/* SPDX-License-Identifier: Apache-2.0 */
/* What happened: times, state, history, tunnel, fragments. Called by flow_line.c, on its caller's
 * thread. */
#include "intake/flow_line_inside.h"

#include <string.h>

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
    flow->outer_ip_version = json_scope_address(&tunnel, "src_ip", flow->outer_source);
    if (json_scope_address(&tunnel, "dest_ip", flow->outer_destination) != flow->outer_ip_version)
        json_scope_fail(&tunnel, "dest_ip", "is not of the IP version of src_ip");
}

static void read_fragments(const struct json_scope *facts, struct flow_record *flow)
{
    const struct json_scope scope = json_scope_object(facts, "fragments", "whyflow.flow.fragments");
    json_scope_uint32(&scope, "count", &flow->fragments);
    json_scope_uint32(&scope, "overlapping", &flow->fragments_overlapping);
    json_scope_uint32(&scope, "first_missing", &flow->fragments_first_missing);
    if (flow->fragments > 0)
        flow->marks |= FLOW_MARK_FRAGMENTS;
}

void flow_line_read_facts(const struct json_scope *facts, struct flow_record *flow)
{
    json_scope_uint32(facts, "slice", &flow->slice);
    json_scope_uint(facts, "opening_number", 1, INT64_MAX, &flow->opening_number);
    json_scope_uint32(facts, "epoch", &flow->epoch);
    read_times(facts, flow);
    flow_line_read_ways(facts, flow);
    read_silences(facts, flow);
    json_scope_bool(facts, "tcp_closed", &flow->is_tcp_closed);
    read_history(facts, flow);
    json_scope_bool(facts, "one_way_key", &flow->one_way_key);
    read_tunnel(facts, flow);
    read_fragments(facts, flow);
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

void flow_line_read_names(const struct json_scope *facts, struct flow_record *flow)
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
