/* SPDX-License-Identifier: Apache-2.0 */
/* How much, each way: packets, bytes, sizes, gaps, times, TCP's flags; and which of these are
 * unknown. What can be computed is: a mean is made again from times and counts, as the flow room
 * made it, because the line rounds it. Called by flow_line.c and flow_line_facts.c, on their
 * caller's thread. */
#include "intake/flow_line_inside.h"

#include <string.h>

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
    json_scope_uint32(way, "retransmitted", &direction->retransmitted);
    json_scope_uint32(way, "out_of_order", &direction->out_of_order);
    json_scope_uint32(way, "zero_windows", &direction->zero_windows);
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
    json_scope_uint8(way, "ttl_min", &direction->ttl_min);
    json_scope_uint8(way, "ttl_max", &direction->ttl_max);
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
void flow_line_read_ways(const struct json_scope *facts, struct flow_record *flow)
{
    const struct json_scope ways[2] = {
        json_scope_object(facts, "fwd", "whyflow.flow.fwd"),
        json_scope_object(facts, "rev", "whyflow.flow.rev"),
    };
    for (int way = 0; way < 2; way++)
        read_way(&ways[way], flow, way);
    judge_unknown(ways, flow);
}

void flow_line_read_frame_bytes(const struct json_scope *line, struct flow_record *flow)
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

void flow_line_read_tcp(const struct json_scope *line, struct flow_record *flow)
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
