# SPDX-License-Identifier: Apache-2.0
"""Whether the explanations of a set's alerts are true: figures of scripts/faithful/check.py.

The alerts of a replay are checked against the baseline that the same replay saved. Called by
eval.py.
"""

import json
import os
import subprocess
import sys

import table

HERE = os.path.dirname(os.path.abspath(__file__))
CHECK = os.path.join(os.path.dirname(HERE), "faithful", "check.py")
TITLES = ["set", "alerts", "by surprise", "violations", "ended by 3 reasons", "by 3 at random",
          "lead changed", "counterfactuals", "hold"]
NOTES = """\
violations: of scripts/faithful/check.py, which prints them; ended: flags that end when so many
features are typical instead; lead changed: flags whose first reason is another when every number
moves by a bin at most; hold: counterfactuals below the threshold when scored again."""


def measure(trial, folder):
    """Figures of one trial in replay mode, or None: no alerts."""
    lines, baseline, figures = (os.path.join(folder, f"{trial.chosen.name}.{ending}")
                                for ending in ("alerts", "baseline", "figures"))
    with open(lines, "wb") as file:
        done = subprocess.run([trial.bench.program, *trial.inputs, *trial.arguments, "-q",
                               "--format", "native", "--save-baseline", baseline], stdout=file)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"exit code {done.returncode} of the run to check")
    checked = subprocess.run([sys.executable, CHECK, lines, "--baseline", baseline, "--figures",
                              figures], stdout=subprocess.PIPE)
    if checked.returncode == 2:
        return None
    if not os.path.exists(figures):
        raise RuntimeError(f"{CHECK} failed on {trial.chosen.name}")
    with open(figures, encoding="utf-8") as file:
        return {"set": trial.chosen.name, **json.load(file)}


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def row(found):
    flags = found["flags"]
    return [found["set"], str(found["alerts"]), str(flags), str(found["violations"]),
            *[share(found[name], flags)
              for name in ("ended_by_reasons", "ended_by_random", "lead_changed")],
            str(found["counterfactuals"]),
            share(found["counterfactuals_kept"], found["counterfactuals"])]


def mean_row(results):
    """Means over sets, each set counted once."""
    flagged = [found for found in results if found["flags"]]
    names = ("ended_by_reasons", "ended_by_random", "lead_changed")
    means = [sum(found[name] / found["flags"] for found in flagged) / len(flagged)
             for name in names]
    return ["mean", "", "", "", *[share(mean, 1) for mean in means], "", ""]


def print_all(results, is_markdown):
    """The table, if anything was measured."""
    results = [found for found in results if found]
    if not results:
        return
    print("\nExplanations, replay at the default share\n")
    rows = [row(found) for found in results]
    if any(found["flags"] for found in results):
        rows.append(mean_row(results))
    table.print_table(TITLES, rows, is_markdown)
    print("\n" + NOTES)
