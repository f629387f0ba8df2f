/* SPDX-License-Identifier: Apache-2.0 */
/* When flows end and why, when that is noticed, what goes on as a slice, what is evicted, and that
 * everything is accounted for. */
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define T0 (INT64_C(1000000) * SECOND)
#define A "10.0.0.1:40000"
#define B "10.0.0.2:443"

enum {
    SYN = PACKET_TCP_SYN,
    ACK = PACKET_TCP_ACK,
    FIN = PACKET_TCP_FIN,
    RST = PACKET_TCP_RST,
};

static struct flow_settings settings;
static struct flow_run run;

static void start(void)
{
    settings = flow_build_settings();
    flow_run_open(&run, &settings);
}

static void restart(void)
{
    flow_run_close(&run);
    flow_run_open(&run, &settings);
}

static void stop(void)
{
    flow_run_close(&run);
}

static void udp(int64_t time_ns, const char *from, const char *to)
{
    flow_run_packet(&run, flow_build_udp(time_ns, from, to));
}

static void tcp(int64_t time_ns, const char *from, const char *to, unsigned flags)
{
    flow_run_packet(&run, flow_build_tcp(time_ns, from, to, flags));
}

static void syn(int64_t time_ns, const char *from, const char *to, uint32_t sequence)
{
    struct packet packet = flow_build_tcp(time_ns, from, to, SYN);
    packet.tcp_sequence = sequence;
    flow_run_packet(&run, packet);
}

/* SYN with sequence 1, SYN-ACK, ACK, 1 ms apart. */
static void handshake(int64_t time_ns)
{
    syn(time_ns, A, B, 1);
    tcp(time_ns + MS, B, A, SYN | ACK);
    tcp(time_ns + 2 * MS, A, B, ACK);
}

/* The n-th record; fails if there is none. */
static const struct flow_record *record(size_t n)
{
    ck_assert_uint_lt(n, run.count);
    return &run.records[n];
}

static uint64_t packets_of(const struct flow_record *flow)
{
    return flow->direction[0].packets + flow->direction[1].packets;
}

static void check_end(size_t n, enum flow_end_reason reason, int64_t notice_ns, uint64_t packets)
{
    ck_assert_str_eq(flow_end_reason_name(record(n)->end_reason), flow_end_reason_name(reason));
    ck_assert_int_eq(record(n)->notice_ns, notice_ns);
    ck_assert_uint_eq(packets_of(record(n)), packets);
}

static struct flow_counters counters(void)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run.table, &packets, &flows);
    return flows;
}

static uint64_t strays(void)
{
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run.table, &packets, &flows);
    return packets.refused[PACKET_REFUSED_STRAY_TIME];
}

/* ---- end reasons ---- */

START_TEST(idle_flow_ends_at_its_next_packet)
{
    udp(T0, A, B);
    udp(T0 + 30 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    check_end(0, FLOW_END_IDLE, T0 + 30 * SECOND, 1);
    check_end(1, FLOW_END_FORCED, T0 + 30 * SECOND, 1);
    ck_assert_uint_ne(record(0)->flow_id, record(1)->flow_id);
}
END_TEST

START_TEST(idle_flow_lives_one_nanosecond_short_of_its_timeout)
{
    udp(T0, A, B);
    udp(T0 + 30 * SECOND - 1, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 1);
    check_end(0, FLOW_END_FORCED, T0 + 30 * SECOND - 1, 2);
}
END_TEST

START_TEST(idle_flow_without_more_packets_is_noticed_as_of_its_timeout)
{
    udp(T0, A, B);
    udp(T0 + 77 * SECOND, "10.0.0.3:1", B);
    flow_run_sweep(&run);
    ck_assert_uint_eq(run.count, 1);
    check_end(0, FLOW_END_IDLE, T0 + 30 * SECOND, 1);
}
END_TEST

START_TEST(idle_timeout_of_0_never_ends_a_flow)
{
    settings.idle_timeout_ns = settings.active_timeout_ns = 0;
    restart();
    udp(T0, A, B);
    udp(T0 + 3000 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 3000 * SECOND, 2);
}
END_TEST

START_TEST(closed_flow_keeps_trailing_acks)
{
    handshake(T0);
    tcp(T0 + SECOND, A, B, FIN | ACK);
    tcp(T0 + 2 * SECOND, B, A, FIN | ACK);
    tcp(T0 + 6 * SECOND, A, B, ACK);
    udp(T0 + 20 * SECOND, "10.0.0.3:1", B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_DETECTED, T0 + 11 * SECOND, 6);
    ck_assert_uint_eq(record(0)->state, FLOW_STATE_CLOSED);
    ck_assert(record(0)->is_tcp_closed);
}
END_TEST

START_TEST(reset_flow_ends_after_the_close_timeout)
{
    handshake(T0);
    tcp(T0 + SECOND, B, A, RST);
    tcp(T0 + 6 * SECOND, A, B, ACK);
    flow_run_finish(&run);
    check_end(0, FLOW_END_DETECTED, T0 + 6 * SECOND, 4);
    ck_assert_uint_eq(record(0)->state, FLOW_STATE_RESET);
    ck_assert_uint_eq(record(1)->basis, FLOW_BASIS_MEMORY);
}
END_TEST

START_TEST(fin_of_one_side_closes_nothing)
{
    handshake(T0);
    tcp(T0 + SECOND, A, B, FIN | ACK);
    tcp(T0 + 20 * SECOND, B, A, ACK);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 20 * SECOND, 5);
}
END_TEST

