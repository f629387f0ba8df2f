#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what whyflow's scores are worth on a labelled capture.

    scripts/eval/eval.py [CAPTURE LABELS] [-- WHYFLOW OPTIONS]

One run of the shipped program, from packets to scores; labels are joined afterwards by addresses,
port and time, so nothing of them can reach a score. A label is a line of JSON: activity, technique,
src, dst (address or network), proto, dport (or null), start, end (seconds). Every labelled activity
counts as one to find, also those without a technique: they are unusual by design. Called by
`make eval`, which builds first; the standard library is enough.
"""

import datetime
import ipaddress
import json
import math
import subprocess
import sys
from collections import Counter, defaultdict

PROGRAM = "build/release/whyflow"
CAPTURE, LABELS = "pcaps/mixed.pcap", "pcaps/mixed.labels.jsonl"
# An activity's times are the tool's: its first packet may come a little before or after.
BEFORE_S, AFTER_S = 0.5, 5.0


class Label:
    """One injected activity and the question whether a flow belongs to it."""

    def __init__(self, line):
        fields = json.loads(line)
        self.activity, self.technique = fields["activity"], fields["technique"]
        self.source = ipaddress.ip_network(fields["src"], strict=False)
        self.destination = ipaddress.ip_network(fields["dst"], strict=False)
        self.protocol, self.port = fields["proto"].lower(), fields["dport"]
        self.first_s, self.last_s = fields["start"] - BEFORE_S, fields["end"] + AFTER_S

    def holds(self, flow):
        if not self.first_s <= flow["start_s"] <= self.last_s:
            return False
        if self.protocol not in ("any", flow["protocol"]):
            return False
        (source, source_port), (destination, destination_port) = flow["ends"]
        return (self._fits(source, destination, destination_port) or
                self._fits(destination, source, source_port))

    def _fits(self, client, server, port):
        return (client in self.source and server in self.destination and
                self.port in (None, port))


def parse_flow(event):
    start = datetime.datetime.strptime(event["flow"]["start"], "%Y-%m-%dT%H:%M:%S.%f%z")
    protocol = event["proto"].lower()
    return {
        "start_s": start.timestamp(),
        "protocol": "icmp" if "icmp" in protocol else protocol,
        "ends": ((ipaddress.ip_address(event["src_ip"]), event.get("src_port")),
                 (ipaddress.ip_address(event["dest_ip"]), event.get("dest_port"))),
        "score": event["whyflow"]["score"],
        "flagged": bool(event["whyflow"].get("flagged", False)),
    }


def run(capture, options):
    """The flows of a capture in the order whyflow wrote them, and the model that scored them."""
    command = [PROGRAM, "-r", capture, "-q", "-o", "native+all:-", *options]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    events = [json.loads(line) for line in output.splitlines()]
    flows = [parse_flow(event) for event in events if event["event_type"] == "flow"]
    models = [event["whyflow"]["model"] for event in events if event["event_type"] == "alert"]
    return flows, models[0] if models else None


def area_under_roc(scores, truths):
    """The share of (unusual, ordinary) pairs in the right order; a tie counts half."""
    order = sorted(range(len(scores)), key=lambda index: scores[index])
    rank_sum, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        mean_rank = (start + 1 + end) / 2
        rank_sum += mean_rank * sum(truths[index] for index in order[start:end])
        start = end
    positive = sum(truths)
    negative = len(truths) - positive
    if positive == 0 or negative == 0:
        return math.nan
    return (rank_sum - positive * (positive + 1) / 2) / (positive * negative)


def average_precision(scores, truths):
    """Precision at each threshold, weighted by the recall it adds; ties share a threshold."""
    hits_by_score, flows_by_score = Counter(), Counter(scores)
    for score, truth in zip(scores, truths):
        hits_by_score[score] += truth
    positive, hits, seen, total = sum(truths), 0, 0, 0.0
    for score in sorted(flows_by_score, reverse=True):
        hits += hits_by_score[score]
        seen += flows_by_score[score]
        total += hits_by_score[score] * hits / seen
    return total / positive if positive else math.nan


def precision_at(share, scores, truths):
    """Precision among the highest scores; of equal ones the earlier flow goes first."""
    count = math.ceil(share * len(scores))
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[:count]
    return sum(truths[index] for index in order) / count, count


def print_activities(labels, flows, owners):
    found = defaultdict(list)
    for flow, owner in zip(flows, owners):
        if owner is not None:
            found[owner].append(flow)
    print(f"\n{'activity':22} {'technique':10} {'flows':>6} {'flagged':>8} {'best rank':>10}")
    ranks = {id(flow): rank for rank, flow in
             enumerate(sorted(flows, key=lambda flow: -flow["score"]), 1)}
    for index, label in enumerate(labels):
        mine = found[index]
        best = min((ranks[id(flow)] for flow in mine), default="-")
        print(f"{label.activity:22} {label.technique or '-':10} {len(mine):6} "
              f"{sum(flow['flagged'] for flow in mine):8} {best:>10}")
    return sum(any(flow["flagged"] for flow in found[index]) for index in range(len(labels)))


def main(arguments):
    options = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, options = arguments[:at], arguments[at + 1:]
    if len(arguments) not in (0, 2):
        sys.exit(__doc__)
    capture, labels_path = arguments or (CAPTURE, LABELS)
    with open(labels_path, encoding="utf-8") as file:
        labels = [Label(line) for line in file if line.strip()]
    flows, model = run(capture, options)
    if not flows:
        sys.exit(f"eval: {capture}: no flows")
    owners = [next((index for index, label in enumerate(labels) if label.holds(flow)), None)
              for flow in flows]
    scores = [flow["score"] for flow in flows]
    truths = [int(owner is not None) for owner in owners]
    flagged = [truth for flow, truth in zip(flows, truths) if flow["flagged"]]
    top, count = precision_at(0.01, scores, truths)
    print(f"capture                  {capture} {' '.join(options)}")
    print(f"model                    {json.dumps(model)}")
    print(f"flows                    {len(flows)}, of activities {sum(truths)}")
    print(f"AUC-ROC                  {area_under_roc(scores, truths):.3f}")
    print(f"average precision        {average_precision(scores, truths):.3f} "
          f"(by chance {sum(truths) / len(truths):.3f})")
    print(f"precision in the top 1 % {top:.3f} ({count} flows)")
    print(f"flagged                  {len(flagged)}, of activities {sum(flagged)}")
    hit = print_activities(labels, flows, owners)
    print(f"\nactivities with a flagged flow: {hit} of {len(labels)}")


if __name__ == "__main__":
    main(sys.argv[1:])
