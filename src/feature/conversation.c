/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/conversation.h"

#include "feature/vector.h"

#include <math.h>
#include <stddef.h>

/* Three intervals: with fewer a deviation says nothing. */
enum { CONVERSATION_STARTS_MIN = 4 };

_Static_assert(offsetof(struct conversation, key) == sizeof(struct recent_entry),
               "the key comes first");

void conversation_count(struct conversation *conversation, int64_t first_ns)
{
    const uint32_t intervals = conversation->starts;
    if (conversation->starts < UINT32_MAX)
        conversation->starts++;
    if (intervals == 0) {
        conversation->last_ns = first_ns;
        return;
    }
    double interval_ns = 0;
    if (first_ns > conversation->last_ns) {
        interval_ns = (double)(first_ns - conversation->last_ns);
        conversation->last_ns = first_ns;
    }
    const double distance = interval_ns - conversation->mean_ns;
    conversation->mean_ns += distance / intervals;
    conversation->square_sum += distance * (interval_ns - conversation->mean_ns);
}

void conversation_measure(const struct conversation *conversation, struct feature_vector *vector)
{
    if (conversation->starts < CONVERSATION_STARTS_MIN || conversation->mean_ns <= 0)
        return;
    const double freedom = (double)conversation->starts - 2; /* intervals less one */
    const double deviation_ns = sqrt(conversation->square_sum / freedom);
    vector_set(vector, FEATURE_INTERVAL_CV, deviation_ns / conversation->mean_ns);
}
