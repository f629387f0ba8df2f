# SPDX-License-Identifier: Apache-2.0
"""The facts of a record by name, and numbers found among them by the words that stand beside them.

Names are those of features where a fact is one. Called by prose.py.
"""

import ipaddress
import re

import documents
import printed

UNITS = ["packets/s", *printed.RATE, *printed.TIME, *printed.SIZE, *printed.SHARE]
NUMBERS = re.compile(
    rf"(?<![\w.:,'/-])(?P<number>1 in {printed.NUMBER}|{printed.NUMBER})"
    rf"(?: ?(?P<unit>{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![\w/]))?")
# Parts of a fact's name -> words of which one must stand in the sentence.
WORDS = {
    "fwd": r"sent|source|initiator|client|forward|uploaded|out\b",
    "rev": r"received|responder|server|return|back|downloaded|answer",
    "src": r"source|initiator|it\b|its\b|client", "dst": r"destination|responder|server|to it",
    "pair": r"pair|two\b|between them|same (host|destination)", "peers": r"peer|host|destination",
    "ports": r"port", "flows": r"flow|connection", "sources": r"source|host|client",
    "gap": r"gap|apart|silence|between|interval|pause|spac", "mean": r"mean|average|apart",
    "deviation": r"deviat|vary|varie|jitter", "duration": r"last|duration|took|in\b|for\b|over",
    "longest": r"longest|silence", "handshake": r"handshake|round", "packets": r"packet",
    "bytes": r"byte|[kMGT]B|size|carr", "window": r"window|minute|\b60 s", "10m": r"ten minutes",
    "score": r"scor", "threshold": r"threshold|flagged", "rank": r"1 in ", "n": r"flows",
    "protocol": r"protocol|type", "port": r"port", "share": r"%|share|payload",
    "unanswered": r"answer", "new": r"new", "variation": r"regular|variation|even",
    "interval": r"interval|regular|apart", "retransmitted": r"again|retransmi",
    "idle": r"idle|last flow", "ttl": r"TTL|hop", "alone": r"alone|itself|own|each",
    "together": r"together|both",
}
# Parts of names that only tell the unit, or that sentences may leave out.
SILENT = {"us", "s", "ip", "log2", "bits", "min", "max", "per", "since", "last", "rtt", "knows"}


def facts_of(event):
    """Name -> value of everything in the record that prose may say."""
    whyflow = event["whyflow"]
    flow = whyflow["flow"]
    facts = {name: whyflow["features"].get(name) for name in documents.features()}
    facts.update(
        state=flow["state"], basis=flow["basis"], rank=whyflow["rank"],
        n=whyflow["baseline"]["n"], score=whyflow["score"], threshold=whyflow.get("threshold"),
        src_port=event.get("src_port"), dest_port=event.get("dest_port"),
        icmp_type=event.get("icmp_type"), icmp_code=event.get("icmp_code"),
        protocol_number=whyflow["observed"]["PROTOCOL_NUM"],
        service_name=flow.get("service", {}).get("name"),
        service_port=flow.get("service", {}).get("port"))
    for way in ("fwd", "rev"):
        for name in ("payload_bytes", "retransmitted", "out_of_order", "duplicates", "ttl_min"):
            facts[f"{name}_{way}"] = flow[way].get(name)
    facts["retransmitted"] = sum(flow[way].get("retransmitted", 0) for way in ("fwd", "rev"))
    facts["duplicates"] = sum(flow[way].get("duplicates", 0) for way in ("fwd", "rev"))
    facts.update(more_facts(whyflow))
    facts["addresses"] = [inner for side in ("src_ip", "dest_ip")
                          for inner in embedded(event[side])]
    return facts


def more_facts(whyflow):
    """What explanations of one alert say beside its features."""
    found = {}
    counterfactual = whyflow.get("counterfactual", {})
    for change in counterfactual.get("changes", []):
        found[f"{change['feature']}@to"] = change["to"]
    if "score" in counterfactual:
        found["score@counterfactual"] = counterfactual["score"]
    combination = whyflow.get("combination")
    if combination:
        alone_of_service, alone = combination["bits_alone"]
        found.update({"bits_alone@service": alone_of_service, "bits_alone": alone,
                      "bits_together": combination["bits_together"],
                      "n@combination": combination.get("n")})
    for reason in whyflow["reasons"]:
        for name in ("typical", "p05", "p95"):
            if name in reason:
                found[f"{reason['feature']}@{name}"] = reason[name]
        if "seen_share" in reason:
            found[f"seen_share@{reason['feature']}"] = reason["seen_share"]
    return found


def embedded(address):
    """IPv4 addresses within an IPv6 address: 6to4, Teredo, NAT64."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return []
    found = [parsed.sixtofour] if parsed.sixtofour else []
    found += list(parsed.teredo or ())
    if parsed in ipaddress.ip_network("64:ff9b::/96"):
        found.append(ipaddress.ip_address(int(parsed) & 0xFFFFFFFF))
    return [str(each) for each in found]


def unit_of(name):
    """The kinds and factor a fact is printed in, by its name."""
    base = name.partition("@")[0]
    listed = documents.features().get(base)
    if name.startswith("seen_share"):
        return ("share",), 1
    if listed:
        return printed.RECORD_UNITS.get(listed.unit, (("amount",), 1))
    return (("size",), 1) if "bytes" in base else (("amount",), 1)


def is_named(name, sentence):
    """Whether the sentence names the fact: by its label, or by a word for each part of its name."""
    base, _, of = name.partition("@")
    listed = documents.features().get(base) or documents.features().get(of)
    if listed and listed.label in sentence:
        return True
    parts = [part for part in re.split(r"[_@]", base) if part not in SILENT]
    return bool(parts) and all(re.search(WORDS.get(part, re.escape(part)), sentence, re.I)
                               for part in parts)


def find(match, sentence, facts):
    """The name of a fact that the number is and that the sentence names; None."""
    number, unit = match.group("number"), match.group("unit") or ""
    if number.startswith("1 in "):
        return "rank" if printed.agrees(number[5:], "count", facts["rank"]) else None
    for name, value in facts.items():
        if isinstance(value, (str, list)) or value is None or not is_named(name, sentence):
            continue
        kinds, factor = unit_of(name)
        if unit == "packets/s" and name == "packets_per_s":
            kinds, unit = ("amount",), ""
        for kind in kinds:
            if unit in printed.KINDS.get(kind, ()) and printed.agrees(
                    f"{number} {unit}".strip(), kind, float(value) * factor):
                return name
    return None
