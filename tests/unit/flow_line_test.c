/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lines read back: what the formatter wrote comes back whole, what other programs do not
 * know is unknown, and each thing that can be wrong is refused by name. */
#include "intake/flow_line.h"

#include "format/format.h"
#include "tests/support/record_build.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 8192 };

static struct flow_line line;

/* Every fact that a line can have. */
static const char whole[] =
    "{\"flow_id\":77,\"pcap_filename\":\"a.pcap\",\"event_type\":\"flow\",\"vlan\":[5,4095],"
    "\"src_ip\":\"10.0.0.1\",\"src_port\":4000,\"dest_ip\":\"10.0.0.2\",\"dest_port\":80,"
    "\"proto\":\"TCP\",\"flow\":{\"bytes_toserver\":200,\"bytes_toclient\":300},"
    "\"tcp\":{\"tcp_flags_ts\":\"1b\",\"tcp_flags_tc\":\"12\"},"
    "\"whyflow\":{\"schema\":\"whyflow/1\",\"caveats\":[\"truncated\",\"late_packets\"],\"flow\":{"
    "\"end_reason\":\"end_of_flow\",\"slice\":1,\"basis\":\"syn\",\"state\":\"closed\","
    "\"opening_number\":9,\"epoch\":2,\"first_ns\":1000,\"last_ns\":9000,\"notice_ns\":9500,"
    "\"longest_gap_us\":4.5,\"handshake_rtt_us\":3,\"tcp_closed\":true,\"history\":\"ShAF\","
    "\"one_way_key\":false,\"tunnel\":{\"kinds\":[\"gre\",\"vxlan\"],\"src_ip\":\"::1\","
    "\"dest_ip\":\"::2\"},\"fragments\":{\"count\":4,\"overlapping\":1,\"first_missing\":2},"
    "\"fwd\":{\"packets\":3,\"ip_bytes\":150,\"payload_bytes\":30,\"last_ns\":8000,"
    "\"packet_bytes\":{\"min\":40,\"max\":70,\"mean\":50,\"deviation\":17.321},"
    "\"gap_us\":{\"min\":1.5,\"max\":5.5,\"mean\":3.5,\"deviation\":2.828},"
    "\"ttl_min\":63,\"ttl_max\":64,\"duplicates\":1,\"retransmitted\":2,\"out_of_order\":3,"
    "\"zero_windows\":4},"
    "\"rev\":{\"packets\":1,\"ip_bytes\":50,\"payload_bytes\":10,"
    "\"packet_bytes\":{\"min\":50,\"max\":50,\"mean\":50},\"ttl_min\":1,\"ttl_max\":1}}}}";

/* The least that is needed. */
static const char least[] =
    "{\"flow_id\":1,\"event_type\":\"flow\",\"src_ip\":\"10.0.0.1\",\"src_port\":4000,"
    "\"dest_ip\":\"10.0.0.2\",\"dest_port\":80,\"proto\":\"TCP\",\"whyflow\":{"
    "\"schema\":\"whyflow/1\",\"flow\":{\"first_ns\":1000,\"last_ns\":9000,\"notice_ns\":9500,"
    "\"fwd\":{\"packets\":3,\"ip_bytes\":150},\"rev\":{\"packets\":2,\"ip_bytes\":50}}}}";

