/* SPDX-License-Identifier: Apache-2.0 */
/* A behaviour finding: what flows over time look like, with every condition that held. Plain
 * values. A finding belongs to the flow that completed (or went on with) the evidence. */
#ifndef WHYFLOW_BEHAVIOUR_H
#define WHYFLOW_BEHAVIOUR_H

#include <stdint.h>

/* BEHAVIOUR(ID, name, label, techniques, tactics): ATT&CK ids, several parted by spaces; "" for a
 * behaviour without one. The order is fixed: an alert's signature id is made from it, so new ones
 * go to the end. */
/* clang-format off */
#define BEHAVIOUR_LIST(BEHAVIOUR) \
    BEHAVIOUR(VERTICAL_SCAN, "vertical_scan", "scan of one host's ports", "T1046", "TA0007") \
    BEHAVIOUR(HORIZONTAL_SCAN, "horizontal_scan", "scan of many hosts", "T1046", "TA0007") \
    BEHAVIOUR(SLOW_SCAN, "slow_scan", "slow scan", "T1046", "TA0007") \
    BEHAVIOUR(EXTERNAL_SCAN, "external_scan", "scan from outside", "T1595", "TA0043") \
    BEHAVIOUR(FLOOD, "flood", "flood of one service", "T1498", "TA0040") \
    BEHAVIOUR(CONNECTION_HOLDING, "connection_holding", "many connections held open", "T1499", "TA0040") \
    BEHAVIOUR(PASSWORD_GUESSING, "password_guessing", "repeated short log-ins", "T1110", "TA0006") \
    BEHAVIOUR(PERIODIC_CONTACT, "periodic_contact", "periodic contact with a rare peer", "T1071", "TA0011") \
    BEHAVIOUR(LARGE_UPLOAD, "large_upload", "large upload to a young peer", "T1048 T1041", "TA0010") \
    BEHAVIOUR(DNS_TUNNEL, "dns_tunnel", "tunnel-like DNS", "T1071.004 T1572", "TA0011") \
    BEHAVIOUR(ICMP_TUNNEL, "icmp_tunnel", "tunnel-like ICMP", "T1095", "TA0011") \
    BEHAVIOUR(LATERAL_MOVEMENT, "lateral_movement", "log-ins to several hosts in turn", "T1021", "TA0008") \
    BEHAVIOUR(PEER_TO_PEER, "peer_to_peer", "peer-to-peer transfer", "", "")
/* clang-format on */

enum behaviour_id {
    BEHAVIOUR_NONE,
#define BEHAVIOUR(id, name, label, techniques, tactics) BEHAVIOUR_##id,
    BEHAVIOUR_LIST(BEHAVIOUR)
#undef BEHAVIOUR
        BEHAVIOUR_COUNT
};

struct behaviour_info {
    const char *name; /* stable, in records */
    const char *label;
    const char *techniques, *tactics;
};

/* Indexed by enum behaviour_id; [BEHAVIOUR_NONE] is all "". */
extern const struct behaviour_info behaviour_infos[BEHAVIOUR_COUNT];

/* One condition that held: `value` is at least (or at most) `limit`. Name, unit and meaning come
 * from the behaviour room's table by `quantity`. */
struct behaviour_evidence {
    uint8_t quantity; /* index of behaviour_quantities */
    uint8_t is_most;  /* 1: value <= limit; 0: value >= limit */
    double value, limit;
};

enum { BEHAVIOUR_EVIDENCE_MAX = 8 };

struct behaviour_finding {
    uint8_t behaviour; /* enum behaviour_id; BEHAVIOUR_NONE: nothing is said, the rest is 0 */
    uint8_t evidence_count;
    int64_t since_ns; /* notice time at which the counted evidence began */
    struct behaviour_evidence evidence[BEHAVIOUR_EVIDENCE_MAX];
};

struct behaviour_quantity {
    const char *name; /* in records, unit last: "distinct_ports_10m" */
    const char *label;
    const char *unit; /* as feature_infos' */
};

/* Indexed by behaviour_evidence.quantity. */
extern const struct behaviour_quantity behaviour_quantities[];

/* How many there are: for tables beside it, and tests. */
unsigned behaviour_quantity_count(void);

#endif
