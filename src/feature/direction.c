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
    assert(nets->count < DIRECTION_NETS_MAX);
    const struct direction_net words = words_of(network);
    uint8_t mask[sizeof words.mask];
    memcpy(mask, words.mask, sizeof mask);
    for (unsigned byte = 0; byte < 256; byte++) {
        struct direction_byte *const what = &nets->by_first_byte[byte];
        if (((byte ^ network->address[0]) & mask[0]) != 0)
            continue;
        what->is_all |= network->prefix_bits <= 8;
        if (what->first == what->end)
            what->first = (uint8_t)nets->count;
        what->end = (uint8_t)(nets->count + 1);
    }
    nets->nets[nets->count++] = words;
}

void direction_inside_init(struct direction_inside *inside, const struct feature_settings *settings)
{
    *inside = (struct direction_inside){.nets4 = {.count = 0}};
    for (size_t i = 0; i < settings->local_net_count + NEVER_ELSEWHERE; i++) {
        const struct settings_network *const network =
            i < settings->local_net_count ? &settings->local_nets[i]
                                          : &never_elsewhere[i - settings->local_net_count];
        add_network(network->ip_version == 4 ? &inside->nets4 : &inside->nets6, network);
    }
}

static bool is_inside(const struct direction_nets *nets, const uint8_t address[16])
{
    const struct direction_byte *const what = &nets->by_first_byte[address[0]];
    if (what->is_all)
        return true;
    uint64_t words[2];
    memcpy(words, address, sizeof words);
    for (size_t i = what->first; i < what->end; i++) {
        const struct direction_net *const net = &nets->nets[i];
        if ((((words[0] ^ net->network[0]) & net->mask[0]) |
             ((words[1] ^ net->network[1]) & net->mask[1])) == 0)
            return true;
    }
    return false;
}

enum feature_direction direction_of(const struct direction_inside *inside,
                                    const struct flow_record *flow)
{
    const struct direction_nets *const nets =
        flow->ip_version == 4 ? &inside->nets4 : &inside->nets6;
    const bool is_from_inside = is_inside(nets, flow->source);
    const bool is_to_inside = is_inside(nets, flow->destination);
    if (is_from_inside)
        return is_to_inside ? FEATURE_DIRECTION_IN_IN : FEATURE_DIRECTION_IN_OUT;
    return is_to_inside ? FEATURE_DIRECTION_OUT_IN : FEATURE_DIRECTION_OUT_OUT;
}
