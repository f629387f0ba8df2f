/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP tells of a flow: states, history letters, handshake time, which SYN opens a new
 * connection, and which segments came again or out of order. Side 0 is the client. */
#include "flow/tcp_track.h"

#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <string.h>

enum {
    FIN = PACKET_TCP_FIN,
    SYN = PACKET_TCP_SYN,
    RST = PACKET_TCP_RST,
    ACK = PACKET_TCP_ACK,
};

static struct tcp_track track;
static struct tcp_rare rare;
static int64_t now_ns;

static void start(void)
{
    track = (struct tcp_track){0};
    memset(&rare, 0xa5, sizeof rare); /* nothing in it may be believed */
    now_ns = SECOND;
}

static struct packet packet_of(unsigned flags, uint32_t payload_bytes)
{
    struct packet packet = flow_build_tcp(now_ns, "10.0.0.1:1", "10.0.0.2:2", flags);
    packet.tcp_sequence = 100;
    packet.tcp_acknowledgment = 101;
    packet.payload_bytes = payload_bytes;
    return packet;
}

/* One packet, 1 ms after the one before. */
static void see(unsigned side, unsigned flags, uint32_t payload_bytes)
{
    now_ns += MS;
    const struct packet packet = packet_of(flags, payload_bytes);
    tcp_track_packet(&track, &rare, &packet, side, false);
}

/* A segment at a sequence number. */
static void segment(unsigned side, unsigned flags, uint32_t sequence, uint32_t payload_bytes)
{
    now_ns += MS;
    struct packet packet = packet_of(flags, payload_bytes);
    packet.tcp_sequence = sequence;
    tcp_track_packet(&track, &rare, &packet, side, false);
}

/* A pure ACK with a window. */
static void window(unsigned side, uint16_t size)
{
    struct packet packet = packet_of(ACK, 0);
    packet.tcp_window = size;
    tcp_track_packet(&track, &rare, &packet, side, false);
}

static void check_state(enum flow_state state)
{
    ck_assert_str_eq(flow_state_name(tcp_events_state(track.events, 0)), flow_state_name(state));
}

static void check_history(const char *expected)
{
    char history[FLOW_HISTORY_MAX];
    tcp_track_history(&track, 0, false, history);
    ck_assert_str_eq(history, expected);
}

START_TEST(whole_connection_goes_through_its_states)
{
    check_state(FLOW_STATE_MIDSTREAM);
    see(0, SYN, 0);
    check_state(FLOW_STATE_ATTEMPTED);
    see(1, SYN | ACK, 0);
    check_state(FLOW_STATE_HALF_OPEN);
    see(0, ACK, 0);
    check_state(FLOW_STATE_ESTABLISHED);
    see(0, ACK, 10);
    see(1, ACK, 20);
    see(0, FIN | ACK, 0);
    check_state(FLOW_STATE_ESTABLISHED);
    ck_assert(!tcp_track_is_closed(&track));
    see(1, FIN | ACK, 0);
    check_state(FLOW_STATE_CLOSED);
    ck_assert(tcp_track_is_closed(&track));
    check_history("ShADdFf");
}
END_TEST

START_TEST(syn_answered_by_a_reset_is_refused)
{
    see(0, SYN, 0);
    see(1, RST | ACK, 0);
    check_state(FLOW_STATE_REFUSED);
    ck_assert(tcp_track_is_closed(&track));
    check_history("Sr");
}
END_TEST

START_TEST(syn_scan_that_resets_after_the_syn_ack_is_reset)
{
    see(0, SYN, 0);
    see(1, SYN | ACK, 0);
    see(0, RST, 0);
    check_state(FLOW_STATE_RESET);
}
END_TEST

START_TEST(reset_by_the_client_of_an_unanswered_syn_is_reset)
{
    see(0, SYN, 0);
    see(0, RST, 0);
    check_state(FLOW_STATE_RESET);
}
END_TEST

START_TEST(packets_without_a_handshake_are_midstream)
{
    see(0, ACK, 10);
    see(1, ACK, 0);
    check_state(FLOW_STATE_MIDSTREAM);
    ck_assert(!tcp_track_is_half_open(&track));
    check_history("Da");
}
END_TEST

