# SPDX-License-Identifier: Apache-2.0
"""A capture moved in time, for a run that reads one capture and then another.

Captures are merged by time, and the quiet one of the laboratory was made after the other. Classic
pcap of this machine's byte order, microseconds; also .zst. Called by eval.py where the program has
no --baseline.
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
