/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and names of records. Any thread. */
#include "whyflow/record.h"

#include <assert.h>

size_t record_size(const struct record *record)
{
    switch (record->kind) {
    case RECORD_FLOW:
        return offsetof(struct record, as.flow.part) + sizeof record->as.flow.part;
    case RECORD_STATISTICS:
        return offsetof(struct record, as.statistics) + sizeof record->as.statistics;
    case RECORD_ALERT:
        break;
    }
    return sizeof *record;
}

const char *record_caveat_name(unsigned bit)
{
    static const char *const names[RECORD_CAVEAT_COUNT] = {
        "one_direction_only",
        "midstream",
        "slice",
        "truncated",
        "kernel_drops_in_window",
        "cold_baseline",
        "few_flows",
        "coarse_timestamps",
        "clock_step",
        "late_packets",
        "fragments",
        "evicted",
        "window_cut",
        "duplicates",
    };
    assert(bit < RECORD_CAVEAT_COUNT);
    return names[bit];
}
