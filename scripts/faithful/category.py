# SPDX-License-Identifier: Apache-2.0
"""Categories: from the words in a line to the codes in a baseline, and what derives from what.

Codes as src/feature/category.h gives them; words as lines have them. Called by scorer.py and
edits.py.
"""

import collections
import re

PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51,
             "icmpv6": 58, "sctp": 132}
STATES = ["unknown state", "attempted", "refused", "half_open", "established", "closed", "reset",
          "midstream", "continued", "answered", "one_way"]
KNOWN = ["new", "under 1 min", "1 min or longer"]
DIRECTIONS = ["in_to_in", "in_to_out", "out_to_in", "out_to_out"]
UNITS = {"B": 0, "kB": 10, "MB": 20, "GB": 30, "TB": 40, "PB": 50, "EB": 60}  # log2
SIZE_STEP_BITS = 4
# What is left to tell of these once the service is known: their lowest eight bits.
OF_SERVICE = ("service_state", "protocol_state", "service_size")

# Categories that tell of the four facts below.
TELLING = ("protocol", "service", "service_state", "protocol_state", "service_size")
# The four facts that five categories tell of.
Kind = collections.namedtuple("Kind", "protocol service state size")


def protocol_code(words):
    if words.startswith("protocol "):
        return int(words.split()[1])
    return PROTOCOLS[words]


def service_code(words):
    """ "tcp/443", "udp/other", "icmp type 8", "gre"."""
    name, _, rest = words.partition(" type ")
    if rest:
        return protocol_code(name) << 16 | int(rest)
    name, _, port = words.partition("/")
    return protocol_code(name) << 16 | (int(port) if port.isdigit() else 0)


def size_code(words):
    """ "under 16 B", "256 B to 4 kB": the class's lower end is a power of 16."""
    if words.startswith("under"):
        return 0
    if words == "very large":
        return 64 // SIZE_STEP_BITS - 1
    number, unit = re.match(r"(\d+) (\w+)", words).groups()
    return (int(number).bit_length() - 1 + UNITS[unit]) // SIZE_STEP_BITS


def with_state(words):
    """The words before the state, and the state."""
    for state in STATES:
        if words.endswith(" " + state):
            return words.removesuffix(" " + state), STATES.index(state)
    raise ValueError(f"no state in {words!r}")


def code_of(name, words):
    """The code of a category feature's words."""
    if name == "protocol":
        return protocol_code(words)
    if name == "service":
        return service_code(words)
    if name == "service_size":
        service, _, size = words.partition(", ")
        return service_code(service) << 8 | size_code(size)
    if name in ("service_state", "protocol_state"):
        whole, state = with_state(words)
        of_whole = service_code if name == "service_state" else protocol_code
        return of_whole(whole) << 8 | state
    return (DIRECTIONS if name == "direction" else KNOWN).index(words)


def kind_of(codes):
    """The four facts behind a vector's categories."""
    return Kind(codes["protocol"], codes["service"], codes["service_state"] & 255,
                codes["service_size"] & 255)


def codes_of(kind):
    """The five categories that tell of the four facts."""
    return {"protocol": kind.protocol, "service": kind.service,
            "service_state": kind.service << 8 | kind.state,
            "protocol_state": kind.protocol << 8 | kind.state,
            "service_size": kind.service << 8 | kind.size}


def facts_told(name, code):
    """What a category's code tells of the four facts: fact -> value."""
    if name == "protocol":
        return {"protocol": code}
    if name == "service":
        return {"protocol": code >> 16, "service": code}
    if name == "protocol_state":
        return {"protocol": code >> 8, "state": code & 255}
    fact = "state" if name == "service_state" else "size"
    return {"protocol": code >> 24, "service": code >> 8, fact: code & 255}


def possible(kind):
    """The same with a state its protocol can have: not answered, or answered, as it was."""
    state = STATES[kind.state]
    if kind.protocol == PROTOCOLS["tcp"]:
        state = {"one_way": "attempted", "answered": "closed"}.get(state, state)
    elif state != "continued":
        unanswered = ("attempted", "one_way", "unknown state")
        state = "one_way" if state in unanswered else "answered"
    return kind._replace(state=STATES.index(state))


def size_class(ip_bytes):
    """floor(log2(bytes + 1) / 4)"""
    return (int(ip_bytes) + 1).bit_length() - 1 >> 2
