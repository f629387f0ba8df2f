#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what whyflow's scores are worth on labelled sets, beside other detectors.

    scripts/eval/eval.py [OPTION]... [SET]... [-- WHYFLOW OPTIONS]

One run of the shipped program for each set and mode, from packets (or flow records) to scores;
labels are joined afterwards (sets.py), so nothing of them can reach a score. The hash of the
settings is printed before a run and must be that of its alerts. --local-nets is given for each
network, and nothing else is set, but for what stands after `--`.

Modes: `replay` learns the whole capture and scores it; `online` scores each flow by those before
it. Online, a set that starts from a baseline is measured from its first flow on; another after its
warm-up: the first 2,000 flows or the first quarter, whichever is less, train every detector and
are measured for none. Of a replay's alerts it is told besides whether they are true
(faithfulness.py). Called by `make eval`, which builds first.
"""

import argparse
import collections
import json
import math
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
try:
    import numpy as np
    import sklearn  # noqa: F401 - peers.py needs it; better to say so before an hour's run
except ImportError as error:
    sys.exit(f"eval: {error}; on Debian: apt-get install python3-numpy python3-sklearn "
             "(scripts/packages install eval)")

import captures
import faithfulness
import measures
import peers
import runs
import sets
import table

ROOT = os.path.dirname(os.path.dirname(HERE))
WARMUP_FLOWS, WARMUP_SHARE, WARMUP_S = 2000, 0.25, 1800.0
SEEDS = (1, 2, 3)
# A capture that trains is moved to end so long before the set: a baseline is of the past (the quiet
# capture was made after the other), no window reaches over, and the warm-up is done.
GAP_S = 3600
# Stories are read until the 40th false one; those of so many flows are made, the highest first.
READ_FLOWS = 6000
FALSE_COUNTS = (10, 40)


class Workbench:
    """The program under test, what it can do, and what is kept between runs."""

    def __init__(self, program, options, folder):
        self.program, self.options, self.folder = program, options, folder
        words = set(self._ask("--help").split())
        self.has_baseline = "--baseline" in words
        self.has_records_input = "--read-records" in words or "-R," in words
        self.converted, self.baselines, self.runs = {}, {}, {}

    def _ask(self, *arguments):
        return subprocess.run([self.program, *arguments], stdout=subprocess.PIPE,
                              encoding="utf-8", check=True).stdout

    def version(self):
        """The program's version and libraries, in a line."""
        return ", ".join(self._ask("--version").split("\n")[:2])

    def settings_hash(self, arguments):
        """The hash of the settings that a run with these arguments would have, or '?'."""
        words = self._ask("-T", "-v", *arguments).split()
        return words[words.index("settings") + 1] if "settings" in words else "?"

    def run(self, arguments):
        """A run, made once for the same arguments."""
        key = tuple(arguments)
        if key not in self.runs:
            self.runs[key] = runs.run(self.program, arguments)
        return self.runs[key]

    def convert(self, path):
        """Flow lines and labels of a table of flows: (lines, labels)."""
        if path not in self.converted:
            lines = os.path.join(self.folder, os.path.basename(path) + ".flows.jsonl")
            labels = lines.replace(".flows.jsonl", ".labels.csv")
            with open(lines, "wb") as file:
                subprocess.run([os.path.join(HERE, "convert.py"), "--labels", labels, path],
                               stdout=file, check=True)
            self.converted[path] = (lines, labels)
        return self.converted[path]

    def moved(self, capture, before):
        """A copy of `capture` that ends an hour before `before` begins, made once."""
        file = os.path.join(self.folder, "moved-" + os.path.basename(capture).removesuffix(".zst"))
        if not os.path.exists(file):
            captures.move_before(capture, before, GAP_S, file)
        return file

    def baseline(self, capture, arguments):
        """A saved baseline of a capture, made once."""
        key = (capture, *arguments)
        if key not in self.baselines:
            file = os.path.join(self.folder, f"{len(self.baselines)}.baseline")
            subprocess.run([self.program, "-r", capture, "-q", *arguments, "-o", os.devnull,
                            "--save-baseline", file], check=True)
            self.baselines[key] = file
        return self.baselines[key]