START_TEST(server_that_goes_on_completes_a_handshake_seen_on_its_side_only)
{
    see(1, SYN | ACK, 0);
    ck_assert(tcp_track_is_half_open(&track));
    see(1, SYN | ACK, 0);
    ck_assert(tcp_track_is_half_open(&track));
    see(1, ACK, 50);
    check_state(FLOW_STATE_ESTABLISHED);
    ck_assert(!track.has_handshake_rtt);
}
END_TEST

START_TEST(handshake_time_is_from_the_syn_to_the_first_ack_of_its_sender)
{
    see(0, SYN, 0);
    see(1, SYN | ACK, 0);
    see(0, ACK, 0);
    see(0, ACK, 10);
    ck_assert(track.has_handshake_rtt);
    ck_assert_int_eq(track.handshake_rtt_ns, 2 * MS);
}
END_TEST

START_TEST(handshake_time_counts_from_the_first_of_repeated_syns)
{
    see(0, SYN, 0);
    see(0, SYN, 0);
    see(1, SYN | ACK, 0);
    see(0, ACK, 0);
    ck_assert_int_eq(track.handshake_rtt_ns, 3 * MS);
}
END_TEST

START_TEST(history_notes_a_letter_with_its_sequence_number_once_a_side)
{
    see(0, SYN | RST, 0);
    see(0, FIN | RST, 0);
    see(0, RST, 0);
    see(0, ACK, 0);
    see(0, ACK, 0);
    see(1, SYN | FIN, 0);
    see(1, FIN, 5);
    check_history("QIRAqf");
}
END_TEST

START_TEST(history_of_20_letters_is_cut_and_fits_with_its_mark)
{
    char history[FLOW_HISTORY_MAX];
    for (unsigned i = 0; i < 30; i++)
        segment(0, RST, 1000 + i, 0);
    tcp_track_history(&track, 1, true, history);
    ck_assert_str_eq(history, "^rrrrrrrrrrrrrrrrrrrr");
}
END_TEST

START_TEST(syn_fin_and_rst_are_noted_again_with_another_sequence_number)
{
    segment(0, SYN, 1, 0);
    segment(0, SYN, 1, 0);
    segment(0, SYN, 9, 0);
    segment(1, SYN | ACK, 5, 0);
    segment(0, FIN, 20, 10);
    segment(0, FIN, 25, 5); /* ends where the one before did */
    segment(0, FIN, 25, 6);
    segment(1, RST, 6, 0);
    segment(1, RST, 6, 0);
    segment(1, RST, 7, 0);
    check_history("SShFTFrr");
}
END_TEST

START_TEST(packet_with_syn_fin_or_rst_is_no_data_letter)
{
    segment(0, ACK | FIN, 1, 10);
    segment(1, RST, 1, 10);
    check_history("Fr");
}
END_TEST

START_TEST(zero_windows_are_counted_where_the_window_falls_and_noted_at_1_10_and_100)
{
    window(1, 100);
    window(1, 0);
    window(1, 0);
    window(1, 7);
    for (unsigned i = 0; i < 98; i++)
        window(1, 0);
    ck_assert_uint_eq(rare.zero_windows[1], 2);
    ck_assert_uint_eq(rare.zero_windows[0], 0);
    check_history("awww");
}
END_TEST

START_TEST(zero_window_with_a_reset_or_after_the_peers_fin_means_nothing)
{
    struct packet packet = packet_of(RST, 0);
    packet.tcp_window = 0;
    tcp_track_packet(&track, &rare, &packet, 0, false);
    window(0, 0);
    ck_assert(!track.has_rare);
    start();
    see(1, FIN, 0);
    window(0, 0);
    ck_assert(!track.has_rare);
}
END_TEST

/* ---- segments ---- */

static void check_segments(unsigned side, uint32_t retransmitted, uint32_t out_of_order)
{
    static const struct tcp_rare none;
    const struct tcp_rare *const counts = track.has_rare ? &rare : &none;
    ck_assert_uint_eq(counts->retransmitted[side], retransmitted);
    ck_assert_uint_eq(counts->out_of_order[side], out_of_order);
}

