/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/direction.h"

#include <assert.h>
#include <string.h>

/* Loopback, link-local, multicast, unspecified, broadcast: as in address.c. */
static const struct settings_network never_elsewhere[] = {
    {.ip_version = 4, .address = {127}, .prefix_bits = 8},
    {.ip_version = 4, .address = {169, 254}, .prefix_bits = 16},
    {.ip_version = 4, .address = {224}, .prefix_bits = 4},
    {.ip_version = 4, .address = {0}, .prefix_bits = 32},
    {.ip_version = 4, .address = {255, 255, 255, 255}, .prefix_bits = 32},
    {.ip_version = 6, .address = {[15] = 1}, .prefix_bits = 128},
    {.ip_version = 6, .address = {0xfe, 0x80}, .prefix_bits = 10},
    {.ip_version = 6, .address = {0xff}, .prefix_bits = 8},
    {.ip_version = 6, .address = {0}, .prefix_bits = 128},
};

enum { NEVER_ELSEWHERE = sizeof never_elsewhere / sizeof never_elsewhere[0] };

static struct direction_net words_of(const struct settings_network *network)
{
    uint8_t mask[16] = {0};
    struct direction_net words;
    assert(network->prefix_bits <= 128);
    for (unsigned bit = 0; bit < network->prefix_bits; bit++)
        mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    memcpy(words.mask, mask, sizeof words.mask);
    memcpy(words.network, network->address, sizeof words.network);
    return words;
}

static void add_network(struct direction_nets *nets, const struct settings_network *network)
{
    assert(nets->count4 < DIRECTION_NETS_MAX && nets->count6 < DIRECTION_NETS_MAX);
    if (network->ip_version == 4)
        nets->nets4[nets->count4++] = words_of(network);
    else
        nets->nets6[nets->count6++] = words_of(network);
}

void direction_nets_init(struct direction_nets *nets, const struct feature_settings *settings)
{
    *nets = (struct direction_nets){.count4 = 0};
    for (size_t i = 0; i < settings->local_net_count; i++)
        add_network(nets, &settings->local_nets[i]);
    for (size_t i = 0; i < NEVER_ELSEWHERE; i++)
        add_network(nets, &never_elsewhere[i]);
}

/* An IPv4 address is in the first of its words. */
static bool is_inside4(const struct direction_nets *nets, const uint64_t address[2])
{
    for (size_t i = 0; i < nets->count4; i++)
        if (((address[0] ^ nets->nets4[i].network[0]) & nets->nets4[i].mask[0]) == 0)
            return true;
    return false;
}

static bool is_inside6(const struct direction_nets *nets, const uint64_t address[2])
{
    for (size_t i = 0; i < nets->count6; i++) {
        const struct direction_net *const net = &nets->nets6[i];
        if ((((address[0] ^ net->network[0]) & net->mask[0]) |
             ((address[1] ^ net->network[1]) & net->mask[1])) == 0)
            return true;
    }
    return false;
}

static bool is_inside(const struct direction_nets *nets, const uint8_t address[16],
                      uint8_t ip_version)
{
    uint64_t words[2];
    memcpy(words, address, sizeof words);
    return ip_version == 4 ? is_inside4(nets, words) : is_inside6(nets, words);
}

enum feature_direction direction_of(const struct direction_nets *nets,
                                    const struct flow_record *flow)
{
    const bool is_from_inside = is_inside(nets, flow->source, flow->ip_version);
    const bool is_to_inside = is_inside(nets, flow->destination, flow->ip_version);
    if (is_from_inside)
        return is_to_inside ? FEATURE_DIRECTION_IN_IN : FEATURE_DIRECTION_IN_OUT;
    return is_to_inside ? FEATURE_DIRECTION_OUT_IN : FEATURE_DIRECTION_OUT_OUT;
}
