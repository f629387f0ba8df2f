/* SPDX-License-Identifier: Apache-2.0 */
/* What the flow table costs: ns a packet by number of open flows, and ns a flow in a flood. Called
 * by scripts/bench or by hand:
 *
 *     table FLOWS [PACKETS]    packets of FLOWS flows, in an order no cache likes
 *     table flood [PACKETS]    each packet a new flow, into a table of a million places
 *
 * Prints a line for each kind of 5-tuples: random ones, and ones that an attacker would choose
 * against a hash without a key, which must take no longer. A line has the ns of processor time a
 * packet (making packets is not in it), those of sweeping and taking, the worst single call, and
 * that of ending all flows and taking them. */
#include "flow/flow_table.h"
#include "pipeline.h"
#include "whyflow/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum kind { KIND_RANDOM, KIND_IPV6, KIND_SEQUENTIAL, KIND_LOW_BITS, KIND_COUNT };
static const char *const kind_names[] = {"random", "ipv6", "sequential", "equal-low-bits"};

struct bench {
    struct flow_table *table;
    struct flow_record records[PIPELINE_TAKE_MAX];
    uint64_t flows;  /* 0: each packet a new one */
    uint64_t stride; /* from a packet's flow to the next one's; has no divisor with flows */
    enum kind kind;
    int64_t packets_ns, ends_ns, worst_ns, worst_end_ns, worst_all_ns;
    uint64_t packets, taken;
};

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t mix(uint64_t number)
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void set_tuple(struct packet *packet, enum kind kind, uint64_t flow)
{
    const uint64_t random = mix(flow);
    uint32_t from = (uint32_t)random, to = (uint32_t)(random >> 32);
    packet->source_port = (uint16_t)(1024 + flow % 60000);
    packet->destination_port = 443;
    if (kind == KIND_SEQUENTIAL) {
        from = UINT32_C(0x0a000000) + (uint32_t)(flow / 60000);
        to = UINT32_C(0xc0000201);
    } else if (kind == KIND_LOW_BITS) { /* all that varies lies in high bits of its words */
        from = (uint32_t)(flow & 0xfff) << 20 | 1;
        to = (uint32_t)(flow >> 12) << 20 | 2;
        packet->source_port = (uint16_t)((flow >> 24) << 8);
    }
    memcpy(packet->source, &from, sizeof from);
    memcpy(packet->destination, &to, sizeof to);
    if (kind == KIND_IPV6) {
        memcpy(packet->source + 8, &random, sizeof random);
        packet->ip_version = 6;
    }
}