class Trial:
    """One set in one mode: what the program gave, joined with the truth."""

    def __init__(self, bench, chosen, mode):
        self.bench, self.chosen, self.mode = bench, chosen, mode
        self.arguments = ["--local-nets", chosen.networks, *chosen.options, *bench.options]
        if mode == "online":
            self.arguments.append("--online")
        self.labels, self.before = chosen.labels, chosen.before
        self.inputs = self._inputs()

    def _inputs(self):
        chosen, bench = self.chosen, self.bench
        if chosen.is_converted:
            lines, self.labels = bench.convert(chosen.path)
            return ["-R", lines]
        if not self.starts_warm():
            return ["-r", chosen.path]
        self.before = bench.moved(chosen.before, chosen.path)
        if not bench.has_baseline:
            return ["-r", self.before, "-r", chosen.path]
        return ["-r", chosen.path, "--baseline", bench.baseline(self.before, self.arguments)]

    def starts_warm(self):
        """Whether the run starts from a baseline."""
        return self.mode == "online" and self.chosen.before is not None

    def settings_hash(self):
        """The hash that the run's alerts will carry, asked of the program before it."""
        return self.bench.settings_hash(self.inputs + self.arguments)

    def run(self):
        """Runs and joins; flows of the set alone are kept, and those that trained before it."""
        done = self.bench.run(self.inputs + self.arguments)
        self.final = done.final
        self.earlier, self.flows = self._parted(done.flows)
        begin_s = min(flow.first_s for flow in self.flows)
        self.alerts = [alert for alert in done.alerts if alert.notice_s >= begin_s]
        end_s, warm_s = self.flows[-1].notice_s, self._warm_s(done.flows)
        self.alert_hours = max(0.0, end_s - max(begin_s, warm_s)) / 3600
        self.truths = self.chosen.truths(self.labels, self.flows)
        self.training, self.first = self._training()
        self.measured = [index for index in range(self.first, len(self.flows))
                         if self.truths[index].label is not None]
        return self

    def _parted(self, flows):
        """What peers train on before the set, if anything, and the flows of the set."""
        if not self.starts_warm():
            return [], flows
        if "--baseline" in self.inputs:
            return self.bench.run(["-r", self.before, *self.arguments]).flows, flows
        return ([flow for flow in flows if flow.capture == self.before],
                [flow for flow in flows if flow.capture == self.chosen.path])

    def _training(self):
        """Rows that peers train on, and the first flow of the set that is measured."""
        if self.mode == "replay":
            return slice(0, len(self.flows)), 0
        if self.earlier:
            return slice(0, len(self.earlier)), 0
        warmup = int(min(WARMUP_FLOWS, len(self.flows) * WARMUP_SHARE))
        return slice(0, warmup), warmup

    def _warm_s(self, flows):
        """From when on the program may alert: its warm-up, if there is one, is over."""
        if self.mode == "replay" or "--baseline" in self.inputs:
            return -math.inf
        if len(flows) < WARMUP_FLOWS:
            return math.inf
        return max(flows[0].notice_s + WARMUP_S, flows[WARMUP_FLOWS - 1].notice_s)

    def measured_or_untold(self):
        """Measured flows and, from the first of them on, those whose truth cannot be told."""
        return range(self.first, len(self.flows))

    def scores(self):
        return np.array([self.flows[index].score for index in self.measured])

    def labels_of_measured(self):
        return np.array([self.truths[index].label for index in self.measured], dtype=int)

    def activities(self):
        """Activity -> its measured flows, in order of their labels' first appearance."""
        of = collections.OrderedDict()
        for index in self.measured:
            if self.truths[index].label == 1:
                of.setdefault(self.truths[index].activity, []).append(index)
        return of


def measure_peers(trial):
    """Peer -> measures (means over the seeds, where something is drawn)."""
    matrix = peers.columns(trial.earlier + trial.flows, trial.training.stop)
    tested = [len(trial.earlier) + index for index in trial.measured]
    truths = trial.labels_of_measured()
    scored = peers.score_all(matrix, trial.training, tested, trial.mode == "online", SEEDS)
    return {name: measures.mean_of([measures.of_scores(scores, truths) for scores in of_seeds])
            for name, of_seeds in scored.items()}


