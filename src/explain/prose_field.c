/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that sentences name: each prints facts of the record by the rules of base/quantity.h.
 * Constant data and pure functions. */
#include "explain/prose.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/quantity.h"
#include "base/service.h"
#include "whyflow/feature.h"

#include <ctype.h>
#include <string.h>

/* Measured values with three digits; what is typical with two, for it is known to one bin. */
enum { VALUE_DIGITS = 3, TYPICAL_DIGITS = 2, CATEGORY_TEXT_SIZE = 64 };

/* Where usual systems begin to choose the port of a client from (Linux; IANA says 49152). */
enum { CLIENT_PORT_MIN = 32768 };

static const double UNUSUAL_P = 1e-3;
static const double VERY_UNUSUAL_P = 1e-4;

static const struct flow_record *flow_of(const struct prose_facts *facts)
{
    return &facts->part->flow;
}

static const struct flow_direction *forward_of(const struct prose_facts *facts)
{
    return &facts->part->flow.direction[FLOW_FORWARD];
}

static const struct flow_direction *reverse_of(const struct prose_facts *facts)
{
    return &facts->part->flow.direction[FLOW_REVERSE];
}

static void put_feature(const struct prose_facts *facts, enum feature_id id, struct text *text)
{
    quantity_append(text, facts->part->features.value[id], feature_infos[id].unit, VALUE_DIGITS);
}

/* A time of nanoseconds. */
static void put_time(double time_ns, struct text *text)
{
    quantity_append_time(text, time_ns / 1e3, VALUE_DIGITS);
}

/* "3.2 bits": one decimal tells enough of a part. */
static void put_bits(int32_t mbits, struct text *text)
{
    text_appendf(text, "%.1f bits", mbits / 1e3);
}

/* Ends of the flow. */

static void put_protocol(const struct prose_facts *facts, struct text *text)
{
    const char *name = protocol_name(flow_of(facts)->protocol);
    if (name != NULL)
        text_append(text, name);
    else
        text_appendf(text, "Protocol %u", flow_of(facts)->protocol);
}

struct endpoint {
    const uint8_t *address;
    uint16_t port;
    uint8_t ip_version;
    bool has_port;
};

static struct endpoint source_of(const struct prose_facts *facts)
{
    const struct flow_record *flow = flow_of(facts);
    return (struct endpoint){flow->source, flow->source_port, flow->ip_version,
                             protocol_has_ports(flow->protocol)};
}

static struct endpoint destination_of(const struct prose_facts *facts)
{
    const struct flow_record *flow = flow_of(facts);
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
    const struct flow_record *flow = flow_of(facts);
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
    put_port_use(flow_of(facts)->protocol, flow_of(facts)->source_port, text);
}

static void put_destination_port(const struct prose_facts *facts, struct text *text)
{
    put_port_use(flow_of(facts)->protocol, flow_of(facts)->destination_port, text);
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
    text_appendf(text, "IPv%u", flow_of(facts)->ip_version);
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
    const struct flow_record *flow = flow_of(facts);
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

/* Volume, time and rate. */

static void put_volume(const struct flow_direction *direction, struct text *text)
{
    quantity_append(text, (double)direction->packets, "packets", VALUE_DIGITS);
    text_append(text, " (");
    quantity_append_size(text, (double)direction->ip_bytes, VALUE_DIGITS);
    text_append_char(text, ')');
}

static void put_sent(const struct prose_facts *facts, struct text *text)
{
    if (forward_of(facts)->packets == 0) {
        text_append(text, "nothing sent");
        return;
    }
    put_volume(forward_of(facts), text);
    text_append(text, " sent");
}

static void put_capital_sent(const struct prose_facts *facts, struct text *text)
{
    const size_t start = text->length;
    put_sent(facts, text);
    text->bytes[start] = (char)toupper((unsigned char)text->bytes[start]);
}

static void put_received(const struct prose_facts *facts, struct text *text)
{
    if (reverse_of(facts)->packets == 0) {
        text_append(text, "nothing received");
        return;
    }
    put_volume(reverse_of(facts), text);
    text_append(text, " received");
}

/* Empty for a single packet: it has no duration. */
static void put_in_duration(const struct prose_facts *facts, struct text *text)
{
    if (forward_of(facts)->packets + reverse_of(facts)->packets < 2)
        return;
    text_append(text, " in ");
    put_time((double)(flow_of(facts)->last_ns - flow_of(facts)->first_ns), text);
}

static void put_bit_rate(const struct prose_facts *facts, struct text *text)
{
    quantity_append_bit_rate(text, facts->part->features.value[FEATURE_BYTE_RATE], VALUE_DIGITS);
}

static void put_duration(const struct prose_facts *facts, struct text *text)
{
    put_time((double)(flow_of(facts)->last_ns - flow_of(facts)->first_ns), text);
}

static void put_packet_min(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, (double)forward_of(facts)->packet_bytes.min, VALUE_DIGITS);
}

