# SPDX-License-Identifier: Apache-2.0
"""Phrases of prose: which fact each number in them is, in which unit; and claims without numbers.

A phrase is a regular expression in which {fact:kind} stands for a number: `fact` as context.py
names it, `kind` as printed.py does. A longer phrase stands before those that are parts of it.
Called by prose.py. To add a sentence, add its phrase; it is written from what the sentence says in
English, never from the code that prints it.
"""

import re

import printed


class Phrase:
    """A compiled phrase."""

    def __init__(self, template):
        self.names = []

        def group(match):
            self.names.append((match.group(1), match.group(2)))
            return printed.pattern(match.group(2))

        self.regex = re.compile(re.sub(r"\{([\w.@]+):(\w+)\}", group, template))

    def numbers(self, match):
        """(fact, kind, as printed) of each number of a match."""
        found = [words for words in match.groups()]
        return [(name, kind, words) for (name, kind), words in zip(self.names, found)
                if words is not None]


TEMPLATES = (
    r"(?<=sent|ived) in {duration_us:time}",  # before what it looks back at is used up
    # packets and sizes
    r"{packets_fwd:count} packets? \({ip_bytes_fwd:size}\) sent",
    r"{packets_rev:count} packets? \({ip_bytes_rev:size}\) received",
    r"That is {ip_bytes_per_s:rate} and {packets_per_s:amount} packets/s",
    r"Packets sent carry {mean_packet_bytes_fwd:size} on average",
    r"Packets received carry {mean_packet_bytes_rev:size} on average",
    # time
    r"Packets sent came {gap_mean_us_fwd:time} apart on average "
    r"\({gap_min_us_fwd:time} to {gap_max_us_fwd:time}\)",
    r"The two packets sent came {gap_mean_us_fwd:time} apart",
    r"The longest silence was {longest_gap_us:time}",
    r"The handshake took {handshake_rtt_us:time}",
    r"Of its TCP segments {retransmitted:count} were sent again",
    r"{duplicates:count} cop(?:y|ies) of its packets came too",
    # surroundings
    r"the source had {src_flows_window:count} flows? to {src_peers_window:count} hosts?",
    r"the source had {src_flows_window:count} flows? to about {src_peers_window:amount} hosts?",
    r"the destination {dst_flows_window:count} flows? from {dst_sources_window:count} hosts?",
    r"the destination {dst_flows_window:count} flows? from about "
    r"{dst_sources_window:amount} hosts?",
    # ports and types
    r"port {src_port:count}, [^.;]*? to port {dest_port:count}",
    r"from port {src_port:count} to port {dest_port:count}",
    r"at port {src_port:count}(?=[^.]*server's side)",
    r"to port {dest_port:count}",
    r"from port {src_port:count}",
    r"Protocol {protocol_number:count} (?=flow|exchange)",
    r"of type {icmp_type:count}, code {icmp_code:count}",
    r"\(port {service_port:count} is ",
    # the score
    r"compared with {n:count} flows",
    r"1 in {rank:count} scores as high",
    r"it scores as 1 in {rank:count}",
    # readings
    r"intervals of its flows vary by only {interval_variation:amount}",
    # what if, and what together
    r"it would have scored {score@counterfactual:amount} bits, below the (?:threshold of )?"
    r"{threshold:amount}",
    r"is usual \({bits_alone@service:amount} bits\)",
    r"\({bits_alone:amount} bits\)(?=;)",
    r"among {n@combination:count} flows of that service it is not \({bits_together:amount} bits\)",
)
PHRASES = [Phrase(template) for template in TEMPLATES]


def is_one_of(*values):
    return lambda value: value in values


def is_at_least_sixteen(value):
    return value >= 16


# (words, fact, whether the fact's value bears them out)
CLAIMS = (
    (r"Only the source's packets were seen", "packets_rev", is_one_of(0)),
    (r"nothing received", "packets_rev", is_one_of(0)),
    (r"No earlier flow of the two is remembered", "src_knows_dst", is_one_of("new")),
    (r"The two have met before", "src_knows_dst", is_one_of("under 1 min", "1 min or longer")),
    (r"no earlier flow with", "src_knows_dst", is_one_of("new")),
    (r"It came from outside", "direction", is_one_of("out_to_in")),
    (r"outside and was answered", "packets_rev", bool),
    (r"closed by both sides", "state", is_one_of("closed")),
    (r"refused by a reset", "state", is_one_of("refused")),
    (r"that nobody answered", "state", is_one_of("attempted")),
    (r"the initiator did not complete", "state", is_one_of("half_open")),
    (r"ended by a reset", "state", is_one_of("reset")),
    (r"not seen to end", "state", is_one_of("established")),
    (r"its beginning not seen", "state", is_one_of("midstream")),
    (r", one way:", "state", is_one_of("one_way")),
    (r"goes on with an earlier one", "state", is_one_of("continued")),
    (r"(UDP|ICMP) exchange", "state", is_one_of("answered")),
    (r"told by the ports", "basis", is_one_of("port")),
    (r"the sender of the first packet is taken for the initiator", "basis", is_one_of("first")),
    (r"to about [\d,]+ hosts", "src_peers_window", is_at_least_sixteen),
    (r"from about [\d,]+ hosts", "dst_sources_window", is_at_least_sixteen),
)
