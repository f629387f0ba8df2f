/* SPDX-License-Identifier: Apache-2.0 */
/* The few link types whose two numbers differ (tcpdump.org/linktypes.html). libpcap keeps this
 * table to itself. Constant data; any thread. */
#include "capture/link_type.h"

#include <pcap/pcap.h>
#include <stddef.h>

struct link_type_pair {
    int dlt;
    uint16_t link_type;
};

static const struct link_type_pair pairs[] = {
    {DLT_RAW, 101},       {DLT_ATM_RFC1483, 100}, {DLT_SLIP_BSDOS, 102},
    {DLT_PPP_BSDOS, 103}, {DLT_C_HDLC, 104},      {DLT_LOOP, 108},
    {DLT_PPP_SERIAL, 50}, {DLT_PPP_ETHER, 51},    {DLT_ATM_CLIP, 106},
};

enum { PAIR_COUNT = sizeof pairs / sizeof *pairs };

uint16_t link_type_from_dlt(int dlt)
{
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        if (pairs[i].dlt == dlt)
            return pairs[i].link_type;
    }
    return (uint16_t)dlt;
}

int link_type_to_dlt(uint16_t link_type)
{
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        if (pairs[i].link_type == link_type)
            return pairs[i].dlt;
    }
    return link_type;
}