/* `text` with the first `old` in it replaced. */
static const char *replaced(const char *text, const char *old, const char *new)
{
    static char result[TEXT_SIZE];
    const char *at = strstr(text, old);
    ck_assert_msg(at != NULL, "no %s in the line", old);
    snprintf(result, sizeof result, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return result;
}

static enum flow_line_kind parse(const char *text)
{
    return flow_line_parse(text, strlen(text), &line);
}

static void accept(const char *text)
{
    ck_assert_msg(parse(text) == FLOW_LINE_FLOW, "%s", line.error);
    ck_assert_str_eq(line.error, "");
}

START_TEST(every_fact_of_a_line_is_read)
{
    accept(whole);
    const struct flow_record *flow = &line.flow;
    const struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    ck_assert(line.has_source && !line.is_interface);
    ck_assert_str_eq(line.source, "a.pcap");
    ck_assert_uint_eq(flow->flow_id, 77);
    ck_assert_uint_eq(flow->vlan_count, 2);
    ck_assert_uint_eq(flow->vlan[1], 4095);
    ck_assert_uint_eq(flow->source_port, 4000);
    ck_assert_uint_eq(flow->destination[3], 2);
    ck_assert_uint_eq(flow->ip_version, 4);
    ck_assert_uint_eq(flow->protocol, PACKET_PROTOCOL_TCP);
    ck_assert_uint_eq(flow->unknown, 0);
    ck_assert_uint_eq(flow->marks,
                      FLOW_MARK_CUT_PACKETS | FLOW_MARK_LATE_PACKETS | FLOW_MARK_FRAGMENTS);
    ck_assert_uint_eq(flow->end_reason, FLOW_END_DETECTED);
    ck_assert_uint_eq(flow->state, FLOW_STATE_CLOSED);
    ck_assert_uint_eq(flow->basis, FLOW_BASIS_SYN);
    ck_assert_uint_eq(flow->slice, 1);
    ck_assert_uint_eq(flow->epoch, 2);
    ck_assert_uint_eq(flow->opening_number, 9);
    ck_assert_int_eq(flow->longest_gap_ns, 4500);
    ck_assert(flow->has_handshake_rtt && flow->is_tcp_closed && !flow->one_way_key);
    ck_assert_int_eq(flow->handshake_rtt_ns, 3000);
    ck_assert_str_eq(flow->history, "ShAF");
    ck_assert_uint_eq(flow->tunnel_count, 2);
    ck_assert_uint_eq(flow->tunnels[1], PACKET_TUNNEL_VXLAN);
    ck_assert_uint_eq(flow->outer_ip_version, 6);
    ck_assert_uint_eq(flow->outer_destination[15], 2);
    ck_assert_uint_eq(flow->fragments_first_missing, 2);
    ck_assert_uint_eq(forward->frame_bytes, 200);
    ck_assert_uint_eq(forward->tcp_flags, 0x1b);
    ck_assert_int_eq(forward->first_ns, 1000);
    ck_assert_int_eq(forward->last_ns, 8000);
    ck_assert_uint_eq(forward->gap_ns.count, 2);
    ck_assert_int_eq(forward->gap_ns.max, 5500);
    ck_assert_double_eq(forward->gap_ns.mean, 3500);
    ck_assert_double_eq(forward->gap_ns.deviation, 2828);
    ck_assert_double_eq(forward->packet_bytes.deviation, 17.321);
    ck_assert_uint_eq(forward->zero_windows, 4);
    ck_assert_uint_eq(flow->direction[FLOW_REVERSE].ttl_max, 1);
}
END_TEST

START_TEST(what_a_line_does_not_tell_is_unknown)
{
    accept(least);
    ck_assert_uint_eq(line.flow.unknown, FLOW_UNKNOWN_PAYLOAD | FLOW_UNKNOWN_FRAME_BYTES |
                                             FLOW_UNKNOWN_PACKET_BYTES | FLOW_UNKNOWN_GAPS |
                                             FLOW_UNKNOWN_TTL | FLOW_UNKNOWN_TCP_FLAGS);
    ck_assert_uint_eq(line.flow.direction[0].gap_ns.count, 0);
    ck_assert_int_eq(line.flow.longest_gap_ns, -1);
    ck_assert(!line.flow.has_handshake_rtt && !line.has_source);
    ck_assert_uint_eq(line.flow.opening_number, 0);
    ck_assert_uint_eq(line.flow.end_reason, FLOW_END_IDLE);
    ck_assert_uint_eq(line.flow.basis, FLOW_BASIS_FIRST);
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_ESTABLISHED);
}
END_TEST