START_TEST(late_reset_of_a_silent_flow_ends_it_now)
{
    handshake(T0);
    udp(T0 + 20 * SECOND, "10.0.0.3:1", B);
    tcp(T0 + SECOND, B, A, RST);
    flow_run_finish(&run);
    check_end(0, FLOW_END_DETECTED, T0 + 20 * SECOND, 4);
    ck_assert_int_eq(record(0)->last_ns, T0 + SECOND);
}
END_TEST

START_TEST(active_timeout_cuts_only_at_a_packet_and_the_slice_inherits)
{
    syn(T0, A, B, 1);
    for (int64_t i = 1; i <= 13; i++)
        tcp(T0 + i * 10 * SECOND, B, A, ACK);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    check_end(0, FLOW_END_ACTIVE, T0 + 120 * SECOND, 12);
    check_end(1, FLOW_END_FORCED, T0 + 130 * SECOND, 2);
    ck_assert_uint_eq(record(0)->slice, 0);
    ck_assert_uint_eq(record(1)->slice, 1);
    ck_assert_uint_eq(record(1)->flow_id, record(0)->flow_id);
    ck_assert_uint_eq(record(1)->basis, FLOW_BASIS_SYN);
    ck_assert_uint_eq(record(1)->state, FLOW_STATE_CONTINUED);
    ck_assert_uint_eq(record(1)->source_port, 40000);
    ck_assert_uint_eq(record(1)->direction[FLOW_FORWARD].packets, 0);
}
END_TEST

START_TEST(silence_ends_an_old_flow_as_idle_not_active)
{
    for (int64_t i = 0; i < 12; i++)
        udp(T0 + i * 10 * SECOND, A, B);
    udp(T0 + 200 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_IDLE, T0 + 140 * SECOND, 12);
    ck_assert_uint_eq(record(1)->slice, 0);
}
END_TEST

START_TEST(fins_in_different_slices_close_the_flow)
{
    syn(T0, A, B, 1);
    for (int64_t i = 1; i < 12; i++)
        tcp(T0 + i * 10 * SECOND, B, A, ACK | (i == 11 ? FIN : 0));
    tcp(T0 + 125 * SECOND, A, B, FIN | ACK);
    udp(T0 + 150 * SECOND, "10.0.0.3:1", B);
    flow_run_finish(&run);
    check_end(1, FLOW_END_DETECTED, T0 + 130 * SECOND, 1);
}
END_TEST

START_TEST(new_syn_on_a_live_key_starts_a_new_flow)
{
    handshake(T0);
    syn(T0 + SECOND, A, B, 77);
    flow_run_finish(&run);
    check_end(0, FLOW_END_TCP_REUSE, T0 + SECOND, 3);
    check_end(1, FLOW_END_FORCED, T0 + SECOND, 1);
    ck_assert_uint_eq(record(1)->state, FLOW_STATE_ATTEMPTED);
}
END_TEST

START_TEST(new_syn_on_a_closed_key_ends_the_flow_as_detected)
{
    handshake(T0);
    tcp(T0 + SECOND, B, A, RST);
    syn(T0 + 2 * SECOND, A, B, 77);
    flow_run_finish(&run);
    check_end(0, FLOW_END_DETECTED, T0 + 2 * SECOND, 4);
}
END_TEST

START_TEST(retransmitted_syn_stays_in_its_flow)
{
    syn(T0, A, B, 9);
    syn(T0 + SECOND, A, B, 9);
    syn(T0 + 3 * SECOND, A, B, 9);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 3 * SECOND, 3);
}
END_TEST

START_TEST(simultaneous_open_is_one_flow)
{
    syn(T0, A, B, 1);
    syn(T0 + MS, B, A, 500);
    tcp(T0 + 2 * MS, A, B, SYN | ACK);
    tcp(T0 + 3 * MS, B, A, SYN | ACK);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 3 * MS, 4);
    ck_assert_uint_eq(record(0)->source_port, 40000);
}
END_TEST

START_TEST(late_syn_counts_in_its_flow_and_tells_the_initiator)
{
    tcp(T0 + 2 * MS, B, A, ACK);
    syn(T0, A, B, 5);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 2 * MS, 2);
    ck_assert_uint_eq(record(0)->basis, FLOW_BASIS_SYN);
    ck_assert_uint_eq(record(0)->source_port, 40000);
    ck_assert_int_eq(record(0)->first_ns, T0);
    ck_assert(record(0)->marks & FLOW_MARK_LATE_PACKETS);
}
END_TEST

