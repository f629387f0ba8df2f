/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of checked parts. See the header. */
#include "report/flow_filter.h"

#include "report/json_path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_LENGTH_MAX = 45, PORT_MAX = 65535, NANOSECONDS = 1000000000 };

static const struct protocol {
    const char *name, *bpf, *tshark;
} protocols[] = {
    {"TCP", "tcp", "tcp"},
    {"UDP", "udp", "udp"},
    {"SCTP", "sctp", "sctp"},
    {"ICMP", "icmp", "icmp"},
    {"IPv6-ICMP", "icmp6", "icmpv6"},
};

/* One end is [0], the other [1]. */
struct ends {
    const struct protocol *protocol;
    const char *addresses[2];
    unsigned ports[2];
    bool has_ports;
};

static bool is_address(const char *text)
{
    const size_t length = strlen(text);
    return length >= 2 && length <= ADDRESS_LENGTH_MAX &&
           strspn(text, "0123456789abcdefABCDEF.:") == length;
}

static bool read_port(json_t *alert, const char *name, unsigned *port)
{
    json_t *const value = json_object_get(alert, name);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > PORT_MAX)
        return false;
    *port = (unsigned)number;
    return true;
}

static bool read_ends(json_t *alert, struct ends *ends)
{
    const char *const name = json_path_text(alert, "proto");
    *ends = (struct ends){
        .addresses = {json_path_text(alert, "src_ip"), json_path_text(alert, "dest_ip")}};
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (strcmp(protocols[i].name, name) == 0)
            ends->protocol = &protocols[i];
    ends->has_ports = read_port(alert, "src_port", &ends->ports[0]) &&
                      read_port(alert, "dest_port", &ends->ports[1]);
    return ends->protocol != NULL && is_address(ends->addresses[0]) &&
           is_address(ends->addresses[1]);
}

static void put_bpf_way(struct text *text, const struct ends *ends, int from)
{
    char way[FLOW_FILTER_SIZE / 4];
    (void)snprintf(way, sizeof way, "(src host %s and dst host %s", ends->addresses[from],
                   ends->addresses[1 - from]);
    text_append(text, way);
    if (ends->has_ports) {
        (void)snprintf(way, sizeof way, " and src port %u and dst port %u", ends->ports[from],
                       ends->ports[1 - from]);
        text_append(text, way);
    }
    text_append(text, ")");
}

static void put_bpf_flow(struct text *text, const struct ends *ends)
{
    text_append(text, ends->protocol->bpf);
    text_append(text, " and (");
    put_bpf_way(text, ends, 0);
    text_append(text, " or ");
    put_bpf_way(text, ends, 1);
    text_append(text, ")");
}

static bool has_vlan(json_t *alert)
{
    json_t *const vlan = json_object_get(alert, "vlan");
    return json_is_array(vlan) ? json_array_size(vlan) > 0 : json_is_integer(vlan);
}

bool flow_filter_bpf(json_t *alert, struct text *text)
{
    struct ends ends;
    if (!read_ends(alert, &ends) || json_path_at(alert, "whyflow.flow.tunnel") != NULL)
        return false;
    if (!has_vlan(alert)) {
        put_bpf_flow(text, &ends);
        return true;
    }
    text_append(text, "("); /* `vlan` moves where all that follows it looks */
    put_bpf_flow(text, &ends);
    text_append(text, ") or (vlan and ");
    put_bpf_flow(text, &ends);
    text_append(text, ")");
    return true;
}

static void put_tshark_way(struct text *text, const struct ends *ends, int from)
{
    const char *const ip = strchr(ends->addresses[0], ':') != NULL ? "ipv6" : "ip";
    const char *const protocol = ends->protocol->tshark;
    char way[FLOW_FILTER_SIZE / 4];
    (void)snprintf(way, sizeof way, "(%s.src == %s && %s.dst == %s", ip, ends->addresses[from], ip,
                   ends->addresses[1 - from]);
    text_append(text, way);
    if (ends->has_ports) {
        (void)snprintf(way, sizeof way, " && %s.srcport == %u && %s.dstport == %u", protocol,
                       ends->ports[from], protocol, ends->ports[1 - from]);
        text_append(text, way);
    }
    text_append(text, ")");
}

static void put_time(struct text *text, const char *comparison, uint64_t time_ns)
{
    char time[FLOW_FILTER_SIZE / 8];
    (void)snprintf(time, sizeof time, " && frame.time_epoch %s %" PRIu64 ".%09" PRIu64, comparison,
                   time_ns / NANOSECONDS, time_ns % NANOSECONDS);
    text_append(text, time);
}

/* In a shell's single quotes; a name of other than plain characters is not named. */
static void put_file_name(struct text *text, const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (*at < ' ' || *at > '~' || *at == '\'')
            name = "";
    text_append(text, *name != '\0' ? "'" : "FILE");
    text_append(text, name);
    text_append(text, *name != '\0' ? "'" : "");
}

bool flow_filter_tshark(json_t *alert, struct text *text)
{
    struct ends ends;
    if (!read_ends(alert, &ends))
        return false;
    text_append(text, "tshark -r ");
    put_file_name(text, json_path_text(alert, "pcap_filename"));
    text_append(text, " -Y '");
    text_append(text, ends.protocol->tshark);
    text_append(text, " && (");
    put_tshark_way(text, &ends, 0);
    text_append(text, " || ");
    put_tshark_way(text, &ends, 1);
    text_append(text, ")");
    const uint64_t first_ns = json_path_count(alert, "whyflow.flow.first_ns");
    const uint64_t last_ns = json_path_count(alert, "whyflow.flow.last_ns");
    if (first_ns > 0 && last_ns > 0) {
        put_time(text, ">=", first_ns);
        put_time(text, "<=", last_ns);
    }
    text_append(text, "'");
    return !text->is_full;
}
