/* SPDX-License-Identifier: Apache-2.0 */
/* A packet: what the decoder understood of a frame. A plain value without pointers. */
#ifndef WHYFLOW_PACKET_H
#define WHYFLOW_PACKET_H

#include <stdint.h>

enum {
    PACKET_PROTOCOL_ICMP = 1,
    PACKET_PROTOCOL_IGMP = 2,
    PACKET_PROTOCOL_TCP = 6,
    PACKET_PROTOCOL_UDP = 17,
    PACKET_PROTOCOL_ICMPV6 = 58,
    PACKET_PROTOCOL_SCTP = 132,
};

/* Flags of the TCP header's 14th byte (RFC 9293, RFC 3168). */
enum {
    PACKET_TCP_FIN = 0x01,
    PACKET_TCP_SYN = 0x02,
    PACKET_TCP_RST = 0x04,
    PACKET_TCP_PSH = 0x08,
    PACKET_TCP_ACK = 0x10,
    PACKET_TCP_URG = 0x20,
    PACKET_TCP_ECE = 0x40,
    PACKET_TCP_CWR = 0x80,
};

enum packet_mark {
    PACKET_MARK_FRAGMENT_FIRST = 1 << 0, /* a fragment that carries the transport header */
    PACKET_MARK_FRAGMENT_LATER = 1 << 1, /* a fragment without one: ports are 0 */
    PACKET_MARK_FRAGMENT_LAST = 1 << 4,  /* with one of the above: no more fragments after it */
    PACKET_MARK_CUT = 1 << 2,            /* the capture kept fewer bytes than the wire carried */
    PACKET_MARK_ONE_WAY = 1 << 3,        /* ICMP type without a counterpart: key keeps direction */
};

/* Why a frame is in no flow. Each is a counter in `stats`; the names are in packet_refusal_name. */
enum packet_refusal {
    PACKET_ACCEPTED = 0,
    PACKET_REFUSED_BAD_TIME,         /* sub-second part not in [0, 1e9), or second out of range */
    PACKET_REFUSED_BAD_LENGTH,       /* more captured than sent, or longer than any link carries */
    PACKET_REFUSED_LINK_TYPE,        /* a link layer whyflow does not know */
    PACKET_REFUSED_NOT_IP,           /* ARP, LLDP, STP, ...: no IP packet inside */
    PACKET_REFUSED_TRUNCATED,        /* ends before the header that would tell its flow */
    PACKET_REFUSED_MALFORMED,        /* a header contradicts itself */
    PACKET_REFUSED_TOO_MANY_HEADERS, /* more tags or extension headers than the limit */
    PACKET_REFUSED_STRAY_TIME,       /* one stamp far from its neighbours on both sides */
    PACKET_REFUSED_NO_MEMORY,        /* the flow table could take no further flow */
    PACKET_REFUSED_DUPLICATE,        /* --dedup: a copy of a packet that was counted */
    PACKET_REFUSED_BAD_LINE,         /* -R: a line that is no flow; how many packets is unknown */
    PACKET_REFUSAL_COUNT
};

enum { PACKET_VLAN_MAX = 4, PACKET_TUNNELS_MAX = 8 };

/* What a packet was carried in; the names are in packet_tunnel_name. */
enum packet_tunnel {
    PACKET_TUNNEL_NONE = 0,
    PACKET_TUNNEL_GRE,        /* RFC 2784, 2890, 2637 */
    PACKET_TUNNEL_ERSPAN,     /* types I, II and III (draft-foschiano-erspan) */
    PACKET_TUNNEL_VXLAN,      /* RFC 7348, and its generic protocol extension */
    PACKET_TUNNEL_GENEVE,     /* RFC 8926 */
    PACKET_TUNNEL_GTPU,       /* 3GPP TS 29.281 */
    PACKET_TUNNEL_IPIP,       /* IPv4 in IPv4, RFC 2003 */
    PACKET_TUNNEL_IP4IN6,     /* RFC 2473 */
    PACKET_TUNNEL_IP6IN4,     /* RFC 4213: 6in4, 6to4, ISATAP */
    PACKET_TUNNEL_IP6IN6,     /* RFC 2473 */
    PACKET_TUNNEL_TEREDO,     /* RFC 4380 */
    PACKET_TUNNEL_L2TP,       /* RFC 2661, RFC 3931 */
    PACKET_TUNNEL_PPPOE,      /* RFC 2516 */
    PACKET_TUNNEL_MPLS,       /* RFC 3032 */
    PACKET_TUNNEL_PSEUDOWIRE, /* Ethernet over MPLS, RFC 4448 */
    PACKET_TUNNEL_COUNT
};

/* What every packet has comes first; the last 64 bytes (PACKET_RARE_BYTES) are 0 but for tags,
 * fragments and tunnels, so that most packets are written, and read, in half as many stores. */
struct packet {
    int64_t time_ns;    /* since 1970-01-01 UTC; [0, 2^62) */
    uint8_t source[16]; /* IPv4: the first 4 bytes, the rest 0 */
    uint8_t destination[16];
    uint16_t source_port;      /* host order. ICMP: type; 0 where there is no port */
    uint16_t destination_port; /* ICMP: Community ID's counterpart type, or code if one-way */
    uint8_t ip_version;        /* 4 or 6 */
    uint8_t protocol;          /* IANA number of the transport header (IPv6: after extensions) */
    uint8_t ttl;               /* IPv4 TTL or IPv6 hop limit */
    uint8_t tcp_flags;         /* 0 unless TCP */
    uint32_t frame_bytes;      /* on the wire */
    uint32_t ip_bytes;      /* header and data as its length field says, at most what there was */
    uint32_t payload_bytes; /* after the transport header; without one, after the IP headers */

    /* Equal for two copies of one packet as mirror ports make them: VLAN tags, TTL and the IP
     * header's checksum do not count; identification, length and the first bytes after the IP
     * header, among them the transport checksum, do. */
    uint32_t digest;

    uint32_t tcp_sequence;
    uint32_t tcp_acknowledgment;
    uint16_t tcp_window;   /* unscaled */
    uint16_t marks;        /* enum packet_mark */
    uint16_t source_index; /* of the frame */
    uint8_t vlan_count;
    uint8_t tunnel_count;

    /* The rare part begins here. */
    uint16_t vlan[PACKET_VLAN_MAX]; /* the frame's tags, outermost first; none inside a tunnel */

    /* Fragments: which datagram, and where in it. 0 unless a fragment mark is set. */
    uint32_t fragment_id;
    uint32_t fragment_offset_bytes; /* of this fragment's first payload byte */
    uint32_t fragment_bytes;        /* of payload in this fragment */

    uint8_t icmp_type; /* 0 unless ICMP */
    uint8_t icmp_code;
    uint8_t padding; /* 0 */

    /* Outermost first; addresses of the outermost IP header. All 0 unless tunnelled in IP. */
    uint8_t outer_ip_version;            /* 0: the tunnel is below IP (PPPoE, MPLS) */
    uint8_t tunnels[PACKET_TUNNELS_MAX]; /* enum packet_tunnel */
    uint8_t outer_source[16];
    uint8_t outer_destination[16];
};

enum { PACKET_RARE_BYTES = 64 };

/* "gre", "erspan", ...; "" for PACKET_TUNNEL_NONE. Static string. */
const char *packet_tunnel_name(enum packet_tunnel tunnel);

/* A short name for a refusal, as in stats.whyflow.account.refused. Static string. */
const char *packet_refusal_name(enum packet_refusal refusal);

#endif
