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
    (sizeof(struct flow_cell) + sizeof(struct flow_tail) + sizeof(struct wheel_node) + \
     2 * sizeof(struct flow_index_slot))
_Static_assert(FLOW_BYTES <= 320, "an open flow of IPv4");
_Static_assert(FLOW_BYTES + sizeof(struct flow_key_rest) <= 344, "an open flow of IPv6");

enum { PACKETS = 400, ITEM = 1 };

static struct flow_cells cells;
static struct flow plain, work;
static struct flow_rare plain_rare;
static unsigned counted_in_place;

static void start(void)
{
    ck_assert(flow_cells_init(&cells, 3));
    counted_in_place = 0;
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
    if (!is_first && findings == 0 && flow_cells_count(&cells, ITEM, packet, side)) {
        counted_in_place++;
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
    flow_cells_load(&cells, ITEM, &work);
    flow_export(&work, &end, &record);
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
    {(UINT64_C(1) << 24) + 3, 60, 0},   /* packets */
    {70000, 65000, 14},                 /* IP bytes beyond 32 bits, squares beyond 48 */
    {70000, 1000, 300},                 /* frame bytes beside them beyond 24 bits */
    {(UINT64_C(1) << 24) / 28, 60, 14}, /* header bytes: the last that fits */
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
    tcase_add_loop_test(tcase, counts_beyond_a_cells_bits_are_exact, 0,
                        (int)(sizeof large / sizeof large[0]));
    tcase_add_test(tcase, times_beyond_a_cells_bits_are_exact);
    tcase_add_test(tcase, places_of_rare_and_wide_flows_are_given_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
