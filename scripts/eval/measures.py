# SPDX-License-Identifier: Apache-2.0
"""What a list of scores is worth next to the truth. Pure functions over numpy arrays.

`scores`: the higher the more unusual; `truths`: 1 for a flow of an activity, 0 for an ordinary one.
A score that is missing (NaN) counts as the lowest: a flow without a score is never an alarm. Equal
scores are one threshold: no measure depends on the order in which equal flows are given. Called by
eval.py; tested by tests/eval/measures_test.py.
"""

import math

import numpy as np

# An attacker's flows go on being one activity until so long a silence.
EPISODE_SILENCE_S = 3600.0


def _ranked(scores, truths):
    """Unusual and ordinary flows at each distinct score, the highest first."""
    scores = np.asarray(scores, dtype=float)
    truths = np.asarray(truths, dtype=int)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    _, group = np.unique(-scores, return_inverse=True)
    unusual = np.bincount(group, weights=truths)
    return unusual, np.bincount(group) - unusual


def area_under_roc(scores, truths):
    """The share of (unusual, ordinary) pairs in the right order; a tie counts half."""
    if len(scores) == 0:
        return math.nan
    unusual, ordinary = _ranked(scores, truths)
    pairs = unusual.sum() * ordinary.sum()
    if pairs == 0:
        return math.nan
    below = ordinary.sum() - np.cumsum(ordinary)
    return float((unusual * (below + ordinary / 2)).sum() / pairs)


def average_precision(scores, truths):
    """Precision at each threshold, weighted by the recall it adds."""
    if len(scores) == 0 or not np.any(truths):
        return math.nan
    unusual, ordinary = _ranked(scores, truths)
    precision = np.cumsum(unusual) / np.cumsum(unusual + ordinary)
    return float((precision * unusual).sum() / unusual.sum())


def precision_at(share, scores, truths):
    """Precision among the ceil(share x N) highest; of equal ones at the edge, the expected part."""
    if len(scores) == 0:
        return math.nan
    wanted = math.ceil(share * len(scores))
    unusual, ordinary = _ranked(scores, truths)
    sizes = unusual + ordinary
    taken = np.clip(wanted - (np.cumsum(sizes) - sizes), 0, sizes)
    return float((taken * unusual / sizes).sum() / wanted)


def recall_at(false_alarm_share, scores, truths):
    """Unusual flows found by the lowest threshold with at most that share of false alarms."""
    if len(scores) == 0 or not np.any(truths):
        return math.nan
    unusual, ordinary = _ranked(scores, truths)
    allowed = math.floor(false_alarm_share * ordinary.sum())
    return float(unusual[np.cumsum(ordinary) <= allowed].sum() / unusual.sum())


def of_scores(scores, truths):
    """Every measure of the table that asks only for scores."""
    return {
        "auc": area_under_roc(scores, truths),
        "ap": average_precision(scores, truths),
        "p_half_percent": precision_at(0.005, scores, truths),
        "p_one_percent": precision_at(0.01, scores, truths),
        "r_tenth_percent": recall_at(0.001, scores, truths),
        "r_one_percent": recall_at(0.01, scores, truths),
    }


def mean_of(rows):
    """The mean of several measurements of one thing, key by key (for seeds)."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def episodes(flows, silence_s=EPISODE_SILENCE_S):
    """A number for each (key, start in seconds): the same while a key is never silent for long.

    For truths that name a kind of attack and not the single attack: (what, source) is the key.
    """
    numbers, latest, current, count = [0] * len(flows), {}, {}, 0
    for index in sorted(range(len(flows)), key=lambda index: flows[index][1]):
        key, start_s = flows[index]
        if key not in latest or start_s - latest[key] > silence_s:
            current[key] = count
            count += 1
        latest[key] = start_s
        numbers[index] = current[key]
    return numbers


def found_before(readings, false_count):
    """Activities found in a list of readings before its `false_count`-th false one.

    A reading is an incident's truth: the activity's name, "" for false, None where it cannot be
    told, which counts as neither.
    """
    found, wrong = set(), 0
    for reading in readings:
        if reading is None:
            continue
        if reading == "":
            wrong += 1
            if wrong == false_count:
                break
        else:
            found.add(reading)
    return found