START_TEST(segments_in_order_are_neither_and_touch_nothing_rare)
{
    segment(0, SYN, 99, 0);
    segment(0, ACK, 100, 50);
    segment(0, ACK, 150, 50);
    segment(0, ACK | FIN, 200, 0);
    check_segments(0, 0, 0);
    ck_assert(!track.has_rare);
}
END_TEST

START_TEST(segment_whose_bytes_came_before_is_retransmitted)
{
    segment(0, SYN, 99, 0);
    segment(0, SYN, 99, 0);
    segment(0, ACK, 100, 50);
    segment(0, ACK, 120, 20);
    segment(0, ACK | FIN, 150, 0);
    segment(0, ACK | FIN, 150, 0);
    check_segments(0, 3, 0);
    check_history("SDTF");
}
END_TEST

START_TEST(segment_that_fills_a_gap_is_out_of_order_and_then_retransmitted)
{
    segment(0, ACK, 100, 50);
    segment(0, ACK, 200, 50);
    segment(0, ACK, 150, 50);
    check_segments(0, 0, 1);
    segment(0, ACK, 150, 50);
    check_segments(0, 1, 1);
}
END_TEST

START_TEST(segment_that_was_late_in_the_capture_is_not_out_of_order)
{
    segment(0, ACK, 100, 50);
    segment(0, ACK, 200, 50);
    struct packet packet = packet_of(ACK, 50);
    packet.tcp_sequence = 150;
    tcp_track_packet(&track, &rare, &packet, 0, true);
    check_segments(0, 0, 0);
    segment(0, ACK, 150, 50);
    check_segments(0, 1, 0);
}
END_TEST

START_TEST(segment_with_some_new_bytes_is_not_retransmitted)
{
    segment(0, ACK, 100, 50);
    segment(0, ACK, 120, 50);
    check_segments(0, 0, 0);
    segment(0, ACK, 190, 10);
    segment(0, ACK, 160, 20);
    check_segments(0, 0, 1);
    segment(0, ACK, 160, 25);
    check_segments(0, 0, 2);
}
END_TEST

START_TEST(nothing_is_told_of_what_was_sent_before_the_first_segment)
{
    segment(1, ACK, 5000, 100);
    segment(1, ACK, 4900, 100);
    segment(1, ACK, 4900, 100);
    segment(1, ACK, 4950, 100);
    check_segments(1, 0, 0);
    segment(1, ACK, 5000, 10);
    check_segments(1, 1, 0);
}
END_TEST

START_TEST(keep_alives_and_window_probes_are_not_retransmitted)
{
    segment(0, ACK, 100, 50);
    segment(0, ACK, 149, 0);
    segment(0, ACK, 149, 1);
    segment(0, ACK, 150, 1);
    segment(0, ACK, 150, 1);
    check_segments(0, 0, 0);
    segment(0, ACK, 148, 1);
    check_segments(0, 1, 0);
}
END_TEST

START_TEST(sequence_numbers_wrap)
{
    segment(0, ACK, 0xffffff00, 0x80);
    segment(0, ACK, 0x80, 0x80);
    segment(0, ACK, 0xffffff80, 0x100);
    check_segments(0, 0, 1);
    segment(0, ACK, 0xffffffc0, 0x80);
    check_segments(0, 1, 1);
    ck_assert_uint_eq(track.side[0].next, 0x100);
}
END_TEST

START_TEST(ninth_gap_takes_the_place_of_the_first_of_which_nothing_more_is_told)
{
    for (uint32_t i = 0; i <= 9; i++)
        segment(0, ACK, 1000 + 100 * i, 50);
    ck_assert_uint_eq(track.side[0].gap_count, TCP_TRACK_GAPS_MAX);
    segment(0, ACK, 1050, 50);
    segment(0, ACK, 1000, 50);
    check_segments(0, 0, 0);
    segment(0, ACK, 1150, 50);
    segment(0, ACK, 1100, 50);
    check_segments(0, 1, 1);
}
END_TEST

