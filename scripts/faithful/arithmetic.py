# SPDX-License-Identifier: Apache-2.0
"""Part 1: whether the numbers of an alert agree with each other, as RECORD and the schema say.

Records are read with decimal numbers (check.py), so sums are exact. Each check yields what is
wrong, in words. Called by check.py.
"""

import datetime
import math
from decimal import Decimal

import documents

HALF_MILLI = Decimal("0.0005")
PROTOCOLS = {"TCP": 6, "UDP": 17, "ICMP": 1, "IPv6-ICMP": 58, "SCTP": 132}
MOST_REASONS = 5
NS_PER_US = 1000


def close(a, b):
    """Equal but for the six digits, or three decimals, that a line keeps."""
    if a is None or b is None:
        return a is b
    return math.isclose(float(a), float(b), rel_tol=5.1e-6, abs_tol=0.00051)


def check_all(event):
    """Everything wrong with the numbers of one alert."""
    whyflow = event["whyflow"]
    for check in (check_sum, check_reasons, check_names, check_threshold):
        yield from check(whyflow)
    for check in (check_observed, check_eve, check_features, check_incident):
        yield from check(event)
    yield from check_evidence(whyflow)


def check_sum(whyflow):
    """`typical` and all contributions are the score, exactly. Features are in the list's order;
    what is not there adds 0 and was not measured."""
    total = Decimal(whyflow["typical"]) + sum(map(Decimal, whyflow["contrib"].values()))
    if total != Decimal(whyflow["score"]):
        yield f"typical + contributions = {total}, score = {whyflow['score']}"
    names = [name for name in documents.features()
             if name in whyflow["contrib"] or name in whyflow["features"]]
    if list(whyflow["contrib"]) != names:
        yield "contrib does not name all measured features in order"


def check_reasons(whyflow):
    """Reasons are the greatest contributions, in order, with their shares."""
    contributions = {name: Decimal(bits) for name, bits in whyflow["contrib"].items()}
    positive = sum(bits for bits in contributions.values() if bits > 0)
    reasons = whyflow["reasons"]
    bits = [Decimal(reason["bits"]) for reason in reasons]
    if bits != sorted(bits, reverse=True):
        yield f"reasons are out of order: {[str(each) for each in bits]}"
    for reason in reasons:
        name = reason["feature"]
        if Decimal(reason["bits"]) != contributions[name]:
            yield f"reason {name} has {reason['bits']} bits, contrib {contributions[name]}"
        if positive and abs(Decimal(reason["bits"]) / positive - Decimal(reason["share"])) \
                > HALF_MILLI:
            yield f"share of {name} is {reason['share']}, not {reason['bits']} / {positive}"
        yield from check_reason(reason, whyflow)
    yield from check_completeness(whyflow)


def left_out(whyflow):
    """Of the five features that add most, those that are no reasons. A truncated record has dropped
    some: nothing can be said of it."""
    if whyflow.get("truncated_record"):
        return []
    reasons = {reason["feature"] for reason in whyflow["reasons"]}
    positive = sorted((Decimal(bits) for bits in whyflow["contrib"].values() if bits > 0),
                      reverse=True)
    # Of equal ones at the fifth place either may be the reason.
    least = positive[MOST_REASONS - 1] if len(positive) > MOST_REASONS else 0
    return [name for name, bits in whyflow["contrib"].items()
            if name not in reasons and Decimal(bits) > least]


def check_completeness(whyflow):
    """What adds most is a reason; a category that many flows share may be left out, for it cannot
    be called rare (check.py asks the baseline how many)."""
    for name in left_out(whyflow):
        if not documents.features()[name].is_category:
            yield f"{name} adds {whyflow['contrib'][name]} and is no reason"


def check_reason(reason, whyflow):
    """A reason's value is the feature's, its direction follows from value and quantiles."""
    name, value = reason["feature"], reason.get("value")
    listed = documents.features()[name]
    if reason["label"] != listed.label:
        yield f"reason {name} is labelled {reason['label']!r}"
    if not listed.is_category and reason.get("unit") != listed.unit:
        yield f"reason {name} has unit {reason.get('unit')!r}, not {listed.unit!r}"
    if value != whyflow["features"].get(name):
        yield f"reason {name} has value {value}, the feature {whyflow['features'].get(name)}"
    if "typical" in reason:
        if not reason["p05"] <= reason["typical"] <= reason["p95"]:
            yield f"reason {name}: p05, typical, p95 are out of order"
    yield from check_direction(reason, listed)