START_TEST(state_and_basis_follow_from_the_sides_seen)
{
    const char *const no_answer = "\"rev\":{\"packets\":0,\"ip_bytes\":0}";
    char one_sided[TEXT_SIZE];
    snprintf(one_sided, sizeof one_sided, "%s",
             replaced(least, "\"rev\":{\"packets\":2,\"ip_bytes\":50}", no_answer));
    accept(one_sided);
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_ATTEMPTED);
    ck_assert_uint_eq(line.flow.basis, FLOW_BASIS_ONLY_SIDE);
    accept(replaced(one_sided, "\"proto\":\"TCP\"",
                    "\"proto\":\"TCP\",\"tcp\":{\"tcp_flags_ts\":\"10\",\"tcp_flags_tc\":\"00\"}"));
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_MIDSTREAM);
    accept(replaced(one_sided, "TCP", "17"));
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_ONE_WAY);
    accept(replaced(least, "TCP", "UDP"));
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_ANSWERED);
}
END_TEST

START_TEST(icmp_has_its_pair_in_the_place_of_ports)
{
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%s",
             replaced(least, "\"proto\":\"TCP\"", "\"proto\":\"ICMP\",\"icmp_type\":8"));
    accept(replaced(text, "\"first_ns\"", "\"key_ports\":[8,0],\"first_ns\""));
    ck_assert_uint_eq(line.flow.source_port, 8);
    ck_assert_uint_eq(line.flow.icmp_type, 8);
    ck_assert_uint_eq(line.flow.state, FLOW_STATE_ANSWERED);
}
END_TEST

START_TEST(lines_of_other_kinds_are_told_apart)
{
    ck_assert_int_eq(parse("{\"event_type\":\"stats\"}"), FLOW_LINE_OTHER);
    ck_assert_int_eq(parse("{\"event_type\":\"alert\",\"flow_id\":\"x\"}"), FLOW_LINE_OTHER);
    ck_assert_int_eq(parse(""), FLOW_LINE_OTHER);
    ck_assert_int_eq(parse(" \t\r"), FLOW_LINE_OTHER);
}
END_TEST

