/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants 1 and 5 over random packets: when the table is swept, how packets are batched and
 * where the hash puts flows decides nothing; flows are handed over in order; mirrored packets make
 * mirrored flows. */
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { PACKETS = 1500, SEQUENCES = 16 };

static struct packet packets[PACKETS];
static struct flow_settings settings;

static void make_sequence(int number, bool has_known_ports)
{
    uint64_t state = (uint64_t)number;
    settings = flow_build_random_settings(&state);
    const struct flow_mix mix = {
        .keys = (unsigned)(4 + flow_random(&state) % 80),
        .has_known_ports = has_known_ports,
        .has_steps = flow_random(&state) % 2,
    };
    flow_build_random_packets(&state, &mix, packets, PACKETS);
}

/* Sweeps at random moments beside those that are due, if random_state is not NULL. */
static void feed(struct flow_run *run, size_t batch, uint64_t *random_state)
{
    flow_run_open(run, &settings);
    for (size_t i = 0; i < PACKETS;) {
        size_t count = PACKETS - i;
        if (random_state != NULL && count > 1)
            count = 1 + flow_random(random_state) % (count < 40 ? count : 40);
        flow_run_packets(run, packets + i, count, batch);
        i += count;
        if (random_state != NULL)
            flow_run_sweep(run);
    }
    flow_run_finish(run);
}

static void check_same(const struct flow_run *a, const struct flow_run *b)
{
    char text_a[FLOW_DESCRIPTION_SIZE], text_b[FLOW_DESCRIPTION_SIZE];
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (memcmp(&a->records[i], &b->records[i], sizeof a->records[i]) == 0)
            continue; /* else it may be padding only */
        flow_build_describe(&a->records[i], true, text_a);
        flow_build_describe(&b->records[i], true, text_b);
        ck_assert_str_eq(text_a, text_b);
        ck_assert_uint_eq(a->records[i].flow_id, b->records[i].flow_id);
    }
    ck_assert_uint_eq(a->count, b->count);
}

/* Feeds the sequence with settings as they are by now and compares with the plain run. */
static void check_variant(const struct flow_run *plain, size_t batch, uint64_t *random_state)
{
    struct flow_run run;
    feed(&run, batch, random_state);
    check_same(plain, &run);
    flow_run_close(&run);
}

START_TEST(sweeps_decide_when_we_notice_and_never_what_the_flow_is)
{
    static const int64_t intervals_ns[] = {1 * MS, 100 * MS, 3600 * SECOND};
    make_sequence(_i, true);
    struct flow_run plain;
    feed(&plain, 32, NULL);
    for (unsigned i = 0; i < sizeof intervals_ns / sizeof intervals_ns[0]; i++) {
        settings.sweep_interval_ns = intervals_ns[i];
        check_variant(&plain, 32, NULL);
    }
    uint64_t state = (uint64_t)_i + 1000;
    check_variant(&plain, 32, &state);
    flow_run_close(&plain);
}
END_TEST

START_TEST(hash_key_decides_placement_only)
{
    make_sequence(_i, true);
    struct flow_run plain;
    feed(&plain, 32, NULL);
    settings.hash_key[0] = UINT64_C(0x0123456789abcdef) * (uint64_t)(_i + 1);
    settings.hash_key[1] = UINT64_C(0xfedcba9876543210);
    check_variant(&plain, 32, NULL);
    flow_run_close(&plain);
}
END_TEST

START_TEST(batch_size_decides_nothing)
{
    static const size_t batches[] = {1, 7, 33, 1000};
    make_sequence(_i, true);
    struct flow_run plain;
    feed(&plain, 32, NULL);
    for (unsigned i = 0; i < sizeof batches / sizeof batches[0]; i++)
        check_variant(&plain, batches[i], NULL);
    flow_run_close(&plain);
}
END_TEST

static void check_order(const struct flow_record *a, const struct flow_record *b)
{
    ck_assert_uint_le(a->epoch, b->epoch);
    if (a->epoch != b->epoch)
        return;
    ck_assert_int_le(a->notice_ns, b->notice_ns);
    if (a->notice_ns == b->notice_ns)
        ck_assert_uint_lt(a->opening_number, b->opening_number);
}

START_TEST(flows_are_handed_over_by_epoch_notice_time_and_opening_number)
{
    make_sequence(_i, true);
    uint64_t state = (uint64_t)_i;
    struct flow_run run;
    feed(&run, 32, _i % 2 ? &state : NULL);
    ck_assert_uint_gt(run.count, 10);
    for (size_t i = 1; i < run.count; i++)
        check_order(&run.records[i - 1], &run.records[i]);
    for (size_t i = 0; i < run.count; i++) {
        ck_assert_int_le(run.records[i].first_ns, run.records[i].last_ns);
        ck_assert_int_le(run.records[i].last_ns, run.records[i].notice_ns);
    }
    flow_run_close(&run);
}
END_TEST

/* Without known ports nothing but who sent what decides, so only the endpoints change places. */
START_TEST(mirrored_packets_make_mirrored_flows)
{
    make_sequence(_i, false);
    struct flow_run plain, mirrored;
    feed(&plain, 32, NULL);
    for (size_t i = 0; i < PACKETS; i++)
        packets[i] = flow_build_mirrored(packets[i]);
    feed(&mirrored, 32, NULL);
    for (size_t i = 0; i < mirrored.count; i++) {
        struct flow_record *const record = &mirrored.records[i];
        struct flow_record turned = *record;
        memcpy(turned.source, record->destination, sizeof turned.source);
        memcpy(turned.destination, record->source, sizeof turned.destination);
        turned.source_port = record->destination_port;
        turned.destination_port = record->source_port;
        turned.flow_id = i < plain.count ? plain.records[i].flow_id : 0;
        *record = turned;
    }
    check_same(&plain, &mirrored);
    flow_run_close(&plain);
    flow_run_close(&mirrored);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow sweep");
    TCase *const tcase = tcase_create("random packets");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, sweeps_decide_when_we_notice_and_never_what_the_flow_is, 0,
                        SEQUENCES);
    tcase_add_loop_test(tcase, hash_key_decides_placement_only, 0, SEQUENCES / 2);
    tcase_add_loop_test(tcase, batch_size_decides_nothing, 0, SEQUENCES / 2);
    tcase_add_loop_test(tcase, flows_are_handed_over_by_epoch_notice_time_and_opening_number, 0,
                        SEQUENCES);
    tcase_add_loop_test(tcase, mirrored_packets_make_mirrored_flows, 0, SEQUENCES / 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
