/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: bytes of a frame -> struct packet. Called by the pipeline on the capture thread for
 * every frame, and by the fuzzer. Pure: it keeps nothing and points nowhere. */
#ifndef WHYFLOW_PACKET_DECODE_H
#define WHYFLOW_PACKET_DECODE_H

#include "whyflow/frame.h"
#include "whyflow/packet.h"

#include <stddef.h>
#include <stdint.h>

enum {
    /* No link carries longer frames; segmentation and receive offload hand up 256 KiB and more. */
    PACKET_WIRE_BYTES_MAX = 1 << 20,
    /* IPv6 extension headers of one IP header. RFC 8504, section 5.3, lets a host refuse over 8. */
    PACKET_EXTENSIONS_MAX = 8,
    /* All headers of a frame together: the bound of the decoder's loop. */
    PACKET_HEADERS_MAX = 64,
    /* MPLS labels in one stack. */
    PACKET_LABELS_MAX = 16,
    /* GTP-U extension headers, and entries of a GRE source route. */
    PACKET_TUNNEL_OPTIONS_MAX = 16,
};

/* Decodes a frame. Every byte of `packet`, padding included, is written, so packets can be compared
 * and hashed as bytes.
 *
 * PACKET_ACCEPTED: addresses, protocol and (where the protocol has them) ports were read for
 * certain. Otherwise the reason, which is a counter; frame_bytes is then what the frame claims,
 * time_ns and source_index are valid unless the reason is BAD_TIME or BAD_LENGTH, and the rest has
 * no meaning.
 *
 * ip_bytes is what the IP length field says, but never more than the wire carried: a field that
 * claims more (no host would take that packet) is not believed beyond what was there. A length of
 * zero (segmentation offload) means all that the wire carried. Link padding does not count.
 *
 * A tunnelled packet is the packet inside: its addresses, ports, lengths, TTL, flags and digest are
 * the inner ones, and only frame_bytes, time and vlan are the frame's. What is inside is believed
 * if it is an IP packet down to its ports that fits into its carrier; else the packet is that of
 * the innermost layer which was read for certain, and `tunnels` stops there. That holds for more
 * than PACKET_TUNNELS_MAX tunnels too. A later fragment of a carrier is the carrier's; a first one
 * is the packet inside, and has no fragment mark of the carrier's. */
enum packet_refusal packet_decode(const struct frame *frame, struct packet *packet);

/* The same for many at a time: `refusals` are enum packet_refusal. Returns how many there are. */
size_t packet_decode_frames(const struct frame *frames, size_t count, struct packet *packets,
                            uint8_t *refusals);

#endif