def check_direction(reason, listed):
    name, direction, value = reason["feature"], reason["direction"], reason.get("value")
    if listed.is_category or value is None:
        seen = reason.get("seen_share")
        if direction not in ("rare", "new") or (seen == 0) != (direction == "new"):
            yield f"reason {name} is {direction}, seen in {seen}"
    elif "typical" in reason:
        wanted = "high" if value >= reason["typical"] else "low"
        if direction != wanted:
            yield f"reason {name} is {direction}: {value}, typical {reason['typical']}"


def check_names(whyflow):
    """A truncated record may lack these lists, and the last reasons, but not differ."""
    names = [reason["feature"] for reason in whyflow["reasons"]]
    is_cut = "truncated_record" in whyflow
    top = whyflow.get("top_features", names if is_cut else [])
    if top[:len(names)] != names or (len(top) != len(names) and not is_cut):
        yield f"top_features {top} are not the reasons' {names}"
    lacking = set(whyflow.get("most_informative", [])) - set(whyflow["contrib"])
    if lacking:
        yield f"most_informative names {lacking}"


def check_threshold(whyflow):
    """Surprise: the score reaches the threshold; rank is one over p."""
    is_surprise = whyflow.get("flagged_by") == "surprise"
    if is_surprise and "threshold" in whyflow and whyflow["score"] < whyflow["threshold"]:
        yield f"score {whyflow['score']} is under the threshold {whyflow['threshold']}"
    if is_surprise and not (whyflow["flagged"] or whyflow.get("notable")):
        yield "an alert by surprise that is not flagged"
    p_value = float(whyflow["p_value"])
    if abs(whyflow["rank"] - 1 / p_value) > 0.5 * (1 + 1e-6) + 2e-6 / p_value:
        yield f"rank {whyflow['rank']} is not one over p {p_value}"


def check_observed(event):
    """The sample reports' columns are the flow's facts and the features."""
    whyflow, observed = event["whyflow"], event["whyflow"]["observed"]
    flow, features = whyflow["flow"], whyflow["features"]
    forward = flow["fwd"]
    gap = forward.get("gap_us", {}).get("mean")
    wanted = {
        "ID": event["flow_id"], "IP_SRC_ADDR": event["src_ip"], "IP_DST_ADDR": event["dest_ip"],
        "L4_SRC_PORT": event.get("src_port"), "L4_DST_PORT": event.get("dest_port"),
        "PROTOCOL_NUM": PROTOCOLS.get(event["proto"], event["proto"]),
        "FIRST_SWITCHED": moment(flow["first_ns"], " "),
        "LAST_SWITCHED": moment(flow["last_ns"], " "), "IN_PKTS": forward["packets"],
        "IN_BYTES": forward["ip_bytes"],
        "FLOW_DURATION_MILLISECONDS": Decimal(flow["duration_us"]) / 1000,
        "avg_in_packet_size": features.get("mean_packet_bytes_fwd"),
        "inter_arrival_ms": None if gap is None else Decimal(gap) / 1000,
        "dst_flows_in_window": features["dst_flows_window"],
        "src_entropy_PROTOCOL": features["src_protocol_entropy_bits_window"],
        "src_flows_in_window": features["src_flows_window"],
    }
    for name, value in wanted.items():
        if not agree(observed.get(name), value):
            yield f"observed {name} is {observed.get(name)}, not {value}"
    if observed["src_IN_PKTS_sum"] < forward["packets"]:
        yield "src_IN_PKTS_sum is less than the flow's own packets"
    if observed["src_flag_SYN"] > observed["src_flows_in_window"]:
        yield "src_flag_SYN is more than the source's flows"


