/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of a flow's ends: addresses, networks, acquaintance, and the window's other flows.
 * The table of rules (prose_rule.c) names them. Pure functions; any thread. */
#include "explain/prose_condition.h"

#include "base/address.h"
#include "explain/prose_facts.h"

/* Addresses. */

static bool holds_ipv4(const uint8_t address[16], uint8_t ip_version)
{
    uint8_t ipv4[16];
    return address_embedded_ipv4(address, ip_version, ipv4);
}

bool when_source_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.source, facts->part->flow.ip_version);
}

bool when_destination_holds_ipv4(const struct prose_facts *facts)
{
    return holds_ipv4(facts->part->flow.destination, facts->part->flow.ip_version);
}

/* Kinds that say something about a flow; that one end is private is what `direction` tells. */
static bool is_telling(enum address_kind kind)
{
    return kind != ADDRESS_GLOBAL && kind != ADDRESS_PRIVATE && kind != ADDRESS_6TO4 &&
           kind != ADDRESS_TEREDO && kind != ADDRESS_NAT64;
}

bool when_source_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->source, flow->ip_version));
}

bool when_destination_is_special(const struct prose_facts *facts)
{
    const struct flow_record *flow = &facts->part->flow;
    return is_telling(address_kind(flow->destination, flow->ip_version));
}

/* Networks and acquaintance. */

static bool is_direction(const struct prose_facts *facts, enum feature_direction direction)
{
    return prose_has_feature(facts, FEATURE_DIRECTION) &&
           prose_value(facts, FEATURE_DIRECTION) == (double)direction;
}

bool when_from_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_OUT_IN);
}

bool when_to_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_IN_OUT);
}

bool when_all_inside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_IN_IN);
}

bool when_all_outside(const struct prose_facts *facts)
{
    return is_direction(facts, FEATURE_DIRECTION_OUT_OUT);
}

bool when_is_new_pair(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_SRC_KNOWS_DST) &&
           prose_value(facts, FEATURE_SRC_KNOWS_DST) == FEATURE_ACQUAINTANCE_NEW;
}

bool when_pair_is_known(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_SRC_KNOWS_DST) && !when_is_new_pair(facts);
}

/* The window. */

bool when_has_windows(const struct prose_facts *facts)
{
    return prose_has_feature(facts, FEATURE_SRC_FLOWS_WINDOW) &&
           prose_has_feature(facts, FEATURE_SRC_PEERS_WINDOW) &&
           prose_has_feature(facts, FEATURE_DST_FLOWS_WINDOW) &&
           prose_has_feature(facts, FEATURE_DST_SOURCES_WINDOW);
}

bool when_source_is_alone(const struct prose_facts *facts)
{
    return when_has_windows(facts) && prose_value(facts, FEATURE_SRC_FLOWS_WINDOW) == 1;
}

bool when_source_is_busy(const struct prose_facts *facts)
{
    return when_has_windows(facts) && !when_source_is_alone(facts);
}

/* A window feature is among what the score comes from, or the evidence is over time. */
bool when_window_tells(const struct prose_facts *facts)
{
    const struct explanation *const explanation = facts->explanation;
    bool has_window = when_resembles(facts);
    for (uint32_t i = 0; i < explanation->reason_count; i++)
        has_window |=
            feature_infos[explanation->reasons[i].feature].family == FEATURE_FAMILY_WINDOW;
    return has_window && when_source_is_busy(facts);
}