static void put_packet_max(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, (double)forward_of(facts)->packet_bytes.max, VALUE_DIGITS);
}

static void put_mean_packet_back(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_MEAN_PACKET_REV, text);
}

static void put_payload_share(const struct prose_facts *facts, struct text *text)
{
    quantity_append_share(text, facts->part->features.value[FEATURE_PAYLOAD_SHARE], VALUE_DIGITS);
}

static void put_ratio(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_BYTES_RATIO, text);
}

static void put_packet_rate(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_PACKET_RATE, text);
}

static void put_mean_packet(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, facts->part->observed.mean_packet_bytes, VALUE_DIGITS);
}

static void put_gap_mean(const struct prose_facts *facts, struct text *text)
{
    put_time(forward_of(facts)->gap_ns.mean, text);
}

static void put_gap_deviation(const struct prose_facts *facts, struct text *text)
{
    put_time(forward_of(facts)->gap_ns.deviation, text);
}

static void put_gap_mean_back(const struct prose_facts *facts, struct text *text)
{
    put_time(reverse_of(facts)->gap_ns.mean, text);
}

static void put_gap_min(const struct prose_facts *facts, struct text *text)
{
    put_time((double)forward_of(facts)->gap_ns.min, text);
}

static void put_gap_max(const struct prose_facts *facts, struct text *text)
{
    put_time((double)forward_of(facts)->gap_ns.max, text);
}

static void put_longest_gap(const struct prose_facts *facts, struct text *text)
{
    put_time((double)flow_of(facts)->longest_gap_ns, text);
}

static void put_handshake(const struct prose_facts *facts, struct text *text)
{
    put_time((double)flow_of(facts)->handshake_rtt_ns, text);
}

/* Tunnels, copies, fragments and what TCP says of itself. */

static void put_tunnels(const struct prose_facts *facts, struct text *text)
{
    const struct flow_record *flow = flow_of(facts);
    for (unsigned i = flow->tunnel_count; i-- > 0;) {
        text_append(text, packet_tunnel_name((enum packet_tunnel)flow->tunnels[i]));
        text_append(text, i > 0 ? " in " : "");
    }
}

static void put_outer_source(const struct prose_facts *facts, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];
    const struct flow_record *flow = flow_of(facts);
    text_append(text, address_text(flow->outer_source, flow->outer_ip_version, address));
}

static void put_outer_target(const struct prose_facts *facts, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];
    const struct flow_record *flow = flow_of(facts);
    text_append(text, address_text(flow->outer_destination, flow->outer_ip_version, address));
}

static void put_copies(const struct prose_facts *facts, struct text *text)
{
    const uint64_t copies = forward_of(facts)->duplicates + reverse_of(facts)->duplicates;
    quantity_append_count(text, copies);
    text_append(text, copies == 1 ? " copy" : " copies");
}

static void put_fragments(const struct prose_facts *facts, struct text *text)
{
    quantity_append(text, flow_of(facts)->fragments, "fragments", VALUE_DIGITS);
}

static void put_overlapping(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, flow_of(facts)->fragments_overlapping);
}

static void put_first_missing(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, flow_of(facts)->fragments_first_missing);
}

static void put_retransmitted(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, (uint64_t)forward_of(facts)->retransmitted +
                                    reverse_of(facts)->retransmitted);
}

static void put_zero_windows(const struct prose_facts *facts, struct text *text)
{
    const uint64_t times =
        (uint64_t)forward_of(facts)->zero_windows + reverse_of(facts)->zero_windows;
    quantity_append(text, (double)times, "times", VALUE_DIGITS);
}

/* Surroundings. */

static void put_source_flows(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_SRC_FLOWS_WINDOW, text);
}

/* Distinct things are counted exactly below 16, estimated above. */
static void put_distinct(const struct prose_facts *facts, enum feature_id id, struct text *text)
{
    if (facts->part->features.value[id] > 15)
        text_append(text, "about ");
    put_feature(facts, id, text);
}

