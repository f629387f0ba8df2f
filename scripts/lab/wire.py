# SPDX-License-Identifier: Apache-2.0
"""Frames of a made-up network, and the pcap file they go into: used by make_sample.py.

A frame is built whole, so that its lengths and checksums are true, and kept up to SNAP_BYTES.
Times are whole microseconds since 1970.  All chance comes from the one generator handed in.
"""

import collections
import ipaddress
import struct

SNAP_BYTES = 96
ETHERNET_MIN_BYTES = 60
US = 1_000_000
TCP, UDP = 6, 17
ICMP = {4: 1, 6: 58}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

ROUTER_IN = bytes.fromhex("020000000001")
ROUTER_OUT = bytes.fromhex("020000000002")


def checksum(data):
    """The Internet checksum of data, of even or odd length (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    return -int.from_bytes(data, "big") % 65535


class Host:
    """An address, the initial TTL of its system, and its side of the tapped link."""

    def __init__(self, address, inside, ttl):
        parsed = ipaddress.ip_address(address)
        self.address = address
        self.version = parsed.version
        self.packed = parsed.packed
        self.inside = inside
        self.ttl = ttl


class Trace:
    """Collects frames, cut to the snap length, and writes them in order of time."""

    def __init__(self, rng, start_us, end_us):
        self.rng = rng
        self.start_us, self.end_us = start_us, end_us  # nothing outside is kept
        self.frames = []
        self.ip_id = collections.defaultdict(lambda: rng.randrange(65536))

    def ip(self, time_us, src, dst, proto, segment):
        """One IP packet, with the checksum of segment already in it."""
        if not self.start_us <= time_us < self.end_us:
            return
        if src.version == 4:
            self.ip_id[src.address] = (self.ip_id[src.address] + 1) % 65536
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment),
                                 self.ip_id[src.address], 0x4000, src.ttl, proto, 0,
                                 src.packed, dst.packed)
            header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        else:
            label = (hash_pair(src, dst) ^ proto) & 0xFFFFF
            header = struct.pack("!IHBB16s16s", 0x60000000 | label, len(segment), proto,
                                 src.ttl, src.packed, dst.packed)
        macs = ROUTER_OUT + ROUTER_IN if src.inside else ROUTER_IN + ROUTER_OUT
        frame = macs + struct.pack("!H", 0x0800 if src.version == 4 else 0x86DD)
        frame += header + segment
        frame += bytes(max(0, ETHERNET_MIN_BYTES - len(frame)))
        self.frames.append((time_us, len(self.frames), frame[:SNAP_BYTES], len(frame)))

    def udp(self, time_us, src, dst, sport, dport, payload):
        header = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
        total = transport_checksum(src, dst, UDP, header + payload) or 0xFFFF
        self.ip(time_us, src, dst, UDP, header[:6] + struct.pack("!H", total) + payload)

    def echo(self, time_us, src, dst, kind, ident, number, payload):
        head = struct.pack("!BBHHH", kind, 0, 0, ident, number)
        if src.version == 4:
            total = checksum(head + payload)
        else:
            total = transport_checksum(src, dst, ICMP[6], head + payload)
        self.ip(time_us, src, dst, ICMP[src.version],
                head[:2] + struct.pack("!H", total) + head[4:] + payload)

    def write(self, path):
        self.frames.sort(key=lambda frame: frame[:2])
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_BYTES, 1))
            for time_us, _, kept, length in self.frames:
                out.write(struct.pack("<IIII", time_us // US, time_us % US, len(kept), length))
                out.write(kept)


def hash_pair(src, dst):
    """A number that is the same in each run, unlike Python's own hash."""
    return int.from_bytes(src.packed + dst.packed, "big") % 1_048_573


def transport_checksum(src, dst, proto, segment):
    if src.version == 4:
        pseudo = struct.pack("!4s4sBBH", src.packed, dst.packed, 0, proto, len(segment))
    else:
        pseudo = struct.pack("!16s16sII", src.packed, dst.packed, len(segment), proto)
    return checksum(pseudo + segment)


class TlsStream:
    """An endless run of TLS application-data records, to cut into segments."""

    def __init__(self, rng):
        self.rng = rng
        self.buffer = b""

    def take(self, count):
        while len(self.buffer) < count:
            size = self.rng.choice((1400, 4096, 8192, 16384))
            self.buffer += struct.pack("!BHH", 23, 0x0303, size) + self.rng.randbytes(size)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken


class TcpConnection:
    """One TCP connection seen from the tap: both ends' numbers, options and windows."""

    def __init__(self, trace, client, server, sport, dport):
        rng = trace.rng
        self.trace, self.ends = trace, (client, server)
        self.ports = (sport, dport)
        self.has_sent = [False, False]
        self.next = [rng.randrange(1 << 32), rng.randrange(1 << 32)]
        self.acked = [0, 0]  # what each end has acknowledged of the other
        self.clock_base = (rng.randrange(1 << 31), rng.randrange(1 << 31))
        self.echoed = [0, 0]
        self.mss = 1448 if client.version == 4 else 1428

    def send(self, time_us, end, flags, payload=b"", ack=True):
        """A segment from end (0 client, 1 server) that acknowledges all the other has sent."""
        src, dst = self.ends[end], self.ends[1 - end]
        stamp = (self.clock_base[end] + time_us // 1000) % (1 << 32)
        timestamps = struct.pack("!BBII", 8, 10, stamp, self.echoed[end])
        options = b"\1\1" + timestamps
        if flags & SYN:  # segment size, selective acknowledgement, timestamps, window scale
            options = struct.pack("!BBH", 2, 4, self.mss + 12) + b"\4\2" + timestamps
            options += b"\1\3\3\7"
        if flags & RST:
            options = b""
        if ack:
            flags |= ACK
            self.acked[end] = self.next[1 - end]
        self.echoed[1 - end] = stamp
        # RFC 9293, 3.5.2: who refuses a SYN has no sequence numbers yet.
        number = 0 if flags & RST and not self.has_sent[end] else self.next[end]
        self.has_sent[end] = True
        header = struct.pack("!HHIIBBHHH", self.ports[end], self.ports[1 - end],
                             number, self.acked[end] if ack else 0,
                             (5 + len(options) // 4) << 4, flags,
                             64240 if flags & SYN else 501, 0, 0) + options
        total = transport_checksum(src, dst, TCP, header + payload)
        header = header[:16] + struct.pack("!H", total) + header[18:]
        self.trace.ip(time_us, src, dst, TCP, header + payload)
        self.next[end] = (self.next[end] + len(payload) + bool(flags & (SYN | FIN))) % (1 << 32)

    def again(self, end, payload_bytes):
        """Steps back, so that the next segment from end is a retransmission."""
        self.next[end] = (self.next[end] - payload_bytes) % (1 << 32)


def client_hello(rng, name):
    """A TLS ClientHello of 517 bytes with its server name."""
    host = name.encode()
    entry = struct.pack("!BH", 0, len(host)) + host
    sni = struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry
    fixed = struct.pack("!H", 0x0303) + rng.randbytes(32) + b"\x20" + rng.randbytes(32)
    fixed += struct.pack("!HHHH", 6, 0x1301, 0x1302, 0x1303) + b"\1\0"
    padding = 512 - 4 - len(fixed) - 2 - len(sni) - 4
    extensions = sni + struct.pack("!HH", 21, padding) + bytes(padding)
    body = fixed + struct.pack("!H", len(extensions)) + extensions
    hello = b"\1" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", 22, 0x0301, len(hello)) + hello
