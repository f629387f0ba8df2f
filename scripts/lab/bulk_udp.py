#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bulk transfer over UDP with a header like uTP's (BEP 29): used by the laboratory.

    bulk_udp.py receive PORT                   swallows datagrams, answers every fiftieth
    bulk_udp.py send SOURCE PEER PORT COUNT    COUNT datagrams of 1,378 IP bytes, some 31 ms apart
"""

import os
import random
import socket
import struct
import sys
import time

PAYLOAD_BYTES = 1378 - 20 - 8


def header(kind, number):
    stamp = time.time_ns() // 1000 % (1 << 32)
    return struct.pack("!BBHIIIHH", kind << 4 | 1, 0, 4711, stamp, 30_000, 1_048_576,
                       number % 65536, 1)


def receive(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("0.0.0.0", port))
        count = 0
        while True:
            _, sender = endpoint.recvfrom(2048)
            count += 1
            if count % 50 == 0:
                endpoint.sendto(header(2, count), sender)


def send(source, peer, port, count):
    rng = random.Random(51413)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind((source, port))
        for number in range(count):
            data = header(0, number)
            data += os.urandom(PAYLOAD_BYTES - len(data))
            endpoint.sendto(data, (peer, port))
            time.sleep(min(0.5, rng.lognormvariate(-3.9, 0.9)))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "receive":
        receive(int(sys.argv[2]))
    elif len(sys.argv) == 6 and sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