static void put_source_ports(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_SRC_PORTS_WINDOW, text);
}

static void put_unanswered(const struct prose_facts *facts, struct text *text)
{
    quantity_append_share(text, facts->part->features.value[FEATURE_SRC_UNANSWERED_WINDOW],
                          VALUE_DIGITS);
}

static void put_variation(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_INTERVAL_CV, text);
}

static void put_acquaintance(const struct prose_facts *facts, struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const double code = facts->part->features.value[FEATURE_SRC_KNOWS_DST];
    text_append(text,
                feature_category_text(FEATURE_SRC_KNOWS_DST, code, category, sizeof category));
}

static void put_source_peers(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_SRC_PEERS_WINDOW, text);
}

static void put_destination_flows(const struct prose_facts *facts, struct text *text)
{
    put_feature(facts, FEATURE_DST_FLOWS_WINDOW, text);
}

static void put_destination_sources(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_DST_SOURCES_WINDOW, text);
}

/* Comparison. */

static const char *grade_of(const struct prose_facts *facts)
{
    const double p_value = facts->part->verdict.p_value;
    if (p_value <= VERY_UNUSUAL_P)
        return "very unusual";
    return p_value <= UNUSUAL_P ? "unusual" : "somewhat unusual";
}

static void put_grade(const struct prose_facts *facts, struct text *text)
{
    text_append(text, grade_of(facts));
}

static void put_capital_grade(const struct prose_facts *facts, struct text *text)
{
    const char *grade = grade_of(facts);
    text_append_char(text, (char)toupper((unsigned char)grade[0]));
    text_append(text, grade + 1);
}

static void put_compared(const struct prose_facts *facts, struct text *text)
{
    const uint64_t flows = facts->explanation->baseline.flows;
    quantity_append_count(text, flows);
    text_append(text, flows == 1 ? " flow" : " flows");
}

static void put_rank(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, facts->explanation->rank);
}

/* Reasons: the label, the value, and what is typical. */

struct told_reason {
    const struct record_reason *reason;
    const struct feature_info *info;
    enum feature_id id;
    bool is_measured;
};

static struct told_reason tell(const struct prose_facts *facts, uint32_t index)
{
    const struct record_reason *reason = &facts->explanation->reasons[index];
    const enum feature_id id = (enum feature_id)reason->feature;
    return (struct told_reason){
        .reason = reason,
        .info = &feature_infos[id],
        .id = id,
        .is_measured = feature_is_present(&facts->part->features, id),
    };
}

/* The service that the compared flows are of. */
static void put_service_code(const struct prose_facts *facts, struct text *text)
{
    char service[CATEGORY_TEXT_SIZE];
    const double code = facts->part->features.value[FEATURE_SERVICE];
    text_append(text, feature_category_text(FEATURE_SERVICE, code, service, sizeof service));
}

/* "0.21 % of flows", "0.21 % of tcp/443 flows" */
static void put_seen_share(const struct prose_facts *facts, const struct evidence *evidence,
                           struct text *text)
{
    quantity_append_share(text, evidence->share, TYPICAL_DIGITS);
    text_append(text, " of ");
    if (evidence->is_of_service) {
        put_service_code(facts, text);
        text_append_char(text, ' ');
    }
    text_append(text, "flows");
}

/* A category nobody else had: "in no other flow", "in no tcp/443 flow before" */
static void put_unseen(const struct prose_facts *facts, const struct evidence *evidence,
                       struct text *text)
{
    const bool is_whole = facts->explanation->baseline.is_whole_capture;
    if (!evidence->is_of_service) {
        text_append(text, is_whole ? "in no other flow" : "never before");
        return;
    }
    text_append(text, is_whole ? "in no other " : "in no ");
    put_service_code(facts, text);
    text_append(text, is_whole ? " flow" : " flow before");
}

static void put_missing(const struct prose_facts *facts, const struct told_reason *told,
                        struct text *text)
{
    text_appendf(text, "%s not measured", told->info->label);
    if (told->reason->evidence.share <= 0)
        return;
    text_append(text, " (as in ");
    put_seen_share(facts, &told->reason->evidence, text);
    text_append_char(text, ')');
}

static void put_category(const struct prose_facts *facts, const struct told_reason *told,
                         struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const double code = facts->part->features.value[told->id];
    feature_category_text(told->id, code, category, sizeof category);
    text_appendf(text, "%s '%s' (", told->info->label, category);
    if (told->reason->evidence.share <= 0)
        put_unseen(facts, &told->reason->evidence, text);
    else
        put_seen_share(facts, &told->reason->evidence, text);
    text_append_char(text, ')');
}

