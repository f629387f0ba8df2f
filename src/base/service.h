/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that IANA assigned to services (Service Name and Transport Protocol Port Number Registry),
 * as far as networks use them; and a few usual ones that are not assigned, so marked. It tells the
 * server's side where no handshake was seen, a flow's service, and the words about a port.
 * Constant data; any thread. */
#ifndef WHYFLOW_BASE_SERVICE_H
#define WHYFLOW_BASE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct service {
    uint16_t port;
    uint8_t protocols; /* bits: 1 TCP, 2 UDP, 4 SCTP */
    bool is_assigned;  /* by IANA; else it is customary only (51413, BitTorrent) */
    const char *name;  /* IANA's service name, lower case: "https" */
};

/* The service of a port, or NULL. protocol is an IP protocol number. */
const struct service *service_find(uint8_t protocol, uint16_t port);

/* True if the port tells a server: it has a service in the list, assigned by IANA. */
bool service_is_known(uint8_t protocol, uint16_t port);

/* Of a flow's two ports the better known one: the one with an assigned service, of two the
 * responder's. 0 where neither has one, or the protocol has no ports. */
uint16_t service_port(uint8_t protocol, uint16_t initiator_port, uint16_t responder_port);

/* The same of flow after flow: to search for a port takes 140 instructions, to look whether it is
 * known 5. The ports of TCP, UDP and SCTP that are, a bit each. */
enum { SERVICE_PORTS_WORDS = 65536 / 64 };
struct service_ports {
    uint64_t known[3][SERVICE_PORTS_WORDS];
};

void service_ports_init(struct service_ports *ports);

/* As service_is_known. */
bool service_ports_has(const struct service_ports *ports, uint8_t protocol, uint16_t port);

/* As service_port. */
uint16_t service_ports_better(const struct service_ports *ports, uint8_t protocol,
                              uint16_t initiator_port, uint16_t responder_port);

#endif