START_TEST(gap_that_is_filled_in_its_middle_becomes_two)
{
    segment(0, ACK, 100, 10);
    segment(0, ACK, 200, 10);
    segment(0, ACK, 150, 10);
    ck_assert_uint_eq(track.side[0].gap_count, 2);
    segment(0, ACK, 110, 40);
    segment(0, ACK, 160, 40);
    ck_assert_uint_eq(track.side[0].gap_count, 0);
    check_segments(0, 0, 3);
    segment(0, ACK, 100, 110);
    check_segments(0, 1, 3);
}
END_TEST

START_TEST(bytes_over_1_gib_back_are_forgotten_before_numbers_come_round)
{
    segment(0, ACK, 0, 100);
    segment(0, ACK, 200, 100);
    for (uint32_t i = 0; i < 40; i++)
        segment(0, ACK, 300 + i * 0x0fffffff, 0x0fffffff);
    check_segments(0, 0, 0);
    ck_assert_uint_eq(track.side[0].gap_count, 0);
    ck_assert_uint_eq(track.side[0].next - track.side[0].base, UINT32_C(1) << 30);
}
END_TEST

START_TEST(syn_beyond_what_came_begins_anew)
{
    segment(1, SYN | ACK, 100, 0);
    segment(1, SYN | ACK, 90000, 0);
    segment(1, ACK, 90001, 10);
    ck_assert_uint_eq(track.side[1].gap_count, 0);
    segment(1, SYN | ACK, 100, 0);
    check_segments(1, 0, 0);
}
END_TEST

START_TEST(resets_are_no_part_of_the_stream)
{
    segment(0, ACK, 100, 50);
    segment(0, RST, 500, 10);
    segment(0, RST, 100, 10);
    segment(0, ACK, 150, 50);
    check_segments(0, 0, 0);
}
END_TEST

START_TEST(slice_knows_what_came_before)
{
    segment(0, ACK, 100, 50);
    segment(0, ACK, 200, 50);
    segment(0, ACK, 100, 50);
    struct tcp_rare ended = rare;
    memset(&rare, 0xa5, sizeof rare);
    track = tcp_track_continue(&track, &ended, &rare);
    check_segments(0, 0, 0);
    segment(0, ACK, 150, 50);
    segment(0, ACK, 100, 50);
    check_segments(0, 1, 1);
    check_history("DT");
}
END_TEST

START_TEST(later_fragment_without_a_header_tells_nothing)
{
    segment(0, ACK, 100, 50);
    struct packet packet = packet_of(0, 50);
    packet.tcp_sequence = 0;
    packet.marks = PACKET_MARK_FRAGMENT_LATER;
    tcp_track_packet(&track, &rare, &packet, 1, false);
    check_history("D");
    ck_assert(!track.side[1].has_bytes);
}
END_TEST

/* Asks about a SYN now. */
static bool is_new(unsigned side, uint32_t sequence, int64_t last_ns)
{
    struct packet packet = packet_of(SYN, 0);
    packet.tcp_sequence = sequence;
    return tcp_track_is_new_connection(&track, &packet, side, last_ns);
}

START_TEST(syn_on_a_midstream_flow_is_a_new_connection)
{
    see(0, ACK, 0);
    ck_assert(is_new(0, 100, now_ns));
    ck_assert(is_new(1, 100, now_ns));
}
END_TEST

START_TEST(same_syn_again_is_a_retransmission_also_after_a_reset)
{
    see(0, SYN, 0);
    ck_assert(!is_new(0, 100, now_ns));
    ck_assert(is_new(0, 200, now_ns));
    see(1, RST, 0);
    ck_assert(!is_new(0, 100, now_ns));
    ck_assert(is_new(0, 200, now_ns));
}
END_TEST

START_TEST(syn_after_its_syn_ack_is_not_new)
{
    see(1, SYN | ACK, 0);
    ck_assert(!is_new(0, 100, now_ns));
    ck_assert(is_new(0, 101, now_ns));
}
END_TEST

START_TEST(late_syn_is_not_new)
{
    see(0, ACK, 0);
    ck_assert(!is_new(0, 200, now_ns + 1));
}
END_TEST