START_TEST(end_of_input_ends_flows_at_table_time_in_opening_order)
{
    udp(T0, A, B);
    tcp(T0 + SECOND, "10.0.0.3:1", B, RST);
    udp(T0 + 2 * SECOND, "10.0.0.4:1", B);
    flow_run_finish(&run);
    for (size_t i = 0; i < 3; i++) {
        check_end(i, FLOW_END_FORCED, T0 + 2 * SECOND, 1);
        ck_assert_uint_eq(record(i)->opening_number, i + 1);
    }
}
END_TEST

START_TEST(tick_ends_idle_flows_without_packets)
{
    udp(T0, A, B);
    flow_table_advance(run.table, T0 + 30 * SECOND);
    flow_run_sweep(&run);
    ck_assert_uint_eq(counters().waiting, 1);
    flow_table_advance(run.table, T0 + 30 * SECOND + 1);
    flow_run_sweep(&run);
    check_end(0, FLOW_END_IDLE, T0 + 30 * SECOND, 1);
}
END_TEST

START_TEST(tick_before_the_first_packet_starts_no_time)
{
    flow_table_advance(run.table, T0);
    ck_assert(!flow_table_has_time(run.table));
    udp(SECOND, A, B);
    ck_assert_int_eq(flow_table_now_ns(run.table), SECOND);
}
END_TEST

/* ---- memory ---- */

START_TEST(keep_alive_after_idle_keeps_the_initiator)
{
    handshake(T0);
    tcp(T0 + 60 * SECOND, B, A, ACK);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    ck_assert_uint_eq(record(1)->basis, FLOW_BASIS_MEMORY);
    ck_assert_uint_eq(record(1)->state, FLOW_STATE_CONTINUED);
    ck_assert_uint_eq(record(1)->source_port, 40000);
    ck_assert_uint_eq(record(1)->direction[FLOW_FORWARD].packets, 0);
}
END_TEST

START_TEST(memory_lasts_ten_minutes_after_the_last_packet)
{
    static const int64_t after_ns[] = {600 * SECOND, 600 * SECOND + 1};
    for (unsigned i = 0; i < 2; i++) {
        restart();
        handshake(T0);
        tcp(T0 + 2 * MS + after_ns[i], B, A, ACK);
        flow_run_finish(&run);
        ck_assert_uint_eq(record(1)->basis, i == 0 ? FLOW_BASIS_MEMORY : FLOW_BASIS_ONLY_SIDE);
    }
}
END_TEST

START_TEST(unanswered_syn_is_not_remembered)
{
    syn(T0, A, B, 1);
    tcp(T0 + 60 * SECOND, B, A, ACK);
    flow_run_finish(&run);
    ck_assert_uint_eq(record(1)->basis, FLOW_BASIS_ONLY_SIDE);
}
END_TEST

START_TEST(full_memory_forgets_the_longest_silent_conversation)
{
    settings.max_memories = 1;
    restart();
    udp(T0, A, B);
    udp(T0, B, A);
    udp(T0 + SECOND, "10.0.0.3:50000", "10.0.0.4:50000");
    udp(T0 + SECOND, "10.0.0.4:50000", "10.0.0.3:50000");
    udp(T0 + 60 * SECOND, B, A);
    udp(T0 + 61 * SECOND, "10.0.0.4:50000", "10.0.0.3:50000");
    flow_run_finish(&run);
    ck_assert_uint_eq(record(2)->basis, FLOW_BASIS_ONLY_SIDE);
    ck_assert_uint_eq(record(3)->basis, FLOW_BASIS_MEMORY);
    ck_assert_uint_eq(counters().memories, 1);
    ck_assert_uint_ge(counters().memories_evicted, 1);
}
END_TEST

/* At the end of the input nothing is added any more. One conversation is remembered and goes on,
 * one is not known yet, one packet is no conversation. */
START_TEST(memories_are_counted_at_the_end_as_if_they_were_made)
{
    static const uint32_t most[] = {10, 2, 1};
    for (unsigned i = 0; i < 3; i++) {
        settings.max_memories = most[i];
        restart();
        handshake(T0);
        udp(T0 + 60 * SECOND, "10.0.0.3:50000", "10.0.0.4:50000");
        udp(T0 + 60 * SECOND, "10.0.0.4:50000", "10.0.0.3:50000");
        udp(T0 + 60 * SECOND, "10.0.0.5:50000", "10.0.0.6:50000");
        tcp(T0 + 60 * SECOND, B, A, ACK);
        flow_run_finish(&run);
        ck_assert_uint_eq(counters().memories, most[i] < 2 ? 1 : 2);
        ck_assert_uint_eq(counters().memories_evicted, most[i] < 2 ? 1 : 0);
    }
}
END_TEST

