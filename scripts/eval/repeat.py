#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long one who repeats an odd flow takes to make it ordinary.

    scripts/eval/repeat.py [--program PROGRAM] [--json FILE]

A day of ordinary flows is learnt; on the next, the same odd flow comes 10,000 times, either spread
evenly over the day or as fast as a flood (100 a second). Flow lines are scored by `-R --online`,
with and without --flood-robust, and nothing else is set. Printed is after how many repetitions,
and after how long, the flow
- is for the first time neither flagged nor notable (its p is above what the budget allows), and
- for the first time scores below the 99th percentile of that day's ordinary flows: ordinary.
The day is benign-2023-02-20, else pcaps/quiet.pcap, repeated. Called by `make eval`.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENIGN = "../shared/data/labelled/flows/benign-2023-02-20.csv.gz"
QUIET = "pcaps/quiet.pcap"
HOUR_NS = 3600 * 10 ** 9
DAY_NS = 24 * HOUR_NS
# The quiet capture lasts under five minutes: it comes again at each hour.
TILE_NS = {BENIGN: DAY_NS, QUIET: HOUR_NS}
REPETITIONS, FLOOD_GAP_NS = 10000, 10 ** 7
ODD_DESTINATION, ODD_PORT, ODD_FACTOR = "203.0.113.66", 31337, 200
ORDINARY_QUANTILE = 0.99


def read_day(program, folder):
    """(path of the source, flow lines as objects) of ordinary traffic."""
    if os.path.exists(BENIGN):
        command = [os.path.join(HERE, "convert.py"), "--labels", os.path.join(folder, "l"), BENIGN]
        path = BENIGN
    else:
        command, path = [program, "-r", QUIET, "-q", "-o", "native+flows:-"], QUIET
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    return path, [line for line in lines if line["event_type"] == "flow"]


def moved(line, by_ns):
    """The same flow, later: every time of it that is read again."""
    facts = shift(dict(line["whyflow"]["flow"]), by_ns)
    for way in ("fwd", "rev"):
        if way in facts:
            facts[way] = shift(dict(facts[way]), by_ns)
    return {**line, "whyflow": {**line["whyflow"], "flow": facts}}


def shift(facts, by_ns):
    """Moves what is named as a point in time."""
    for name in ("first_ns", "last_ns", "notice_ns"):
        if name in facts:
            facts[name] += by_ns
    return facts


def tiled_days(lines, tile_ns):
    """Two days of ordinary lines, in order of notice."""
    begin = notice_ns(lines[0])
    tiles = [moved(line, at) for at in range(0, 2 * DAY_NS, tile_ns) for line in lines]
    return sorted((line for line in tiles if notice_ns(line) < begin + 2 * DAY_NS), key=notice_ns)


def notice_ns(line):
    return line["whyflow"]["flow"]["notice_ns"]


def odd_line(lines):
    """A finished TCP flow of the day, bound for elsewhere and two hundred times as large."""
    plain = next(line for line in lines if line["proto"] == "TCP" and
                 line["whyflow"]["flow"].get("rev", {}).get("packets", 0) > 4)
    odd = copy.deepcopy(plain)
    odd["dest_ip"], odd["dest_port"] = ODD_DESTINATION, ODD_PORT
    odd["flow_id"] = 1
    sent, frames = odd["whyflow"]["flow"]["fwd"], odd.get("flow", {})
    for counts, names in ((sent, ("packets", "ip_bytes", "payload_bytes")),
                          (frames, ("pkts_toserver", "bytes_toserver"))):
        for name in names:
            if name in counts:
                counts[name] *= ODD_FACTOR
    for name in ("service", "community_id"):
        odd["whyflow"]["flow"].pop(name, None)
        odd.pop(name, None)
    return odd


def repetitions(odd, begin_ns, gap_ns):
    """The odd flow again and again from `begin_ns` on."""
    offset = begin_ns - notice_ns(odd)
    return [moved(odd, offset + number * gap_ns) for number in range(REPETITIONS)]


def score(program, path, options):
    """What the program says of each flow line, in its order."""
    command = [program, "-R", path, "--online", "-q", "-o", "native+flows:-", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["event_type"] == "flow":
                yield event
    if process.returncode:
        sys.exit(f"repeat: exit code {process.returncode} of {' '.join(command)}")


def judge(events, begin_ns):
    """(is flagged or notable, score, time in ns) of each repetition, and the day's ordinary bar."""
    odd, ordinary = [], []
    for event in events:
        part = event["whyflow"]
        if event["dest_ip"] == ODD_DESTINATION:
            told = bool(part.get("flagged") or part.get("notable"))
            odd.append((told, part["score"], notice_ns(event) - begin_ns))
        elif notice_ns(event) >= begin_ns:
            ordinary.append(part["score"])
    ordinary.sort()
    return odd, ordinary[int(ORDINARY_QUANTILE * (len(ordinary) - 1))]


def first_time(odd, holds):
    """(number, hours) of the first repetition that `holds` is true of, or None."""
    for number, one in enumerate(odd, 1):
        if holds(one):
            return {"number": number, "hours": one[2] / HOUR_NS}
    return None


def measure(program, lines, tile_ns, gap_ns, options, folder):
    """One row of the table."""
    days = tiled_days(lines, tile_ns)
    begin_ns = notice_ns(days[0]) + DAY_NS
    mixed = sorted(days + repetitions(odd_line(lines), begin_ns, gap_ns), key=notice_ns)
    path = os.path.join(folder, "repeat.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for line in mixed:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    odd, bar = judge(score(program, path, options), begin_ns)
    return {"told": sum(told for told, _, _ in odd), "first_score": odd[0][1],
            "last_score": odd[-1][1], "ordinary_bar": bar, "repetitions": len(odd),
            "untold": first_time(odd, lambda one: not one[0]),
            "ordinary": first_time(odd, lambda one: one[1] < bar)}


def when(first):
    """A first time in words."""
    if first is None:
        return "never"
    seconds = first["hours"] * 3600
    time = f"{seconds:.1f} s" if seconds < 60 else f"{first['hours']:.2f} h"
    return f"{first['number']:,} ({time})"


def reads_records(program):
    """Whether the program has -R."""
    output = subprocess.run([program, "--help"], stdout=subprocess.PIPE, encoding="utf-8",
                            check=True).stdout
    return "-R," in output.split()


def main():
    """Measures the four cases and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/whyflow"))
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    os.chdir(ROOT)
    if not reads_records(program):
        sys.exit("repeat: skipped: the program has no -R")
    results = []
    with tempfile.TemporaryDirectory(prefix="whyflow-eval.") as folder:
        path, lines = read_day(program, folder)
        print(f"\nAn odd flow {REPETITIONS:,} times, after a day of {os.path.basename(path)}\n")
        print(f"{'spread over':11}  {'option':14}  {'told':>6}  {'first untold':>18}  "
              f"{'ordinary from':>18}  {'score first, last':>18}  {'99 % of ordinary':>16}")
        for pace, gap_ns in (("a day", DAY_NS // REPETITIONS), ("100 s", FLOOD_GAP_NS)):
            for robust in ([], ["--flood-robust"]):
                row = measure(program, lines, TILE_NS[path], gap_ns, robust, folder)
                results.append({"pace": pace, "options": robust, **row})
                scores = f"{row['first_score']:.1f}, {row['last_score']:.1f}"
                print(f"{pace:11}  {' '.join(robust) or '-':14}  {row['told']:6}  "
                      f"{when(row['untold']):>18}  {when(row['ordinary']):>18}  {scores:>18}  "
                      f"{row['ordinary_bar']:16.1f}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
