/* SPDX-License-Identifier: Apache-2.0 */
/* Cells against the plain flow: what is counted in place, packed, kept wide and unpacked must be
 * what flow_packet counts in a struct flow that is never packed; for random packets, and for counts
 * and times beyond what a cell has bits for. And the sizes that a million flows depend on. */
#include "flow/flow_cell.h"

#include "base/wheel.h"
#include "flow/flow_index.h"
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <string.h>

/* An index is half full at most: two slots a flow. */
#define FLOW_BYTES \
    (sizeof(struct flow_cell) + sizeof(struct wheel_node) + 2 * sizeof(struct flow_index_slot))
_Static_assert(FLOW_BYTES <= 296, "an open flow of IPv4");
_Static_assert(FLOW_BYTES + sizeof(struct flow_key_rest) <= 320, "an open flow of IPv6");

enum { PACKETS = 400, ITEM = 1 };

static struct flow_cells cells;
static struct flow plain, work;
static struct flow_rare plain_rare;
static unsigned opened_in_place, counted_in_place;

static void start(void)
{
    ck_assert(flow_cells_init(&cells, 3));
    opened_in_place = counted_in_place = 0;
}

static void stop(void)
{
    flow_cells_deinit(&cells);
}

/* Shows a packet to the plain flow and to the cell. */
static void see(const struct packet *packet, unsigned findings, bool is_first)
{
    struct flow_key key;
    const unsigned side = flow_key_of(packet, false, &key);
    if (is_first) {
        memset(&plain_rare, 0xa5, sizeof plain_rare); /* nothing in it may be believed */
        flow_open(&plain, &plain_rare, &key, packet, side);
        flow_open(&work, &cells.scratch, &key, packet, side);
    }
    flow_packet(&plain, packet, side, findings);
    if (!is_first && findings == 0 &&
        flow_cells_count(&cells, ITEM, packet, side, flow_cell_name(packet, side)) !=
            FLOW_COUNTED_NOT) {
        counted_in_place++;
        return;
    }
    if (is_first && findings == 0 && flow_cells_open(&cells, ITEM, &key, packet, side)) {
        opened_in_place++;
        return;
    }
    if (!is_first)
        flow_cells_load(&cells, ITEM, &work);
    flow_packet(&work, packet, side, findings);
    if (is_first)
        flow_cells_save_new(&cells, ITEM, &work);
    else
        flow_cells_save(&cells, ITEM, &work);
}

static struct flow_record export_cell(void)
{
    const struct flow_end end = {.opening_number = 7, .notice_ns = 8, .epoch = 9, .reason = 1};
    struct flow_record record;
    flow_cells_export(&cells, ITEM, &end, &record);
    return record;
}

static void check_same(void)
{
    static char got[FLOW_DESCRIPTION_SIZE], expected[FLOW_DESCRIPTION_SIZE];
    const struct flow_end end = {.opening_number = 7, .notice_ns = 8, .epoch = 9, .reason = 1};
    const struct flow_record from_cell = export_cell();
    struct flow_record from_plain;
    flow_export(&plain, &end, &from_plain);
    flow_build_describe(&from_cell, true, got);
    flow_build_describe(&from_plain, true, expected);
    ck_assert_str_eq(got, expected);
    ck_assert_mem_eq(&from_cell, &from_plain, sizeof from_cell);
    ck_assert_int_eq(flow_cells_last_ns(&cells, ITEM), plain.span.last_ns);
    const struct flow_orientation of_cell = flow_cells_orientation(&cells, ITEM);
    ck_assert_uint_eq(of_cell.initiator, flow_orientation(&plain).initiator);
    ck_assert_uint_eq(of_cell.basis, flow_orientation(&plain).basis);
    ck_assert_int_eq(flow_cell_is_closed(&cells.cells[ITEM]), tcp_track_is_closed(&plain.tcp));
}

/* ---- random packets ---- */

/* Packets of one conversation: mostly ordinary ones, and some of every other kind. */
static struct packet random_one(uint64_t *state, int64_t *now_ns, uint32_t next[2])
{
    static const struct flow_mix mix = {.keys = 1};
    struct packet packet;
    flow_build_random_packets(state, &mix, &packet, 1);
    const unsigned side = packet.source_port != 50000;
    if (flow_random(state) % 4 > 0) {
        packet.marks = 0;
        packet.tcp_flags = PACKET_TCP_ACK;
        packet.tcp_sequence = next[side];
        packet.tcp_window = 1000;
        next[side] += packet.payload_bytes;
    }
    const uint64_t kind = flow_random(state) % 64;
    *now_ns += kind == 0 ? -(int64_t)(flow_random(state) % SECOND)
                         : (int64_t)(flow_random(state) % (kind < 8 ? 20 * SECOND : 50 * MS));
    packet.time_ns = *now_ns;
    return packet;
}

