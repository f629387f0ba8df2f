/* SPDX-License-Identifier: Apache-2.0 */
/* Builds frames for tests, header by header from the outside in. Lengths are filled in at the end.
 * Checksums are left 0: no decoder here reads them.
 *
 *     struct packet_build build;
 *     packet_build_start(&build, 1, 0x0800);
 *     packet_build_ipv4(&build, "10.0.0.1", "10.0.0.2", 6);
 *     packet_build_tcp(&build, 40000, 443, PACKET_TCP_SYN);
 *     packet_build_payload(&build, 100);
 *     struct frame frame = packet_build_frame(&build, time_ns);
 */
#ifndef WHYFLOW_TESTS_PACKET_BUILD_H
#define WHYFLOW_TESTS_PACKET_BUILD_H

#include "whyflow/frame.h"
#include "whyflow/packet.h"

#include <stddef.h>
#include <stdint.h>

enum { PACKET_BUILD_SIZE = 4096, PACKET_BUILD_IP_MAX = 16 };

struct packet_build {
    uint8_t bytes[PACKET_BUILD_SIZE];
    uint32_t size;
    uint16_t link_type;
    uint32_t ip_at;     /* where the innermost IP header begins */
    uint8_t ip_version; /* of the IP header whose length is to be filled in; 0: none */
    uint32_t outer_count;
    uint32_t outer_at[PACKET_BUILD_IP_MAX]; /* the same of the headers around it */
    uint8_t outer_version[PACKET_BUILD_IP_MAX];
};

/* Begins a frame: the link header of LINKTYPE_ number link_type, saying that `ethertype` follows
 * (0x0800 or 0x86dd where the link type knows only IP). */
void packet_build_start(struct packet_build *build, uint16_t link_type, uint16_t ethertype);

/* After an ethertype of 0x8100, 0x88a8 or 0x9100. */
void packet_build_vlan(struct packet_build *build, uint16_t id, uint16_t ethertype);

void packet_build_ipv4(struct packet_build *build, const char *source, const char *destination,
                       uint8_t protocol);
/* As above, with option words and the raw flags and offset field. */
void packet_build_ipv4_full(struct packet_build *build, const char *source, const char *destination,
                            uint8_t protocol, unsigned option_words, uint16_t fragment);
void packet_build_ipv6(struct packet_build *build, const char *source, const char *destination,
                       uint8_t next_header);
/* An extension header of 8 + 8 * units bytes. */
void packet_build_extension(struct packet_build *build, uint8_t next_header, uint8_t units);
void packet_build_fragment(struct packet_build *build, uint8_t next_header,
                           uint16_t offset_and_more);

void packet_build_tcp(struct packet_build *build, uint16_t source_port, uint16_t destination_port,
                      uint8_t flags);
void packet_build_udp(struct packet_build *build, uint16_t source_port, uint16_t destination_port);
void packet_build_sctp(struct packet_build *build, uint16_t source_port, uint16_t destination_port);
void packet_build_icmp(struct packet_build *build, uint8_t type, uint8_t code); /* both versions */
void packet_build_payload(struct packet_build *build, size_t size);
void packet_build_u8(struct packet_build *build, uint8_t number);
void packet_build_u16(struct packet_build *build, uint16_t number);
void packet_build_u32(struct packet_build *build, uint32_t number);

/* A tunnel that carries IP of `inner_version` (4 or 6): its outer IP header, from 198.51.100.1 to
 * 198.51.100.2 or from 2001:db8:f::1 to ::2, all headers of its own, and the inner link header if
 * it has one. Then comes the inner IP header. */
void packet_build_tunnel(struct packet_build *build, enum packet_tunnel tunnel,
                         uint8_t inner_version);
/* The IP version such a tunnel itself needs, and the ethertype of a frame that begins with it. */
uint8_t packet_build_tunnel_version(enum packet_tunnel tunnel); /* 0: it is below IP */
uint16_t packet_build_tunnel_ethertype(enum packet_tunnel tunnel);

/* Fills in all IP lengths as they stand now. Link padding comes after this; packet_build_frame does
 * it too if nobody has. */
void packet_build_end_ip(struct packet_build *build);

/* The frame, wholly captured; its bytes are the build's. */
struct frame packet_build_frame(struct packet_build *build, int64_t time_ns);

#endif
