/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP's flags tell of a flow: states, history letters, handshake time, and which SYN opens a
 * new connection. Side 0 is the client. */
#include "flow/tcp_track.h"

#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

enum {
    FIN = PACKET_TCP_FIN,
    SYN = PACKET_TCP_SYN,
    RST = PACKET_TCP_RST,
    ACK = PACKET_TCP_ACK,
};

static struct tcp_track track;
static int64_t now_ns;

static void start(void)
{
    track = (struct tcp_track){0};
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
    tcp_track_packet(&track, &packet, side);
}

static void check_state(enum flow_state state)
{
    ck_assert_str_eq(flow_state_name(tcp_track_state(&track, 0)), flow_state_name(state));
}

static void check_history(const char *expected)
{
    char history[FLOW_HISTORY_MAX];
    tcp_track_history(&track, 0, history);
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

START_TEST(history_notes_each_letter_once_a_side)
{
    see(0, SYN | RST, 0);
    see(0, FIN | RST, 0);
    see(0, RST, 0);
    see(0, ACK, 0);
    see(0, ACK, 0);
    see(1, SYN | FIN, 0);
    see(1, FIN, 5);
    check_history("QIRAqdf");
}
END_TEST

START_TEST(history_of_16_letters_fits)
{
    for (unsigned side = 0; side < 2; side++) {
        see(side, SYN, 0);
        see(side, SYN | ACK, 0);
        see(side, ACK, 0);
        see(side, ACK, 9);
        see(side, FIN, 0);
        see(side, RST, 0);
        see(side, SYN | FIN, 0);
        see(side, FIN | RST, 0);
    }
    check_history("SHADFRQIshadfrqi");
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
    track = tcp_track_continue(&track);
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
    tcp_track_packet(&track, &packet, 1);
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
        history_notes_each_letter_once_a_side,
        history_of_16_letters_fits,
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