/* Two conversations that are over but not swept yet would displace the one asked for. */
START_TEST(full_memory_does_not_depend_on_the_sweep)
{
    settings.max_memories = 1;
    settings.sweep_interval_ns = 3600 * SECOND;
    for (unsigned sweeps = 0; sweeps < 2; sweeps++) {
        restart();
        udp(T0, A, B);
        udp(T0, B, A);
        udp(T0 + 29 * SECOND, "10.0.0.3:50000", "10.0.0.4:50000");
        udp(T0 + 29 * SECOND, "10.0.0.4:50000", "10.0.0.3:50000");
        udp(T0 + 59 * SECOND, "10.0.0.5:1", "10.0.0.6:1");
        if (sweeps)
            flow_run_sweep(&run);
        udp(T0 + 59 * SECOND, B, A);
        flow_run_finish(&run);
        ck_assert_uint_eq(record(3)->basis, FLOW_BASIS_ONLY_SIDE);
    }
}
END_TEST

/* ---- eviction ---- */

START_TEST(full_table_evicts_light_before_closed_before_open)
{
    static const uint16_t first_ports[] = {3, 2, 1};
    settings.max_flows = 3;
    for (unsigned evicted = 1; evicted <= 3; evicted++) {
        restart();
        handshake(T0);
        tcp(T0, "10.0.0.3:2", "10.0.0.4:50000", ACK);
        tcp(T0, "10.0.0.4:50000", "10.0.0.3:2", RST);
        syn(T0 + SECOND, "10.0.0.5:3", B, 1);
        for (unsigned i = 0; i < evicted; i++) {
            char from[32];
            snprintf(from, sizeof from, "10.0.1.%u:9", i);
            tcp(T0 + 2 * SECOND, from, B, ACK);
            tcp(T0 + 2 * SECOND, B, from, ACK);
        }
        uint64_t is_open[3] = {1, 1, 1};
        flow_table_advance(run.table, T0 + 2 * SECOND + 1);
        flow_run_sweep(&run);
        ck_assert_uint_eq(run.count, evicted);
        for (size_t i = 0; i < run.count; i++) {
            const uint16_t port = record(i)->source_port == 40000 ? 1 : record(i)->source_port;
            for (unsigned j = 0; j < 3; j++)
                if (first_ports[j] == port)
                    is_open[j] = 0;
        }
        for (unsigned j = 0; j < 3; j++)
            ck_assert_uint_eq(is_open[j], j >= evicted);
    }
}
END_TEST

START_TEST(of_equal_weight_the_longest_silent_is_evicted_then_the_first_opened)
{
    settings.max_flows = 3;
    restart();
    udp(T0, "10.0.0.1:1", B);
    udp(T0, "10.0.0.1:2", B);
    udp(T0, "10.0.0.1:3", B);
    udp(T0, "10.0.0.1:4", B);
    udp(T0 + SECOND, "10.0.0.1:5", B);
    flow_table_advance(run.table, T0 + 2 * SECOND);
    flow_run_sweep(&run);
    ck_assert_uint_eq(run.count, 2);
    ck_assert_uint_eq(record(0)->source_port, 1);
    ck_assert_uint_eq(record(1)->source_port, 2);
    check_end(1, FLOW_END_RESOURCES, T0 + SECOND, 1);
}
END_TEST

/* A flow that was open gets the SYN-ACK of an opening nobody completed: it weighs less again. */
START_TEST(flow_that_becomes_half_open_is_evicted_as_light)
{
    settings.max_flows = 2;
    for (unsigned sweeps = 0; sweeps < 2; sweeps++) {
        restart();
        udp(T0, "10.0.0.9:9", "10.0.0.8:8");
        udp(T0, "10.0.0.9:9", "10.0.0.8:8");
        tcp(T0 + SECOND, B, A, ACK);
        tcp(T0 + SECOND, B, A, ACK);
        if (sweeps) {
            tcp(T0 + 29 * SECOND, B, A, ACK);
            tcp(T0 + 58 * SECOND, B, A, ACK);
            udp(T0 + 58 * SECOND, "10.0.0.9:9", "10.0.0.8:8");
            udp(T0 + 58 * SECOND, "10.0.0.9:9", "10.0.0.8:8");
        }
        const int64_t now_ns = T0 + (sweeps ? 60 : 2) * SECOND;
        tcp(now_ns, B, A, SYN | ACK);
        udp(now_ns, "10.0.0.7:7", B);
        flow_run_finish(&run);
        const struct flow_record *evicted = NULL;
        for (size_t i = 0; i < run.count; i++)
            if (record(i)->end_reason == FLOW_END_RESOURCES)
                evicted = record(i);
        ck_assert_ptr_nonnull(evicted);
        ck_assert_uint_eq(evicted->protocol, PACKET_PROTOCOL_TCP);
    }
}
END_TEST

