#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the two sample reports as captures, and check what was written.

    make_sample.py 3947329 pcaps/sample-3947329.pcap            write it, then check it
    make_sample.py 3943031 pcaps/sample-3943031.pcap
    make_sample.py --check 3947329 pcaps/sample-3947329.pcap    check an existing file

A report gives one flow in eighteen columns and nothing around it.  The capture holds that flow,
packet by packet, so that every column can be measured from it, among some 2,400 ordinary flows of
other hosts: name lookups and the web sessions after them, QUIC, NTP, ping, SSH, mail, failed
connections, a few bulk downloads, over IPv4 and IPv6.

The file is a classic little-endian pcap with microseconds, 96 bytes kept of each frame, lengths and
checksums those of the whole packet.  It is the same file each time: one seed, no clock, and the
standard library only.  The view is that of a transit link: every address is public or set aside
for documentation or benchmarks, but for the sample's own two.

When a flow is noticed, flow_count.py says.  `dst_flows_in_window` counts the flows noticed in the
60 s up to the sample's own notice, itself included.  So the others that belong to the sample's
destination are placed to be noticed shortly before it, and the capture goes on for well over 30 s
after its last packet.
"""

import argparse
import ipaddress
import random
import struct
import sys

from flow_count import IDLE_US, count_flows
from ordinary import Ordinary
from wire import (ACK, FIN, PSH, RST, SYN, TCP, UDP, US, Host, TcpConnection, TlsStream, Trace,
                  transport_checksum)

WINDOW_US = 60 * US
EPOCH_0752 = 1_570_002_720  # 2019-10-02 07:52:00 UTC
CAPTURE_START_US = (EPOCH_0752 - 20) * US
CAPTURE_END_US = CAPTURE_START_US + 240 * US


class Sample:
    """The columns of one report, and the microseconds it leaves open."""

    def __init__(self, **columns):
        self.__dict__.update(columns)

    @property
    def last_us(self):
        return self.first_us + self.duration_us

    @property
    def notice_us(self):
        return self.last_us + IDLE_US


SAMPLES = {
    "3947329": Sample(
        src="74.81.88.82", dst="158.129.80.19", sport=51413, dport=29862, proto=UDP,
        first_us=(EPOCH_0752 + 65) * US + 1_207, duration_us=64_530_000,
        packets=2044, ip_bytes=2_817_462, dst_flows=15, seed=3947329,
        first_text="2019-10-02 07:53:05", last_text="2019-10-02 07:54:09",
        mean_size="1378.4060665362035", mean_gap_ms="31.586"),
    "3943031": Sample(
        src="2a0b:e43:1::21", dst="2002:becf:7b73::becf:7b73", sport=443, dport=57360, proto=TCP,
        first_us=(EPOCH_0752 + 66) * US + 112_384, duration_us=65_870_000,
        packets=3730, ip_bytes=4_761_630, dst_flows=3, seed=3943031,
        first_text="2019-10-02 07:53:06", last_text="2019-10-02 07:54:11",
        mean_size="1276.5764075067025", mean_gap_ms="17.664"),
}


def sample_times(rng, sample):
    """Times of the packets: log-normal gaps in bursts, scaled to the exact duration."""
    gaps = [rng.lognormvariate(0, 1.0) * (1 if rng.random() < 0.75 else 6)
            for _ in range(sample.packets - 1)]
    scale = sample.duration_us / sum(gaps)
    times, now = [sample.first_us], 0.0
    for gap in gaps:
        now += gap * scale
        times.append(max(sample.first_us + round(now), times[-1] + 1))
    times[-1] = sample.last_us
    return times


def sample_sizes(rng, sample, full, smallest, short_share):
    """IP sizes: mostly full packets, some short ones, with the exact sum."""
    sizes = [full] * sample.packets
    short = rng.sample(range(sample.packets), int(sample.packets * short_share))
    missing = sum(sizes) - sample.ip_bytes
    for at in short:
        cut = min(missing, rng.randrange(1, full - smallest))
        sizes[at] -= cut
        missing -= cut
    while missing:  # spread what is left, by single bytes if need be
        at = rng.choice(short)
        cut = min(missing, sizes[at] - smallest, 97)
        sizes[at] -= cut
        missing -= cut
    return sizes


def write_udp_sample(trace, sample):
    """A BitTorrent-like transfer: uTP data packets (BEP 29) one way."""
    rng = trace.rng
    src, dst = Host(sample.src, False, 51), Host(sample.dst, True, 63)
    ident, number = rng.randrange(65535), rng.randrange(30000)
    sizes = sample_sizes(rng, sample, 1430, 48, 0.09)
    for time_us, size in zip(sample_times(rng, sample), sizes):
        stamp = time_us % (1 << 32)
        head = struct.pack("!BBHIIIHH", 0x01 if size > 48 else 0x21, 0, ident, stamp,
                           rng.randrange(20_000, 90_000), 1_048_576, number, 77)
        number = (number + 1) % 65536
        trace.udp(time_us, src, dst, sample.sport, sample.dport,
                  head + rng.randbytes(size - 28 - len(head)))
    for other in range(sample.dst_flows - 1):
        write_udp_neighbour(trace, sample, dst, other)


def write_udp_neighbour(trace, sample, dst, number):
    """Other peers of the same client: datagrams answered and not, SYNs answered and not.

    Their last packets lie 2 to 30 s before the sample's: whichever timeout ends them, they are
    noticed in the 60 s before it.  Their ports are above the client's, so that the guess "the
    lower port serves" agrees with who came first.
    """
    rng = trace.rng
    peer = Host(f"198.51.100.{101 + 7 * number}", False, rng.choice((49, 53, 112)))
    last_us = sample.last_us - rng.randrange(2 * US, 30 * US)
    sport = rng.randrange(40000, 65000)
    if number % 5 == 3:
        link = TcpConnection(trace, peer, dst, sport, sample.dport)
        link.send(last_us - 3 * US, 0, SYN, ack=False)
        link.again(0, 1)
        link.send(last_us - 2 * US, 0, SYN, ack=False)
        if number % 2:
            link.send(last_us - 2 * US + 700, 1, RST)
        return
    count = rng.randrange(1, 9)
    answered = rng.random() < 0.7
    now = last_us - count * 900_000
    for _ in range(count):
        trace.udp(now, peer, dst, sport, sample.dport, rng.randbytes(rng.randrange(30, 360)))
        if answered:
            trace.udp(now + rng.randrange(500, 4000), dst, peer, sample.dport, sport,
                      rng.randbytes(rng.randrange(20, 300)))
        now += rng.randrange(50_000, 800_000)


def write_tcp_half(trace, src, dst, ports, times, sizes):
    """Segments of one side of a connection in mid-stream: no SYN, no FIN, no answer seen."""
    rng = trace.rng
    tls = TlsStream(rng)
    number, ack = rng.randrange(1 << 32), rng.randrange(1 << 32)
    clock, echo = rng.randrange(1 << 31), rng.randrange(1 << 31)
    for at, (time_us, size) in enumerate(zip(times, sizes)):
        payload = tls.take(size - 40 - 32)
        flags = ACK | (PSH if size < max(sizes) or at % 13 == 12 else 0)
        stamp = (clock + time_us // 1000) % (1 << 32)
        header = struct.pack("!HHIIBBHHH", *ports, number, ack, 8 << 4, flags, 287, 0, 0)
        header += struct.pack("!BBBBII", 1, 1, 8, 10, stamp, (echo + time_us // 1000) % (1 << 32))
        total = transport_checksum(src, dst, TCP, header + payload)
        header = header[:16] + struct.pack("!H", total) + header[18:]
        trace.ip(time_us, src, dst, TCP, header + payload)
        number = (number + len(payload)) % (1 << 32)
        if at % 400 == 399:
            ack = (ack + 46) % (1 << 32)


def write_tcp_sample(trace, sample):
    """A download to a 6to4 host, in packets of the 1,280 bytes that every IPv6 path carries."""
    rng = trace.rng
    src, dst = Host(sample.src, False, 57), Host(sample.dst, True, 120)
    sizes = sample_sizes(rng, sample, 1280, 120, 0.007)
    write_tcp_half(trace, src, dst, (sample.sport, sample.dport),
                   sample_times(rng, sample), sizes)
    for number in range(sample.dst_flows - 1):
        peer = Host(f"2001:db8:2100::{0x31 + number:x}", False, 55)
        last_us = sample.last_us - rng.randrange(3 * US, 16 * US)
        count = 6 + 11 * number
        times = sorted(last_us - rng.randrange(9 * US) for _ in range(count))
        sizes = [rng.choice((1280, 1280, 640, 150)) for _ in range(count)]
        write_tcp_half(trace, peer, dst, (443, sample.dport + 3 + 2 * number), times, sizes)


def write(sample, path):
    trace = Trace(random.Random(sample.seed), CAPTURE_START_US, CAPTURE_END_US)
    (write_udp_sample if sample.proto == UDP else write_tcp_sample)(trace, sample)
    Ordinary(trace).run()
    trace.write(path)


def text(time_us):
    """2019-10-02 07:53:05.001207, without the calendar: the captures lie within one morning."""
    seconds, micros = divmod(time_us - (EPOCH_0752 * US), US)
    minutes, seconds = divmod(7 * 3600 + 52 * 60 + seconds, 60)
    return f"2019-10-02 {minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{micros:06}"


def check(sample, path):
    """Asserts every column of the report; returns the measured ones."""
    flows, packets, end_us = count_flows(path)
    src, dst = (ipaddress.ip_address(address).packed for address in (sample.src, sample.dst))
    touching = [flow for flow in flows if {flow.src, flow.dst} & {src, dst}]
    own = [flow for flow in touching if src in (flow.src, flow.dst)]
    assert len(own) == 1 and len(touching) == sample.dst_flows
    flow = own[0]
    assert (flow.src, flow.dst) == (src, dst) and flow.proto == sample.proto
    assert (flow.sport, flow.dport) == (sample.sport, sample.dport)
    assert not flow.times[1] and not flow.flags[0] & (SYN | FIN | RST)
    assert flow.notice == flow.last + IDLE_US == sample.notice_us < end_us
    assert text(flow.first).startswith(sample.first_text)
    assert text(flow.last).startswith(sample.last_text)
    assert flow.last - flow.first == sample.duration_us
    assert len(flow.sizes[0]) == sample.packets and sum(flow.sizes[0]) == sample.ip_bytes
    gaps = [after - before for before, after in zip(flow.times[0], flow.times[0][1:])]
    assert min(gaps) > 0 and max(gaps) < 25 * US
    window = [other for other in flows[:flows.index(flow) + 1]
              if other.notice > flow.notice - WINDOW_US]
    to_dst = [other for other in window if other.dst == dst]
    from_src = [other for other in window if other.src == src]
    assert len(to_dst) == sample.dst_flows and from_src == [flow]
    assert all(other.last < flow.last for other in to_dst if other is not flow)
    assert all(other.src != dst for other in touching), "the destination opens nothing"
    others = len(flows) - len(touching)
    assert others >= 2000
    columns = {
        "IP_SRC_ADDR": sample.src, "IP_DST_ADDR": sample.dst,
        "L4_SRC_PORT": flow.sport, "L4_DST_PORT": flow.dport, "PROTOCOL_NUM": flow.proto,
        "FIRST_SWITCHED": text(flow.first), "LAST_SWITCHED": text(flow.last),
        "IN_PKTS": len(flow.sizes[0]), "IN_BYTES": sum(flow.sizes[0]),
        "FLOW_DURATION_MILLISECONDS": (flow.last - flow.first) / 1000,
        "avg_in_packet_size": sum(flow.sizes[0]) / len(flow.sizes[0]),
        "inter_arrival_ms": sum(gaps) / len(gaps) / 1000,
        "dst_flows_in_window": len(to_dst), "src_entropy_PROTOCOL": 0.0,
        "src_IN_PKTS_sum": sum(len(other.sizes[0]) for other in from_src),
        "src_flows_in_window": len(from_src), "src_flag_SYN": 0}
    assert str(columns["avg_in_packet_size"]) == sample.mean_size
    assert f"{columns['inter_arrival_ms']:.3f}" == sample.mean_gap_ms
    return columns, packets, others


def main():
    parser = argparse.ArgumentParser(description="Write or check a sample report's capture.")
    parser.add_argument("--check", action="store_true", help="check the file, write nothing")
    parser.add_argument("sample", choices=sorted(SAMPLES))
    parser.add_argument("path")
    arguments = parser.parse_args()
    sample = SAMPLES[arguments.sample]
    if not arguments.check:
        write(sample, arguments.path)
    columns, packets, others = check(sample, arguments.path)
    for name, value in columns.items():
        print(f"{name} {value}")
    print(f"{arguments.path}: {packets} packets, {others} flows of other hosts: as in the report")


if __name__ == "__main__":
    sys.exit(main())
