/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/conversation.h"

#include "feature/vector.h"

#include <math.h>
#include <stddef.h>

/* Three intervals: with fewer a deviation says nothing. */
enum { RHYTHM_STARTS_MIN = 4 };

_Static_assert(offsetof(struct conversation, key) == sizeof(struct recent_entry),
               "the key comes first");

void rhythm_count(struct rhythm *rhythm, int64_t first_ns)
{
    const uint32_t intervals = rhythm->starts;
    if (rhythm->starts < UINT32_MAX)
        rhythm->starts++;
    if (intervals == 0) {
        rhythm->last_ns = first_ns;
        return;
    }
    double interval_ns = 0;
    if (first_ns > rhythm->last_ns) {
        interval_ns = (double)(first_ns - rhythm->last_ns);
        rhythm->last_ns = first_ns;
    }
    const double distance = interval_ns - rhythm->mean_ns;
    rhythm->mean_ns += distance / intervals;
    rhythm->square_sum += distance * (interval_ns - rhythm->mean_ns);
}

void rhythm_measure(const struct rhythm *rhythm, struct feature_vector *vector)
{
    if (rhythm->starts < RHYTHM_STARTS_MIN || rhythm->mean_ns <= 0)
        return;
    const double freedom = (double)rhythm->starts - 2; /* intervals less one */
    const double deviation_ns = sqrt(rhythm->square_sum / freedom);
    vector_set(vector, FEATURE_INTERVAL_CV, deviation_ns / rhythm->mean_ns);
}
