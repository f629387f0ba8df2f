/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/direction.h"

#include "base/address.h"

static bool is_never_elsewhere(const uint8_t address[16], uint8_t ip_version)
{
    const enum address_kind kind = address_kind(address, ip_version);
    return kind == ADDRESS_LINK_LOCAL || kind == ADDRESS_LOOPBACK || kind == ADDRESS_BROADCAST ||
           kind == ADDRESS_UNSPECIFIED || kind == ADDRESS_MULTICAST;
}

static bool is_inside(const struct feature_settings *settings, const uint8_t address[16],
                      uint8_t ip_version)
{
    for (size_t i = 0; i < settings->local_net_count; i++) {
        const struct settings_network *network = &settings->local_nets[i];
        if (network->ip_version == ip_version &&
            address_in_network(address, network->address, network->prefix_bits))
            return true;
    }
    return is_never_elsewhere(address, ip_version);
}

enum feature_direction direction_of(const struct feature_settings *settings,
                                    const struct flow_record *flow)
{
    const bool is_from_inside = is_inside(settings, flow->source, flow->ip_version);
    const bool is_to_inside = is_inside(settings, flow->destination, flow->ip_version);
    if (is_from_inside)
        return is_to_inside ? FEATURE_DIRECTION_IN_IN : FEATURE_DIRECTION_IN_OUT;
    return is_to_inside ? FEATURE_DIRECTION_OUT_IN : FEATURE_DIRECTION_OUT_OUT;
}