START_TEST(due_flows_end_before_anything_is_evicted)
{
    settings.max_flows = 1;
    settings.sweep_interval_ns = 3600 * SECOND;
    restart();
    udp(T0, A, B);
    udp(T0 + 31 * SECOND, "10.0.0.3:1", B);
    udp(T0 + 31 * SECOND, "10.0.0.4:1", B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_IDLE, T0 + 30 * SECOND, 1);
    check_end(1, FLOW_END_RESOURCES, T0 + 31 * SECOND, 1);
    check_end(2, FLOW_END_FORCED, T0 + 31 * SECOND, 1);
}
END_TEST

static void udp_from_port(int64_t time_ns, unsigned port)
{
    char from[32];
    snprintf(from, sizeof from, "10.0.0.1:%u", port);
    udp(time_ns, from, B);
}

START_TEST(standing_clock_with_more_flows_than_the_table_holds_loses_nothing)
{
    settings.max_flows = 4;
    restart();
    for (unsigned port = 1; port <= 5000; port++)
        udp_from_port(T0, port);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 5000);
    ck_assert_uint_eq(counters().evicted, 4996);
    for (size_t i = 0; i < run.count; i++)
        ck_assert_uint_eq(record(i)->opening_number, i + 1);
}
END_TEST

/* The room for ended flows fills at one moment, then time moves on: what was noticed before is
 * handed over, and what is noticed at the new moment waits for those that come before it. */
START_TEST(full_waiting_room_is_emptied_in_order)
{
    settings.max_flows = 4;
    settings.sweep_interval_ns = 3600 * SECOND;
    restart();
    syn(T0, A, B, 1);
    tcp(T0, B, A, SYN | ACK);
    tcp(T0, A, B, ACK);
    for (unsigned port = 1; port <= 1024 + 3; port++)
        udp_from_port(T0 + SECOND, port);
    ck_assert_uint_eq(run.count, 0);
    udp_from_port(T0 + 2 * SECOND, 2000); /* evicts 1025, noticed now */
    syn(T0 + 2 * SECOND, A, B, 99);       /* ends flow 1, noticed now */
    flow_run_finish(&run);
    for (size_t i = 1; i < run.count; i++)
        ck_assert(record(i - 1)->notice_ns < record(i)->notice_ns ||
                  record(i - 1)->opening_number < record(i)->opening_number);
}
END_TEST

/* ---- clock ---- */

START_TEST(single_stray_packet_is_refused_and_moves_nothing)
{
    static const int64_t far_ns[] = {3601 * SECOND, -61 * SECOND};
    for (unsigned i = 0; i < 2; i++) {
        restart();
        udp(T0, A, B);
        udp(T0 + far_ns[i], A, B);
        udp(T0 + SECOND, A, B);
        flow_run_finish(&run);
        check_end(0, FLOW_END_FORCED, T0 + SECOND, 2);
        ck_assert_uint_eq(strays(), 1);
    }
}
END_TEST

START_TEST(stray_packet_apart_from_another_is_not_believed)
{
    udp(T0, A, B);
    udp(T0 + 7200 * SECOND, A, B);
    udp(T0 + SECOND, A, B);
    udp(T0 + 7200 * SECOND, A, B);
    udp(T0 + 2 * SECOND, A, B);
    udp(T0 - 7200 * SECOND, A, B);
    udp(T0 + 7200 * SECOND, A, B);
    udp(T0 + 3 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 3 * SECOND, 4);
    ck_assert_uint_eq(strays(), 4);
}
END_TEST

/* A quiet link, or captures of several days in one file. */
START_TEST(packets_hours_apart_are_all_believed)
{
    for (int64_t i = 0; i < 5; i++)
        udp(T0 + i * i * 7200 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 5);
    ck_assert_uint_eq(strays(), 0);
    ck_assert_int_eq(flow_table_now_ns(run.table), T0 + 16 * 7200 * SECOND);
}
END_TEST

/* Two sessions of a later day in one file, the second written first. */
START_TEST(packets_ahead_in_the_wrong_order_are_both_believed)
{
    udp(T0, A, B);
    udp(T0 + 18000 * SECOND, A, B);
    udp(T0 + 17900 * SECOND, A, B);
    udp(T0 + 18001 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(strays(), 0);
    ck_assert_uint_eq(run.count, 3);
    check_end(1, FLOW_END_IDLE, T0 + 17930 * SECOND, 1);
    check_end(2, FLOW_END_FORCED, T0 + 18001 * SECOND, 2);
}
END_TEST

/* A held packet, believed or not, is counted once at every moment. */
START_TEST(sums_hold_while_a_packet_is_held)
{
    static const int64_t seconds[] = {0, 18000, 17900, 18001, 9000, 9001, 9002, 30000, 9003};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        udp(T0 + seconds[i] * SECOND, A, B);
        struct packet_counters packets;
        struct flow_counters flows;
        flow_table_counters(run.table, &packets, &flows);
        ck_assert_uint_eq(packets.in_flows + packets.refused[PACKET_REFUSED_STRAY_TIME], i + 1);
    }
    flow_run_finish(&run);
    ck_assert_uint_eq(strays(), 1);
}
END_TEST

