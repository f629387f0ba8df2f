/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180) for notebooks: one row a flow, the eighteen columns of `observed`, then every
 * feature of the list. What was not measured is an empty field. The emitter thread calls it; no
 * state. */
#include "format/format.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/text.h"
#include "format/utc_time.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CATEGORY_TEXT_SIZE = 64 };

static const char observed_names[] =
    "ID,IP_SRC_ADDR,IP_DST_ADDR,L4_SRC_PORT,L4_DST_PORT,PROTOCOL_NUM,FIRST_SWITCHED,"
    "LAST_SWITCHED,IN_PKTS,IN_BYTES,FLOW_DURATION_MILLISECONDS,avg_in_packet_size,"
    "inter_arrival_ms,dst_flows_in_window,src_entropy_PROTOCOL,src_IN_PKTS_sum,"
    "src_flows_in_window,src_flag_SYN";

static void put_comma(struct text *row)
{
    text_append_char(row, ',');
}

static void put_uint(struct text *row, bool is_measured, uint64_t number)
{
    if (is_measured)
        text_append_uint(row, number);
    put_comma(row);
}

static void put_double(struct text *row, bool is_measured, double number)
{
    if (is_measured && isfinite(number))
        text_append_double(row, number);
    put_comma(row);
}

static void put_time(struct text *row, int64_t time_ns)
{
    utc_time_append(row, time_ns, ' ');
    put_comma(row);
}

/* Quoted only where it must be. */
static void put_string(struct text *row, const char *string)
{
    if (string[strcspn(string, ",\"\r\n")] == '\0') {
        text_append(row, string);
        return;
    }
    text_append_char(row, '"');
    for (; *string != '\0'; string++) {
        if (*string == '"')
            text_append_char(row, '"');
        text_append_char(row, *string);
    }
    text_append_char(row, '"');
}

static void put_flow(struct text *row, const struct flow_record *flow)
{
    char address[ADDRESS_TEXT_SIZE];
    const bool has_ports = protocol_has_ports(flow->protocol);
    put_uint(row, true, flow->flow_id);
    text_append(row, address_text(flow->source, flow->ip_version, address));
    put_comma(row);
    text_append(row, address_text(flow->destination, flow->ip_version, address));
    put_comma(row);
    put_uint(row, has_ports, flow->source_port);
    put_uint(row, has_ports, flow->destination_port);
    put_uint(row, true, flow->protocol);
    put_time(row, flow->first_ns);
    put_time(row, flow->last_ns);
    put_uint(row, true, flow->direction[FLOW_FORWARD].packets);
    put_uint(row, true, flow->direction[FLOW_FORWARD].ip_bytes);
    put_double(row, true, (double)(flow->last_ns - flow->first_ns) / 1e6);
}

static void put_observed(struct text *row, const struct record_observed *observed)
{
    put_double(row, observed->has_mean_packet_bytes, observed->mean_packet_bytes);
    put_double(row, observed->has_inter_arrival, observed->inter_arrival_ms);
    put_uint(row, true, observed->dst_flows_in_window);
    put_double(row, true, observed->src_protocol_entropy);
    put_uint(row, true, observed->src_packets_sum);
    put_uint(row, true, observed->src_flows_in_window);
    text_append_uint(row, observed->src_syn_flows);
}

static void put_feature(struct text *row, const struct feature_vector *vector, enum feature_id id)
{
    char text[CATEGORY_TEXT_SIZE];
    put_comma(row);
    if (!feature_is_present(vector, id))
        return;
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        put_string(row, feature_category_text(id, vector->value[id], text, sizeof text));
    else if (isfinite(vector->value[id]))
        text_append_double(row, vector->value[id]);
}

bool format_csv(const struct record *record, const struct format_context *context, char *line,
                size_t size, size_t *length)
{
    (void)context;
    struct text row = text_init(line, size);
    *length = 0;
    if (record->kind == RECORD_STATISTICS)
        return true;
    const struct record_flow_part *part = &record->as.flow.part;
    put_flow(&row, &part->flow);
    put_observed(&row, &part->observed);
    for (int id = 0; id < FEATURE_COUNT; id++)
        put_feature(&row, &part->features, (enum feature_id)id);
    *length = row.length;
    return !row.is_full;
}

bool format_csv_header(char *line, size_t size, size_t *length)
{
    struct text row = text_init(line, size);
    text_append(&row, observed_names);
    for (int id = 0; id < FEATURE_COUNT; id++) {
        put_comma(&row);
        text_append(&row, feature_infos[id].name);
    }
    *length = row.length;
    return !row.is_full;
}
