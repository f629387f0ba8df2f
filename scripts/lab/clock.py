#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers NTP requests with this machine's time (RFC 5905, mode 4): used by the laboratory.

A daemon from the packages would replace the one that keeps the machine's own time.
"""

import socket
import struct
import time

NTP_PORT = 123
SECONDS_1900_TO_1970 = 2_208_988_800


def stamp():
    seconds, fraction = divmod(time.time_ns(), 1_000_000_000)
    return struct.pack("!II", seconds + SECONDS_1900_TO_1970, (fraction << 32) // 1_000_000_000)


def main():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # IPv4 too
        endpoint.bind(("::", NTP_PORT))
        while True:
            request, sender = endpoint.recvfrom(512)
            received = stamp()
            if len(request) < 48 or request[0] & 7 != 3:
                continue
            version = request[0] & 0x38
            head = struct.pack("!BBbbII4s", version | 4, 1, 6, -20, 0, 66, b"LOCL")
            answer = head + received + request[40:48] + received + stamp()
            endpoint.sendto(answer, sender)


if __name__ == "__main__":
    main()