/* Makes a packet or the time after it so large that cells have no bits for it. */
static void make_wide(uint64_t *state, struct packet *packet, int64_t *now_ns)
{
    switch (flow_random(state) % 8) {
    case 0:
        *now_ns += 3600 * SECOND;
        break;
    case 1:
        packet->ip_bytes += 1 << 16;
        break;
    case 2:
        packet->frame_bytes += 1 << 24;
        break;
    case 3:
        packet->frame_bytes = 0;
        break;
    case 4:
        packet->payload_bytes = packet->ip_bytes + 1;
        break;
    default:
        packet->ip_bytes += UINT32_C(4000000000);
    }
}

START_TEST(cell_counts_what_a_plain_flow_counts)
{
    uint64_t state = (uint64_t)_i;
    int64_t now_ns = 1000000 * SECOND;
    uint32_t next[2] = {100, 200};
    const unsigned one_wide_in = _i % 4 == 0 ? 0 : _i % 4 == 1 ? 200 : 20;
    for (unsigned i = 0; i < PACKETS; i++) {
        struct packet packet = random_one(&state, &now_ns, next);
        if (one_wide_in > 0 && flow_random(&state) % one_wide_in == 0)
            make_wide(&state, &packet, &now_ns);
        see(&packet, flow_random(&state) % 16 == 0 ? FLOW_FINDING_DUPLICATE : 0, i == 0);
        check_same();
    }
    if (one_wide_in == 0)
        ck_assert_uint_gt(counted_in_place, PACKETS / 32);
}
END_TEST

/* ---- conversations ---- */

/* Two hosts that talk, and where their bytes are. */
struct conversation {
    int64_t now_ns;
    uint32_t next[2];
    struct packet said[2]; /* last */
    bool is_udp;
};

static struct packet say(struct conversation *talk, unsigned side, unsigned flags, unsigned payload)
{
    static const char *const hosts[2] = {"10.0.0.1:50000", "10.0.0.2:443"};
    const char *const from = hosts[side], *const to = hosts[1 - side];
    struct packet packet = talk->is_udp ? flow_build_udp(talk->now_ns, from, to)
                                        : flow_build_tcp(talk->now_ns, from, to, flags);
    packet.ip_bytes = 40 + payload;
    packet.frame_bytes = 54 + payload;
    packet.payload_bytes = payload;
    talk->now_ns += 3 * MS / 2;
    if (talk->is_udp)
        return packet;
    packet.tcp_window = 1000;
    packet.tcp_sequence = talk->next[side];
    packet.tcp_acknowledgment = talk->next[1 - side];
    talk->next[side] += payload + ((flags & (PACKET_TCP_SYN | PACKET_TCP_FIN)) != 0);
    return packet;
}

enum { SYN = PACKET_TCP_SYN, ACK = PACKET_TCP_ACK, FIN = PACKET_TCP_FIN, RST = PACKET_TCP_RST };

/* One conversation as they nearly all are: only its first packet is worked on in a struct flow. */
START_TEST(whole_conversations_are_counted_in_place)
{
    static const struct {
        unsigned side, flags, payload;
    } said[] = {{0, SYN, 0},       {1, SYN | ACK, 0}, {0, ACK, 0},      {0, ACK, 100},
                {1, ACK, 0},       {1, ACK, 200},     {0, ACK, 0},      {0, FIN | ACK, 10},
                {1, FIN | ACK, 0}, {0, ACK, 0},       {1, RST | ACK, 0}};
    const unsigned all = sizeof said / sizeof said[0], spoken = _i == 1 ? 2 : all - 1;
    struct conversation talk = {.now_ns = SECOND, .next = {UINT32_MAX - 50, 7}, .is_udp = _i == 2};
    for (unsigned i = 0; i < spoken; i++) {
        const bool is_refusal = _i == 1 && i == 1; /* of the SYN: RST and ACK, sequence number 0 */
        struct packet packet = is_refusal
                                   ? say(&talk, 1, RST | ACK, 0)
                                   : say(&talk, said[i].side, said[i].flags, said[i].payload);
        packet.tcp_sequence = is_refusal ? 0 : packet.tcp_sequence;
        see(&packet, 0, i == 0);
        check_same();
    }
    ck_assert_uint_eq(counted_in_place, spoken - 1);
}
END_TEST