START_TEST(crossing_syn_is_a_simultaneous_opening_only_before_an_answer)
{
    see(0, SYN, 0);
    ck_assert(!is_new(1, 900, now_ns));
    see(1, SYN | ACK, 0);
    ck_assert(is_new(1, 900, now_ns));
}
END_TEST

START_TEST(syn_with_other_flags_opens_nothing)
{
    static const unsigned flags[] = {SYN | ACK, SYN | FIN, SYN | RST, ACK, 0};
    see(0, ACK, 0);
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct packet packet = packet_of(flags[i], 0);
        ck_assert(!tcp_track_is_new_connection(&track, &packet, 0, now_ns));
    }
}
END_TEST

START_TEST(slice_keeps_the_ends_seen_and_is_not_half_open)
{
    see(0, SYN, 0);
    see(0, FIN, 0);
    track = tcp_track_continue(&track, &rare, &rare);
    ck_assert(!tcp_track_is_half_open(&track));
    ck_assert(!tcp_track_is_closed(&track));
    see(1, FIN, 0);
    ck_assert(tcp_track_is_closed(&track));
    check_history("f");
}
END_TEST

START_TEST(flags_of_other_protocols_mean_nothing)
{
    struct packet packet = flow_build_udp(now_ns, "10.0.0.1:1", "10.0.0.2:2");
    tcp_track_packet(&track, &rare, &packet, 1, false);
    ck_assert_uint_eq(track.events, 0);
    check_history("d");
}
END_TEST

Suite *whyflow_suite(void)
{
    const TTest *const tests[] = {
        whole_connection_goes_through_its_states,
        syn_answered_by_a_reset_is_refused,
        syn_scan_that_resets_after_the_syn_ack_is_reset,
        reset_by_the_client_of_an_unanswered_syn_is_reset,
        packets_without_a_handshake_are_midstream,
        server_that_goes_on_completes_a_handshake_seen_on_its_side_only,
        handshake_time_is_from_the_syn_to_the_first_ack_of_its_sender,
        handshake_time_counts_from_the_first_of_repeated_syns,
        history_notes_a_letter_with_its_sequence_number_once_a_side,
        history_of_20_letters_is_cut_and_fits_with_its_mark,
        syn_fin_and_rst_are_noted_again_with_another_sequence_number,
        packet_with_syn_fin_or_rst_is_no_data_letter,
        zero_windows_are_counted_where_the_window_falls_and_noted_at_1_10_and_100,
        zero_window_with_a_reset_or_after_the_peers_fin_means_nothing,
        segments_in_order_are_neither_and_touch_nothing_rare,
        segment_whose_bytes_came_before_is_retransmitted,
        segment_that_fills_a_gap_is_out_of_order_and_then_retransmitted,
        segment_that_was_late_in_the_capture_is_not_out_of_order,
        segment_with_some_new_bytes_is_not_retransmitted,
        nothing_is_told_of_what_was_sent_before_the_first_segment,
        keep_alives_and_window_probes_are_not_retransmitted,
        sequence_numbers_wrap,
        ninth_gap_takes_the_place_of_the_first_of_which_nothing_more_is_told,
        gap_that_is_filled_in_its_middle_becomes_two,
        bytes_over_1_gib_back_are_forgotten_before_numbers_come_round,
        syn_beyond_what_came_begins_anew,
        resets_are_no_part_of_the_stream,
        slice_knows_what_came_before,
        later_fragment_without_a_header_tells_nothing,
        syn_on_a_midstream_flow_is_a_new_connection,
        same_syn_again_is_a_retransmission_also_after_a_reset,
        syn_after_its_syn_ack_is_not_new,
        late_syn_is_not_new,
        crossing_syn_is_a_simultaneous_opening_only_before_an_answer,
        syn_with_other_flags_opens_nothing,
        slice_keeps_the_ends_seen_and_is_not_half_open,
        flags_of_other_protocols_mean_nothing,
    };
    Suite *const suite = suite_create("tcp track");
    TCase *const tcase = tcase_create("flags");
    tcase_add_checked_fixture(tcase, start, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
