/* SPDX-License-Identifier: Apache-2.0 */
/* What a typical flow scores, part by part: means of what was scored. Online a part's mean moves by
 * a sixty-fourth of what came since at most before it is made anew: 52 divisions a flow would cost
 * as much as the score. Rejected: the expected surprise over the baseline itself, which needs every
 * combination of direction, service and bin. */
#include "anomaly/model.h"

enum { TYPICAL_GROWTH = 64 };

void typical_settle(struct typical *typical)
{
    typical->total_mbits = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const int64_t flows = (int64_t)typical->flows;
        typical->mbits[j] = flows == 0 ? 0 : (int32_t)((typical->sum_mbits[j] + flows / 2) / flows);
        typical->total_mbits += typical->mbits[j];
    }
    const uint64_t more = typical->flows / TYPICAL_GROWTH;
    typical->due = typical->flows + 1 + (more < TYPICAL_DUE_MAX ? more : TYPICAL_DUE_MAX);
}

void typical_add(struct typical *typical, const struct verdict *verdict)
{
    typical->flows++;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        typical->sum_mbits[j] += typical->mbits[j] + verdict->contribution_mbits[j];
    if (typical->flows >= typical->due)
        typical_settle(typical);
}

void typical_add_parts(struct typical *typical, const int32_t mbits[FEATURE_COUNT], uint32_t times)
{
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        typical->sum_mbits[j] += (int64_t)mbits[j] * times;
}

void typical_halve(struct typical *typical)
{
    typical->flows /= 2;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        typical->sum_mbits[j] /= 2;
    typical->due = 0;
}

void typical_join(struct typical *typical, const struct typical *other)
{
    typical->flows += other->flows;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        typical->sum_mbits[j] += other->sum_mbits[j];
    if (typical->flows > TYPICAL_FLOWS_MAX)
        typical_halve(typical);
    typical_settle(typical);
}
