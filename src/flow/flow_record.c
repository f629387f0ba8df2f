/* SPDX-License-Identifier: Apache-2.0 */
/* Names and questions about finished flows. Any thread. */
#include "whyflow/flow_record.h"

#include <assert.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_unicast(const struct flow_record *flow)
{
    const uint8_t *const to = flow->destination;
    if (flow->ip_version == 6)
        return to[0] != 0xff;
    const bool is_broadcast = (to[0] & to[1] & to[2] & to[3]) == 0xff;
    return to[0] < 224 && !is_broadcast;
}

bool flow_record_is_unanswered(const struct flow_record *flow, bool *is_applicable)
{
    const bool has_reverse = flow->direction[FLOW_REVERSE].packets > 0;
    *is_applicable = false;
    if (!is_unicast(flow))
        return false;
    if (flow->protocol == PACKET_PROTOCOL_UDP)
        *is_applicable = true;
    if (flow->protocol == PACKET_PROTOCOL_TCP)
        *is_applicable = has_reverse || flow->state == FLOW_STATE_ATTEMPTED;
    return *is_applicable && !has_reverse;
}

const char *flow_end_reason_name(enum flow_end_reason reason)
{
    static const char *const names[] = {
        [FLOW_END_IDLE] = "idle_timeout",           [FLOW_END_ACTIVE] = "active_timeout",
        [FLOW_END_DETECTED] = "end_of_flow",        [FLOW_END_FORCED] = "forced_end",
        [FLOW_END_RESOURCES] = "lack_of_resources", [FLOW_END_TCP_REUSE] = "tcp_reuse",
        [FLOW_END_CLOCK_STEP] = "clock_step",
    };
    assert((size_t)reason < COUNT(names) && names[reason] != NULL);
    return names[reason];
}

const char *flow_basis_name(enum flow_basis basis)
{
    static const char *const names[] = {
        [FLOW_BASIS_SYN] = "syn",       [FLOW_BASIS_SYNACK] = "synack",
        [FLOW_BASIS_MEMORY] = "memory", [FLOW_BASIS_PORT] = "port",
        [FLOW_BASIS_FIRST] = "first",   [FLOW_BASIS_ONLY_SIDE] = "only_side",
    };
    assert((size_t)basis < COUNT(names) && names[basis] != NULL);
    return names[basis];
}

const char *flow_state_name(enum flow_state state)
{
    static const char *const names[] = {
        [FLOW_STATE_ATTEMPTED] = "attempted", [FLOW_STATE_REFUSED] = "refused",
        [FLOW_STATE_HALF_OPEN] = "half_open", [FLOW_STATE_ESTABLISHED] = "established",
        [FLOW_STATE_CLOSED] = "closed",       [FLOW_STATE_RESET] = "reset",
        [FLOW_STATE_MIDSTREAM] = "midstream", [FLOW_STATE_CONTINUED] = "continued",
        [FLOW_STATE_ANSWERED] = "answered",   [FLOW_STATE_ONE_WAY] = "one_way",
    };
    assert((size_t)state < COUNT(names) && names[state] != NULL);
    return names[state];
}
