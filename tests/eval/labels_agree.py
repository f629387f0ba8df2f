#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""labels_agree.py PROGRAM CAPTURE LABELS TOOL: sets.py and TOOL label each flow the same.

TOOL reads flows as lines of JSON and adds label, activity and behaviour. Exit code 1 if one
differs, or if no flow is labelled at all. Run by tests/golden/eval_measures.sh.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/eval"))

import runs  # noqa: E402
import sets  # noqa: E402


def lines_for_tool(flows):
    """Flows as the tool reads them."""
    return "\n".join(json.dumps({
        "src": flow.source, "sport": flow.source_port, "dst": flow.destination,
        "dport": flow.destination_port, "proto": flow.protocol, "first": flow.first_s,
        "last": flow.last_s}) for flow in flows)


def main(program, capture, labels, tool):
    """Prints how many agree."""
    flows = runs.run(program, ["-r", capture]).flows
    ours = sets.truths_of_laboratory(labels, flows)
    output = subprocess.run([sys.executable, tool, labels], input=lines_for_tool(flows),
                            stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    theirs = [json.loads(line) for line in output.splitlines()]
    same = sum((truth.label, truth.activity, truth.behaviour) ==
               (line["label"], line["activity"] or "", line["behaviour"] or "")
               for truth, line in zip(ours, theirs))
    labelled = sum(truth.label == 1 for truth in ours)
    print(f"{same} of {len(theirs)} flows labelled the same, {labelled} of activities")
    return 0 if same == len(theirs) == len(flows) and labelled else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
