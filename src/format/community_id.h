/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID, version 1, seed 0 (github.com/corelight/community-id-spec): one name for a flow
 * that every tool computes alike. Any thread; no state. */
#ifndef WHYFLOW_FORMAT_COMMUNITY_ID_H
#define WHYFLOW_FORMAT_COMMUNITY_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { COMMUNITY_ID_SIZE = 31 }; /* "1:", 28 letters, NUL */

struct community_id_key {
    const uint8_t *source; /* IPv4: the first 4 bytes */
    const uint8_t *destination;
    uint16_t source_port;      /* ICMP: the type; 0 where there are no ports */
    uint16_t destination_port; /* ICMP: the counterpart's type, or the code if one-way */
    uint8_t ip_version;
    uint8_t protocol;
    bool is_one_way; /* ICMP type without a counterpart: the ends are not ordered */
};

void community_id(const struct community_id_key *key, char text[COMMUNITY_ID_SIZE]);

#endif
