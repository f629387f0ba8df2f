/* SPDX-License-Identifier: Apache-2.0 */
/* What stands under `whyflow` in a `flow` or `alert` line: RECORD.md's table, key by key. Called by
 * the native formatter; no state. What was not measured is absent, never 0. */
#include "format/native_whyflow.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/service.h"

#include <math.h>
#include <string.h>

enum { CATEGORY_TEXT_SIZE = 64, HASH_TEXT_SIZE = 17, BEHAVIOUR_ID_SIZE = 16 };
enum { REASONS_AFTER_CUT = 3, SUMMARY_LINES_AFTER_CUT = 2 };

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

static void write_facts(struct json_writer *json, const struct flow_record *flow, bool is_alert)
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

static void write_feature_value(struct json_writer *json, const char *key,
                                const struct feature_vector *vector, enum feature_id id)
{
    char text[CATEGORY_TEXT_SIZE];
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        json_text(json, key, feature_category_text(id, vector->value[id], text, sizeof text));
    else
        json_measure(json, key, vector->value[id]);
}

static void write_features(struct json_writer *json, const struct feature_vector *vector)
{
    json_open_object(json, "features");
    for (int id = 0; id < FEATURE_COUNT; id++) {
        if (feature_is_present(vector, (enum feature_id)id))
            write_feature_value(json, feature_infos[id].name, vector, (enum feature_id)id);
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

void native_write_measured(struct json_writer *json, const struct record_flow_part *part,
                           bool is_alert)
{
    write_facts(json, &part->flow, is_alert);
    write_observed(json, part);
    write_features(json, &part->features);
    write_verdict(json, &part->verdict);
    write_caveats(json, part->caveats);
}

static const char *confidence_name(double effective_flows)
{
    if (effective_flows < 500)
        return "low";
    return effective_flows < 5000 ? "medium" : "high";
}

static const char *scope_name(const struct baseline_summary *baseline)
{
    if (baseline->is_whole_capture)
        return "capture";
    return baseline->is_saved ? "saved" : "history";
}

static void write_baseline(struct json_writer *json, const struct baseline_summary *baseline)
{
    json_open_object(json, "baseline");
    json_text(json, "scope", scope_name(baseline));
    json_uint(json, "n", baseline->flows);
    if (baseline->flows > 0)
        json_time(json, "since", baseline->since_ns);
    json_text(json, "confidence", confidence_name(baseline->effective_flows));
    json_close_object(json);
}

/* All that add to the sum, also of features that were missing: missing is a bin of its own. */
static void write_contributions(struct json_writer *json, const struct record_flow_part *part)
{
    json_open_object(json, "contrib");
    for (int id = 0; id < FEATURE_COUNT; id++) {
        const int32_t contribution = part->verdict.contribution_mbits[id];
        if (contribution != 0 || feature_is_present(&part->features, (enum feature_id)id))
            json_milli(json, feature_infos[id].name, contribution);
    }
    json_close_object(json);
}

static const char *direction_name(uint8_t direction)
{
    switch ((enum evidence_direction)direction) {
    case EVIDENCE_HIGH:
        return "high";
    case EVIDENCE_LOW:
        return "low";
    case EVIDENCE_RARE:
        return "rare";
    default:
        return "new";
    }
}

static void write_reason(struct json_writer *json, const struct record_reason *reason,
                         const struct feature_vector *vector)
{
    const enum feature_id id = (enum feature_id)reason->feature;
    const struct evidence *evidence = &reason->evidence;
    json_open_object(json, NULL);
    json_text(json, "feature", feature_infos[id].name);
    json_text(json, "label", feature_infos[id].label);
    if (feature_is_present(vector, id))
        write_feature_value(json, "value", vector, id);
    if (feature_infos[id].scale != FEATURE_SCALE_CATEGORY)
        json_text(json, "unit", feature_infos[id].unit);
    if (evidence->has_quantiles) {
        json_double(json, "typical", evidence->median);
        json_double(json, "p05", evidence->p05);
        json_double(json, "p95", evidence->p95);
    }
    json_uint(json, "n", evidence->count);
    json_text(json, "among", evidence->is_of_service ? "service" : "all");
    json_text(json, "direction", direction_name(evidence->direction));
    json_milli(json, "bits", reason->contribution_mbits);
    json_milli(json, "share", llround(reason->share * 1000));
    if (!evidence->has_quantiles || !feature_is_present(vector, id))
        json_double(json, "seen_share", evidence->share);
    json_close_object(json);
}

static void write_reasons(struct json_writer *json, const struct explanation *explanation,
                          const struct feature_vector *vector, uint32_t count)
{
    json_open_array(json, "reasons");
    for (uint32_t i = 0; i < count; i++)
        write_reason(json, &explanation->reasons[i], vector);
    json_close_array(json);
}

static void write_names(struct json_writer *json, const struct explanation *explanation)
{
    json_open_array(json, "top_features");
    for (uint32_t i = 0; i < explanation->reason_count; i++)
        json_text(json, NULL, feature_infos[explanation->reasons[i].feature].name);
    json_close_array(json);
    json_open_array(json, "most_informative");
    for (uint32_t i = 0; i < explanation->informative_count; i++)
        json_text(json, NULL, feature_infos[explanation->informative[i]].name);
    json_close_array(json);
}

static uint32_t at_most(uint32_t count, uint32_t limit)
{
    return count < limit ? count : limit;
}

void native_write_ids(struct json_writer *json, const char *key, const char *ids)
{
    char id[BEHAVIOUR_ID_SIZE];
    json_open_array(json, key);
    while (*ids != '\0') {
        const size_t length = strcspn(ids, " ");
        struct text text = text_init(id, sizeof id);
        text_append_bytes(&text, ids, length);
        json_text(json, NULL, id);
        ids += length + (ids[length] == ' ');
    }
    json_close_array(json);
}

static void write_condition(struct json_writer *json, const struct behaviour_evidence *evidence,
                            enum native_cut cut)
{
    const struct behaviour_quantity *const quantity = &behaviour_quantities[evidence->quantity];
    json_open_object(json, NULL);
    json_text(json, "quantity", quantity->name);
    if (cut < NATIVE_CUT_NAMES)
        json_text(json, "label", quantity->label);
    json_double(json, "value", round(evidence->value * 1e3) / 1e3);
    json_double(json, evidence->is_most ? "at_most" : "at_least", evidence->limit);
    json_text(json, "unit", quantity->unit);
    json_close_object(json);
}

static void write_evidence(struct json_writer *json, const struct behaviour_finding *finding,
                           enum native_cut cut)
{
    json_open_array(json, "evidence");
    for (unsigned i = 0; i < finding->evidence_count; i++)
        write_condition(json, &finding->evidence[i], cut);
    json_close_array(json);
    json_time(json, "since", finding->since_ns);
}

/* Empty where evidence for a known behaviour is insufficient. */
static void write_resembles(struct json_writer *json, const struct behaviour_finding *finding,
                            enum native_cut cut)
{
    json_open_object(json, "resembles");
    if (finding->behaviour != BEHAVIOUR_NONE) {
        const struct behaviour_info *const info = &behaviour_infos[finding->behaviour];
        json_text(json, "behaviour", info->name);
        if (cut < NATIVE_CUT_BARE) {
            native_write_ids(json, "technique", info->techniques);
            write_evidence(json, finding, cut);
        }
    }
    json_close_object(json);
}

static void write_prose(struct json_writer *json, const struct explanation *explanation,
                        uint32_t summary_count)
{
    json_text(json, "text", explanation->text);
    json_open_array(json, "summary");
    for (uint32_t i = 0; i < summary_count; i++)
        json_text(json, NULL, explanation->summary[i]);
    json_close_array(json);
}

static void write_reading(struct json_writer *json, const char *key,
                          const struct record_reading *reading)
{
    if (reading->text[0] == '\0')
        return;
    json_open_object(json, key);
    json_text(json, "text", reading->text);
    json_open_array(json, "for");
    for (uint32_t i = 0; i < reading->fact_count; i++)
        json_text(json, NULL, reading->facts[i]);
    json_close_array(json);
    json_close_object(json);
}

static void write_readings(struct json_writer *json, const struct explanation *explanation)
{
    if (explanation->benign.text[0] == '\0' && explanation->suspicious.text[0] == '\0')
        return;
    json_open_object(json, "readings");
    write_reading(json, "benign", &explanation->benign);
    write_reading(json, "suspicious", &explanation->suspicious);
    json_close_object(json);
}

static void write_combination(struct json_writer *json, const struct explanation *explanation)
{
    const struct record_combination *const combination = &explanation->combination;
    if (!combination->is_there)
        return;
    json_open_object(json, "combination");
    json_open_array(json, "features");
    json_text(json, NULL, feature_infos[FEATURE_SERVICE].name);
    json_text(json, NULL, feature_infos[combination->feature].name);
    json_close_array(json);
    json_open_array(json, "bits_alone");
    json_milli(json, NULL, combination->service_mbits);
    json_milli(json, NULL, combination->value_mbits);
    json_close_array(json);
    json_milli(json, "bits_together", combination->together_mbits);
    json_uint(json, "n", combination->service_flows);
    json_text(json, "text", explanation->combination_text);
    json_close_object(json);
}

/* A value as the features have it: a category in words. */
static void write_changed_value(struct json_writer *json, const char *key, enum feature_id id,
                                double value)
{
    char text[CATEGORY_TEXT_SIZE];
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        json_text(json, key, feature_category_text(id, value, text, sizeof text));
    else
        json_double(json, key, value);
}

static void write_changes(struct json_writer *json,
                          const struct record_counterfactual *counterfactual)
{
    json_open_array(json, "changes");
    for (uint32_t i = 0; i < counterfactual->change_count; i++) {
        const struct record_change *const change = &counterfactual->changes[i];
        const enum feature_id id = (enum feature_id)change->feature;
        json_open_object(json, NULL);
        json_text(json, "feature", feature_infos[id].name);
        if (change->has_from)
            write_changed_value(json, "from", id, change->from);
        write_changed_value(json, "to", id, change->to);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_moved_value(struct json_writer *json, enum feature_id id, double value)
{
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        write_changed_value(json, feature_infos[id].name, id, value);
    else
        json_measure(json, feature_infos[id].name, value);
}

/* What moved along, and to where, as exactly as features are told: all that is needed to score it
 * again. */
static void write_moved(struct json_writer *json,
                        const struct record_counterfactual *counterfactual)
{
    json_open_object(json, "moved");
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if ((counterfactual->moved >> j & 1) == 0)
            continue;
        if ((counterfactual->moved_away >> j & 1) != 0)
            json_nothing(json, feature_infos[j].name);
        else
            write_moved_value(json, (enum feature_id)j, counterfactual->moved_to[j]);
    }
    json_close_object(json);
}

static void write_counterfactual(struct json_writer *json, const struct explanation *explanation)
{
    const struct record_counterfactual *const counterfactual = &explanation->counterfactual;
    if (counterfactual->kind == RECORD_COUNTERFACTUAL_ABSENT)
        return;
    json_open_object(json, "counterfactual");
    if (counterfactual->kind == RECORD_COUNTERFACTUAL_NONE) {
        json_bool(json, "none", true);
    } else {
        write_changes(json, counterfactual);
        write_moved(json, counterfactual);
        json_milli(json, "score", counterfactual->score_mbits);
        json_milli(json, "threshold", counterfactual->threshold_mbits);
    }
    json_text(json, "text", explanation->counterfactual_text);
    json_close_object(json);
}

static void write_model(struct json_writer *json, uint64_t settings_hash)
{
    char hash[HASH_TEXT_SIZE];
    struct text text = text_init(hash, sizeof hash);
    text_appendf(&text, "%016llx", (unsigned long long)settings_hash);
    json_open_object(json, "model");
    json_text(json, "name", "additive-surprise");
    json_text(json, "version", "1");
    json_text(json, "settings", hash);
    json_close_object(json);
}

/* How many reasons and lines of the summary are left after a cut. */
static uint32_t reasons_left(enum native_cut cut)
{
    if (cut >= NATIVE_CUT_ALL_BUT_ONE)
        return cut >= NATIVE_CUT_BARE ? 0 : 1;
    return cut >= NATIVE_CUT_REASONS ? REASONS_AFTER_CUT : RECORD_REASONS_MAX;
}

static uint32_t lines_left(enum native_cut cut)
{
    if (cut >= NATIVE_CUT_PROSE)
        return 0;
    return cut >= NATIVE_CUT_SUMMARY ? SUMMARY_LINES_AFTER_CUT : RECORD_SUMMARY_LINES_MAX;
}

void native_write_explanation(struct json_writer *json, const struct record_flow_part *part,
                              const struct explanation *explanation, enum native_cut cut)
{
    if (part->verdict.has_threshold)
        json_milli(json, "threshold", part->verdict.threshold_mbits);
    json_uint(json, "rank", explanation->rank);
    if (cut < NATIVE_CUT_BARE)
        write_baseline(json, &explanation->baseline);
    write_contributions(json, part);
    write_reasons(json, explanation, &part->features,
                  at_most(explanation->reason_count, reasons_left(cut)));
    if (cut < NATIVE_CUT_NAMES)
        write_names(json, explanation);
    write_resembles(json, &part->finding, cut);
    write_prose(json, explanation, at_most(explanation->summary_count, lines_left(cut)));
    if (!explanation->stands_out)
        json_bool(json, "stands_out", false);
    if (cut < NATIVE_CUT_READINGS)
        write_readings(json, explanation);
    if (cut < NATIVE_CUT_COMBINATION)
        write_combination(json, explanation);
    if (cut < NATIVE_CUT_COUNTERFACTUAL)
        write_counterfactual(json, explanation);
    write_model(json, explanation->settings_hash);
}