def agree(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return str(a) == str(b)
    return close(a, b)


def moment(time_ns, between="T"):
    """A time as records write it, without the zone; the microsecond is rounded down."""
    seconds, rest_ns = divmod(int(time_ns), 10**9)
    date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{date:%Y-%m-%d}{between}{date:%H:%M:%S}.{rest_ns // NS_PER_US:06d}"


def check_eve(event):
    """EVE's part says the same as ours."""
    flow, eve = event["whyflow"]["flow"], event["flow"]
    if event["timestamp"] != moment(flow["notice_ns"]) + "+0000" and not is_close(event):
        yield f"timestamp {event['timestamp']} is not the notice time {flow['notice_ns']}"
    for name, time_ns in (("start", flow["first_ns"]), ("end", flow["last_ns"])):
        if eve[name] != moment(time_ns) + "+0000":
            yield f"flow.{name} is {eve[name]}, not {moment(time_ns)}"
    if eve["age"] != (flow["last_ns"] - flow["first_ns"]) // 10**9:
        yield f"flow.age is {eve['age']} s"
    for way, side in (("fwd", "toserver"), ("rev", "toclient")):
        if eve[f"pkts_{side}"] != flow[way]["packets"]:
            yield f"pkts_{side} is {eve[f'pkts_{side}']}, {way} has {flow[way]['packets']}"
        if eve.get(f"bytes_{side}", math.inf) < flow[way]["ip_bytes"]:
            yield f"bytes_{side} is less than the IP bytes"


def is_close(event):
    """An incident's closing alert has the time of closing."""
    return event["whyflow"]["incident"].get("closed", False)


def check_features(event):
    """Features that repeat or combine the flow's facts."""
    flow, features = event["whyflow"]["flow"], event["whyflow"]["features"]
    for name, value in derived_features(flow).items():
        if not close(features.get(name), value):
            yield f"feature {name} is {features.get(name)}, the flow's facts say {value}"


def derived_features(flow):
    """The features that the flow's facts alone decide, by docs/features.md."""
    forward, reverse = flow["fwd"], flow["rev"]
    packets = forward["packets"] + reverse["packets"]
    ip_bytes = forward["ip_bytes"] + reverse["ip_bytes"]
    duration_us = Decimal(flow["duration_us"])
    has_rate = packets >= 2 and duration_us >= 1000
    seconds = float(duration_us) / 1e6
    found = {
        "duration_us": duration_us,
        "bytes_ratio_log2": math.log2(forward["ip_bytes"] + 1) - math.log2(
            reverse["ip_bytes"] + 1),
        "packets_per_s": packets / seconds if has_rate else None,
        "ip_bytes_per_s": ip_bytes / seconds if has_rate else None,
        "longest_gap_us": flow.get("longest_gap_us"),
        "handshake_rtt_us": flow.get("handshake_rtt_us"),
    }
    if "payload_bytes" in forward and "payload_bytes" in reverse:
        found["payload_share"] = (forward["payload_bytes"] + reverse["payload_bytes"]) / ip_bytes
    for way, facts in (("fwd", forward), ("rev", reverse)):
        found[f"packets_{way}"] = facts["packets"]
        found[f"ip_bytes_{way}"] = facts["ip_bytes"]
        found[f"mean_packet_bytes_{way}"] = (
            facts["ip_bytes"] / facts["packets"] if facts["packets"] else None)
        gaps = facts.get("gap_us", {})
        for of in ("mean", "min", "max"):
            found[f"gap_{of}_us_{way}"] = gaps.get(of)
        found[f"gap_deviation_us_{way}"] = (
            gaps.get("deviation") if facts["packets"] >= 3 else None)
    return found


def check_incident(event):
    incident = event["whyflow"].get("incident")
    if incident and not incident["first"] <= incident["last"]:
        yield "an incident's first flow is after its last"
    if incident and incident["count"] < 1:
        yield "an incident without flows"


def check_evidence(whyflow):
    """Every condition of a rule of the behaviour stands in the evidence and holds."""
    resembles = whyflow.get("resembles") or {}
    if whyflow.get("flagged_by") == "behaviour" and not resembles:
        yield "flagged by a behaviour that is not named"
    if not resembles:
        return
    rules = documents.behaviours().get(resembles["behaviour"], [])
    shown = {}
    for condition in resembles["evidence"]:
        is_least = "at_least" in condition
        limit = float(condition["at_least" if is_least else "at_most"])
        value = float(condition["value"])
        shown[condition["quantity"]] = (is_least, limit)
        if (value < limit) if is_least else (value > limit):
            yield f"{condition['quantity']} is {value}, its limit {limit}: the evidence fails"
    documented = [{quantity: (each.is_least, each.limit) for quantity, each in rule.items()}
                  for rule in rules]
    if shown not in documented:
        yield f"evidence of {resembles['behaviour']} is no rule in docs/behaviours.md: {shown}"