/* "packets sent 2,044", not "packets sent 2,044 packets"; bytes keep theirs, being scaled. */
static const char *unit_after_label(const struct feature_info *info)
{
    const bool is_named = strstr(info->label, info->unit) != NULL;
    return is_named && strcmp(info->unit, "bytes") != 0 ? "" : info->unit;
}

static void put_amount(const struct told_reason *told, double amount, unsigned digits,
                       struct text *text)
{
    if (strstr(told->info->name, "_share") != NULL)
        quantity_append_share(text, amount, digits);
    else
        quantity_append(text, amount, unit_after_label(told->info), digits);
}

static void put_value(const struct prose_facts *facts, const struct told_reason *told,
                      struct text *text)
{
    text_append(text, told->info->label);
    text_append_char(text, ' ');
    put_amount(told, facts->part->features.value[told->id], VALUE_DIGITS, text);
}

/* Quantiles end where the feature's axis does; only the variation of intervals goes beyond it. */
static void put_typical(const struct told_reason *told, double typical, struct text *text)
{
    put_amount(told, typical, TYPICAL_DIGITS, text);
    if (told->id == FEATURE_INTERVAL_CV && typical >= told->info->high)
        text_append(text, " or more");
}

/* "typical 310 bytes", "typical of tcp/443: 310 bytes" */
static void put_median(const struct prose_facts *facts, const struct told_reason *told,
                       struct text *text)
{
    text_append(text, "typical ");
    if (told->reason->evidence.is_of_service) {
        text_append(text, "of ");
        put_service_code(facts, text);
        text_append(text, ": ");
    }
    put_typical(told, told->reason->evidence.median, text);
}

static void put_reason_briefly(const struct prose_facts *facts, uint32_t index, struct text *text)
{
    const struct told_reason told = tell(facts, index);
    if (!told.is_measured) {
        put_missing(facts, &told, text);
    } else if (told.info->scale == FEATURE_SCALE_CATEGORY) {
        put_category(facts, &told, text);
    } else {
        put_value(facts, &told, text);
        if (!told.reason->evidence.has_quantiles)
            return;
        text_append(text, " (");
        put_median(facts, &told, text);
        text_append_char(text, ')');
    }
}

static void put_reasons(const struct prose_facts *facts, struct text *text)
{
    const struct explanation *explanation = facts->explanation;
    unsigned count = 0;
    while (count < facts->reasons_told &&
           prose_reason_index(explanation, count) < explanation->reason_count)
        count++;
    if (count == 0) {
        text_append(text, "no single feature leads");
        return;
    }
    for (unsigned n = 0; n < count; n++) {
        if (n > 0)
            text_append(text, n + 1 == count ? " and " : ", ");
        put_reason_briefly(facts, prose_reason_index(explanation, n), text);
    }
}

/* With the end of what is usual on the side where the value lies. */
static void put_reason_of(const struct prose_facts *facts, uint32_t index, struct text *text)
{
    const struct told_reason told = tell(facts, index);
    const struct evidence *evidence = &told.reason->evidence;
    const bool is_numeric = told.is_measured && told.info->scale != FEATURE_SCALE_CATEGORY;
    if (!is_numeric || !evidence->has_quantiles) {
        put_reason_briefly(facts, index, text);
        return;
    }
    const bool is_low = evidence->direction == EVIDENCE_LOW;
    put_value(facts, &told, text);
    text_append(text, " (");
    put_median(facts, &told, text);
    text_append(text, is_low ? ", 95 % at least " : ", 95 % at most ");
    put_typical(&told, is_low ? evidence->p05 : evidence->p95, text);
    text_append_char(text, ')');
}

static void put_reason_in_full(const struct prose_facts *facts, unsigned n, struct text *text)
{
    put_reason_of(facts, prose_reason_index(facts->explanation, n), text);
}

static void put_first_reason(const struct prose_facts *facts, struct text *text)
{
    put_reason_in_full(facts, 0, text);
}

/* "Bytes sent 2.82 MB (typical 310 bytes, 95 % at most 26 kB): 5.1 bits." of every reason. */
static void put_all_reasons(const struct prose_facts *facts, struct text *text)
{
    const struct explanation *explanation = facts->explanation;
    for (uint32_t i = 0; i < explanation->reason_count; i++) {
        const size_t start = text->length + (i > 0);
        text_append(text, i > 0 ? " " : "");
        put_reason_of(facts, i, text);
        if (start < text->length)
            text->bytes[start] = (char)toupper((unsigned char)text->bytes[start]);
        text_append(text, ": ");
        put_bits(explanation->reasons[i].contribution_mbits, text);
        text_append_char(text, '.');
    }
}

