/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of what a flow carried, and of its surroundings. Constant data and pure functions. */
#include "explain/prose_field.h"

#include "base/address.h"

#include <ctype.h>

/* A time of nanoseconds. */
static void put_time(double time_ns, struct text *text)
{
    quantity_append_time(text, time_ns / 1e3, PROSE_VALUE_DIGITS);
}

/* Volume, time and rate. */

static void put_volume(const struct flow_direction *direction, struct text *text)
{
    quantity_append(text, (double)direction->packets, "packets", PROSE_VALUE_DIGITS);
    text_append(text, " (");
    quantity_append_size(text, (double)direction->ip_bytes, PROSE_VALUE_DIGITS);
    text_append_char(text, ')');
}

static void put_sent(const struct prose_facts *facts, struct text *text)
{
    if (prose_forward(facts)->packets == 0) {
        text_append(text, "nothing sent");
        return;
    }
    put_volume(prose_forward(facts), text);
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
    if (prose_reverse(facts)->packets == 0) {
        text_append(text, "nothing received");
        return;
    }
    put_volume(prose_reverse(facts), text);
    text_append(text, " received");
}

/* Empty for a single packet: it has no duration. */
static void put_in_duration(const struct prose_facts *facts, struct text *text)
{
    if (prose_forward(facts)->packets + prose_reverse(facts)->packets < 2)
        return;
    text_append(text, " in ");
    put_time((double)(prose_flow(facts)->last_ns - prose_flow(facts)->first_ns), text);
}

static void put_bit_rate(const struct prose_facts *facts, struct text *text)
{
    quantity_append_bit_rate(text, facts->part->features.value[FEATURE_BYTE_RATE],
                             PROSE_VALUE_DIGITS);
}

static void put_duration(const struct prose_facts *facts, struct text *text)
{
    put_time((double)(prose_flow(facts)->last_ns - prose_flow(facts)->first_ns), text);
}

static void put_packet_min(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, (double)prose_forward(facts)->packet_bytes.min, PROSE_VALUE_DIGITS);
}

static void put_packet_max(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, (double)prose_forward(facts)->packet_bytes.max, PROSE_VALUE_DIGITS);
}

static void put_mean_packet_back(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_MEAN_PACKET_REV, text);
}

static void put_payload_share(const struct prose_facts *facts, struct text *text)
{
    quantity_append_share(text, facts->part->features.value[FEATURE_PAYLOAD_SHARE],
                          PROSE_VALUE_DIGITS);
}

static void put_ratio(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_BYTES_RATIO, text);
}

static void put_packet_rate(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_PACKET_RATE, text);
}

static void put_mean_packet(const struct prose_facts *facts, struct text *text)
{
    quantity_append_size(text, facts->part->observed.mean_packet_bytes, PROSE_VALUE_DIGITS);
}

static void put_gap_mean(const struct prose_facts *facts, struct text *text)
{
    put_time(prose_forward(facts)->gap_ns.mean, text);
}

static void put_gap_deviation(const struct prose_facts *facts, struct text *text)
{
    put_time(prose_forward(facts)->gap_ns.deviation, text);
}

static void put_gap_mean_back(const struct prose_facts *facts, struct text *text)
{
    put_time(prose_reverse(facts)->gap_ns.mean, text);
}

static void put_gap_min(const struct prose_facts *facts, struct text *text)
{
    put_time((double)prose_forward(facts)->gap_ns.min, text);
}

static void put_gap_max(const struct prose_facts *facts, struct text *text)
{
    put_time((double)prose_forward(facts)->gap_ns.max, text);
}

static void put_longest_gap(const struct prose_facts *facts, struct text *text)
{
    put_time((double)prose_flow(facts)->longest_gap_ns, text);
}

static void put_handshake(const struct prose_facts *facts, struct text *text)
{
    put_time((double)prose_flow(facts)->handshake_rtt_ns, text);
}

/* Tunnels, copies, fragments and what TCP says of itself. */

static void put_tunnels(const struct prose_facts *facts, struct text *text)
{
    const struct flow_record *flow = prose_flow(facts);
    for (unsigned i = flow->tunnel_count; i-- > 0;) {
        text_append(text, packet_tunnel_name((enum packet_tunnel)flow->tunnels[i]));
        text_append(text, i > 0 ? " in " : "");
    }
}

static void put_outer_source(const struct prose_facts *facts, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];
    const struct flow_record *flow = prose_flow(facts);
    text_append(text, address_text(flow->outer_source, flow->outer_ip_version, address));
}

static void put_outer_target(const struct prose_facts *facts, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];
    const struct flow_record *flow = prose_flow(facts);
    text_append(text, address_text(flow->outer_destination, flow->outer_ip_version, address));
}

static void put_copies(const struct prose_facts *facts, struct text *text)
{
    const uint64_t copies = prose_forward(facts)->duplicates + prose_reverse(facts)->duplicates;
    quantity_append_count(text, copies);
    text_append(text, copies == 1 ? " copy" : " copies");
}

static void put_fragments(const struct prose_facts *facts, struct text *text)
{
    quantity_append(text, prose_flow(facts)->fragments, "fragments", PROSE_VALUE_DIGITS);
}

static void put_overlapping(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, prose_flow(facts)->fragments_overlapping);
}

static void put_first_missing(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, prose_flow(facts)->fragments_first_missing);
}

static void put_retransmitted(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, (uint64_t)prose_forward(facts)->retransmitted +
                                    prose_reverse(facts)->retransmitted);
}

static void put_zero_windows(const struct prose_facts *facts, struct text *text)
{
    const uint64_t times =
        (uint64_t)prose_forward(facts)->zero_windows + prose_reverse(facts)->zero_windows;
    quantity_append(text, (double)times, "times", PROSE_VALUE_DIGITS);
}

/* Surroundings. */

static void put_source_flows(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_SRC_FLOWS_WINDOW, text);
}

/* Distinct things are counted exactly below 16, estimated above. */
static void put_distinct(const struct prose_facts *facts, enum feature_id id, struct text *text)
{
    if (facts->part->features.value[id] > 15)
        text_append(text, "about ");
    prose_put_feature(facts, id, text);
}

static void put_source_ports(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_SRC_PORTS_WINDOW, text);
}

static void put_unanswered(const struct prose_facts *facts, struct text *text)
{
    quantity_append_share(text, facts->part->features.value[FEATURE_SRC_UNANSWERED_WINDOW],
                          PROSE_VALUE_DIGITS);
}

static void put_variation(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_INTERVAL_CV, text);
}

static void put_source_peers(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_SRC_PEERS_WINDOW, text);
}

static void put_destination_flows(const struct prose_facts *facts, struct text *text)
{
    prose_put_feature(facts, FEATURE_DST_FLOWS_WINDOW, text);
}

static void put_destination_sources(const struct prose_facts *facts, struct text *text)
{
    put_distinct(facts, FEATURE_DST_SOURCES_WINDOW, text);
}

static const struct prose_field fields[] = {
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
    {"source_ports", put_source_ports},
    {"unanswered", put_unanswered},
    {"variation", put_variation},
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
};

const struct prose_fields prose_fields_flow = {fields, sizeof fields / sizeof fields[0]};
