/* SPDX-License-Identifier: Apache-2.0 */
/* The suppress list: what the user knows and does not want to be told again. One rule a line:
 *
 *     net 10.1.2.0/24 port 443 proto tcp behaviour periodic_contact until 2026-12-31 # backup
 *
 *   src CIDR, dst CIDR   the initiator's, the responder's address; net CIDR: either's
 *   port N               the responder's
 *   proto NAME|N         tcp, udp, icmp, icmpv6, sctp, or a number
 *   behaviour NAME|any   the flow is flagged by this behaviour
 *   feature NAME         the flow is flagged by surprise, and this feature leads its reasons
 *   until DATE           the rule holds through that day, or until YYYY-MM-DDTHH:MM (UTC), by
 *                        notice time: a replay of old traffic knows the rule of its day
 *
 * All conditions of a line must hold, each may stand once, and there is at least one beside until.
 * A # at the start of a line or after a blank starts a comment. A flow that is muted is flagged by
 * nothing, opens no incident and spends no budget; it is learnt like any other and counted. Text
 * in, plain values out; no file is read here. A list that is made is only read: any thread. */
#ifndef WHYFLOW_SUPPRESS_H
#define WHYFLOW_SUPPRESS_H

#include "whyflow/record.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUPPRESS_RULES_MAX = 4096 };

enum suppress_condition {
    SUPPRESS_SOURCE = 1 << 0,
    SUPPRESS_DESTINATION = 1 << 1,
    SUPPRESS_EITHER = 1 << 2,
    SUPPRESS_PORT = 1 << 3,
    SUPPRESS_PROTOCOL = 1 << 4,
    SUPPRESS_BEHAVIOUR = 1 << 5,
    SUPPRESS_FEATURE = 1 << 6,
    SUPPRESS_UNTIL = 1 << 7, /* no condition by itself */
};

struct suppress_rule {
    uint32_t line;       /* of the file, from 1 */
    uint32_t conditions; /* enum suppress_condition */
    struct settings_network source, destination, either;
    uint16_t port;
    uint8_t protocol;
    uint8_t behaviour; /* enum behaviour_id; BEHAVIOUR_NONE: any */
    uint8_t feature;   /* enum feature_id */
    int64_t until_ns;  /* the rule holds before it */
};

struct suppress_list {
    size_t count;
    struct suppress_rule rules[];
};

/* What a flow would be flagged for. */
struct suppress_cause {
    enum flagged_by flagged_by;
    enum behaviour_id behaviour; /* FLAGGED_BY_BEHAVIOUR */
    enum feature_id feature;     /* FLAGGED_BY_SURPRISE: the leading one */
};

/* Reads the whole text. NULL and one line in `error`, with the line's number, if a rule does not
 * parse, there are too many, or memory is short. free() gives the list back. */
struct suppress_list *suppress_parse(const char *text, char *error, size_t error_size);

/* The index of the first rule that mutes the flow if it were flagged for this; list->count if none
 * does. */
size_t suppress_find(const struct suppress_list *list, const struct flow_record *flow,
                     const struct suppress_cause *cause);

#endif