START_TEST(packet_behind_at_the_end_is_a_stray)
{
    udp(T0, A, B);
    udp(T0 - 7200 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0, 1);
    ck_assert_uint_eq(strays(), 1);
}
END_TEST

START_TEST(step_of_an_hour_forward_or_a_minute_back_is_no_step)
{
    udp(T0, A, B);
    udp(T0 - 60 * SECOND, "10.0.0.3:1", B);
    udp(T0 + 3600 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 3);
    ck_assert_uint_eq(strays(), 0);
    ck_assert_int_eq(flow_table_now_ns(run.table), T0 + 3600 * SECOND);
}
END_TEST

START_TEST(forward_step_is_believed_once_the_next_packet_agrees)
{
    udp(T0, A, B);
    udp(T0 + 7200 * SECOND, A, B);
    udp(T0 + 7201 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_IDLE, T0 + 30 * SECOND, 1);
    check_end(1, FLOW_END_FORCED, T0 + 7201 * SECOND, 2);
    ck_assert_uint_eq(record(1)->epoch, 0);
    ck_assert_uint_eq(strays(), 0);
    ck_assert_uint_eq(counters().clock_steps, 0);
}
END_TEST

START_TEST(backward_step_ends_all_flows_and_counts_an_epoch)
{
    handshake(T0);
    udp(T0 + SECOND, "10.0.0.3:1", B);
    tcp(T0 - 500 * SECOND, B, A, ACK);
    tcp(T0 - 499 * SECOND, B, A, ACK);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 3);
    check_end(0, FLOW_END_CLOCK_STEP, T0 + SECOND, 3);
    check_end(1, FLOW_END_CLOCK_STEP, T0 + SECOND, 1);
    check_end(2, FLOW_END_FORCED, T0 - 499 * SECOND, 2);
    ck_assert_uint_eq(record(1)->epoch, 0);
    ck_assert_uint_eq(record(2)->epoch, 1);
    ck_assert_uint_eq(record(2)->basis, FLOW_BASIS_ONLY_SIDE);
    ck_assert_uint_eq(counters().clock_steps, 1);
    ck_assert_uint_eq(strays(), 0);
}
END_TEST

START_TEST(first_packet_with_a_wrong_stamp_costs_an_epoch_and_nothing_else)
{
    udp(T0 + 1000000 * SECOND, A, B);
    udp(T0, A, B);
    udp(T0 + 1, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_CLOCK_STEP, T0 + 1000000 * SECOND, 1);
    check_end(1, FLOW_END_FORCED, T0 + 1, 2);
}
END_TEST

/* Live, the packet that shows a step may be refused while flows end; if the next one is of the old
 * time, the clock was not set after all. */
START_TEST(backward_step_taken_back_ends_no_later_flow)
{
    udp(T0, A, B);
    udp(T0 - 500 * SECOND, A, B);
    const struct packet agreeing = flow_build_udp(T0 - 500 * SECOND, A, B);
    ck_assert_uint_eq(flow_table_packets(run.table, &agreeing, 1), 0);
    flow_run_sweep(&run);
    flow_table_refuse(run.table);
    run.fed++;
    udp(T0 + SECOND, A, B);
    udp(T0 + 2 * SECOND, A, B);
    udp(T0 + 3 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 2);
    check_end(0, FLOW_END_CLOCK_STEP, T0, 1);
    check_end(1, FLOW_END_FORCED, T0 + 3 * SECOND, 3);
}
END_TEST

START_TEST(late_packet_counts_in_its_flow)
{
    udp(T0, A, B);
    udp(T0 + 10 * SECOND, A, B);
    udp(T0 - 20 * SECOND, A, B);
    flow_run_finish(&run);
    check_end(0, FLOW_END_FORCED, T0 + 10 * SECOND, 3);
    ck_assert_int_eq(record(0)->first_ns, T0 - 20 * SECOND);
}
END_TEST

START_TEST(packet_so_late_that_its_flow_is_over_is_noticed_now)
{
    udp(T0, A, B);
    udp(T0 - 40 * SECOND, "10.0.0.3:1", B);
    flow_run_finish(&run);
    check_end(1, FLOW_END_IDLE, T0, 1);
    ck_assert_int_eq(record(1)->last_ns, T0 - 40 * SECOND);
}
END_TEST

/* ---- what the capture lost ---- */

START_TEST(loss_marks_the_flows_open_then_and_no_others)
{
    udp(T0, A, B);
    udp(T0 + 20 * SECOND, "10.0.0.3:1", B);
    udp(T0 + 30 * SECOND, "10.0.0.4:1", B); /* A's flow ended, handed over later */
    flow_run_sweep(&run);
    udp(T0 + 30 * SECOND + MS, "10.0.0.4:1", B);
    flow_table_note_loss(run.table);
    udp(T0 + 31 * SECOND, "10.0.0.5:1", B);
    flow_run_finish(&run);
    ck_assert_uint_eq(run.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const bool is_marked = record(i)->marks & FLOW_MARK_KERNEL_DROPS;
        ck_assert_int_eq(is_marked, i == 1 || i == 2);
    }
}
END_TEST