/* What a host sends next: mostly what is in order, and some of all else. */
static struct packet say_anything(uint64_t *state, struct conversation *talk)
{
    static const unsigned marks[] = {SYN,       SYN | ACK, FIN | ACK, RST,       RST | ACK,
                                     FIN | RST, FIN,       0,         SYN | FIN, FIN | ACK};
    const unsigned side = flow_random(state) % 2, kind = (unsigned)(flow_random(state) % 64);
    const unsigned payload = flow_random(state) % 2 ? 100 : 0;
    const unsigned flags = kind < 10 ? marks[kind] : ACK;
    if (kind == 10)
        talk->next[side] += 500; /* lost before the capture */
    if (kind == 11)
        talk->next[side] -= 150; /* sent again */
    if (kind == 12)
        talk->next[side] += TCP_TRACK_REACH_BYTES - 90;
    if (kind >= 60 && talk->said[side].time_ns != 0) { /* the same again */
        struct packet again = talk->said[side];
        again.time_ns = talk->now_ns;
        return again;
    }
    struct packet packet = say(talk, side, flags, payload);
    talk->said[side] = packet;
    if (kind == 13)
        packet.tcp_window = 0;
    if (kind == 14)
        packet.ip_bytes += UINT16_MAX;
    if (kind == 15)
        packet.frame_bytes = 0;
    return packet;
}

static void talk_in_any_way(uint64_t state, bool is_udp)
{
    static const unsigned opening[] = {SYN, SYN | ACK, ACK};
    struct conversation talk = {.now_ns = SECOND, .is_udp = is_udp};
    for (unsigned side = 0; side < 2; side++)
        talk.next[side] = (uint32_t)flow_random(&state);
    const unsigned opened = (unsigned)(flow_random(&state) % 4);
    for (unsigned i = 0; i < 24; i++) {
        const struct packet packet =
            i < opened ? say(&talk, i % 2, opening[i], 0) : say_anything(&state, &talk);
        see(&packet, 0, i == 0);
        check_same();
    }
    flow_cells_release(&cells, ITEM);
}

START_TEST(a_conversation_goes_on_in_any_way)
{
    for (unsigned i = 0; i < 60; i++)
        talk_in_any_way((uint64_t)_i << 32 | i, i % 16 == 0);
}
END_TEST

/* A gap that falls out of reach is gone: what would fill its end is neither late nor a copy. */
START_TEST(gaps_beyond_reach_are_forgotten)
{
    static const struct {
        uint32_t sequence, payload;
    } segments[] = {{0, 100},
                    {150, 100},
                    {TCP_TRACK_REACH_BYTES - 100, 50},
                    {TCP_TRACK_REACH_BYTES - 50, 20},
                    {TCP_TRACK_REACH_BYTES - 30, 150},
                    {140, 10}};
    struct conversation talk = {.now_ns = SECOND};
    for (unsigned i = 0; i < sizeof segments / sizeof segments[0]; i++) {
        talk.next[0] = segments[i].sequence;
        const struct packet packet = say(&talk, 0, ACK, segments[i].payload);
        see(&packet, 0, i == 0);
        check_same();
    }
    ck_assert_uint_eq(counted_in_place, 1);
    ck_assert_uint_eq(export_cell().direction[FLOW_FORWARD].out_of_order, 0);
}
END_TEST

/* Flows of few packets: their first is nearly always written as a cell. */
START_TEST(flow_that_begins_as_a_cell_is_as_a_plain_flow)
{
    uint64_t state = (uint64_t)_i;
    for (unsigned i = 0; i < 500; i++) {
        int64_t now_ns = 1000000 * SECOND;
        uint32_t next[2] = {100, 200};
        struct packet packet = random_one(&state, &now_ns, next);
        if (flow_random(&state) % 16 == 0)
            make_wide(&state, &packet, &now_ns);
        memset(&cells.cells[ITEM], 0x5a, sizeof cells.cells[ITEM]); /* what was there before */
        see(&packet, 0, true);
        check_same();
        for (unsigned more = flow_random(&state) % 4; more > 0; more--) {
            packet = random_one(&state, &now_ns, next);
            see(&packet, 0, false);
            check_same();
        }
        flow_cells_release(&cells, ITEM);
    }
    ck_assert_uint_gt(opened_in_place, 250);
}
END_TEST

