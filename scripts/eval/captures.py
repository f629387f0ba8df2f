# SPDX-License-Identifier: Apache-2.0
"""A capture moved in time, so that what trains lies before what is measured.

The quiet capture of the laboratory was made after the other, and a baseline is of the past: it
decays from its time to now. Classic little-endian pcap, microseconds; also .zst. Called by eval.py.
"""

import struct
import subprocess

HEADER_BYTES, PACKET = 24, struct.Struct("<IIII")
MAGIC = b"\xd4\xc3\xb2\xa1"


def _read(path):
    command = ["zstd", "-dcq", path] if path.endswith(".zst") else ["cat", path]
    data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    if data[:4] != MAGIC:
        raise ValueError(f"{path}: not a little-endian pcap of microseconds")
    return bytearray(data)


def _places(data):
    """Where each packet's header stands."""
    at = HEADER_BYTES
    while at + PACKET.size <= len(data):
        yield at
        at += PACKET.size + PACKET.unpack_from(data, at)[2]


def move_before(path, other, gap_s, out):
    """Writes to `out` the packets of `path`, whole seconds earlier: it ends `gap_s` before `other`
    begins."""
    data = _read(path)
    begin_s = PACKET.unpack_from(_read(other), HEADER_BYTES)[0]
    last_s = max(PACKET.unpack_from(data, at)[0] for at in _places(data))
    by_s = begin_s - gap_s - 1 - last_s
    for at in _places(data):
        struct.pack_into("<I", data, at, PACKET.unpack_from(data, at)[0] + by_s)
    with open(out, "wb") as file:
        file.write(data)