def measure_alerts(trial):
    """Alerts, incidents and the budget; behaviours have a budget of their own."""
    hours = trial.alert_hours
    if hours <= 0:
        return {"alerts": len(trial.alerts)}
    surprise = {alert.incident for alert in trial.alerts if not alert.behaviour}
    behaviour = {alert.incident for alert in trial.alerts if alert.behaviour}
    engine, limits = trial.final["engine"], trial.final["limits"]
    if trial.mode == "online":
        asked, actual = limits["alerts_per_hour"] * hours, len(surprise)
    else:
        asked = math.ceil(limits["alert_share"] * len(trial.flows))
        actual = sum(flow.is_flagged and flow.flagged_by != "behaviour" for flow in trial.flows)
    return {
        "alerts": len(trial.alerts), "incidents": len(surprise | behaviour),
        "surprise_incidents": len(surprise), "behaviour_incidents": len(behaviour),
        "alerts_per_hour": len(trial.alerts) / hours,
        "incidents_per_hour": len(surprise | behaviour) / hours,
        "asked": asked, "budget_kept": actual / asked, "notable": engine["notable"],
        "false_incidents": len(surprise | behaviour) if trial.chosen.is_benign else None,
    }


def measure_activities(trial):
    """Activities of which a flow was flagged, by surprise or by behaviour, and each one's lot."""
    order = sorted(trial.measured, key=lambda index: (-trial.flows[index].score, index))
    rank = {index: place for place, index in enumerate(order, 1)}
    lots = []
    for name, mine in trial.activities().items():
        flows = [trial.flows[index] for index in mine]
        lots.append({"activity": name, "flows": len(mine),
                     "flagged": sum(flow.is_flagged for flow in flows),
                     "behaviours": sorted({flow.behaviour for flow in flows} - {""}),
                     "best_rank": min(rank[index] for index in mine)})
    can_alert = trial.alert_hours > 0
    return {"activities": len(lots), "lots": lots,
            "activities_found": sum(lot["flagged"] > 0 for lot in lots) if can_alert else None}


def reading_of(truth):
    """As measures.found_before wants it."""
    return None if truth.label is None else truth.activity


def behaviour_stories(trial):
    """The truth of the first flow of each behaviour's story, in order of time.

    A story is the program's incident where it gives one, else behaviour, source and direction: a
    scan of a thousand ports is one.
    """
    stories = {}
    for flow, truth in zip(trial.flows, trial.truths):
        if flow.behaviour:
            key = (flow.behaviour, flow.source, flow.direction)
            if flow.incident is not None and flow.flagged_by == "behaviour":
                key = flow.incident
            stories.setdefault(key, truth)
    return list(stories.values())


def surprise_stories(trial):
    """Truths of the strongest flow of each story, highest score first.

    A story is source, direction, service and leading feature without an hour's silence, as an
    incident is; every flow is in one, as if the budget were without end.
    """
    order = sorted(trial.measured_or_untold(), key=lambda index: -trial.flows[index].score)
    order = order[:READ_FLOWS]
    wanted = {trial.flows[index].piece for index in order}
    lead, incidents = runs.leading_features(trial.bench.program, trial.inputs + trial.arguments,
                                            wanted)
    keys = []
    for index in order:
        flow = trial.flows[index]
        keys.append((incidents.get(flow.piece) or
                     (flow.source, flow.direction, flow.service, lead.get(flow.piece)),
                     flow.notice_s))
    stories = {}
    for number, index in zip(measures.episodes(keys), order):
        stories.setdefault(number, trial.truths[index])
    return list(stories.values())


def measure_reading(trial):
    """Activities found by reading behaviours in order of time, then surprise from the highest."""
    readings = [reading_of(truth) for truth in behaviour_stories(trial)]
    readings += [reading_of(truth) for truth in surprise_stories(trial)]
    every = set(trial.activities())
    result = {"activities": len(every)}
    for count in FALSE_COUNTS:
        found = measures.found_before(readings, count) & every
        result[f"before_{count}"] = len(found)
        result[f"missed_{count}"] = sorted(every - found)
    return result


