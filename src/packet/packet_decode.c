/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's gate, its table of who follows whom, and the loop over headers.
 * Runs on the capture thread; constant data only. */
#include "packet/packet_decode.h"

#include "packet/decoder.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,         /* IEEE 802.1Q */
    ETHERTYPE_VLAN_SERVICE = 0x88a8, /* IEEE 802.1ad, the outer tag of QinQ */
    ETHERTYPE_VLAN_9100 = 0x9100,    /* the outer tag before 802.1ad */
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
    ETHERTYPE_PPPOE_SESSION = 0x8864,
};

struct decoder_row {
    uint32_t number;
    decoder_header_fn *header;
};

struct decoder_table {
    const struct decoder_row *rows; /* searched in order: the usual ones first */
    size_t count;
    decoder_header_fn *otherwise;
};

static enum packet_refusal refuse_link_type(struct decoder *decoder)
{
    (void)decoder;
    return PACKET_REFUSED_LINK_TYPE;
}

static enum packet_refusal refuse_not_ip(struct decoder *decoder)
{
    (void)decoder;
    return PACKET_REFUSED_NOT_IP;
}

/* tcpdump.org/linktypes.html. 12 and 14 are what some systems call raw IP within their files. */
static const struct decoder_row link_type_rows[] = {
    {1, link_ethernet},     {113, link_linux_sll}, {276, link_linux_sll2}, {101, link_raw},
    {12, link_raw},         {14, link_raw},        {0, link_null},         {108, link_loop},
    {228, network_ipv4},    {229, network_ipv6},   {9, link_ppp},          {50, link_ppp},
    {104, link_cisco_hdlc},
};

static const struct decoder_row ethertype_rows[] = {
    {ETHERTYPE_IPV4, network_ipv4},   {ETHERTYPE_IPV6, network_ipv6},
    {ETHERTYPE_VLAN, link_vlan},      {ETHERTYPE_VLAN_SERVICE, link_vlan},
    {ETHERTYPE_VLAN_9100, link_vlan}, {ETHERTYPE_PPPOE_SESSION, tunnel_pppoe},
    {ETHERTYPE_MPLS, tunnel_mpls},    {ETHERTYPE_MPLS_UPSTREAM, tunnel_mpls},
};

static const struct decoder_row ppp_rows[] = {
    {0x0021, network_ipv4},
    {0x0057, network_ipv6},
    {0x0281, tunnel_mpls},
    {0x0283, tunnel_mpls},
};

static const struct decoder_row raw_ip_rows[] = {
    {4, network_ipv4},
    {6, network_ipv6},
};

/* RFC 7045, section 2. 50 (ESP) and 59 (no next header) end the chain: they are the protocol. */
static const struct decoder_row extension_rows[] = {
    {0, network_extension},       /* hop-by-hop options */
    {43, network_extension},      /* routing */
    {44, network_fragment},       /* fragment */
    {51, network_authentication}, /* authentication */
    {60, network_extension},      /* destination options */
    {135, network_extension},     /* mobility */
    {139, network_extension},     /* host identity */
    {140, network_extension},     /* shim6 */
};

static const struct decoder_row protocol_rows[] = {
    {PACKET_PROTOCOL_TCP, transport_tcp},
    {PACKET_PROTOCOL_UDP, transport_udp},
    {PACKET_PROTOCOL_ICMP, icmp_v4},
    {PACKET_PROTOCOL_ICMPV6, icmp_v6},
    {PACKET_PROTOCOL_SCTP, transport_sctp},
    {33, transport_dccp},
    {136, transport_udp_lite},
    {4, tunnel_ipv4},
    {41, tunnel_ipv6},
    {47, tunnel_gre},
};

/* Asked for the destination port, then for the source port: replies of some come from it. All lie
 * between DECODER_TUNNEL_PORT_MIN and _MAX. */
static const struct decoder_row udp_rows[] = {
    {4789, tunnel_vxlan},    {8472, tunnel_vxlan}, /* Linux, before there was a port for it */
    {4790, tunnel_vxlan},                          /* with the generic protocol extension */
    {6635, tunnel_mpls_udp}, {6081, tunnel_geneve}, {2152, tunnel_gtpu},
    {3544, tunnel_teredo},   {1701, tunnel_l2tp},
};

/* What GRE and Geneve carry. */
static const struct decoder_row carried_rows[] = {
    {ETHERTYPE_IPV4, network_ipv4}, {ETHERTYPE_IPV6, network_ipv6},
    {0x6558, link_ethernet},        {0x88be, tunnel_erspan_1_2},
    {0x22eb, tunnel_erspan_3},      {0x880b, link_ppp_only},
    {ETHERTYPE_MPLS, tunnel_mpls},  {ETHERTYPE_MPLS_UPSTREAM, tunnel_mpls},
};