static const struct {
    const char *old, *new, *error;
} refusals[] = {
    {"{\"flow_id\":77,", "{\"flow_id\":77,,", "not JSON"},
    {"{\"flow_id\":77,", "{\"flow_id\":77,\"flow_id\":77,", "not JSON: duplicate"},
    {"\"event_type\":\"flow\",", "", "event_type: is missing"},
    {"\"event_type\":\"flow\"", "\"event_type\":5", "event_type: is not a string"},
    {"\"flow_id\":77,", "", "flow_id: is missing"},
    {"\"flow_id\":77", "\"flow_id\":\"77\"", "flow_id: is not a whole number"},
    {"\"flow_id\":77", "\"flow_id\":2251799813685248", "flow_id: is not a whole number"},
    {"\"flow_id\":77", "\"flow_id\":-1", "flow_id: is not a whole number"},
    {"\"flow_id\":77", "\"flow_id\":7.0", "flow_id: is not a whole number"},
    {"\"a.pcap\"", "5", "pcap_filename: is not a string"},
    {"[5,4095]", "[5,4096]", "vlan: holds"},
    {"[5,4095]", "[1,2,3,4,5]", "vlan: is not an array, or too long"},
    {"[5,4095]", "5", "vlan: is not an array"},
    {"\"src_ip\":\"10.0.0.1\",", "", "src_ip: is missing"},
    {"\"src_ip\":\"10.0.0.1\"", "\"src_ip\":\"10.0.0.256\"", "src_ip: is not an IP address"},
    {"\"dest_ip\":\"10.0.0.2\",", "", "dest_ip: is missing"},
    {"\"dest_ip\":\"10.0.0.2\"", "\"dest_ip\":\"::1\"", "dest_ip: is not of the IP version"},
    {"\"proto\":\"TCP\",", "", "proto: is missing"},
    {"\"proto\":\"TCP\"", "\"proto\":\"tcp\"", "proto: is neither"},
    {"\"proto\":\"TCP\"", "\"proto\":\"256\"", "proto: is neither"},
    {"\"proto\":\"TCP\"", "\"proto\":6", "proto: is not a string"},
    {"\"src_port\":4000,", "", "src_port: is missing"},
    {"\"dest_port\":80", "\"dest_port\":65536", "dest_port: is not a whole number"},
    {"\"bytes_toserver\":200,", "", "flow.bytes_toserver: is missing"},
    {"\"bytes_toclient\":300", "\"bytes_toclient\":281474976710656", "flow.bytes_toclient: is not"},
    {"\"tcp_flags_ts\":\"1b\",", "", "tcp.tcp_flags_ts: is missing"},
    {"\"1b\"", "\"1B\"", "tcp.tcp_flags_ts: is not two"},
    {"\"1b\"", "\"1\"", "tcp.tcp_flags_ts: is not two"},
    {"\"tcp\":{", "\"tcp\":5,\"x\":{", "tcp: is not an object"},
    {"\"whyflow\":{", "\"ours\":{", "whyflow: is missing"},
    {"\"schema\":\"whyflow/1\",", "", "whyflow.schema: is missing"},
    {"whyflow/1", "whyflow/2", "whyflow.schema: is not whyflow/1"},
    {"[\"truncated\"", "[5", "whyflow.caveats: holds"},
    {"\"flow\":{\"end", "\"none\":{\"end", "whyflow.flow: is missing"},
    {"end_of_flow", "end", "whyflow.flow.end_reason: is none of the names"},
    {"\"basis\":\"syn\"", "\"basis\":\"\"", "whyflow.flow.basis: is none of the names"},
    {"\"state\":\"closed\"", "\"state\":4", "whyflow.flow.state: is not a string"},
    {"\"slice\":1", "\"slice\":4294967296", "whyflow.flow.slice: is not a whole number"},
    {"\"opening_number\":9", "\"opening_number\":0", "whyflow.flow.opening_number: is not"},
    {"\"epoch\":2", "\"epoch\":true", "whyflow.flow.epoch: is not a whole number"},
    {"\"first_ns\":1000,", "", "whyflow.flow.first_ns: is missing"},
    {"\"last_ns\":9000,", "", "whyflow.flow.last_ns: is missing"},
    {"\"notice_ns\":9500,", "", "whyflow.flow.notice_ns: is missing"},
    {"\"notice_ns\":9500", "\"notice_ns\":4611686018427387904", "whyflow.flow.notice_ns: is not"},
    {"\"first_ns\":1000", "\"first_ns\":9001", "whyflow.flow.last_ns: is before first_ns"},
    {"4.5", "-4.5", "whyflow.flow.longest_gap_us: is not an amount"},
    {"4.5", "1e300", "whyflow.flow.longest_gap_us: is not an amount"},
    {"\"handshake_rtt_us\":3", "\"handshake_rtt_us\":\"3\"", "handshake_rtt_us: is not an amount"},
    {"\"tcp_closed\":true", "\"tcp_closed\":1", "whyflow.flow.tcp_closed: is neither true"},
    {"\"ShAF\"", "\"Sh F\"", "whyflow.flow.history: is not at most 23 letters"},
    {"\"ShAF\"", "\"ShAFShAFShAFShAFShAFShAF\"", "whyflow.flow.history: is not at most 23"},
    {"\"kinds\":[\"gre\"", "\"kinds\":[\"grr\"", "whyflow.flow.tunnel.kinds: holds"},
    {"\"kinds\":", "\"kind\":", "whyflow.flow.tunnel.kinds: is missing"},
    {"\"src_ip\":\"::1\",", "", "whyflow.flow.tunnel.dest_ip: is not of the IP version"},
    {"\"count\":4", "\"count\":-4", "whyflow.flow.fragments.count: is not"},
    {"\"fwd\":{", "\"way\":{", "whyflow.flow.fwd.packets: is missing"},
    {"\"packets\":3", "\"packets\":\"3\"", "whyflow.flow.fwd.packets: is not"},
    {"\"packets\":3", "\"packets\":281474976710656", "whyflow.flow.fwd.packets: is not"},
    {"\"packets\":3", "\"packets\":0", "whyflow.flow.fwd.ip_bytes: is more than 0 without"},
    {"\"ip_bytes\":150,", "", "whyflow.flow.fwd.ip_bytes: is missing"},
    {"\"payload_bytes\":30", "\"payload_bytes\":151", "fwd.payload_bytes: is more than ip_bytes"},
    {"\"payload_bytes\":30,", "", "fwd.payload_bytes: is known of the other direction only"},
    {"\"payload_bytes\":10,", "", "rev.payload_bytes: is known of the other direction only"},
    {"\"last_ns\":8000", "\"last_ns\":9001", "whyflow.flow.fwd.last_ns: is after the flow's"},
    {"\"last_ns\":8000", "\"first_ns\":999", "whyflow.flow.fwd.first_ns: is not within"},
    {"\"min\":40,", "", "packet_bytes.min: is missing"},
    {"\"min\":40", "\"min\":71", "packet_bytes.max: is less than min"},
    {",\"deviation\":17.321", "", "packet_bytes.deviation: is missing"},
    {"17.321", "-1", "packet_bytes.deviation: is not a number of 0 or more"},
    {",\"max\":5.5", "", "gap_us.max: is missing"},
    {"\"min\":1.5", "\"min\":6", "gap_us.max: is less than min"},
    {",\"deviation\":2.828", "", "gap_us.deviation: is missing"},
    {"\"ttl_min\":63,", "", "whyflow.flow.fwd.ttl_min: is missing"},
    {"\"ttl_min\":63", "\"ttl_min\":65", "whyflow.flow.fwd.ttl_max: is less than ttl_min"},
    {"\"ttl_max\":64", "\"ttl_max\":256", "whyflow.flow.fwd.ttl_max: is not a whole number"},
};

