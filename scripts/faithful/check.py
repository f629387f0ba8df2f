#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that whyflow's alerts tell the truth about themselves.

    scripts/faithful/check.py LINES... [--baseline FILE [--frozen]] [--parts 3|4] [--seed N]

It is written from docs/whyflow.schema.json, docs/baseline-format.md, docs/features.md,
docs/behaviours.md and the formulas in src/anomaly/baseline.h, and from nothing that makes a line:
two programs that agree are better evidence than one.

1. typical and contributions add up to the score exactly; reasons, shares, rank, threshold, the
   sample reports' columns and EVE's part agree with the flow and its features; every condition of
   a behaviour's evidence holds and is documented. (That a flow just short of one condition is not
   named is tested in tests/unit/behaviour_*_test.c: the program's engine is needed for it.)
2. Every number in prose is in the record, with its unit and meaning; reasons stand in order; words
   of direction agree with the numbers; nothing is called malicious or an attack.
With a saved baseline:
3. An independent scorer finds every contribution and the score; what reasons say of other flows
   (among whom, n, quantiles, shares) is counted again.
4. Alerts by surprise: editing the three leading reasons to what is typical un-flags them, more than
   editing three features at random; each counterfactual, replayed, is below the threshold; moving
   every number by a bin at most leaves the leading reason.

--baseline: FILE was saved by the run that wrote LINES, a replay, so each flow's own weight is taken
out. With --frozen: LINES were scored against FILE by `--baseline FILE --frozen`. LINES: alerts in
the native format; other lines are passed over. Exit code: 1 if anything is wrong, 2 for usage.
"""

import argparse
import collections
import json
import os
import sys
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import arithmetic
import baseline_file
import compared
import documents
import edits
import prose
import scorer

# Milli-bits that the program's logarithms and its rounding may be off, a contribution.
TOLERANCE_MBITS = 2
# A category that more flows share cannot be called rare: it may add much and be no reason.
RARE_SHARE = 0.1
PRINTED_MAX = 40


class Findings:
    """What was found wrong, and counts of what was looked at."""

    def __init__(self):
        self.wrong, self.by_context, self.counts = [], [], collections.Counter()

    def add(self, where, messages):
        for message in messages:
            self.wrong.append(f"{where}: {message}")


def alerts_of(path):
    """(where, event) of the alerts in a file, numbers as decimals."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if '"event_type":"alert"' in line[:1000]:
                yield f"{path}:{number}", json.loads(line, parse_float=Decimal)


def check_score(whyflow, judge, own_is_out):
    """Part 3: the scorer's contributions and score are the record's."""
    vector = scorer.vector_of(whyflow["features"])
    own = judge.own(vector) if own_is_out else None
    if judge.typical_mbits != mbits(whyflow["typical"]):
        yield f"typical is {whyflow['typical']}, the baseline says {judge.typical_mbits / 1000}"
    found = judge.contributions(vector, own)
    for feature in judge.baseline.features:
        wanted = mbits(whyflow["contrib"].get(feature.name, 0))
        if abs(found[feature.name] - wanted) <= TOLERANCE_MBITS:
            continue
        if judge.is_on_an_edge(feature, vector.get(feature.name)):
            continue
        yield (f"contribution of {feature.name} is {wanted / 1000}, "
               f"the formulas say {found[feature.name] / 1000}")


def check_compared(whyflow, judge, own_is_out):
    """Part 3: what reasons say of other flows is what the baseline holds."""
    vector = scorer.vector_of(whyflow["features"])
    own = judge.own(vector) if own_is_out else None
    for reason in whyflow["reasons"]:
        yield from compared.check_reason(reason, judge, vector, own)


def check_left_out(whyflow, judge):
    """A category that adds much and is no reason is one that many flows share."""
    vector = scorer.vector_of(whyflow["features"])
    for name in arithmetic.left_out(whyflow):
        share = judge.share_of_flows(judge.baseline.by_name[name], vector)
        if documents.features()[name].is_category and share <= RARE_SHARE:
            yield f"{name} adds {whyflow['contrib'][name]}, {share:.3f} of flows have it, no reason"


def mbits(bits):
    return int(Decimal(bits) * 1000)


def check_event(where, event, findings):
    """Parts 1 and 2 of one alert."""
    whyflow = event["whyflow"]
    findings.counts["alerts"] += 1
    findings.counts[f"by {whyflow.get('flagged_by')}"] += 1
    findings.add(where, arithmetic.check_all(event))
    wrong, by_context, untraceable = prose.check_all(event)
    findings.add(where, wrong)
    findings.by_context += by_context
    findings.counts["numbers found by context alone"] += len(by_context)
    findings.counts["comparisons of reasons that truncation dropped"] += untraceable
    findings.counts["truncated"] += whyflow.get("truncated_record", False)


def check_files(arguments):
    """All parts; (findings, edit figures or None)."""
    findings, figures = Findings(), None
    judge = None
    if arguments.baseline:
        judge = scorer.Scorer(baseline_file.Baseline(arguments.baseline))
        if arguments.parts == 4:
            figures = edits.Figures(judge, not arguments.frozen, arguments.seed)
    for path in arguments.lines:
        for where, event in alerts_of(path):
            check_event(where, event, findings)
            if judge:
                findings.add(where, check_score(event["whyflow"], judge, not arguments.frozen))
                findings.add(where, check_compared(event["whyflow"], judge,
                                                   not arguments.frozen))
                findings.add(where, check_left_out(event["whyflow"], judge))
            if figures:
                findings.add(where, figures.add(event["whyflow"]))
    return findings, figures


def say(findings, figures, is_quiet):
    """Prints what was found."""
    for line in findings.wrong[:PRINTED_MAX]:
        print(line)
    if len(findings.wrong) > PRINTED_MAX:
        print(f"... and {len(findings.wrong) - PRINTED_MAX} more")
    if is_quiet:
        return
    print(", ".join(f"{count} {what}" for what, count in findings.counts.items()))
    print("behaviours: evidence checked against its limits here; that each condition is needed is "
          "tested in tests/unit/behaviour_*_test.c")
    if figures:
        print("\n".join(figures.lines()))
    print(f"{len(findings.wrong)} violations")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lines", nargs="+", metavar="LINES")
    parser.add_argument("--baseline", metavar="FILE")
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--parts", type=int, choices=(3, 4), default=4, metavar="N",
                        help="with --baseline: the parts up to 3 or 4 (default)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", metavar="FILE", help="write part 4's figures as JSON")
    parser.add_argument("--quiet", action="store_true", help="violations only")
    parser.add_argument("--show-context", action="store_true",
                        help="print the numbers that no phrase knew, and what they were taken for")
    arguments = parser.parse_args()
    if arguments.frozen and not arguments.baseline:
        parser.error("--frozen needs --baseline")
    findings, figures = check_files(arguments)
    if findings.counts["alerts"] == 0:
        parser.error("no alerts in these lines")
    if arguments.show_context:
        print("\n".join(findings.by_context))
    say(findings, figures, arguments.quiet)
    if arguments.figures:
        with open(arguments.figures, "w", encoding="utf-8") as file:
            json.dump({"alerts": findings.counts["alerts"], "violations": len(findings.wrong),
                       **(figures.as_dict() if figures else {})}, file)
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
