# SPDX-License-Identifier: Apache-2.0
"""One run of the shipped program, from its input to scored flows, alerts and counters.

Nothing here knows a label: what a run returns is what any user of the program would get. Called by
eval.py and repeat.py.
"""

import json
import subprocess
from collections import namedtuple

Run = namedtuple("Run", "flows alerts final")
Alert = namedtuple("Alert", "notice_s incident behaviour settings")
# An incident goes on until an hour without a further flow of it (docs/design.md).
INCIDENT_SILENCE_S = 3600.0


class Flow:
    """What measuring needs of one flow line."""

    __slots__ = ("id", "piece", "capture", "first_s", "last_s", "notice_s", "source", "source_port",
                 "destination", "destination_port", "protocol", "score", "is_flagged",
                 "flagged_by", "is_notable", "behaviour", "incident", "direction", "service",
                 "features")

    def __init__(self, event):
        part = event["whyflow"]
        facts, self.features = part["flow"], part.get("features", {})
        self.id = event["flow_id"]
        self.piece = piece_of(event)
        self.capture = event.get("pcap_filename", "")
        self.first_s, self.last_s = facts["first_ns"] / 1e9, facts["last_ns"] / 1e9
        self.notice_s = facts["notice_ns"] / 1e9
        self.source, self.source_port = event["src_ip"], event.get("src_port", 0)
        self.destination, self.destination_port = event["dest_ip"], event.get("dest_port", 0)
        self.protocol = protocol_of(event["proto"])
        self.score = part.get("score", float("nan"))
        self.is_flagged = bool(part.get("flagged"))
        self.flagged_by = part.get("flagged_by", "")
        self.is_notable = bool(part.get("notable"))
        self.behaviour, self.incident = behaviour_of(part), incident_of(part)
        self.direction = self.features.get("direction", "")
        self.service = self.features.get("service", "")


def piece_of(event):
    """Names one flow record of a run: a conversation's id alone stands for all its slices."""
    facts = event["whyflow"]["flow"]
    return event["flow_id"], facts.get("slice", 0), facts["first_ns"]


def protocol_of(name):
    """As labels name protocols: both ICMPs are icmp, all else in small letters."""
    return "icmp" if "ICMP" in name else name.lower()


def behaviour_of(part):
    """The behaviour that a flow or alert line names, or ''."""
    finding = part.get("behaviour") or part.get("resembles") or ""
    if isinstance(finding, dict):
        return finding.get("behaviour") or finding.get("name") or ""
    return finding


def incident_of(part):
    """The incident's id, or None."""
    incident = part.get("incident")
    return incident.get("id") if isinstance(incident, dict) else incident


def program_output(program, arguments):
    """The lines that the program writes, as bytes; its failure is ours."""
    command = [program, *arguments, "-q", "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield from process.stdout
    # 3: an input that ends in the middle of a packet; what was good has been read.
    if process.returncode not in (0, 3):
        raise RuntimeError(f"exit code {process.returncode} of {' '.join(command)}")


def run(program, arguments):
    """Flows in the order written, alerts, and the final counters."""
    flows, alerts, final = [], [], {}
    for line in program_output(program, ["--records", "all", "--format", "native", *arguments]):
        event = json.loads(line)
        kind = event["event_type"]
        if kind == "flow":
            flows.append(Flow(event))
        elif kind == "alert":
            alerts.append(alert_of(event))
        elif kind == "stats" and event["whyflow"].get("final"):
            final = event["whyflow"]
    return Run(flows, alerts, final)


def leading_feature(part):
    """The feature that adds most to the score; of equal ones the first."""
    contributions = part["contrib"]
    return max(contributions, key=contributions.get)


def alert_of(event):
    """An alert and the key of its story: the program's incident id where it gives one."""
    part = event["whyflow"]
    behaviour = behaviour_of(part) if part.get("flagged_by") != "surprise" else ""
    incident = incident_of(part) or story_of(event, behaviour or leading_feature(part))
    notice_s = part["flow"]["notice_ns"] / 1e9
    return Alert(notice_s, incident, behaviour, part["model"]["settings"])


def story_of(event, lead):
    """Source, direction, service, and the leading feature or behaviour: RECORD's key."""
    features = event["whyflow"].get("features", {})
    return (event["src_ip"], features.get("direction", ""), features.get("service", ""), lead)


def leading_features(program, arguments, wanted):
    """The leading feature of each flow in `wanted` (pieces), from a run that alerts on every flow.

    A story needs the parts of a score, which only alert lines carry. Where alerts of one incident
    are counted instead of written, some stay unknown; their flow line names the incident then.
    """
    every = ["--alert-share", "100%", "--alerts-per-hour", "1000000", "--warmup", "0,0s"]
    lead, incidents = {}, {}
    for line in program_output(program, ["--records", "all", "--format", "native", *arguments,
                                         *every]):
        if b'"event_type":"stats"' in line[:400]:
            continue
        event = json.loads(line)
        piece = piece_of(event)
        if piece not in wanted:
            continue
        incidents.setdefault(piece, incident_of(event["whyflow"]))
        if event["event_type"] == "alert":
            lead[piece] = leading_feature(event["whyflow"])
    return lead, incidents