static void put_score(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->part->verdict.score_mbits, text);
}

static void put_typical_score(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->part->verdict.typical_mbits, text);
}

static void put_benign(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->benign.text);
}

static void put_suspicious(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->suspicious.text);
}

static void put_combination(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->combination_text);
}

static void put_counterfactual(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->counterfactual_text);
}

static void put_behaviour(const struct prose_facts *facts, struct text *text)
{
    text_append(text, behaviour_infos[facts->part->finding.behaviour].label);
}

static void put_evidence_amount(const char *unit, double amount, struct text *text)
{
    if (strcmp(unit, "s") == 0)
        quantity_append_time(text, amount * 1e6, VALUE_DIGITS);
    else if (strcmp(unit, "bytes") == 0)
        quantity_append_size(text, amount, VALUE_DIGITS);
    else
        quantity_append(text, amount, "", VALUE_DIGITS);
}

/* "ports of one host probed in 20 s 49 (at least 10)"; of what is yes or no the label says all. */
static void put_condition(const struct behaviour_evidence *evidence, struct text *text)
{
    const struct behaviour_quantity *const quantity = &behaviour_quantities[evidence->quantity];
    text_append(text, quantity->label);
    if (strcmp(quantity->unit, "yes") == 0)
        return;
    text_append(text, ": ");
    put_evidence_amount(quantity->unit, evidence->value, text);
    text_append(text, evidence->is_most ? " (at most " : " (at least ");
    put_evidence_amount(quantity->unit, evidence->limit, text);
    text_append_char(text, ')');
}

/* A negative yes-or-no ("the source is outside": no) goes without saying. */
static bool is_told(const struct behaviour_evidence *evidence)
{
    return !evidence->is_most || strcmp(behaviour_quantities[evidence->quantity].unit, "yes") != 0;
}

/* Of the conditions worth telling, those from number `first` to before `end`. */
static void put_conditions(const struct prose_facts *facts, unsigned first, unsigned end,
                           struct text *text)
{
    const struct behaviour_finding *const finding = &facts->part->finding;
    unsigned told = 0;
    for (unsigned i = 0; i < finding->evidence_count; i++) {
        if (!is_told(&finding->evidence[i]))
            continue;
        if (told > first && told < end)
            text_append(text, "; ");
        if (told >= first && told < end)
            put_condition(&finding->evidence[i], text);
        told++;
    }
}

/* The first is always told, the others as far as there is room. */
static void put_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, facts->reasons_told > 0 ? facts->reasons_told : 1, text);
}

static void put_all_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, BEHAVIOUR_EVIDENCE_MAX, text);
}

static void put_first_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, 1, text);
}

/* ---- notes ---- */

static void put_service_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.service_mbits, text);
}

static void put_value_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.value_mbits, text);
}

static void put_together_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.together_mbits, text);
}

static void put_combined_flows(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, facts->explanation->combination.service_flows);
    text_append(text, " flows");
}

static void put_combined_service(const struct prose_facts *facts, struct text *text)
{
    put_service_code(facts, text);
}

/* "duration 3.01 s", "direction 'out_to_in'" */
static void put_combined_value(const struct prose_facts *facts, struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const enum feature_id id = (enum feature_id)facts->explanation->combination.feature;
    const struct told_reason told = {.info = &feature_infos[id], .id = id, .is_measured = true};
    const double code = facts->part->features.value[id];
    if (told.info->scale != FEATURE_SCALE_CATEGORY)
        put_value(facts, &told, text);
    else
        text_appendf(text, "%s '%s'", told.info->label,
                     feature_category_text(id, code, category, sizeof category));
}

static void put_feature_value(enum feature_id id, double value, unsigned digits, struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const struct told_reason told = {.info = &feature_infos[id], .id = id, .is_measured = true};
    if (told.info->scale != FEATURE_SCALE_CATEGORY)
        put_amount(&told, value, digits, text);
    else
        text_appendf(text, "'%s'", feature_category_text(id, value, category, sizeof category));
}

