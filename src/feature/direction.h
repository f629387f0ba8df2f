/* SPDX-License-Identifier: Apache-2.0 */
/* Where a flow goes, seen from the local networks. Pure; any thread.
 *
 * Inside is an address of --local-nets, and one that cannot be elsewhere, because no router passes
 * it on: link-local, loopback, broadcast, and the unspecified address of a host that has none yet
 * (DHCP, duplicate address detection). Multicast is inside too: it is seen here because someone
 * here is meant to hear it. So a host's discovery and router traffic is "in to in", whatever
 * networks the user named, and a multicast stream from elsewhere is "out to in". */
#ifndef WHYFLOW_FEATURE_DIRECTION_H
#define WHYFLOW_FEATURE_DIRECTION_H

#include "whyflow/feature.h"
#include "whyflow/flow_record.h"
#include "whyflow/settings.h"

enum feature_direction direction_of(const struct feature_settings *settings,
                                    const struct flow_record *flow);

#endif
