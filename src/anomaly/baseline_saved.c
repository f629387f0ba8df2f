/* SPDX-License-Identifier: Apache-2.0 */
/* A baseline's sums, taken out and put in. Called by snapshot.c of this room. */
#include "anomaly/baseline_inside.h"
#include "anomaly/baseline_sums.h"

#include <string.h>

void baseline_get_sums(const struct baseline *baseline, struct baseline_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    sums->step = baseline->step;
    sums->step_flows = baseline->step_flows;
    sums->step_start_ns = baseline->step_start_ns;
    sums->learnt = baseline->learnt;
    sums->since_ns = baseline->since_ns;
    sums->until_ns = baseline->until_ns;
    sums->flows = baseline->flows;
    memcpy(sums->total, baseline->total, sizeof sums->total);
    memcpy(sums->measured, baseline->measured, sizeof sums->measured);
    memcpy(sums->fine, baseline->fine, sizeof sums->fine);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                sums->bin[scope][j][bin] =
                    baseline->slot[scope][j][histogram_slot(bin)] / histogram_scale(bin);
}

void baseline_set_sums(struct baseline *baseline, const struct baseline_sums *sums)
{
    baseline_set_step(baseline, sums->step);
    baseline->step_flows = sums->step_flows;
    baseline->step_start_ns = sums->step_start_ns;
    baseline->learnt = sums->learnt;
    baseline->since_ns = sums->since_ns;
    baseline->until_ns = sums->until_ns;
    baseline->flows = sums->flows;
    memcpy(baseline->total, sums->total, sizeof sums->total);
    memcpy(baseline->measured, sums->measured, sizeof sums->measured);
    memcpy(baseline->fine, sums->fine, sizeof sums->fine);
    for (unsigned scope = 0; scope < BASELINE_SCOPE_COUNT; scope++)
        for (unsigned j = 0; j < FEATURE_COUNT; j++)
            for (unsigned bin = 0; bin < BASELINE_OUTCOME_COUNT; bin++)
                baseline->slot[scope][j][histogram_slot(bin)] =
                    sums->bin[scope][j][bin] * histogram_scale(bin);
}

struct category_table *baseline_categories(struct baseline *baseline)
{
    return baseline->categories;
}

const struct category_table *baseline_categories_of(const struct baseline *baseline)
{
    return baseline->categories;
}

struct service_table *baseline_services(struct baseline *baseline)
{
    return baseline->services;
}

const struct service_table *baseline_services_of(const struct baseline *baseline)
{
    return baseline->services;
}

int64_t baseline_until_ns(const struct baseline *baseline)
{
    return baseline->until_ns;
}

uint32_t baseline_flood_exponent(const struct baseline *baseline)
{
    return (uint32_t)baseline->flood.exponent;
}
