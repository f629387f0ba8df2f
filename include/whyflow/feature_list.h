/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of features. Record, docs, schema and tests are generated from it.
 *
 * FEATURE(ID, name, label, unit, scale, low, high, family, meaning)
 *   name    as in a record's `features`, `contrib` and `reasons`; it ends in its unit
 *   scale   LOG2: bins of log2(1 + x) between low and high; LINEAR: bins of x between low and high;
 *           CATEGORY: a code with no order, low and high unused
 *   family  SIZE and TIMING (weight 1/4), WINDOW (3/4), CATEGORY (1), SERVICE_SIZE (1/2),
 *           DIRECTION (5)
 * "_window" is the time set by --window (60 s by default), up to and including the flow's own
 * notice time; "_10m" is the current minute of trace time and the nine before it. Both count the
 * flow itself. Distinct counts (hosts, ports) are exact below 16; above, a sketch's estimate with a
 * standard error of 13 %. It stands in the public headers, not in src/feature, because the anomaly
 * and explanation rooms read it too and rooms do not include each other. */
#ifndef WHYFLOW_FEATURE_LIST_H
#define WHYFLOW_FEATURE_LIST_H

/* clang-format off */
#define FEATURE_LIST(FEATURE) \
    /* size */ \
    FEATURE(DURATION, "duration_us", "duration", "us", LOG2, 0, 32, SIZE, "time from the flow's first to its last packet") \
    FEATURE(PACKETS_FWD, "packets_fwd", "packets sent", "packets", LOG2, 0, 24, SIZE, "packets from initiator to responder") \
    FEATURE(PACKETS_REV, "packets_rev", "packets received", "packets", LOG2, 0, 24, SIZE, "packets from responder to initiator") \
    FEATURE(IP_BYTES_FWD, "ip_bytes_fwd", "bytes sent", "bytes", LOG2, 4, 36, SIZE, "IP bytes from initiator to responder") \
    FEATURE(IP_BYTES_REV, "ip_bytes_rev", "bytes received", "bytes", LOG2, 4, 36, SIZE, "IP bytes from responder to initiator") \
    FEATURE(MEAN_PACKET_FWD, "mean_packet_bytes_fwd", "mean size of packets sent", "bytes", LOG2, 4, 12, SIZE, "IP bytes per packet, initiator to responder; missing without packets") \
    FEATURE(MEAN_PACKET_REV, "mean_packet_bytes_rev", "mean size of packets received", "bytes", LOG2, 4, 12, SIZE, "IP bytes per packet, responder to initiator; missing without packets") \
    FEATURE(BYTES_RATIO, "bytes_ratio_log2", "bytes sent over received", "log2", LINEAR, -16, 16, SIZE, "log2 of (IP bytes forward + 1) / (IP bytes reverse + 1)") \
    FEATURE(PACKET_RATE, "packets_per_s", "packet rate", "packets/s", LOG2, 0, 24, SIZE, "packets both ways per second of duration; missing under two packets or 1 ms") \
    FEATURE(BYTE_RATE, "ip_bytes_per_s", "byte rate", "bytes/s", LOG2, 0, 32, SIZE, "IP bytes both ways per second of duration; missing under two packets or 1 ms") \
    FEATURE(PAYLOAD_SHARE, "payload_share", "share of payload", "ratio", LINEAR, 0, 1, SIZE, "payload bytes per IP byte, both ways") \
    /* timing */ \
    FEATURE(GAP_MEAN_FWD, "gap_mean_us_fwd", "mean gap between packets sent", "us", LOG2, 0, 32, TIMING, "mean inter-arrival time, initiator to responder; missing under two packets") \
    FEATURE(GAP_DEVIATION_FWD, "gap_deviation_us_fwd", "deviation of gaps between packets sent", "us", LOG2, 0, 32, TIMING, "standard deviation of inter-arrival times, forward; missing under three packets") \
    FEATURE(GAP_MIN_FWD, "gap_min_us_fwd", "shortest gap between packets sent", "us", LOG2, 0, 32, TIMING, "least inter-arrival time, forward; missing under two packets") \
    FEATURE(GAP_MAX_FWD, "gap_max_us_fwd", "longest gap between packets sent", "us", LOG2, 0, 32, TIMING, "greatest inter-arrival time, forward; missing under two packets") \
    FEATURE(GAP_MEAN_REV, "gap_mean_us_rev", "mean gap between packets received", "us", LOG2, 0, 32, TIMING, "mean inter-arrival time, responder to initiator; missing under two packets") \
    FEATURE(GAP_DEVIATION_REV, "gap_deviation_us_rev", "deviation of gaps between packets received", "us", LOG2, 0, 32, TIMING, "standard deviation of inter-arrival times, reverse; missing under three packets") \
    FEATURE(GAP_MIN_REV, "gap_min_us_rev", "shortest gap between packets received", "us", LOG2, 0, 32, TIMING, "least inter-arrival time, reverse; missing under two packets") \
    FEATURE(GAP_MAX_REV, "gap_max_us_rev", "longest gap between packets received", "us", LOG2, 0, 32, TIMING, "greatest inter-arrival time, reverse; missing under two packets") \
    FEATURE(LONGEST_GAP, "longest_gap_us", "longest silence", "us", LOG2, 0, 32, TIMING, "greatest time between neighbouring packets of either direction; missing under two packets") \
    FEATURE(HANDSHAKE_RTT, "handshake_rtt_us", "handshake time", "us", LOG2, 0, 24, TIMING, "SYN to the initiator's first ACK; missing where not seen") \
    /* window */ \
    FEATURE(SRC_FLOWS_WINDOW, "src_flows_window", "source's flows", "flows", LOG2, 0, 16, WINDOW, "flows of this source handed over in the window") \
    FEATURE(SRC_PEERS_WINDOW, "src_peers_window", "source's peers", "hosts", LOG2, 0, 16, WINDOW, "distinct destinations of this source in the window; exact below 16, else estimated") \
    FEATURE(SRC_PORTS_WINDOW, "src_ports_window", "ports the source went to", "ports", LOG2, 0, 16, WINDOW, "distinct destination ports (with protocol) of this source in the window; exact below 16, else estimated") \
    FEATURE(SRC_BYTES_WINDOW, "src_ip_bytes_window", "source's bytes sent", "bytes", LOG2, 4, 36, WINDOW, "IP bytes sent by this source in its flows of the window") \
    FEATURE(SRC_UNANSWERED_WINDOW, "src_unanswered_share_window", "source's unanswered share", "ratio", LINEAR, 0, 1, WINDOW, "unanswered per unicast TCP or UDP flow of this source in the window; missing without such flows") \
    FEATURE(SRC_NEW_PEERS_WINDOW, "src_new_peer_share_window", "source's new-peer share", "ratio", LINEAR, 0, 1, WINDOW, "flows of this source in the window that were its first to their destination, per flow") \
    FEATURE(SRC_PROTOCOL_ENTROPY, "src_protocol_entropy_bits_window", "source's protocol mix", "bits", LINEAR, 0, 2, WINDOW, "Shannon entropy over protocol numbers of this source's flows in the window") \
    FEATURE(DST_FLOWS_WINDOW, "dst_flows_window", "destination's flows", "flows", LOG2, 0, 16, WINDOW, "flows to this destination handed over in the window") \
    FEATURE(DST_SOURCES_WINDOW, "dst_sources_window", "destination's sources", "hosts", LOG2, 0, 16, WINDOW, "distinct sources of flows to this destination in the window; exact below 16, else estimated") \
    FEATURE(PAIR_FLOWS_WINDOW, "pair_flows_window", "pair's flows", "flows", LOG2, 0, 16, WINDOW, "flows from this source to this destination in the window") \
    FEATURE(PAIR_PORTS_WINDOW, "pair_ports_window", "pair's ports", "ports", LOG2, 0, 16, WINDOW, "distinct destination ports (with protocol) from this source to this destination in the window; exact below 16, else estimated") \
    FEATURE(SRC_FLOWS_10M, "src_flows_10m", "source's flows in ten minutes", "flows", LOG2, 0, 20, WINDOW, "as src_flows_window, in ten minutes") \
    FEATURE(SRC_PEERS_10M, "src_peers_10m", "source's peers in ten minutes", "hosts", LOG2, 0, 16, WINDOW, "as src_peers_window, in ten minutes") \
    FEATURE(SRC_PORTS_10M, "src_ports_10m", "ports the source went to in ten minutes", "ports", LOG2, 0, 16, WINDOW, "as src_ports_window, in ten minutes") \
    FEATURE(SRC_BYTES_10M, "src_ip_bytes_10m", "source's bytes sent in ten minutes", "bytes", LOG2, 4, 40, WINDOW, "as src_ip_bytes_window, in ten minutes") \
    FEATURE(SRC_UNANSWERED_10M, "src_unanswered_share_10m", "source's unanswered share in ten minutes", "ratio", LINEAR, 0, 1, WINDOW, "as src_unanswered_share_window, in ten minutes") \
    FEATURE(SRC_NEW_PEERS_10M, "src_new_peer_share_10m", "source's new-peer share in ten minutes", "ratio", LINEAR, 0, 1, WINDOW, "as src_new_peer_share_window, in ten minutes") \
    FEATURE(DST_FLOWS_10M, "dst_flows_10m", "destination's flows in ten minutes", "flows", LOG2, 0, 20, WINDOW, "as dst_flows_window, in ten minutes") \
    FEATURE(DST_SOURCES_10M, "dst_sources_10m", "destination's sources in ten minutes", "hosts", LOG2, 0, 16, WINDOW, "as dst_sources_window, in ten minutes") \
    FEATURE(PAIR_FLOWS_10M, "pair_flows_10m", "pair's flows in ten minutes", "flows", LOG2, 0, 20, WINDOW, "as pair_flows_window, in ten minutes") \
    FEATURE(PAIR_PORTS_10M, "pair_ports_10m", "pair's ports in ten minutes", "ports", LOG2, 0, 16, WINDOW, "as pair_ports_window, in ten minutes") \
    FEATURE(SRC_IDLE, "src_since_last_us", "time since the source's last flow", "us", LOG2, 0, 40, WINDOW, "notice time less that of this source's flow before; missing for its first") \
    FEATURE(INTERVAL_CV, "interval_variation", "variation of intervals", "ratio", LINEAR, 0, 4, WINDOW, "coefficient of variation (deviation / mean) of the times between starts of flows of this source, destination, protocol and port; missing under four flows") \
    /* category */ \
    FEATURE(PROTOCOL, "protocol", "protocol", "code", CATEGORY, 0, 0, CATEGORY, "IP protocol number") \
    FEATURE(SERVICE, "service", "service", "code", CATEGORY, 0, 0, CATEGORY, "protocol and the better known of the two ports (0: neither is known); ICMP: the type of the first packet") \
    FEATURE(SERVICE_STATE, "service_state", "service state", "code", CATEGORY, 0, 0, CATEGORY, "service with the flow's state") \
    FEATURE(PROTOCOL_STATE, "protocol_state", "protocol state", "code", CATEGORY, 0, 0, CATEGORY, "protocol with the flow's state") \
    FEATURE(SERVICE_SIZE, "service_size", "service size", "code", CATEGORY, 0, 0, SERVICE_SIZE, "service with log2 of the flow's IP bytes, in steps of 4") \
    FEATURE(SRC_KNOWS_DST, "src_knows_dst", "acquaintance of the two", "code", CATEGORY, 0, 0, CATEGORY, "class of the time since the first flow of this pair: new, under 1 min, longer") \
    FEATURE(SERVICE_KNOWS_DST, "service_knows_dst", "acquaintance with the service", "code", CATEGORY, 0, 0, CATEGORY, "class of the time since the first flow of this service to this destination, as above") \
    /* direction */ \
    FEATURE(DIRECTION, "direction", "direction", "code", CATEGORY, 0, 0, DIRECTION, "in to in, in to out, out to in, out to out, by --local-nets")
/* clang-format on */

#endif
