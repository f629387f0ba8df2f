/* SPDX-License-Identifier: Apache-2.0 */
/* Names of refusals, as they stand in statistics. Constant data; any thread. */
#include "whyflow/packet.h"

#include <assert.h>
#include <stddef.h>

static const char *const names[PACKET_REFUSAL_COUNT] = {
    [PACKET_ACCEPTED] = "accepted",
    [PACKET_REFUSED_BAD_TIME] = "bad_time",
    [PACKET_REFUSED_BAD_LENGTH] = "bad_length",
    [PACKET_REFUSED_LINK_TYPE] = "link_type",
    [PACKET_REFUSED_NOT_IP] = "not_ip",
    [PACKET_REFUSED_TRUNCATED] = "truncated",
    [PACKET_REFUSED_MALFORMED] = "malformed",
    [PACKET_REFUSED_TOO_MANY_HEADERS] = "too_many_headers",
    [PACKET_REFUSED_STRAY_TIME] = "stray_time",
    [PACKET_REFUSED_NO_MEMORY] = "no_memory",
};

const char *packet_refusal_name(enum packet_refusal refusal)
{
    assert((unsigned)refusal < PACKET_REFUSAL_COUNT);
    assert(names[refusal] != NULL);
    return names[refusal];
}
