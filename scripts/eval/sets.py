# SPDX-License-Identifier: Apache-2.0
"""The labelled sets: where they lie, the networks that are inside, and how labels join flows.

A label never reaches the program: flows are scored first and joined here by addresses, ports and
time. A truth is 1 (of an activity), 0 (ordinary) or None (cannot be told: left out of every
count). The sets lie beside the project, but for those in pcaps/. Called by eval.py.
"""

import bisect
import csv
import gzip
import ipaddress
import json
import os
from collections import defaultdict, namedtuple

import measures

Truth = namedtuple("Truth", "label activity behaviour")
ORDINARY, UNTOLD = Truth(0, "", ""), Truth(None, "", "")

# An activity's times are its tool's: its first packet may come a little before or after.
BEFORE_S, AFTER_S, AFTER_LAST_PACKET_S = 0.5, 5.0, 1.0
# Rows of Westermo's table cover half a second; attacks of one kind lie at least 40 s apart in its
# list of events, and few of their flows are further from the next than 30 s.
WESTERMO_SLACK_S, WESTERMO_SILENCE_S = 0.05, 30.0

# What a behaviour's name may rightly be said of, in the words of the laboratories' labels.
RIGHT_NAMES = {
    "vertical_scan": {"syn_scan", "udp_scan", "slow_scan", "port_scan"},
    "horizontal_scan": {"sweep", "host_scan"},
    "slow_scan": {"slow_scan"},
    "external_scan": {"syn_scan", "udp_scan", "slow_scan", "port_scan", "sweep", "host_scan"},
    "flood": {"syn_flood", "udp_flood", "icmp_flood"},
    "connection_holding": {"slowloris"},
    "password_guessing": {"ssh_bruteforce", "password_guessing"},
    "periodic_contact": {"c2_beacon", "beacon"},
    "large_upload": {"exfil_upload", "large_upload"},
    "dns_tunnel": {"dns_tunnel"},
    "icmp_tunnel": {"icmp_tunnel"},
    "lateral_movement": {"lateral"},
    "peer_to_peer": {"p2p_bittorrent", "bulk_udp"},
}


class Rule:
    """Which flows an activity made: networks, ports, protocol and time, in either direction."""

    def __init__(self, activity, behaviour, fields, first_s, last_s):
        self.truth = Truth(1 if fields["certain"] else None, activity, behaviour)
        self.sources, self.destinations = _networks(fields["src"]), _networks(fields["dst"])
        self.protocol = fields["proto"]
        self.source_ports, self.destination_ports = fields["sport"], fields["dport"]
        self.first_s, self.last_s = first_s, last_s
        size = sum(network.num_addresses for network in self.sources)
        size *= sum(network.num_addresses for network in self.destinations)
        # The narrowest rule wins, a certain one before any uncertain one.
        self.order = (not fields["certain"], size * (1 if self.destination_ports else 1000))

    def holds(self, flow, ends):
        """Whether the flow, with its two (address, port) ends, fits."""
        if not self.first_s <= flow.first_s <= self.last_s:
            return False
        if self.protocol and self.protocol != flow.protocol:
            return False
        has_ports = flow.protocol != "icmp"
        return self._fits(*ends, has_ports) or self._fits(*reversed(ends), has_ports)

    def _fits(self, source, destination, has_ports):
        if has_ports and not (_is_in_ranges(source[1], self.source_ports) and
                              _is_in_ranges(destination[1], self.destination_ports)):
            return False
        return _is_in(source[0], self.sources) and _is_in(destination[0], self.destinations)


def _networks(texts):
    return [ipaddress.ip_network(text, strict=False) for text in texts]


def _is_in(address, networks):
    return any(address in network for network in networks)


def _is_in_ranges(port, ranges):
    return ranges is None or any(first <= port <= last for first, last in ranges)


