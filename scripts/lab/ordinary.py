# SPDX-License-Identifier: Apache-2.0
"""Ordinary hosts on a transit link and what they do: used by make_sample.py.

Some seventy clients, three servers of theirs, 180 sites of which a few are popular, resolvers and
clocks.  Think times, sizes and round trips are log-normal.  Every address is set aside for
documentation or benchmarks (RFC 5737, RFC 2544, RFC 3849), so that nobody real is meant.
"""

import collections
import math
import struct

from wire import FIN, PSH, RST, SYN, US, Host, TcpConnection, TlsStream, client_hello

SESSIONS = 395  # each is a lookup and what follows it

WORDS = ("alder", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper",
         "kestrel", "linden", "meadow", "north", "otter", "poplar", "quartz", "river", "sable",
         "tundra", "umber", "violet", "willow", "yarrow", "zephyr")


class Ordinary:
    """The other hosts of the link and what they do."""

    def __init__(self, trace):
        self.trace = trace
        self.rng = trace.rng
        rng = trace.rng
        self.clients = {
            4: [Host(f"203.0.113.{n}", True, rng.choice((63, 63, 127))) for n in range(20, 90)],
            6: [Host(f"2001:db8:c:1::{n:x}", True, rng.choice((63, 63, 127)))
                for n in range(0x20, 0x50)]}
        self.sites = [self.make_site(number) for number in range(180)]
        self.popularity = [1 / (rank + 2) ** 0.9 for rank in range(len(self.sites))]
        self.resolvers = {4: [Host("198.51.100.53", False, 58), Host("192.0.2.53", False, 55)],
                          6: [Host("2001:db8:53::1", False, 57)]}
        self.clocks = {4: [Host(f"192.0.2.{n}", False, 52) for n in (123, 124, 125)],
                       6: [Host("2001:db8:7::123", False, 54)]}
        self.local_servers = {4: [Host(f"203.0.113.{n}", True, 63) for n in (5, 6, 7)],
                              6: [Host(f"2001:db8:c::{n}", True, 63) for n in (5, 6, 7)]}
        self.ports = collections.defaultdict(lambda: rng.randrange(32768, 60000))

    def make_site(self, number):
        rng = self.rng
        third = 18 + rng.randrange(2)
        ttl = rng.choice((50, 52, 54, 56, 58, 115, 117, 241))
        name = rng.choice(("www", "api", "cdn", "img", "m"))
        name += f".{rng.choice(WORDS)}{number}.example"
        return {"name": name, "rtt_us": int(self.lognormal(22_000, 0.8, 2_000, 240_000)),
                4: Host(f"198.{third}.{rng.randrange(256)}.{rng.randrange(1, 255)}", False, ttl),
                6: Host(f"2001:db8:{0x1000 + rng.randrange(64):x}::{number:x}", False, ttl)}

    def lognormal(self, median, sigma, low, high):
        return min(high, max(low, self.rng.lognormvariate(math.log(median), sigma)))

    def gap(self, median_us, sigma=0.9):
        return int(self.lognormal(median_us, sigma, 20, 20 * US))

    def version(self):
        return 4 if self.rng.random() < 0.66 else 6

    def port(self, host):
        self.ports[host.address] = 32768 + (self.ports[host.address] + 1 - 32768) % 28232
        return self.ports[host.address]

    def site(self):
        """A few sites are popular, most are not."""
        return self.rng.choices(self.sites, self.popularity)[0]

    def stranger(self, version):
        """A host of the outside that comes to a server on this side."""
        number = self.rng.randrange(40)
        address = f"192.0.2.{180 + number}" if version == 4 else f"2001:db8:e0{number:02}::{number}"
        return Host(address, False, 47 + number % 9)

    # names and time

    def lookup(self, time_us, name, kind, client, server=None, found=True):
        """A DNS query and its answer; returns when the client has it."""
        rng = self.rng
        server = server or rng.choice(self.resolvers[client.version])
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        ident = rng.randrange(65536)
        question = labels + struct.pack("!HH", kind, 1)
        port = self.port(client)
        query = struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 1) + question
        query += b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
        self.trace.udp(time_us, client, server, port, 53, query)
        if rng.random() < 0.015:  # lost: asked again from the same socket
            time_us += 5 * US + self.gap(2_000)
            self.trace.udp(time_us, client, server, port, 53, query)
        records = b""
        count = rng.choice((1, 1, 1, 2, 3, 4)) if found else 0
        for _ in range(count):
            data = rng.randbytes(4 if kind == 1 else 16)
            records += struct.pack("!HHHIH", 0xC00C, kind, 1, rng.choice((60, 300, 3600)),
                                   len(data)) + data
        flags = 0x8180 if found else 0x8183
        answer = struct.pack("!HHHHHH", ident, flags, 1, count, 0, 1) + question + records
        answer += b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
        done_us = time_us + self.gap(9_000 if rng.random() < 0.8 else 60_000)
        self.trace.udp(done_us, server, client, 53, port, answer)
        return done_us + self.gap(600)

    def ask_time(self, time_us):
        rng = self.rng
        version = self.version()
        client, server = rng.choice(self.clients[version]), rng.choice(self.clocks[version])
        port = rng.choice((123, self.port(client)))
        body = struct.pack("!BBbb", 0x23, 0, 10, -20) + bytes(36) + rng.randbytes(8)
        self.trace.udp(time_us, client, server, port, 123, body)
        body = struct.pack("!BBbb", 0x24, 2, 10, -23) + rng.randbytes(44)
        self.trace.udp(time_us + self.gap(18_000, 0.5), server, client, 123, port, body)

    def ping(self, time_us):
        rng = self.rng
        version = self.version()
        client, site = rng.choice(self.clients[version]), self.site()
        ident, request, reply = rng.randrange(65536), *((8, 0) if version == 4 else (128, 129))
        answered = rng.random() < 0.85
        for number in range(1, rng.choice((2, 4, 5, 5, 11))):
            payload = rng.randbytes(56)
            self.trace.echo(time_us, client, site[version], request, ident, number, payload)
            if answered:
                self.trace.echo(time_us + site["rtt_us"] + self.gap(300), site[version], client,
                                reply, ident, number, payload)
            time_us += US + self.gap(900)

    # TCP

    def handshake(self, time_us, connection, rtt_us):
        connection.send(time_us, 0, SYN, ack=False)
        connection.send(time_us + rtt_us, 1, SYN)
        connection.send(time_us + rtt_us + self.gap(400, 0.4), 0, 0)
        return time_us + rtt_us + self.gap(900, 0.6) + 2_000

    def give(self, time_us, connection, end, payload, rtt_us):
        """Payload from one end in segments, acknowledged in pairs; returns when it has arrived."""
        pieces = [payload[at:at + connection.mss]
                  for at in range(0, len(payload), connection.mss)]
        for number, piece in enumerate(pieces):
            final = number == len(pieces) - 1
            connection.send(time_us, end, PSH if final else 0, piece)
            if self.rng.random() < 0.004:
                time_us += 200_000 + self.gap(20_000)
                connection.again(end, len(piece))
                connection.send(time_us, end, PSH if final else 0, piece)
            if number % 2 or final:
                ack_us = self.gap(500, 0.5) if end == 1 else rtt_us
                connection.send(time_us + ack_us, 1 - end, 0)
                time_us += ack_us if number % 10 == 9 or final else min(ack_us, 900)
            time_us += self.gap(70 if number % 10 else 700)
        return time_us

    def close(self, time_us, connection, rtt_us):
        """FIN both ways; some servers or impatient clients reset instead."""
        if self.rng.random() < 0.08:
            connection.send(time_us, 0, RST)
            return
        first = self.rng.choice((0, 0, 1))
        wait = (rtt_us, self.gap(500, 0.5))
        connection.send(time_us, first, FIN)
        connection.send(time_us + wait[first], 1 - first, FIN)
        connection.send(time_us + rtt_us + wait[1] + 300, first, 0)

    def https(self, time_us, client, server, rtt_us, name, answer_median=1_900):
        rng = self.rng
        link = TcpConnection(self.trace, client, server, self.port(client), 443)
        tls = TlsStream(rng)
        now = self.handshake(time_us, link, rtt_us)
        now = self.give(now, link, 0, client_hello(rng, name), rtt_us)
        flight = struct.pack("!BHHB", 22, 0x0303, 122, 2) + rng.randbytes(121)
        flight += b"\x14\3\3\0\1\1" + tls.take(rng.randrange(2200, 4300))
        now = self.give(now + self.gap(2_500), link, 1, flight, rtt_us)
        now = self.give(now + self.gap(900), link, 0, b"\x14\3\3\0\1\1" + tls.take(74), rtt_us)
        for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3))):
            ask = tls.take(rng.randrange(90, 900))
            now = self.give(now + self.gap(4_000), link, 0, ask, rtt_us)
            size = int(self.lognormal(answer_median, 1.1, 180, answer_median * 12))
            now = self.give(now + self.gap(18_000), link, 1, tls.take(size), rtt_us)
            now += self.gap(250_000, 1.4)
        if rng.random() < 0.12:
            return  # kept open, never seen to end
        self.close(now + self.gap(400_000, 1.5), link, rtt_us)

    def http(self, time_us, client, server, rtt_us, name):
        rng = self.rng
        link = TcpConnection(self.trace, client, server, self.port(client), 80)
        now = self.handshake(time_us, link, rtt_us)
        ask = f"GET /{rng.choice(WORDS)} HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\n\r\n"
        now = self.give(now, link, 0, ask.encode(), rtt_us)
        size = int(self.lognormal(1_800, 1.0, 120, 20_000))
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
        now = self.give(now + self.gap(9_000), link, 1, head + bytes(size), rtt_us)
        self.close(now + self.gap(30_000), link, rtt_us)

    def dialogue(self, time_us, client, server, port, rtt_us, sizes, think_us):
        """A conversation in turns, such as SSH or SMTP: (end, bytes) in order."""
        link = TcpConnection(self.trace, client, server, self.port(client), port)
        now = self.handshake(time_us, link, rtt_us)
        for number, (end, size) in enumerate(sizes):
            payload = self.rng.randbytes(size)
            if port == 22 and number < 2:
                payload = b"SSH-2.0-OpenSSH_9.2\r\n"
            elif port == 22 and number < 4:  # key exchange, with one long list of names
                payload = struct.pack("!IBB16sI", size - 4, 4, 20, payload[:16], size - 30)
                payload += b"k" * (size - 26)
            now = self.give(now + self.gap(think_us), link, end, payload, rtt_us)
        self.close(now + self.gap(think_us), link, rtt_us)

    def ssh(self, time_us):
        rng = self.rng
        version = self.version()
        sizes = [(0, 21), (1, 21), (0, 1536), (1, 1080), (0, 48), (1, 452), (0, 16), (0, 44),
                 (1, 44), (0, 68), (1, 52), (0, 148), (1, 28), (0, 112), (1, 500)]
        for _ in range(rng.randrange(1, 12)):
            sizes += [(0, 36), (1, rng.choice((36, 44, 108, 620, 1800)))]
        if rng.random() < 0.5:  # to a server on this side
            peer, rtt_us = rng.choice(self.local_servers[version]), self.gap(600, 0.4)
            client = self.stranger(version)
        else:
            site = self.site()
            peer, rtt_us, client = site[version], site["rtt_us"], rng.choice(self.clients[version])
        self.dialogue(time_us, client, peer, 22, rtt_us, sizes, rng.choice((20_000, 900_000)))

    def mail(self, time_us):
        rng = self.rng
        version = self.version()
        sizes = [(1, 52), (0, 24), (1, 140), (0, 10), (1, 30), (0, 517), (1, 2900), (0, 80),
                 (1, 160), (0, 44), (1, 50), (0, 60), (1, 48),
                 (0, rng.randrange(900, 9000)), (1, 62)]
        self.dialogue(time_us, self.stranger(version), self.local_servers[version][0], 25,
                      self.gap(700, 0.4), sizes, 15_000)

    def failed(self, time_us):
        """A SYN that is refused, or that nobody answers."""
        rng = self.rng
        version = self.version()
        client, site = rng.choice(self.clients[version]), self.site()
        port = rng.choice((443, 80, 8080, 8443, 25, 993, 5222, 22))
        link = TcpConnection(self.trace, client, site[version], self.port(client), port)
        link.send(time_us, 0, SYN, ack=False)
        if rng.random() < 0.45:
            link.send(time_us + site["rtt_us"], 1, RST)
            return
        for wait_s in (1, 3, 7)[:rng.randrange(0, 4)]:
            link.again(0, 1)
            link.send(time_us + wait_s * US + self.gap(4_000), 0, SYN, ack=False)

    def quic(self, time_us, client, server, rtt_us, answer_median=2_500):
        rng = self.rng
        port = self.port(client)
        ident = rng.randbytes(8)

        def say(at_us, to_server, size, long_header=False):
            head = b"\xc3\0\0\0\1\x08" + ident if long_header else b"\x43" + ident
            body = head + rng.randbytes(size - len(head))
            ends = (client, server, port, 443) if to_server else (server, client, 443, port)
            self.trace.udp(at_us, *ends, body)

        say(time_us, True, 1250, True)
        now = time_us + rtt_us + self.gap(900)
        for size in (1250, 1250, rng.randrange(300, 1200)):
            say(now, False, size, True)
            now += self.gap(90)
        now += self.gap(1_500)
        say(now, True, 1250, True)
        for _ in range(rng.choice((1, 1, 2, 3))):
            say(now + self.gap(600), True, rng.randrange(80, 700))
            now += rtt_us + self.gap(9_000)
            for number in range(max(1, int(self.lognormal(answer_median, 1, 300, 99_000)) // 1252)):
                say(now, False, 1252)
                if number % 3 == 2:
                    say(now + self.gap(500), True, 33)
                now += self.gap(80 if number % 10 else 2_000)
            say(now, False, rng.randrange(60, 1200))
            say(now + self.gap(700), True, 33)
            now += self.gap(300_000, 1.3)

    # sessions

    def session(self, time_us):
        """What a person's click does: lookups, then one to four connections."""
        rng = self.rng
        client_number = rng.randrange(48)
        client4, client6 = self.clients[4][client_number], self.clients[6][client_number]
        resolver_client = rng.choice((client4, client4, client6))
        for _ in range(rng.choice((1, 1, 2))):
            site = self.site()
            version = self.version()
            client = client4 if version == 4 else client6
            begin = self.lookup(time_us, site["name"], 1, resolver_client)
            other = self.lookup(time_us + self.gap(120), site["name"], 28, resolver_client)
            now = max(begin, other)
            for _ in range(rng.choice((1, 1, 1, 2))):
                args = (now, client, site[version], site["rtt_us"])
                kind = rng.random()
                if kind < 0.68:
                    self.https(*args, site["name"])
                elif kind < 0.9:
                    self.quic(*args)
                else:
                    self.http(*args, site["name"])
                now += self.gap(15_000, 1.2)
            time_us = now + self.gap(1_200_000)

    def bulk(self, time_us, number):
        """A download larger than the rest, yet smaller than the sample."""
        site, version = self.sites[20 + number], 4 if number % 2 else 6
        client = self.clients[version][50 + number % 16 if version == 4 else number]
        if number % 3:
            self.https(time_us, client, site[version], site["rtt_us"], site["name"], 70_000)
        else:
            self.quic(time_us, client, site[version], site["rtt_us"], 90_000)

    def run(self):
        rng = self.rng

        def moments(count):
            begin_us = self.trace.start_us - 4 * US  # so that some are under way at the start
            return [rng.randrange(begin_us, self.trace.end_us) for _ in range(count)]

        for time_us in moments(SESSIONS):
            self.session(time_us)
        for time_us in moments(70):
            client = rng.choice(self.clients[self.version()])
            name = f"{rng.choice(WORDS)}.{rng.choice(WORDS)}.invalid"
            self.lookup(time_us, name, rng.choice((1, 28)), client, found=False)
        for time_us in moments(220):
            client = rng.choice(self.clients[self.version()])
            self.lookup(time_us, self.site()["name"], rng.choice((1, 28)), client)
        for act, count in ((self.ask_time, 130), (self.ping, 60), (self.ssh, 22), (self.mail, 24),
                           (self.failed, 150)):
            for time_us in moments(count):
                act(time_us)
        for number, time_us in enumerate(moments(10)):
            self.bulk(time_us, number)
