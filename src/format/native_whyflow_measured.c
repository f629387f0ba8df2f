/* SPDX-License-Identifier: Apache-2.0 */
/* What `flow` and `alert` lines alike have under `whyflow` beside the facts: the eighteen columns,
 * the features, the verdict and its caveats, the incident. Called by native_flow.c, on the emitter
 * thread; no state. */
#include "format/native_whyflow.h"

#include "base/address.h"
#include "base/protocol.h"

enum { CATEGORY_TEXT_SIZE = 64 };

static void write_observed_flow(struct json_writer *json, const struct flow_record *flow)
{
    char address[ADDRESS_TEXT_SIZE];
    const bool has_ports = protocol_has_ports(flow->protocol);
    json_uint(json, "ID", flow->flow_id);
    json_text(json, "IP_SRC_ADDR", address_text(flow->source, flow->ip_version, address));
    json_text(json, "IP_DST_ADDR", address_text(flow->destination, flow->ip_version, address));
    if (has_ports) {
        json_uint(json, "L4_SRC_PORT", flow->source_port);
        json_uint(json, "L4_DST_PORT", flow->destination_port);
    }
    json_uint(json, "PROTOCOL_NUM", flow->protocol);
    json_time_plain(json, "FIRST_SWITCHED", flow->first_ns);
    json_time_plain(json, "LAST_SWITCHED", flow->last_ns);
    json_uint(json, "IN_PKTS", flow->direction[FLOW_FORWARD].packets);
    json_uint(json, "IN_BYTES", flow->direction[FLOW_FORWARD].ip_bytes);
    json_double(json, "FLOW_DURATION_MILLISECONDS", (double)(flow->last_ns - flow->first_ns) / 1e6);
}

/* The sample reports' eighteen columns, their names, their order. */
static void write_observed(struct json_writer *json, const struct record_flow_part *part)
{
    const struct record_observed *observed = &part->observed;
    json_open_object(json, "observed");
    write_observed_flow(json, &part->flow);
    if (observed->has_mean_packet_bytes)
        json_double(json, "avg_in_packet_size", observed->mean_packet_bytes);
    if (observed->has_inter_arrival)
        json_double(json, "inter_arrival_ms", observed->inter_arrival_ms);
    json_uint(json, "dst_flows_in_window", observed->dst_flows_in_window);
    json_double(json, "src_entropy_PROTOCOL", observed->src_protocol_entropy);
    json_uint(json, "src_IN_PKTS_sum", observed->src_packets_sum);
    json_uint(json, "src_flows_in_window", observed->src_flows_in_window);
    json_uint(json, "src_flag_SYN", observed->src_syn_flows);
    json_close_object(json);
}

void native_write_feature_value(struct json_writer *json, const char *key, enum feature_id id,
                                double value)
{
    char text[CATEGORY_TEXT_SIZE];
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        json_text(json, key, feature_category_text(id, value, text, sizeof text));
    else
        json_measure(json, key, value);
}

static void write_features(struct json_writer *json, const struct feature_vector *vector)
{
    json_open_object(json, "features");
    for (int id = 0; id < FEATURE_COUNT; id++) {
        if (feature_is_present(vector, (enum feature_id)id))
            native_write_feature_value(json, feature_infos[id].name, (enum feature_id)id,
                                       vector->value[id]);
    }
    json_close_object(json);
}

static void write_caveats(struct json_writer *json, uint32_t caveats)
{
    json_open_array(json, "caveats");
    for (unsigned bit = 0; bit < RECORD_CAVEAT_COUNT; bit++) {
        if ((caveats >> bit & 1) != 0)
            json_text(json, NULL, record_caveat_name(bit));
    }
    json_close_array(json);
}

static void write_verdict(struct json_writer *json, const struct verdict *verdict)
{
    json_milli(json, "score", verdict->score_mbits);
    json_milli(json, "typical", verdict->typical_mbits);
    json_double(json, "p_value", verdict->p_value);
    json_bool(json, "flagged", verdict->is_flagged);
    if (verdict->is_flagged || verdict->is_notable || verdict->is_suppressed)
        json_text(json, "flagged_by",
                  verdict->flagged_by == FLAGGED_BY_BEHAVIOUR ? "behaviour" : "surprise");
    if (!verdict->is_flagged)
        json_bool(json, "notable", verdict->is_notable);
    if (verdict->is_suppressed)
        json_bool(json, "suppressed", true);
}

void native_write_measured(struct json_writer *json, const struct record_flow_part *part,
                           bool is_alert)
{
    native_write_facts(json, &part->flow, is_alert);
    write_observed(json, part);
    write_features(json, &part->features);
    write_verdict(json, &part->verdict);
    write_caveats(json, part->caveats);
}

/* A flow tells which incident it belongs to and how many it was; an alert, the incident itself. */
void native_write_incident(struct json_writer *json, const struct incident *incident, bool is_alert)
{
    if (incident->id == 0)
        return;
    json_open_object(json, "incident");
    json_uint(json, "id", incident->id);
    json_uint(json, "count", incident->count);
    if (is_alert) {
        json_time(json, "first", incident->first_ns);
        json_time(json, "last", incident->last_ns);
        json_bool(json, "closed", incident->is_closed);
    }
    json_close_object(json);
}