/* ---- counts beyond 32 bits ---- */

static struct packet large_packet(uint32_t ip_bytes, uint32_t frame_excess)
{
    struct packet packet = flow_build_udp(SECOND, "10.0.0.1:1", "10.0.0.2:2");
    packet.ip_bytes = ip_bytes;
    packet.frame_bytes = ip_bytes + frame_excess;
    packet.payload_bytes = ip_bytes - 28;
    return packet;
}

/* So many packets of such a size, and what they must sum to. */
static const struct large {
    uint64_t packets;
    uint32_t ip_bytes, frame_excess;
} large[] = {
    {(UINT64_C(1) << 24) + 3, 40, 0},   /* packets */
    {70000, 65000, 14},                 /* IP bytes beyond 32 bits, squares beyond 48 */
    {70000, 1000, 300},                 /* frame bytes beside them beyond 24 bits */
    {(UINT64_C(1) << 23) / 28, 60, 14}, /* header bytes: the last that fits, and room is left */
    {(UINT64_C(1) << 23) / 28 + 2, 60, 14},
    {(UINT64_C(1) << 24) / 28 + 2, 60, 14},
    {3, UINT32_C(4000000000), 14},
};

START_TEST(counts_beyond_a_cells_bits_are_exact)
{
    const struct large *const flow = &large[_i];
    struct packet packet = large_packet(flow->ip_bytes, flow->frame_excess);
    for (uint64_t i = 0; i < flow->packets; i++, packet.time_ns += MS)
        see(&packet, 0, i == 0);
    check_same();
    const struct flow_record record = export_cell();
    const struct flow_direction *const way = &record.direction[FLOW_FORWARD];
    const uint64_t ip_bytes = flow->packets * flow->ip_bytes;
    ck_assert_uint_eq(way->packets, flow->packets);
    ck_assert_uint_eq(way->ip_bytes, ip_bytes);
    ck_assert_uint_eq(way->frame_bytes, ip_bytes + flow->packets * flow->frame_excess);
    ck_assert_uint_eq(way->payload_bytes, ip_bytes - flow->packets * 28);
    ck_assert_int_eq(way->packet_bytes.max, flow->ip_bytes);
    ck_assert_int_eq(record.last_ns - record.first_ns, (int64_t)(flow->packets - 1) * MS);
    ck_assert_int_eq(record.longest_gap_ns, MS);
    ck_assert(way->gap_ns.deviation == 0);
}
END_TEST

START_TEST(times_beyond_a_cells_bits_are_exact)
{
    const int64_t days_ns = 86400 * SECOND;
    struct packet packet = large_packet(60, 14);
    for (int64_t day = 0; day < 90; day++) {
        packet.time_ns = SECOND + day * days_ns;
        see(&packet, 0, day == 0);
    }
    check_same();
    const struct flow_record record = export_cell();
    ck_assert_int_eq(record.longest_gap_ns, days_ns);
    ck_assert_int_eq(record.last_ns - record.first_ns, 89 * days_ns);
    ck_assert_int_eq(record.direction[FLOW_FORWARD].gap_ns.min, days_ns);
    ck_assert(record.direction[FLOW_FORWARD].gap_ns.deviation == 0);
}
END_TEST

/* ---- sequence numbers that do not follow from others ---- */

static struct packet segment(int64_t time_ns, unsigned flags, uint32_t sequence, uint32_t payload)
{
    struct packet packet = flow_build_tcp(time_ns, "10.0.0.1:1000", "10.0.0.2:80", (uint8_t)flags);
    packet.tcp_sequence = sequence;
    packet.tcp_window = 1000;
    packet.payload_bytes = payload;
    packet.ip_bytes = payload + 40;
    packet.frame_bytes = payload + 54;
    return packet;
}

/* Shows one segment a millisecond. */
static void see_segment(unsigned flags, uint32_t sequence, uint32_t payload)
{
    static int64_t now_ns;
    const bool is_first =
        flags == PACKET_TCP_SYN && sequence == 1000 && payload == 0 && now_ns == 0;
    now_ns += MS;
    const struct packet packet = segment(now_ns, flags, sequence, payload);
    see(&packet, 0, is_first);
    if (payload < 1000)
        check_same();
}