def read_laboratory_rules(path):
    """Rules of a file in which an activity lists several, some uncertain."""
    rules = []
    for activity in _json_lines(path):
        for fields in activity["rules"]:
            first_us = fields.get("first_us") or activity["start_us"]
            last_us = fields.get("last_us") or activity["end_us"]
            after_s = AFTER_LAST_PACKET_S if fields.get("last_us") else AFTER_S
            rules.append(Rule(activity["id"], activity["behaviour"], fields,
                              first_us / 1e6 - BEFORE_S, last_us / 1e6 + after_s))
    return sorted(rules, key=lambda rule: rule.order)


def read_plain_rules(path):
    """Rules of a file with one activity a line (pcaps/)."""
    rules = []
    for line in _json_lines(path):
        port, protocol = line["dport"], line["proto"].lower()
        fields = {"src": [line["src"]], "dst": [line["dst"]], "certain": True, "sport": None,
                  "proto": None if protocol == "any" else protocol,
                  "dport": None if port is None else [[port, port]]}
        rules.append(Rule(line["activity"], line["activity"], fields,
                          line["start"] - BEFORE_S, line["end"] + AFTER_S))
    return sorted(rules, key=lambda rule: rule.order)


def _json_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def truths_by_rules(rules, flows):
    """The first rule that holds; a flow that none holds is ordinary."""
    truths = []
    for flow in flows:
        ends = ((ipaddress.ip_address(flow.source), flow.source_port),
                (ipaddress.ip_address(flow.destination), flow.destination_port))
        rule = next((rule for rule in rules if rule.holds(flow, ends)), None)
        truths.append(rule.truth if rule else ORDINARY)
    return truths


def truths_of_benign(_path, flows):
    """A set without activities."""
    return [ORDINARY] * len(flows)


def truths_of_laboratory(path, flows):
    return truths_by_rules(read_laboratory_rules(path), flows)


def truths_of_plain(path, flows):
    return truths_by_rules(read_plain_rules(path), flows)


def truths_of_westermo(path, flows):
    """By pair of addresses, protocol and time: rows have no ports, and cover half a second.

    NST labels are taken: they say of each row whether the attack had a part in it, where IT labels
    mark all that went on meanwhile. GOOD-SSH, an administrator's log-in, is ordinary. A flow over
    several rows is of an attack if one of them is; one without a row cannot be told.
    """
    rows = read_westermo_rows(path)
    found = [_westermo_label(rows, flow) for flow in flows]
    attacks = [index for index, name in enumerate(found) if name.startswith("BAD-")]
    numbers = measures.episodes([(found[index], flows[index].first_s) for index in attacks],
                                WESTERMO_SILENCE_S)
    truths = [ORDINARY if name else UNTOLD for name in found]
    for index, number in zip(attacks, numbers):
        truths[index] = Truth(1, f"{found[index]} {number}", found[index])
    return truths


def read_westermo_rows(path):
    """(protocol, addresses) -> (start, end, label) in order of time."""
    rows = defaultdict(list)
    protocols = {"IPV4-TCP": "tcp", "IPV4-UDP": "udp", "IPV4-ICMP": "icmp"}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            protocol = protocols.get(row["protocol"], row["protocol"].removeprefix("IPV4-"))
            pair = frozenset((row["sIPs"], row["rIPs"]))
            rows[protocol, pair].append((float(row["start"]), float(row["end"]),
                                         row["NST_M_Label"]))
    for of_pair in rows.values():
        of_pair.sort()
    return rows


def _westermo_label(rows, flow):
    """The attack, else "Normal", else "" where no row covers the flow."""
    of_pair = rows.get((flow.protocol, frozenset((flow.source, flow.destination))), [])
    at = bisect.bisect_left(of_pair, (flow.first_s - 1 - WESTERMO_SLACK_S,))
    label = ""
    for start, end, name in of_pair[at:]:
        if start > flow.last_s + WESTERMO_SLACK_S:
            break
        if end >= flow.first_s - WESTERMO_SLACK_S:
            label = name if name.startswith("BAD-") else label or "Normal"
    return label


