/* SPDX-License-Identifier: Apache-2.0 */
/* IP protocols by name, as EVE's `proto` spells them. Constant data; any thread. */
#ifndef WHYFLOW_BASE_PROTOCOL_H
#define WHYFLOW_BASE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

/* "TCP", "UDP", "ICMP", "IPv6-ICMP", "SCTP"; NULL for the others, which go by their number. */
const char *protocol_name(uint8_t protocol);

/* True for protocols whose packets carry ports: TCP, UDP, SCTP. */
bool protocol_has_ports(uint8_t protocol);

bool protocol_is_icmp(uint8_t protocol); /* of either IP version */

#endif