START_TEST(what_is_wrong_is_refused_by_name)
{
    const char *const text = replaced(whole, refusals[_i].old, refusals[_i].new);
    ck_assert_msg(parse(text) == FLOW_LINE_BAD, "accepted: %s", refusals[_i].new);
    ck_assert_msg(strstr(line.error, refusals[_i].error) != NULL, "\"%s\" is not \"%s\"",
                  line.error, refusals[_i].error);
}
END_TEST

/* Only the responder was seen. */
static const char *reverse_only(void)
{
    static char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%s",
             replaced(least, "\"packets\":3,\"ip_bytes\":150", "\"packets\":0,\"ip_bytes\":0"));
    return text;
}

START_TEST(what_is_no_object_is_refused)
{
    static const char with_nul[] = "{\"event_type\":\"stats\0\"}";
    ck_assert_int_eq(parse("[1]"), FLOW_LINE_BAD);
    ck_assert_str_eq(line.error, "line: is not a JSON object");
    ck_assert_int_eq(parse("flow"), FLOW_LINE_BAD);
    ck_assert_int_eq(flow_line_parse(with_nul, sizeof with_nul - 1, &line), FLOW_LINE_BAD);
    ck_assert_int_eq(parse("{} {}"), FLOW_LINE_BAD);
    accept(reverse_only());
    accept(
        replaced(reverse_only(), "\"packets\":2,\"ip_bytes\":50", "\"packets\":0,\"ip_bytes\":0"));
}
END_TEST

static struct record record;

/* The line of a record whose flow was read back is the line. */
static void check_round_trip(void)
{
    static char first[FORMAT_BUFFER_SIZE], second[FORMAT_BUFFER_SIZE];
    static const char *const names[] = {"a.pcap"};
    struct settings settings;
    settings_default(&settings);
    struct format_context context = {
        .sensor = "s",
        .boot = "b",
        .version = "v",
        .sequence = 1,
        .source_names = names,
        .source_count = 1,
        .settings = &settings,
    };
    size_t length;
    record.kind = RECORD_FLOW;
    record.as.flow.part.flow.source_index = 0;
    ck_assert(format_native(&record, &context, first, sizeof first, &length));
    ck_assert_msg(flow_line_parse(first, length, &line) == FLOW_LINE_FLOW, "%s", line.error);
    record.as.flow.part.flow = line.flow;
    record.as.flow.part.flow.source_index = 0;
    context.source_names = (const char *const[]){line.source};
    ck_assert(format_native(&record, &context, second, sizeof second, &length));
    ck_assert_str_eq(first, second);
}

