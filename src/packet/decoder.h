/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the packet room: what the header functions share, and their list.
 *
 * A header function reads one header, writes what it learnt into the packet and says what follows
 * by decoder_next. To add a protocol (GRE, VXLAN, MPLS, PPPoE, ...): write such a function and add
 * a row to the table in packet_decode.c that says after which header and under which number it
 * comes. Reads past the captured bytes need no check: the loop asks the cursor once per header. */
#ifndef WHYFLOW_PACKET_DECODER_H
#define WHYFLOW_PACKET_DECODER_H

#include "packet/cursor.h"
#include "whyflow/packet.h"

#include <stdint.h>

/* Which numbering the next header's number belongs to. */
enum decoder_space {
    DECODER_LINK_TYPE, /* LINKTYPE_ */
    DECODER_ETHERTYPE,
    DECODER_PPP,       /* PPP DLL protocol numbers */
    DECODER_RAW_IP,    /* the IP version */
    DECODER_EXTENSION, /* an IPv6 next header, that may be an extension header */
    DECODER_PROTOCOL,  /* an IP protocol number */
    DECODER_SPACE_COUNT,
    DECODER_DONE = DECODER_SPACE_COUNT
};

struct decoder {
    struct cursor cursor;    /* over the captured bytes; ends with the IP packet once known */
    uint32_t wire_bytes;     /* of the frame */
    uint32_t ip_end;         /* where the IP packet ends, from the frame's start: on the wire */
    uint32_t ip_end_claimed; /* the same as its length field has it */
    struct packet *packet;
    enum decoder_space next_space;
    uint32_t next_number;
    uint32_t extension_count;
};

typedef enum packet_refusal decoder_header_fn(struct decoder *decoder);

static inline enum packet_refusal decoder_next(struct decoder *decoder, enum decoder_space space,
                                               uint32_t number)
{
    decoder->next_space = space;
    decoder->next_number = number;
    return PACKET_ACCEPTED;
}

static inline enum packet_refusal decoder_done(struct decoder *decoder)
{
    return decoder_next(decoder, DECODER_DONE, 0);
}

/* Bytes on the wire from the cursor to the end of the IP packet. */
static inline uint32_t decoder_ip_left(const struct decoder *decoder)
{
    const uint32_t position = decoder->cursor.position;
    return decoder->ip_end > position ? decoder->ip_end - position : 0;
}

/* link.c */
decoder_header_fn link_ethernet, link_vlan, link_linux_sll, link_linux_sll2, link_null, link_loop;
decoder_header_fn link_ppp, link_cisco_hdlc, link_raw;

/* network.c */
decoder_header_fn network_ipv4, network_ipv6;
decoder_header_fn network_extension, network_authentication, network_fragment;
decoder_header_fn network_last_extension;

/* transport.c */
decoder_header_fn transport_tcp, transport_udp, transport_sctp, transport_dccp, transport_other;

/* icmp.c */
decoder_header_fn icmp_v4, icmp_v6;

#endif
