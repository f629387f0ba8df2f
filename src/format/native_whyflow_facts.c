/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a flow, as `flow` under `whyflow` has them: times, each direction, tunnel,
 * fragments, service. What was not measured is absent, never 0. Called by
 * native_whyflow_measured.c, on the emitter thread; no state. */
#include "format/native_whyflow.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/service.h"

#include <math.h>

/* A mean or deviation to a thousandth of its unit: no stamp tells less than a nanosecond. The
 * features carry them in full. */
static void write_moment(struct json_writer *json, const char *key, double moment, bool is_time)
{
    json_double(json, key, is_time ? round(moment) / 1e3 : round(moment * 1e3) / 1e3);
}

/* Sizes of packets and gaps between them: whole bytes, or nanoseconds shown as microseconds. */
static void write_distribution(struct json_writer *json, const char *key,
                               const struct flow_distribution *distribution, bool is_time)
{
    if (distribution->count == 0)
        return;
    json_open_object(json, key);
    if (!distribution->is_whole) {
        write_moment(json, "mean", distribution->mean, is_time);
        json_close_object(json);
        return;
    }
    if (is_time) {
        json_microseconds(json, "min", distribution->min);
        json_microseconds(json, "max", distribution->max);
    } else {
        json_int(json, "min", distribution->min);
        json_int(json, "max", distribution->max);
    }
    write_moment(json, "mean", distribution->mean, is_time);
    if (distribution->count > 1)
        write_moment(json, "deviation", distribution->deviation, is_time);
    json_close_object(json);
}

/* Counters of what is the exception: left out where nothing was counted. */
static void write_counter(struct json_writer *json, const char *key, uint64_t count)
{
    if (count > 0)
        json_uint(json, key, count);
}

static void write_exceptions(struct json_writer *json, const struct flow_direction *direction)
{
    write_counter(json, "duplicates", direction->duplicates);
    write_counter(json, "retransmitted", direction->retransmitted);
    write_counter(json, "out_of_order", direction->out_of_order);
    write_counter(json, "zero_windows", direction->zero_windows);
}

/* What only scoring a flow line again needs: its place in the order, and when each side was seen,
 * where not as the flow. Alerts have no bytes to spare for it. */
static void write_order(struct json_writer *json, const struct flow_record *flow)
{
    json_uint(json, "opening_number", flow->opening_number);
    write_counter(json, "epoch", flow->epoch);
}

static void write_sight(struct json_writer *json, const struct flow_record *flow,
                        const struct flow_direction *direction)
{
    if (direction->first_ns != flow->first_ns)
        json_int(json, "first_ns", direction->first_ns);
    if (direction->last_ns != flow->last_ns)
        json_int(json, "last_ns", direction->last_ns);
}

static void write_direction(struct json_writer *json, const char *key,
                            const struct flow_record *flow, int index, bool is_alert)
{
    const struct flow_direction *direction = &flow->direction[index];
    json_open_object(json, key);
    json_uint(json, "packets", direction->packets);
    json_uint(json, "ip_bytes", direction->ip_bytes);
    if ((flow->unknown & FLOW_UNKNOWN_PAYLOAD) == 0)
        json_uint(json, "payload_bytes", direction->payload_bytes);
    if (direction->packets > 0) {
        if (!is_alert)
            write_sight(json, flow, direction);
        write_distribution(json, "packet_bytes", &direction->packet_bytes, false);
        write_distribution(json, "gap_us", &direction->gap_ns, true);
        if ((flow->unknown & FLOW_UNKNOWN_TTL) == 0) {
            json_uint(json, "ttl_min", direction->ttl_min);
            json_uint(json, "ttl_max", direction->ttl_max);
        }
    }
    write_exceptions(json, direction);
    json_close_object(json);
}