START_TEST(a_line_read_back_gives_the_same_line)
{
    record_build_sample(&record);
    check_round_trip();
    ck_assert_uint_eq(line.flow.unknown, 0);
}
END_TEST

/* What few flows have. */
static void make_rare(struct flow_record *flow)
{
    struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    flow->vlan_count = 2;
    flow->vlan[0] = 5;
    flow->vlan[1] = 4095;
    flow->tunnel_count = 2;
    flow->tunnels[0] = PACKET_TUNNEL_MPLS;
    flow->tunnels[1] = PACKET_TUNNEL_TEREDO;
    flow->outer_ip_version = 6;
    flow->outer_source[0] = flow->outer_destination[0] = 0x20;
    flow->outer_destination[15] = 1;
    flow->fragments = 7;
    flow->fragments_overlapping = 2;
    flow->fragments_first_missing = 3;
    flow->epoch = 3;
    flow->slice = 4;
    flow->protocol = PACKET_PROTOCOL_ICMPV6;
    flow->source_port = 129; /* the reply came first */
    flow->destination_port = 128;
    flow->icmp_type = 128;
    flow->icmp_code = 1;
    flow->one_way_key = flow->is_tcp_closed = true;
    flow->longest_gap_ns = -1;
    forward->gap_ns = (struct flow_distribution){
        .count = forward->gap_ns.count,
        .mean = forward->gap_ns.mean,
    };
    forward->duplicates = forward->retransmitted = 5;
    forward->out_of_order = forward->zero_windows = 6;
}

START_TEST(a_line_of_rare_facts_read_back_gives_the_same_line)
{
    record_build_sample(&record);
    make_rare(&record.as.flow.part.flow);
    check_round_trip();
    ck_assert_uint_eq(line.flow.unknown, 0);
    ck_assert(!line.flow.direction[FLOW_FORWARD].gap_ns.is_whole);
}
END_TEST

START_TEST(what_a_terminal_would_obey_is_not_repeated)
{
    ck_assert_int_eq(parse("{\"a\":\x1b[2J}"), FLOW_LINE_BAD);
    ck_assert_ptr_null(strchr(line.error, '\x1b'));
}
END_TEST

START_TEST(a_line_with_unknown_facts_read_back_gives_the_same_line)
{
    record_build_sample(&record);
    accept(least);
    record.as.flow.part.flow = line.flow;
    record.as.flow.part.flow.opening_number = 1;
    check_round_trip();
    ck_assert_uint_eq(line.flow.unknown, record.as.flow.part.flow.unknown);
    ck_assert_uint_ne(line.flow.unknown, 0);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("flow line");
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, every_fact_of_a_line_is_read);
    tcase_add_test(tests, what_a_line_does_not_tell_is_unknown);
    tcase_add_test(tests, state_and_basis_follow_from_the_sides_seen);
    tcase_add_test(tests, icmp_has_its_pair_in_the_place_of_ports);
    tcase_add_test(tests, lines_of_other_kinds_are_told_apart);
    tcase_add_loop_test(tests, what_is_wrong_is_refused_by_name, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tests, what_is_no_object_is_refused);
    tcase_add_test(tests, a_line_read_back_gives_the_same_line);
    tcase_add_test(tests, a_line_of_rare_facts_read_back_gives_the_same_line);
    tcase_add_test(tests, what_a_terminal_would_obey_is_not_repeated);
    tcase_add_test(tests, a_line_with_unknown_facts_read_back_gives_the_same_line);
    suite_add_tcase(suite, tests);
    return suite;
}
