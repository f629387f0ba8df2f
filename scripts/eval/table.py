# SPDX-License-Identifier: Apache-2.0
"""The tables of `make eval`, as text or Markdown. Called by eval.py."""

import math

MEASURES = (("auc", "AUC"), ("ap", "AP"), ("p_half_percent", "P@.5%"), ("p_one_percent", "P@1%"),
            ("r_tenth_percent", "R@.1%FA"), ("r_one_percent", "R@1%FA"))
COLUMNS = ["set", "mode", "flows", "chance", "model", *[title for _, title in MEASURES],
           "found", "alerts/h", "inc./h", "kept", "false inc."]
NOTES = """\
flows: those measured; chance: the share of them that belongs to activities, which is AP by chance;
AUC: area under ROC; AP: average precision; P@: precision in the highest .5 % and 1 % of flows;
R@: recall at .1 % and 1 % false alarms; found: activities with a flagged flow; inc.: incidents;
kept: surprise incidents over those asked for (online, 6 an hour: under six hours the bucket of 36
allows more; replay: flows over the share of 1 %); false inc.: incidents on a set without
activities. *: a peer better than whyflow. -: cannot be said: no such flows, or the set is shorter
than the warm-up. Differences under .05 AP are noise."""


def print_all(results, is_markdown, has_activities):
    """The one table, its notes, then readings and, if asked for, activities."""
    if not results:
        return
    print()
    print_table(COLUMNS, [row for result in results for row in score_rows(result)], is_markdown)
    print()
    print(NOTES)
    rows = [row for row in map(reading_row, results) if row]
    if rows:
        print("\nReading incidents in order: behaviours by time, then surprise from the highest\n")
        print_table(["set", "mode", "found before 10th false", "before 40th", "missed before 40th",
                     "behaviours right", "named wrongly"], rows, is_markdown)
    if has_activities:
        print_activities(results, is_markdown)


def number(value, digits=3):
    """A figure, or "-" where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.{digits}f}"


def score_rows(result):
    """A row for whyflow, which has all the columns, and one for each peer."""
    found, alerts, ours = result["found"], result["alerts"], result["whyflow"]
    of = f"{number(found['activities_found'], 0)} of {found['activities']}"
    chance = result["chance"] if ours else None
    yield [result["set"], result["mode"], str(result["measured"]), number(chance), "whyflow",
           *[number(ours.get(key)) for key, _ in MEASURES],
           of if found["activities"] else "-", number(alerts.get("alerts_per_hour"), 1),
           number(alerts.get("incidents_per_hour"), 1), number(alerts.get("budget_kept"), 2),
           number(alerts.get("false_incidents"), 0)]
    for name, theirs in result["peers"].items():
        yield ["", "", "", "", name, *[marked(theirs[key], ours[key]) for key, _ in MEASURES],
               "", "", "", "", ""]


def marked(theirs, ours):
    """A peer's figure, with a star where it is better by what is printed."""
    return number(theirs) + ("*" if round(theirs, 3) > round(ours, 3) else "")


def reading_row(result):
    """Only for sets whose activities are labelled by behaviour, or that have none."""
    reading, names = result.get("reading"), result["names"]
    if not reading and not result["is_benign"]:
        return None
    total = names["right"] + len(names["wrong"])
    right = f"{names['right']} of {total}" if total else "-"
    before = [f"{reading[f'before_{count}']} of {reading['activities']}" if reading else "-"
              for count in (10, 40)]
    missed = ", ".join(reading["missed_40"]) if reading else ""
    return [result["set"], result["mode"], *before, missed or "-", right,
            "; ".join(names["wrong"]) or "none"]


def print_activities(results, is_markdown):
    """Each activity: its flows, those flagged, behaviours named, best rank by score."""
    for result in results:
        rows = [[lot["activity"], str(lot["flows"]), str(lot["flagged"]), str(lot["best_rank"]),
                 ", ".join(lot["behaviours"]) or "-"] for lot in result["found"]["lots"]]
        if rows:
            print(f"\n{result['set']} {result['mode']}: activities\n")
            print_table(["activity", "flows", "flagged", "best rank", "behaviours"], rows,
                        is_markdown)


def print_table(titles, rows, is_markdown):
    """Aligned columns; words to the left, figures to the right."""
    if is_markdown:
        print("| " + " | ".join(titles) + " |")
        print("|" + "---|" * len(titles))
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(len(row[at]) for row in [titles, *rows]) for at in range(len(titles))]
    for row in [titles, *rows]:
        cells = [cell.rjust(width) if is_figure(cell) else cell.ljust(width)
                 for cell, width in zip(row, widths)]
        print("  ".join(cells).rstrip())


def is_figure(cell):
    """Whether a cell is a number, perhaps marked."""
    return cell[:1].isdigit() and " " not in cell
