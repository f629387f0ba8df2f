# SPDX-License-Identifier: Apache-2.0
"""A small flow counter of its own, to check a capture by: used by make_sample.py.

It shares no code with what writes the captures, nor with the sensor.  A flow ends when idle for
30 s, 5 s after a FIN both ways or an RST, or at a packet 120 s or more after its first.  It is
noticed at last + 30 s or last + 5 s, at the packet that cut it, or at the end of the capture.
"""

import struct

US = 1_000_000
IDLE_US, CLOSE_US, ACTIVE_US = 30 * US, 5 * US, 120 * US
SNAP_BYTES = 96
TCP, UDP = 6, 17
FIN, RST = 1, 4


def read_packets(path):
    """Yields (time_us, kept bytes, true length); refuses a file of another kind."""
    with open(path, "rb") as capture:
        magic, major, minor, _, _, snap, link = struct.unpack("<IHHiIII", capture.read(24))
        assert (magic, major, minor, snap, link) == (0xA1B2C3D4, 2, 4, SNAP_BYTES, 1)
        while head := capture.read(16):
            seconds, micros, kept, length = struct.unpack("<IIII", head)
            assert micros < US and kept == min(length, SNAP_BYTES)
            yield seconds * US + micros, capture.read(kept), length


def decode(frame):
    """(proto, src, dst, sport, dport, tcp flags, IP bytes) of a frame."""
    if frame[12:14] == b"\x08\x00":
        ip_bytes, proto = struct.unpack("!H", frame[16:18])[0], frame[23]
        src, dst, rest = frame[26:30], frame[30:34], frame[14 + 4 * (frame[14] & 15):]
    else:
        ip_bytes, proto = 40 + struct.unpack("!H", frame[18:20])[0], frame[20]
        src, dst, rest = frame[22:38], frame[38:54], frame[54:]
    if proto in (TCP, UDP):
        sport, dport = struct.unpack("!HH", rest[:4])
    else:
        sport = dport = struct.unpack("!H", rest[4:6])[0]
    return proto, src, dst, sport, dport, rest[13] if proto == TCP else 0, ip_bytes


class Flow:
    """One flow of the check; `ends` 0 is whoever sent its first packet."""

    def __init__(self, number, time_us, packet):
        self.number, self.proto = number, packet[0]
        self.src, self.dst, self.sport, self.dport = packet[1:5]
        self.first = self.last = time_us
        self.times, self.sizes = ([], []), ([], [])
        self.flags = [0, 0]
        self.notice = None

    def add(self, time_us, packet):
        way = 0 if packet[1] == self.src and packet[3] == self.sport else 1
        self.last = time_us
        self.times[way].append(time_us)
        self.sizes[way].append(packet[6])
        self.flags[way] |= packet[5]

    @property
    def timeout(self):
        closed = self.flags[0] & self.flags[1] & FIN or (self.flags[0] | self.flags[1]) & RST
        return CLOSE_US if closed else IDLE_US


def count_flows(path):
    """All flows of the file in the order in which they are handed over."""
    live, ended, last_us, packets = {}, [], 0, 0
    for time_us, frame, _ in read_packets(path):
        assert time_us >= last_us, "packets out of order"
        assert not last_us or time_us - last_us < 25 * US, "a gap of 25 s"
        last_us, packets = time_us, packets + 1
        packet = decode(frame)
        ends = sorted(((packet[1], packet[3]), (packet[2], packet[4])))
        key = (packet[0], *ends)
        flow = live.get(key)
        if flow:
            if time_us - flow.last >= flow.timeout:
                flow.notice = flow.last + flow.timeout
            elif time_us - flow.first >= ACTIVE_US:
                flow.notice = time_us
            if flow.notice is not None:
                ended.append(live.pop(key))
                flow = None
        if not flow:
            flow = live[key] = Flow(len(ended) + len(live), time_us, packet)
        flow.add(time_us, packet)
    for flow in live.values():
        flow.notice = min(flow.last + flow.timeout, last_us)
    ended += live.values()
    ended.sort(key=lambda flow: (flow.notice, flow.number))
    return ended, packets, last_us