static const struct decoder_table tables[DECODER_SPACE_COUNT] = {
    [DECODER_LINK_TYPE] = {link_type_rows, sizeof link_type_rows / sizeof *link_type_rows,
                           refuse_link_type},
    [DECODER_ETHERTYPE] = {ethertype_rows, sizeof ethertype_rows / sizeof *ethertype_rows,
                           refuse_not_ip},
    [DECODER_PPP] = {ppp_rows, sizeof ppp_rows / sizeof *ppp_rows, refuse_not_ip},
    [DECODER_RAW_IP] = {raw_ip_rows, sizeof raw_ip_rows / sizeof *raw_ip_rows, refuse_not_ip},
    [DECODER_EXTENSION] = {extension_rows, sizeof extension_rows / sizeof *extension_rows,
                           network_last_extension},
    [DECODER_PROTOCOL] = {protocol_rows, sizeof protocol_rows / sizeof *protocol_rows,
                          transport_other},
    [DECODER_UDP_TO] = {udp_rows, sizeof udp_rows / sizeof *udp_rows, transport_try_source_port},
    [DECODER_UDP_FROM] = {udp_rows, sizeof udp_rows / sizeof *udp_rows, transport_end},
    [DECODER_CARRIED] = {carried_rows, sizeof carried_rows / sizeof *carried_rows, refuse_not_ip},
};

static decoder_header_fn *find_header(enum decoder_space space, uint32_t number)
{
    const struct decoder_table *table = &tables[space];
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].number == number)
            return table->rows[i].header;
    }
    return table->otherwise;
}

bool decoder_finds_tunnel_port(uint16_t port)
{
    return find_header(DECODER_UDP_FROM, port) != transport_end;
}

static enum packet_refusal decode_headers(struct decoder *decoder)
{
    for (unsigned count = 0; decoder->next_space != DECODER_DONE; count++) {
        if (count == PACKET_HEADERS_MAX)
            return PACKET_REFUSED_TOO_MANY_HEADERS;
        decoder_header_fn *header = find_header(decoder->next_space, decoder->next_number);
        const enum packet_refusal refusal = header(decoder);
        /* Numbers read past the end are zeros: what the header made of them does not count. */
        if (decoder->cursor.is_short)
            return PACKET_REFUSED_TRUNCATED;
        if (refusal != PACKET_ACCEPTED)
            return refusal;
    }
    return PACKET_ACCEPTED;
}

/* In pieces, which gcc makes a few stores each: of the whole at once it makes `rep stos`, whose
 * start alone took a third of a packet's 40 ns. */
static void clear_packet(struct packet *packet)
{
    enum { PIECE_BYTES = 48 };
    uint8_t *bytes = (uint8_t *)packet;
    static_assert(sizeof *packet == 3 * PIECE_BYTES, "three pieces");
    memset(bytes, 0, PIECE_BYTES);
    memset(bytes + PIECE_BYTES, 0, PIECE_BYTES);
    memset(bytes + 2 * PIECE_BYTES, 0, PIECE_BYTES);
}

enum packet_refusal decoder_decode(const struct frame *frame, struct packet *packet)
{
    clear_packet(packet);
    packet->time_ns = frame->time_s * DECODER_SECOND_NS + frame->time_subsec_ns;
    packet->frame_bytes = frame->wire_bytes;
    packet->source_index = frame->source_index;
    if (frame->captured_bytes < frame->wire_bytes)
        packet->marks |= PACKET_MARK_CUT;
    struct packet outer;
    struct decoder decoder = {
        .cursor = cursor_init(frame->bytes, frame->captured_bytes),
        .wire_bytes = frame->wire_bytes,
        .packet = packet,
        .outer = &outer,
        .next_space = DECODER_LINK_TYPE,
        .next_number = frame->link_type,
    };
    const enum packet_refusal refusal = decode_headers(&decoder);
    if (refusal == PACKET_ACCEPTED || !decoder.has_outer)
        return refusal;
    memcpy(packet, &outer, sizeof *packet); /* not =, which may leave padding */
    return PACKET_ACCEPTED;
}

static enum packet_refusal check_and_decode(const struct frame *frame, struct packet *packet)
{
    const enum packet_refusal refusal = decoder_check_frame(frame);
    if (refusal == PACKET_ACCEPTED)
        return decoder_decode(frame, packet);
    clear_packet(packet);
    packet->frame_bytes = frame->wire_bytes;
    return refusal;
}

size_t packet_decode_frames(const struct frame *frames, size_t count, struct packet *packets,
                            uint8_t *refusals)
{
    size_t refused = 0;
    memset(refusals, PACKET_ACCEPTED, count);
    for (size_t i = 0;; i++) {
        i += direct_decode(frames + i, count - i, packets + i);
        if (i == count)
            return refused;
        refusals[i] = (uint8_t)check_and_decode(&frames[i], &packets[i]);
        refused += refusals[i] != PACKET_ACCEPTED;
    }
}

enum packet_refusal packet_decode(const struct frame *frame, struct packet *packet)
{
    uint8_t refusal;
    (void)packet_decode_frames(frame, 1, packet, &refusal);
    return (enum packet_refusal)refusal;
}