START_TEST(loss_before_the_clock_was_set_back_marks_no_later_flow)
{
    udp(T0, A, B);
    flow_table_note_loss(run.table);
    udp(T0 - 500 * SECOND, A, B);
    udp(T0 - 500 * SECOND, A, B);
    flow_run_finish(&run);
    ck_assert(record(0)->marks & FLOW_MARK_KERNEL_DROPS);
    ck_assert(!(record(1)->marks & FLOW_MARK_KERNEL_DROPS));
}
END_TEST

START_TEST(refused_packet_is_counted)
{
    flow_table_refuse(run.table);
    struct packet_counters packets;
    struct flow_counters flows;
    flow_table_counters(run.table, &packets, &flows);
    ck_assert_uint_eq(packets.refused[PACKET_REFUSED_NO_MEMORY], 1);
}
END_TEST

/* The clock is set forward while there is no place for another flow, and then all ends. */
START_TEST(believed_packet_without_a_place_is_taken_at_the_end)
{
    settings.max_flows = 4;
    restart();
    for (unsigned port = 1; port <= 1024 + 4; port++)
        udp_from_port(T0, port);
    const struct packet stepped[2] = {
        flow_build_udp(T0 + 7200 * SECOND, A, B),
        flow_build_udp(T0 + 7200 * SECOND, A, B),
    };
    ck_assert_uint_eq(flow_table_packets(run.table, stepped, 2), 1);
    flow_table_refuse(run.table);
    run.fed += 2;
    flow_run_finish(&run); /* checks the sums */
    ck_assert_uint_eq(run.count, 1029);
}
END_TEST

START_TEST(stamps_of_whole_milliseconds_are_coarse)
{
    static const int64_t extra_ns[] = {0, 1000};
    for (unsigned i = 0; i < 2; i++) {
        restart();
        udp(T0, A, B);
        udp(T0 + MS + extra_ns[i], A, B);
        udp(T0 + 5 * MS, "10.0.0.3:1", B);
        flow_run_finish(&run);
        const bool is_coarse = record(0)->marks & FLOW_MARK_COARSE_TIME;
        ck_assert_int_eq(is_coarse, i == 0);
        ck_assert(!(record(1)->marks & FLOW_MARK_COARSE_TIME)); /* one packet tells nothing */
    }
}
END_TEST

START_TEST(flows_are_counted_by_protocol)
{
    udp(T0, A, B);
    tcp(T0, A, B, ACK);
    flow_run_packet(&run, flow_build_icmp(T0, "10.0.0.1", "10.0.0.2", 8, 0, 0));
    struct packet sctp = flow_build_udp(T0, A, B);
    sctp.protocol = PACKET_PROTOCOL_SCTP;
    flow_run_packet(&run, sctp);
    ck_assert_uint_eq(counters().opened, 4);
    ck_assert_uint_eq(counters().opened_tcp, 1);
    ck_assert_uint_eq(counters().opened_udp, 1);
    ck_assert_uint_eq(counters().opened_icmp, 1);
    ck_assert_uint_eq(counters().opened_other, 1);
    ck_assert_uint_eq(counters().open, 4);
    ck_assert_uint_gt(counters().memory_bytes, 0);
}
END_TEST