def truths_of_converted(path, flows):
    """By flow id, from the labels that convert.py wrote beside the flow lines.

    An activity is an episode: flows of one detail and one source without an hour's silence.
    """
    named = {}
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            named[int(row["flow_id"])] = (row["label"], row["detail"])
    found = [named.get(flow.id, ("Unknown", "")) for flow in flows]
    attacks = [index for index, (label, _) in enumerate(found) if label == "Malicious"]
    numbers = measures.episodes([((found[index][1], flows[index].source), flows[index].first_s)
                                 for index in attacks])
    truths = [ORDINARY if label == "Benign" else UNTOLD for label, _ in found]
    for index, number in zip(attacks, numbers):
        truths[index] = Truth(1, f"{found[index][1]} {number}", found[index][1])
    return truths


class Set:
    """One labelled set; `before` is the capture whose baseline its online run starts from."""

    def __init__(self, name, path, networks, truths, labels=None, before=None, options=(),
                 is_benign=False):
        self.name, self.path, self.networks = name, path, networks
        self.truths, self.labels, self.before = truths, labels, before
        self.options, self.is_benign = list(options), is_benign

    @property
    def is_converted(self):
        """Whether it comes as a table of flows and not as packets."""
        return self.path.endswith(".csv.gz")

    def missing(self):
        """The first file that is not at hand, or None."""
        paths = [self.path, self.before, None if self.is_converted else self.labels]
        return next((path for path in paths if path and not os.path.exists(path)), None)


DATA = "../shared/data/labelled"
LABORATORY_NETWORKS = "10.37.0.0/16,fd37:0:0:10::/64,fd37:0:0:20::/64"
PCAPS_NETWORKS = "10.20.0.0/16,fd20::/32"
# The four hosts and their neighbours are 147.32.81.x and 147.32.83.x, of the university's /16.
STRATOSPHERE_NETWORKS = "147.32.0.0/16"
# One device (192.168.1.195; 192.168.1.109) behind its router; all else is the Internet.
HOME_NETWORKS = "192.168.0.0/16"
# The plant's one network. 198.134.18.x, a misconfiguration with digits swapped, is not of it.
WESTERMO_NETWORKS = "198.18.134.0/24"


def _flows_set(name, file, networks, **more):
    path = f"{DATA}/flows/{file}.csv.gz"
    return Set(name, path, networks, truths_of_converted, **more)


SETS = [
    Set("mixed-101", f"{DATA}/lab/mixed-101.pcap.zst", LABORATORY_NETWORKS, truths_of_laboratory,
        labels=f"{DATA}/lab/mixed-101.labels.jsonl", before=f"{DATA}/lab/quiet-606.pcap.zst"),
    Set("quiet-606", f"{DATA}/lab/quiet-606.pcap.zst", LABORATORY_NETWORKS, truths_of_benign,
        is_benign=True),
    _flows_set("stratosphere-thin2", "stratosphere-thin2", STRATOSPHERE_NETWORKS),
    _flows_set("stratosphere-epi2", "stratosphere-epi2", STRATOSPHERE_NETWORKS),
    _flows_set("iot23-34-1", "iot23-34-1", HOME_NETWORKS),
    _flows_set("iot23-34-1-robust", "iot23-34-1", HOME_NETWORKS, options=["--flood-robust"]),
    _flows_set("benign-2023-02-20", "benign-2023-02-20", HOME_NETWORKS, is_benign=True),
    Set("westermo", f"{DATA}/westermo/right.pcap", WESTERMO_NETWORKS, truths_of_westermo,
        labels=f"{DATA}/westermo/flows_right.csv.gz"),
    Set("pcaps-mixed", "pcaps/mixed.pcap", PCAPS_NETWORKS, truths_of_plain,
        labels="pcaps/mixed.labels.jsonl"),
    Set("pcaps-quiet", "pcaps/quiet.pcap", PCAPS_NETWORKS, truths_of_benign, is_benign=True),
]