/* Far apart, so that neither caches nor the processor's prefetching help. */
static uint64_t stride_of(uint64_t flows)
{
    uint64_t stride = flows * 618 / 1000 | 1;
    for (;; stride += 2) {
        uint64_t a = flows, b = stride;
        while (b != 0) {
            const uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return stride;
    }
}

static void make_packet(const struct bench *bench, uint64_t number, struct packet *packet)
{
    const bool is_flood = bench->flows == 0;
    const uint64_t flow = is_flood ? number : number * bench->stride % bench->flows;
    const uint64_t turn = is_flood ? 0 : number / bench->flows;
    *packet = (struct packet){
        .time_ns = INT64_C(1700000000) * 1000000000 + (int64_t)number * (is_flood ? 1000 : 500),
        .ip_version = 4,
        .protocol = PACKET_PROTOCOL_TCP,
        .ttl = 64,
        .tcp_flags = turn == 0 ? PACKET_TCP_SYN : PACKET_TCP_ACK,
        .frame_bytes = 60,
        .ip_bytes = 46,
        .payload_bytes = turn == 0 ? 0 : 6,
        .tcp_sequence = (uint32_t)(turn == 0 ? 1 : 2 + 6 * (turn - 1)),
        .tcp_window = 1000,
        .digest = (uint32_t)mix(number),
    };
    set_tuple(packet, bench->kind, flow);
}

/* Ends flows in slices and takes them; the worst of these calls goes to *worst_ns. */
static void take_ended(struct bench *bench, bool (*end_slice)(struct flow_table *, size_t),
                       int64_t *worst_ns)
{
    size_t count;
    bool is_done;
    do {
        const int64_t start_ns = clock_ns();
        is_done = end_slice(bench->table, PIPELINE_SWEEP_SLICE);
        const int64_t took_ns = clock_ns() - start_ns;
        bench->ends_ns += took_ns;
        *worst_ns = took_ns > *worst_ns ? took_ns : *worst_ns;
    } while (!is_done);
    do {
        const int64_t start_ns = clock_ns();
        count = flow_table_take(bench->table, bench->records, PIPELINE_TAKE_MAX);
        const int64_t took_ns = clock_ns() - start_ns;
        bench->ends_ns += took_ns;
        *worst_ns = took_ns > *worst_ns ? took_ns : *worst_ns;
        bench->taken += count;
    } while (count > 0);
}

static void give(struct bench *bench, const struct packet *packets, size_t count, bool is_counted)
{
    for (size_t taken = 0; taken < count;) {
        const int64_t start_ns = clock_ns();
        taken += flow_table_packets(bench->table, packets + taken, count - taken);
        const int64_t took_ns = clock_ns() - start_ns;
        if (is_counted)
            bench->packets_ns += took_ns;
        bench->worst_ns = took_ns > bench->worst_ns ? took_ns : bench->worst_ns;
        if (flow_table_sweep_is_due(bench->table))
            take_ended(bench, flow_table_sweep, &bench->worst_end_ns);
    }
}

/* Packets of the first turn open the flows and are not counted, but in a flood. */
static void run(enum kind kind, uint64_t flows, uint64_t packets)
{
    static struct bench bench;
    static struct packet batch[PIPELINE_BATCH_MAX];
    struct settings settings;
    settings_default(&settings);
    settings.flow.max_flows = flows > 1 << 20 ? (uint32_t)flows : 1 << 20;
    bench = (struct bench){
        .flows = flows,
        .stride = flows > 0 ? stride_of(flows) : 0,
        .kind = kind,
        .table = flow_table_open(&settings.flow),
    };
    if (bench.table == NULL)
        exit(1);
    for (uint64_t number = 0; number < flows + packets; number += PIPELINE_BATCH_MAX) {
        for (unsigned i = 0; i < PIPELINE_BATCH_MAX; i++)
            make_packet(&bench, number + i, &batch[i]);
        const bool is_counted = number >= flows;
        give(&bench, batch, PIPELINE_BATCH_MAX, is_counted);
        bench.packets += is_counted ? PIPELINE_BATCH_MAX : 0;
    }
    const double ends_ns = (double)bench.ends_ns;
    take_ended(&bench, flow_table_end, &bench.worst_all_ns);
    const double n = (double)bench.packets;
    printf("%10" PRIu64 " %-15s %6.1f ns a packet %6.1f ns sweep and take %9" PRIu64
           " flows taken, worst call %.2f ms, of sweep and take %.2f ms, when all end %.2f ms\n",
           flows, kind_names[kind], (double)bench.packets_ns / n, ends_ns / n, bench.taken,
           (double)bench.worst_ns / 1e6, (double)bench.worst_end_ns / 1e6,
           (double)bench.worst_all_ns / 1e6);
    fflush(stdout);
    flow_table_close(bench.table);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: table FLOWS|flood [PACKETS]\n", stderr);
        return 2;
    }
    const uint64_t flows = strcmp(argv[1], "flood") == 0 ? 0 : strtoull(argv[1], NULL, 0);
    const uint64_t packets = argc > 2 ? strtoull(argv[2], NULL, 0) : 3000000;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++)
        run((enum kind)kind, flows, packets);
    return 0;
}