/* The guessed service: of the better-known port, else of a port with a customary use. */
static void write_service(struct json_writer *json, const struct flow_record *flow)
{
    uint16_t port = service_port(flow->protocol, flow->source_port, flow->destination_port);
    const struct service *service = service_find(flow->protocol, port);
    if (port == 0) {
        port = flow->destination_port;
        service = service_find(flow->protocol, port);
    }
    if (service == NULL) {
        port = flow->source_port;
        service = service_find(flow->protocol, port);
    }
    if (service == NULL)
        return;
    json_open_object(json, "service");
    json_text(json, "name", service->name);
    json_uint(json, "port", port);
    json_bool(json, "assigned", service->is_assigned);
    json_close_object(json);
}

/* What its first packet was carried in, outermost first. Below IP (MPLS, PPPoE) there are no outer
 * addresses. */
static void write_tunnel(struct json_writer *json, const struct flow_record *flow)
{
    char address[ADDRESS_TEXT_SIZE];
    const uint8_t version = flow->outer_ip_version;
    if (flow->tunnel_count == 0)
        return;
    json_open_object(json, "tunnel");
    json_open_array(json, "kinds");
    for (unsigned i = 0; i < flow->tunnel_count; i++)
        json_text(json, NULL, packet_tunnel_name((enum packet_tunnel)flow->tunnels[i]));
    json_close_array(json);
    if (version != 0) {
        json_text(json, "src_ip", address_text(flow->outer_source, version, address));
        json_text(json, "dest_ip", address_text(flow->outer_destination, version, address));
    }
    json_close_object(json);
}

static void write_fragments(struct json_writer *json, const struct flow_record *flow)
{
    if (flow->fragments == 0)
        return;
    json_open_object(json, "fragments");
    json_uint(json, "count", flow->fragments);
    write_counter(json, "overlapping", flow->fragments_overlapping);
    write_counter(json, "first_missing", flow->fragments_first_missing);
    json_close_object(json);
}

static void write_times(struct json_writer *json, const struct flow_record *flow)
{
    const uint64_t packets =
        flow->direction[FLOW_FORWARD].packets + flow->direction[FLOW_REVERSE].packets;
    json_int(json, "first_ns", flow->first_ns);
    json_int(json, "last_ns", flow->last_ns);
    json_int(json, "notice_ns", flow->notice_ns);
    json_microseconds(json, "duration_us", flow->last_ns - flow->first_ns);
    if (packets > 1 && flow->longest_gap_ns >= 0)
        json_microseconds(json, "longest_gap_us", flow->longest_gap_ns);
    if (flow->has_handshake_rtt)
        json_microseconds(json, "handshake_rtt_us", flow->handshake_rtt_ns);
}

/* What the flow's key has in the place of ports, where EVE shows none: of ICMP, type and
 * counterpart or code, as Community ID pairs them, from the initiator's side. */
static void write_key_ports(struct json_writer *json, const struct flow_record *flow)
{
    const bool has_any = flow->source_port != 0 || flow->destination_port != 0;
    if (protocol_has_ports(flow->protocol) || !has_any)
        return;
    json_open_array(json, "key_ports");
    json_uint(json, NULL, flow->source_port);
    json_uint(json, NULL, flow->destination_port);
    json_close_array(json);
}

void native_write_facts(struct json_writer *json, const struct flow_record *flow, bool is_alert)
{
    json_open_object(json, "flow");
    json_text(json, "end_reason", flow_end_reason_name((enum flow_end_reason)flow->end_reason));
    json_uint(json, "slice", flow->slice);
    json_text(json, "basis", flow_basis_name((enum flow_basis)flow->basis));
    json_text(json, "state", flow_state_name((enum flow_state)flow->state));
    if (!is_alert)
        write_order(json, flow);
    write_times(json, flow);
    write_direction(json, "fwd", flow, FLOW_FORWARD, is_alert);
    write_direction(json, "rev", flow, FLOW_REVERSE, is_alert);
    if (flow->is_tcp_closed)
        json_bool(json, "tcp_closed", true);
    if (flow->history[0] != '\0')
        json_text(json, "history", flow->history);
    if (flow->one_way_key)
        json_bool(json, "one_way_key", true);
    write_key_ports(json, flow);
    write_tunnel(json, flow);
    write_fragments(json, flow);
    write_service(json, flow);
    json_close_object(json);
}