static void add_case(Suite *suite, const char *name, const TTest *const tests[], size_t count)
{
    TCase *const tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

#define ADD_CASE(suite, name, tests) add_case(suite, name, tests, sizeof(tests) / sizeof *(tests))

/* ---- whose a packet is ---- */

enum { TOLD_PACKETS = 2000 };

/* What was told of each flow, by opening number, and of the packets themselves. */
static struct {
    uint64_t packets[TOLD_PACKETS + 1];
    uint64_t held, left_out;
    bool is_told;
} told;

static void note_packet(void *context, uint64_t opening_number, bool was_held)
{
    (void)context;
    ck_assert_uint_le(opening_number, TOLD_PACKETS);
    told.packets[opening_number]++;
    told.held += was_held;
    told.left_out += opening_number == 0;
    told.is_told |= !was_held;
}

/* Fed one by one: of a packet of which nothing is told the table holds the stamp in doubt, and only
 * of the last such anything is told later. */
static void check_told(const struct packet packets[])
{
    memset(&told, 0, sizeof told);
    flow_table_observe(run.table, note_packet, NULL);
    uint64_t doubtful = 0;
    for (size_t i = 0; i < TOLD_PACKETS; i++) {
        told.is_told = false;
        flow_run_packet(&run, packets[i]);
        doubtful += !told.is_told;
        ck_assert_uint_le(told.held, doubtful);
    }
    struct packet_counters counters;
    struct flow_counters flows;
    flow_run_finish(&run);
    flow_table_counters(run.table, &counters, &flows);
    ck_assert_uint_eq(told.left_out, counters.refused[PACKET_REFUSED_DUPLICATE]);
    ck_assert_uint_eq(doubtful - told.held, counters.refused[PACKET_REFUSED_STRAY_TIME] +
                                                counters.refused[PACKET_REFUSED_NO_MEMORY]);
    for (size_t i = 0; i < run.count; i++)
        ck_assert_uint_eq(told.packets[run.records[i].opening_number],
                          run.records[i].direction[0].packets +
                              run.records[i].direction[1].packets);
}

START_TEST(of_each_packet_it_is_told_whose_it_is)
{
    static struct packet packets[TOLD_PACKETS];
    uint64_t state = 5, held = 0, left_out = 0;
    for (unsigned round = 0; round < 30; round++) {
        const struct flow_mix mix = {.keys = 3 + round,
                                     .has_known_ports = true,
                                     .has_steps = round % 2 == 0,
                                     .is_dense = round % 3 == 0};
        settings = flow_build_random_settings(&state);
        settings.leaves_out_duplicates = round % 4 == 0;
        restart();
        flow_build_random_packets(&state, &mix, packets, TOLD_PACKETS);
        for (size_t i = 10; round % 5 == 0 && i < TOLD_PACKETS; i += 10)
            packets[i] = packets[i - 1];
        check_told(packets);
        held += told.held;
        left_out += told.left_out;
    }
    ck_assert_uint_gt(held, 10);
    ck_assert_uint_gt(left_out, 10);
}
END_TEST

Suite *whyflow_suite(void)
{
    const TTest *const ends[] = {
        idle_flow_ends_at_its_next_packet,
        idle_flow_lives_one_nanosecond_short_of_its_timeout,
        idle_flow_without_more_packets_is_noticed_as_of_its_timeout,
        idle_timeout_of_0_never_ends_a_flow,
        closed_flow_keeps_trailing_acks,
        reset_flow_ends_after_the_close_timeout,
        fin_of_one_side_closes_nothing,
        late_reset_of_a_silent_flow_ends_it_now,
        active_timeout_cuts_only_at_a_packet_and_the_slice_inherits,
        silence_ends_an_old_flow_as_idle_not_active,
        fins_in_different_slices_close_the_flow,
        new_syn_on_a_live_key_starts_a_new_flow,
        new_syn_on_a_closed_key_ends_the_flow_as_detected,
        retransmitted_syn_stays_in_its_flow,
        simultaneous_open_is_one_flow,
        late_syn_counts_in_its_flow_and_tells_the_initiator,
        end_of_input_ends_flows_at_table_time_in_opening_order,
        tick_ends_idle_flows_without_packets,
        tick_before_the_first_packet_starts_no_time,
    };
    const TTest *const memory[] = {
        keep_alive_after_idle_keeps_the_initiator,
        memory_lasts_ten_minutes_after_the_last_packet,
        unanswered_syn_is_not_remembered,
        full_memory_forgets_the_longest_silent_conversation,
        memories_are_counted_at_the_end_as_if_they_were_made,
        full_memory_does_not_depend_on_the_sweep,
    };
    const TTest *const eviction[] = {
        full_table_evicts_light_before_closed_before_open,
        of_equal_weight_the_longest_silent_is_evicted_then_the_first_opened,
        flow_that_becomes_half_open_is_evicted_as_light,
        due_flows_end_before_anything_is_evicted,
        standing_clock_with_more_flows_than_the_table_holds_loses_nothing,
        full_waiting_room_is_emptied_in_order,
    };
    const TTest *const clock[] = {
        single_stray_packet_is_refused_and_moves_nothing,
        stray_packet_apart_from_another_is_not_believed,
        packets_hours_apart_are_all_believed,
        packet_behind_at_the_end_is_a_stray,
        packets_ahead_in_the_wrong_order_are_both_believed,
        sums_hold_while_a_packet_is_held,
        step_of_an_hour_forward_or_a_minute_back_is_no_step,
        forward_step_is_believed_once_the_next_packet_agrees,
        backward_step_ends_all_flows_and_counts_an_epoch,
        first_packet_with_a_wrong_stamp_costs_an_epoch_and_nothing_else,
        backward_step_taken_back_ends_no_later_flow,
        late_packet_counts_in_its_flow,
        packet_so_late_that_its_flow_is_over_is_noticed_now,
    };
    const TTest *const account[] = {
        loss_marks_the_flows_open_then_and_no_others,
        loss_before_the_clock_was_set_back_marks_no_later_flow,
        refused_packet_is_counted,
        believed_packet_without_a_place_is_taken_at_the_end,
        stamps_of_whole_milliseconds_are_coarse,
        flows_are_counted_by_protocol,
        of_each_packet_it_is_told_whose_it_is,
    };
    Suite *const suite = suite_create("flow table");
    ADD_CASE(suite, "ends", ends);
    ADD_CASE(suite, "memory", memory);
    ADD_CASE(suite, "eviction", eviction);
    ADD_CASE(suite, "clock", clock);
    ADD_CASE(suite, "account", account);
    return suite;
}
