/* SPDX-License-Identifier: Apache-2.0 */
/* Categories as codes: how a flow's service, state, size and acquaintance become numbers. All stay
 * below 2^53, so a double holds them exactly. category.c also turns them into words
 * (feature_category_text of whyflow/feature.h). Pure; any thread.
 *
 *   service         protocol * 2^16 + the better known port; ICMP: + the type of its first packet
 *   service state   service * 2^8 + enum flow_state;  protocol state: protocol * 2^8 + state
 *   service size    service * 2^8 + floor(log2(IP bytes both ways + 1) / 4) */
#ifndef WHYFLOW_FEATURE_CATEGORY_H
#define WHYFLOW_FEATURE_CATEGORY_H

#include "base/service.h"
#include "whyflow/feature.h"
#include "whyflow/flow_record.h"

uint32_t category_service(const struct flow_record *flow, const struct service_ports *ports);
/* The class of how long something had been known when a flow began; a negative age (the flow began
 * first but was noticed later) is "under 1 minute". */
enum feature_acquaintance category_acquaintance(int64_t age_ns);
/* Writes PROTOCOL, SERVICE, SERVICE_STATE, PROTOCOL_STATE, SERVICE_SIZE and service_port. */
void category_measure(const struct flow_record *flow, uint32_t service,
                      struct feature_vector *vector);

#endif
