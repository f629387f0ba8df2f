/* SPDX-License-Identifier: Apache-2.0 */
/* What one flow is, by itself, as a set of bits: so that a rule whose quantities need something
 * else is passed over by one comparison, and most flows need no more. Filled in by sight.c, from
 * the flow and its direction; scene.c adds what is new. Pure; any thread. */
#ifndef WHYFLOW_BEHAVIOUR_SIGHT_H
#define WHYFLOW_BEHAVIOUR_SIGHT_H

#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

#include <stdint.h>

#define BEHAVIOUR_SECOND_NS INT64_C(1000000000)
#define BEHAVIOUR_MINUTE_NS (60 * BEHAVIOUR_SECOND_NS)
#define BEHAVIOUR_HOUR_NS (60 * BEHAVIOUR_MINUTE_NS)

enum sight {
    SIGHT_ANY = 0,
    /* Where. */
    SIGHT_SOURCE_INSIDE = 1 << 0,
    SIGHT_DESTINATION_INSIDE = 1 << 1,
    SIGHT_NO_TRANSIT = 1 << 2, /* one side or both are inside */
    SIGHT_CROSSING = 1 << 3,   /* one side is */
    SIGHT_GOING_OUT = 1 << 4,
    /* Asked in vain. */
    SIGHT_PROBE = 1 << 5,            /* it asked a port and got no session: sight.c says when */
    SIGHT_RARE_PROBE = 1 << 6,       /* ... of what is not asked of hosts outside all day */
    SIGHT_SERVICE_PROBE = 1 << 7,    /* ... of a port that a service has */
    SIGHT_EVERYDAY_OPENING = 1 << 8, /* TCP, of what is asked of them so */
    SIGHT_BARE_OPENING = 1 << 9,     /* TCP, without payload */
    SIGHT_NEW_PORT = 1 << 10,        /* probed by this pair for the first time in _1d */
    SIGHT_NEW_HOST = 1 << 11,        /* probed by this sweep for the first time in _1d */
    /* Answered. */
    SIGHT_SESSION = 1 << 12,     /* payload went both ways */
    SIGHT_CONTACT = 1 << 13,     /* session, neither a slice nor the rest of an earlier one */
    SIGHT_OUT_CONTACT = 1 << 14, /* going out, to what is not asked regularly by design */
    SIGHT_PARTNER = 1 << 15,     /* crossing, between two ports that no service has */
    SIGHT_HELD = 1 << 16,        /* long, and all but empty */
    /* Services. */
    SIGHT_DNS = 1 << 17,         /* UDP to port 53 */
    SIGHT_BULK = 1 << 18,        /* of a service that carries files */
    SIGHT_ECHO = 1 << 19,        /* ICMP echo */
    SIGHT_NEW_LOGIN = 1 << 20,   /* inside hosts, new to each other; where people and scripts log in
                                  * to a host */
    SIGHT_LOGGED_IN = 1 << 21,   /* ... and that was used */
    SIGHT_SHORT_LOGIN = 1 << 22, /* many of which are guesses */
    SIGHT_SSH_LOGIN = 1 << 23,   /* ... by SSH */
    SIGHT_OTHER_LOGIN = 1 << 24, /* ... by another service */
};

/* A set of enum sight. */
uint32_t sight_take(const struct flow_record *flow, const struct feature_vector *vector);

/* Payload sent FLOW_FORWARD or FLOW_REVERSE; a least amount where it was not counted. */
uint64_t sight_payload_bytes(const struct flow_record *flow, int way);

#endif