START_TEST(syn_is_known_again_two_gigabytes_later)
{
    const uint32_t payload_bytes = 60000;
    see_segment(PACKET_TCP_SYN, 1000, 0);
    ck_assert(!cells.cells[ITEM].has_rare);
    see_segment(PACKET_TCP_ACK, 1001, 0);
    for (uint32_t i = 0; i < 36000; i++)
        see_segment(PACKET_TCP_ACK, 1001 + i * payload_bytes, payload_bytes);
    see_segment(PACKET_TCP_SYN, 1000, 0);
    ck_assert_str_eq(export_cell().history, "SAD");
    see_segment(PACKET_TCP_SYN, 999, 0);
    ck_assert_str_eq(export_cell().history, "SADS");
}
END_TEST

START_TEST(ends_are_known_again_after_more_data)
{
    see_segment(PACKET_TCP_SYN, 1000, 0);
    see_segment(PACKET_TCP_ACK, 1001, 10);
    see_segment(PACKET_TCP_ACK | PACKET_TCP_FIN, 1011, 0);
    ck_assert(!cells.cells[ITEM].has_rare);
    for (unsigned i = 0; i < 3; i++)
        see_segment(PACKET_TCP_ACK, 1012 + 10 * i, 10);
    see_segment(PACKET_TCP_ACK | PACKET_TCP_FIN, 1011, 0);
    ck_assert_str_eq(export_cell().history, "SDF");
    see_segment(PACKET_TCP_RST, 5000, 0);
    see_segment(PACKET_TCP_ACK | PACKET_TCP_FIN, 1011, 0);
    see_segment(PACKET_TCP_RST, 5000, 0);
    see_segment(PACKET_TCP_RST, 5001, 0);
    ck_assert_str_eq(export_cell().history, "SDFRR");
}
END_TEST

/* Of a scan's answers and a spoofed flood's echoes only one side is seen. */
START_TEST(answers_to_what_nobody_saw_need_no_more_than_a_cell)
{
    struct packet packet = segment(SECOND, PACKET_TCP_SYN | PACKET_TCP_ACK, 7000, 0);
    packet.tcp_acknowledgment = 901;
    see(&packet, 0, true);
    check_same();
    packet = segment(SECOND + MS, PACKET_TCP_RST, 8000, 0);
    packet.payload_bytes = 0;
    see(&packet, 0, true);
    check_same();
    packet.time_ns += MS;
    see(&packet, 0, false);
    check_same();
    ck_assert_str_eq(export_cell().history, "R");
    ck_assert(!cells.cells[ITEM].has_rare);
}
END_TEST

/* ---- places ---- */

START_TEST(places_of_rare_and_wide_flows_are_given_back)
{
    const struct packet wide = large_packet(UINT32_C(4000000000), 14);
    for (unsigned i = 0; i < 10; i++) {
        see(&wide, FLOW_FINDING_DUPLICATE, true);
        ck_assert(cells.cells[ITEM].has_rare && cells.cells[ITEM].is_wide);
        ck_assert_uint_eq(item_pool_available(&cells.rare_pool), 2);
        ck_assert_uint_eq(item_pool_available(&cells.wide_pool), 2);
        flow_cells_release(&cells, ITEM);
    }
    ck_assert_uint_eq(item_pool_available(&cells.rare_pool), 3);
    ck_assert_uint_eq(item_pool_available(&cells.wide_pool), 3);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow cell");
    TCase *const tcase = tcase_create("cell");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, cell_counts_what_a_plain_flow_counts, 0, UNIT_ROUNDS(200));
    tcase_add_loop_test(tcase, whole_conversations_are_counted_in_place, 0, 3);
    tcase_add_loop_test(tcase, a_conversation_goes_on_in_any_way, 0, 10);
    tcase_add_test(tcase, gaps_beyond_reach_are_forgotten);
    tcase_add_loop_test(tcase, flow_that_begins_as_a_cell_is_as_a_plain_flow, 0, UNIT_ROUNDS(20));
    tcase_add_loop_test(tcase, counts_beyond_a_cells_bits_are_exact, 0,
                        (int)(sizeof large / sizeof large[0]));
    tcase_add_test(tcase, times_beyond_a_cells_bits_are_exact);
    tcase_add_test(tcase, syn_is_known_again_two_gigabytes_later);
    tcase_add_test(tcase, ends_are_known_again_after_more_data);
    tcase_add_test(tcase, answers_to_what_nobody_saw_need_no_more_than_a_cell);
    tcase_add_test(tcase, places_of_rare_and_wide_flows_are_given_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
