#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns other programs' flows into flow lines that `whyflow -R` scores.

    scripts/eval/convert.py [-o LINES] [--labels FILE] INPUT...     INPUT: a file, perhaps .gz, or -

Read are Zeek's conn.log (tab-separated with its #fields line, or JSON), CSV with the columns ts,
src, sport, dst, dport, proto, dur, pkts_fwd, bytes_fwd, pkts_rev, bytes_rev, state (Zeek's letters)
and nfdump's `-o csv` (ts, te, sa, da, sp, dp, pr, flg, ipkt, ibyt, opkt, obyt). What such flows do
not tell (gaps, TTLs, packet sizes) is left out of the line: whyflow takes it as not measured.

Lines come ordered by notice time, as whyflow hands flows over: last packet and idle timeout, or
close timeout where TCP was closed. Labels never enter a line; --labels writes them beside, in the
same order: flow_id, label, detail. Rows without addresses or times are left out and
counted. The standard library is enough.
"""

import argparse
import csv
import datetime
import gzip
import hashlib
import io
import ipaddress
import json
import re
import sys
from decimal import Decimal, InvalidOperation

NS_PER_S = 1_000_000_000
HISTORY_MAX = 23
COUNT_MAX = 2**48 - 1
TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
NUMBERS = {"icmp": ICMP, "igmp": 2, "tcp": TCP, "udp": UDP, "gre": 47, "esp": 50, "ah": 51,
           "icmp6": ICMPV6, "ipv6-icmp": ICMPV6, "icmpv6": ICMPV6, "sctp": SCTP}
NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMPV6: "IPv6-ICMP", SCTP: "SCTP"}
HAVE_PORTS = {TCP, UDP, SCTP}
# ICMP types that have a counterpart, as Community ID and Zeek pair them; others have one way.
PAIRS = {
    ICMP: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 10: 9, 9: 10, 17: 18, 18: 17},
    ICMPV6: {128: 129, 129: 128, 135: 136, 136: 135, 133: 134, 134: 133, 130: 131, 131: 130,
             139: 140, 140: 139, 144: 145, 145: 144},
}

# Zeek's conn_state of a TCP connection: whyflow's state, and how the initiator is known.
ZEEK_STATES = {
    "S0": ("attempted", "syn"), "REJ": ("refused", "syn"), "S1": ("established", "syn"),
    "S2": ("established", "syn"), "S3": ("established", "syn"), "SF": ("closed", "syn"),
    "RSTO": ("reset", "syn"), "RSTR": ("reset", "syn"), "RSTOS0": ("reset", "syn"),
    "SH": ("attempted", "syn"), "SHR": ("half_open", "synack"), "RSTRH": ("reset", "synack"),
    "OTH": ("midstream", None),
}
CLOSED_STATES = {"closed", "refused", "reset"}


class BadRow(ValueError):
    """A row that is no flow."""


class Flow:
    """What a row tells, with the initiator first; None is what it does not."""

    def __init__(self, source, destination, protocol):
        try:
            self.source = ipaddress.ip_address(source)
            self.destination = ipaddress.ip_address(destination)
        except ValueError as error:
            raise BadRow("address") from error
        if self.source.version != self.destination.version:
            raise BadRow("address")
        self.protocol = protocol_number(protocol, self.source.version)
        self.ports = (0, 0)
        self.icmp = None  # type and code of the first packet
        self.one_way_key = False
        self.first_ns = self.last_ns = 0
        self.packets, self.ip_bytes = (0, 0), (0, 0)
        self.payload_bytes = None
        self.flags = None  # TCP flags each way, numbers
        self.history = ""
        self.vlan = None
        self.state = self.basis = None
        self.label = self.detail = ""
        self.name = ""  # what the stable id is made of
        self.opening_number = self.notice_ns = self.flow_id = 0

    def is_closed(self):
        return self.protocol == TCP and self.state in CLOSED_STATES

    def set_icmp(self, kind, code):
        """As Community ID pairs them: type and counterpart, or type and code and one way."""
        counterpart = PAIRS[self.protocol].get(kind)
        self.icmp = (kind, code)
        self.one_way_key = counterpart is None
        self.ports = (kind, code if counterpart is None else counterpart)

    def turn(self):
        """Only the other side was seen: it is the source then, as whyflow has it."""
        self.source, self.destination = self.destination, self.source
        self.ports = self.ports[::-1]
        self.packets, self.ip_bytes = self.packets[::-1], self.ip_bytes[::-1]
        for name in ("payload_bytes", "flags"):
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[::-1])
        self.history = self.history.lstrip("^").swapcase()
        if self.icmp is not None and not self.one_way_key:
            self.icmp = (self.ports[0], 0)
        self.state = "midstream" if self.protocol == TCP else "one_way"
        self.basis = "only_side"

    def orient(self):
        """State and basis of what is not told by a handshake."""
        if sum(self.packets) == 0:  # noticed, not counted: the row says who began
            self.basis = self.basis or "first"
        elif 0 not in self.packets:
            self.basis = self.basis or "first"
        elif self.packets[0] == 0 and self.basis != "synack":
            self.turn()
        else:
            self.basis = self.basis or "only_side"
        if self.protocol != TCP:
            self.state = "one_way" if 0 in self.packets else "answered"


# ---- fields ----

def protocol_number(text, ip_version):
    text = text.strip().lower()
    number = int(text) if text.isdigit() else NUMBERS.get(text)
    if number is None or number > 255:
        raise BadRow("protocol")
    return ICMPV6 if number == ICMP and ip_version == 6 else number


def nanoseconds(text):
    """Of seconds since 1970 in decimals, or a date and time in UTC."""
    try:
        return int(Decimal(str(text)) * NS_PER_S)
    except InvalidOperation:
        pass
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?", str(text))
    if match is None:
        raise BadRow("time")
    at = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    return int(at.timestamp()) * NS_PER_S + int((match[3] or "0").ljust(9, "0"))


def whole(text, what, most=COUNT_MAX):
    try:
        number = int(text)
    except (TypeError, ValueError) as error:
        raise BadRow(what) from error
    if not 0 <= number <= most:
        raise BadRow(what)
    return number


def set_times(flow, start, duration):
    flow.first_ns = nanoseconds(start)
    flow.last_ns = flow.first_ns + (nanoseconds(duration) if duration not in ("", "-", None) else 0)
    if not 0 <= flow.first_ns <= flow.last_ns < 2**61:
        raise BadRow("time")


def set_zeek_ports(flow, source_port, destination_port):
    """Zeek puts type and code, or type and counterpart, in the place of ICMP's ports."""
    pair = whole(source_port or 0, "port", 65535), whole(destination_port or 0, "port", 65535)
    if flow.protocol in PAIRS:
        flow.set_icmp(pair[0] & 255, 0 if pair[0] in PAIRS[flow.protocol] else pair[1] & 255)
    elif flow.protocol in HAVE_PORTS:
        flow.ports = pair


def set_zeek_state(flow, state):
    if flow.protocol == TCP:
        flow.state, flow.basis = ZEEK_STATES.get(state, ("midstream", None))
    letters = flow.history.replace("^", "")
    if letters:
        is_half_open = not re.search("[ADFR]", letters)
    else:
        is_half_open = flow.packets[0] <= 1
    if flow.protocol == TCP and state == "S1" and is_half_open:
        flow.state = "half_open"
    if state == "REJ" and flow.packets[0] == 0:
        flow.basis = "synack"
    flow.orient()


# ---- Zeek ----

def zeek_flow(row):
    """A conn.log entry: a mapping of its field names."""
    protocol = row.get("proto") or ""
    if protocol.lower() not in NUMBERS:
        protocol = str(row.get("ip_proto") or "")
    flow = Flow(row.get("id.orig_h") or "", row.get("id.resp_h") or "", protocol)
    set_zeek_ports(flow, row.get("id.orig_p"), row.get("id.resp_p"))
    set_times(flow, row.get("ts"), row.get("duration"))
    flow.packets = whole(row.get("orig_pkts"), "packets"), whole(row.get("resp_pkts"), "packets")
    flow.ip_bytes = (whole(row.get("orig_ip_bytes"), "IP bytes"),
                     whole(row.get("resp_ip_bytes"), "IP bytes"))
    # Zeek tells TCP's payload by sequence numbers: with gaps it is more than the packets carried.
    payload = row.get("orig_bytes"), row.get("resp_bytes")
    if None not in payload:
        payload = whole(payload[0], "payload"), whole(payload[1], "payload")
        if payload[0] <= flow.ip_bytes[0] and payload[1] <= flow.ip_bytes[1]:
            flow.payload_bytes = payload
    flow.history = re.sub("[^A-Za-z^]", "", row.get("history") or "")
    if row.get("vlan") is not None:
        flow.vlan = whole(row["vlan"], "VLAN", 4095)
    flow.label = row.get("label") or ""
    flow.detail = row.get("detailed-label") or ""
    flow.name = row.get("uid") or ""
    set_zeek_state(flow, row.get("conn_state"))
    return flow


def zeek_rows(lines):
    """Of a tab-separated log: a mapping a line, without what is unset."""
    separator, unset, names = "\t", "-", None
    for line in lines:
        line = line.rstrip("\n")
        if line.startswith("#separator "):
            separator = line.split(" ", 1)[1].encode().decode("unicode_escape")
        elif line.startswith("#unset_field"):
            unset = line.split(separator, 1)[1]
        elif line.startswith("#fields"):
            # Labelled logs part the last columns, which they add, by blanks.
            names = [word for name in line.split(separator)[1:] for word in name.split()]
        elif line and not line.startswith("#"):
            if names is None:
                sys.exit("convert: a Zeek log without its #fields line")
            values = line.split(separator)
            if len(values) < len(names):
                values[-1:] = re.split(" {2,}", values[-1])
            yield {name: value for name, value in zip(names, values) if value != unset}


def zeek_json_rows(lines):
    for line in lines:
        try:
            row = json.loads(line, parse_float=Decimal) if line.strip() else None
        except ValueError:
            row = {}
        if row is not None:
            yield row if isinstance(row, dict) else {}


# ---- CSV ----

def plain_flow(row):
    flow = Flow(row["src"], row["dst"], row["proto"])
    set_zeek_ports(flow, row["sport"], row["dport"])
    set_times(flow, row["ts"], row["dur"])
    flow.packets = whole(row["pkts_fwd"], "packets"), whole(row["pkts_rev"], "packets")
    flow.ip_bytes = whole(row["bytes_fwd"], "IP bytes"), whole(row["bytes_rev"], "IP bytes")
    flow.label, flow.detail = row.get("label") or "", row.get("detail") or ""
    set_zeek_state(flow, row.get("state"))
    return flow


FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


def nfdump_tcp_state(flow, letters):
    """Of the flags of both ways together."""
    is_two_way = 0 not in flow.packets
    if "S" not in letters:
        return "midstream"
    if "R" in letters:
        # What is refused has sent SYNs alone.
        is_refused = is_two_way and not letters & {"P", "F"} and flow.packets[0] <= 3
        return "refused" if is_refused else "reset"
    if not is_two_way:
        return "attempted" if "A" not in letters else "midstream"
    return "closed" if "F" in letters else "established"


def nfdump_flow(row):
    flow = Flow(row["sa"], row["da"], row["pr"])
    if flow.protocol in PAIRS:
        port = row["dp"]  # "8.0", or 256 * type + code
        kind, code = port.split(".") if "." in port else divmod(whole(port, "port", 65535), 256)
        flow.set_icmp(whole(kind, "type", 255), whole(code, "code", 255))
    elif flow.protocol in HAVE_PORTS:
        flow.ports = whole(row["sp"], "port", 65535), whole(row["dp"], "port", 65535)
    flow.first_ns, flow.last_ns = nanoseconds(row["ts"]), nanoseconds(row["te"])
    if not 0 <= flow.first_ns <= flow.last_ns < 2**61:
        raise BadRow("time")
    flow.packets = whole(row["ipkt"], "packets"), whole(row.get("opkt") or 0, "packets")
    flow.ip_bytes = whole(row["ibyt"], "IP bytes"), whole(row.get("obyt") or 0, "IP bytes")
    letters = set(row.get("flg") or "") & set(FLAG_BITS)
    if flow.protocol == TCP:
        bits = sum(FLAG_BITS[letter] for letter in letters)
        if flow.packets[1] == 0:
            flow.flags = (bits, 0)
        flow.state = nfdump_tcp_state(flow, letters)
        is_opened_here = "S" in letters and (flow.packets[1] > 0 or "A" not in letters)
        flow.basis = "syn" if is_opened_here else None
    flow.orient()
    return flow


def csv_rows(lines):
    for row in csv.DictReader(lines):
        if next(iter(row.values())) == "Summary":  # nfdump's last lines
            return
        yield row


# ---- the whole ----

def open_input(path):
    raw = sys.stdin.buffer if path == "-" else open(path, "rb")
    buffered = io.BufferedReader(raw)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        buffered = gzip.GzipFile(fileobj=buffered)
    return io.TextIOWrapper(buffered, encoding="utf-8", errors="replace", newline="")


def rows_of(file):
    """(row, the function that makes a flow of it) for each row, by the first line's look."""
    first = file.readline()
    lines = (line.rstrip("\r\n") for lines in ([first], file) for line in lines)
    if first.startswith("#"):
        return zeek_rows(lines), zeek_flow
    if first.startswith("{"):
        return zeek_json_rows(lines), zeek_flow
    columns = set(first.strip().split(","))
    if {"sa", "da", "ipkt", "ibyt"} <= columns:
        return csv_rows(lines), nfdump_flow
    if {"src", "dst", "pkts_fwd", "bytes_fwd"} <= columns:
        return csv_rows(lines), plain_flow
    sys.exit(f"convert: {file.name}: neither a conn.log nor CSV with the columns that --help tells")


def read_flows(paths, refused):
    flows = []
    for path in paths:
        with open_input(path) as file:
            rows, make = rows_of(file)
            for row in rows:
                try:
                    flows.append(make(row))
                except (BadRow, KeyError, TypeError) as error:
                    reason = str(error) if isinstance(error, BadRow) else "columns"
                    refused[reason] = refused.get(reason, 0) + 1
    return flows


def order(flows, idle_ns, close_ns):
    """Gives numbers, ids and notice times; returns the flows in hand-over order."""
    seen = {}
    for number, flow in enumerate(sorted(flows, key=lambda flow: flow.first_ns), 1):
        flow.opening_number = number
        flow.notice_ns = flow.last_ns + (close_ns if flow.is_closed() else idle_ns)
        key = (flow.name, str(flow.source), str(flow.destination), flow.ports, flow.protocol,
               flow.first_ns)
        seen[key] = seen.get(key, 0) + 1
        digest = hashlib.blake2b(repr((key, seen[key])).encode(), digest_size=8).digest()
        flow.flow_id = int.from_bytes(digest, "big") >> 13
    return sorted(flows, key=lambda flow: (flow.notice_ns, flow.opening_number))


def way(flow, index):
    facts = {"packets": flow.packets[index], "ip_bytes": flow.ip_bytes[index]}
    if flow.packets[index] == 0:
        facts["ip_bytes"] = 0
    if flow.payload_bytes is not None:
        facts["payload_bytes"] = min(flow.payload_bytes[index], facts["ip_bytes"])
    return facts


def facts_of(flow):
    facts = {
        "end_reason": "end_of_flow" if flow.is_closed() else "idle_timeout", "slice": 0,
        "basis": flow.basis, "state": flow.state, "opening_number": flow.opening_number,
        "first_ns": flow.first_ns, "last_ns": flow.last_ns, "notice_ns": flow.notice_ns,
        "fwd": way(flow, 0), "rev": way(flow, 1),
    }
    if flow.is_closed():
        facts["tcp_closed"] = True
    if flow.history:
        facts["history"] = flow.history[:HISTORY_MAX]
    if flow.one_way_key:
        facts["one_way_key"] = True
    if flow.protocol in PAIRS and any(flow.ports):
        facts["key_ports"] = list(flow.ports)
    return facts


def line_of(flow):
    at = datetime.datetime.fromtimestamp(flow.notice_ns // NS_PER_S, datetime.timezone.utc)
    line = {
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{flow.notice_ns % NS_PER_S // 1000:06}+0000",
        "flow_id": flow.flow_id, "event_type": "flow",
    }
    if flow.vlan is not None:
        line["vlan"] = [flow.vlan]
    line["src_ip"] = str(flow.source)
    if flow.protocol in HAVE_PORTS:
        line["src_port"] = flow.ports[0]
    line["dest_ip"] = str(flow.destination)
    if flow.protocol in HAVE_PORTS:
        line["dest_port"] = flow.ports[1]
    line["ip_v"] = flow.source.version
    if flow.icmp is not None:
        line["icmp_type"], line["icmp_code"] = flow.icmp
    line["proto"] = NAMES.get(flow.protocol, str(flow.protocol))
    if flow.flags is not None:
        line["tcp"] = {"tcp_flags_ts": f"{flow.flags[0]:02x}",
                       "tcp_flags_tc": f"{flow.flags[1]:02x}"}
    line["whyflow"] = {"schema": "whyflow/1", "flow": facts_of(flow)}
    return json.dumps(line, separators=(",", ":"))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("-o", "--output", default="-", help="where the lines go (default: -)")
    parser.add_argument("--labels", help="write flow_id, label, detail here, in the same order")
    parser.add_argument("--idle-timeout", type=Decimal, default=Decimal(30), metavar="SECONDS")
    parser.add_argument("--close-timeout", type=Decimal, default=Decimal(5), metavar="SECONDS")
    options = parser.parse_args()
    refused = {}
    flows = order(read_flows(options.inputs, refused), int(options.idle_timeout * NS_PER_S),
                  int(options.close_timeout * NS_PER_S))
    with (sys.stdout if options.output == "-" else open(options.output, "w")) as output:
        output.writelines(line_of(flow) + "\n" for flow in flows)
    if options.labels is not None:
        with open(options.labels, "w", newline="") as labels:
            writer = csv.writer(labels, lineterminator="\n")
            writer.writerow(["flow_id", "label", "detail"])
            writer.writerows([flow.flow_id, flow.label, flow.detail] for flow in flows)
    if refused:
        told = ", ".join(f"{count} by {reason}" for reason, count in sorted(refused.items()))
        print(f"convert: rows left out: {told}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