def measure_names(trial):
    """Behaviours named, and which of them rightly.

    Counted once for each behaviour, source and activity (or none), so that one story that begins
    rightly cannot hide what else it names. An unclear flow counts as neither.
    """
    named = {(flow.behaviour, flow.source, truth)
             for flow, truth in zip(trial.flows, trial.truths)
             if flow.behaviour and truth.label is not None}
    right, wrong = [], []
    for behaviour, source, truth in sorted(named):
        if truth.behaviour in sets.RIGHT_NAMES.get(behaviour, ()):
            right.append(behaviour)
        else:
            wrong.append(f"{behaviour} of {source}: {truth.activity or 'ordinary flows'}")
    return {"right": len(right), "wrong": wrong,
            "right_by_name": dict(collections.Counter(right))}


def measure(trial, options):
    """All figures of a trial, after its run."""
    started = time.monotonic()
    trial.run()
    ran_s = time.monotonic() - started
    truths = trial.labels_of_measured()
    result = {
        "set": trial.chosen.name, "mode": trial.mode, "is_benign": trial.chosen.is_benign,
        "flows": len(trial.flows),
        "measured": len(trial.measured), "of_activities": int(truths.sum()),
        "chance": float(truths.mean()) if len(truths) else 0.0,
        "alert_hours": trial.alert_hours, "program_s": ran_s,
        "whyflow": measures.of_scores(trial.scores(), truths) if truths.any() else {},
        "alerts": measure_alerts(trial), "found": measure_activities(trial),
        "names": measure_names(trial), "peers": {},
    }
    if truths.any() and not options.no_peers:
        result["peers"] = measure_peers(trial)
    if trial.chosen.truths in (sets.truths_of_laboratory, sets.truths_of_plain):
        result["reading"] = measure_reading(trial)
    return result


def parse(arguments):
    """Options of ours, and those of the program after `--`."""
    program_options = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, program_options = arguments[:at], arguments[at + 1:]
    names = [chosen.name for chosen in sets.SETS]
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog="sets: " + ", ".join(names),
        usage="eval.py [OPTION]... [SET]... [-- WHYFLOW OPTIONS]")
    parser.add_argument("sets", nargs="*", metavar="SET", help="all, if none is named")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/whyflow"))
    parser.add_argument("--mode", choices=("replay", "online"), help="this mode alone")
    parser.add_argument("--no-peers", action="store_true", help="leave the other detectors out")
    parser.add_argument("--activities", action="store_true", help="a table of each activity too")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--json", metavar="FILE", help="write all figures to FILE")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sets) - set(names))
    if unknown:
        parser.error(f"no set {', '.join(unknown)}; there are: {', '.join(names)}")
    options.program = os.path.abspath(options.program)
    return options, program_options


def try_sets(bench, options):
    """Measures each set that is at hand; prints settings before each run."""
    results = []
    for chosen in sets.SETS:
        if options.sets and chosen.name not in options.sets:
            continue
        missing = chosen.missing()
        if chosen.is_converted and not bench.has_records_input:
            missing = "an input -R of the program"
        if missing:
            print(f"{chosen.name}: skipped: {missing} is not there")
            continue
        for mode in [options.mode] if options.mode else ["replay", "online"]:
            trial = Trial(bench, chosen, mode)
            frozen = trial.settings_hash()
            print(f"{chosen.name} {mode}: settings {frozen}: "
                  f"{' '.join(trial.arguments)}", flush=True)
            results.append(measure(trial, options))
            results[-1]["settings"] = frozen
            if mode == "replay":
                results[-1]["faithful"] = faithfulness.measure(trial, bench.folder)
            used = {alert.settings for alert in trial.alerts}
            if frozen != "?" and used - {frozen}:
                sys.exit(f"eval: settings of the run are {used}, not {frozen}")
        bench.runs.clear()
    return results


def without_nan(value):
    """The same, with null for what cannot be said: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def main(arguments):
    """Runs what is asked and prints the tables."""
    options, program_options = parse(arguments)
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="whyflow-eval.") as folder:
        bench = Workbench(options.program, program_options, folder)
        version = bench.version()
        print(f"program: {version}")
        results = try_sets(bench, options)
    table.print_all(results, options.markdown, options.activities)
    faithfulness.print_all([result.get("faithful") for result in results], options.markdown)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"version": version, "results": without_nan(results)}, file, indent=1)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (subprocess.CalledProcessError, RuntimeError) as error:
        sys.exit(f"eval: {error}")
    except BrokenPipeError:
        # A reader that has seen enough; standard output is not to be flushed once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