/* "Had bytes sent been 310 bytes, not 2.82 MB, and ..." */
static void put_changes(const struct prose_facts *facts, struct text *text)
{
    const struct record_counterfactual *const counterfactual = &facts->explanation->counterfactual;
    text_append(text, "Had ");
    for (uint32_t i = 0; i < counterfactual->change_count; i++) {
        const struct record_change *const change = &counterfactual->changes[i];
        const enum feature_id id = (enum feature_id)change->feature;
        text_append(text, i == 0 ? "" : i + 1 == counterfactual->change_count ? " and " : ", ");
        text_append(text, feature_infos[id].label);
        text_append(text, i == 0 ? " been " : " ");
        put_feature_value(id, change->to, TYPICAL_DIGITS, text);
        if (!change->has_from)
            continue;
        text_append(text, " (not ");
        put_feature_value(id, change->from, VALUE_DIGITS, text);
        text_append_char(text, ')');
    }
}

/* As exact as the record: a score may lie closely below the threshold. */
static void put_score_bits(int32_t mbits, struct text *text)
{
    text_append_milli(text, mbits);
}

static void put_changed_score(const struct prose_facts *facts, struct text *text)
{
    put_score_bits(facts->explanation->counterfactual.score_mbits, text);
    text_append(text, " bits");
}

static void put_threshold(const struct prose_facts *facts, struct text *text)
{
    put_score_bits(facts->explanation->counterfactual.threshold_mbits, text);
}

static const struct prose_field fields[] = {
    {"service_bits", put_service_bits},
    {"value_bits", put_value_bits},
    {"together_bits", put_together_bits},
    {"combined_flows", put_combined_flows},
    {"combined_service", put_combined_service},
    {"combined_value", put_combined_value},
    {"changes", put_changes},
    {"changed_score", put_changed_score},
    {"threshold", put_threshold},
    {"behaviour", put_behaviour},
    {"evidence", put_evidence},
    {"first_evidence", put_first_evidence},
    {"protocol", put_protocol},
    {"source", put_source},
    {"destination", put_destination},
    {"source_kind", put_source_kind},
    {"destination_kind", put_destination_kind},
    {"source_ipv4", put_source_ipv4},
    {"destination_ipv4", put_destination_ipv4},
    {"service", put_service},
    {"service_note", put_service_note},
    {"sent", put_sent},
    {"Sent", put_capital_sent},
    {"received", put_received},
    {"in_duration", put_in_duration},
    {"bit_rate", put_bit_rate},
    {"duration", put_duration},
    {"packet_min", put_packet_min},
    {"packet_max", put_packet_max},
    {"mean_packet_back", put_mean_packet_back},
    {"payload_share", put_payload_share},
    {"ratio", put_ratio},
    {"gap_deviation", put_gap_deviation},
    {"gap_mean_back", put_gap_mean_back},
    {"source_port", put_source_port},
    {"destination_port", put_destination_port},
    {"custom_port", put_custom_port},
    {"ip_version", put_ip_version},
    {"source_ports", put_source_ports},
    {"unanswered", put_unanswered},
    {"variation", put_variation},
    {"acquaintance", put_acquaintance},
    {"all_reasons", put_all_reasons},
    {"score", put_score},
    {"typical_score", put_typical_score},
    {"ordinary_cause", put_benign},
    {"closer_look", put_suspicious},
    {"combination", put_combination},
    {"counterfactual", put_counterfactual},
    {"all_evidence", put_all_evidence},
    {"packet_rate", put_packet_rate},
    {"mean_packet", put_mean_packet},
    {"gap_mean", put_gap_mean},
    {"gap_min", put_gap_min},
    {"gap_max", put_gap_max},
    {"longest_gap", put_longest_gap},
    {"handshake", put_handshake},
    {"tunnels", put_tunnels},
    {"outer_source", put_outer_source},
    {"outer_target", put_outer_target},
    {"copies", put_copies},
    {"fragments", put_fragments},
    {"overlapping", put_overlapping},
    {"first_missing", put_first_missing},
    {"retransmitted", put_retransmitted},
    {"zero_windows", put_zero_windows},
    {"source_flows", put_source_flows},
    {"source_peers", put_source_peers},
    {"destination_flows", put_destination_flows},
    {"destination_sources", put_destination_sources},
    {"grade", put_grade},
    {"Grade", put_capital_grade},
    {"compared", put_compared},
    {"rank", put_rank},
    {"reasons", put_reasons},
    {"first_reason", put_first_reason},
};

const struct prose_field *prose_find_field(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
            return &fields[i];
    }
    return NULL;
}
