/* SPDX-License-Identifier: Apache-2.0 */
/* The sums that hold between a run's counters. Any thread. */
#include "whyflow/statistics.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t refused_sum(const struct packet_counters *packets)
{
    uint64_t sum = 0;
    for (unsigned reason = 1; reason < PACKET_REFUSAL_COUNT; reason++)
        sum += packets->refused[reason];
    return sum;
}

bool statistics_check(const struct statistics *statistics, char *error, size_t error_size)
{
    const struct capture_counters *const capture = &statistics->capture;
    const struct packet_counters *const packets = &statistics->packets;
    const struct flow_counters *const flows = &statistics->flows;
    const struct engine_counters *const engine = &statistics->engine;
    const struct record_counters *const records = &statistics->records;
    const bool is_final = statistics->is_final;
    const struct {
        const char *sum;
        bool applies;
        uint64_t left, right;
    } sums[] = {
        {"read = in flows + refused", true, capture->read,
         packets->in_flows + refused_sum(packets)},
        {"flows opened = written + open + queued", true, flows->opened,
         engine->flows_written + flows->open + flows->waiting + engine->flows_queued},
        {"received = read + kernel dropped", is_final, capture->received,
         capture->read + (capture->is_live ? capture->kernel_dropped : 0)},
        {"no flow is open at the end", is_final, flows->open + flows->waiting, 0},
        {"no flow is queued at the end", is_final, engine->flows_queued, 0},
        {"packets written = in flows", is_final, engine->packets_written, packets->in_flows},
        {"IP bytes written = in flows", is_final, engine->ip_bytes_written,
         packets->ip_bytes_in_flows},
        {"records made = written + queued + spooled + lost", true, records->made,
         records->written + records->queued + records->spooled + records->lost},
    };
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        if (!sums[i].applies || sums[i].left == sums[i].right)
            continue;
        snprintf(error, error_size, "%s does not hold: %" PRIu64 " and %" PRIu64, sums[i].sum,
                 sums[i].left, sums[i].right);
        return false;
    }
    return true;
}
