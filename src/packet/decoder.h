/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the packet room: what the header functions share, and their list.
 *
 * A header function reads one header, writes what it learnt into the packet and says what follows
 * by decoder_next. To add a protocol: write such a function and add a row to the table in
 * packet_decode.c that says after which header and under which number it comes. Reads past the
 * captured bytes need no check: the loop asks the cursor once per header.
 *
 * A tunnel's function calls tunnel_enter first. From then on nothing refuses the frame: whatever is
 * wrong further in, the packet stays in the flow that was known for certain when it was entered. */
#ifndef WHYFLOW_PACKET_DECODER_H
#define WHYFLOW_PACKET_DECODER_H

#include "packet/cursor.h"
#include "packet/packet_decode.h"
#include "whyflow/frame.h"
#include "whyflow/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECODER_SECOND_NS = 1000000000 };

/* Which numbering the next header's number belongs to. */
enum decoder_space {
    DECODER_LINK_TYPE, /* LINKTYPE_ */
    DECODER_ETHERTYPE,
    DECODER_PPP,       /* PPP DLL protocol numbers */
    DECODER_RAW_IP,    /* the IP version */
    DECODER_EXTENSION, /* an IPv6 next header, that may be an extension header */
    DECODER_PROTOCOL,  /* an IP protocol number */
    DECODER_UDP_TO,    /* a destination port under which a tunnel may come */
    DECODER_UDP_FROM,  /* the same of the source port */
    DECODER_CARRIED,   /* an ethertype as GRE and Geneve give it for what they carry */
    DECODER_SPACE_COUNT,
    DECODER_DONE = DECODER_SPACE_COUNT
};

struct decoder {
    struct cursor cursor;    /* over the captured bytes; ends with the IP packet once known */
    uint32_t wire_bytes;     /* of the frame */
    uint32_t ip_end;         /* where the IP packet ends, from the frame's start: on the wire */
    uint32_t ip_end_claimed; /* the same as its length field has it */
    struct packet *packet;
    struct packet
        *outer; /* valid if has_outer: as it stood when the innermost tunnel was entered */
    bool has_outer;
    enum decoder_space next_space;
    uint32_t next_number;
    uint32_t extension_count; /* of this IP header */
    uint32_t tag_count;       /* VLAN tags of this link header */
    uint16_t identification;  /* of this IPv4 header; IPv6: 0 */
    uint16_t gre_flags;       /* of the last GRE header: ERSPAN's type depends on them */
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

/* The gate. libpcap hands through what files claim: negative and huge sub-seconds, more captured
 * than sent, lengths of 4 GiB. Nothing behind it meets them. */
static inline enum packet_refusal decoder_check_frame(const struct frame *frame)
{
    /* Packet times are below 2^62 ns; this many seconds (until 2106) stay below, and it is all that
     * a pcap file can say. Negative numbers are greater as unsigned ones. */
    if ((uint64_t)frame->time_subsec_ns >= DECODER_SECOND_NS || (uint64_t)frame->time_s >> 32 != 0)
        return PACKET_REFUSED_BAD_TIME;
    if (frame->captured_bytes > frame->wire_bytes || frame->wire_bytes > PACKET_WIRE_BYTES_MAX)
        return PACKET_REFUSED_BAD_LENGTH;
    return PACKET_ACCEPTED;
}

/* Bytes on the wire from the cursor to the end of the IP packet. */
static inline uint32_t decoder_ip_left(const struct decoder *decoder)
{
    const uint32_t position = decoder->cursor.position;
    return decoder->ip_end > position ? decoder->ip_end - position : 0;
}

/* link.c */
decoder_header_fn link_ethernet, link_vlan, link_linux_sll, link_linux_sll2, link_null, link_loop;
decoder_header_fn link_ppp, link_ppp_only, link_cisco_hdlc, link_raw;

/* True if the bytes at the cursor look like an Ethernet frame that leads to IP or ARP. */
bool link_is_plausible_ethernet(struct cursor cursor);

/* network.c */
decoder_header_fn network_ipv4, network_ipv6;
decoder_header_fn network_extension, network_authentication, network_fragment;
decoder_header_fn network_last_extension;

/* True if the bytes at the cursor look like an IP header whose packet fits into `left` bytes. */
bool network_is_plausible(struct cursor cursor, uint32_t left);

/* transport.c */
decoder_header_fn transport_tcp, transport_udp, transport_udp_lite, transport_sctp, transport_dccp;
decoder_header_fn transport_other;
/* True for a segment of which the next may be an exact repetition, and no copy. */
bool transport_is_often_repeated(const struct packet *packet);
/* What a UDP port means where no tunnel has it: first the other port is asked, then that is all. */
decoder_header_fn transport_try_source_port, transport_end;

/* icmp.c */
decoder_header_fn icmp_v4, icmp_v6;

/* tunnel.c: what all tunnels share. */

/* Goes into a tunnel: notes it, keeps the packet as it stands (if it is one) as what to fall back
 * to, and clears what the inner headers will tell. Bytes left of the outer packet bound the inner.
 * Refuses more than PACKET_TUNNELS_MAX. */
enum packet_refusal tunnel_enter(struct decoder *decoder, enum packet_tunnel tunnel);

/* The same after a UDP header of which only the ports have been read. */
enum packet_refusal tunnel_enter_udp(struct decoder *decoder, enum packet_tunnel tunnel);

/* What was entered last turns out to be a special kind. */
static inline void tunnel_rename(struct decoder *decoder, enum packet_tunnel tunnel)
{
    decoder->packet->tunnels[decoder->packet->tunnel_count - 1] = (uint8_t)tunnel;
}

/* tunnel_ip.c: by IP protocol number */
decoder_header_fn tunnel_ipv4, tunnel_ipv6, tunnel_gre, tunnel_erspan_1_2, tunnel_erspan_3;

/* tunnel_udp.c: by UDP port. Called after the ports. */
decoder_header_fn tunnel_vxlan, tunnel_geneve, tunnel_gtpu, tunnel_teredo, tunnel_l2tp;

/* tunnel_link.c: below IP, or MPLS in UDP */
decoder_header_fn tunnel_pppoe, tunnel_mpls, tunnel_mpls_udp;

/* digest.c: packet->digest of what follows the cursor. Called where the IP headers end. */
void digest_set(struct decoder *decoder);

/* direct.c: decodes frames from the first on while they pass the gate and are of the common shape,
 * and returns how many; whole packets as the header functions would have written them. */
size_t direct_decode(const struct frame *frames, size_t count, struct packet *packets);

/* packet_decode.c: the same by the header functions, whatever the shape. For direct.c's tests. */
enum packet_refusal decoder_decode(const struct frame *frame, struct packet *packet);

/* packet_decode.c: true if a tunnel may come under this UDP port. Few ports lie between the least
 * and the greatest that any has; those of clients lie beyond. */
enum { DECODER_TUNNEL_PORT_MIN = 1701, DECODER_TUNNEL_PORT_MAX = 8472 };
bool decoder_finds_tunnel_port(uint16_t port);

static inline bool decoder_is_tunnel_port(uint16_t port)
{
    return port >= DECODER_TUNNEL_PORT_MIN && port <= DECODER_TUNNEL_PORT_MAX &&
           decoder_finds_tunnel_port(port);
}

#endif
